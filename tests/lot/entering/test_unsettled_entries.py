"""What becomes of an entry that its barrier did not confirm, whose car turned back, or whose process died."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.databases.troubled import TroubledDatabase
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT_ID, SEES_ALL, Parking, Told, in_time, lot_with
from taigan.barriers.barrier import EventKind
from taigan.lot.errors import NobodyWaits
from taigan.lot.policy import Policy
from taigan.lot.rounds.watch import SET_ASIDE_FOR
from taigan.lot.setup import LaneSetup
from taigan.lot.uploads.courier import LEASE_SPARE
from taigan.storage import tables as t
from taigan.storage.database import Database

LEASE = Policy().upload_timeout + LEASE_SPARE
BY_PASSAGE = LaneSetup(channel_id="A1", confirm="passage", barrier=SEES_ALL)
BY_POSITION = LaneSetup(channel_id="A1", confirm="position", barrier=SEES_ALL)


async def not_confirmed(street: Parking, channel_id: str = "A1", mode: Mode = Mode.SILENT) -> Told:
    """A scan whose command ends without an answer."""
    street.barrier(channel_id).mode = mode
    scanning = asyncio.create_task(street.scan("EA47829", channel_id))
    await street.barrier(channel_id).commanded()
    street.clock.advance(3.7)
    said: Told = (await in_time(scanning))[0]
    return said


async def test_not_confirmed_by_the_deadline_is_told_2_and_waits(street: Parking) -> None:
    await street.arrives()
    assert (await not_confirmed(street)).said == (2, "正在抬杆，请稍候")
    assert ((await street.order()).state, await street.free()) == ("waiting", 49)
    assert [lift.outcome for lift in await street.lifts()] == ["uncertain"]
    await street.deliver()
    assert street.bolink.uploads == []


@pytest.mark.parametrize(("mode", "owed"), [(Mode.OK, True), (Mode.FAULT, False)])
async def test_the_upload_of_an_entry_is_asked_for_as_soon_as_its_car_is_in(
    street: Parking, mode: Mode, owed: bool
) -> None:
    street.barrier().mode = mode
    await street.arrives()
    street.platform.commits.owed.clear()
    await street.scan()
    assert ((await street.order()).state == "in", street.platform.commits.owed.is_set()) == (owed, owed)


async def test_not_confirmed_then_the_car_passes_is_in(street: Parking) -> None:
    car = await street.arrives()
    await not_confirmed(street, mode=Mode.MUTE)
    event = await street.passes(car)
    await street.barrier().repeat(event)
    order = await street.order()
    assert (order.state, order.in_at, order.passed_at, await street.free()) == ("in", event.at, event.at, 49)
    assert street.barrier().lifts == 1
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


async def test_not_confirmed_then_the_car_backs_off_is_void(street: Parking) -> None:
    car = await street.arrives()
    await not_confirmed(street)
    event = await street.backs_out(car)
    await street.barrier().repeat(event)
    assert ((await street.order()).state, await street.free()) == ("void", 50)
    await street.deliver()
    assert street.bolink.uploads == []


async def test_not_confirmed_and_still_on_the_loop_raises_one_alarm_and_stays(street: Parking) -> None:
    await street.arrives()
    await not_confirmed(street)
    await street.watch(after=26)
    assert await street.alarm_kinds() == []
    await street.watch(after=1)
    await street.watch(after=3600)
    assert await street.alarm_kinds() == ["not_confirmed"]
    assert (await street.order()).state == "waiting"
    assert len(street.barrier().commands) == 1  # no second pulse


async def test_not_confirmed_without_a_detector_is_in_for_review_after_barrier_timeout(street: Parking) -> None:
    await not_confirmed(street, "A4", Mode.MUTE)
    await street.watch(after=26)
    assert (await street.order()).state == "waiting"
    await street.watch(after=1)
    order = await street.order()
    assert (order.state, order.review) == ("in", "the barrier never confirmed")
    assert order.passed_at is not None  # else the driver could never come again
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


async def test_not_confirmed_and_the_next_car_is_on_the_loop_is_in_for_review(street: Parking) -> None:
    await street.arrives()
    await not_confirmed(street, mode=Mode.MUTE)
    await street.arrives()  # nobody saw the first one go
    await street.watch(after=31)
    order = await street.order()
    assert (order.state, order.review) == ("in", "nobody saw the car pass")


async def test_not_confirmed_can_be_released_by_the_attendant(street: Parking) -> None:
    await street.arrives()
    await not_confirmed(street)
    street.barrier().mode = Mode.OK
    await street.attendant.release(LOT_ID, "A1", BY)
    assert (await street.order()).state == "in"
    assert street.barrier().lifts == 1


async def test_not_confirmed_by_a_locked_arm_where_position_confirms(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    street.barrier().mode = Mode.LOCKED
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.7)
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].said == (2, "正在抬杆，请稍候")
    await street.backs_out(car)
    assert (await street.order()).state == "void"


async def test_confirmed_by_position_when_the_arm_is_reported_up(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.7)
    await street.barrier().report(EventKind.UP)
    assert (await in_time(scanning))[0].said == (1, "入场成功")


async def test_confirmed_by_position_late_when_the_arm_is_reported_up_after_the_answer(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    await street.arrives()
    await not_confirmed(street)
    up = await street.barrier().report(EventKind.UP)
    await street.barrier().repeat(up)
    assert (await street.order()).state == "in"
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


async def test_not_confirmed_by_a_report_of_the_arm_that_is_older_than_the_scan(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    first = await street.arrives()
    scanning = asyncio.create_task(street.scan("AAAAAAA"))
    await street.clock.waited_for(3.7)
    old = await street.barrier().report(EventKind.UP)
    await in_time(scanning)
    await street.passes(first)
    street.clock.advance(10)
    await street.arrives()
    scanning = asyncio.create_task(street.scan("BBBBBBB"))
    await street.clock.waited_for(3.7)
    await street.barrier().repeat(old)  # a slow network
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].state == 2


async def test_confirmed_by_passage_when_the_car_drives_through(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_PASSAGE])])
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.7)
    await street.barrier().report(EventKind.UP)
    await street.passes(car)
    assert (await in_time(scanning))[0].said == (1, "入场成功")


async def test_confirm_is_by_default_accepted_where_the_device_acknowledges_else_passage(
    new_parking: NewParking,
) -> None:
    lanes = [LaneSetup(channel_id="A1", barrier=SEES_ALL), LaneSetup(channel_id="A2", barrier={"sight": "detector"})]
    street = await new_parking(lots=[lot_with(lanes=lanes)])
    lane = t.lanes.c
    assert {
        tuple(row) for row in await street.row(t.lanes.select().with_only_columns(lane.channel_id, lane.confirm))
    } == {("A1", "accepted"), ("A2", "passage")}


async def test_lane_without_a_detector_whose_device_sees_passages_is_in_when_the_car_drives_through(
    new_parking: NewParking,
) -> None:
    lane = LaneSetup(channel_id="A4", detector=False, barrier={"sight": ""})
    street = await new_parking(lots=[lot_with(lanes=[lane])])
    scanning = asyncio.create_task(street.scan("EA47829", "A4"))
    await street.clock.waited_for(3.7)
    event = await street.barrier("A4").report(EventKind.PASSED, "loop-under-the-arm-1")
    await street.barrier("A4").repeat(event)
    assert (await in_time(scanning))[0].said == (1, "入场成功")
    assert await street.free() == 49
    assert await street.alarm_kinds() == []


async def test_car_backs_out_while_waiting_for_the_attendant_is_void_at_once_and_cannot_be_released(
    street: Parking,
) -> None:
    car = await street.arrives("A3")
    await street.scan("EA47829", "A3")
    await street.backs_out(car, "A3")
    assert ((await street.order()).state, await street.free()) == ("void", 50)
    with pytest.raises(NobodyWaits):
        await street.attendant.release(LOT_ID, "A3", BY)
    assert street.barrier("A3").commands == []


async def test_car_backs_out_while_waiting_for_the_arm_so_the_queued_command_is_dropped(street: Parking) -> None:
    car = await street.arrives()
    await street.barrier().report(EventKind.FALLING)
    await street.scan()
    await street.barrier().report(EventKind.BACKED_OUT, car)
    await street.barrier().report(EventKind.DOWN)
    await street.settled()
    assert street.barrier().commands == []
    assert (await street.order()).state == "void"


async def test_car_backs_out_while_the_arm_is_being_raised_is_void_and_told_so(street: Parking) -> None:
    street.barrier().mode = Mode.HELD
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    await street.backs_out(car)
    street.barrier().go_on()
    assert (await in_time(scanning))[0].said == (0, "车辆已倒出，请重新扫码")
    assert ((await street.order()).state, await street.free()) == ("void", 50)
    await street.deliver()
    assert street.bolink.uploads == []


async def test_car_backs_out_before_the_command_is_sent_so_the_command_is_dropped(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    car = await street.arrives()
    slow.answer_late()
    scanning = asyncio.create_task(street.scan())
    await slow.holds()  # the order is committed, and nobody here knows it yet
    slow.spare_the_next()
    await street.backs_out(car)
    slow.go_on()
    assert (await in_time(scanning))[0].said == (0, "车辆已倒出，请重新扫码")
    assert street.barrier().commands == []
    assert ((await street.order()).state, await street.free()) == ("void", 50)


async def test_car_backs_out_after_1_with_3_1_not_yet_sent_is_void_and_3_1_cancelled(street: Parking) -> None:
    car = await street.enters()
    event = await street.backs_out(car)
    await street.barrier().repeat(event)
    order = await street.order()
    assert (order.state, order.closed_why, await street.free()) == ("void", "车辆倒出未入场", 50)
    assert [(x.section, x.state) for x in await street.deliveries()] == [("3.1", "cancelled")]
    await street.deliver()
    assert street.bolink.uploads == []


async def test_car_backs_out_after_1_with_3_1_sent_so_3_2_follows_with_total_0(street: Parking) -> None:
    car = await street.enters()
    await street.deliver()
    street.clock.advance(20)
    await street.backs_out(car)
    await street.deliver()
    order = await street.order()
    exit_ = (await street.bolink.received("3.2")).data
    assert (order.state, await street.free()) == ("void", 50)
    assert (exit_["order_id"], exit_["total"], exit_["freereasons"]) == (order.order_id, "0.00", "车辆倒出未入场")
    assert (exit_["empty_plot"], exit_["out_time"] - exit_["in_time"]) == (50, 20)


async def test_car_backs_out_after_1_with_3_1_in_doubt_so_3_2_follows_it_in_sequence(street: Parking) -> None:
    car = await street.enters()
    street.bolink.loses_answers = True
    await street.deliver()
    await street.backs_out(car)
    street.bolink.loses_answers = False
    await street.deliver()
    assert [upload.section for upload in street.bolink.uploads] == ["3.1", "3.1", "3.2"]


async def test_car_backs_out_after_1_with_3_1_under_way_so_3_2_follows(street: Parking) -> None:
    car = await street.enters()
    street.bolink.holds = True
    await street.platform.courier.look()
    await street.bolink.received("3.1")
    await street.backs_out(car)
    street.bolink.go_on()
    await street.platform.courier.sent()
    street.clock.advance(1)
    await street.deliver()
    assert [upload.section for upload in street.bolink.uploads] == ["3.1", "3.2"]


async def test_car_backs_out_in_the_same_breath_in_which_it_was_confirmed_and_nothing_is_sent(
    new_parking: NewParking,
) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    car = await street.arrives()
    await not_confirmed(street)
    barrier = street.barrier()
    await in_time(
        barrier.report(EventKind.DOWN), barrier.report(EventKind.UP), barrier.report(EventKind.BACKED_OUT, car)
    )
    assert (await street.order()).state == "void"
    await street.deliver()
    assert street.bolink.uploads == []


async def test_car_stays_under_the_arm_past_passage_timeout_raises_one_alarm_and_keeps_the_lane(
    street: Parking,
) -> None:
    await street.enters("AAAAAAA")
    await street.watch(after=60)
    assert await street.alarm_kinds() == []
    await street.watch(after=1)
    stayed = await street.barrier().report(EventKind.STAYED, "car-p0001")
    await street.barrier().repeat(stayed)
    await street.watch(after=1)
    assert await street.alarm_kinds() == ["stayed", "stayed"]
    assert (await street.order("AAAAAAA")).state == "in"
    assert (await street.scan("BBBBBBB")).said == (0, "车道正在处理其他车辆，请稍候")
    assert [command.name for command in street.barrier().commands] == ["open"]  # not lowered by us


async def test_car_that_stays_is_reported_by_the_device_so_the_watch_says_it_no_second_time(street: Parking) -> None:
    car = await street.enters()
    await street.barrier().report(EventKind.STAYED, car)
    await street.watch(after=61)
    assert await street.alarm_kinds() == ["stayed"]


async def test_a_clock_that_is_set_back_delays_no_answer(street: Parking) -> None:
    await street.arrives()
    street.barrier().mode = Mode.SILENT
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    street.clock.set_back(3600)
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].said == (2, "正在抬杆，请稍候")


async def test_a_driver_that_breaks_its_promise_never_to_raise_leaves_the_outcome_uncertain(street: Parking) -> None:
    street.barrier().mode = Mode.BROKEN
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.7)
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].said == (2, "正在抬杆，请稍候")
    assert [lift.outcome for lift in await street.lifts()] == ["uncertain"]


async def test_a_driver_that_never_returns_does_not_keep_the_phone_waiting(street: Parking) -> None:
    street.barrier().mode = Mode.STUCK
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    await street.clock.waited_for(3.75)
    street.clock.advance(3.75)
    assert (await in_time(scanning))[0].said == (2, "正在抬杆，请稍候")


async def test_a_phone_that_hangs_up_does_not_stop_the_entry(street: Parking) -> None:
    street.barrier().mode = Mode.HELD
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    scanning.cancel()
    street.barrier().go_on()
    await street.settled()
    assert (await street.order()).state == "in"


async def killed_after_commit_1(database: Database, new_parking: NewParking, *, mode: Mode) -> tuple[Parking, bytes]:
    """The street of a process that died when its command was on the way; and the message it was working on."""
    cut_off = TroubledDatabase(database)
    dead = await new_parking(on=cut_off)
    dead.barrier().mode = mode
    await dead.arrives(presence_id="car")
    text = dead.message()
    answering = asyncio.create_task(dead.send(text))
    await dead.barrier().commanded()
    cut_off.gone = True
    dead.clock.advance(3.7)
    assert (await in_time(answering))[0].state == 2  # the phone of one who is not dead
    cut_off.gone = False
    return dead, text


async def test_killed_after_commit_1_and_started_again_settles_it_as_not_confirmed(
    database: Database, new_parking: NewParking
) -> None:
    dead, text = await killed_after_commit_1(database, new_parking, mode=Mode.MUTE)
    street = await new_parking(clock=dead.clock, process="q")
    again = asyncio.create_task(street.send(text))
    for _ in range(38):
        await street.clock.waited_for(0.1)
        street.clock.advance(0.1)
    assert (await in_time(again))[0].said == (2, "正在抬杆，请稍候")
    await street.watch(after=3)
    order = await street.order()
    assert (order.state, order.waiting_for) == ("waiting", "confirmation")
    assert [lift.outcome for lift in await street.lifts()] == ["uncertain"]
    assert (await street.send(text)).said == (2, "正在抬杆，请稍候")
    assert (await street.scan()).said == (2, "正在抬杆，请稍候")
    await street.passes("car")
    assert (await street.send(text)).said == (1, "入场成功")
    assert street.barrier().lifts == 0  # never again by itself
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


async def test_killed_after_commit_1_and_the_car_has_backed_out_is_void(
    database: Database, new_parking: NewParking
) -> None:
    dead, text = await killed_after_commit_1(database, new_parking, mode=Mode.SILENT)
    street = await new_parking(clock=dead.clock, process="q")
    await street.watch(after=10)
    await street.backs_out("car")
    assert ((await street.order()).state, await street.free()) == ("void", 50)
    assert (await street.send(text)).said == (0, "车辆已倒出，请重新扫码")


async def test_killed_after_commit_1_in_a_lane_without_a_detector_is_in_for_review(
    database: Database, new_parking: NewParking
) -> None:
    cut_off = TroubledDatabase(database)
    dead = await new_parking(on=cut_off)
    dead.barrier("A4").mode = Mode.MUTE
    answering = asyncio.create_task(dead.scan("EA47829", "A4"))
    await dead.barrier("A4").commanded()
    cut_off.gone = True
    dead.clock.advance(3.7)
    await in_time(answering)
    cut_off.gone = False
    street = await new_parking(clock=dead.clock, process="q")
    await street.watch(after=31)
    await street.watch()
    order = await street.order()
    assert (order.state, order.review) == ("in", "the barrier never confirmed")


async def test_killed_before_the_first_upload_and_started_again_sends_it(
    database: Database, new_parking: NewParking
) -> None:
    dead = await new_parking()
    await dead.enters()
    street = await new_parking(clock=dead.clock, process="q")
    await street.deliver()
    assert [upload.order_id for upload in street.bolink.of("3.1")] == [(await street.order()).order_id]


async def test_killed_with_an_upload_sent_but_not_marked_sends_it_again_after_the_lease(
    database: Database, new_parking: NewParking
) -> None:
    cut_off = TroubledDatabase(database)
    dead = await new_parking(on=cut_off)
    await dead.enters()
    dead.bolink.holds = True
    await dead.platform.courier.look()
    await dead.bolink.received("3.1")
    cut_off.gone = True
    dead.bolink.go_on()
    await dead.platform.courier.sent()
    cut_off.gone = False
    street = await new_parking(clock=dead.clock, process="q")
    street.clock.advance(LEASE - 1)
    await street.deliver()
    assert street.bolink.uploads == []
    street.clock.advance(1)
    street.bolink.refuses["3.1"] = "订单已存在"
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1
    assert [delivery.state for delivery in await street.deliveries()] == ["done"]


async def test_a_commit_that_hangs_past_the_deadline_before_it_began_is_told_busy_and_never_decided(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    await street.arrives()
    slow.hang()
    scanning = asyncio.create_task(street.scan())
    await slow.holds()
    await street.clock.waited_for(3.95)
    street.clock.advance(3.95)
    assert (await in_time(scanning))[0].said == (0, "系统繁忙，请稍后再扫码")
    slow.go_on()
    await street.settled()
    assert (await street.orders(), await street.free()) == ([], 50)
    assert street.barrier().commands == []
    assert (await street.scan()).said == (1, "入场成功")


async def test_a_commit_whose_result_comes_too_late_is_in_doubt_told_2_then_void_and_its_repeat_is_told_so(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    await street.arrives()
    text = street.message()
    slow.answer_late()
    answering = asyncio.create_task(street.send(text))
    await slow.holds()
    await street.clock.waited_for(3.95)
    street.clock.advance(3.95)
    assert (await in_time(answering))[0].said == (2, "正在抬杆，请稍候")
    slow.go_on()
    await street.settled()
    assert (await street.order()).state == "void"
    assert (await street.send(text)).said == (0, "系统繁忙，请稍后再扫码")
    assert street.barrier().commands == []


async def test_a_commit_in_doubt_that_lets_in_under_an_open_arm_is_told_2_and_in_when_it_turns_out_to_exist(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    await street.attendant.hold(LOT_ID, "A1", BY)
    await street.arrives()
    slow.answer_late()
    scanning = asyncio.create_task(street.scan())
    await slow.holds()
    await street.clock.waited_for(3.95)
    street.clock.advance(3.95)
    assert (await in_time(scanning))[0].said == (2, "正在抬杆，请稍候")
    slow.go_on()
    await street.settled()
    assert ((await street.order()).state, await street.free()) == ("in", 49)
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


async def test_a_commit_hangs_for_a_driver_who_is_in_already_and_the_order_stays_in(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    await street.attendant.hold(LOT_ID, "A1", BY)
    await street.enters()
    street.clock.advance(1)
    slow.answer_late()
    scanning = asyncio.create_task(street.scan())
    await slow.holds()
    await street.clock.waited_for(3.95)
    street.clock.advance(3.95)
    assert (await in_time(scanning))[0].state == 2
    slow.go_on()
    await street.settled()
    assert ((await street.order()).state, await street.free()) == ("in", 49)


async def test_the_database_is_gone_so_the_driver_is_told_busy_and_nothing_is_raised(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    await street.arrives()
    street.clock.advance(10)
    slow.gone = True
    said = await street.scan()
    assert (said.status, said.said) == (200, (0, "系统繁忙，请稍后再扫码"))
    slow.gone = False
    street.clock.advance(1)
    await street.settled()
    assert street.barrier().commands == []
    assert (await street.scan()).said == (1, "入场成功")


async def test_the_database_hangs_before_the_key_is_read_and_the_driver_is_answered_in_time(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    await street.arrives()
    street.clock.advance(10)
    slow.hang()
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(0.5)
    street.clock.advance(0.5)
    await street.clock.waited_for(3.45)
    street.clock.advance(3.45)
    assert (await in_time(scanning))[0].said == (0, "系统繁忙，请稍后再扫码")
    slow.go_on()


async def test_commit_2_fails_so_the_answer_is_2_and_the_car_that_passes_is_in(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    street.barrier().mode = Mode.HELD
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    slow.gone = True
    street.barrier().go_on()
    assert (await in_time(scanning))[0].said == (2, "正在抬杆，请稍候")
    slow.gone = False
    await street.watch(after=10)
    await street.passes(car)
    assert (await street.order()).state == "in"


async def test_a_lane_event_that_finds_the_database_gone_is_stored_when_it_is_back(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    car = await street.enters()
    slow.gone = True
    reporting = asyncio.create_task(street.backs_out(car))
    await street.clock.waited_for(0.5)
    slow.gone = False
    street.clock.advance(0.5)
    await in_time(reporting)
    assert (await street.order()).state == "void"


async def test_a_waiting_order_is_released_by_one_process_and_known_to_the_other(
    database: Database, new_parking: NewParking
) -> None:
    street = await new_parking()
    other = await new_parking(clock=street.clock, process="q")
    await street.arrives("A3")
    await street.scan("EA47829", "A3")
    await other.attendant.release(LOT_ID, "A3", BY)
    assert (await street.scan("EA47829", "A3")).said == (1, "入场成功")
    with pytest.raises(NobodyWaits):
        await street.attendant.release(LOT_ID, "A3", BY)


async def test_an_event_that_another_process_stored_first_wakes_those_who_wait_here(
    new_parking: NewParking,
) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_PASSAGE])])
    other = await new_parking(lots=[lot_with(lanes=[BY_PASSAGE])], clock=street.clock, process="q")
    holding = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.0)
    await other.arrives(presence_id="car")
    await street.arrives(presence_id="car")
    await street.clock.waited_for(3.7)
    await other.passes("car")
    await street.passes("car")
    assert (await in_time(holding))[0].said == (1, "入场成功")
    assert street.clock.monotonic() == 0
    assert timedelta(0) == (await street.order()).in_at - street.clock.now()  # type: ignore[operator]


async def test_an_order_that_cannot_be_settled_is_set_aside_with_an_alarm_and_holds_up_no_other(
    new_parking: NewParking,
) -> None:
    street = await new_parking(lots=[lot_with(), lot_with(park_id="2")])
    other = lot_with(park_id="2").lot_id
    for lot_id in (LOT_ID, other):
        await street.arrives("A3", lot_id)
        await street.scan(f"WAITS{lot_id[-1]}", "A3", park_id=lot_id.partition("-")[2])
    await not_confirmed(street, "A4", Mode.MUTE)
    broken = (await street.order()).order_id
    # its 3.1 cannot be kept: the database takes no second delivery of that section
    at = {"created_at": street.clock.now(), "next_at": street.clock.now()}
    there = {"lot_id": "gone", "section": "3.1", "payload": "{}", "state": "done", **at}
    await street.database.write(lambda conn: conn.execute(sa.insert(t.deliveries).values(there)))
    await street.database.write(lambda conn: conn.execute(sa.text("CREATE UNIQUE INDEX once ON deliveries (section)")))

    async def states() -> dict[str, str]:
        rows = await street.database.read(lambda conn: conn.execute(sa.select(t.orders.c.order_id, t.orders.c.state)))
        return {row.order_id: row.state for row in rows}

    await street.watch(after=3600)
    said = await states()
    assert said.pop(broken) == "waiting"
    assert list(said.values()) == ["void", "void"]
    assert await street.alarm_kinds() == ["not_settled"]

    await street.watch(after=60)
    assert await street.alarm_kinds() == ["not_settled"]  # not once a second
    await street.database.write(lambda conn: conn.execute(sa.text("DROP INDEX once")))
    await street.watch(after=SET_ASIDE_FOR)
    assert (await states())[broken] == "in"
