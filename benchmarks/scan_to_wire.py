"""From the phone's scan to the command at the device: a hub, a lot platform, an edge and the devices, as processes.

Each driver has a lane without a detector, so that no car has to be driven between two scans, and a twin of its device
that no platform knows. A scan is posted to the hub, which pushes it (5.7); the platform decides, commits and commands;
the device notes the moment at which the command makes its arm rise. In turns with that, a plain client of the device's
protocol gives the twin the same command and waits for the answer. All moments are of CLOCK_MONOTONIC, which the
machine's processes share.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import uvloop
from aiohttp import web

from benchmarks import leash
from benchmarks.ports import free_port
from taigan.clock import SystemClock
from taigan.devices.lanes.journal import Journal
from taigan.devices.lanes.lane import Happening, Kind, Lane, LaneRecord
from taigan.devices.lanes.lanes import LaneSettings, LanesSettings
from taigan.devices.workbench import DeviceLane, Workbench, WorkbenchSettings
from taigan.running.tasks import end

LOT, EDGE_LOT, TWINS = "200002-7", "200002-8", "twins"
KEY, TOKEN = "a-key-for-this-benchmark", "a-token-for-this-benchmark"
USER, PASSWORD, SECRET = "admin", "admin12345", "a secret of sixteen or more"
HEARTBEAT = 0.5
"""Seconds between the heartbeats of cameras that fetch their commands; the real ones take 5, 10 or 30."""
FETCH = ("vzenith-http", "hx-http")
LANES_THAT_FETCH = 12
"""Lanes of such a camera, in turns: it confirms nothing, so each is free again only after some seconds."""
SIMULATED, EDGE = "simulated", "edge"
START_WITHIN = 60.0
WIRE_WITHIN = 5.0

Exchange = Callable[[], Awaitable[None]]


def barriers(broker: int) -> dict[str, dict[str, Any]]:
    """A barrier of each kind, on free ports."""
    address = f"mqtt://127.0.0.1:{broker}"
    gate = {"username": USER, "password": PASSWORD}
    serial = os.urandom(4).hex()
    return {
        "vzenith-mqtt": {"broker": address, "serial": serial},
        "mqtt": {"broker": address, "prefix": f"own/{serial}"},
        "modbus-relay": {"host": "127.0.0.1", "port": free_port(), "pulse": "hardware", "pulse_ms": 100},
        "hikvision-isapi": {"url": f"http://127.0.0.1:{free_port()}", "ask_busy": 0.1, **gate},
        "dahua-cgi": {"url": f"http://127.0.0.1:{free_port()}", **gate},
        "http": {"url": f"http://127.0.0.1:{free_port()}", "serial": serial, "secret": SECRET},
        "vzenith-http": {"serial": serial, "heartbeat_every": HEARTBEAT},
        "hx-http": {"serial": serial, "heartbeat_every": HEARTBEAT},
    }


# The devices, in processes of their own


class Noted(Workbench):
    """Lanes and devices that tell the moment at which a command reached them."""

    def __init__(self, settings: WorkbenchSettings, tell: Connection) -> None:
        super().__init__(Journal(settings.lanes.journal, LaneRecord), settings, clock=SystemClock())
        self._tell = tell

    def happened(self, lane: Lane, happening: Happening) -> None:
        if happening.kind is Kind.RISING:
            self._tell.send((lane.channel_id, time.monotonic()))
        super().happened(lane, happening)


def run_devices(settings: WorkbenchSettings, tell: Connection) -> None:
    """Run devices until killed."""

    async def run() -> None:
        runner = web.AppRunner(Noted(settings, tell).build(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", settings.lanes.port).start()
        tell.send(("ready", 0.0))
        await asyncio.Event().wait()

    uvloop.run(run())


class Devices:
    """A process of devices, as the scans see it."""

    def __init__(self, context: SpawnContext, folder: Path, lanes: list[DeviceLane], platform_url: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        port = int(self.url.rpartition(":")[2])
        simulated = (LaneSettings(LOT, SIMULATED, detector=False), LaneSettings(TWINS, SIMULATED, detector=False))
        settings = WorkbenchSettings(
            LanesSettings(folder / f"{port}.jsonl", port=port, travel_time=0.01, lanes=simulated),
            tuple(lanes),
            platform_url,
        )
        self._ear, mouth = context.Pipe(duplex=False)
        self._process = context.Process(target=run_devices, args=(settings, mouth), daemon=True)
        self._reached: dict[str, asyncio.Future[float]] = {}

    async def start(self) -> None:
        self._process.start()
        ready = self.reached("ready")
        asyncio.get_running_loop().add_reader(self._ear.fileno(), self._hear)
        await asyncio.wait_for(ready, START_WITHIN)

    def reached(self, channel: str) -> asyncio.Future[float]:
        """The moment at which the next command reaches the device of that lane."""
        self._reached[channel] = asyncio.get_running_loop().create_future()
        return self._reached[channel]

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ear.fileno())
        self._process.kill()

    def _hear(self) -> None:
        channel, moment = self._ear.recv()
        waiting = self._reached.pop(channel, None)
        if waiting is not None:
            waiting.set_result(moment)


# The platform, in processes of its own


class Street:
    """The hub, the platform, the edge and the devices. `scan` is what is measured."""

    def __init__(self, context: SpawnContext, folder: Path, broker: int) -> None:
        self._folder = folder
        self._hub, self._lot = free_port(), free_port()
        lanes = {name: {"driver": name, **own} for name, own in barriers(broker).items() if name not in FETCH}
        for name in FETCH:
            for number in range(LANES_THAT_FETCH):
                lanes[f"{name}-{number}"] = {"driver": name, **barriers(broker)[name]}
        behind = {"driver": "modbus-relay", **barriers(broker)["modbus-relay"]}
        devices = [DeviceLane(LOT, channel, barrier) for channel, barrier in lanes.items()]
        self._devices = Devices(
            context, folder, [*devices, DeviceLane(EDGE_LOT, EDGE, behind)], f"http://127.0.0.1:{self._lot}"
        )
        address = f"mqtt://127.0.0.1:{broker}"
        lanes[SIMULATED] = {"driver": SIMULATED, "url": self._devices.url}
        (folder / "taigan.toml").write_text(self._config(lanes, address), "utf-8")
        (folder / "edge.toml").write_text(
            f"lot_id = {toml(EDGE_LOT)}\nplatform = {toml({'broker': address})}\n"
            f"[[lanes]]\nchannel_id = {toml(EDGE)}\nbarrier = {toml(behind)}\n",
            "utf-8",
        )
        self.drivers = [SIMULATED, *barriers(broker), EDGE]
        self._channels = {driver: itertools.cycle(self._channels_of(driver)) for driver in self.drivers}
        self._unsettled: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self.in_vain = dict.fromkeys(self.drivers, 0)
        self._processes: list[asyncio.subprocess.Process] = []
        self._scans = 0

    async def start(self, client: aiohttp.ClientSession) -> None:
        self._client = client
        await self._devices.start()
        for part, config in (("hub", "taigan.toml"), ("lot", "taigan.toml"), ("edge", "edge.toml")):
            with (self._folder / f"{part}.log").open("wb") as log:
                command = [sys.executable, "-m", "taigan", part, "--config", str(self._folder / config)]
                process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, start_new_session=True)
            leash.hold(process.pid)
            self._processes.append(process)
        async with asyncio.timeout(START_WITHIN):
            while not await self._ready():  # noqa: ASYNC110 - other processes tell nobody when they are ready
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        await asyncio.gather(*self._unsettled.values(), return_exceptions=True)
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            await process.wait()
        self._devices.stop()

    async def scan(self, driver: str) -> float:
        """Seconds from a driver's scan to the command at the lane's device; the arm is down again then.

        A scan that leads to no command, because a busy machine's disk lets the platform wait too long, is counted and
        made anew.
        """
        while (taken := await self._try(driver)) is None:
            self.in_vain[driver] += 1
        return taken

    async def _try(self, driver: str) -> float | None:
        channel = next(self._channels[driver])
        await self._until_settled(channel)
        await self._until(channel, "closed")
        self._scans += 1
        phone = {"lot_id": _lot_of(channel), "channel_id": channel, "driver": f"driver-{self._scans}", "app": "wechat"}
        reached = self._devices.reached(channel)
        began = time.monotonic()
        scan = asyncio.create_task(self._ask("POST", f"http://127.0.0.1:{self._hub}/admin/scans", phone))
        self._unsettled[channel] = scan
        try:
            taken = await asyncio.wait_for(reached, WIRE_WITHIN) - began
        except TimeoutError:
            return None
        await self._until(channel, "open")
        await self._ask("PUT", f"{self._devices.url}/lots/{_lot_of(channel)}/lanes/{channel}", {"mode": "ok"})
        return taken

    @staticmethod
    def _channels_of(driver: str) -> list[str]:
        return [f"{driver}-{number}" for number in range(LANES_THAT_FETCH)] if driver in FETCH else [driver]

    async def _until(self, channel: str, position: str) -> None:
        """Return when the platform sees the arm there, or sees no arm at all."""
        while True:
            lane = await self._ask("GET", self._api(channel, f"lanes/{channel}"))
            if lane["barrier"]["position"] in (None, position):
                return
            await asyncio.sleep(0.02)

    async def _until_settled(self, channel: str) -> None:
        """Return when the lane's last scan has come to its end."""
        scan = self._unsettled.pop(channel, None)
        if scan is None or (answer := await scan)["shown"] == "refused":
            return
        while True:
            orders = await self._ask("GET", self._api(channel, f"orders?car_number={answer['car_number']}"))
            if orders["items"][0]["state"] != "waiting":
                return
            await asyncio.sleep(0.05)

    async def _ready(self) -> bool:
        lanes = []
        for lot in (LOT, EDGE_LOT):
            try:
                lanes += (await self._ask("GET", f"http://127.0.0.1:{self._lot}/api/v1/lots/{lot}/lanes"))["items"]
            except (aiohttp.ClientError, KeyError):
                return False
        unasked = {"dahua-cgi"}  # is heard only when it is commanded
        return all(lane["entry_url"] and (lane["barrier"]["online"] or lane["channel_id"] in unasked) for lane in lanes)

    async def _ask(self, method: str, url: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self._client.request(method, url, json=content, headers=headers) as answer:
            return dict(await answer.json())

    def _api(self, channel: str, path: str) -> str:
        return f"http://127.0.0.1:{self._lot}/api/v1/lots/{_lot_of(channel)}/{path}"

    def _config(self, lanes: dict[str, dict[str, Any]], broker: str) -> str:
        text = (
            f'data_dir = "data"\n[lot]\nport = {self._lot}\nhub_url = "http://127.0.0.1:{self._hub}"\n'
            f"lane_hold = 0.01\nbarrier_timeout = {HEARTBEAT + 0.1}\nrelease_timeout = 5\n"
            f"api_tokens = {toml({'benchmark': TOKEN})}\n"
            f"[hub]\nport = {self._hub}\nadmin_token = {toml(TOKEN)}\nduplicate_within = 0\nentered_within = 0\n"
            f"[[vendors]]\nunion_id = 200002\nkey = {toml(KEY)}\n"
            f"[[lots]]\nunion_id = 200002\npark_id = 7\nspaces = 100000\n"
        )
        text += "".join(_lane(channel, barrier) for channel, barrier in lanes.items())
        text += "[[lots]]\nunion_id = 200002\npark_id = 8\nspaces = 100000\n"
        return text + _lane(EDGE, {"driver": EDGE, "broker": broker})


def _lot_of(channel: str) -> str:
    return EDGE_LOT if channel == EDGE else LOT


def _lane(channel: str, barrier: dict[str, Any]) -> str:
    return f"[[lots.lanes]]\nchannel_id = {toml(channel)}\ndetector = false\nbarrier = {toml(barrier)}\n"


def toml(value: Any) -> str:
    """A value as TOML has it in a line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


# One exchange with a twin, by a plain client of its protocol


_ANSWERS: Mapping[str, tuple[Any, Any]] = {
    "vzenith-http": ({"Response_AlarmInfoPlate": {"info": "ok"}}, {"Response_AlarmInfoPlate": {"info": "no"}}),
    "hx-http": ({"error_num": "0", "gpio_data": [{"ionum": "io1", "action": "on"}]}, {"error_num": "0"}),
}
"""What opens, and what does nothing."""


class Fetched:
    """A plain server for cameras that fetch their commands."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        driver = request.match_info["driver"]
        yes, no = _ANSWERS.get(driver, ({}, {}))
        waiting = self._waiting.pop(driver, None)
        if waiting is None:
            return web.json_response(no)
        waiting.set_result(None)
        return web.json_response(yes)

    def exchange(self, driver: str) -> Exchange:
        async def fetched() -> None:
            self._waiting[driver] = asyncio.get_running_loop().create_future()
            await self._waiting[driver]

        return fetched


@contextlib.asynccontextmanager
async def twins(context: SpawnContext, folder: Path, broker: int) -> AsyncIterator[dict[str, Exchange]]:
    """An exchange with a twin of each device: the command and its answer."""
    async with contextlib.AsyncExitStack() as opened:
        fetched = Fetched()
        app = web.Application()
        app.router.add_post("/devices/{driver}/{serial}", fetched.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        opened.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        own = barriers(broker)
        lanes = [DeviceLane(TWINS, name, {"driver": name, **settings}) for name, settings in own.items()]
        devices = Devices(context, folder, lanes, f"http://127.0.0.1:{runner.addresses[0][1]}")
        await devices.start()
        opened.callback(devices.stop)
        digest = aiohttp.DigestAuthMiddleware(USER, PASSWORD)
        gates = await opened.enter_async_context(_one_request_a_connection(middlewares=(digest,)))
        plain = await opened.enter_async_context(_one_request_a_connection())
        camera = await opened.enter_async_context(aiomqtt.Client("127.0.0.1", broker))
        controller = await opened.enter_async_context(aiomqtt.Client("127.0.0.1", broker))
        serial = own["vzenith-mqtt"]["serial"]
        down, prefix = f"device/{serial}/message/down/gpio_out", own["mqtt"]["prefix"]
        await camera.subscribe(f"{down}/reply")
        await controller.subscribe(f"{prefix}/reply")
        control = Control(await opened.enter_async_context(plain.ws_connect(f"{devices.url}/control")))
        opened.push_async_callback(end, asyncio.create_task(control.read()))
        relay = _modbus(*await asyncio.open_connection("127.0.0.1", own["modbus-relay"]["port"]))
        gate = f"{own['hikvision-isapi']['url']}/ISAPI/Parking/channels/1/barrierGate"
        strobe = "/cgi-bin/trafficSnap.cgi?action=openStrobe&channel=1&info.openType=Normal"
        order = b"<BarrierGate><ctrlMode>open</ctrlMode></BarrierGate>"
        yield {
            "vzenith-mqtt": _mqtt(camera, down, _camera_order),
            "mqtt": _mqtt(controller, f"{prefix}/command", _controller_order),
            "modbus-relay": relay,
            "hikvision-isapi": _request(gates, "PUT", gate, order),
            "dahua-cgi": _request(gates, "GET", own["dahua-cgi"]["url"] + strobe),
            "http": _signed(plain, own["http"]["url"]),
            **{name: fetched.exchange(name) for name in FETCH},
            SIMULATED: control,
            EDGE: relay,
        }


def _one_request_a_connection(**more: Any) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True), **more)


