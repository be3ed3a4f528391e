"""What a lane's device reports, and what becomes of the cars and orders there."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT_ID, SEES_ALL, Parking, in_time, lot_with
from taigan.barriers.barrier import Event, EventKind, Position, Price
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t

BY_POSITION = LaneSetup(channel_id="A1", confirm="position", barrier=SEES_ALL)
BY_PASSAGE = LaneSetup(channel_id="A1", confirm="passage", barrier=SEES_ALL)


async def tells(street: Parking, kind: EventKind, name: str = "", channel_id: str = "A1", age: float = 0.0) -> None:
    """A report of no car, as old as it is, by its name if it has one."""
    barrier = street.barrier(channel_id)
    await barrier.tells(Event(name or f"{kind}-{age}", barrier.lane, kind, street.clock.now(), age=age))


async def left(street: Parking) -> dict[str, str]:
    """How each car left, by its presence; empty: it is there."""
    car = t.presences.c
    return dict(await street.row(sa.select(car.presence_id, car.left_how)))


async def told(street: Parking, licence: str = "EA47829") -> dict[str, str]:
    """The history of a driver's order: each event with its detail."""
    return {one.event: one.detail for one in (await street.history(await street.order(licence))).events}


async def not_confirmed(street: Parking, licence: str = "EA47829") -> None:
    """A driver is told 2, since nothing confirms the lift."""
    scanning = asyncio.create_task(street.scan(licence))
    await street.clock.waited_for(3.7)
    street.clock.advance(3.7)
    assert (await in_time(scanning))[0].state == 2


# Reports of the past


@pytest.mark.parametrize(("age", "counts"), [(0.0, True), (10.0, True), (10.001, False), (11.0, False)])
async def test_an_arm_reported_up_confirms_only_within_ten_seconds(
    new_parking: NewParking, age: float, counts: bool
) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    await street.arrives()
    await not_confirmed(street)
    await tells(street, EventKind.UP, age=age)
    assert (await street.order()).state == ("in" if counts else "waiting")


@pytest.mark.parametrize(("age", "counts"), [(10.0, True), (10.001, False)])
async def test_a_fault_ends_what_is_being_raised_only_within_ten_seconds(
    street: Parking, age: float, counts: bool
) -> None:
    street.barrier().mode = Mode.HELD
    await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    await tells(street, EventKind.FAULT, age=age)
    assert (await street.order()).state == ("void" if counts else "waiting")
    assert [(x.kind, x.text) for x in await street.alarms()] == [("barrier_fault", "the barrier reports a fault")]
    street.barrier().go_on()
    await in_time(scanning)


@pytest.mark.parametrize(("age", "lifts"), [(10.0, 1), (10.001, 0)])
async def test_an_arm_reported_down_is_raised_only_within_ten_seconds(street: Parking, age: float, lifts: int) -> None:
    await street.arrives()
    await street.barrier().report(EventKind.FALLING)
    assert (await street.scan()).state == 2
    street.barrier().state.position = Position.CLOSED
    await tells(street, EventKind.DOWN, age=age)
    await street.settled()
    assert street.barrier().lifts == lifts


# Faults, and what a person should look at


async def test_a_fault_leaves_who_waits_for_the_attendant_alone(street: Parking) -> None:
    await street.arrives("A3")
    await street.scan("EA47829", "A3")
    await street.barrier("A3").report(EventKind.FAULT, detail="motor")
    assert (await street.order()).state == "waiting"
    assert [(x.kind, x.text, x.channel_id) for x in await street.alarms()] == [("barrier_fault", "motor", "A3")]


