"""For how long what a stranger sends holds the event loop: the longest single step at each door, in ms of CPU.

    .venv/bin/python -m benchmarks.doors [--out benchmarks/results/doors.json]

The lot's doors are the real application over an empty SQLite database, the hub's are the real hub, and so are the
simulated lanes, a simulated gate and relay board, and the demo's page; an edge's door is the lot's `/devices`. Each
gets the bytes of `tests/web/doors/test_every_door.py` and bodies as large as it takes, signed wrongly too. A step is
what the loop runs without coming back, the client's own part of it included; each is repeated, and the least of the
rounds counts, since a busy machine only adds. The first page of a process is asked of a new application each time,
which finds no template compiled. Aim: 20 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from asyncio.events import Handle
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from barriers.kinds.test_hikvision_isapi import settings as gate_settings  # noqa: E402
from barriers.kinds.test_modbus_relay import settings as relay_settings  # noqa: E402
from hub.sides import FakeLot, running_side, serving_lot  # noqa: E402
from support.clock import ManualClock  # noqa: E402
from support.lot.parking import Parking  # noqa: E402
from support.stacks.barrier_bench import LANE, workbench  # noqa: E402
from support.stacks.simulated_lanes import running  # noqa: E402
from support.stacks.simulated_lanes import settings as lane_settings  # noqa: E402
from taigan.bolink.wire.polling import DOWNLOAD_PATH, UPLOAD_PATH  # noqa: E402
from taigan.demo.clock import DemoClock  # noqa: E402
from taigan.demo.page import Page  # noqa: E402
from taigan.storage.database import open_database  # noqa: E402
from web.doors.test_every_door import DEVICE, LOT_DOORS, NOISE, camera, nobody_waits  # noqa: E402
from web.house import client_of, house_at  # noqa: E402

AIM = 20.0
ROUNDS = 5
LARGE = [
    b'{"data":{"a":"' + b"a" * 65_000 + b'"},"sign":"0","union_id":"200002"}',
    b'{"data":{' + b",".join(b'"%d":%d' % (n, n) for n in range(4000)) + b'},"sign":"0","union_id":"200002"}',
    *(
        b'{"data":{"union_id":200002,"park_id":"21787","service_name":"nolicence_in_park","a":"%b"},"sign":"%032d"}'
        % (b"a" * size, 0)
        for size in (1_000, 7_000, 64_000)
    ),
    b'{"data":{"union_id":200002,"park_id":"21787","a":{%b}},"sign":"%032d"}'
    % (b",".join(b'"%d":"\\u4eac %d"' % (n, n) for n in range(2500)), 0),
    b"[" * 30_000 + b"]" * 30_000,
    b"&".join(b"%d=%%E4" % n for n in range(7000)),
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1200,
]
HUB_DOORS = {
    "/admin/login": "/admin/login",
    "/simulated/wechat": "/simulated/wechat",
    "/unionapi, an interface": "/unionapi/neworder/addorder",
    "/unionapi, none": "/unionapi/neworder/nowhere",
    "/bpd/upload.do": UPLOAD_PATH,
    "/bpd/download.do": DOWNLOAD_PATH,
}
LANE_DOOR = f"/lots/{LANE.lot_id}/lanes/{LANE.channel_id}"
GATE_DOOR = "/ISAPI/Parking/channels/1/barrierGate"
KINDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b")


class Longest:
    """The longest step of the loop since `begin`."""

    def __init__(self) -> None:
        self.ms = 0.0
        run = Handle._run

        def timed(handle: Handle) -> None:
            began = time.thread_time()
            run(handle)
            self.ms = max(self.ms, (time.thread_time() - began) * 1000)

        Handle._run = timed  # type: ignore[method-assign]


async def asked(client: Any, longest: Longest, address: str) -> float:
    worst = 0.0
    for body in (*NOISE, *LARGE):
        for kind in KINDS:
            rounds = []
            for _ in range(ROUNDS):
                await asyncio.sleep(0)
                longest.ms = 0.0
                await client(address, body, kind)
                await asyncio.sleep(0)  # what ran without a pause is one step, and it ends here
                rounds.append(longest.ms)
            worst = max(worst, min(rounds))
    return worst


async def asked_first(opened: Any, longest: Longest, address: str) -> float:
    """The least of some applications' longest step for their first page."""
    rounds = []
    for number in range(3):
        async with opened(number) as get:
            await asyncio.sleep(0)
            longest.ms = 0.0
            await get(address)
            await asyncio.sleep(0)
            rounds.append(longest.ms)
    return min(rounds)


