"""On SQLite the index that is read by time has plate and licence too: parts of them are looked for in it."""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.drop_index("orders_by_time", "orders")
    op.create_index("orders_by_time_with_plate", "orders", ["lot_id", "requested_at", "order_id", "plate", "licence"])
