"""The books balance, whatever happens in whatever order: a random street against plain arithmetic."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support.databases.postgres import create_database, drop_database
from support.databases.states import emptied
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT, LOT_ID, VENDOR, Parking, lot_with
from taigan.barriers.barrier import Event, EventKind
from taigan.lot.errors import LotError
from taigan.lot.policy import Policy
from taigan.storage import tables as t
from taigan.storage.database import Database, open_database
from taigan.storage.rows import Order

T = TypeVar("T")
SPACES = 4
WATCHED = ("A1", "A2", "A3")
CHANNELS = st.sampled_from((*WATCHED, "A4"))
DRIVERS = st.sampled_from([f"DRIVER{number}" for number in range(5)])
MODES = st.sampled_from([Mode.OK, Mode.OK, Mode.FAULT, Mode.LOCKED, Mode.LOST, Mode.BROKEN])


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """A loop of its own: hypothesis drives a state machine from outside of any."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    if request.param == "sqlite":
        url, server = f"sqlite:///{tmp_path_factory.mktemp('books') / 'lot.sqlite3'}", None
    else:
        server = request.getfixturevalue("postgres_url")
        url = runner.run(create_database(server, "taigan_books"))
    opened = runner.run(open_database(url))
    yield opened
    runner.run(opened.close())
    if server:
        runner.run(drop_database(server, "taigan_books"))


