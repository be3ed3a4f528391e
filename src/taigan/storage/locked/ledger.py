"""What rules must know of departures and money before they decide, read under the lock of the lot (see `facts`)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert, Update
from taigan.storage.locked.facts import ORDER, columns, records
from taigan.storage.rows import (
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
from taigan.storage.tables import among

NOT_HEARD_OF = "nothing was heard of it by the morning"
"""What is said of money of whose end nobody told."""

_lot: sa.BindParameter[str] = sa.bindparam("lot")
_order: sa.BindParameter[str] = sa.bindparam("of_order")
_INSIDE = t.orders.c.state == sa.literal_column("'in'")
_OPEN_AT = sa.select(*columns(t.departures, Departure)).where(
    t.departures.c.lot_id == _lot,
    t.departures.c.channel_id == sa.bindparam("channel"),
    t.departures.c.ended_at.is_(None),
)
_OPEN = (
    sa.select(*columns(t.departures, Departure))
    .where(t.departures.c.lot_id == _lot, t.departures.c.ended_at.is_(None))
    .order_by(t.departures.c.charge_at)
)
_OPEN_OF = sa.select(*columns(t.departures, Departure)).where(
    t.departures.c.lot_id == _lot,
    t.departures.c.order_id == _order,
    t.departures.c.ended_at.is_(None),
    t.departures.c.order_id != sa.literal_column("''"),
)
_DEPARTURE = sa.select(*columns(t.departures, Departure)).where(
    t.departures.c.lot_id == _lot, t.departures.c.presence_id == sa.bindparam("presence")
)
_LEFT_LAST = (
    sa.select(*columns(t.departures, Departure))
    .where(t.departures.c.lot_id == _lot, t.departures.c.order_id == _order)
    .order_by(t.departures.c.charge_at.desc())
    .limit(1)
)
_BILL = sa.select(*columns(t.bills, Bill)).where(t.bills.c.lot_id == _lot, t.bills.c.order_id == _order)
_QUOTES = (
    sa.select(*columns(t.quotes, Quote))
    .where(t.quotes.c.lot_id == _lot, t.quotes.c.order_id == _order)
    .order_by(t.quotes.c.asked_at.desc(), t.quotes.c.quote_no.desc())
    .limit(100)
)
_QUOTE = sa.select(*columns(t.quotes, Quote)).where(
    t.quotes.c.lot_id == _lot, t.quotes.c.quote_no == sa.bindparam("number")
)
_NOTICE = sa.select(*columns(t.money_notices, MoneyNotice)).where(
    t.money_notices.c.lot_id == _lot, t.money_notices.c.digest == sa.bindparam("digest")
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
_PAYMENT_BY_NUMBER = sa.select(*columns(t.payments, Payment)).where(
    t.payments.c.lot_id == _lot,
    t.payments.c.giver == sa.bindparam("giver"),
    t.payments.c.trade_no == sa.bindparam("number"),
)
_PAYMENT = sa.select(*columns(t.payments, Payment)).where(
    t.payments.c.lot_id == _lot, t.payments.c.payment_id == sa.bindparam("number")
)
_PAYMENTS = (
    sa.select(*columns(t.payments, Payment))
    .where(t.payments.c.lot_id == _lot, t.payments.c.order_id == _order)
    .order_by(t.payments.c.received_at, t.payments.c.payment_id)
)
_REDUCTIONS = (
    sa.select(*columns(t.reductions, Reduction))
    .where(t.reductions.c.lot_id == _lot, t.reductions.c.order_id == _order, t.reductions.c.ended_at.is_(None))
    .order_by(t.reductions.c.at, t.reductions.c.reduction_id)
)
_REDUCTION = sa.select(*columns(t.reductions, Reduction)).where(
    t.reductions.c.lot_id == _lot,
    t.reductions.c.source == sa.bindparam("source"),
    t.reductions.c.number == sa.bindparam("number"),
)
_REDUCTION_BY_ID = sa.select(*columns(t.reductions, Reduction)).where(
    t.reductions.c.lot_id == _lot, t.reductions.c.reduction_id == sa.bindparam("number")
)
_LIVE_PULL = sa.select(*columns(t.attempts, Attempt)).where(
    t.attempts.c.lot_id == _lot,
    t.attempts.c.order_id == _order,
    t.attempts.c.state.in_([sa.literal_column("'live'"), sa.literal_column("'unclear'")]),
)
_PULLS = (
    sa.select(*columns(t.attempts, Attempt))
    .where(t.attempts.c.lot_id == _lot, t.attempts.c.order_id == _order)
    .order_by(t.attempts.c.started_at.desc())
    .limit(20)
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
_BY_PLATE = (
    sa.select(*ORDER)
    .where(t.orders.c.lot_id == _lot, t.orders.c.plate == sa.bindparam("of_plate"), _INSIDE)
    .order_by(t.orders.c.requested_at)
)
_BY_LICENCE = (
    sa.select(*ORDER)
    .where(t.orders.c.lot_id == _lot, t.orders.c.licence == sa.bindparam("of_licence"), _INSIDE)
    .order_by(t.orders.c.requested_at)
)
_LIKE = (
    sa.select(*ORDER)
    .where(t.orders.c.lot_id == _lot, t.orders.c.likeness == sa.bindparam("folded"), _INSIDE)
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
_PASSES = (
    sa.select(*columns(t.passes, Pass))
    .join(
        t.pass_plates,
        sa.and_(t.pass_plates.c.lot_id == t.passes.c.lot_id, t.pass_plates.c.card_id == t.passes.c.card_id),
    )
    .where(t.passes.c.lot_id == _lot, among(t.pass_plates.c.plate, "plates"))
)
_FREE = sa.select(t.special_vehicles.c.starts_at, t.special_vehicles.c.ends_at).where(
    t.special_vehicles.c.lot_id == _lot,
    among(t.special_vehicles.c.car_number, "plates"),
    t.special_vehicles.c.kind.like(sa.literal_column("'white%'")),
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
_ENTRY_TAKEN = (
    sa.select(t.deliveries.c.payload)
    .where(
        t.deliveries.c.lot_id == _lot,
        t.deliveries.c.order_id == _order,
        t.deliveries.c.section == "3.1",
        t.deliveries.c.state == "done",
    )
    .limit(1)
)
_PAYS_BY_ITSELF = sa.select(t.auto_pay.c.car_number).where(
    t.auto_pay.c.lot_id == _lot, among(t.auto_pay.c.car_number, "plates"), t.auto_pay.c.supported
)
_REPORTED = sa.select(t.deliveries.c.delivery_id).where(
    t.deliveries.c.lot_id == _lot,
    t.deliveries.c.order_id == _order,
    t.deliveries.c.section == "3.2",
    t.deliveries.c.payload.contains('"pay_type":"escape"', autoescape=True),
)
_EXIT_OWED = sa.select(t.deliveries.c.delivery_id).where(
    t.deliveries.c.lot_id == _lot, t.deliveries.c.order_id == _order, t.deliveries.c.section == "3.2"
)
_LINES = sa.select(sa.func.count()).where(t.order_events.c.lot_id == _lot, t.order_events.c.order_id == _order)


def departure_at(conn: sa.Connection, lot_id: str, channel_id: str) -> Departure | None:
    """The departure that is open in a lane."""
    return next(iter(records(conn, _OPEN_AT, Departure, lot=lot_id, channel=channel_id)), None)


def departures_open(conn: sa.Connection, lot_id: str) -> list[Departure]:
    """All of the lot that are open, oldest first."""
    return records(conn, _OPEN, Departure, lot=lot_id)


def departure_of(conn: sa.Connection, lot_id: str, order_id: str) -> Departure | None:
    """The departure that an order stands in now."""
    return next(iter(records(conn, _OPEN_OF, Departure, lot=lot_id, of_order=order_id)), None)


def departure(conn: sa.Connection, lot_id: str, presence_id: str) -> Departure | None:
    """The departure of a presence, open or ended."""
    return next(iter(records(conn, _DEPARTURE, Departure, lot=lot_id, presence=presence_id)), None)


def last_departure_of(conn: sa.Connection, lot_id: str, order_id: str) -> Departure | None:
    """The newest departure of an order, open or ended."""
    return next(iter(records(conn, _LEFT_LAST, Departure, lot=lot_id, of_order=order_id)), None)


def bill(conn: sa.Connection, lot_id: str, order_id: str) -> Bill:
    """An order's bill; an empty one where nothing happened yet."""
    found = records(conn, _BILL, Bill, lot=lot_id, of_order=order_id)
    return found[0] if found else Bill(lot_id, order_id)


