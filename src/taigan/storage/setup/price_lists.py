"""Price lists of lots, and what lots say of holidays. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked.facts import columns
from taigan.storage.shown.views import After


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
_IN_FORCE = (
    sa.select(*columns(t.price_lists, PriceListRow))
    .where(t.price_lists.c.lot_id == sa.bindparam("lot"), t.price_lists.c.valid_from <= sa.bindparam("entered"))
    .order_by(t.price_lists.c.valid_from.desc())
    .limit(1)
)
_DAYS = (
    sa.select(*columns(t.calendar_days, CalendarDay))
    .where(t.calendar_days.c.lot_id == sa.bindparam("lot"))
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
    row = conn.execute(_IN_FORCE, {"lot": lot_id, "entered": entered}).one_or_none()
    return PriceListRow(*row) if row is not None else None


def add(conn: sa.Connection, price_list: PriceListRow) -> None:
    """Keep a price list, under the lock of its lot."""
    conn.execute(sa.insert(t.price_lists), msgspec.structs.asdict(price_list))


def days(conn: sa.Connection, lot_id: str) -> list[CalendarDay]:
    """What the lot has said of dates, oldest first."""
    return [CalendarDay(*row) for row in conn.execute(_DAYS, {"lot": lot_id})]


def add_days(conn: sa.Connection, told: Sequence[CalendarDay]) -> None:
    """Keep what a lot says of dates."""
    conn.execute(sa.insert(t.calendar_days), [msgspec.structs.asdict(day) for day in told])
