"""Money that an ETC antenna takes: from the tag of the car that stands there, once, and only what is due (3.7)."""

from __future__ import annotations

from typing import Any

import pytest

from support.lot.exits import (
    EXIT,
    PLATE,
    ask_price,
    at_exit,
    attempts,
    bill,
    leaves,
    parked,
    pay_at_exit,
    payments,
    with_tariff,
)
from support.lot.parking import Parking
from taigan.barriers.barrier import EventKind
from taigan.storage.rows import Order

BOX = "jyyh 000123"
PAID = {"state": 1, "errmsg": "成功"}


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def reads_tag(street: Parking, car: str, plate: str = PLATE, antenna: str = BOX) -> None:
    await street.barrier(EXIT).report(EventKind.READ_TAG, car, plate=plate, detail=antenna)
    await street.settled()
    await street.platform.pulls.drained()
    await street.settled()


async def tagged(street: Parking, *answers: dict[str, Any], hours: float = 3.0) -> tuple[Order, str]:
    """A car with a tag comes to the exit, and the antenna reads it; BoLink has its entry, and answers so."""
    order = await parked(street, hours=hours)
    await street.deliver()
    street.bolink.charges = list(answers)
    car = await at_exit(street)
    await reads_tag(street, car)
    return order, car


async def test_e12_a_tag_is_charged_as_the_document_says_and_3_2_follows(street: Parking) -> None:
    order, car = await tagged(street, PAID)
    (asked,) = street.bolink.of("3.7")
    assert asked.data == {
        "park_id": "7",
        "car_number": PLATE,
        "in_time": int(order.requested_at.timestamp()),
        "out_time": int(street.clock.now().timestamp()),
        "pay_type": "jyyh",
        "empty_plot": 50,
        "total_original": "6.00",
        "total": "6.00",
        "order_id": order.order_id,
        "out_channel_id": EXIT,
        "in_channel_id": "A1",
        "parking_time": "180",
        "lane_no": "000123",
    }
    assert (street.barrier(EXIT).lifts, street.barrier(EXIT).shown[-1]) == (1, f"{PLATE} ETC扣费6.00元，请通行")
    await leaves(street, car)
    await street.deliver()
    (exit_,) = street.bolink.of("3.2")
    assert (exit_.data["total"], exit_.data["remark"]) == ("0.00", {"is_prepay": "1"})


async def test_e12_one_tag_is_charged_once_a_departure_however_often_it_is_read(street: Parking) -> None:
    _, car = await tagged(street, {"state": 0, "errmsg": "余额不足"})
    await reads_tag(street, car)
    await reads_tag(street, car)
    assert (len(street.bolink.of("3.7")), street.barrier(EXIT).lifts) == (1, 0)
    assert street.barrier(EXIT).asked[-1].text == "扣费失败，请扫码支付"


@pytest.mark.parametrize("answer", [{"state": 2}, {}, {"state": None, "errmsg": "?"}])
async def test_e12_an_answer_that_settles_nothing_waits_for_5_5(street: Parking, answer: dict[str, Any]) -> None:
    order, _ = await tagged(street, answer)
    assert ((await attempts(street))[0].state, street.barrier(EXIT).lifts) == ("unclear", 0)
    await pay_at_exit(street, order.order_id, "6.00", pay_type="etc", trade_no="T1")
    (paid,) = await payments(street)
    assert (paid.way, paid.trade_no, street.barrier(EXIT).lifts) == ("etc", "T1", 1)


async def test_e13_a_car_that_owes_nothing_is_never_charged(street: Parking) -> None:
    await tagged(street, PAID, hours=0.1)
    assert (street.bolink.of("3.7"), street.barrier(EXIT).lifts) == ([], 1)


@pytest.mark.parametrize(
    ("plate", "antenna", "alarmed"),
    [("京B99999", BOX, False), (PLATE, "my 1", True), (PLATE, "", True), (PLATE, "jyyh ", True)],
)
async def test_another_cars_tag_or_an_antenna_that_cannot_be_used_takes_nothing(
    street: Parking, plate: str, antenna: str, alarmed: bool
) -> None:
    await parked(street)
    await street.deliver()
    await reads_tag(street, await at_exit(street), plate, antenna)
    assert (street.bolink.of("3.7"), street.barrier(EXIT).lifts) == ([], 0)
    assert ("etc_antenna" in await street.alarm_kinds()) is alarmed


async def test_a_tag_is_left_alone_while_the_drivers_phone_pays(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T1")
    await reads_tag(street, car)
    assert street.bolink.of("3.7") == []


async def test_e22_what_is_unusually_much_is_paid_by_code(street: Parking) -> None:
    await tagged(street, PAID, hours=30)
    assert (street.bolink.of("3.7"), street.barrier(EXIT).asked[-1].due_fen) == ([], 6000)


async def test_a_tag_names_the_car_whose_plate_no_camera_read(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    street.bolink.charges = [PAID]
    car = await at_exit(street, plate="")
    await reads_tag(street, car)
    assert (street.barrier(EXIT).lifts, (await bill(street, order)).paid_fen) == (1, 600)


async def test_c19_who_was_told_a_price_and_did_not_pay_stays(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    street.clock.advance(12)
    await street.platform.questions.look()
    assert (len(street.bolink.of("4.3")), street.barrier(EXIT).lifts) == (1, 0)
    assert (await bill(street, order)).awaited is False
