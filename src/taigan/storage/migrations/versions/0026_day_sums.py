"""What a day came to, for reports; ended stays and bills by when they ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "day_sums",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("begins_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("sums", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "begins_at", name=op.f("pk_day_sums")),
    )
    op.create_index(
        "bills_by_end",
        "bills",
        ["lot_id", "closed_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NOT NULL"),
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(
        "orders_by_end",
        "orders",
        ["lot_id", "closed_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NOT NULL"),
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
