"""Alarms as what persons see to: which are unfinished, who has them, and which are over by themselves.

An alarm is `open` until somebody takes it (`taken`), puts it off (`snoozed`, until it comes back), or has dealt with it
(`done`); what it was about may also end by itself (`ended`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import rows
from taigan.storage.locked.facts import columns
from taigan.storage.shown.views import After, NumberedAlarm
from taigan.storage.tables import Moment, Numbers, among

UNFINISHED = ("open", "taken", "snoozed")
FINISHED = ("done", "ended")
MOST_COUNTED = 100
"""So many open things are counted; the page says 99+ then."""
MOST_LOOKED_AT = 500
"""So many unfinished alarms, the newest, are looked at for having ended."""
BY_DEVICE = ("barrier_offline",)
"""What is over when the lane's device is heard again: no row says that."""

_A = t.alarms.c
_SHOWN = columns(t.alarms, NumberedAlarm)
_UNFINISHED = _A.state.in_([sa.literal_column(f"'{state}'") for state in UNFINISHED])  # the index serves no parameters
_OF_LOT = sa.select(*_SHOWN).where(_A.lot_id == sa.bindparam("lot"))
_OPEN_ONES = (
    sa.select(_A.kind, _A.channel_id, _A.order_id)
    .where(_A.lot_id == sa.bindparam("lot"), _UNFINISHED, _A.state == sa.literal_column("'open'"))
    .distinct()
    .limit(MOST_COUNTED)
)
_COUNT = sa.select(sa.func.count()).select_from(_OPEN_ONES.subquery())
_COME_BACK = sa.select(_A.alarm_id).where(
    _UNFINISHED, _A.state == sa.literal_column("'snoozed'"), _A.until <= sa.bindparam("now", type_=Moment())
)


class Change(msgspec.Struct, frozen=True):
    """What alarms become: by whom, why, through what; `until` is when a snoozed one comes back."""

    state: str
    at: datetime
    actor: str = ""
    note: str = ""
    via: str = ""
    until: datetime | None = None


def unfinished(conn: sa.Connection, lot_id: str, limit: int) -> list[NumberedAlarm]:
    """The newest unfinished alarms of a lot, newest first."""
    found = _OF_LOT.where(_UNFINISHED).order_by(_A.alarm_id.desc()).limit(limit)
    return _records(conn, found, lot=lot_id)


def finished(
    conn: sa.Connection, lot_id: str, limit: int, after: After, *, kind: str = "", channel_id: str = ""
) -> list[NumberedAlarm]:
    """What is done or over, newest first."""
    given = {"lot": lot_id, "most": limit, "kind": kind, "channel": channel_id}
    if after:
        given["after"] = after[0]
    return _records(conn, _finished(bool(kind), bool(channel_id), bool(after)), **given)


def count_open(conn: sa.Connection, lot_id: str) -> int:
    """How many things nobody has taken: what came again and again counts once. At most `MOST_COUNTED`."""
    return int(conn.execute(_COUNT, {"lot": lot_id}).scalar_one())


def is_raised(conn: sa.Connection, lot_id: str, kind: str) -> bool:
    """Whether the lot has an alarm of this kind that nobody has ended."""
    return conn.execute(_RAISED, {"lot": lot_id, "of_kind": kind}).first() is not None


def alarm(conn: sa.Connection, lot_id: str, alarm_id: int) -> NumberedAlarm | None:
    """One alarm."""
    return next(iter(_records(conn, _OF_LOT.where(_A.alarm_id == sa.bindparam("id")), lot=lot_id, id=alarm_id)), None)


def like(conn: sa.Connection, of: NumberedAlarm) -> list[NumberedAlarm]:
    """The unfinished alarms that say the same as one of them: kind, lane and order."""
    same = _A.kind == of.kind, _A.channel_id == of.channel_id, _A.order_id == of.order_id
    return _records(conn, _OF_LOT.where(_UNFINISHED, *same).order_by(_A.alarm_id), lot=of.lot_id)


