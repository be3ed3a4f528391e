"""A lift from its row to its outcome: what ends it before the command leaves, and who takes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.clock import PATIENCE
from support.databases.troubled import TroubledDatabase
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT_ID, SEES_ALL, Parking, in_time, lot_with
from taigan.barriers.barrier import EventKind, LaneKey, Position
from taigan.lot.errors import BarrierFault
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t
from taigan.storage.database import Database
from taigan.storage.rows import Lift

A1 = LaneKey(LOT_ID, "A1")
BY_POSITION = LaneSetup(channel_id="A1", confirm="position", barrier=SEES_ALL)


class Slow:
    """A street over a database that answers late, with a scan of which nobody here knows yet that it was decided."""

    def __init__(self, street: Parking, slow: TroubledDatabase) -> None:
        self.street, self.slow = street, slow

    async def scans(self) -> asyncio.Task[object]:
        await self.street.arrives()
        self.slow.answer_late()
        scanning: asyncio.Task[object] = asyncio.create_task(self.street.scan())
        await self.slow.holds()
        self.slow.spare_the_next()
        return scanning


@pytest.fixture
async def slow(database: Database, new_parking: NewParking) -> Slow:
    troubled = TroubledDatabase(database)
    return Slow(await new_parking(on=troubled), troubled)


async def outcomes(street: Parking) -> list[tuple[str | None, str]]:
    return [(lift.outcome, lift.detail) for lift in await street.lifts()]


# Before the command leaves


@pytest.mark.parametrize("position", [Position.OPEN, Position.RISING])
async def test_an_arm_that_is_up_by_the_time_of_the_command_gets_no_pulse_and_the_driver_is_in(
    slow: Slow, position: Position
) -> None:
    scanning = await slow.scans()
    slow.street.barrier().state.position = position
    slow.slow.go_on()
    assert (await in_time(scanning))[0].said == (1, "入场成功")
    assert slow.street.barrier().commands == []
    assert await outcomes(slow.street) == [("accepted", "the arm was up: nothing was sent")]


async def test_an_arm_that_comes_down_by_the_time_of_the_command_is_raised_when_it_is_down(slow: Slow) -> None:
    scanning = await slow.scans()
    barrier = slow.street.barrier()
    barrier.state.position = Position.FALLING
    slow.slow.go_on()
    assert (await in_time(scanning))[0].said == (2, "正在抬杆，请稍候")
    await slow.street.settled()
    order = await slow.street.order()
    assert (order.state, order.waiting_for, barrier.commands) == ("waiting", "arm", [])
    assert await outcomes(slow.street) == [("rejected", "the arm is coming down")]
    assert await slow.street.alarm_kinds() == []
    assert [(x.event, x.detail) for x in (await slow.street.history(order)).events][-1] == (
        "waiting",
        "the arm is coming down",
    )
    await barrier.report(EventKind.DOWN)
    await slow.street.settled()
    assert ((await slow.street.order()).state, barrier.lifts) == ("in", 1)


async def test_an_arm_that_is_down_again_before_its_lift_is_settled_is_raised_all_the_same(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    await street.arrives()
    slow.answer_late()
    scanning = asyncio.create_task(street.scan())
    await slow.holds()
    barrier = street.barrier()
    barrier.state.position = Position.FALLING
    slow.go_on()
    slow.hang()
    await slow.holds()  # how it ended waits to be written
    barrier.state.position = Position.CLOSED  # its report finds no order that waits for it
    slow.go_on()
    assert (await in_time(scanning))[0].state == 2
    await street.settled()
    assert ((await street.order()).state, barrier.lifts) == ("in", 1)


async def test_a_command_that_is_past_its_deadline_is_not_sent(street: Parking) -> None:
    now = street.clock.now()
    lift = Lift(LOT_ID, "L1", "A1", None, "open", "manual", "王芳", "why", now, now + timedelta(seconds=4))
    lift = msgspec.structs.replace(lift, purpose="manual", taken_at=now)
    for later, sent in ((3.999, True), (0.001, False), (1, False)):
        street.clock.advance(later)
        ended = await street.platform.lifts.carry_out(lift)
        assert (ended.result.reason == "the command is past its deadline") is not sent
        assert (ended.result.outcome == "accepted") is sent
        assert not ended.settled
    assert len(street.barrier().commands) == 1
    street.unlawful_lifts.clear()


async def test_a_lane_without_a_barrier_takes_no_command(street: Parking) -> None:
    street.platform.lanes.remove(A1)
    with pytest.raises(BarrierFault):
        await street.attendant.open(LOT_ID, "A1", BY)
    assert await outcomes(street) == [("rejected", "the lane has no barrier")]
    assert [(x.kind, x.text) for x in await street.alarms()] == [("barrier_fault", "the lane has no barrier")]


# What persons command


@pytest.mark.parametrize(
    ("mode", "held"), [(Mode.OK, True), (Mode.LOST, True), (Mode.BROKEN, True), (Mode.FAULT, False)]
)
async def test_an_arm_that_may_be_held_up_is_held_and_one_that_refused_is_not(
    street: Parking, mode: Mode, held: bool
) -> None:
    street.barrier().mode = mode
    if held:
        await street.attendant.hold(LOT_ID, "A1", BY)
    else:
        with pytest.raises(BarrierFault):
            await street.attendant.hold(LOT_ID, "A1", BY)
    assert await is_held(street) is held


async def is_held(street: Parking, channel_id: str = "A1") -> bool:
    lane = t.lanes.c
    [[held]] = await street.row(sa.select(lane.held).where(lane.channel_id == channel_id))
    return bool(held)


async def test_an_arm_that_was_lowered_is_held_no_more_and_one_that_was_raised_once_never_was(street: Parking) -> None:
    await street.attendant.open(LOT_ID, "A1", BY)
    assert not await is_held(street)
    await street.attendant.hold(LOT_ID, "A1", BY)
    await street.attendant.open(LOT_ID, "A1", BY)
    assert await is_held(street)
    assert not await is_held(street, "A2")
    await street.attendant.close(LOT_ID, "A1", BY)
    assert not await is_held(street)


async def test_an_arm_of_which_nobody_knows_whether_it_came_down_stays_held(street: Parking) -> None:
    await street.attendant.hold(LOT_ID, "A1", BY)

    async def breaks(command_id: str, deadline: object) -> None:
        raise RuntimeError("no answer")

    street.barrier().close = breaks  # type: ignore[method-assign,assignment]
    assert (await street.attendant.close(LOT_ID, "A1", BY)).outcome == "uncertain"
    assert await is_held(street)


# The same lift and the wait for it


async def test_a_driver_who_is_in_and_scans_again_waits_for_no_confirmation(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.7)
    await street.barrier().report(EventKind.UP)
    assert (await in_time(scanning))[0].state == 1
    await street.barrier().report(EventKind.DOWN)
    assert (await in_time(street.scan()))[0].said == (1, "入场成功")
    assert street.barrier().lifts == 2


async def test_where_the_arms_position_confirms_an_acknowledgement_alone_lets_nobody_in(
    new_parking: NewParking,
) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.7)
    assert not scanning.done()
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].state == 2
    order = await street.order()
    assert (order.state, order.waiting_for) == ("waiting", "confirmation")
    assert [(x.event, x.detail) for x in (await street.history(order)).events][-1] == ("not confirmed", "accepted")


# Lifts that other processes intend


@pytest.fixture
async def two(new_parking: NewParking) -> AsyncIterator[tuple[Parking, Parking]]:
    """A process without the lane's device, and the one that has it and looks for lifts."""
    street = await new_parking()
    other = await new_parking(clock=street.clock, process="q")
    street.platform.lifts.at_hand = lambda lane: False  # type: ignore[method-assign]
    looking = asyncio.create_task(other.platform.lifts.run())
    await street.clock.waited_for(0.25)
    yield street, other
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    await other.platform.lifts.drained()


