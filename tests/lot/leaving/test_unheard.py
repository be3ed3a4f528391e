"""Payments that nobody heard of by the morning: paid if BoLink's books have them, else failed, once it says so."""

from __future__ import annotations

from datetime import UTC, datetime
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
    pays_by_itself,
    with_tariff,
)
from support.lot.parking import BY, LOT_ID, Parking
from taigan.lot.people.exit_acts import LetGo
from taigan.storage import tables as t
from taigan.storage.rows import Order

PENDING = {"state": 2, "errmsg": "支付中"}
NIGHT = 24 * 3600.0


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


def in_books(order: Order, number: str = "4200001", money: str = "6.00") -> dict[str, Any]:
    times = {"in_time": 1, "out_time": 2}
    return {"car_number": PLATE, "money": money, "union_name": "", "park_name": "", "trade_no": number, **times}


async def with_pull(street: Parking) -> tuple[Order, str]:
    """A car whose wallet is asked, and nobody knows what became of it."""
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [PENDING]
    return order, await at_exit(street)


async def let_go(street: Parking, car: str) -> None:
    picture = street.platform.leaving.pictures(LOT_ID)[EXIT]
    act = LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture, unpaid="owed")
    await street.platform.leaving.do_and_raise(act)
    await leaves(street, car)


async def not_heard_of(street: Parking) -> list[str]:
    return [one.text for one in await street.alarms() if one.kind == "payment_not_heard_of"]


@pytest.mark.parametrize(
    ("now", "began", "state"),
    [
        ((2, 21, 59, 59), (2, 0, 0, 0), "unclear"),  # 05:59:59 of the 3rd in Shanghai: the morning is that of the 2nd
        ((2, 22, 0, 0), (2, 21, 59, 59), "failed"),  # six o'clock: what began before has had its time
        ((2, 22, 0, 0), (2, 22, 0, 0), "unclear"),
        ((3, 21, 59, 59), (2, 21, 59, 59), "failed"),
        ((3, 21, 59, 59), (2, 22, 0, 0), "unclear"),
    ],
)
async def test_what_nobody_heard_of_since_before_the_last_morning_of_the_lots_clock_has_failed(
    street: Parking, now: tuple[int, ...], began: tuple[int, ...], state: str
) -> None:
    order, _ = await with_pull(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2)
    await ask_price(street)
    since = datetime(2026, 6, *began, tzinfo=UTC)
    await street.update(t.attempts, started_at=since, state="unclear")
    await street.update(t.payments, received_at=since)
    await street.watch((datetime(2026, 6, *now, tzinfo=UTC) - street.clock.now()).total_seconds())
    failed = state == "failed"
    assert (await attempts(street))[0].state == state
    assert [one.state for one in await payments(street)] == ["failed" if failed else "pending"]
    texts = await not_heard_of(street)
    assert len(texts) == (2 if failed else 0)
    assert all(text.startswith(f"{PLATE}: ") for text in texts)
    assert [asked.order_id for asked in street.bolink.of("4.1")] == ([order.order_id] if failed else [])


async def test_a_pull_that_a_killed_platform_left_live_is_booked_when_it_is_back_the_next_day(street: Parking) -> None:
    order, car = await with_pull(street)
    await let_go(street, car)
    await street.update(t.attempts, state="live", said="")
    street.bolink.books[order.order_id] = [in_books(order)]
    await street.watch(NIGHT)
    assert [(one.trade_no, one.fen, one.state) for one in await payments(street)] == [("4200001", 600, "paid")]
    assert ((await attempts(street))[0].state, (await bill(street, order)).balance_fen) == ("paid", 0)
    assert ((await street.order(PLATE)).review, await not_heard_of(street)) == ("", [])


async def test_a_payment_under_way_whose_end_was_never_told_is_booked_when_bolinks_books_have_it(
    street: Parking,
) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    await let_go(street, car)
    street.bolink.books[order.order_id] = [in_books(order, "T2")]
    for _ in range(2):
        await street.watch(NIGHT)
    assert [(one.trade_no, one.fen, one.state, one.note) for one in await payments(street)] == [("T2", 600, "paid", "")]
    assert ((await bill(street, order)).balance_fen, await not_heard_of(street)) == (0, [])


