"""On which days a pass holds, and for how long after its end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("passes", sa.Column("days", sa.Text(), server_default="", nullable=False))
    op.add_column("passes", sa.Column("grace_days", sa.Integer(), nullable=True))
