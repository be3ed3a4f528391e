"""The console as people use it: without a mouse, by who never saw it, with the line cut, in a tab left open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from playwright.async_api import Locator, Page, expect

from browser.console import HERE, Console
from browser.looks import what_has_the_focus
from browser.wire import wire_to
from support.stacks.stack import eventually
from taigan.storage import tables as t
from taigan.storage.rows import Alarm
from web.console.browser import PASSWORD
from web.house import LOT

WHAT_HAS_THE_FOCUS = "document.activeElement.outerHTML"
FAR = 120
"""No control is farther from the page's begin than so many stops."""


@pytest.fixture
async def page(console: Console) -> AsyncIterator[Page]:
    """A browser in which nobody is signed in, on an old screen."""
    context = await console.browser.new_context(
        base_url=console.url, locale="zh-CN", viewport={"width": 1366, "height": 768}, accept_downloads=True
    )
    yield await context.new_page()
    await context.close()


async def press(page: Page, *keys: str) -> None:
    """After each key something has the focus, it can be seen, and one sees that it has it; what closes gives it back a
    moment later."""
    for key in keys:
        await page.keyboard.press(key)

        async def is_seen() -> bool:
            return await what_has_the_focus(page) in ("seen", "page")

        try:
            await eventually(is_seen, 10)
        except AssertionError:
            raise AssertionError(f"after {key}: {await what_has_the_focus(page)}") from None


async def go_to(page: Page, control: Locator, key: str = "Tab") -> None:
    """Press that key until the control has the focus; each stop on the way shows itself."""
    for _ in range(FAR):
        if await control.evaluate("one => one === document.activeElement"):
            return
        await press(page, key)
    raise AssertionError(f"{control} cannot be reached")


async def into_the_page(page: Page) -> None:
    """By the link that skips the menu: the first of a page that has just come."""
    await press(page, "Tab")
    await expect(page.locator("a.skip")).to_be_focused()
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"


async def leads(page: Page, key: str = "Enter") -> None:
    """That key leads to another page, and it has come."""
    async with page.expect_navigation():
        await page.keyboard.press(key)
    await page.wait_for_load_state()


async def sign_in(page: Page, at: str = "") -> None:
    await page.goto(f"{at}/sign-in")
    await expect(page.locator("[name=login]")).to_be_focused()
    await page.keyboard.type("wangfang")
    await press(page, "Tab")
    await page.keyboard.type(PASSWORD)
    await leads(page)
    if page.url.endswith("/"):  # two lots to choose from
        await go_to(page, page.locator(f"main a[href='{HERE}']"))
        await leads(page)
    assert page.url.endswith(HERE)


async def test_a_day_at_the_booth_by_keyboard_alone(console: Console, page: Page) -> None:
    await sign_in(page)

    # A car by three characters.
    async with page.expect_navigation():
        await page.keyboard.press("/")
    await expect(page.locator("[name=q]")).to_be_focused()
    await page.keyboard.type("888")
    await leads(page)
    await press(page, "1")
    await expect(page.locator("tbody a").first).to_be_focused()
    await leads(page)
    await expect(page.locator("h1")).to_contain_text("沪A88888")

    # Its plate was read wrongly.
    await into_the_page(page)
    await go_to(page, page.locator("main a[href$='/owing/correct']"))
    await leads(page)
    await expect(page.locator("[name=plate]")).to_be_focused()
    await press(page, "Control+a")
    await page.keyboard.type("沪A88889")
    await go_to(page, page.locator("[name=reason]"))
    await page.keyboard.type("看错了一位")
    await leads(page)
    await go_to(page, page.get_by_role("button", name="更正"))
    await leads(page)
    await expect(page.locator(".said[role=status]")).to_be_focused()
    await expect(page.locator("h1")).to_contain_text("沪A88889")

    # An arm is lifted by hand, with a reason.
    await go_to(page, page.locator(f"nav a[href='{HERE}']"), "Shift+Tab")
    await leads(page)
    await into_the_page(page)
    more = page.locator(".card", has=page.locator("h3", has_text="B1")).locator("summary")
    await go_to(page, more)
    await press(page, "Enter", "ArrowDown", "Escape")
    await expect(more).to_be_focused()
    await press(page, "ArrowDown")
    await go_to(page, page.locator(".more[open] a.item[href$='/B1/open']"), "ArrowDown")
    await leads(page)
    await press(page, "2")
    await expect(page.locator("[name=why]").nth(1)).to_be_checked()
    lifted = len(console.house.barriers["B1"].commands)
    await leads(page)
    await expect(page.locator(".said[role=status]")).to_be_focused()
    assert len(console.house.barriers["B1"].commands) > lifted

    # An alarm is taken.
    await go_to(page, page.locator(f"nav a[href='{HERE}/alarms']"), "Shift+Tab")
    await leads(page)
    await into_the_page(page)
    taken = page.locator("form[action$='/take'] button").first
    await go_to(page, taken)
    await leads(page)
    await expect(page.locator("section.alarms .tag.waiting", has_text="王芳")).to_have_count(1)

    # The shift ends with too little in the drawer.
    await go_to(page, page.locator(f"nav a[href='{HERE}/shifts']"), "Shift+Tab")
    await leads(page)
    await into_the_page(page)
    await go_to(page, page.locator(f"tbody a[href='{HERE}/shifts/S2']"))
    await leads(page)
    await into_the_page(page)
    await go_to(page, page.locator("a[href$='/S2/close']"))
    await leads(page)
    await expect(page.locator("[name=counted]")).to_be_focused()
    await page.keyboard.type("200")
    await leads(page)
    await expect(page.locator("[name=note]")).to_be_focused()
    await page.keyboard.type("找零找错")
    await go_to(page, page.get_by_role("button", name="交班"))
    await leads(page)
    await expect(page.locator(".said[role=status]")).to_be_focused()

    # Yesterday as a file.
    await go_to(page, page.locator(f"nav a[href='{HERE}/stays']"), "Shift+Tab")
    await leads(page)
    await go_to(page, page.get_by_role("link", name="昨天"))
    await leads(page)
    await into_the_page(page)
    await go_to(page, page.get_by_role("link", name="CSV"))
    async with page.expect_download() as download:
        await page.keyboard.press("Enter")
    assert (await download.value).suggested_filename.endswith(".csv")


