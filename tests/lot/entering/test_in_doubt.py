"""A stalled process, a hanging commit, a second hand on the same lift: nobody is told one thing and booked another."""

from __future__ import annotations

import asyncio

from lot.conftest import NewParking
from lot.messages.test_what_bolink_tells import answer
from support.databases.troubled import TroubledDatabase
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT, LOT_ID, Parking, in_time, lot_with
from taigan.barriers.barrier import Sight
from taigan.lot.people.attendant import COMMAND_TIME
from taigan.lot.policy import Policy
from taigan.storage.database import Database

OTHER = lot_with(park_id="8")


async def test_a_stall_over_the_moment_the_answer_is_due_tells_nobody_0_who_is_let_in(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(presence_grace=0.0))
    barrier = street.barrier()
    barrier.sight = Sight(acknowledges=True, position=False, detector=True, slowest_command=30.0)
    barrier.mode = Mode.HELD
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await barrier.commanded()
    street.clock.advance(10)  # the whole process stood still: everything that was waited for is over at once
    [said] = await in_time(scanning)
    barrier.go_on()
    await street.platform.desk.drained()
    await street.passes(car)
    assert (said.state, (await street.order()).state) == (2, "in")


async def test_a_driver_who_scans_again_after_a_commit_in_doubt_meets_no_order_that_is_voided_later(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    await street.arrives()
    slow.answer_late()
    first = asyncio.create_task(street.scan())
    await slow.holds()
    await street.clock.waited_for(3.95)
    street.clock.advance(3.95)
    assert (await in_time(first))[0].state == 2
    street.clock.advance(7)
    second = asyncio.create_task(street.scan())
    await street.clock.waited_for(0.5)  # the keys cannot be read: those known are used
    street.clock.advance(0.5)
    slow.go_on()
    assert (await in_time(second))[0].said == (1, "入场成功")
    await street.settled()
    assert [order.state for order in await street.orders()] == ["void", "in"]
    assert street.barrier().lifts == 1


async def test_an_outcome_that_is_stored_late_changes_nothing_for_an_order_that_is_raised_for_again(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    barrier = street.barrier()
    barrier.mode = Mode.HELD_FAULT
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await barrier.commanded()
    slow.hang()
    barrier.go_on()
    await slow.holds()
    slow.spare_the_next()
    await street.clock.waited_for(3.95)
    street.clock.advance(3.96)
    assert (await in_time(scanning))[0].state == 2
    await street.watch(after=4)
    barrier.mode = Mode.HELD
    releasing = asyncio.create_task(street.attendant.release(LOT_ID, "A1", BY))
    await barrier.commanded()
    slow.go_on()
    await street.platform.desk.drained()
    assert (await street.order()).state == "waiting"
    barrier.go_on()
    await in_time(releasing)
    assert (await street.order()).state == "in"


async def test_killed_in_doubt_nobody_was_told_0_of_an_order_that_another_process_finds(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    dead = await Parking(slow).open()
    await dead.arrives(presence_id="car")
    slow.answer_late()
    scanning = asyncio.create_task(dead.scan())
    await slow.holds()
    await dead.clock.waited_for(3.95)
    dead.clock.advance(3.95)
    said = await scanning
    slow.gone = True
    street = await new_parking(clock=dead.clock, process="q")
    await street.watch(after=10)
    await street.attendant.open(LOT_ID, "A1", BY)
    await street.passes("car")
    assert (said.state, (await street.order()).state) == (2, "in")
    await dead.platform.stop()


async def test_a_repeated_11_1_says_again_that_the_barrier_refused(street: Parking) -> None:
    street.barrier().mode = Mode.FAULT
    for _ in range(2):
        said = await answer(street, "11.1", channel_id="A1", operate=0, liftrod_id="x", order_id=None)
        assert said["state"] == 0
    assert len(street.barrier().commands) == 1


async def test_11_1_while_the_arm_is_being_raised_for_the_driver_sends_no_second_pulse(street: Parking) -> None:
    barrier = street.barrier()
    barrier.mode = Mode.HELD
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await barrier.commanded()
    barrier.mode = Mode.OK
    from_afar = answer(street, "11.1", channel_id="A1", operate=0, liftrod_id="r1", order_id=None)
    asking = asyncio.create_task(from_afar)
    await street.clock.waited_for(COMMAND_TIME.total_seconds())
    barrier.go_on()
    said, told = await in_time(asking, scanning)
    assert (said["state"], told.state, len(barrier.commands)) == (1, 1, 1)


async def test_the_same_order_id_in_two_lots_is_two_orders(new_parking: NewParking) -> None:
    street = await new_parking(lots=[LOT, OTHER])
    car = await street.arrives("A1")
    await street.arrives("A1", OTHER.lot_id)
    street.barrier("A1").mode = Mode.HELD
    seven = asyncio.create_task(street.scan("AAAAAAA", "A1", order_id="X1"))
    await street.barrier("A1").commanded()
    await street.passes(car)
    eight = await street.scan("BBBBBBB", "A1", park_id="8", order_id="X1")
    street.barrier("A1").go_on()
    await in_time(seven)
    assert eight.said == (1, "入场成功")


async def test_a_hold_at_one_process_is_known_to_the_other(new_parking: NewParking) -> None:
    street = await new_parking()
    other = await new_parking(clock=street.clock, process="q")
    await street.attendant.hold(LOT_ID, "A1", BY)
    await other.arrives()
    assert (await other.scan()).said == (1, "入场成功，请通行")
    assert other.barrier().commands == []


async def test_a_command_that_waits_for_its_device_is_cancelled_when_its_car_backs_out(street: Parking) -> None:
    barrier = street.barrier()
    barrier.mode = Mode.HELD
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    command = await barrier.commanded()
    await street.backs_out(car)
    assert await barrier.called_off() == command.command_id
    barrier.go_on()
    await in_time(scanning)


async def test_a_lift_that_no_process_took_by_its_deadline_is_rejected(new_parking: NewParking) -> None:
    street = await new_parking()
    await street.arrives()
    street.platform.lifts.at_hand = lambda lane: False  # type: ignore[method-assign]
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(0.1)  # it looks at the row for an outcome, and none is ever written
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].said == (0, "道闸故障，请联系管理员")
    assert [lift.outcome for lift in await street.lifts()] == ["rejected"]


async def test_a_lift_that_another_process_intends_is_taken_once_by_the_one_with_the_device(
    new_parking: NewParking,
) -> None:
    street = await new_parking()
    other = await new_parking(clock=street.clock, process="q")
    await street.arrives(presence_id="car")
    street.platform.lifts.at_hand = lambda lane: False  # type: ignore[method-assign]
    scanning = asyncio.create_task(street.scan())
    while not await street.lifts():
        await asyncio.sleep(0.01)
    await in_time(other.platform.lifts.look(), other.platform.lifts.look())
    await other.platform.lifts.drained()
    await street.clock.waited_for(0.1)
    street.clock.advance(0.1)
    assert (await in_time(scanning))[0].said == (1, "入场成功")
    assert (street.barrier().lifts, other.barrier().lifts) == (0, 1)
