"""Somebody sets the wall clock back an hour. Whatever was written by it before, or is written late, waits no hour."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from lot.conftest import NewParking
from support.databases.troubled import TroubledDatabase
from support.lot.barrier import Mode
from support.lot.parking import LOT_ID, Parking, in_time, lot_with
from taigan.lot.policy import Policy
from taigan.lot.writing.ages import FORGOTTEN_AFTER, Ages
from taigan.storage.database import Database
from taigan.storage.rows import Lift

HOUR = 3600


async def keep_sending(street: Parking, seconds: int) -> None:
    """Let the courier look four times a second."""
    for _ in range(4 * seconds):
        street.clock.advance(0.25)
        await street.platform.courier.look()
        await street.platform.courier.sent()


async def test_pace_and_tries_from_before_the_step_are_due(street: Parking) -> None:
    street.bolink.loses_answers = True
    await street.enters("AAAAAAA", "A1")
    await street.enters("BBBBBBB", "A2")
    await street.platform.courier.look()
    await street.platform.courier.sent()
    street.clock.set_back(HOUR)
    street.bolink.loses_answers = False
    await keep_sending(street, 2)
    assert {delivery.state for delivery in await street.deliveries()} == {"done"}


@pytest.mark.parametrize("what", ["claim", "result"])
async def test_a_claim_or_a_result_that_took_its_time_before_the_step_and_is_written_after_it_is_due(
    new_parking: NewParking, database: Database, what: str
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    street.bolink.loses_answers = True
    await street.enters()
    courier = street.platform.courier
    if what == "result":
        await courier.look()
    slow.hang()
    looking = asyncio.create_task(courier.look() if what == "claim" else courier.sent())
    await slow.holds()
    street.clock.set_back(HOUR)
    slow.go_on()
    await in_time(looking)
    await in_time(courier.sent())
    street.bolink.loses_answers = False
    await keep_sending(street, 20)
    assert [delivery.state for delivery in await street.deliveries()] == ["done"]


async def test_a_lease_from_before_the_step_is_waited_for_once_and_then_taken_again(
    new_parking: NewParking, database: Database
) -> None:
    dying = TroubledDatabase(database)
    dead = await new_parking(on=dying)
    await dead.enters()
    await dead.platform.courier.look()
    dying.gone = True
    await dead.platform.courier.sent()
    dead.clock.set_back(HOUR)
    street = await new_parking(clock=dead.clock, process="q")
    await street.platform.courier.look()
    assert [delivery.state for delivery in await street.deliveries()] == ["sending"], "it may be on its way"
    assert not street.bolink.uploads
    await keep_sending(street, 11)
    assert [delivery.state for delivery in await street.deliveries()] == ["done"]


async def test_a_claim_on_a_lane_without_a_detector_ends_after_its_own_time(street: Parking) -> None:
    assert (await street.scan("AAAAAAA", "A4")).state == 1
    street.clock.set_back(HOUR)
    await street.watch()
    await street.watch(after=16)
    assert (await street.scan("BBBBBBB", "A4")).state == 1


async def test_a_driver_who_waits_for_the_attendant_waits_no_longer_than_he_may(street: Parking) -> None:
    await street.arrives("A3")
    assert (await street.scan("EA47829", "A3")).state == 2
    street.clock.set_back(HOUR)
    await street.watch()
    await street.watch(after=100)
    assert (await street.order()).state == "waiting"
    await street.watch(after=100)
    assert (await street.order()).state == "void"


async def test_an_unconfirmed_entry_is_put_before_a_person_in_time(street: Parking) -> None:
    street.barrier().mode = Mode.SILENT
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    street.clock.advance(4)
    await in_time(scanning)
    await street.settled()  # its outcome is written by the clock that goes wrong
    street.clock.set_back(HOUR)
    await street.watch()
    await street.watch(after=40)
    assert "not_confirmed" in await street.alarm_kinds()


async def test_a_car_that_stays_raises_its_alarm_in_time(street: Parking) -> None:
    await street.arrives()
    await street.scan()
    street.clock.set_back(HOUR)
    await street.watch()
    assert await street.alarm_kinds() == []
    await street.watch(after=61)
    assert await street.alarm_kinds() == ["stayed"]


async def test_the_queue_alarm_comes_in_time(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(queue_alarm_after=60))
    street.bolink.reachable = False
    await street.enters()
    street.clock.set_back(HOUR)
    await street.watch()
    await street.watch(after=70)
    assert street.metric("taigan_alarms_total", kind="queue_age") == 1


async def test_a_code_can_be_asked_for_again(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(sms_check=True)])
    first = await street.verify_phone("EA47829", "13800000000")
    street.clock.set_back(HOUR)
    again = await street.verify_phone("EA47829", "13800000000")
    assert again["state"] == 1
    assert again["verify_code"] != first["verify_code"]


async def test_what_is_not_met_again_is_not_remembered_for_ever(street: Parking) -> None:
    ages = Ages(street.clock)
    ahead = street.clock.now()
    street.clock.set_back(HOUR)
    for number in range(10):
        ages.of(number, ahead)
    street.clock.advance(FORGOTTEN_AFTER)
    ages.of("another", ahead)
    assert len(ages._met) == 1


async def test_a_driver_is_answered_in_time_and_the_lift_ends_in_time(street: Parking) -> None:
    street.barrier().mode = Mode.HELD
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    command = await street.barrier().commanded()
    assert command.deadline - street.clock.now() == timedelta(seconds=3.7)
    street.clock.advance(1)
    street.clock.set_back(3600)
    street.clock.advance(2.75)
    assert (await in_time(scanning))[0].said == (2, "正在抬杆，请稍候")
    (lift,) = await street.lifts()
    assert lift.outcome == "uncertain"


async def test_a_command_given_after_the_step_has_its_own_time_and_no_hour_more(street: Parking) -> None:
    """As where the machine stops between the commit and the command."""
    street.barrier().mode = Mode.HELD
    await street.arrives("A3")
    await street.scan(channel_id="A3")
    now = street.clock.now()
    lift = Lift(
        LOT_ID, "L1", "A3", None, "open", "manual", "王芳", "stuck", now, now + timedelta(seconds=10), purpose="manual"
    )
    street.clock.set_back(3600)
    ending = asyncio.create_task(street.platform.lifts.carry_out(msgspec.structs.replace(lift, taken_at=now)))
    command = await street.barrier("A3").commanded()
    assert command.deadline - street.clock.now() == timedelta(seconds=10)
    ending.cancel()
