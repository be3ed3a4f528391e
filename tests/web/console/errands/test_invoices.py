"""Invoices: asked for by a payment, followed at BoLink, never twice for one payment."""

from __future__ import annotations

from datetime import UTC, datetime

from taigan.rights import Role
from taigan.storage.locked import vehicles
from taigan.storage.locked.vehicles import InvoiceRecord
from taigan.storage.rows import Bill, Payment
from web.console.browser import Browser, person
from web.house import LOT, House

INVOICES = f"/lots/{LOT}/invoices"
FORM = f"/lots/{LOT}/money/payments/P1/invoice"
MAY = {"code": 200, "data": {"open_invoice": 1, "state": 2, "start_time": 1, "end_time": 2_000_000_000}}
BUYER = {"buyer_name": "北京某某公司", "buyer_no": "91110108MA01ABCD23", "email": "who@example.com", "reason": "报销"}


async def paid(house: House, giver: str = "cash", way: str = "cash") -> None:
    at = datetime(2025, 6, 1, 7, tzinfo=UTC)
    await house.order("粤B12345", order_id="O1", origin="plate", plate="粤B12345", state="out", closed_at=at)
    payment = Payment(LOT, "P1", giver, "T1", "O1", "", "", way, "paid", 600, 0, at, at, "粤B12345")
    await house.keep(lambda changes: changes.bill(Bill(LOT, "O1", charge_fen=600, paid_fen=600, closed_at=at)))
    await house.keep(lambda changes: changes.new_payment(payment))


def answers(house: House, status: str = "1", **more: object) -> None:
    stands = {"invoice_order_no": "x", "message": "开票中", "pdf_url": "", "status": status, **more}
    house.bolink.answers = {
        "invoiceInfo": MAY,
        "openInvoice": {"code": 200, "message": "已受理"},
        "queryOpenInvoiceStatus": {"code": 0, "message": "success", "data": stands},
    }


async def test_an_invoice_is_made_at_bolink_and_its_file_is_a_link_once_it_is_there(
    small_house: House, manager: Browser
) -> None:
    await paid(small_house)
    answers(small_house)
    asked = await manager.send(FORM, FORM, **BUYER)
    assert "泊链已收下，还在办" in (await manager.follow(asked)).text
    [sent] = [data for end, data in small_house.bolink.asked if end == "openInvoice"]
    assert (sent["buyer_name"], sent["buyer_no"], float(sent["money"])) == (BUYER["buyer_name"], BUYER["buyer_no"], 6)
    refresh = f"{asked.location}/refresh"
    answers(small_house, "5", pdf_url="https://files.example/1.pdf", message="SUCCESS")
    done = await manager.follow(await manager.send(asked.location, refresh))
    assert "泊链已办好" in done.text
    assert "https://files.example/1.pdf" in done.page.links  # type: ignore[union-attr]
    listed = (await manager.see(INVOICES)).raw
    assert "https://files.example/1.pdf" in listed
    assert BUYER["buyer_name"] not in listed, "who it is made out to is told to BoLink and not kept"
    assert "不能再开" in (await manager.see(FORM)).text
    assert "开发票，款项 P1" in (await manager.see(f"/lots/{LOT}/audit")).text


async def test_the_buyer_is_looked_at_field_by_field(small_house: House, manager: Browser) -> None:
    await paid(small_house)
    answers(small_house)
    for name, wrong, said in (
        ("buyer_name", "", "请填发票抬头"),
        ("buyer_no", "12-34", "税号是"),
        ("email", "who", "邮箱要写成"),
        ("phone", "打给我", "电话只能是数字"),
        ("bank_num", "abcdef", "账号只能是数字"),
        ("reason", "", "请写原因"),
    ):
        answer = await manager.send(FORM, FORM, **{**BUYER, name: wrong})
        assert (answer.status, said in answer.text) == (422, True), name
        assert f'id="wrong-{name}"' in answer.raw, name
    assert small_house.bolink.asked == []


async def test_a_lot_that_may_not_make_invoices_is_told_so(small_house: House, manager: Browser) -> None:
    await paid(small_house)
    small_house.bolink.answers = {"invoiceInfo": {"code": 200, "data": {**MAY["data"], "open_invoice": 0}}}  # type: ignore[dict-item]
    check = f"{INVOICES}/issuer"
    assert "还没有给这个车场开通发票" in (await manager.follow(await manager.send(INVOICES, check))).text
    assert "开票方未开通" in (await manager.follow(await manager.send(FORM, FORM, **BUYER))).text
    answers(small_house)
    assert "可以开票" in (await manager.follow(await manager.send(INVOICES, check))).text
    small_house.bolink.answers = {}
    assert "泊链没有回答" in (await manager.follow(await manager.send(INVOICES, check))).text


async def test_cash_is_left_to_the_driver_to_have_invoiced_once(small_house: House, manager: Browser) -> None:
    await paid(small_house)
    small_house.bolink.answers["addInvoiceOrder"] = {"state": 1, "errmsg": "上传成功"}
    page = (await manager.see(FORM)).page
    assert page is not None
    token = await manager.token()
    done = await manager.follow(await manager.post(FORM, token=token, how="offer", reason="司机要自己开"))
    assert "泊链已办好" in done.text
    assert (await manager.post(FORM, token=token, how="offer", reason="再报")).status == 422
    assert "让司机自己在泊链开" not in (await manager.see(FORM)).text


async def test_what_was_paid_at_bolink_is_not_reported_to_it_again(small_house: House, manager: Browser) -> None:
    await paid(small_house, "bolink", "prepay")
    assert "让司机自己在泊链开" not in (await manager.see(FORM)).text
    answer = await manager.post(FORM, token=await manager.token(), how="offer", reason="x")
    assert (answer.status, "司机自己就能在泊链开票" in answer.text) == (422, True)


async def test_what_a_driver_had_invoiced_at_bolink_leads_to_its_stay_and_is_not_invoiced_twice(
    small_house: House, manager: Browser
) -> None:
    await paid(small_house, "bolink", "prepay")
    answers(small_house)
    at = small_house.clock.now()
    for record in (
        InvoiceRecord(LOT, "88001", "T1", "1", "19273380", "144032", "2025-06-01 09:12:00", at),
        InvoiceRecord(LOT, "88002", "T2", "2", "19273381", "144032", "2025-06-01 09:13:00", at),
    ):
        await small_house.database.write(lambda conn, record=record: vehicles.keep_invoice(conn, record))
    issued = await manager.see(f"{INVOICES}/issued")
    assert "2025-06-01 09:12:00 粤B12345 6.00 19273380" in issued.text
    assert f"/lots/{LOT}/stays/O1" in issued.page.links  # type: ignore[union-attr]
    assert "这里没有这笔付款" in issued.text
    assert "19273380" in (await manager.see(FORM)).text
    answer = await manager.post(FORM, token=await manager.token(), **BUYER)
    assert (answer.status, "司机已在泊链开过发票：19273380" in answer.text) == (422, True)
    assert small_house.bolink.asked == []
    assert (await manager.open(f"{INVOICES}/issued?after=x")).location == f"{INVOICES}/issued"
    assert (await manager.open(f"{INVOICES}?after=x")).location == INVOICES


async def test_who_may_only_see_is_offered_no_invoice(small_house: House) -> None:
    await paid(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    assert FORM not in (await browser.see(f"/lots/{LOT}/money/payments")).raw
    assert (await browser.open(FORM)).status == 403
    assert "还没有开过发票" in (await browser.see(INVOICES)).text
    await browser.close()
