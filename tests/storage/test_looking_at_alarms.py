"""A look at alarms, every few seconds and by every process, costs what is unfinished, and not what was ever raised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from support.databases.states import emptied
from taigan.storage import tables as t
from taigan.storage.database import Database
from taigan.storage.shown import alarms

NOW = datetime(2026, 5, 4, 7, 30, tzinfo=UTC)
FINISHED = 3000
LOOKS: dict[str, Callable[[sa.Connection], Any]] = {
    "over": alarms.over,
    "of devices": alarms.of_devices,
    "of the queue": alarms.of_queue,
    "to come back": lambda conn: alarms.to_come_back(conn, NOW),
    "waits since": alarms.queue_waits_since,
}


@pytest.fixture
async def old(sqlite_storage: Database) -> Database:
    """A database with many alarms that are done with, and one that is not."""
    database = await emptied(sqlite_storage)

    def keep(conn: sa.Connection) -> None:
        row = {"lot_id": "1-7", "at": NOW, "kind": "barrier_fault", "text": ""}
        conn.execute(t.alarms.insert(), [{**row, "state": "ended"} for _ in range(FINISHED)])
        conn.execute(t.alarms.insert(), {**row, "state": "open"})

    await database.write(keep)
    return database


@pytest.mark.parametrize("look", LOOKS.values(), ids=[*LOOKS])
async def test_finished_alarms_are_not_looked_at_again(look: Callable[[sa.Connection], Any], old: Database) -> None:
    steps = await old.read(lambda conn: _steps(conn, look))
    assert steps < FINISHED, f"{steps} steps of SQLite's machine, with {FINISHED} finished alarms and one that is open"


def _steps(conn: sa.Connection, look: Callable[[sa.Connection], Any]) -> int:
    """How many steps SQLite's machine takes, in tens."""
    driver: Any = conn.connection.driver_connection
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 10
        return 0

    look(conn)  # prepared
    driver.set_progress_handler(count, 10)
    try:
        look(conn)
    finally:
        driver.set_progress_handler(None, 0)
    return steps
