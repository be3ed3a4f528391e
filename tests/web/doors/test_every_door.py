"""Every port and every door of the platform in one place: the lists are complete, and each door stands what comes.

What single doors do beyond that stands in their own tests; rights are walked route by route in `test_rights` and in the
console's tests, slow heads and silent connections in `test_connections`.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub.sides import FakeLot, running_side, serving_lot
from support.clock import PATIENCE, ManualClock
from support.stacks.simulated_lanes import running, settings
from taigan.barriers.barrier import LaneKey
from taigan.barriers.door import REPORT_LIMIT, Answer, Door, Mailbox, Post
from taigan.bolink.wire import polling
from taigan.demo.clock import DemoClock
from taigan.demo.page import Page
from taigan.devices.electronics.led import LedServer
from taigan.devices.makes.relay import RelayBoard, RelaySettings, RelayWire
from taigan.network.patience import MOST, body_within
from taigan.web.app import Doors
from taigan.web.console.door import FIRST_PARTS
from web.house import Houses, client_of

ROOT = Path(__file__).parents[3]
SECRET = "the-secret-of-this-camera"
DEVICE = f"/devices/hx-http/SN1/{SECRET}"

# Of each door of the lot: addresses that a stranger finds, and what a stranger is told there, whatever is sent.
LOT_DOORS: dict[str, tuple[tuple[str, ...], frozenset[int]]] = {
    "bolink": (("/bolink", "/bolink/nolicence_in_park", "/bolink/x/y"), frozenset({200, 404, 405, 413, 415})),
    "api": (("/api/v1/lots", "/api/v1/lots/200002-7/lanes/A1/open", "/api/%ff"), frozenset({401, 404, 405})),
    "healthz": (("/healthz",), frozenset({200, 405})),
    "readyz": (("/readyz",), frozenset({200, 405})),
    "metrics": (("/metrics",), frozenset({200, 405})),
    "devices": (("/devices/hx-http/SN1/wrong", "/devices", "/devices/a/b/c/d"), frozenset({404, 405})),
} | {part: ((f"/{part}", f"/{part}/x/%ff"), frozenset({200, 303, 400, 403, 404, 405, 413})) for part in FIRST_PARTS}

# Of each file that listens: the door in the threat model that is opened there.
LISTENING = {
    "cli/serving/lot.py": "`POST /bolink`",
    "cli/serving/hub.py": "hub: uplinks",
    "cli/serving/edge.py": "edge: `devices_port`",
    "cli/serving/lanes.py": "lanes, devices, demo page",
    "cli/serving/devices.py": "lanes, devices, demo page",
    "cli/serving/face_terminal.py": "lanes, devices, demo page",
    "demo/page.py": "lanes, devices, demo page",
    "devices/makes/controller.py": "lanes, devices, demo page",
    "devices/electronics/gate.py": "lanes, devices, demo page",
    "devices/lanes/lanes.py": "lanes, devices, demo page",
    "devices/electronics/led.py": "lanes, devices, demo page",
    "devices/makes/relay.py": "lanes, devices, demo page",
    "devices/terminal.py": "lanes, devices, demo page",
    "devices/workbench.py": "lanes, devices, demo page",
    "conformance/doors/hub.py": "conformance: `/unionapi/…`",
}
OPENS = {"TCPSite", "SockSite", "start_server", "create_server", "start_unix_server"}

NOISE = [
    b"",
    Random(7).randbytes(20_000),
    b"{" * 60_000,
    b'{"data":' * 8_000,
    b'{"data":"' + b"\\u0000" * 10_000 + b'","sign":"A"}',
    b"a=1&" * 15_000,
    b"\xef\xbb\xbf[1e999999]",
]


def opening(file: Path) -> bool:
    """Whether a file listens: by our own `listen`, or by a library's."""
    text = file.read_text("utf-8")
    if not any(name in text for name in ("listen", *OPENS)):
        return False
    tree = ast.parse(text)
    ours = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "taigan.running.process"
        and any(alias.name == "listen" for alias in node.names)
        for node in ast.walk(tree)
    )
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = {getattr(call, "attr", getattr(call, "id", "")) for call in calls}
    return ours or bool(called & OPENS)


def test_every_file_that_listens_is_a_door_of_the_threat_model() -> None:
    source = ROOT / "src/taigan"
    assert {str(file.relative_to(source)) for file in source.rglob("*.py") if opening(file)} == set(LISTENING)
    page = (ROOT / "docs/threat-model.en.md").read_text("utf-8")
    rows = [row.strip("| \n").split(" | ") for row in page.splitlines() if row.startswith("| ") and "---" not in row]
    assert {door for door in LISTENING.values() if all(row[0] != door for row in rows)} == set()
    assert [row[0] for row in rows if len(row) != 5 or not all(cell.strip() for cell in row)] == []


