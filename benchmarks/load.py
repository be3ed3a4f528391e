"""The load, in a process of its own: `python -m benchmarks.load`, one JSON order a line in, one JSON result a line out.

It speaks HTTP/1.1 over connections that are kept open and does as little as possible itself, because it shares the
machine with those it measures. Closed loop: every connection sends its next message when it has its answer. Open loop:
messages fall due at an even rate, and their time counts from then on, whether a connection was free or not.

What is sent (`what`): `entry`, by drivers who were never there before; `price`, by those whom the last `entry` let
into the same contestant; `payment`, of what they were told.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable
from itertools import count, cycle, islice
from typing import Any

import uvloop

from benchmarks import scene

_licences = scene.licences(int(time.time() * 10) % 0x8000000)


def request(body: bytes) -> bytes:
    """A message as it goes over the wire."""
    head = b"POST /bolink HTTP/1.1\r\nHost: lot\r\nContent-Type: application/json\r\nContent-Length: "
    return head + b"%d\r\n\r\n%b" % (len(body), body)


class Connection(asyncio.Protocol):
    """One kept connection. `free` is called when it can send again, `lost` when it never will."""

    def __init__(
        self,
        free: Callable[[Connection], None],
        done: Callable[[float, bytes], None],
        lost: Callable[[Connection], None],
    ) -> None:
        self._free = free
        self._done = done
        self._lost = lost
        self._since = 0.0
        self._got = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, request: bytes, since: float) -> None:
        self._since = since
        self._got = b""
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        got = self._got = self._got + data if self._got else data
        head = got.find(b"\r\n\r\n")
        if head < 0:
            return
        at = got.lower().find(b"content-length:", 0, head)
        if len(got) < head + 4 + int(got[at + 15 : got.index(b"\r\n", at)]):
            return
        since, self._since = self._since, 0.0
        self._done(since, got)
        self._free(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._since:
            self._done(self._since, b"lost")
            self._since = 0.0
        self._lost(self)


class Load:
    """Sends messages to one address."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[Connection] = []
        self._opened = 0
        self._due: deque[tuple[bytes, float]] = deque()
        self._left = 0
        self._seconds: list[float] = []
        self._answers: dict[str, int] = {}
        self._over = asyncio.Event()
        self._heard: Callable[[bytes], bool] | None = None

    async def open(self, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, protocol = await loop.create_connection(
                lambda: Connection(self._free, self._done, self._lost), self._host, self._port
            )
            self._opened += 1
            self._idle.append(protocol)

    def close(self) -> None:
        for connection in self._idle:
            connection._since = 0.0
            connection.transport.close()
        self._idle.clear()

    async def run(
        self, bodies: list[bytes], rate: float, heard: Callable[[bytes], bool] | None = None
    ) -> dict[str, Any]:
        """Send all; at `rate` a second, or as fast as answers come for 0. `heard` says of each answer if it will do."""
        requests = [request(body) for body in bodies]
        self._left, self._seconds, self._answers, self._heard = len(requests), [], {}, heard
        self._over.clear()
        began = time.perf_counter()
        if rate:
            pacing = asyncio.create_task(self._pace(requests, rate))
        else:
            self._due.extend((request, 0.0) for request in requests)
            while self._idle and self._due:
                self._free(self._idle.pop())
            self._give_up()
        await self._over.wait()
        took = time.perf_counter() - began
        if rate:
            await pacing
        return {"seconds": took, "latencies": self._seconds, "answers": self._answers}

    async def _pace(self, requests: list[bytes], rate: float) -> None:
        began = time.perf_counter()
        for number, request in enumerate(requests):
            due = began + number / rate
            if (wait := due - time.perf_counter()) > 0.0005:
                await asyncio.sleep(wait)
            self._due.append((request, due))
            if self._idle:
                self._free(self._idle.pop())
            self._give_up()

    def _free(self, connection: Connection) -> None:
        if self._due:
            request, since = self._due.popleft()
            connection.send(request, since or time.perf_counter())
        else:
            self._idle.append(connection)

    def _lost(self, connection: Connection) -> None:
        self._opened -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        self._give_up()

    def _give_up(self) -> None:
        """When no connection is left, whatever is due is lost as well: else it would be waited for."""
        while self._due and not self._opened:
            self._done(self._due.popleft()[1] or time.perf_counter(), b"lost")

    def _done(self, since: float, answer: bytes) -> None:
        self._seconds.append(time.perf_counter() - since)
        will_do = b'"state":1' in answer and (self._heard is None or self._heard(answer))
        kind = "done" if will_do else answer[:12].decode("latin1") + answer[-200:].decode("utf8", "replace")
        self._answers[kind] = self._answers.get(kind, 0) + 1
        self._left -= 1
        if not self._left:
            self._over.set()


class Drivers:
    """Those whom one contestant let in, and what they were told."""

    def __init__(self) -> None:
        self._inside: list[scene.Car] = []
        self._asking: dict[str, scene.Car] = {}
        self._told: list[scene.Asked] = []

    async def send(self, load: Load, what: str, lanes: list[tuple[str, str]], rate: float) -> dict[str, Any]:
        """Carry out an order."""
        if what == "entry":
            self._inside = [scene.Car(*lane, next(_licences)) for lane in lanes]
            return await load.run(scene.entries(self._inside), rate)
        if what == "price":
            self._asking = {f"Q{next(_numbers):020d}": scene.at_exit(car) for car in self._inside}
            self._told = []
            return await load.run(scene.prices(list(self._asking.values()), list(self._asking)), rate, self._note)
        return await load.run(scene.payments(self._told), rate)

    def _note(self, answer: bytes) -> bool:
        number, order_id, price = (found[1].decode() if (found := one.search(answer)) else "" for one in _TOLD)
        if number not in self._asking or price in ("", "0.00"):
            return False
        self._told.append(scene.Asked(self._asking.pop(number), order_id, price))
        return True


_numbers = count(time.time_ns())
_TOLD = [re.compile(b'"%b": ?"([^"]*)"' % name) for name in (b"query_order_no", b"order_id", b"price")]


async def main() -> None:
    load: Load | None = None
    loop = asyncio.get_running_loop()
    drivers: dict[int, Drivers] = {}
    for _ in count():
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line:
            return
        order = json.loads(line)
        if "connect" in order:
            if load is not None:
                load.close()
            load = Load(*order["connect"])
            await load.open(order["connections"])
            those = drivers.setdefault(order["connect"][1], Drivers())
            result: dict[str, Any] = {}
        else:
            assert load is not None
            lanes = list(islice(cycle(scene.LANES), order.get("messages", len(scene.LANES))))
            result = await those.send(load, order.get("what", "entry"), lanes, order.get("rate", 0.0))
            latencies = sorted(result.pop("latencies"))
            result["p50"] = statistics.median(latencies)
            result["p99"] = latencies[int(len(latencies) * 0.99)]
            result["all"] = [round(x, 6) for x in latencies] if order.get("all") else []
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