@pytest.mark.parametrize(
    ("kind", "alarm", "text"),
    [
        (EventKind.FAULT, "barrier_fault", "the barrier reports a fault"),
        (EventKind.OFFLINE, "barrier_offline", "the barrier is not reached"),
        (EventKind.WARNING, "barrier_warning", ""),
        (EventKind.STAYED, "stayed", "滞留: a car stays under the arm"),
    ],
)
async def test_one_report_of_a_lane_is_one_alarm_however_often_it_comes(
    street: Parking, kind: EventKind, alarm: str, text: str
) -> None:
    for _ in range(2):
        await tells(street, kind, "1")
    assert [(x.kind, x.text) for x in await street.alarms()] == [(alarm, text)]
    await tells(street, kind, "2")
    await tells(street, kind, "1", "A2")
    assert [(x.kind, x.channel_id) for x in await street.alarms()] == [(alarm, "A1"), (alarm, "A1"), (alarm, "A2")]
    assert street.metric("taigan_alarms_total", kind=alarm) == 3


async def test_two_reports_of_a_fault_in_one_breath_are_one_alarm(street: Parking) -> None:
    await in_time(*(tells(street, EventKind.FAULT, "1") for _ in range(3)))
    assert await street.alarm_kinds() == ["barrier_fault"]


async def test_a_car_that_stays_is_named_by_its_order(street: Parking) -> None:
    car = await street.enters()
    await street.barrier().report(EventKind.STAYED, car)
    order = await street.order()
    [alarm] = await street.alarms()
    assert (alarm.order_id, order.alarmed) == (order.order_id, "stayed")


# The arm


async def test_where_the_passage_confirms_an_arm_that_is_up_lets_nobody_in(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_PASSAGE])])
    car = await street.arrives()
    await not_confirmed(street)
    await street.barrier().report(EventKind.UP)
    assert (await street.order()).state == "waiting"
    await street.passes(car)
    assert (await street.order()).state == "in"


async def test_an_arm_that_is_up_lets_in_who_is_being_raised_for_and_not_who_waits_for_a_person(
    new_parking: NewParking,
) -> None:
    lane = LaneSetup(channel_id="A1", confirm="position", policy="attendant", barrier=SEES_ALL)
    street = await new_parking(lots=[lot_with(lanes=[lane])])
    await street.arrives()
    assert (await street.scan()).state == 2
    await street.barrier().report(EventKind.UP)
    assert (await street.order()).state == "waiting"


async def test_an_arm_that_is_up_lets_in_the_car_that_stands_there_and_not_the_one_before(
    new_parking: NewParking,
) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    await street.arrives()
    await not_confirmed(street, "AAAAAAA")
    await street.arrives()
    await street.barrier().report(EventKind.UP)
    assert (await street.order("AAAAAAA")).state == "waiting"


async def test_where_the_loop_is_dead_an_arm_that_is_up_lets_in_the_first_who_is_being_raised_for(
    new_parking: NewParking,
) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    await street.passes("ghost")
    barrier = street.barrier()
    barrier.mode = Mode.LOCKED
    for licence in ("AAAAAAA", "BBBBBBB"):
        assert (await street.scan(licence)).state == 2
        order = await street.order(licence)
        assert order.presence_id is None
        releasing = asyncio.create_task(street.attendant.release(LOT_ID, "A1", BY, order.order_id))
        await street.clock.waited_for(4.0)
        street.clock.advance(4.0)
        await in_time(releasing)
    await barrier.report(EventKind.UP)
    assert [(x.licence, x.state) for x in await street.orders()] == [("AAAAAAA", "in"), ("BBBBBBB", "waiting")]
    await barrier.report(EventKind.UP)
    assert [x.state for x in await street.orders()] == ["in", "in"]
    assert (await told(street, "AAAAAAA"))["in"] == "the arm is up"


async def test_a_report_of_the_arm_is_no_news_while_fifteen_others_have_come_since(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(lanes=[BY_POSITION])])
    await tells(street, EventKind.UP, "old")
    for number in range(15):
        await tells(street, EventKind.DOWN, f"down-{number}")
    await street.arrives()
    await not_confirmed(street)
    await tells(street, EventKind.UP, "old")
    assert (await street.order()).state == "waiting"
    await tells(street, EventKind.UP, "new")
    assert (await street.order()).state == "in"


# Cars


async def test_a_car_that_was_let_in_has_driven_through_when_the_next_one_is_on_the_loop(street: Parking) -> None:
    car = await street.enters()
    street.clock.advance(5)
    await street.arrives()
    order = await street.order()
    assert (order.state, order.passed_at) == ("in", street.clock.now())
    assert (await left(street))[car] == "assumed"
    assert "assumed: another car is on the loop" in (await told(street)).values()


