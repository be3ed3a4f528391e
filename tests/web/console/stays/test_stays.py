"""Stays: found by a part of the plate, page by page, and one of them with everything that happened."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from taigan.lot.policy import Policy
from taigan.rights import Right, Role
from taigan.storage.rows import Bill
from web.console.browser import Browser, person, role_without
from web.console.furnished import furnish
from web.house import LOT, House

STAYS = f"/lots/{LOT}/stays"


async def plates(browser: Browser, path: str) -> list[str]:
    page = (await browser.see(path)).page
    assert page is not None
    return [url.rpartition("/")[2] for url in page.links if url.startswith(f"{STAYS}/")]


async def test_a_car_is_found_by_three_signs_of_its_plate(house: House) -> None:
    for number in ("粤B12345", "粤B67890", "无A1B2C3"):
        await house.order(number, order_id=number[1:])
    await house.order("oX9", order_id="scan", plate="京N6K1Z9")
    browser = await person(house, Role.COLLECTOR)
    assert await plates(browser, f"{STAYS}?q=678") == ["B67890"]
    for typed in ("n6k", "ox9", "OX9"):
        assert await plates(browser, f"{STAYS}?q={typed}") == ["scan"], typed
    for typed in ("６７８", "粤b·67", "b 67 8", "粤B67890"):
        assert await plates(browser, f"{STAYS}?{urlencode({'q': typed})}") == ["B67890"], typed
    assert await plates(browser, f"{STAYS}?q=%25") == []
    assert await plates(browser, f"{STAYS}?q=_") == []
    assert len(await plates(browser, STAYS)) == 4
    await browser.close()


async def test_what_is_inside_is_shown_at_first_and_other_states_when_asked(
    small_house: House, manager: Browser
) -> None:
    await small_house.order("粤B1", order_id="inside")
    await small_house.order("粤B2", order_id="gone", state="out", closed_at=small_house.clock.now())
    assert await plates(manager, STAYS) == ["inside"]
    assert await plates(manager, f"{STAYS}?state=out") == ["gone"]
    assert await plates(manager, f"{STAYS}?state=") == ["gone", "inside"]
    assert await plates(manager, f"{STAYS}?state=never-was") == ["gone", "inside"]


async def test_those_inside_for_longer_than_the_policy_says_are_one_choice_away(
    small_house: House, manager: Browser
) -> None:
    now = small_house.clock.now()
    long_ago = now - timedelta(seconds=Policy().stale_after + 1)
    await small_house.order("粤B1", order_id="old", requested_at=long_ago, in_at=long_ago)
    await small_house.order("粤B3", order_id="old-and-gone", state="out", requested_at=long_ago, closed_at=now)
    await small_house.order("粤B2", order_id="new")
    assert await plates(manager, f"{STAYS}?state=stale") == ["old"]
    assert await plates(manager, f"{STAYS}?state=stale&to=2020-01-01") == []
    assert "停得太久" in (await manager.see(STAYS)).text


async def test_who_has_left_is_one_press_away_where_nobody_inside_fits(small_house: House, manager: Browser) -> None:
    assert "现在没有车在场" in (await manager.see(STAYS)).text
    await small_house.order("粤B2", order_id="gone", state="out", closed_at=small_house.clock.now())
    answer = await manager.see(f"{STAYS}?q=b2")
    assert "在场的车里没有找到" in answer.text
    assert answer.page is not None
    (further,) = [url for url in answer.page.links if "q=b2" in url and "state=all" in url and "from=" not in url]
    assert await plates(manager, further) == ["gone"]


async def test_today_and_yesterday_are_one_press_away_on_the_lots_clock(small_house: House, manager: Browser) -> None:
    today = small_house.clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    page = (await manager.see(f"{STAYS}?q=b2")).page
    assert page is not None
    for back in (0, 1):
        day = today - timedelta(days=back)
        assert f"{STAYS}?from={day}&to={day}&state=all&q=b2" in page.links


async def test_a_list_goes_on_where_the_page_before_ended_whatever_comes_meanwhile(
    small_house: House, manager: Browser
) -> None:
    for number in range(120):
        await small_house.order(f"粤B{number:05}", order_id=f"order{number:03}")
    seen: list[str] = []
    following = f"{STAYS}?q=粤B&state="
    while following:
        seen += await plates(manager, following)
        await small_house.order(f"粤B9{len(seen):04}", order_id=f"new{len(seen)}")
        page = manager.last.page if manager.last is not None else None
        assert page is not None
        following = next((url for url in page.links if "after=" in url and url.startswith(STAYS)), "")
        assert not following or "q=%E7%B2%A4B&state=&" in following, "the filter goes on, empty choices too"
    assert seen == [f"order{number:03}" for number in reversed(range(120))]


async def test_days_are_those_of_the_lots_clock(small_house: House, manager: Browser) -> None:
    await small_house.order("粤B1", order_id="today")  # 08:00 UTC, 16:00 there
    assert await plates(manager, f"{STAYS}?from=2025-06-01&to=2025-06-01") == ["today"]
    assert await plates(manager, f"{STAYS}?from=2025-06-02") == []
    assert await plates(manager, f"{STAYS}?to=2025-05-31") == []


async def test_what_cannot_be_looked_for_is_said_at_its_field_and_stays_typed(
    small_house: House, manager: Browser
) -> None:
    for query, said in (
        ("from=yesterday", "日期要写成"),
        ("to=9999-12-31&from=0001-01-01", "日期要写成"),
        (f"q={'粤' * 17}", "最多 16 个字"),
        (f"q={'B' * 10_000}", "最多 16 个字"),
        ("q=%00", "最多 16 个字"),
    ):
        answer = await manager.open(f"{STAYS}?{query}")
        assert answer.status == 422, query
        assert said in answer.text
    assert "yesterday" in (await manager.open(f"{STAYS}?from=yesterday")).raw


async def test_a_page_that_never_was_begins_anew(small_house: House, manager: Browser) -> None:
    for after in ("x", "W10", "W10x", "0" * 400):
        answer = await manager.open(f"{STAYS}?after={after}")
        assert (answer.status, answer.location) == (303, STAYS), after


async def test_the_price_of_a_stay_is_shown_slice_by_slice(small_house: House, manager: Browser) -> None:
    await furnish(small_house)
    text = (await manager.see(f"{STAYS}/owing")).text
    assert "沪A88888 在场" in text
    assert "收费标准第 1 版" in text
    assert "7 14.00" in text
    assert "还应付 14.00" in text
    left = (await manager.see(f"{STAYS}/left")).text
    assert "待查：欠费离场" in left
    assert "应收 16.00" in left
    assert "扫码付 已付 12.00" in left
    assert "还应付 4.00" in left


@pytest.mark.parametrize(("state", "said"), [("in", True), ("out", False)])
async def test_until_when_to_leave_is_said_of_a_car_that_is_inside(
    small_house: House, manager: Browser, state: str, said: bool
) -> None:
    now = small_house.clock.now()
    await small_house.order("粤B1", order_id="b1", state=state, in_at=now)
    bill = Bill(LOT, "b1", charge_fen=400, paid_fen=400, leave_by=now)
    await small_house.keep(lambda changes: changes.bill(bill))
    assert ("请在此前离场" in (await manager.see(f"/lots/{LOT}/stays/b1")).text) == said


async def test_who_may_not_see_money_sees_none(small_house: House) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    assert "应收" in (await browser.see(STAYS)).text
    await browser.close()


async def test_phone_numbers_are_masked(small_house: House, manager: Browser) -> None:
    order = await small_house.order("粤B1")
    raw = (await manager.see(f"{STAYS}/{order.order_id}")).raw
    assert "13812345678" not in raw
    assert "138" in raw


async def test_a_stay_that_is_not_there_is_said(small_house: House, manager: Browser) -> None:
    for name in ("nothing", "%00", "x" * 500):
        answer = await manager.open(f"{STAYS}/{name}")
        assert answer.status == 404, name
        assert "没有这张订单" in answer.text


async def test_who_may_not_see_stays_is_told_what_it_takes(small_house: House) -> None:
    browser = await person(small_house, role_without(Right.STAY_SEE))
    answer = await browser.open(STAYS)
    assert answer.status == 403
    assert "看停车记录" in answer.text
    await browser.close()


async def test_d25_a31_a_stay_says_that_its_plate_left_others_unpaid_and_has_a_shared_space(
    small_house: House, manager: Browser
) -> None:
    await small_house.order("粤B12345", order_id="O1", origin="plate", plate="粤B12345", arrears=2, reserved=True)
    await small_house.order("粤B12346", order_id="O2", origin="plate", plate="粤B12346")
    for order_id, said in (("O1", True), ("O2", False)):
        text = (await manager.see(f"{STAYS}/{order_id}")).text
        assert ("有欠费 2 笔" in text, "已预约共享车位" in text) == (said, said)
