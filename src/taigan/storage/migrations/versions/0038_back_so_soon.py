"""A stay whose car had left a moment before gets no free minutes again, where a lot's policy says so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("free_used", sa.Boolean(), server_default=sa.false(), nullable=False))