async def test_the_keys_are_told_in_a_dialog_that_gives_the_focus_back(page: Page) -> None:
    await sign_in(page)
    await into_the_page(page)
    await press(page, "Tab")
    dialog = page.get_by_role("dialog", name="按键")
    stood = await page.evaluate(WHAT_HAS_THE_FOCUS)
    for anew in (False, True):
        await press(page, "?")
        await expect(dialog).to_be_visible()
        if anew:
            await page.evaluate("for (const part of document.querySelectorAll('live-part')) part.innerHTML += ''")
        await press(page, "Escape")
        await expect(dialog).to_be_hidden()
        assert await page.evaluate(WHAT_HAS_THE_FOCUS) == stood
    opener = page.get_by_role("button", name="按键")
    await go_to(page, opener, "Shift+Tab")
    await press(page, "Enter", "Enter")
    await expect(opener).to_be_focused()


async def test_the_focus_outlives_what_happens_at_the_lanes_and_never_acts_on_another_car(
    console: Console, page: Page
) -> None:
    nothing = {"body": "<p></p>", "content_type": "text/html"}
    await page.route("**/cards*", lambda route: route.fulfill(**nothing))  # all of them at once, when the stream begins
    await sign_in(page)
    card = page.locator(f"live-part[src='{HERE}/lanes/A2/card']")

    async def becomes(order: int, number: str) -> None:
        """The part is fetched anew and has come to be that, however often it is fetched from now on."""
        sent = f"<input type=hidden name=order_id value={order}><button>放行</button>"
        html = f"<form method=post action=/x>{sent}</form><p>{number}</p>"
        await page.route("**/lanes/A2/card", lambda route: route.fulfill(body=html, content_type="text/html"))
        await card.evaluate("one => one.refresh()")
        await expect(card.locator(f"p:text-is('{number}')")).to_be_visible()

    await becomes(1, "one")
    await go_to(page, card.locator("button"))
    await becomes(1, "two")
    await expect(card.locator("button")).to_be_focused()
    await becomes(2, "three")
    await expect(card).to_be_focused()
    await press(page, "Enter")
    await expect(card.locator("p")).to_have_text("three")
    await press(page, "Tab")
    await expect(card.locator("button")).to_be_focused()

    await page.unroute("**/lanes/A2/card")
    await page.unroute("**/cards*")

    needed = page.locator("live-part.attention")
    first = needed.locator("li button, li a").first
    await go_to(page, first, "Shift+Tab")
    await page.route("**/attention", lambda route: route.fulfill(body="<h2>都正常</h2>", content_type="text/html"))
    await needed.evaluate("one => one.refresh()")
    await expect(first).to_be_focused()
    await press(page, "Enter")
    assert page.url.endswith(HERE), "what is gone does nothing"
    for _ in range(await needed.locator("li button, li a").count()):
        await press(page, "Tab")
    await expect(needed.locator("h2")).to_have_text("都正常")
    await page.unroute("**/attention")


async def test_a_press_on_what_is_fetched_anew_meanwhile_counts(console: Console, page: Page) -> None:
    await sign_in(page)
    await page.locator(".side .free a").hover()
    await page.mouse.down()
    await console.house.write(sa.update(t.lots).values(spaces_free=t.lots.c.spaces_free - 1))
    await page.evaluate("document.querySelector('.side .free live-part').refresh()")
    await page.mouse.up()
    await expect(page.get_by_label("数到的空位")).to_be_visible()


