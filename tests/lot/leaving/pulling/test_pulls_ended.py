"""What a pull was asked with, and what it came to when BoLink says so afterwards, at the limits of each rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
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
    pulls_told,
    told,
    with_tariff,
)
from support.lot.parking import LOT_ID, Parking
from taigan.barriers.barrier import EventKind
from taigan.bolink.chapters.reconciliation import PaymentRecord
from taigan.lot import texts
from taigan.lot.leaving.pulling.ended import PaymentNamed, PaymentsTold, PullEnded
from taigan.lot.policy import Policy
from taigan.lot.uploads.pulls import Charged, Pull
from taigan.storage import tables as t
from taigan.storage.locked import vehicles
from taigan.storage.rows import Order

RAISED = {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"}
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
    await street.platform.leaving.do(PaymentNamed(order.lot_id, order.order_id, number, fen, pictures))
    await street.settled()


async def told_of(street: Parking, order: Order, *records: dict[str, Any]) -> None:
    """BoLink is asked what it knows of the order's payments (4.3)."""
    paid = {"pay_state": 1, "car_number": PLATE, "order_id": order.order_id, "pay_channel": 0, "in_time": 0}
    street.bolink.paid[order.order_id] = [paid | {"pay_scene": "outpay"} | record for record in records]
    street.clock.advance(12)
    await street.platform.questions.look()
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
    assert (said["reduce_amount"], str(said["derate_duration"]), said["total"]) == ("2.00", str(minutes), "6.00")


async def test_a_pull_tells_of_no_reduction_where_nothing_was_taken_off(street: Parking) -> None:
    await pulled(street, PAID)
    [said] = pulls_told(street)
    assert ("reduce_amount" in said, "derate_duration" in said) == (False, False)


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
    assert [(one.fen, one.fee_fen) for one in await payments(street) if one.trade_no == "T1"] == [(400, 0)]
    assert (await bill(street, order)).paid_fen == (600 if booked else 400)
    assert street.barrier(EXIT).lifts == int(booked)


async def test_a_number_that_is_known_names_nothing_more(street: Parking) -> None:
    order = await pulled(street, PENDING)
    await pay_at_exit(street, "nobody", "6.00", trade_no="N1")
    await named(street, order, 600)
    assert [one.state for one in await attempts(street)] == ["unclear"]


@pytest.mark.parametrize(("times", "lifts"), [(0, 0), (1, 0), (2, 1)])
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


@pytest.mark.parametrize("pay_state", [1, 0, 2])
@pytest.mark.parametrize("pending", [True, False])
async def test_a_car_of_whose_payment_no_message_came_goes_when_bolink_has_it(
    street: Parking, pay_state: int, pending: bool
) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    if pending:
        await pay_at_exit(street, order.order_id, "6.00", state=2)
    await told_of(street, order, {"pay_type": "scancode", "pay_state": pay_state})
    goes = pay_state == 1
    assert (street.barrier(EXIT).lifts, (await bill(street, order)).awaited) == (int(goes), goes)
    if goes:
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
    ("paid", "way", "told", "lifts"),
    [
        ("scancode", "sweepcode", ["scancode", "sweepcode"], 1),  # of another way, whichever it is, none is counted
        ("wallet", "sweepcode", ["wallet", "sweepcode"], 1),
        ("scancode", "sweepcode", ["scancode"], 0),
        ("wallet", "sweepcode", ["wallet"], 0),
        ("wallet", "scancode", ["wallet"], 0),
    ],
)
async def test_an_unclear_payment_is_one_that_bolink_has_of_that_way_above_those_that_are_known(
    street: Parking, paid: str, way: str, told: list[str], lifts: int
) -> None:
    order = await parked(street)
    await at_exit(street)
    await ask_price(street)
    await pay_at_exit(street, order.order_id, "2.00", pay_type=paid)
    await pay_at_exit(street, order.order_id, "4.00", pay_type=way, state=2)
    await told_of(street, order, *[{"pay_type": one} for one in told])
    assert street.barrier(EXIT).lifts == lifts


@pytest.mark.parametrize(("scene", "lifts"), [("outpay", 1), (None, 1), ("prepay", 0)])
async def test_a_payment_is_at_the_exit_unless_bolink_says_that_it_was_inside(
    street: Parking, scene: str | None, lifts: int
) -> None:
    order = await pulled(street, PENDING)
    await told_of(street, order, {"pay_type": "wallet", "pay_scene": scene})
    assert (street.barrier(EXIT).lifts, len(street.bolink.of("4.3"))) == (lifts, 1)
    if lifts:
        assert street.barrier(EXIT).shown[-1] == f"{PLATE} {texts.SCREEN_CHARGED}"


@pytest.mark.parametrize(
    ("known", "told", "lifts"), [(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 0), (1, 2, 1), (2, 2, 0), (2, 3, 1)]
)
async def test_payments_that_bolink_has_are_held_against_those_that_are_known_here(
    street: Parking, known: int, told: int, lifts: int
) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=0)  # one that failed is no payment
    for _ in range(known):
        await pay_at_exit(street, order.order_id, "2.00")
    await told_now(street, order, *["scancode"] * told)
    assert street.barrier(EXIT).lifts == lifts


