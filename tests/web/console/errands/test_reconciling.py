"""Reconciliation: a day held against BoLink's books, each difference in words, settled with what was done."""

from __future__ import annotations

from datetime import UTC, datetime

from taigan.lot.errands.reconciling import KINDS
from taigan.rights import Right, Role
from taigan.storage.rows import Difference
from taigan.storage.sums import reconciling
from taigan.web.console.rendering.words import bolink as words
from web.console.browser import Browser, person, role_without
from web.house import LOT, House

PAGE = f"/lots/{LOT}/reconciling"
DAY = datetime(2025, 5, 31, tzinfo=UTC).date()
LEFT = 1_748_660_400  # 2025-05-31 11:00 at the lot


def books(*paid: tuple[str, str]) -> dict[str, dict[str, object]]:
    """What BoLink has of the day: orders as (number, money), nothing withdrawn, no car parked."""
    orders = [
        {
            **{"car_number": "粤B12345", "in_time": LEFT - 3600, "out_time": LEFT, "money": money, "trade_no": number},
            **{"union_name": "测试厂商", "park_name": "东门停车场"},
        }
        for number, money in paid
    ]
    return {
        "queryorders": {"state": 1, "count": len(orders), "page": 1, "data": orders},
        "querywithDrawList": {"state": 1, "count": 0, "data": []},
        "uploadData": {"state": 1, "errmsg": "", "data": {"parking_business_count": 0}},
    }


async def differ(house: House, *kinds: str) -> None:
    at = house.clock.now()
    found = [Difference(LOT, f"D{kind}", DAY, kind, f"N{kind}", "", 100, 200, "open", at) for kind in kinds]
    await house.database.write(lambda conn: reconciling.add_differences(conn, found))


def test_every_kind_of_difference_has_its_name_what_it_means_and_what_to_do() -> None:
    for table in (words.DIFFERENCE, words.DIFFERENCE_MEANS, words.DIFFERENCE_DO):
        assert set(table) == set(KINDS)


async def test_a_day_is_reconciled_by_hand_and_what_differs_stands_there(small_house: House, manager: Browser) -> None:
    assert "还没有对过账" in (await manager.see(PAGE)).text
    small_house.bolink.answers = books(("T77", "6.00"))
    done = await manager.follow(await manager.send(PAGE, PAGE, day="2025-05-31", reason="月底"))
    assert "2025-05-31 对完了，有 1 项差异。" in done.text
    assert "泊链有付款，这里没有" in done.text
    assert "交易号 T77" in done.text
    assert "泊链 6.00" in done.text
    assert "对账 2025-05-31" in (await manager.see(f"/lots/{LOT}/audit")).text
    small_house.bolink.answers = books()
    again = await manager.follow(await manager.send(PAGE, PAGE, day="2025-05-31", reason="泊链改了"))
    assert "没有差异" in again.text
    assert "没有待处理的差异" in again.text
    assert "自己对上了" in (await manager.see(f"{PAGE}?state=")).text


async def test_what_bolink_did_not_answer_is_said(small_house: House, manager: Browser) -> None:
    small_house.bolink.answers = {**books(), "querywithDrawList": {"state": 0, "errmsg": "系统忙"}}
    done = await manager.follow(await manager.send(PAGE, PAGE, day="2025-05-31", reason="月底"))
    assert "泊链没有全部回答：4.4" in done.text
    assert "系统忙" in done.text


async def test_a_difference_is_settled_with_what_was_done(small_house: House, manager: Browser) -> None:
    await differ(small_house, "amount_differs")
    settle = f"{PAGE}/differences/Damount_differs/settle"
    assert "请写怎么处理的" in (await manager.follow(await manager.send(PAGE, settle, reason=" "))).text
    done = await manager.follow(await manager.send(PAGE, settle, reason="泊链退了差额"))
    assert "这项差异了结" in done.text
    assert "两边金额不同" not in done.text
    settled = (await manager.see(f"{PAGE}?state=settled")).text
    assert "王芳：泊链退了差额" in settled
    assert "对账差异已处理" in (await manager.see(f"/lots/{LOT}/audit")).text
    token = await manager.token()
    assert (await manager.post(settle, token=token, reason="再来")).status == 409
    assert (await manager.post(f"{PAGE}/differences/nothing/settle", token=token, reason="x")).status == 404
    assert (await manager.post(f"{PAGE}/differences/%00/settle", token=token, reason="x")).status == 404


async def test_a_day_that_is_none_or_to_come_is_said_at_its_field(small_house: House, manager: Browser) -> None:
    for day, said in (("", "请选日期"), ("x", "日期要写成"), ("2025-06-30", "还没有到"), ("9999-12-31", "日期要写成")):
        answer = await manager.send(PAGE, PAGE, day=day, reason="月底")
        assert (answer.status, said in answer.text) == (422, True), day
        assert "月底" in answer.raw
    assert (await manager.open(f"{PAGE}?after=x")).location == PAGE


async def test_who_may_only_see_is_offered_nothing(small_house: House) -> None:
    await differ(small_house, *KINDS)
    browser = await person(small_house, Role.COLLECTOR)
    page = (await browser.see(PAGE)).page
    assert page is not None
    assert [form["action"] for form in page.forms if form["method"] == "post"] == ["/sign-out"]
    assert (await browser.post(PAGE, token=await browser.token(), day="2025-05-31", reason="x")).status == 403
    await browser.close()
    lesser = await person(small_house, role_without(Right.MONEY_SEE), login="weixiu", name="维修")
    assert (await lesser.open(PAGE)).status == 403
    await lesser.close()


async def test_differences_can_be_taken_away_as_the_page_shows_them(small_house: House, manager: Browser) -> None:
    await differ(small_house, "amount_differs", "bill_missing")
    table = (await manager.open(f"/lots/{LOT}/export/differences?form=csv")).raw
    assert "两边金额不同" in table
    assert "1.00,2.00,待处理" in table
