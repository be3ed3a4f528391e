"""Beyond one press: opening by hand with a reason, choosing the order of the car at the exit, taking its cash."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from taigan.lot.people.by import By
from taigan.lot.people.shifts import OpenShift
from taigan.rights import Right, Role
from taigan.storage.rows import Departure
from taigan.storage.shown import views
from web.console.browser import Browser, person, role_without
from web.console.furnished import furnish
from web.house import LOT, House

HERE = f"/lots/{LOT}"
OPEN, MATCH, CASH = (f"{HERE}/lanes/B1/{act}" for act in ("open", "match", "cash"))
RAISE_A1, HOLD_A1 = (f"{HERE}/lanes/A1/{act}" for act in ("open", "hold"))


async def lifts(browser: Browser) -> list[tuple[str, str]]:
    """Who raised an arm, and why."""

    def read(conn: sa.Connection) -> list[tuple[str, str]]:
        return [(lift.actor, lift.reason) for lift in views.lifts(conn, LOT, 10, ())]

    return await browser.house.database.read(read)


async def test_an_arm_is_raised_with_a_reason_under_the_persons_name(small_house: House, manager: Browser) -> None:
    assert "第 1 次手动抬杆" in (await manager.see(RAISE_A1)).text
    done = await manager.send(RAISE_A1, RAISE_A1, why="内部车辆")
    assert "A1 已抬杆" in (await manager.follow(done)).text
    assert small_house.barriers["A1"].commands == ["open"]
    assert await lifts(manager) == [("王芳", "内部车辆")]
    assert "第 2 次手动抬杆" in (await manager.see(RAISE_A1)).text


async def test_an_arm_is_held_up_with_a_reason_under_the_persons_name(small_house: House, manager: Browser) -> None:
    assert "直到有人落杆" in (await manager.see(HOLD_A1)).text
    done = await manager.send(HOLD_A1, HOLD_A1, why="车太多，先放行")
    assert "A1 保持抬起" in (await manager.follow(done)).text
    assert small_house.barriers["A1"].commands == ["hold"]
    assert await lifts(manager) == [("王芳", "车太多，先放行")]


@pytest.mark.parametrize("page", [RAISE_A1, HOLD_A1])
async def test_without_a_reason_nothing_moves_and_what_was_typed_stays(
    small_house: House, manager: Browser, page: str
) -> None:
    answer = await manager.send(page, page)
    assert answer.status == 422
    assert "请选一个原因" in answer.text
    answer = await manager.send(page, page, other="字" * 201)
    assert answer.status == 422
    assert "字" * 201 in answer.raw
    assert small_house.barriers["A1"].commands == []


async def test_a_car_that_owes_goes_owing_or_waived_as_the_person_may(small_house: House) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    page = await browser.see(OPEN)
    assert "还应付 ¥14.00" in page.text
    assert "免收" not in page.text
    refused = await browser.send(OPEN, OPEN, why="司机付不了款", unpaid="waived")
    assert refused.status == 403
    assert small_house.barriers["B1"].commands == []
    done = await browser.send(OPEN, OPEN, why="司机付不了款")
    assert "B1 已抬杆" in (await browser.follow(done)).text
    assert small_house.barriers["B1"].commands == ["open"]
    assert "未付放行 王芳 记欠费 司机付不了款" in (await browser.see(f"{HERE}/stays/owing")).text
    await browser.close()


async def asking(house: House, plate: str) -> None:
    """A car at the exit whose order nobody knows."""
    await house.car("car-b1", "B1")
    departure = Departure(LOT, "car-b1", "B1", "", plate, house.clock.now())
    await house.keep(lambda changes: changes.new_departure(departure))


async def test_the_likeliest_order_stands_first_with_why_and_is_chosen(small_house: House, manager: Browser) -> None:
    for plate in ("粤B67890", "粤B12346", "粤B12345"):
        await small_house.order(plate, order_id=plate[1:], origin="plate", plate=plate)
    await asking(small_house, "粤B1234S")
    page = await manager.see(MATCH)
    assert page.text.index("粤B12345") < page.text.index("粤B12346")
    assert "粤B67890" not in page.text
    assert "画线的字不同" in page.text
    assert "粤B1234<mark>5</mark>" in page.raw
    done = await manager.send(MATCH, MATCH, order_id="B12345")
    assert "B1 已选订单" in (await manager.follow(done)).text
    assert "人工选单 王芳" in (await manager.see(f"{HERE}/stays/B12345")).text


async def test_a_car_whose_plate_was_not_read_is_said_to_be_that_and_the_search_waits_for_its_plate(
    small_house: House, manager: Browser
) -> None:
    await small_house.order("粤B67890", order_id="B67890", origin="plate", plate="粤B67890")
    await asking(small_house, "")
    for url in (HERE, MATCH):
        page = await manager.see(url)
        assert "没有识别到车牌" in page.text
        assert "没有找到入场记录" not in page.text
    assert re.search(r'<input id="q"[^>]* autofocus', page.raw)
    assert "有 678" in (await manager.see(f"{MATCH}?q=678")).text


async def test_another_plate_is_looked_for_when_typed(small_house: House, manager: Browser) -> None:
    await small_house.order("粤B67890", order_id="B67890", origin="plate", plate="粤B67890")
    await asking(small_house, "粤B12345")
    assert "没有像的车在场" in (await manager.see(MATCH)).text
    assert "选 粤B67890" in (await manager.see(f"{MATCH}?q=678")).text
    answer = await manager.open(f"{MATCH}?q={'B' * 10000}")
    assert answer.status == 422


async def test_cash_is_taken_in_a_shift_only_and_change_is_said(small_house: House) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    assert "没有开班" in (await browser.see(CASH)).text
    opened = OpenShift(lot_id=LOT, booth="东门岗亭", opening_fen=0, by=By("王芳", "-"))
    await small_house.leaving.do(opened)
    for typed, said in (("", "请填金额"), ("abc", "12.50"), ("1.234", "12.50"), ("NaN", "12.50"), ("5", "不能少于")):
        answer = await browser.send(CASH, CASH, received=typed)
        assert answer.status == 422, typed
        assert said in answer.text
    stale = await browser.send(CASH, CASH, received="20", due_fen="100")
    assert "现在应付 14.00 元" in stale.text
    done = await browser.send(CASH, CASH, received="20")
    assert "找零 6.00 元" in (await browser.follow(done)).text
    await browser.close()


async def test_much_change_is_asked_about_once_more_for_that_very_sum(small_house: House) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    await small_house.leaving.do(OpenShift(lot_id=LOT, booth="东门岗亭", opening_fen=0, by=By("王芳", "-")))
    asked = await browser.send(CASH, CASH, received="1014")
    assert asked.status == 422
    assert "收到 1014.00 元，要找 1000.00 元" in asked.text
    assert small_house.barriers["B1"].commands == []
    assert asked.page is not None
    form = asked.page.form(CASH)
    other = await browser.post(CASH, **{**form, "received": "114.01"})
    assert other.status == 422, "another sum is asked about anew"
    assert "要找 100.01 元" in other.text
    corrected = await browser.post(CASH, **{**form, "received": "20"})
    assert "找零 6.00 元" in (await browser.follow(corrected)).text
    await browser.close()


async def test_what_was_asked_about_is_taken_when_it_is_sent_again(small_house: House) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    await small_house.leaving.do(OpenShift(lot_id=LOT, booth="东门岗亭", opening_fen=0, by=By("王芳", "-")))
    asked = await browser.send(CASH, CASH, received="114")
    assert asked.status == 422
    assert asked.page is not None
    done = await browser.post(CASH, **asked.page.form(CASH))
    assert "找零 100.00 元" in (await browser.follow(done)).text
    await browser.close()


async def test_the_change_of_the_largest_note_is_not_asked_about(small_house: House) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    await small_house.leaving.do(OpenShift(lot_id=LOT, booth="东门岗亭", opening_fen=0, by=By("王芳", "-")))
    done = await browser.send(CASH, CASH, received="100")
    assert "找零 86.00 元" in (await browser.follow(done)).text
    await browser.close()


async def test_who_has_no_shift_opens_one_where_the_cash_is_taken(small_house: House) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    page = (await browser.see(CASH)).page
    assert page is not None
    form = page.form(f"{HERE}/shifts")
    wrong = await browser.post(f"{HERE}/shifts", **{**form, "booth": "东门岗亭", "opening": "x"})
    assert wrong.status == 422
    assert wrong.page is not None
    opened = await browser.post(f"{HERE}/shifts", **{**wrong.page.form(f"{HERE}/shifts"), "opening": "100"})
    assert opened.location == CASH
    assert "收下并放行" in (await browser.follow(opened)).text
    await browser.close()


@pytest.mark.parametrize(
    ("path", "right"),
    [(OPEN, Right.LANE_OPEN), (MATCH, Right.STAY_MATCH), (CASH, Right.SHIFT_RUN)],
)
async def test_who_may_not_is_told_what_it_takes(small_house: House, path: str, right: Right) -> None:
    browser = await person(small_house, role_without(right))
    answer = await browser.open(path)
    assert answer.status == 403
    assert right.zh in answer.text
    await browser.close()
