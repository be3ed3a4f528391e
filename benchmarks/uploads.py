"""How fast one process carries a queue to BoLink, each of 200 lots within its pace: `python -m benchmarks.uploads`.

The queue lies in the database when the platform starts. BoLink's side is a bare socket server in this process; it
answers after `--latency` seconds and notes when each lot's uploads came.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import sys
import tempfile
from collections import defaultdict, deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import contestants, scene
from benchmarks.postgres import server
from benchmarks.side_by_side import RESULTS
from taigan.lot.setup import LaneSetup, LotSetup, VendorSetup, seed
from taigan.storage.changes import Changes
from taigan.storage.database import open_database
from taigan.storage.rows import Delivery

PARK = re.compile(rb'"park_id":"(\d+)"')
ORDER = re.compile(rb'"order_id":"(\w+)"')


class Bolink(asyncio.Protocol):
    """BoLink's side of one connection."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._got = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", self._got[:head].lower()) if head >= 0 else None
        if length is None or len(self._got) < head + 4 + int(length[1]):
            return
        body, self._got = self._got[head + 4 :], b""
        park, order = PARK.search(body), ORDER.search(body)
        text = b'{"state":1,"code_url":"http://127.0.0.1/x","type":3,"errmsg":"ok"}'
        if park is not None and order is not None:
            self._sink.came(park[1])
            text = b'{"state":1,"order_id":"%b","errmsg":"ok"}' % order[1]
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: application/json\r\n\r\n%b" % (
            len(text),
            text,
        )
        asyncio.get_running_loop().call_later(self._sink.latency, self._transport.write, answer)


class Sink:
    """What BoLink got."""

    def __init__(self, latency: float, expected: int) -> None:
        self.latency = latency
        self.expected = expected
        self.total = 0
        self.first = self.last = 0.0
        self.most_in_a_second = 0
        self.over = asyncio.Event()
        self._recent: dict[bytes, deque[float]] = defaultdict(deque)

    def came(self, park: bytes) -> None:
        now = asyncio.get_running_loop().time()
        self.first = self.first or now
        self.last = now
        self.total += 1
        recent = self._recent[park]
        recent.append(now)
        while recent[0] <= now - 1.0:
            recent.popleft()
        self.most_in_a_second = max(self.most_in_a_second, len(recent))
        if self.total >= self.expected:
            self.over.set()


async def measure(url: str, folder: Path, each: int, latency: float, workers: int) -> dict[str, float]:
    """Fill the queue, start the platform, count."""
    lanes = [LaneSetup(channel_id="A1", confirm="accepted", barrier={"driver": "instant"})]
    lots = [LotSetup(union_id=scene.UNION_ID, park_id=park, spaces=scene.SPACES, lanes=lanes) for park in scene.PARKS]
    now = datetime.now(UTC)
    changes = Changes()
    for number in range(each):
        for park in scene.PARKS:
            order_id = f"{now:%Y%m%d%H%M%S}_{park}_{number}"
            payload = {
                "car_number": "0000000",
                "in_time": int(now.timestamp()),
                "order_id": order_id,
                "empty_plot": 1000,
                "park_id": park,
                "union_id": int(scene.UNION_ID),
                "car_cost_type": 4,
                "in_channel_id": "A1",
            }
            text = json.dumps(payload, separators=(",", ":"))
            changes.deliveries.append(Delivery(scene.lot_id(park), order_id, "3.1", text, "pending", 0, now, now))
    database = await open_database(url)
    await database.write(lambda conn: seed(conn, [VendorSetup(union_id=scene.UNION_ID, key=scene.KEY)], lots, now))
    await database.write(changes.write)
    await database.close()

    sink = Sink(latency, each * len(scene.PARKS))
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Bolink(sink), "127.0.0.1", 0)
    hub = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    one = contestants.taigan("uploads", url, folder, workers, hub=hub)
    await asyncio.to_thread(one.start, folder)
    one.go_on()
    try:
        async with asyncio.timeout(300):
            await sink.over.wait()
    finally:
        one.stop()
        listening.close()
    return {
        "uploads": sink.total,
        "a_second": (sink.total - len(scene.PARKS)) / (sink.last - sink.first),
        "most_of_a_lot_in_a_second": sink.most_in_a_second,
        "workers": workers,
        "answer_after_seconds": latency,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--each", type=int, default=60, help="uploads of each lot")
    arguments.add_argument("--latency", type=float, default=0.02)
    chosen = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="taigan-bench-"))
    found: dict[str, dict[str, float]] = {}
    try:
        with server() as postgres:
            for name in ("one", "two"):
                postgres.run("createdb", name)
            for name, url, workers in [
                ("sqlite", f"sqlite:///{folder}/uploads.sqlite3", 1),
                ("postgresql", postgres.url("one"), 1),
                ("postgresql 2 workers", postgres.url("two"), 2),
            ]:
                found[name] = uvloop.run(measure(url, folder, chosen.each, chosen.latency, workers))
                print(f"{name}: {found[name]}")
        (RESULTS / "uploads.json").write_text(json.dumps(found, indent=2) + "\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