@pytest.mark.parametrize("name", ["threat-model.md", "threat-model.en.md"])
def test_every_door_is_in_the_threat_model_and_every_owner_exists(name: str) -> None:
    lines = (ROOT / "docs" / name).read_text("utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ") and "---" not in line]
    doors = " ".join(row[0] for row in rows)
    for part in LOT_DOORS:
        assert f"/{part}" in doors, part
    for path in (polling.UPLOAD_PATH, polling.DOWNLOAD_PATH, "/live", "/admin", "notify_url", "metrics_port"):
        assert path in doors, path
    owners = [owner for row in rows for owner in re.findall("`([^`]+)`", row[4])]
    assert len(owners) > len(rows)
    source = ROOT / "src/taigan"
    assert [owner for owner in owners if not any((source / f"{owner}{end}").exists() for end in ("", ".py"))] == []


def test_every_small_server_lets_the_silent_go_and_waits_for_no_body_for_long() -> None:
    small = [name for name in LISTENING if "web.AppRunner(" in (ROOT / "src/taigan" / name).read_text("utf-8")]
    assert len(small) > 5
    for name in small:
        text = (ROOT / "src/taigan" / name).read_text("utf-8")
        assert "keepalive_timeout=" in text, name
        assert "body_within()" in text or name == "devices/workbench.py", name  # which is lanes.py with devices


