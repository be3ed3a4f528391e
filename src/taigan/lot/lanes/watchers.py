"""Which lanes this process watches.

Several processes may hear one device. If each made events of its signals, one that missed a signal would contradict the
others; so one has a lease on the lane, and the others hear of its events. A process whose device is not reached lets
its lease run out. Whoever takes a lane over goes on with the car that is known to be on its loop.

What others hear is kept until they know that the one with the lease was alive after it: if it was not, they store it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from taigan.barriers.barrier import LaneKey
from taigan.clock import Clock, set_within
from taigan.storage.database import Database
from taigan.storage.due import watching
from taigan.storage.errors import StorageError
from taigan.storage.locked import facts
from taigan.storage.rows import Presence

log = structlog.get_logger("taigan.watchers")
EVERY = 2.0
"""Seconds between two renewals."""
LASTS = 5.0
"""Seconds that a lease lasts without one."""

Adopt = Callable[[LaneKey, Presence | None], None]
"""Goes on with the car that the rows say is on a lane's loop."""


class Watchers:
    """The leases of one process, `process` by name; empty: no other one is there, and it watches every lane.

    `lanes` tells which lanes it could watch, `adopt` is called for each that it begins to.
    """

    def __init__(
        self, database: Database, clock: Clock, process: str, lanes: Callable[[], Collection[LaneKey]], adopt: Adopt
    ) -> None:
        self._database = database
        self._clock = clock
        self._process = process
        self._lanes = lanes
        self._adopt = adopt
        self._held: dict[LaneKey, float] = {}  # until when, on the clock that never steps
        self._others: dict[LaneKey, datetime] = {}
        self._wanted = asyncio.Event()
        self._looked = asyncio.Event()
        self._ended = False

    @property
    def alone(self) -> bool:
        """Whether no other process is there."""
        return not self._process

    def holds(self, lane: LaneKey) -> bool:
        """Whether this process watches the lane now."""
        return self.alone or self._held.get(lane, 0.0) > self._clock.monotonic()

    async def is_ours(self, lane: LaneKey) -> bool:
        """Whether this process is to store what the lane's device said before now; waits until that is known.

        It is not where another one renewed its lease since, nor after `stop`.
        """
        renewed: datetime | None = None
        if lane not in self._others:
            self._wanted.set()
        while not self._ended:
            if self.holds(lane):
                return True
            await self._looked.wait()
            now = self._others.get(lane)
            if renewed is not None and now is not None and now != renewed:
                return False
            renewed = renewed or now
        return False

    async def run(self) -> None:
        """Renew and take leases, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.error("lanes cannot be watched", error=str(error))
            except Exception:
                log.exception("lanes cannot be watched")
            await set_within(self._clock, self._wanted, EVERY)
            self._wanted.clear()

    async def look(self) -> None:
        """Renew the leases, and take what nobody watches. Raises `StorageError`."""
        lanes, until = {*self._lanes()}, self._clock.monotonic() + LASTS
        watched, cars = await self._database.write(lambda conn: self._watch(conn, lanes))
        taken = {lane for lane in lanes if lane in watched.mine and not self.holds(lane)}
        self._held = {lane: until for lane in lanes if lane in watched.mine}
        self._others = {lane: watched.others[lane] for lane in lanes if lane in watched.others}
        for lane in taken:
            log.info("watches a lane", lane=str(lane))
            self._adopt(lane, cars.get(lane))
        looked, self._looked = self._looked, asyncio.Event()
        looked.set()

    def _watch(
        self, conn: sa.Connection, lanes: set[LaneKey]
    ) -> tuple[watching.Watched, dict[tuple[str, str], Presence]]:
        watched = watching.watch(conn, self._process, lanes, self._clock.now(), timedelta(seconds=LASTS))
        new = {lane for lane in lanes if lane in watched.mine and not self.holds(lane)}
        return watched, facts.cars(conn, new) if new else {}

    def stop(self) -> None:
        """Nothing is waited for any more."""
        self._ended = True
        self._looked.set()

    async def release(self) -> None:
        """Let the others watch at once. Raises `StorageError`."""
        self._held.clear()
        if not self.alone:
            await self._database.write(lambda conn: watching.end(conn, self._process))
