"""Drivers ask what a stay costs, pay, and the lot is told: the exit at BoLink's side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.leaving_lot import LeavingLot
from hub.sides import LOT_ID, PARK_ID, UNION_ID, Side, running_side, serving_lot
from hub.vendor import client_at
from support.clock import PATIENCE, ManualClock
from taigan.bolink import by_section, example_of
from taigan.bolink.chapters.reconciliation import QueryOrders, QueryPayment, Refund
from taigan.bolink.values import ExitPayment
from taigan.hub.rules import ResendUntil, Rules

PLATE = "京A12345"


@pytest.fixture
async def lot() -> AsyncIterator[LeavingLot]:
    async with serving_lot(LeavingLot()) as serving:
        assert isinstance(serving, LeavingLot)
        yield serving


async def at_exit(side: Side, driver: str = "li", **more: Any) -> Any:
    return await side.scan(driver, lot_id=LOT_ID, channel_id="B1", **more)


async def prepay(side: Side, car_number: str = PLATE, **more: Any) -> Any:
    asked = {"lot_id": LOT_ID, "car_number": car_number, "driver": "li"} | more
    status, answer = await side.admin("POST", "/admin/prepays", json=asked)
    assert status == 200, answer
    return answer


async def pay(side: Side, scan: Any, **more: Any) -> Any:
    status, answer = await side.admin("POST", f"/admin/scans/{scan['scan_id']}/pay", json=more)
    assert status == 200, answer
    return answer


async def test_an_exits_code_asks_with_scene_1_and_its_lane(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    scan = await at_exit(side)
    assert (scan["shown"], scan["price"], scan["total"]) == ("price", "5.00", "8.00")
    assert (scan["order_id"], scan["car_number"]) == ("o1", PLATE)
    [asked] = lot.pushes("query_price")
    by_section("5.1").read_request(msgspec.json.encode(asked))
    assert (asked["pay_scene"], asked["out_channel_id"]) == (1, "B1")
    assert asked["query_order_no"] == scan["quote_no"]
    assert len(scan["quote_no"]) == 24
    assert asked.keys().isdisjoint({"order_id", "car_number", "licence"}), "this driver was never given a number"
    assert (await side.shown(scan["scan_id"])) == scan


async def test_the_code_of_2_3_leads_to_the_same(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    _, made = await side.upload(by_section("2.3").path, type=2, channel_id="B1", create=1)
    url = made["code_url"]
    [exit_lane] = [lane for lane in (await side.get("/admin/lots"))["items"][0]["lanes"] if lane["exit_code"]]
    assert (exit_lane["channel_id"], exit_lane["exit_url"]) == ("B1", url)
    scan = await side.scan(code=url)
    assert (scan["shown"], scan["channel_id"]) == ("price", "B1")


async def test_a_driver_with_an_open_stay_under_the_licence_asks_with_scene_2(side: Side, lot: LeavingLot) -> None:
    entered = await side.scan("li")
    await side.upload_entry(entered["car_number"], "o1")
    await at_exit(side)
    [asked] = lot.pushes("query_price")
    assert (asked["pay_scene"], asked["order_id"], asked["out_channel_id"]) == (2, "o1", "B1")
    assert asked["car_number"] == asked["licence"] == entered["car_number"]


async def test_after_a_paid_no_plate_exit_a_new_scan_is_scene_1(side: Side, lot: LeavingLot) -> None:
    entered = await side.scan("li")
    await side.upload_entry(entered["car_number"], "o1")
    await pay(side, await at_exit(side))
    await at_exit(side)
    assert [asked["pay_scene"] for asked in lot.pushes("query_price")] == [2, 1]
    assert lot.pushes("query_price")[1]["licence"] == entered["car_number"]


async def test_paid_at_an_exit_5_5_tells_the_lot_once(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    scan = await at_exit(side, app="alipay")
    paid = await pay(side, scan)
    assert (paid["shown"], len(paid["trade_no"]), paid["trade_no"].isdecimal()) == ("paid", 24, True)
    [told] = await lot.told("outpark")
    by_section("5.5").read_request(msgspec.json.encode(told))
    assert told["state"] == 1
    assert (told["order_id"], told["out_channel_id"], told["pay_type"]) == ("o1", "B1", "scancode")
    assert (told["total"], told["fee"], told["arrive_money"], told["pay_channel"]) == (5.0, 0.03, 4.97, 1)
    assert told["trade_no"] == paid["trade_no"]
    assert "query_order_no" not in told
    assert (await side.shown(scan["scan_id"]))["shown"] == "paid"
    assert await pay(side, scan) == paid, "one payment for a quote"
    [kept] = (await side.get(f"/admin/payments?lot_id={LOT_ID}"))["items"]
    assert (kept["trade_no"], kept["fen"], kept["purpose"]) == (paid["trade_no"], 500, "code")
    assert (kept["scan_id"], kept["quote_no"]) == (scan["scan_id"], scan["quote_no"])
    assert len(lot.pushes("outpark")) == 1


async def test_paid_inside_5_3_echoes_the_query(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    scan = await prepay(side, "京a12345")
    [asked] = lot.pushes("query_price")
    assert (asked["pay_scene"], asked["car_number"], asked["order_id"]) == (0, PLATE, "o1")
    assert "out_channel_id" not in asked
    paid = await pay(side, scan)
    [told] = await lot.told("prepay_order")
    by_section("5.3").read_request(msgspec.json.encode(told))
    assert (told["prepay"], told["order_id"], told["car_number"]) == (5.0, "o1", PLATE)
    assert (told["query_order_no"], told["query_time"]) == (scan["quote_no"], 1777881600)
    assert (told["trade_no"], told["fee"]) == (paid["trade_no"], 0.03)
    shown = await side.shown(scan["scan_id"])
    assert (shown["shown"], shown["leave_by"]) == ("paid", "2026-05-04T04:15:00Z")


async def test_a_plate_that_bolink_does_not_know_is_asked_without_an_order(side: Side, lot: LeavingLot) -> None:
    lot.said = {"state": 0, "errmsg": "未查询到在场车辆，请核对车牌", "price": None}
    scan = await prepay(side, "京B99999")
    assert (scan["shown"], scan["text"], scan["price"]) == ("refused", "未查询到在场车辆，请核对车牌", None)
    assert lot.pushes("query_price")[0]["order_id"] == ""


@pytest.mark.parametrize(("errmsg", "text"), [(None, "无需缴费"), ("无需缴费，请通行", "无需缴费，请通行")])
async def test_a_price_of_0_is_nothing_to_pay(side: Side, lot: LeavingLot, errmsg: str | None, text: str) -> None:
    lot.price, lot.said = "0.00", {"errmsg": errmsg}
    await side.upload_entry(PLATE, "o1")
    scan = await at_exit(side)
    assert (scan["shown"], scan["text"], scan["price"]) == ("free", text, "0.00")
    status, answer = await side.admin("POST", f"/admin/scans/{scan['scan_id']}/pay", json={})
    assert (status, answer["error"]["field"]) == (400, "scan_id")
    status, answer = await side.admin("POST", f"/admin/scans/{scan['scan_id']}/pay")  # the amount may be left out
    assert (status, answer["error"]["field"]) == (400, "scan_id")
    assert (await side.admin("POST", "/admin/prepays"))[1]["error"]["message"] == "the body is missing"
    assert lot.pushes("outpark") == []


@pytest.mark.parametrize(
    "said",
    [
        {"state": 3},
        {"state": None},
        {"price": None},
        {"price": "a lot"},
        {"price": "1e99"},
        {"query_order_no": "another"},
        {"order_id": None},
    ],
    ids=str,
)
async def test_an_answer_that_cannot_be_used_is_not_shown_as_a_price(
    side: Side, lot: LeavingLot, said: dict[str, Any]
) -> None:
    lot.said = said
    scan = await at_exit(side)
    assert (scan["shown"], scan["text"]) == ("timeout", "车场应答异常，请重新查询")


@pytest.mark.parametrize(
    ("channel_id", "text"),
    [
        ("B1", "查询失败，车场通信异常，请稍后重试或联系车场管理员。"),
        ("", "车场网络异常，请稍后重试。"),
    ],
)
async def test_a_lot_that_is_offline_says_so_as_the_document_has_it(
    tmp_path: Path, clock: ManualClock, channel_id: str, text: str
) -> None:
    async with running_side(tmp_path, clock, "http://127.0.0.1:9") as side:
        scan = await at_exit(side) if channel_id else await prepay(side)
        assert (scan["shown"], scan["text"]) == ("timeout", text)


async def test_a_price_whose_answer_is_lost_is_no_price(side: Side, lot: LeavingLot) -> None:
    await side.faults({"kind": "answer_lost", "service_name": "query_price"})
    scan = await at_exit(side)
    assert (scan["shown"], scan["text"]) == ("timeout", "查询失败，查询价格返回超时，请稍后重试。")
    assert len(lot.pushes("query_price")) == 1


async def test_an_order_that_was_never_uploaded_is_payable_only_with_its_time_and_plate(
    side: Side, lot: LeavingLot
) -> None:
    refused = await at_exit(side)
    assert (refused["shown"], refused["text"]) == ("refused", "订单未上报，暂不能缴费，请联系车场管理员")
    lot.said = {"in_time": 1777870000, "car_number": PLATE}
    scan = await at_exit(side)
    assert (scan["shown"], scan["car_number"]) == ("price", PLATE)
    await pay(side, scan)
    [told] = await lot.told("outpark")
    assert (told["order_id"], told["car_number"]) == ("o1", PLATE)


async def test_a_second_phone_pays_a_quote_of_its_own(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    scans = [await at_exit(side, "li"), await at_exit(side, "wang")]
    paid = [await pay(side, scan) for scan in scans]
    assert len({one["trade_no"] for one in paid}) == 2
    assert {one["trade_no"] for one in await lot.told("outpark", 2)} == {one["trade_no"] for one in paid}


@pytest.mark.parametrize("amount", ["3.5", 3.5])
async def test_a_script_may_pay_another_amount(side: Side, lot: LeavingLot, amount: object) -> None:
    await side.upload_entry(PLATE, "o1")
    await pay(side, await at_exit(side), amount=amount)
    assert (await lot.told("outpark"))[0]["total"] == 3.5


@pytest.mark.parametrize("amount", ["0", "-1", "x", "1e99", 1e300], ids=str)
async def test_an_amount_that_makes_no_sense_names_its_field(side: Side, lot: LeavingLot, amount: object) -> None:
    await side.upload_entry(PLATE, "o1")
    scan = await at_exit(side)
    status, answer = await side.admin("POST", f"/admin/scans/{scan['scan_id']}/pay", json={"amount": amount})
    assert (status, answer["error"]["field"]) == (400, "amount")


async def test_a_payment_that_fails_is_told_and_may_be_tried_again(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    scan = await at_exit(side)
    await side.faults({"kind": "payment_failed"})
    failed = await pay(side, scan)
    assert failed["shown"] == "failed"
    assert [told["state"] for told in await lot.told("outpark")] == [0]
    paid = await pay(side, scan)
    assert (paid["shown"], paid["trade_no"] != failed["trade_no"]) == ("paid", True)
    assert {told["state"] for told in await lot.told("outpark", 2)} == {0, 1}


async def test_a_payment_under_way_is_told_as_2_and_its_end_by_the_same_number(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    scan = await at_exit(side)
    await side.faults({"kind": "payment_pending"})
    paid = await pay(side, scan)
    assert paid["shown"] == "pending"
    assert [told["state"] for told in await lot.told("outpark")] == [2]
    [record] = (await side.get("/admin/records/payments"))["items"]
    await side.admin("POST", f"/admin/records/{record['id']}/state", json={"state": "paid"})
    told = await lot.told("outpark", 2)
    assert [(one["state"], one["trade_no"]) for one in told] == [(2, paid["trade_no"]), (1, paid["trade_no"])]
    assert (await side.shown(scan["scan_id"]))["shown"] == "paid"


async def test_inside_a_lot_hears_only_of_what_was_paid(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    await side.faults({"kind": "payment_failed"})
    assert (await pay(side, await prepay(side)))["shown"] == "failed"
    assert (await pay(side, await prepay(side)))["shown"] == "paid"
    assert len(await lot.told("prepay_order")) == 1


@pytest.mark.parametrize(
    ("until", "answer", "sent_again"),
    [
        (ResendUntil.ANSWERED, {"state": 0, "errmsg": "不认识"}, False),
        (ResendUntil.STATE_1, {"state": 0, "errmsg": "不认识"}, True),
        (ResendUntil.STATE_1, {"state": 1}, False),
    ],
)
async def test_what_ends_the_resending_is_a_setting(
    tmp_path: Path,
    clock: ManualClock,
    lot: LeavingLot,
    until: ResendUntil,
    answer: dict[str, Any],
    sent_again: bool,
) -> None:
    lot.taken = answer
    async with running_side(
        tmp_path, clock, lot.url, Rules(resend_until=until, push_timeout=PATIENCE), exits=("B1",)
    ) as side:
        await side.upload_entry(PLATE, "o1")
        await pay(side, await at_exit(side))
        await lot.told("outpark")
        await owed_is(side, "pending" if sent_again else "taken")
        if sent_again:
            await clock.waited_for(10)
            clock.advance(10)
            assert len({one["trade_no"] for one in await lot.told("outpark", 2)}) == 1


async def owed_is(side: Side, state: str) -> dict[str, Any]:
    """The one payment message, once it stands so and its push is over."""
    while True:
        [owed] = (await side.get("/admin/owed"))["items"]
        pushes = [push for push in (await side.get("/admin/pushes"))["items"] if push["owed_id"] == owed["id"]]
        if owed["state"] == state and all(push["outcome"] != "sent" for push in pushes):
            return dict(owed)


async def test_after_the_last_resend_a_person_sends_it_again(
    tmp_path: Path, clock: ManualClock, lot: LeavingLot
) -> None:
    async with running_side(
        tmp_path, clock, lot.url, Rules(resend_after=(), push_timeout=PATIENCE), exits=("B1",)
    ) as side:
        await side.upload_entry(PLATE, "o1")
        scan = await at_exit(side)
        await side.faults({"kind": "answer_lost", "service_name": "outpark"})
        await pay(side, scan)
        owed = await owed_is(side, "needs_person")
        status, sent = await side.admin("POST", f"/admin/owed/{owed['id']}/send")
        assert (status, sent["outcome"], sent["scan_id"]) == (200, "answered", scan["scan_id"])
        assert len(await lot.told("outpark", 2)) == 2
        assert (await owed_is(side, "taken"))["attempts"] == 2
        assert (await side.admin("POST", "/admin/owed/999/send"))[0] == 404


@pytest.mark.parametrize(("fault", "states"), [("payment_failed_after", [1, 0]), ("payment_failed_before", [0, 1])])
async def test_a_payment_can_be_told_out_of_order(
    side: Side, lot: LeavingLot, clock: ManualClock, fault: str, states: list[int]
) -> None:
    await side.upload_entry(PLATE, "o1")
    await side.faults({"kind": fault, "service_name": "outpark"})
    await pay(side, await at_exit(side))
    await lot.told("outpark")
    await clock.waited_for(1)
    clock.advance(1)
    told = await lot.told("outpark", 2)
    assert [one["state"] for one in told] == states
    assert told[0]["trade_no"] == told[1]["trade_no"]


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        ({"kind": "payment_other_amount"}, {"total": 4.99}),
        ({"kind": "payment_other_amount", "fen": 100}, {"total": 6.0}),
        ({"kind": "payment_no_total"}, {"total": None}),
        ({"kind": "payment_unknown_order"}, {"order_id": "unknown000"}),
        ({"kind": "payment_unreadable"}, {"total": {"yuan": "?"}, "pay_time": "yesterday"}),
        ({"kind": "payment_clock_off"}, {"pay_time": 1777867200 + 600}),
        ({"kind": "payment_clock_off", "seconds": -600}, {"pay_time": 1777867200 - 600}),
    ],
    ids=str,
)
async def test_a_payment_message_can_go_wrong_on_purpose_and_is_signed_all_the_same(
    side: Side, lot: LeavingLot, fault: dict[str, Any], changed: dict[str, Any]
) -> None:
    await side.upload_entry(PLATE, "o1")
    await side.faults(fault | {"service_name": "5.5"})
    await pay(side, await at_exit(side))
    [told] = await lot.told("outpark")
    assert {name: told.get(name) for name in changed} == changed
    [push] = [one for one in (await side.get("/admin/pushes"))["items"] if one["service_name"] == "outpark"]
    detail = await side.get(f"/admin/pushes/{push['id']}")
    assert detail["signed"]["sign"] == msgspec.json.decode(lot.bodies[-1])["sign"]


async def test_a_push_can_be_lost_before_the_lot_hears_of_it(side: Side, lot: LeavingLot, clock: ManualClock) -> None:
    await side.upload_entry(PLATE, "o1")
    await side.faults({"kind": "push_lost", "service_name": "outpark"})
    await pay(side, await at_exit(side))
    await clock.waited_for(PATIENCE)
    assert lot.pushes("outpark") == []
    clock.advance(PATIENCE + 5)
    assert len(await lot.told("outpark")) == 1


async def test_a_push_can_be_late(side: Side, lot: LeavingLot, clock: ManualClock) -> None:
    await side.upload_entry(PLATE, "o1")
    await side.faults({"kind": "push_late", "seconds": 7, "service_name": "outpark"})
    await pay(side, await at_exit(side))
    await clock.waited_for(7)
    assert lot.pushes("outpark") == []
    clock.advance(7)
    assert len(await lot.told("outpark")) == 1


# 3.2 that asks for money


async def leave(side: Side, **more: Any) -> Any:
    return (await side.upload_exit(PLATE, "o1", **{"total": "5.00", "out_channel_id": "B1"} | more))[1]


async def test_a_charge_can_be_paid_and_answered_late(side: Side, clock: ManualClock) -> None:
    await side.upload_entry(PLATE, "o1")
    await side.faults({"kind": "charge_late"})
    answer = await in_time(clock, leave(side, pay_type="sweepcode", auth_code="1"), 11)
    assert (answer["state"], answer["errmsg"]) == (1, "上传成功")
    assert (await leave(side, pay_type="sweepcode", auth_code="1"))["errmsg"] == "订单已存在"


async def test_a_slow_charge_is_answered_2_after_ten_seconds_and_5_5_follows(
    side: Side, lot: LeavingLot, clock: ManualClock
) -> None:
    await side.upload_entry(PLATE, "o1")
    await side.faults({"kind": "charge_slow", "seconds": 20})
    answer = await in_time(clock, leave(side, pay_type="sweepcode", auth_code="1"), 10)
    assert answer["state"] == 2
    assert (await leave(side, pay_type="sweepcode", auth_code="1"))["state"] == 2
    assert lot.pushes("outpark") == []
    clock.advance(20)
    [told] = await lot.told("outpark")
    assert (told["state"], told["pay_type"], told["out_channel_id"]) == (1, "sweepcode", "B1")
    assert (await leave(side, pay_type="sweepcode", auth_code="1"))["errmsg"] == "订单已存在"


async def in_time(clock: ManualClock, call: Any, seconds: float) -> Any:
    calling = asyncio.ensure_future(call)
    await clock.waited_for(seconds)
    assert not calling.done()
    clock.advance(seconds)
    return await calling


async def test_a_charge_answered_1_can_be_told_by_5_5_too(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    await side.faults({"kind": "charge_told_too"})
    assert (await leave(side, pay_type="sweepcode", auth_code="1"))["state"] == 1
    [told] = await lot.told("outpark")
    assert (told["state"], told["pay_type"], told["total"]) == (1, "sweepcode", 5.0)


# What the lot asks afterwards


async def test_4_3_lists_each_payment_and_where_it_was_made(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    await pay(side, await prepay(side))
    await pay(side, await at_exit(side))
    async with client_at(side) as vendor:
        asked = QueryPayment(union_id=int(UNION_ID), park_id=PARK_ID, order_id="o1", car_number=PLATE)
        found = (await vendor.client.query_payment(asked)).data
    assert [(one.pay_state, one.pay_scene, one.pay_type) for one in found] == [
        (1, "prepay", "scancode"),
        (1, "outpay", "scancode"),
    ]


async def test_4_1_knows_a_stay_that_was_paid_at_the_exit_before_its_3_2_came(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    await pay(side, await prepay(side))
    await pay(side, await at_exit(side))
    async with client_at(side) as vendor:
        asked = QueryOrders(union_id=int(UNION_ID), park_id=PARK_ID)
        [order] = (await vendor.client.query_orders(asked)).data
        assert (order.car_number, order.money, order.out_time) == (PLATE, "10.00", 1777867200)
        assert (await leave(side, pay_type=ExitPayment.CASH.value, total="0.00"))["state"] == 1
        [order] = (await vendor.client.query_orders(asked)).data
        assert order.money == "10.00"


async def test_a_refund_of_a_code_payment_is_taken(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    paid = await pay(side, await at_exit(side))
    async with client_at(side) as vendor:
        asked = msgspec.structs.replace(
            example_of(Refund), union_id=int(UNION_ID), park_id=PARK_ID, trade_no=paid["trade_no"], refund_money="5.00"
        )
        assert (await vendor.client.refund(asked)).state == 1


async def test_the_trail_of_a_phone_goes_from_the_scan_to_the_3_2(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    scan = await at_exit(side)
    await pay(side, scan)
    await lot.told("outpark")
    await owed_is(side, "taken")
    await leave(side, pay_type="cash", total="0.00")
    steps = (await side.get(f"/admin/trail?scan_id={scan['scan_id']}"))["items"]
    assert [step["kind"] for step in steps] == [
        "scanned",
        "pushed",
        "answered",
        "shown",
        "paid",
        "pushed",
        "shown",
        "answered",
        "uploaded",
    ]
