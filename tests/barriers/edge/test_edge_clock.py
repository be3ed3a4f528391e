"""What the platform makes of the clock of an edge in the lot: deadlines there, and how old what it tells is."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import msgspec
import pytest

from support.stacks.barrier_bench import LANE, HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import EventKind
from taigan.barriers.edge.lane import OF_THE_PAST, EdgeLink
from taigan.barriers.edge.wire import Beat, LaneEvent
from taigan.barriers.site import Site
from taigan.barriers.watching.lane_watch import Attempt, NotSent
from taigan.barriers.wires.broker import Broker, BrokerSettings
from taigan.deadline import Deadline


class Line:
    """The platform's end of the line to an edge that beats when a test says so."""

    def __init__(self) -> None:
        self.clock = HandClock()
        broker = Broker(BrokerSettings(broker="mqtt://127.0.0.1"), Site(Heard(), self.clock, Random(1)))
        self.link = EdgeLink(broker, LANE.lot_id, self.clock)
        self._topics = broker._handlers
        [self.connected] = broker._links

    def beats(self, clock: float, *, boot: str = "run-1", ahead: float = 0.0) -> None:
        at = self.clock.now() + timedelta(seconds=ahead)
        self._hears("beat", msgspec.json.encode(Beat(boot, clock, at)))

    def goes(self) -> None:
        self._hears("gone", b"run-1")

    def _hears(self, name: str, payload: bytes) -> None:
        [handler] = self._topics[f"taigan/edge/{LANE.lot_id}/{name}"]
        handler(payload)

    def until(self, seconds: float) -> tuple[str, float]:
        return self.link.until(Attempt("lift-1", Deadline.within(seconds, self.clock)))

    def age(self, clock: float, *, boot: str = "run-1", ago: float = 0.0) -> float:
        at = self.clock.now() - timedelta(seconds=ago)
        return self.link.age(LaneEvent("e", EventKind.UP, at, boot=boot, clock=clock))


async def test_a_deadline_is_told_by_the_edges_clock_from_its_last_beat_on() -> None:
    line = Line()
    line.clock.advance(1000)
    line.beats(50)
    assert line.until(4) == ("run-1", 54)
    line.clock.advance(3)
    assert line.until(4) == ("run-1", 57)
    line.beats(7, boot="run-2")
    assert line.until(4) == ("run-2", 11)


@pytest.mark.parametrize(("seconds", "sent"), [(0.001, True), (0, False), (-1, False)])
async def test_a_command_past_its_deadline_is_not_told_the_edge(seconds: float, sent: bool) -> None:
    line = Line()
    line.beats(50)
    if sent:
        assert line.until(seconds) == ("run-1", 50.001)
    else:
        with pytest.raises(NotSent, match="after its deadline"):
            line.until(seconds)


async def test_an_edge_that_was_never_heard_or_has_gone_gets_no_command() -> None:
    line = Line()
    with pytest.raises(NotSent, match="not been heard"):
        line.until(4)
    line.beats(50)
    line.goes()
    with pytest.raises(NotSent, match="not been heard"):
        line.until(4)
    line.beats(51)
    assert line.until(4) == ("run-1", 55)


async def test_a_beat_that_comes_while_the_platform_is_still_subscribing_counts() -> None:
    line = Line()
    line.beats(50)
    line.connected(True, "")
    assert line.until(4) == ("run-1", 54)
    line.connected(False, "the broker stopped")
    with pytest.raises(NotSent, match="not been heard"):
        line.until(4)


async def test_an_event_is_as_old_as_the_edges_own_clock_says() -> None:
    line = Line()
    line.clock.advance(1000)
    line.beats(50)
    line.clock.advance(5)
    assert line.age(40) == 15
    assert line.age(55) == 0
    assert line.age(60) == 0  # it was told before the beat that is under way
    line.goes()
    assert line.age(40) == 15


async def test_an_event_of_an_earlier_run_of_the_edge_or_of_one_never_heard_is_of_the_past() -> None:
    line = Line()
    assert line.age(40) == OF_THE_PAST > 1e8
    line.beats(50)
    assert line.age(40, boot="run-0") == OF_THE_PAST


async def test_an_event_of_an_edge_of_an_earlier_version_is_as_old_as_the_wall_clocks_say() -> None:
    line = Line()
    assert line.age(0, boot="", ago=20) == 20
    line.beats(50, ahead=60)
    assert line.age(0, boot="", ago=20) == 80
    assert line.age(0, boot="", ago=-100) == 0
