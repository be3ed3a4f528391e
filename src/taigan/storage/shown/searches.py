"""Stays found by what people remember of them: newest first, a page at a time, without a lock and without counting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from taigan.storage import tables as t
from taigan.storage.locked.facts import ORDER
from taigan.storage.rows import Order
from taigan.storage.shown.views import After
from taigan.storage.sums import stretches
from taigan.storage.sums.stretches import Stretch

_FEW = ("in", "waiting")
"""States in which few stays are at a time: an index has them by themselves."""


class StayRow(msgspec.Struct):
    """An order, and what its bill comes to so far; None where nothing is agreed yet."""

    order: Order
    charge_fen: int | None
    paid_fen: int
    balance_fen: int | None


class Sought(msgspec.Struct, frozen=True):
    """What is looked for. `part`: signs that follow one another in plate or licence; empty fields: any."""

    part: str = ""
    state: str = ""
    channel_id: str = ""
    review: bool = False
    since: datetime | None = None
    until: datetime | None = None


def stays(conn: sa.Connection, lot_id: str, limit: int, after: After, sought: Sought) -> list[StayRow]:
    """The lot's stays by the time they were asked for.

    A part of a plate is looked for in the stays of the last day or so, then in those of the stretches whose text holds
    it, the newest first, then in what is older than the first stretch. Of the few that are inside all are looked at.
    """
    span = stretches.covered(conn, lot_id) if sought.part and sought.state not in _FEW else None
    if span is None:
        return _found(conn, lot_id, limit, after, sought)
    since, until = sought.since or span.ends_at, sought.until or span.begins_at
    rows = _found(conn, lot_id, limit, after, replace(sought, since=max(since, span.ends_at)))
    newest, before = cast("datetime | None", after[0] if after else sought.until), span.ends_at
    while len(rows) < limit:
        held = stretches.holding(
            conn, lot_id, sought.part, limit - len(rows), since=sought.since, before=before, until=newest
        )
        if not held:
            return rows + _found(
                conn, lot_id, limit - len(rows), after, replace(sought, until=min(until, span.begins_at))
            )
        rows += _found(conn, lot_id, limit - len(rows), after, sought, held)
        before = held[-1].begins_at
    return rows


def _found(
    conn: sa.Connection, lot_id: str, limit: int, after: After, sought: Sought, within: Sequence[Stretch] = ()
) -> list[StayRow]:
    given: dict[str, Any] = {"lot": lot_id, "most": limit}
    wanted = []
    for name in ("state", "channel_id", "since", "until"):
        value = getattr(sought, name)
        if value:
            wanted.append(name)
            given[name] = value
    if sought.part:
        wanted.append("part")
        given["part"] = f"%{as_it_is(sought.part)}%"
    if sought.review:
        wanted.append("review")
    if within:
        given["stretches"] = [stretch.begins_at for stretch in within]
    if after:
        given |= {"after_at": after[0], "after_id": after[1]}
    cut = len(ORDER)
    return [
        StayRow(Order(*row[:cut]), row[cut], row[cut + 1] or 0, row[cut + 2])
        for row in conn.execute(_stays(tuple(wanted), bool(after), bool(within), conn.dialect.name), given)
    ]


@cache
def _stays(wanted: tuple[str, ...], after: bool, within: bool, engine: str) -> sa.Select[Any]:
    """Stays of the lot, or those of some stretches `within` it: then each stretch is read by itself, whatever a planner
    believes of how many there are."""
    stay: sa.FromClause = t.orders
    stretch, c = t.plate_stretches.c, t.orders.c
    conditions = [c.lot_id == sa.bindparam("lot"), *_conditions(wanted, after, engine)]
    newest_first = [c.requested_at.desc(), c.order_id.desc()]
    source: sa.FromClause = stay
    if within:
        conditions += [c.requested_at >= stretch.begins_at, c.requested_at < stretch.ends_at]
        if engine == "postgresql":
            inner = sa.select(t.orders).where(*conditions).order_by(*newest_first).limit(sa.bindparam("most"))
            stay, conditions = inner.lateral("stay"), []
            newest_first = [stay.c.requested_at.desc(), stay.c.order_id.desc()]
        begins = sa.bindparam("stretches", type_=c.requested_at.type, expanding=True)
        conditions += [stretch.lot_id == sa.bindparam("lot"), stretch.begins_at.in_(begins)]
        newest_first = [stretch.begins_at.desc(), *newest_first]
        source = t.plate_stretches.join(stay, sa.true())
    bills = t.bills.c
    balance = bills.charge_fen - bills.reduced_fen - bills.paid_fen + bills.refunded_fen
    same = sa.and_(bills.lot_id == stay.c.lot_id, bills.order_id == stay.c.order_id)
    return (
        sa.select(*(stay.c[column.name] for column in ORDER), bills.charge_fen, bills.paid_fen, balance)
        .select_from(source.outerjoin(t.bills, same))
        .where(*conditions)
        .order_by(*newest_first)
        .limit(sa.bindparam("most"))
    )


def _conditions(wanted: tuple[str, ...], after: bool, engine: str) -> Iterator[sa.ColumnElement[bool]]:
    """SQLite looks for a part in `orders_by_time_with_plate` alone: a stay that does not fit is not read. An index of
    three signs each would cost each entry a quarter more of the database's time, or more."""
    c = t.orders.c
    moment = c.requested_at.type
    for name in wanted:
        match name:
            case "state" | "channel_id":
                yield c[name] == sa.bindparam(name)
            case "since":
                yield c.requested_at >= sa.bindparam("since", type_=moment)
            case "until":
                yield c.requested_at < sa.bindparam("until", type_=moment)
            case "review":
                yield c.review != ""
            case "part":
                part = sa.bindparam("part", type_=sa.Text())
                like = "like" if engine == "sqlite" else "ilike"  # SQLite's LIKE takes a for A
                in_plate, in_licence = (getattr(name, like)(part, escape="\\") for name in (c.plate, c.licence))
                yield sa.or_(in_plate, sa.and_(c.licence != c.plate, in_licence))
    if after:
        seen = sa.tuple_(sa.bindparam("after_at", type_=moment), sa.bindparam("after_id", type_=sa.Text()))
        yield sa.tuple_(c.requested_at, c.order_id) < seen


def as_it_is(part: str) -> str:
    """A text in which LIKE sees no signs of its own."""
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def lifts_by_hand(conn: sa.Connection, lot_id: str, actor: str, since: datetime) -> int:
    """How often a person raised an arm by hand since then."""
    return int(conn.execute(_BY_HAND, {"lot": lot_id, "of_actor": actor, "since": since}).scalar_one())


_BY_HAND = sa.select(sa.func.count()).where(
    t.lifts.c.lot_id == sa.bindparam("lot"),
    t.lifts.c.intended_at >= sa.bindparam("since", type_=t.lifts.c.intended_at.type),
    t.lifts.c.actor == sa.bindparam("of_actor"),
    t.lifts.c.command != "close",
    t.lifts.c.cause.in_(("manual", "released")),
)
