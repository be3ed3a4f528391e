"""What is told of a stay whose car stands in the lot: of which, for which moment, and when no price is."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.lot.exits import (
    PLATE,
    ask_price,
    at_exit,
    parked,
    pay_at_exit,
    pays_by_itself,
    told,
    with_tariff,
)
from support.lot.parking import Parking
from taigan.lot import texts
from taigan.lot.policy import Policy
from taigan.storage import tables as t
from taigan.storage.rows import Order

OTHER = "浙A67890"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def inside(street: Parking, **asked: Any) -> dict[str, Any]:
    return await ask_price(street, scene=0, **asked)


async def refused(street: Parking, **asked: Any) -> str:
    """Why no price is told."""
    said = await inside(street, number="Q1", **asked)
    assert (said["state"], said["price"], said["duration"], said["query_order_no"]) == (0, "", 0, "Q1")
    return str(said["errmsg"])


async def changed(street: Parking, order: Order, **values: object) -> None:
    """The order's row is another one."""
    where = t.orders.c.order_id == order.order_id
    await street.database.write(lambda conn: conn.execute(sa.update(t.orders).where(where).values(**values)))


@pytest.mark.parametrize("asked", ["car_number", "order_id"])
async def test_a_stay_is_priced_to_now_until_its_car_stands_at_the_exit(street: Parking, asked: str) -> None:
    order = await parked(street)
    by = {asked: PLATE if asked == "car_number" else order.order_id}
    assert (await inside(street, **by))["price"] == "6.00"
    street.clock.advance(3600)
    assert (await inside(street, **by))["price"] == "8.00"
    car = await at_exit(street)
    street.clock.advance(7200)
    assert (await inside(street, **by))["price"] == "8.00"
    quotes = await street.row(sa.select(t.quotes.c.presence_id).order_by(t.quotes.c.asked_at))
    assert [one for (one,) in quotes] == ["", "", car]


async def test_a_plate_that_stands_inside_twice_or_not_at_all_is_not_found(street: Parking) -> None:
    await parked(street)
    second = await parked(street, OTHER)
    assert (await inside(street, car_number=OTHER))["state"] == 1
    await changed(street, second, plate=PLATE, licence="浙C1")
    assert await refused(street, car_number=PLATE) == texts.NOT_FOUND
    assert await refused(street, car_number=OTHER, remark="nobody's") == texts.NOT_FOUND


async def test_a_reserved_stay_is_not_paid_inside(street: Parking) -> None:
    order = await parked(street)
    await street.update(t.orders, reserved=True)
    assert await refused(street, car_number=PLATE) == texts.NOT_FOUND
    assert await refused(street, order_id=order.order_id) == texts.RESERVED


async def test_a_plate_that_the_operator_hides_is_not_found_and_its_own_driver_is_told(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(hidden_plates=frozenset({PLATE})))
    await with_tariff(street)
    order, _ = await parked(street), await parked(street, OTHER)
    assert await refused(street, car_number=PLATE) == texts.NOT_FOUND
    assert (await inside(street, car_number=OTHER))["state"] == 1
    assert (await inside(street, car_number=PLATE, order_id=order.order_id))["state"] == 1


async def test_who_names_neither_plate_nor_order_is_told_of_nobody(street: Parking) -> None:
    await street.passes(await street.enters("EA47829"))
    for plate in (None, ""):
        assert await refused(street, car_number=plate) == texts.NOT_FOUND


