"""What one process tells the others: live steps while somebody listens there, and what they are to look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from support.clock import ManualClock
from support.lot.exchange import Post
from taigan.lot.lanes.lanes import Stored
from taigan.lot.lanes.neighbours import Neighbours
from taigan.lot.signals.events import Events

AT = datetime(2026, 5, 4, 4, tzinfo=UTC)
STEP = {"step": "lane", "lot_id": "lot"}
Listener = asyncio.Queue[dict[str, Any] | None]


class Process:
    """One process's end of the line, and what it was told."""

    def __init__(self, post: Post, clock: ManualClock) -> None:
        self.events = Events()
        self.told: list[object] = []
        self.exchange = post.exchange()
        self.neighbours = Neighbours(
            self.exchange,
            self.events,
            clock,
            lambda: self.told.append("lanes changed"),
            lambda: self.told.append("a lift is intended"),
            self.told.append,
        )


class Two:
    """Two processes that carry words to each other."""

    def __init__(self) -> None:
        self.clock, self.post = ManualClock(), Post()
        self.one, self.two = Process(self.post, self.clock), Process(self.post, self.clock)
        self.words: list[str] = []
        self.post.listen(None, self.words.append)

    async def pass_time(self, seconds: float) -> None:
        """In steps of a second, so that each process does what it does now and then."""
        for _ in range(int(seconds)):
            self.clock.advance(1.0)
            await self.breathe()

    async def breathe(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def two() -> AsyncIterator[Two]:
    two = Two()
    running = [asyncio.create_task(process.neighbours.run()) for process in (two.one, two.two)]
    await two.breathe()
    yield two
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def steps(listener: Listener) -> list[dict[str, Any] | None]:
    """What a listener has heard since it was last asked."""
    return [listener.get_nowait() for _ in range(listener.qsize())]


async def test_a_step_is_passed_on_as_soon_as_somebody_listens_at_the_other_process(two: Two) -> None:
    two.one.events.publish(STEP)
    async with two.two.events.subscribe() as listener:
        two.one.events.publish(STEP | {"text": "now"})
        assert steps(listener) == [STEP | {"text": "now"}]


async def test_nothing_is_passed_on_for_nobody(two: Two) -> None:
    two.one.events.publish(STEP)
    await two.pass_time(30)
    assert two.words == []


async def test_steps_are_passed_on_for_as_long_as_somebody_listens(two: Two) -> None:
    async with two.two.events.subscribe() as listener:
        await two.pass_time(60)
        assert len(two.words) == 1 + 60 // 5, "it is said when they come, and every five seconds"
        two.one.events.publish(STEP)
        assert steps(listener) == [STEP]


async def test_a_process_that_says_no_more_that_somebody_listens_is_told_nothing_after_12_seconds(two: Two) -> None:
    async with two.two.events.subscribe():
        pass
    await two.pass_time(10)
    assert two.one.events.pass_on is not None
    await two.pass_time(2)
    assert two.one.events.pass_on is not None
    await two.pass_time(3)
    assert two.one.events.pass_on is None
    assert not two.one.events.anybody


@pytest.mark.parametrize("heard_before", [7, 8])
async def test_a_word_that_somebody_listens_holds_for_12_seconds_and_no_longer(two: Two, heard_before: int) -> None:
    """It is looked at every five seconds: a word that is 12 seconds old at such a look still holds."""
    await two.pass_time(heard_before)
    async with two.two.events.subscribe():
        pass
    await two.pass_time(20 - heard_before)
    assert (two.one.events.pass_on is not None) is (heard_before == 8)


async def test_what_was_passed_on_is_not_passed_back(two: Two) -> None:
    async with two.one.events.subscribe() as here, two.two.events.subscribe() as there:
        two.one.events.publish(STEP)
        assert (steps(here), steps(there)) == ([STEP], [STEP])


async def test_a_step_that_is_too_long_for_the_line_goes_without_its_texts(two: Two) -> None:
    async with two.two.events.subscribe() as listener:
        empty = len('{"step":{"step":"lane","lot_id":"lot","text":"","reason":""}}')
        longest = "x" * (two.one.exchange.longest - empty)
        two.one.events.publish(STEP | {"text": longest, "reason": ""})
        two.one.events.publish(STEP | {"text": longest, "reason": "y"})
        two.one.events.publish(STEP | {"text": longest[:-1] + "满", "reason": ""})
        assert steps(listener) == [
            STEP | {"text": longest, "reason": ""},
            STEP | {"text": "", "reason": ""},
            STEP | {"text": "", "reason": ""},
        ]


@pytest.mark.parametrize(
    ("say", "told"),
    [
        (Neighbours.say_that_lanes_changed, ["lanes changed"]),
        (Neighbours.say_that_a_lift_is_intended, ["a lift is intended"]),
        (
            lambda neighbours: neighbours.say_what_was_stored(Stored("lot", "A1", arrived=True, settled=["order"])),
            [Stored("lot", "A1", arrived=True, settled=["order"])],
        ),
    ],
)
async def test_what_one_process_says_the_other_hears_and_nothing_else(
    two: Two, say: Callable[[Neighbours], None], told: list[object]
) -> None:
    say(two.one.neighbours)
    assert (two.one.told, two.two.told) == ([], told)
    assert two.two.events.pass_on is None


async def test_a_word_is_as_short_as_it_can_be(two: Two) -> None:
    """The line takes short words only, and every process hears each of them."""
    two.one.neighbours.say_that_lanes_changed()
    two.one.neighbours.say_what_was_stored(Stored("lot", "A1", gone="car"))
    assert two.words == ['{"changed":true}', '{"stored":{"lot_id":"lot","channel_id":"A1","gone":"car"}}']


async def test_a_word_that_cannot_be_read_is_passed_over(two: Two) -> None:
    two.post.tell(None, "{")
    two.post.tell(None, '{"stored": 7}')
    two.one.neighbours.say_that_lanes_changed()
    assert two.two.told == ["lanes changed"]


async def test_a_process_that_ends_hears_nothing_more_of_the_line() -> None:
    clock, ended = ManualClock(), asyncio.Event()

    class Line:
        longest = 7900

        def tell(self, words: list[str]) -> None:
            pass

        async def run(self, hear: Callable[[str], None]) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    running = asyncio.create_task(Neighbours(Line(), Events(), clock, lambda: None).run())
    await clock.waited_for(5.0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()
