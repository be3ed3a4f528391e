"""A driver and the emulated device it is for, wired together over real sockets inside the test's loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from support.clock import PATIENCE, ManualClock, RunningClock
from support.stacks.simulated_lanes import LOT, Heard, Script
from taigan.barriers.barrier import Barrier, EventKind, LaneKey, Outcome, Photo, Result
from taigan.barriers.door import Answer, Post
from taigan.barriers.drivers import Fleet
from taigan.barriers.watching.lane_watch import LaneWatch
from taigan.clock import Clock, SystemClock
from taigan.devices.electronics.device import Device
from taigan.devices.lanes.journal import Journal
from taigan.devices.lanes.lane import LaneRecord
from taigan.devices.lanes.lanes import LanesSettings
from taigan.devices.workbench import DeviceLane, Workbench, WorkbenchSettings
from taigan.running.process import listen, serve
from taigan.web.doors.devices import Devices

LANE = LaneKey(LOT, "A1")
UNANSWERED = 10.0
"""Seconds to the deadline of a command that nobody answers; too few for the device to count as gone."""


class HandClock(ManualClock):
    """A clock that is moved by hand, and whose wall can be set apart from what has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.wall_is_ahead_by = timedelta()

    def now(self) -> datetime:
        return super().now() + self.wall_is_ahead_by


class Bench:
    """One lane: `barrier` is the driver's, `device` the emulated electronics, `script` drives the cars."""

    def __init__(self, fleet: Fleet, barrier: Barrier, heard: Heard, device: Device, script: Script, clock: Clock):
        self.fleet = fleet
        self.barrier = barrier
        self.heard = heard
        self.device: Any = device
        self.script = script
        self.clock = clock
        self.photos: list[Photo] = []
        self._commands = 0

    async def open(self, seconds: float = PATIENCE) -> Result:
        """Raise the arm as the lot would."""
        return await self.command("open", seconds)

    async def command(self, verb: str, seconds: float = PATIENCE) -> Result:
        """Give a command with so many seconds to its deadline."""
        self._commands += 1
        deadline = self.clock.now() + timedelta(seconds=seconds)
        result = await getattr(self.barrier, verb)(f"lift-{self._commands}", deadline)
        assert isinstance(result, Result)
        return result

    async def unanswered(self, verb: str = "open") -> Result:
        """Give a command whose deadline passes as soon as it has left for the device."""
        assert isinstance(self.clock, RunningClock)
        watch: LaneWatch = self.barrier.watch  # type: ignore[attr-defined]
        giving = asyncio.create_task(self.command(verb, UNANSWERED))
        await self.until(lambda: giving.done() or any(attempt.sent for attempt in watch._attempts.values()))
        self.clock.advance(UNANSWERED)
        return await giving

    async def opened(self) -> None:
        """Raise the arm, and see that it was taken."""
        result = await self.open()
        assert result == Result(Outcome.ACCEPTED), result

    async def next_photo(self) -> Photo:
        """The first picture that comes."""
        await self.until(lambda: self.photos)
        return self.photos[0]

    async def online(self) -> None:
        """Return when the driver has heard its device."""
        await self.heard.until(EventKind.ONLINE)

    async def until_silent_for(self, seconds: float) -> None:
        """Let so much time pass on the hand clock, again if a last word of the device is still on its way."""

        def silent() -> bool:
            assert isinstance(self.clock, HandClock)
            self.clock.advance(seconds)
            self.fleet.site.tick()
            return not self.barrier.state.online

        await self.until(silent)

    async def until(self, holds: Any) -> None:
        """Return when `holds()` is true; looked at whenever anything happens in the loop."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def posts_to(fleet: Fleet) -> AsyncIterator[str]:
    """The platform's door for devices that post, at the address that is yielded."""
    stop = asyncio.Event()
    with listen("127.0.0.1", 0, "the bench") as listener:
        serving = asyncio.create_task(serve(Devices(fleet.door), listener, stop, end_streams=lambda: None))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            await serving


async def handed(lane: Bench, driver: str, serial: str, post: Post) -> Answer:
    """What a device is answered whose post got past the door."""
    mailbox = lane.fleet.door.find(driver, serial)
    assert mailbox is not None
    return await mailbox.handle(post)


@contextlib.asynccontextmanager
async def workbench(
    folder: Path, barrier: dict[str, Any], platform_url: str = "", heartbeat: float | None = 0.05
) -> AsyncIterator[tuple[Device, Script]]:
    """The emulated device of one lane, and a script at its REST door."""
    journal = Journal(folder / "devices.journal", LaneRecord)
    lanes = LanesSettings(folder / "devices.journal", travel_time=0.01, late_by=0.05)
    settings = WorkbenchSettings(lanes, (DeviceLane(LANE.lot_id, LANE.channel_id, barrier),), platform_url, heartbeat)
    app = Workbench(journal, settings, clock=SystemClock())
    runner = web.AppRunner(app.build(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with Script(f"http://127.0.0.1:{runner.addresses[0][1]}") as script:
            yield app.devices[LANE.lot_id, LANE.channel_id], script
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def bench(
    folder: Path,
    barrier: dict[str, Any],
    *,
    device: dict[str, Any] | None = None,
    driver: dict[str, Any] | None = None,
    clock: Clock | None = None,
    heartbeat: float | None = 0.05,
    detector: bool = True,
) -> AsyncIterator[Bench]:
    """A lane with the driver that `barrier` names, and its device.

    `device` overrides what the device is told, `driver` what the driver is.
    """
    folder.mkdir(exist_ok=True)
    heard = Heard()
    used = clock or RunningClock()
    photos: list[Photo] = []
    fleet = Fleet(heard, used, Random(7), photos=photos.append)
    built = fleet.add(LANE, {**barrier, **(driver or {})}, detector=detector)
    async with (
        posts_to(fleet) as url,
        workbench(folder, {**barrier, **(device or {})}, url, heartbeat) as (emulated, script),
    ):
        await fleet.start()
        try:
            running = Bench(fleet, built, heard, emulated, script, used)
            running.photos = photos
            yield running
        finally:
            await fleet.stop()
