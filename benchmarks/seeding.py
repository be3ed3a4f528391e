"""A database with the scene in it, made before anybody starts on it, and filled with the stays of a year if wanted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from benchmarks import scene
from benchmarks.postgres import Postgres
from taigan.lot.policy import Policy
from taigan.lot.rounds.tidying import LATE_BY, LOOK_EVERY
from taigan.lot.setup import LaneSetup, LotSetup, VendorSetup, seed
from taigan.storage import tables as t
from taigan.storage.database import open_database
from taigan.storage.kept.retention import SWEEPS
from taigan.storage.setup import price_lists
from taigan.storage.setup.price_lists import PriceListRow

KEPT = f"{Policy().deliveries_kept} s"
INSTANT = {"driver": "instant"}
_SINCE = date(2020, 1, 1)


def lot(park_id: str, entries: Sequence[str] = (), exits: Sequence[str] = (), **lane: Any) -> LotSetup:
    """A lot whose lanes are all alike, besides their direction."""
    lane = {"confirm": "accepted", "barrier": INSTANT} | lane
    lanes = [LaneSetup(channel_id=name, **lane) for name in entries]
    lanes += [LaneSetup(channel_id=name, direction="exit", **lane) for name in exits]
    return LotSetup(union_id=scene.UNION_ID, park_id=park_id, spaces=scene.SPACES, lanes=lanes)


def entries_only() -> list[LotSetup]:
    """The scene's lots, which nobody leaves."""
    return [lot(park, scene.CHANNELS) for park in scene.PARKS]


def with_exits() -> list[LotSetup]:
    """The scene's lots with as many exits as entries."""
    return [lot(park, scene.CHANNELS, scene.EXITS) for park in scene.PARKS]


async def seeded(url: str, lots: Sequence[LotSetup]) -> None:
    """Our tables, and these lots with the scene's price list."""
    database = await open_database(url, unhurried=True)
    now = datetime.now(UTC)
    vendors = [VendorSetup(union_id=scene.UNION_ID, key=scene.KEY)]
    listed = [PriceListRow(each.lot_id, 1, _SINCE, scene.PRICE_LIST, now, "benchmark", "measured") for each in lots]

    def add(conn: sa.Connection) -> None:
        seed(conn, vendors, lots, now)
        for row in listed:
            price_lists.add(conn, row)

    await database.write(add)
    await database.close()


async def parked(url: str, park_id: str, count: int) -> list[str]:
    """Cars without a plate that came an hour ago; their licences."""
    at = datetime.now(UTC) - timedelta(minutes=70)
    licences = [f"G{number}" for number in range(count)]
    past = {"lot_id": scene.lot_id(park_id), "origin": "scan", "state": "in", "waiting_for": "", "channel_id": "A1"}
    rows = [
        {**past, "order_id": f"parked_{each}", "licence": each, "requested_at": at, "in_at": at, "passed_at": at}
        for each in licences
    ]
    database = await open_database(url, unhurried=True)
    await database.write(lambda conn: conn.execute(sa.insert(t.orders), rows))
    await database.close()
    return licences


def fill(postgres: Postgres, database: str, closed: int, inside: int) -> None:
    """Stays of the past year that have ended, paid at the exit, and cars that are inside, in the lots in turn.

    A closed one has 16 rows, but for its two uploads if they would have been dropped by now; one inside has 6. What a
    platform works out once of such a year (its days summed up, its plates gathered) is not done meanwhile.
    """
    filled(postgres, database, [closed_rows(closed, max(closed, 1)), inside_rows(inside), rounds_made()])


def rounds_made() -> dict[str, list[str]]:
    """The rounds that look for days to sum up and plates to gather come again tomorrow, in every lot; each table has
    just been gone over for what is older than it is kept."""
    of_lots = [
        f"(lot_id, task, due_at) SELECT lot_id, '{task}', now() + interval '1 day' FROM lots"
        for task in ("day sums", "plates")
    ]
    of_tables = [
        f"(lot_id, task, due_at) VALUES ('', '{sweep.task}', "
        f"now() + {max(LOOK_EVERY, LATE_BY * getattr(Policy(), sweep.setting))} * interval '1 s')"
        for sweep in SWEEPS
    ]
    return {"rounds": of_lots + of_tables}


