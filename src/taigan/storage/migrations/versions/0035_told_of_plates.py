"""What BoLink says of a plate: a shared space is reserved for it, stays of it were never paid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("reserved", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("orders", sa.Column("arrears", sa.Integer(), server_default="0", nullable=False))
