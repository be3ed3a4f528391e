"""What the REST API shows: reads without a lock, page by page, newest first.

A page starts after the sort key of the last row of the page before, so rows that come meanwhile neither repeat nor hide
one. Each function returns at most `limit` rows.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked.facts import LANE, LOT, ORDER
from taigan.storage.rows import Act, Alarm, Delivery, Lane, Lift, Lot, Order, OrderEvent, SpaceChange
from taigan.storage.tables import among

R = TypeVar("R", bound=msgspec.Struct)
Statement: TypeAlias = "sa.Select[*tuple[Any, ...]]"
After = tuple[datetime | str | int, ...]
"""The sort key of the last row seen; empty for the first page."""

WAITING = "waiting"
LONGEST_MARK = 2
"""A licence as marked has at most so many characters before it."""


class OwedDelivery(Delivery, kw_only=True):
    """A delivery with its number and how it went."""

    delivery_id: int
    lease_until: datetime | None
    done_at: datetime | None
    answer: str


class NumberedAlarm(Alarm, kw_only=True):
    """An alarm with its number."""

    alarm_id: int


class NumberedSpaceChange(SpaceChange, kw_only=True):
    """A change of the free spaces with its number."""

    change_id: int


class NumberedAct(Act, kw_only=True):
    """An operator's act with its number."""

    act_id: int


class Blocked(msgspec.Struct):
    """A driver who is not let in."""

    blocked_id: int
    lot_id: str
    kind: str
    value: str
    operator: str
    reason: str
    at: datetime
    via: str = ""


class Pass(msgspec.Struct):
    """A car that left a lane's loop, and the order it had."""

    presence_id: str
    lot_id: str
    channel_id: str
    arrived_at: datetime
    left_at: datetime
    left_how: str
    order_id: str | None = None
    order_state: str | None = None


class OrderHistory(msgspec.Struct):
    """An order with everything that happened to it."""

    order: Order
    events: list[OrderEvent]
    lifts: list[Lift]
    deliveries: list[OwedDelivery]


def hindrance(conn: sa.Connection) -> str:
    """Why the platform cannot work on this database; empty when it can.

    There must be tables, of the revision this program was written for or of one that extends it, and they must take
    writes.
    """
    if conn.execute(_REVISION).scalar() is None:
        return "the database holds no tables"
    if conn.dialect.name == "postgresql" and conn.execute(_TRANSACTION_READ_ONLY).scalar() == "on":
        return "the database takes no writes"
    return ""


def lots(conn: sa.Connection, limit: int, after: After, only: Collection[str] | None = None) -> list[Lot]:
    """The lots, by lot_id; where `only` is given, those of them."""
    among_them = {} if only is None else {"only": list(only)}
    return _page(conn, _lots(only is not None, bool(after)), Lot, limit, after, **among_them)


def lot(conn: sa.Connection, lot_id: str) -> Lot | None:
    """One lot."""
    return _one(conn, _LOT, Lot, lot=lot_id)


