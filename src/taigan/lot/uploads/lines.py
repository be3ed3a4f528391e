"""Keeps a line to BoLink for every lot of the database, with the lanes it has now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from taigan.clock import Clock
from taigan.lot.errors import LotError
from taigan.lot.uploads.line import Line
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.setup import registry

log = structlog.get_logger("taigan.line")
LOOK_EVERY = 30.0
"""Seconds after which a lot or a lane that came is found at the latest."""


class Lines:
    """The lines of one process. `new` makes one for a lot and its lanes; it raises LotError where there is no key."""

    def __init__(self, database: Database, clock: Clock, new: Callable[[str, list[str]], Line]) -> None:
        self._database = database
        self._clock = clock
        self._new = new
        self._lines: dict[str, Line] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def of(self, lot_id: str) -> Line | None:
        """The line of a lot, if it has one yet."""
        return self._lines.get(lot_id)

    async def run(self) -> None:
        """Keep the lines until cancelled."""
        try:
            while True:
                try:
                    await self._look()
                except (StorageError, LotError) as error:
                    log.error("the lots' lines cannot be looked at", error=str(error))
                await self._clock.sleep(LOOK_EVERY)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _look(self) -> None:
        lanes = await self._database.read(registry.lanes)
        for lot in await self._database.read(registry.lots):
            channels = sorted(lane.channel_id for lane in lanes if lane.lot_id == lot.lot_id)
            known = self._lines.get(lot.lot_id)
            if known is not None and known.channels == channels:
                continue
            line = self._new(lot.lot_id, channels)
            if lot.lot_id in self._running:
                self._running.pop(lot.lot_id).cancel()
            self._lines[lot.lot_id] = line
            self._running[lot.lot_id] = asyncio.create_task(line.run())