def quotes(conn: sa.Connection, lot_id: str, order_id: str) -> list[Quote]:
    """An order's newest hundred quotes, newest first."""
    return records(conn, _QUOTES, Quote, lot=lot_id, of_order=order_id)


def quote(conn: sa.Connection, lot_id: str, quote_no: str) -> Quote | None:
    return next(iter(records(conn, _QUOTE, Quote, lot=lot_id, number=quote_no)), None)


def notice(conn: sa.Connection, lot_id: str, digest: str) -> MoneyNotice | None:
    """The very message, if it came before."""
    return next(iter(records(conn, _NOTICE, MoneyNotice, lot=lot_id, digest=digest)), None)


def notice_text(conn: sa.Connection, lot_id: str, section: str, number: str) -> str:
    """The text of the first message of a section and number that was booked; empty where there is none."""
    return conn.execute(_NOTICE_TEXT, {"lot": lot_id, "of": section, "number": number}).scalar() or ""


def payment_numbered(conn: sa.Connection, lot_id: str, giver: str, trade_no: str) -> Payment | None:
    found = records(conn, _PAYMENT_BY_NUMBER, Payment, lot=lot_id, giver=giver, number=trade_no)
    return found[0] if found else None


def payment(conn: sa.Connection, lot_id: str, payment_id: str) -> Payment | None:
    return next(iter(records(conn, _PAYMENT, Payment, lot=lot_id, number=payment_id)), None)


