"""What a long life and trouble cost: `python -m benchmarks.long_life [workers|held|memory|arm|failover …]`.

- `workers`: the median answer at half of one worker's rate, with one, two and four workers.
- `held`: the other lots' p99 while somebody holds one lot's row, against the p99 while nobody does.
- `memory`: what the process holds after some entries and after many (`--entries`).
- `arm`: what the transaction of an arm's event takes in a lot with many past orders (`--orders`) and in an empty one.
- `failover`: seconds until the next driver is let in after every session with PostgreSQL went silent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa

from benchmarks import scene
from benchmarks.contestants import Contestant, Load, taigan
from benchmarks.postgres import Postgres, server
from taigan.storage import tables as t
from taigan.storage.database import Database, open_database
from taigan.storage.locked import facts

CONNECTIONS = 64


@contextmanager
def serving(postgres: Postgres, folder: Path, name: str, workers: int = 1, url: str = "") -> Iterator[Contestant]:
    """`taigan lot` on a database of its own."""
    if not url:
        postgres.run("createdb", name)
        url = postgres.url(name)
    contestant = taigan("postgresql", url, folder, workers, name)
    contestant.start(folder)
    contestant.go_on()
    try:
        yield contestant
    finally:
        contestant.stop()


def lap(load: Load, contestant: Contestant, messages: int, rate: float = 0.0) -> dict[str, Any]:
    """So many entries into empty lanes."""
    contestant.next_cars()
    load(connect=["127.0.0.1", contestant.port], connections=CONNECTIONS)
    return load(messages=messages, rate=rate)


def workers(postgres: Postgres, folder: Path, load: Load, arguments: argparse.Namespace) -> dict[str, Any]:
    medians: dict[str, float] = {}
    rate = 0.0
    for count in (1, 2, 4):
        with serving(postgres, folder, f"workers_{count}", count) as contestant:
            for _ in range(2):
                found = lap(load, contestant, arguments.messages)
            rate = rate or arguments.messages / found["seconds"] / 2
            laps = [lap(load, contestant, arguments.messages, rate)["p50"] for _ in range(arguments.laps)]
            medians[str(count)] = statistics.median(laps)
    worst = max(medians.values()) / medians["1"]
    return {"rate": rate, "median_seconds": medians, "worst_of_one_workers": worst, "target": 1.5}


def held(postgres: Postgres, folder: Path, load: Load, arguments: argparse.Namespace) -> dict[str, Any]:
    with serving(postgres, folder, "held") as contestant:
        lap(load, contestant, arguments.messages)
        rate = arguments.messages / lap(load, contestant, arguments.messages)["seconds"] / 2
        free = statistics.median(lap(load, contestant, arguments.messages, rate)["p99"] for _ in range(arguments.laps))
        seen = []
        for _ in range(arguments.laps):
            contestant.next_cars()
            load(connect=["127.0.0.1", contestant.port], connections=CONNECTIONS)
            with holding(postgres.url("held"), scene.lot_id(scene.PARKS[0])):
                found = load(messages=arguments.messages, rate=rate, all=True)
            lanes = sum(park == scene.PARKS[0] for park, _ in scene.LANES)
            others = found["all"][: len(found["all"]) - lanes * arguments.messages // len(scene.LANES)]
            seen.append(others[int(len(others) * 0.99)])
    p99 = statistics.median(seen)
    return {"p99_free": free, "p99_of_others_while_one_is_held": p99, "ratio": p99 / free, "target": 1.5}


@contextmanager
def holding(url: str, lot_id: str) -> Iterator[None]:
    """Somebody holds a lot's row."""
    done, ready = threading.Event(), threading.Event()

    async def hold() -> None:
        conn = await asyncpg.connect(url)
        await conn.execute("BEGIN")
        await conn.execute("SELECT 1 FROM lots WHERE lot_id = $1 FOR UPDATE", lot_id)
        ready.set()
        await asyncio.to_thread(done.wait)
        await conn.close()

    thread = threading.Thread(target=asyncio.run, args=(hold(),))
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        done.set()
        thread.join()


