"""A process begins to watch a lane where a car may stand already: which car it is, and which one has gone."""

from __future__ import annotations

from random import Random

import pytest

from support.clock import ManualClock
from support.stacks.barrier_bench import LANE
from taigan.barriers.barrier import Event, EventKind, EventSink, Position
from taigan.barriers.site import Lane as SiteLane
from taigan.barriers.site import Site
from taigan.barriers.watching.lane_watch import LaneWatch


class Signals:
    """A lane's watch, as a driver that makes events of signals has one, and what it told."""

    def __init__(self) -> None:
        self.told: list[tuple[EventKind, str]] = []

        async def sink(event: Event) -> None:
            self.told.append((event.kind, event.presence_id))

        taking: EventSink = sink
        site = Site(taking, ManualClock(), Random(1))
        self.watch: LaneWatch = site.watch(SiteLane(LANE), "a board")

    async def cars(self) -> list[tuple[EventKind, str]]:
        await self.watch.delivered()
        return self.told


async def test_a_car_that_still_stands_there_after_a_restart_is_the_same_car() -> None:
    lane = Signals()
    lane.watch.take_over("car", None)
    assert lane.watch.state.presence_id == "car"
    lane.watch.loop(True)  # the board is read
    assert await lane.cars() == []
    lane.watch.arm(Position.OPEN)
    lane.watch.loop(False)
    assert (EventKind.PASSED, "car") in await lane.cars()


async def test_a_car_that_left_while_nobody_watched_has_gone_once_the_board_is_read() -> None:
    lane = Signals()
    lane.watch.take_over("car", None)
    lane.watch.loop(False)
    assert await lane.cars() == [(EventKind.BACKED_OUT, "car")]
    assert lane.watch.state.presence_id == ""


async def test_taking_over_with_the_loop_known_to_be_free_tells_that_the_car_has_gone() -> None:
    lane = Signals()
    lane.watch.loop(False)
    lane.watch.take_over("car", None)
    assert await lane.cars() == [(EventKind.BACKED_OUT, "car")]


async def test_taking_over_a_lane_whose_car_was_named_otherwise_goes_on_with_the_name_in_the_rows() -> None:
    lane = Signals()
    lane.watch.loop(True, "its own name")
    lane.watch.take_over("car", None)
    lane.watch.loop(False)
    assert [presence for _, presence in await lane.cars()][-1] == "car"
    assert lane.watch.state.presence_id == ""


async def test_a_car_that_came_after_the_loop_was_free_while_nobody_watched_is_another_one() -> None:
    lane = Signals()
    lane.watch.loop(False)
    lane.watch.loop(True, "another")
    another = lane.watch.state.presence_id
    lane.watch.take_over("car", None)
    lane.watch.arm(Position.OPEN)
    lane.watch.loop(False)
    told = await lane.cars()
    assert (EventKind.ARRIVED, another) in told
    assert told[-1] == (EventKind.PASSED, another)


async def test_a_car_whose_arrival_another_process_has_stored_goes_on_with_the_name_in_the_rows() -> None:
    lane = Signals()
    lane.watch.loop(False)
    lane.watch.loop(True, "its own name")
    await lane.cars()
    lane.watch.take_over("car", None)
    assert lane.watch.state.presence_id == "car"


@pytest.mark.parametrize(("again", "another"), [("m2", True), ("m1", False), (None, False)])
async def test_a_car_that_has_gone_by_the_rows_is_another_one_if_the_loop_was_lit_once_more(
    again: str | None, another: bool
) -> None:
    lane = Signals()
    lane.watch.loop(True, "m1")
    await lane.cars()
    first = lane.watch.state.presence_id
    if again:
        lane.watch.loop(True, again)
    lane.watch.take_over("", None)
    assert (lane.watch.state.presence_id != first) is another
    assert (await lane.cars())[-1] == (EventKind.ARRIVED, lane.watch.state.presence_id)


async def test_taking_over_tells_of_a_car_that_no_row_knows() -> None:
    lane = Signals()
    lane.watch.loop(True, "m1")
    lane.watch.take_over("", None)
    told = await lane.cars()
    assert [kind for kind, _ in told] == [EventKind.ARRIVED, EventKind.ARRIVED]
    assert told[0] == told[1]