def payments(conn: sa.Connection, lot_id: str, order_id: str) -> list[Payment]:
    """An order's payments in whatever state, oldest first."""
    return records(conn, _PAYMENTS, Payment, lot=lot_id, of_order=order_id)


def reductions(conn: sa.Connection, lot_id: str, order_id: str) -> list[Reduction]:
    """What makes an order cheaper, oldest first."""
    return records(conn, _REDUCTIONS, Reduction, lot=lot_id, of_order=order_id)


def reduction(conn: sa.Connection, lot_id: str, source: str, number: str) -> Reduction | None:
    return next(iter(records(conn, _REDUCTION, Reduction, lot=lot_id, source=source, number=number)), None)


def reduction_named(conn: sa.Connection, lot_id: str, reduction_id: str) -> Reduction | None:
    return next(iter(records(conn, _REDUCTION_BY_ID, Reduction, lot=lot_id, number=reduction_id)), None)


def live_pull(conn: sa.Connection, lot_id: str, order_id: str) -> Attempt | None:
    """The one pull of an order that is live or unclear."""
    return next(iter(records(conn, _LIVE_PULL, Attempt, lot=lot_id, of_order=order_id)), None)


def silent_pull(conn: sa.Connection, lot_id: str, order_id: str) -> Attempt | None:
    """The newest pull of an order of which nothing was heard by the morning."""
    return next((one for one in pulls(conn, lot_id, order_id) if one.said == NOT_HEARD_OF), None)


