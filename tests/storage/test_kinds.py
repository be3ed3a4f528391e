"""Records of many keys at once: what the database reads for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.database import Database
from taigan.storage.locked import ledger
from taigan.storage.rows import Lane, Lot
from taigan.storage.setup import registry

INSIDE = 4000
MORNING = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
LOT = Lot("1-7", "1", "7", "东门", "Asia/Shanghai", "", 9_999, 9_999, False, False)
LANE = Lane("1-7", "A1", "entry", "automatic", "accepted", True, "", True, {"driver": "x"}, "", False)
KEYS = [("1-7", "粤B00007"), ("1-7", "粤B00008")]


async def test_a_plate_is_found_among_many_that_came_since_the_database_last_looked_the_table_over(
    database: Database,
) -> None:
    """A database that has only seen cars without a plate must not read everybody who is inside to find one."""
    base = {"lot_id": "1-7", "origin": "scan", "state": "in", "waiting_for": "", "channel_id": "A1"}
    cars = [
        {**base, "order_id": f"o{n}", "presence_id": f"p{n}", "licence": f"L{n}", "requested_at": MORNING}
        for n in range(INSIDE)
    ]

    def find(conn: sa.Connection) -> tuple[dict[str, list[str]], str]:
        registry.add_vendor(conn, "1", "", "key", MORNING)
        registry.add_lot(conn, LOT, MORNING)
        registry.add_lane(conn, LANE)
        conn.execute(sa.insert(t.orders), cars)
        conn.exec_driver_sql("ANALYZE")
        read = sa.func.substr(t.orders.c.licence, 2)
        padded = sa.func.substr("00000" + read, sa.func.length(read) + 1, 5)
        conn.execute(sa.update(t.orders).values(plate="粤B" + padded))
        found = ledger.INSIDE_BY_PLATE.read(conn, KEYS)
        return {plate: [one.licence for one in orders] for (_, plate), orders in found.items()}, _read(conn)

    found, read = await database.write(find)
    assert found == {"粤B00007": ["L7"], "粤B00008": ["L8"]}
    assert read == "2 by orders_inside_by_plate"


def _read(conn: sa.Connection) -> str:
    """How many rows of the table are read for the keys, and by which index."""
    text = str(ledger.INSIDE_BY_PLATE._queries[conn.dialect.name].compile(dialect=conn.dialect))
    keys = (json.dumps(KEYS),)
    if conn.dialect.name == "sqlite":
        (plan,) = [step[3] for step in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", keys) if "orders" in step[3]]
        each = "SEARCH orders USING INDEX orders_inside_by_plate (lot_id=? AND plate=?)"
        return "2 by orders_inside_by_plate" if plan == each else str(plan)
    [[plan]] = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", keys).scalars()
    (scan,) = [node for node in _nodes(plan["Plan"]) if node.get("Relation Name") == "orders"]
    looked_at = (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"]
    return f"{looked_at:.0f} by {scan['Index Name']}"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for under in plan.get("Plans", ()):
        yield from _nodes(under)
