"""One lane's picture as its driver keeps it: when a device is gone, what a command comes to, and how cars are named."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.stacks.barrier_bench import LANE, HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import Event, EventKind, LaneKey, Outcome, Photo, Position, Result, Sight, Why
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import DIGESTED, Attempt, LaneWatch
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.pickup import Pickup
from taigan.barriers.wires.poller import AT_ONCE, Poller
from taigan.barriers.wires.reports import REMEMBERED, Reports
from taigan.deadline import Deadline


class Kept(LaneWatch):
    """A watch with a clock that is moved by hand, and what it told."""

    def __init__(self, *, silent_after: float = 0.0, lane: LaneKey = LANE, **options: Any) -> None:
        self.heard_of, self.hand, self.photos = Heard(), HandClock(), list[Photo]()
        super().__init__(
            lane,
            self.heard_of,
            self.hand,
            device="a board",
            silent_after=silent_after,
            photos=self.photos.append,
            **options,
        )

    async def told(self) -> list[tuple[EventKind, str]]:
        await self.delivered()
        return [(event.kind, event.presence_id) for event in self.heard_of.events]

    async def events(self) -> list[Event]:
        await self.delivered()
        return self.heard_of.events


# Health


async def test_a_device_is_gone_when_it_was_not_heard_for_longer_than_it_may_be() -> None:
    watch = Kept(silent_after=30)
    watch.heard()
    for later, online in ((30, True), (0.001, False)):
        watch.hand.advance(later)
        watch.tick()
        assert (watch.state.online, watch.gone) == (online, not online)
    assert watch.state.extra["offline"] == "not heard for 30 s"
    assert [event.detail for event in await watch.events()] == ["", "not heard for 30 s"]


async def test_a_device_without_a_heartbeat_is_never_gone_by_itself() -> None:
    watch = Kept()
    watch.presume()
    assert watch.state.online
    watch.hand.advance(1e6)
    watch.tick()
    assert watch.state.online
    assert await watch.told() == []


async def test_a_device_whose_way_is_open_again_has_its_time_to_be_heard() -> None:
    watch = Kept(silent_after=30)
    watch.lost("the broker is away")
    assert (watch.gone, watch.state.online) == (True, False)
    watch.hand.advance(100)
    watch.expect()
    assert not watch.gone
    watch.hand.advance(30)
    watch.tick()
    assert not watch.gone
    watch.heard()
    assert "offline" not in watch.state.extra
    assert watch.state.last_heard == watch.hand.now()


async def test_a_device_that_did_not_answer_is_offline_and_the_next_command_is_tried() -> None:
    watch = Kept()
    watch.heard()
    watch.missed("no answer")
    assert (watch.gone, watch.state.online, watch.state.extra["offline"]) == (False, False, "no answer")
    result = await command(watch)
    assert result.outcome is Outcome.ACCEPTED
    watch.lost("away")
    assert await command(watch) == Result(Outcome.REJECTED, "the device is offline: away")


async def test_each_fault_and_warning_is_an_event_of_its_moment() -> None:
    watch = Kept()
    for _ in range(2):
        watch.fault("motor")
        watch.warn("look at it")
        watch.hand.advance(1)
    watch.fault("motor", "7")
    watch.fault("motor", "7")
    events = await watch.events()
    assert [(event.kind, event.detail) for event in events[:2]] == [
        (EventKind.FAULT, "motor"),
        (EventKind.WARNING, "look at it"),
    ]
    assert len({event.event_id for event in events}) == 5


async def test_what_is_not_understood_is_counted() -> None:
    watch = Kept()
    for plate in ("粤B1\x00", "x" * 17):
        watch.plate(plate, "1")
        watch.tag(plate, "antenna", "1")
    watch.not_understood(ValueError("what?"))
    assert watch.state.errors == 5
    assert await watch.told() == []


# Commands


async def command(
    watch: LaneWatch, seconds: float = 4, *, sent: bool = True, outcome: Outcome = Outcome.ACCEPTED, lifts: bool = False
) -> Result:
    async def send(attempt: Attempt) -> Result:
        attempt.sent = sent
        return Result(outcome)

    return await watch.carry_out("lift-1", watch.clock.now() + timedelta(seconds=seconds), send, lifts=lifts)


@pytest.mark.parametrize(("seconds", "outcome"), [(0.001, "accepted"), (0, "rejected"), (-1, "rejected")])
async def test_a_command_is_sent_only_before_its_deadline(seconds: float, outcome: str) -> None:
    watch = Kept()
    result = await command(watch, seconds)
    assert result.outcome == outcome
    assert (watch.state.commands, watch.state.errors) == (1, outcome == "rejected")


@pytest.mark.parametrize(
    ("lifts", "outcome", "up"),
    [
        (True, Outcome.ACCEPTED, True),
        (True, Outcome.UNCERTAIN, True),
        (True, Outcome.REJECTED, False),
        (False, Outcome.ACCEPTED, False),
    ],
)
async def test_an_arm_may_be_up_after_a_command_that_raises_it_and_was_not_refused(
    lifts: bool, outcome: Outcome, up: bool
) -> None:
    watch = Kept()
    await command(watch, outcome=outcome, lifts=lifts)
    assert watch.signals.may_be_up(0) is up


@pytest.mark.parametrize(("outcome", "up"), [(Outcome.ACCEPTED, False), (Outcome.UNCERTAIN, True)])
async def test_an_arm_that_is_reported_down_is_up_only_by_a_command_of_which_nothing_is_known(
    outcome: Outcome, up: bool
) -> None:
    watch = Kept()
    watch.arm(Position.CLOSED)
    await command(watch, outcome=outcome, lifts=True)
    assert watch.signals.may_be_up(0) is up


@pytest.mark.parametrize("sent", [False, True])
async def test_a_command_whose_caller_goes_away_may_have_raised_the_arm_once_it_was_sent(sent: bool) -> None:
    watch, began = Kept(), asyncio.Event()

    async def send(attempt: Attempt) -> Result:
        attempt.sent = sent
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    giving = asyncio.create_task(watch.carry_out("lift-1", watch.clock.now() + timedelta(seconds=4), send, lifts=True))
    await began.wait()
    giving.cancel()
    await asyncio.gather(giving, return_exceptions=True)
    assert watch.signals.may_be_up(0) is sent


@pytest.mark.parametrize("sent", [False, True])
async def test_a_command_is_dropped_only_while_nothing_of_it_has_left(sent: bool) -> None:
    watch, began, answered = Kept(), asyncio.Event(), asyncio.Event()

    async def send(attempt: Attempt) -> Result:
        attempt.sent = sent
        began.set()
        await answered.wait()
        return Result(Outcome.ACCEPTED)

    giving = asyncio.create_task(watch.carry_out("lift-1", watch.clock.now() + timedelta(seconds=4), send))
    await began.wait()
    watch.cancel("another")
    watch.cancel("lift-1")
    watch.cancel("lift-1")
    await asyncio.sleep(0)
    answered.set()
    result = await giving
    assert result == (
        Result(Outcome.ACCEPTED)
        if sent
        else Result(Outcome.REJECTED, "the car it was for has gone: the command was dropped")
    )
    watch.cancel("lift-1")


async def test_a_command_that_left_after_it_was_dropped_is_waited_for() -> None:
    watch, began, answered = Kept(), asyncio.Event(), asyncio.Event()

    async def send(attempt: Attempt) -> Result:
        began.set()
        await attempt.cancelled
        attempt.sent = True  # it was on its way already
        await answered.wait()
        return Result(Outcome.ACCEPTED)

    giving = asyncio.create_task(watch.carry_out("lift-1", watch.clock.now() + timedelta(seconds=4), send))
    await began.wait()
    watch.cancel("lift-1")
    for _ in range(5):
        await asyncio.sleep(0)
    answered.set()
    assert (await giving).outcome in (Outcome.ACCEPTED, Outcome.REJECTED)


class Gate(WatchedBarrier):
    """A gate that does what a test says, and counts how often it was told that the arm was raised."""

    def __init__(self, watch: LaneWatch) -> None:
        super().__init__(watch, Sight(acknowledges=True, position=False, detector=True))
        self.outcome = Outcome.ACCEPTED
        self.raised: list[str] = []

    def lifted(self, command_id: str) -> None:
        self.raised.append(command_id)

    async def raise_arm(self, attempt: Attempt) -> Result:
        attempt.sent = True
        return Result(self.outcome)

    hold_arm = lower_arm = raise_arm


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_a_hold_begins_unless_it_was_refused_and_ends_only_where_the_arm_came_down(outcome: Outcome) -> None:
    gate = Gate(Kept())
    deadline = gate.watch.clock.now() + timedelta(seconds=4)
    gate.outcome = outcome
    assert (await gate.open("1", deadline)).outcome is outcome
    assert not gate.state.held
    assert (await gate.hold("2", deadline)).outcome is outcome
    assert gate.state.held is (outcome is not Outcome.REJECTED)
    assert gate.raised == ([] if outcome is Outcome.REJECTED else ["1", "2"])
    gate.outcome = Outcome.ACCEPTED
    await gate.hold("3", deadline)
    gate.outcome = outcome
    await gate.close("4", deadline)
    assert gate.state.held is (outcome is not Outcome.ACCEPTED)
    assert gate.watch.signals.may_be_up(0) is (outcome is not Outcome.ACCEPTED)


async def test_a_device_that_can_neither_hold_nor_lower_says_so() -> None:
    class Button(WatchedBarrier):
        """A device with one button."""

    button = Button(Kept(), Sight(acknowledges=True, position=False, detector=False))
    deadline = button.watch.clock.now() + timedelta(seconds=4)
    assert (await button.hold("1", deadline)).outcome is Outcome.REJECTED
    assert (await button.close("2", deadline)).outcome is Outcome.REJECTED
    assert (button.state.held, button.state.commands) == (False, 2)


# Names and moments


async def test_a_car_has_the_name_of_its_message_and_every_process_gives_it_the_same() -> None:
    one, two, elsewhere = Kept(), Kept(), Kept(lane=LaneKey(LANE.lot_id, "A2"))
    for watch in (one, two, elsewhere):
        watch.loop(True, "m1")
        watch.loop(False, "m2")
    assert await one.told() == await two.told()
    assert len({watch.heard_of.events[0].presence_id for watch in (one, two, elsewhere)}) == 2
    assert len({event.event_id for event in one.heard_of.events}) == 2
    assert all(len(event.event_id) == 24 for event in one.heard_of.events)


async def test_a_car_without_a_message_is_named_by_its_moment() -> None:
    watch = Kept()
    watch.loop(True)
    first = watch.state.presence_id
    assert watch.state.since == watch.hand.now()
    watch.loop(False)
    assert watch.state.since is None
    watch.hand.advance(1)
    watch.loop(True)
    assert watch.state.presence_id not in ("", first)


@pytest.mark.parametrize("present", [False, True])
async def test_what_is_read_is_of_the_car_that_is_there(present: bool) -> None:
    watch = Kept()
    if present:
        watch.loop(True, "m1")
    car = watch.state.presence_id
    watch.plate("粤b12345", "p")
    watch.plate("无", "q")
    watch.scanned("134567", "c")
    watch.tag("粤b12345", "E1", "t")
    watch.tag("", "E1", "t")
    watch.photo(b"jpeg", Why.LIFT, "f", "粤b12345")
    watch.photo(b"jpeg", Why.LIFT, "g", "x" * 17)
    read = [event for event in await watch.events() if event.kind is not EventKind.ARRIVED]
    assert [(event.kind, event.presence_id, event.plate, event.code, event.detail) for event in read] == [
        (EventKind.PLATE, car, "粤B12345", "", ""),
        (EventKind.SCANNED_CODE, car, "", "134567", ""),
        (EventKind.READ_TAG, car, "粤B12345", "", "E1"),
    ]
    assert [(photo.presence_id, photo.plate, photo.why, photo.data) for photo in watch.photos] == [
        (car, "粤B12345", Why.LIFT, b"jpeg"),
        (car, "", Why.LIFT, b"jpeg"),
    ]
    assert bool(car) is present


async def test_pictures_are_told_apart_by_their_length_and_their_end() -> None:
    watch = Kept()
    end = bytes(DIGESTED)
    for data in (b"a" + end, b"b" + end, b"ab" + end, b"a" + end[1:] + b"x", b"a" + end):
        watch.photo(data, Why.LIFT, "")
    names = [photo.photo_id for photo in watch.photos]
    assert len(set(names)) == 3
    assert names[0] == names[1] == names[4]
    watch.photo(b"c" + bytes(DIGESTED - 1), Why.LIFT, "")
    watch.photo(b"d" + bytes(DIGESTED - 1), Why.LIFT, "")
    assert watch.photos[-1].photo_id != watch.photos[-2].photo_id
    assert DIGESTED == 65_536


async def test_a_lane_whose_device_went_away_has_an_arm_of_which_nothing_is_known() -> None:
    watch = Kept()
    watch.arm(Position.OPEN)
    watch.heard()
    watch.lost("away")
    assert watch.state.position is Position.UNKNOWN
    assert not watch.state.online


async def test_a_watch_that_is_over_tells_nothing_more() -> None:
    watch = Kept()
    watch.loop(True, "m1")
    await watch.stop()
    taken = watch.relay(Event("e", LANE, EventKind.UP, watch.hand.now()))
    assert await taken is False
    assert [kind for kind, _ in await watch.told()] == [EventKind.ARRIVED]


async def test_an_event_that_cannot_be_taken_keeps_back_none_that_follows() -> None:
    watch = Kept()

    async def refuse(event: Event) -> None:
        if event.kind is EventKind.ARRIVED:
            raise RuntimeError("the database is gone")

    watch.heard_of.before = refuse
    watch.loop(True, "m1")
    watch.loop(False, "m2")
    assert [kind for kind, _ in await watch.told()] == [EventKind.BACKED_OUT]
    assert watch.not_taken == 1


# The site


def site() -> tuple[Site, HandClock]:
    clock = HandClock()
    return Site(Heard(), clock, Random(1)), clock


async def test_every_lane_is_looked_at_each_second() -> None:
    shared, clock = site()
    watches = [shared.watch(Lane(LaneKey("lot", name)), "a board", silent_after=2.5) for name in ("A1", "A2")]
    for watch in watches:
        watch.heard()
    await shared.start()
    for online in (True, True, False):
        await clock.waited_for(1.0)
        clock.advance(1.0)
        await clock.waited_for(1.0)
        assert [watch.state.online for watch in watches] == [online, online]
    await shared.stop()


def test_lanes_share_a_thing_only_if_all_use_it_alike() -> None:
    shared, _ = site()
    one, two = LaneKey("lot", "A1"), LaneKey("lot", "A2")
    shared.claim(one, "board", "tcp", "no")
    shared.claim(one, "board", "rtu", "no")
    with pytest.raises(ValueError, match="no"):
        shared.claim(two, "board", "tcp", "no")
    shared.claim(two, "board", "rtu", "no")
    shared.forget(two)
    shared.claim(one, "board", "tcp", "no")


# Commands that are picked up


def attempt(clock: HandClock, seconds: float = 4) -> Attempt:
    return Attempt("lift-1", Deadline.within(seconds, clock))


async def test_a_device_takes_along_what_is_within_its_deadline_in_order_and_once() -> None:
    clock, waiting = HandClock(), Pickup[str]()
    tries = [attempt(clock, seconds) for seconds in (4, 1, 5)]
    tasks = [asyncio.create_task(waiting.wait(name, each)) for name, each in zip("abc", tries, strict=True)]
    await asyncio.sleep(0)
    clock.advance(1)
    assert waiting.take() == ["a", "c"]
    assert waiting.take() == []
    assert [each.sent for each in tries] == [True, False, True]
    assert [(await tasks[number]).outcome for number in (0, 2)] == [Outcome.UNCERTAIN] * 2
    tasks[1].cancel()


async def test_a_command_that_nobody_waits_for_is_not_taken_along() -> None:
    clock, waiting = HandClock(), Pickup[str]()
    task = asyncio.create_task(waiting.wait("a", attempt(clock)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert waiting.take() == []


# Reports of a controller


def reports(*, alone: bool = True, detector: bool = True) -> tuple[Kept, Reports]:
    watch = Kept(signals=LaneSignals(two_loops=True))
    return watch, Reports(watch, detector=detector, alone=alone)


@pytest.mark.parametrize(("others", "later", "again"), [(0, 0, False), (2, 30, False), (3, 0, True), (0, 30.1, True)])
async def test_a_report_that_comes_again_within_three_others_and_half_a_minute_is_the_same(
    others: int, later: float, again: bool
) -> None:
    watch, told = reports()
    told.tell(b'{"id":"1","fault":"motor"}')
    for number in range(others):
        told.tell(b'{"id":"x%d","alive":true}' % number)
    watch.hand.advance(later)
    told.tell(b'{"id":"1","fault":"motor"}')
    assert len(await watch.told()) == 1 + again


async def test_a_reports_id_that_says_something_else_is_a_new_one() -> None:
    watch, told = reports()
    told.tell(b'{"id":"1","fault":"motor"}')
    watch.hand.advance(1)
    told.tell(b'{"id":"1","fault":"belt"}')
    told.tell(b'{"id":"1","boot":"b","fault":"belt"}')
    events = await watch.events()
    assert [event.detail for event in events] == ["motor", "belt", "belt"]
    assert len({event.event_id for event in events}) == 3


async def test_an_id_that_comes_again_is_named_in_the_log_by_its_first_sixty_four_characters() -> None:
    _, told = reports()
    with capture_logs() as logs:
        for fault in (b"motor", b"belt"):
            told.tell(b'{"id":"%s","fault":"%s"}' % (b"x" * 65, fault))
    assert [line["id"] for line in logs if "came again" in line["event"]] == ["x" * 64]


async def test_a_report_without_an_id_is_new_each_time() -> None:
    watch, told = reports()
    for _ in range(2):
        told.tell(b'{"fault":"motor"}')
        watch.hand.advance(1)
    assert len(await watch.told()) == 2


async def test_a_report_that_could_not_be_kept_may_come_again() -> None:
    watch, told = reports()
    told.forget_last()
    told.tell(b'{"id":"1","fault":"motor"}')
    told.forget_last()
    told.tell(b'{"id":"1","fault":"motor"}')
    assert len(await watch.told()) == 2


async def test_a_thousand_reports_are_known_again() -> None:
    _, told = reports()
    for number in range(1100):
        told.tell(b'{"id":"%d","alive":true}' % number)
    assert len(told._heard) == REMEMBERED == 1000
    assert " 1099" in told._heard


async def test_processes_that_hear_one_controller_name_what_it_says_alike_and_one_alone_by_its_run() -> None:
    for alone in (False, True):
        names = set()
        for later in (0, 1):
            watch = Kept()
            watch.hand.advance(later)
            Reports(watch, detector=True, alone=alone).tell(b'{"id":"1","loop":true}')
            names |= {presence for _, presence in await watch.told()}
        assert len(names) == 1 + alone


@pytest.mark.parametrize("detector", [False, True])
async def test_loops_count_only_where_the_lane_has_them(detector: bool) -> None:
    watch, told = reports(detector=detector)
    told.tell(b'{"id":"1","position":"open"}')
    told.tell(b'{"id":"2","loop":true}')
    told.tell(b'{"id":"3","under":true}')
    told.tell(b'{"id":"4","loop":false}')
    told.tell(b'{"id":"5","under":false}')
    kinds = [kind for kind, _ in await watch.told()]
    assert kinds == [EventKind.UP, *([EventKind.ARRIVED, EventKind.PASSED] if detector else [])]


@pytest.mark.parametrize(("plate", "why"), [("粤B12345", Why.PLATE), ("", Why.PASSAGE)])
async def test_a_picture_of_a_plate_is_of_it_and_another_one_of_the_passage(plate: str, why: Why) -> None:
    watch, told = reports()
    told.tell(f'{{"id":"1","plate":"{plate}","picture":"anBlZw=="}}'.encode())
    told.tell(f'{{"id":"1","plate":"{plate}","picture":"anBlZw=="}}'.encode())
    assert [(photo.data, photo.why, photo.plate) for photo in watch.photos] == [(b"jpeg", why, plate)]


# Asking devices


class Latest(Random):
    """Chance that gives the most it may."""

    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.mark.parametrize(("every", "first"), [(0.4, 0.4), (1.0, 1.0), (10.0, 1.0)])
def test_devices_are_asked_first_at_moments_spread_over_their_pace_but_within_a_second(
    every: float, first: float
) -> None:
    async def ask() -> None:
        raise AssertionError

    clock = HandClock()
    clock.advance(100)
    assert Poller(Site(Heard(), clock, Latest(1))).add(ask, every).due == 100 + first


async def test_a_device_is_asked_when_it_is_due_and_not_before_it_has_answered() -> None:
    shared, clock = site()
    poller, asks, answered = Poller(shared), 0, asyncio.Event()

    async def ask() -> None:
        nonlocal asks
        asks += 1
        await answered.wait()

    asked = poller.add(ask, 10)
    assert 0 <= asked.due <= 1.0
    clock.advance(asked.due)
    poller.look()
    for _ in range(3):
        await asyncio.sleep(0)
        clock.advance(100)
        poller.look()
    assert asks == 1
    answered.set()
    for _ in range(3):
        await asyncio.sleep(0)
    poller.look()
    await asyncio.sleep(0)
    assert asks == 2
    clock.advance(9.9)
    poller.look()
    await asyncio.sleep(0)
    assert asks == 2
    clock.advance(0.1)
    poller.look()
    await asyncio.sleep(0)
    assert asks == 3
    await poller.remove(asked)
    await poller.remove(asked)


async def test_a_device_whose_pace_was_quickened_while_it_was_asked_is_asked_sooner() -> None:
    shared, clock = site()
    poller, times = Poller(shared), list[float]()

    async def ask() -> None:
        times.append(clock.monotonic())
        asked.every = 0.3

    asked = poller.add(ask, 10)
    asked.due = 0.0
    await poller.start()
    for _ in range(5):
        await clock.waited_for(0.1)
        clock.advance(0.1)
        await asyncio.sleep(0)
    await clock.waited_for(0.1)
    await poller.stop()
    assert times == pytest.approx([0.0, 0.3])


async def test_fifty_devices_are_asked_at_once_and_the_others_when_these_have_answered() -> None:
    shared, _ = site()
    poller, asking, answered = Poller(shared), 0, asyncio.Event()

    async def ask() -> None:
        nonlocal asking
        asking += 1
        await answered.wait()

    for _ in range(60):
        poller.add(ask, 10).due = 0.0
    for _ in range(2):
        poller.look()
        await asyncio.sleep(0)
    assert asking == AT_ONCE == 50
    answered.set()
    for _ in range(3):
        await asyncio.sleep(0)
    poller.look()
    await asyncio.sleep(0)
    assert asking == 60
    await poller.stop()


async def test_a_device_whose_asking_breaks_is_asked_again() -> None:
    shared, clock = site()
    poller, asks = Poller(shared), 0

    async def ask() -> None:
        nonlocal asks
        asks += 1
        raise RuntimeError("nonsense")

    poller.add(ask, 1).due = 0.0
    with capture_logs() as logs:
        for _ in range(3):
            poller.look()
            for _ in range(3):
                await asyncio.sleep(0)
            clock.advance(1)
    assert (asks, len(logs)) == (3, 3)
