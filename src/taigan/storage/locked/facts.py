"""What rules must know before they decide, read under the lock of the lots concerned.

`lock` is the first statement of every transaction that changes a lot: on PostgreSQL it holds the lots' rows, in one
order for all, so that within a lot transactions follow one another; on SQLite there is one writer anyway. What is read
after it stays true until the commit, and is looked for by an index, which everything has: how long a list is is guessed
there, how large a table is too until it is analysed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import rows
from taigan.storage.errors import LotsHeld
from taigan.storage.locked.kinds import OneEach, Rows
from taigan.storage.rows import Driver, Lane, Lift, Lot, Message, Order, Presence
from taigan.storage.tables import ByIndexFromHere, among

R = TypeVar("R", bound=msgspec.Struct)


def columns(table: sa.Table, record: type[msgspec.Struct]) -> list[sa.Column[Any]]:
    """A record's columns of its table, in the order of its fields."""
    return [table.c[name] for name in record.__struct_fields__]


LOT, LANE, PRESENCE, ORDER, LIFT, MESSAGE, DRIVER = (
    columns(table, record)
    for table, record in (
        (t.lots, Lot),
        (t.lanes, Lane),
        (t.presences, Presence),
        (t.orders, Order),
        (t.lifts, Lift),
        (t.inbox, Message),
        (t.drivers, Driver),
    )
)
_LIVE = t.orders.c.state.in_([sa.literal_column("'waiting'"), sa.literal_column("'in'")])

_LOTS = sa.select(*LOT).where(among(t.lots.c.lot_id, "lots"), ByIndexFromHere()).order_by(t.lots.c.lot_id)
_LOCK, _LOCK_FREE = _LOTS.with_for_update(), _LOTS.with_for_update(skip_locked=True)
_KNOWN = sa.select(t.lots.c.lot_id).where(among(t.lots.c.lot_id, "lots"))
_OCCUPIED = (
    sa.select(t.presences.c.channel_id)
    .join(t.lanes, sa.and_(t.lanes.c.lot_id == t.presences.c.lot_id, t.lanes.c.channel_id == t.presences.c.channel_id))
    .where(
        t.presences.c.lot_id == sa.bindparam("lot"),
        t.presences.c.left_at.is_(None),
        t.lanes.c.direction == "entry",
        ~sa.exists().where(t.orders.c.presence_id == t.presences.c.presence_id, _LIVE),
    )
    .order_by(t.presences.c.channel_id)
)
_BY_LICENCE = sa.select(*ORDER).where(among(t.orders.c.licence, "licences"), _LIVE)
_BY_PRESENCE = sa.select(*ORDER).where(among(t.orders.c.presence_id, "presences"), _LIVE)
_WAITING_IN = (
    sa.select(*ORDER)
    .where(
        t.orders.c.lot_id == sa.bindparam("lot"),
        t.orders.c.channel_id == sa.bindparam("channel"),
        t.orders.c.state == sa.literal_column("'waiting'"),  # written into it: the index serves no parameter
    )
    .order_by(t.orders.c.requested_at, t.orders.c.order_id)
)
_INBOX = sa.select(*MESSAGE).where(among(t.inbox.c.digest, "digests"))
_DRIVERS = sa.select(*DRIVER).where(among(t.drivers.c.licence, "licences"))
_BLOCKED = sa.select(t.blocked.c.lot_id, t.blocked.c.kind, t.blocked.c.value).where(among(t.blocked.c.value, "values"))
_BLACKLISTED = sa.select(t.special_vehicles.c.lot_id, sa.literal("licence"), t.special_vehicles.c.car_number).where(
    among(t.special_vehicles.c.car_number, "values"),
    t.special_vehicles.c.kind.like("black%"),
    sa.or_(t.special_vehicles.c.starts_at.is_(None), t.special_vehicles.c.starts_at <= sa.bindparam("now")),
    sa.or_(t.special_vehicles.c.ends_at.is_(None), t.special_vehicles.c.ends_at > sa.bindparam("now")),
)
_REFUSED = sa.union_all(_BLOCKED, _BLACKLISTED)
_CHECKED = sa.select(t.sms_codes.c.lot_id, t.sms_codes.c.licence, t.sms_codes.c.mobile).where(
    among(t.sms_codes.c.mobile, "mobiles"), t.sms_codes.c.sent_at >= sa.bindparam("since")
)
_LEFT_SINCE = sa.select(t.orders.c.lot_id, t.orders.c.licence, t.orders.c.plate).where(
    among(t.orders.c.lot_id, "lots"),
    t.orders.c.closed_at >= sa.bindparam("since"),
    t.orders.c.state == sa.literal_column("'out'"),
    sa.or_(among(t.orders.c.licence, "cars"), among(t.orders.c.plate, "cars")),
)
_PRESENCES_BY_ID = sa.select(*PRESENCE).where(among(t.presences.c.presence_id, "presences"))
_UNSEEN = (
    sa.select(*ORDER)
    .where(
        t.orders.c.lot_id == sa.bindparam("lot"),
        t.orders.c.channel_id == sa.bindparam("channel"),
        t.orders.c.presence_id.is_(None),
        t.orders.c.passed_at.is_(None),
        _LIVE,
    )
    .order_by(t.orders.c.requested_at, t.orders.c.order_id)
)
_REPORTED = sa.select(t.alarms.c.lot_id, t.alarms.c.channel_id, t.alarms.c.event_id).where(
    among(t.alarms.c.event_id, "reports"), t.alarms.c.event_id != sa.literal_column("''")
)
_LAST_LIFT = (
    sa.select(*LIFT)
    .where(
        t.lifts.c.lot_id == sa.bindparam("lot"),
        t.lifts.c.channel_id == sa.bindparam("channel"),
        t.lifts.c.intended_at >= sa.bindparam("since"),
        t.lifts.c.order_id.is_(None),
        t.lifts.c.command != "close",
    )
    .order_by(t.lifts.c.intended_at.desc())
    .limit(1)
)
_LIFT = sa.select(*LIFT).where(t.lifts.c.lot_id == sa.bindparam("lot"), t.lifts.c.lift_id == sa.bindparam("lift"))
_UNDER_WAY = sa.select(*LIFT).where(
    t.lifts.c.lot_id == sa.bindparam("lot"), t.lifts.c.order_id == sa.bindparam("order"), t.lifts.c.outcome.is_(None)
)


