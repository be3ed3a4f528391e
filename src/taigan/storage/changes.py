"""What a transaction changes, collected while rules decide and written in few statements."""

from __future__ import annotations

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.rows import (
    Act,
    Alarm,
    Delivery,
    Driver,
    Lane,
    Lift,
    Lot,
    Message,
    Order,
    OrderEvent,
    Presence,
    SpaceChange,
)
from taigan.storage.statements import Insert, Update

_LOT = Update[Lot](t.lots, "spaces_free", key=["lot_id"])
_LOOP = Update[Lane](t.lanes, "loop_dead", key=["lot_id", "channel_id"])
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
    key=["lot_id", "order_id"],
)
_LIFT = Update[Lift](t.lifts, "outcome", "outcome_at", "detail", key=["lot_id", "lift_id"])
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


class Changes:
    """Everything one transaction writes. A record added twice is written once, in its last state."""

    def __init__(self) -> None:
        self.lots: dict[str, Lot] = {}
        self.loops: list[Lane] = []
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

    def lot(self, lot: Lot) -> None:
        self.lots[lot.lot_id] = lot

    def lane_loop(self, lane: Lane) -> None:
        """Note that a lane's loop was found dead, or alive again."""
        self.loops.append(lane)

    def order(self, order: Order) -> None:
        """Note that an order changed."""
        key = (order.lot_id, order.order_id)
        if key not in self.new_orders:
            self.orders[key] = order

    def new_order(self, order: Order) -> None:
        self.new_orders[(order.lot_id, order.order_id)] = order

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

    def write(self, conn: sa.Connection) -> None:
        """Write everything, those rows first that make room for others under the unique indexes."""
        _LOT(conn, self.lots.values())
        _LOOP(conn, self.loops)
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
