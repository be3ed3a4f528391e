"""What a driver is built into: the sink, the clock, chance, and what the drivers of one process share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeVar, cast

import structlog

from taigan.barriers.backoff import Backoff
from taigan.barriers.barrier import EventSink, LaneKey, PhotoSink, unseen
from taigan.barriers.door import Door, Mailbox, PostHandler
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import LaneWatch
from taigan.clock import Clock
from taigan.running.tasks import end

log = structlog.get_logger()

TICK = 1.0
"""Seconds between two looks at what time alone brings about."""


class Connection(Protocol):
    """Something several lanes share: a broker, a relay board, an HTTP session."""

    async def start(self) -> None:
        """Begin to connect; returns at once when nobody is there."""

    async def stop(self) -> None:
        """Let go. Idempotent."""


C = TypeVar("C", bound=Connection)


@dataclass(frozen=True, slots=True)
class Lane:
    """The lane a driver is built for. `detector`: whether the lane has a loop at all."""

    key: LaneKey
    detector: bool = True


class Site:
    """What all drivers of one process have in common."""

    def __init__(
        self,
        sink: EventSink,
        clock: Clock,
        random: Random,
        door: Door | None = None,
        photos: PhotoSink = unseen,
    ) -> None:
        self.sink = sink
        self.photos = photos
        self.clock = clock
        self.random = random
        self._connections: dict[Hashable, Connection] = {}
        self._watches: dict[LaneKey, LaneWatch] = {}
        self.door = door or Door(clock)
        self._claims: dict[Hashable, dict[LaneKey, object]] = {}
        self._ticker: asyncio.Task[None] | None = None
        self._starting: set[asyncio.Task[None]] = set()

    def watch(
        self, lane: Lane, device: str, *, signals: LaneSignals | None = None, silent_after: float = 0.0
    ) -> LaneWatch:
        """The lane's picture, looked at once a second."""
        watch = LaneWatch(
            lane.key,
            self.sink,
            self.clock,
            device=device,
            signals=signals,
            silent_after=silent_after,
            photos=self.photos,
        )
        self._watches[lane.key] = watch
        return watch

    def shared(self, key: Hashable, make: Callable[[], C]) -> C:
        """The connection known under `key`, made when it is asked for first."""
        if key not in self._connections:
            self._connections[key] = made = make()
            if self._ticker is not None:  # the others run already
                starting = asyncio.create_task(made.start())
                self._starting.add(starting)
                starting.add_done_callback(self._starting.discard)
        return cast(C, self._connections[key])

    def claim(self, lane: LaneKey, thing: Hashable, how: object, why_not: str) -> None:
        """Use a thing that lanes can only share if all of them use it in the same way.

        Raises `ValueError` with `why_not` when another lane uses it in another way.
        """
        users = self._claims.setdefault(thing, {})
        if any(other != lane and used != how for other, used in users.items()):
            raise ValueError(why_not)
        users[lane] = how

    def receive(self, mailbox: Mailbox) -> None:
        """Have what a device posts handled. Raises `ValueError` for a serial number that is taken."""
        self.door.put(mailbox)

    def dismiss(self, driver: str, serial: str, handle: PostHandler) -> None:
        """Take nothing more from that device."""
        self.door.take_away(driver, serial, handle)

    def backoff(self) -> Backoff:
        """Waits between attempts to connect."""
        return Backoff(self.random)

    def forget(self, lane: LaneKey) -> None:
        """Look at that lane no longer."""
        self._watches.pop(lane, None)
        for users in self._claims.values():
            users.pop(lane, None)

    def picture(self, lane: LaneKey) -> LaneWatch | None:
        """The lane's picture as it is looked at now."""
        return self._watches.get(lane)

    def put_back(self, lane: LaneKey, watch: LaneWatch | None) -> None:
        """Look at this picture of the lane again: another barrier for it could not be built."""
        if watch is None:
            self.forget(lane)
        else:
            self._watches[lane] = watch

    def tick(self) -> None:
        """One look at every lane."""
        for watch in tuple(self._watches.values()):
            watch.tick()

    async def start(self) -> None:
        """Start what is shared."""
        for connection in tuple(self._connections.values()):
            await connection.start()
        if self._ticker is None:
            self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Stop what is shared, and hand over the last events."""
        ticker, self._ticker = self._ticker, None
        await end(ticker)
        await asyncio.gather(*self._starting)
        await asyncio.gather(*(connection.stop() for connection in self._connections.values()))
        for watch in tuple(self._watches.values()):
            await watch.stop()

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK)
            self.tick()
