"""The driver's page in a real browser: alive without a reload, without scripts, by keyboard, on a small screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from hub.browsing import Phone
from hub.sides import FakeLot, Side, saying


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(
        viewport={"width": 320, "height": 568}, user_agent=Phone.WECHAT, locale="zh-CN", reduced_motion="reduce"
    )
    yield made
    await made.close()


async def at_the_lane(side: Side, context: BrowserContext) -> Page:
    page = await context.new_page()
    await page.goto(f"{side.url}/unionapi/nolienceinpark?code={await side.code()}")
    return page


async def upload_for(side: Side) -> None:
    scan_id = (await side.get("/admin/pushes"))["items"][0]["scan_id"]
    await side.upload_entry((await side.shown(scan_id))["car_number"], "o1")


async def test_the_result_replaces_the_waiting_without_a_reload(
    side: Side, lot: FakeLot, context: BrowserContext
) -> None:
    asked, answering = asyncio.Event(), asyncio.Event()

    async def slow(message: dict[str, Any]) -> Any:
        asked.set()
        await answering.wait()
        return await saying(2, "请等待管理员放行")(message)

    lot.answer = slow
    page = await at_the_lane(side, context)
    await page.get_by_role("button", name="确认入场").press("Enter")
    await asked.wait()
    status = page.get_by_role("status")
    await expect(status).to_contain_text("正在请求入场")
    await page.evaluate("window.sameDocument = true")
    answering.set()
    await expect(status).to_contain_text("请等待管理员放行")
    await upload_for(side)
    await expect(status.get_by_role("heading")).to_have_text("入场成功")
    assert await page.evaluate("window.sameDocument")


async def test_with_the_event_stream_blocked_the_result_still_comes(
    side: Side, lot: FakeLot, context: BrowserContext
) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    await context.route("**/events?*", lambda route: route.abort())
    page = await at_the_lane(side, context)
    await page.get_by_role("button", name="确认入场").click()
    await expect(page.get_by_role("status")).to_contain_text("请等待管理员放行")
    await upload_for(side)
    await expect(page.get_by_role("heading")).to_have_text("入场成功")


async def test_without_scripts_the_page_refreshes_itself(side: Side, lot: FakeLot, browser: Browser) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    context = await browser.new_context(java_script_enabled=False, user_agent=Phone.WECHAT, locale="zh-CN")
    page = await at_the_lane(side, context)
    await page.get_by_role("button", name="确认入场").click()
    await expect(page.get_by_text("请等待管理员放行")).to_be_visible()
    await upload_for(side)
    await expect(page.get_by_role("heading")).to_have_text("入场成功")
    await context.close()


async def test_a_refusal_counts_down_and_then_scans_again(side: Side, lot: FakeLot, context: BrowserContext) -> None:
    lot.answer = saying(0, "车位已满")
    page = await at_the_lane(side, context)
    await page.clock.install()
    await page.get_by_role("button", name="确认入场").click()
    again = page.get_by_role("button", name="再扫一次")
    await expect(again).to_be_disabled()
    side.clock.advance(11)
    await page.clock.run_for(11_000)
    await expect(again).to_be_enabled()
    lot.answer = saying(1, "入场成功")
    await again.click()
    await expect(page.get_by_role("heading")).to_have_text("入场成功")
    assert len(lot.pushes()) == 2


@pytest.mark.parametrize("state", [0, 1, 2, 7])
async def test_nothing_is_wider_than_an_old_phone_and_every_target_is_big_enough(
    side: Side, lot: FakeLot, context: BrowserContext, state: int
) -> None:
    lot.answer = saying(state, "W" * 48)
    page = await at_the_lane(side, context)
    await page.get_by_role("button", name="确认入场").click()
    await side.settled((await side.get("/admin/pushes"))["items"][0]["scan_id"])
    await page.reload()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    heights = await page.evaluate("[...document.querySelectorAll('a, button')].map(it => it.offsetHeight)")
    assert min(heights) >= 44
    sizes = await page.evaluate(
        "[...document.querySelectorAll('p, a, button, label')].map(it => parseFloat(getComputedStyle(it).fontSize))"
    )
    assert min(sizes) >= 16
    assert await page.evaluate("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)") >= 32
