"""A night's books: 100,000 payments held against BoLink's (4.1), and a full list of 50,000 passes taken over (10.6).

    .venv/bin/python -m benchmarks.books [--payments 100000] [--passes 50000] [--naive 5000] [--keep]

Ours is `Reconciling.reconcile` and `Errands.fetch_passes` as the platform calls them, on a database of its own on each
engine, PostgreSQL as durable as it is shipped; BoLink's side answers from memory, page by page, so that neither its
time nor the wire's is in it. Beside them the usual way in the same run, a row at a time: a query for each payment that
BoLink names and one for what was paid for its order; a transaction for each pass that looks it up, writes it and its
plate. The usual way does `--naive` rows and is told by the row. `locked` is how long the lot's row was held at a
stretch, when cars of that lot wait.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from benchmarks import scene, seeding
from benchmarks.postgres import server
from benchmarks.side_by_side import RESULTS, told, where
from taigan.bolink.chapters.reconciliation import Orders, PastOrder, QueryOrders, Withdrawals
from taigan.bolink.chapters.reports import Count, ListPasses, ParkedCount, Pass, Passes
from taigan.bolink.values import PassKind
from taigan.clock import SystemClock
from taigan.lot.errands.passes import fetch
from taigan.lot.errands.reconciling import Reconciling
from taigan.lot.ids import RandomIds
from taigan.lot.leaving.room import Room
from taigan.lot.leaving.unheard import Unheard
from taigan.lot.policy import Policy
from taigan.storage import tables as t
from taigan.storage.database import Database, open_database
from taigan.storage.locked import facts
from taigan.storage.locked.sheet import Sheet

LOT = scene.lot_id(scene.PARKS[0])
ZONE = ZoneInfo("Asia/Shanghai")
DAY = (datetime.now(ZONE) - timedelta(days=1)).date()
BEGIN = datetime.combine(DAY, datetime.min.time(), ZONE).astimezone(UTC)
AT_ONCE = 5_000


class Bolink:
    """BoLink's side of one lot: its books of a day and its passes, page by page."""

    def __init__(self, payments: int, passes: int) -> None:
        out = int(BEGIN.timestamp())
        self._orders = [
            PastOrder(
                car_number=f"京A{n:05d}",
                in_time=out + n % 80_000,
                out_time=out + n % 80_000 + 3600,
                money="4.00",
                union_name="",
                park_name="",
                trade_no=f"TC{n}",
            )
            for n in range(payments)
        ]
        days = {"vip_start_date_str": "2026-01-01", "vip_end_date_str": "2099-12-31", "park_id": "1"}
        self._passes = [Pass(vip_id=n, plate_no=f"京A{n:05d}", **days) for n in range(passes)]

    async def query_orders(self, asked: QueryOrders) -> Orders:
        page, size = asked.page or 1, asked.size or 100
        data = self._orders[(page - 1) * size : page * size]
        return Orders(count=len(self._orders), page=page, state=1, data=data)

    async def query_withdrawals(self, asked: object) -> Withdrawals:
        return Withdrawals(state=1, count=0, data=[])

    async def count_parked(self, asked: object) -> ParkedCount:
        return ParkedCount(state=1, data=Count(parking_business_count=0))

    async def list_passes(self, asked: ListPasses) -> Passes:
        page, size = int(asked.page_num), int(asked.page_size)
        listed = self._passes if asked.vip_type == PassKind.ORDINARY else []
        pages = -(-len(listed) // size)
        found = listed[(page - 1) * size : page * size]
        return Passes(total_count=len(listed), total_pages=pages, page_num=page, records=found, state=1)


async def filled(database: Database, payments: int) -> None:
    """The lot's own books of the day: a stay, a bill, an exit that BoLink took and a payment for each."""

    def add(first: int, last: int) -> Callable[[sa.Connection], None]:
        rows: dict[sa.Table, list[dict[str, Any]]] = {t.orders: [], t.bills: [], t.deliveries: [], t.payments: []}
        for n in range(first, last):
            key = {"lot_id": LOT, "order_id": f"O{n}"}
            came = BEGIN + timedelta(seconds=n % 80_000)
            out = came + timedelta(hours=1)
            rows[t.orders].append(
                key
                | {"origin": "plate", "state": "out", "waiting_for": "", "licence": f"京A{n:05d}"}
                | {"channel_id": "A1", "requested_at": came, "in_at": came, "passed_at": came, "closed_at": out}
            )
            rows[t.bills].append(key | {"charge_fen": 400, "paid_fen": 400, "closed_at": out})
            rows[t.deliveries].append(
                key | {"section": "3.2", "payload": "{}", "state": "done", "created_at": out, "next_at": out}
            )
            rows[t.payments].append(
                key
                | {"payment_id": f"P{n}", "giver": "bolink", "trade_no": f"TC{n}", "way": "scancode"}
                | {"state": "paid", "fen": 400, "paid_at": out, "received_at": out}
            )
        return lambda conn: [conn.execute(sa.insert(table), given) for table, given in rows.items()] and None

    for first in range(0, payments, AT_ONCE):
        await database.write(add(first, min(first + AT_ONCE, payments)))


async def reconciled(database: Database, bolink: Bolink) -> dict[str, float]:
    """Ours: the whole run, and for how long its transaction held the lot."""
    desk: Any = None  # nothing of the day is a pull
    client: Any = bolink
    held = Held(database)
    unheard = Unheard(held, desk, lambda lot_id: client, SystemClock())
    began = time.perf_counter()
    run = await Reconciling(held, unheard, lambda lot_id: client, SystemClock()).reconcile(LOT, DAY)
    took = time.perf_counter() - began
    if run.differences or run.said:
        raise RuntimeError(f"the books differ: {run}")
    return {"seconds": took, "locked": held.longest, "rows": run.payments}


async def row_by_row(database: Database, bolink: Bolink, rows: int) -> dict[str, float]:
    """The usual way: for each payment that BoLink names a query for it, and one for all that was paid for its order."""
    p = t.payments.c
    by_number = sa.select(p.order_id, p.fen, p.state).where(
        p.lot_id == LOT, p.giver == "bolink", p.trade_no == sa.bindparam("number")
    )
    of_order = sa.select(sa.func.sum(p.fen)).where(
        p.lot_id == LOT, p.state == "paid", p.order_id == sa.bindparam("of_order")
    )
    began, page, done = time.perf_counter(), 1, 0
    while done < rows:
        for one in (await bolink.query_orders(QueryOrders(park_id="", page=page, size=100))).data:

            def look(conn: sa.Connection, number: str = one.trade_no or "") -> bool:
                found = conn.execute(by_number, {"number": number}).one()
                return bool(conn.execute(of_order, {"of_order": found[0]}).scalar_one() == 400)

            if not await database.read(look):
                raise RuntimeError("the books differ")
            done += 1
        page += 1
    return {"seconds": time.perf_counter() - began, "rows": done}


async def taken_over(database: Database, bolink: Bolink) -> dict[str, float]:
    """Ours: every page is fetched, and then the list is taken over in one commit."""
    client: Any = bolink
    began = time.perf_counter()
    replaced, unusable = await fetch(client, LOT, ZONE, datetime.now(UTC), {})
    fetched = time.perf_counter() - began
    if unusable:
        raise RuntimeError(f"{unusable} passes cannot be used")

    def commit(conn: sa.Connection) -> int:
        lot, now = facts.lock(conn, [LOT])[LOT], datetime.now(UTC)
        sheet = Sheet(conn)
        room = Room(sheet, lot, now, Policy(), RandomIds(), lambda lane: False)
        number = replaced.apply(room)
        sheet.take(room.changes)
        sheet.write()
        return number

    held = Held(database)
    number = await held.write(commit)
    return {"seconds": fetched + held.longest, "locked": held.longest, "rows": number}


async def card_by_card(database: Database, bolink: Bolink, rows: int) -> dict[str, float]:
    """The usual way: a transaction for each pass that looks it up, writes it and its plate."""
    c, plates, now = t.passes.c, t.pass_plates, datetime.now(UTC)
    began, page, done = time.perf_counter(), 1, 0
    while done < rows:
        asked = ListPasses(park_id="", vip_type=PassKind.ORDINARY, page_num=str(page), page_size="1000")
        for one in (await bolink.list_passes(asked)).records[: rows - done]:
            key = {"lot_id": LOT, "card_id": f"naive-{one.vip_id}"}
            row = key | {"starts_at": now, "ends_at": now + timedelta(days=300), "actor": "x", "reason": "x", "at": now}

            def keep(conn: sa.Connection, key: Any = key, row: Any = row, plate: str = one.plate_no or "") -> None:
                of_card = sa.and_(c.lot_id == LOT, c.card_id == key["card_id"])
                if conn.execute(sa.select(c.card_id).where(of_card)).first():
                    conn.execute(sa.update(t.passes).where(of_card).values(**row))
                else:
                    conn.execute(sa.insert(t.passes).values(**row))
                conn.execute(sa.delete(plates).where(plates.c.lot_id == LOT, plates.c.card_id == key["card_id"]))
                conn.execute(sa.insert(plates).values(**key, plate=plate))

            await database.write(keep)
            done += 1
        page += 1
    return {"seconds": time.perf_counter() - began, "rows": done}


class Held:
    """A database that notes for how long a transaction that writes took, the commit included."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.read = database.read
        self.close = database.close
        self.longest = 0.0

    async def write(self, transaction: Callable[[sa.Connection], Any]) -> Any:
        began = time.perf_counter()
        try:
            return await self._database.write(transaction)
        finally:
            self.longest = max(self.longest, time.perf_counter() - began)


async def measured(url: str, payments: int, passes: int, naive: int) -> dict[str, Any]:
    """All of it on one engine; passes twice, since the list of every day finds those of the day before."""
    await seeding.seeded(url, [seeding.lot(scene.PARKS[0], ["A1"], ["B1"])])
    database, bolink = await open_database(url), Bolink(payments, passes)
    try:
        await filled(database, payments)
        await database.write(lambda conn: conn.execute(sa.text("ANALYZE")) and None)
        found: dict[str, Any] = {}
        found["4.1, ours"] = await reconciled(database, bolink)
        found["4.1, row by row"] = await row_by_row(database, bolink, min(naive, payments))
        found["10.6, ours, at first"] = await taken_over(database, bolink)
        found["10.6, ours, again"] = await taken_over(database, bolink)
        found["10.6, card by card"] = await card_by_card(database, bolink, min(naive, passes))
    finally:
        await database.close()
    return found


def main() -> None:
    """Measure it, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=100_000)
    parser.add_argument("--passes", type=int, default=50_000)
    parser.add_argument("--naive", type=int, default=5_000)
    parser.add_argument("--keep", action="store_true", help=f"keep it in {RESULTS / 'books.json'}")
    given = parser.parse_args()
    place = where()
    with tempfile.TemporaryDirectory(prefix="taigan-bench-") as folder, server() as postgres:
        postgres.run("createdb", "books")
        urls = {"SQLite": f"sqlite:///{Path(folder) / 'lot.sqlite3'}", "PostgreSQL": postgres.url("books")}
        found = {
            name: asyncio.run(measured(url, given.payments, given.passes, given.naive)) for name, url in urls.items()
        }
    print(told(place))
    for engine, rows in found.items():
        for name, one in rows.items():
            each = one["seconds"] / one["rows"] * 1e6
            held = f", the lot locked for {one['locked']:.2f} s" if "locked" in one else ""
            print(f"{engine:10} {name:22} {one['rows']:7.0f} rows {one['seconds']:7.2f} s {each:8.0f} µs each{held}")
    if given.keep:
        RESULTS.joinpath("books.json").write_text(json.dumps({"where": place, "found": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
