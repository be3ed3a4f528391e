"""A lot's books: sums of money over a time, and the rows that they are sums of. Read without a lock."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked.facts import ORDER, columns
from taigan.storage.rows import Bill, Lift, Order, Payment, Reduction, Shift
from taigan.storage.shown.ledger_views import Owed
from taigan.storage.shown.views import After

By = Literal["day", "shift", "person"]
NO_SHIFT = "-"
"""Looks for what was taken in no shift."""
What = Literal["", "charge", "reduced", "waived", "paid", "refunded", "owed", "surplus"]


class Span(msgspec.Struct, frozen=True):
    """From a moment until before another; None: without an end there."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, column: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
        """Conditions on a column of moments."""
        found: list[sa.ColumnElement[bool]] = []
        if self.since is not None:
            found.append(column >= self.since)
        if self.until is not None:
            found.append(column < self.until)
        return found


class PaymentsSought(msgspec.Struct, frozen=True):
    """Payments that are looked for, by when they were booked; empty fields: any. `shift_id` may be NO_SHIFT."""

    span: Span = Span()
    way: str = ""
    state: str = ""
    shift_id: str = ""
    person: str = ""  # whose shift it was taken in
    strays: bool = False


class BillsSought(msgspec.Struct, frozen=True):
    """Bills of stays that ended in a time, and in which `what` is not 0."""

    span: Span = Span()
    what: What = ""


class Taken(msgspec.Struct, frozen=True):
    """What was paid in one way. `key`: the shift's id or the person, by which it was asked for."""

    key: str
    way: str
    count: int
    fen: int


class BillSums(msgspec.Struct, frozen=True):
    """What ended stays came to, in fen: charge = reduced + paid - refunded + owed - surplus. `waived` is part of
    `reduced`."""

    count: int
    charge: int
    reduced: int
    waived: int
    paid: int
    refunded: int
    owed: int
    surplus: int


class Amount(msgspec.Struct, frozen=True):
    """So many rows, and what they come to."""

    count: int
    fen: int


class Standing(msgspec.Struct, frozen=True):
    """What is open now, of whatever time."""

    owed: Amount
    surplus: Amount
    strays: Amount


class ShiftSums(msgspec.Struct, frozen=True):
    """What happened in a shift. `late`: of the cash, what was booked after it was closed."""

    cash: Amount
    reversed: Amount
    late: Amount
    waived: Amount
    lifts: int
    before: Shift | None  # the shift at this booth before it


_payments, _bills, _shifts = t.payments.c, t.bills.c, t.shifts.c
_BALANCE = _bills.charge_fen - _bills.reduced_fen - _bills.paid_fen + _bills.refunded_fen
_OWED = sa.case((_BALANCE > 0, _BALANCE), else_=0)
_SURPLUS = sa.case((_BALANCE < 0, -_BALANCE), else_=0)
_WHAT: dict[str, sa.ColumnElement[bool]] = {
    "charge": _bills.charge_fen > 0,
    "reduced": _bills.reduced_fen > 0,
    "waived": _bills.waived_fen > 0,
    "paid": _bills.paid_fen > 0,
    "refunded": _bills.refunded_fen > 0,
    "owed": _BALANCE > 0,
    "surplus": _BALANCE < 0,
}
_OF_SHIFT = sa.and_(_shifts.lot_id == _payments.lot_id, _shifts.shift_id == _payments.shift_id)


def payments(conn: sa.Connection, lot_id: str, limit: int, after: After, sought: PaymentsSought) -> list[Payment]:
    """By when they were booked, newest first."""
    statement = (
        sa.select(*columns(t.payments, Payment))
        .where(*_of_payments(lot_id, sought))
        .order_by(_payments.received_at.desc(), _payments.payment_id.desc())
        .limit(limit)
    )
    if after:
        statement = statement.where(sa.tuple_(_payments.received_at, _payments.payment_id) < _seen(after))
    return [Payment(*row) for row in conn.execute(statement)]


def payments_sum(conn: sa.Connection, lot_id: str, sought: PaymentsSought) -> Amount:
    """What those payments come to."""
    return _amount(conn, sa.select(sa.func.count(), _sum(_payments.fen)).where(*_of_payments(lot_id, sought)))


