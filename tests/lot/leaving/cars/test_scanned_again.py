"""A car was let go and stands there still: what another scan of its driver does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.lot.barrier import Mode
from support.lot.exits import (
    EXIT,
    PLATE,
    ask_price,
    at_exit,
    bill,
    parked,
    pay_at_exit,
    pays_by_itself,
    told,
    with_tariff,
)
from support.lot.parking import BY, KEY, LANES, LOT_ID, Parking, lot_with
from taigan import bolink
from taigan.barriers.barrier import EventKind
from taigan.lot import texts
from taigan.lot.people.exit_acts import LetGo
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t

RAISED = {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"}


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def exit_that(new_parking: NewParking, sight: str, *, detector: bool = True) -> Parking:
    """A lot whose exit's device tells so much."""
    exit_lane = LaneSetup(channel_id=EXIT, direction="exit", detector=detector, barrier={"sight": sight})
    street = await new_parking(lots=(lot_with(lanes=(*LANES[:1], exit_lane)),))
    await with_tariff(street)
    return street


async def paid(street: Parking, mode: Mode = Mode.OK) -> str:
    """A car stands at the exit and was paid for; how its arm takes the command."""
    order = await parked(street)
    car = await at_exit(street)
    street.barrier(EXIT).mode = mode
    await pay_at_exit(street, order.order_id, "6.00")
    street.barrier(EXIT).mode = Mode.OK
    return car


async def ask_while_busy(street: Parking) -> dict[str, Any]:
    """5.1, without waiting for what is under way."""
    data = {"service_name": "query_price", "park_id": "7", "pay_scene": 1, "query_order_no": "Qbusy"}
    text = json.dumps(data | {"out_channel_id": EXIT}).encode()
    answered = await street.platform.callbacks.answer(bolink.seal(text, KEY))
    return dict(json.loads(answered.body))


async def person_raises(street: Parking) -> None:
    picture = street.platform.leaving.pictures(LOT_ID)[EXIT]
    await street.platform.leaving.do_and_raise(LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture))
    await street.settled()


async def test_an_arm_that_came_down_before_its_car_drove_through_is_raised_once_more(street: Parking) -> None:
    await paid(street)
    await street.barrier(EXIT).report(EventKind.DOWN)
    said = await ask_price(street)
    assert (said["state"], said["price"], said["errmsg"], street.barrier(EXIT).lifts) == (1, "0.00", texts.PASS_ON, 2)
    causes = await street.row(sa.select(t.lifts.c.cause, t.lifts.c.actor).order_by(t.lifts.c.lift_id))
    assert [tuple(one) for one in causes if one[0] != "entry"][-2:] == [("released", "driver"), ("again", "driver")]


async def test_an_arm_that_is_up_is_left_alone_and_nobody_is_called(street: Parking) -> None:
    await paid(street)
    said = await ask_price(street)
    assert (said["state"], said["errmsg"], street.barrier(EXIT).lifts) == (1, texts.PASS_ON, 1)
    await street.barrier(EXIT).report(EventKind.FALLING)
    await ask_price(street)
    assert (len(street.barrier(EXIT).commands), await street.alarms()) == (1, [])


async def test_a_query_without_a_number_raises_nothing(street: Parking) -> None:
    await paid(street)
    await street.barrier(EXIT).report(EventKind.DOWN)
    said = await ask_price(street, query_order_no="")
    assert (said["state"], said["errmsg"], street.barrier(EXIT).lifts) == (1, texts.PASS_ON, 1)
    assert await street.alarms() == []


@pytest.mark.parametrize("sight", ["ack position detector", "ack detector"])
async def test_while_a_command_is_on_its_way_none_is_added_and_nobody_is_called(
    new_parking: NewParking, sight: str
) -> None:
    street = await exit_that(new_parking, sight)
    order = await parked(street)
    await at_exit(street)
    street.barrier(EXIT).mode = Mode.HELD
    paying = asyncio.create_task(pay_at_exit(street, order.order_id, "6.00"))
    await street.barrier(EXIT).commanded()
    said = await ask_while_busy(street)
    assert (said["state"], said["errmsg"]) == (1, texts.PASS_ON)
    street.barrier(EXIT).go_on()
    await paying
    assert (len(street.barrier(EXIT).commands), await street.alarms()) == (1, [])


