"""What time alone brings about: candidates to look at, found without a lock and judged again under it.

Each function also finds what began after `ahead`: it was written down by a clock that has been set back since, and
whoever judges it must know that it began some time ago.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Row, rows
from taigan.storage.locked.facts import LIFT, ORDER, PRESENCE, records
from taigan.storage.rows import Lift, Order, Presence
from taigan.storage.tables import Moment


class Unclear(msgspec.Struct, frozen=True):
    """An order whose payment is unclear, and its car waits; `entry` is 3.1 as BoLink took it."""

    lot_id: str
    order_id: str
    plate: str
    licence: str
    entry: str | None


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
_STALE = sa.select(sa.func.count()).where(
    t.orders.c.lot_id == sa.bindparam("lot"), t.orders.c.state == _IN, t.orders.c.requested_at < _before
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

_o, _a, _p, _dep, _del, _b = t.orders.c, t.attempts.c, t.payments.c, t.departures.c, t.deliveries.c, t.bills.c
_q = t.quotes.c
_since = sa.bindparam("since", type_=Moment())
_PULL_IS_OPEN = _a.state.in_([sa.literal_column("'live'"), sa.literal_column("'unclear'")])
_WAITS = sa.exists().where(
    _dep.lot_id == _o.lot_id, _dep.order_id == _o.order_id, _dep.ended_at.is_(None), _dep.released_at.is_(None)
)
_ENTRY = (
    sa.select(_del.payload)
    .where(
        _del.lot_id == _o.lot_id,
        _del.order_id == _o.order_id,
        _del.section == sa.literal_column("'3.1'"),
        _del.state == sa.literal_column("'done'"),
    )
    .limit(1)
    .scalar_subquery()
)
_UNCLEAR_PULLS = (
    sa.select(_o.lot_id, _o.order_id, _o.plate, _o.licence, _ENTRY)
    .join(t.attempts, sa.and_(_a.lot_id == _o.lot_id, _a.order_id == _o.order_id))
    .where(_PULL_IS_OPEN, _a.state == sa.literal_column("'unclear'"), _a.started_at.between(_since, _before), _WAITS)
    .limit(1000)
)
_PENDING_PAYMENTS = (
    sa.select(_o.lot_id, _o.order_id, _o.plate, _o.licence, _ENTRY)
    .join(t.payments, sa.and_(_p.lot_id == _o.lot_id, _p.order_id == _o.order_id))
    .where(_p.state == sa.literal_column("'pending'"), _p.received_at.between(_since, _before), _WAITS)
    .limit(1000)
)
_HEARD_OF = sa.exists().where(
    _p.lot_id == _q.lot_id, _p.order_id == _q.order_id, _p.received_at >= _q.asked_at, _p.giver != sa.literal("cash")
)
_AWAITED = sa.exists().where(_b.lot_id == _o.lot_id, _b.order_id == _o.order_id, _b.awaited)
_QUOTED = (
    sa.select(_o.lot_id, _o.order_id, _o.plate, _o.licence, _ENTRY)
    .join(t.departures, sa.and_(_dep.lot_id == _o.lot_id, _dep.order_id == _o.order_id))
    .where(
        _dep.ended_at.is_(None),
        _dep.released_at.is_(None),
        sa.or_(
            _AWAITED,
            sa.exists().where(
                _q.lot_id == _o.lot_id,
                _q.order_id == _o.order_id,
                _q.due_fen > sa.literal_column("0"),
                _q.asked_at.between(_since, sa.bindparam("quoted_before", type_=Moment())),
                ~_HEARD_OF,
            ),
        ),
    )
    .limit(1000)
)
_QUOTED_INSIDE = (
    sa.select(_o.lot_id, _o.order_id, _o.plate, _o.licence, _ENTRY)
    .join(t.quotes, sa.and_(_q.lot_id == _o.lot_id, _q.order_id == _o.order_id))
    .where(_o.state == _IN, _q.due_fen > sa.literal_column("0"), _q.asked_at.between(_since, _before), ~_HEARD_OF)
    .distinct()
    .limit(10_000)
)
_LATE_PULLS = sa.select(_a.lot_id).where(
    _PULL_IS_OPEN,
    sa.or_(
        sa.and_(_a.state == sa.literal_column("'live'"), sa.or_(_a.deadline < _before, _a.started_at > _ahead)),
        sa.and_(
            _a.started_at < _since,
            sa.exists().where(
                _dep.lot_id == _a.lot_id,
                _dep.order_id == _a.order_id,
                _dep.ended_at.is_(None),
                _dep.released_at.is_(None),
                _dep.alarmed.not_like("%pull%"),
            ),
        ),
    ),
)
_NOBODY_CAME = sa.and_(_dep.charge_at < _before, _dep.alarmed.not_like("%unanswered%"))
_OWES_FOR_LONG = sa.and_(_dep.charge_at < sa.bindparam("moved_before", type_=Moment()), _dep.order_id != "")
_STAND = sa.select(_dep.lot_id).where(_dep.ended_at.is_(None), _dep.released_at.is_(None)).distinct()
_STANDS = _STAND.where(sa.or_(sa.and_(_NOBODY_CAME, sa.or_(_dep.order_id == "", _dep.alarmed != "")), _OWES_FOR_LONG))
_STANDS_OFFLINE = _STAND.where(sa.or_(_NOBODY_CAME, _OWES_FOR_LONG))
_OWED_SINCE = (
    sa.select(_b.lot_id, _b.order_id)
    .where(
        _b.closed_at.is_not(None),
        _b.charge_fen - _b.reduced_fen - _b.paid_fen + _b.refunded_fen > sa.literal_column("0"),
        _b.closed_at < _before,
        sa.not_(_b.awaited),
        ~sa.exists().where(
            _del.lot_id == _b.lot_id, _del.order_id == _b.order_id, _del.section == sa.literal_column("'3.2'")
        ),
    )
    .limit(100)
)


def departures_waiting(conn: sa.Connection, before: datetime, moved_before: datetime, *, offline: bool) -> list[str]:
    """Lots in whose exit lanes a car stands, not let go, since before that moment: one that a person was or is to be
    called for, nobody came, and nobody was told of that yet; `offline`: any that owes; one since `moved_before`."""
    found = rows(conn, _STANDS_OFFLINE if offline else _STANDS, {"before": before, "moved_before": moved_before})
    return [lot_id for (lot_id,) in found]


def unclear(conn: sa.Connection, since: datetime, before: datetime, quoted_before: datetime) -> list[Unclear]:
    """Orders whose car waits to be let go, with a pull or a payment between these moments that is unclear, or a price
    that was told before `quoted_before` and not heard of since."""
    given = {"since": since, "before": before, "quoted_before": quoted_before}
    statements = (_UNCLEAR_PULLS, _PENDING_PAYMENTS, _QUOTED)
    return _each({row for statement in statements for row in rows(conn, statement, given)})


def quoted_inside(conn: sa.Connection, since: datetime, before: datetime) -> list[Unclear]:
    """Orders `in` whose drivers were told a price between these moments and of whose payment nothing was heard."""
    return _each({*rows(conn, _QUOTED_INSIDE, {"since": since, "before": before})})


def _each(found: set[Row]) -> list[Unclear]:
    return [Unclear(*row) for row in sorted(found, key=lambda row: (row[0], row[1]))]


def late_pulls(conn: sa.Connection, deadline: datetime, ahead: datetime, waited_since: datetime) -> set[str]:
    """Lots with a pull past its deadline, or one whose driver was kept waiting since before `waited_since`."""
    return {
        lot_id for (lot_id,) in rows(conn, _LATE_PULLS, {"before": deadline, "ahead": ahead, "since": waited_since})
    }


def owed_since(conn: sa.Connection, before: datetime) -> list[tuple[str, str]]:
    """Closed orders, by lot and order_id, that owe something since before that moment and were never told (3.2)."""
    return [(lot_id, order_id) for lot_id, order_id in rows(conn, _OWED_SINCE, {"before": before})]


def lifts(conn: sa.Connection, before: datetime, ahead: datetime) -> list[Lift]:
    """Lifts without an outcome whose deadline is past."""
    return records(conn, _LIFTS, Lift, before=before, ahead=ahead)


def lifts_to_take(conn: sa.Connection, now: datetime) -> list[Lift]:
    """Lifts that are intended and that no process has taken, within their deadline."""
    return records(conn, _TO_TAKE, Lift, before=now)


def stale_stays(conn: sa.Connection, lot_id: str, before: datetime) -> int:
    """How many stays of a lot go on that were asked for before then."""
    [(number,)] = rows(conn, _STALE, {"lot": lot_id, "before": before})
    return int(number)


def waiting(conn: sa.Connection, before: datetime, ahead: datetime) -> list[Order]:
    """Orders that have waited since before that moment."""
    return records(conn, _ORDERS, Order, before=before, ahead=ahead)


def not_passed(conn: sa.Connection, before: datetime, ahead: datetime) -> list[Order]:
    """Orders that are in since before that moment, whose car was not seen to pass and raised no alarm yet."""
    return records(conn, _NOT_PASSED, Order, before=before, ahead=ahead)


def claims(conn: sa.Connection, before: datetime, ahead: datetime) -> list[Presence]:
    """Claims on lanes without a detector that ended before that moment."""
    return records(conn, _CLAIMS, Presence, before=before, ahead=ahead)