def lanes(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[Lane]:
    """The lot's lanes, by channel_id."""
    statement = _listing(Lane, t.lanes, ("channel_id",), ("lot_id",), bool(after), False)
    return _page(conn, statement, Lane, limit, after, lot_id=lot_id)


def lane(conn: sa.Connection, lot_id: str, channel_id: str) -> Lane | None:
    """One lane."""
    return _one(conn, _LANE, Lane, lot=lot_id, channel=channel_id)


def occupied(conn: sa.Connection, lot_id: str, channels: Collection[str]) -> set[str]:
    """Which of the lanes have a car on their loop."""
    return {str(channel) for channel in conn.execute(_OCCUPIED, {"lot": lot_id, "channels": channels}).scalars()}


def orders(
    conn: sa.Connection, lot_id: str, limit: int, after: After, *, car_number: str = "", state: str = ""
) -> list[Order]:
    """The lot's orders by the time they were asked for.

    `car_number` is matched whole, as received or as marked; `state` is one of the order's states. Empty: any.
    """
    wanted = {"lot_id": lot_id}
    if state and state != WAITING:
        wanted["state"] = state
    by_licence: dict[str, str] = {}
    if car_number:
        by_licence = {f"bare_{cut}": car_number[cut:] for cut in range(1, LONGEST_MARK + 1)}
        by_licence["whole"] = car_number
    statement = _orders(tuple(wanted), state == WAITING, bool(car_number), bool(after))
    return _page(conn, statement, Order, limit, after, **wanted, **by_licence)


def order(conn: sa.Connection, lot_id: str, order_id: str) -> OrderHistory | None:
    """One order with its events, lifts and deliveries, oldest first."""
    found = _one(conn, _ORDER, Order, lot=lot_id, order=order_id)
    if found is None:
        return None
    key = {"lot": lot_id, "order": order_id}
    return OrderHistory(
        found,
        [OrderEvent(*row) for row in conn.execute(_EVENTS, key)],
        [Lift(*row) for row in conn.execute(_LIFTS, key)],
        [_owed(row) for row in conn.execute(_DELIVERIES, key)],
    )


def lifts(conn: sa.Connection, lot_id: str, limit: int, after: After, *, channel_id: str = "") -> list[Lift]:
    """The lot's barrier commands by the time they were intended."""
    wanted = _filled(lot_id=lot_id, channel_id=channel_id)
    statement = _listing(Lift, t.lifts, ("intended_at", "lift_id"), tuple(wanted), bool(after))
    return _page(conn, statement, Lift, limit, after, **wanted)


def deliveries(conn: sa.Connection, lot_id: str, limit: int, after: After, *, state: str = "") -> list[OwedDelivery]:
    """What the lot owes or owed to BoLink, by its number."""
    wanted = _filled(lot_id=lot_id, state=state)
    statement = _listing(OwedDelivery, t.deliveries, ("delivery_id",), tuple(wanted), bool(after))
    return _page(conn, statement, OwedDelivery, limit, after, **wanted)


def delivery(conn: sa.Connection, lot_id: str, delivery_id: int) -> OwedDelivery | None:
    """One delivery."""
    return _one(conn, _DELIVERY, OwedDelivery, lot=lot_id, delivery=delivery_id)


def blocked(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[Blocked]:
    """Who is not let in, by the number of the block."""
    statement = _listing(Blocked, t.blocked, ("blocked_id",), ("lot_id",), bool(after))
    return _page(conn, statement, Blocked, limit, after, lot_id=lot_id)


def block(conn: sa.Connection, lot_id: str, blocked_id: int) -> Blocked | None:
    """One block."""
    return _one(conn, _BLOCK, Blocked, lot=lot_id, blocked=blocked_id)


def block_of(conn: sa.Connection, lot_id: str, kind: str, value: str) -> Blocked | None:
    """The block of a value."""
    return _one(conn, _BLOCK_OF, Blocked, lot=lot_id, kind=kind, value=value)


def alarms(conn: sa.Connection, lot_id: str, limit: int, after: After, *, state: str = "") -> list[NumberedAlarm]:
    """The lot's alarms, by their number."""
    wanted = _filled(lot_id=lot_id, state=state)
    statement = _listing(NumberedAlarm, t.alarms, ("alarm_id",), tuple(wanted), bool(after))
    return _page(conn, statement, NumberedAlarm, limit, after, **wanted)


def space_changes(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[NumberedSpaceChange]:
    """Corrections of the free spaces and passes without an order, by their number."""
    statement = _listing(NumberedSpaceChange, t.space_changes, ("change_id",), ("lot_id",), bool(after))
    return _page(conn, statement, NumberedSpaceChange, limit, after, lot_id=lot_id)


def acts(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[NumberedAct]:
    """What operators did, by its number."""
    statement = _listing(NumberedAct, t.operator_acts, ("act_id",), ("lot_id",), bool(after))
    return _page(conn, statement, NumberedAct, limit, after, lot_id=lot_id)


def passes(conn: sa.Connection, lot_id: str, limit: int, after: After, *, channel_id: str = "") -> list[Pass]:
    """Cars that left a loop, by the time they left, each with the order that came of its stay, if any."""
    wanted = _filled(lot_id=lot_id, channel_id=channel_id)
    statement = _passes(tuple(wanted), bool(after))
    found = _page(conn, statement, Pass, limit, after, **wanted)
    if found:
        of_car: dict[str, tuple[str, str]] = {}
        cars = {"lot": lot_id, "presences": [car.presence_id for car in found]}
        for row in conn.execute(_ORDERS_OF_CARS, cars):  # oldest first: the last one is what became of the stay
            if row.state != "void" or row.presence_id not in of_car:
                of_car[row.presence_id] = (row.order_id, row.state)
        for car in found:
            car.order_id, car.order_state = of_car.get(car.presence_id, (None, None))
    return found


def _filled(**wanted: str) -> dict[str, str]:
    return {name: value for name, value in wanted.items() if value}


def _columns(record: type[msgspec.Struct], table: sa.Table) -> list[sa.Column[Any]]:
    return [table.c[name] for name in record.__struct_fields__]


@cache
def _listing(
    record: type[msgspec.Struct],
    table: sa.Table,
    key: tuple[str, ...],
    wanted: tuple[str, ...],
    after: bool,
    newest_first: bool = True,
) -> Statement:
    """A page of a table: columns equal to parameters of their name, ordered by `key`, after parameters after_0, …"""
    return _ordered(sa.select(*_columns(record, table)), table, key, wanted, after, newest_first)


def _ordered(
    statement: Statement,
    table: sa.Table,
    key: tuple[str, ...],
    wanted: tuple[str, ...],
    after: bool,
    newest_first: bool = True,
) -> Statement:
    columns = [table.c[name] for name in key]
    statement = statement.where(*(table.c[name] == sa.bindparam(name) for name in wanted))
    if after:
        seen = sa.tuple_(*(sa.bindparam(f"after_{n}", type_=column.type) for n, column in enumerate(columns)))
        position = sa.tuple_(*columns)
        statement = statement.where(position < seen if newest_first else position > seen)
    return statement.order_by(*(column.desc() if newest_first else column for column in columns)).limit(
        sa.bindparam("limit", type_=sa.Integer())
    )


@cache
def _orders(wanted: tuple[str, ...], waiting: bool, by_car_number: bool, after: bool) -> Statement:
    statement = sa.select(*ORDER)
    if waiting:  # written into the statement: the index of what waits serves no parameter
        statement = statement.where(t.orders.c.state == sa.literal_column(f"'{WAITING}'"))
    if by_car_number:
        whole, licence = sa.bindparam("whole", type_=sa.Text()), t.orders.c.licence
        bare = [sa.bindparam(f"bare_{cut}", type_=sa.Text()) for cut in range(1, LONGEST_MARK + 1)]
        statement = statement.where(
            licence.in_([whole, *bare]),  # lets the index find the few that can match
            sa.or_(licence == whole, t.orders.c.mark.concat(licence) == whole),
        )
    return _ordered(statement, t.orders, ("requested_at", "order_id"), wanted, after)


@cache
def _lots(only: bool, after: bool) -> Statement:
    statement = sa.select(*_columns(Lot, t.lots))
    if only:
        statement = statement.where(among(t.lots.c.lot_id, "only"))
    return _ordered(statement, t.lots, ("lot_id",), (), after, newest_first=False)


@cache
def _passes(wanted: tuple[str, ...], after: bool) -> Statement:
    shown = [t.presences.c[name] for name in Pass.__struct_fields__ if not name.startswith("order_")]
    left = sa.select(*shown).where(t.presences.c.left_at.is_not(None))
    return _ordered(left, t.presences, ("left_at", "presence_id"), wanted, after)


def _page(
    conn: sa.Connection, statement: Statement, record: type[R], limit: int, after: After, **wanted: str | list[str]
) -> list[R]:
    seen = {f"after_{n}": value for n, value in enumerate(after)}
    rows = conn.execute(statement, {**wanted, **seen, "limit": limit})
    return [record(**row._mapping) for row in rows]


def _one(conn: sa.Connection, statement: Statement, record: type[R], **key: str | int) -> R | None:
    row = conn.execute(statement, key).one_or_none()
    return record(**row._mapping) if row is not None else None


def _owed(row: sa.Row[Any]) -> OwedDelivery:
    return OwedDelivery(**row._mapping)


def _of_order(record: type[msgspec.Struct], table: sa.Table, *order_by: str) -> Statement:
    return (
        sa.select(*_columns(record, table))
        .where(table.c.lot_id == sa.bindparam("lot"), table.c.order_id == sa.bindparam("order"))
        .order_by(*(table.c[name] for name in order_by))
    )


_REVISION = sa.text("SELECT version_num FROM alembic_version")
_TRANSACTION_READ_ONLY = sa.text("SELECT current_setting('transaction_read_only')")
_LOT = sa.select(*LOT).where(t.lots.c.lot_id == sa.bindparam("lot"))
_LANE = sa.select(*LANE).where(t.lanes.c.lot_id == sa.bindparam("lot"), t.lanes.c.channel_id == sa.bindparam("channel"))
_OCCUPIED = sa.select(t.presences.c.channel_id).where(
    t.presences.c.lot_id == sa.bindparam("lot"),
    t.presences.c.left_at.is_(None),
    among(t.presences.c.channel_id, "channels"),
)
_ORDER = sa.select(*ORDER).where(t.orders.c.lot_id == sa.bindparam("lot"), t.orders.c.order_id == sa.bindparam("order"))
_EVENTS = _of_order(OrderEvent, t.order_events, "event_id")
_LIFTS = _of_order(Lift, t.lifts, "intended_at", "lift_id")
_DELIVERIES = _of_order(OwedDelivery, t.deliveries, "delivery_id")
_DELIVERY = sa.select(*_columns(OwedDelivery, t.deliveries)).where(
    t.deliveries.c.lot_id == sa.bindparam("lot"), t.deliveries.c.delivery_id == sa.bindparam("delivery")
)
_BLOCKS = sa.select(*_columns(Blocked, t.blocked)).where(t.blocked.c.lot_id == sa.bindparam("lot"))
_BLOCK = _BLOCKS.where(t.blocked.c.blocked_id == sa.bindparam("blocked"))
_BLOCK_OF = _BLOCKS.where(t.blocked.c.kind == sa.bindparam("kind"), t.blocked.c.value == sa.bindparam("value"))
_ORDERS_OF_CARS = (
    sa.select(t.orders.c.presence_id, t.orders.c.order_id, t.orders.c.state)
    .where(t.orders.c.lot_id == sa.bindparam("lot"), among(t.orders.c.presence_id, "presences"))
    .order_by(t.orders.c.requested_at, t.orders.c.order_id)
)
