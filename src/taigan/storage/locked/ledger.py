"""What rules must know of departures and money before they decide, read under the lock of the lot (see `facts`)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert, Update
from taigan.storage.locked.facts import ORDER, columns, records
from taigan.storage.locked.kinds import Rows
from taigan.storage.rows import (
    Act,
    Attempt,
    Bill,
    Departure,
    MoneyNotice,
    Order,
    Pass,
    PassPlate,
    Payment,
    Quote,
    Reduction,
    Shift,
)

NOT_HEARD_OF = "nothing was heard of it by the morning"
SAID_PAID = "BoLink says that it is paid"
UNNAMED = "BoLink says that it is paid, and its books do not have it"
DOES_NOT_FIT = "BoLink's books have a payment that does not fit it"
FROM_BOOKS = "named by BoLink's books"
"""What is said of money of whose end nobody told."""
EMERGENCY_ON = "emergency on"
"""How the act is called by which a person declares one."""

_lot: sa.BindParameter[str] = sa.bindparam("lot")
_order: sa.BindParameter[str] = sa.bindparam("of_order")
_INSIDE = t.orders.c.state == sa.literal_column("'in'")
_NONE: sa.ColumnElement[str] = sa.literal_column("''")
_OPEN = (
    sa.select(*columns(t.departures, Departure))
    .where(t.departures.c.lot_id == _lot, t.departures.c.ended_at.is_(None))
    .order_by(t.departures.c.charge_at)
)
_LEFT_LAST = (
    sa.select(*columns(t.departures, Departure))
    .where(t.departures.c.lot_id == _lot, t.departures.c.order_id == _order)
    .order_by(t.departures.c.charge_at.desc())
    .limit(1)
)
_EMERGENCY = (
    sa.select(*columns(t.operator_acts, Act))
    .where(t.operator_acts.c.lot_id == _lot, t.operator_acts.c.act == EMERGENCY_ON)
    .order_by(t.operator_acts.c.at.desc(), t.operator_acts.c.act_id.desc())
    .limit(1)
)
_NOTICE_TEXT = (
    sa.select(t.money_notices.c.text)
    .where(
        t.money_notices.c.lot_id == _lot,
        t.money_notices.c.trade_no == sa.bindparam("number"),
        t.money_notices.c.section == sa.bindparam("of"),
        t.money_notices.c.outcome == sa.literal_column("'booked'"),
    )
    .order_by(t.money_notices.c.notice_id)
    .limit(1)
)
_PAYMENT = sa.select(*columns(t.payments, Payment)).where(
    t.payments.c.lot_id == _lot, t.payments.c.payment_id == sa.bindparam("number")
)
_REDUCTION = sa.select(*columns(t.reductions, Reduction)).where(
    t.reductions.c.lot_id == _lot,
    t.reductions.c.source == sa.bindparam("source"),
    t.reductions.c.number == sa.bindparam("number"),
)
_REDUCTION_BY_ID = sa.select(*columns(t.reductions, Reduction)).where(
    t.reductions.c.lot_id == _lot, t.reductions.c.reduction_id == sa.bindparam("number")
)
_ATTEMPT = sa.select(*columns(t.attempts, Attempt)).where(
    t.attempts.c.lot_id == _lot, t.attempts.c.attempt_no == sa.bindparam("number")
)
_PULLS_OPEN = (
    sa.select(*columns(t.attempts, Attempt))
    .where(
        t.attempts.c.lot_id == _lot,
        t.attempts.c.state.in_([sa.literal_column("'live'"), sa.literal_column("'unclear'")]),
    )
    .order_by(t.attempts.c.started_at)
)
_PENDING = (
    sa.select(*columns(t.payments, Payment))
    .where(t.payments.c.lot_id == _lot, t.payments.c.state == sa.literal_column("'pending'"))
    .order_by(t.payments.c.received_at)
    .limit(1000)
)
_LIKE = (
    sa.select(*ORDER)
    .where(
        t.orders.c.lot_id == _lot,
        t.orders.c.likeness == sa.bindparam("folded"),
        t.orders.c.likeness != _NONE,
        _INSIDE,
    )
    .order_by(t.orders.c.requested_at.desc())
    .limit(20)
)
_LEFT_BY_LICENCE = (
    sa.select(*ORDER)
    .where(
        t.orders.c.lot_id == _lot,
        t.orders.c.licence == sa.bindparam("of_licence"),
        t.orders.c.state == sa.literal_column("'out'"),
        t.orders.c.closed_at >= sa.bindparam("since"),
    )
    .order_by(t.orders.c.closed_at.desc())
    .limit(1)
)
_OPEN_SHIFT = sa.select(*columns(t.shifts, Shift)).where(
    t.shifts.c.lot_id == _lot, t.shifts.c.person == sa.bindparam("of_person"), t.shifts.c.closed_at.is_(None)
)
_OPEN_SHIFT_AT = sa.select(*columns(t.shifts, Shift)).where(
    t.shifts.c.lot_id == _lot, t.shifts.c.booth == sa.bindparam("at_booth"), t.shifts.c.closed_at.is_(None)
)
_SHIFT = sa.select(*columns(t.shifts, Shift)).where(
    t.shifts.c.lot_id == _lot, t.shifts.c.shift_id == sa.bindparam("number")
)
_ADD_SHIFT, _ADD_PASS, _ADD_PLATE = Insert(t.shifts, Shift), Insert(t.passes, Pass), Insert(t.pass_plates, PassPlate)
_END_SHIFT = Update[Shift](
    t.shifts, "closed_at", "counted_fen", "expected_fen", "note", "closed_via", key=["lot_id", "shift_id"]
)
_END_PASS = Update[Pass](t.passes, "ended_at", key=["lot_id", "card_id"])
_PASS = sa.select(*columns(t.passes, Pass)).where(
    t.passes.c.lot_id == _lot, t.passes.c.card_id == sa.bindparam("number")
)
_CASH_OF = sa.select(sa.func.coalesce(sa.func.sum(t.payments.c.fen), 0)).where(
    t.payments.c.lot_id == _lot,
    t.payments.c.shift_id == sa.bindparam("number"),
    t.payments.c.state == sa.literal_column("'paid'"),
)
_REPORTED = sa.select(t.deliveries.c.delivery_id).where(
    t.deliveries.c.lot_id == _lot,
    t.deliveries.c.order_id == _order,
    t.deliveries.c.section == "3.2",
    t.deliveries.c.payload.contains('"pay_type":"escape"', autoescape=True),
)
_OWES = (
    sa.select(t.bills.c.order_id)
    .join(t.orders, sa.and_(t.orders.c.lot_id == t.bills.c.lot_id, t.orders.c.order_id == t.bills.c.order_id))
    .where(
        t.orders.c.lot_id == _lot,
        t.orders.c.licence == sa.bindparam("of_licence"),
        t.orders.c.state == sa.literal_column("'out'"),
        t.bills.c.closed_at.is_not(None),
        t.bills.c.charge_fen - t.bills.c.reduced_fen - t.bills.c.paid_fen + t.bills.c.refunded_fen > 0,
    )
    .limit(1)
)
_LINES = sa.select(sa.func.count()).where(t.order_events.c.lot_id == _lot, t.order_events.c.order_id == _order)


class FreeTime(msgspec.Struct, frozen=True):
    """When a plate is on the free list (11.4 white); None: since ever, for ever."""

    starts_at: datetime | None
    ends_at: datetime | None


class Owed(msgspec.Struct, frozen=True):
    """A message that was written down for BoLink, and what became of it."""

    section: str
    state: str
    payload: str


class PaysByItself(msgspec.Struct, frozen=True):
    """A plate of which BoLink said last that it pays by itself (5.2)."""

    car_number: str


_STATES_OF_LIVE_PULLS: list[sa.ColumnElement[str]] = [sa.literal_column("'live'"), sa.literal_column("'unclear'")]
_DEPARTURE, _PAYMENT_ROW = columns(t.departures, Departure), columns(t.payments, Payment)
_QUOTE, _ATTEMPT_ROW = columns(t.quotes, Quote), columns(t.attempts, Attempt)
_GOES_ON = t.departures.c.ended_at.is_(None)

# By the lot and a lane, an order, a number, a plate: what many keys hold is read by one statement.
DEPARTURES_AT = Rows(Departure, _DEPARTURE, t.departures.c.channel_id, _GOES_ON)
DEPARTURES_OF = Rows(
    Departure, _DEPARTURE, t.departures.c.order_id, _GOES_ON, t.departures.c.order_id != sa.literal_column("''")
)
DEPARTURES = Rows(Departure, _DEPARTURE, t.departures.c.presence_id)
BILLS = Rows(Bill, columns(t.bills, Bill), t.bills.c.order_id)
QUOTES = Rows(Quote, _QUOTE, t.quotes.c.quote_no)
QUOTES_OF = Rows(
    Quote, _QUOTE, t.quotes.c.order_id, order_by=(t.quotes.c.asked_at.desc(), t.quotes.c.quote_no.desc()), most=100
)
NOTICES = Rows(MoneyNotice, columns(t.money_notices, MoneyNotice), t.money_notices.c.digest)
PAYMENTS_NUMBERED = Rows(
    Payment,
    _PAYMENT_ROW,
    t.payments.c.trade_no,
    t.payments.c.giver.in_([sa.literal_column("'bolink'"), sa.literal_column("'unread'")]),
    t.payments.c.trade_no != _NONE,
)
PAYMENTS_OF = Rows(
    Payment, _PAYMENT_ROW, t.payments.c.order_id, order_by=(t.payments.c.received_at, t.payments.c.payment_id)
)
REDUCTIONS_OF = Rows(
    Reduction,
    columns(t.reductions, Reduction),
    t.reductions.c.order_id,
    t.reductions.c.ended_at.is_(None),
    order_by=(t.reductions.c.at, t.reductions.c.reduction_id),
)
LIVE_PULLS = Rows(Attempt, _ATTEMPT_ROW, t.attempts.c.order_id, t.attempts.c.state.in_(_STATES_OF_LIVE_PULLS))
PULLS_OF = Rows(
    Attempt,
    _ATTEMPT_ROW,
    t.attempts.c.order_id,
    order_by=(t.attempts.c.started_at.desc(), t.attempts.c.attempt_no.desc()),
    most=20,
)
INSIDE_BY_PLATE = Rows(
    Order, ORDER, t.orders.c.plate, _INSIDE, t.orders.c.plate != _NONE, order_by=(t.orders.c.requested_at,)
)
INSIDE_BY_LICENCE = Rows(Order, ORDER, t.orders.c.licence, _INSIDE, order_by=(t.orders.c.requested_at,))
PASSES_OF = Rows(
    Pass,
    columns(t.passes, Pass),
    t.pass_plates.c.plate,
    source=t.pass_plates.join(
        t.passes, sa.and_(t.pass_plates.c.lot_id == t.passes.c.lot_id, t.pass_plates.c.card_id == t.passes.c.card_id)
    ),
)
FREE_TIMES = Rows(
    FreeTime,
    columns(t.special_vehicles, FreeTime),
    t.special_vehicles.c.car_number,
    t.special_vehicles.c.kind.like(sa.literal_column("'white%'")),
)
PAY_BY_THEMSELVES = Rows(
    PaysByItself, columns(t.auto_pay, PaysByItself), t.auto_pay.c.car_number, t.auto_pay.c.supported
)
DELIVERIES_OF = Rows(Owed, columns(t.deliveries, Owed), t.deliveries.c.order_id, order_by=(t.deliveries.c.delivery_id,))


def departures_open(conn: sa.Connection, lot_id: str) -> list[Departure]:
    """All of the lot that are open, oldest first."""
    return records(conn, _OPEN, Departure, lot=lot_id)


def departure_of(conn: sa.Connection, lot_id: str, order_id: str) -> Departure | None:
    """The departure that an order stands in now."""
    return DEPARTURES_OF.first(conn, lot_id, order_id)


def departure(conn: sa.Connection, lot_id: str, presence_id: str) -> Departure | None:
    """The departure of a presence, open or ended."""
    return DEPARTURES.first(conn, lot_id, presence_id)


def last_departure_of(conn: sa.Connection, lot_id: str, order_id: str) -> Departure | None:
    """The newest departure of an order, open or ended."""
    return next(iter(records(conn, _LEFT_LAST, Departure, lot=lot_id, of_order=order_id)), None)


def emergency(conn: sa.Connection, lot_id: str) -> Act | None:
    """The last time somebody declared an emergency."""
    return next(iter(records(conn, _EMERGENCY, Act, lot=lot_id)), None)


def bill(conn: sa.Connection, lot_id: str, order_id: str) -> Bill:
    """An order's bill; an empty one where nothing happened yet."""
    return BILLS.first(conn, lot_id, order_id) or Bill(lot_id, order_id)


