"""Stays found by what people remember of them: newest first, a page at a time, without a lock and without counting."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked.facts import ORDER
from taigan.storage.rows import Order
from taigan.storage.shown.views import After


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
    """The lot's stays by the time they were asked for."""
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
    if after:
        given |= {"after_at": after[0], "after_id": after[1]}
    cut = len(ORDER)
    return [
        StayRow(Order(*row[:cut]), row[cut], row[cut + 1] or 0, row[cut + 2])
        for row in conn.execute(_stays(tuple(wanted), bool(after), conn.dialect.name), given)
    ]


@cache
def _stays(wanted: tuple[str, ...], after: bool, engine: str) -> sa.Select[Any]:
    """SQLite looks for a part in `orders_by_time_with_plate` alone: a stay that does not fit is not read. An index of
    three signs each would be faster still, and cost each entry a quarter more of the database's time, or more."""
    orders, bills = t.orders.c, t.bills.c
    balance = bills.charge_fen - bills.reduced_fen - bills.paid_fen + bills.refunded_fen
    same = sa.and_(bills.lot_id == orders.lot_id, bills.order_id == orders.order_id)
    statement = (
        sa.select(*ORDER, bills.charge_fen, bills.paid_fen, balance)
        .select_from(t.orders.outerjoin(t.bills, same))
        .where(orders.lot_id == sa.bindparam("lot"))
        .order_by(orders.requested_at.desc(), orders.order_id.desc())
        .limit(sa.bindparam("most"))
    )
    moment = orders.requested_at.type
    for name in wanted:
        match name:
            case "state" | "channel_id":
                statement = statement.where(orders[name] == sa.bindparam(name))
            case "since":
                statement = statement.where(orders.requested_at >= sa.bindparam("since", type_=moment))
            case "until":
                statement = statement.where(orders.requested_at < sa.bindparam("until", type_=moment))
            case "review":
                statement = statement.where(orders.review != "")
            case "part":
                part = sa.bindparam("part", type_=sa.Text())
                like = "like" if engine == "sqlite" else "ilike"  # SQLite's LIKE takes a for A
                in_plate, in_licence = (
                    getattr(name, like)(part, escape="\\") for name in (orders.plate, orders.licence)
                )
                statement = statement.where(sa.or_(in_plate, sa.and_(orders.licence != orders.plate, in_licence)))
    if after:
        seen = sa.tuple_(sa.bindparam("after_at", type_=moment), sa.bindparam("after_id", type_=sa.Text()))
        statement = statement.where(sa.tuple_(orders.requested_at, orders.order_id) < seen)
    return statement


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