def pulls(conn: sa.Connection, lot_id: str, order_id: str) -> list[Attempt]:
    """An order's newest pulls, newest first."""
    return records(conn, _PULLS, Attempt, lot=lot_id, of_order=order_id)


def pulls_open(conn: sa.Connection, lot_id: str) -> list[Attempt]:
    """All pulls of the lot that are live or unclear, oldest first."""
    return records(conn, _PULLS_OPEN, Attempt, lot=lot_id)


def payments_pending(conn: sa.Connection, lot_id: str) -> list[Payment]:
    """The lot's payments that are under way, as BoLink said, oldest first."""
    return records(conn, _PENDING, Payment, lot=lot_id)


def attempt(conn: sa.Connection, lot_id: str, attempt_no: str) -> Attempt | None:
    return next(iter(records(conn, _ATTEMPT, Attempt, lot=lot_id, number=attempt_no)), None)


def inside_by_plate(conn: sa.Connection, lot_id: str, plate: str) -> list[Order]:
    """The orders `in` whose plate, or licence, is exactly this, oldest first."""
    found = records(conn, _BY_PLATE, Order, lot=lot_id, of_plate=plate)
    named = {order.order_id for order in found}
    licensed = records(conn, _BY_LICENCE, Order, lot=lot_id, of_licence=plate)
    return sorted(
        [*found, *(order for order in licensed if order.order_id not in named)], key=lambda order: order.requested_at
    )


def inside_like(conn: sa.Connection, lot_id: str, likeness: str) -> list[Order]:
    """The newest orders `in` whose plates a camera may take for one another, newest first."""
    return records(conn, _LIKE, Order, lot=lot_id, folded=likeness) if likeness else []


def left_lately(conn: sa.Connection, lot_id: str, licence: str, since: datetime) -> Order | None:
    """The order of a plate or licence that was closed as left since then."""
    return next(iter(records(conn, _LEFT_BY_LICENCE, Order, lot=lot_id, of_licence=licence, since=since)), None)


def passes_of(conn: sa.Connection, lot_id: str, plates: Collection[str]) -> list[Pass]:
    """The passes on which one of the plates stands, ended ones too."""
    return records(conn, _PASSES, Pass, lot=lot_id, plates=list(plates))


def free_times(
    conn: sa.Connection, lot_id: str, plates: Collection[str]
) -> list[tuple[datetime | None, datetime | None]]:
    """When one of the plates is on the free list (11.4 white); None: since ever, for ever."""
    rows = conn.execute(_FREE, {"lot": lot_id, "plates": list(plates)})
    return [(row[0], row[1]) for row in rows]


def pays_by_itself(conn: sa.Connection, lot_id: str, plates: Collection[str]) -> bool:
    """Whether BoLink said last of one of the plates that it pays by itself (5.2)."""
    return conn.execute(_PAYS_BY_ITSELF, {"lot": lot_id, "plates": list(plates)}).first() is not None


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


def entry_as_accepted(conn: sa.Connection, lot_id: str, order_id: str) -> str | None:
    """3.1's text as BoLink accepted it; None while it has not."""
    return conn.execute(_ENTRY_TAKEN, {"lot": lot_id, "of_order": order_id}).scalar()


def exit_was_owed(conn: sa.Connection, lot_id: str, order_id: str) -> bool:
    """Whether a 3.2 was ever written for the order, in whatever state it is."""
    return conn.execute(_EXIT_OWED, {"lot": lot_id, "of_order": order_id}).first() is not None


def lines_of(conn: sa.Connection, lot_id: str, order_id: str) -> int:
    """How many lines the order's history has."""
    return int(conn.execute(_LINES, {"lot": lot_id, "of_order": order_id}).scalar_one())


def was_reported(conn: sa.Connection, lot_id: str, order_id: str) -> bool:
    """Whether BoLink was told that the stay left owing (3.2 `escape`)."""
    return conn.execute(_REPORTED, {"lot": lot_id, "of_order": order_id}).first() is not None
