"""What the driver of a car at the exit is told when its price is asked for, and whose car it is taken to be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lot.conftest import NewParking
from support.exits import EXIT, PLATE, ask_price, at_exit, departure, leaves, parked, pay_at_exit, told, with_tariff
from support.parking import LANES, SEES_ALL, Parking, lot_with
from taigan.lot import texts
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t

SECOND = "B2"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def refused(street: Parking, **asked: Any) -> str:
    """Why no price is told."""
    said = await ask_price(street, **asked)
    assert (said["state"], said["price"], said["duration"]) == (0, "", 0)
    return str(said["errmsg"])


async def came_in(street: Parking, licence: str = "EA47829") -> str:
    """A driver without a plate came in by a scan: the order."""
    await street.passes(await street.enters(licence))
    street.clock.advance(3600)
    return (await street.order(licence)).order_id


@pytest.mark.parametrize(
    ("waited", "said"), [(0, texts.READING_PLATE), (4.9, texts.READING_PLATE), (5, texts.PLATE_NOT_READ)]
)
async def test_a_camera_is_given_five_seconds_before_a_person_is_asked(
    street: Parking, waited: float, said: str
) -> None:
    await at_exit(street, "")
    street.clock.advance(waited)
    assert await refused(street) == said
    assert await street.alarm_kinds() == (["no_entry"] if said == texts.PLATE_NOT_READ else [])


@pytest.mark.parametrize("asked", [{"licence": "EA11111"}, {"order_id": "nobody"}])
async def test_who_names_himself_and_has_no_entry_is_told_so_at_once(street: Parking, asked: dict[str, str]) -> None:
    await at_exit(street, "")
    assert await refused(street, **asked) == texts.NO_ENTRY


async def test_the_same_query_gets_the_price_it_was_told_first(street: Parking) -> None:
    await parked(street)
    await at_exit(street)
    first = await ask_price(street, number="Q1")
    street.clock.advance(60)
    assert await ask_price(street, number="Q1", remark="sent again") == first


@pytest.mark.parametrize("standing", [True, False])
async def test_a_closed_exit_sends_a_car_that_stands_in_it_to_a_person_and_any_other_elsewhere(
    street: Parking, standing: bool
) -> None:
    await parked(street)
    if standing:
        await at_exit(street)
    await street.update(t.lanes, is_open=False)
    assert await refused(street) == (texts.ATTENDANT if standing else texts.EXIT_CLOSED)
    assert [one.text for one in await street.alarms()] == ([f"{PLATE}: stands in a closed exit"] if standing else [])


async def test_an_entry_is_no_exit_and_a_lane_that_nobody_knows_is_none(street: Parking) -> None:
    assert await refused(street, channel_id="A1") == texts.ENTRY_LANE
    assert await refused(street, channel_id="Z9") == texts.UNKNOWN_LANE


@pytest.fixture
async def two_exits(new_parking: NewParking) -> Parking:
    lanes = (*LANES, LaneSetup(channel_id=SECOND, direction="exit", barrier=SEES_ALL))
    street = await new_parking(lots=(lot_with(lanes=lanes),))
    await with_tariff(street)
    return street


async def test_a_driver_who_scans_at_another_exit_is_told_where_his_car_stands_while_it_does(
    two_exits: Parking,
) -> None:
    street, order = two_exits, await parked(two_exits)
    car = await at_exit(street)
    elsewhere = texts.CAR_ELSEWHERE.format(lane=EXIT)
    assert await refused(street, channel_id=SECOND, order_id=order.order_id) == elsewhere
    await street.backs_out(car, EXIT)
    await at_exit(street, "", SECOND)
    assert (await ask_price(street, channel_id=SECOND, order_id=order.order_id))["price"] == "6.00"


async def test_another_orders_stay_does_not_say_where_this_drivers_car_is(two_exits: Parking) -> None:
    street = two_exits
    mine = await came_in(street)
    await parked(street)
    await at_exit(street)
    await at_exit(street, "", SECOND)
    said = await ask_price(street, channel_id=SECOND, order_id=mine, licence="EA47829")
    assert (said["state"], said["order_id"]) == (1, mine)


async def test_a_stay_that_has_left_is_told_as_that_and_one_that_owes_too(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await told(street, "operate_liftrod", {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"})
    await leaves(street, car)
    for paid, said in ((None, texts.OWES), ("5.99", texts.OWES), ("0.01", texts.HAS_LEFT)):
        if paid:
            await pay_at_exit(street, order.order_id, paid)
        assert await refused(street, scene=0, order_id=order.order_id, car_number=PLATE) == said
    await at_exit(street, "")
    assert await refused(street, order_id=order.order_id) == texts.HAS_LEFT


async def test_a_stay_that_was_never_confirmed_in_is_a_persons_at_the_exit(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street, "")
    await street.update(t.orders, state="waiting", in_at=None)
    assert await refused(street, order_id=order.order_id) == texts.NOT_INSIDE
    [alarm] = await street.alarms()
    assert (alarm.kind, alarm.text) == ("no_entry", f"{PLATE}: at the exit, never confirmed in")
    await street.update(t.orders, state="in", in_at=order.in_at)


async def test_a_stay_that_is_over_is_no_reason_to_call_anybody_to_the_exit(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street, "")
    await street.update(t.orders, state="void")
    assert await refused(street, order_id=order.order_id) == texts.NOT_INSIDE
    assert await street.alarms() == []
    await street.update(t.orders, state="in")


async def test_a_driver_may_not_take_the_car_of_another_plate_for_his(street: Parking) -> None:
    mine = await came_in(street)
    await parked(street)
    await parked(street, "浙A12B45")
    await at_exit(street, "浙A12845")  # one character off
    assert await refused(street, licence="EA47829", order_id=mine) == texts.SEE_ATTENDANT
    [alarm] = [one for one in await street.alarms() if one.kind == "other_car"]
    assert alarm.text == "EA47829: a scan for a car whose plate reads 浙A12845"


async def test_a_driver_is_taken_for_that_of_a_car_whose_plate_nobody_brought_in(street: Parking) -> None:
    mine = await came_in(street)
    car = await at_exit(street, "粤B99999")
    said = await ask_price(street, licence="EA47829", order_id=mine)
    assert (said["state"], (await departure(street, car)).order_id) == (1, mine)


async def test_the_driver_of_the_front_car_takes_it_from_whoever_scanned_for_it_first(street: Parking) -> None:
    behind, front = await came_in(street), await came_in(street, "EA11111")
    car = await at_exit(street, "")
    await ask_price(street, licence="EA47829", order_id=behind)
    said = await ask_price(street, licence="EA11111", order_id=front)
    assert (said["order_id"], (await departure(street, car)).order_id) == (front, front)
    assert [(await street.order(one)).review for one in ("EA47829", "EA11111")] == [
        "scanned for the car in front",
        "",
    ]


async def test_a_car_with_a_plate_is_taken_from_nobody(street: Parking) -> None:
    mine, order = await came_in(street), await parked(street)
    car = await at_exit(street)
    said = await ask_price(street, licence="EA47829", order_id=mine)
    assert (said["order_id"], (await departure(street, car)).order_id) == (order.order_id, order.order_id)


@pytest.mark.parametrize(("minutes", "duration"), [(59.9, 59), (60, 60)])
async def test_a_price_tells_whole_minutes_and_the_time_to_leave(
    street: Parking, minutes: float, duration: int
) -> None:
    order = await parked(street, hours=minutes / 60)
    assert order.in_at is not None
    said = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    assert (said["duration"], said["free_out_time"]) == (duration, 15)
    assert ("derate_money" in said, "derate_duration" in said) == (False, False)
    assert said["in_time"] == int(order.in_at.timestamp())
    assert said["query_time"] == int(street.clock.now().timestamp())


@pytest.mark.parametrize(("off", "minutes"), [("119", 119), ("120", 120)])
async def test_a_price_tells_what_was_taken_off_it(street: Parking, off: str, minutes: int) -> None:
    order = await parked(street, hours=4)
    notice = {"car_number": PLATE, "type": 1, "order_id": order.order_id, "deduction_time": off, "trade_no": "P1"}
    await told(street, "pay_notice", notice)
    said = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    taken = 200 if off == "119" else 400
    assert (said["derate_money"], said["derate_duration"], said["price"]) == (
        taken / 100,
        minutes,
        f"{(800 - taken) // 100}.00",
    )


async def test_an_entry_that_bolink_has_is_not_told_again_with_the_price(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    said = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    assert ("in_time" in said, "car_number" in said) == (False, False)


async def test_inside_an_order_is_priced_for_its_own_plate_alone(street: Parking) -> None:
    order = await parked(street)
    assert await refused(street, scene=0, order_id=order.order_id, car_number="浙B1") == texts.OTHER_PLATE
    assert await refused(street, scene=0, order_id="nobody") == texts.NOT_FOUND
    assert (await ask_price(street, scene=0, order_id=order.order_id))["state"] == 1


async def test_a_stay_that_begins_later_than_now_has_no_price_and_is_told(street: Parking) -> None:
    order = await parked(street)
    for later, said in ((0, None), (1, texts.TIMES_WRONG)):
        await street.update(t.orders, in_at=street.clock.now() + timedelta(seconds=later))
        asked = await ask_price(street, scene=0, order_id=order.order_id)
        assert asked["state"] == int(said is None)
        assert asked["errmsg"] == (said or texts.NOTHING_DUE)
    assert await street.alarm_kinds() == ["time_unusual"]


async def test_who_has_paid_is_told_until_when_to_leave_up_to_that_moment(street: Parking) -> None:
    order = await parked(street)
    now = street.clock.now()
    await pay_at_exit(street, order.order_id, "6.00")
    for after, price in ((900, "0.00"), (901, "2.00")):
        street.clock.advance(after - (street.clock.now() - now).total_seconds())
        said = await ask_price(street, scene=0, order_id=order.order_id)
        assert said["price"] == price
        assert said.get("errmsg", "").startswith("已缴费，请于") is (price == "0.00")
