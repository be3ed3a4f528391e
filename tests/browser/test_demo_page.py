"""The demo page as a person uses it who has never seen it: real processes, a real browser."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from browser.looks import SCHEMES, Scheme, barriers_found, keep_picture, sticks_out
from support.stacks.stack import Stack, eventually

TRIES = 5
NewStack = Callable[..., Stack]


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(viewport={"width": 1440, "height": 1000}, locale="zh-CN", reduced_motion="reduce")
    yield made
    await made.close()


@pytest.fixture
async def page(stack: Stack, context: BrowserContext) -> AsyncIterator[Page]:
    """The page, with every side up, and nothing in its console at the end."""
    complaints: list[str] = []
    opened = await context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    await opened.goto(stack.ready["demo_url"])
    await expect(opened.locator("#sides li.up")).to_have_count(3)
    yield opened
    assert complaints == []


def is_complaint(said: ConsoleMessage) -> bool:
    """Whether the console shows a fault of the page; a refusal by the lot (409) is none."""
    return said.type == "error" and "409" not in said.text


async def test_a_car_gets_in_by_what_the_page_says_to_do_next(stack: Stack, page: Page) -> None:
    lifts = await stack.lane("A1").lifts()
    row = page.locator('[data-lane="A1"]')
    phone = row.frame_locator("iframe")
    next_button = row.locator(".drive button.next")
    await expect(next_button).to_contain_text("来车")
    await next_button.click()
    await expect(next_button).to_contain_text("扫码")
    await next_button.click()
    await phone.get_by_role("button", name="确认入场").click()
    await expect(phone.get_by_role("status")).to_contain_text("入场成功")
    await expect(next_button).to_contain_text("开进去")
    await next_button.click()
    await expect(next_button).to_contain_text("来车")
    assert await stack.lane("A1").lifts() == lifts + 1
    entry = page.locator(".entry").first
    for step in (
        "扫码",
        "推送无牌车入场",
        "验签通过",
        "第一次提交",
        "抬杆指令",
        "道闸接受",
        "第二次提交",
        "应答",
        "手机显示",
        "上传",
    ):
        await expect(entry.locator(".step", has_text=step).first).to_be_visible()
    times = [float(text.replace("−", "-")) for text in await entry.locator("time").all_inner_texts()]
    assert times == sorted(times)


async def test_on_a_phones_width_the_next_step_stays_in_view(stack: Stack, page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    row = page.locator('[data-lane="A1"]')
    step = row.locator(".guide button")
    phone = row.frame_locator("iframe")
    for name in ("来车", "扫码"):
        await expect(step).to_contain_text(name)
        await expect(step).to_be_in_viewport(ratio=1)
        await step.click()
    await expect(phone.get_by_role("button", name="确认入场")).to_be_in_viewport(ratio=1)
    await phone.get_by_role("button", name="确认入场").click()
    await expect(step).to_contain_text("开进去")
    await expect(phone.get_by_role("heading")).to_be_in_viewport(ratio=1)
    await step.click()
    await expect(row.locator(".guide")).to_contain_text("车进去了")


async def test_the_same_by_keyboard_alone(stack: Stack, page: Page) -> None:
    row = page.locator('[data-lane="A1"]')
    await page.keyboard.press("c")
    await expect(row.locator("lane-scene .scene-loop.on")).to_be_visible()
    await page.keyboard.press("s")
    phone = row.frame_locator("iframe")
    await expect(phone.get_by_role("button", name="确认入场")).to_be_visible()
    await phone.get_by_role("button", name="确认入场").press("Enter")
    await expect(phone.get_by_role("status")).to_contain_text("入场成功")
    await page.locator("#clear").focus()
    await expect(row.locator(".drive button.next")).to_contain_text("开进去")
    await page.keyboard.press("d")
    await expect(row.locator(".drive button.next")).to_contain_text("来车")


async def test_a_step_opens_to_its_exact_bytes_with_the_signature_worked_out_and_the_key_hidden(
    stack: Stack, page: Page
) -> None:
    await stack.lane("A1").car("arrives")
    scan = await stack.scan("A1", "looked-at", mobile="13812345678")
    entry = page.locator(".entry", has_text=scan["car_number"])
    await entry.locator(".step", has_text="推送无牌车入场").click()
    detail = page.locator("#detail")
    await expect(detail).to_be_visible()
    push = (await stack.hub.get("/admin/pushes"))["items"][0]
    shown = await detail.inner_text()
    text = json.dumps(json.loads(push["request"])["data"], ensure_ascii=False, separators=(",", ":"))
    assert text in shown.replace("\n", "")
    assert "key=••••" in shown
    key = stack.ready["lots"][0]["key"]
    worked_out = hashlib.md5(f"{text}key={key}".encode()).hexdigest().upper()
    assert worked_out in shown
    for secret in (key, stack.ready["lot"]["api_token"], stack.ready["hub"]["admin_token"]):
        assert secret not in await page.content()
    await page.keyboard.press("Escape")
    await expect(detail).to_be_hidden()
    await entry.locator(".step", has_text="第二次提交").click()
    await expect(detail).to_contain_text(scan["car_number"])
    await page.keyboard.press("Escape")


@pytest.mark.parametrize("number", range(1, TRIES + 1))
async def test_each_thing_to_try_ends_as_it_promises(stack: Stack, page: Page, number: int) -> None:
    await page.locator("#tries button").nth(number - 1).click()
    await expect(page.locator("#told.good, #told.bad")).to_be_visible(timeout=45_000)
    await keep_picture(page, "demo", f"try-{number}")
    assert "good" in str(await page.locator("#told").get_attribute("class")), await page.locator("#told").inner_text()
    if number == 2:
        await expect(page.locator(".entry").first.locator(".step", has_text="认出是同一辆车")).to_be_visible()


async def test_two_cars_are_played_at_once_and_the_attendant_releases_one(stack: Stack, page: Page) -> None:
    await page.get_by_role("button", name="第二条车道").click()
    one, two = page.locator('[data-lane="A1"]'), page.locator('[data-lane="A2"]')
    for row in (one, two):
        await row.get_by_role("button", name="来车").click()
        await row.locator(".drive").get_by_role("button", name="扫码").click()
        await row.frame_locator("iframe").get_by_role("button", name="确认入场").click()
    await expect(one.frame_locator("iframe").get_by_role("status")).to_contain_text("入场成功")
    await expect(two.frame_locator("iframe").get_by_role("status")).to_contain_text("请等待管理员放行")
    await expect(two.locator("button.next:visible")).to_contain_text("放行")
    await keep_picture(page, "demo", "two-cars")
    await two.get_by_role("button", name="放行", exact=False).first.click()
    await expect(two.frame_locator("iframe").get_by_role("heading")).to_have_text("入场成功")


async def test_a_fault_that_is_switched_on_is_in_force_and_shown(stack: Stack, page: Page) -> None:
    chip = page.locator("#faults").get_by_role("button", name="应答丢失", exact=True)
    await chip.click()
    await expect(chip).to_have_attribute("aria-pressed", "true")
    [fault] = (await stack.hub.get("/admin/faults"))["faults"]
    assert fault["kind"] == "answer_lost"
    await chip.click()
    await expect(chip).to_have_attribute("aria-pressed", "false")
    assert (await stack.hub.get("/admin/faults"))["faults"] == []


async def test_what_cannot_be_done_is_said_in_a_sentence(stack: Stack, page: Page) -> None:
    await page.locator('[data-lane="A1"]').get_by_role("button", name="放行").first.click()
    await expect(page.get_by_role("alert")).to_contain_text("没有人在等放行")


async def test_the_sign_of_a_lane_is_shown_to_be_scanned_and_printed(stack: Stack, page: Page) -> None:
    await page.locator('[data-lane="A1"]').get_by_role("button", name="入场码").click()
    assert await page.locator("#sign-image").evaluate(
        "async (image) => { await image.decode(); return image.naturalWidth }"
    )
    await keep_picture(page, "demo", "sign")
    await expect(page.locator("#sign-links a")).to_have_count(4)


async def test_a_page_opened_later_recalls_the_last_scans(stack: Stack, context: BrowserContext) -> None:
    await stack.lane("A1").car("arrives")
    scan = await stack.scan("A1", "earlier")
    page = await context.new_page()
    await page.goto(stack.ready["demo_url"])
    entry = page.locator(".entry", has_text=scan["car_number"])
    await expect(entry.locator(".step", has_text="第二次提交")).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_it_looks_finished_and_keeps_nobody_out(stack: Stack, browser: Browser, scheme: Scheme) -> None:
    await stack.lane("A1").car("arrives")
    await stack.scan("A1", f"looks-{scheme}")
    context = await browser.new_context(locale="zh-CN", color_scheme=scheme, reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(stack.ready["demo_url"])
    await expect(page.locator(".step", has_text="第二次提交").first).to_be_visible()
    await expect(page.locator("#spaces")).not_to_have_text("…")
    for width in (360, 768, 1440):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await sticks_out(page) <= 0
        await keep_picture(page, "demo", f"page-{width}-{scheme}")
    assert await barriers_found(page) == []
    await page.locator(".step", has_text="推送").first.click()
    await expect(page.locator("#detail h3").first).to_be_visible()
    for width in (1440, 360):
        await page.set_viewport_size({"width": width, "height": 900})
        await keep_picture(page, "demo", f"detail-{width}-{scheme}")
    assert await barriers_found(page) == []
    await context.close()


async def test_the_page_speaks_one_language_at_a_time_and_switches(stack: Stack, page: Page) -> None:
    await expect(page.locator("#tries-title")).to_have_text("点一下，看会发生什么")
    await page.locator("#other-language").click()
    await expect(page.locator("#tries-title")).to_have_text("Five things to try, one click each")
    said, *quoted = await page.evaluate(  # at one moment: the boards change
        "[...document.querySelectorAll('main, lane-scene, .quoted')].map((part) => part.innerText)"
    )
    for text in quoted:  # in the lot's language, whatever the page's is
        said = said.replace(text, "")
    said = re.sub(r"[京沪粤][A-Z][0-9A-Z]{5}", "", said)  # plates
    assert [sign for sign in said if "一" <= sign <= "鿿"] == []
    await page.locator("#other-language").click()
    await expect(page.locator("#tries-title")).to_have_text("点一下，看会发生什么")


async def test_keys_work_after_the_phone_was_clicked(stack: Stack, page: Page) -> None:
    row = page.locator('[data-lane="A1"]')
    await page.keyboard.press("c")
    await page.keyboard.press("s")
    phone = row.frame_locator("iframe")
    await phone.get_by_role("button", name="确认入场").click()
    await expect(phone.get_by_role("status")).to_contain_text("入场成功")
    await phone.get_by_role("heading").click()
    await expect(row.locator(".drive button.next")).to_contain_text("开进去")
    await page.keyboard.press("d")
    await expect(row.locator(".drive button.next")).to_contain_text("来车")


async def test_keys_faster_than_the_lanes_are_taken_one_after_another(stack: Stack, page: Page) -> None:
    row = page.locator('[data-lane="A1"]')
    comes = asyncio.Event()

    async def late(route: Route) -> None:
        await comes.wait()
        await route.continue_()

    await page.route("**/lanes/A1", late)
    await page.keyboard.press("c")
    await page.keyboard.press("s")
    await expect(row.locator("iframe")).to_be_hidden()
    comes.set()
    phone = row.frame_locator("iframe")
    await phone.get_by_role("button", name="确认入场").click()
    await expect(phone.get_by_role("status")).to_contain_text("入场成功")
    await page.keyboard.press("d")


async def test_a_story_that_is_left_half_way_leaves_no_fault_switched_on(
    new_stack: NewStack, context: BrowserContext
) -> None:
    stack = new_stack()  # its driver's scan may be under way when the test has ended
    await stack.start()
    page = await context.new_page()
    await page.goto(stack.ready["demo_url"])
    await expect(page.locator("#sides li.up")).to_have_count(3)
    await page.locator("#tries button").nth(1).click()

    async def faults() -> list[object]:
        return list((await stack.hub.get("/admin/faults"))["faults"])

    async def none_left() -> bool:
        return await faults() == []

    await eventually(faults)
    await page.goto("about:blank")
    await eventually(none_left)


async def test_the_stories_of_leaving_keep_their_word(new_stack: NewStack, context: BrowserContext) -> None:
    stack = new_stack()
    await stack.start()
    page = await context.new_page()
    await page.goto(stack.ready["demo_url"])
    await expect(page.locator("#sides li.up")).to_have_count(3)
    for number, lifts in ((1, 1), (2, 2)):
        await page.locator("#leaving button").nth(number - 1).click()
        await expect(page.locator("#told:not(.good):not(.bad)")).to_be_visible()
        await expect(page.locator("#told.good, #told.bad")).to_be_visible(timeout=60_000)
        told = await page.locator("#told").inner_text()
        assert told.startswith("✓"), told
        assert (await stack.lane("B1").state())["lifts"] == lifts
    await expect(page.locator(".entry .step", has_text="放行：抬杆一次").first).to_be_visible()
    await expect(page.locator(".curve .line")).to_be_visible()
