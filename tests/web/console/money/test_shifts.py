"""Shifts: opened with counted cash, one a person and one a booth, closed by counting; a difference needs its reason."""

from __future__ import annotations

from taigan.rights import Right, Role
from taigan.storage.rows import Payment
from web.console.browser import Browser, person, role_without
from web.house import LOT, House

SHIFTS = f"/lots/{LOT}/shifts"


async def opened(browser: Browser, booth: str = "东岗亭", opening: str = "200.00") -> str:
    answer = await browser.send(SHIFTS, SHIFTS, booth=booth, opening=opening)
    assert answer.status == 303, answer.text
    return answer.location


async def cash(house: House, shift_id: str, fen: int, state: str = "paid", name: str = "C1") -> None:
    now = house.clock.now()
    payment = Payment(LOT, name, "cash", name, "order", "", "", "cash", state, fen, 0, now, now, "粤B12345", shift_id)
    await house.keep(lambda changes: changes.new_payment(payment))


async def test_a_shift_is_opened_reported_on_and_handed_over(small_house: House, manager: Browser) -> None:
    report = await opened(manager)
    await cash(small_house, report.rpartition("/")[2], 1250)
    await cash(small_house, report.rpartition("/")[2], 300, "reversed", "C2")
    text = (await manager.see(report)).text
    assert "接班点得 200.00" in text
    assert "收现金 1 笔 12.50" in text
    assert "冲销 1 笔 3.00" in text
    assert "应有 212.50" in text
    small_house.clock.step(3600)
    answer = await manager.send(f"{report}/close", f"{report}/close", counted="212.50", note="")
    text = (await manager.follow(answer)).text
    assert "已交班，现金相符" in text
    assert "差额 0.00" in text


async def test_nobody_is_told_what_the_cash_should_be_before_counting_it(small_house: House, manager: Browser) -> None:
    report = await opened(manager)
    await cash(small_house, report.rpartition("/")[2], 1250)
    assert "212.50" not in (await manager.see(f"{report}/close")).raw
    refused = await manager.send(f"{report}/close", f"{report}/close", counted="210", note=" ")
    assert refused.status == 422
    assert "现金和应有数不符：请写明原因" in refused.text
    assert "212.50" not in refused.raw
    assert 'value="210"' in refused.raw
    answer = await manager.send(f"{report}/close", f"{report}/close", counted="210", note="找零找错")
    text = (await manager.follow(answer)).text
    assert "差额 -2.50" in text
    assert "找零找错" in text


async def test_a_person_and_a_booth_have_one_open_shift(small_house: House, manager: Browser) -> None:
    await opened(manager)
    token = await manager.token()
    second = await manager.post(SHIFTS, token=token, booth="西岗亭", opening="1")
    assert second.status == 422
    assert "王芳 已经开班" in second.text
    other = await person(small_house, Role.COLLECTOR, login="liqiang", name="李强")
    taken = await other.send(SHIFTS, SHIFTS, booth="东岗亭", opening="1")
    assert taken.status == 422
    assert "王芳 正在 东岗亭 当班" in taken.text
    await other.close()


async def test_what_is_booked_after_the_handover_is_listed_as_late(small_house: House, manager: Browser) -> None:
    report = await opened(manager)
    await manager.send(f"{report}/close", f"{report}/close", counted="200", note="")
    small_house.clock.step(60)
    await cash(small_house, report.rpartition("/")[2], 800)
    text = (await manager.see(report)).text
    assert "交班以后又入账 1 笔，8.00 元" in text
    assert "应有 200.00" in text


async def test_the_next_shift_shows_when_it_counted_something_else(small_house: House, manager: Browser) -> None:
    report = await opened(manager)
    await manager.send(f"{report}/close", f"{report}/close", counted="200", note="")
    small_house.clock.step(60)
    following = await opened(manager, opening="190")
    text = (await manager.see(following)).text
    assert "上一班交下 200.00" in text
    assert "接班点得 190.00" in text


async def test_amounts_that_are_none_are_said_at_their_field(small_house: House, manager: Browser) -> None:
    for amount, said in (
        ("", "请填金额"),
        ("abc", "金额要写成"),
        ("1.234", "金额要写成"),
        ("-5", "金额要写成"),
        ("1e9", "金额要写成"),
        ("9" * 40, "最多 12 个字"),
    ):
        answer = await manager.send(SHIFTS, SHIFTS, booth="东岗亭", opening=amount)
        assert answer.status == 422, amount
        assert said in answer.text, amount
    assert "请填岗亭" in (await manager.send(SHIFTS, SHIFTS, booth=" ", opening="1")).text


async def test_a_shift_of_another_is_closed_by_who_may_take_cash_back(small_house: House, manager: Browser) -> None:
    report = await opened(manager)
    other = await person(small_house, Role.COLLECTOR, login="liqiang", name="李强")
    assert (await other.open(f"{report}/close")).status == 403
    answer = await other.post(f"{report}/close", token=await other.token(), counted="0", note="x")
    assert answer.status == 403
    await other.close()
    leader = await person(small_house, Role.SHIFT_LEADER, login="chenjie", name="陈杰")
    answer = await leader.send(f"{report}/close", f"{report}/close", counted="200", note="")
    assert answer.status == 303
    assert (await leader.open(f"{report}/close")).location == report
    await leader.close()


async def test_a_shift_that_is_not_there_is_said(small_house: House, manager: Browser) -> None:
    for name in ("nothing", "%00", "x" * 300):
        answer = await manager.open(f"{SHIFTS}/{name}")
        assert answer.status == 404, name
        assert "没有这个班次" in answer.text
    assert (await manager.open(f"{SHIFTS}?after=x")).location == SHIFTS


async def test_who_runs_no_shifts_sees_no_form(small_house: House) -> None:
    browser = await person(small_house, Role.FINANCE)
    page = (await browser.see(SHIFTS)).page
    assert page is not None
    assert not page.offers(SHIFTS)
    assert (await browser.post(SHIFTS, token=await browser.token(), booth="x", opening="1")).status == 403
    await browser.close()
    lesser = await person(small_house, role_without(Right.MONEY_SEE), login="weixiu", name="维修")
    assert (await lesser.open(SHIFTS)).status == 403
    await lesser.close()
