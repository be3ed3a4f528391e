"""The console in a real browser: every page in both languages, light and dark, wide and narrow, with scripts and
without; pictures of all of them, and nothing that keeps people out."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Locator, Page, expect

from browser.console import HERE, Console
from browser.looks import Scheme, barriers_found, bring_axe, keep_picture, sticks_out, tables_cut
from taigan.storage.rows import Alarm
from web.house import LOT

PAGES = {
    "lanes": HERE,
    "alarms": f"{HERE}/alarms",
    "alarm-snooze": f"{HERE}/alarms/1/snooze",
    "stays": f"{HERE}/stays",
    "stays-none": f"{HERE}/stays?q=ZZZZ",
    "stays-wrong": f"{HERE}/stays?from=yesterday",
    "stay-owing": f"{HERE}/stays/owing",
    "stay-left": f"{HERE}/stays/left",
    "stay-correct": f"{HERE}/stays/owing/correct?plate=沪A88889",
    "stay-close": f"{HERE}/stays/owing/close",
    "stay-amount": f"{HERE}/stays/owing/amount",
    "stay-reduce": f"{HERE}/stays/owing/reduce",
    "stay-waive": f"{HERE}/stays/owing/waive",
    "stay-escape": f"{HERE}/stays/left/escape",
    "reduction": f"{HERE}/stays/order_0003/reductions/R1",
    "spaces": f"{HERE}/spaces",
    "booth-sheet": f"{HERE}/booth-sheet",
    "open": f"{HERE}/lanes/B1/open",
    "match": f"{HERE}/lanes/B1/match?q=B10",
    "cash": f"{HERE}/lanes/B1/cash",
    "money": f"{HERE}/money",
    "money-by-shift": f"{HERE}/money?by=shift",
    "money-wrong": f"{HERE}/money?from=2025-06-02&to=2025-06-01",
    "payments": f"{HERE}/money/payments",
    "bills": f"{HERE}/money/bills",
    "reductions": f"{HERE}/money/reductions",
    "refunds": f"{HERE}/refunds",
    "refund": f"{HERE}/money/payments/X1/refund",
    "refund-wanted": f"{HERE}/errands/E1",
    "refund-unclear": f"{HERE}/errands/E2",
    "arrears": f"{HERE}/arrears",
    "arrears-code": f"{HERE}/errands/E6",
    "reconciling": f"{HERE}/reconciling",
    "invoices": f"{HERE}/invoices",
    "invoices-issued": f"{HERE}/invoices/issued",
    "invoice": f"{HERE}/money/payments/W1/invoice",
    "report-income": f"{HERE}/reports",
    "report-traffic": f"{HERE}/reports?what=traffic",
    "report-day": f"{HERE}/reports?what=traffic&from=2025-05-30&to=2025-05-30",
    "report-hours": f"{HERE}/reports?what=hours",
    "report-lengths": f"{HERE}/reports?what=lengths",
    "report-lifts": f"{HERE}/reports?what=lifts",
    "report-wrong": f"{HERE}/reports?from=2025-06-02&to=2025-06-01",
    "shifts": f"{HERE}/shifts",
    "shift": f"{HERE}/shifts/S1",
    "shift-close": f"{HERE}/shifts/S2/close",
    "passes": f"{HERE}/passes?plate=沪A88888",
    "pass-limits": f"{HERE}/pass-limits",
    "pass-card": f"{HERE}/passes/K0012",
    "pass-prices": f"{HERE}/pass-prices",
    "pass-import": f"{HERE}/pass-import",
    "lists": f"{HERE}/lists",
    "tariffs": f"{HERE}/tariffs",
    "tariff": f"{HERE}/tariffs/1?entry=2025-06-03T09:00&exit=2025-06-04T11:20",
    "tariff-new": f"{HERE}/tariffs/new",
    "devices": f"{HERE}/devices",
    "bolink": f"{HERE}/bolink",
    "bolink-refused": f"{HERE}/bolink?outcome=refused",
    "at-bolink": f"{HERE}/at-bolink",
    "at-bolink-publish": f"{HERE}/at-bolink/publish",
    "at-bolink-merchant": f"{HERE}/at-bolink/merchant",
    "community": f"{HERE}/community",
    "passages": f"{HERE}/community/passages",
    "people": f"{HERE}/people",
    "person": f"{HERE}/people/liqiang",
    "audit": f"{HERE}/audit",
    "audit-wrong": f"{HERE}/audit?at=yesterday",
    "account": "/account",
    "second-factor": "/account/second-factor",
    "not-there": f"{HERE}/nothing",
}
LOOKS: tuple[tuple[str, Scheme], ...] = (("wide", "light"), ("narrow", "dark"))
"""How each page is looked at: what is amiss depends on the colours or on what wraps, never on both at once."""
LOOKED_THROUGH = {("zh-CN", "wide"), ("en", "narrow")}
"""Where axe-core looks, which takes as long as all the rest: each language, width and scheme once. No style and no
element depends on the language."""
FRAME = ".side"
"""What is the same on every page, and looked through on the first ones."""
TOGETHER = 6
"""So many pages are looked at in one test, which has its time."""
SIZES = {"wide": (1366, 768), "narrow": (390, 844)}


@dataclass
class Tab:
    """One for all pages in a language: a new one for each test would cost the browser a process."""

    language: str
    page: Page
    said: list[str] = field(default_factory=list)
    """Errors of its scripts, and what breaks the pages' policy."""