def records(conn: sa.Connection, statement: sa.Select[tuple[object]], record: type[R], **parameters: object) -> list[R]:
    return [record(*row) for row in rows(conn, statement, parameters)]


@contextmanager
def never_waiting(conn: sa.Connection) -> Iterator[None]:
    """`lock` raises `LotsHeld` on the connection meanwhile, where it would wait."""
    conn.execution_options(taigan_never_waits=True)
    try:
        yield
    finally:
        conn.execution_options(taigan_never_waits=False)


def lock(conn: sa.Connection, lots: Collection[str]) -> dict[str, Lot]:
    """Take the lots for this transaction. Unknown ones are left out.

    Raises LotsHeld on a connection that is `never_waiting`.
    """
    if not conn.get_execution_options().get("taigan_never_waits"):
        return {lot.lot_id: lot for lot in records(conn, _LOCK, Lot, lots=sorted(lots))}
    taken = lock_free(conn, lots)
    if missing := set(lots) - taken.keys():
        held = {str(row[0]) for row in rows(conn, _KNOWN, {"lots": sorted(missing)})}
        if held:
            raise LotsHeld(held)
    return taken


def lock_free(conn: sa.Connection, lots: Collection[str]) -> dict[str, Lot]:
    """Take those of the lots that nobody holds. Unknown ones are left out."""
    return {lot.lot_id: lot for lot in records(conn, _LOCK_FREE, Lot, lots=sorted(lots))}


def lanes(conn: sa.Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Lane]:
    """Lanes by (lot_id, channel_id)."""
    return LANES.one_each(conn, keys)


def cars(conn: sa.Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Presence]:
    """The cars now on the loops of those lanes, by (lot_id, channel_id)."""
    return CARS.one_each(conn, keys)


def unserved_lanes(conn: sa.Connection, lot_id: str) -> list[str]:
    """Entry lanes of the lot with a car that has no live order yet."""
    return [str(channel) for channel in conn.execute(_OCCUPIED, {"lot": lot_id}).scalars()]


def presences(conn: sa.Connection, ids: Collection[str]) -> dict[tuple[str, str], Presence]:
    """Presences of these ids by (lot_id, presence_id), whether they have ended or not."""
    return {(x.lot_id, x.presence_id): x for x in records(conn, _PRESENCES_BY_ID, Presence, presences=ids)}


def unseen_orders_in(conn: sa.Connection, lot_id: str, channel_id: str) -> list[Order]:
    """The live orders of a lane whose loop did not see their cars, oldest first; none has passed."""
    return records(conn, _UNSEEN, Order, lot=lot_id, channel=channel_id)


