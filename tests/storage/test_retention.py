"""Every table says for how long it keeps its rows; what is older goes in small steps, and nothing else does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from taigan.lot.policy import Policy
from taigan.storage import tables as t
from taigan.storage.database import Database
from taigan.storage.kept import retention
from taigan.storage.kept.retention import STAYS, SWEEPS, Sweep
from taigan.storage.locked import facts
from taigan.storage.shown import views
from taigan.storage.tables import metadata

NOW = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(days=40_000), NOW - timedelta(seconds=1)
LIVE_STATES = {"orders": "in", "deliveries": "pending", "attempts": "unclear"}


def test_every_table_is_swept_or_is_said_to_stay() -> None:
    """A new table must say in `retention` for how long it keeps its rows, or that it does not grow."""
    swept = {sweep.table.name for sweep in SWEEPS}
    assert swept | STAYS == set(metadata.tables)
    assert not swept & STAYS


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: f"{sweep.table.name}-{sweep.setting}")
def test_every_sweep_names_a_setting(sweep: Sweep) -> None:
    assert getattr(Policy(), sweep.setting) >= 0


def row(table: sa.Table, number: int, at: datetime, **given: Any) -> dict[str, Any]:
    """A row with every moment at `at`, and something in every other column."""
    made: dict[str, Any] = {}
    for column in table.columns:
        if isinstance(column.type, t.Moment):
            made[column.name] = at
        elif isinstance(column.type, sa.LargeBinary):
            made[column.name] = bytes([number]) * 32
        elif isinstance(column.type, sa.Boolean):
            made[column.name] = False
        elif isinstance(column.type, sa.Date):
            made[column.name] = date(2020, 1, number)
        elif isinstance(column.type, sa.Integer | sa.BigInteger):
            made[column.name] = number if column.primary_key else 0
        else:
            made[column.name] = f"{column.name}{number}"
    made |= {"state": "done"} if "state" in table.columns else {}
    if table.name == "orders":
        made |= {"lot_id": "1-7", "channel_id": "A1", "state": "out"}
    if table.name == "staff_sessions":
        made["login"] = "login1"
    return {**made, **given}


@pytest.fixture
async def lot(database: Database) -> Database:
    def set_up(conn: sa.Connection) -> None:
        conn.execute(sa.insert(t.vendors), {"union_id": "1", "name": ""})
        lot = {"lot_id": "1-7", "union_id": "1", "park_id": "7", "spaces": 1, "spaces_free": 1}
        conn.execute(sa.insert(t.lots), lot)
        lane = {"lot_id": "1-7", "channel_id": "A1", "direction": "entry", "confirm": "accepted", "barrier": {}}
        conn.execute(sa.insert(t.lanes), lane)
        conn.execute(sa.insert(t.staff), row(t.staff, 1, NOW))

    await database.write(set_up)
    return database


async def sweep_all(database: Database, sweep: Sweep, before: datetime) -> int:
    """A pass in steps; how many rows it dropped or emptied."""
    at = await database.read(lambda conn: retention.first(conn, sweep))
    end = await database.read(lambda conn: retention.length(conn, sweep))
    rows = 0
    while at < end:
        at, changed = await database.write(lambda conn: retention.step(conn, sweep, before, at))  # noqa: B023
        rows += changed
    return rows


TIMED = [sweep for sweep in SWEEPS if sweep.setting != "key_overlap" and sweep.table.name != "pass_plates"]


@pytest.mark.parametrize("sweep", TIMED, ids=lambda sweep: f"{sweep.table.name}-{sweep.setting}")
async def test_the_old_row_goes_or_is_emptied_and_the_young_and_the_live_one_stay(lot: Database, sweep: Sweep) -> None:
    table = sweep.table
    rows = [row(table, 1, OLD), row(table, 2, YOUNG)]
    if table.name in LIVE_STATES:
        rows.append(row(table, 3, OLD, state=LIVE_STATES[table.name]))
    await lot.write(lambda conn: conn.execute(sa.insert(table), rows))
    assert await sweep_all(lot, sweep, NOW - timedelta(days=1)) == 1
    assert await sweep_all(lot, sweep, NOW - timedelta(days=1)) == 0
    left = await lot.read(lambda conn: conn.execute(sa.select(table)).mappings().all())
    if not sweep.emptied:
        assert len(left) == len(rows) - 1
        return
    assert len(left) == len(rows)
    for name, empty in sweep.emptied.items():
        assert [found[name] for found in left].count(empty) == 1


async def test_the_plates_of_a_pass_go_with_it(lot: Database) -> None:
    sweep = next(sweep for sweep in SWEEPS if sweep.table.name == "pass_plates")
    await lot.write(lambda conn: conn.execute(sa.insert(t.pass_plates), [row(t.pass_plates, n, NOW) for n in (1, 2)]))
    kept = row(t.passes, 1, NOW)
    await lot.write(lambda conn: conn.execute(sa.insert(t.passes), kept))
    assert await sweep_all(lot, sweep, NOW) == 1


async def test_a_large_table_is_gone_over_in_steps_none_of_which_looks_at_all_of_it(lot: Database) -> None:
    sweep = next(sweep for sweep in SWEEPS if sweep.table.name == "alarms")
    rows = [row(t.alarms, number, OLD, event_id="", text="x" * 300) for number in range(1, 10_001)]
    await lot.write(lambda conn: conn.execute(sa.insert(t.alarms), rows))
    at, changed = await lot.write(lambda conn: retention.step(conn, sweep, NOW, 0))
    assert 0 < changed <= 2500
    assert changed + await sweep_all(lot, sweep, NOW) == 10_000
    assert at > 0


async def test_what_waits_in_a_lane_is_found_by_its_index(lot: Database) -> None:
    def plans(conn: sa.Connection) -> str:
        explain = "EXPLAIN QUERY PLAN" if conn.dialect.name == "sqlite" else "EXPLAIN"
        facts.lock(conn, ["1-7"])
        seen = []
        for statement in (facts._WAITING_IN, views._orders(("lot_id",), True, False, False)):
            text = str(
                statement.compile(
                    dialect=conn.dialect,
                    compile_kwargs={"render_postcompile": True},
                )
            )
            names = {"lot": "1-7", "channel": "A1", "lot_id": "1-7", "limit": 10}
            values = [names.get(name, 0) for name in statement.compile(dialect=conn.dialect).positiontup or []]
            found = conn.exec_driver_sql(f"{explain} {text}", tuple(values)).all()
            seen.append(" ".join(map(str, found)))
        return "\n".join(seen)

    def fill(conn: sa.Connection) -> None:
        lanes = ["A1", *(f"B{n}" for n in range(50))]
        lane = {"lot_id": "1-7", "direction": "entry", "confirm": "accepted", "barrier": {}}
        conn.execute(sa.insert(t.lanes), [{**lane, "channel_id": channel_id} for channel_id in lanes[1:]])
        rows = [row(t.orders, n, OLD, presence_id=f"p{n}", channel_id=lanes[n % len(lanes)]) for n in range(3000)]
        conn.execute(
            sa.insert(t.orders), [{**each, "state": "waiting" if n % 3 else "out"} for n, each in enumerate(rows)]
        )

    def look(conn: sa.Connection) -> None:
        conn.exec_driver_sql("ANALYZE")

    await lot.write(fill)
    await lot.write(look)
    shown = await lot.write(plans)
    in_lane, of_lot = shown.split("\n", 1)
    assert "orders_waiting_in_lane" in in_lane, shown
    assert "orders_waiting" in of_lot or "orders_by_time" in of_lot, shown  # a page may be read by time
