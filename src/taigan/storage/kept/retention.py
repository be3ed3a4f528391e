"""For how long each table keeps its rows, and dropping what is older, in small steps.

A step looks at a stretch of a table as it lies on the disk, whatever its order there: it needs no index of its own, and
no step takes long, however much there is to drop. `SWEEPS` says it for every table; a test sees to that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.tables import Moment

ROWS_A_STEP = 2000
"""Rows that a step looks at on SQLite."""
BLOCKS_A_STEP = 64
"""Blocks of 8 KiB that a step looks at on PostgreSQL."""

_before = sa.bindparam("before", type_=Moment())
_again = t.vendor_keys.alias()
_ENDED_KEYS = sa.select(t.vendor_keys.c.key_id).where(
    t.vendor_keys.c.valid_until < _before,
    ~sa.exists().where(  # a key that came back in time: what was signed with it then verifies now
        _again.c.union_id == t.vendor_keys.c.union_id,
        _again.c.key == t.vendor_keys.c.key,
        sa.or_(_again.c.valid_until.is_(None), _again.c.valid_until >= _before),
    ),
)
_NOT_LIVE = t.orders.c.state.not_in(("waiting", "in"))
_ORDER_HAS_ENDED = ~sa.exists().where(  # a live one's message gets its first answer, however old it is
    t.orders.c.lot_id == t.inbox.c.lot_id,
    t.orders.c.order_id == t.inbox.c.order_id,
    t.orders.c.state.in_(("waiting", "in")),
)
_NO_PASS = ~sa.exists().where(
    t.passes.c.lot_id == t.pass_plates.c.lot_id,
    t.passes.c.card_id == t.pass_plates.c.card_id,
)


class Sweep(msgspec.Struct, frozen=True):
    """What is dropped from a table, or emptied there, and the setting that says after how long."""

    table: sa.Table
    setting: str
    old: Sequence[sa.ColumnElement[bool]]  # `before` is the moment that many seconds ago
    emptied: Mapping[str, object] = {}  # columns that are emptied in a row that stays

    @property
    def task(self) -> str:
        """The name of its rounds."""
        return f"{'empty' if self.emptied else 'drop'} {self.table.name} by {self.setting}"


def _past(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return column < _before


SWEEPS: Sequence[Sweep] = (
    Sweep(t.sms_codes, "sms_valid", [_past(t.sms_codes.c.sent_at), t.sms_codes.c.code != ""], {"code": ""}),
    Sweep(t.sms_codes, "sms_kept", [_past(t.sms_codes.c.sent_at)]),
    Sweep(t.shots, "pictures_kept", [_past(t.shots.c.at)]),
    Sweep(
        t.orders,
        "phones_kept",
        [_past(t.orders.c.requested_at), _NOT_LIVE, sa.or_(t.orders.c.mobile != "", t.orders.c.pay_user_id != "")],
        {"mobile": "", "pay_user_id": ""},
    ),
    Sweep(t.inbox, "key_overlap", [t.inbox.c.key_id.in_(_ENDED_KEYS)]),
    Sweep(t.inbox, "messages_kept", [_past(t.inbox.c.received_at), t.inbox.c.key_id == 0]),
    Sweep(
        t.inbox,
        "messages_kept",
        [_past(t.inbox.c.received_at), sa.func.length(t.inbox.c.answer) > 0, _ORDER_HAS_ENDED],
        {"answer": b""},
    ),
    Sweep(
        t.deliveries,
        "deliveries_kept",
        [_past(t.deliveries.c.created_at), t.deliveries.c.state.not_in(("pending", "sending"))],
    ),
    Sweep(t.presences, "presences_kept", [_past(t.presences.c.left_at)]),
    Sweep(t.auto_pay, "presences_kept", [_past(t.auto_pay.c.at)]),
    Sweep(t.drivers, "scan_window", [_past(t.drivers.c.last_scan_at)]),
    Sweep(t.message_log, "message_log_kept", [_past(t.message_log.c.at)]),
    Sweep(t.alarms, "alarms_kept", [_past(t.alarms.c.at)]),
    Sweep(t.people, "people_kept", [_past(t.people.c.at)]),
    Sweep(t.passages, "people_kept", [_past(t.passages.c.at)]),
    Sweep(t.community_reports, "people_kept", [_past(t.community_reports.c.at)]),
    Sweep(t.orders, "orders_kept", [_past(t.orders.c.requested_at), _NOT_LIVE]),
    Sweep(t.plate_stretches, "orders_kept", [_past(t.plate_stretches.c.ends_at)]),
    Sweep(t.order_events, "orders_kept", [_past(t.order_events.c.at)]),
    Sweep(t.lifts, "orders_kept", [_past(t.lifts.c.intended_at), t.lifts.c.outcome.is_not(None)]),
    Sweep(t.space_changes, "orders_kept", [_past(t.space_changes.c.at)]),
    Sweep(t.operator_acts, "orders_kept", [_past(t.operator_acts.c.at)]),
    Sweep(t.departures, "orders_kept", [_past(t.departures.c.ended_at)]),
    Sweep(t.quotes, "orders_kept", [_past(t.quotes.c.asked_at)]),
    Sweep(t.special_vehicles, "orders_kept", [_past(t.special_vehicles.c.ends_at)]),
    Sweep(t.passes, "orders_kept", [_past(t.passes.c.ends_at)]),
    Sweep(t.pass_plates, "orders_kept", [_NO_PASS]),
    Sweep(t.money_notices, "money_kept", [_past(t.money_notices.c.received_at)]),
    Sweep(t.payments, "money_kept", [_past(t.payments.c.received_at)]),
    Sweep(t.bills, "money_kept", [_past(t.bills.c.closed_at)]),
    Sweep(t.reductions, "money_kept", [_past(t.reductions.c.at)]),
    Sweep(t.attempts, "money_kept", [_past(t.attempts.c.started_at), t.attempts.c.state.not_in(("live", "unclear"))]),
    Sweep(t.shifts, "money_kept", [_past(t.shifts.c.closed_at)]),
    Sweep(t.invoice_notices, "money_kept", [_past(t.invoice_notices.c.at)]),
    Sweep(t.errands, "money_kept", [_past(t.errands.c.at), t.errands.c.state.in_(("done", "failed", "withdrawn"))]),
    Sweep(t.differences, "money_kept", [_past(t.differences.c.found_at), t.differences.c.state != "open"]),
    Sweep(t.reconciliations, "money_kept", [_past(t.reconciliations.c.began_at)]),
    Sweep(t.day_sums, "money_kept", [_past(t.day_sums.c.ends_at)]),
    Sweep(t.staff_sessions, "session_lasts", [_past(t.staff_sessions.c.opened_at)]),
)

STAYS = frozenset(
    {
        "vendors",
        "vendor_keys",
        "lots",
        "lanes",
        "lane_watchers",
        "upload_pace",
        "blocked",
        "api_tokens",
        "price_lists",
        "calendar_days",
        "rounds",
        "staff",
        "staff_grants",
        "staff_links",
        "saved_views",
        "pass_terms",
        "pass_limits",
        "city_lots",
        "communities",
        "access_devices",
    }
)
"""Tables that do not grow with time: what is set up."""


def places(conn: sa.Connection, sweep: Sweep, before: datetime, at: int) -> list[str]:
    """Where the pictures lie whose rows `step` drops: they go first, so that none is left without a row."""
    if sweep.table is not t.shots:
        return []
    query = sa.select(t.shots.c.place).where(_stretch(conn, at)[1], *sweep.old, t.shots.c.place != "")
    return list(conn.execute(query, {"before": before}).scalars())


def length(conn: sa.Connection, sweep: Sweep) -> int:
    """How far a pass over the sweep's table goes, in the units of `step`."""
    if conn.dialect.name == "sqlite":
        return int(conn.execute(sa.text(f"SELECT coalesce(max(rowid), 0) FROM {sweep.table.name}")).scalar_one())
    size = sa.text(f"SELECT pg_relation_size('{sweep.table.name}') / current_setting('block_size')::int")
    return int(conn.execute(size).scalar_one())


