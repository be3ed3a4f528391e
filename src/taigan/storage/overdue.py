"""What time alone brings about: candidates to look at, found without a lock and judged again under it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.facts import LIFT, ORDER, PRESENCE, records
from taigan.storage.rows import Lift, Order, Presence
from taigan.storage.tables import Moment

_before = sa.bindparam("before", type_=Moment())
_WAITING: sa.ColumnElement[str] = sa.literal_column("'waiting'")
_IN: sa.ColumnElement[str] = sa.literal_column("'in'")

_LIFTS = sa.select(*LIFT).where(t.lifts.c.outcome.is_(None), t.lifts.c.deadline < _before).limit(1000)
_ORDERS = (
    sa.select(*ORDER)
    .where(t.orders.c.state == _WAITING, t.orders.c.requested_at < _before)
    .order_by(t.orders.c.requested_at)
    .limit(1000)
)
_NOT_PASSED = (
    sa.select(*ORDER)
    .where(
        t.orders.c.state == _IN, t.orders.c.passed_at.is_(None), t.orders.c.in_at < _before, t.orders.c.alarmed == ""
    )
    .order_by(t.orders.c.in_at)
    .limit(1000)
)
_CLAIMS = sa.select(*PRESENCE).where(t.presences.c.left_at.is_(None), t.presences.c.ends_at < _before).limit(1000)


_d = t.deliveries
_soon, _limit = sa.bindparam("soon", type_=Moment()), sa.bindparam("limit", type_=Moment())
_PACE = sa.update(t.upload_pace).where(t.upload_pace.c.next_at > _limit).values(next_at=_soon)
_TRIES = sa.update(_d).where(_d.c.state == "pending", _d.c.next_at > _limit).values(next_at=_soon)
_LEASES = sa.update(_d).where(_d.c.state == "sending", _d.c.lease_until > _limit).values(lease_until=_limit)
_HELD = t.presences.c.left_at.is_(None), t.presences.c.ends_at > _limit
_HOLDS = sa.update(t.presences).where(*_HELD).values(ends_at=_limit)


class Longest(msgspec.Struct, frozen=True):
    """How far ahead a moment can be that was written down by a clock that is right."""

    pace: timedelta
    retry: timedelta
    lease: timedelta
    hold: timedelta


def bring_forward(conn: sa.Connection, now: datetime, longest: Longest) -> None:
    """Bring what waits for a moment further ahead than it can be into reach: the clock was set back meanwhile."""
    conn.execute(_PACE, {"soon": now, "limit": now + longest.pace})
    conn.execute(_TRIES, {"soon": now, "limit": now + longest.retry})
    conn.execute(_LEASES, {"limit": now + longest.lease})
    conn.execute(_HOLDS, {"limit": now + longest.hold})


def lifts(conn: sa.Connection, before: datetime) -> list[Lift]:
    """Lifts without an outcome whose deadline is past."""
    return records(conn, _LIFTS, Lift, before=before)


def waiting(conn: sa.Connection, before: datetime) -> list[Order]:
    """Orders that have waited since before that moment."""
    return records(conn, _ORDERS, Order, before=before)


def not_passed(conn: sa.Connection, before: datetime) -> list[Order]:
    """Orders that are in since before that moment, whose car was not seen to pass and raised no alarm yet."""
    return records(conn, _NOT_PASSED, Order, before=before)


def claims(conn: sa.Connection, before: datetime) -> list[Presence]:
    """Claims on lanes without a detector that ended before that moment."""
    return records(conn, _CLAIMS, Presence, before=before)
