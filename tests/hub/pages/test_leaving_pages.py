"""The pages of a driver who leaves, in a browser without scripts."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from hub.browsing import Phone
from hub.leaving_lot import LeavingLot
from hub.sides import Side, serving_lot
from support.clock import ManualClock
from taigan.bolink import by_section

PLATE = "京A12345"


@pytest.fixture
async def lot() -> AsyncIterator[LeavingLot]:
    async with serving_lot(LeavingLot()) as serving:
        assert isinstance(serving, LeavingLot)
        yield serving


async def urls(side: Side) -> tuple[str, str]:
    """Where the exit's code and the lot's prepay code lead."""
    [lot] = (await side.get("/admin/lots"))["items"]
    return next(lane["exit_url"] for lane in lot["lanes"] if lane["exit_url"]), lot["prepay_url"]


async def press(phone: Phone, page: str, **typed: str) -> str:
    """Send the page's last form; the page once the lot has answered."""
    action = html.unescape(re.findall(r'<form method="post" action="([^"]*)"', page)[-1])
    status, shown = await phone.post(action, phone.fields(page) | typed)
    assert status == 200, shown
    while "正在查询停车费" in shown or "Asking for the price" in shown:
        shown = await phone.reload()
    return shown


async def test_a_driver_pays_at_the_exit_with_two_buttons(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    phone = Phone(side)
    _, page = await phone.get((await urls(side))[0])
    assert "出口缴费" in page
    assert lot.heard == [], "looking asks nothing"
    page = await press(phone, page)
    for words in ("¥5.00", PLATE, "3 小时 20 分", "¥8.00", "−¥3.00", "微信支付 ¥5.00"):
        assert words in page, words
    assert lot.pushes("outpark") == []
    page = await press(phone, page)
    assert "支付成功" in page
    [told] = await lot.told("outpark")
    assert told["trade_no"] in page


async def test_inside_the_plate_is_typed_and_ones_own_stay_is_listed_afterwards(
    side: Side, lot: LeavingLot, clock: ManualClock
) -> None:
    await side.upload_entry(PLATE, "o1")
    phone = Phone(side, agent="AlipayClient/10.3")
    inside = (await urls(side))[1]
    _, page = await phone.get(inside)
    assert PLATE not in page.replace('placeholder="京A12345"', "")
    page = await press(phone, page, car_number="京a12345")
    assert "支付宝支付 ¥5.00" in page
    assert "15 分钟内离场" in page
    _, listed = await phone.get(inside)
    assert f'name="car_number" value="{PLATE}"' in listed
    assert 'name="order_id" value="o1"' in listed
    paid = await press(phone, page)
    assert "请在 12:15 前离场，还有 15 分钟" in paid
    clock.advance(600)
    assert "还有 5 分钟" in await phone.reload()
    clock.advance(600)
    assert "免费离场时间已过" in await phone.reload()


async def test_nothing_due_has_no_button_to_pay(side: Side, lot: LeavingLot) -> None:
    lot.price, lot.said = "0.00", {"errmsg": "无需缴费，请通行"}
    await side.upload_entry(PLATE, "o1")
    phone = Phone(side)
    _, page = await phone.get((await urls(side))[0])
    page = await press(phone, page)
    assert "无需缴费，请通行" in page
    assert "/pay" not in page


async def test_no_price_says_so_with_the_lots_text_and_calls_the_attendant(side: Side, lot: LeavingLot) -> None:
    lot.said = {"state": 0, "price": None, "errmsg": "未查询到入场记录，请联系管理员"}
    phone = Phone(side, language="en")
    _, page = await phone.get((await urls(side))[0])
    page = await press(phone, page)
    for words in ("No price", "No entry was found for this car; please ask the attendant", "tel:"):
        assert words in page, words


async def test_a_price_that_is_too_old_is_asked_anew_before_it_is_paid(
    side: Side, lot: LeavingLot, clock: ManualClock
) -> None:
    await side.upload_entry(PLATE, "o1")
    phone = Phone(side)
    _, page = await phone.get((await urls(side))[0])
    page = await press(phone, page)
    clock.advance(300)
    assert "价格已过期" in await phone.reload()
    assert "价格已过期" in await press(phone, page), "the old page's button pays nothing"
    assert lot.pushes("outpark") == []


async def test_a_bill_is_its_drivers_alone_and_its_button_needs_the_pages_token(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    phone = Phone(side)
    _, page = await phone.get((await urls(side))[0])
    page = await press(phone, page)
    address = urlsplit(phone.at).path
    stranger = Phone(side)
    await stranger.get((await urls(side))[0])
    for path in (address, f"{address}/now", f"{address}/events"):
        assert (await stranger.get(path))[0] == 404
    assert (await stranger.post(f"{address}/pay", stranger.fields(page)))[0] == 404
    assert (await phone.post(f"{address}/pay", {}))[0] == 403
    assert lot.pushes("outpark") == []


async def test_each_page_is_one_request_below_30_kb(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    phone = Phone(side)
    pages = []
    for url in await urls(side):
        pages.append((await phone.get(url))[1])
    pages.append(await press(phone, pages[0]))
    pages.append(await press(phone, pages[-1]))
    for page in pages:
        assert len(page.encode()) < 30_000
        assert re.findall(r'(?:src|rel="stylesheet" href)="(?!data:)', page) == []


async def test_a_code_that_was_replaced_or_never_was_says_so(side: Side, lot: LeavingLot) -> None:
    phone = Phone(side)
    url = (await urls(side))[0]
    await side.upload(by_section("2.3").path, type=2, channel_id="B1", create=1, change=1)
    assert (await phone.get("/unionapi/t?p=never"))[0] == 404
    assert (await phone.get(f"/unionapi/t?p={await side.code()}"))[0] == 410, "an entry's code"
    assert (await phone.get(url))[0] == 410


async def test_who_paid_has_an_invoice_made_once_and_the_lot_is_told_of_it(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    phone = Phone(side)
    page = await press(phone, (await phone.get((await urls(side))[1]))[1], car_number=PLATE)
    bill = urlsplit(phone.at).path
    early = phone.fields(page) | {"buyer": "某某公司"}
    _, unpaid = await phone.post(f"{bill}/invoice", early)
    assert "¥5.00" in unpaid
    page = await press(phone, page)
    assert "开电子发票" in page
    assert "电子发票已开" not in await press(phone, page, buyer=" ")
    made = await press(phone, page, buyer="某某公司")
    [told] = await lot.told("invoice_notify")
    [paid] = await lot.told("prepay_order")
    assert (told["out_trade_no"], told["invoice_type"]) == (paid["trade_no"], "1")
    assert "电子发票已开" in made
    assert told["invoice_no"] in made
    assert "某某公司" not in made
    await phone.post(f"{bill}/invoice", phone.fields(page) | {"buyer": "再开一张"})
    assert len(lot.pushes("invoice_notify")) == 1
    stranger = Phone(side)
    status, _ = await stranger.post(f"{bill}/invoice", {"buyer": "x"})
    assert status == 404


async def test_what_was_left_owing_is_paid_on_the_phone_and_the_lot_is_told(side: Side, lot: LeavingLot) -> None:
    await side.upload_entry(PLATE, "o1")
    phone, inside = Phone(side, agent="AlipayClient/10.3"), (await urls(side))[1]
    await press(phone, (await phone.get(inside))[1], car_number=PLATE)
    assert "没付的停车费" not in (await phone.get(inside))[1]
    await side.upload_exit(PLATE, "o1", pay_type="escape", total="12.00")
    _, page = await phone.get(inside)
    assert "补缴 ¥12.00" in page
    counter = await press(phone, page)
    assert "待支付 ¥12.00" in counter
    assert urlsplit(phone.at).path.endswith("/counter")
    pays = dict(re.findall(r'<input type="hidden" name="(v)" value="([^"]*)"', counter)) | {"state": "paid"}
    assert "支付成功" in (await phone.post("/unionapi/counter", pays))[1]
    [told] = await lot.told("repair")
    assert (told["order_id"], told["total"], told["state"], told["pay_channel"]) == ("o1", 12.0, 1, 1)
    _, after = await phone.get(inside)
    assert "没付的停车费" not in after
    _, other = await Phone(side).get(inside)
    assert "没付的停车费" not in other
    action = re.findall(r'action="([^"]*/arrears/[^"]*)"', page)[-1]
    status, _ = await phone.post(html.unescape(action), phone.fields(page))
    assert status == 404, "it was paid"
    status, _ = await phone.post(html.unescape(action), {"token": "none"})
    assert status == 403


async def test_d25_g5_the_exits_page_offers_what_the_car_left_owing_in_this_lot_beside_its_price(
    side: Side, lot: LeavingLot
) -> None:
    await side.upload_entry(PLATE, "o1")
    await side.upload_exit(PLATE, "o1", pay_type="escape", total="12.00")
    await side.upload_entry(PLATE, "o2")
    lot.said = {"errmsg": "您有欠费订单，可补缴", "order_id": "o2"}
    phone, exit_ = Phone(side, agent="AlipayClient/10.3"), (await urls(side))[0]
    page = await press(phone, (await phone.get(exit_))[1])
    assert "您有欠费订单，可补缴" in page
    assert "补缴 ¥12.00" in page
    counter = await press(phone, page)
    assert "待支付 ¥12.00" in counter


async def test_a_pass_is_bought_on_the_phone_once_the_lot_says_that_the_plate_may_have_it(
    side: Side, lot: LeavingLot
) -> None:
    phone, inside = Phone(side), (await urls(side))[1]
    _, page = await phone.get(inside)
    form = await phone.follow(page, "/passes")
    fields = phone.fields(form)
    for plate, amount in (("", "300"), ("京A(1)", "300"), (PLATE, "much"), (PLATE, "0")):
        status, said = await phone.post("/passes", fields | {"car_number": plate, "amount": amount})
        assert (status, "请填车牌和价钱" in said) == (422, True), (plate, amount)
    assert lot.heard == [], "the lot is asked only what can be answered"
    lot.taken = {"state": 0, "errmsg": "本车场没有该金额的月卡"}
    status, said = await phone.post("/passes", fields | {"car_number": "京a12345", "amount": "1"})
    assert (status, "本车场没有该金额的月卡" in said) == (422, True)
    lot.taken = {"state": 1}
    _, counter = await phone.post("/passes", fields | {"car_number": PLATE, "amount": "300"})
    assert "待支付 ¥300.00" in counter
    asked = lot.pushes("check_vip")[-1]
    assert (asked["car_number"], asked["amount"]) == (PLATE, 300.0)
    assert lot.pushes("monthcard_pay") == []
    pays = dict(re.findall(r'<input type="hidden" name="(v)" value="([^"]*)"', counter)) | {"state": "paid"}
    await phone.post("/unionapi/counter", pays)
    [told] = await lot.told("monthcard_pay")
    assert (told["type"], told["state"], told["amount"], told["car_number"]) == (1, 1, 300.0, PLATE)
    status, _ = await phone.post("/passes", fields | {"token": "none", "car_number": PLATE, "amount": "300"})
    assert status == 403
    status, _ = await Phone(side).get("/passes?p=nothing")
    assert status == 404
