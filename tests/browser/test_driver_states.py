"""Every state of the driver's page, in both languages, on three widths, light and dark: pictures, and no barriers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from browser.looks import KEEPS_PICTURES, SCHEMES, barriers_found, keep_picture, sticks_out
from hub.sides import FakeLot, Side, running_side, saying, serving_lot
from support.clock import ManualClock
from taigan.bolink import by_section

WIDTHS = (320, 360, 1440)
LOOKED_THROUGH = (("zh-CN", 320, "light"), ("en", 1440, "dark"))
"""Where axe-core looks: what it finds depends on the colours and on what wraps, and it takes its time."""

UNMARKED_CHINESE = r"""() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const lang = text.parentElement.closest('[lang]').lang;
    if (/\p{Script=Han}/u.test(text.data) && lang !== 'zh-CN') found.push(text.data);
  }
  return found;
}"""
"""What a screen reader would read out as if it were English."""

OTHER_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Chrome/130"
WECHAT = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.49"


@dataclass
class Visit:
    """A driver on the way to a state."""

    side: Side
    lot: FakeLot
    page: Page
    answering: asyncio.Event = field(default_factory=asyncio.Event)

    async def arrive(self, channel_id: str = "A1") -> None:
        await self.page.goto(f"{self.side.url}/unionapi/nolienceinpark?code={await self.side.code(channel_id)}")

    async def confirm(self) -> None:
        await self.page.locator("form button").last.click()
        await self.page.wait_for_url("**/scans/**")

    async def scan(self) -> None:
        await self.arrive()
        await self.confirm()
        await self.side.settled((await self.side.get("/admin/pushes"))["items"][0]["scan_id"])
        await self.page.reload()

    async def check_phones(self, wanted: bool = True) -> None:
        """Turn the SMS check (2.5) on or off."""
        _, said = await self.side.upload(by_section("2.5").path, nolience_config={"is_verify": int(wanted)})
        assert said["state"] == 1, said


async def entry(visit: Visit) -> None:
    await visit.arrive()


async def other_app(visit: Visit) -> None:
    await visit.arrive()


async def code_replaced(visit: Visit) -> None:
    code = await visit.side.code("A1")
    await visit.side.upload(by_section("2.3").path, type=3, channel_id="A1", change=1)
    await visit.page.goto(f"{visit.side.url}/unionapi/nolienceinpark?code={code}")


async def asking(visit: Visit) -> None:
    async def slow(message: dict[str, Any]) -> Any:
        await visit.answering.wait()
        return await saying(1, "入场成功")(message)

    visit.lot.answer = slow
    await visit.arrive()
    await visit.confirm()


async def success(visit: Visit) -> None:
    await visit.scan()


async def success_arm_open(visit: Visit) -> None:
    visit.lot.answer = saying(1, "入场成功，请通行")
    await visit.scan()


async def refused_no_car(visit: Visit) -> None:
    visit.lot.answer = saying(0, "未检测到车辆，请驶入车道后再扫码")
    await visit.scan()


async def refused_full(visit: Visit) -> None:
    visit.lot.answer = saying(0, "车位已满")
    await visit.scan()


async def refused_other_lane(visit: Visit) -> None:
    visit.lot.answer = saying(0, "A2未检测到车辆，请扫描所在车道的二维码")
    await visit.scan()


async def refused_blocked(visit: Visit) -> None:
    visit.lot.answer = saying(0, "禁止入场，请联系管理员")
    await visit.scan()


async def refused_longest(visit: Visit) -> None:
    visit.lot.answer = saying(0, "请稍后再试" * 9 + "再试一")
    await visit.scan()


async def waiting(visit: Visit) -> None:
    visit.lot.answer = saying(2, "请等待管理员放行")
    await visit.scan()


async def waiting_long(visit: Visit) -> None:
    visit.lot.answer = saying(2, "正在抬杆，请稍候")
    await visit.scan()
    visit.side.clock.advance(61)
    await visit.page.reload()


async def waiting_over(visit: Visit) -> None:
    visit.lot.answer = saying(2, "正在抬杆，请稍候")
    await visit.scan()
    visit.side.clock.advance(601)
    await visit.page.reload()


async def no_result(visit: Visit) -> None:
    visit.lot.answer = saying(7, "?")
    await visit.scan()


async def duplicate(visit: Visit) -> None:
    visit.lot.answer = saying(0, "车道正在处理其他车辆，请稍候")
    await visit.scan()
    await visit.arrive()
    await visit.confirm()


async def verify_number(visit: Visit) -> None:
    await visit.check_phones()
    await visit.arrive()
    await visit.confirm()


async def sms(visit: Visit) -> None:
    async def sent(message: dict[str, Any]) -> Any:
        if message["service_name"] == "verify_code":
            return await saying(1, "发送成功", verify_code=visit.lot.code)(message)
        return await saying(1, "入场成功")(message)

    visit.lot.answer = sent
    await verify_number(visit)
    await visit.page.locator("#mobile").fill("13812345678")
    await visit.page.locator("form button").first.click()
    await expect(visit.page.locator("#verify_code")).to_be_visible()


async def verify_code(visit: Visit) -> None:
    await sms(visit)


async def verify_wrong(visit: Visit) -> None:
    await sms(visit)
    await visit.page.locator("#verify_code").fill("000000")
    await visit.page.locator("form button").last.click()
    await expect(visit.page.locator("#verify_code")).to_have_value("")


async def not_found(visit: Visit) -> None:
    await visit.page.goto(f"{visit.side.url}/scans/nobodysscan")


STATES: tuple[Callable[[Visit], Awaitable[None]], ...] = (
    entry,
    other_app,
    code_replaced,
    asking,
    success,
    success_arm_open,
    refused_no_car,
    refused_full,
    refused_other_lane,
    refused_blocked,
    refused_longest,
    waiting,
    waiting_long,
    waiting_over,
    no_result,
    duplicate,
    verify_number,
    verify_code,
    verify_wrong,
    not_found,
)


@pytest.fixture(scope="module")
async def lot() -> AsyncIterator[FakeLot]:
    async with serving_lot(FakeLot()) as serving:
        yield serving


@pytest.fixture(scope="module")
async def side(lot: FakeLot, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Side]:
    """One for all states: each driver is a new one."""
    async with running_side(tmp_path_factory.mktemp("side"), ManualClock(), lot.url) as running:
        yield running


Phones = dict[tuple[str, str], Page]


@pytest.fixture(scope="module")
async def phones(browser: Browser) -> AsyncIterator[Phones]:
    """By language and app: a new one for each state would cost the browser a process."""
    made: Phones = {}
    for language, agent in itertools.product(("zh-CN", "en"), (WECHAT, OTHER_BROWSER)):
        context = await browser.new_context(locale=language, user_agent=agent, reduced_motion="reduce")
        made[language, agent] = await context.new_page()
    yield made
    for page in made.values():
        await page.context.close()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_the_page_fits_and_keeps_nobody_out(
    side: Side, lot: FakeLot, phones: Phones, state: Callable[[Visit], Awaitable[None]], language: str
) -> None:
    page = phones[language, OTHER_BROWSER if state is other_app else WECHAT]
    await page.context.clear_cookies()  # another driver
    visit = Visit(side, lot, page)
    try:
        await state(visit)
        assert await page.get_attribute("html", "lang") == language
        heading = await page.locator("h1").first.inner_text()
        assert heading
        if language == "en":
            assert not any("一" <= sign <= "鿿" for sign in heading), heading
            assert await page.evaluate(UNMARKED_CHINESE) == []
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 640})
            assert await sticks_out(page) <= 0
            for scheme in SCHEMES:
                if not KEEPS_PICTURES and (language, width, scheme) not in LOOKED_THROUGH:
                    continue
                await page.emulate_media(color_scheme=scheme)
                await keep_picture(page, "driver", f"{state.__name__}-{language}-{width}-{scheme}")
                if (language, width, scheme) in LOOKED_THROUGH:
                    assert await barriers_found(page) == []
    finally:
        visit.answering.set()
        await visit.check_phones(False)
        lot.answer = saying(1, "入场成功")
