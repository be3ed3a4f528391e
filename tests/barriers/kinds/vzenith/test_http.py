"""Vzenith cameras that post: commands ride on the answers, at the camera's own pace."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from support.stacks.barrier_bench import LANE, Bench, HandClock, bench, handed
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import EventKind, Outcome
from taigan.barriers.door import Answer, Post
from taigan.barriers.drivers import Fleet
from taigan.devices.electronics.device import Fault

SETTINGS: dict[str, Any] = {"driver": "vzenith-http", "serial": "c5h-1", "screen": {}}


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, SETTINGS) as running:
        await running.online()
        yield running


@pytest.fixture
async def quiet(tmp_path: Path) -> AsyncIterator[Bench]:
    """A camera that says nothing by itself after its first heartbeat."""
    async with bench(tmp_path, SETTINGS, heartbeat=3600, clock=HandClock()) as running:
        await running.online()
        yield running


async def posted(lane: Bench, content: object) -> Answer:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return await handed(lane, "vzenith-http", "c5h-1", Post(body, {}, {}))


async def until_it_waits(lane: Bench) -> None:
    """Return when a command waits to be fetched."""
    await lane.until(lambda: lane.barrier._commands._waiting)  # type: ignore[attr-defined]


def plate(plate_id: int, *, offline: int = 0) -> dict[str, Any]:
    result = {"license": "5rKqQTEyMzQ1", "plateid": plate_id, "isoffline": offline}
    return {"AlarmInfoPlate": {"serialno": "c5h-1", "result": {"PlateResult": result}}}


async def test_a_command_rides_on_a_heartbeat_and_is_never_more_than_uncertain(lane: Bench) -> None:
    result = await lane.open()
    assert result.outcome is Outcome.UNCERTAIN
    await lane.script.until(barrier="open", lifts=1)


async def test_only_the_loop_tells_that_the_car_drove_in(lane: Bench) -> None:
    await lane.script.put(car="arrives")
    arrived = await lane.heard.until(EventKind.ARRIVED)
    await lane.open()
    await lane.script.until(barrier="open")
    await lane.script.put(car="passes")
    assert (await lane.heard.until(EventKind.PASSED)).presence_id == arrived.presence_id
    await lane.script.put(car="arrives")
    await lane.heard.until(EventKind.ARRIVED, times=2)


async def test_a_command_that_was_not_fetched_by_its_deadline_never_leaves(quiet: Bench) -> None:
    opening = asyncio.create_task(quiet.open(5.0))
    await until_it_waits(quiet)
    assert isinstance(quiet.clock, HandClock)
    quiet.clock.advance(5.0)
    assert (await opening).outcome is Outcome.REJECTED
    assert await quiet.device.beat()
    assert (await quiet.script.get())["lifts"] == 0


async def test_a_command_fetched_after_its_deadline_by_the_clock_is_not_handed_over(quiet: Bench) -> None:
    clock = quiet.clock
    assert isinstance(clock, HandClock)
    waiting = asyncio.create_task(quiet.open(1.0))
    await until_it_waits(quiet)
    clock.wall_is_ahead_by = timedelta(seconds=60)
    assert await quiet.device.beat()
    clock.advance(1.0)
    assert (await waiting).outcome is Outcome.REJECTED
    assert (await quiet.script.get())["lifts"] == 0


async def test_the_driver_says_how_late_a_command_may_be(quiet: Bench) -> None:
    assert quiet.barrier.sight.slowest_command == 30
    assert not quiet.barrier.sight.acknowledges


async def test_a_plate_fetches_a_command_at_once(quiet: Bench) -> None:
    waiting = asyncio.create_task(quiet.open(2.0))
    await until_it_waits(quiet)
    await quiet.device.read_plate("沪A12345")
    assert (await waiting).outcome is Outcome.UNCERTAIN
    assert (await quiet.script.get())["lifts"] == 1
    assert (await quiet.heard.until(EventKind.PLATE)).plate == "沪A12345"


async def test_nothing_opens_for_a_plate_without_a_command(quiet: Bench) -> None:
    answer = json.loads((await posted(quiet, plate(1))).body)
    assert answer == {"Response_AlarmInfoPlate": {"info": "no"}}


async def test_repeats_and_records_from_the_cameras_memory_fetch_nothing(quiet: Bench) -> None:
    await posted(quiet, plate(7))
    waiting = asyncio.create_task(quiet.open(1.0))
    await until_it_waits(quiet)
    for repeat in (plate(7), plate(8, offline=1)):
        assert b"ok" not in (await posted(quiet, repeat)).body
    assert isinstance(quiet.clock, HandClock)
    quiet.clock.advance(1.0)
    assert (await waiting).outcome is Outcome.REJECTED
    assert len([kind for kind in quiet.heard.kinds() if kind is EventKind.PLATE]) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"SerialData": {"channel": 0, "serialno": "c5h-1", "serialChannel": 0, "data": "AAECAw==", "dataLen": 4}},
        {"ipaddr": "192.168.1.100", "TriggerImage": {"imageFile": "AAECAw==", "imageFileLen": 4}},
        {"heartbeat": {"countid": 158, "serialno": "c5h-1"}},
        {"AlarmGioIn": {"result": {"TriggerResult": {"source": 3, "value": 1}}}},
        {},
        b"",
    ],
)
async def test_a_command_waits_for_an_answer_that_the_camera_obeys(quiet: Bench, other: object) -> None:
    waiting = asyncio.create_task(quiet.open())
    await until_it_waits(quiet)
    assert b"ok" not in (await posted(quiet, other)).body
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await quiet.device.beat()
    assert (await waiting).outcome is Outcome.UNCERTAIN
    assert (await quiet.script.get())["lifts"] == 1


async def test_a_wired_output_is_pulsed_when_asked_for(tmp_path: Path) -> None:
    async with bench(tmp_path, {**SETTINGS, "open_with": "ivs_ioctrl"}) as lane:
        await lane.online()
        await lane.open()
        await lane.script.until(lifts=1)
        await lane.command("hold")
        await lane.script.until(held=True)
        await lane.command("close")
        await lane.script.until(held=False, barrier="closed")


async def test_a_text_rides_along_to_the_screen(lane: Bench) -> None:
    await lane.barrier.screen.show("车位已满")
    await lane.script.until(screen="车位已满")


async def test_a_camera_without_heartbeats_is_offline(quiet: Bench) -> None:
    clock = quiet.clock
    assert isinstance(clock, HandClock)
    await quiet.device.set_fault(Fault.UNPLUGGED)
    clock.advance(106)
    quiet.fleet.site.tick()
    await quiet.heard.until(EventKind.OFFLINE)
    assert (await quiet.open()).outcome is Outcome.REJECTED


async def test_any_bytes_are_answered_and_change_nothing(quiet: Bench) -> None:
    for body in (b"null", b"[" * 5000, b"\xff\xfe", b'{"AlarmGioIn":{}}', b'{"AlarmInfoPlate":3}', os.urandom(10_000)):
        assert (await posted(quiet, body)).status == 400
    assert quiet.heard.kinds() == [EventKind.ONLINE]


async def test_an_unknown_camera_is_nobody(quiet: Bench) -> None:
    assert quiet.fleet.door.find("vzenith-http", "stranger") is None


async def test_a_lane_that_is_gone_hears_nothing(quiet: Bench) -> None:
    await quiet.fleet.remove(LANE)
    assert quiet.fleet.door.find("vzenith-http", "c5h-1") is None


@pytest.mark.parametrize("said", ["浙A10001", "AB12", "FSM6746N"])
async def test_a_plate_is_read_from_plain_text(quiet: Bench, said: str) -> None:
    await quiet.device.set_fault(Fault.PLAIN_PLATES)
    await quiet.device.read_plate(said)
    assert (await quiet.heard.until(EventKind.PLATE)).plate == said


async def test_a_plate_with_a_picture_over_a_slow_line_is_read(tmp_path: Path) -> None:
    async with bench(tmp_path, SETTINGS, heartbeat=3600, device={"picture_takes": 0.4}) as lane:
        await lane.online()
        await lane.device.set_fault(Fault.SLOW_LINE)
        await lane.device.read_plate("浙A10001")
        assert (await lane.heard.until(EventKind.PLATE)).plate == "浙A10001"


async def test_a_camera_that_chatters_still_gets_its_command_at_the_heartbeat(quiet: Bench) -> None:
    await quiet.device.set_fault(Fault.CHATTERS)
    waiting = asyncio.create_task(quiet.open())
    await until_it_waits(quiet)
    assert await quiet.device.beat()
    assert (await waiting).outcome is Outcome.UNCERTAIN
    assert (await quiet.script.get())["lifts"] == 1


class Posting:
    """A camera whose heartbeats the test makes."""

    def __init__(self, **others: Any) -> None:
        self.clock = HandClock()
        self.fleet = Fleet(Heard(), self.clock, Random(1))
        self.barrier = self.fleet.add(LANE, {"driver": "vzenith-http", "serial": "c1", **others})

    async def beat(self) -> dict[str, Any]:
        """What a heartbeat is answered."""
        mailbox = self.fleet.door.find("vzenith-http", "c1")
        assert mailbox is not None
        answer = await mailbox.handle(Post(b"", {}, {"device_name": "c1"}))
        return dict(json.loads(answer.body)["Response_AlarmInfoPlate"])

    async def takes(self, verb: str, name: str = "lift-1") -> dict[str, Any]:
        """What takes a command along."""
        deadline = self.clock.now() + timedelta(seconds=4)
        giving = asyncio.create_task(getattr(self.barrier, verb)(name, deadline))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answer = await self.beat()
        assert (await giving).outcome is Outcome.UNCERTAIN
        return answer


async def test_each_command_is_what_the_camera_understands() -> None:
    camera = Posting(open_with="ivs_ioctrl", wiring={"open_output": 2, "open_pulse": 700, "close_output": 3})
    await camera.beat()
    assert await camera.takes("open") == {"info": "no", "ivs_ioctrl": {"io": 2, "value": 2, "delay": 700}}
    assert await camera.takes("close") == {"info": "no", "ivs_ioctrl": {"io": 3, "value": 2, "delay": 3000}}
    assert await camera.takes("hold") == {"info": "no", "ivs_ioctrl": {"io": 2, "value": 1, "delay": 0}}
    assert await camera.takes("close") == {"info": "no", "ivs_ioctrl": {"io": 2, "value": 0, "delay": 0}}
    assert not camera.barrier.state.held
    assert await camera.beat() == {"info": "no"}


async def test_an_arm_stays_held_up_when_the_camera_does_not_come_for_the_command_that_lowers_it() -> None:
    camera = Posting()
    await camera.beat()
    await camera.takes("hold")
    lowering = asyncio.create_task(camera.barrier.close("lift-2", camera.clock.now() + timedelta(seconds=4)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    camera.clock.advance(4)
    assert (await lowering).outcome is Outcome.REJECTED
    assert camera.barrier.state.held
    assert await camera.beat() == {"info": "no"}


async def test_a_camera_that_opens_by_its_answer_is_told_ok_once() -> None:
    camera = Posting()
    await camera.beat()
    assert await camera.takes("open") == {"info": "ok"}
    assert await camera.beat() == {"info": "no"}


async def test_a_camera_without_an_output_that_lowers_lets_go_of_the_one_that_raises() -> None:
    camera = Posting(wiring={"close_output": -1})
    await camera.beat()
    assert await camera.takes("close") == {"info": "no", "ivs_ioctrl": {"io": 0, "value": 0, "delay": 0}}


async def test_the_latest_text_rides_along_once_where_there_is_a_screen() -> None:
    for screen in ({}, {"screen": {"rows": 2}}):
        camera = Posting(**screen, wiring={"screen_channel": 1})
        await camera.barrier.screen.show("车位已满")
        await camera.barrier.screen.show("欢迎光临")
        data = (await camera.beat()).get("serialData", [])
        assert [item["serialChannel"] for item in data] == ([1, 1, 1] if screen else [])
        assert "serialData" not in await camera.beat()


@pytest.mark.parametrize(("later", "online"), [(104.9, True), (105, True), (105.1, False)])
async def test_a_camera_is_offline_after_three_and_a_half_heartbeats(later: float, online: bool) -> None:
    camera = Posting()
    await camera.beat()
    camera.clock.advance(later)
    camera.fleet.site.tick()
    assert camera.barrier.state.online is online