@contextlib.asynccontextmanager
async def small_server(waits: float) -> AsyncIterator[int]:
    """One that says back what it is sent, and waits so many seconds for a body; its port."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application(middlewares=[body_within(waits)])
    app.router.add_post("/", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, lingering_time=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def test_a_body_that_stands_still_at_a_small_server_is_408_and_cut() -> None:
    async with small_server(0.02) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.1 408")  # and nothing more comes
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_whole_body_at_a_small_server_is_taken() -> None:
    async with (
        small_server(PATIENCE) as port,
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/", data=b"whole") as answer,
    ):
        assert await answer.read() == b"whole"


@pytest.mark.parametrize("device", ["relay", "screen"])
async def test_silent_strangers_at_a_device_make_room_for_who_speaks(device: str) -> None:
    screen = LedServer("127.0.0.1", 0, lambda _: None)
    wire = RelayWire("127.0.0.1", 0, "tcp")
    board = RelayBoard(RelaySettings(), wire)
    await screen.start()
    await wire.join(board)
    port = wire.port if device == "relay" else screen.port
    try:
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST + 1)]
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                assert await lines[0][0].read() == b""
        if device == "relay":
            reader, writer = lines[-1]
            writer.write(bytes.fromhex("000100000006 01 01 0000 0008"))
            async with asyncio.timeout(PATIENCE):
                assert (await reader.readexactly(7))[:2] == b"\x00\x01"
        for _, writer in lines:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
    finally:
        await wire.leave(board)
        await screen.stop()


async def deaf(post: Post) -> Answer:
    return Answer(b"{}")


def camera() -> Door:
    door = Door(ManualClock())
    mailbox = Mailbox(LaneKey("lot", "A1"), "hx-http", "SN1", deaf, lambda _: None, secret=SECRET, forms=True)
    door.put(mailbox)
    return door


async def nobody_waits(seconds: float) -> None:
    pass


async def test_the_doors_of_the_lot_are_these(houses: Houses) -> None:
    app = (await houses(devices=camera())).app
    assert isinstance(app, Doors)
    assert app.names == set(LOT_DOORS)


@pytest.mark.parametrize("name", LOT_DOORS)
async def test_nothing_a_stranger_sends_is_an_error_of_ours_or_gets_further(houses: Houses, name: str) -> None:
    addresses, told = LOT_DOORS[name]
    house = await houses(devices=camera(), sleep=nobody_waits)
    async with client_of(house, None) as client:
        for address in addresses:
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
                for noise in NOISE if method in ("POST", "PUT") else NOISE[:1]:
                    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data"):
                        headers = {"content-type": kind, "origin": "https://evil.example", "cookie": "session=x; a"}
                        answer = await client.request(method, address, content=noise, headers=headers)
                        assert answer.status_code in (told | {403} if name == "devices" else told), (method, address)
                        assert "access-control-allow-origin" not in answer.headers
                        assert "Traceback" not in answer.text
    assert house.barriers["A1"].commands == []


@pytest.mark.parametrize("address", ["/bolink", "/api/v1/lots", DEVICE, "/sign-in"])
async def test_a_body_that_stands_still_is_given_up_at_every_door_that_reads_one(houses: Houses, address: str) -> None:
    house = await houses(devices=camera(), sleep=nobody_waits, body_timeout=0.02)
    sent: list[Any] = []

    async def receive() -> Any:
        if not sent and not begun:
            begun.append(True)
            return {"type": "http.request", "body": b"x", "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError("nothing comes any more")

    async def send(message: Any) -> None:
        sent.append(message)

    begun: list[bool] = []
    headers = [(b"authorization", b"Bearer a token of sixteen or more characters"), (b"content-length", b"100")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": address,
        "raw_path": address.encode(),
        "query_string": b"",
        "headers": headers,
        "client": ("203.0.113.7", 1),
        "scheme": "http",
    }
    await house.app(scope, receive, send)
    assert sent[0]["status"] in (200, 408)  # BoLink is told in its own form
    assert (b"connection", b"close") in sent[0]["headers"] or address == "/bolink"


async def test_a_device_that_brings_more_than_it_may_is_stopped(houses: Houses) -> None:
    async with client_of(await houses(devices=camera(), sleep=nobody_waits), None) as client:
        assert (await client.post(DEVICE, content=b"x" * (REPORT_LIMIT + 1))).status_code == 413
        assert (await client.post(DEVICE, headers={"origin": "http://lot"})).status_code == 403


# Of BoLink's side and the simulated ones: what an address tells somebody who shows nothing.
HUB = {
    "/admin": 200,  # the page that asks for the token
    "/admin/lots": 401,
    "/admin/schema": 401,
    "/healthz": 200,
    "/unionapi/nowhere": 404,
    "/nowhere": 404,
}


async def test_the_hub_stands_strangers_at_each_of_its_doors(tmp_path: Path) -> None:
    async with serving_lot(FakeLot()) as lot, running_side(tmp_path, ManualClock(), lot.url) as side:

        async def asked(method: str, path: str, body: bytes = b"", **headers: str) -> int:
            url = side.url + path
            async with side.http.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
                assert "Access-Control-Allow-Origin" not in answer.headers
                return answer.status

        for path, status in HUB.items():
            method = "POST" if path.startswith("/unionapi") else "GET"
            assert await asked(method, path) == status, path
        for noise in NOISE:
            for path in ("/admin/login", "/admin/lots", "/simulated/wechat", "/nowhere"):
                assert await asked("POST", path, noise, Origin="https://evil.example") < 500, path


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[half"}, 400),
        ({"Host": "evil.example"}, 403),
        ({"Host": "[half"}, 403),
    ],
)
async def test_the_demo_page_is_its_own_pages_alone_and_nobody_frames_it(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    page = Page({"lot": ("http://127.0.0.1:1", "t")}, {}, {}, DemoClock(tmp_path / "clock"))
    port = await page.start("127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{port}/"
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            assert answer.status == status
            if status == 200:
                assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    finally:
        await page.stop()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 50_000, b"[]", b'{"forward": true}', b'{"forward": 1e999}']
)
async def test_a_step_of_the_demos_clock_that_is_none_is_400(tmp_path: Path, body: bytes) -> None:
    page = Page({}, {}, {}, DemoClock(tmp_path / "clock"))
    url = f"http://127.0.0.1:{await page.start('127.0.0.1', 0)}/clock"
    try:
        async with aiohttp.ClientSession() as session, session.post(url, data=body) as answer:
            assert (answer.status, (await answer.json())["error"]["field"]) == (400, "forward")
    finally:
        await page.stop()


async def test_the_demo_page_tells_who_writes_a_door_in_another_way_that_it_is_none(tmp_path: Path) -> None:
    page = Page({"lot": ("http://127.0.0.1:1", "t")}, {}, {}, DemoClock(tmp_path / "clock"))
    port = await page.start("127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /%6cot/api HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()
    finally:
        await page.stop()


async def test_the_lanes_ask_for_their_token_and_serve_no_page(tmp_path: Path) -> None:
    async with running(settings(tmp_path, token="the-token")) as url, aiohttp.ClientSession() as session:
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong"}, 401),
            ({"Authorization": "Bearer the-token", "Origin": "https://evil.example"}, 403),
            ({"Authorization": "Bearer the-token"}, 200),
        ):
            async with session.get(f"{url}/lanes", headers=headers) as answer:
                assert answer.status == status
        for noise in NOISE:
            async with session.put(f"{url}/lots/x/lanes/y", data=noise) as answer:
                assert answer.status == 401