def reported(conn: sa.Connection, event_ids: Collection[str]) -> set[tuple[str, str, str]]:
    """Which of a device's reports raised an alarm before, as (lot_id, channel_id, event_id)."""
    return {(row[0], row[1], row[2]) for row in conn.execute(_REPORTED, {"reports": event_ids})}


def live_orders_of(conn: sa.Connection, licences: Collection[str]) -> dict[tuple[str, str], Order]:
    """The live orders of drivers, by (lot_id, licence)."""
    return {(x.lot_id, x.licence): x for x in records(conn, _BY_LICENCE, Order, licences=licences)}


def live_orders_at(conn: sa.Connection, presences: Collection[str]) -> dict[tuple[str, str], Order]:
    """The live orders of cars on a loop, by (lot_id, presence_id)."""
    rows = records(conn, _BY_PRESENCE, Order, presences=presences)
    return {(x.lot_id, x.presence_id or ""): x for x in rows}


def orders(conn: sa.Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Order]:
    """Orders by (lot_id, order_id), in any state."""
    return ORDERS.one_each(conn, set(keys))


def waiting_in(conn: sa.Connection, lot_id: str, channel_id: str) -> list[Order]:
    """The orders waiting in a lane, oldest first."""
    return records(conn, _WAITING_IN, Order, lot=lot_id, channel=channel_id)


def messages(conn: sa.Connection, digests: Collection[str]) -> dict[str, Message]:
    """Messages taken in before, by digest."""
    return {x.digest: x for x in records(conn, _INBOX, Message, digests=digests)}


def drivers(conn: sa.Connection, licences: Collection[str]) -> dict[tuple[str, str], Driver]:
    """How often drivers scanned, by (lot_id, licence)."""
    return {(x.lot_id, x.licence): x for x in records(conn, _DRIVERS, Driver, licences=licences)}


def blocked(conn: sa.Connection, values: Collection[str], now: datetime) -> set[tuple[str, str, str]]:
    """Which of the values are blocked by an operator, or blacklisted by BoLink (11.4), as (lot_id, kind, value)."""
    return {(row[0], row[1], row[2]) for row in conn.execute(_REFUSED, {"values": values, "now": now})}


def checked_phones(conn: sa.Connection, mobiles: Collection[str], since: datetime) -> set[tuple[str, str, str]]:
    """Phones that got a code since then, as (lot_id, licence, mobile)."""
    rows = conn.execute(_CHECKED, {"mobiles": mobiles, "since": since})
    return {(row[0], row[1], row[2]) for row in rows}


def left_since(
    conn: sa.Connection, lots: Collection[str], cars: Collection[str], since: datetime
) -> set[tuple[str, str]]:
    """Which of these plates and licences belong to stays that ended since then, as (lot_id, plate or licence)."""
    found = conn.execute(_LEFT_SINCE, {"lots": lots, "cars": cars, "since": since})
    return {(row[0], name) for row in found for name in row[1:] if name in cars}


def lift_without_order(conn: sa.Connection, lot_id: str, channel_id: str, since: datetime) -> Lift | None:
    """The last time somebody raised that lane's arm for no order since then."""
    return next(iter(records(conn, _LAST_LIFT, Lift, lot=lot_id, channel=channel_id, since=since)), None)


def lifts_under_way(conn: sa.Connection, lot_id: str, order_id: str) -> list[Lift]:
    """The order's lifts that have no outcome yet."""
    return records(conn, _UNDER_WAY, Lift, lot=lot_id, order=order_id)


def lifts_of_presence(conn: sa.Connection, lot_id: str, presence_id: str) -> list[Lift]:
    """The lifts for one car's stay in a lane, oldest first."""
    return [*LIFTS_OF.of(conn, lot_id, presence_id)]


LANES = Rows(Lane, LANE, t.lanes.c.channel_id)
CARS = Rows(Presence, PRESENCE, t.presences.c.channel_id, t.presences.c.left_at.is_(None))
ORDERS = Rows(Order, ORDER, t.orders.c.order_id)
MESSAGES = OneEach(
    lambda conn, keys: {(x.lot_id, x.digest): x for x in messages(conn, {digest for _, digest in keys}).values()}
)
LIFTS_OF = Rows(Lift, LIFT, t.lifts.c.presence_id, order_by=(t.lifts.c.intended_at, t.lifts.c.lift_id))


def lift(conn: sa.Connection, lot_id: str, lift_id: str) -> Lift | None:
    """One lift by its id."""
    return next(iter(records(conn, _LIFT, Lift, lot=lot_id, lift=lift_id)), None)