def memory(postgres: Postgres, folder: Path, load: Load, arguments: argparse.Namespace) -> dict[str, Any]:
    with serving(postgres, folder, "memory") as contestant:
        some = max(arguments.entries // 100, 1000)
        done = 0
        first = 0.0
        while done < arguments.entries:
            lap(load, contestant, len(scene.LANES))
            done += len(scene.LANES)
            if not first and done >= some:
                first = resident(contestant)
        last = resident(contestant)
    return {"entries": [some, done], "resident_mb": [first, last], "ratio": last / first, "target": 1.1}


def resident(contestant: Contestant) -> float:
    """Megabytes in memory."""
    assert contestant.process is not None
    status = Path(f"/proc/{contestant.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def arm(postgres: Postgres, folder: Path, load: Load, arguments: argparse.Namespace) -> dict[str, Any]:
    postgres.run("createdb", "arm")
    urls = {"sqlite": f"sqlite:///{folder / 'arm.sqlite3'}", "postgresql": postgres.url("arm")}
    return {engine: asyncio.run(arm_on(url, arguments.orders)) | {"target": 1.2} for engine, url in urls.items()}


async def arm_on(url: str, orders: int) -> dict[str, float]:
    database = await open_database(url, unhurried=True)
    now = datetime.now(UTC)

    def set_up(conn: sa.Connection) -> None:
        conn.execute(sa.insert(t.vendors), {"union_id": "1", "name": ""})
        for park in ("full", "empty"):
            lot = {"lot_id": f"1-{park}", "union_id": "1", "park_id": park, "spaces": 1, "spaces_free": 1}
            conn.execute(sa.insert(t.lots), lot)
            lane = {"lot_id": f"1-{park}", "channel_id": "A1", "direction": "entry", "confirm": "accepted"}
            conn.execute(sa.insert(t.lanes), {**lane, "barrier": {}})

    await database.write(set_up)
    past = {"lot_id": "1-full", "channel_id": "A1", "origin": "scan", "state": "out", "waiting_for": ""}
    for first in range(0, orders, 10_000):
        rows = [
            {**past, "order_id": str(n), "licence": str(n), "requested_at": now}
            for n in range(first, min(first + 10_000, orders))
        ]
        await database.write(lambda conn: conn.execute(sa.insert(t.orders), rows))  # noqa: B023
    took = {park: await event_takes(database, f"1-{park}") for park in ("empty", "full", "empty", "full")}
    await database.close()
    return {"empty_ms": took["empty"], "full_ms": took["full"], "ratio": took["full"] / took["empty"]}


async def event_takes(database: Database, lot_id: str) -> float:
    """Milliseconds, in the median, of what an arm's report looks at."""

    def look(conn: sa.Connection) -> None:
        facts.lock(conn, [lot_id])
        facts.waiting_in(conn, lot_id, "A1")

    seconds = []
    for _ in range(500):
        began = time.perf_counter()
        await database.write(look)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1000


def failover(postgres: Postgres, folder: Path, load: Load, arguments: argparse.Namespace) -> dict[str, Any]:
    postgres.run("createdb", "failover")
    with a_way(str(postgres.folder / ".s.PGSQL.5432")) as way:
        url = f"postgresql://taigan@127.0.0.1:{way.port}/failover"
        with serving(postgres, folder, "failover", url=url) as contestant:
            lap(load, contestant, 200)
            contestant.next_cars()
            load(connect=["127.0.0.1", contestant.port], connections=CONNECTIONS)
            way.go_silent()
            began = time.monotonic()
            while not load(messages=1)["answers"].get("done"):
                pass
            return {"seconds_until_the_next_1": time.monotonic() - began, "target": 5}


class Way:
    """Passes bytes on between TCP and the server's socket; what is open can be made silent."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: set[Any] = set()
        self._silent: set[Any] = set()
        self.port = 0
        self.ready, self.done = threading.Event(), threading.Event()

    def go_silent(self) -> None:
        """Nothing more is heard on what is open now."""
        self._silent |= self._open

    async def run(self) -> None:
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        self.ready.set()
        await asyncio.to_thread(self.done.wait)
        listening.close()
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._path)
        self._open |= {writer, back}
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer), return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            if writer not in self._silent:
                writer.write(piece)
        if writer not in self._silent:
            writer.close()


@contextmanager
def a_way(path: str) -> Iterator[Way]:
    """A way to the server, from another thread."""
    way = Way(path)
    thread = threading.Thread(target=asyncio.run, args=(way.run(),))
    thread.start()
    way.ready.wait()
    try:
        yield way
    finally:
        way.done.set()
        thread.join()


MEASURED = {"workers": workers, "held": held, "memory": memory, "arm": arm, "failover": failover}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=list(MEASURED), help="which of them; all without a name")
    parser.add_argument("--messages", type=int, default=1000, help="in one lap, 1000 at most")
    parser.add_argument("--laps", type=int, default=5)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=500_000)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="taigan-long-life-"))
    load = Load()
    try:
        with server() as postgres:
            for what in arguments.what:
                print(what, json.dumps(MEASURED[what](postgres, folder, load, arguments)), flush=True)
    finally:
        load.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