def bills(conn: sa.Connection, lot_id: str, limit: int, after: After, sought: BillsSought) -> list[Owed]:
    """Bills with their orders, by order_id, newest first."""
    bill = columns(t.bills, Bill)
    statement = (
        sa.select(*ORDER, *bill)
        .join(t.bills, sa.and_(_bills.lot_id == t.orders.c.lot_id, _bills.order_id == t.orders.c.order_id))
        .where(*_of_bills(lot_id, sought))
        .order_by(_bills.order_id.desc())
        .limit(limit)
    )
    if after:
        statement = statement.where(_bills.order_id < after[0])
    cut = len(ORDER)
    return [Owed(Order(*row[:cut]), Bill(*row[cut:])) for row in conn.execute(statement)]


def bills_sum(conn: sa.Connection, lot_id: str, sought: BillsSought) -> BillSums:
    """What those bills come to."""
    statement = sa.select(
        sa.func.count(),
        _sum(_bills.charge_fen),
        _sum(_bills.reduced_fen),
        _sum(_bills.waived_fen),
        _sum(_bills.paid_fen),
        _sum(_bills.refunded_fen),
        _sum(_OWED),
        _sum(_SURPLUS),
    ).where(*_of_bills(lot_id, sought))
    return BillSums(*(int(value) for value in conn.execute(statement).one()))


def reductions(
    conn: sa.Connection, lot_id: str, limit: int, after: After, span: Span, actor: str = "", kind: str = ""
) -> list[Reduction]:
    """What made stays cheaper, newest first; `actor` and `kind`: only those."""
    c = t.reductions.c
    statement = (
        sa.select(*columns(t.reductions, Reduction))
        .where(c.lot_id == lot_id, *span.holds(c.at))
        .order_by(c.at.desc(), c.reduction_id.desc())
        .limit(limit)
    )
    if actor:
        statement = statement.where(c.actor == actor)
    if kind:
        statement = statement.where(c.kind == kind)
    if after:
        statement = statement.where(sa.tuple_(c.at, c.reduction_id) < _seen(after))
    return [Reduction(*row) for row in conn.execute(statement)]


def taken(conn: sa.Connection, lot_id: str, span: Span, by: By) -> list[Taken]:
    """What was paid and booked in a time, by way and shift or person; by day: the whole time under one empty key."""
    keys: dict[str, sa.ColumnElement[Any]] = {
        "day": sa.literal(""),
        "shift": _payments.shift_id,
        "person": sa.func.coalesce(_shifts.person, ""),
    }
    key = keys[by].label("key")
    source: sa.FromClause = t.payments if by != "person" else t.payments.outerjoin(t.shifts, _OF_SHIFT)
    statement = (
        sa.select(key, _payments.way, sa.func.count(), _sum(_payments.fen))
        .select_from(source)
        .where(*_of_payments(lot_id, PaymentsSought(span, state="paid")))
        .group_by(_payments.way, *([] if by == "day" else [keys[by]]))
        .order_by(_payments.way)
    )
    return [Taken(row[0], row[1], int(row[2]), int(row[3])) for row in conn.execute(statement)]


def waived(conn: sa.Connection, lot_id: str, span: Span) -> list[tuple[str, Amount]]:
    """What each person waived in a time, the most first."""
    c = t.reductions.c
    fen = _sum(c.value).label("fen")
    statement = (
        sa.select(c.actor, sa.func.count(), fen)
        .where(c.lot_id == lot_id, c.kind == "waiver", c.ended_at.is_(None), *span.holds(c.at))
        .group_by(c.actor)
        .order_by(fen.desc(), c.actor)
    )
    return [(row[0], Amount(int(row[1]), int(row[2]))) for row in conn.execute(statement)]


def standing(conn: sa.Connection, lot_id: str) -> Standing:
    """What is owed, given too much and belongs to no stay, now."""
    closed = _bills.closed_at.is_not(None)

    def of(fen: sa.ColumnElement[Any], *wanted: sa.ColumnElement[bool]) -> Amount:
        return _amount(conn, sa.select(sa.func.count(), _sum(fen)).where(_bills.lot_id == lot_id, *wanted))

    return Standing(
        of(_BALANCE, closed, _BALANCE > 0),
        of(-_BALANCE, _BALANCE < 0),
        payments_sum(conn, lot_id, PaymentsSought(strays=True)),
    )


