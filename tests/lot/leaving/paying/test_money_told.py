"""What a message of money says once it is held against what is known: the same, a conflict, a quote's, too late."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from lot.conftest import NewParking
from support.lot.exits import (
    EXIT,
    PLATE,
    ask_price,
    at_exit,
    attempts,
    bill,
    departure,
    exits_told,
    leaves,
    parked,
    pay_at_exit,
    pay_inside,
    payments,
    pays_by_itself,
    told,
    with_tariff,
)
from support.lot.parking import Parking
from taigan.barriers.barrier import EventKind
from taigan.lot import texts
from taigan.lot.policy import NoEntry, Policy, RefundSurplus
from taigan.storage import tables as t
from taigan.storage.rows import Order

OTHER = "浙A67890"
ALIPAY_CODE = "285012345678901234"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


def seconds(at: datetime) -> int:
    return int(at.timestamp())


async def asks_inside(street: Parking, order: Order, number: str) -> dict[str, Any]:
    return await ask_price(street, scene=0, car_number=order.plate, order_id=order.order_id, number=number)


async def pulled(street: Parking, *answers: dict[str, Any]) -> Order:
    """A car whose plate pays by itself stands at the exit; its pull is answered so."""
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = list(answers)
    await at_exit(street)
    return order


@pytest.mark.parametrize("yuan", ["5.00", "7.00"])
async def test_another_amount_under_the_number_of_a_payment_is_kept_and_told(street: Parking, yuan: str) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", trade_no="T1")
    await pay_at_exit(street, order.order_id, yuan, trade_no="T1")
    [alarm] = await street.alarms()
    assert (alarm.kind, alarm.text, alarm.order_id) == ("money_conflict", "T1: another amount or order", order.order_id)
    assert ([one.fen for one in await payments(street)], (await bill(street, order)).paid_fen) == ([600], 600)


async def test_another_order_under_the_number_of_a_payment_is_kept_and_told(street: Parking) -> None:
    one, other = await parked(street), await parked(street, OTHER)
    for order in (one, other):
        await pay_at_exit(street, order.order_id, "6.00", trade_no="T1")
    assert await street.alarm_kinds() == ["money_conflict"]
    assert ((await bill(street, one)).paid_fen, (await bill(street, other)).paid_fen) == (600, 0)


async def test_a_stray_that_comes_again_is_known(street: Parking) -> None:
    for remark in ("first", "again"):
        await pay_at_exit(street, "nobody", "6.00", trade_no="T1", remark=remark)
    assert (await street.alarm_kinds(), len(await payments(street))) == (["stray"], 1)


@pytest.mark.parametrize("state", [0, 2])
async def test_a_payment_that_was_made_and_then_was_not_is_kept_and_told(street: Parking, state: int) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", trade_no="T1")
    await pay_at_exit(street, order.order_id, "6.00", state=state, trade_no="T1")
    [alarm] = await street.alarms()
    assert (alarm.kind, alarm.text) == ("money_conflict", f"T1: state {state} after it was paid")
    assert [one.state for one in await payments(street)] == ["paid"]


async def test_the_message_that_confirms_a_pulls_number_tells_its_fee_once(street: Parking) -> None:
    order = await pulled(street, {"state": 1, "trade_no": "N1"})
    for fee in ("0.10", "0.20"):
        arrived = {"fee": fee, "arrive_money": "5.90" if fee == "0.10" else "5.80"}
        await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet", trade_no="N1", **arrived)
    assert [(one.fee_fen, one.note) for one in await payments(street)] == [(10, "")]


@pytest.mark.parametrize(("state", "yuan"), [(0, "6.00"), (2, "6.00"), (1, "5.00"), (1, "7.00")])
async def test_a_message_that_says_otherwise_than_the_pull_was_answered_is_told(
    street: Parking, state: int, yuan: str
) -> None:
    order = await pulled(street, {"state": 1})
    await pay_at_exit(street, order.order_id, yuan, state=state, pay_type="wallet", trade_no="N1")
    assert await street.alarm_kinds() == ["money_conflict"]
    assert [(one.giver, one.fen) for one in await payments(street)] == [("us", 600)]


async def test_a_pull_that_failed_stays_so_when_the_driver_pays_that_way_afterwards(street: Parking) -> None:
    order = await pulled(street, {"state": 0, "errmsg": "余额不足"})
    await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet", trade_no="N1")
    assert [one.state for one in await attempts(street)] == ["failed"]
    assert [(one.attempt_no, one.trade_no) for one in await payments(street)] == [("", "N1")]
    assert await street.alarm_kinds() == []


async def test_which_of_two_pulls_of_one_way_has_failed_is_not_guessed(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    street.bolink.charges = [{"state": 0, "errmsg": "余额不足"}, {"state": 2}]
    for of, code in ((car, ALIPAY_CODE), ("", "285012345678901235")):
        await street.barrier(EXIT).report(EventKind.SCANNED_CODE, of, code=code)
        await street.settled()
    await pay_at_exit(street, order.order_id, "6.00", state=0, pay_type="sweepcode")
    assert sorted(one.state for one in await attempts(street)) == ["failed", "unclear"]


@pytest.mark.parametrize("other", ["wallet", "etc"])
async def test_a_failure_of_another_way_ends_no_pull(street: Parking, other: str) -> None:
    order = await parked(street)
    await street.deliver()
    if other == "wallet":
        await pays_by_itself(street)
    street.bolink.charges = [{"state": 0, "errmsg": "余额不足"}, {"state": 2}]
    car = await at_exit(street)
    if other == "etc":
        await street.barrier(EXIT).report(EventKind.READ_TAG, car, plate=PLATE, detail="jyyh 1")
        await street.settled()
    street.clock.advance(1)
    await street.barrier(EXIT).report(EventKind.SCANNED_CODE, code=ALIPAY_CODE)
    await street.settled()
    for way in (other, "scancode"):
        await pay_at_exit(street, order.order_id, "6.00", state=0, pay_type=way)
    assert [(one.way, one.state) for one in await attempts(street)] == [(other, "failed"), ("sweepcode", "unclear")]


@pytest.mark.parametrize("state", [1, 2])
async def test_a_payment_of_another_way_is_none_of_a_pulls(street: Parking, state: int) -> None:
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    street.bolink.charges = [{"state": state}]
    await street.barrier(EXIT).report(EventKind.SCANNED_CODE, car, code=ALIPAY_CODE)
    await street.settled()
    for way in ("wallet", "etc"):
        await pay_at_exit(street, order.order_id, "6.00", pay_type=way, trade_no=way)
    assert [one.state for one in await attempts(street)] == ["paid" if state == 1 else "unclear"]
    assert sorted((one.way, one.giver) for one in await payments(street) if one.way != "sweepcode") == [
        ("etc", "bolink"),
        ("wallet", "bolink"),
    ]
    assert [one.giver for one in await payments(street) if one.way == "sweepcode"] == ["us"] * (state == 1)
    assert [kind for kind in await street.alarm_kinds() if kind == "pull_unknown"] == ["pull_unknown"] * 2


@pytest.mark.parametrize("first", [True, False])
async def test_money_paid_inside_under_another_stays_quote_is_the_named_stays_without_it(
    street: Parking, first: bool
) -> None:
    one, other = await parked(street), await parked(street, OTHER)
    one, other = (one, other) if first else (other, one)
    quote = await asks_inside(street, one, "Q1")
    await pay_inside(street, quote | {"order_id": other.order_id})
    assert [(x.order_id, x.quote_no) for x in await payments(street)] == [(other.order_id, "")]


async def test_money_paid_inside_without_a_quote_is_taken_for_none(street: Parking) -> None:
    order = await parked(street)
    quote = await asks_inside(street, order, "Q1")
    await pay_inside(street, quote, query_order_no=None)
    assert [x.quote_no for x in await payments(street)] == [""]


@pytest.mark.parametrize(
    ("yuan", "after", "quote"),
    [
        ("8.00", 0, "Q2"),  # both are covered: the dearer
        ("6.00", 0, "Q1"),  # what the amount does not cover was not paid
        ("7.99", 0, "Q1"),
        ("6.00", 200, "Q1"),  # the last moment at which it holds
        ("6.00", 201, "Q2"),  # none holds that it covers: the last that was told
        ("5.99", 0, "Q2"),
        ("6.00", -100, "Q1"),
        ("6.00", -101, "Q2"),
    ],
)
async def test_5_5_pays_the_dearest_valid_quote_that_its_amount_covers(
    street: Parking, yuan: str, after: int, quote: str
) -> None:
    order = await parked(street, hours=3 - 50 / 3600)
    await asks_inside(street, order, "Q1")
    street.clock.advance(99)
    await asks_inside(street, order, "Q2")
    street.clock.advance(1)
    await street.database.write(
        lambda conn: conn.execute(t.quotes.update().where(t.quotes.c.quote_no == "Q2").values(due_fen=800))
    )
    began = street.clock.now()
    street.clock.advance(250)
    await pay_at_exit(street, order.order_id, yuan, pay_time=seconds(began + timedelta(seconds=after)))
    [paid] = await payments(street)
    assert paid.quote_no == quote


async def test_5_5_for_a_stay_whose_quotes_were_all_nothing_pays_none(street: Parking) -> None:
    order = await parked(street, hours=0.1)
    await asks_inside(street, order, "Q1")
    await pay_at_exit(street, order.order_id, "2.00")
    assert [x.quote_no for x in await payments(street)] == [""]


@pytest.mark.parametrize(("before_entry", "believed"), [(-60, True), (300, True), (301, False)])
async def test_when_it_was_paid_is_bolinks_word_unless_that_is_long_before_the_entry(
    street: Parking, before_entry: int, believed: bool
) -> None:
    order = await parked(street)
    assert order.in_at is not None
    at = order.in_at.replace(microsecond=0) - timedelta(seconds=before_entry)
    await pay_at_exit(street, order.order_id, "6.00", pay_time=seconds(at))
    [paid] = await payments(street)
    assert paid.paid_at == (at if believed else paid.received_at)


async def test_nothing_is_paid_later_than_it_was_heard_of(street: Parking) -> None:
    order = await parked(street)
    for number, later in (("T1", 299), ("T2", 301)):
        await pay_at_exit(street, order.order_id, "6.00", trade_no=number, pay_time=seconds(street.clock.now()) + later)
    assert all(one.paid_at == one.received_at for one in await payments(street))


@pytest.mark.parametrize(("review", "then"), [("", "paid after it was given up"), ("left owing", "left owing")])
async def test_a_stay_that_nobody_saw_end_and_is_paid_is_looked_at_for_the_first_reason(
    street: Parking, review: str, then: str
) -> None:
    order = await parked(street)
    await street.update(t.orders, state="abandoned", review=review, closed_at=street.clock.now())
    await pay_at_exit(street, order.order_id, "6.00")
    closed = await bill(street, order)
    assert ((await street.order(PLATE)).review, closed.charge_fen, closed.balance_fen) == (then, 0, -600)
    await pay_at_exit(street, order.order_id, "1.00")
    assert ((await bill(street, order)).balance_fen, await exits_told(street)) == (-700, [])


async def test_a_stay_that_has_left_and_is_paid_too_much_afterwards_is_no_given_up_one(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00")
    await leaves(street, car)
    await pay_at_exit(street, order.order_id, "1.00")
    assert ((await street.order(PLATE)).review, (await bill(street, order)).balance_fen) == ("", -100)
    assert len(await exits_told(street)) == 1


@pytest.mark.parametrize(
    ("paid", "balance", "exits"), [(["5.99"], 1, 0), (["5.99", "0.01"], 0, 1), (["7.00"], -100, 1)]
)
async def test_the_exit_of_a_stay_that_left_owing_is_told_once_nothing_is_owed(
    street: Parking, paid: list[str], balance: int, exits: int
) -> None:
    order = await parked(street)
    car = await at_exit(street)
    raised = {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"}
    await told(street, "operate_liftrod", raised)
    await leaves(street, car)
    for yuan in paid:
        await pay_at_exit(street, order.order_id, yuan)
    assert ((await bill(street, order)).balance_fen, len(await exits_told(street))) == (balance, exits)


async def without_entry(new_parking: NewParking) -> tuple[Parking, dict[str, Any], str]:
    """A car that nobody let in stands at an exit where such cars pay 30 yuan: what its driver is told."""
    street = await new_parking(policy=Policy(no_entry=NoEntry.FIXED, no_entry_fen=3000))
    await with_tariff(street)
    car = await at_exit(street, OTHER)
    return street, await ask_price(street, number="Q1"), car


async def test_a_car_without_an_entry_is_told_the_fixed_price_and_its_order_is_made_when_it_is_paid(
    new_parking: NewParking,
) -> None:
    street, price, car = await without_entry(new_parking)
    came = seconds(street.clock.now())
    assert price | {"order_id": ""} == {
        "state": 1,
        "duration": 0,
        "park_id": "7",
        "order_id": "",
        "query_order_no": "Q1",
        "query_time": came,
        "free_out_time": 15,
        "price": "30.00",
        "total": "30.00",
        "in_time": came,
        "car_number": OTHER,
    }
    assert await street.orders() == []
    for state in (0, 2):
        await pay_at_exit(street, price["order_id"], "30.00", state=state)
        assert await street.orders() == []
    await pay_at_exit(street, price["order_id"], "30.00", out_channel_id=None)
    [order] = await street.orders()
    [paid] = [one for one in await payments(street) if one.state == "paid"]
    assert (order.order_id, order.plate, order.channel_id, paid.quote_no, street.barrier(EXIT).lifts) == (
        price["order_id"],
        OTHER,
        EXIT,
        "Q1",
        1,
    )
    [quote] = await street.row(t.quotes.select())
    assert (quote.valid_until - quote.asked_at, quote.reduced_fen, quote.credited_fen) == (timedelta(minutes=5), 0, 0)
    assert (quote.charge_fen, quote.due_fen) == (3000, 3000)
    await leaves(street, car)
    closed = await bill(street, order)
    assert (closed.charge_fen, closed.balance_fen) == (3000, 0)


@pytest.mark.parametrize("then", ["", "000", "zzz"])
async def test_a_fixed_price_that_is_paid_after_its_car_has_gone_lets_no_other_go(
    new_parking: NewParking, then: str
) -> None:
    street, price, car = await without_entry(new_parking)
    await street.backs_out(car, EXIT)
    if then:
        await street.arrives(EXIT, presence_id=then)
        await street.barrier(EXIT).report(EventKind.PLATE, then, plate="浙B11111")
    await pay_at_exit(street, price["order_id"], "30.00")
    [order] = await street.orders()
    assert (order.plate, street.barrier(EXIT).lifts) == (OTHER, 0)


async def test_a_fixed_price_that_is_paid_once_the_cars_own_stay_was_found_does_not_take_its_place(
    new_parking: NewParking,
) -> None:
    street, price, car = await without_entry(new_parking)
    await street.passes(await street.enters("EA47829"))
    mine = (await street.order("EA47829")).order_id
    assert (await ask_price(street, licence="EA47829", order_id=mine))["order_id"] == mine
    await street.update(t.departures, released_at=None, released_by="")
    await pay_at_exit(street, price["order_id"], "30.00")
    assert (await departure(street, car)).order_id == mine
    await street.update(t.departures, order_id="")


async def test_a_fixed_price_whose_departure_is_kept_no_longer_makes_the_order_that_the_payment_names(
    new_parking: NewParking,
) -> None:
    street, price, car = await without_entry(new_parking)
    await street.backs_out(car, EXIT)
    await street.database.write(lambda conn: conn.execute(t.departures.delete()))
    await pay_at_exit(street, price["order_id"], "30.00", car_number=OTHER)
    [order] = await street.orders()
    assert (order.plate, order.channel_id) == (OTHER, EXIT)


async def test_a_fixed_price_tells_the_time_to_leave_in_whole_minutes(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(no_entry=NoEntry.FIXED, no_entry_fen=3000, leave_within=959))
    await at_exit(street, OTHER)
    assert str((await ask_price(street))["free_out_time"]) == "15"


async def test_a_car_without_a_plate_is_told_no_fixed_price(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(no_entry=NoEntry.FIXED, no_entry_fen=3000))
    await at_exit(street, "")
    assert (await ask_price(street))["state"] == 0


async def test_money_that_cannot_be_understood_is_listed_once_for_each_number_and_never_beside_its_payment(
    street: Parking,
) -> None:
    order = await parked(street)
    for number, totals in (("T1", ("6.00", "six")), ("T2", ("one", "two"))):
        for total in totals:
            await pay_at_exit(street, order.order_id, total, trade_no=number)
    assert sorted((one.trade_no, one.state, one.fen, one.fee_fen) for one in await payments(street)) == [
        ("T1", "paid", 600, 0),
        ("T2", "unreadable", 0, 0),
    ]
    assert await street.alarm_kinds() == ["money_unreadable"] * 3


async def test_a_payment_is_of_the_amount_with_which_it_is_made_at_last(street: Parking) -> None:
    order = await parked(street)
    for state, yuan, fee in ((2, "6.00", "0.10"), (2, "7.00", "0.20"), (0, "8.00", "0.30")):
        await pay_at_exit(street, order.order_id, yuan, state=state, trade_no="T1", fee=fee)
        [payment] = await payments(street)
        assert (payment.fen, payment.fee_fen) == (0, 0)  # nothing has been paid
    at = street.clock.now()
    street.clock.advance(60)
    await pay_at_exit(street, order.order_id, "9.00", trade_no="T1", fee="0.40", pay_time=seconds(at))
    [payment] = await payments(street)
    assert (payment.state, payment.fen, payment.fee_fen, payment.paid_at) == ("paid", 900, 40, at)


async def test_a_payment_that_was_made_stays_so_when_it_is_said_to_be_under_way(street: Parking) -> None:
    order = await pulled(street, {"state": 1, "trade_no": "N1"})
    await pay_at_exit(street, order.order_id, "6.00", state=2, pay_type="wallet", trade_no="N1")
    assert ([one.fen for one in await payments(street)], await street.alarm_kinds()) == ([600], ["money_conflict"])


@pytest.mark.parametrize(
    ("arrived", "fee", "total", "alarms"),
    [
        ("6.00", "0", None, []),
        ("5.90", "0.10", None, []),
        ("5.90", "0", None, ["amount_unclear"]),
        ("6.10", "0", None, ["amount_unclear"]),
        ("5.90", "0", "5.90", []),
        ("6.10", "0", "6.10", []),
    ],
)
async def test_an_amount_that_had_to_be_worked_out_is_told_where_it_is_not_the_price(
    street: Parking, arrived: str, fee: str, total: str | None, alarms: list[str]
) -> None:
    order = await parked(street)
    await pay_at_exit(street, order.order_id, "2.00", total=None)  # no price was told yet
    await street.database.write(lambda conn: conn.execute(t.payments.delete()))
    await street.update(t.bills, paid_fen=0)
    await at_exit(street)
    await ask_price(street)
    await pay_at_exit(street, order.order_id, "6.00", total=total, arrive_money=arrived, fee=fee)
    assert await street.alarm_kinds() == alarms


@pytest.mark.parametrize(("section", "named", "booked"), [("inside", "", True), ("inside", "nobody", False)])
async def test_money_paid_inside_is_the_stays_whose_price_it_names_where_it_names_no_stay(
    street: Parking, section: str, named: str, booked: bool
) -> None:
    order = await parked(street)
    quote = await asks_inside(street, order, "Q1")
    await pay_inside(street, quote | {"order_id": named})
    [payment] = await payments(street)
    assert (payment.order_id, payment.quote_no) == ((order.order_id, "Q1") if booked else ("", ""))
    assert await street.alarm_kinds() == ([] if booked else ["stray"])


async def test_5_5_that_names_a_price_pays_that_one_and_no_dearer(street: Parking) -> None:
    order = await parked(street)
    await asks_inside(street, order, "Q1")
    street.clock.advance(3600)
    await asks_inside(street, order, "Q2")
    await pay_at_exit(street, order.order_id, "8.00", query_order_no="Q1")
    assert [one.quote_no for one in await payments(street)] == ["Q1"]


async def test_5_5_pays_a_price_of_one_fen(street: Parking) -> None:
    order = await parked(street)
    await asks_inside(street, order, "Q1")
    await street.update(t.quotes, due_fen=1)
    await pay_at_exit(street, order.order_id, "0.01")
    assert [one.quote_no for one in await payments(street)] == ["Q1"]


async def test_when_it_was_paid_is_held_against_the_entry_and_not_against_when_that_was_asked_for(
    street: Parking,
) -> None:
    order = await parked(street)
    assert order.in_at is not None
    await street.update(t.orders, requested_at=order.in_at - timedelta(hours=2))
    at = order.in_at.replace(microsecond=0) - timedelta(seconds=301)
    await pay_at_exit(street, order.order_id, "6.00", pay_time=seconds(at))
    [paid] = await payments(street)
    assert paid.paid_at == paid.received_at


async def test_what_is_paid_after_a_stay_was_given_up_leaves_its_end_as_it_was(street: Parking) -> None:
    order = await parked(street)
    ended = street.clock.now()
    await street.update(t.orders, state="abandoned", closed_at=ended)
    street.clock.advance(3600)
    await pay_at_exit(street, order.order_id, "6.00")
    assert (await bill(street, order)).closed_at == ended


async def test_at_an_attendants_exit_who_pays_waits_for_the_attendant(street: Parking) -> None:
    order = await parked(street)
    await street.update(t.lanes, policy="attendant")
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00")
    assert (street.barrier(EXIT).lifts, street.barrier(EXIT).shown[-1]) == (0, texts.ATTENDANT)
    [alarm] = await street.alarms()
    assert (alarm.kind, alarm.text) == ("attendant_wanted", f"{PLATE}: paid, waits for the attendant")


@pytest.mark.parametrize(
    ("paid", "back"),
    [(["5.99"], 0), (["6.00"], 0), (["6.99"], 0), (["7.00"], 100), (["6.00", "0.99"], 0), (["6.00", "1.00"], 100)],
)
async def test_what_is_paid_above_the_price_after_the_car_has_left_is_asked_back_from_a_yuan_on(
    new_parking: NewParking, paid: list[str], back: int
) -> None:
    street = await new_parking(policy=Policy(refund_surplus=RefundSurplus.AUTO))
    await with_tariff(street)
    order = await parked(street)
    car = await at_exit(street)
    raised = {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"}
    await told(street, "operate_liftrod", raised)
    await leaves(street, car)
    for yuan in paid:
        await pay_at_exit(street, order.order_id, yuan)
    assert (await bill(street, order)).refunded_fen == back
