"""What a transaction changes, collected while rules decide and written in few statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from taigan.storage import tables as t
from taigan.storage.records import (
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


def _update(table: sa.Table, *changing: str) -> sa.Update:
    """An UPDATE by primary key whose parameters are a record's fields."""
    statement = sa.update(table).values({name: sa.bindparam(name) for name in changing})
    for column in table.primary_key:
        statement = statement.where(column == sa.bindparam(f"key_{column.name}"))
    return statement


_LOT = _update(t.lots, "spaces_free")
_LOOP = _update(t.lanes, "loop_dead")
_LEAVE = _update(t.presences, "left_at", "left_how")
_ORDER = _update(
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
)
_LIFT = _update(t.lifts, "outcome", "outcome_at", "detail")
_ANSWER = _update(t.inbox, "answer")


def _upsert_driver(module: Any) -> Any:
    insert = module.insert(t.drivers)
    return insert.on_conflict_do_update(
        index_elements=[t.drivers.c.licence, t.drivers.c.lot_id],
        set_={"scans": insert.excluded.scans, "last_scan_at": insert.excluded.last_scan_at},
    )


_DRIVER = {"sqlite": _upsert_driver(sqlite), "postgresql": _upsert_driver(postgresql)}
_INSERTS = {
    table: sa.insert(table)
    for table in (
        t.presences,
        t.orders,
        t.order_events,
        t.lifts,
        t.inbox,
        t.deliveries,
        t.space_changes,
        t.alarms,
        t.operator_acts,
    )
}


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
        _execute(conn, _LOT, ({**_fields(lot), "key_lot_id": lot.lot_id} for lot in self.lots.values()))
        _execute(conn, _LOOP, (_keyed(lane, "lot_id", "channel_id") for lane in self.loops))
        _execute(conn, _LEAVE, (_keyed(p, "lot_id", "presence_id") for p in self.left.values()))
        _execute(conn, _INSERTS[t.presences], map(_fields, self.arrived))
        _execute(conn, _ORDER, (_keyed(o, "lot_id", "order_id") for o in self.orders.values()))
        _execute(conn, _INSERTS[t.orders], map(_fields, self.new_orders.values()))
        _execute(conn, _INSERTS[t.order_events], map(_fields, self.events))
        _execute(conn, _INSERTS[t.lifts], map(_fields, self.new_lifts))
        _execute(conn, _LIFT, (_keyed(lift, "lot_id", "lift_id") for lift in self.lifts))
        _execute(conn, _INSERTS[t.inbox], map(_fields, self.messages))
        _execute(conn, _ANSWER, (_keyed(m, "digest", "lot_id") for m in self.answers))
        _execute(conn, _DRIVER[conn.dialect.name], map(_fields, self.drivers.values()))
        _execute(conn, _INSERTS[t.deliveries], map(_fields, self.deliveries))
        _execute(conn, _INSERTS[t.space_changes], map(_fields, self.space_changes))
        _execute(conn, _INSERTS[t.alarms], map(_fields, self.alarms))
        _execute(conn, _INSERTS[t.operator_acts], map(_fields, self.acts))


_fields = msgspec.structs.asdict


def _keyed(record: msgspec.Struct, *key: str) -> dict[str, Any]:
    fields = _fields(record)
    for name in key:
        fields[f"key_{name}"] = fields[name]
    return fields


def _execute(conn: sa.Connection, statement: sa.Executable, rows: Iterable[dict[str, Any]]) -> None:
    parameters = list(rows)
    if parameters:
        conn.execute(statement, parameters)
