"""Drops what is older than it is kept, a little at a time, so that nobody at a lane waits for it."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from taigan.clock import Clock
from taigan.lot.policy import Policy
from taigan.pictures.store import Store, StoreFailed, both
from taigan.storage.database import Database
from taigan.storage.due import rounds
from taigan.storage.errors import StorageError
from taigan.storage.kept import retention
from taigan.storage.kept.retention import Sweep

log = structlog.get_logger("taigan.tidying")
LOOK_EVERY = 60.0
"""Seconds between two looks for tables that are due."""
LATE_BY = 0.001
"""What is old is dropped later than it might be by so much of the time that it is kept: of a year, nine hours."""
SHARE = 50
"""A table that took a second to look through is left alone for so many times as long."""
PAUSE = 0.02
"""Seconds between two steps, in which others write."""


class Tidying:
    """One per process; each table is looked through by whichever takes it first."""

    def __init__(self, database: Database, policy: Policy, clock: Clock, pictures: Store) -> None:
        self._database = database
        self._pictures = pictures
        self._policy = policy
        self._clock = clock
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        """Go over the tables again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.warning("nothing can be tidied now", error=str(error))
            await self._clock.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Go over the tables that are due and that no other process takes. Raises `StorageError`."""
        known = await self._database.read(rounds.known)
        for sweep in retention.SWEEPS:
            began, now = self._clock.monotonic(), self._clock.now()
            next_at = now + timedelta(seconds=max(LOOK_EVERY, LATE_BY * getattr(self._policy, sweep.setting)))
            if now < known.get(("", sweep.task), now) <= next_at or began < self._not_before.get(sweep.task, began):
                continue
            if not await self._take(sweep, now, next_at):
                continue
            try:
                await self.sweep(sweep)
            except (StorageError, StoreFailed) as error:
                log.warning("a table cannot be tidied now", table=sweep.table.name, error=str(error))
            except Exception:
                log.exception("a table cannot be tidied", table=sweep.table.name)
            took = self._clock.monotonic() - began
            self._not_before[sweep.task] = self._clock.monotonic() + SHARE * took

    async def _take(self, sweep: Sweep, now: datetime, next_at: datetime) -> bool:
        return await self._database.write(
            lambda conn: rounds.take(conn, "", sweep.task, now, next_at, first=now, ahead=next_at)
        )

    async def sweep(self, sweep: Sweep) -> int:
        """Go over one table once; how many rows were dropped or emptied. Raises `StorageError`, `StoreFailed`."""
        kept = getattr(self._policy, sweep.setting)
        if kept == 0 and sweep.setting != "key_overlap":
            return 0
        before = self._clock.now() - timedelta(seconds=kept)
        at = await self._database.read(lambda conn: retention.first(conn, sweep))
        end = await self._database.read(lambda conn: retention.length(conn, sweep))
        rows = 0
        while at < end:
            places = await self._database.read(lambda conn: retention.places(conn, sweep, before, at))  # noqa: B023
            await self._pictures.drop([each for place in places for each in both(place)])
            at, changed = await self._database.write(lambda conn: retention.step(conn, sweep, before, at))  # noqa: B023
            rows += changed
            if at < end:
                await self._clock.sleep(PAUSE)
        if rows:
            what = "emptied" if sweep.emptied else "dropped"
            log.info(f"old rows {what}", table=sweep.table.name, rows=rows, setting=sweep.setting)
        return rows