def _camera_order(message_id: str) -> dict[str, Any]:
    body = {"type": "gpio_out", "body": {"delay": 1500, "io": 0, "value": 2}}
    return {"id": message_id, "sn": "twin", "name": "gpio_out", "version": "1.0", "timestamp": 0, "payload": body}


def _controller_order(message_id: str) -> dict[str, Any]:
    return {"id": message_id, "command": "open", "deadline": time.time() + 5}


def _mqtt(client: aiomqtt.Client, topic: str, order: Callable[[str], dict[str, Any]]) -> Exchange:
    async def exchange() -> None:
        message_id = os.urandom(8).hex()
        await client.publish(topic, json.dumps(order(message_id)))
        async for message in client.messages:
            if json.loads(message.payload)["id"] == message_id:
                return

    return exchange


def _modbus(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
    async def exchange() -> None:
        writer.write(bytes.fromhex("000100000006010502000001"))
        await reader.readexactly(12)

    return exchange


def _request(session: aiohttp.ClientSession, method: str, url: str, body: bytes | None = None) -> Exchange:
    async def exchange() -> None:
        async with session.request(method, url, data=body) as answer:
            await answer.read()

    return exchange


def _signed(session: aiohttp.ClientSession, url: str) -> Exchange:
    async def exchange() -> None:
        body = json.dumps(_controller_order(os.urandom(8).hex())).encode()
        now = str(int(time.time()))
        signature = hmac.digest(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hex()
        headers = {"X-Taigan-Timestamp": now, "X-Taigan-Signature": signature}
        async with session.post(url, data=body, headers=headers) as answer:
            await answer.read()

    return exchange


class Control:
    """A plain client of the simulated lanes' control channel."""

    def __init__(self, channel: aiohttp.ClientWebSocketResponse) -> None:
        self._channel = channel
        self._replies: dict[str, asyncio.Future[None]] = {}

    async def read(self) -> None:
        """Take in replies, and answer the lanes' pings."""
        async for message in self._channel:
            if waiting := self._replies.pop(json.loads(message.data).get("reply"), None):
                waiting.set_result(None)

    async def __call__(self) -> None:
        order = _controller_order(os.urandom(8).hex())
        reply = self._replies[order["id"]] = asyncio.get_running_loop().create_future()
        await self._channel.send_json({"lot_id": TWINS, "channel_id": SIMULATED, **order})
        await reply