async def intended(street: Parking, count: int = 1) -> None:
    """Return when so many lifts have been written."""
    async with asyncio.timeout(PATIENCE):
        while len(await street.lifts()) < count:
            await asyncio.sleep(0.01)


async def settled(street: Parking, opening: asyncio.Task[Lift]) -> Lift:
    """What became of a lift whose outcome is in its row: who waits for it may look now, or in a tenth of a second."""
    waits = asyncio.create_task(street.clock.waited_for(0.1))
    await asyncio.wait({opening, waits}, return_when=asyncio.FIRST_COMPLETED)
    waits.cancel()
    street.clock.advance(0.1)
    return (await in_time(opening))[0]


async def test_a_lift_that_another_process_intends_is_found_within_a_quarter_of_a_second(
    two: tuple[Parking, Parking],
) -> None:
    street, other = two
    opening = asyncio.create_task(street.attendant.open(LOT_ID, "A1", BY))
    await street.clock.waited_for(0.1)
    assert other.barrier().commands == []
    street.clock.advance(0.25)
    await other.barrier().commanded()
    await other.platform.lifts.drained()
    lift = await settled(street, opening)
    assert (lift.outcome, other.barrier().lifts, street.barrier().lifts) == ("accepted", 1, 0)


async def test_a_process_that_hears_of_a_lift_looks_for_it_at_once(two: tuple[Parking, Parking]) -> None:
    street, other = two
    street.platform.lifts.when_intended = other.platform.lifts.intended.set
    opening = asyncio.create_task(street.attendant.open(LOT_ID, "A1", BY))
    await other.barrier().commanded()
    await other.platform.lifts.drained()
    assert (await settled(street, opening)).outcome == "accepted"