async def test_cash_is_none_of_the_payments_that_bolink_has(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await pay_at_exit(street, order.order_id, "2.00")
    await street.update(t.payments, giver="cash", way="cash")
    await told_now(street, order, "scancode")
    assert street.barrier(EXIT).lifts == 1


async def told_now(street: Parking, order: Order, *ways: str) -> None:
    """BoLink says that these payments were made for the order at an exit (4.3)."""
    record = {"pay_state": 1, "car_number": PLATE, "order_id": order.order_id, "pay_channel": 0, "in_time": 0}
    records = [msgspec.convert(record | {"pay_type": way, "pay_scene": "outpay"}, PaymentRecord) for way in ways]
    pictures = street.platform.leaving.pictures(order.lot_id)
    await street.platform.leaving.do(PaymentsTold(order.lot_id, order.order_id, records, pictures))
    await street.settled()


async def test_what_bolink_has_of_a_stay_that_has_ended_or_of_none_changes_nothing(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await told(street, "operate_liftrod", RAISED)
    await told_now(street, order, "scancode")
    assert (await bill(street, order)).awaited is False  # its car was let go, and what it owes is owed
    await leaves(street, car)
    await told_now(street, order, "scancode")
    assert ((await bill(street, order)).awaited, "payment_awaited" in await street.alarm_kinds()) == (False, False)
    await told_now(street, msgspec.structs.replace(order, order_id="nobody"), "scancode")


async def test_what_bolink_has_of_a_stay_whose_car_backed_off_is_awaited_and_told_once(street: Parking) -> None:
    order = await parked(street)
    await street.backs_out(await at_exit(street), EXIT)
    for _ in range(2):
        await told_now(street, order, "scancode")
    assert ((await bill(street, order)).awaited, await street.alarm_kinds()) == (True, ["payment_awaited"])
    history = await street.history(await street.order(PLATE))
    assert [one.detail for one in history.events if one.event == "awaited"] == ["BoLink says paid by scancode"]


async def test_while_a_pull_is_live_what_bolink_has_of_its_way_lets_nobody_go(street: Parking) -> None:
    order = await live(street)
    await told_now(street, order, "scancode")
    lifts = street.barrier(EXIT).lifts
    await street.update(t.attempts, state="unclear")
    await told_now(street, order, "wallet")
    assert (lifts, street.barrier(EXIT).lifts) == (1, 1)


async def live(street: Parking) -> Order:
    """A car at the exit whose pull is under way, of which nothing is heard."""
    order = await pulled(street, PENDING)
    await street.update(t.attempts, state="live")
    return order


async def test_bolinks_books_name_no_pull_that_is_under_way_and_none_where_there_was_none(street: Parking) -> None:
    order = await live(street)
    await named(street, order, 600)
    assert [one.state for one in await attempts(street)] == ["live"]
    other = await parked(street, "浙A67890")
    await named(street, other, 600)
    await named(street, msgspec.structs.replace(other, order_id="nobody"), 600)
    assert await payments(street) == []


async def ended(street: Parking, order: Order, state: str, said: str = "", **changed: str) -> None:
    """BoLink answers the order's pull so, or one that is changed so."""
    [attempt] = await attempts(street)
    pull = Pull(order.lot_id, attempt.attempt_no, order.order_id, attempt.way, "{}")
    pictures = street.platform.leaving.pictures(order.lot_id)
    await street.platform.leaving.do(PullEnded(replace(pull, **changed), Charged(state, said), pictures))
    await street.settled()


@pytest.mark.parametrize("unknown", [{"order_id": "nobody"}, {"attempt_no": "nobody"}])
async def test_the_end_of_a_pull_that_nobody_knows_changes_nothing(street: Parking, unknown: dict[str, str]) -> None:
    order = await live(street)
    for state in ("paid", "failed", "unclear"):
        await ended(street, order, state, **unknown)
    assert ([one.state for one in await attempts(street)], await payments(street)) == (["live"], [])


@pytest.mark.parametrize("then", ["paid", "failed", "unclear"])
async def test_what_a_message_told_of_a_pull_stands_whatever_its_answer_says_afterwards(
    street: Parking, then: str
) -> None:
    order = await live(street)
    await pay_at_exit(street, order.order_id, "6.00", pay_type="wallet", trade_no="N1")
    await ended(street, order, then)
    assert [one.state for one in await attempts(street)] == ["paid"]
    assert ([one.trade_no for one in await payments(street)], (await bill(street, order)).paid_fen) == (["N1"], 600)


async def test_a_pull_that_failed_by_a_message_is_not_unclear_when_its_answer_comes(street: Parking) -> None:
    order = await live(street)
    await pay_at_exit(street, order.order_id, "6.00", state=0, pay_type="wallet")
    await ended(street, order, "unclear")
    assert [one.state for one in await attempts(street)] == ["failed"]


async def test_a_number_that_another_payment_has_is_not_a_pulls(street: Parking) -> None:
    await pay_at_exit(street, "nobody", "6.00", trade_no="N1")
    await pulled(street, PAID | {"trade_no": "N1"})
    [attempt] = await attempts(street)
    [taken] = [one for one in await payments(street) if one.way == "wallet"]
    assert (taken.giver, taken.trade_no, taken.note, taken.fee_fen) == ("us", attempt.attempt_no, "", 0)


async def test_a_pull_that_was_paid_is_the_exit_that_bolink_was_told_by_one_upload(street: Parking) -> None:
    order = await pulled(street, PAID)
    told = sa.select(t.deliveries.c.state, t.deliveries.c.attempts).where(t.deliveries.c.section == "3.2")
    assert await street.row(told) == [("done", 1)]
    await ended(street, order, "paid")
    assert await street.row(told) == [("done", 1)]


async def test_a_refusal_that_is_known_after_the_car_was_let_go_asks_for_nothing(street: Parking) -> None:
    order = await live(street)
    await told(street, "operate_liftrod", RAISED)
    asked, shown = len(street.barrier(EXIT).asked), len(street.barrier(EXIT).shown)
    await ended(street, order, "failed", "余额不足")
    assert [one.state for one in await attempts(street)] == ["failed"]
    assert (len(street.barrier(EXIT).asked), len(street.barrier(EXIT).shown)) == (asked, shown)


async def test_a_refusal_of_what_is_due_no_more_asks_for_nothing(street: Parking) -> None:
    await street.update(t.lanes, policy="attendant")  # who has paid waits there until a person lets them go
    order = await live(street)
    await pay_at_exit(street, order.order_id, "6.00")
    asked = len(street.barrier(EXIT).asked)
    await ended(street, order, "failed")
    assert len(street.barrier(EXIT).asked) == asked


@pytest.mark.parametrize(("most", "tried"), [(599, 0), (600, 1), (601, 1)])
async def test_an_amount_is_charged_by_itself_up_to_the_highest_that_may_be(
    new_parking: NewParking, most: int, tried: int
) -> None:
    street = await new_parking(policy=Policy(charge_above_fen=most))
    await with_tariff(street)
    await pulled(street, PAID)
    assert len(await attempts(street)) == tried


@pytest.mark.parametrize(("first", "second"), [("car-1", "car-2"), ("car-2", "car-1")])
async def test_a_wallet_is_tried_once_for_each_time_its_car_comes(street: Parking, first: str, second: str) -> None:
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [FAILED] * 3
    points = {"car_number": PLATE, "type": 1, "order_id": order.order_id, "deduction_money": "1.00"}
    for car, tried in ((first, 1), (second, 2)):
        await street.arrives(EXIT, presence_id=car)
        await street.barrier(EXIT).report(EventKind.PLATE, car, plate=PLATE)
        await street.settled()
        await told(street, "pay_notice", points | {"trade_no": car})  # it is asked for less, and not tried again
        assert len(pulls_told(street)) == tried
        await street.backs_out(car, EXIT)


async def test_a_wallet_is_tried_after_another_way_has_failed(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    street.bolink.charges = [FAILED, PAID]
    car = await at_exit(street)
    await street.barrier(EXIT).report(EventKind.SCANNED_CODE, car, code="134567890123456789")
    await street.settled()
    await pays_by_itself(street)
    street.clock.advance(1)
    points = {"car_number": PLATE, "type": 1, "order_id": order.order_id, "deduction_money": "1.00", "trade_no": "P1"}
    await told(street, "pay_notice", points)
    assert [(one.way, one.state) for one in await attempts(street)] == [("sweepcode", "failed"), ("wallet", "paid")]


async def test_that_nobody_pays_by_itself_is_said_of_no_plate(street: Parking) -> None:
    """A driver without a plate is none of those whom BoLink names by an empty one."""
    now = street.clock.now()
    nobody = vehicles.AutoPay(LOT_ID, "", "", True, now)
    await street.database.write(lambda conn: vehicles.keep_auto_pay(conn, nobody))
    await street.passes(await street.enters("EA47829"))
    street.clock.advance(3600)
    await street.deliver()
    await at_exit(street, "")
    order = await street.order("EA47829")
    await ask_price(street, licence="EA47829", order_id=order.order_id)
    points = {"car_number": "EA47829", "type": 1, "order_id": order.order_id, "deduction_money": "1.00"}
    await told(street, "pay_notice", points | {"trade_no": "P1"})
    assert (await attempts(street), street.barrier(EXIT).asked[-1].due_fen) == ([], 100)


@pytest.mark.parametrize("uploads", [8, 4])
async def test_the_next_upload_waits_for_its_turn_after_a_pull(new_parking: NewParking, uploads: int) -> None:
    street = await new_parking(policy=Policy(uploads_per_second=uploads))
    await with_tariff(street)
    await pulled(street, PAID)
    [(next_at,)] = await street.row(sa.select(t.upload_pace.c.next_at))
    assert next_at - street.clock.now() == timedelta(seconds=1 / uploads)