async def test_a_pull_that_bolink_told_as_under_way_is_booked_once_by_its_number(street: Parking) -> None:
    order, car = await with_pull(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2", pay_type="wallet")
    await let_go(street, car)
    street.bolink.books[order.order_id] = [in_books(order, "T2")]
    await street.watch(NIGHT)
    assert [(one.trade_no, one.fen, one.state) for one in await payments(street)] == [("T2", 600, "paid")]
    assert ((await attempts(street))[0].state, await not_heard_of(street)) == ("paid", [])


async def test_what_the_books_name_of_another_order_is_not_this_payment(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    await pay_at_exit(street, "unknown", "6.00", state=2, trade_no="T3")
    street.bolink.books[order.order_id] = [in_books(order, "T3")]
    await street.watch(NIGHT)
    assert [one.state for one in await payments(street)] == ["failed", "failed"]


async def test_an_amount_that_may_be_that_of_all_payments_of_a_stay_is_not_taken_for_one_of_them(
    street: Parking,
) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "1.00", trade_no="T1")
    await pay_at_exit(street, order.order_id, "5.00", state=2, trade_no="T2")
    street.bolink.books[order.order_id] = [in_books(order, "T2")]
    await street.watch(NIGHT)
    assert [(one.trade_no, one.state) for one in await payments(street)] == [("T1", "paid"), ("T2", "failed")]
    assert len(await not_heard_of(street)) == 1


async def test_while_bolink_does_not_say_what_its_books_have_a_payment_is_awaited(street: Parking) -> None:
    order, car = await with_pull(street)
    await let_go(street, car)
    street.bolink.reachable = False
    for _ in range(2):
        await street.watch(NIGHT)
    assert ((await attempts(street))[0].state, (await bill(street, order)).awaited) == ("unclear", True)
    street.bolink.reachable = True
    await street.watch(60)
    assert ((await attempts(street))[0].state, (await bill(street, order)).awaited) == ("failed", False)
    assert await street.alarm_kinds() == ["payment_not_heard_of", "left_owing"]


@pytest.mark.parametrize("unreadable", [False, True])
async def test_books_that_do_not_know_the_order_or_say_what_cannot_be_read_are_an_answer(
    street: Parking, unreadable: bool
) -> None:
    order, _ = await with_pull(street)
    if unreadable:
        street.bolink.books[order.order_id] = [in_books(order, money="six")]
    else:
        street.bolink.books[order.order_id] = []
        street.bolink.refuses["4.1"] = "订单不存在"
    await street.watch(NIGHT)
    assert (await attempts(street))[0].state == "failed"


async def test_a_stay_that_goes_on_keeps_its_review_when_its_payment_is_not_heard_of(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2)
    await street.update(t.orders, review="look at it")
    await street.watch(2 * NIGHT)
    assert (await street.order(PLATE)).review == "look at it"
    assert [one.state for one in await payments(street)] == ["failed"]


async def test_a_stay_that_ended_for_review_keeps_that_when_its_payment_is_not_heard_of(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2)
    await street.update(t.orders, review="look at it")
    await let_go(street, car)
    await street.watch(2 * NIGHT)
    assert ((await street.order(PLATE)).review, (await bill(street, order)).awaited) == ("look at it", False)


async def test_a_payment_of_yesterday_that_failed_leaves_one_of_today_awaited(street: Parking) -> None:
    order, car = await with_pull(street)
    await let_go(street, car)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T1")
    await street.update(t.payments, received_at=street.clock.now().replace(day=street.clock.now().day + 1))
    await street.watch(NIGHT)
    assert [one.state for one in [*await attempts(street), *await payments(street)]] == ["failed", "pending"]
    assert (await bill(street, order)).awaited


async def test_a_payment_under_way_of_an_order_that_nobody_knows_has_failed_by_its_number(street: Parking) -> None:
    await pay_at_exit(street, "unknown", "6.00", state=2, trade_no="T7")
    await street.watch(2 * NIGHT)
    assert [one.state for one in await payments(street)] == ["failed"]
    assert [text.partition(":")[0] for text in await not_heard_of(street)] == ["T7"]
    assert street.bolink.of("4.1") == []