async def test_a_car_whose_driver_waits_has_not_driven_through_when_the_next_one_is_on_the_loop(
    street: Parking,
) -> None:
    await street.arrives("A3")
    await street.scan("EA47829", "A3")
    await street.arrives("A3")
    order = await street.order()
    assert (order.state, order.passed_at) == ("waiting", None)


async def test_an_arrival_that_comes_again_after_its_car_has_gone_is_not_another_car(street: Parking) -> None:
    barrier = street.barrier()
    event = await barrier.report(EventKind.ARRIVED, "car")
    await barrier.repeat(event)
    assert len(await left(street)) == 1
    await street.backs_out("car")
    await barrier.repeat(event)
    assert await left(street) == {"car": "backed_out"}
    scanning = asyncio.create_task(street.scan())
    await street.clock.waited_for(3.0)
    await barrier.repeat(event)
    street.clock.advance(3.0)
    assert (await in_time(scanning))[0].said == (0, "未检测到车辆，请驶入车道后再扫码")


@pytest.mark.parametrize("other", ["a car", "car-p9", "zebra"])
async def test_a_car_that_leaves_another_lane_drops_no_command_here(street: Parking, other: str) -> None:
    street.barrier().mode = Mode.HELD
    await street.arrives()
    await street.arrives("A2", presence_id=other)
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    await street.barrier("A2").report(EventKind.BACKED_OUT, other, seen=False)
    for _ in range(10):
        await asyncio.sleep(0)
    assert street.barrier().cancelled == []
    street.barrier().go_on()
    assert (await in_time(scanning))[0].said == (1, "入场成功")
    assert (await street.order()).passed_at is None


async def test_a_car_that_passes_says_so_in_the_history_of_its_order(street: Parking) -> None:
    street.barrier().mode = Mode.SILENT
    car = await street.arrives()
    await not_confirmed(street)
    await street.passes(car)
    said = await told(street)
    assert said["in"] == "the car was seen to pass"
    assert "seen" in said.values()


async def test_a_car_that_is_gone_unseen_says_so_in_the_history_of_its_order(street: Parking) -> None:
    street.barrier().mode = Mode.SILENT
    car = await street.arrives()
    await not_confirmed(street)
    await street.barrier().report(EventKind.BACKED_OUT, car, seen=False)
    said = await told(street)
    assert said["in"] == "the car is gone"
    assert "not seen to go back" in said.values()


async def test_ghosts_of_a_lane_without_a_detector_say_nothing_of_its_loop(street: Parking) -> None:
    await street.barrier("A4").report(EventKind.PASSED, "ghost")
    assert await street.alarm_kinds() == ["passed_without_order"]
    assert (await street.scan("EA47829", "A4")).state == 1
    assert await street.free() == 48


async def test_a_loop_is_said_to_be_dead_once(street: Parking) -> None:
    for ghost in ("ghost-1", "ghost-2"):
        await street.passes(ghost)
    assert sorted(await street.alarm_kinds()) == ["loop_fault", "passed_without_order", "passed_without_order"]
    await street.arrives()
    await street.backs_out("car-p0001")
    await street.passes("ghost-3")
    assert (await street.alarm_kinds()).count("loop_fault") == 2


async def test_a_claim_ends_with_the_car_that_is_seen_to_pass_and_the_next_one_is_another(street: Parking) -> None:
    assert (await street.scan("AAAAAAA", "A4")).state == 1
    await street.barrier("A4").report(EventKind.PASSED, "loop-1")
    assert set((await left(street)).values()) == {"passed"}
    assert (await street.order("AAAAAAA")).passed_at is not None
    assert await street.alarm_kinds() == []
    await street.barrier("A4").report(EventKind.PASSED, "loop-2")
    assert await street.alarm_kinds() == ["passed_without_order"]
    assert await street.free() == 48


