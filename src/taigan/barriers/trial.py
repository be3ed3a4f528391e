"""Raises one lane's arm on purpose and tells what happened: for the person who has just wired it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

from taigan.barriers.barrier import Event, EventKind, LaneKey, Outcome
from taigan.barriers.drivers import Fleet
from taigan.clock import Clock

COMMAND_WITHIN = 5.0


async def try_out(
    lane: LaneKey,
    settings: Mapping[str, Any],
    clock: Clock,
    say: Callable[[str], None],
    *,
    command_id: str,
    found_within: float = 15.0,
    watched_for: float = 10.0,
) -> bool:
    """Connect to the lane's device, raise the arm once, and say everything that it reports; whether it was accepted.

    Waits up to `found_within` seconds for a device that speaks by itself, and looks on for `watched_for` seconds
    afterwards at one that reports something. Raises `BadSettings`.
    """
    began = clock.monotonic()
    found = asyncio.Event()
    up = asyncio.Event()

    def tell(text: str) -> None:
        say(f"{clock.monotonic() - began:6.2f} s  {text}")

    async def happened(event: Event) -> None:
        tell(" ".join(filter(None, (event.kind.value.replace("_", " "), event.plate, event.detail))))
        if event.kind is EventKind.ONLINE:
            found.set()
        if event.kind is EventKind.UP:
            up.set()

    fleet = Fleet(happened, clock, Random())
    barrier = fleet.add(lane, settings)
    sight = barrier.sight
    tell(
        f"{lane}, driver {settings.get('driver')}: it {'acknowledges' if sight.acknowledges else 'confirms nothing'}, "
        f"{'reports' if sight.position else 'does not report'} the arm, "
        f"{'sees' if sight.detector else 'does not see'} cars"
    )
    await fleet.start()
    try:
        if not barrier.state.online and not await _within(found, found_within):
            tell(f"nothing heard from the device in {found_within:.0f} s; it is tried all the same")
        within = max(COMMAND_WITHIN, sight.slowest_command + 1)
        tell("open")
        result = await barrier.open(command_id, clock.now() + timedelta(seconds=within))
        tell(" ".join(filter(None, (result.outcome.value, result.reason))))
        if result.outcome is Outcome.REJECTED:
            return False
        reports = sight.position or sight.detector
        if reports and not await _within(up, watched_for) and sight.position:
            tell(
                f"the arm was not reported up within {watched_for:.0f} s: is it locked, or the limit switch not wired?"
            )
        return result.outcome is Outcome.ACCEPTED
    finally:
        await fleet.stop()


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