def change(conn: sa.Connection, ids: Collection[int], to: Change) -> list[NumberedAlarm]:
    """Bring unfinished alarms into another state. Returns those that were unfinished until now, as they are."""
    if not ids:
        return []
    changed = (
        sa.update(t.alarms)
        .where(among(_A.alarm_id, "ids", Numbers()), _UNFINISHED)
        .values(state=to.state, actor=to.actor, note=to.note, via=to.via, changed_at=to.at, until=to.until)
        .returning(*_SHOWN)
    )
    return [NumberedAlarm(**row._mapping) for row in conn.execute(changed, {"ids": list(ids)})]


def to_come_back(conn: sa.Connection, now: datetime) -> list[int]:
    """Snoozed alarms whose time is over."""
    return [alarm_id for (alarm_id,) in rows(conn, _COME_BACK, {"now": now})]


def over(conn: sa.Connection) -> list[int]:
    """Unfinished alarms whose cause is gone, as far as rows say."""
    return [alarm_id for (alarm_id,) in rows(conn, _OVER, {})]


def of_devices(conn: sa.Connection) -> list[NumberedAlarm]:
    """Unfinished alarms that are over once the lane's device is heard."""
    names = NumberedAlarm.__struct_fields__
    return [NumberedAlarm(**dict(zip(names, row, strict=True))) for row in rows(conn, _OF_DEVICES, {})]


def of_queue(conn: sa.Connection) -> list[int]:
    """Unfinished alarms of uploads that wait."""
    return [alarm_id for (alarm_id,) in rows(conn, _OF_QUEUE, {})]


def queue_waits_since(conn: sa.Connection) -> datetime | None:
    """Since when an alarm of uploads that wait for BoLink is unfinished; it belongs to no lot, for the line is one."""
    found: datetime | None = conn.execute(_QUEUE_SINCE).scalar_one()
    return found


def _records(conn: sa.Connection, statement: sa.Select[Any], **given: Any) -> list[NumberedAlarm]:
    return [NumberedAlarm(**row._mapping) for row in conn.execute(statement, given)]


@cache
def _finished(by_kind: bool, by_lane: bool, after: bool) -> sa.Select[Any]:
    statement = _OF_LOT.where(_A.state.in_(FINISHED)).order_by(_A.alarm_id.desc()).limit(sa.bindparam("most"))
    if by_kind:
        statement = statement.where(_A.kind == sa.bindparam("kind"))
    if by_lane:
        statement = statement.where(_A.channel_id == sa.bindparam("channel"))
    return statement.where(_A.alarm_id < sa.bindparam("after")) if after else statement


