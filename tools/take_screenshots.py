"""Takes the documents' pictures anew, from a demo of its own: what they show is what the software does now."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Locator, Page, expect

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import chromium  # noqa: E402
from support.stacks.stack import Stack  # noqa: E402
from taigan.bolink import seal, sign  # noqa: E402

PICTURES = ROOT / "docs" / "screenshots"
PHONE = {"width": 360, "height": 620}


async def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        try:
            await stack.start()
            async with chromium() as browser:
                await take_demo(stack, browser)
                await take_two_cars(stack, browser)
                await take_phone(stack, browser)
                await take_sign(stack, browser)
                await take_workbench(stack, browser)
        finally:
            await stack.clean_up()
    for barrier in ("vzenith-mqtt", "hikvision-isapi"):
        await take_device(barrier)


def keep(name: str, shot: bytes) -> None:
    """Keep a picture as small as it gets."""
    Image.open(io.BytesIO(shot)).convert("RGB").save(PICTURES / f"{name}.png", optimize=True)


async def open_demo(stack: Stack, browser: Browser, height: int) -> Page:
    page = await browser.new_page(viewport={"width": 1440, "height": height}, locale="zh-CN")
    await page.goto(stack.ready["demo_url"])
    await expect(page.locator("#sides li.up")).to_have_count(3)
    return page


async def scan(row: Locator) -> None:
    """A car comes, its driver scans and confirms."""
    await row.get_by_role("button", name="来车").click()
    await expect(row.locator(".scene-loop.on")).to_be_visible()
    await row.locator(".drive").get_by_role("button", name="扫码").click()
    await row.frame_locator("iframe").get_by_role("button", name="确认入场").click()


async def settled(page: Page) -> None:
    """Until cars and arms stand still and new steps have lost their colour."""
    await expect(page.locator("#trail .step", has_text="杆已抬起").first).to_be_visible()
    await page.wait_for_timeout(1600)


async def take_demo(stack: Stack, browser: Browser) -> None:
    page = await open_demo(stack, browser, 910)
    row = page.locator('[data-lane="A1"]')
    await scan(row)
    await expect(row.frame_locator("iframe").get_by_role("status")).to_contain_text("入场成功")
    await settled(page)
    keep("demo", await page.screenshot())
    await page.locator("#trail .step", has_text="推送").first.click()
    await expect(page.locator("#detail h3").first).to_be_visible()
    keep("signature", await page.locator("#detail").screenshot())
    await page.keyboard.press("Escape")
    await row.get_by_role("button", name="开进去").click()
    await page.close()


async def take_device(barrier: str) -> None:
    """The demo with an emulated device at its lanes."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), {"DEMO_BARRIER": barrier})
        try:
            await stack.start()
            async with chromium() as browser:
                page = await open_demo(stack, browser, 910)
                row = page.locator('[data-lane="A1"]')
                await scan(row)
                await expect(row.frame_locator("iframe").get_by_role("status")).to_contain_text("入场成功")
                await settled(page)
                keep(f"demo-{barrier}", await page.screenshot())
        finally:
            await stack.clean_up()


async def take_two_cars(stack: Stack, browser: Browser) -> None:
    page = await open_demo(stack, browser, 1600)
    await page.get_by_role("button", name="第二条车道").click()
    for channel_id in ("A1", "A2"):
        await scan(page.locator(f'[data-lane="{channel_id}"]'))
    waiting = page.locator('[data-lane="A2"]').frame_locator("iframe").get_by_role("status")
    await expect(waiting).to_contain_text("请等待管理员放行")
    await settled(page)
    keep("demo-two", await page.screenshot())
    for channel_id in ("A1", "A2"):
        await stack.lane(channel_id).car("leaves")
    await page.close()


async def take_phone(stack: Stack, browser: Browser) -> None:
    """Four screens of the phone, side by side."""
    shots = []
    for driver, prepare in (("enter", "loop"), ("wait", "attendant"), ("success", "loop"), ("refused", "none")):
        context = await browser.new_context(
            viewport={"width": PHONE["width"], "height": PHONE["height"]},
            locale="zh-CN",
            device_scale_factor=2,
            user_agent="MicroMessenger",
            reduced_motion="reduce",
        )
        lane = stack.lane("A2" if prepare == "attendant" else "A1")
        if prepare != "none":
            await lane.car("arrives")
        page = await context.new_page()
        await page.goto(lane.entry_url)
        if driver != "enter":
            await page.get_by_role("button", name="确认入场").click()
            words = {"wait": "请等待管理员放行", "success": "入场成功", "refused": "未检测到车辆"}[driver]
            await expect(page.get_by_role("status")).to_contain_text(words)
            await page.reload()
        shots.append(Image.open(io.BytesIO(await page.screenshot())))
        await lane.car("leaves") if prepare != "none" else None
        await context.close()
    gap = 24  # pixels between two phones
    width, height = shots[0].size
    sheet = Image.new("RGB", (len(shots) * (width + gap) - gap, height), "#d5dde5")
    for number, shot in enumerate(shots):
        sheet.paste(shot, (number * (width + gap), 0))
    sheet = sheet.resize((sheet.width * 2 // 3, sheet.height * 2 // 3), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    keep("phone", out.getvalue())


async def take_sign(stack: Stack, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 700, "height": 990})
    url = f"{stack.ready['demo_url']}/lot{stack.lot_path}/lanes/A1/poster"
    drawn = await (await page.request.get(url)).text()
    await page.set_content(f"<style>body{{margin:0}}svg{{width:700px;height:990px}}</style>{drawn}")
    keep("poster", await page.screenshot())
    await page.close()


async def take_workbench(stack: Stack, browser: Browser) -> None:
    """BoLink's workbench after a few uploads that are not right, and the one whose keys were signed sorted."""
    [lot] = stack.ready["lots"]
    hub = stack.ready["hub"]
    data = {"union_id": int(lot["union_id"]), "park_id": lot["park_id"], "order_id": "20261128_0007"}
    data |= {"car_number": "京A12345", "in_time": int(time.time()), "empty_plot": 41}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    signed = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    odd = json.dumps(data | {"order_id": "20261128_0008", "empty_plot": -1, "carnumber": "京A12345"}).encode()
    page = await browser.new_page(viewport={"width": 1280, "height": 620}, locale="zh-CN")
    for path, body in (
        ("addorder", b'{"data":' + text + b',"sign":"' + sign(signed, lot["key"]).encode() + b'"}'),
        ("addorder", seal(odd, lot["key"])),
        ("addOrder", seal(odd, lot["key"])),
    ):
        await page.request.post(f"{hub['url']}/unionapi/neworder/{path}", data=body)
    await page.goto(f"{hub['url']}/admin")
    await page.locator("#admin_token").fill(hub["admin_token"])
    await page.locator("#admin_token").press("Enter")
    rows = page.locator("#rows li")
    await expect(rows.filter(has_text="签名错误")).to_be_visible()
    keep("workbench", await page.screenshot())
    await rows.filter(has_text="签名错误").get_by_role("link").click()
    await expect(page.get_by_text("key=••••")).to_be_visible()
    await page.set_viewport_size({"width": 1280, "height": 430})
    keep("workbench-signature", await page.screenshot())
    await page.goto(f"{hub['url']}/admin/bench/compose")
    await page.get_by_role("button", name="签名并发送").click()
    await expect(page.locator("section[aria-live]")).to_contain_text("state")
    await page.set_viewport_size({"width": 1280, "height": 620})
    keep("workbench-compose", await page.screenshot())
    await page.close()


if __name__ == "__main__":
    asyncio.run(main())
