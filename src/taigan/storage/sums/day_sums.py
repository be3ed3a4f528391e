"""What a lot's days came to: worked out from their rows, and kept once a day is over, so that a year takes hardly
longer to show than a week. A change of a row of such a day drops what is kept of it (`forget`), and it is worked out
again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked import facts
from taigan.storage.sums import books
from taigan.storage.sums.books import Amount, BillsSought, BillSums, Span
from taigan.storage.tables import seconds_between

Day = tuple[datetime, datetime]
"""From the beginning of a day on the lot's clock to its end."""
LENGTHS = (900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800)
"""Stays shorter than so many seconds are counted together; the last ones are those that were as long or longer."""
MOST_HOURS = 25
_BY_HAND = ("release", "manual", "released")


class ByHand(msgspec.Struct, frozen=True):
    """Arms that a person had raised: how often in all, and how often for no order."""

    lifts: int
    without_order: int


class DaySums(msgspec.Struct):
    """A day's sums. `entries` and `exits` are by hour from the beginning of the day on; `lengths` as in LENGTHS."""

    ways: dict[str, Amount]
    bills: BillSums
    entries: list[int]
    exits: list[int]
    lengths: list[int]
    seconds: int  # of all stays that ended
    by_hand: dict[str, ByHand]


def worked_out(conn: sa.Connection, lot_id: str, day: Day) -> DaySums:
    """A day's sums from its rows."""
    span = Span(*day)
    given = {"lot": lot_id, "begins": day[0], "ends": day[1]}
    sums = DaySums(
        ways={one.way: Amount(one.count, one.fen) for one in books.taken(conn, lot_id, span, "day")},
        bills=books.bills_sum(conn, lot_id, BillsSought(span)),
        entries=[0] * MOST_HOURS,
        exits=[0] * MOST_HOURS,
        lengths=[0] * (len(LENGTHS) + 1),
        seconds=0,
        by_hand={},
    )
    for hour, count in conn.execute(_ENTRIES, given):
        sums.entries[hour] += count
    for hour, length, count, seconds in conn.execute(_EXITS, given):
        sums.exits[hour] += count
        if length is not None:
            sums.lengths[length] += count
            sums.seconds += int(seconds)
    for actor, lifts, with_order in conn.execute(_LIFTS, given):
        sums.by_hand[actor] = ByHand(lifts, lifts - with_order)
    return sums


def kept(conn: sa.Connection, lot_id: str, since: datetime, until: datetime) -> dict[Day, DaySums]:
    """What is kept of the days between two moments."""
    c = t.day_sums.c
    found = conn.execute(
        sa.select(c.begins_at, c.ends_at, c.sums).where(c.lot_id == lot_id, c.begins_at >= since, c.begins_at < until)
    )
    return {(begins, ends): _DECODER.decode(sums) for begins, ends, sums in found}


def keep(conn: sa.Connection, lot_id: str, day: Day) -> DaySums:
    """Work out a day that is over and keep it. The lot is locked, so that nothing in it changes meanwhile."""
    facts.lock(conn, [lot_id])
    sums = worked_out(conn, lot_id, day)
    c = t.day_sums.c
    conn.execute(sa.delete(t.day_sums).where(c.lot_id == lot_id, c.begins_at == day[0]))
    text = msgspec.json.encode(sums).decode()
    conn.execute(sa.insert(t.day_sums).values(lot_id=lot_id, begins_at=day[0], ends_at=day[1], sums=text))
    return sums


def forget(conn: sa.Connection, moments: Collection[tuple[str, datetime]]) -> None:
    """What is kept of the days in which these moments of lots lie is true no longer."""
    c = t.day_sums.c
    for lot_id, at in moments:
        conn.execute(sa.delete(t.day_sums).where(c.lot_id == lot_id, c.begins_at <= at, c.ends_at > at))


def began(conn: sa.Connection, lot_id: str) -> datetime | None:
    """When the lot's first order was asked for."""
    first: datetime | None = conn.execute(_FIRST, {"lot": lot_id}).scalar()
    return first


def inside(conn: sa.Connection, lot_id: str) -> int:
    """How many cars are inside now."""
    return int(conn.execute(_INSIDE, {"lot": lot_id}).scalar_one())


_DECODER = msgspec.json.Decoder(DaySums)
_orders, _lifts = t.orders.c, t.lifts.c
_begins = sa.bindparam("begins", type_=_orders.requested_at.type)
_ends = sa.bindparam("ends", type_=_orders.requested_at.type)
_lot = sa.bindparam("lot", type_=sa.Text())


def _hour(column: sa.Column[Any]) -> sa.ColumnElement[int]:
    return seconds_between(_begins, column).op("/", return_type=sa.Integer())(sa.literal_column("3600"))


def _number(value: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(value), sa.Integer())


_entry_hour, _exit_hour = _hour(_orders.requested_at).label("hour"), _hour(_orders.closed_at).label("hour")
_took = seconds_between(_orders.in_at, _orders.closed_at)
_length = sa.case(
    (sa.or_(_orders.state != "out", _orders.in_at.is_(None)), sa.null()),
    *((_took < _number(most), _number(number)) for number, most in enumerate(LENGTHS)),
    else_=_number(len(LENGTHS)),
).label("length")
_ENTRIES = (
    sa.select(_entry_hour, sa.func.count())
    .where(
        _orders.lot_id == _lot,
        _orders.requested_at >= _begins,
        _orders.requested_at < _ends,
        _orders.state.in_(("in", "out", "abandoned")),
    )
    .group_by(sa.literal_column("hour"))
)
_EXITS = (
    sa.select(_exit_hour, _length, sa.func.count(), sa.func.sum(_took))
    .where(
        _orders.lot_id == _lot,
        _orders.closed_at >= _begins,
        _orders.closed_at < _ends,
        _orders.state.in_(("out", "abandoned")),
    )
    .group_by(sa.literal_column("hour"), sa.literal_column("length"))
)
_LIFTS = (
    sa.select(_lifts.actor, sa.func.count(), sa.func.count(_lifts.order_id))
    .where(
        _lifts.lot_id == _lot,
        _lifts.intended_at >= _begins,
        _lifts.intended_at < _ends,
        _lifts.actor != "",
        _lifts.command != "close",
        _lifts.cause.in_(_BY_HAND),
    )
    .group_by(_lifts.actor)
)
_FIRST = sa.select(sa.func.min(_orders.requested_at)).where(_orders.lot_id == _lot)
_INSIDE = sa.select(sa.func.count()).where(_orders.lot_id == _lot, _orders.state == sa.literal_column("'in'"))
