"""HX cameras: forms in, commands on the answers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from support.stacks.barrier_bench import LANE, Bench, HandClock, bench, handed
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import EventKind, Outcome
from taigan.barriers.door import Post
from taigan.barriers.drivers import Fleet

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


@pytest.mark.parametrize(("later", "online"), [(34.9, True), (35, True), (35.1, False)])
async def test_a_camera_is_offline_after_three_and_a_half_heartbeats(later: float, online: bool) -> None:
    clock = HandClock()
    fleet = Fleet(Heard(), clock, Random(1))
    barrier = fleet.add(LANE, SETTINGS)
    mailbox = fleet.door.find("hx-http", "hx-7")
    assert mailbox is not None
    await mailbox.handle(Post(b"", {}, {"type": "heartbeat"}))
    clock.advance(later)
    fleet.site.tick()
    assert barrier.state.online is online


async def test_the_latest_text_rides_along_once_where_there_is_a_screen() -> None:
    for screen in ({}, {"screen": {"rows": 1, "voice": False}}):
        fleet = Fleet(Heard(), HandClock(), Random(1))
        barrier = fleet.add(LANE, {"driver": "hx-http", "serial": "hx-7", **screen})
        mailbox = fleet.door.find("hx-http", "hx-7")
        assert mailbox is not None
        for text in ("AB", "CD"):
            await barrier.screen.show(text)
        said = [json.loads((await mailbox.handle(Post(b"", {}, {"type": "heartbeat"}))).body) for _ in range(2)]
        assert [len(answer.get("rs485_data", [])) for answer in said] == ([1, 0] if screen else [0, 0])
        if screen:
            assert b"CD".hex().upper() in said[0]["rs485_data"][0]["data"]


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