def notice_text(conn: sa.Connection, lot_id: str, section: str, number: str) -> str:
    """The text of the first message of a section and number that was booked; empty where there is none."""
    return conn.execute(_NOTICE_TEXT, {"lot": lot_id, "of": section, "number": number}).scalar() or ""


def payment(conn: sa.Connection, lot_id: str, payment_id: str) -> Payment | None:
    return next(iter(records(conn, _PAYMENT, Payment, lot=lot_id, number=payment_id)), None)


def payments(conn: sa.Connection, lot_id: str, order_id: str) -> list[Payment]:
    """An order's payments in whatever state, oldest first."""
    return [*PAYMENTS_OF.of(conn, lot_id, order_id)]


def reductions(conn: sa.Connection, lot_id: str, order_id: str) -> list[Reduction]:
    """What makes an order cheaper, oldest first."""
    return [*REDUCTIONS_OF.of(conn, lot_id, order_id)]


def reduction(conn: sa.Connection, lot_id: str, source: str, number: str) -> Reduction | None:
    return next(iter(records(conn, _REDUCTION, Reduction, lot=lot_id, source=source, number=number)), None)


def reduction_named(conn: sa.Connection, lot_id: str, reduction_id: str) -> Reduction | None:
    return next(iter(records(conn, _REDUCTION_BY_ID, Reduction, lot=lot_id, number=reduction_id)), None)


