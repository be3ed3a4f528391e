"""What a relay board's inputs mean for its lane, by how they are wired."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from support.stacks.barrier_bench import LANE, HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import EventKind, Position
from taigan.barriers.drivers import Fleet
from taigan.barriers.kinds.modbus_relay import RelayBarrier

CLOSED, RISING, OPEN = Position.CLOSED, Position.RISING, Position.OPEN
FALLING, UNKNOWN = Position.FALLING, Position.UNKNOWN


class Wired:
    """A lane on a board that nobody connects to; the test reads its inputs."""

    def __init__(self, *, detector: bool = True, **inputs: Any) -> None:
        self.heard = Heard()
        fleet = Fleet(self.heard, HandClock(), Random(1))
        barrier = fleet.add(LANE, {"driver": "modbus-relay", "host": "127.0.0.1", **inputs}, detector=detector)
        assert isinstance(barrier, RelayBarrier)
        self.barrier = barrier

    async def reads(self, *bits: int) -> list[EventKind]:
        """Take in the inputs; what came of it."""
        before = len(self.heard.events)
        self.barrier.read([bool(bit) for bit in bits])
        await self.barrier.watch.delivered()
        return self.heard.kinds()[before:]

    @property
    def position(self) -> Position | None:
        return self.barrier.state.position


@pytest.mark.parametrize(
    ("script", "positions"),
    [
        ([(0, 1), (0, 0), (1, 0), (0, 0), (0, 1)], [CLOSED, RISING, OPEN, FALLING, CLOSED]),
        ([(0, 1), (0, 0), (0, 0), (0, 1)], [CLOSED, RISING, RISING, CLOSED]),
        ([(1, 0), (0, 0), (0, 0), (1, 0)], [OPEN, FALLING, FALLING, OPEN]),
        ([(1, 1), (0, 0), (0, 1)], [UNKNOWN, UNKNOWN, CLOSED]),
        ([(0, 0), (1, 0)], [UNKNOWN, OPEN]),
    ],
)
async def test_two_limit_switches_tell_the_ends_and_the_way_between(
    script: list[tuple[int, int]], positions: list[Position]
) -> None:
    lane = Wired(up_input=0, down_input=1)
    found = []
    for bits in script:
        await lane.reads(*bits)
        found.append(lane.position)
    assert found == positions


@pytest.mark.parametrize(
    ("inputs", "on", "off"),
    [({"up_input": 0}, OPEN, CLOSED), ({"down_input": 0}, CLOSED, OPEN)],
)
@pytest.mark.parametrize("inverted", [False, True])
async def test_one_limit_switch_tells_whether_the_arm_is_at_that_end(
    inputs: dict[str, int], on: Position, off: Position, inverted: bool
) -> None:
    lane = Wired(**inputs, inverted=[0] if inverted else [5])
    for bit in (1, 0, 1):
        await lane.reads(bit)
        assert lane.position is (on if bool(bit) is not inverted else off)


async def test_a_board_without_limit_switches_says_nothing_of_the_arm() -> None:
    lane = Wired(loop_input=0)
    assert await lane.reads(1) == [EventKind.ARRIVED]
    assert lane.position is None


async def test_loops_are_told_where_they_are_wired_and_when_they_change() -> None:
    lane = Wired(loop_input=2, under_input=4, up_input=1)
    told = []
    for bits in ((0, 1, 0, 0, 0), (0, 1, 1, 0, 0), (1, 1, 1, 1, 0), (0, 1, 1, 0, 1), (0, 1, 0, 0, 1), (0, 1, 0, 0, 0)):
        told += await lane.reads(*bits)
    assert told == [EventKind.UP, EventKind.ARRIVED, EventKind.PASSED]


async def test_a_lane_without_a_loop_hears_nothing_of_the_inputs_of_one() -> None:
    lane = Wired(detector=False, loop_input=0, up_input=1)
    assert await lane.reads(1, 1) == [EventKind.UP]


@pytest.mark.parametrize(
    ("settings", "inputs"),
    [({}, set()), ({"loop_input": 0, "under_input": 3}, {0, 3}), ({"up_input": 0, "down_input": 1}, {0, 1})],
)
async def test_the_inputs_that_are_read_are_those_that_are_wired(settings: dict[str, int], inputs: set[int]) -> None:
    lane = Wired(**settings)
    assert (lane.barrier.inputs, lane.barrier.open_coil, lane.barrier.read_every) == (inputs, 0, 0.2)


@pytest.mark.parametrize(
    ("settings", "moving"),
    [({"up_input": 0}, True), ({"down_input": 0}, True), ({"up_input": 0, "down_input": 1}, False)],
)
async def test_an_arm_of_which_one_end_is_seen_is_taken_to_move_after_a_command(
    settings: dict[str, int], moving: bool
) -> None:
    lane = Wired(**settings)
    lane.barrier.watch.arm(CLOSED)
    lane.barrier.watch.lifted()
    assert (lane.barrier.watch.signals.position is RISING) is moving
