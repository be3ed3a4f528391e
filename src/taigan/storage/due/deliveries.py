"""The outbox: what is owed to BoLink, who sends it, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Update, rows
from taigan.storage.tables import Moment, Numbers, among, by_index

_d = t.deliveries
_pace = t.upload_pace
_earlier = t.deliveries.alias("earlier")
_PENDING, _SENDING = sa.literal_column("'pending'", sa.Text()), sa.literal_column("'sending'", sa.Text())
_OPEN = [_PENDING, _SENDING]  # written into the statements: the index of what is owed serves no parameters


class Claimed(msgspec.Struct):
    """A delivery that this process is to send now."""

    delivery_id: int
    lot_id: str
    order_id: str
    section: str
    payload: str
    attempts: int
    created_at: datetime


class Sent(msgspec.Struct):
    """How sending a delivery ended."""

    delivery_id: int
    attempts: int  # the attempt it was; a later claim by another process is left alone
    state: str  # done, refused, or pending to be tried again
    next_at: datetime
    done_at: datetime | None
    answer: str
    lease_until: None = None


class Owing(msgspec.Struct):
    """How many stays of an order's plate were never paid, here or elsewhere, as BoLink answered to its 3.1."""

    lot_id: str
    order_id: str
    arrears: int


class Longest(msgspec.Struct, frozen=True):
    """How far ahead a moment can be that was written down by a clock that is right; one further ahead is due."""

    pace: timedelta
    retry: timedelta
    lease: timedelta


_now, _pace_end, _retry_end, _lease_end = (
    sa.bindparam(name, type_=Moment()) for name in ("now", "pace_end", "retry_end", "lease_end")
)
_LEASED_FOR_TOO_LONG = sa.and_(_d.c.state == _SENDING, _d.c.lease_until > _lease_end)
_DUE = sa.or_(
    sa.and_(_d.c.state == _PENDING, sa.or_(_d.c.next_at <= _now, _d.c.next_at > _retry_end)),
    sa.and_(_d.c.state == _SENDING, sa.or_(_d.c.lease_until <= _now, _d.c.lease_until > _lease_end)),
)
_FIRST_OF_ORDER = (
    sa.select(sa.func.min(_earlier.c.delivery_id))
    .where(_earlier.c.lot_id == _d.c.lot_id, _earlier.c.order_id == _d.c.order_id, _earlier.c.state.in_(_OPEN))
    .correlate(_d)
    .scalar_subquery()
)
"""Not `NOT EXISTS (an earlier one)`: PostgreSQL would join all of the lot's deliveries for it."""
_NEXT = (
    sa.select(_d.c.delivery_id)
    .where(
        _d.c.lot_id == _pace.c.lot_id,
        _d.c.state.in_(_OPEN),
        _DUE,
        _d.c.delivery_id == _FIRST_OF_ORDER,
    )
    .order_by(_d.c.next_at, _d.c.delivery_id)
    .limit(sa.literal_column("1", sa.Integer()))
    .correlate(_pace)
    .scalar_subquery()
)
_next = t.deliveries.alias("next")
_READY = (
    sa.select(
        _pace.c.lot_id,
        _next.c.delivery_id,
        sa.and_(_next.c.state == _SENDING, _next.c.lease_until > _lease_end).label("leased"),
    )
    .select_from(_pace)
    .join(_next, _next.c.delivery_id == _NEXT)  # once for each lot, and no further than `most` of them
    .where(sa.or_(_pace.c.next_at <= _now, _pace.c.next_at > _pace_end))
    .order_by(_pace.c.next_at)
    .limit(sa.bindparam("most", type_=sa.Integer()))
    .with_for_update(of=_pace, skip_locked=True)
)
_PACE = sa.update(_pace).where(among(_pace.c.lot_id, "lots")).values(next_at=sa.bindparam("free_at"))
# What is found by its number is asked for its state in a form that no index serves: PostgreSQL would take the index of
# what is to be sent, if there was nothing when it last looked the table over, and read all that waits by now.
_CLAIM = (
    sa.update(_d)
    .where(among(_d.c.delivery_id, "ids", Numbers()), _DUE.is_(sa.true()))  # again: another process may be faster
    .values(state="sending", attempts=_d.c.attempts + 1, lease_until=sa.bindparam("until", type_=Moment()))
    .returning(*(_d.c[name] for name in Claimed.__struct_fields__))
)
_RENEW = (
    sa.update(_d)
    .where(among(_d.c.delivery_id, "ids", Numbers()), _LEASED_FOR_TOO_LONG)
    .values(lease_until=sa.bindparam("until", type_=Moment()))
)
_SENT = Update["Sent"](
    _d,
    "state",
    "next_at",
    "done_at",
    "answer",
    "lease_until",
    key=["delivery_id", "attempts"],
    where="(deliveries.state = 'sending') IS TRUE",
)
_OWING = Update[Owing](t.orders, "arrears", key=["lot_id", "order_id"])
_CANCEL = (
    sa.update(_d)
    .where(
        _d.c.lot_id == sa.bindparam("lot"),
        _d.c.order_id == sa.bindparam("of_order"),
        _d.c.section == "3.1",
        _d.c.state == "pending",
        _d.c.attempts == 0,
    )
    .values(state="cancelled")
)
_NOW = (
    sa.update(_d)
    .where(
        _d.c.state == _PENDING,
        _d.c.delivery_id
        == sa.select(sa.func.min(_earlier.c.delivery_id))
        .where(
            _earlier.c.lot_id == sa.bindparam("lot"),
            _earlier.c.order_id == sa.bindparam("of_order"),
            _earlier.c.state.in_(_OPEN),
        )
        .scalar_subquery(),
    )
    .values(state="sending", attempts=_d.c.attempts + 1, lease_until=sa.bindparam("until", type_=Moment()))
    .returning(*(_d.c[name] for name in Claimed.__struct_fields__))
)
_STATE_OF = (
    sa.select(_d.c.state)
    .where(
        _d.c.lot_id == sa.bindparam("lot"),
        _d.c.order_id == sa.bindparam("of_order"),
        _d.c.section == sa.bindparam("of"),
    )
    .order_by(_d.c.delivery_id)
    .limit(1)
)
_QUEUE = sa.select(sa.func.count(), sa.func.min(_d.c.created_at, type_=Moment())).where(_d.c.state.in_(_OPEN))

