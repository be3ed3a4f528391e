"""Payments that nobody heard of by the morning: paid if BoLink's books have them, else failed, once it says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

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
from taigan.barriers.barrier import EventKind
from taigan.lot.leaving.pulling.ended import PaymentNamed, PullEnded
from taigan.lot.people.exit_acts import LetGo
from taigan.lot.uploads.pulls import Charged, Pull
from taigan.storage import tables as t
from taigan.storage.rows import Order
from taigan.storage.sums.reconciling import in_doubt

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
        ((2, 22, 0, 0), (2, 21, 0, 0), "failed"),  # six o'clock: what began before has had its time
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
    assert {asked.order_id for asked in street.bolink.of("4.1")} == ({order.order_id} if failed else set())


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
    assert [(one.trade_no, one.fen, one.state, one.note) for one in await payments(street)] == [
        ("T2", 600, "paid", "named by BoLink's books")
    ]
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
    assert [one.state for one in await payments(street)] == ["pending", "failed"]


@pytest.mark.parametrize("money", ["5.00", "6.00"])
async def test_an_amount_is_that_of_a_payment_or_of_all_that_were_paid_for_the_stay(
    street: Parking, money: str
) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "1.00", trade_no="T1")
    await pay_at_exit(street, order.order_id, "5.00", state=2, trade_no="T2")
    street.bolink.books[order.order_id] = [in_books(order, "T2", money)]
    await street.watch(NIGHT)
    assert [(one.trade_no, one.state, one.fen) for one in await payments(street)] == [
        ("T1", "paid", 100),
        ("T2", "paid", 500),
    ]


@pytest.mark.parametrize("turned", [False, True])
async def test_a_pull_and_a_code_that_are_both_in_the_books_are_booked_in_whatever_order_they_stand_there(
    street: Parking, turned: bool
) -> None:
    order, car = await with_pull(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    await let_go(street, car)
    books = [in_books(order, "T9"), in_books(order, "T2")]
    street.bolink.books[order.order_id] = books[::-1] if turned else books
    await street.watch(NIGHT)
    assert sorted((one.trade_no, one.state, one.fen) for one in await payments(street)) == [
        ("T2", "paid", 600),
        ("T9", "paid", 600),
    ]


async def test_an_amount_that_is_not_the_payments_is_for_a_person_and_what_the_message_says_later_counts(
    street: Parking,
) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "2.00", state=2, trade_no="T2")
    await let_go(street, car)
    street.bolink.books[order.order_id] = [in_books(order, "T2", "6.00")]
    for _ in range(2):
        await street.watch(NIGHT)
    assert ([one.state for one in await payments(street)], (await bill(street, order)).awaited) == (["pending"], True)
    assert (await street.alarm_kinds()).count("amount_unclear") == 1
    await pay_at_exit(street, order.order_id, "2.00", trade_no="T2")
    assert [(one.trade_no, one.fen, one.state) for one in await payments(street)] == [("T2", 200, "paid")]


async def test_a_payment_booked_by_the_books_keeps_its_time_and_has_its_fee_from_the_message_that_comes_later(
    street: Parking,
) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    [under_way] = await payments(street)
    await let_go(street, car)
    street.bolink.books[order.order_id] = [in_books(order, "T2")]
    await street.watch(NIGHT)
    [paid] = await payments(street)
    assert (paid.paid_at, paid.fee_fen) == (under_way.paid_at, 0)
    await pay_at_exit(street, order.order_id, "6.00", trade_no="T2", fee="0.04", arrive_money="5.96")
    [paid] = await payments(street)
    assert (paid.fee_fen, paid.note, await street.alarm_kinds()) == (4, "", [])


async def test_a_pull_and_its_payment_under_way_that_are_both_silent_leave_the_stay_owing(street: Parking) -> None:
    order, car = await with_pull(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2", pay_type="wallet")
    await let_go(street, car)
    await street.watch(NIGHT)
    assert [one.state for one in [*await attempts(street), *await payments(street)]] == ["failed", "failed"]
    assert ((await bill(street, order)).awaited, (await street.order(PLATE)).review) == (False, "left owing")
    assert (await street.alarm_kinds()).count("left_owing") == 1


async def test_a_car_that_is_let_go_while_its_code_is_under_way_is_awaited(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    await let_go(street, car)
    assert (await bill(street, order)).awaited
    assert "left_owing" not in await street.alarm_kinds()
    await street.watch(NIGHT)
    assert ((await bill(street, order)).awaited, (await street.order(PLATE)).review) == (False, "left owing")


@pytest.mark.parametrize("old", [59, 60])
async def test_a_pull_of_less_than_an_hour_ago_is_under_way_whatever_the_hour(street: Parking, old: int) -> None:
    _order, _ = await with_pull(street)
    six = datetime(2026, 6, 2, 22, 0, tzinfo=UTC)
    began = datetime(2026, 6, 2, 21, 59, tzinfo=UTC)
    await street.update(t.attempts, started_at=began, deadline=began)
    await street.watch((six - street.clock.now()).total_seconds() + (old - 1) * 60)
    assert (await attempts(street))[0].state == ("failed" if old == 60 else "unclear")


async def test_what_bolink_says_is_paid_is_awaited_though_its_books_do_not_have_it_and_a_person_is_told_once(
    street: Parking,
) -> None:
    order, car = await with_pull(street)
    street.bolink.paid[order.order_id] = [said_paid(order, "wallet")]
    street.clock.advance(11)
    await street.platform.questions.look()
    await street.settled()
    await leaves(street, car)
    for _ in range(2):
        await street.watch(NIGHT)
    assert ((await attempts(street))[0].state, (await bill(street, order)).awaited) == ("unclear", True)
    assert await street.alarm_kinds() == ["payment_awaited"]
    street.bolink.books[order.order_id] = [in_books(order)]
    await street.watch(60)
    assert [(one.trade_no, one.fen) for one in await payments(street)] == [("4200001", 600)]
    assert not (await bill(street, order)).awaited


async def test_a_code_under_way_that_bolink_says_is_paid_is_awaited_on(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    street.bolink.paid[order.order_id] = [said_paid(order, "scancode")]
    street.clock.advance(11)
    await street.platform.questions.look()
    await street.settled()
    await leaves(street, car)
    await street.watch(NIGHT)
    assert ([one.state for one in await payments(street)], (await bill(street, order)).awaited) == (["pending"], True)


async def test_c19_a_payment_whose_message_never_came_has_number_and_amount_from_bolinks_books(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    await ask_price(street)
    street.bolink.paid[order.order_id] = [said_paid(order, "scancode")]
    street.clock.advance(13)
    await street.platform.questions.look()
    await street.settled()
    await leaves(street, car)
    assert (await bill(street, order)).awaited
    street.bolink.books[order.order_id] = [in_books(order, "T9", "7.00")]
    await street.watch(60)
    assert await payments(street) == []
    street.bolink.books[order.order_id] = [in_books(order, "T9")]
    await street.watch(60)
    [paid] = await payments(street)
    assert (paid.trade_no, paid.fen, paid.state, paid.quote_no != "") == ("T9", 600, "paid", True)
    assert ((await bill(street, order)).balance_fen, (await street.order(PLATE)).review) == (0, "")
    asked = len(street.bolink.of("4.1"))
    await street.watch(60)
    assert len(street.bolink.of("4.1")) == asked


async def test_a_payment_under_way_that_said_no_amount_has_it_from_the_price_that_was_told(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await ask_price(street)
    no_amount = {"total": None, "arrive_money": "0"}
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2", **no_amount)
    await let_go(street, car)
    street.bolink.books[order.order_id] = [in_books(order, "T2")]
    await street.watch(NIGHT)
    [paid] = await payments(street)
    assert (paid.trade_no, paid.fen, paid.state, paid.quote_no != "") == ("T2", 600, "paid", True)


async def test_a_price_that_is_paid_is_not_paid_again_by_another_number_of_its_payment(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [{"state": 1, "errmsg": "", "trade_no": "N1"}]
    car = await at_exit(street)
    await street.settled()
    await leaves(street, car)
    await street.update(t.bills, awaited=True)
    street.bolink.books[order.order_id] = [in_books(order, "T9")]
    await street.platform.unheard.ask(await street.lot(), {order.order_id: order.requested_at})
    assert [(one.trade_no, one.fen) for one in await payments(street)] == [("T9", 600)]


async def test_what_is_known_by_its_number_goes_first_where_the_books_name_the_sum_of_all(street: Parking) -> None:
    order, car = await with_pull(street)
    (pull,) = await attempts(street)
    await street.platform.leaving.do(
        PullEnded(Pull(LOT_ID, pull.attempt_no, order.order_id, "wallet", "{}"), Charged("paid", ""), {})
    )
    await pay_at_exit(street, order.order_id, "2.00", state=2, trade_no="T2")
    street.bolink.books[order.order_id] = [in_books(order, "T1", "8.00"), in_books(order, "T2", "8.00")]
    await street.watch(NIGHT)
    assert sorted((one.trade_no, one.fen, one.way) for one in await payments(street)) == [
        ("T1", 600, "wallet"),
        ("T2", 200, "scancode"),
    ]
    await leaves(street, car)


async def test_a_stay_that_is_awaited_for_a_day_is_for_a_person_once(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    await ask_price(street)
    street.bolink.paid[order.order_id] = [said_paid(order, "scancode")]
    street.clock.advance(13)
    await street.platform.questions.look()
    await street.settled()
    await leaves(street, car)
    street.bolink.refuses["4.1"] = "订单不存在"
    await street.watch(NIGHT - 60)
    assert await street.alarm_kinds() == []
    for _ in range(3):
        await street.watch(60)
    assert await street.alarm_kinds() == ["payment_awaited"]
    assert (await bill(street, order)).awaited
    await pay_at_exit(street, order.order_id, "6.00", trade_no="T9")
    assert ((await bill(street, order)).balance_fen, (await street.order(PLATE)).review) == (0, "")


async def test_what_was_paid_in_an_earlier_departure_does_not_pay_for_the_days_since(street: Parking) -> None:
    order, car = await with_pull(street)
    street.bolink.paid[order.order_id] = [said_paid(order, "wallet")]
    street.clock.advance(11)
    await street.platform.questions.look()
    await street.settled()
    assert street.barrier(EXIT).lifts == 1
    await street.barrier(EXIT).report(EventKind.BACKED_OUT, car)
    street.clock.advance(4 * NIGHT)
    await at_exit(street)
    await street.platform.questions.look()
    await street.settled()
    assert (street.barrier(EXIT).lifts, "payment_awaited" in await street.alarm_kinds()) == (1, True)
    await street.platform.questions.look()
    assert (await street.alarm_kinds()).count("payment_awaited") == 1


async def test_what_a_payment_of_a_part_leaves_is_owed_and_told(street: Parking) -> None:
    order, car = await with_pull(street)
    await let_go(street, car)
    await street.update(t.attempts, fen=400)
    await pay_at_exit(street, order.order_id, "4.00", pay_type="wallet")
    left = await bill(street, order)
    assert (left.balance_fen, left.awaited, (await street.order(PLATE)).review) == (200, False, "left owing")
    assert await street.alarm_kinds() == ["left_owing"]


async def test_what_a_payment_of_a_part_leaves_is_awaited_while_another_is_under_way(street: Parking) -> None:
    order, car = await with_pull(street)
    await let_go(street, car)
    await pay_at_exit(street, order.order_id, "4.00")
    left = await bill(street, order)
    assert (left.balance_fen, left.awaited, await street.alarm_kinds()) == (200, True, [])


async def test_a_failure_is_told_though_a_person_had_confirmed_the_stay_meanwhile(street: Parking) -> None:
    order, car = await with_pull(street)
    await let_go(street, car)
    await street.update(t.orders, review="")
    await street.watch(NIGHT)
    assert ((await street.order(PLATE)).review, (await bill(street, order)).awaited) == ("left owing", False)
    assert await street.alarm_kinds() == ["payment_not_heard_of", "left_owing"]


def said_paid(order: Order, way: str) -> dict[str, Any]:
    """4.3: BoLink has a payment at the exit."""
    about = {"car_number": PLATE, "order_id": order.order_id, "pay_channel": 0, "in_time": 1}
    return about | {"pay_state": 1, "pay_type": way, "pay_scene": "outpay"}


# BoLink does not say


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
    assert await street.alarm_kinds() == ["payment_awaited", "payment_not_heard_of", "left_owing"]


@pytest.mark.parametrize("said", ["系统繁忙", "签名错误", "{}"])
async def test_trouble_of_bolinks_is_no_answer(street: Parking, said: str) -> None:
    order, car = await with_pull(street)
    await let_go(street, car)
    if said == "{}":
        street.bolink.books[order.order_id] = [in_books(order, money="six")]
    else:
        street.bolink.refuses["4.1"] = said
    await street.watch(NIGHT)
    assert ((await attempts(street))[0].state, (await bill(street, order)).awaited) == ("unclear", True)
    assert await street.alarm_kinds() == ["payment_awaited"]


async def test_an_order_that_is_answered_unreadably_holds_up_no_other(street: Parking) -> None:
    first, car = await with_pull(street)
    await let_go(street, car)
    second = await parked(street, "浙A22222")
    await street.deliver()
    await pays_by_itself(street, "浙A22222")
    street.bolink.charges = [PENDING]
    await let_go(street, await at_exit(street, "浙A22222"))
    one, other = sorted([first, second], key=lambda order: order.order_id)
    street.bolink.books[one.order_id] = [in_books(one) | {"out_time": None}]
    street.bolink.books[other.order_id] = [in_books(other, "T77")]
    await street.watch(NIGHT)
    assert {pull.order_id: pull.state for pull in await attempts(street)} == {
        one.order_id: "unclear",
        other.order_id: "paid",
    }


async def test_more_than_are_asked_for_in_one_look_take_turns(street: Parking) -> None:
    await pay_at_exit(street, (await parked(street)).order_id, "6.00", state=2)
    [one] = await payments(street)
    ids = [f"order_{number:02}" for number in range(21)]
    more = [msgspec.structs.replace(one, payment_id=of, trade_no=of, order_id=of) for of in ids]
    await street.update(t.payments, state="failed")
    await street.database.write(lambda conn: conn.execute(sa.insert(t.payments), [*map(msgspec.structs.asdict, more)]))
    street.bolink.refuses["4.1"] = "系统繁忙"
    await street.watch(NIGHT)
    for _ in range(2):
        await street.watch(60)
    assert [one.order_id for one in street.bolink.of("4.1")] == (ids * 3)[:60]


async def test_where_one_question_is_not_answered_the_others_wait_for_the_next_look(street: Parking) -> None:
    await pay_at_exit(street, (await parked(street)).order_id, "6.00", state=2)
    await pay_at_exit(street, (await parked(street, "浙A22222")).order_id, "6.00", state=2)
    street.bolink.loses_answers = True
    await street.watch(NIGHT)
    assert len({one.order_id for one in street.bolink.of("4.1")}) == 1


@pytest.mark.parametrize(("hours", "state"), [(24, "unclear"), (25, "failed")])
async def test_a_pull_that_began_more_than_a_day_from_now_was_written_by_a_wrong_clock(
    street: Parking, hours: int, state: str
) -> None:
    await with_pull(street)
    await street.update(t.attempts, started_at=street.clock.now() + timedelta(hours=hours))
    await street.watch()
    assert (await attempts(street))[0].state == state


async def test_a_payment_of_an_order_that_nobody_knows_here_is_booked_by_no_books(street: Parking) -> None:
    assert not await street.platform.leaving.do(PaymentNamed(LOT_ID, "nobody's", "T1", 600, {}))
    assert await payments(street) == []


async def test_processes_take_turns_to_ask(street: Parking) -> None:
    await with_pull(street)
    street.bolink.refuses["4.1"] = "系统繁忙"
    await street.watch(NIGHT)
    await street.watch(59)
    assert len(street.bolink.of("4.1")) == 1
    street.clock.set_back(30)
    await street.watch(0)
    assert len(street.bolink.of("4.1")) == 1
    street.clock.set_back(3600)
    await street.watch(0)
    assert len(street.bolink.of("4.1")) == 2


@pytest.mark.parametrize(
    ("entered", "spans"),
    [
        ((6, 2, 0, 0, 0), [((6, 1, 23, 0, 0), None)]),
        ((5, 31, 17, 0, 0), [((5, 31, 16, 0, 0), None)]),  # one o'clock on the 1st of June in Shanghai
        ((5, 31, 16, 30, 0), [((5, 31, 15, 30, 0), (5, 31, 15, 59, 59)), ((5, 31, 16, 0, 0), None)]),
        (
            (1, 4, 0, 0, 0),  # the last three months
            [
                ((3, 31, 16, 0, 0), (4, 30, 15, 59, 59)),
                ((4, 30, 16, 0, 0), (5, 31, 15, 59, 59)),
                ((5, 31, 16, 0, 0), None),
            ],
        ),
    ],
)
async def test_what_is_asked_for_begins_an_hour_before_the_entry_and_no_span_crosses_months(
    street: Parking, entered: tuple[int, ...], spans: list[tuple[tuple[int, ...], tuple[int, ...] | None]]
) -> None:
    await with_pull(street)
    now = datetime(2026, 6, 4, tzinfo=UTC)

    def at(when: tuple[int, ...] | None) -> float:
        return (now if when is None else datetime(2026, *when, tzinfo=UTC)).timestamp()

    since = datetime(2026, *entered, tzinfo=UTC)
    await street.update(t.orders, in_at=since, requested_at=since)
    await street.update(t.attempts, started_at=since)
    await street.watch((now - street.clock.now()).total_seconds())
    asked = [(one.data["start_time"], one.data["end_time"]) for one in street.bolink.of("4.1")]
    assert asked == [(at(start), at(end)) for start, end in spans]


# What stays as it is


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
    assert await not_heard_of(street) == ["T7 is neither paid nor refused"]
    assert street.bolink.of("4.1") == []


async def test_a_payment_that_failed_for_silence_is_asked_for_again_at_night(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    [under_way] = await payments(street)
    await street.watch(NIGHT)
    assert [one.state for one in await payments(street)] == ["failed"]
    since = under_way.received_at
    asked = await street.read(lambda conn: in_doubt(conn, LOT_ID, since, street.clock.now()))
    assert asked == {order.order_id: since}
    assert (
        await street.read(lambda conn: in_doubt(conn, LOT_ID, since + timedelta(seconds=1), street.clock.now())) == {}
    )
    street.bolink.books[order.order_id] = [in_books(order, "T2")]
    await street.platform.unheard.ask(await street.lot(), asked)
    assert [(one.state, one.fen) for one in await payments(street)] == [("paid", 600)]
