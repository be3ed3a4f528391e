"""A lot keeps the code for paying inside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lots", sa.Column("prepay_url", sa.Text(), server_default="", nullable=False))
