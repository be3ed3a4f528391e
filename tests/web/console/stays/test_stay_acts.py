"""What a person does about one stay: shown before it is done, with its reason, never over what happened since."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from taigan.rights import Right, Role
from taigan.storage import tables as t
from taigan.storage.locked import ledger
from taigan.storage.rows import Bill, Payment
from taigan.web.console.pages.stays.stay import ACTS
from web.console.browser import Answer, Browser, person, role_without
from web.console.furnished import furnish
from web.house import LOT, House

HERE = f"/lots/{LOT}"
STAY = f"{HERE}/stays/owing"


def page_of(act: str, order_id: str = "owing") -> str:
    return f"{HERE}/stays/{order_id}/{act}"


async def corrected(browser: Browser, **typed: str) -> Answer:
    """Look at the effect, then do it."""
    url = page_of("correct")
    seen = await browser.send(url, url, **typed)
    assert seen.page is not None
    return await browser.post(url, **{**seen.page.form(url), **typed})


async def order_row(house: House, order_id: str = "owing") -> sa.Row[tuple[object, ...]]:
    statement = sa.select(t.orders).where(t.orders.c.order_id == order_id)
    return await house.database.read(lambda conn: conn.execute(statement).one())


@pytest.fixture(autouse=True)
async def furnished(small_house: House) -> None:
    await furnish(small_house)


async def test_a_plate_is_corrected_after_old_and_new_were_seen(small_house: House, manager: Browser) -> None:
    url = page_of("correct")
    seen = await manager.send(url, url, plate="沪A·88889", reason="看错了")
    assert seen.status == 200
    assert "现在 改成 车牌 沪A88888 沪A88889" in seen.text
    assert "泊链那边仍是入场时报的车牌" in seen.text
    assert (await order_row(small_house)).plate == "沪A88888", "nothing is done before it was seen"
    assert seen.page is not None
    done = await manager.follow(await manager.post(url, **seen.page.form(url)))
    assert "已更正。" in done.text
    assert "沪A88888 → 沪A88889 看错了" in done.text
    assert (await order_row(small_house)).plate == "沪A88889"


async def test_an_earlier_entry_shows_what_it_costs_more(small_house: House, manager: Browser) -> None:
    url = page_of("correct")
    entry = (await order_row(small_house)).in_at - timedelta(hours=4)
    local = entry.astimezone(small_house.clock.now().tzinfo) + timedelta(hours=8)
    seen = await manager.send(url, url, in_at=f"{local:%Y-%m-%dT%H:%M}", reason="系统时间不对")
    assert "还应付 14.00 30.00" in seen.text
    assert "车牌 沪A88888" not in seen.text.partition("改成")[2].partition("还应付")[0], "only what changes is shown"


async def test_what_was_typed_after_the_look_is_looked_at_again(small_house: House, manager: Browser) -> None:
    url = page_of("correct")
    seen = await manager.send(url, url, plate="沪A88889", reason="看错了")
    assert seen.page is not None
    again = await manager.post(url, **{**seen.page.form(url), "plate": "沪A88887"})
    assert again.status == 200
    assert "沪A88888 沪A88887" in again.text
    assert (await order_row(small_house)).plate == "沪A88888"


async def test_a_correction_is_taken_back_from_the_history(small_house: House, manager: Browser) -> None:
    await manager.follow(await corrected(manager, plate="沪A88889", reason="看错了"))
    page = (await manager.see(STAY)).page
    assert page is not None
    back = next(url for url in page.links if "correct?plate=" in url)
    form = (await manager.see(back)).page
    assert form is not None
    assert form.form(page_of("correct"))["plate"] == "沪A88888"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"plate": "沪A88888"}, "车牌和入场时间都没有改"),
        ({"plate": "粤B\ufffd1"}, "这不像车牌"),
        ({"plate": "x" * 10_000}, "最多 16 个字"),
        ({"in_at": "yesterday"}, "时间要写成"),
        ({"in_at": "9999-12-31T23:59"}, "入场时间晚于现在"),
    ],
)
async def test_what_cannot_be_a_correction_is_said_and_stays_typed(
    manager: Browser, typed: dict[str, str], said: str
) -> None:
    url = page_of("correct")
    answer = await manager.send(url, url, reason="试试", **typed)
    assert answer.status == 422
    assert said in answer.text
    assert answer.page is not None
    fields = answer.page.form(url)
    assert fields["reason"] == "试试"
    assert {name: fields[name] for name in typed} == typed


async def test_a_plate_that_another_car_inside_has_leads_to_its_stay(manager: Browser) -> None:
    url = page_of("correct")
    answer = await manager.send(url, url, plate="粤B10137", reason="看错了")
    assert "还有一张订单" in answer.text
    assert answer.page is not None
    assert f"{HERE}/stays/order_0002" in answer.page.links


async def test_a_form_from_before_something_happened_does_nothing_and_says_what(
    small_house: House, manager: Browser
) -> None:
    url = page_of("waive")
    page = (await manager.see(url)).page
    assert page is not None
    fields = page.form(url)
    await manager.follow(await corrected(manager, plate="沪A88889", reason="看错了"))
    answer = await manager.post(url, **{**fields, "reason": "老客户"})
    assert answer.status == 409
    assert "打开本页以后又有变化" in answer.text
    assert "更正车牌 王芳 沪A88888 → 沪A88889" in answer.text
    assert answer.page is not None
    assert answer.page.form(url)["reason"] == "老客户"
    assert await small_house.database.read(lambda conn: ledger.reductions(conn, LOT, "owing")) == []
    done = await manager.follow(await manager.post(url, **answer.page.form(url)))
    assert "已免收。" in done.text, "the form as it is now is good"


async def test_what_is_due_is_waived_with_a_reason_and_taken_back(small_house: House, manager: Browser) -> None:
    url = page_of("waive")
    page = await manager.see(url)
    assert "免收 14.00 元" in page.text
    assert (await manager.send(url, url)).status == 422, "a reason is needed"
    done = await manager.follow(await manager.send(url, url, reason="老客户"))
    assert "免收 14.00 王芳 老客户" in done.text
    assert done.page is not None
    undo = next(link for link in done.page.links if "/reductions/" in link)
    assert (await manager.send(undo, undo)).status == 422
    back = await manager.follow(await manager.send(undo, undo, reason="点错了"))
    assert "减免已撤销。" in back.text
    assert "还应付 14.00" in back.text
    again = await manager.send(undo, undo, reason="点错了")
    assert "这项减免已经撤销了" in again.text


async def test_an_amount_is_set_in_place_of_the_price_list(small_house: House, manager: Browser) -> None:
    url = page_of("amount")
    wrong = await manager.send(url, url, fen="十元", reason="丢了卡")
    assert wrong.status == 422
    assert "金额要写成 12.50" in wrong.text
    done = await manager.follow(await manager.send(url, url, fen="20", reason="丢了卡"))
    assert "还应付 20.00" in done.text


@pytest.mark.parametrize(
    ("kind", "value", "due"), [("fen", "4.50", "9.50"), ("minutes", "60", "10.00"), ("percent", "50", "7.00")]
)
async def test_a_stay_is_made_cheaper(manager: Browser, kind: str, value: str, due: str) -> None:
    url = page_of("reduce")
    done = await manager.follow(await manager.send(url, url, kind=kind, value=value, reason="消费满额"))
    assert f"还应付 {due}" in done.text


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [("percent", "101", "从 1 到 100"), ("minutes", "半小时", "要写成整数"), ("kisses", "1", "请选怎么减")],
)
async def test_what_cannot_be_taken_off_is_said(manager: Browser, kind: str, value: str, said: str) -> None:
    url = page_of("reduce")
    answer = await manager.send(url, url, kind=kind, value=value, reason="消费满额")
    assert answer.status == 422
    assert said in answer.text


async def test_who_paid_gets_more_time_to_leave(small_house: House, manager: Browser) -> None:
    now = small_house.clock.now()
    bill = Bill(LOT, "order_0009", charge_fen=400, paid_fen=400, leave_by=now + timedelta(minutes=1))
    await small_house.keep(lambda changes: changes.bill(bill))
    assert page_of("extend") not in (await manager.see(STAY)).page.links  # type: ignore[union-attr]
    url = page_of("extend", "order_0009")
    done = await manager.follow(await manager.send(url, url, minutes="30", reason="电梯坏了"))
    assert "离场时间已延长" in done.text
    kept = await small_house.database.read(lambda conn: ledger.bill(conn, LOT, "order_0009"))
    assert kept.leave_by == now + timedelta(minutes=30)
    earlier = await manager.send(url, url, minutes="10", reason="电梯坏了")
    assert "要比现在的离场时限晚" in earlier.text


async def test_a_stay_that_has_left_is_not_asked_to_leave_by_a_time(small_house: House, manager: Browser) -> None:
    now = small_house.clock.now()
    bill = Bill(LOT, "gone", charge_fen=400, paid_fen=400, leave_by=now + timedelta(minutes=1))
    for state, asked in (("in", True), ("out", False)):
        await small_house.order("粤B2", order_id=f"gone_{state}", state=state, closed_at=now)
        bill.order_id = f"gone_{state}"
        await small_house.keep(lambda changes: changes.bill(bill))
        assert ("请在此前离场" in (await manager.see(f"{HERE}/stays/gone_{state}")).text) is asked


@pytest.mark.parametrize(("how", "balance"), [("paid", 0), ("free", 0), ("owed", 1400)])
async def test_a_stay_that_nobody_saw_leave_is_ended(
    small_house: House, manager: Browser, how: str, balance: int
) -> None:
    url = page_of("close")
    assert (await manager.send(url, url, reason="车不在了")).status == 422
    await small_house.write(t.lots.update().values(spaces_free=60))
    done = await manager.follow(await manager.send(url, url, how=how, reason="车不在了"))
    assert "已离场" in done.text
    bill = await small_house.database.read(lambda conn: ledger.bill(conn, LOT, "owing"))
    assert bill.balance_fen == balance
    free = sa.select(t.lots.c.spaces_free).where(t.lots.c.lot_id == LOT)
    assert await small_house.database.read(lambda conn: conn.execute(free).scalar_one()) == 61


async def test_surplus_is_given_back(small_house: House, manager: Browser) -> None:
    now = small_house.clock.now()
    paid = Payment(LOT, "P2", "bolink", "T2", "left", "", "", "scancode", "paid", 1000, 0, now, now)
    await small_house.keep(lambda changes: changes.new_payment(paid))
    await small_house.keep(lambda changes: changes.bill(Bill(LOT, "left", 1600, paid_fen=2200, closed_at=now)))
    url = page_of("give-back", "left")
    page = (await manager.see(url)).page
    assert page is not None
    assert page.form(url)["fen"] == "6.00"
    assert "不能超过多收的金额" in (await manager.send(url, url, fen="6.01", reason="付了两次")).text
    done = await manager.follow(await manager.send(url, url, fen="6.00", reason="付了两次"))
    assert "已退 6.00" in done.text


async def test_what_is_owed_is_reported_and_what_waits_for_a_look_was_looked_at(
    small_house: House, manager: Browser
) -> None:
    looked = page_of("reviewed", "left")
    assert "欠费离场" in (await manager.see(looked)).text
    done = await manager.follow(await manager.send(looked, looked, reason="看过录像"))
    assert "待查" not in done.text
    url = page_of("escape", "left")
    assert "收不回来" in (await manager.see(url)).text
    assert "已上报泊链" in (await manager.follow(await manager.send(url, url, reason="冲卡"))).text
    assert "不能再上报" in (await manager.send(url, url, reason="冲卡")).text


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.path)
async def test_each_act_takes_its_right_and_a_stay_that_is_there(small_house: House, act: object) -> None:
    path, right = act.path, act.right  # type: ignore[attr-defined]
    browser = await person(small_house, role_without(right))
    url = page_of(path)
    assert (await browser.open(url)).status == 403
    assert (await browser.post(url, token=await browser.token(), reason="x", seen="1")).status == 403
    owner = await person(small_house, Role.OWNER, login="owner", name="所有者")
    for missing in ("nothing", "%00"):
        assert (await owner.open(page_of(path, missing))).status == 404
        posted = await owner.post(page_of(path, missing), token=await owner.token(), plate="粤B1", reason="x")
        assert posted.status == 404
    assert (await owner.open(f"{STAY}/reductions/nothing")).status == 404
    await owner.close()
    await browser.close()


async def test_an_act_that_makes_no_sense_any_more_leads_to_the_stay_and_says_so(manager: Browser) -> None:
    said = await manager.follow(await manager.open(page_of("correct", "left")))
    assert "已离场" in said.text
    assert "更正车牌或入场时间" in said.text


async def test_a_person_is_offered_what_they_may_do_and_nothing_else(small_house: House) -> None:
    browser = await person(small_house, Role.COLLECTOR)
    page = (await browser.see(STAY)).page
    assert page is not None
    assert [act.path for act in ACTS if page_of(act.path) in page.links] == ["reduce"]
    assert Right.MONEY_REDUCE in Role.COLLECTOR.rights
    await browser.close()
