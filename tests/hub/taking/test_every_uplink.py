"""Every uplink, from our client over HTTP to the hub: taken, kept where the admin sees it, answered as documented."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.sides import KEY, LOT_ID, PARK_ID, UNION_ID, FakeLot, Side, running_side, serving_lot
from hub.vendor import PLATE, Vendor, client_at
from support.clock import ManualClock
from support.messages import messages
from taigan.bolink import (
    CATALOGUE,
    AnyInterface,
    BadMessage,
    Direction,
    Entry,
    Refused,
    by_section,
    example_of,
    seal,
)
from taigan.bolink.chapters.community import Login, PersonRecord, QueryPlatforms, QueryReports
from taigan.bolink.chapters.invoices import AddInvoiceOrder, IssueInvoice, QueryInvoice, QueryIssuer
from taigan.bolink.chapters.lots import Merchant, OnboardLot, PublishLot, UpdateLot
from taigan.bolink.chapters.reconciliation import QueryOrders, QueryPayment, QueryWithdrawals, Refund
from taigan.bolink.chapters.reports import (
    CheckEntry,
    CorrectStay,
    CountParked,
    GetScreenText,
    ListParked,
    ListPasses,
)
from taigan.bolink.chapters.trade import (
    BindSplitReceiver,
    ChargingReduction,
    GetSplitContract,
    GiveChange,
    PayByEtc,
    PayEscape,
    QueryEscapes,
    RenewPass,
)
from taigan.bolink.wire.codec import fields_of
from taigan.hub.admin.pushes import AT_HUB
from taigan.strangers import AT_ONCE, ONE_MORE_AFTER

UPLINKS = [interface for interface in CATALOGUE if interface.direction is Direction.UPLINK]


@pytest.fixture
async def vendor(side: Side) -> AsyncIterator[Vendor]:
    async with client_at(side) as vendor:
        yield vendor


@pytest.fixture(scope="module")
async def busy_vendor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Vendor]:
    """One side for all messages of which nobody cares what they leave behind."""
    async with (
        serving_lot(FakeLot()) as lot,
        running_side(tmp_path_factory.mktemp("busy"), ManualClock(), lot.url) as side,
        client_at(side) as vendor,
    ):
        yield vendor


def test_no_interface_is_absent_at_the_hub() -> None:
    assert {interface.section for interface in CATALOGUE} - AT_HUB == set()


@pytest.mark.parametrize("interface", UPLINKS, ids=lambda one: one.section)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.data())
async def test_whatever_is_sent_arrives_as_it_was_and_is_answered_as_documented(
    busy_vendor: Vendor, interface: AnyInterface, drawn: st.DataObject
) -> None:
    own = {"park_id": PARK_ID, "union_id": int(UNION_ID)}
    names = {plan.attribute for plan in fields_of(interface.request)}
    sent = drawn.draw(messages(interface.request))
    sent = msgspec.structs.replace(sent, **{name: value for name, value in own.items() if name in names})
    try:
        text = interface.write(sent)
    except BadMessage:
        return
    try:
        answer = await busy_vendor.client.call(interface, sent, platform_name="shanghai")
    except Refused as refused:
        answer = refused.text
    assert answer
    [arrival] = (await busy_vendor.side.get("/admin/arrivals?limit=1"))["items"]
    assert (arrival["section"], arrival["signature"], arrival["status"]) == (interface.section, "raw", 200)
    detail = await busy_vendor.side.get(f"/admin/arrivals/{arrival['id']}")
    assert detail["signed"]["text"].encode() == text
    assert interface.read_request(detail["signed"]["text"].encode()) == sent


@pytest.mark.parametrize("interface", UPLINKS, ids=lambda one: one.section)
async def test_a_bad_signature_a_missing_field_and_an_unknown_vendor_each_have_a_text(
    busy_vendor: Vendor, interface: AnyInterface
) -> None:
    busy_vendor.side.clock.advance(AT_ONCE * ONE_MORE_AFTER)
    text = interface.write(example_of(interface.request))
    union_id = {"union_id": int(UNION_ID)} | ({"park_id": PARK_ID} if b'"park_id"' in text else {})
    whole = json.dumps(json.loads(text) | union_id, ensure_ascii=False).encode()
    unknown = json.dumps(json.loads(text) | {"union_id": 999}).encode()
    needed = [plan.name for plan in fields_of(interface.request) if plan.required and plan.name not in union_id]
    lacking = {name: value for name, value in (json.loads(text) | union_id).items() if name not in needed[:1]}
    for body, words in (
        (seal(whole, "another key"), "签名错误"),
        (seal(unknown, KEY), "union_id 不存在"),
        (seal(json.dumps(lacking).encode(), KEY), f"{needed[0]} 缺失或错误" if needed else ""),
    ):
        status, answer = await busy_vendor.side.post(interface.path, body)
        assert status == 200
        assert words in (answer.get("errmsg") or "")
        if words:
            with pytest.raises(Refused, match=words):
                interface.read_answer(json.dumps(answer).encode())


async def test_a_lot_is_published_reviewed_updated_and_disabled(vendor: Vendor) -> None:
    lot = msgspec.structs.replace(
        example_of(PublishLot), park_id="9001", union_id=int(UNION_ID), phone="13900944433", mobile="010-22345625"
    )
    update = UpdateLot(park_id="9001", type=1, union_id=int(UNION_ID), total_plot=99, empty_plot=98, rand="0.1")
    assert (await vendor.client.publish_lot(lot)).username > 0
    assert f"{UNION_ID}-9001" in [one["lot_id"] for one in (await vendor.side.get("/admin/lots"))["items"]]
    with pytest.raises(Refused, match="车场未审核"):
        await vendor.client.update_lot(update)
    [record] = await vendor.records("lots")
    await vendor.moves(record, "reviewed")
    await vendor.client.update_lot(update)
    [record] = await vendor.records("lots")
    assert (record["detail"]["total_plot"], record["detail"]["empty_plot"]) == (99, 98)
    with pytest.raises(Refused, match="rand"):
        await vendor.client.update_lot(update)
    await vendor.client.update_lot(msgspec.structs.replace(update, type=2, rand="0.2"))
    assert [one["state"] for one in await vendor.records("lots")] == ["disabled"]
    with pytest.raises(Refused, match="车场已存在"):
        await vendor.client.publish_lot(msgspec.structs.replace(lot, rand="0.3"))


async def test_merchant_data_are_submitted_once(vendor: Vendor) -> None:
    merchant = msgspec.structs.replace(example_of(Merchant), merchant_name="个体户王")
    message = OnboardLot(park_id=PARK_ID, incom_type=2, base_info=merchant)
    await vendor.client.onboard_lot(message)
    [record] = await vendor.records("merchants")
    assert (record["state"], record["detail"]["merchant_name"]) == ("submitted", "个体户王")
    with pytest.raises(Refused, match="不能修改"):
        await vendor.client.onboard_lot(message)


async def test_parked_cars_are_counted_and_listed_until_their_exit(vendor: Vendor) -> None:
    own = {"union_id": int(UNION_ID), "park_id": PARK_ID}
    await vendor.enters("o1")
    await vendor.enters("o2", "沪B00001")
    assert [one["order_id"] for one in (await vendor.side.get(f"/admin/parked?lot_id={LOT_ID}"))["items"]] == [
        "o1",
        "o2",
    ]
    await vendor.leaves("o1")
    assert (await vendor.client.count_parked(CountParked(**own))).data.parking_business_count == 1
    assert (await vendor.client.list_parked(ListParked(**own))).data.ext_order_id_list == ["o2"]
    [stay] = (await vendor.client.list_parked(ListParked(**own, detail_type="2"))).data.order_detail_list
    assert (stay.order_id, stay.car_number, stay.in_time) == ("o2", "沪B00001", "2026-05-04 11:00:00")
    past = await vendor.client.query_orders(QueryOrders(union_id=int(UNION_ID), park_id=PARK_ID))
    assert [(order.car_number, order.money) for order in past.data] == [(PLATE, "5.00")]


async def test_a_correction_shows_in_the_history(vendor: Vendor) -> None:
    own = {"union_id": int(UNION_ID), "park_id": PARK_ID}
    await vendor.enters("o1")
    correction = CorrectStay(**own, car_number="京B99999", order_id="o1", type="3", total=Decimal("7.50"))
    with pytest.raises(Refused, match="离场后"):
        await vendor.client.correct_stay(correction)
    assert (await vendor.side.get("/admin/entries"))["items"][0]["car_number"] == PLATE
    await vendor.leaves("o1")
    await vendor.client.correct_stay(correction)
    [order] = (await vendor.client.query_orders(QueryOrders(**own, order_id="o1"))).data
    assert (order.car_number, order.money) == ("京B99999", "7.50")
    assert (await vendor.side.get("/admin/entries"))["items"][0]["car_number"] == "京B99999"
    assert [one["number"] for one in await vendor.records("corrections")] == ["o1"]


async def test_the_city_screens_and_passes_answer_what_was_arranged(vendor: Vendor) -> None:
    own = {"union_id": int(UNION_ID), "park_id": PARK_ID}
    passes = {"1": [{"vipId": 1, "parkpotId": PARK_ID, "plateNo": PLATE}, {"vipId": 2, "parkpotId": PARK_ID}]}
    await vendor.arranges(
        members_only=True, members=[PLATE], blacklist=["黑1"], reserved=[PLATE], screens={"1": "欢迎"}, passes=passes
    )

    async def checked(plate: str) -> tuple[str | None, str | None, str | None]:
        found = (await vendor.client.check_entry(CheckEntry(**own, car_number=plate))).data
        return found.status, found.reason, found.share_status

    assert await checked(PLATE) == ("1", "0", "1")
    assert await checked("黑1") == ("0", "2", "0")
    assert await checked("沪B00001") == ("0", "1", "0")
    assert (await vendor.client.get_screen_text(GetScreenText(**own, type="1"))).screen_str == "欢迎"
    found = await vendor.client.list_passes(ListPasses(**own, vip_type="1", page_num="2", page_size="1"))
    assert (found.total_count, found.total_pages, [one.vip_id for one in found.records]) == (2, 2, [2])
    assert (await vendor.side.get(f"/admin/lots/{LOT_ID}/arrangements"))["members"] == [PLATE]


async def test_what_a_car_left_unpaid_is_named_at_its_next_entry_and_paid_after_all(vendor: Vendor) -> None:
    await vendor.enters("o1")
    await vendor.leaves("o1", pay_type="escape", total="30")
    asked = QueryEscapes(park_id=PARK_ID, car_number=PLATE, time_temp="1625209740")
    [escaped] = (await vendor.client.query_escapes(asked)).escape_order
    assert (escaped.order_id, escaped.money, escaped.duration) == ("o1", "30.00", "0天1小时0分钟")
    taken = await vendor.client.entry(
        Entry(car_number=PLATE, in_time=1, order_id="o2", empty_plot=1, park_id=PARK_ID, union_id=int(UNION_ID))
    )
    assert [one.order_id for one in taken.escape_order] == ["o1"]
    payment = PayEscape(
        title="补缴",
        park_id=PARK_ID,
        order_id="o1",
        car_number=PLATE,
        trade_no="20170921336435100",
        pay_type=2,
        auth_code="35454732324235",
        time_temp="1490875218",
    )
    assert (await vendor.client.pay_escape(payment)).state == 1
    assert [one["state"] for one in await vendor.records("arrears")] == ["paid"]
    assert (await vendor.client.query_escapes(asked)).escape_order == []
    with pytest.raises(Refused, match="已补缴"):
        await vendor.client.pay_escape(payment)


async def test_an_exit_paid_electronically_is_settled_when_the_money_is_there(vendor: Vendor) -> None:
    await vendor.enters("o1")
    with pytest.raises(Refused, match="不支持无感支付"):
        await vendor.leaves("o1", pay_type="wallet")
    await vendor.side.faults({"kind": "payment_pending"})
    pending = await vendor.leaves("o1", pay_type="sweepcode", auth_code="134789575154465610")
    assert (pending.state, (await vendor.side.get("/admin/exits"))["items"]) == (2, [])
    again = await vendor.leaves("o1", pay_type="sweepcode", auth_code="134789575154465610")
    [payment] = await vendor.records("payments")
    assert (again.state, payment["state"], payment["fen"]) == (2, "pending", 500)
    await vendor.moves(payment, "paid")
    assert [one["order_id"] for one in (await vendor.side.get("/admin/exits"))["items"]] == ["o1"]
    paid = await vendor.client.query_payment(
        QueryPayment(union_id=int(UNION_ID), park_id=PARK_ID, order_id="o1", car_number=PLATE)
    )
    assert [(one.pay_state, one.pay_type, one.pay_scene) for one in paid.data] == [(1, "sweepcode", "outpay")]


async def test_a_plate_that_pays_by_itself_leaves_with_wallet(vendor: Vendor) -> None:
    await vendor.arranges(auto_pay=[PLATE])
    await vendor.enters("o1")
    assert (await vendor.leaves("o1", pay_type="wallet")).state == 1
    [payment] = await vendor.records("payments")
    assert (payment["state"], payment["detail"]["pay_type"]) == ("paid", "wallet")


async def test_a_payment_is_made_refunded_in_part_and_the_rest_withdrawn(vendor: Vendor) -> None:
    asked = vendor.parking_payment("2017092133643514", pay_type=2, auth_code="1", channel=None)
    assert (await vendor.client.pay_parking(asked)).state == 1
    with pytest.raises(Refused, match="trade_no 重复"):
        await vendor.client.pay_parking(asked)

    def back(money: str) -> Refund:
        return Refund(union_id=int(UNION_ID), park_id=PARK_ID, trade_no=asked.trade_no, refund_money=Decimal(money))

    assert (await vendor.client.refund(back("5.00"))).state == 1
    with pytest.raises(Refused, match="可退金额"):
        await vendor.client.refund(back("7.01"))
    assert [(one["fen"], one["state"]) for one in await vendor.records("refunds")] == [(500, "done")]
    query = QueryPayment(union_id=int(UNION_ID), park_id=PARK_ID, query_type=2, trade_no=asked.trade_no)
    assert [one.pay_state for one in (await vendor.client.query_payment(query)).data] == [1]
    status, withdrawn = await vendor.side.admin("POST", "/admin/withdrawals", json={"lot_id": LOT_ID})
    assert (status, withdrawn["fen"]) == (200, 700)
    await vendor.moves(withdrawn, "done")
    days = QueryWithdrawals(union_id=int(UNION_ID), park_id=PARK_ID, start_time="2026-05-01", end_time="2026-05-31")
    [found] = (await vendor.client.query_withdrawals(days)).data
    assert (found.amount, found.state, found.remark) == (Decimal("7.00"), 1, "提现成功")
    status, _ = await vendor.side.admin("POST", "/admin/withdrawals", json={"lot_id": LOT_ID})
    assert status == 400


async def test_a_pass_is_paid_at_the_counter(vendor: Vendor) -> None:
    renewal = RenewPass(
        park_id=PARK_ID,
        amount="300.00",
        trade_no="201712125566359777",
        notify_url="http://127.0.0.1:9/notify",
        time_temp="1533035031600",
        car_number=PLATE,
        attach={"order_id": "abc123"},
    )
    begun = await vendor.client.renew_pass(renewal)
    assert [one["state"] for one in await vendor.records("payments")] == ["pending"]
    async with vendor.side.http.get(begun.payurl) as page:
        assert "待支付 ¥300.00" in await page.text()
    code = begun.payurl.partition("v=")[2]
    form = {"v": code, "state": "paid"}
    async with vendor.side.http.post(f"{vendor.side.url}/unionapi/counter", data=form) as page:
        assert "支付成功" in await page.text()
    assert [one["state"] for one in await vendor.records("payments")] == ["paid"]


async def test_a_share_is_bound_once_its_contract_is_signed(vendor: Vendor) -> None:
    bind = BindSplitReceiver(park_id=PARK_ID)
    asked = GetSplitContract(park_id=PARK_ID, account_no="1", account_name="测试商户", percent=10)
    with pytest.raises(Refused, match="未签署"):
        await vendor.client.bind_split_receiver(bind)
    contract = await vendor.client.get_split_contract(asked)
    code = contract.contract_url.partition("v=")[2]
    async with vendor.side.http.post(
        f"{vendor.side.url}/unionapi/counter", data={"v": code, "state": "signed"}
    ) as page:
        assert "已签署" in await page.text()
    await vendor.client.bind_split_receiver(bind)
    assert [one["state"] for one in await vendor.records("splits")] == ["bound"]
    with pytest.raises(Refused, match="percent"):
        await vendor.client.get_split_contract(msgspec.structs.replace(asked, percent=31))


async def test_etc_takes_the_money_for_an_order_once(vendor: Vendor) -> None:
    asked = msgspec.structs.replace(example_of(PayByEtc), park_id=PARK_ID, pay_type="my", order_id="o1", total="3.5")
    assert (await vendor.client.pay_by_etc(asked)).state == 1
    assert (await vendor.client.pay_by_etc(asked)).state == 1
    assert [(one["fen"], one["state"]) for one in await vendor.records("payments")] == [(350, "paid")]


async def test_change_is_a_red_packet_of_1_to_below_100_yuan(vendor: Vendor) -> None:
    asked = GiveChange(
        union_id=int(UNION_ID), park_id=PARK_ID, amount="1.01", trade_no="20210408912321123", timestamp=1490875218
    )
    assert "/unionapi/counter?v=" in (await vendor.client.give_change(asked)).data.url
    for changed, text in (
        ({"amount": "0.99"}, "找零金额"),
        ({"amount": "100"}, "找零金额"),
        ({"trade_no": "short"}, "trade_no"),
        ({}, "重复"),
    ):
        with pytest.raises(Refused, match=text):
            await vendor.client.give_change(msgspec.structs.replace(asked, **changed))
    assert [(one["fen"], one["state"]) for one in await vendor.records("change")] == [(101, "issued")]


async def test_a_charging_reduction_is_kept(vendor: Vendor) -> None:
    asked = msgspec.structs.replace(example_of(ChargingReduction), union_id=int(UNION_ID), park_id=PARK_ID)
    await vendor.client.upload_charging_reduction(asked)
    assert [one["fen"] for one in await vendor.records("reductions")] == [125]


async def test_an_invoice_is_requested_issued_and_asked_for(vendor: Vendor) -> None:
    order = AddInvoiceOrder(park_id=PARK_ID, money=Decimal("5.00"), order_id="o1", plate_number=PLATE, pay_time=1)
    await vendor.client.add_invoice_order(order)
    assert [one["fen"] for one in await vendor.records("invoice_orders")] == [500]
    with pytest.raises(Refused, match="订单已存在"):
        await vendor.client.add_invoice_order(order)
    issuer = QueryIssuer(type=4, union_id=int(UNION_ID), park_id=PARK_ID)
    assert (await vendor.client.query_issuer(issuer)).data.open_invoice == 1
    invoice = IssueInvoice(
        type=4,
        union_id=int(UNION_ID),
        park_id=PARK_ID,
        open_type=0,
        invoice_order_no="i1",
        money=Decimal("1.23"),
        buyer_name="泊链软件",
    )
    await vendor.client.issue_invoice(invoice)
    asked = QueryInvoice(invoice_order_no="i1", type=4, union_id=int(UNION_ID), park_id=PARK_ID)
    assert (await vendor.client.query_invoice(asked)).data.status == "1"
    [record] = await vendor.records("invoices")
    await vendor.moves(record, "issued")
    assert (await vendor.client.query_invoice(asked)).data.status == "5"
    with pytest.raises(Refused, match="重复"):
        await vendor.client.issue_invoice(invoice)
    await vendor.arranges(invoices=False)
    assert (await vendor.client.query_issuer(issuer)).data.open_invoice == 0
    with pytest.raises(Refused, match="未开通"):
        await vendor.client.issue_invoice(msgspec.structs.replace(invoice, invoice_order_no="i2"))


async def test_residential_areas_are_reported_and_counted(vendor: Vendor) -> None:
    client = vendor.client
    login = await client.log_in(Login(user_name="taigan", time="2026-05-04 12:00:00"), platform_name="shanghai")
    assert login.verdict().token
    for section, kind in (("8.4", "communities"), ("8.5", "devices"), ("8.6", "faces")):
        interface = by_section(section)
        for _ in range(2):
            await client.call(interface, example_of(interface.request), platform_name="shanghai")
        assert len(await vendor.records(kind)) == 1
    person = PersonRecord(community_name="陈前小区", name="张三")
    for _ in range(2):
        await client.report_person(person, platform_name="shanghai")
    with pytest.raises(Refused, match="community_name"):
        await client.report_person(PersonRecord(community_name=" ", name="张三"), platform_name="shanghai")
    assert len(await vendor.records("passages")) == 2
    reports = (await client.query_reports(QueryReports(kind="person"), platform_name="shanghai")).verdict()
    assert (reports.taken, reports.refused) == (2, 1)
    found = await client.query_platforms(QueryPlatforms(name="shanghai"), platform_name="shanghai")
    assert found.verdict().platforms == ["shanghai"]
