"""Pictures of cars, as rows: where each lies, and whose it is.

A picture is of the car that stood on the lane's loop then (`presence_id`), and so of every order of that car. Where a
lane has no loop, it is of the order whose plate the camera read there at that time. The row is written before the
picture is stored and goes after it, so that whatever is in the store can be found, and erased.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from taigan.storage import tables as t

NEAR = timedelta(minutes=1)
"""So far apart a plate may be read and its order begin, in a lane that has no loop."""
MOST = 40
"""So many pictures of one stay are shown at most: the first of them."""


class Shot(msgspec.Struct, frozen=True):
    """A picture of a car. `kind`: `in` or `out`, by the lane; `why`: `plate`, `lift`, `passage`, `given`."""

    lot_id: str
    shot_id: str
    kind: str
    why: str
    at: datetime
    content_type: str
    place: str
    channel_id: str = ""
    presence_id: str = ""
    order_id: str = ""
    plate: str = ""


_COLUMNS = [t.shots.c[name] for name in Shot.__struct_fields__]


def add(conn: sa.Connection, shot: Shot) -> bool:
    """Write a picture's row; False where it is there already."""
    insert: Any = (sqlite if conn.dialect.name == "sqlite" else postgresql).insert(t.shots)
    return bool(conn.execute(insert.on_conflict_do_nothing(), msgspec.structs.asdict(shot)).rowcount)


def remove(conn: sa.Connection, shots: Collection[Shot]) -> None:
    """Drop the rows of pictures that the store has no more."""
    for shot in shots:
        conn.execute(sa.delete(t.shots).where(t.shots.c.lot_id == shot.lot_id, t.shots.c.shot_id == shot.shot_id))


def given(conn: sa.Connection, lot_id: str, order_id: str, kind: str) -> list[Shot]:
    """The pictures that were given with an order, newest first."""
    c = t.shots.c
    where = (c.lot_id == lot_id, c.order_id == order_id, c.kind == kind, c.why == "given")
    return _read(conn, sa.select(*_COLUMNS).where(*where).order_by(c.at.desc(), c.shot_id.desc()))


def one(conn: sa.Connection, lot_id: str, shot_id: str) -> Shot | None:
    """A picture of the lot."""
    c = t.shots.c
    return next(iter(_read(conn, sa.select(*_COLUMNS).where(c.lot_id == lot_id, c.shot_id == shot_id))), None)


def old_bytes(conn: sa.Connection, shot: Shot) -> bytes | None:
    """What a row from before there was a store holds itself."""
    c = t.shots.c
    found = conn.execute(sa.select(c.picture).where(c.lot_id == shot.lot_id, c.shot_id == shot.shot_id)).scalar()
    return bytes(found) if found is not None else None


def of_order(conn: sa.Connection, lot_id: str, order_id: str) -> list[Shot]:
    """The pictures of one stay, the oldest first."""
    order, departure, c = t.orders.c, t.departures.c, t.shots.c
    of = [c.order_id == order_id]
    came = sa.select(order.channel_id, order.presence_id, order.plate, order.licence, order.requested_at)
    for row in conn.execute(came.where(order.lot_id == lot_id, order.order_id == order_id)):
        of += _of_car(row.channel_id, row.presence_id, (row.plate, row.licence), row.requested_at)
    left = sa.select(departure.channel_id, departure.presence_id, departure.plate, departure.charge_at)
    for gone in conn.execute(left.where(departure.lot_id == lot_id, departure.order_id == order_id)):
        of += _of_car(gone.channel_id, gone.presence_id, (gone.plate,), gone.charge_at)
    query = sa.select(*_COLUMNS).where(c.lot_id == lot_id, sa.or_(*of)).order_by(c.at, c.shot_id).limit(MOST)
    return _read(conn, query)


def picture_of(conn: sa.Connection, lot_id: str, order_id: str, kind: str) -> Shot | None:
    """An order's entry (`in`) or exit (`out`) picture: the one that was given, else the first that a camera took."""
    found = [shot for shot in of_order(conn, lot_id, order_id) if shot.kind == kind]
    if newest := given(conn, lot_id, order_id, kind):
        return newest[0]
    return next(iter(found), None)


def first_of_orders(conn: sa.Connection, lot_id: str, orders: Sequence[str], kind: str) -> dict[str, Shot]:
    """The picture of each of a few orders, as `picture_of` finds it."""
    found = {order_id: picture_of(conn, lot_id, order_id, kind) for order_id in orders}
    return {order_id: shot for order_id, shot in found.items() if shot is not None}


def newest_of_lanes(conn: sa.Connection, lot_id: str, since: datetime, only: Collection[str] = ()) -> dict[str, Shot]:
    """The newest picture of each lane since that moment, by channel_id."""
    c = t.shots.c
    newest = sa.select(c.channel_id, sa.func.max(c.at).label("at")).where(c.lot_id == lot_id, c.at > since)
    if only:
        newest = newest.where(c.channel_id.in_(list(only)))
    last = newest.where(c.channel_id != "").group_by(c.channel_id).subquery()
    query = sa.select(*_COLUMNS).join(last, sa.and_(last.c.channel_id == c.channel_id, last.c.at == c.at))
    return {shot.channel_id: shot for shot in _read(conn, query.where(c.lot_id == lot_id))}


def _of_car(channel_id: str, presence_id: str | None, plates: Collection[str], at: datetime) -> list[Any]:
    c = t.shots.c
    of: list[Any] = [c.presence_id == presence_id] if presence_id else []
    if read := [plate for plate in plates if plate]:
        near = c.at.between(at - NEAR, at + NEAR)
        of.append(sa.and_(c.presence_id == "", c.channel_id == channel_id, c.plate.in_(read), near))
    return of


def _read(conn: sa.Connection, query: Any) -> list[Shot]:
    return [Shot(**row) for row in conn.execute(query).mappings()]
