"""The workbench in a real browser: every room in both languages, light and dark, wide and narrow; alive; in place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from browser.looks import Scheme, barriers_found, bring_axe, keep_picture, sticks_out
from hub.sides import KEY, TOKEN, UNION_ID, FakeLot, Side, saying
from taigan.bolink import seal

ROOMS = ("", "/bench/compose", "/bench/lots", "/bench/phones", "/bench/payments", "/bench/records", "/bench/faults")
LOOKED_THROUGH = {("zh-CN", 1366), ("en-GB", 390)}
"""Where axe-core looks: each language, width and scheme once."""


@asynccontextmanager
async def signed_in(
    browser: Browser, side: Side, width: int = 1366, locale: str = "zh-CN", scheme: Scheme = "light"
) -> AsyncIterator[Page]:
    size = {"width": width, "height": 768 if width > 1000 else 844}
    context = await browser.new_context(viewport=size, locale=locale, color_scheme=scheme, reduced_motion="reduce")
    try:
        page = await context.new_page()
        await page.goto(f"{side.url}/admin")
        await page.locator("#admin_token").fill(TOKEN)
        await page.locator("#admin_token").press("Enter")
        await page.get_by_role("navigation").first.wait_for()
        yield page
    finally:
        await context.close()


@pytest.fixture
async def busy_side(side: Side, lot: FakeLot) -> Side:
    """One side with something of each kind on its pages."""
    lot.answer = saying(1, "入场成功")
    await side.scan("li")
    lot.answer = saying(0, "未检测到车辆，请驶入车道后再扫码")
    await side.scan("wang", channel_id="A2", lot_id="200002-21787")
    await side.upload_entry("京A12345", "o1")
    await side.upload_entry("京B54321", "o2", licence_color=1, empty_plot=-1)
    text = b'{"union_id":200002,"park_id":"21787","order_id":"o3","car_number":"A","in_time":1777881600,"empty_plot":9}'
    await side.post("/unionapi/neworder/addorder", seal(text, KEY + "x"))
    await side.post("/unionapi/neworder/addOrder", seal(text, KEY))
    await side.upload("/unionapi/neworder/payparking", title="停车费", amount="12.00", order_id="o1", trade_no="T1")
    await side.admin("POST", "/admin/pushes", json={"lot_id": f"{UNION_ID}-21787", "service_name": "outpark"})
    await side.faults({"kind": "answer_lost", "times": 3, "channel_id": "A1"})
    return side


@pytest.mark.parametrize(
    ("locale", "width", "scheme"),
    [("zh-CN", 1366, "light"), ("zh-CN", 390, "light"), ("en-GB", 1366, "dark"), ("en-GB", 390, "dark")],
)
async def test_every_room_keeps_nobody_out_and_fits_its_window(
    browser: Browser, busy_side: Side, locale: str, width: int, scheme: Scheme
) -> None:
    found: list[str] = []
    async with signed_in(browser, busy_side, width, locale, scheme) as page:
        await bring_axe(page.context)
        for room in (*ROOMS, "/bench/messages/arrivals/3", "/bench/messages/pushes/1"):
            await page.goto(f"{busy_side.url}/admin{room}")
            name = f"{room.strip('/').replace('/', '-') or 'messages'}-{locale}-{width}-{scheme}"
            await keep_picture(page, "workbench", name)
            if (locale, width) in LOOKED_THROUGH:
                found += [f"{name}: {barrier}" for barrier in await barriers_found(page)]
            if out := await sticks_out(page):
                found.append(f"{name} is {out} px wider than its window")
    assert found == []


async def test_each_message_has_its_verdict_and_the_list_is_filtered_by_it(browser: Browser, busy_side: Side) -> None:
    async with signed_in(browser, busy_side) as page:
        rows = page.locator("#rows > ul > li")
        await expect(rows.filter(has_text="签名错误")).to_have_count(1)
        await page.get_by_role("navigation", name="按结论").get_by_text("收下，但是").click()
        await expect(rows.filter(has_text="o2")).to_contain_text("licence_color")
        await expect(rows.filter(has_text="签名错误")).to_have_count(0)
        await page.get_by_role("navigation", name="按结论").get_by_text("未收下").click()
        await expect(rows.filter(has_text="addOrder")).to_contain_text("是不是 /unionapi/neworder/addorder")
        await page.get_by_role("navigation", name="按方向").get_by_text("→ 车场").click()
        await expect(rows.filter(has_text="未检测到车辆").filter(has_text="A2")).to_have_count(1)
        await expect(rows.filter(has_text="addOrder")).to_have_count(0)


async def test_what_arrives_is_there_without_a_reload(browser: Browser, side: Side) -> None:
    async with signed_in(browser, side) as page:
        await expect(page.locator("#live")).to_have_text("实时")
        await side.upload_entry("京A12345", "brand-new")
        await expect(page.locator("#rows")).to_contain_text("brand-new")


async def test_a_wrong_signature_is_worked_out_beside_the_message(browser: Browser, busy_side: Side) -> None:
    async with signed_in(browser, busy_side) as page:
        await page.locator("#rows li").filter(has_text="签名错误").get_by_role("link").click()
        await expect(page.get_by_text("key=••••")).to_be_visible()
        await expect(page.get_by_text("✕ 不一样")).to_be_visible()
        assert KEY not in await page.content()


async def test_the_answer_stands_where_the_message_was_sent_and_a_mistake_where_it_was_typed(
    browser: Browser, side: Side, lot: FakeLot
) -> None:
    lot.answer = saying(0, "车道正在处理其他车辆，请稍候")
    async with signed_in(browser, side) as page:
        await page.get_by_role("link", name="发消息").click()
        await page.get_by_role("button", name="签名并发送").click()
        await expect(page.locator("section[aria-live]")).to_contain_text("车道正在处理其他车辆，请稍候")
        await page.locator("textarea").fill('{"chanel_id": "A1"}')
        await page.get_by_role("button", name="签名并发送").click()
        await expect(page.get_by_role("alert")).to_contain_text("data.chanel_id")
        await expect(page.locator("textarea")).to_have_value('{"chanel_id": "A1"}')


async def test_the_language_is_switched_and_stays(browser: Browser, side: Side) -> None:
    async with signed_in(browser, side) as page:
        await page.get_by_role("link", name="English").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Messages")
        await page.get_by_role("link", name="Faults").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Faults")
        assert "故障" not in await page.locator("main").inner_text()


async def test_a_fault_is_switched_on_in_words_and_taken_away(browser: Browser, side: Side) -> None:
    async with signed_in(browser, side) as page:
        await page.get_by_role("link", name="故障").click()
        await page.get_by_label("会怎样").select_option(label="同一条消息同时发两遍")
        await page.get_by_role("button", name="加上").click()
        [fault] = (await side.get("/admin/faults"))["faults"]
        assert fault["kind"] == "sent_twice"
        await page.get_by_role("button", name="全部去掉").click()
        await expect(page.get_by_text("没有故障：一切照常")).to_be_visible()


async def test_without_a_session_no_room_opens(side: Side) -> None:
    for room in (*ROOMS[1:], "/bench/messages/arrivals/1"):
        async with side.http.get(f"{side.url}/admin{room}", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/admin")
    async with side.http.get(f"{side.url}/admin/bench/live") as answer:
        assert answer.status == 401