def _nothing(table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return ~sa.exists().where(*where).select_from(table)


def _cause_is_gone() -> sa.ColumnElement[bool]:
    """For each kind that can end by itself: how one sees from the rows that it has."""
    lift, car, order, stand, bill = t.lifts.c, t.presences.c, t.orders.c, t.departures.c, t.bills.c
    of_order = _A.order_id != ""
    moved = sa.exists().where(
        lift.lot_id == _A.lot_id,
        lift.channel_id == _A.channel_id,
        lift.intended_at > _A.at,
        lift.outcome == "accepted",
    )
    seen_by_loop = sa.exists().where(
        car.lot_id == _A.lot_id,
        car.channel_id == _A.channel_id,
        car.left_at > _A.at,
        car.arrived_at < car.left_at,
        car.left_at.is_not(None),
    )
    on_its_way = _nothing(
        t.orders,
        order.lot_id == _A.lot_id,
        order.order_id == _A.order_id,
        order.state.in_(("waiting", "in")),
        order.passed_at.is_(None),
    )
    not_inside = _nothing(
        t.orders, order.lot_id == _A.lot_id, order.order_id == _A.order_id, order.state.in_(("waiting", "in"))
    )
    nobody_stands = _nothing(
        t.departures,
        stand.lot_id == _A.lot_id,
        stand.channel_id == _A.channel_id,
        stand.order_id == _A.order_id,
        stand.ended_at.is_(None),
        stand.released_at.is_(None),
    )
    settled = sa.exists().where(
        bill.lot_id == _A.lot_id,
        bill.order_id == _A.order_id,
        bill.closed_at.is_not(None),
        bill.charge_fen - bill.reduced_fen - bill.paid_fen + bill.refunded_fen <= 0,
    )
    no_surplus = sa.exists().where(
        bill.lot_id == _A.lot_id,
        bill.order_id == _A.order_id,
        bill.charge_fen - bill.reduced_fen - bill.paid_fen + bill.refunded_fen >= 0,
    )
    sent = _nothing(
        t.deliveries,
        t.deliveries.c.lot_id == _A.lot_id,
        t.deliveries.c.order_id == _A.order_id,
        t.deliveries.c.state == "refused",
    )
    heard_of = _nothing(
        t.payments,
        t.payments.c.lot_id == _A.lot_id,
        t.payments.c.order_id == _A.order_id,
        t.payments.c.state == "pending",
    )
    come_to_an_end = _nothing(
        t.errands,
        t.errands.c.lot_id == _A.lot_id,
        t.errands.c.section == sa.literal_column("'4.2'"),
        t.errands.c.order_id == _A.order_id,
        t.errands.c.state == sa.literal_column("'running'"),
    )
    clear = _nothing(t.errands, t.errands.c.lot_id == _A.lot_id, t.errands.c.state == "unclear")
    agreed = _nothing(t.differences, t.differences.c.lot_id == _A.lot_id, t.differences.c.state == "open")
    at_exit = ("no_entry", "other_car", "attendant_wanted", "exit_unanswered", "not_priced", "stay_unusual")
    return sa.or_(
        sa.and_(_A.kind == "barrier_fault", moved),
        sa.and_(_A.kind == "loop_fault", seen_by_loop),
        sa.and_(_A.kind.in_(("not_confirmed", "stayed", "scanned_again")), of_order, on_its_way),
        sa.and_(_A.kind.in_(at_exit), _A.channel_id != "", nobody_stands),
        sa.and_(_A.kind.in_(("not_priced", "stay_unusual", "time_unusual")), of_order, not_inside),
        sa.and_(_A.kind == "left_owing", settled),
        sa.and_(_A.kind == "refund_failed", no_surplus),
        sa.and_(_A.kind == "refund_slow", come_to_an_end),
        sa.and_(_A.kind == "upload_refused", sent),
        sa.and_(_A.kind == "payment_not_heard_of", of_order, heard_of),
        sa.and_(_A.kind == "errand_unclear", clear),
        sa.and_(_A.kind == "difference", agreed),
    )


_NEWEST_FIRST: sa.ColumnElement[int] = sa.literal_column("+alarms.alarm_id").desc()
"""By the column itself, SQLite would go through all alarms in its order, and not by the index of the unfinished."""
_NEWEST = sa.select(_A.alarm_id).where(_UNFINISHED).order_by(_NEWEST_FIRST).limit(MOST_LOOKED_AT)
_OVER = sa.select(_A.alarm_id).where(_A.alarm_id.in_(_NEWEST.scalar_subquery()), _cause_is_gone())
_OF_DEVICES = sa.select(*_SHOWN).where(_UNFINISHED, _A.kind.in_(BY_DEVICE)).limit(MOST_LOOKED_AT)
_QUEUE_SINCE = sa.select(sa.func.min(_A.at)).where(_A.lot_id == "", _UNFINISHED, _A.kind == "queue_age")
_RAISED = (
    sa.select(_A.alarm_id)
    .where(_A.lot_id == sa.bindparam("lot"), _UNFINISHED, _A.kind == sa.bindparam("of_kind"))
    .limit(1)
)
_OF_QUEUE = sa.select(_A.alarm_id).where(_UNFINISHED, _A.kind == "queue_age")
