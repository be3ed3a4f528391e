"""Lists of departures and money, for those who look at them: newest first, a page at a time, without a lock."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked.facts import ORDER, columns
from taigan.storage.rows import Bill, Departure, MoneyNotice, Order, Pass, Payment, Reduction, Shift
from taigan.storage.shown.searches import as_it_is
from taigan.storage.shown.views import After

R = TypeVar("R", bound=msgspec.Struct)


class Owed(msgspec.Struct):
    """An order and its bill."""

    order: Order
    bill: Bill


def departures(conn: sa.Connection, lot_id: str, limit: int, after: After, *, open_only: bool) -> list[Departure]:
    """By charge time. `open_only`: of cars that stand in an exit lane now."""
    table = t.departures
    only = table.c.ended_at.is_(None) if open_only else sa.true()
    return _listed(
        conn,
        _listing(table, Departure, "charge_at", "presence_id", bool(after)).where(only),
        Departure,
        lot_id,
        limit,
        after,
    )


def payments(conn: sa.Connection, lot_id: str, limit: int, after: After, *, strays: bool = False) -> list[Payment]:
    """By when we heard of them. `strays`: those that belong to no order, or cannot be understood."""
    table = t.payments
    only = sa.and_(table.c.order_id == "", table.c.state.in_(("paid", "unreadable"))) if strays else sa.true()
    return _listed(
        conn,
        _listing(table, Payment, "received_at", "payment_id", bool(after)).where(only),
        Payment,
        lot_id,
        limit,
        after,
    )


def reductions(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[Reduction]:
    """By when they were given."""
    return _listed(
        conn, _listing(t.reductions, Reduction, "at", "reduction_id", bool(after)), Reduction, lot_id, limit, after
    )


def shifts(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[Shift]:
    """By when they began."""
    return _listed(conn, _listing(t.shifts, Shift, "opened_at", "shift_id", bool(after)), Shift, lot_id, limit, after)


class PassesSought(msgspec.Struct, frozen=True):
    """Passes that are looked for at a moment. `part`: signs that follow one another in card, holder or plate; `state`:
    `valid`, `soon` (valid, and over before `soon`), `grace` (run out, and held by its days of grace), `over` (ended or
    run out); empty fields: any. `graces`: the begin of each number of days of grace that ends now, by their number."""

    part: str = ""
    state: str = ""
    now: datetime | None = None
    soon: datetime | None = None
    graces: tuple[datetime, ...] = ()


def passes(
    conn: sa.Connection, lot_id: str, limit: int, after: After, sought: PassesSought | None = None
) -> list[tuple[Pass, list[str]]]:
    """By card_id, each with its plates."""
    table = t.passes
    statement = sa.select(*columns(table, Pass)).where(table.c.lot_id == lot_id).order_by(table.c.card_id).limit(limit)
    if after:
        statement = statement.where(table.c.card_id > after[0])
    if sought is not None:
        statement = statement.where(*_of_passes(sought))
    found = [Pass(*row) for row in conn.execute(statement)]
    plates: dict[str, list[str]] = {one.card_id: [] for one in found}
    named = sa.select(t.pass_plates.c.card_id, t.pass_plates.c.plate).where(
        t.pass_plates.c.lot_id == lot_id, t.pass_plates.c.card_id.in_(list(plates))
    )
    for card_id, plate in conn.execute(named):
        plates[card_id].append(plate)
    return [(one, sorted(plates[one.card_id])) for one in found]


_l = t.pass_limits.c
_GRACE_OF_LOT = (
    sa.select(sa.cast(_l.body, sa.Integer))
    .where(_l.lot_id == t.passes.c.lot_id, _l.kind == "grace")
    .correlate(t.passes)
    .scalar_subquery()
)


def _of_passes(sought: PassesSought) -> list[sa.ColumnElement[bool]]:
    c, plates = t.passes.c, t.pass_plates.c
    wanted: list[sa.ColumnElement[bool]] = []
    if sought.part:
        like = f"%{as_it_is(sought.part)}%"
        of_plate = sa.exists().where(
            plates.lot_id == c.lot_id, plates.card_id == c.card_id, plates.plate.like(like, escape="\\")
        )
        wanted.append(sa.or_(c.card_id.like(like, escape="\\"), c.holder.like(like, escape="\\"), of_plate))
    match sought.state:
        case "valid" | "soon":
            wanted += [c.ended_at.is_(None), c.starts_at <= sought.now, c.ends_at > sought.now]
        case "over":
            wanted.append(sa.or_(c.ended_at.is_not(None), c.ends_at <= sought.now))
        case "grace":
            days = sa.func.coalesce(c.grace_days, _GRACE_OF_LOT, 0)
            holds = [sa.and_(days == number, c.ends_at > since) for number, since in enumerate(sought.graces)]
            wanted += [c.ended_at.is_(None), c.ends_at <= sought.now, sa.or_(sa.false(), *holds)]
    if sought.state == "soon":
        wanted.append(c.ends_at <= sought.soon)
    return wanted


def notices(conn: sa.Connection, lot_id: str, order_trade_nos: list[str]) -> list[MoneyNotice]:
    """What BoLink said of these numbers, oldest first."""
    table = t.money_notices
    statement = (
        sa.select(*columns(table, MoneyNotice))
        .where(table.c.lot_id == lot_id, table.c.trade_no.in_(order_trade_nos))
        .order_by(table.c.notice_id)
    )
    return [MoneyNotice(*row) for row in conn.execute(statement)]


def owed(conn: sa.Connection, lot_id: str, limit: int, after: After, part: str = "") -> list[Owed]:
    """Closed orders that owe something, by order_id; `part`: signs that follow one another in the plate."""
    return _with_bills(conn, lot_id, limit, after, sa.and_(*_owed(part)))


def owed_sum(conn: sa.Connection, lot_id: str, part: str = "") -> tuple[int, int]:
    """How many orders `owed` gives in all, and what they come to in fen."""
    query = (
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_balance()), 0))
        .join(t.orders, sa.and_(t.orders.c.lot_id == t.bills.c.lot_id, t.orders.c.order_id == t.bills.c.order_id))
        .where(t.bills.c.lot_id == lot_id, *_owed(part))
    )
    count, fen = conn.execute(query).one()
    return int(count), int(fen)


def _owed(part: str) -> list[sa.ColumnElement[bool]]:
    wanted = [t.bills.c.closed_at.is_not(None), _balance() > 0]
    if part:
        like = f"%{as_it_is(part)}%"
        of_car = (t.orders.c.plate, t.orders.c.licence)
        wanted.append(sa.or_(*(column.like(like, escape="\\") for column in of_car)))
    return wanted


def surplus(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[Owed]:
    """Orders for which more was paid than they cost, by order_id."""
    return _with_bills(conn, lot_id, limit, after, _balance() < 0)


def review(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[Order]:
    """Orders that a person should look at, newest first."""
    table = t.orders
    statement = (
        sa.select(*ORDER)
        .where(table.c.lot_id == lot_id, table.c.review != "")
        .order_by(table.c.requested_at.desc(), table.c.order_id.desc())
        .limit(limit)
    )
    if after:
        at, number = after
        earlier = sa.and_(table.c.requested_at == at, table.c.order_id < number)
        statement = statement.where(sa.or_(table.c.requested_at < at, earlier))
    return [Order(*row) for row in conn.execute(statement)]


def _balance() -> sa.ColumnElement[Any]:
    bills = t.bills.c
    return bills.charge_fen - bills.reduced_fen - bills.paid_fen + bills.refunded_fen


def _with_bills(
    conn: sa.Connection, lot_id: str, limit: int, after: After, where: sa.ColumnElement[bool]
) -> list[Owed]:
    bill = columns(t.bills, Bill)
    statement = (
        sa.select(*ORDER, *bill)
        .join(t.bills, sa.and_(t.bills.c.lot_id == t.orders.c.lot_id, t.bills.c.order_id == t.orders.c.order_id))
        .where(t.bills.c.lot_id == lot_id, where)
        .order_by(t.bills.c.order_id.desc())
        .limit(limit)
    )
    if after:
        statement = statement.where(t.bills.c.order_id < after[0])
    cut = len(ORDER)
    return [Owed(Order(*row[:cut]), Bill(*row[cut:])) for row in conn.execute(statement)]


@cache
def _listing(table: sa.Table, record: type[R], at: str, number: str, further: bool) -> sa.Select[Any]:
    time, name = table.c[at], table.c[number]
    statement = (
        sa.select(*columns(table, record))
        .where(table.c.lot_id == sa.bindparam("lot"))
        .order_by(time.desc(), name.desc())
        .limit(sa.bindparam("most"))
    )
    if further:
        since, last = sa.bindparam("since", type_=time.type), sa.bindparam("last", type_=sa.Text())
        statement = statement.where(sa.or_(time < since, sa.and_(time == since, name < last)))
    return statement


def _listed(
    conn: sa.Connection, statement: sa.Select[Any], record: type[R], lot_id: str, limit: int, after: After
) -> list[R]:
    given: dict[str, Any] = {"lot": lot_id, "most": limit}
    if after:
        given |= {"since": after[0], "last": after[1]}
    return [record(*row) for row in conn.execute(statement, given)]