def silent_pull(conn: sa.Connection, lot_id: str, order_id: str) -> Attempt | None:
    """The newest pull of an order of which nothing was heard by the morning."""
    return next((one for one in pulls(conn, lot_id, order_id) if one.said == NOT_HEARD_OF), None)


def pulls(conn: sa.Connection, lot_id: str, order_id: str) -> list[Attempt]:
    """An order's newest pulls, newest first."""
    return [*PULLS_OF.of(conn, lot_id, order_id)]


def pulls_open(conn: sa.Connection, lot_id: str) -> list[Attempt]:
    """All pulls of the lot that are live or unclear, oldest first."""
    return records(conn, _PULLS_OPEN, Attempt, lot=lot_id)


def payments_pending(conn: sa.Connection, lot_id: str) -> list[Payment]:
    """The lot's payments that are under way, as BoLink said, oldest first."""
    return records(conn, _PENDING, Payment, lot=lot_id)


def attempt(conn: sa.Connection, lot_id: str, attempt_no: str) -> Attempt | None:
    return next(iter(records(conn, _ATTEMPT, Attempt, lot=lot_id, number=attempt_no)), None)


def inside_like(conn: sa.Connection, lot_id: str, likeness: str) -> list[Order]:
    """The newest orders `in` whose plates a camera may take for one another, newest first."""
    return records(conn, _LIKE, Order, lot=lot_id, folded=likeness) if likeness else []


