"""No device at all, for load tests: every command is accepted at once, and there is always a car on the loop.

`POST /devices/instant/street` (any body) drives the traffic: in every lane of the process the car passes and the next
one arrives. The answer comes when all of it is committed. Never for a lane with a real barrier.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from taigan.barriers.barrier import (
    Barrier,
    Event,
    EventKind,
    LaneKey,
    LaneState,
    NoScreen,
    Outcome,
    Position,
    Result,
    Screen,
    Sight,
)
from taigan.barriers.door import Answer, Mailbox, Post
from taigan.barriers.site import Lane, Site

AT_ONCE = Result(Outcome.ACCEPTED)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A lane for load tests; there is nothing to set."""


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane, in the one street of this process."""
    return site.shared("instant", lambda: Street(site)).lane(lane)


class InstantBarrier:
    """A lane whose arm needs no time."""

    sight = Sight(acknowledges=True, position=True, detector=True, tells_events=True)
    screen: Screen = NoScreen()

    def __init__(self, lane: Lane, site: Site) -> None:
        self.state = LaneState(online=True, position=Position.CLOSED)
        self._lane = lane
        self._site = site

    async def open(self, command_id: str, deadline: datetime) -> Result:
        self.state.commands += 1
        return AT_ONCE

    async def hold(self, command_id: str, deadline: datetime) -> Result:
        return AT_ONCE

    async def close(self, command_id: str, deadline: datetime) -> Result:
        return AT_ONCE

    async def cancel(self, command_id: str) -> None:
        """Nothing ever waits here."""

    def adopt(self, presence_id: str, since: datetime | None) -> None:
        """The cars are this street's own."""

    async def next_car(self) -> None:
        """The car on the loop, if there is one, drives through; another one comes."""
        if self.state.presence_id:
            await self._tell(EventKind.PASSED)
        self.state.since = self._site.clock.now()
        self.state.presence_id = f"car-{self._site.random.getrandbits(64):016x}"
        await self._tell(EventKind.ARRIVED)

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to let go."""

    async def _tell(self, kind: EventKind) -> None:
        car = self.state.presence_id
        await self._site.sink(Event(f"{car}/{kind}", self._lane.key, kind, self._site.clock.now(), car))


class Street:
    """All such lanes of one process."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lanes: list[InstantBarrier] = []
        nobody = LaneKey("", "street")
        site.receive(Mailbox(nobody, "instant", "street", self._drive, lambda _: None, signs=True))

    def lane(self, lane: Lane) -> InstantBarrier:
        """One more lane."""
        self._lanes.append(InstantBarrier(lane, self._site))
        return self._lanes[-1]

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to let go."""

    async def _drive(self, post: Post) -> Answer:
        await asyncio.gather(*(lane.next_car() for lane in self._lanes))
        return Answer(msgspec.json.encode({"cars": len(self._lanes)}))
