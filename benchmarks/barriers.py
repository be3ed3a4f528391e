"""What the drivers cost: a command against the device's own round trip, 200 lanes at once, 1,000 lanes idle.

    python -m benchmarks.barriers [--seconds 20]

The devices are the emulated ones, in a process of their own; the broker is Mosquitto. Each driver's `open` is timed
from the call to the outcome, in turns with the same exchange made by hand: `ratio` is what the driver adds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import aiohttp.web
import aiomqtt
import structlog
import uvloop

from taigan.barriers.barrier import Barrier, Event, LaneKey, Outcome
from taigan.barriers.drivers import Fleet
from taigan.clock import SystemClock
from taigan.devices.journal import Journal
from taigan.devices.lane import LaneRecord
from taigan.devices.lanes import LanesSettings
from taigan.devices.workbench import DeviceLane, Workbench, WorkbenchSettings

RESULTS = Path(__file__).with_name("results")
LOT = "200002-7"
ROUNDS = 300
AT_ONCE = 200
IDLE_LANES = 1000
KEEP_ALIVE = 10.0
USER, PASSWORD = "admin", "admin12345"
SECRET = "a secret of sixteen or more"

Exchange = Callable[[], Awaitable[None]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# The other processes


def devices(folder: str, lanes: list[tuple[str, dict[str, Any]]], ready: Any) -> None:
    """Run emulated devices until killed."""

    async def run() -> None:
        settings = WorkbenchSettings(
            LanesSettings(Path(folder) / "journal", travel_time=0.01),
            tuple(DeviceLane(LOT, channel, barrier) for channel, barrier in lanes),
        )
        app = Workbench(Journal(settings.lanes.journal, LaneRecord), settings, clock=SystemClock()).build()
        runner = aiohttp.web.AppRunner(app, access_log=None)
        await runner.setup()
        ready.set()
        await asyncio.Event().wait()

    uvloop.run(run())


def cameras(port: int, serials: list[str], ready: Any) -> None:
    """Say every camera's keep-alive each 10 s, spread evenly, and answer every command at once."""

    async def run() -> None:
        async with aiomqtt.Client("127.0.0.1", port) as client:
            topics = [(f"device/{serial}/message/down/gpio_out", 0) for serial in serials]
            for start in range(0, len(topics), 200):
                await client.subscribe(topics[start : start + 200])
            speaking = asyncio.create_task(speak(client))
            ready.set()
            async for message in client.messages:
                order = json.loads(message.payload)
                await client.publish(f"{message.topic}/reply", json.dumps({"id": order["id"], "code": 200}))
            await speaking

    async def speak(client: aiomqtt.Client) -> None:
        pause = KEEP_ALIVE / len(serials)
        due = time.monotonic()
        while True:
            for serial in serials:
                message = {"id": "k", "sn": serial, "name": "keep_alive", "version": "1.0", "timestamp": 0}
                await client.publish(f"device/{serial}/message/up/keep_alive", json.dumps(message))
                due += pause
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    logging.disable(logging.WARNING)
    uvloop.run(run())


