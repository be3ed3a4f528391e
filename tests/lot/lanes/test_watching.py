"""Which process makes events of a lane's signals, what becomes of it when that one dies, and cars that are there
already when a process begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.clock import ManualClock
from support.databases.troubled import TroubledDatabase
from support.lot.barrier import Mode
from support.lot.exchange import Post
from support.lot.parking import LOT_ID, Parking, in_time, lot_with, parking
from taigan.barriers.barrier import Event, EventKind, LaneKey, WatchedElsewhere
from taigan.lot.lanes.lanes import NotStored
from taigan.lot.lanes.watchers import LASTS
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t
from taigan.storage.database import Database

A1 = LaneKey(LOT_ID, "A1")


class Two:
    """Two processes over one database that hear the same device at A1; `one` watches the lane."""

    def __init__(self, one: Parking, two: Parking, post: Post) -> None:
        self.one, self.two, self.post = one, two, post

    async def dies(self, process: Parking, *, until: float = -1) -> None:
        """The process is gone: its leases run out, so many seconds from now."""
        mine = t.lane_watchers.c.process == process.platform.lanes.watchers._process
        await self.leases_end(until, mine)
        process.clock.advance(LASTS + 1)

    async def leases_end(self, after: float, which: sa.ColumnElement[bool]) -> None:
        """Let leases run out so many seconds from now, by the clock that counts for them."""
        counted = sa.func.now() if self.one.database.dialect == "postgresql" else self.one.clock.now()
        ended = {"until": counted + timedelta(seconds=after)}
        await self.one.database.write(lambda conn: conn.execute(sa.update(t.lane_watchers).where(which).values(ended)))

    async def looks(self, process: Parking, times: int = 1) -> None:
        for _ in range(times):
            process.clock.advance(0.001)
            await process.platform.lanes.watchers.look()


@pytest.fixture
async def two(database: Database) -> AsyncIterator[Two]:
    clock, post = ManualClock(), Post()
    async with (
        parking(database, clock=clock, exchange=post.exchange()) as one,
        parking(database, clock=clock, process="q", exchange=post.exchange()) as two,
    ):
        for process in (one, two):
            neighbours = process.platform._neighbours
            assert neighbours is not None
            post.listen(neighbours._exchange, neighbours.hear)
            await process.platform.lanes.watchers.look()
        yield Two(one, two, post)


async def test_one_process_watches_a_lane_and_the_other_hears_of_its_events(two: Two) -> None:
    assert two.one.platform.lanes.watchers.holds(A1)
    assert not two.two.platform.lanes.watchers.holds(A1)
    scanning = asyncio.create_task(two.two.scan())  # there is no car yet: it is held
    await two.two.clock.waited_for(3.0)
    await two.one.arrives()
    assert (await in_time(scanning))[0].state == 1
    assert two.two.barrier().lifts == 1


async def test_what_settles_an_order_at_one_process_ends_the_wait_at_the_other(two: Two) -> None:
    two.two.barrier().mode = Mode.MUTE
    car = await two.one.arrives()
    scanning = asyncio.create_task(two.two.scan())
    await two.two.barrier().commanded()
    await two.two.clock.waited_for(3.7)
    await two.one.barrier().report(EventKind.PASSED, car)
    two.two.clock.advance(3.7)
    assert (await in_time(scanning))[0].state == 1


async def test_what_the_other_process_makes_of_the_same_signals_is_dropped_while_the_first_lives(two: Two) -> None:
    car = await two.one.arrives()
    telling = asyncio.create_task(two.two.barrier().report(EventKind.BACKED_OUT, car, seen=True))
    await two.looks(two.two)
    assert not telling.done()
    for _ in range(2):
        await two.looks(two.one)
        await two.looks(two.two)
    with pytest.raises(WatchedElsewhere):
        await telling
    assert await two.one.row(sa.select(t.presences.c.left_at)) == [(None,)]


async def test_what_was_heard_when_the_watching_process_died_is_stored_by_the_one_that_takes_over(two: Two) -> None:
    car = await two.one.arrives()
    assert (await two.one.scan()).state == 1
    await two.dies(two.one)
    passing = asyncio.create_task(two.two.barrier().report(EventKind.PASSED, car))
    await asyncio.sleep(0)
    await two.looks(two.two)
    await in_time(passing)
    assert (await two.one.order()).passed_at is not None
    assert two.two.barrier().adopted == [car]


async def test_a_car_seen_by_a_process_that_did_not_watch_yet_is_the_one_that_the_rows_know(two: Two) -> None:
    two.two.barrier().mode = two.one.barrier().mode = Mode.SILENT
    car = await two.one.arrives()
    scanning = asyncio.create_task(two.one.scan())
    await two.one.barrier().commanded()
    await two.dies(two.one)
    two.two.barrier().state.presence_id = "its own name"
    arriving = asyncio.create_task(two.two.barrier().report(EventKind.ARRIVED, "its own name"))
    reading = asyncio.create_task(
        two.two.barrier().tells(Event("plate", A1, EventKind.PLATE, two.two.clock.now(), "its own name", "粤B12345"))
    )
    await asyncio.sleep(0)
    await two.looks(two.two)
    await in_time(arriving)
    await in_time(reading)
    await in_time(two.two.settled())
    assert await two.one.row(sa.select(t.presences.c.presence_id, t.presences.c.left_at)) == [(car, None)]
    assert (await two.one.order()).state == "waiting"
    assert (await two.one.order()).plate == "粤B12345"
    await two.two.arrives(presence_id="the next one")
    cars = await two.one.row(sa.select(t.presences.c.presence_id).where(t.presences.c.left_at.is_(None)))
    assert cars == [("the next one",)]
    scanning.cancel()


async def test_leases_of_a_dead_process_hold_nobody_up_after_the_databases_clock_was_set_back(two: Two) -> None:
    await two.dies(two.one, until=3600)
    await two.looks(two.two)
    assert two.two.platform.lanes.watchers.holds(A1)


async def test_a_lease_renewed_after_the_databases_clock_was_set_back_is_a_sign_of_life(two: Two) -> None:
    await two.leases_end(LASTS + 3, t.lane_watchers.c.lot_id == LOT_ID)
    await two.looks(two.two)
    heard = asyncio.create_task(two.two.platform.lanes.watchers.is_ours(A1))
    await asyncio.sleep(0)
    await two.looks(two.two)
    await asyncio.sleep(0)
    await two.looks(two.one)  # counted from a clock that was set back
    await two.looks(two.two)
    assert await in_time(heard) == [False]


async def test_a_process_whose_device_is_not_reached_leaves_the_lane_to_another(two: Two) -> None:
    two.one.barrier().state.online = False
    await two.looks(two.one)
    assert not two.one.platform.lanes.watchers.holds(A1)
    await two.dies(two.one)  # as it runs out
    await two.looks(two.two)
    assert two.two.platform.lanes.watchers.holds(A1)


async def test_a_process_that_ends_gives_its_lanes_up_at_once(two: Two) -> None:
    await two.one.platform.lanes.watchers.release()
    await two.looks(two.two)
    assert two.two.platform.lanes.watchers.holds(A1)


async def test_a_plate_read_at_both_is_one_request(two: Two) -> None:
    car = await two.one.arrives()
    plate = Event("plate", A1, EventKind.PLATE, two.one.clock.now(), car, "粤B12345")
    telling = []
    for process in (two.one, two.two):
        process.barrier().state.presence_id = car
        telling.append(asyncio.create_task(process.barrier().tells(plate)))
    await in_time(telling[0])
    await two.looks(two.two, 2)
    await two.looks(two.one)
    await two.looks(two.two)
    await in_time(telling[1])
    await two.one.settled()
    assert (two.one.barrier().lifts, two.two.barrier().lifts) == (1, 0)


# Leases


@pytest.fixture
async def watching(new_parking: NewParking) -> Parking:
    """A process among others, which has not looked yet."""
    return await new_parking(exchange=Post().exchange())


async def test_a_lease_holds_for_five_seconds(watching: Parking) -> None:
    watchers = watching.platform.lanes.watchers
    assert not watchers.holds(A1)
    await watchers.look()
    for later, holds in ((0, True), (4.999, True), (0.001, False), (1, False)):
        watching.clock.advance(later)
        assert watchers.holds(A1) is holds


async def test_leases_are_renewed_every_two_seconds_whatever_the_database_does(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow, exchange=Post().exchange())
    watchers = street.platform.lanes.watchers
    running = asyncio.create_task(watchers.run())
    for gone in (False, False, False, True, False):
        await street.clock.waited_for(2.0)
        assert watchers.holds(A1)
        slow.gone = gone
        street.clock.advance(2.0)
    await street.clock.waited_for(2.0)
    assert watchers.holds(A1)
    assert slow.refused == 1
    running.cancel()


async def test_a_lane_whose_device_has_come_up_since_is_taken_as_soon_as_it_says_something(watching: Parking) -> None:
    watching.barrier().state.online = False
    watchers = watching.platform.lanes.watchers
    running = asyncio.create_task(watchers.run())
    await watching.clock.waited_for(2.0)
    assert not watchers.holds(A1)
    watching.barrier().state.online = True
    await in_time(watching.arrives())
    assert watchers.holds(A1)
    running.cancel()


async def test_what_a_driver_says_of_a_lane_that_another_process_watches_makes_nobody_look_at_once(two: Two) -> None:
    watchers = two.two.platform.lanes.watchers
    running = asyncio.create_task(watchers.run())
    await two.two.clock.waited_for(2.0)
    looked = watchers._looked
    telling = asyncio.create_task(two.two.barrier().report(EventKind.ARRIVED, "car"))
    for _ in range(100):
        await asyncio.sleep(0)
    assert watchers._looked is looked
    running.cancel()
    two.two.platform.lanes.stop()
    with pytest.raises(NotStored):
        await in_time(telling)


async def test_who_takes_a_lane_over_goes_on_with_its_car_once_and_not_at_each_renewal(two: Two) -> None:
    car = await two.one.arrives()
    await two.looks(two.one, 3)
    assert two.one.barrier().adopted == [""]
    await two.dies(two.one)
    await two.looks(two.two, 3)
    assert two.two.barrier().adopted == [car]
    assert two.two.barrier("A2").adopted == [""]


async def test_a_claim_on_a_lane_without_a_detector_is_no_car_that_a_driver_goes_on_with(
    new_parking: NewParking,
) -> None:
    first = await new_parking()
    assert (await first.scan("EA47829", "A4")).state == 1
    again = await new_parking(clock=first.clock, process="q")
    assert again.barrier("A4").adopted == [""]


async def test_a_process_alone_watches_every_lane_whatever_its_device_does(street: Parking) -> None:
    street.barrier().state.online = False
    watchers = street.platform.lanes.watchers
    assert watchers.alone
    assert watchers.holds(A1)
    await watchers.release()
    assert watchers.holds(A1)
    assert await street.row(sa.select(t.lane_watchers.c.process)) == []


async def test_a_process_that_has_given_its_lanes_up_holds_none(watching: Parking) -> None:
    watchers = watching.platform.lanes.watchers
    await watchers.look()
    await watchers.release()
    assert not watchers.holds(A1)
    assert await watching.row(sa.select(t.lane_watchers.c.process)) == []


# Cars that are there already


async def test_after_a_restart_the_unconfirmed_order_of_a_car_that_still_stands_there_stays_open(
    new_parking: NewParking,
) -> None:
    lots = [lot_with(lanes=[LaneSetup(channel_id="A1", barrier={"sight": "ack detector"})])]
    first = await new_parking(lots=lots)
    first.barrier().mode = Mode.SILENT
    car = await first.arrives()
    scanning = asyncio.create_task(first.scan())
    await first.barrier().commanded()
    await first.clock.waited_for(3.7)
    first.clock.advance(3.7)
    assert (await in_time(scanning))[0].state == 2
    await first.platform.stop()
    again = await new_parking(lots=lots, clock=first.clock, process="q")
    assert again.barrier().adopted == [car]
    await again.watch(after=40)
    order = await again.order()
    assert (order.state, order.alarmed) == ("waiting", "not_confirmed")
