"""What is awaited, and what failed because nothing was heard of it, is found without reading all bills and payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

SILENT = "state = 'failed' AND {} = 'nothing was heard of it by the morning'"


def upgrade() -> None:
    on_sqlite, on_postgres = sa.text("awaited = 1"), sa.text("awaited")
    op.create_index(
        "bills_awaited", "bills", ["lot_id", "closed_at"], sqlite_where=on_sqlite, postgresql_where=on_postgres
    )
    for name, table, column, said in (
        ("payments_silent", "payments", "received_at", "note"),
        ("attempts_silent", "attempts", "started_at", "said"),
    ):
        where = sa.text(SILENT.format(said))
        op.create_index(name, table, ["lot_id", column], sqlite_where=where, postgresql_where=where)
