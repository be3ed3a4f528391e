"""By which token: departures, reductions, passes, shifts, price lists and calendar days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calendar_days", sa.Column("via", sa.Text(), server_default="", nullable=False))
    op.add_column("departures", sa.Column("via", sa.Text(), server_default="", nullable=False))
    op.add_column("passes", sa.Column("via", sa.Text(), server_default="", nullable=False))
    op.add_column("price_lists", sa.Column("via", sa.Text(), server_default="", nullable=False))
    op.add_column("reductions", sa.Column("via", sa.Text(), server_default="", nullable=False))
    op.add_column("shifts", sa.Column("via", sa.Text(), server_default="", nullable=False))
    op.add_column("shifts", sa.Column("closed_via", sa.Text(), server_default="", nullable=False))
