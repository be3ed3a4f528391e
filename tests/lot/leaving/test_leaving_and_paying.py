"""Cars leave: what owes nothing goes, what owes pays, each once."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
import sqlalchemy as sa

from support.lot.barrier import Mode
from support.lot.exits import (
    EXIT,
    PLATE,
    ask_price,
    at_exit,
    bill,
    departure,
    exits_told,
    leaves,
    parked,
    pay_at_exit,
    pay_inside,
    payments,
    told,
    with_tariff,
)
from support.lot.parking import BY, LOT_ID, Parking, in_time
from taigan.barriers.barrier import EventKind
from taigan.lot.errors import BadValue, Conflict
from taigan.lot.people.exit_acts import Assign
from taigan.storage.locked import facts


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def test_a_plate_that_owes_nothing_leaves_at_once_and_its_exit_is_told(street: Parking) -> None:
    order = await parked(street, hours=0.2)
    free = await street.free()
    car = await at_exit(street)
    assert street.barrier(EXIT).lifts == 1
    await leaves(street, car)
    left = await street.order(PLATE)
    assert (left.state, left.closed_why, await street.free()) == ("out", "seen", free + 1)
    (said,) = await exits_told(street)
    assert (said["order_id"], said["total"], said["pay_type"], said["out_channel_id"]) == (
        order.order_id,
        "0.00",
        "cash",
        EXIT,
    )


async def test_something_due_is_asked_for_and_the_arm_stays_down(street: Parking) -> None:
    await parked(street)
    await at_exit(street)
    assert street.barrier(EXIT).lifts == 0
    (price,) = street.barrier(EXIT).asked
    assert (price.plate, price.due_fen, price.text) == (PLATE, 600, "请扫码缴费")


async def test_scene_1_gives_the_price_of_the_car_in_the_lane_and_its_payment_lets_it_go(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    quote = await ask_price(street)
    assert (quote["state"], quote["price"], quote["total"], quote["order_id"]) == (1, "6.00", "6.00", order.order_id)
    assert (quote["duration"], quote["free_out_time"]) == (180, 15)
    status, answer = await pay_at_exit(street, order.order_id, "6.00")
    assert (status, answer["state"], answer["order_id"]) == (200, 1, order.order_id)
    assert street.barrier(EXIT).lifts == 1
    assert (await departure(street, car)).released_by == "paid"
    await leaves(street, car)
    paid = await bill(street, order)
    assert (paid.charge_fen, paid.paid_fen, paid.balance_fen) == (600, 600, 0)
    (said,) = await exits_told(street)
    assert (said["total"], said["remark"]) == ("0.00", {"is_prepay": "1"})


async def test_paid_inside_leaves_within_the_time_to_leave_and_owes_the_difference_after_it(street: Parking) -> None:
    order = await parked(street)
    quote = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    assert quote["price"] == "6.00"
    status, answer = await pay_inside(street, quote)
    assert (status, answer["state"], answer["prepay"]) == (200, 1, "6.00")
    again = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    assert (again["price"], again["errmsg"][:6]) == ("0.00", "已缴费，请于")
    street.clock.advance(16 * 60)
    late = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    assert (late["price"], late["total"]) == ("2.00", "8.00")


async def test_paid_inside_and_leaves_in_time_without_being_asked_again(street: Parking) -> None:
    order = await parked(street)
    await pay_inside(street, await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id))
    street.clock.advance(14 * 60)
    car = await at_exit(street)
    assert street.barrier(EXIT).lifts == 1
    street.clock.advance(5 * 60)  # it stands there; what counts is when it came
    await leaves(street, car)
    closed = await bill(street, order)
    assert (closed.charge_fen, closed.balance_fen) == (600, 0)
    (said,) = await exits_told(street)
    assert said["remark"] == {"is_prepay": "0"}


async def test_the_same_payment_again_gets_the_first_answer_and_counts_once(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    first = await pay_at_exit(street, order.order_id, "6.00", trade_no="T1")
    for _ in range(2):
        assert await pay_at_exit(street, order.order_id, "6.00", trade_no="T1") == first
    again = await pay_at_exit(street, order.order_id, "6.00", trade_no="T1", remark="another text")
    assert again[1]["state"] == 1
    assert [payment.fen for payment in await payments(street)] == [600]
    assert street.barrier(EXIT).lifts == 1


async def test_two_phones_pay_one_stay_and_the_second_is_surplus(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await ask_price(street)
    await ask_price(street)
    await pay_at_exit(street, order.order_id, "6.00")
    await pay_at_exit(street, order.order_id, "6.00")
    assert street.barrier(EXIT).lifts == 1
    assert (await bill(street, order)).balance_fen == -600
    await leaves(street, car)
    assert (await bill(street, order)).balance_fen == -600


async def test_an_amount_below_the_due_is_kept_and_the_rest_is_asked_for(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    await pay_at_exit(street, order.order_id, "4.00")
    assert street.barrier(EXIT).lifts == 0
    assert street.barrier(EXIT).shown[-1] == "还需支付2.00元，请再次扫码"
    assert (await ask_price(street))["price"] == "2.00"
    await pay_at_exit(street, order.order_id, "2.00")
    assert street.barrier(EXIT).lifts == 1


async def test_money_for_an_order_nobody_knows_is_a_stray(street: Parking) -> None:
    status, answer = await pay_at_exit(street, "nobody", "6.00")
    assert (status, answer["state"]) == (200, 1)
    (stray,) = await payments(street)
    assert (stray.order_id, stray.fen, stray.state) == ("", 600, "paid")
    assert await street.alarm_kinds() == ["stray"]


@pytest.mark.parametrize(
    "broken",
    [{"total": "six"}, {"total": "0"}, {"total": "-1"}, {"account_type": 0}, {"total": None, "arrive_money": None}],
)
async def test_money_that_cannot_be_understood_is_kept_as_its_text_and_answered_1(
    street: Parking, broken: dict[str, object]
) -> None:
    order = await parked(street)
    status, answer = await pay_at_exit(street, order.order_id, "6.00", **broken)
    assert (status, answer["state"]) == (200, 1)
    (kept,) = await payments(street)
    assert (kept.state, kept.fen, kept.order_id, kept.way) == ("unreadable", 0, "", "scancode")
    assert await street.alarm_kinds() == ["money_unreadable"]
    assert (await bill(street, order)).paid_fen == 0


async def test_money_paid_inside_that_cannot_be_understood_is_kept_too_and_answered_1(street: Parking) -> None:
    order = await parked(street)
    quote = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    for broken in (
        {"prepay": {"yuan": "?"}},
        {"prepay": None, "arrive_money": None},
        {"prepay": "0"},
        {"trade_no": ""},
    ):
        status, answer = await pay_inside(street, quote, **broken)
        assert (status, answer["state"], answer["order_id"]) == (200, 1, order.order_id), broken
    assert [(one.state, one.way) for one in await payments(street)] == [("unreadable", "prepay")] * 4


async def test_a_later_text_of_a_number_that_could_not_be_understood_counts_once(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    for total in ("six", "6.00", "6.00"):
        await pay_at_exit(street, order.order_id, total, trade_no="T9", errmsg=total)
    unread, paid = await payments(street)
    assert (unread.state, unread.fen, unread.note) == ("failed", 0, "understood by now")
    assert (paid.state, paid.fen, paid.order_id) == ("paid", 600, order.order_id)
    assert (street.barrier(EXIT).lifts, (await bill(street, order)).paid_fen) == (1, 600)


async def test_a_person_reads_the_amount_of_a_payment_that_could_not_be_understood_and_assigns_it(
    street: Parking,
) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    await pay_at_exit(street, order.order_id, "six", trade_no="T9")
    (kept,) = await payments(street)
    assign = Assign(lot_id=LOT_ID, payment_id=kept.payment_id, order_id=order.order_id, by=BY)
    with pytest.raises(BadValue) as refused:
        await street.platform.leaving.do(assign)
    assert refused.value.field == "fen"
    await street.platform.leaving.do(msgspec.structs.replace(assign, fen=600))
    await street.settled()
    assert (street.barrier(EXIT).lifts, (await bill(street, order)).paid_fen) == (1, 600)
    with pytest.raises(Conflict):
        await street.platform.leaving.do(msgspec.structs.replace(assign, fen=600))


async def test_a_failed_payment_settles_nothing_and_a_later_1_pays(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    await pay_at_exit(street, order.order_id, "6.00", state=0, trade_no="T9", errmsg="余额不足")
    assert (street.barrier(EXIT).lifts, street.barrier(EXIT).shown[-1]) == (0, "支付失败，请重新扫码")
    await pay_at_exit(street, order.order_id, "6.00", state=1, trade_no="T9")
    assert street.barrier(EXIT).lifts == 1
    await pay_at_exit(street, order.order_id, "6.00", state=0, trade_no="T9")
    assert [payment.state for payment in await payments(street)] == ["paid"]
    assert "money_conflict" in await street.alarm_kinds()


async def test_a_car_that_backs_off_after_paying_may_leave_until_its_time_runs_out(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await ask_price(street)
    await street.backs_out(car, EXIT)
    await pay_at_exit(street, order.order_id, "6.00")
    assert street.barrier(EXIT).lifts == 0
    await at_exit(street)
    assert street.barrier(EXIT).lifts == 1


@pytest.mark.parametrize(
    ("mode", "seen", "state", "how"),
    [
        (Mode.HELD, False, "out", "assumed"),
        (Mode.HELD_FAULT, False, "in", "backed_out"),
        (Mode.HELD, True, "in", "backed_out"),
    ],
    ids=["the arm rose", "the arm did not rise", "it was seen to go back"],
)
async def test_a_car_that_is_gone_while_its_arm_is_on_its_way_up_has_left_if_it_could(
    mode: Mode, seen: bool, state: str, how: str, street: Parking
) -> None:
    await parked(street, hours=0.2)
    barrier = street.barrier(EXIT)
    barrier.mode = mode
    car = await street.arrives(EXIT)
    await barrier.report(EventKind.PLATE, car, plate=PLATE)
    await barrier.commanded()
    await barrier.report(EventKind.BACKED_OUT, car, seen=seen)
    barrier.go_on()
    await street.settled()
    assert ((await street.order(PLATE)).state, (await departure(street, car)).ended_how) == (state, how)


async def test_an_empty_lane_is_not_paid_for(street: Parking) -> None:
    await parked(street)
    asking = asyncio.create_task(ask_price(street))
    await street.clock.waited_for(0.8)
    street.clock.advance(0.8)
    answer = await asking
    assert (answer["state"], answer["errmsg"]) == (0, "未检测到车辆，请驶入车道后再扫码")


async def test_no_order_for_the_plate_asks_a_person_once(street: Parking) -> None:
    await at_exit(street, "粤B99999")
    assert street.barrier(EXIT).shown[-1] == "未查询到入场记录"
    for _ in range(2):
        answer = await ask_price(street)
        assert (answer["state"], answer["errmsg"]) == (0, "未查询到入场记录，请联系管理员")
    assert await street.alarm_kinds() == ["no_entry"]


async def test_a_driver_without_a_plate_scans_out_and_pays(street: Parking) -> None:
    car = await street.enters("EA47829")
    await street.passes(car)
    order = await street.order("EA47829")
    street.clock.advance(3600)
    out = await at_exit(street, "")
    quote = await ask_price(street, scene=2, licence="EA47829", order_id=order.order_id, car_number="EA47829")
    assert (quote["state"], quote["price"], quote["order_id"]) == (1, "2.00", order.order_id)
    await pay_at_exit(street, order.order_id, "2.00")
    await leaves(street, out)
    assert (await street.order("EA47829")).state == "out"


async def test_nothing_due_at_the_exit_the_scan_itself_opens(street: Parking) -> None:
    car = await street.enters("EA47829")
    await street.passes(car)
    order = await street.order("EA47829")
    await at_exit(street, "")
    quote = await ask_price(street, scene=2, licence="EA47829", order_id=order.order_id)
    assert (quote["state"], quote["price"], quote["errmsg"]) == (1, "0.00", "无需缴费，请通行")
    assert street.barrier(EXIT).lifts == 1


async def test_a_rejected_lift_keeps_the_release_and_a_new_scan_raises_once_more(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    street.barrier(EXIT).mode = Mode.FAULT
    await ask_price(street)
    await pay_at_exit(street, order.order_id, "6.00")
    assert (street.barrier(EXIT).lifts, await street.alarm_kinds()) == (0, ["barrier_fault"])
    street.barrier(EXIT).mode = Mode.OK
    answer = await ask_price(street)
    assert (answer["price"], street.barrier(EXIT).lifts) == ("0.00", 1)


async def test_without_a_price_list_the_price_is_never_0(street: Parking) -> None:
    await street.database.write(lambda conn: conn.exec_driver_sql("DELETE FROM price_lists"))
    order = await parked(street)
    await at_exit(street)
    asked = await ask_price(street)
    assert (asked["state"], asked["errmsg"], street.barrier(EXIT).lifts) == (0, "计费失败，请联系管理员", 0)
    assert "not_priced" in await street.alarm_kinds()
    assert (await street.order(PLATE)).order_id == order.order_id


async def test_11_1_lets_an_unpaid_car_go_and_what_it_owes_stays_owed(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    command = {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"}
    for _ in range(2):
        status, answer = await told(street, "operate_liftrod", command)
        assert (status, answer["state"], street.barrier(EXIT).lifts) == (200, 1, 1)
    await leaves(street, car)
    closed = await street.order(PLATE)
    assert (closed.state, closed.review, (await bill(street, order)).balance_fen) == ("out", "left owing", 600)
    assert await exits_told(street) == []
    await pay_at_exit(street, order.order_id, "6.00")
    (exit_,) = await exits_told(street)
    assert (exit_["order_id"], (await bill(street, order)).balance_fen) == (order.order_id, 0)


async def test_a_plate_misread_by_one_confused_character_leaves_with_its_order_if_that_owes_nothing(
    street: Parking,
) -> None:
    order = await parked(street, "浙A12B45", hours=0.1)
    car = await at_exit(street, "浙A12845")
    assert street.barrier(EXIT).lifts == 1
    await leaves(street, car)
    left = await street.order("浙A12B45")
    assert (left.order_id, left.state, left.review) == (order.order_id, "out", "one character off: 浙A12845")


async def test_a_plate_misread_by_one_confused_character_is_a_persons_to_match_if_its_order_owes(
    street: Parking,
) -> None:
    await parked(street, "浙A12B45")
    await at_exit(street, "浙A12845")
    assert street.barrier(EXIT).lifts == 0
    (alarm,) = await street.alarms()
    assert (alarm.kind, alarm.text) == ("no_entry", "浙A12845: no entry found; like it: 浙A12B45")


async def test_a_price_of_a_lot_that_another_transaction_holds_is_answered_after_it(street: Parking) -> None:
    await parked(street)
    await at_exit(street)
    begun, loop = asyncio.Event(), asyncio.get_running_loop()

    def hold(conn: sa.Connection) -> None:
        facts.lock(conn, [LOT_ID])
        loop.call_soon_threadsafe(begun.set)
        if conn.dialect.name == "postgresql":  # on SQLite one transaction writes at a time
            conn.execute(sa.text("SELECT pg_sleep(0.2)"))

    holder = asyncio.create_task(street.database.write(hold))
    await begun.wait()
    _, quote = await in_time(holder, ask_price(street))
    assert (quote["state"], quote["price"]) == (1, "6.00")


async def test_d36_a_plate_that_left_unseen_and_stands_there_again_goes_without_a_second_space_or_exit(
    street: Parking,
) -> None:
    order = await parked(street, hours=0.1)
    first = await at_exit(street)
    await at_exit(street, "粤B99999")  # the loop says that another car came: the first is taken to be gone
    assert (await street.order(PLATE)).closed_why == "left unseen"
    free, told_before = await street.free(), len(await exits_told(street))
    await street.barrier(EXIT).report(EventKind.DOWN)
    again = await at_exit(street)
    assert (street.barrier(EXIT).lifts, (await departure(street, again)).order_id) == (2, order.order_id)
    await leaves(street, again)
    assert (await street.free(), len(await exits_told(street)), first != again) == (free, told_before, True)


async def test_d36_a_driver_without_a_plate_who_left_unseen_scans_again_and_goes(street: Parking) -> None:
    car = await street.enters("EA47829")
    await street.passes(car)
    order = await street.order("EA47829")
    await at_exit(street, "")
    await ask_price(street, scene=2, licence="EA47829", order_id=order.order_id)
    await at_exit(street, "粤B99999")
    assert (await street.order("EA47829")).closed_why == "left unseen"
    free, told_before = await street.free(), len(await exits_told(street))
    await street.barrier(EXIT).report(EventKind.DOWN)
    again = await at_exit(street, "")
    price = await ask_price(street, licence="EA47829")
    assert (price["state"], price["price"], price["errmsg"]) == (1, "0.00", "无需缴费，请通行")
    assert street.barrier(EXIT).lifts == 2
    await leaves(street, again)
    assert (await street.free(), len(await exits_told(street))) == (free, told_before)


async def test_whoever_is_at_an_exit_by_now_is_not_taken_for_a_car_that_backs_out_of_their_entry(
    street: Parking,
) -> None:
    entering = await street.arrives()
    await street.barrier().report(EventKind.PLATE, entering, plate=PLATE)
    await street.settled()
    street.clock.advance(3600)
    leaving = await at_exit(street)
    await street.backs_out(entering)  # the next car, of which the lane knew nothing
    order = await street.order(PLATE)
    assert (order.state, order.passed_at is not None) == ("in", True)
    assert [one.detail for one in (await street.history(order)).events if one.event == "passed"] == ["seen at an exit"]
    await pay_at_exit(street, order.order_id, "2.00")
    await leaves(street, leaving)
    assert (await street.order(PLATE)).state == "out"