@pytest.fixture(scope="module", params=["zh-CN", "en"])
async def tab(console: Console, request: pytest.FixtureRequest) -> AsyncIterator[Tab]:
    context = await console.open(locale=request.param, reduced_motion="reduce")
    await bring_axe(context)
    opened = Tab(request.param, await context.new_page())
    opened.page.on("console", lambda message: opened.said.append(message.text) if message.type == "error" else None)
    opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
    yield opened
    await context.close()


@pytest.mark.parametrize("first", range(0, len(PAGES), TOGETHER))
async def test_every_page_looks_whole_and_breaks_neither_its_policy_nor_a_script(tab: Tab, first: int) -> None:
    page, language = tab.page, tab.language
    tab.said.clear()
    for number, (name, path) in enumerate(list(PAGES.items())[first : first + TOGETHER]):
        await page.goto(path)
        for size, scheme in LOOKS:
            width, height = SIZES[size]
            look = f"{name}-{size}-{scheme}-{language}"
            await page.set_viewport_size({"width": width, "height": height})
            await page.emulate_media(color_scheme=scheme)
            await keep_picture(page, "console", look)
            assert await sticks_out(page) == 0, look
            assert await tables_cut(page) == [], look
            if (language, size) in LOOKED_THROUGH:
                assert await barriers_found(page, besides=FRAME if number else None) == [], look
    assert [text for text in tab.said if "404" not in text and "422" not in text] == []


async def test_the_sign_in_looks_whole(console: Console) -> None:
    for (size, scheme), language in itertools.product(LOOKS, ("zh-CN", "en")):
        width, height = SIZES[size]
        context = await console.browser.new_context(
            base_url=console.url,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=language,
            bypass_csp=True,
        )
        page = await context.new_page()
        await page.goto("/sign-in")
        await keep_picture(page, "console", f"sign-in-{size}-{scheme}-{language}")
        assert await barriers_found(page) == []
        await context.close()


