"""Lanes whose device fetches its commands: what cannot be done by the answer is answered 2 and settled later."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from support.lot.barrier import Mode
from support.lot.parking import BY, LOT_ID, Parking, in_time
from taigan.barriers.barrier import EventKind, Sight

HEARTBEAT = 30.0


@pytest.fixture
def slow(street: Parking) -> Parking:
    """The street with a device at A1 that a command reaches within half a minute."""
    street.barrier().sight = Sight(acknowledges=True, position=False, detector=True, slowest_command=HEARTBEAT)
    street.barrier().mode = Mode.HELD
    return street


async def told_2(slow: Parking) -> str:
    """A scan that is answered 2 for the device has not come by yet; its car."""
    car = await slow.arrives()
    scanning = asyncio.create_task(slow.scan())
    command = await slow.barrier().commanded()
    assert command.deadline - slow.clock.now() > timedelta(seconds=HEARTBEAT)
    slow.clock.advance(3.96)
    assert (await in_time(scanning))[0].said == (2, "正在抬杆，请稍候")
    return car


async def test_the_driver_is_answered_2_in_time_and_is_in_when_the_device_took_the_command(slow: Parking) -> None:
    await told_2(slow)
    slow.clock.advance(20)
    slow.barrier().go_on()
    await slow.settled()
    order = await slow.order()
    assert (order.state, slow.barrier().lifts) == ("in", 1)
    await slow.deliver()
    assert [upload.section for upload in slow.bolink.uploads] == ["3.1"]


async def test_a_car_that_drives_through_meanwhile_is_in(slow: Parking) -> None:
    car = await told_2(slow)
    slow.clock.advance(10)
    await slow.barrier().report(EventKind.PASSED, car)
    assert (await slow.order()).state == "in"
    slow.barrier().go_on()
    await slow.settled()


async def test_a_device_that_comes_by_in_time_is_answered_1(slow: Parking) -> None:
    await slow.arrives()
    scanning = asyncio.create_task(slow.scan())
    await slow.barrier().commanded()
    slow.clock.advance(2)
    slow.barrier().go_on()
    assert (await in_time(scanning))[0].said == (1, "入场成功")


async def test_a_device_that_never_comes_by_raises_nothing_and_leaves_the_order_waiting_for_its_car(
    slow: Parking,
) -> None:
    car = await told_2(slow)
    slow.clock.advance(HEARTBEAT + 1)
    await slow.settled()
    assert (slow.barrier().lifts, (await slow.order()).state) == (0, "waiting")
    await slow.backs_out(car)
    assert (await slow.order()).state == "void"


async def test_an_attendant_waits_for_the_device_to_come_by(slow: Parking) -> None:
    opening = asyncio.create_task(slow.attendant.open(LOT_ID, "A1", BY))
    command = await slow.barrier().commanded()
    assert command.deadline - slow.clock.now() > timedelta(seconds=HEARTBEAT)
    slow.clock.advance(HEARTBEAT - 1)
    slow.barrier().go_on()
    lift = (await in_time(opening))[0]
    assert (lift.outcome, slow.barrier().lifts) == ("accepted", 1)
