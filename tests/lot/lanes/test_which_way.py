"""A car has left the loop: it went back only if that was seen. Anything else is a passage, or stays open."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from lot.conftest import NewParking
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT_ID, Parking, in_time, lot_with
from taigan.barriers.barrier import Event, EventKind
from taigan.lot.setup import LaneSetup


async def told_2(street: Parking, mode: Mode) -> str:
    """A car whose driver is told 2 since the device says nothing; its presence."""
    street.barrier().mode = mode
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    await street.clock.waited_for(3.7)
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].state == 2
    return car


async def goes(street: Parking, car: str) -> None:
    """The car leaves the loop and nobody sees which way."""
    await street.barrier().report(EventKind.BACKED_OUT, car, seen=False)
    await street.settled()


async def test_a_driver_told_1_whom_nobody_saw_go_back_has_driven_in(street: Parking) -> None:
    await goes(street, await street.enters())
    order = await street.order()
    assert (order.state, order.passed_at is not None, order.review) == ("in", True, "")
    await street.deliver()
    assert [upload.section for upload in street.bolink.uploads] == ["3.1"]


async def test_an_arm_that_came_down_meanwhile_proves_nothing(street: Parking) -> None:
    car = await street.enters()
    street.clock.advance(30)
    await street.barrier().report(EventKind.DOWN)
    await goes(street, car)
    assert (await street.order()).state == "in"


async def test_a_lift_that_may_have_been_carried_out_is_a_passage_for_review(street: Parking) -> None:
    await goes(street, await told_2(street, Mode.MUTE))
    order = await street.order()
    assert (order.state, order.passed_at is not None) == ("in", True)
    assert order.review == "nobody saw which way the car went"


async def test_who_waits_for_the_attendant_and_drives_off_has_not_come_in(street: Parking) -> None:
    car = await street.arrives("A3")
    assert (await street.scan(channel_id="A3")).state == 2
    await street.barrier("A3").report(EventKind.BACKED_OUT, car, seen=False)
    assert (await street.order()).state == "void"


async def test_an_arm_raised_by_hand_meanwhile_may_have_let_it_in(street: Parking) -> None:
    car = await street.arrives("A3")
    assert (await street.scan(channel_id="A3")).state == 2
    await street.attendant.hold(LOT_ID, "A3", BY)
    await street.barrier("A3").report(EventKind.BACKED_OUT, car, seen=False)
    order = await street.order()
    assert (order.state, order.review) == ("in", "nobody saw which way the car went")


async def test_while_a_command_is_on_its_way_the_order_stays_open_until_it_has_ended(street: Parking) -> None:
    street.barrier().mode = Mode.HELD
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    await street.barrier().report(EventKind.BACKED_OUT, car, seen=False)
    assert (await street.order()).state == "waiting"
    assert len(street.barrier().cancelled) == 1
    street.barrier().go_on()
    assert (await in_time(scanning))[0].state == 1
    order = await street.order()
    assert (order.state, order.passed_at is not None, order.review) == (
        "in",
        True,
        "nobody saw which way the car went",
    )


async def test_a_command_dropped_because_its_car_has_gone_voids_the_order_without_an_alarm(street: Parking) -> None:
    street.barrier().mode = Mode.HELD_FAULT
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    await street.barrier().report(EventKind.BACKED_OUT, car, seen=False)
    street.barrier().go_on()
    assert (await in_time(scanning))[0].said == (0, "车辆已倒出，请重新扫码")
    order = await street.order()
    assert (order.state, order.closed_why, await street.alarm_kinds()) == ("void", "backed out", [])


async def test_a_car_that_went_while_its_lift_was_never_settled_is_in_for_review_and_raises_no_alarm_of_staying(
    street: Parking,
) -> None:
    car = await told_2(street, Mode.SILENT)
    await goes(street, car)
    await street.watch(after=90)
    assert (await street.order()).state == "in"
    assert "stayed" not in await street.alarm_kinds()


async def test_two_processes_of_which_one_knows_of_no_lift_let_the_car_in(new_parking: NewParking) -> None:
    one, two = await new_parking(), await new_parking(process="q")
    car = await one.arrives(presence_id="car")
    assert (await one.scan()).state == 1
    await two.barrier().report(EventKind.BACKED_OUT, car, seen=False)  # it missed the device's reply
    await one.barrier().report(EventKind.PASSED, car)
    order = await one.order()
    assert (order.state, order.passed_at is not None) == ("in", True)


async def test_a_car_with_the_arm_held_open_drove_in(street: Parking) -> None:
    await street.attendant.hold(LOT_ID, "A1", BY)
    car = await street.arrives()
    assert (await street.scan()).said == (1, "入场成功，请通行")
    await goes(street, car)
    assert (await street.order()).passed_at is not None


async def test_at_an_exit_a_car_let_go_whom_nobody_saw_go_back_has_left(street: Parking) -> None:
    car = await street.arrives("B1")
    await street.barrier("B1").report(EventKind.BACKED_OUT, car, seen=False)
    assert (await street.row(_left_how(car)))[0][0] == "backed_out"


def _left_how(car: str):  # type: ignore[no-untyped-def]
    import sqlalchemy as sa

    from taigan.storage import tables as t

    return sa.select(t.presences.c.left_how).where(t.presences.c.presence_id == car)


# What a device says of the past, or by a clock of its own


@pytest.mark.parametrize("hours", [-8, 8])
async def test_a_devices_clock_neither_confirms_nor_bills(new_parking: NewParking, hours: int) -> None:
    lane = LaneSetup(channel_id="A1", confirm="position", barrier={"sight": "ack position detector"})
    street = await new_parking(lots=[lot_with(lanes=[lane])])
    barrier, car = street.barrier(), await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await barrier.commanded()
    its_clock = street.clock.now() + timedelta(hours=hours)
    await barrier.tells(Event("up", barrier.lane, EventKind.UP, its_clock))
    assert (await in_time(scanning))[0].state == 1
    order = await street.order()
    assert order.in_at == street.clock.now()
    await barrier.tells(Event("passed", barrier.lane, EventKind.PASSED, its_clock, car))
    assert (await street.order()).passed_at == street.clock.now()


async def test_an_up_of_the_past_confirms_nothing_and_an_old_fault_voids_nothing(new_parking: NewParking) -> None:
    lane = LaneSetup(channel_id="A1", confirm="position", barrier={"sight": "ack position detector"})
    street = await new_parking(lots=[lot_with(lanes=[lane])])
    barrier, _ = street.barrier(), await street.arrives()
    barrier.mode = Mode.HELD
    scanning = asyncio.create_task(street.scan())
    await barrier.commanded()
    for kind in (EventKind.UP, EventKind.FAULT):
        await barrier.tells(Event(str(kind), barrier.lane, kind, street.clock.now(), age=60.0))
    assert (await street.order()).state == "waiting"
    assert await street.alarm_kinds() == ["barrier_fault"]
    barrier.go_on()
    await street.clock.waited_for(3.7)
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].state == 2


async def test_a_down_of_the_past_raises_no_arm(street: Parking) -> None:
    barrier, _ = street.barrier(), await street.arrives()
    await barrier.report(EventKind.FALLING)
    assert (await street.scan()).state == 2
    await barrier.tells(Event("down", barrier.lane, EventKind.DOWN, street.clock.now(), age=60.0))
    await street.settled()
    assert barrier.lifts == 0
    await barrier.report(EventKind.DOWN)
    await street.settled()
    assert barrier.lifts == 1


@pytest.mark.parametrize("read_for", ["old-car", ""])
async def test_a_plate_of_the_past_opens_no_order(street: Parking, read_for: str) -> None:
    barrier, _ = street.barrier(), await street.arrives(presence_id="new-car")
    await barrier.tells(
        Event("plate", barrier.lane, EventKind.PLATE, street.clock.now(), read_for, "粤B12345", age=3600.0)
    )
    await street.settled()
    assert (await street.orders(), barrier.lifts) == ([], 0)


async def test_two_lots_whose_devices_name_their_cars_alike_have_a_car_each(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(), lot_with(park_id="9")])
    await street.arrives(presence_id="car-1")
    await street.arrives(lot_id="200002-9", presence_id="car-1")
    assert (await street.scan()).state == 1
    assert (await street.scan("FG58391", park_id="9")).state == 1
    await street.passes("car-1", lot_id="200002-9")
    assert (await street.order()).passed_at is None
    assert (await street.order("FG58391", "200002-9")).passed_at is not None