def filled(postgres: Postgres, database: str, groups: Sequence[dict[str, list[str]]]) -> None:
    """Rows by table, each as what follows `INSERT INTO`.

    Indexes and constraints are made anew at the end: that is faster, and they are packed as after a REINDEX.
    """
    tables = sorted({table for rows in groups for table in rows})
    names = ", ".join(f"'{name}'" for name in tables)
    found = postgres.sql(
        database,
        "SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || conname || E'\\t' || 'ALTER TABLE ' || "
        "conrelid::regclass || ' ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE contype IN ('p', 'u') AND conrelid::regclass::text IN ({names})",
    )
    dropped = [line.split("\t") for line in found.splitlines()]
    postgres.sql(database, ";".join(drop for drop, _ in dropped) + ";")
    found = postgres.sql(
        database,
        "SELECT 'DROP INDEX ' || indexname || E'\\t' || indexdef FROM pg_indexes "
        f"WHERE schemaname = 'public' AND tablename IN ({names})",
    )
    indexes = [line.split("\t") for line in found.splitlines()]
    postgres.sql(database, ";".join(drop for drop, _ in indexes) + ";")
    fast = "SET synchronous_commit = off; SET session_replication_role = replica; SET maintenance_work_mem = '1GB';"
    for rows in groups:
        for table, selects in rows.items():
            postgres.sql(database, fast + "".join(f"INSERT INTO {table} {select};" for select in selects))
    for _, made in (*dropped, *indexes):
        postgres.sql(database, fast + made)
    postgres.sql(database, "VACUUM ANALYZE")
    postgres.sql(database, "CHECKPOINT")


def closed_rows(count: int, of: int) -> dict[str, list[str]]:
    """What `fill` writes for stays that ended, by table; `of`: how many share the year."""
    which, order, source = _names("C", count)
    at = f"now() - interval '1 year' + n * (interval '364 days' / {of})"
    out = f"{at} + interval '2 h'"
    events = ("waiting", "in", "paid", "released", "out")
    moments = (at, at, out, out, out)
    return {
        "orders": [
            "(lot_id, order_id, origin, state, waiting_for, licence, channel_id, presence_id, told_state, told_text, "
            f"requested_at, in_at, passed_at, closed_at, closed_why) SELECT {which}, {order}, 'scan', 'out', '', "
            f"'C' || n, 'A1', 'in' || n, 1, '入场成功', {at}, {at}, {at}, {out}, 'seen' {source}"
        ],
        "order_events": [
            f"(lot_id, order_id, at, event) SELECT {which}, {order}, {moment}, '{event}' {source}"
            for event, moment in zip(events, moments, strict=True)
        ],
        "inbox": [
            "(digest, lot_id, received_at, key_id, order_id, answer) "
            f"SELECT {_digest(at, 'n::text')}, {which}, {at}, 1, {order}, '' {source}"
        ],
        "lifts": [
            "(lot_id, lift_id, channel_id, order_id, command, cause, intended_at, deadline, outcome, outcome_at, "
            f"purpose, presence_id) SELECT {which}, 'L{cause}' || n, '{lane}', {order}, 'open', '{cause}', {moment}, "
            f"{moment}, 'accepted', {moment}, '{purpose}', '{car}' || n {source}"
            for cause, lane, moment, purpose, car in (
                ("scan", "A1", at, "enter", "in"),
                ("released", "B1", out, "release", "out"),
            )
        ],
        "departures": [
            "(lot_id, presence_id, channel_id, order_id, charge_at, charge_fen, price_list, released_at, released_by, "
            f"actor, ended_at, ended_how) SELECT {which}, 'out' || n, 'B1', {order}, {out}, 400, 1, {out}, 'paid', "
            f"'driver', {out}, 'passed' {source}"
        ],
        "quotes": [
            "(lot_id, quote_no, order_id, presence_id, asked_at, charge_at, charge_fen, reduced_fen, credited_fen, "
            f"due_fen, price_list, valid_until, answer) SELECT {which}, 'QC' || n, {order}, 'out' || n, {out}, {out}, "
            f"400, 0, 0, 400, 1, {out}, '' {source}"
        ],
        "money_notices": [
            "(lot_id, section, trade_no, digest, text, received_at, outcome, payment_id, answer) SELECT "
            f"{which}, '5.5', 'TC' || n, 'TC' || n || ' ' || md5('p' || n) || md5(n::text), repeat('x', 300), {out}, "
            f"'booked', 'P' || n, '' {source}"
        ],
        "payments": [
            "(lot_id, payment_id, giver, trade_no, order_id, quote_no, way, state, fen, paid_at, received_at) SELECT "
            f"{which}, 'P' || n, 'bolink', 'TC' || n, {order}, 'QC' || n, 'scancode', 'paid', 400, {out}, {out} "
            f"{source}"
        ],
        "bills": [
            "(lot_id, order_id, charge_fen, paid_fen, leave_by, price_list, closed_at) SELECT "
            f"{which}, {order}, 400, 400, {out} + interval '15 min', 1, {out} {source}"
        ],
        "deliveries": [
            f"{_delivery(which, order, section, moment, source)} WHERE {moment} > now() - interval '{KEPT}'"
            for section, moment in (("3.1", at), ("3.2", out))
        ],
    }


