"""The one place where time comes from. Everything that needs it is handed a `Clock`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for what is measured, and the waits for both."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds on a clock that never steps; only differences mean anything."""

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""

    async def wait(self, futures: Collection[asyncio.Future[Any]], seconds: float) -> None:
        """Return when one of the futures is done, or after so many seconds. Cancels none of them."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, futures: Collection[asyncio.Future[Any]], seconds: float) -> None:
        await asyncio.wait(futures, timeout=max(seconds, 0.0), return_when=asyncio.FIRST_COMPLETED)


class SteppedClock(SystemClock):
    """The machine's clocks, with the wall clock off by the seconds that a file holds at that moment: for tests."""

    def __init__(self, offset: Path) -> None:
        self._offset = offset
        self._read = (0, 0)
        self._ahead = timedelta()

    def now(self) -> datetime:
        there = self._offset.stat()
        written = (there.st_ino, there.st_mtime_ns)
        if written != self._read:
            self._read, self._ahead = written, timedelta(seconds=float(self._offset.read_text()))
        return super().now() + self._ahead


async def set_within(clock: Clock, event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most so long. Tells whether it was set."""
    if seconds <= 0 or event.is_set():
        return event.is_set()
    waiting = asyncio.ensure_future(event.wait())
    try:
        await clock.wait((waiting,), seconds)
    finally:
        waiting.cancel()
    return event.is_set()