async def test_with_scripts_off_a_driver_is_let_in_all_the_same(console: Console) -> None:
    context = await console.open(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(HERE)
    await console.house.order("无X1Y2Z3", state="waiting", waiting_for="attendant", in_at=None, channel_id="A1")
    await page.reload()
    await page.locator(".attention button[formaction$='/A1/release']").click()
    await expect(page.locator(".said")).to_contain_text("A1")
    assert "open" in console.house.barriers["A1"].commands
    await context.close()


async def test_a_card_changes_by_itself_and_all_tabs_share_one_stream(console: Console) -> None:
    context = await console.open()
    first, second = await context.new_page(), await context.new_page()
    streams: list[str] = []
    context.on("request", lambda request: streams.append(request.url) if request.url.endswith("/live") else None)
    for page in (first, second):
        await page.goto(HERE)
    await expect(card(second, "A2")).not_to_contain_text("无S9T8U7")
    order = await console.house.order(
        "无S9T8U7", state="waiting", waiting_for="attendant", in_at=None, channel_id="东门/一号 50%"
    )
    step = {"step": "entry", "lot_id": LOT, "channel_id": order.channel_id, "order_id": order.order_id}

    async def told() -> None:
        console.house.events.publish(dict(step))
        await expect(card(second, order.channel_id)).to_contain_text("无S9T8U7", timeout=1000)

    for _ in range(20):  # until the stream is open; what is published before is fetched when it opens
        try:
            await told()
            break
        except AssertionError:
            continue
    await expect(card(second, order.channel_id)).to_contain_text("无S9T8U7")
    await context.close()


async def test_where_everything_is_fetched_anew_the_cards_are_fetched_together(console: Console) -> None:
    context = await console.open()
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    async with page.expect_response("**/cards"):  # when the stream is open
        await page.goto(HERE)
    await page.evaluate("document.querySelectorAll('.card').forEach((one) => one.dataset.old = '1')")
    async with page.expect_response("**/cards"):
        await page.evaluate(
            "document.querySelectorAll('.cards live-part').forEach((one) => one.last = ''); "
            "document.querySelector('live-parts').refresh()"
        )
    await expect(page.locator(".card[data-old]")).to_have_count(0)
    assert not [url for url in asked if url.endswith("/card")]
    await context.close()


def card(page: Page, channel_id: str) -> Locator:
    return page.locator(".card", has=page.locator("h3", has_text=channel_id))


async def test_sound_and_notifications_come_once_allowed_and_not_before(console: Console) -> None:
    context = await console.open(permissions=["notifications"], bypass_csp=True)
    await context.add_init_script(
        """window.called = {sounds: 0, notes: 0};
        window.AudioContext = class {
          constructor() { window.called.sounds++; throw new Error('no sound in a test'); }
        };
        window.Notification = class {
          static permission = 'granted';
          constructor() { window.called.notes++; }
          addEventListener() {}
        };
        Object.defineProperty(document, 'hidden', {get: () => window.behind ?? false});"""
    )
    page = await context.new_page()
    lanes = iter(("A1", "A2", "A3", "B1"))

    async def alarm() -> None:
        house, lane = console.house, next(lanes)
        raised = Alarm(LOT, lane, "", house.clock.step(1), "stayed", "")
        before = await page.locator(".alarm-count .count").text_content()
        await house.keep(lambda changes: changes.alarms.append(raised))
        house.lanes.alarm(raised)
        await expect(page.locator(".alarm-count .count")).not_to_have_text(before or "", timeout=60_000)

    await page.goto(f"{HERE}/alarms")
    await page.evaluate("localStorage.setItem('taigan bell', '0')")
    await alarm()
    assert await page.evaluate("window.called") == {"sounds": 0, "notes": 0}, "told to be quiet"
    await page.evaluate("localStorage.removeItem('taigan bell')")
    await page.reload()
    await alarm()
    await page.wait_for_function("window.called.sounds >= 1", timeout=60_000)
    assert await page.evaluate("window.called.notes") == 0, "nobody asked for them"
    await page.reload()
    await page.locator("alarm-bell button").click()
    await page.evaluate("window.called = {sounds: 0, notes: 0}; window.behind = true")
    await alarm()
    await page.wait_for_function("window.called.sounds >= 1 && window.called.notes >= 1", timeout=60_000)
    await context.close()
