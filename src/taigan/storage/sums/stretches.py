"""What the stays of a stretch of time are called, in one text for each: a part of a plate is looked for in a few
thousand texts where there are a million stays.

The stretches of a lot follow one another without a gap, from its first stay to those that lie back for a day (`go_on`).
A stay of then that changes adds what it is called now (`note`): a text may hold more than its stays are called, never
less, and what is found in one is looked up in the stays themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked import facts
from taigan.storage.rows import Order

STAYS = 180
"""So many in a stretch: its row stays below 2 kB, above which PostgreSQL would keep the text elsewhere."""
LIE_BACK = timedelta(days=1)
_NOTED = LIE_BACK / 2
"""A stay of so long ago may lie in a stretch: clocks of processes differ by less than the rest."""
_AT_ONCE = 4
"""So many stretches are made while the lot is locked."""
_c, _o = t.plate_stretches.c, t.orders.c


class Stretch(NamedTuple):
    """From the moment of its first stay to that of the first one after it."""

    begins_at: datetime
    ends_at: datetime


def covered(conn: sa.Connection, lot_id: str) -> Stretch | None:
    """From when to when the lot's stretches go."""
    row = conn.execute(_COVERED, {"lot": lot_id}).one()
    return Stretch(*row) if row[0] is not None else None


def holding(
    conn: sa.Connection,
    lot_id: str,
    part: str,
    most: int,
    *,
    since: datetime | None,
    before: datetime,
    until: datetime | None,
) -> list[Stretch]:
    """The newest stretches that begin before `before` and may have a stay with that part from `since` until `until`."""
    query = sa.select(_c.begins_at, _c.ends_at).where(
        _c.lot_id == lot_id, _c.begins_at < before, _holds(conn, part.upper())
    )
    if since is not None:
        query = query.where(_c.ends_at > since)
    if until is not None:
        query = query.where(_c.begins_at <= until)
    return [Stretch(*row) for row in conn.execute(query.order_by(_c.begins_at.desc()).limit(most))]


def go_on(conn: sa.Connection, lot_id: str, now: datetime, stays: int = STAYS) -> bool:
    """Make the next stretches of the lot, of so many stays each, some at a time; whether there may be more. The lot is
    locked meanwhile."""
    facts.lock(conn, [lot_id])
    span = covered(conn, lot_id)
    begins = span.ends_at if span is not None else conn.execute(_FIRST, {"lot": lot_id}).scalar()
    for _ in range(_AT_ONCE):
        ends = _end(conn, lot_id, begins, now - LIE_BACK, stays) if begins is not None else None
        if begins is None or ends is None:
            return False
        text = _called(conn, lot_id, Stretch(begins, ends))
        made = {"lot_id": lot_id, "begins_at": begins, "ends_at": ends, "plates": text}
        conn.execute(sa.insert(t.plate_stretches), made)
        begins = ends
    return True


def note(conn: sa.Connection, orders: Iterable[Order], now: datetime | None) -> None:
    """Stays that came to be, or were changed, now; those of long ago are added to their stretches."""
    for order in orders:
        if now is None or order.requested_at < now - _NOTED:
            for name in {order.licence.upper(), order.plate.upper()} - {""}:
                within = {"lot": order.lot_id, "moment": order.requested_at}
                conn.execute(_add(conn, name), within)


def rewrite(conn: sa.Connection, names: Collection[str]) -> int:
    """Make those texts anew in which one of the names stands, from what the stays are called now; how many."""
    held = [_holds(conn, name.upper()) for name in names if name]
    found = conn.execute(sa.select(_c.lot_id, _c.begins_at, _c.ends_at).where(sa.or_(sa.false(), *held))).all()
    for lot_id, *span in found:
        this = (_c.lot_id == lot_id, _c.begins_at == span[0])
        text = _called(conn, lot_id, Stretch(*span))
        conn.execute(sa.update(t.plate_stretches).where(*this).values(plates=text))
    return len(found)


def drop(conn: sa.Connection, lot_id: str) -> None:
    """Have the lot's stretches made anew, from its first stay on."""
    conn.execute(sa.delete(t.plate_stretches).where(_c.lot_id == lot_id))


def _end(conn: sa.Connection, lot_id: str, begins: datetime, before: datetime, stays: int) -> datetime | None:
    """Where a stretch that begins there ends; None while too few stays lie back that far."""
    given = {"lot": lot_id, "begins": begins, "before": before}
    ends: datetime | None = conn.execute(_AFTER_SOME, given | {"stays": stays}).scalar()
    if ends == begins:  # all of one moment
        ends = conn.execute(_AFTER_THAT, given).scalar()
    return ends


def _called(conn: sa.Connection, lot_id: str, span: Stretch) -> str:
    found = conn.execute(_NAMES, {"lot": lot_id, "begins": span.begins_at, "ends": span.ends_at})
    names = {name.upper() for row in found for name in row} - {""}
    return "\n".join(["", *sorted(names), ""])


def _holds(conn: sa.Connection, part: str) -> sa.ColumnElement[bool]:
    """Whether the part stands in a stretch's text."""
    place: Any = sa.func.instr if conn.dialect.name == "sqlite" else sa.func.strpos
    return sa.and_(place(_c.plates, part) > 0)


def _add(conn: sa.Connection, name: str) -> sa.Update:
    stretch = sa.and_(_c.lot_id == sa.bindparam("lot"), _c.begins_at == _BEGINS_BEFORE, _c.ends_at > _moment)
    lacking = sa.not_(_holds(conn, f"\n{name}\n"))
    return sa.update(t.plate_stretches).where(stretch, lacking).values(plates=_c.plates + f"{name}\n")


def _at(name: str) -> sa.BindParameter[datetime]:
    return sa.bindparam(name, type_=_o.requested_at.type)


_moment = _at("moment")
_BEGINS_BEFORE = (
    sa.select(sa.func.max(_c.begins_at))
    .where(_c.lot_id == sa.bindparam("lot"), _c.begins_at <= _moment)
    .correlate(None)
    .scalar_subquery()
)
_OF_LOT = _o.lot_id == sa.bindparam("lot")
_COVERED = sa.select(sa.func.min(_c.begins_at), sa.func.max(_c.ends_at)).where(_c.lot_id == sa.bindparam("lot"))
_FIRST = sa.select(sa.func.min(_o.requested_at)).where(_OF_LOT)
_AFTER_SOME = (
    sa.select(_o.requested_at)
    .where(_OF_LOT, _o.requested_at >= _at("begins"), _o.requested_at < _at("before"))
    .order_by(_o.requested_at, _o.order_id)
    .offset(sa.bindparam("stays", type_=sa.Integer()))
    .limit(sa.literal_column("1"))
)
_AFTER_THAT = sa.select(sa.func.min(_o.requested_at)).where(
    _OF_LOT, _o.requested_at > _at("begins"), _o.requested_at < _at("before")
)
_NAMES = sa.select(_o.plate, _o.licence).where(_OF_LOT, _o.requested_at >= _at("begins"), _o.requested_at < _at("ends"))
