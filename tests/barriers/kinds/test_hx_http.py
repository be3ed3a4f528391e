"""HX cameras: forms in, commands on the answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.stacks.barrier_bench import Bench, bench, handed
from taigan.barriers.barrier import EventKind, Outcome
from taigan.barriers.door import Post

SETTINGS: dict[str, Any] = {"driver": "hx-http", "serial": "hx-7", "screen": {}}


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, SETTINGS) as running:
        await running.online()
        yield running


async def test_a_command_rides_on_a_heartbeat(lane: Bench) -> None:
    assert (await lane.open()).outcome is Outcome.UNCERTAIN
    await lane.script.until(barrier="open", lifts=1)
    assert (await lane.command("close")).outcome is Outcome.UNCERTAIN
    await lane.script.until(barrier="closed")


async def test_it_cannot_hold_and_says_so(lane: Bench) -> None:
    assert (await lane.command("hold")).outcome is Outcome.REJECTED


async def test_a_command_that_was_not_fetched_in_time_is_void(tmp_path: Path) -> None:
    async with bench(tmp_path, SETTINGS, heartbeat=3600) as lane:
        await lane.online()
        assert (await lane.open(0.05)).outcome is Outcome.REJECTED
        assert await lane.device.beat()
        assert (await lane.script.get())["lifts"] == 0


async def test_a_plate_is_reported_and_fetches_a_command(tmp_path: Path) -> None:
    async with bench(tmp_path, SETTINGS, heartbeat=3600) as lane:
        await lane.online()
        waiting = asyncio.create_task(lane.open())
        await asyncio.sleep(0)
        await lane.device.read_plate("粤B12345")
        assert (await waiting).outcome is Outcome.UNCERTAIN
        assert (await lane.heard.until(EventKind.PLATE)).plate == "粤B12345"


async def test_a_text_rides_along_to_the_screen(lane: Bench) -> None:
    await lane.barrier.screen.show("请扫码入场")
    await lane.script.until(screen="请扫码入场")


async def test_it_sees_neither_cars_nor_arm_and_says_how_late_it_may_be(lane: Bench) -> None:
    sight = lane.barrier.sight
    assert (sight.acknowledges, sight.position, sight.detector, sight.slowest_command) == (False, False, False, 10)


async def test_any_bytes_are_answered_and_change_nothing(lane: Bench) -> None:
    for form in ({}, {"type": "x"}, {"plate_num": "粤B12345"}):
        answer = await handed(lane, "hx-http", "hx-7", Post(os.urandom(10_000), {}, form))
        assert answer.status == 400
    assert lane.heard.kinds() == [EventKind.ONLINE]
