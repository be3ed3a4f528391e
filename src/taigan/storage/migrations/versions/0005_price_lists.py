"""Price lists by version and date, and what a lot says of holidays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment, Serial

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_lists",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "version", name=op.f("pk_price_lists")),
        sa.UniqueConstraint("lot_id", "valid_from", name=op.f("uq_price_lists_lot_id_valid_from")),
    )
    op.create_table(
        "calendar_days",
        sa.Column("calendar_id", Serial, nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("calendar_id", name=op.f("pk_calendar_days")),
    )
    op.create_index(op.f("ix_calendar_days_lot_id"), "calendar_days", ["lot_id"], unique=False)
