"""What the driver's page costs: bytes, requests, and the time from the lot's answer to the result on the screen.

    python -m benchmarks.phone [--scans 200]

The hub is a process of its own, the phone a real Chromium, the lot three lines in this process: it answers when the
phone shows that it waits. The end is the first frame painted with the result, by the browser's clock, which is the
machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from playwright.async_api import Browser, Page, Response, async_playwright

RESULTS = Path(__file__).with_name("results") / "phone.json"
TOKEN = "a-token-for-this-benchmark"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
WECHAT = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.49"
WATCH = """() => {
  window.painted = new Promise((done) => {
    const screen = document.getElementById('screen');
    new MutationObserver(() => {
      if (screen.querySelector('.success')) {
        requestAnimationFrame(() => setTimeout(() => done(performance.timeOrigin + performance.now())));
      }
    }).observe(screen, { childList: true, subtree: true });
  });
}"""

CONFIG = """
data_dir = "."
[hub]
port = {hub_port}
public_url = "http://127.0.0.1:{hub_port}"
admin_token = "{token}"
duplicate_within = 0
entered_within = 0
[[vendors]]
union_id = 200002
key = "a-key-for-this-benchmark"
callback_url = "http://127.0.0.1:{lot_port}/bolink"
[[lots]]
union_id = 200002
park_id = "21787"
name = "测速停车场"
spaces = 1000
phone = "0571-88888888"
[[lots.lanes]]
channel_id = "A1"
direction = "entry"
barrier = {{ driver = "simulated" }}
"""


class Lot:
    """Answers 1 as soon as it is let, and notes when."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.answered_at = 0.0

    async def __call__(self, request: web.Request) -> web.Response:
        message = (await request.json())["data"]
        await self.may_answer.wait()
        self.may_answer.clear()
        said = {"state": 1, "errmsg": "入场成功", "car_number": message["car_number"], "timetemp": int(time.time())}
        self.answered_at = time.time() * 1000
        return web.json_response(said)


async def start_lot(lot: Lot) -> tuple[web.AppRunner, int]:
    app = web.Application()
    app.router.add_post("/bolink", lot)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, int(runner.addresses[0][1])


async def code_of_lane(url: str) -> str:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as client:
        for _ in range(200):
            try:
                async with client.get(f"{url}/admin/lots") as answer:
                    return str((await answer.json())["items"][0]["lanes"][0]["entry_url"])
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise RuntimeError("the hub does not answer")


async def scan(browser: Browser, entry_url: str, lot: Lot) -> float:
    """One driver's scan: milliseconds from the lot's answer to the painted result."""
    context = await browser.new_context(user_agent=WECHAT, viewport={"width": 360, "height": 640})
    try:
        page = await context.new_page()
        await page.goto(entry_url)
        async with page.expect_request("**/events?*"):
            await page.locator("form button").click()
        await page.locator("#screen .waiting").wait_for()
        await page.evaluate(WATCH)
        lot.may_answer.set()
        painted: float = await page.evaluate("window.painted")
        return painted - lot.answered_at
    finally:
        await context.close()


async def weigh(browser: Browser, entry_url: str, lot: Lot) -> dict[str, Any]:
    """Bytes and requests of the two pages a driver sees."""
    context = await browser.new_context(user_agent=WECHAT, viewport={"width": 360, "height": 640})
    page = await context.new_page()
    weights: dict[str, Any] = {"entry": await _weigh_page(page, entry_url)}
    await page.locator("form button").click()
    await page.locator("#screen .waiting").wait_for()
    lot.may_answer.set()
    await page.locator("#screen .success").wait_for()
    weights["result"] = await _weigh_page(page, page.url)
    await context.close()
    return weights


async def _weigh_page(page: Page, url: str) -> dict[str, int]:
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    await page.goto(url)  # the first time leads through the login
    page.on("response", note)
    await page.goto(url)
    page.remove_listener("response", note)
    return {"requests": len(answers), "bytes": sum([len(await answer.body()) for answer in answers])}


async def main(scans: int) -> None:
    lot = Lot()
    runner, lot_port = await start_lot(lot)
    with tempfile.TemporaryDirectory() as folder:
        hub_port = _free_port()
        config = Path(folder) / "taigan.toml"
        config.write_text(CONFIG.format(hub_port=hub_port, lot_port=lot_port, token=TOKEN), encoding="utf-8")
        with (Path(folder) / "log").open("wb") as log:
            command = [sys.executable, "-m", "taigan", "hub", "--config", str(config)]
            hub = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            entry_url = await code_of_lane(f"http://127.0.0.1:{hub_port}")
            async with async_playwright() as playwright:
                names = ("chromium-headless-shell", "chromium", "google-chrome")
                program = next(filter(None, map(shutil.which, names)), None)
                browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
                weights = await weigh(browser, entry_url, lot)
                times = sorted([await scan(browser, entry_url, lot) for _ in range(scans)])
                version = browser.version
                await browser.close()
        except RuntimeError as error:
            raise SystemExit(f"{error}: {(Path(folder) / 'log').read_text(errors='replace')[-1000:]}") from None
        finally:
            if hub.returncode is None:
                hub.terminate()
            await hub.wait()
            await runner.cleanup()
    result = {
        "what": "the driver's page: weight, and milliseconds from the lot's answer to the result painted",
        "scans": scans,
        "pages": weights,
        "answer_to_screen_ms": {
            "p50": round(statistics.median(times), 1),
            "p99": round(times[int(len(times) * 0.99) - 1], 1),
            "max": round(times[-1], 1),
        },
        "machine": {"cores": os.cpu_count(), "load_at_end": round(os.getloadavg()[0], 1), "chromium": version},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, ensure_ascii=False, indent=2))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scans", type=int, default=200)
    asyncio.run(main(arguments.parse_args().scans))
