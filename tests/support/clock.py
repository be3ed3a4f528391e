"""Time that passes when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from taigan.clock import SystemClock

PATIENCE = 60.0
"""Real seconds after which a test that waits for something gives up."""


class ManualClock:
    """A clock that stands still until `advance`. Waits on it end when it has come to their end, not before."""

    def __init__(self, start: datetime = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)) -> None:
        self._wall = start
        self._elapsed = 0.0
        self._waits: dict[asyncio.Timeout | asyncio.Future[None], float] = {}
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

    async def wait(self, futures: Collection[asyncio.Future[Any]], seconds: float) -> None:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if seconds > 0:
            self._waits[over] = self._elapsed + seconds
            self._news.set()
        else:
            over.set_result(None)
        try:
            await asyncio.wait({*futures, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waits.pop(over, None)

    def advance(self, seconds: float) -> None:
        """Let time pass; whoever waited for less goes on."""
        self._wall += timedelta(seconds=seconds)
        self._elapsed += seconds
        for timeout, until in list(self._waits.items()):
            if until <= self._elapsed + 1e-9:
                del self._waits[timeout]
                if isinstance(timeout, asyncio.Timeout):
                    timeout.reschedule(asyncio.get_running_loop().time())
                elif not timeout.done():
                    timeout.set_result(None)

    def set_back(self, seconds: float) -> None:
        """Somebody sets the wall clock back; no time has passed."""
        self._wall -= timedelta(seconds=seconds)

    async def waited_for(self, seconds: float) -> None:
        """Return when something waits for just so long from now on."""
        async with asyncio.timeout(PATIENCE):
            while not any(abs(until - self._elapsed - seconds) < 1e-3 for until in self._waits.values()):
                self._news.clear()
                await self._news.wait()


class RunningClock(SystemClock):
    """The machine's clocks, which `advance` sets forward: whoever waited for less goes on."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._set_forward: set[asyncio.Future[None]] = set()

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        await self.wait((), seconds)

    async def wait(self, futures: Collection[asyncio.Future[Any]], seconds: float) -> None:
        until = self.monotonic() + seconds
        while not any(future.done() for future in futures):
            left = max(until - self.monotonic(), 0.0)
            forward: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._set_forward.add(forward)
            try:
                await asyncio.wait({*futures, forward}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._set_forward.discard(forward)
            if self.monotonic() >= until:
                return

    def advance(self, seconds: float) -> None:
        """Let so much more time pass."""
        self._ahead += seconds
        for forward in self._set_forward:
            if not forward.done():
                forward.set_result(None)
