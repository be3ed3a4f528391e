"""The table of situations, row by row: a scan meets the lane, the lot, the driver."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from lot.conftest import NewParking
from support.clock import ManualClock
from support.databases.troubled import TroubledDatabase
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT_ID, SEES_ALL, Parking, in_time, lot_with
from taigan.barriers.barrier import EventKind, Position
from taigan.lot.policy import Policy, Reentry
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t
from taigan.storage.database import Database


async def test_lane_ready_car_on_the_loop_confirmed_is_told_success_and_raised_once(street: Parking) -> None:
    await street.arrives()
    said = await street.scan("EA47829")
    assert (said.status, said.said, said.car_number) == (200, (1, "入场成功"), "EA47829")
    order = await street.order()
    assert (order.state, order.channel_id, await street.free()) == ("in", "A1", 49)
    assert street.barrier().lifts == 1
    await street.deliver()
    entry = (await street.bolink.received("3.1")).data
    assert (entry["car_number"], entry["order_id"], entry["in_channel_id"]) == ("EA47829", order.order_id, "A1")
    assert (entry["car_cost_type"], entry["empty_plot"]) == (4, 49)
    assert entry["in_time"] == said.timetemp


async def test_the_same_message_again_within_24_h_gets_the_first_answer_byte_for_byte(street: Parking) -> None:
    await street.arrives()
    text = street.message()
    first = await street.send(text)
    street.clock.advance(86_400)
    again = await street.send(text)
    assert again.body == first.body
    assert street.barrier().lifts == 1
    assert len(await street.orders()) == 1


async def test_the_same_message_again_after_a_refusal_gets_the_refusal_again(street: Parking) -> None:
    street.barrier().mode = Mode.FAULT
    await street.arrives()
    text = street.message()
    first = await street.send(text)
    street.barrier().mode = Mode.OK
    street.clock.advance(60)
    assert (await street.send(text)).body == first.body
    assert street.barrier().lifts == 0


async def test_the_same_message_while_the_first_is_worked_on_waits_for_its_answer(street: Parking) -> None:
    street.barrier().mode = Mode.HELD
    await street.arrives()
    text = street.message()
    first = asyncio.create_task(street.send(text))
    await street.barrier().commanded()
    again = asyncio.create_task(street.send(text))
    await street.clock.waited_for(4.0)
    street.barrier().go_on()
    one, other = await in_time(first, again)
    assert one.body == other.body
    assert one.state == 1
    assert street.barrier().lifts == 1


async def test_the_same_message_while_the_first_is_worked_on_is_told_2_at_its_own_4_s(street: Parking) -> None:
    street.barrier().mode = Mode.SILENT
    await street.arrives()
    text = street.message()
    first = asyncio.create_task(street.send(text))
    await street.barrier().commanded()
    street.clock.advance(1.0)
    again = asyncio.create_task(street.send(text))
    await street.clock.waited_for(4.0)
    street.clock.advance(2.7)
    assert (await first).said == (2, "正在抬杆，请稍候")
    assert (await in_time(again))[0].said == (2, "正在抬杆，请稍候")


async def test_the_same_message_after_24_h_is_refused_as_stale_with_an_alarm(street: Parking) -> None:
    car = await street.arrives()
    text = street.message()
    await street.send(text)
    await street.passes(car)
    street.clock.advance(86_401)
    said = await street.send(text)
    assert said.said == (0, "请求已失效，请重新扫码")
    assert await street.alarm_kinds() == ["stale_message"]
    assert street.barrier().lifts == 1


async def test_messages_are_forgotten_with_their_key(street: Parking) -> None:
    await street.enters()
    await street.update(t.vendor_keys, valid_until=street.clock.now())
    street.clock.advance(86_401)
    await street.tidy()
    assert not await street.row(t.inbox.select())


@pytest.mark.parametrize("later", [1, 90_000])
async def test_own_order_in_and_its_car_not_yet_seen_to_pass_gets_the_first_result_at_any_age(
    street: Parking, later: int
) -> None:
    await street.enters()
    street.clock.advance(later)
    assert (await street.scan()).said == (1, "入场成功")
    assert street.barrier().lifts == 1  # the arm is still up
    assert len(await street.orders()) == 1


async def test_own_order_in_scans_again_and_the_arm_is_down_with_the_car_on_the_loop_so_it_is_raised_again(
    street: Parking,
) -> None:
    await street.enters()
    await street.barrier().report(EventKind.DOWN)
    assert (await street.scan()).said == (1, "入场成功")
    assert street.barrier().lifts == 2
    assert [lift.cause for lift in await street.lifts()] == ["scan", "again"]


async def test_own_order_in_scans_again_and_its_car_is_not_on_the_loop_so_the_arm_stays(street: Parking) -> None:
    await street.enters()
    await street.barrier().report(EventKind.DOWN)
    await street.update(t.presences, left_at=street.clock.now(), left_how="assumed")
    assert (await street.scan()).said == (1, "入场成功")
    assert street.barrier().lifts == 1


@pytest.mark.parametrize("why", ["held by the device", "held by a person", "not reached", "falling"])
async def test_own_order_in_scans_again_and_the_arm_is_raised_only_for_its_car_under_a_closed_arm(
    street: Parking, why: str
) -> None:
    await street.enters()
    await street.barrier().report(EventKind.DOWN)
    state = street.barrier().state
    match why:
        case "held by the device":
            state.held = True
        case "held by a person":
            await street.update(t.lanes, held=True)
        case "not reached":
            state.online = False
        case "falling":
            state.position = Position.FALLING
    assert (await street.scan()).said == (1, "入场成功")
    assert street.barrier().lifts == 1
    assert "scanned_again" not in await street.alarm_kinds()


async def test_own_order_in_scans_again_where_no_position_is_reported_so_the_attendant_is_called(
    street: Parking,
) -> None:
    assert (await street.scan("EA47829", "A4")).state == 1
    assert (await street.scan("EA47829", "A4")).said == (1, "入场成功")
    assert street.barrier("A4").lifts == 1
    assert await street.alarm_kinds() == ["scanned_again"]


async def test_an_order_that_scans_again_is_named_in_the_alarm_and_in_its_history(street: Parking) -> None:
    await street.scan("EA47829", "A4")
    await street.scan("EA47829", "A4")
    [alarm] = await street.alarms()
    assert (alarm.order_id, alarm.channel_id) == ((await street.order()).order_id, "A4")
    await street.enters("FG58391", "A1")
    await street.barrier().report(EventKind.DOWN)
    await street.scan("FG58391", "A1")
    events = (await street.history(await street.order("FG58391"))).events
    assert [(one.event, one.detail) for one in events if one.event == "scanned again"] == [
        ("scanned again", "the arm is down, the car on the loop")
    ]


async def test_own_order_in_scans_again_and_the_arm_refuses_so_the_order_stays_in(street: Parking) -> None:
    await street.enters()
    await street.barrier().report(EventKind.DOWN)
    street.barrier().mode = Mode.FAULT
    assert (await street.scan()).said == (1, "入场成功")
    assert (await street.order()).state == "in"


async def test_own_order_waiting_and_a_new_scan_in_that_lane_gets_2_with_the_same_text(street: Parking) -> None:
    await street.arrives("A3")
    first = await street.scan("EA47829", "A3")
    street.clock.advance(30)
    assert (await street.scan("EA47829", "A3")).said == first.said == (2, "请等待管理员放行")
    assert len(await street.orders()) == 1


async def test_own_order_waiting_and_a_scan_in_another_lane_is_refused_naming_the_first_lane(street: Parking) -> None:
    await street.arrives("A3")
    await street.arrives("A1")
    await street.scan("EA47829", "A3")
    assert (await street.scan("EA47829", "A1")).said == (0, "您已在A3车道扫码，请在该车道入场")
    assert street.barrier("A1").lifts == 0


async def test_licence_with_an_order_in_whose_car_has_passed_supersedes_it_by_default(street: Parking) -> None:
    await street.passes(await street.enters())
    street.clock.advance(7200)
    await street.arrives("A2")
    assert (await street.scan("EA47829", "A2")).said == (1, "入场成功")
    old, new = await street.orders()
    assert (old.state, old.superseded_by, old.closed_why) == ("abandoned", new.order_id, "superseded")
    assert old.review
    assert (new.state, await street.free()) == ("in", 49)


async def test_licence_with_an_order_in_whose_car_has_passed_supersedes_it_even_in_a_full_lot(
    new_parking: NewParking,
) -> None:
    street = await new_parking(lots=[lot_with(spaces=1)])
    await street.passes(await street.enters())
    await street.arrives()
    assert (await street.scan()).said == (1, "入场成功")
    assert await street.free() == 0


async def test_licence_with_an_order_in_whose_car_has_passed_is_refused_when_reentry_says_refuse(
    new_parking: NewParking,
) -> None:
    street = await new_parking(policy=Policy(reentry=Reentry.REFUSE))
    await street.passes(await street.enters())
    await street.arrives()
    assert (await street.scan()).said == (0, "该车已在场")
    assert [order.state for order in await street.orders()] == ["in"]


@pytest.mark.parametrize("reentry", list(Reentry))
async def test_licence_in_the_lot_now_with_another_pay_user_id_is_refused_whatever_reentry_says(
    new_parking: NewParking, reentry: Reentry
) -> None:
    street = await new_parking(policy=Policy(reentry=reentry))
    car = await street.arrives()
    await street.scan(pay_user_id="openid-1")
    await street.passes(car)
    before = await street.orders()
    await street.arrives("A2")
    assert (await street.scan("EA47829", "A2", pay_user_id="openid-2")).said == (0, "该车已在场，请联系管理员")
    assert await street.orders() == before
    assert await street.alarm_kinds() == ["other_driver"]


@pytest.mark.parametrize(("first", "second"), [("", "openid-2"), ("openid-1", ""), ("openid-1", "openid-1"), ("", "")])
async def test_licence_in_the_lot_whose_pay_user_id_is_unknown_or_the_same_is_the_same_driver(
    street: Parking, first: str, second: str
) -> None:
    await street.arrives()
    assert (await street.scan(pay_user_id=first)).state == 1
    assert (await street.scan(pay_user_id=second)).said == (1, "入场成功")
    assert await street.alarm_kinds() == []


async def test_no_car_on_the_loop_is_held_for_presence_grace_and_goes_on_when_the_car_arrives(street: Parking) -> None:
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.0)
    street.clock.advance(2.0)
    car = await street.arrives()
    assert (await in_time(scanning))[0].said == (1, "入场成功")
    assert (await street.order()).presence_id == car


async def test_no_car_on_the_loop_after_presence_grace_is_told_to_drive_up(street: Parking) -> None:
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.0)
    street.clock.advance(3.0)
    assert (await in_time(scanning))[0].said == (0, "未检测到车辆，请驶入车道后再扫码")
    assert not await street.orders()


async def test_no_car_on_the_loop_is_held_no_longer_than_half_a_second_before_the_answer_is_due(
    new_parking: NewParking,
) -> None:
    street = await new_parking(policy=Policy(answer_within=2.0))
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(1.5)
    street.clock.advance(1.5)
    assert (await in_time(scanning))[0].said == (0, "未检测到车辆，请驶入车道后再扫码")


async def test_no_car_on_the_loop_is_held_and_what_its_device_says_by_then_counts(street: Parking) -> None:
    barrier = street.barrier()
    for position, commands in ((Position.OPEN, 0), (Position.CLOSED, 1)):
        barrier.state.position = Position.FALLING
        scanning = asyncio.create_task(street.scan())
        await street.clock.waited_for(3.0)
        barrier.state.position = position
        car = await street.arrives()
        assert (await in_time(scanning))[0].state == 1
        assert len(barrier.commands) == commands
        await street.passes(car)
    scanning = asyncio.create_task(street.scan("FG58391"))
    await street.clock.waited_for(3.0)
    barrier.state.online = False
    await street.arrives()
    assert (await in_time(scanning))[0].said == (0, "道闸故障，请联系管理员")
    scanning = asyncio.create_task(street.scan("FG58391", "A2"))
    await street.clock.waited_for(3.0)
    street.barrier("A2").state.held = True
    await street.arrives("A2")
    assert (await in_time(scanning))[0].said == (1, "入场成功，请通行")


async def test_no_car_on_the_loop_of_a_lane_that_is_not_reached_is_told_so_at_once(street: Parking) -> None:
    street.barrier().state.online = False
    assert (await in_time(street.scan()))[0].said == (0, "道闸故障，请联系管理员")


async def test_code_of_another_empty_lane_scanned_names_that_lane(street: Parking) -> None:
    await street.arrives("A2")
    scanning = asyncio.create_task(street.scan("EA47829", "A1"))
    await street.clock.waited_for(3.0)
    street.clock.advance(3.0)
    assert (await in_time(scanning))[0].said == (0, "A1未检测到车辆，请扫描所在车道的二维码")


async def test_code_of_an_empty_lane_scanned_where_the_other_cars_are_served_or_at_an_exit_names_no_lane(
    street: Parking,
) -> None:
    await street.enters("AAAAAAA", "A2")
    await street.arrives("B1")
    scanning = asyncio.create_task(street.scan("EA47829", "A1"))
    await street.clock.waited_for(3.0)
    street.clock.advance(3.0)
    assert (await in_time(scanning))[0].said == (0, "未检测到车辆，请驶入车道后再扫码")


async def test_nose_to_tail_with_the_loop_never_free_each_car_is_let_in_once_the_first_has_passed(
    street: Parking,
) -> None:
    first = await street.enters("AAAAAAA")
    await street.barrier().report(EventKind.PASSED, first)
    second = await street.arrives()
    street.barrier().state.position = Position.FALLING
    assert (await street.scan("BBBBBBB")).state == 2  # never while the arm comes down
    assert street.barrier().lifts == 1
    await street.barrier().report(EventKind.DOWN)
    await street.settled()
    assert street.barrier().lifts == 2
    assert [(x.licence, x.state, x.presence_id) for x in await street.orders()] == [
        ("AAAAAAA", "in", first),
        ("BBBBBBB", "in", second),
    ]


async def test_nose_to_tail_the_second_cannot_scan_before_the_first_has_passed(street: Parking) -> None:
    await street.enters("AAAAAAA")
    assert (await street.scan("BBBBBBB")).said == (0, "车道正在处理其他车辆，请稍候")


async def test_a_second_car_follows_on_one_lift_and_takes_a_space_with_an_alarm(street: Parking) -> None:
    car = await street.enters()
    await street.barrier().report(EventKind.PASSED, car)
    event = await street.barrier().report(EventKind.SECOND_CAR, "follower")
    await street.barrier().repeat(event)
    assert await street.free() == 48
    assert await street.alarm_kinds() == ["tailgating"]
    assert [(c.cause, c.reason) for c in await street.row(t.space_changes.select())] == [("pass", "跟车")]
    assert len(await street.orders()) == 1


async def test_a_second_car_that_follows_with_an_order_of_its_own_goes_in_on_that_without_an_alarm(
    street: Parking,
) -> None:
    first = await street.enters("AAAAAAA", "A1")
    await street.barrier().report(EventKind.PASSED, first)
    second = await street.arrives()
    street.barrier().state.position = Position.FALLING
    assert (await street.scan("BBBBBBB")).state == 2
    await street.barrier().report(EventKind.SECOND_CAR, second)
    order = await street.order("BBBBBBB")
    assert (order.state, order.passed_at is not None, await street.free()) == ("in", True, 48)
    assert await street.alarm_kinds() == []


async def test_a_second_car_told_to_drive_on_under_the_open_arm_is_no_tailgater(street: Parking) -> None:
    first = await street.enters("AAAAAAA", "A1")
    street.barrier().state.position = Position.OPEN
    await street.barrier().report(EventKind.PASSED, first)
    second = await street.arrives()
    assert (await street.scan("BBBBBBB")).said == (1, "入场成功，请通行")
    await street.barrier().report(EventKind.SECOND_CAR, second)
    assert (await street.order("BBBBBBB")).passed_at is not None
    assert (street.barrier().lifts, await street.free(), await street.alarm_kinds()) == (1, 48, [])


async def test_lane_without_a_detector_is_let_in_once_and_the_claim_ends_after_lane_hold(street: Parking) -> None:
    assert (await street.scan("AAAAAAA", "A4")).said == (1, "入场成功")
    assert (await street.scan("BBBBBBB", "A4")).said == (0, "车道正在处理其他车辆，请稍候")
    street.clock.advance(15)
    assert (await street.scan("BBBBBBB", "A4")).said == (1, "入场成功")
    assert street.barrier("A4").lifts == 2
    assert (await street.order("AAAAAAA")).passed_at is not None
    await street.deliver()
    assert [upload.data["car_number"] for upload in street.bolink.of("3.1")] == ["AAAAAAA", "BBBBBBB"]


@pytest.mark.parametrize(("after", "state"), [(14.999, 0), (15, 1), (15.001, 1), (3600, 1)])
async def test_lane_without_a_detector_is_kept_for_a_driver_for_lane_hold_and_no_longer(
    street: Parking, after: float, state: int
) -> None:
    await street.scan("AAAAAAA", "A4")
    street.clock.advance(after)
    assert (await street.scan("BBBBBBB", "A4")).state == state
    first = await street.order("AAAAAAA")
    assert (first.state, first.passed_at is not None) == ("in", state == 1)


async def test_lane_without_a_detector_whose_driver_waits_for_the_attendant_has_not_driven_through(
    new_parking: NewParking,
) -> None:
    lane = LaneSetup(channel_id="A4", policy="attendant", detector=False, barrier={"sight": "ack"})
    street = await new_parking(lots=[lot_with(lanes=[lane])])
    await street.scan("AAAAAAA", "A4")
    street.clock.advance(16)
    assert (await street.scan("BBBBBBB", "A4")).state == 2
    assert [(x.state, x.passed_at) for x in await street.orders()] == [("waiting", None)] * 2


async def test_lane_without_a_detector_is_free_again_by_the_watch_alone(street: Parking) -> None:
    await street.scan("AAAAAAA", "A4")
    await street.watch(after=15.1)
    assert (await street.order("AAAAAAA")).passed_at is not None
    assert not [row for row in await street.row(t.presences.select()) if row.left_at is None]


async def test_lane_without_a_detector_a_refused_scan_claims_nothing(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(spaces=1)])
    await street.enters("AAAAAAA", "A1")
    assert (await street.scan("BBBBBBB", "A4")).said == (0, "车位已满")
    assert [row.presence_id for row in await street.row(t.presences.select())] == ["car-p0001"]


async def test_lane_without_a_detector_whose_barrier_rejected_is_held_anew_by_the_next_scan(street: Parking) -> None:
    street.barrier("A4").mode = Mode.FAULT
    assert (await street.scan("AAAAAAA", "A4")).state == 0
    street.barrier("A4").mode = Mode.OK
    street.clock.advance(14)
    assert (await street.scan("BBBBBBB", "A4")).state == 1
    await street.watch(after=2)
    assert (await street.scan("CCCCCCC", "A4")).said == (0, "车道正在处理其他车辆，请稍候")


async def test_loop_stuck_on_waits_for_the_attendant_with_an_alarm(street: Parking) -> None:
    await street.arrives()
    street.clock.advance(601)
    assert (await street.scan()).said == (2, "请等待管理员放行")
    assert await street.alarm_kinds() == ["loop_fault"]
    assert street.barrier().lifts == 0
    await street.attendant.release(LOT_ID, "A1", BY)
    assert (await street.order()).state == "in"
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


@pytest.mark.parametrize(("lit", "state"), [(599, 1), (600, 1), (600.001, 2)])
async def test_loop_lit_for_longer_than_loop_stuck_after_is_stuck(street: Parking, lit: float, state: int) -> None:
    await street.arrives()
    street.clock.advance(lit)
    assert (await street.scan()).state == state
    assert await street.alarm_kinds() == (["loop_fault"] if state == 2 else [])


async def test_loop_stuck_on_under_a_car_that_was_let_in_keeps_the_lane_until_it_is_stuck(street: Parking) -> None:
    await street.enters("AAAAAAA")
    await street.barrier().report(EventKind.DOWN)
    street.clock.advance(600)
    assert (await street.scan("BBBBBBB")).said == (0, "车道正在处理其他车辆，请稍候")


async def test_loop_stuck_on_under_a_car_that_was_let_in_does_not_close_the_lane(street: Parking) -> None:
    await street.enters("AAAAAAA")
    await street.barrier().report(EventKind.DOWN)
    street.clock.advance(601)
    assert (await street.scan("BBBBBBB")).said == (2, "请等待管理员放行")
    assert (await street.order("BBBBBBB")).state == "waiting"


async def test_loop_dead_since_a_car_passed_whose_loop_never_lit_waits_for_the_attendant_with_an_alarm(
    street: Parking,
) -> None:
    await street.attendant.open(LOT_ID, "A1", BY)
    await street.passes("never-seen")
    assert await street.alarm_kinds() == ["loop_fault"]
    assert (await street.scan()).said == (2, "请等待管理员放行")
    assert await street.alarm_kinds() == ["loop_fault", "loop_fault"]
    await street.attendant.release(LOT_ID, "A1", BY)
    await street.passes("never-seen-either")
    order = await street.order()
    assert (order.state, order.passed_at is not None) == ("in", True)
    assert await street.free() == 48


async def test_loop_dead_two_cars_whose_loop_never_lit_pass_in_their_order(street: Parking) -> None:
    await street.attendant.open(LOT_ID, "A1", BY)
    await street.passes("ghost-0")
    assert (await street.scan("AAAAAAA")).state == 2
    street.clock.advance(1)
    assert (await street.scan("BBBBBBB")).state == 2
    await street.attendant.hold(LOT_ID, "A1", BY)
    barrier = street.barrier()
    await in_time(barrier.report(EventKind.PASSED, "ghost-1"), barrier.report(EventKind.PASSED, "ghost-2"))
    assert [(x.licence, x.state, x.passed_at is not None) for x in await street.orders()] == [
        ("AAAAAAA", "in", True),
        ("BBBBBBB", "in", True),
    ]
    assert await street.free() == 47


async def test_loop_dead_is_alive_again_when_it_lights(street: Parking) -> None:
    await street.passes("never-seen")
    await street.arrives()
    assert (await street.scan()).said == (1, "入场成功")


async def test_unknown_channel_is_refused_with_its_own_text(street: Parking) -> None:
    assert (await street.scan("EA47829", "A9")).said == (0, "车道不存在，请联系管理员")


async def test_exit_lane_is_refused_with_its_own_text(street: Parking) -> None:
    assert (await street.scan("EA47829", "B1")).said == (0, "此处为出口，请到入口扫码")


async def test_lane_closed_is_refused_with_its_own_text(street: Parking) -> None:
    await street.attendant.set_lane(LOT_ID, "A1", {"is_open": False}, BY)
    await street.arrives()
    assert (await street.scan()).said == (0, "车道已关闭，请走其他入口")


@pytest.mark.parametrize(
    ("hours", "local", "is_open"),
    [
        ("07:00-22:00", "06:59", False),
        ("07:00-22:00", "07:00", True),
        ("07:00-22:00", "21:59", True),
        ("07:00-22:00", "22:00", False),
        ("22:00-06:00", "23:59", True),
        ("22:00-06:00", "00:00", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("22:00-06:00", "21:59", False),
        ("00:00-24:00", "23:59", True),
    ],
)
async def test_lane_closed_by_its_hours_in_the_lots_time_zone_over_midnight_too(
    new_parking: NewParking, hours: str, local: str, is_open: bool
) -> None:
    hour, minute = map(int, local.split(":"))
    in_kathmandu = datetime(2026, 5, 4, hour, minute, tzinfo=UTC).timestamp() - (5 * 60 + 45) * 60
    clock = ManualClock(datetime.fromtimestamp(in_kathmandu, UTC))
    lane = LaneSetup(channel_id="A1", hours=hours, barrier=SEES_ALL)
    street = await new_parking(clock=clock, lots=[lot_with(lanes=[lane], time_zone="Asia/Kathmandu")])
    await street.arrives()
    said = await street.scan()
    assert said.said == ((1, "入场成功") if is_open else (0, f"车道开放时间为{hours}"))


async def test_emergency_open_refuses_scans_leaves_the_barrier_and_counts_passes(street: Parking) -> None:
    await street.attendant.set_emergency(LOT_ID, True, BY)
    car = await street.arrives()
    assert (await street.scan()).said == (0, "车场紧急状态，请听从现场指挥")
    assert street.barrier().commands == []
    await street.passes(car)
    assert await street.free() == 49
    assert [change.reason for change in await street.row(t.space_changes.select())] == ["emergency"]
    assert await street.alarm_kinds() == []
    await street.attendant.set_emergency(LOT_ID, False, BY)
    await street.arrives()
    assert (await street.scan()).state == 1


@pytest.mark.parametrize("held", [False, True])
async def test_arm_open_or_held_open_lets_in_without_a_pulse(street: Parking, held: bool) -> None:
    await (street.attendant.hold if held else street.attendant.open)(LOT_ID, "A1", BY)
    car = await street.arrives()
    assert (await street.scan()).said == (1, "入场成功，请通行")
    assert len(street.barrier().commands) == 1
    assert (await street.order()).state == "in"
    await street.passes(car)
    assert await street.free() == 49
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


async def test_arm_that_still_rises_lets_in_without_a_second_pulse(street: Parking) -> None:
    await street.attendant.open(LOT_ID, "A1", BY)
    street.barrier().state.position = Position.RISING
    await street.arrives()
    assert (await street.scan()).said == (1, "入场成功，请通行")
    assert (len(street.barrier().commands), (await street.order()).state) == (1, "in")


async def test_arm_held_open_where_no_position_is_reported_lets_in_without_a_pulse(street: Parking) -> None:
    await street.attendant.hold(LOT_ID, "A4", BY)
    assert (await street.scan("EA47829", "A4")).said == (1, "入场成功，请通行")
    assert len(street.barrier("A4").commands) == 1


async def test_arm_that_only_its_device_knows_to_be_held_lets_in_without_a_pulse(street: Parking) -> None:
    await street.arrives()
    street.barrier().state.held = True
    assert (await street.scan()).said == (1, "入场成功，请通行")
    assert street.barrier().commands == []


async def test_arm_falling_waits_and_is_raised_after_closed_is_reported(street: Parking) -> None:
    await street.arrives()
    await street.barrier().report(EventKind.FALLING)
    assert (await street.scan()).said == (2, "请等待管理员放行")
    assert street.barrier().lifts == 0
    await street.barrier().report(EventKind.DOWN)
    await street.settled()
    assert street.barrier().lifts == 1
    assert (await street.order()).state == "in"
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


async def test_arm_falling_that_is_down_before_the_order_is_written_is_raised_all_the_same(
    database: Database, new_parking: NewParking
) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    await street.arrives()
    await street.barrier().report(EventKind.FALLING)
    slow.hang()
    scanning = asyncio.create_task(street.scan())
    await slow.holds()
    street.barrier().state.position = Position.CLOSED  # its report finds no order that waits
    slow.go_on()
    assert (await in_time(scanning))[0].state == 2
    await street.settled()
    assert street.barrier().lifts == 1
    assert (await street.order()).state == "in"


async def test_arm_position_unknown_after_a_power_cut_waits_and_the_attendant_can_release(street: Parking) -> None:
    await street.arrives()
    street.barrier().state.position = Position.UNKNOWN
    assert (await street.scan()).said == (2, "请等待管理员放行")
    await street.attendant.release(LOT_ID, "A1", BY)
    assert (await street.order()).state == "in"
    assert street.barrier().lifts == 1


async def test_arm_falling_in_a_lane_that_needs_an_attendant_waits_for_the_attendant(street: Parking) -> None:
    await street.arrives("A3")
    await street.barrier("A3").report(EventKind.FALLING)
    assert (await street.scan("EA47829", "A3")).said == (2, "请等待管理员放行")
    await street.barrier("A3").report(EventKind.DOWN)
    await street.settled()
    assert street.barrier("A3").lifts == 0


async def test_lot_full_is_refused(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(spaces=1)])
    await street.passes(await street.enters("AAAAAAA"))
    await street.arrives()
    assert (await street.scan("BBBBBBB")).said == (0, "车位已满")
    assert await street.free() == 0


async def test_lot_with_one_space_left_lets_one_more_in(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(spaces=2)])
    await street.passes(await street.enters("AAAAAAA"))
    await street.arrives()
    assert (await street.scan("BBBBBBB")).state == 1
    await street.arrives("A2")
    assert (await street.scan("CCCCCCC", "A2")).said == (0, "车位已满")


async def test_lot_full_under_an_arm_that_is_held_open_is_refused_all_the_same(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(spaces=1)])
    await street.passes(await street.enters("AAAAAAA"))
    await street.attendant.hold(LOT_ID, "A1", BY)
    await street.arrives()
    assert (await street.scan("BBBBBBB")).said == (0, "车位已满")


@pytest.mark.parametrize(
    ("kind", "value"), [("licence", "EA47829"), ("pay_user_id", "openid-1"), ("mobile", "13800000000")]
)
async def test_driver_blocked_by_licence_pay_user_id_or_mobile_is_refused(
    street: Parking, kind: str, value: str
) -> None:
    blocked_id = await street.attendant.block(LOT_ID, kind, value, BY)
    await street.arrives()
    scan = {"pay_user_id": "openid-1", "mobile_number": "13800000000"}
    assert (await street.scan(**scan)).said == (0, "禁止入场，请联系管理员")
    await street.attendant.unblock(LOT_ID, blocked_id, BY)
    assert (await street.scan(**scan)).state == 1


@pytest.mark.parametrize("kind", ["licence", "pay_user_id", "mobile"])
async def test_a_block_concerns_the_driver_of_whom_it_is_and_what_it_names(street: Parking, kind: str) -> None:
    """What is blocked as a licence says nothing of a phone of that number."""
    values = {"licence": "EA47829", "pay_user_id": "openid-1", "mobile": "13800000000"}
    await street.attendant.block(LOT_ID, kind, "FG58391", BY)
    for other, value in values.items():
        if other != kind:
            await street.attendant.block(LOT_ID, kind, value, BY)
    await street.arrives()
    assert (await street.scan(pay_user_id="openid-1", mobile_number="13800000000")).state == 1


async def test_the_orders_id_that_a_request_names_is_taken_unless_another_order_has_it(street: Parking) -> None:
    await street.arrives("A1")
    await street.arrives("A2")
    both = await in_time(street.scan("AAAAAAA", "A1", order_id="X1"), street.scan("BBBBBBB", "A2", order_id="X1"))
    assert [said.state for said in both] == [1, 1]
    names = {order.licence: order.order_id for order in await street.orders()}
    assert len(set(names.values())) == 2
    assert "X1" in names.values()
    await street.passes("car-p0001")
    await street.arrives("A1")
    await street.scan("CCCCCCC", "A1", order_id="X1")
    assert (await street.order("CCCCCCC")).order_id not in names.values()


async def test_more_than_scan_limit_scans_by_one_driver_without_a_pass_are_sent_to_the_attendant(
    new_parking: NewParking,
) -> None:
    street = await new_parking(policy=Policy(presence_grace=0))
    for _ in range(5):
        assert (await street.scan()).said == (0, "未检测到车辆，请驶入车道后再扫码")
    assert (await street.scan()).said == (0, "请联系管理员")
    assert await street.alarm_kinds() == ["scan_limit"]
    assert (await street.scan("OTHER01")).said == (0, "未检测到车辆，请驶入车道后再扫码")


async def test_scans_that_were_held_for_their_car_count_once_towards_scan_limit(street: Parking) -> None:
    for _ in range(5):
        scanning = asyncio.create_task(street.scan())
        await street.clock.waited_for(3.0)
        street.clock.advance(3.0)
        assert (await in_time(scanning))[0].said == (0, "未检测到车辆，请驶入车道后再扫码")
    assert await street.alarm_kinds() == []


async def test_a_pass_begins_the_count_of_scans_anew(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(presence_grace=0, scan_limit=2))
    await street.scan()
    await street.passes(await street.enters())
    await street.closes((await street.order()).order_id)
    for _ in range(2):
        assert (await street.scan()).said == (0, "未检测到车辆，请驶入车道后再扫码")
    assert (await street.scan()).said == (0, "请联系管理员")


async def test_after_scan_window_without_a_scan_the_count_begins_anew(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(presence_grace=0, scan_limit=1))
    await street.scan()
    assert (await street.scan()).said == (0, "请联系管理员")
    street.clock.advance(3601)
    assert (await street.scan()).said == (0, "未检测到车辆，请驶入车道后再扫码")


@pytest.mark.parametrize(("after", "anew"), [(3599, False), (3600, True), (3601, True)])
async def test_scan_window_is_counted_from_the_last_scan(new_parking: NewParking, after: float, anew: bool) -> None:
    street = await new_parking(policy=Policy(presence_grace=0, scan_limit=2))
    for _ in range(2):
        street.clock.advance(3000)
        await street.scan()
    street.clock.advance(after)
    assert (await street.scan()).said == ((0, "未检测到车辆，请驶入车道后再扫码") if anew else (0, "请联系管理员"))
    street.clock.advance(1)
    assert ((await street.scan()).said == (0, "请联系管理员")) is not anew


async def test_scan_limit_counts_each_lot_for_itself(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(), lot_with(park_id="9")], policy=Policy(presence_grace=0, scan_limit=1))
    for park_id in ("7", "9"):
        assert (await street.scan(park_id=park_id)).said == (0, "未检测到车辆，请驶入车道后再扫码")
        assert (await street.scan(park_id=park_id)).said == (0, "请联系管理员")


async def test_lane_needs_an_attendant_waits_and_is_raised_on_release(street: Parking) -> None:
    await street.arrives("A3")
    assert (await street.scan("EA47829", "A3")).said == (2, "请等待管理员放行")
    assert (street.barrier("A3").lifts, (await street.order()).state, await street.free()) == (0, "waiting", 49)
    lift = await street.attendant.release(LOT_ID, "A3", BY)
    assert (lift.actor, lift.reason, lift.cause, lift.outcome) == (BY.operator, BY.reason, "release", "accepted")
    assert street.barrier("A3").lifts == 1
    await street.deliver()
    entry = (await street.bolink.received("3.1")).data
    assert entry["empty_plot"] == 49


async def test_lane_needs_an_attendant_and_is_refused_so_the_order_is_void(street: Parking) -> None:
    await street.arrives("A3")
    await street.scan("EA47829", "A3")
    order = await street.attendant.refuse(LOT_ID, "A3", BY)
    assert (order.state, await street.free()) == ("void", 50)
    assert street.barrier("A3").lifts == 0
    await street.deliver()
    assert street.bolink.of("3.1") == []


async def test_lane_needs_an_attendant_and_nobody_comes_within_release_timeout_so_the_order_is_void(
    street: Parking,
) -> None:
    await street.arrives("A3")
    await street.scan("EA47829", "A3")
    await street.watch(after=180)
    assert (await street.order()).state == "waiting"
    await street.watch(after=0.001)
    assert ((await street.order()).state, await street.free()) == ("void", 50)


async def test_barrier_rejects_so_the_driver_is_told_and_the_order_is_void_with_an_alarm(street: Parking) -> None:
    street.barrier().mode = Mode.FAULT
    await street.arrives()
    assert (await street.scan()).said == (0, "道闸故障，请联系管理员")
    assert ((await street.order()).state, await street.free()) == ("void", 50)
    assert [(a.kind, a.text) for a in await street.alarms()] == [("barrier_fault", "the arm is blocked")]
    await street.deliver()
    assert street.bolink.uploads == []


async def test_barrier_reports_a_fault_while_it_is_raised_so_the_driver_is_told_and_the_order_is_void(
    street: Parking,
) -> None:
    street.barrier().mode = Mode.SILENT
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    fault = await street.barrier().report(EventKind.FAULT, detail="motor")
    await street.barrier().repeat(fault)
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].said == (0, "道闸故障，请联系管理员")
    assert ((await street.order()).state, await street.free()) == ("void", 50)
    assert await street.alarm_kinds() == ["barrier_fault"]


async def test_barrier_that_is_not_reached_refuses_with_an_alarm_and_no_order(street: Parking) -> None:
    street.barrier().state.online = False
    await street.arrives()
    assert (await street.scan()).said == (0, "道闸故障，请联系管理员")
    assert await street.alarm_kinds() == ["barrier_offline"]
    assert not await street.orders()


async def test_each_refusal_is_shown_in_the_lane_but_for_that_of_a_driver_who_is_not_there(street: Parking) -> None:
    screen = street.barrier().shown
    await street.enters("AAAAAAA")
    await street.settled()
    shown = [*screen]
    assert (await street.scan("BBBBBBB")).said == (0, "车道正在处理其他车辆，请稍候")
    await street.settled()
    assert screen == shown
    await street.attendant.set_lane(LOT_ID, "A1", {"is_open": False}, BY)
    await street.scan("BBBBBBB")
    await street.settled()
    assert screen == [*shown, "车道已关闭，请走其他入口"]


async def test_an_alarm_of_a_refusal_names_its_lane_and_no_order(street: Parking) -> None:
    street.barrier().state.online = False
    await street.arrives()
    await street.scan()
    [alarm] = await street.alarms()
    assert (alarm.channel_id, alarm.order_id, alarm.at, alarm.text) == (
        "A1",
        "",
        street.clock.now(),
        "道闸故障，请联系管理员",
    )


async def test_an_order_that_a_scan_makes_has_the_drivers_data_and_no_plate(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(plate_mark="无"))
    car = await street.arrives()
    await street.scan(pay_user_id="openid-1", mobile_number="13800000000")
    order = await street.order()
    assert (order.origin, order.mark, order.plate, order.likeness) == ("scan", "无", "", "")
    assert (order.pay_user_id, order.mobile, order.presence_id) == ("openid-1", "13800000000", car)
    assert (order.told_state, order.told_text, order.requested_at) == (1, "入场成功", street.clock.now())
    assert (order.reserved, order.arrears) == (False, 0)
    [lift] = await street.lifts()
    assert (lift.actor, lift.cause, lift.purpose, lift.order_id) == ("driver", "scan", "enter", order.order_id)
    assert (lift.presence_id, lift.command, lift.taken_at) == (car, "open", street.clock.now())
    assert (lift.deadline - lift.intended_at).total_seconds() == 3.7


async def test_a_lane_without_a_barrier_is_told_so_when_it_is_to_be_raised_and_not_before(street: Parking) -> None:
    await street.arrives()
    street.platform.lanes.remove(street.barrier().lane)
    assert (await street.scan()).said == (0, "道闸故障，请联系管理员")
    [lift] = await street.lifts()
    assert (lift.outcome, lift.detail) == ("rejected", "the lane has no barrier")
    assert (lift.deadline - lift.intended_at).total_seconds() == 3.7
    assert await street.alarm_kinds() == ["barrier_fault"]
