"""Who is inside is found by the plate that was read: the indexes leave out the many that have none.

With them in, PostgreSQL takes every plate for the one that all of those share, and reads all who are inside.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, column in (("orders_inside_by_plate", "plate"), ("orders_inside_by_likeness", "likeness")):
        where = sa.text(f"state = 'in' AND {column} <> ''")
        op.drop_index(name, "orders")
        op.create_index(name, "orders", ["lot_id", column], sqlite_where=where, postgresql_where=where)