_REFUSED = sa.select(sa.func.count()).where(_d.c.state == "refused")


def claim(
    conn: sa.Connection, now: datetime, lease: timedelta, spacing: timedelta, most: int, longest: Longest
) -> list[Claimed]:
    """Take the next due delivery of every lot whose pace allows one now, at most `most`, and book the pace for them.

    A delivery whose lease ran out (its process died) is taken again; one whose lease was given by a clock that has been
    set back since may be on its way: it gets a lease from now. Two processes never take the same one.
    """
    by_index(conn)
    moments = {
        "now": now,
        "pace_end": now + longest.pace,
        "retry_end": now + longest.retry,
        "lease_end": now + longest.lease,
    }
    ready = conn.execute(_READY, {**moments, "most": most}).all()
    if leased := [row.delivery_id for row in ready if row.leased]:
        conn.execute(_RENEW, {"ids": sorted(leased), "until": now + lease, "lease_end": moments["lease_end"]})
    taken = sorted((row.lot_id, row.delivery_id) for row in ready if not row.leased)
    if not taken:
        return []
    conn.execute(_PACE, {"lots": [lot for lot, _ in taken], "free_at": now + spacing})
    ids = sorted(delivery_id for _, delivery_id in taken)
    claimed = conn.execute(_CLAIM, {**moments, "ids": ids, "until": now + lease})
    return [Claimed(*row) for row in claimed]


def claim_now(
    conn: sa.Connection, lot_id: str, order_id: str, now: datetime, lease: timedelta, spacing: timedelta
) -> Claimed | None:
    """Take the first open delivery of an order before its turn, unless it is under way, and book the lot's pace."""
    found = conn.execute(_NOW, {"lot": lot_id, "of_order": order_id, "until": now + lease}).first()
    if found is None:
        return None
    book_pace(conn, lot_id, now + spacing)
    return Claimed(*found)


def book_pace(conn: sa.Connection, lot_id: str, free_at: datetime) -> None:
    """The lot's next upload may start then: one is sent now."""
    conn.execute(_PACE, {"lots": [lot_id], "free_at": free_at})


def state_of(conn: sa.Connection, lot_id: str, order_id: str, section: str) -> str:
    """The state of an order's first delivery of a section; empty where none is owed."""
    return conn.execute(_STATE_OF, {"lot": lot_id, "of_order": order_id, "of": section}).scalar() or ""


def record(conn: sa.Connection, results: Sequence[Sent]) -> list[None]:
    """Write down how sendings ended."""
    _SENT(conn, sorted(results, key=lambda sent: sent.delivery_id))
    return [None] * len(results)


def note_arrears(conn: sa.Connection, owing: Owing) -> None:
    """Keep what BoLink says that a plate left owing, with the order that has just been told to it."""
    _OWING(conn, [owing])


def cancel_unsent(conn: sa.Connection, lot_id: str, order_id: str) -> bool:
    """Cancel an order's 3.1 if it was surely never sent. Tells whether it was."""
    return conn.execute(_CANCEL, {"lot": lot_id, "of_order": order_id}).rowcount > 0


def refused(conn: sa.Connection) -> int:
    """How many deliveries BoLink said no to."""
    return int(conn.execute(_REFUSED).scalar_one())


def queue(conn: sa.Connection) -> tuple[int, datetime | None]:
    """How many deliveries are owed, and since when the oldest is."""
    [(count, oldest)] = rows(conn, _QUEUE, {})
    return count, oldest