async def test_a_look_for_lifts_that_failed_is_followed_by_another_one(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking()
    other = await new_parking(on=slow, clock=street.clock, process="q")
    street.platform.lifts.at_hand = lambda lane: False  # type: ignore[method-assign]
    slow.gone = True
    looking = asyncio.create_task(other.platform.lifts.run())
    await street.clock.waited_for(0.25)
    slow.gone = False
    opening = asyncio.create_task(street.attendant.open(LOT_ID, "A1", BY))
    await street.clock.waited_for(0.1)
    street.clock.advance(0.25)
    await other.barrier().commanded()
    await other.platform.lifts.drained()
    assert (await settled(street, opening)).outcome == "accepted"
    looking.cancel()


async def test_a_lift_for_a_lane_whose_device_is_elsewhere_holds_up_no_other(new_parking: NewParking) -> None:
    street = await new_parking()
    other = await new_parking(clock=street.clock, process="q")
    street.platform.lifts.at_hand = lambda lane: False  # type: ignore[method-assign]
    other.platform.lanes.remove(A1)
    opening = [asyncio.create_task(street.attendant.open(LOT_ID, lane, BY)) for lane in ("A1", "A2")]
    await intended(street, 2)
    await other.platform.lifts.look()
    await other.platform.lifts.drained()
    assert other.barrier("A2").lifts == 1
    lifts = {lift.channel_id: lift for lift in await street.lifts()}
    assert (lifts["A1"].taken_at, lifts["A2"].taken_at) == (None, street.clock.now())
    await street.clock.waited_for(0.1)
    street.clock.advance(4.0)
    refused, lifted = await asyncio.gather(*opening, return_exceptions=True)
    assert isinstance(refused, BarrierFault)
    assert isinstance(lifted, Lift)
    assert lifted.outcome == "accepted"


async def test_what_became_of_a_lift_that_another_process_took_and_never_settled_is_uncertain(
    two: tuple[Parking, Parking],
) -> None:
    street, other = two
    other.barrier().mode = Mode.STUCK
    opening = asyncio.create_task(street.attendant.open(LOT_ID, "A1", BY))
    await street.clock.waited_for(0.1)
    street.clock.advance(0.25)
    await other.barrier().commanded()
    street.clock.advance(4.0)
    lift = (await in_time(opening))[0]
    assert lift.outcome == "uncertain"


@pytest.mark.parametrize("taken", [False, True])
async def test_a_lift_that_its_process_did_not_end_was_surely_not_sent_only_where_nobody_took_it(
    database: Database, new_parking: NewParking, taken: bool
) -> None:
    cut_off = TroubledDatabase(database)
    dead = await new_parking(on=cut_off)
    dead.barrier().mode = Mode.SILENT
    if not taken:
        dead.platform.lifts.at_hand = lambda lane: False  # type: ignore[method-assign]
    await dead.arrives(presence_id="car")
    scanning = asyncio.create_task(dead.scan())
    await intended(dead)
    await dead.clock.waited_for(3.7 if taken else 0.1)
    cut_off.gone = True
    dead.clock.advance(3.95)
    assert (await in_time(scanning))[0].state == 2
    await dead.platform.desk.drained()
    cut_off.gone = False
    street = await new_parking(clock=dead.clock, process="q")
    await street.watch(after=10)
    assert await outcomes(street) == [
        ("uncertain", "no outcome was stored")
        if taken
        else ("rejected", "no process with the lane's device took the command in time")
    ]
    assert (await street.order()).state == ("waiting" if taken else "void")
    assert await street.alarm_kinds() == ([] if taken else ["barrier_fault"])