def inside_rows(count: int) -> dict[str, list[str]]:
    """The same for cars that are inside."""
    which, order, source = _names("G", count)
    at = "now() - interval '70 min' - (n % 36000) * interval '1 s'"
    digest = _digest(at, "'g' || n")
    return {
        "orders": [
            "(lot_id, order_id, origin, state, waiting_for, licence, channel_id, presence_id, told_state, told_text, "
            f"requested_at, in_at, passed_at) SELECT {which}, {order}, 'scan', 'in', '', 'G' || n, 'A1', 'ing' || n, "
            f"1, '入场成功', {at}, {at}, {at} {source}"
        ],
        "order_events": [
            f"(lot_id, order_id, at, event) SELECT {which}, {order}, {at}, '{event}' {source}"
            for event in ("waiting", "in")
        ],
        "inbox": [
            "(digest, lot_id, received_at, key_id, order_id, answer) "
            f"SELECT {digest}, {which}, {at}, 1, {order}, '{{}}' {source}"
        ],
        "lifts": [
            "(lot_id, lift_id, channel_id, order_id, command, cause, intended_at, deadline, outcome, outcome_at, "
            f"purpose, presence_id) SELECT {which}, 'Lg' || n, 'A1', {order}, 'open', 'scan', {at}, {at}, 'accepted', "
            f"{at}, 'enter', 'ing' || n {source}"
        ],
        "deliveries": [_delivery(which, order, "3.1", at, source)],
    }


def office_rows(lot_id: str, closed: int, inside: int) -> dict[str, list[str]]:
    """What lists and reports read of one lot: cars with plates that left in the past year after up to ten hours, each
    with a bill and a payment, one of fifty with an arm that a person raised; and cars that are inside."""
    ended, here = (f"FROM generate_series(0, {count - 1}) AS n" for count in (closed, inside))
    order, plate = "'C' || lpad(n::text, 10, '0')", "'粤B' || upper(substr(md5(n::text), 1, 5))"
    at = f"now() - interval '1 year' + n * (interval '364 days' / {max(closed, 1)})"
    out = f"{at} + (10 + n * 7919::bigint % 590) * interval '1 min'"
    fen = "(200 + n % 40 * 100)"
    came = "now() - interval '5 min' - n * interval '1 s'"
    columns = (
        "(lot_id, order_id, origin, state, waiting_for, licence, plate, channel_id, requested_at, in_at, passed_at, "
    )
    return {
        "orders": [
            f"{columns}closed_at, closed_why) SELECT '{lot_id}', {order}, 'plate', 'out', '', {plate}, {plate}, 'A1', "
            f"{at}, {at}, {at}, {out}, 'seen' {ended}",
            f"{columns}closed_why) SELECT '{lot_id}', 'G' || lpad(n::text, 10, '0'), 'plate', 'in', '', '粤C' || "
            f"lpad(n::text, 5, '0'), '粤C' || lpad(n::text, 5, '0'), 'A1', {came}, {came}, {came}, '' {here}",
        ],
        "bills": [
            "(lot_id, order_id, charge_fen, paid_fen, leave_by, price_list, closed_at) SELECT "
            f"'{lot_id}', {order}, {fen}, {fen}, {out}, 1, {out} {ended}"
        ],
        "payments": [
            "(lot_id, payment_id, giver, trade_no, order_id, way, state, fen, paid_at, received_at, plate) SELECT "
            f"'{lot_id}', 'P' || n, 'bolink', 'TC' || n, {order}, (ARRAY['scancode', 'prepay', 'etc', 'cash'])"
            f"[n % 4 + 1], 'paid', {fen}, {out}, {out}, {plate} {ended}"
        ],
        "lifts": [
            "(lot_id, lift_id, channel_id, command, cause, actor, reason, intended_at, deadline, outcome, outcome_at, "
            f"purpose) SELECT '{lot_id}', 'L' || n, 'B1', 'open', 'manual', (ARRAY['王芳', '陈杰', '李强'])"
            f"[n % 3 + 1], '设备没有识别车牌', {out}, {out}, 'accepted', {out}, 'manual' {ended} WHERE n % 50 = 0"
        ],
    }


def _delivery(which: str, order: str, section: str, at: str, source: str) -> str:
    return (
        "(lot_id, order_id, section, payload, state, attempts, created_at, next_at, done_at) SELECT "
        f"{which}, {order}, '{section}', repeat('x', 200), 'done', 1, {at}, {at}, {at} {source}"
    )


def _digest(at: str, of: str) -> str:
    return f"extract(epoch FROM {at})::bigint || ' ' || md5({of}) || md5('in' || n)"


def _names(letter: str, count: int) -> tuple[str, str, str]:
    """Where a stay's number becomes its lot and its order, and where the numbers come from."""
    return (
        f"'{scene.lot_id('')}' || lpad((n % {len(scene.PARKS)})::text, 3, '0')",
        f"'2025' || lpad(n::text, 12, '0') || '_{letter}ROWTH'",
        f"FROM generate_series(0, {count - 1}) AS n",
    )