class Street(RuleBasedStateMachine):
    """One lot of few spaces: three lanes with a loop, the third with an attendant, and one without."""

    runner: asyncio.Runner
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.free = SPACES
        self.live: dict[str, Order] = {}
        self.passes = 0
        self.cars: dict[str, str] = {}
        self.told: list[tuple[str, int]] = []
        self.events: list[Event] = []
        self.messages: list[tuple[bytes, bytes]] = []
        self.processes = 1
        self.street: Parking

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def open_the_lot(self) -> None:
        async def open_it() -> Parking:
            await emptied(self.database)
            policy = Policy(presence_grace=0, scan_limit=1000)
            return await Parking(self.database, policy=policy).open([lot_with(spaces=SPACES)], [VENDOR])

        self.street = self.run(open_it())

    def teardown(self) -> None:
        async def close() -> None:
            await self.everything_reaches_bolink_once()
            await self.street.check()
            await self.street.platform.stop()

        self.run(close())

    # What can happen

    @rule(channel=st.sampled_from(WATCHED))
    def a_car_arrives(self, channel: str) -> None:
        if channel in self.cars:
            return
        self.cars[channel] = self.run(self.street.arrives(channel))
        self.balance()

    @rule(channel=CHANNELS, driver=DRIVERS, mode=MODES)
    def a_driver_scans(self, channel: str, driver: str, mode: Mode) -> None:
        barrier = self.street.barrier(channel)
        barrier.mode = mode
        commands = len(barrier.commands)
        text = self.street.message(driver, channel)
        said = self.run(self.answered(text))
        self.messages.append((text, said.body))
        self.balance()
        assert len(barrier.commands) - commands <= 1
        of_driver = [order for order in self.live.values() if order.licence == driver]
        if said.state == 1:
            assert [order.state for order in of_driver] == ["in"]
        elif said.state == 2:
            assert [order.state for order in of_driver] == ["waiting"]
        else:
            made = [order for order in of_driver if order.requested_at >= self.street.clock.now()]
            assert not made, f"told {said.text} with {made}"

    @rule(channel=CHANNELS, driver=DRIVERS, mode=MODES)
    def a_driver_drives_up_and_scans(self, channel: str, driver: str, mode: Mode) -> None:
        if channel in WATCHED:
            self.a_car_arrives(channel)
        self.a_driver_scans(channel, driver, mode)

    @rule(channel=CHANNELS, driver=DRIVERS)
    def a_driver_drives_in(self, channel: str, driver: str) -> None:
        self.a_driver_drives_up_and_scans(channel, driver, Mode.OK)
        self.the_attendant_decides(channel, True, Mode.OK)
        self.the_car_passes(channel)

    async def answered(self, text: bytes) -> Any:
        """The answer; time goes on when an entry waits for its barrier."""
        self.street.clock.advance(0.01)
        answering = asyncio.create_task(self.street.send(text))
        waiting = asyncio.create_task(self.street.clock.waited_for(3.7))
        await asyncio.wait([answering, waiting], return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            self.street.clock.advance(3.7)
        waiting.cancel()
        return await answering

    @rule(channel=CHANNELS)
    def the_car_passes(self, channel: str) -> None:
        if channel not in self.cars:
            return
        car = self.cars.pop(channel)
        order = self.order_of(car)
        self.events.append(self.run(self.street.passes(car, channel)))
        passes = self.passes
        self.balance()
        if order is not None:
            now = self.live[order.order_id]
            assert (now.state, now.passed_at is not None, self.passes) == ("in", True, passes)
        else:
            assert self.passes == passes + 1

    @rule(channel=st.sampled_from(WATCHED))
    def the_car_backs_out(self, channel: str) -> None:
        if channel not in self.cars:
            return
        car = self.cars.pop(channel)
        order = self.order_of(car)
        self.events.append(self.run(self.street.backs_out(car, channel)))
        self.balance()
        assert order is None or order.order_id not in self.live

    @rule(channel=st.sampled_from(WATCHED))
    def a_second_car_follows(self, channel: str) -> None:
        barrier = self.street.barrier(channel)
        self.events.append(self.run(barrier.report(EventKind.SECOND_CAR, f"second-{len(self.events)}")))
        passes = self.passes
        self.balance()
        assert self.passes == passes + 1

    @rule(which=st.integers(0, 30))
    def an_event_is_told_again(self, which: int) -> None:
        if not self.events:
            return
        event = self.events[which % len(self.events)]
        before = (dict(self.live), self.passes, self.free)
        self.run(self.street.barriers[event.lane].repeat(event))
        self.balance()
        assert (self.live, self.passes, self.free) == before

    @rule(which=st.integers(0, 30))
    def a_message_is_sent_again(self, which: int) -> None:
        if not self.messages:
            return
        text, first = self.messages[which % len(self.messages)]
        lifts = {lane: barrier.lifts for lane, barrier in self.street.barriers.items()}
        assert self.run(self.street.send(text)).body == first
        self.balance()
        assert lifts == {lane: barrier.lifts for lane, barrier in self.street.barriers.items()}

    @rule(channel=CHANNELS, release=st.booleans(), mode=st.sampled_from([Mode.OK, Mode.FAULT]))
    def the_attendant_decides(self, channel: str, release: bool, mode: Mode) -> None:
        self.street.barrier(channel).mode = mode
        act = self.street.attendant.release if release else self.street.attendant.refuse

        async def decide() -> None:
            try:
                await act(LOT_ID, channel, BY)
            except LotError:
                return

        self.run(decide())
        self.balance()

    @rule(channel=CHANNELS)
    def the_attendant_lifts_by_hand(self, channel: str) -> None:
        async def lift() -> None:
            self.street.barrier(channel).mode = Mode.OK
            await self.street.attendant.open(LOT_ID, channel, BY)
            await self.street.barrier(channel).report(EventKind.UP)
            await self.street.barrier(channel).report(EventKind.DOWN)
            await self.street.settled()

        self.run(lift())
        self.balance()

    @rule(which=st.integers(0, 10))
    @precondition(lambda self: any(order.state == "in" for order in self.live.values()))
    def a_stay_ends(self, which: int) -> None:
        inside = [order for order in self.live.values() if order.state == "in"]
        order = inside[which % len(inside)]
        self.run(self.street.closes(order.order_id))
        self.balance()
        assert order.order_id not in self.live

    @rule(free=st.integers(0, SPACES))
    def somebody_counts_the_spaces(self, free: int) -> None:
        self.run(self.street.attendant.set_spaces(LOT_ID, free, BY))
        self.free = free
        self.balance()

    @rule(seconds=st.sampled_from([0.5, 5, 16, 40, 200, 700]))
    def time_passes(self, seconds: float) -> None:
        self.run(self.street.watch(after=seconds))
        self.balance()

    @rule()
    def uploads_are_made(self) -> None:
        self.run(self.street.deliver(3))
        self.balance()

    @rule()
    def the_process_is_started_again(self) -> None:
        async def again() -> Parking:
            before = self.street
            await before.platform.stop()
            self.processes += 1
            after = Parking(
                self.database,
                clock=before.clock,
                policy=before.platform.policy,
                process=f"p{self.processes}-",
                bolink_side=before.bolink,
            )
            return await after.open([LOT], [VENDOR])

        self.street = self.run(again())
        self.balance()

    # The books

    def order_of(self, car: str) -> Order | None:
        return next((order for order in self.live.values() if order.presence_id == car), None)

    def balance(self) -> None:
        """Work the free spaces out from what orders and passes there are, and compare."""
        orders = self.run(self.street.orders())
        live = {order.order_id: order for order in orders if order.live}
        passes = sum(row.cause == "pass" for row in self.run(self.street.row(t.space_changes.select())))
        for _ in set(self.live) - set(live):
            self.free = min(SPACES, self.free + 1)
        taken = len(set(live) - set(self.live))
        assert taken <= self.free
        self.free -= taken
        for _ in range(passes - self.passes):
            self.free = max(0, self.free - 1)
        self.live, self.passes = live, passes
        assert self.run(self.street.free()) == self.free

    @invariant()
    def there_is_one_live_order_a_presence_and_a_licence(self) -> None:
        orders = self.live.values()
        presences = Counter(order.presence_id for order in orders if order.presence_id)
        assert not [car for car, count in presences.items() if count > 1]
        assert not [licence for licence, count in Counter(order.licence for order in orders).items() if count > 1]

    @invariant()
    def no_arm_rose_for_nobody(self) -> None:
        if hasattr(self, "street"):
            assert not self.street.unlawful_lifts

    async def everything_reaches_bolink_once(self) -> None:
        await self.street.deliver(400)
        entries = Counter(upload.order_id for upload in self.street.bolink.of("3.1"))
        exits = {upload.order_id for upload in self.street.bolink.of("3.2")}
        for order in await self.street.orders():
            reversed_ = order.closed_why == "车辆倒出未入场"
            if order.in_at is None:
                assert entries[order.order_id] == 0
            elif reversed_:
                assert entries[order.order_id] == (order.order_id in exits)
            else:
                assert entries[order.order_id] == 1
                assert (order.order_id in exits) == (order.state == "out")


def test_the_free_spaces_add_up_and_every_promise_is_kept_whatever_happens(
    database: Database, runner: asyncio.Runner
) -> None:
    class OnThisDatabase(Street):
        pass

    OnThisDatabase.database, OnThisDatabase.runner = database, runner
    examples = 20 if database.dialect == "sqlite" else 6
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        OnThisDatabase,
        settings=settings(
            max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
