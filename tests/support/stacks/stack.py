"""The real three processes, started by `taigan demo`, and clients for what a test does to them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

from support.clock import PATIENCE
from support.databases.postgres import NewDatabase
from taigan.bolink import sign

T = TypeVar("T")

QUICK = {
    "TAIGAN_LOT_PRESENCE_GRACE": "0.3",
    "TAIGAN_LANES_TRAVEL_TIME": "0.1",
    "TAIGAN_HUB_DUPLICATE_WITHIN": "0",
    "TAIGAN_HUB_ENTERED_WITHIN": "0",
    "TAIGAN_LOT_RETRY_AFTER": "[0.1, 0.2, 0.5]",
    "TAIGAN_LOT_SCAN_LIMIT": "1000",
    "SSL_CERT_FILE": os.devnull,
}
"""Time-outs short enough to wait for; the others are as shipped. And none of the system's certificates, which each
process would take a twentieth of a second to read: nobody goes out into the world."""

STACKS_ON = os.environ.get("TAIGAN_TEST_STACKS_ON", "sqlite")
"""The engine under the platforms of whole stacks: sqlite or postgresql."""

on_the_file = pytest.mark.skipif(STACKS_ON != "sqlite", reason="tries the lock of the SQLite file")


STARTS_WITHIN = 3 * PATIENCE
"""Several processes, each of which loads its code, beside others that do the same."""


class Answer(dict[str, Any]):
    """A JSON answer with its HTTP status."""

    status: int = 0


async def eventually(check: Callable[[], Awaitable[T]], within: float = PATIENCE) -> T:
    """The first true result of `check`, which is asked again and again. Fails with the last one after `within` s."""
    deadline = time.monotonic() + within
    never = asyncio.Event()
    while True:
        result = await check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s; at last: {result!r}")
        try:
            await asyncio.wait_for(never.wait(), 0.05)
        except TimeoutError:
            continue


class Side:
    """One part's HTTP interface."""

    def __init__(self, client: aiohttp.ClientSession, url: str, token: str = "") -> None:
        self.url = url
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.ask("GET", path, query)

    async def put(self, path: str, **body: Any) -> Answer:
        return await self.ask("PUT", path, body=body)

    async def post(self, path: str, **body: Any) -> Answer:
        return await self.ask("POST", path, body=body)

    async def ask(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Answer:
        async with self._client.request(
            method, f"{self.url}{path}", params=dict(query or {}), json=body, headers=self._headers
        ) as response:
            text = await response.text()
            content = json.loads(text) if text and "json" in response.content_type else {"text": text}
            answer = Answer(content if isinstance(content, dict) else {"items": content})
            answer.status = response.status
            return answer


class Lane:
    """A simulated lane, driven by a test."""

    def __init__(self, side: Side, lot_id: str, channel_id: str, entry_url: str) -> None:
        self.channel_id = channel_id
        self.entry_url = entry_url
        self._side = side
        self._path = f"/lots/{lot_id}/lanes/{channel_id}"

    async def state(self) -> Answer:
        return await self._side.get(self._path)

    async def lifts(self) -> int:
        return int((await self.state())["lifts"])

    async def car(self, what: str) -> Answer:
        return await self._side.put(self._path, car=what)

    async def arrives(self, plate: str) -> Answer:
        """A car with this plate drives to the lane; empty: one whose plate the camera does not read."""
        return await self._side.put(self._path, car="arrives", plate=plate)

    async def shows(self, **fits: object) -> Answer:
        """The lane's state, once it is so."""

        async def look() -> Answer | None:
            state = await self.state()
            return state if all(state[name] == value for name, value in fits.items()) else None

        found = await eventually(look)
        assert found is not None
        return found

    async def mode(self, mode: str) -> Answer:
        return await self._side.put(self._path, mode=mode)

    async def clear(self) -> None:
        """Send every car away and wait until the arm is down: the lane as the next test wants it."""
        await self.mode("ok")
        while (await self.state())["car"]:
            await self.car("leaves")
        await eventually(self._is_closed)

    async def _is_closed(self) -> bool:
        return (await self.state())["barrier"] == "closed"


class Stack:
    """BoLink's side, the lot platform and the lanes, each a process, on one folder.

    `environment` are settings as TAIGAN_* variables, added to `QUICK`. The lot platform's database is a file in the
    folder unless `new_database` names another.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        new_database: NewDatabase | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.ready: dict[str, Any] = {}
        self.said: list[str] = []
        self.environment = {**os.environ, **QUICK, **(environment or {})}
        self._new_database = new_database
        self._demo: asyncio.subprocess.Process | None = None
        self._lot: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._client: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Start everything, on free ports; returns when all of it answers."""
        if self._new_database is not None:
            self.environment.setdefault("TAIGAN_LOT_DATABASE_URL", await self._new_database())
        ready_file = self.folder / "ready.json"
        ready_file.unlink(missing_ok=True)
        ports = [option for part in ("lot", "hub", "lanes", "demo") for option in (f"--{part}-port", "0")]
        self._demo = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "taigan", "demo", "--no-browser", *ports],
            *["--data-dir", str(self.data), "--ready-file", str(ready_file), "--no-week"],
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        # It says something only when everything answers and the file is written, or when it has failed.
        assert self._demo.stdout is not None
        first = await asyncio.wait_for(self._demo.stdout.readline(), STARTS_WITHIN)
        self.said.append(first.decode().strip())
        if not ready_file.exists():
            raise AssertionError(f"the demo did not start: {self.said[0]}\n{self.logs()}")
        self._reading = asyncio.create_task(self._listen(self._demo.stdout))
        self.ready = json.loads(ready_file.read_text())
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
        self.lot = Side(self._client, self.ready["lot"]["url"], self.ready["lot"]["api_token"])
        self.hub = Side(self._client, self.ready["hub"]["url"], self.ready["hub"]["admin_token"])
        self.street = Side(self._client, self.ready["lanes"]["url"])

    async def clear(self) -> None:
        """Switch BoLink's faults off and clear all lanes, whatever the last test left there."""
        await self.hub.put("/admin/faults", faults=[])
        for lane in self.ready["lots"][0]["lanes"]:
            await self.lane(lane["channel_id"]).clear()

    async def stop(self) -> int:
        """Stop everything as a person would; the demo's exit code."""
        assert self._demo is not None
        if self._client is not None:
            await self._client.close()
        await self._end(self._lot, signal.SIGTERM)
        code = await self._end(self._demo, signal.SIGTERM)
        if self._reading is not None:
            await self._reading
        return code

    async def kill(self) -> None:
        """SIGKILL everything at once, as a power cut would."""
        assert self._demo is not None
        if self._client is not None:
            await self._client.close()
        await self._end(self._lot, signal.SIGKILL)
        os.killpg(self._demo.pid, signal.SIGKILL)
        await self._demo.wait()
        if self._reading is not None:
            await self._reading

    async def clean_up(self) -> None:
        """End whatever still runs, however the test ended."""
        if self._demo is not None and self._demo.returncode is None:
            await self.kill()
        elif self._client is not None:
            await self._client.close()

    async def kill_lot(self) -> None:
        """SIGKILL the lot platform alone; returns when it is gone."""
        if self._lot is not None:
            await self._end(self._lot, signal.SIGKILL)
            self._lot = None
            return
        os.kill(self.pid("lot"), signal.SIGKILL)
        await eventually(self._lot_is_missed)

    async def start_lot(self) -> None:
        """Start the lot platform again, alone; returns when it answers and sees its lanes."""
        with (self.data / "lot.log").open("ab") as log:
            self._lot = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "taigan", "lot", "--config", str(self.data / "taigan.toml")],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await eventually(self._lot_sees_its_lanes, STARTS_WITHIN)

    @property
    def demo_pid(self) -> int:
        """The process id of `taigan demo`."""
        assert self._demo is not None
        return self._demo.pid

    def pid(self, part: str) -> int:
        """The process id of the demo's child `taigan <part>`."""
        assert self._demo is not None
        children = Path(f"/proc/{self._demo.pid}/task/{self._demo.pid}/children").read_text().split()
        for child in children:
            command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if part.encode() in command:
                return int(child)
        raise AssertionError(f"the demo has no {part}")

    @property
    def lot_id(self) -> str:
        return str(self.ready["lots"][0]["lot_id"])

    @property
    def lot_path(self) -> str:
        """Where the API has the lot."""
        return f"/api/v1/lots/{self.lot_id}"

    def lane(self, channel_id: str) -> Lane:
        entry_urls = {lane["channel_id"]: lane["entry_url"] for lane in self.ready["lots"][0]["lanes"]}
        return Lane(self.street, self.lot_id, channel_id, entry_urls[channel_id])

    async def scan(self, channel_id: str, driver: str, **more: Any) -> Answer:
        """A driver scans a lane's code; the answer when the scan was pushed and answered, or given up."""
        about = {"lot_id": self.lot_id, "channel_id": channel_id, "driver": driver, "app": "wechat", **more}
        return await self.hub.post("/admin/scans", **about)

    async def shown(self, scan_id: str) -> str:
        return str((await self.hub.get(f"/admin/scans/{scan_id}"))["shown"])

    def message(self, channel_id: str, car_number: str, **more: Any) -> bytes:
        """A signed `nolicence_in_park` (5.7)."""
        lot = self.ready["lots"][0]
        data = {
            "service_name": "nolicence_in_park",
            "union_id": lot["union_id"],
            "park_id": lot["park_id"],
            "channel_id": channel_id,
            "car_number": car_number,
            "timetemp": int(time.time()),
            **more,
        }
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return f'{{"data":{text},"sign":"{sign(text.encode(), lot["key"])}"}}'.encode()

    async def callback(self, body: bytes) -> tuple[int, bytes]:
        """Post bytes to the lot's callback address; status and body of its answer."""
        assert self._client is not None
        async with self._client.post(self.ready["lot"]["callback_url"], data=body) as response:
            return response.status, await response.read()

    async def orders(self, **query: Any) -> list[dict[str, Any]]:
        return list((await self.lot.get(f"{self.lot_path}/orders", limit=1000, **query))["items"])

    async def entries(self) -> list[dict[str, Any]]:
        """What the hub received by 3.1, one item per order."""
        return list((await self.hub.get("/admin/entries", lot_id=self.lot_id, limit=1000))["items"])

    async def spaces_free(self) -> int:
        return int((await self.lot.get(self.lot_path))["spaces_free"])

    def logs(self) -> str:
        """The ends of all logs, for a failure's message."""
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.data.glob("*.log")))

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self.said.append(line.decode().strip())

    async def _lot_is_missed(self) -> bool:
        return any(line.startswith("taigan lot ended") for line in self.said)

    async def _lot_sees_its_lanes(self) -> bool:
        assert self._lot is not None
        if self._lot.returncode is not None:
            raise AssertionError(f"the lot ended with {self._lot.returncode}\n{self.logs()}")
        try:
            lanes = await self.lot.get(f"{self.lot_path}/lanes")
        except aiohttp.ClientError:
            return False
        return lanes.status == 200 and all(lane["barrier"]["online"] for lane in lanes["items"])

    @staticmethod
    async def _end(process: asyncio.subprocess.Process | None, how: signal.Signals) -> int:
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(how)
        return await asyncio.wait_for(process.wait(), PATIENCE)