async def test_a_car_that_passes_unasked_after_its_order_was_refused_takes_a_space_with_an_alarm(
    street: Parking,
) -> None:
    car = await street.arrives("A3")
    await street.scan("EA47829", "A3")
    await street.attendant.refuse(LOT_ID, "A3", BY)
    await street.passes(car, "A3")
    assert ((await street.order()).state, await street.free()) == ("void", 49)
    assert await street.alarm_kinds() == ["passed_without_order"]
    [change] = await street.row(t.space_changes.select())
    assert change.reason == "no order"


async def test_a_second_car_of_which_another_report_told_before_changes_nothing(street: Parking) -> None:
    car = await street.enters()
    await street.passes(car)
    await street.barrier().report(EventKind.SECOND_CAR, car)
    assert (await street.free(), await street.alarm_kinds()) == (49, [])


async def test_a_second_car_on_the_loop_without_an_order_is_a_tailgater_and_gone(street: Parking) -> None:
    await street.barrier().report(EventKind.PASSED, await street.enters("AAAAAAA"))
    second = await street.arrives()
    await street.barrier().report(EventKind.SECOND_CAR, second)
    assert (await left(street))[second] == "second_car"
    assert (await street.free(), await street.alarm_kinds()) == (48, ["tailgating"])
    scanning = asyncio.create_task(street.scan("BBBBBBB"))
    await street.clock.waited_for(3.0)  # nobody is on the loop
    street.clock.advance(3.0)
    assert (await in_time(scanning))[0].state == 0


async def test_a_second_car_whose_driver_was_refused_is_a_tailgater_by_the_name_of_that_order(street: Parking) -> None:
    car = await street.arrives("A3")
    await street.scan("EA47829", "A3")
    await street.attendant.refuse(LOT_ID, "A3", BY)
    await street.barrier("A3").report(EventKind.SECOND_CAR, car)
    assert await street.free() == 49
    assert [x.kind for x in await street.alarms()] == ["tailgating"]


async def test_a_car_without_an_order_that_is_gone_unseen_under_an_arm_that_was_raised_took_a_space(
    street: Parking,
) -> None:
    car = await street.arrives()
    await street.attendant.open(LOT_ID, "A1", BY)
    await street.barrier().report(EventKind.BACKED_OUT, car, seen=False)
    assert await street.free() == 49
    [change] = await street.row(t.space_changes.select())
    assert change.reason == f"raised by {BY.operator}: {BY.reason}"
    assert (await left(street))[car] == "assumed"


@pytest.mark.parametrize("seen", [False, True])
async def test_a_car_without_an_order_or_a_lift_that_is_gone_went_back(street: Parking, seen: bool) -> None:
    car = await street.arrives()
    await street.barrier().report(EventKind.BACKED_OUT, car, seen=seen)
    assert (await street.free(), await left(street), await street.alarm_kinds()) == (50, {car: "backed_out"}, [])


async def test_a_report_of_a_lane_that_the_lot_does_not_have_changes_nothing(street: Parking) -> None:
    barrier = street.barrier()
    await street.update(t.lanes, channel_id=t.lanes.c.channel_id + "x")
    await barrier.report(EventKind.PASSED, "ghost")
    assert (await street.free(), await left(street), await street.alarm_kinds()) == (50, {}, [])


# The screen


async def test_a_price_is_asked_for_and_a_text_is_shown_as_the_city_words_it(street: Parking) -> None:
    barrier, lanes = street.barrier("B1"), street.platform.lanes
    price = Price("浙A12345", street.clock.now() - street.clock.now(), 600, "请扫码支付")
    lanes.show(barrier.lane, price)
    lanes.city_text = lambda lot_id, shown: f"{lot_id} {shown}"
    lanes.show(barrier.lane, "请稍候")
    await street.settled()
    assert (barrier.asked, barrier.shown) == ([price], [f"{LOT_ID} 请稍候"])
    street.platform.lanes.remove(barrier.lane)
    lanes.show(barrier.lane, price)
    lanes.show(barrier.lane, "请稍候")
    await street.settled()
    assert (len(barrier.asked), len(barrier.shown)) == (1, 1)
