"""What the lot is told when money, invoices and changes are settled after the uplink; and where browsers are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from hub.browsing import Phone
from hub.sides import KEY, LOT_ID, PARK_ID, UNION_ID, FakeLot, Side, saying
from hub.vendor import PLATE, Vendor, client_at
from support.clock import ManualClock
from taigan.bolink import Refused, by_section, example_of
from taigan.bolink.chapters.invoices import IssueInvoice, QueryInvoice
from taigan.bolink.chapters.lots import OnboardLot
from taigan.bolink.chapters.reconciliation import Refund
from taigan.bolink.chapters.trade import GiveChange, PayByEtc, PayEscape, RenewPass
from taigan.bolink.wire.signing import sign_page, sign_sorted

MONEY = {"arrive_money": 11.93, "fee": 0.07}


@pytest.fixture
async def vendor(side: Side, lot: FakeLot) -> AsyncIterator[Vendor]:
    lot.answer = saying(1, car_number="")
    async with client_at(side) as vendor:
        yield vendor


async def told(lot: FakeLot, service_name: str) -> dict[str, Any]:
    """The one message of that kind, once it has come."""
    while not (found := lot.pushes(service_name)):
        await lot.something()
    [message] = found
    interface = next(one for one in (by_section(f"5.{n}") for n in range(1, 15)) if one.event == service_name)
    interface.read_request(msgspec.json.encode(message))
    return message


async def only(vendor: Vendor, kind: str) -> dict[str, Any]:
    [record] = await vendor.records(kind)
    return record


@pytest.mark.parametrize(("state", "number"), [("paid", 1), ("failed", 0)])
async def test_5_10_tells_what_became_of_a_parking_payment(
    vendor: Vendor, lot: FakeLot, state: str, number: int
) -> None:
    asked = vendor.parking_payment("20170921336435142", description="mine")
    begun = await vendor.client.pay_parking(asked)
    assert begun.payurl
    await vendor.moves(await only(vendor, "payments"), state)
    message = await told(lot, "plat_unified_order")
    credited = ("11.92800", "0.07200") if number else ("0.00000", "0.00000")
    assert (message["state"], message["trade_no"], message["amount"]) == (number, asked.trade_no, "12.00")
    assert (message["receipt_amount"], message["pay_platform_fee"], message["description"]) == (*credited, "mine")


async def test_5_8_tells_that_a_pass_was_paid_at_the_address_it_named(vendor: Vendor, lot: FakeLot) -> None:
    renewal = RenewPass(
        park_id=PARK_ID,
        amount="12.00",
        trade_no="201712125566359777",
        notify_url=f"{lot.url}/my_own_address",
        time_temp="1533035031600",
        car_number=PLATE,
        attach={"order_id": "abc123"},
    )
    await vendor.client.renew_pass(renewal)
    await vendor.moves(await only(vendor, "payments"), "paid")
    message = await told(lot, "monthcard_pay")
    assert lot.paths == ["/bolink/my_own_address"]
    assert (message["out_trade_no"], message["attach"]) == (renewal.trade_no, '{"order_id":"abc123"}')
    assert message.items() >= MONEY.items()


@pytest.mark.parametrize("url", ["ftp://x/y", "http://x/y?a=1", "nowhere", "http://x/\u3000"])
async def test_a_notify_url_that_is_none_is_refused(vendor: Vendor, url: str) -> None:
    asked = vendor.parking_payment("20170921336435142", notify_url=url)
    with pytest.raises(Refused, match="notify_url"):
        await vendor.client.pay_parking(asked)


async def test_5_5_settles_an_exit_that_was_pending(vendor: Vendor, lot: FakeLot) -> None:
    await vendor.enters("o1")
    await vendor.side.faults({"kind": "payment_pending"})
    exit_ = await vendor.leaves("o1", pay_type="sweepcode", auth_code="1", total="12.00", out_channel_id="B1")
    assert exit_.state == 2
    await vendor.moves(await only(vendor, "payments"), "paid")
    message = await told(lot, "outpark")
    assert (message["state"], message["order_id"], message["out_channel_id"]) == (1, "o1", "B1")
    assert message.items() >= MONEY.items()


async def test_5_5_says_that_an_exit_was_not_paid_and_the_exit_comes_again(vendor: Vendor, lot: FakeLot) -> None:
    await vendor.enters("o1")
    await vendor.side.faults({"kind": "payment_pending"})
    await vendor.leaves("o1", pay_type="sweepcode", auth_code="1")
    await vendor.moves(await only(vendor, "payments"), "failed")
    assert (await told(lot, "outpark"))["state"] == 0
    assert (await vendor.side.get("/admin/exits"))["items"] == []
    assert (await vendor.leaves("o1", pay_type="sweepcode", auth_code="2")).state == 1
    assert [one["order_id"] for one in (await vendor.side.get("/admin/exits"))["items"]] == ["o1"]


async def test_5_5_follows_an_etc_charge_that_was_pending(vendor: Vendor, lot: FakeLot) -> None:
    await vendor.side.faults({"kind": "payment_pending"})
    asked = msgspec.structs.replace(example_of(PayByEtc), park_id=PARK_ID, order_id="o1", total="12.00")
    assert (await vendor.client.pay_by_etc(asked)).state == 2
    await vendor.moves(await only(vendor, "payments"), "paid")
    assert ((await told(lot, "outpark"))["pay_type"], (await told(lot, "outpark"))["state"]) == ("etc", 1)


async def test_5_11_tells_that_arrears_were_paid(vendor: Vendor, lot: FakeLot) -> None:
    await vendor.leaves("o1", pay_type="escape", total="12")
    payment = PayEscape(
        title="补缴",
        park_id=PARK_ID,
        order_id="o1",
        car_number=PLATE,
        trade_no="t1",
        pay_type=0,
        channel="weixin",
        time_temp="1490875218",
    )
    await vendor.client.pay_escape(payment)
    await vendor.moves(await only(vendor, "payments"), "paid")
    assert ((await told(lot, "plat_escape_order"))["trade_no"], (await only(vendor, "arrears"))["state"]) == (
        "t1",
        "paid",
    )


async def test_5_6_tells_what_became_of_a_refund(vendor: Vendor, lot: FakeLot) -> None:
    asked = vendor.parking_payment("20170921336435142", pay_type=2, auth_code="1", channel=None)
    await vendor.client.pay_parking(asked)
    await vendor.side.faults({"kind": "payment_pending", "service_name": "4.2"})
    refund = Refund(
        union_id=int(UNION_ID), park_id=PARK_ID, trade_no=asked.trade_no, refund_money=Decimal("5"), refund_reason="x"
    )
    assert (await vendor.client.refund(refund)).state == 2
    await vendor.moves(await only(vendor, "refunds"), "done")
    message = await told(lot, "refund")
    assert (message["state"], message["trade_no"], message["refund_money"]) == (1, asked.trade_no, 5)


@pytest.mark.parametrize(("state", "number"), [("received", 2), ("returned", 3), ("failed", 0)])
async def test_5_12_tells_what_became_of_change(vendor: Vendor, lot: FakeLot, state: str, number: int) -> None:
    asked = GiveChange(
        union_id=int(UNION_ID), park_id=PARK_ID, amount="1.01", trade_no="20210408912321123", timestamp=1490875218
    )
    await vendor.client.give_change(asked)
    await vendor.moves(await only(vendor, "change"), state)
    message = await told(lot, "recharge")
    assert (message["state"], message["trade_no"], message["recharge_money"]) == (number, asked.trade_no, 1.01)


async def test_5_2_follows_the_entry_of_a_plate_that_pays_by_itself_and_no_other(vendor: Vendor, lot: FakeLot) -> None:
    await vendor.arranges(auto_pay=[PLATE])
    await vendor.enters("o0", "沪B00001")
    await vendor.enters("o1")
    message = await told(lot, "notice_car_owner")
    assert (message["order_id"], message["is_union_user"]) == ("o1", 1)


async def test_6_4_is_sent_once_to_the_address_that_the_invoice_named(vendor: Vendor, lot: FakeLot) -> None:
    invoice = IssueInvoice(
        type=2,
        union_id=int(UNION_ID),
        open_type=0,
        invoice_order_no="i1",
        money=Decimal("1.23"),
        buyer_name="泊链软件",
        notify_url="http://127.0.0.1:9/invoices",
    )
    await vendor.client.issue_invoice(invoice)
    await vendor.moves(await only(vendor, "invoices"), "failed")
    while not (items := (await vendor.side.get("/admin/pushes"))["items"]) or items[0]["outcome"] == "sent":
        pass
    assert [(one["url"], one["outcome"]) for one in items] == [("http://127.0.0.1:9/invoices", "unreachable")]
    assert '"status":"2"' in items[0]["request"]
    assert "sign" not in items[0]["request"]
    assert (await vendor.side.get("/admin/owed"))["items"] == []
    asked = QueryInvoice(invoice_order_no="i1", union_id=int(UNION_ID))
    assert (await vendor.client.query_invoice(asked)).data.status == "2"


async def test_a_state_that_cannot_follow_is_refused(vendor: Vendor) -> None:
    await vendor.client.pay_parking(vendor.parking_payment("20170921336435142", pay_type=2, auth_code="1"))
    record = await only(vendor, "payments")
    for state in ("failed", "paid", "nonsense"):
        status, answer = await vendor.side.admin("POST", f"/admin/records/{record['id']}/state", json={"state": state})
        assert (status, answer["error"]["field"]) == (400, "state")
    status, _ = await vendor.side.admin("POST", "/admin/records/999/state", json={"state": "paid"})
    assert status == 404


# Browsers


async def test_2_4_leads_a_signed_browser_to_the_form_and_the_form_is_kept(vendor: Vendor, clock: ManualClock) -> None:
    phone = Phone(vendor.side)
    signed = urlsplit(vendor.client.onboarding_page(PARK_ID))
    query = parse_qs(signed.query)
    timestamp = int(clock.now().timestamp() * 1000)
    good = {name: values[0] for name, values in query.items()}
    good |= {"timestamp": str(timestamp), "sign": sign_page(timestamp, KEY)}

    async def opened(**changed: str) -> tuple[int, str]:
        asked = "&".join(f"{name}={value}" for name, value in (good | changed).items())
        status, page = await phone.get(f"{signed.path}?{asked}")
        return status, page

    assert (await opened(sign="0" * 32))[0] == 403
    assert (await opened(timestamp="1"))[0] == 403
    assert (await opened(timestamp="soon"))[0] == 400
    assert (await opened(park_id="nowhere"))[0] == 404
    status, page = await opened()
    assert (status, "请填写商户资料" in page) == (200, True)
    fields = phone.fields(page)
    status, _ = await phone.post("/web/parkingos/onboarding", fields | {"merchant_name": ""})
    assert status == 400
    filled = {"merchant_shortname": "上地停车场", "merchant_name": "个体户王", "license_address": "上地三街9号"}
    _, page = await phone.post("/web/parkingos/onboarding", fields | filled)
    assert "资料已提交" in page
    assert (await only(vendor, "merchants"))["detail"] == {"merchant_name": "个体户王"}
    with pytest.raises(Refused, match="不能修改"):
        await vendor.client.onboard_lot(msgspec.structs.replace(example_of(OnboardLot), park_id=PARK_ID))
    status, _ = await phone.post("/web/parkingos/onboarding", filled | {"lot_id": LOT_ID, "proof": "made up"})
    assert status == 403


@pytest.mark.parametrize(
    ("asked", "back"),
    [
        ("http://127.0.0.1:9/x?a=100%26b=200", "http://127.0.0.1:9/x?a=100&b=200&licence="),
        ("http://127.0.0.1:9/x", "http://127.0.0.1:9/x?licence="),
    ],
)
async def test_7_sends_the_driver_back_with_a_number_that_stays_the_same(side: Side, asked: str, back: str) -> None:
    headers = {"User-Agent": "MicroMessenger"}
    numbers = set()
    for _ in range(2):
        cookies: dict[str, str] = {}
        url = f"{side.url}/unionapi/getlicence?redirectUrl={asked}"
        while url.startswith(side.url):
            async with side.http.get(url, headers=headers, cookies=cookies, allow_redirects=False) as answer:
                cookies |= {name: cookie.value for name, cookie in answer.cookies.items()}
                target = answer.headers["Location"]
                url = target if target.startswith("http") else side.url + target
        assert url.startswith(back)
        numbers.add(len(url.removeprefix(back)))
    assert numbers == {7}


@pytest.mark.parametrize("asked", ["", "javascript:alert(1)", "//evil.example", "ftp://x"])
async def test_7_goes_back_to_web_addresses_only(quiet_side: Side, asked: str) -> None:
    url = f"{quiet_side.url}/unionapi/getlicence?redirectUrl={asked}"
    async with quiet_side.http.get(url, allow_redirects=False) as answer:
        assert answer.status == 400


async def test_7_in_any_other_browser_offers_the_simulated_apps(quiet_side: Side) -> None:
    async with quiet_side.http.get(f"{quiet_side.url}/unionapi/getlicence?redirectUrl=http://127.0.0.1:9/") as answer:
        assert "以微信身份继续" in await answer.text()


async def test_the_counter_knows_no_made_up_address(quiet_side: Side) -> None:
    async with quiet_side.http.get(f"{quiet_side.url}/unionapi/counter?v=none") as answer:
        assert answer.status == 404


async def test_3_4_signed_over_its_sorted_pairs_is_taken_and_no_other_interface_is(vendor: Vendor, side: Side) -> None:
    asked = vendor.parking_payment("20170921336435142")
    text = msgspec.json.encode({"union_id": int(UNION_ID), **msgspec.to_builtins(asked)})
    signed = msgspec.json.encode({"data": msgspec.Raw(text), "sign": sign_sorted(text, KEY)})
    _, said = await side.post(by_section("3.4").path, signed)
    assert said["state"] == 1, said
    assert asked.trade_no in str(await only(vendor, "payments"))
    for tampered in (signed.replace(b'"12.00"', b'"1.00"'), signed.replace(b"336435142", b"336435143")):
        _, said = await side.post(by_section("3.4").path, tampered)
        assert said["state"] == 0, said
    _, said = await side.post(by_section("3.9").path, signed)
    assert (said["state"], said["errmsg"][:4]) == (0, "签名错误")
