"""What a pull was asked with, and what it came to when BoLink says so afterwards, at the limits of each rule."""

from __future__ import annotations

from typing import Any

import pytest

from lot.conftest import NewParking
from support.exits import (
    EXIT,
    PLATE,
    ask_price,
    at_exit,
    attempts,
    bill,
    parked,
    pay_at_exit,
    payments,
    pays_by_itself,
    pulls_told,
    told,
    with_tariff,
)
from support.parking import Parking
from taigan.barriers.barrier import EventKind
from taigan.lot import texts
from taigan.lot.leaving.pulling.ended import PullNamed
from taigan.storage import tables as t
from taigan.storage.rows import Order

PAID = {"state": 1, "errmsg": "成功"}
FAILED = {"state": 0, "errmsg": "余额不足"}
PENDING = {"state": 2, "errmsg": "支付中"}


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def pulled(street: Parking, *answers: dict[str, Any], hours: float = 3.0) -> Order:
    """A car whose plate pays by itself stands at the exit; its pull is answered so."""
    order = await parked(street, hours=hours)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = list(answers)
    await at_exit(street)
    return order


async def named(street: Parking, order: Order, fen: int, number: str = "N1") -> None:
    pictures = street.platform.leaving.pictures(order.lot_id)
    await street.platform.leaving.do(PullNamed(order.lot_id, order.order_id, number, fen, pictures))
    await street.settled()


async def told_of(street: Parking, order: Order, *records: dict[str, Any]) -> None:
    """BoLink is asked what it knows of the order's payments (4.3)."""
    paid = {"pay_state": 1, "car_number": PLATE, "order_id": order.order_id, "pay_channel": 0, "in_time": 0}
    street.bolink.paid[order.order_id] = [paid | {"pay_scene": "outpay"} | record for record in records]
    street.clock.advance(12)
    await street.platform.questions.look()
    await street.settled()


async def reads_tag(street: Parking, car: str, antenna: str = "jyyh 000123") -> None:
    for _ in range(2):
        await street.barrier(EXIT).report(EventKind.READ_TAG, car, plate=PLATE, detail=antenna)
        await street.settled()


@pytest.mark.parametrize(("off", "minutes"), [("60", 60), ("119", 119)])
async def test_a_pull_tells_what_was_taken_off_the_stay(street: Parking, off: str, minutes: int) -> None:
    order = await parked(street, hours=4)
    await street.deliver()
    await pays_by_itself(street)
    notice = {"car_number": PLATE, "type": 1, "order_id": order.order_id, "deduction_time": off, "trade_no": "P1"}
    await told(street, "pay_notice", notice)
    street.bolink.charges = [PAID]
    await at_exit(street)
    [said] = pulls_told(street)
    assert (said["reduce_amount"], said["derate_duration"], said["total"]) == ("2.00", minutes, "6.00")


@pytest.mark.parametrize(("free", "plot"), [(0, 1), (10, 11), (49, 50), (50, 50)])
async def test_a_pull_tells_the_spaces_that_are_free_once_its_car_has_left(
    street: Parking, free: int, plot: int
) -> None:
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    await street.update(t.lots, spaces_free=free)
    street.bolink.charges = [PAID]
    await at_exit(street)
    [said] = pulls_told(street)
    assert (said["order_id"], said["empty_plot"]) == (order.order_id, plot)


@pytest.mark.parametrize(("waited", "told_price"), [(19, False), (20, True)])
async def test_who_scans_while_a_pull_is_unclear_waits_so_long_and_is_told_the_price_then(
    street: Parking, waited: int, told_price: bool
) -> None:
    await pulled(street, PENDING)
    street.clock.advance(waited)
    said = await ask_price(street)
    assert (said["state"], said.get("errmsg") == texts.CHARGING) == (int(told_price), not told_price)


@pytest.mark.parametrize(("hours", "tried"), [(24, 1), (24.001, 0)])
async def test_a_stay_of_a_day_is_charged_by_itself_and_a_longer_one_is_not(
    street: Parking, hours: float, tried: int
) -> None:
    await pulled(street, PAID, hours=hours)
    assert len(await attempts(street)) == tried


@pytest.mark.parametrize(("fen", "named_by"), [(600, "bolink"), (599, "us"), (601, "us")])
async def test_bolinks_books_name_the_pull_whose_amount_they_have(street: Parking, fen: int, named_by: str) -> None:
    order = await pulled(street, PAID)
    await named(street, order, fen)
    assert [(one.giver, one.fen) for one in await payments(street)] == [(named_by, 600)]


