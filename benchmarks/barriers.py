"""The barriers: from the phone's scan to the command at the device, 200 lanes at once, 1,000 lanes idle.

    python -m benchmarks.barriers [--scans 100] [--seconds 20]

`scan_to_wire` says what is timed and against what. The devices are the emulated ones; the broker is Mosquitto.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.context import SpawnContext
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import aiomqtt
import structlog
import uvloop
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import leash
from benchmarks.ports import free_port
from benchmarks.scan_to_wire import FETCH, Exchange, Street, twins
from taigan.barriers.barrier import Barrier, Event, LaneKey, Outcome
from taigan.barriers.drivers import Fleet
from taigan.clock import SystemClock

RESULTS = Path(__file__).with_name("results")
LOT = "200002-7"
WARM_UP = 5
AT_ONCE = 200
IDLE_LANES = 1000
KEEP_ALIVE = 10.0


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
        self._process = subprocess.Popen(
            [program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        leash.hold(self._process.pid)
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


def figures(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "p50_ms": round(statistics.median(ordered) * 1000, 3),
        "p99_ms": round(ordered[int(len(ordered) * 0.99) - 1] * 1000, 3),
    }


# From scan to wire


async def scans_to_wire(broker: Mosquitto, context: SpawnContext, count: int) -> dict[str, Any]:
    """Every driver's figures. Cameras that fetch their commands are measured beside the others: they mostly wait."""
    folder = Path(tempfile.mkdtemp(prefix="taigan-bench-"))
    street = Street(context, folder, broker.port)
    columns = (TextColumn("{task.description:16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        async with aiohttp.ClientSession() as client, twins(context, folder, broker.port) as exchanges:
            try:
                await street.start(client)
                with Progress(*columns) as progress:
                    steps = {driver: progress.add_task(driver, total=count + WARM_UP) for driver in street.drivers}
                    measured: dict[str, Any] = {}
                    synced: list[float] = []

                    async def in_turns(drivers: list[str]) -> None:
                        taken: dict[str, list[tuple[float, float]]] = {driver: [] for driver in drivers}
                        for _ in range(count + WARM_UP):
                            synced.append(await asyncio.to_thread(fsync, folder))
                            for driver in drivers:
                                taken[driver].append(await once(street, driver, exchanges[driver]))
                                progress.advance(steps[driver])
                        measured.update({driver: compared(pairs[WARM_UP:]) for driver, pairs in taken.items()})

                    at_once = [driver for driver in street.drivers if driver not in FETCH]
                    await asyncio.gather(in_turns(at_once), *(in_turns([driver]) for driver in FETCH))
                drivers = {driver: {**measured[driver], "in_vain": street.in_vain[driver]} for driver in street.drivers}
                return {"scan_to_wire": drivers, "fsync": figures(synced)}
            finally:
                await street.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def once(street: Street, driver: str, by_hand: Exchange) -> tuple[float, float]:
    """Seconds from scan to wire, and of the device's own round trip."""
    began = time.monotonic()
    await by_hand()
    return time.monotonic() - began, await street.scan(driver)


def fsync(folder: Path) -> float:
    """Seconds that the disk takes to make a page durable."""
    with (folder / "page").open("wb") as file:
        file.write(bytes(4096))
        file.flush()
        began = time.monotonic()
        os.fsync(file.fileno())
        return time.monotonic() - began


def compared(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    device, scan = (figures(list(times)) for times in zip(*pairs, strict=True))
    return {
        "scan_to_wire": scan,
        "device_round_trip": device,
        "ratio_p50": round(scan["p50_ms"] / device["p50_ms"], 1),
        "ratio_p99": round(scan["p99_ms"] / device["p99_ms"], 1),
    }


# Many lanes


async def sink(event: Event) -> None:
    """Nobody listens."""


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


async def fleet_of_many(broker: Mosquitto, context: SpawnContext, seconds: float) -> dict[str, Any]:
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


async def run(scans: int, seconds: float) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    broker = Mosquitto()
    began, load = datetime.now(UTC), os.getloadavg()[0]
    try:
        results = {
            **await scans_to_wire(broker, context, scans),
            **await fleet_of_many(broker, context, seconds),
        }
    finally:
        broker.stop()
    where = {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "at": f"{began:%Y-%m-%d %H:%M} UTC",
        "load_at_the_start": round(load, 1),
        "scans": scans,
    }
    return {**results, "where": where}


def table(results: dict[str, Any]) -> str:
    rows = [
        "| driver | scan to wire, p50 | p99 | device's round trip, p50 | p99 | ratio p50 | ratio p99 |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for driver, each in results["scan_to_wire"].items():
        ours, device = each["scan_to_wire"], each["device_round_trip"]
        rows.append(
            f"| {driver} | {ours['p50_ms']:.1f} ms | {ours['p99_ms']:.1f} ms | {device['p50_ms']:.1f} ms "
            f"| {device['p99_ms']:.1f} ms | {each['ratio_p50']} | {each['ratio_p99']} |"
        )
    at_once, disk, where = results["at_once_200"], results["fsync"], results["where"]
    in_vain = sum(each["in_vain"] for each in results["scan_to_wire"].values())
    return "\n".join(
        [
            *rows,
            "",
            f"One fsync of the disk, in turns with them: p50 {disk['p50_ms']:.1f} ms, p99 {disk['p99_ms']:.1f} ms.",
            f"200 lanes at once through one broker, call to outcome: p50 {at_once['p50_ms']:.0f} ms, the slowest "
            f"{at_once['slowest_ms']:.0f} ms.",
            f"1,000 idle lanes in one process: {results['idle_1000_percent_of_a_core']} % of a core.",
            "",
            f"{where['scans']} scans a driver, {in_vain} more led to no command in time.",
            f"{where['cpus']} CPUs, {where['machine']}, Python {where['python']}, "
            f"{where['at']}, load average at the start {where['load_at_the_start']}.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=100, help="scans of each driver that count")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the idle fleet is watched")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    logging.disable(logging.WARNING)  # aiomqtt counts the commands under way aloud
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(run(chosen.scans, chosen.seconds))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "barriers.json").write_text(json.dumps(results, indent=2) + "\n")
    (RESULTS / "barriers.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
