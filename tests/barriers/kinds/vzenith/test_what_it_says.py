"""What a Vzenith camera says, over MQTT and over HTTP alike, and what becomes of it in the lane."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from support.stacks.barrier_bench import LANE, HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import EventKind, Photo, Position, Why
from taigan.barriers.kinds.vzenith.camera import Camera, Wiring, serial_data
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import LaneWatch
from taigan.barriers.wires.led import ScreenSettings, frames

PICTURE = base64.b64encode(b"jpeg").decode()


class Lane:
    """A camera's lane with two loops, and what it told."""

    def __init__(self, **wiring: Any) -> None:
        self.heard, self.photos = Heard(), list[Photo]()
        signals = LaneSignals(two_loops=True)
        self.watch = LaneWatch(
            LANE, self.heard, HandClock(), device="camera", signals=signals, photos=self.photos.append
        )
        self.camera = Camera("c1", Wiring(**{"loop_input": 0, "under_input": 1, **wiring}), self.watch)

    def input(self, source: object, value: object) -> None:
        self.camera.input_changed({"result": {"TriggerResult": {"source": source, "value": value}}}, "")

    def plate(self, licence: str = "粤B12345", number: object = 1, **more: Any) -> bool:
        return self.camera.plate_read({"result": {"PlateResult": {"license": licence, "plateid": number, **more}}})

    async def kinds(self) -> list[EventKind]:
        await self.watch.delivered()
        return self.heard.kinds()


@pytest.mark.parametrize("lit", [0, 1])
async def test_the_loops_hang_on_the_inputs_that_are_wired_and_are_lit_by_the_value_that_is_set(lit: int) -> None:
    lane = Lane(loop_lit=lit)
    lane.watch.arm(Position.OPEN)
    for source, value in ((2, lit), (0, lit), (1, lit), (0, 1 - lit), (1, 1 - lit)):
        lane.input(source, str(value))
    assert await lane.kinds() == [EventKind.UP, EventKind.ARRIVED, EventKind.PASSED]


async def test_a_plate_that_was_read_once_is_no_news_and_one_from_the_cameras_memory_is_none() -> None:
    lane = Lane()
    assert lane.plate(number=1)
    assert not lane.plate(number=1)
    assert not lane.plate(number=2, isoffline=1)
    assert lane.plate(number="")
    assert lane.plate(number="")
    assert await lane.kinds() == [EventKind.PLATE] * 3


async def test_sixty_four_plates_are_known_again() -> None:
    lane = Lane()
    for number in range(65):
        assert lane.plate(number=number)
    assert not lane.plate(number=64)
    assert not lane.plate(number=1)
    assert lane.plate(number=0)


@pytest.mark.parametrize(
    ("position", "present", "why"),
    [
        (Position.OPEN, True, Why.LIFT),
        (Position.RISING, True, Why.LIFT),
        (Position.OPEN, False, Why.PASSAGE),
        (Position.CLOSED, True, Why.PLATE),
        (Position.CLOSED, False, Why.PLATE),
        (Position.FALLING, False, Why.PLATE),
    ],
)
async def test_why_a_picture_was_taken_is_told_by_the_arm_and_the_loop(
    position: Position, present: bool, why: Why
) -> None:
    lane = Lane()
    lane.watch.arm(position)
    if present:
        lane.input(0, 1)
    lane.camera.snapped({"imageFile": PICTURE}, "1")
    lane.camera.snapped({"imageFile": ""}, "2")
    assert [(photo.why, photo.data, photo.plate) for photo in lane.photos] == [(why, b"jpeg", "")]


@pytest.mark.parametrize(
    ("told", "position"), [(0, Position.CLOSED), (1, Position.OPEN), (2, Position.UNKNOWN), ("x", Position.UNKNOWN)]
)
async def test_the_arm_is_down_or_up_or_nobody_knows(told: object, position: Position) -> None:
    lane = Lane()
    lane.camera.arm_moved({"gate_status": told}, "")
    assert lane.watch.state.position is position


@pytest.mark.parametrize("said", [None, [], {}, {"result": 1}, {"result": {"TriggerResult": {}}}])
async def test_what_lacks_something_is_not_understood(said: Any) -> None:
    lane = Lane()
    with pytest.raises(msgspec.ValidationError):
        lane.camera.input_changed(said, "")
    with pytest.raises(msgspec.ValidationError):
        lane.camera.plate_read(said)
    with pytest.raises(msgspec.ValidationError):
        lane.camera.snapped(said, "")
    with pytest.raises(msgspec.ValidationError):
        lane.camera.arm_moved(said, "")
    assert await lane.kinds() == []


def test_a_screens_frames_go_out_by_its_serial_port_each_with_its_length() -> None:
    screen = ScreenSettings(rows=2)
    data = serial_data("车位已满", screen, 1)
    assert [base64.b64decode(item["data"]) for item in data] == frames("车位已满", screen)
    assert all(item["dataLen"] == len(base64.b64decode(item["data"])) for item in data)
    assert {item["serialChannel"] for item in data} == {1}