async def test_bolinks_books_may_name_a_pull_with_all_that_was_paid_for_its_stay(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    await pay_at_exit(street, order.order_id, "4.00", trade_no="T1")
    await pays_by_itself(street)
    street.bolink.charges = [PAID]
    await at_exit(street)
    await named(street, order, 600)
    assert sorted((one.giver, one.trade_no, one.way, one.fen) for one in await payments(street)) == [
        ("bolink", "N1", "wallet", 200),
        ("bolink", "T1", "scancode", 400),
    ]


@pytest.mark.parametrize(("fen", "booked"), [(200, True), (600, True), (400, False)])
async def test_bolinks_books_end_a_pull_whose_end_was_unclear(street: Parking, fen: int, booked: bool) -> None:
    order = await parked(street)
    await street.deliver()
    await pay_at_exit(street, order.order_id, "4.00", trade_no="T1")
    await pays_by_itself(street)
    street.bolink.charges = [PENDING]
    await at_exit(street)
    await named(street, order, fen)
    assert [one.state for one in await attempts(street)] == ["paid" if booked else "unclear"]
    assert (await bill(street, order)).paid_fen == (600 if booked else 400)
    assert street.barrier(EXIT).lifts == int(booked)


async def test_a_number_that_is_known_names_nothing_more(street: Parking) -> None:
    order = await pulled(street, PENDING)
    await pay_at_exit(street, "nobody", "6.00", trade_no="N1")
    await named(street, order, 600)
    assert [one.state for one in await attempts(street)] == ["unclear"]


@pytest.mark.parametrize(("times", "lifts"), [(1, 0), (2, 1)])
async def test_of_payments_one_way_those_that_are_known_are_counted_before_the_car_goes(
    street: Parking, times: int, lifts: int
) -> None:
    order = await parked(street)
    await street.deliver()
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "2.00", trade_no="T1")
    await pay_at_exit(street, order.order_id, "4.00", state=2, trade_no="T2")
    await told_of(street, order, *[{"pay_type": "scancode"}] * times)
    assert street.barrier(EXIT).lifts == lifts


async def test_a_failed_payment_is_no_way_that_is_asked_for(street: Parking) -> None:
    order = await pulled(street, FAILED)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    await told_of(street, order, {"pay_type": "wallet"})
    assert street.barrier(EXIT).lifts == 0


@pytest.mark.parametrize("pay_state", [1, 0])
async def test_a_car_of_whose_payment_no_message_came_goes_when_bolink_has_it(street: Parking, pay_state: int) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    await told_of(street, order, {"pay_type": "scancode", "pay_state": pay_state})
    assert (street.barrier(EXIT).lifts, (await bill(street, order)).awaited) == (pay_state, bool(pay_state))
    if pay_state:
        assert street.barrier(EXIT).shown[-1] == f"{PLATE} {texts.SCREEN_PAID}"


async def test_at_an_attendants_exit_what_bolink_has_calls_the_attendant(new_parking: NewParking) -> None:
    street = await new_parking()
    await with_tariff(street)
    await street.update(t.lanes, policy="attendant")
    order = await pulled(street, PENDING)
    await told_of(street, order, {"pay_type": "wallet"})
    assert (street.barrier(EXIT).lifts, street.barrier(EXIT).shown[-1]) == (0, texts.ATTENDANT)
    assert f"{PLATE}: paid, waits for the attendant" in [one.text for one in await street.alarms()]


@pytest.mark.parametrize(
    ("antenna", "named_in_the_alarm"),
    [("", "it gives neither kind nor number"), ("my 1", "my 1"), ("jyyh " + "1" * 100, "jyyh " + "1" * 75)],
)
async def test_an_antenna_that_cannot_be_used_is_told_once_by_what_it_gave(
    street: Parking, antenna: str, named_in_the_alarm: str
) -> None:
    await parked(street)
    await street.deliver()
    await reads_tag(street, await at_exit(street), antenna)
    [alarm] = await street.alarms()
    assert alarm.text == f"an antenna that cannot be used: {named_in_the_alarm}"


@pytest.mark.parametrize(("length", "charged"), [(1, 1), (64, 1), (65, 0)])
async def test_an_antennas_number_has_at_most_64_signs(street: Parking, length: int, charged: int) -> None:
    await parked(street)
    await street.deliver()
    street.bolink.charges = [PAID]
    await reads_tag(street, await at_exit(street), "jyyh " + "1" * length)
    assert len(street.bolink.of("3.7")) == charged


async def test_a_tag_of_a_car_without_an_order_takes_nothing(street: Parking) -> None:
    await reads_tag(street, await at_exit(street, ""))
    assert street.bolink.of("3.7") == []


async def test_a_tag_takes_nothing_for_a_car_that_was_let_go_on_what_is_awaited(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    raised = {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"}
    await told(street, "operate_liftrod", raised)
    await reads_tag(street, car)
    assert (street.bolink.of("3.7"), (await bill(street, order)).paid_fen) == ([], 0)


@pytest.mark.parametrize(("free", "plot", "hours", "minutes"), [(0, 1, 2.999, "179"), (10, 11, 3, "180")])
async def test_a_tag_is_charged_with_whole_minutes_and_the_spaces_then_free(
    street: Parking, free: int, plot: int, hours: float, minutes: str
) -> None:
    await parked(street, hours=hours)
    await street.deliver()
    await street.update(t.lots, spaces_free=free)
    street.bolink.charges = [PAID]
    car = await at_exit(street)
    await reads_tag(street, car)
    [asked] = street.bolink.of("3.7")
    assert (asked.data["empty_plot"], asked.data["parking_time"]) == (plot, minutes)
