"""Time that passes when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

PATIENCE = 60.0
"""Real seconds after which a test that waits for something gives up."""


class ManualClock:
    """A clock that stands still until `advance`. Waits on it end when it has come to their end, not before."""

    def __init__(self, start: datetime = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)) -> None:
        self._wall = start
        self._elapsed = 0.0
        self._waits: dict[asyncio.Timeout, float] = {}
        self._news = asyncio.Event()

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._elapsed

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(None if seconds > 0 else 0) as timeout:
            if seconds > 0:
                self._waits[timeout] = self._elapsed + seconds
                self._news.set()
            try:
                yield
            finally:
                self._waits.pop(timeout, None)

    async def sleep(self, seconds: float) -> None:
        try:
            async with self.timeout(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            return

    def advance(self, seconds: float) -> None:
        """Let time pass; whoever waited for less goes on."""
        self._wall += timedelta(seconds=seconds)
        self._elapsed += seconds
        for timeout, until in list(self._waits.items()):
            if until <= self._elapsed + 1e-9:
                del self._waits[timeout]
                timeout.reschedule(asyncio.get_running_loop().time())

    def set_back(self, seconds: float) -> None:
        """Somebody sets the wall clock back; no time has passed."""
        self._wall -= timedelta(seconds=seconds)

    async def waited_for(self, seconds: float) -> None:
        """Return when something waits for just so long from now on."""
        async with asyncio.timeout(PATIENCE):
            while not any(abs(until - self._elapsed - seconds) < 1e-3 for until in self._waits.values()):
                self._news.clear()
                await self._news.wait()
