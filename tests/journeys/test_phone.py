"""One entry as its driver sees it: a real browser, real processes."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from support.stacks.stack import Lane, Stack, eventually


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("zh-CN", ("以微信身份继续", "确认入场", "入场成功")),
        ("en-GB", ("Continue with Alipay", "Confirm entry", "You may enter")),
    ],
)
async def test_a_driver_scans_reads_success_and_the_arm_is_up(
    stack: Stack, browser: Browser, locale: str, words: tuple[str, str, str]
) -> None:
    app, confirm, success = words
    lane = stack.lane("A1")
    lifts = await lane.lifts()
    await lane.car("arrives")
    phone = await browser.new_context(locale=locale, viewport={"width": 390, "height": 844}, has_touch=True)
    try:
        page = await phone.new_page()
        await page.goto(lane.entry_url)
        await page.get_by_role("link", name=app).click()
        await page.get_by_role("button", name=confirm).click()
        await expect(page.get_by_role("status")).to_contain_text(success)
        await eventually(lambda: is_up(lane))
        assert await lane.lifts() == lifts + 1
    finally:
        await phone.close()


async def is_up(lane: Lane) -> bool:
    return (await lane.state())["barrier"] == "open"
