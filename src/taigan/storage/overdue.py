"""What time alone brings about: candidates to look at, found without a lock and judged again under it.

Each function also finds what began after `ahead`: it was written down by a clock that has been set back since, and
whoever judges it must know that it began some time ago.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.facts import LIFT, ORDER, PRESENCE, records
from taigan.storage.rows import Lift, Order, Presence
from taigan.storage.tables import Moment

_before, _ahead = (sa.bindparam(name, type_=Moment()) for name in ("before", "ahead"))
_WAITING: sa.ColumnElement[str] = sa.literal_column("'waiting'")
_IN: sa.ColumnElement[str] = sa.literal_column("'in'")

_LIFTS = (
    sa.select(*LIFT)
    .where(t.lifts.c.outcome.is_(None), sa.or_(t.lifts.c.deadline < _before, t.lifts.c.intended_at > _ahead))
    .limit(1000)
)
_TO_TAKE = (
    sa.select(*LIFT)
    .where(
        t.lifts.c.outcome.is_(None),
        t.lifts.c.deadline >= _before,
        t.lifts.c.taken_at.is_(None),
        t.lifts.c.purpose != "",
    )
    .limit(1000)
)
_ORDERS = (
    sa.select(*ORDER)
    .where(
        t.orders.c.state == _WAITING,
        sa.or_(t.orders.c.requested_at < _before, t.orders.c.requested_at > _ahead),
    )
    .order_by(t.orders.c.requested_at)
    .limit(1000)
)
_NOT_PASSED = (
    sa.select(*ORDER)
    .where(
        t.orders.c.state == _IN,
        t.orders.c.passed_at.is_(None),
        sa.or_(t.orders.c.in_at < _before, t.orders.c.in_at > _ahead),
        t.orders.c.alarmed == "",
    )
    .order_by(t.orders.c.in_at)
    .limit(1000)
)
_CLAIMS = (
    sa.select(*PRESENCE)
    .where(
        t.presences.c.left_at.is_(None),
        t.presences.c.ends_at.is_not(None),
        sa.or_(t.presences.c.ends_at < _before, t.presences.c.arrived_at > _ahead),
    )
    .limit(1000)
)


def lifts(conn: sa.Connection, before: datetime, ahead: datetime) -> list[Lift]:
    """Lifts without an outcome whose deadline is past."""
    return records(conn, _LIFTS, Lift, before=before, ahead=ahead)


def lifts_to_take(conn: sa.Connection, now: datetime) -> list[Lift]:
    """Lifts that are intended and that no process has taken, within their deadline."""
    return records(conn, _TO_TAKE, Lift, before=now)


def waiting(conn: sa.Connection, before: datetime, ahead: datetime) -> list[Order]:
    """Orders that have waited since before that moment."""
    return records(conn, _ORDERS, Order, before=before, ahead=ahead)


def not_passed(conn: sa.Connection, before: datetime, ahead: datetime) -> list[Order]:
    """Orders that are in since before that moment, whose car was not seen to pass and raised no alarm yet."""
    return records(conn, _NOT_PASSED, Order, before=before, ahead=ahead)


def claims(conn: sa.Connection, before: datetime, ahead: datetime) -> list[Presence]:
    """Claims on lanes without a detector that ended before that moment."""
    return records(conn, _CLAIMS, Presence, before=before, ahead=ahead)