def shift_sums(conn: sa.Connection, shift: Shift, now: datetime) -> ShiftSums:
    """What happened in a shift until it was closed, or until now."""
    lot_id, until = shift.lot_id, shift.closed_at or now
    of_it = PaymentsSought(shift_id=shift.shift_id, state="paid")
    late = Amount(0, 0)
    if shift.closed_at is not None:
        late = payments_sum(conn, lot_id, msgspec.structs.replace(of_it, span=Span(since=shift.closed_at)))
    r, lifts = t.reductions.c, t.lifts.c
    waivers = sa.select(sa.func.count(), _sum(r.value)).where(
        r.lot_id == lot_id, r.kind == "waiver", r.actor == shift.person, *Span(shift.opened_at, until).holds(r.at)
    )
    raised = sa.select(sa.func.count()).where(
        lifts.lot_id == lot_id,
        lifts.actor == shift.person,
        lifts.command != "close",
        *Span(shift.opened_at, until).holds(lifts.intended_at),
    )
    before = (
        sa.select(*columns(t.shifts, Shift))
        .where(_shifts.lot_id == lot_id, _shifts.booth == shift.booth, _shifts.opened_at < shift.opened_at)
        .order_by(_shifts.opened_at.desc())
        .limit(1)
    )
    found = conn.execute(before).one_or_none()
    return ShiftSums(
        payments_sum(conn, lot_id, of_it),
        payments_sum(conn, lot_id, msgspec.structs.replace(of_it, state="reversed")),
        late,
        _amount(conn, waivers),
        int(conn.execute(raised).scalar_one()),
        Shift(*found) if found is not None else None,
    )


def shifts_named(conn: sa.Connection, lot_id: str, shift_ids: list[str]) -> dict[str, Shift]:
    """These shifts, by their id."""
    statement = sa.select(*columns(t.shifts, Shift)).where(_shifts.lot_id == lot_id, _shifts.shift_id.in_(shift_ids))
    return {row.shift_id: Shift(*row) for row in conn.execute(statement)}


def lifts(conn: sa.Connection, lot_id: str, limit: int, after: After, span: Span, channel_id: str = "") -> list[Lift]:
    """Barrier commands of a time, newest first."""
    c = t.lifts.c
    statement = (
        sa.select(*columns(t.lifts, Lift))
        .where(c.lot_id == lot_id, *span.holds(c.intended_at))
        .order_by(c.intended_at.desc(), c.lift_id.desc())
        .limit(limit)
    )
    if channel_id:
        statement = statement.where(c.channel_id == channel_id)
    if after:
        statement = statement.where(sa.tuple_(c.intended_at, c.lift_id) < _seen(after))
    return [Lift(*row) for row in conn.execute(statement)]


def _of_payments(lot_id: str, sought: PaymentsSought) -> list[sa.ColumnElement[bool]]:
    wanted = [_payments.lot_id == lot_id, *sought.span.holds(_payments.received_at)]
    for name in ("way", "state", "shift_id"):
        if value := getattr(sought, name):
            wanted.append(_payments[name] == ("" if value == NO_SHIFT else value))
    if sought.strays:
        wanted += [_payments.order_id == "", _payments.state.in_(("paid", "unreadable"))]
    if sought.person:
        of_person = sa.select(_shifts.shift_id).where(_shifts.lot_id == lot_id, _shifts.person == sought.person)
        wanted.append(_payments.shift_id.in_(of_person))
    return wanted


def _of_bills(lot_id: str, sought: BillsSought) -> list[sa.ColumnElement[bool]]:
    wanted = [_bills.lot_id == lot_id]
    if sought.span == Span() and sought.what == "surplus":
        return [*wanted, _BALANCE < 0]
    wanted += [_bills.closed_at.is_not(None), *sought.span.holds(_bills.closed_at)]
    return [*wanted, _WHAT[sought.what]] if sought.what else wanted


def _seen(after: After) -> sa.ColumnElement[Any]:
    at, number = after
    return sa.tuple_(sa.literal(at, t.Moment()), sa.literal(number, sa.Text()))


def _sum(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.func.sum(column), 0)


def _amount(conn: sa.Connection, statement: sa.Select[Any]) -> Amount:
    count, fen = conn.execute(statement).one()
    return Amount(int(count), int(fen))
