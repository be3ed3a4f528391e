"""What stands in each lane of a lot, for those who watch them: read without a lock, decided by nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.lot.errors import CannotPrice
from taigan.lot.stays.account import Account, account_of
from taigan.lot.stays.likeness import distance, likeness, marked
from taigan.storage.changes import Changes
from taigan.storage.locked import facts, ledger
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Departure, Lane, Lot, Order, Presence
from taigan.storage.shown import searches, views
from taigan.storage.shown.searches import Sought

MOST_LANES = 2000
WINDOW = 3
"""So many characters of a plate that follow one another make a stay worth looking at."""


class LaneNow(msgspec.Struct):
    """A lane: the car on its loop, who waits there, oldest first, and at an exit whose stay it is and what it owes.

    `due_fen` is None where nobody knows the order, or no price list says what it costs (`why_not`).
    """

    lane: Lane
    car: Presence | None
    waiting: list[Order]
    departure: Departure | None = None
    order: Order | None = None
    due_fen: int | None = None
    why_not: str = ""


def board(conn: sa.Connection, lot: Lot) -> list[LaneNow]:
    """The lot's lanes by name."""
    rows = views.lanes(conn, lot.lot_id, MOST_LANES, ())
    return _board(conn, lot, rows, _waiting(conn, lot), ledger.departures_open(conn, lot.lot_id))


def lane_now(conn: sa.Connection, lot: Lot, channel_id: str) -> LaneNow | None:
    """One lane of the lot; no other is read."""
    row = views.lane(conn, lot.lot_id, channel_id)
    if row is None:
        return None
    waiting = {channel_id: facts.waiting_in(conn, lot.lot_id, channel_id)}
    return _board(conn, lot, [row], waiting, ledger.DEPARTURES_AT.of(conn, lot.lot_id, channel_id))[0]


def busy_lanes(conn: sa.Connection, lot: Lot, besides: Callable[[Lane], bool]) -> list[LaneNow]:
    """The lanes in which somebody waits or stands at the exit, and others of which `besides` says so, by name."""
    waiting, departures = _waiting(conn, lot), ledger.departures_open(conn, lot.lot_id)
    names = {*waiting, *(one.channel_id for one in departures)}
    rows = [row for row in views.lanes(conn, lot.lot_id, MOST_LANES, ()) if row.channel_id in names or besides(row)]
    return _board(conn, lot, rows, waiting, departures)


def _waiting(conn: sa.Connection, lot: Lot) -> dict[str, list[Order]]:
    waiting: dict[str, list[Order]] = {}
    for order in reversed(views.orders(conn, lot.lot_id, MOST_LANES, (), state=views.WAITING)):
        waiting.setdefault(order.channel_id, []).append(order)
    return waiting


def _board(
    conn: sa.Connection,
    lot: Lot,
    rows: Sequence[Lane],
    waiting: Mapping[str, list[Order]],
    open_departures: Collection[Departure],
) -> list[LaneNow]:
    cars = facts.cars(conn, [(row.lot_id, row.channel_id) for row in rows])
    departures = {one.channel_id: one for one in open_departures}
    stays = facts.orders(conn, [(lot.lot_id, one.order_id) for one in departures.values() if one.order_id])
    lanes = []
    for row in rows:
        now = LaneNow(row, cars.get((row.lot_id, row.channel_id)), waiting.get(row.channel_id, []))
        now.departure = departures.get(row.channel_id) if row.direction == "exit" else None
        if now.departure is not None:
            now.order = stays.get((lot.lot_id, now.departure.order_id))
        if now.departure is not None and now.order is not None and now.departure.released_at is None:
            now.due_fen, now.why_not = due(conn, lot, now.order, now.departure.charge_at)
        lanes.append(now)
    return lanes


def due(conn: sa.Connection, lot: Lot, order: Order, at: datetime) -> tuple[int | None, str]:
    """What a stay that goes on owes at that moment, or None and why that cannot be told."""
    try:
        return money_of(conn, lot, order).due(at), ""
    except CannotPrice as error:
        return None, error.message


def money_of(conn: sa.Connection, lot: Lot, order: Order) -> Account:
    """A stay's money, to look at: what is worked out on it is written nowhere."""
    return account_of(Sheet(conn), lot, order, Changes())


class Candidate(msgspec.Struct):
    """A stay that may be that of the car at the exit, how many characters of its plate differ and which, and what it
    owes."""

    order: Order
    differs: int
    marked: list[tuple[str, bool]]
    due_fen: int | None
    why_not: str


def candidates(conn: sa.Connection, lot: Lot, departure: Departure, typed: str, most: int = 9) -> list[Candidate]:
    """The stays inside that fit best what the camera read, or what a person typed: the nearest plate first, of those
    the newest. Where nothing was read nor typed: the newest that came in without a plate."""
    wanted = typed or departure.plate
    found: dict[str, Order] = {}
    if wanted:
        tail = wanted if len(wanted) < WINDOW else wanted[1:] or wanted
        windows = [wanted, *(tail[at : at + WINDOW] for at in range(max(1, len(tail) - WINDOW + 1)))]
        for order in ledger.inside_like(conn, lot.lot_id, likeness(wanted)):
            found[order.order_id] = order
        for part in dict.fromkeys(windows):
            for row in searches.stays(conn, lot.lot_id, 20, (), Sought(part=part, state="in")):
                found[row.order.order_id] = row.order
    else:
        for row in searches.stays(conn, lot.lot_id, 200, (), Sought(state="in")):
            if not row.order.plate:
                found[row.order.order_id] = row.order
    near = {name: distance(wanted, order.plate or order.licence) if wanted else 0 for name, order in found.items()}
    best = sorted(found.values(), key=lambda order: (near[order.order_id], -order.requested_at.timestamp()))[:most]
    return [
        Candidate(
            order,
            near[order.order_id],
            marked(wanted, order.plate or order.licence),
            *due(conn, lot, order, max(departure.charge_at, order.requested_at)),
        )
        for order in best
    ]