def posts(http: aiohttp.ClientSession, url: str, method: str = "POST") -> Any:
    async def post(address: str, body: bytes, kind: str) -> None:
        headers = {"content-type": kind, "connection": "close"}
        with contextlib.suppress(aiohttp.ClientError):
            async with http.request(method, url + address, data=body, headers=headers) as answer:
                await answer.read()

    return post


def raw_to(port: int) -> Any:
    async def send(address: str, body: bytes, kind: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError):
            writer.write(body)
            writer.write_eof()
            await reader.read()
        writer.close()

    return send


@contextlib.asynccontextmanager
async def passing(clock: ManualClock) -> AsyncIterator[None]:
    """Time goes on, so that nobody waits for being a stranger."""

    async def pass_on() -> None:
        while True:
            clock.advance(1)
            await asyncio.sleep(0.001)

    task = asyncio.create_task(pass_on())
    try:
        yield
    finally:
        task.cancel()


async def first_pages(folder: Path, longest: Longest) -> dict[str, float]:
    """What the first page of a process costs where no template was ever compiled."""

    @contextlib.asynccontextmanager
    async def lot(number: int) -> AsyncIterator[Any]:
        database = await open_database(f"sqlite:///{folder / f'first-{number}.sqlite3'}")
        async with client_of(await house_at(database, devices=camera(), sleep=nobody_waits), None) as http:
            yield http.get
        await database.close()

    @contextlib.asynccontextmanager
    async def hub(number: int) -> AsyncIterator[Any]:
        (folder / f"first-{number}").mkdir()
        async with (
            serving_lot(FakeLot()) as lot,
            running_side(folder / f"first-{number}", ManualClock(), lot.url) as side,
        ):

            async def get(address: str) -> None:
                async with side.http.get(side.url + address) as answer:
                    await answer.read()

            await get("/healthz")
            yield get

    kept, sys.pycache_prefix = sys.pycache_prefix, str(folder / "nothing is kept here")
    found = {
        "lot /sign-in, first page": await asked_first(lot, longest, "/sign-in"),
        "hub /admin, first page": await asked_first(hub, longest, "/admin"),
    }
    sys.pycache_prefix = kept
    return found


async def measured(folder: Path) -> dict[str, float]:
    longest = Longest()
    found = await first_pages(folder, longest)
    database = await open_database(f"sqlite:///{folder / 'lot.sqlite3'}")
    house = await house_at(database, devices=camera(), sleep=nobody_waits)
    async with client_of(house, None) as http:

        async def to_lot(address: str, body: bytes, kind: str) -> None:
            await http.post(address, content=body, headers={"content-type": kind})

        for name, (addresses, _) in LOT_DOORS.items():
            found[f"lot /{name}"] = max([await asked(to_lot, longest, address) for address in addresses])
        found["lot /devices, with the secret"] = await asked(to_lot, longest, DEVICE)
    await database.close()
    database = await open_database(f"sqlite:///{folder / 'street.sqlite3'}")
    street = await Parking(database).open()

    async def to_callbacks(address: str, body: bytes, kind: str) -> None:
        await street.platform.callbacks.answer(body)

    found["lot /bolink, what checks signatures"] = await asked(to_callbacks, longest, "")
    await street.platform.stop()
    await database.close()
    clock = ManualClock()
    async with serving_lot(FakeLot()) as lot, running_side(folder, clock, lot.url) as side, passing(clock):
        for name, address in HUB_DOORS.items():
            found[f"hub {name}"] = await asked(posts(side.http, side.url), longest, address)
    async with aiohttp.ClientSession() as http:
        async with running(lane_settings(folder)) as url:
            found["lanes, a lane"] = await asked(posts(http, url, "PUT"), longest, LANE_DOOR)
        for name, device in {"gate": gate_settings(), "relay": relay_settings()}.items():
            async with workbench(folder / name, device) as (_, script):
                found[f"devices, a {name}'s lane"] = await asked(posts(http, script.url, "PUT"), longest, LANE_DOOR)
                if name == "gate":
                    found["devices, a gate"] = await asked(posts(http, device["url"], "PUT"), longest, GATE_DOOR)
                else:
                    found["devices, a relay board"] = await asked(raw_to(device["port"]), longest, "")
        page = Page({"lot": ("http://127.0.0.1:1", "t")}, {}, {}, DemoClock(folder / "clock"))
        url = f"http://127.0.0.1:{await page.start('127.0.0.1', 0)}"
        for address in ("/clock", "/lot/api"):
            found[f"demo {address}"] = await asked(posts(http, url), longest, address)
        await page.stop()
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path)
    out: Path | None = arguments.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measured(Path(folder)))
    for door, ms in found.items():
        print(f"{door:40}{ms:8.1f} ms{'' if ms <= AIM else '  more than it may'}")
    if out is not None:
        out.write_text(json.dumps({"ms": found, "aim": AIM}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
