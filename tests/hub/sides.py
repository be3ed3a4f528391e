"""BoLink's side on a real socket, with a clock that stands still and a lot that says what the test wants."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from support.clock import PATIENCE, ManualClock
from taigan.bolink import seal
from taigan.hub.book.registry import LotSeed, VendorSeed
from taigan.hub.rules import Rules
from taigan.hub.server import serve
from taigan.running.process import listen

UNION_ID = "200002"
PARK_ID = "21787"
LOT_ID = f"{UNION_ID}-{PARK_ID}"
KEY = "NQ0eSXs720170114"
TOKEN = "an-admin-token-for-tests"
PHONE = "13800000000"
PATIENT = Rules(push_timeout=PATIENCE)
"""BoLink's side as shipped, but for a lot that a busy machine keeps from answering in 5 s."""


def saying(
    state: int | None, errmsg: str | None = None, **more: object
) -> Callable[[dict[str, Any]], Awaitable[web.Response]]:
    """A lot that answers every message with this."""

    async def answer(message: dict[str, Any]) -> web.Response:
        said = {"state": state, "errmsg": errmsg, "car_number": message["car_number"], "timetemp": 1777881600} | more
        return web.json_response({name: value for name, value in said.items() if value is not None})

    return answer


@dataclass
class FakeLot:
    """A lot platform of three lines. `heard` are the messages' `data`, `bodies` the bytes, in order."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], Awaitable[web.StreamResponse]] = field(
        default_factory=lambda: saying(1, "入场成功")
    )
    code: str = "102993"
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def something(self) -> None:
        """Return when the next message has come."""
        self._news.clear()
        async with asyncio.timeout(PATIENCE):
            await self._news.wait()

    async def hear(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        message = json.loads(body)["data"]
        self.bodies.append(body)
        self.heard.append(message)
        self.paths.append(request.path)
        self._news.set()
        return await self.answer(message)

    def pushes(self, service_name: str = "nolicence_in_park") -> list[dict[str, Any]]:
        return [message for message in self.heard if message["service_name"] == service_name]


@contextlib.asynccontextmanager
async def serving_lot(lot: FakeLot) -> AsyncIterator[FakeLot]:
    app = web.Application()
    app.router.add_post("/bolink", lot.hear)
    app.router.add_post("/bolink/{service_name}", lot.hear)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    lot.url = f"http://127.0.0.1:{runner.addresses[0][1]}/bolink"
    try:
        yield lot
    finally:
        await runner.cleanup()


@dataclass
class Side:
    """BoLink's side as a script sees it."""

    url: str
    http: aiohttp.ClientSession
    clock: ManualClock
    stop: asyncio.Event
    running: asyncio.Task[None]

    async def admin(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"} | (headers or {})
        async with self.http.request(method, self.url + path, headers=headers, **options) as answer:
            return answer.status, await answer.json() if answer.status != 204 else None

    async def get(self, path: str) -> Any:
        status, answer = await self.admin("GET", path)
        assert status == 200, answer
        return answer

    async def scan(self, driver: str = "li", **asked: Any) -> Any:
        """A scan of lane A1, unless said otherwise."""
        where = {} if "code" in asked or "lot_id" in asked else {"lot_id": LOT_ID, "channel_id": "A1"}
        status, answer = await self.admin("POST", "/admin/scans", json={"driver": driver} | where | asked)
        assert status == 200, answer
        return answer

    async def settled(self, scan_id: str) -> None:
        """Wait until the lot has answered about a scan, or not in time."""
        async with asyncio.timeout(PATIENCE):
            while True:
                shown = await self.shown(scan_id)
                if shown["shown"] != "waiting" or shown["state"] is not None:
                    return

    async def shown(self, scan_id: str) -> Any:
        return await self.get(f"/admin/scans/{scan_id}")

    async def faults(self, *faults: dict[str, Any]) -> None:
        status, answer = await self.admin("PUT", "/admin/faults", json={"faults": list(faults)})
        assert status == 200, answer

    async def code(self, channel_id: str = "A1") -> str:
        lots = await self.get("/admin/lots")
        lanes = {lane["channel_id"]: lane["code"] for lane in lots["items"][0]["lanes"]}
        return str(lanes[channel_id])

    async def post(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """What a lot posts."""
        async with self.http.post(self.url + path, data=body, headers=headers) as answer:
            return answer.status, json.loads(await answer.read() or b"null")

    async def upload(self, path: str, key: str = KEY, **data: Any) -> tuple[int, Any]:
        message = {"union_id": int(UNION_ID), "park_id": PARK_ID} | data
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        return await self.post(path, seal(text, key))

    def signed_entry(self, car_number: str, order_id: str, **data: Any) -> bytes:
        """The body of a 3.1."""
        entry: dict[str, Any] = {
            "union_id": int(UNION_ID),
            "park_id": PARK_ID,
            "car_number": car_number,
            "order_id": order_id,
            "in_time": int(self.clock.now().timestamp()),
            "empty_plot": 9999,
            "in_channel_id": "A1",
            "car_cost_type": 4,
        }
        present = {name: value for name, value in (entry | data).items() if value is not None}
        return seal(json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode(), KEY)

    async def upload_entry(self, car_number: str, order_id: str, **data: Any) -> tuple[int, Any]:
        return await self.post("/unionapi/neworder/addorder", self.signed_entry(car_number, order_id, **data))

    async def upload_exit(self, car_number: str, order_id: str, **data: Any) -> tuple[int, Any]:
        now = int(self.clock.now().timestamp())
        leave: dict[str, Any] = {"car_number": car_number, "order_id": order_id, "out_time": now, "pay_type": "cash"}
        return await self.upload("/unionapi/neworder/updateorder", **leave | {"empty_plot": 1, "total": "0"} | data)


@contextlib.asynccontextmanager
async def running_side(
    folder: Path,
    clock: ManualClock,
    callback_url: str,
    rules: Rules = PATIENT,
    *,
    key: str = KEY,
    per_event: bool = False,
    sms_check: bool = False,
    admin_token: str = TOKEN,
    public_url: str = "",
    exits: tuple[str, ...] = ("B1",),
) -> AsyncIterator[Side]:
    """`serve` in this loop, until the end of the block."""
    stop = asyncio.Event()
    listener = listen("127.0.0.1", 0, "hub.port")
    running = asyncio.create_task(
        serve(
            listener,
            stop,
            database=folder / "hub.sqlite3",
            clock=clock,
            rules=rules,
            admin_token=admin_token,
            public_url=public_url,
            vendors=(
                VendorSeed(union_id=UNION_ID, key=key, name="测试厂商", callback_url=callback_url, per_event=per_event),
            ),
            lots=(
                LotSeed(
                    union_id=UNION_ID,
                    park_id=PARK_ID,
                    name="上地停车场",
                    lanes=("A1", "A2"),
                    exits=exits,
                    contact="王师傅",
                    phone=PHONE,
                    sms_check=sms_check,
                ),
            ),
        )
    )
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with listener:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            try:
                yield Side(url, http, clock, stop, running)
            finally:
                stop.set()
                await running