def left_lately(conn: sa.Connection, lot_id: str, licence: str, since: datetime) -> Order | None:
    """The order of a plate or licence that was closed as left since then."""
    return next(iter(records(conn, _LEFT_BY_LICENCE, Order, lot=lot_id, of_licence=licence, since=since)), None)


def open_shift_of(conn: sa.Connection, lot_id: str, person: str) -> Shift | None:
    return next(iter(records(conn, _OPEN_SHIFT, Shift, lot=lot_id, of_person=person)), None)


def open_shift_at(conn: sa.Connection, lot_id: str, booth: str) -> Shift | None:
    return next(iter(records(conn, _OPEN_SHIFT_AT, Shift, lot=lot_id, at_booth=booth)), None)


def shift(conn: sa.Connection, lot_id: str, shift_id: str) -> Shift | None:
    return next(iter(records(conn, _SHIFT, Shift, lot=lot_id, number=shift_id)), None)


def add_shift(conn: sa.Connection, shift: Shift) -> None:
    _ADD_SHIFT(conn, [shift])


def end_shift(conn: sa.Connection, shift: Shift) -> None:
    _END_SHIFT(conn, [shift])


def pass_of(conn: sa.Connection, lot_id: str, card_id: str) -> Pass | None:
    return next(iter(records(conn, _PASS, Pass, lot=lot_id, number=card_id)), None)


def add_pass(conn: sa.Connection, one: Pass, plates: Collection[PassPlate]) -> None:
    """Add a pass with its plates."""
    _ADD_PASS(conn, [one])
    _ADD_PLATE(conn, plates)


def end_pass(conn: sa.Connection, one: Pass) -> None:
    _END_PASS(conn, [one])


def cash_of(conn: sa.Connection, lot_id: str, shift_id: str) -> int:
    """The cash that was taken in a shift, in fen."""
    return int(conn.execute(_CASH_OF, {"lot": lot_id, "number": shift_id}).scalar_one())


def lines_of(conn: sa.Connection, lot_id: str, order_id: str) -> int:
    """How many lines the order's history has."""
    return int(conn.execute(_LINES, {"lot": lot_id, "of_order": order_id}).scalar_one())


def owes(conn: sa.Connection, lot_id: str, licence: str) -> bool:
    """Whether a stay that ended under this plate is still owed for, reported or not."""
    return conn.execute(_OWES, {"lot": lot_id, "of_licence": licence}).first() is not None


def was_reported(conn: sa.Connection, lot_id: str, order_id: str) -> bool:
    """Whether BoLink was told that the stay left owing (3.2 `escape`)."""
    return conn.execute(_REPORTED, {"lot": lot_id, "of_order": order_id}).first() is not None
