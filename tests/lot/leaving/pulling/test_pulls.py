"""Money that the lot takes by itself: from a wallet, or with the code of a phone before the scanner."""

from __future__ import annotations

import asyncio
import json
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
    exits_told,
    leaves,
    parked,
    pay_at_exit,
    pay_inside,
    payments,
    pays_by_itself,
    pulls_told,
    with_tariff,
)
from support.lot.parking import BY, KEY, Parking
from taigan import bolink
from taigan.barriers.barrier import EventKind
from taigan.lot.leaving.pulling.ended import PaymentNamed, PullEnded
from taigan.lot.people.exit_acts import LetGo
from taigan.lot.policy import Policy
from taigan.lot.uploads.pulls import Charged, Pull
from taigan.storage.rows import Order
from taigan.storage.sums.reconciling import in_doubt

PAID = {"state": 1, "errmsg": "成功"}
FAILED = {"state": 0, "errmsg": "余额不足"}
PENDING = {"state": 2, "errmsg": "支付中"}
WECHAT_CODE = "134567890123456789"


@pytest.fixture
async def street(street: Parking) -> Parking:
    return await with_tariff_in(street)


async def with_tariff_in(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def with_wallet(street: Parking, *answers: dict[str, Any], hours: float = 3.0) -> tuple[Order, str]:
    """A car whose plate pays by itself comes to the exit; BoLink has its entry, and answers so."""
    order = await parked(street, hours=hours)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = list(answers)
    return order, await at_exit(street)


async def scanned(street: Parking, car: str, code: str = WECHAT_CODE) -> None:
    """The lane's scanner reads a code."""
    await street.barrier(EXIT).report(EventKind.SCANNED_CODE, car, code=code)
    await street.settled()


async def test_e1_the_wallet_pays_at_once_the_car_goes_and_its_exit_is_told_by_it(street: Parking) -> None:
    order, car = await with_wallet(street, PAID)
    (said,) = pulls_told(street)
    assert (said["order_id"], said["total"], said["pay_type"], said["out_channel_id"], said["remark"]) == (
        order.order_id,
        "6.00",
        "wallet",
        EXIT,
        {"is_prepay": "1"},
    )
    assert (street.barrier(EXIT).lifts, street.barrier(EXIT).shown[-1]) == (1, f"{PLATE} 扣费成功，请通行")
    (paid,) = await payments(street)
    assert (paid.giver, paid.way, paid.fen, paid.attempt_no) == (
        "us",
        "wallet",
        600,
        (await attempts(street))[0].attempt_no,
    )
    await leaves(street, car)
    assert len(await exits_told(street)) == 1  # the pull itself
    assert ((await bill(street, order)).balance_fen, said["empty_plot"]) == (0, 50)


async def test_the_attempt_is_a_row_before_bolink_is_called(street: Parking) -> None:
    order = await parked(street)
    await pays_by_itself(street)
    await street.deliver()
    street.bolink.holds = True
    coming = asyncio.create_task(at_exit(street))
    await street.bolink.received("3.2")
    (attempt,) = await attempts(street)
    assert (attempt.state, attempt.order_id, attempt.fen, street.barrier(EXIT).lifts) == (
        "live",
        order.order_id,
        600,
        0,
    )
    asked = await ask_while_busy(street)
    assert (asked["state"], asked["errmsg"]) == (0, "正在扣费，请稍候")
    street.bolink.go_on()
    await coming
    assert ((await attempts(street))[0].state, street.barrier(EXIT).lifts) == ("paid", 1)


async def ask_while_busy(street: Parking) -> dict[str, Any]:
    """5.1, without waiting for what is under way."""
    data = {"service_name": "query_price", "park_id": "7", "pay_scene": 1, "query_order_no": "Qbusy"}
    text = json.dumps(data | {"out_channel_id": EXIT}).encode()
    answered = await street.platform.callbacks.answer(bolink.seal(text, KEY))
    return dict(json.loads(answered.body))


async def test_c21_5_5_names_the_number_of_a_pull_that_was_paid_at_once_and_pays_nothing_more(street: Parking) -> None:
    order, _ = await with_wallet(street, PAID)
    await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet", trade_no="T7")
    (paid,) = await payments(street)
    assert (paid.giver, paid.trade_no, (await bill(street, order)).paid_fen) == ("bolink", "T7", 600)


async def test_c21_the_number_that_the_pull_was_answered_stands_until_5_5_names_one(street: Parking) -> None:
    order, _ = await with_wallet(street, PAID | {"trade_no": "N1"})
    (paid,) = await payments(street)
    assert (paid.giver, paid.trade_no) == ("bolink", "N1")
    for number in ("N1", "N2"):  # the second is another payment: the first has confirmed the answer's number
        await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet", trade_no=number)
    assert [(one.trade_no, one.fen) for one in await payments(street)] == [("N1", 600), ("N2", 600)]


async def test_c21_5_5_with_another_number_than_the_answer_counts_the_pull_once(street: Parking) -> None:
    order, _ = await with_wallet(street, PAID | {"trade_no": "N1"})
    await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet", trade_no="N2")
    (paid,) = await payments(street)
    assert (paid.giver, paid.trade_no, (await bill(street, order)).paid_fen) == ("bolink", "N2", 600)


async def test_c21_5_5_that_cannot_be_understood_and_then_can_counts_the_pull_once(street: Parking) -> None:
    order, _ = await with_wallet(street, PAID)
    for total in ("six", "6.00"):
        await pay_at_exit(street, order.order_id, total, pay_type="wallet", trade_no="N1")
    assert sorted((one.state, one.trade_no, one.fen) for one in await payments(street)) == [
        ("failed", "N1", 0),
        ("paid", "N1", 600),
    ]
    assert (await bill(street, order)).paid_fen == 600


async def test_c21_5_5_with_another_amount_than_the_pull_took_is_kept_with_an_alarm(street: Parking) -> None:
    order, _ = await with_wallet(street, PAID)
    await pay_at_exit(street, order.order_id, "5.00", pay_type="wallet", trade_no="T7")
    (paid,) = await payments(street)
    assert (paid.giver, paid.fen, await street.alarm_kinds()) == ("us", 600, ["money_conflict"])


async def test_c21_5_5_for_a_pull_that_was_never_begun_pays_with_an_alarm(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet")
    assert (street.barrier(EXIT).lifts, await street.alarm_kinds()) == (1, ["pull_unknown"])


@pytest.mark.parametrize(
    "answer", [PENDING, {"state": 1, "errmsg": "订单已存在"}, {"state": 0, "errmsg": "订单已存在"}, {"errmsg": "?"}]
)
async def test_e2_an_unclear_answer_lets_nobody_go_and_nothing_is_taken_again(
    street: Parking, answer: dict[str, Any]
) -> None:
    order, _ = await with_wallet(street, answer)
    (attempt,) = await attempts(street)
    assert (attempt.state, street.barrier(EXIT).lifts, street.barrier(EXIT).shown[-1]) == (
        "unclear",
        0,
        "正在扣费，请稍候",
    )
    street.clock.advance(21)
    await street.watch()
    assert (street.barrier(EXIT).asked[-1].due_fen, await street.alarm_kinds()) == (600, ["pull_unclear"])
    await street.watch(5)
    assert (len(pulls_told(street)), await street.alarm_kinds()) == (1, ["pull_unclear"])
    price = await ask_price(street)
    assert (price["state"], price["price"], price["order_id"]) == (1, "6.00", order.order_id)


async def test_e2_an_answer_that_is_lost_is_unclear(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.loses_answers = True
    await at_exit(street)
    assert [attempt.state for attempt in await attempts(street)] == ["unclear"]
    assert (street.barrier(EXIT).lifts, (await street.order(PLATE)).order_id) == (0, order.order_id)


async def test_e3_a_wallet_without_money_is_not_tried_again_for_this_car_here(street: Parking) -> None:
    order, car = await with_wallet(street, FAILED)
    price = street.barrier(EXIT).asked[-1]
    assert ((await attempts(street))[0].state, price.due_fen, price.text) == ("failed", 600, "扣费失败，请扫码支付")
    await street.barrier(EXIT).report(EventKind.PLATE, car, plate=PLATE)
    await street.settled()
    assert len(pulls_told(street)) == 1
    await pay_at_exit(street, order.order_id, "6.00")
    assert street.barrier(EXIT).lifts == 1


async def test_e4_5_5_pays_an_unclear_pull_and_the_car_goes(street: Parking) -> None:
    order, car = await with_wallet(street, PENDING)
    await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet")
    (attempt,) = await attempts(street)
    (paid,) = await payments(street)
    assert (attempt.state, paid.attempt_no, street.barrier(EXIT).lifts) == ("paid", attempt.attempt_no, 1)
    await leaves(street, car)
    assert [said["pay_type"] for said in await exits_told(street)] == ["wallet", "cash"]


async def test_e4_4_3_says_that_an_unclear_pull_was_paid_the_car_goes_and_the_money_is_awaited(street: Parking) -> None:
    order, car = await with_wallet(street, PENDING)
    street.bolink.paid[order.order_id] = [record(order)]
    await street.platform.questions.look()
    assert (street.bolink.of("4.3"), street.barrier(EXIT).lifts) == ([], 0)  # not before ten seconds are over
    street.clock.advance(11)
    await street.platform.questions.look()
    await street.settled()
    (asked,) = [upload.data for upload in street.bolink.of("4.3")]
    assert (asked["order_id"], asked["car_number"], street.barrier(EXIT).lifts) == (order.order_id, PLATE, 1)
    await leaves(street, car)
    left = await street.order(PLATE)
    assert (left.state, (await bill(street, order)).awaited, len(await exits_told(street))) == ("out", True, 1)
    await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet")
    closed = await bill(street, order)
    assert (closed.balance_fen, closed.awaited, (await street.order(PLATE)).review) == (0, False, "")
    assert [said["pay_type"] for said in await exits_told(street)] == ["wallet", "cash"]


def record(order: Order, **other: Any) -> dict[str, Any]:
    """A payment as 4.3 lists it."""
    return {
        "pay_state": 1,
        "car_number": PLATE,
        "order_id": order.order_id,
        "pay_type": "wallet",
        "pay_scene": "outpay",
        "pay_channel": 0,
        "in_time": 0,
    } | other


@pytest.mark.parametrize(
    "other", [{"pay_state": 0}, {"pay_type": "scancode"}, {"pay_type": "sweepcode"}, {"pay_scene": "prepay"}]
)
async def test_e4_a_payment_of_another_kind_lets_nobody_go(street: Parking, other: dict[str, Any]) -> None:
    order, _ = await with_wallet(street, PENDING)
    street.bolink.paid[order.order_id] = [record(order, **other)]
    street.clock.advance(11)
    await street.platform.questions.look()
    await street.settled()
    assert street.barrier(EXIT).lifts == 0


async def test_4_3_is_asked_for_two_minutes_and_only_while_the_car_waits(street: Parking) -> None:
    _, car = await with_wallet(street, PENDING)
    street.clock.advance(119)
    await street.platform.questions.look()
    street.clock.advance(2)
    await street.platform.questions.look()
    assert len(street.bolink.of("4.3")) == 1
    await street.backs_out(car, EXIT)
    street.clock.set_back(60)
    await street.platform.questions.look()
    assert len(street.bolink.of("4.3")) == 1


async def test_of_several_processes_one_asks_4_3_at_a_time_and_a_clock_set_back_stops_none(
    new_parking: NewParking,
) -> None:
    one = await with_tariff_in(await new_parking())
    other = await new_parking(clock=one.clock, process="q")
    await with_wallet(one, PENDING)
    one.clock.advance(20)
    questions = (one.platform.questions, other.platform.questions)
    for asked in (1, 2):
        await asyncio.gather(*(each.look() for each in questions))
        assert len(one.bolink.of("4.3")) + len(other.bolink.of("4.3")) == asked
        one.clock.advance(2)
    one.clock.set_back(10)
    await asyncio.gather(*(each.look() for each in questions))
    assert len(one.bolink.of("4.3")) + len(other.bolink.of("4.3")) == 3


async def test_e5_an_unclear_pull_that_was_paid_after_another_payment_is_surplus(street: Parking) -> None:
    order, _ = await with_wallet(street, PENDING)
    street.clock.advance(25)
    await pay_at_exit(street, order.order_id, "6.00")
    assert street.barrier(EXIT).lifts == 1
    await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet")
    assert ((await bill(street, order)).balance_fen, street.barrier(EXIT).lifts) == (-600, 1)


async def test_b17_a_payment_inside_while_a_pull_is_live_and_the_pull_succeeds_is_surplus(street: Parking) -> None:
    order, _ = await with_wallet(street, PENDING)
    quote = {"price": "6.00", "order_id": order.order_id}
    await pay_inside(street, quote)
    await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet")
    closed = await bill(street, order)
    assert (closed.paid_fen, closed.balance_fen, street.barrier(EXIT).lifts) == (1200, -600, 1)


async def test_e6_a_person_lets_the_car_go_and_nothing_is_heard_until_morning(street: Parking) -> None:
    order = await gone_while_unclear(street)
    assert (await street.order(PLATE)).review == "left while its payment was unclear"
    await street.watch(3600)
    assert (await attempts(street))[0].state == "unclear"
    await street.watch(24 * 3600)
    closed = await bill(street, order)
    assert ((await attempts(street))[0].state, closed.awaited, closed.balance_fen) == ("failed", False, 600)
    assert (await street.order(PLATE)).review == "left owing"
    assert await street.alarm_kinds() == ["payment_not_heard_of", "left_owing"]


async def gone_while_unclear(street: Parking) -> Order:
    order, car = await with_wallet(street, PENDING)
    picture = street.platform.leaving.pictures(order.lot_id)[EXIT]
    let_go = LetGo(lot_id=order.lot_id, channel_id=EXIT, by=BY, picture=picture, unpaid="owed")
    await street.platform.leaving.do_and_raise(let_go)
    await leaves(street, car)
    assert (await bill(street, order)).awaited
    return order


async def owes_and_is_told(street: Parking, order: Order) -> None:
    closed = await bill(street, order)
    assert ((await attempts(street))[0].state, closed.awaited, closed.balance_fen) == ("failed", False, 600)
    assert ((await street.order(PLATE)).review, await street.alarm_kinds()) == ("left owing", ["left_owing"])


async def test_e6_a_payment_that_bolink_says_failed_after_the_car_left_is_awaited_no_more(street: Parking) -> None:
    order = await gone_while_unclear(street)
    await pay_at_exit(street, order.order_id, "6.00", state=0, pay_type="wallet")
    await owes_and_is_told(street, order)


async def test_e6_a_pull_whose_refusal_is_known_after_the_car_left_is_awaited_no_more(street: Parking) -> None:
    order = await gone_while_unclear(street)
    (attempt,) = await attempts(street)
    pull = Pull(order.lot_id, attempt.attempt_no, order.order_id, attempt.way, "{}")
    await street.platform.leaving.do(PullEnded(pull, Charged("failed", "余额不足"), {}))
    await owes_and_is_told(street, order)


async def test_e6_a_failed_payment_leaves_another_that_is_under_way_awaited(street: Parking) -> None:
    order = await gone_while_unclear(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T1")
    await pay_at_exit(street, order.order_id, "6.00", state=0, pay_type="wallet", trade_no="T2")
    assert ((await bill(street, order)).awaited, (await street.order(PLATE)).review) == (
        True,
        "left while its payment was unclear",
    )
    await pay_at_exit(street, order.order_id, "6.00", state=0, trade_no="T1")
    await owes_and_is_told(street, order)


async def test_e6_money_of_which_nothing_was_heard_by_the_morning_is_booked_when_bolinks_books_name_it(
    street: Parking,
) -> None:
    order, _ = await with_wallet(street, PENDING)
    began = street.clock.now()
    await street.watch(24 * 3600)
    assert (await attempts(street))[0].state == "failed"
    asked = await street.database.read(lambda conn: in_doubt(conn, order.lot_id, began, street.clock.now()))
    later = await street.database.read(
        lambda conn: in_doubt(conn, order.lot_id, street.clock.now(), street.clock.now())
    )
    assert (asked, later) == ({order.order_id: began}, {})
    pictures = street.platform.leaving.pictures(order.lot_id)
    for _ in range(2):  # the next night's books name it again
        await street.platform.leaving.do(PaymentNamed(order.lot_id, order.order_id, "4200001", 600, pictures))
    assert [(p.giver, p.trade_no, p.fen, p.state) for p in await payments(street)] == [
        ("bolink", "4200001", 600, "paid")
    ]
    assert ((await attempts(street))[0].state, (await bill(street, order)).paid_fen) == ("paid", 600)
    assert await street.database.read(lambda conn: in_doubt(conn, order.lot_id, began, street.clock.now())) == {}


async def test_e7_an_entry_that_bolink_has_not_taken_goes_first(street: Parking) -> None:
    await parked(street)
    await pays_by_itself(street)
    street.bolink.charges = [PAID]
    await at_exit(street)
    assert [upload.section for upload in street.bolink.uploads] == ["3.1", "3.2"]
    assert street.barrier(EXIT).lifts == 1


async def test_e7_an_entry_that_bolink_refuses_takes_nothing(street: Parking) -> None:
    street.bolink.refuses["3.1"] = "车场不存在"
    await parked(street)
    await pays_by_itself(street)
    await at_exit(street)
    assert (pulls_told(street), [x.state for x in await attempts(street)]) == ([], ["failed"])
    assert street.barrier(EXIT).asked[-1].text == "扣费失败，请扫码支付"


async def test_e8_nothing_is_tried_while_bolink_is_not_reached(street: Parking) -> None:
    order = await parked(street)
    await pays_by_itself(street)
    street.bolink.reachable = False
    for _ in range(3):
        await street.platform.courier.look()
        await street.platform.courier.sent()
        street.clock.advance(400)
    car = await at_exit(street)
    assert (await attempts(street), street.barrier(EXIT).asked[-1].text) == ([], "请扫码缴费")
    await scanned(street, car)
    assert (await attempts(street), street.barrier(EXIT).asked[-1].text) == ([], "请扫码或现金支付")
    assert order.state == "in"


async def test_e9_the_code_on_a_phone_pays_and_is_kept_nowhere(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    street.bolink.charges = [PAID]
    await scanned(street, car)
    (said,) = pulls_told(street)
    assert (said["pay_type"], said["auth_code"], said["total"]) == ("sweepcode", WECHAT_CODE, "6.00")
    assert (street.barrier(EXIT).lifts, (await bill(street, order)).balance_fen) == (1, 0)
    for table in ("deliveries", "attempts", "payments", "order_events", "alarms", "quotes"):
        rows = await street.read(lambda conn, of=table: conn.exec_driver_sql(f"SELECT * FROM {of}").all())
        assert WECHAT_CODE not in str(rows), table


async def test_e10_the_same_event_again_and_another_code_take_nothing_more(street: Parking) -> None:
    await parked(street)
    await street.deliver()
    car = await at_exit(street)
    street.bolink.charges = [FAILED, PENDING]
    event = await street.barrier(EXIT).report(EventKind.SCANNED_CODE, car, code=WECHAT_CODE)
    await street.settled()
    await street.barrier(EXIT).repeat(event)
    await street.settled()
    assert len(pulls_told(street)) == 1
    await street.barrier(EXIT).report(EventKind.SCANNED_CODE, code="285012345678901234")
    await street.settled()
    await street.barrier(EXIT).report(EventKind.SCANNED_CODE, code="285012345678901235")
    await street.settled()
    assert (len(pulls_told(street)), street.barrier(EXIT).shown[-1]) == (2, "支付处理中")


@pytest.mark.parametrize("code", ["", "https://example.com", "6901234567892", "13456789012345678", "91" + "0" * 16])
async def test_e11_what_is_no_payment_code_takes_nothing(street: Parking, code: str) -> None:
    await parked(street)
    car = await at_exit(street)
    await scanned(street, car, code)
    assert (await attempts(street), street.barrier(EXIT).shown[-1]) == ([], "请出示付款码")


async def test_a_code_takes_nothing_for_a_car_without_an_order_nor_for_one_that_was_let_go(street: Parking) -> None:
    unknown = await at_exit(street, "粤B99999")
    await scanned(street, unknown)
    assert (await attempts(street), street.barrier(EXIT).shown[-1]) == ([], "未查询到入场记录")
    await street.backs_out(unknown, EXIT)
    await parked(street, hours=0.1)
    free = await at_exit(street)
    await scanned(street, free)
    assert (await attempts(street), street.barrier(EXIT).lifts) == ([], 1)


async def test_d13_a_car_that_backs_off_after_a_pull_owes_the_difference_by_code_only(street: Parking) -> None:
    order, car = await with_wallet(street, PAID)
    await street.backs_out(car, EXIT)
    street.clock.advance(3600)
    await at_exit(street)
    assert (len(pulls_told(street)), street.barrier(EXIT).asked[-1].due_fen) == (1, 200)
    await pay_at_exit(street, order.order_id, "2.00")
    assert street.barrier(EXIT).lifts == 2


async def test_e21_a_process_that_dies_while_a_pull_is_live_leaves_it_unclear(
    new_parking: NewParking, street: Parking
) -> None:
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.holds = True
    coming = asyncio.create_task(at_exit(street))
    await street.bolink.received("3.2")
    for task in street.platform.pulls._under_way:
        task.cancel()
    await coming
    other = await new_parking(process="q", clock=street.clock, bolink_side=street.bolink)
    await other.watch(13)
    assert [x.state for x in await attempts(street)] == ["live"]
    await other.watch(4)
    assert [x.state for x in await attempts(street)] == ["unclear"]
    assert (len(pulls_told(street)), (await bill(street, order)).paid_fen) == (1, 0)


async def test_e22_a_wallet_is_not_charged_for_too_much_nor_for_too_long_a_stay(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(charge_above_fen=500))
    await with_tariff(street)
    await with_wallet(street, PAID)
    assert (await attempts(street), street.barrier(EXIT).asked[-1].due_fen) == ([], 600)


async def test_e22_a_wallet_is_not_charged_for_a_stay_longer_than_a_day(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(charge_above_fen=100_000))
    await with_tariff(street)
    await with_wallet(street, PAID, hours=25)
    assert await attempts(street) == []


async def test_a_plate_that_pays_by_itself_no_longer_is_asked_for_the_price(street: Parking) -> None:
    await parked(street)
    await pays_by_itself(street)
    await pays_by_itself(street, still=False)
    await at_exit(street)
    assert (await attempts(street), street.barrier(EXIT).asked[-1].due_fen) == ([], 600)


async def test_c9_a_payment_under_way_is_asked_about_and_lets_the_car_go_when_bolink_has_it(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    assert (street.barrier(EXIT).lifts, street.barrier(EXIT).shown[-1]) == (0, "支付处理中")
    street.bolink.paid[order.order_id] = [record(order, pay_type="scancode")]
    street.clock.advance(12)
    await street.platform.questions.look()
    await street.settled()
    assert street.barrier(EXIT).lifts == 1
    await pay_at_exit(street, order.order_id, "6.00", trade_no="T2")
    assert (street.barrier(EXIT).lifts, (await bill(street, order)).balance_fen) == (1, 0)


async def test_c9_a_payment_under_way_of_which_nothing_is_heard_until_morning_has_failed_and_may_still_be_paid(
    street: Parking,
) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=2, trade_no="T2")
    await street.watch(24 * 3600)
    assert [payment.state for payment in await payments(street)] == ["failed"]
    assert "payment_not_heard_of" in await street.alarm_kinds()
    await pay_at_exit(street, order.order_id, "6.00", trade_no="T2")
    assert [payment.state for payment in await payments(street)] == ["paid"]


async def test_c10_a_failure_told_by_message_ends_the_orders_only_pull(street: Parking) -> None:
    order, _ = await with_wallet(street, PENDING)
    await pay_at_exit(street, order.order_id, "6.00", state=0, pay_type="wallet")
    assert [x.state for x in await attempts(street)] == ["failed"]


async def test_bolink_unreachable_at_the_call_itself_is_unclear(street: Parking) -> None:
    await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.reachable = False
    await at_exit(street)
    (attempt,) = await attempts(street)
    assert (attempt.state, street.barrier(EXIT).lifts) == ("unclear", 0)
