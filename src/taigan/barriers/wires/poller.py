"""Asks devices that do not speak by themselves: one task for all of them, each in its own rhythm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from taigan.barriers.site import Site
from taigan.running.tasks import end

log = structlog.get_logger()

STEP = 0.1
AT_ONCE = 50


@dataclass(slots=True, eq=False)
class Asked:
    """A device that is asked. `every` may be changed at any time, in seconds."""

    ask: Callable[[], Awaitable[None]]
    every: float
    due: float = 0.0
    asking: asyncio.Task[None] | None = field(default=None)


class Poller:
    """Asks everybody who is due, several at once, nobody twice at the same time."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._asked: list[Asked] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, ask: Callable[[], Awaitable[None]], every: float) -> Asked:
        """Ask from now on. First asks are spread over `every`."""
        asked = Asked(ask, every, self._site.clock.monotonic() + self._site.random.uniform(0, min(every, 1.0)))
        self._asked.append(asked)
        return asked

    async def remove(self, asked: Asked) -> None:
        """Ask no longer."""
        if asked in self._asked:
            self._asked.remove(asked)
        await end(asked.asking)

    async def start(self) -> None:
        """Begin to ask."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ask no longer."""
        task, self._task = self._task, None
        await end(task)
        await end(*(asked.asking for asked in self._asked))

    def look(self) -> None:
        """Ask those who are due now."""
        now = self._site.clock.monotonic()
        under_way = sum(asked.asking is not None for asked in self._asked)
        for asked in self._asked:
            if under_way >= AT_ONCE:
                return
            if asked.asking is None and asked.due <= now:
                asked.due = now + asked.every
                asked.asking = asyncio.create_task(self._ask(asked))
                under_way += 1

    async def _run(self) -> None:
        while True:
            self.look()
            await self._site.clock.sleep(STEP)

    async def _ask(self, asked: Asked) -> None:
        try:
            await asked.ask()
        except Exception:  # one device's nonsense must not end the asking of the others
            log.exception("asking a device failed")
        finally:
            asked.asking = None
            asked.due = min(asked.due, self._site.clock.monotonic() + asked.every)


def poller_of(site: Site) -> Poller:
    """The shared poller."""
    return site.shared("poller", lambda: Poller(site))
