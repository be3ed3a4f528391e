"""Whole stays in a real browser, before real processes: a car comes in, stays three hours, pays and gets out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from support.stacks.stack import Answer, Stack, eventually
from support.stacks.stack import Stack as Street

WECHAT = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.49"


@pytest.fixture(scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory, stack_database: Any) -> AsyncIterator[Stack]:
    """Processes of these tests alone: their clock is moved forward."""
    started = Street(tmp_path_factory.mktemp("journeys"), new_database=stack_database)
    await started.start()
    yield started
    assert await started.stop() == 0


@pytest.fixture
async def phone(browser: Browser) -> AsyncIterator[Page]:
    made = await browser.new_context(viewport={"width": 360, "height": 640}, locale="zh-CN", user_agent=WECHAT)
    yield await made.new_page()
    await made.close()


@pytest.fixture
async def booth(browser: Browser) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    yield made
    await made.close()


async def code(street: Stack, name: str, channel_id: str = "") -> str:
    """What a code on a wall leads to."""
    lot = next(lot for lot in (await street.hub.get("/admin/lots"))["items"] if lot["lot_id"] == street.lot_id)
    at = next(lane for lane in lot["lanes"] if lane["channel_id"] == channel_id) if channel_id else lot
    return str(at[name])


async def hours_later(street: Stack, hours: float) -> None:
    async with aiohttp.ClientSession() as client:
        moved = await client.post(street.ready["clock_url"], json={"forward": hours * 3600})
        assert moved.status == 200, await moved.text()


async def drives_in(street: Stack, plate: str) -> None:
    lane = street.lane("A1")
    await lane.arrives(plate)
    await eventually(lambda: is_up(street, "A1"))
    await lane.car("passes")
    await stay(street, plate, "in")


async def is_up(street: Stack, channel_id: str) -> bool:
    return (await street.lane(channel_id).state())["barrier"] == "open"


async def stay(street: Stack, car: str, state: str) -> Answer:
    """The stay of this car, once it is in this state."""

    async def look() -> Answer | None:
        found = (await street.lot.get(f"/api/v1/lots/{street.lot_id}/orders"))["items"]
        mine = next((order for order in found if car in (order["car_number"], order.get("plate"))), None)
        return Answer(mine) if mine is not None and mine["state"] == state else None

    return await eventually(look, 60)  # type: ignore[arg-type]


async def test_in_by_scan_paid_inside_three_hours_later_and_out_without_being_asked(street: Stack, phone: Page) -> None:
    await street.lane("A1").car("arrives")
    await phone.goto(await code(street, "entry_url", "A1"))
    await phone.get_by_role("button", name="确认入场").click()
    await expect(phone.get_by_role("heading")).to_have_text("入场成功")
    await street.lane("A1").car("passes")
    await hours_later(street, 3)
    await phone.goto(await code(street, "prepay_url"))
    await phone.locator("main form button").first.click()  # the phone knows its own car
    pay = phone.get_by_role("button", name="微信支付")
    await expect(pay).to_be_visible()
    await pay.click()
    await expect(phone.get_by_role("heading", name="支付成功")).to_be_visible()
    await expect(phone.get_by_text("前离场，还有")).to_be_visible()
    lifts = await street.lane("B1").lifts()
    await street.lane("B1").car("arrives")
    await phone.goto(await code(street, "exit_url", "B1"))
    await phone.get_by_role("button", name="查询停车费").click()
    await expect(phone.get_by_role("heading", name="¥0.00")).to_be_visible()
    assert await street.lane("B1").lifts() == lifts + 1
    await street.lane("B1").car("passes")


async def test_a_plate_that_owes_pays_at_the_exit_and_the_arm_rises_once(street: Stack, phone: Page) -> None:
    await drives_in(street, "京A11111")
    await hours_later(street, 3)
    lifts = await street.lane("B1").lifts()
    await street.lane("B1").arrives("京A11111")
    await phone.goto(await code(street, "exit_url", "B1"))
    await phone.get_by_role("button", name="查询停车费").click()
    await phone.get_by_role("button", name="微信支付").click()
    await expect(phone.get_by_role("heading", name="支付成功")).to_be_visible()
    await eventually(lambda: is_up(street, "B1"))
    await street.lane("B1").car("passes")
    left = await stay(street, "京A11111", "out")
    bill = (await street.lot.get(f"/api/v1/lots/{street.lot_id}/orders/{left['order_id']}"))["bill"]
    assert (bill["paid_fen"], bill["balance_fen"]) == (bill["charge_fen"], 0)
    assert bill["paid_fen"] > 0
    assert await street.lane("B1").lifts() == lifts + 1


async def test_cash_is_taken_at_the_booth_and_the_car_let_go(street: Stack, booth: BrowserContext) -> None:
    await drives_in(street, "京A22222")
    await hours_later(street, 3)
    await street.lane("B1").arrives("京A22222")
    page, console = await booth.new_page(), street.ready["console"]
    await page.goto(console["url"])
    await page.locator("input[name=login]").fill(console["login"])
    await page.locator("input[name=password]").fill(console["password"])
    await page.locator("main form button").click()
    await page.get_by_role("link", name="交接班").first.click()
    await page.get_by_label("岗亭", exact=True).fill("东门")
    await page.get_by_label("点得的现金").fill("100")
    await page.get_by_role("button", name="开班").click()
    await expect(page.get_by_text("已开班。")).to_be_visible()
    await page.get_by_role("link", name="车道").first.click()
    await page.get_by_role("link", name="收现金").first.click()
    await expect(page.locator(".plate.large")).to_have_text("京A22222")
    given = page.get_by_label("收到（元）")
    due = float(await given.input_value())
    await page.keyboard.type("1000")  # takes the place of what is due, which is selected
    await expect(given).to_have_value("1000")
    await expect(page.locator("[data-change-of] output")).to_have_text(f"{1000 - due:.2f}")
    await page.get_by_role("button", name="收下并放行").click()
    await expect(page.get_by_text("真的收到这么多吗")).to_be_visible()
    await page.get_by_role("button", name="收下并放行").click()
    await expect(page.get_by_text("已收现金，找零")).to_be_visible()
    await eventually(lambda: is_up(street, "B1"))
    await street.lane("B1").car("passes")
    left = await stay(street, "京A22222", "out")
    paid = (await street.lot.get(f"/api/v1/lots/{street.lot_id}/orders/{left['order_id']}"))["payments"]
    assert [payment["way"] for payment in paid] == ["cash"]