async def test_a_stay_that_is_being_charged_is_priced_once_that_was_waited_for(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [{"state": 2, "errmsg": "支付中"}]
    await at_exit(street)
    assert await refused(street, order_id=order.order_id) == texts.CHARGING
    street.clock.advance(20)
    assert (await inside(street, order_id=order.order_id))["price"] == "6.00"


async def test_a_stay_that_cannot_be_priced_is_told_to_a_person(new_parking: NewParking) -> None:
    street = await new_parking()  # without a price list
    order = await parked(street)
    assert await refused(street, order_id=order.order_id) == texts.NOT_PRICED
    [alarm] = await street.alarms()
    assert (alarm.kind, alarm.order_id) == ("not_priced", order.order_id)


async def test_what_is_unusually_much_is_a_persons_and_what_is_free_never_is(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(ask_above_fen=599, ask_after=60))
    await with_tariff(street)
    order, free = await parked(street), await parked(street, OTHER, hours=0.2)
    assert (await inside(street, order_id=free.order_id))["errmsg"] == texts.NOTHING_DUE
    assert await street.alarms() == []
    assert await refused(street, order_id=order.order_id) == texts.STAY_UNUSUAL
    [alarm] = await street.alarms()
    assert (alarm.kind, alarm.order_id) == ("stay_unusual", order.order_id)


async def test_who_paid_and_did_not_leave_in_time_is_told_no_time_any_more(street: Parking) -> None:
    order = await parked(street, hours=2.5)
    await pay_at_exit(street, order.order_id, "6.00")
    said = await inside(street, order_id=order.order_id)
    assert (said["price"], said["errmsg"]) == ("0.00", texts.PAID_LEAVE_BY.format(until="14:45"))
    street.clock.advance(20 * 60)  # the hour that is paid for is not over yet
    said = await inside(street, order_id=order.order_id)
    assert (said["price"], said["errmsg"]) == ("0.00", texts.NOTHING_DUE)


async def test_a_price_is_told_under_the_querys_number_or_under_one_of_our_own(street: Parking) -> None:
    order = await parked(street)
    named = await inside(street, order_id=order.order_id, number="Q7")
    nameless = await inside(street, order_id=order.order_id, query_order_no="")
    assert (named["query_order_no"], nameless.get("query_order_no")) == ("Q7", None)
    numbers = [one for (one,) in await street.row(sa.select(t.quotes.c.quote_no))]
    assert (len(numbers), "Q7" in numbers, "" in numbers) == (2, True, False)
    assert "query_order_no" not in await inside(street, order_id="nobody", query_order_no="")


@pytest.mark.parametrize("again", ["the same message", "another message of its number"])
async def test_a_price_whose_answer_is_kept_no_longer_is_stale(street: Parking, again: str) -> None:
    order = await parked(street)
    first = await inside(street, order_id=order.order_id, number="Q1")
    assert await inside(street, order_id=order.order_id, number="Q1") == first
    prices = t.inbox.update().where(t.inbox.c.order_id.is_(None)).values(answer=b"")
    await street.database.write(lambda conn: conn.execute(prices))
    await street.update(t.quotes, answer=b"")
    remark = None if again == "the same message" else "again"
    assert await refused(street, order_id=order.order_id, remark=remark) == texts.STALE


async def test_the_price_of_a_stay_in_whole_minutes_and_the_time_to_leave_too(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(leave_within=959))
    await with_tariff(street)
    order = await parked(street, hours=0.01)
    said = await inside(street, order_id=order.order_id)
    assert (str(said["duration"]), str(said["free_out_time"])) == ("0", "15")
    street.clock.advance(119)
    assert str((await inside(street, order_id=order.order_id))["duration"]) == "2"


async def test_what_is_taken_off_is_told_in_whole_minutes_and_not_where_it_is_no_time(street: Parking) -> None:
    order = await parked(street, hours=4)
    notice = {"car_number": PLATE, "type": 1, "order_id": order.order_id}
    await told(street, "pay_notice", notice | {"deduction_money": "1.00", "trade_no": "P1"})
    said = await inside(street, order_id=order.order_id)
    assert (said["derate_money"], "derate_duration" in said, said["price"]) == (1, False, "7.00")
    await told(street, "pay_notice", notice | {"deduction_time": "119", "trade_no": "P2"})
    said = await inside(street, order_id=order.order_id)
    assert str(said["derate_duration"]) == "119"
