"""What a transaction changes, collected while rules decide and written in few statements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert, Update
from taigan.storage.rows import (
    Act,
    Alarm,
    Attempt,
    Bill,
    Delivery,
    Departure,
    Driver,
    Lane,
    Lift,
    Lot,
    Message,
    MoneyNotice,
    Order,
    OrderEvent,
    Payment,
    Presence,
    Quote,
    Reduction,
    SpaceChange,
)
from taigan.storage.sums import day_sums, stretches

_LOT = Update[Lot](t.lots, "spaces_free", key=["lot_id"])
_LANE = Update[Lane](t.lanes, "loop_dead", "held", key=["lot_id", "channel_id"])
_LEAVE = Update[Presence](t.presences, "left_at", "left_how", key=["lot_id", "presence_id"])
_ORDER = Update[Order](
    t.orders,
    "state",
    "waiting_for",
    "licence",
    "plate",
    "presence_id",
    "told_state",
    "told_text",
    "in_at",
    "passed_at",
    "closed_at",
    "closed_why",
    "superseded_by",
    "review",
    "alarmed",
    "vehicle",
    "likeness",
    "lift_id",
    "free_used",
    key=["lot_id", "order_id"],
)
_LIFT = Update[Lift](t.lifts, "taken_at", "outcome", "outcome_at", "detail", key=["lot_id", "lift_id"])
_ANSWER = Update[Message](t.inbox, "answer", key=["digest", "lot_id"])
_DRIVER = Insert(t.drivers, Driver, replacing=["scans", "last_scan_at"])
_PRESENCE = Insert(t.presences, Presence)
_NEW_ORDER = Insert(t.orders, Order)
_EVENT = Insert(t.order_events, OrderEvent)
_NEW_LIFT = Insert(t.lifts, Lift)
_MESSAGE = Insert(t.inbox, Message)
_DELIVERY = Insert(t.deliveries, Delivery)
_SPACE_CHANGE = Insert(t.space_changes, SpaceChange)
_ALARM = Insert(t.alarms, Alarm)
_ACT = Insert(t.operator_acts, Act)
_NEW_DEPARTURE = Insert(t.departures, Departure)
_DEPARTURE = Update[Departure](
    t.departures,
    "order_id",
    "plate",
    "charge_at",
    "released_at",
    "released_by",
    "actor",
    "reason",
    "via",
    "alarmed",
    "ended_at",
    "ended_how",
    key=["lot_id", "presence_id"],
)
_QUOTE = Insert(t.quotes, Quote)
_NOTICE = Insert(t.money_notices, MoneyNotice)
_NEW_PAYMENT = Insert(t.payments, Payment)
_PAYMENT = Update[Payment](
    t.payments,
    "trade_no",
    "giver",
    "order_id",
    "quote_no",
    "attempt_no",
    "state",
    "fen",
    "fee_fen",
    "paid_at",
    "note",
    key=["lot_id", "payment_id"],
)
_BILL = Insert(
    t.bills,
    Bill,
    replacing=[name for name in Bill.__struct_fields__ if name not in ("lot_id", "order_id")],
)
_NEW_REDUCTION = Insert(t.reductions, Reduction)
_REDUCTION = Update[Reduction](t.reductions, "ended_at", key=["lot_id", "reduction_id"])
_NEW_ATTEMPT = Insert(t.attempts, Attempt)
_ATTEMPT = Update[Attempt](t.attempts, "state", "said", key=["lot_id", "attempt_no"])
_JUST_NOW = timedelta(minutes=5)
"""Rows of one transaction lie no further apart than this, unless one is of the past."""


class Changes:
    """Everything one transaction writes. A record added twice is written once, in its last state."""

    def __init__(self) -> None:
        self.lots: dict[str, Lot] = {}
        self.lanes: dict[tuple[str, str], Lane] = {}
        self.arrived: list[Presence] = []
        self.left: dict[str, Presence] = {}
        self.new_orders: dict[tuple[str, str], Order] = {}
        self.orders: dict[tuple[str, str], Order] = {}
        self.events: list[OrderEvent] = []
        self.new_lifts: list[Lift] = []
        self.lifts: list[Lift] = []
        self.messages: list[Message] = []
        self.answers: list[Message] = []
        self.drivers: dict[tuple[str, str], Driver] = {}
        self.deliveries: list[Delivery] = []
        self.space_changes: list[SpaceChange] = []
        self.alarms: list[Alarm] = []
        self.acts: list[Act] = []
        self.new_departures: dict[tuple[str, str], Departure] = {}
        self.departures: dict[tuple[str, str], Departure] = {}
        self.quotes: list[Quote] = []
        self.notices: list[MoneyNotice] = []
        self.new_payments: dict[tuple[str, str], Payment] = {}
        self.payments: dict[tuple[str, str], Payment] = {}
        self.bills: dict[tuple[str, str], Bill] = {}
        self.reductions: list[Reduction] = []
        self.reductions_ended: list[Reduction] = []
        self.new_attempts: dict[tuple[str, str], Attempt] = {}
        self.attempts: dict[tuple[str, str], Attempt] = {}

    def lot(self, lot: Lot) -> None:
        self.lots[lot.lot_id] = lot

    def lane(self, lane: Lane) -> None:
        """Note that a lane's loop was found dead or alive again, or that its arm is held up or no longer."""
        self.lanes[(lane.lot_id, lane.channel_id)] = lane

    def order(self, order: Order) -> None:
        """Note that an order changed."""
        key = (order.lot_id, order.order_id)
        if key not in self.new_orders:
            self.orders[key] = order

    def new_order(self, order: Order) -> None:
        self.new_orders[(order.lot_id, order.order_id)] = order

    def new_departure(self, departure: Departure) -> None:
        self.new_departures[(departure.lot_id, departure.presence_id)] = departure

    def departure(self, departure: Departure) -> None:
        """Note that a departure changed."""
        key = (departure.lot_id, departure.presence_id)
        if key not in self.new_departures:
            self.departures[key] = departure

    def new_payment(self, payment: Payment) -> None:
        self.new_payments[(payment.lot_id, payment.payment_id)] = payment

    def payment(self, payment: Payment) -> None:
        """Note that a payment changed."""
        key = (payment.lot_id, payment.payment_id)
        if key not in self.new_payments:
            self.payments[key] = payment

    def bill(self, bill: Bill) -> None:
        self.bills[(bill.lot_id, bill.order_id)] = bill

    def new_attempt(self, attempt: Attempt) -> None:
        self.new_attempts[(attempt.lot_id, attempt.attempt_no)] = attempt

    def attempt(self, attempt: Attempt) -> None:
        """Note that a pull changed."""
        key = (attempt.lot_id, attempt.attempt_no)
        if key not in self.new_attempts:
            self.attempts[key] = attempt

    def driver(self, driver: Driver) -> None:
        self.drivers[(driver.lot_id, driver.licence)] = driver

    def cancel_entry(self, order: Order) -> bool:
        """Cancel the order's 3.1 where this transaction gave rise to it. Tells whether it did."""
        for delivery in self.deliveries:
            about = (delivery.lot_id, delivery.order_id, delivery.section, delivery.state)
            if about == (order.lot_id, order.order_id, "3.1", "pending"):
                delivery.state = "cancelled"
                return True
        return False

    def leave(self, presence: Presence) -> None:
        self.left[presence.presence_id] = presence

    def in_the_past(self) -> set[tuple[str, datetime]]:
        """Moments of the past, by lot, at which a row is another one now than reports counted it."""
        made = {(order.lot_id, order.requested_at) for order in self.new_orders.values()}
        made |= {(payment.lot_id, payment.received_at) for payment in self.new_payments.values()}
        made |= {(bill.lot_id, bill.closed_at) for bill in self.bills.values() if bill.closed_at is not None}
        made |= {(lift.lot_id, lift.intended_at) for lift in self.new_lifts}
        ended = [order for order in self.orders.values() if order.closed_at is not None]
        made |= {(order.lot_id, order.closed_at) for order in ended if order.closed_at is not None}
        now = max((*(at for _, at in made), *(event.at for event in self.events)), default=None)
        past = {(lot_id, at) for lot_id, at in made if now is not None and at < now - _JUST_NOW}
        past |= {(payment.lot_id, payment.received_at) for payment in self.payments.values()}
        return past | {(order.lot_id, order.requested_at) for order in ended if order.state == "void"}

    @property
    def are_none(self) -> bool:
        """Whether there is nothing to write."""
        return not any(vars(self).values())

    def records(self) -> Iterator[Any]:
        """Every record that is new or has changed."""
        for noted in vars(self).values():
            yield from noted.values() if isinstance(noted, dict) else noted

    def add(self, later: Changes) -> None:
        """Note what has changed since, of other records than these or of the same after these were written."""
        for name, noted in vars(self).items():
            if isinstance(noted, dict):
                noted.update(getattr(later, name))
            else:
                noted.extend(getattr(later, name))

    def write(self, conn: sa.Connection) -> None:
        """Write everything, those rows first that make room for others under the unique indexes."""
        _LOT(conn, self.lots.values())
        _LANE(conn, self.lanes.values())
        _LEAVE(conn, self.left.values())
        _PRESENCE(conn, self.arrived)
        _ORDER(conn, self.orders.values())
        _NEW_ORDER(conn, self.new_orders.values())
        _EVENT(conn, self.events)
        _NEW_LIFT(conn, self.new_lifts)
        _LIFT(conn, self.lifts)
        _MESSAGE(conn, self.messages)
        _ANSWER(conn, self.answers)
        _DRIVER(conn, self.drivers.values())
        _DELIVERY(conn, self.deliveries)
        _SPACE_CHANGE(conn, self.space_changes)
        _ALARM(conn, self.alarms)
        _ACT(conn, self.acts)
        holds = [one for one in self.departures.values() if one.order_id and one.ended_at is None]
        _DEPARTURE(conn, [one for one in self.departures.values() if not one.order_id or one.ended_at is not None])
        _DEPARTURE(conn, holds)  # after those that let go of an order: it stands in one at a time
        _NEW_DEPARTURE(conn, self.new_departures.values())
        _QUOTE(conn, self.quotes)
        _NOTICE(conn, self.notices)
        _PAYMENT(conn, self.payments.values())
        _NEW_PAYMENT(conn, self.new_payments.values())
        _BILL(conn, self.bills.values())
        _NEW_REDUCTION(conn, self.reductions)
        _REDUCTION(conn, self.reductions_ended)
        _ATTEMPT(conn, self.attempts.values())
        _NEW_ATTEMPT(conn, self.new_attempts.values())
        day_sums.forget(conn, self.in_the_past())
        stretches.note(conn, (*self.orders.values(), *self.new_orders.values()), self._moment())

    def _moment(self) -> datetime | None:
        """The latest moment of what happened, if any is told."""
        told = [*(event.at for event in self.events), *(act.at for act in self.acts)]
        return max((*told, *(order.requested_at for order in self.new_orders.values())), default=None)
