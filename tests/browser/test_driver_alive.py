"""The driver's page when things are not at their best: no mouse, a slow network, a stream that is cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, expect
from yarl import URL

from browser.wire import wire_to
from hub.sides import FakeLot, Side, saying

WECHAT = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.49"


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(viewport={"width": 360, "height": 640}, locale="zh-CN", user_agent=WECHAT)
    yield made
    await made.close()


async def at_the_lane(side: Side, context: BrowserContext, url: str = "") -> Page:
    page = await context.new_page()
    await page.goto(f"{url or side.url}/unionapi/nolienceinpark?code={await side.code()}")
    return page


async def upload_for(side: Side) -> None:
    scan_id = (await side.get("/admin/pushes"))["items"][0]["scan_id"]
    await side.upload_entry((await side.shown(scan_id))["car_number"], "o1")


async def focused(page: Page) -> str:
    text: str = await page.evaluate("document.activeElement.innerText ?? ''")
    return text.strip()


async def tab_to(page: Page, name: str) -> None:
    """Go from control to control until this one has the focus, which must show."""
    for _ in range(8):
        await page.keyboard.press("Tab")
        if name in await focused(page):
            width = await page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            assert float(width.removesuffix("px")) >= 2
            return
    raise AssertionError(f"no way to {name} by keyboard")


async def test_by_keyboard_alone_a_driver_enters_and_scans_again(
    side: Side, lot: FakeLot, context: BrowserContext
) -> None:
    lot.answer = saying(0, "未检测到车辆，请驶入车道后再扫码")
    page = await at_the_lane(side, context)
    await tab_to(page, "确认入场")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("未检测到车辆")
    side.clock.advance(11)
    await page.reload()
    lot.answer = saying(1, "入场成功")
    await tab_to(page, "再扫一次")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("status")).to_contain_text("入场成功")


async def test_over_a_slow_network_the_page_is_there_at_once_and_the_result_comes_by_itself(
    side: Side, lot: FakeLot, context: BrowserContext
) -> None:
    page = await context.new_page()
    wire = await context.new_cdp_session(page)
    await wire.send("Network.enable")
    slow = {"offline": False, "latency": 300, "downloadThroughput": 20_000, "uploadThroughput": 10_000}
    came = [0]
    wire.on("Network.loadingFinished", lambda told: came.append(told["encodedDataLength"]))
    await wire.send("Network.emulateNetworkConditions", slow)
    lot.answer = saying(2, "请等待管理员放行")
    await page.goto(f"{side.url}/unionapi/nolienceinpark?code={await side.code()}")
    await page.get_by_role("button", name="确认入场").click()
    await expect(page.get_by_role("status")).to_contain_text("请等待管理员放行")
    assert 0 < sum(came) < 10 * slow["downloadThroughput"]  # seconds
    await upload_for(side)
    await expect(page.get_by_role("heading")).to_have_text("入场成功")


async def test_a_stream_that_is_cut_and_comes_back_shows_what_happened_meanwhile(
    side: Side, lot: FakeLot, context: BrowserContext
) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    hub = URL(side.url)
    async with wire_to(str(hub.host), int(hub.port or 0)) as wire:
        page = await at_the_lane(side, context, wire.url)
        await page.get_by_role("button", name="确认入场").click()
        await expect(page.get_by_role("status")).to_contain_text("请等待管理员放行")
        await page.evaluate("window.sameDocument = true")
        wire.cut()
        await upload_for(side)
        await expect(page.get_by_role("status")).to_contain_text("请等待管理员放行")
        wire.mend()
        await expect(page.get_by_role("heading")).to_have_text("入场成功")
        assert await page.evaluate("window.sameDocument")


async def test_waiting_counts_the_seconds_and_nothing_moves_for_those_who_asked_for_that(
    side: Side, lot: FakeLot, context: BrowserContext
) -> None:
    answering = asyncio.Event()

    async def slow(message: dict[str, Any]) -> Any:
        await answering.wait()
        return await saying(1)(message)

    lot.answer = slow
    page = await at_the_lane(side, context)
    await page.clock.install()
    await page.get_by_role("button", name="确认入场").click()
    clock = page.locator("[data-up]")
    before = int(await clock.inner_text())
    await page.clock.run_for(3000)
    assert int(await clock.inner_text()) >= before + 2
    assert await page.evaluate("document.getAnimations().length") > 0
    await page.emulate_media(reduced_motion="reduce")
    assert await page.evaluate("document.getAnimations().length") == 0
    answering.set()
    await expect(page.get_by_role("heading")).to_have_text("入场成功")


async def test_each_page_is_one_request_and_the_result_page_one_stream_more(
    side: Side, lot: FakeLot, context: BrowserContext
) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(f"{request.method} {URL(request.url).path.rpartition('/')[2]}")

    page = await at_the_lane(side, context)
    page.on("request", note)
    await page.reload()
    assert asked == ["GET nolienceinpark"]
    asked.clear()
    await page.get_by_role("button", name="确认入场").click()
    await expect(page.get_by_role("status")).to_contain_text("请等待管理员放行")
    assert len(asked) == 3, asked
    assert asked[0] == "POST nolienceinpark"
    assert asked[2] == "GET events"
    sizes = await page.evaluate("performance.getEntriesByType('navigation').map(it => it.encodedBodySize)")
    assert max(sizes) < 30 * 1024
