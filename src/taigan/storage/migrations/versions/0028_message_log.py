"""What BoLink and the lots said to each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message_log",
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), server_default="", nullable=False),
        sa.Column("plate", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_log")),
    )
    op.create_index("message_log_by_lot", "message_log", ["lot_id", "message_id"], unique=False)
    op.create_index("message_log_of_order", "message_log", ["lot_id", "order_id", "message_id"], unique=False)
    op.create_index("message_log_of_plate", "message_log", ["lot_id", "plate", "message_id"], unique=False)