class Mosquitto:
    """A broker of our own."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="taigan-bench-"))
        self._folder.chmod(0o755)
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nset_tcp_nodelay true\nallow_anonymous true\nmax_queued_messages 10000\n"
        )
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            sys.exit("Mosquitto is not installed")
        self._process = subprocess.Popen([program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._folder)


# One exchange, by hand


class MqttByHand:
    def __init__(self, client: aiomqtt.Client, down: str, reply: str, make: Callable[[str], dict[str, Any]]) -> None:
        self._client, self._down, self._reply, self._make = client, down, reply, make
        self._count = 0

    async def __call__(self) -> None:
        self._count += 1
        await self._client.publish(self._down, json.dumps(self._make(f"hand-{self._count}")))
        async for message in self._client.messages:
            if json.loads(message.payload)["id"] == f"hand-{self._count}":
                return


def vzenith_order(message_id: str) -> dict[str, Any]:
    body = {"delay": 1500, "io": 0, "value": 2}
    payload = {"type": "gpio_out", "body": body}
    return {"id": message_id, "sn": "bench", "name": "gpio_out", "version": "1.0", "timestamp": 0, "payload": payload}


def plain_order(message_id: str) -> dict[str, Any]:
    return {"id": message_id, "command": "open", "deadline": time.time() + 5, "sent": time.time()}


def modbus_by_hand(port: int) -> Exchange:
    async def exchange() -> None:
        reader, writer = connection[0]
        writer.write(bytes.fromhex("000100000006010502000001"))
        await reader.readexactly(12)

    connection: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def first() -> None:
        if not connection:
            connection.append(await asyncio.open_connection("127.0.0.1", port))
        await exchange()

    return first


def http_by_hand(session: aiohttp.ClientSession, method: str, url: str, body: bytes = b"") -> Exchange:
    async def exchange() -> None:
        async with session.request(method, url, data=body or None) as answer:
            await answer.read()

    return exchange


def signed_by_hand(session: aiohttp.ClientSession, url: str) -> Exchange:
    from taigan.barriers.http import signature

    count = 0

    async def exchange() -> None:
        nonlocal count
        count += 1
        order = {"id": f"hand-{count}", "command": "open", "deadline": time.time() + 5}
        body = json.dumps({**order, "lot_id": LOT, "channel_id": "http"}).encode()
        now = str(int(time.time()))
        headers = {"X-Taigan-Timestamp": now, "X-Taigan-Signature": signature(SECRET, now, body)}
        async with session.post(url, data=body, headers=headers) as answer:
            await answer.read()

    return exchange


# The measurements


def figures(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "p50_ms": round(statistics.median(ordered) * 1000, 3),
        "p99_ms": round(ordered[int(len(ordered) * 0.99) - 1] * 1000, 3),
    }


async def measure_driver(barrier: Barrier, by_hand: Exchange) -> dict[str, Any]:
    clock = SystemClock()
    ours: list[float] = []
    theirs: list[float] = []

    async def once(number: int) -> float:
        began = time.perf_counter()
        result = await barrier.open(f"bench-{number}", clock.now() + timedelta(seconds=5))
        if result.outcome is not Outcome.ACCEPTED:
            raise RuntimeError(result.reason)
        return time.perf_counter() - began

    async def hand() -> float:
        began = time.perf_counter()
        await by_hand()
        return time.perf_counter() - began

    for number in range(20):
        await once(-number - 1)
        await hand()
    for number in range(ROUNDS):
        if number % 2:
            ours.append(await once(number))
            theirs.append(await hand())
        else:
            theirs.append(await hand())
            ours.append(await once(number))
    driver, device = figures(ours), figures(theirs)
    return {
        "driver": driver,
        "device": device,
        "ratio_p50": round(driver["p50_ms"] / device["p50_ms"], 2),
        "ratio_p99": round(driver["p99_ms"] / device["p99_ms"], 2),
    }


async def sink(event: Event) -> None:
    """Nobody listens."""


async def drivers(broker: Mosquitto, context: Any) -> dict[str, Any]:
    gates = {name: free_port() for name in ("hikvision-isapi", "dahua-cgi", "http", "modbus-relay")}
    access = {"username": USER, "password": PASSWORD}
    address = f"mqtt://127.0.0.1:{broker.port}"
    settings: dict[str, dict[str, Any]] = {
        "vzenith-mqtt": {"broker": address, "serial": "bench"},
        "mqtt": {"broker": address, "prefix": "bench/lane"},
        "modbus-relay": {
            "host": "127.0.0.1", "port": gates["modbus-relay"], "pulse": "hardware", "pulse_ms": 100, "read_every": 10,
        },
        "hikvision-isapi": {"url": f"http://127.0.0.1:{gates['hikvision-isapi']}", "ask_every": 3600.0,
                            "ask_busy": 60.0, **access},
        "dahua-cgi": {"url": f"http://127.0.0.1:{gates['dahua-cgi']}", **access},
        "http": {"url": f"http://127.0.0.1:{gates['http']}", "serial": "bench", "secret": SECRET},
    }  # fmt: skip
    lanes = [(name, {"driver": name, **own}) for name, own in settings.items()]
    ready = context.Event()
    folder = tempfile.mkdtemp(prefix="taigan-bench-")
    process = context.Process(target=devices, args=(folder, lanes, ready), daemon=True)
    process.start()
    await asyncio.to_thread(ready.wait, 20)
    fleet = Fleet(sink, SystemClock(), Random(1))
    barriers = {name: fleet.add(LaneKey(LOT, name), own) for name, own in lanes}
    await fleet.start()
    await asyncio.sleep(2.0)
    digest = aiohttp.DigestAuthMiddleware(USER, PASSWORD)
    results: dict[str, Any] = {}
    try:
        async with (
            aiomqtt.Client("127.0.0.1", broker.port) as vzenith,
            aiomqtt.Client("127.0.0.1", broker.port) as plain,
            aiohttp.ClientSession(
                middlewares=(digest,), connector=aiohttp.TCPConnector(force_close=True)
            ) as with_digest,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
        ):
            await vzenith.subscribe("device/bench/message/down/gpio_out/reply")
            await plain.subscribe("bench/lane/reply")
            hikvision = f"http://127.0.0.1:{gates['hikvision-isapi']}/ISAPI/Parking/channels/1/barrierGate"
            dahua = f"http://127.0.0.1:{gates['dahua-cgi']}/cgi-bin/trafficSnap.cgi?action=openStrobe&channel=1"
            order = b"<BarrierGate><ctrlMode>open</ctrlMode></BarrierGate>"
            by_hand: dict[str, Exchange] = {
                "vzenith-mqtt": MqttByHand(vzenith, "device/bench/message/down/gpio_out", "", vzenith_order),
                "mqtt": MqttByHand(plain, "bench/lane/command", "", plain_order),
                "modbus-relay": modbus_by_hand(gates["modbus-relay"]),
                "hikvision-isapi": http_by_hand(with_digest, "PUT", hikvision, order),
                "dahua-cgi": http_by_hand(with_digest, "GET", f"{dahua}&info.openType=Normal"),
                "http": signed_by_hand(session, f"http://127.0.0.1:{gates['http']}"),
            }
            for name, exchange in by_hand.items():
                results[name] = await measure_driver(barriers[name], exchange)
                print(f"{name:16} {json.dumps(results[name])}", flush=True)
    finally:
        await fleet.stop()
        process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return results


async def fleet_of_many(broker: Mosquitto, context: Any, seconds: float) -> dict[str, Any]:
    serials = [f"many-{number}" for number in range(IDLE_LANES)]
    ready = context.Event()
    process = context.Process(target=cameras, args=(broker.port, serials, ready), daemon=True)
    process.start()
    await asyncio.to_thread(ready.wait, 20)
    fleet = Fleet(sink, SystemClock(), Random(1))
    barriers = [
        fleet.add(
            LaneKey(LOT, serial),
            {"driver": "vzenith-mqtt", "broker": f"mqtt://127.0.0.1:{broker.port}", "serial": serial},
        )
        for serial in serials
    ]
    try:
        await fleet.start()
        async with asyncio.timeout(30):
            while not all(barrier.state.online for barrier in barriers):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        clock = SystemClock()
        times: list[float] = []

        async def once(barrier: Barrier, number: int) -> None:
            began = time.perf_counter()
            result = await barrier.open(f"at-once-{number}", clock.now() + timedelta(seconds=5))
            if result.outcome is not Outcome.ACCEPTED:
                raise RuntimeError(result.reason)
            times.append(time.perf_counter() - began)

        for burst in range(5):
            opening = (once(barrier, burst * 1000 + number) for number, barrier in enumerate(barriers[:AT_ONCE]))
            await asyncio.gather(*opening)
        began, used = time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        idle = (time.process_time() - used) / (time.monotonic() - began)
        at_once = {**figures(times), "slowest_ms": round(max(times) * 1000, 1)}
        return {"at_once_200": at_once, "idle_1000_percent_of_a_core": round(idle * 100, 2)}
    finally:
        await fleet.stop()
        process.kill()


async def run(seconds: float) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    broker = Mosquitto()
    try:
        results = {"drivers": await drivers(broker, context), **await fleet_of_many(broker, context, seconds)}
    finally:
        broker.stop()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the idle fleet is watched")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    logging.disable(logging.WARNING)  # aiomqtt counts the commands under way aloud
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(run(chosen.seconds))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "barriers.json").write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps({key: value for key, value in results.items() if key != "drivers"}, indent=2))


if __name__ == "__main__":
    main()
