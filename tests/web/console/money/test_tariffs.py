"""Price lists: tried with two moments and drawn before they are in force, and never edited."""

from __future__ import annotations

import msgspec

from taigan.rights import Right, Role
from web.console.browser import Browser, person, role_without
from web.console.furnished import PRICES, furnish
from web.house import LOT, House

TARIFFS = f"/lots/{LOT}/tariffs"
NEW = f"{TARIFFS}/new"
DEARER = {**PRICES, "valid_from": "2025-06-02", "rates": [{"sections": [{"steps": [{"per": 60, "price": "5"}]}]}]}
TEXT = msgspec.json.encode(DEARER).decode()
TWO_HOURS = {"entry": "2025-06-03T09:00", "exit": "2025-06-03T11:00"}


async def test_a_price_list_is_tried_and_drawn_and_only_then_put_in_force(small_house: House, manager: Browser) -> None:
    await furnish(small_house)
    tried = await manager.send(NEW, NEW, text=TEXT, act="try", **TWO_HOURS)
    assert tried.status == 200
    assert "这次停车 10.00 元" in tried.text
    assert "<polyline" in tried.raw
    assert "第 2 版" not in (await manager.see(TARIFFS)).text, "trying keeps nothing"
    unsaid = await manager.send(NEW, NEW, text=TEXT, act="keep", reason="")
    assert unsaid.status == 422
    assert "请写原因" in unsaid.text
    done = await manager.follow(await manager.send(NEW, NEW, text=TEXT, act="keep", reason="2025 年 6 月调价"))
    assert "第 2 版收费标准从 2025-06-02 起执行" in done.text
    text = (await manager.see(TARIFFS)).text
    assert "第 2 版 未开始" in text
    assert "第 1 版 现行" in text


async def test_a_version_says_what_it_costs_in_words_as_a_curve_and_of_one_stay(
    small_house: House, manager: Browser
) -> None:
    await furnish(small_house)
    page = await manager.see(f"{TARIFFS}/1?entry=2025-06-03T09:00&exit=2025-06-03T11:00")
    assert "这次停车 8.00 元" in page.text
    assert "照字面说" in page.text
    assert "<polyline" in page.raw
    browser = await person(small_house, Role.MANAGER, login="chenjie", name="陈杰", language="en")
    assert "15 min" in (await browser.see(f"{TARIFFS}/1")).text
    await browser.close()


async def test_a_version_in_force_is_not_changed_and_a_new_one_begins_tomorrow(
    small_house: House, manager: Browser
) -> None:
    await furnish(small_house)
    for day in ("2025-01-01", "2025-06-01", "2024-01-01"):
        text = msgspec.json.encode({**DEARER, "valid_from": day}).decode()
        answer = await manager.send(NEW, NEW, text=text, act="keep", reason="x")
        assert answer.status == 422, day
        assert answer.page is not None
        assert 'id="wrong-text"' in answer.raw


async def test_what_is_no_price_list_is_said_at_the_field_and_stays_typed(small_house: House, manager: Browser) -> None:
    for text in ("", "{", "valid_from = 7", "[" * 50_000, '{"valid_from":"2025-06-02","rates":[]}', "<script>"):
        answer = await manager.send(NEW, NEW, text=text, act="try")
        assert answer.status == 422, text[:20]
        assert 'id="wrong-text"' in answer.raw, text[:20]
    assert "&lt;script&gt;" in answer.raw
    for moment in ("yesterday", "2025-13-01T00:00", "9999-12-31T23:59"):
        tried = await manager.send(NEW, NEW, text=TEXT, act="try", entry=moment, exit="2025-06-03T11:00")
        assert tried.status in (200, 422), moment
        assert "这次停车" not in tried.text, moment


async def test_a_stay_that_ends_before_it_begins_is_refused_with_both_moments(
    small_house: House, manager: Browser
) -> None:
    await furnish(small_house)
    page = await manager.see(f"{TARIFFS}/1?entry=2025-06-03T11:00&exit=2025-06-03T09:00")
    assert "离场时间 2025-06-03 09:00 早于入场时间 2025-06-03 11:00" in page.text
    assert "这次停车" not in page.text


async def test_the_form_begins_with_the_newest_list(small_house: House, manager: Browser) -> None:
    await furnish(small_house)
    page = (await manager.see(NEW)).page
    assert page is not None
    assert "period_caps" in page.text


async def test_a_version_that_never_was_is_said(small_house: House, manager: Browser) -> None:
    for name in ("7", "0", "-1", str(10**30)):
        assert (await manager.open(f"{TARIFFS}/{name}")).status == 404, name
    assert (await manager.open(f"{TARIFFS}?after=x")).location == TARIFFS


async def test_who_may_not_change_prices_sees_them_all_the_same(small_house: House) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    page = (await browser.see(TARIFFS)).page
    assert page is not None
    assert NEW not in page.links
    assert (await browser.open(NEW)).status == 403
    assert (await browser.post(NEW, token=await browser.token(), text=TEXT, act="keep", reason="x")).status == 403
    await browser.close()
    lesser = await person(small_house, role_without(Right.TARIFF_SEE), login="weixiu", name="维修")
    assert (await lesser.open(TARIFFS)).status == 403
    await lesser.close()