def first(conn: sa.Connection, sweep: Sweep) -> int:
    """Where a pass begins."""
    if conn.dialect.name == "sqlite":
        return int(conn.execute(sa.text(f"SELECT coalesce(min(rowid), 1) - 1 FROM {sweep.table.name}")).scalar_one())
    return 0


def step(conn: sa.Connection, sweep: Sweep, before: datetime, at: int) -> tuple[int, int]:
    """Drop or empty what is older than that moment in one stretch of the table.

    Returns where the next stretch begins, and how many rows it was.
    """
    end, stretch = _stretch(conn, at)
    where = sa.and_(stretch, *sweep.old)
    changed = (
        sa.update(sweep.table).where(where).values(**sweep.emptied)
        if sweep.emptied
        else sa.delete(sweep.table).where(where)
    )
    parameters = {"before": before} if any("before" in str(condition) for condition in sweep.old) else {}
    return end, conn.execute(changed, parameters).rowcount


def _stretch(conn: sa.Connection, at: int) -> tuple[int, sa.TextClause]:
    """Where a stretch of a table that begins there ends, and the condition that a row lies in it."""
    if conn.dialect.name == "sqlite":
        end = at + ROWS_A_STEP
        return end, sa.text("rowid > :low AND rowid <= :high").bindparams(low=at, high=end)
    end = at + BLOCKS_A_STEP
    lies = sa.text("ctid >= CAST(:low AS tid) AND ctid < CAST(:high AS tid)")
    return end, lies.bindparams(low=(at, 0), high=(end, 0))