async def test_who_never_saw_it_finds_the_way_by_the_words_on_the_pages(console: Console, page: Page) -> None:
    await sign_in(page)

    # How many spaces are free, and what if that is wrong?
    await page.get_by_role("link", name="空位").click()
    await page.get_by_label("数到的空位").fill("7")
    await page.get_by_label("原因").first.fill("数过了")
    await page.get_by_role("button", name="更正空位").click()
    await expect(page.locator(".side .free b")).to_have_text("7")

    # The arm of A2 stays up for a while.
    await page.get_by_role("link", name="车道", exact=True).click()
    card = page.locator(".card", has=page.locator("h3", has_text="A2"))
    await card.locator("summary").click()
    await card.get_by_role("link", name="保持抬起").click()
    await page.get_by_label("车太多，先放行").check()
    await page.get_by_role("button", name="A2 保持抬起").click()
    await expect(page.locator(".said[role=status]")).to_contain_text("A2")
    assert console.house.barriers["A2"].commands[-1] == "hold"

    # Who lifted the arm of A1, and why?
    card = page.locator(".card", has=page.locator("h3", has_text="A1"))
    await card.locator("summary").click()
    await card.get_by_role("link", name="谁抬过杆").click()
    await expect(page.locator("tbody")).to_contain_text("设备没有识别车牌")
    await expect(page.locator("tbody tr", has_text="陈杰")).to_contain_text("A1")

    # What came in today, by which way?
    await page.get_by_role("navigation", name="菜单").get_by_role("link", name="收款").click()
    await page.get_by_role("link", name="今天").click()
    await expect(page.locator("th", has_text="扫码付")).to_be_visible()
    await page.locator("tfoot a, tbody a").filter(has_text=".").first.click()
    await expect(page.get_by_role("heading", name="收款明细")).to_be_visible()

    # A car stands at the exit, and there is an alarm about it.
    console.house.clock.step(1)
    asked = Alarm(LOT, "B1", "", console.house.clock.now(), "no_entry", "粤B99X88: no entry found")
    await console.house.keep(lambda changes: changes.alarms.append(asked))
    await page.get_by_role("link", name="报警").click()
    row = page.locator("section.alarms li", has_text="粤B99X88 没有入场记录")
    await row.get_by_role("link", name="选订单").click()
    await expect(page.get_by_role("heading", name="选订单 · B1")).to_be_visible()


async def test_the_line_is_cut_and_the_page_says_so_and_is_right_again_without_a_reload(
    console: Console, page: Page
) -> None:
    away = urlsplit(console.url)
    async with wire_to(str(away.hostname), int(away.port or 0)) as wire:
        await sign_in(page, wire.url)
        await page.evaluate("window.stayed = true")
        cut, card = page.locator("#live"), page.locator(".card", has=page.locator("h3", has_text="东门/一号"))
        await expect(card).to_be_visible()
        await expect(cut).to_be_hidden()
        wire.cut()
        await expect(cut).to_be_visible()
        await expect(cut).to_have_text("正在重新连接…")
        await console.house.order(
            "无W1W2W3", state="waiting", waiting_for="attendant", in_at=None, channel_id="东门/一号 50%"
        )
        wire.mend()
        await expect(card).to_contain_text("无W1W2W3")
        await expect(cut).to_be_hidden()
        assert await page.evaluate("window.stayed"), "it came back by itself"


async def test_a_tab_from_before_the_person_changed_does_nothing_and_says_why(console: Console, page: Page) -> None:
    await sign_in(page)
    await page.goto(f"{HERE}/lanes/B1/open")
    await page.get_by_label("道闸故障").check()
    other = await page.context.new_page()
    await other.goto(HERE)
    await other.get_by_role("button", name="退出").click()
    await sign_in(other)
    lifted = list(console.house.barriers["B1"].commands)
    await page.get_by_role("button", name="抬杆 B1").click()
    await page.wait_for_load_state()
    await expect(page.locator("main")).to_contain_text("这个页面太旧了，没有执行")
    assert console.house.barriers["B1"].commands == lifted


async def test_what_was_decided_meanwhile_is_told_before_it_is_decided_again(console: Console, page: Page) -> None:
    await console.house.order("粤B55555", order_id="stale", origin="plate", plate="粤B55555")
    await sign_in(page)
    other = await page.context.new_page()
    for tab, plate in ((page, "粤B55557"), (other, "粤B55556")):
        await tab.goto(f"{HERE}/stays/stale/correct")
        await tab.get_by_label("车牌").fill(plate)
        await tab.get_by_label("原因").fill("看错了")
        await tab.get_by_role("button", name="看改前改后").click()
    await other.get_by_role("button", name="更正").click()
    await expect(other.locator(".said[role=status]")).to_be_visible()
    await page.get_by_role("button", name="更正").click()
    await expect(page.locator("main")).to_contain_text("打开本页以后")
    await expect(page.locator("main")).to_contain_text("粤B55556")
    await expect(page.get_by_label("车牌")).to_have_value("粤B55557")
