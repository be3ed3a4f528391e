"""Price lists of lots, and what lots say of holidays. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked.facts import columns, records
from taigan.storage.locked.kinds import Key, OneEach
from taigan.storage.shown.views import After
from taigan.storage.tables import among


class PriceListRow(msgspec.Struct, frozen=True):
    """A price list of a lot. `body` is its JSON."""

    lot_id: str
    version: int
    valid_from: date
    body: str
    at: datetime
    operator: str
    reason: str
    via: str = ""


class CalendarDay(msgspec.Struct, frozen=True):
    """What a lot says of a date: `holiday`, `workday`, `ordinary`; `year`: all dates of its year are known."""

    lot_id: str
    day: date
    kind: str
    at: datetime
    operator: str
    reason: str
    via: str = ""


_LISTS = (
    sa.select(*columns(t.price_lists, PriceListRow))
    .where(t.price_lists.c.lot_id == sa.bindparam("lot"), t.price_lists.c.version < sa.bindparam("below"))
    .order_by(t.price_lists.c.version.desc())
    .limit(sa.bindparam("most"))
)
_FIRST: sa.BindParameter[date] = sa.bindparam("first", type_=sa.Date())
_earlier = t.price_lists.alias("earlier")
_IN_FORCE_AT_FIRST = (
    sa.select(sa.func.max(_earlier.c.valid_from))
    .where(_earlier.c.lot_id == t.price_lists.c.lot_id, _earlier.c.valid_from <= _FIRST)
    .scalar_subquery()
)
_IN_FORCE = (
    sa.select(*columns(t.price_lists, PriceListRow))
    .where(
        among(t.price_lists.c.lot_id, "lots"),
        t.price_lists.c.valid_from <= sa.bindparam("last"),
        t.price_lists.c.valid_from >= sa.func.coalesce(_IN_FORCE_AT_FIRST, _FIRST),
    )
    .order_by(t.price_lists.c.valid_from)
)
_DAYS = (
    sa.select(*columns(t.calendar_days, CalendarDay))
    .where(among(t.calendar_days.c.lot_id, "lots"))
    .order_by(t.calendar_days.c.calendar_id)
)
_ANY_VERSION = 2**31 - 1


def listed(conn: sa.Connection, lot_id: str, limit: int, after: After = ()) -> list[PriceListRow]:
    """The lot's price lists, the newest first; those after a version."""
    below = after[0] if after else _ANY_VERSION
    found = conn.execute(_LISTS, {"lot": lot_id, "below": below, "most": limit})
    return [PriceListRow(*row) for row in found]


def newest(conn: sa.Connection, lot_id: str) -> PriceListRow | None:
    """The lot's newest price list, in force or not yet."""
    return next(iter(listed(conn, lot_id, 1)), None)


def in_force(conn: sa.Connection, lot_id: str, entered: date) -> PriceListRow | None:
    """The list for stays that entered on this date of the lot's clock."""
    return _in_force(conn, [(lot_id, entered)]).get((lot_id, entered))


def _in_force(conn: sa.Connection, keys: Collection[Key]) -> Mapping[Key, PriceListRow]:
    """The same of many lots and dates."""
    dates = [entered for _, entered in keys]
    span = {"lots": sorted({lot_id for lot_id, _ in keys}), "first": min(dates), "last": max(dates)}
    listed: dict[str, list[PriceListRow]] = {}
    for row in records(conn, _IN_FORCE, PriceListRow, **span):
        listed.setdefault(row.lot_id, []).append(row)
    found: dict[Key, PriceListRow] = {}
    for lot_id, entered in keys:
        for row in listed.get(lot_id, ()):
            if row.valid_from <= entered:
                found[(lot_id, entered)] = row
    return found


IN_FORCE = OneEach(_in_force)


def add(conn: sa.Connection, price_list: PriceListRow) -> None:
    """Keep a price list, under the lock of its lot."""
    conn.execute(sa.insert(t.price_lists), msgspec.structs.asdict(price_list))


def days(conn: sa.Connection, lot_id: str) -> list[CalendarDay]:
    """What the lot has said of dates, oldest first."""
    return records(conn, _DAYS, CalendarDay, lots=[lot_id])


class LotsDays(msgspec.Struct):
    """What a lot has said of dates, oldest first."""

    days: list[CalendarDay]


def _days_of(conn: sa.Connection, keys: Collection[Key]) -> Mapping[Key, LotsDays]:
    found = {lot_id: LotsDays([]) for lot_id, _ in keys}
    for day in records(conn, _DAYS, CalendarDay, lots=sorted(found)):
        found[day.lot_id].days.append(day)
    return {(lot_id, ANY): days for lot_id, days in found.items()}


DAYS = OneEach(_days_of)
ANY = ""
"""In place of what else a key holds, where the lot says it all."""


def add_days(conn: sa.Connection, told: Sequence[CalendarDay]) -> None:
    """Keep what a lot says of dates."""
    conn.execute(sa.insert(t.calendar_days), [msgspec.structs.asdict(day) for day in told])