async def test_an_arm_that_nobody_sees_is_not_raised_again_once_it_took_a_command_and_a_person_is_called_once(
    new_parking: NewParking,
) -> None:
    street = await exit_that(new_parking, "ack detector")
    await paid(street)
    for _ in range(2):
        said = await ask_price(street)
        assert (said["state"], said["errmsg"], street.barrier(EXIT).lifts) == (1, texts.ATTENDANT, 1)
    assert await street.alarm_kinds() == ["scanned_again"]


async def test_an_arm_that_nobody_sees_is_raised_again_after_a_command_that_it_refused_last(
    new_parking: NewParking,
) -> None:
    street = await exit_that(new_parking, "ack detector")
    await paid(street, Mode.FAULT)
    assert (await ask_price(street))["errmsg"] == texts.PASS_ON
    assert street.barrier(EXIT).lifts == 1
    assert (await ask_price(street))["errmsg"] == texts.ATTENDANT  # it took the second
    assert street.barrier(EXIT).lifts == 1
    street.barrier(EXIT).mode = Mode.FAULT
    await person_raises(street)
    street.barrier(EXIT).mode = Mode.OK
    assert (await ask_price(street))["errmsg"] == texts.PASS_ON
    assert street.barrier(EXIT).lifts == 2


async def test_a_car_that_goes_on_bolinks_word_is_told_no_price_while_its_money_is_awaited(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [{"state": 2, "errmsg": "支付中"}]
    await at_exit(street)
    record = {"pay_state": 1, "car_number": PLATE, "order_id": order.order_id, "pay_type": "wallet"}
    street.bolink.paid[order.order_id] = [record | {"pay_scene": "outpay", "pay_channel": 0, "in_time": 0}]
    street.clock.advance(21)
    await street.platform.questions.look()
    await street.settled()
    assert ((await bill(street, order)).awaited, street.barrier(EXIT).lifts) == (True, 1)
    await street.barrier(EXIT).report(EventKind.DOWN)
    said = await ask_price(street, number="Q1")
    assert (said["state"], said["price"], said["errmsg"]) == (0, "", texts.PASS_ON)
    assert street.barrier(EXIT).lifts == 2


async def test_a_car_that_was_let_go_as_nobodys_gets_its_arm_again_and_no_price(street: Parking) -> None:
    await at_exit(street, "粤B99999")
    await told(street, "operate_liftrod", RAISED)
    await street.barrier(EXIT).report(EventKind.DOWN)
    said = await ask_price(street)
    assert (said["state"], said["price"], said["errmsg"], street.barrier(EXIT).lifts) == (0, "", texts.PASS_ON, 2)


async def test_a_car_whose_times_are_wrong_and_that_a_person_lets_go_has_stayed_for_no_time(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    later = street.clock.now().replace(hour=23)
    await street.update(t.orders, in_at=later)
    assert (await ask_price(street))["errmsg"] == texts.TIMES_WRONG
    await told(street, "operate_liftrod", RAISED)
    said = await ask_price(street)
    assert (said["duration"], said["price"]) == (0, "0.00")
    await street.update(t.orders, in_at=order.in_at)


@pytest.mark.parametrize("there", ["", "000", "zzz"])
async def test_where_no_loop_tells_of_a_car_the_arm_is_raised_again_for_the_one_that_claims_the_lane_alone(
    new_parking: NewParking, there: str
) -> None:
    street = await exit_that(new_parking, "ack position", detector=False)
    order = await parked(street)
    await street.barrier(EXIT).report(EventKind.PLATE, plate=PLATE)
    await street.settled()
    street.barrier(EXIT).mode = Mode.FAULT
    await pay_at_exit(street, order.order_id, "6.00")
    street.barrier(EXIT).mode = Mode.OK
    if there:
        where = t.presences.c.channel_id == EXIT
        await street.database.write(
            lambda conn: conn.execute(sa.update(t.presences).where(where).values(presence_id=there))
        )
    said = await ask_price(street)
    assert (said["errmsg"], street.barrier(EXIT).lifts) == (texts.PASS_ON, int(not there))
