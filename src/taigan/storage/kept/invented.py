"""A week that never was, for those who try the platform: its rows are told by their numbers, and dropped together."""

from __future__ import annotations

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.sums import stretches

PREFIX = "invented-"
"""What the numbers of invented orders, payments and lifts begin with; no other number does."""
_OF_ORDERS = (t.order_events, t.bills, t.payments, t.reductions, t.lifts, t.departures, t.deliveries, t.orders)


def is_there(conn: sa.Connection, lot_id: str) -> bool:
    """Whether the lot has invented stays."""
    c = t.orders.c
    found = sa.select(c.order_id).where(c.lot_id == lot_id, c.order_id >= PREFIX, c.order_id < f"{PREFIX}~").limit(1)
    return conn.execute(found).first() is not None


def is_empty(conn: sa.Connection, lot_id: str) -> bool:
    """Whether nothing ever happened in the lot."""
    return conn.execute(sa.select(t.orders.c.order_id).where(t.orders.c.lot_id == lot_id).limit(1)).first() is None


def clear(conn: sa.Connection, lot_id: str) -> None:
    """Drop what was invented, and what was summed up with it."""
    for table in _OF_ORDERS:
        c = table.c
        conn.execute(sa.delete(table).where(c.lot_id == lot_id, c.order_id >= PREFIX, c.order_id < f"{PREFIX}~"))
    c = t.lifts.c
    conn.execute(sa.delete(t.lifts).where(c.lot_id == lot_id, c.lift_id >= PREFIX, c.lift_id < f"{PREFIX}~"))
    conn.execute(sa.delete(t.day_sums).where(t.day_sums.c.lot_id == lot_id))
    stretches.drop(conn, lot_id)
