"""Refunds: asked for with a reason, approved by a second person, followed until BoLink said what became of them."""

from __future__ import annotations

from datetime import UTC, datetime

from taigan.lot.policy import Policy, RefundSurplus
from taigan.rights import Right, Role
from taigan.storage import tables as t
from taigan.storage.due import errands
from taigan.storage.locked import ledger
from taigan.storage.rows import Bill, Errand, Payment
from web.console.browser import Browser, person
from web.house import LOT, House, Houses

REFUNDS = f"/lots/{LOT}/refunds"
PAYMENTS = f"/lots/{LOT}/money/payments"
GIVEN = {"state": 1, "trade_no": "T1", "errmsg": "退款成功"}
LIMIT = Policy().refund_alone_fen


async def paid(house: House, fen: int = 30_000, giver: str = "bolink", way: str = "prepay") -> str:
    """A stay that ended and was paid; the address of its payment's refund."""
    at = datetime(2025, 6, 1, 7, tzinfo=UTC)
    await house.order("粤B12345", order_id="O1", origin="plate", plate="粤B12345", state="out", closed_at=at)
    payment = Payment(LOT, "P1", giver, "T1", "O1", "", "", way, "paid", fen, 0, at, at, "粤B12345")
    await house.keep(lambda changes: changes.bill(Bill(LOT, "O1", charge_fen=fen, paid_fen=fen, closed_at=at)))
    await house.keep(lambda changes: changes.new_payment(payment))
    return f"{PAYMENTS}/P1/refund"


async def refunded(house: House) -> int:
    return (await house.database.read(lambda conn: ledger.bill(conn, LOT, "O1"))).refunded_fen


async def kept(house: House) -> list[Errand]:
    return await house.database.read(lambda conn: errands.listed(conn, LOT, 10, (), section="4.2"))


async def test_up_to_the_limit_one_person_is_enough_and_the_list_says_who_and_why(
    small_house: House, manager: Browser
) -> None:
    form = await paid(small_house)
    small_house.bolink.answers["/refund"] = GIVEN
    assert "最多能退 300.00" in (await manager.see(form)).text
    done = await manager.follow(await manager.send(form, form, fen="100", reason="付了两次"))
    assert "泊链已办好" in done.text
    assert small_house.bolink.asked[0][1]["refund_reason"] == "付了两次"
    assert float(small_house.bolink.asked[0][1]["refund_money"]) == LIMIT / 100
    assert await refunded(small_house) == LIMIT
    text = (await manager.see(REFUNDS)).text
    assert "粤B12345 100.00 泊链已办好 王芳 付了两次" in text
    assert "申请退款 100.00 元，款项 P1" in (await manager.see(f"/lots/{LOT}/audit")).text


async def test_above_the_limit_bolink_is_asked_only_once_another_person_approved(
    small_house: House, manager: Browser
) -> None:
    form = await paid(small_house)
    small_house.bolink.answers["/refund"] = GIVEN
    finance = await person(small_house, Role.FINANCE, login="liqiang", name="李强")
    asked = await finance.send(form, form, fen="100.01", reason="付了两次")
    waiting = await finance.follow(asked)
    assert "等第二个人批准" in waiting.text
    assert (small_house.bolink.asked, await refunded(small_house)) == ([], 0)
    approve = f"{asked.location}/approve"
    assert not waiting.page.offers(approve)  # type: ignore[union-attr]
    assert (await finance.post(approve, token=await finance.token(), reason="我同意")).status == 403
    assert "等第二个人批准 1 笔，100.01 元" in (await manager.see(REFUNDS)).text
    assert "请写原因" in (await manager.send(asked.location, approve, reason=" ")).text
    done = await manager.follow(await manager.send(asked.location, approve, reason="核对过"))
    assert "泊链已办好" in done.text
    assert "谁批准 王芳" in done.text
    assert await refunded(small_house) == 10_001
    again = await manager.post(approve, token=await manager.token(), reason="再来")
    assert (again.status, "已经有了结果" in again.text) == (422, True)
    assert len(small_house.bolink.asked) == 1
    audit = (await manager.see(f"/lots/{LOT}/audit")).text
    assert "同意退款" in audit
    await finance.close()


async def test_who_asked_cannot_approve_under_another_name_of_the_same_account(
    small_house: House, manager: Browser
) -> None:
    form = await paid(small_house)
    small_house.bolink.answers["/refund"] = GIVEN
    asked = await manager.send(form, form, fen="300", reason="付了两次")
    approve = f"{asked.location}/approve"
    own = await manager.post(approve, token=await manager.token(), reason="我同意")
    assert (own.status, "不能自己批准" in own.text) == (422, True)
    await small_house.write(t.errands.update().values(actor="王芳（改名前）"))
    renamed = await manager.post(approve, token=await manager.token(), reason="我同意")
    assert (renamed.status, small_house.bolink.asked) == (422, [])


async def test_one_that_is_withdrawn_is_never_asked_for(small_house: House, manager: Browser) -> None:
    form = await paid(small_house)
    asked = await manager.send(form, form, fen="300", reason="付了两次")
    back = await manager.follow(await manager.send(asked.location, f"{asked.location}/withdraw", reason="弄错了"))
    assert "已撤回" in back.text
    assert "撤回退款" in (await manager.see(f"/lots/{LOT}/audit")).text
    late = await manager.post(f"{asked.location}/approve", token=await manager.token(), reason="x")
    assert (late.status, small_house.bolink.asked) == (422, [])


