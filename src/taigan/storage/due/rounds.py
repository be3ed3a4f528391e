"""What time brings to do again and again, for one lot or, where lot_id is empty, for all: one process takes each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from taigan.storage import tables as t


def known(conn: sa.Connection) -> dict[tuple[str, str], datetime]:
    """When each known round is due, by (lot_id, task)."""
    c = t.rounds.c
    return {(row[0], row[1]): row[2] for row in conn.execute(sa.select(c.lot_id, c.task, c.due_at))}


def begin(conn: sa.Connection, first: Mapping[tuple[str, str], datetime]) -> None:
    """Write down when rounds are due, by (lot_id, task), that were never taken."""
    given = [{"lot_id": lot_id, "task": task, "due_at": due_at} for (lot_id, task), due_at in sorted(first.items())]
    insert: Any = (sqlite if conn.dialect.name == "sqlite" else postgresql).insert(t.rounds)
    conn.execute(insert.on_conflict_do_nothing(), given)


def take(
    conn: sa.Connection,
    lot_id: str,
    task: str,
    now: datetime,
    next_at: datetime,
    first: datetime,
    ahead: datetime | None = None,
) -> bool:
    """Take a round that is due, the next one being due at `next_at`. Tells whether it was ours to take.

    One that was never taken is due at `first`. One that is due after `ahead` is due now: it was written down by a clock
    that has been set back since.
    """
    begin(conn, {(lot_id, task): first})
    c = t.rounds.c
    is_due = c.due_at <= now if ahead is None else sa.or_(c.due_at <= now, c.due_at > ahead)
    due = sa.update(t.rounds).where(c.lot_id == lot_id, c.task == task, is_due)
    return conn.execute(due.values(due_at=next_at)).rowcount > 0


def bring_forward(conn: sa.Connection, lot_id: str, task: str, at: datetime) -> None:
    """Let a round be due then, if it was due later."""
    c = t.rounds.c
    conn.execute(sa.update(t.rounds).where(c.lot_id == lot_id, c.task == task, c.due_at > at).values(due_at=at))