async def test_what_nobody_knows_the_end_of_is_written_down_by_a_person(small_house: House, manager: Browser) -> None:
    form = await paid(small_house)
    asked = await manager.send(form, form, fen="50", reason="付了两次")  # BoLink is not reached
    unclear = await manager.follow(asked)
    assert "结果不明" in unclear.text
    assert await refunded(small_house) == 5000, "it counts as given until somebody knows"
    settle = f"{asked.location}/settle"
    assert "请选结果" in (await manager.send(asked.location, settle, reason="看过")).text
    done = await manager.follow(await manager.send(asked.location, settle, state="failed", reason="泊链后台没有"))
    assert "没有办成" in done.text
    assert await refunded(small_house) == 0


async def test_what_cannot_be_given_back_is_said_before_anything_is_typed(small_house: House, manager: Browser) -> None:
    form = await paid(small_house, giver="cash", way="cash")
    page = await manager.see(form)
    assert "请人工退还" in page.text
    assert not page.page.offers(form)  # type: ignore[union-attr]
    assert (await manager.post(form, token=await manager.token(), fen="1", reason="x")).status == 422
    assert (await manager.open(f"{PAYMENTS}/nothing/refund")).status == 404
    assert (await manager.open(f"{PAYMENTS}/%00/refund")).status == 404
    assert (await manager.open(f"/lots/{LOT}/errands/%00")).status == 404
    assert (await manager.open(f"{REFUNDS}?after=x")).location == REFUNDS


async def test_an_amount_that_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
    small_house: House, manager: Browser
) -> None:
    form = await paid(small_house)
    for fen, said in (("", "请填金额"), ("300.01", "最多退 300.00 元"), ("0", "最多退"), ("1.234", "最多两位小数")):
        answer = await manager.send(form, form, fen=fen, reason="付了两次")
        assert (answer.status, said in answer.text) == (422, True), fen
        assert "付了两次" in answer.raw
    assert "请写原因" in (await manager.send(form, form, fen="1", reason="")).text
    assert await kept(small_house) == []


async def test_a_payment_that_was_invoiced_is_given_back_only_when_that_is_said(
    small_house: House, manager: Browser
) -> None:
    form = await paid(small_house)
    small_house.bolink.answers["/refund"] = GIVEN
    at = small_house.clock.now()
    made = Errand(LOT, "E9", "6.3", "25", "P1", "O1", 1, "done", "", "{}", "王芳", "x", "", "", at, None, at)
    await small_house.database.write(lambda conn: errands.add(conn, made))
    assert "开过发票" in (await manager.send(form, form, fen="1", reason="付了两次")).text
    assert (
        "泊链已办好"
        in (await manager.follow(await manager.send(form, form, fen="1", reason="付了两次", although="1"))).text
    )


async def test_who_may_only_see_is_offered_nothing(small_house: House) -> None:
    form = await paid(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    assert Right.MONEY_SEE in Role.COLLECTOR.rights
    assert form not in (await browser.see(PAYMENTS)).raw
    assert (await browser.open(form)).status == 403
    assert (await browser.see(REFUNDS)).page is not None
    await browser.close()


async def test_the_limit_that_was_set_is_the_one_that_is_said(houses: Houses) -> None:
    house = await houses(policy=Policy(refund_alone_fen=100))
    form = await paid(house)
    browser = await person(house, Role.MANAGER)
    assert "超过 1.00 元的，要第二个人批准" in (await browser.see(form)).text
    await browser.close()


async def test_the_menu_says_to_who_may_approve_how_many_refunds_wait_and_lists_change_by_themselves(
    small_house: House, manager: Browser
) -> None:
    form, count = await paid(small_house), f"{REFUNDS}/count"
    finance = await person(small_house, Role.FINANCE, login="liqiang", name="李强")
    assert "笔退款等第二个人批准" not in (await manager.see(REFUNDS)).text
    asked = await finance.send(form, form, fen="100.01", reason="付了两次")
    assert "1 笔退款等第二个人批准" in (await manager.see(f"/lots/{LOT}")).text
    assert (await manager.open(count, part=True)).text == "1 笔退款等第二个人批准"
    assert "笔退款等第二个人批准" not in (await finance.see(REFUNDS)).text
    assert (await finance.open(count, part=True)).status == 403
    for page in (f"{REFUNDS}?state=wanted", asked.location):
        whole, part = await manager.see(page), await manager.open(page, part=True)
        assert f'<live-part src="{page}" key="errands">' in whole.raw
        assert (part.whole, "等第二个人批准" in part.raw) == (False, True), page
    await finance.close()


async def test_every_list_of_errands_is_fetched_again_without_the_page_around_it(
    small_house: House, manager: Browser
) -> None:
    for path in ("refunds", "arrears", "reconciling", "invoices"):
        page = f"/lots/{LOT}/{path}"
        assert f'<live-part src="{page}" key="errands">' in (await manager.see(page)).raw
        part = await manager.open(page, part=True)
        assert (part.status, part.whole, "<nav" in part.raw) == (200, False, False), path


async def test_surplus_that_asked_for_itself_is_of_nobody_and_waits_above_the_limit(houses: Houses) -> None:
    house = await houses(policy=Policy(refund_surplus=RefundSurplus.AUTO, refund_alone_fen=100))
    await paid(house)
    at = datetime(2025, 6, 1, 8, tzinfo=UTC)
    detail = '{"trade_no":"T1"}'
    why = ("platform", "多付的停车费，自动退回", "", "")
    wanted = Errand(LOT, "E1", "4.2", "", "P1", "O1", 200, "wanted", "", detail, *why, at, None, at)
    await house.write(t.bills.update().values(charge_fen=29_800))
    await house.database.write(lambda conn: errands.add(conn, wanted))
    browser = await person(house, Role.MANAGER)
    text = (await browser.see(REFUNDS)).text
    assert "离场后多收的，满 1 元就自己申请退款；超过 1.00 元的" in text
    assert "粤B12345 2.00 等第二个人批准 系统 多付的停车费，自动退回" in text
    await browser.close()
