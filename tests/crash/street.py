"""Five lots with five lanes each under fire: the processes, the drivers, and the books that must agree afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from support.clock import PATIENCE
from support.servers.ports import free_port
from support.stacks.stack import eventually
from taigan.bolink import sign
from taigan.lot.texts import BUSY

UNION_ID = 200002
KEY = "crash-test-key-0001"
TOKEN = "crash-test-token-0001"
LOTS = tuple(f"{UNION_ID}-{number}" for number in range(1, 6))
LANES = ("A1", "A2", "A3", "A4", "A5")
SPACES = 100_000
AS_TEST = {"Authorization": f"Bearer {TOKEN}"}
BY = {"operator": "crash test", "reason": "clean up"}


@dataclass
class Round:
    """One round's messages and what was answered."""

    bodies: dict[str, bytes] = field(default_factory=dict)  # licence -> message
    told: dict[str, int] = field(default_factory=dict)  # licence -> state, where an answer arrived
    answers: dict[str, bytes] = field(default_factory=dict)
    slowest: float = 0.0  # seconds until the last answer
    in_flight: int = 0  # messages without an answer when the process died

    def add(self, other: Round) -> None:
        """Take another round's messages and answers in."""
        self.bodies |= other.bodies
        self.told |= other.told
        self.answers |= other.answers
        self.slowest = max(self.slowest, other.slowest)


class Street:
    """`taigan hub`, `taigan lanes` and `taigan lot` as processes, on one folder. Each of `lots` is a `taigan lot`."""

    lot_ids: Sequence[str] = LOTS
    channels: Mapping[str, str] = {channel_id: "entry" for channel_id in LANES}
    """Each lot's lanes, and which way they lead."""
    rules = ""
    """More of the lot platform's settings."""
    hub_rules = ""

    def __init__(
        self,
        folder: Path,
        database_url: str = "",
        environment: Mapping[str, str] | None = None,
        lots: Sequence[str] = ("lot",),
    ) -> None:
        self.folder = folder
        self.lots = lots
        self.database_url = database_url
        self.counts: Counter[str] = Counter()
        self._environment = {**os.environ, "SSL_CERT_FILE": os.devnull, **(environment or {})}
        self._ports = {part: free_port() for part in (*lots, "hub", "lanes")}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._journal_read = 0
        self._licences = 0
        self._client: aiohttp.ClientSession | None = None

    async def start(self, options: Sequence[str] = (), **environment: str) -> None:
        """Start everything, the lot platforms with these options; returns when each of them sees all its lanes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "taigan.toml").write_text(self._settings())
        connector = aiohttp.TCPConnector(limit=0)
        self._client = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=PATIENCE))
        try:
            await self.start_part("hub")
            await self.start_part("lanes")
            starting = (self.start_lot(name=name, options=options, **environment) for name in self.lots)
            await asyncio.gather(*starting)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End whatever runs."""
        if self._client is not None:
            await self._client.close()
        for part in list(self._running):
            await self.kill(part)

    async def start_part(self, part: str, *options: str, **environment: str) -> None:
        """Start one process; returns at once."""
        command = "lot" if part in self.lots else part
        with (self.folder / f"{part}.log").open("ab") as log:
            self._running[part] = await asyncio.create_subprocess_exec(
                *[
                    sys.executable,
                    "-X",
                    "taigan_tests",
                    "-m",
                    "taigan",
                    command,
                    "--config",
                    str(self.folder / "taigan.toml"),
                    *options,
                ],
                env={**self._environment, f"TAIGAN_{command.upper()}_PORT": str(self._ports[part]), **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def start_lot(
        self, die_at: str = "", *, name: str = "lot", options: Sequence[str] = (), **environment: str
    ) -> None:
        """Start a lot platform; returns when it sees all its lanes."""
        if die_at:
            environment["TAIGAN_TEST_DIE_AT"] = die_at
        await self.start_part(name, *options, **environment)
        await eventually(lambda: self.lot_is_up(name), 120)

    async def kill(self, part: str) -> None:
        """SIGKILL a process, whether it still runs or not."""
        process = self._running.pop(part)
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.wait_for(process.wait(), PATIENCE)

    def signal(self, part: str, how: signal.Signals) -> None:
        """Send a signal to a process, and to no child of it."""
        self._running[part].send_signal(how)

    async def ended(self, part: str) -> int:
        """The exit code of a process that ends by itself."""
        return await asyncio.wait_for(self._running[part].wait(), PATIENCE)

    def pid(self, part: str) -> int:
        """The process id of a part."""
        return self._running[part].pid

    async def faults(self, *faults: dict[str, Any]) -> None:
        """Put these faults in force at the hub, in place of all before."""
        response = await self.put("/admin/faults", side="hub", faults=list(faults))
        assert response == 200

    async def died(self, part: str, within: float) -> bool:
        """Whether a process ends by itself within that many seconds."""
        try:
            await asyncio.wait_for(self._running[part].wait(), within)
        except TimeoutError:
            return False
        return True

    def messages(self, each_lane: int) -> Round:
        """New drivers' messages, so many for every lane."""
        this = Round()
        for lot_id in LOTS:
            for channel_id in LANES:
                for _ in range(each_lane):
                    self._licences += 1
                    licence = f"K{self._licences:06d}"
                    this.bodies[licence] = _message(lot_id, channel_id, licence)
        return this

    async def cars(self, what: str) -> None:
        """The same for every lane, at once. A lane that has no such car is left alone."""
        await asyncio.gather(*(self._car(lot_id, channel_id, what) for lot_id in LOTS for channel_id in LANES))

    async def modes(self, mode: str, lots: Sequence[str] = LOTS) -> None:
        """Put every lane of these lots into a mode."""
        assert self._client is not None
        for lot_id in lots:
            for channel_id in LANES:
                url = f"{self.url('lanes')}/lots/{lot_id}/lanes/{channel_id}"
                async with self._client.put(url, json={"mode": mode}) as response:
                    assert response.status == 200

    async def arms_are_up(self) -> None:
        """Return when every arm is open."""
        await eventually(lambda: self._arms("open"))

    async def arms_down(self) -> bool:
        """Whether every arm is closed."""
        return await self._arms("closed")

    async def _arms(self, position: str) -> bool:
        return all(lane["barrier"] == position for lane in (await self.get("/lanes", side="lanes"))["items"])

    async def ask(self, this: Round, *, chance: random.Random, at: Sequence[str] = ()) -> None:
        """Send every message of the round at once, in any order; those that get no answer stay unanswered.

        `at` names the lot platforms that get them by turns; by default the first.
        """
        licences = list(this.bodies)
        chance.shuffle(licences)
        sides = at or self.lots[:1]
        await asyncio.gather(*(self._ask(this, licence, sides[i % len(sides)]) for i, licence in enumerate(licences)))
        this.in_flight = len(this.bodies) - len(this.told)

    async def settle(self) -> None:
        """Cars leave as they can, the attendant sends the rest away; returns when nothing waits and nothing is owed."""
        await self.cars("leaves")
        await eventually(self._nothing_waits)
        await eventually(self._nothing_is_owed, 120)  # what failed is tried again after up to 30 s
        await eventually(self._arms_are_down)

    async def none_waits_of(self, licences: set[str]) -> bool:
        """Whether none of these drivers has an order that waits."""
        waiting = {
            order["car_number"]
            for lot_id in LOTS
            for order in await self.items(f"/api/v1/lots/{lot_id}/orders", state="waiting")
        }
        return not waiting & licences

    async def check(self, this: Round) -> None:
        """Compare what drivers were told, orders, lifts, spaces, the lanes' journal and what BoLink has."""
        for lot_id in LOTS:
            orders = {order["order_id"]: order for order in await self.items(f"/api/v1/lots/{lot_id}/orders")}
            entries = {entry["order_id"]: entry for entry in await self.items("/admin/entries", lot_id=lot_id)}
            exits = {exit_["order_id"] for exit_ in await self.items("/admin/exits", lot_id=lot_id)}
            went_back = {
                car["presence_id"]
                for car in await self.items(f"/api/v1/lots/{lot_id}/passes")
                if car["how"] == "backed_out"
            }
            by_licence: dict[str, list[dict[str, Any]]] = {}
            for order in orders.values():
                by_licence.setdefault(order["car_number"], []).append(order)

            for licence, state in this.told.items():
                of_driver = [order for order in by_licence.get(licence, ()) if order["lot_id"] == lot_id]
                if state == 1 and of_driver:
                    (order,) = of_driver
                    reversed_ = order["state"] == "void" and order["presence_id"] in went_back
                    assert order["state"] == "in" or reversed_, f"told 1, but {order}"
                    self.counts["told 1 and in"] += 1
                if state == 0:
                    assert all(order["state"] == "void" for order in of_driver), f"told 0, but {of_driver}"
            for order in orders.values():
                if order["state"] == "in":
                    assert order["order_id"] in entries, f"in, but not at BoLink: {order}"
                if order["state"] == "void" and order["order_id"] in entries:
                    assert order["order_id"] in exits, f"void, but an entry in effect at BoLink: {order}"
            assert set(entries) <= set(orders), "an entry at BoLink without an order"

            lot = await self.get(f"/api/v1/lots/{lot_id}")
            passes = [p for p in await self.items(f"/api/v1/lots/{lot_id}/space_changes") if p["cause"] == "pass"]
            live = sum(order["state"] in ("in", "waiting") for order in orders.values())
            assert lot["spaces_free"] == SPACES - live - len(passes), f"{lot_id}: spaces do not add up"
            self.counts["spaces agree"] += 1
        await self._check_journal()

    async def told_1_have_orders(self, this: Round) -> None:
        """Every driver who was told 1 has an order in some lot."""
        known: set[str] = set()
        for lot_id in LOTS:
            known |= {order["car_number"] for order in await self.items(f"/api/v1/lots/{lot_id}/orders")}
        lost = {licence for licence, state in this.told.items() if state == 1} - known
        assert not lost, f"told 1, and no order: {sorted(lost)}"

    async def _check_journal(self) -> None:
        lifts: dict[str, dict[str, Any]] = {}
        for lot_id in LOTS:
            for lift in await self.items(f"/api/v1/lots/{lot_id}/lifts"):
                lifts[lift["lift_id"]] = lift
        moved: Counter[str] = Counter()
        for line in (self.folder / "lanes.jsonl").read_text().splitlines():
            if line and '"arm":"rising"' in line:
                moved[json.loads(line)["command"]] += 1
        for lift_id, times in moved.items():
            assert times == 1, f"{lift_id} raised the arm {times} times"
            lift = lifts.get(lift_id)
            assert lift is not None, f"the arm rose for {lift_id}, of which there is no row"
            assert lift["order_id"] or lift["actor"], f"a lift for nobody: {lift}"
        self.counts["lifts with a row"] = len(moved)

    def count(self, this: Round) -> None:
        """Count what a round was told."""
        self.counts["messages"] += len(this.bodies)
        for state in this.told.values():
            self.counts[f"told {state}"] += 1
        self.counts["slowest answer, ms"] = max(self.counts["slowest answer, ms"], round(this.slowest * 1000))

    def taken_counts(self) -> dict[str, int]:
        """The counts so far, which begin anew."""
        counts, self.counts = self.counts, Counter()
        return dict(counts)

    async def ask_again(self, this: Round, *, chance: random.Random, at: Sequence[str] = ()) -> None:
        """Send every message again: who was answered gets the same, and who got 2 perhaps what it has become.

        Of those who were told that the system is busy nothing was kept: BoLink does not send their messages again.
        """
        busy = {licence for licence, answer in this.answers.items() if BUSY in answer.decode()}
        again = Round({licence: body for licence, body in this.bodies.items() if licence not in busy})
        before = {licence: state for licence, state in this.told.items() if licence not in busy}
        await self.ask(again, chance=chance, at=at)
        this.told |= again.told
        this.answers |= again.answers
        this.slowest = max(this.slowest, again.slowest)
        for licence, state in before.items():
            assert this.told[licence] == state or state == 2, f"{licence} was told {state}, now {this.told[licence]}"

    async def tell(self, body: bytes, side: str = "") -> bytes:
        """Send one message to a lot platform; its answer."""
        assert self._client is not None
        async with self._client.post(self.url(side or self.lots[0]) + "/bolink", data=body) as response:
            return await response.read()

    async def _ask(self, this: Round, licence: str, side: str) -> None:
        began = time.monotonic()
        try:
            answer = await self.tell(this.bodies[licence], side)
            this.told[licence] = int(json.loads(answer)["state"])
            this.answers[licence] = answer
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return
        this.slowest = max(this.slowest, time.monotonic() - began)

    async def _car(self, lot_id: str, channel_id: str, what: str) -> None:
        assert self._client is not None
        url = f"{self.url('lanes')}/lots/{lot_id}/lanes/{channel_id}"
        async with self._client.put(url, json={"car": what}) as response:
            await response.read()

    async def lot_is_up(self, name: str = "lot") -> bool:
        """Whether a lot platform answers and sees all its lanes. Raises AssertionError when it has ended."""
        if self._running[name].returncode is not None:
            raise AssertionError(f"the lot ended: {(self.folder / f'{name}.log').read_text()[-3000:]}")
        try:
            for lot_id in self.lot_ids:
                lanes = await self.items(f"/api/v1/lots/{lot_id}/lanes", name)
                if len(lanes) != len(self.channels) or not all(lane["barrier"]["online"] for lane in lanes):
                    return False
        except (aiohttp.ClientError, TimeoutError, KeyError):
            return False
        return True

    async def _nothing_waits(self) -> bool:
        waiting = 0
        for lot_id in LOTS:
            for order in await self.items(f"/api/v1/lots/{lot_id}/orders", state="waiting"):
                waiting += 1
                await self.post(f"/api/v1/lots/{lot_id}/lanes/{order['channel_id']}/refuse", **BY)
        return waiting == 0

    async def _nothing_is_owed(self) -> bool:
        for lot_id in self.lot_ids:
            for state in ("pending", "sending"):
                if await self.items(f"/api/v1/lots/{lot_id}/deliveries", state=state):
                    return False
        return True

    async def _arms_are_down(self) -> bool:
        lanes = (await self.get("/lanes", side="lanes"))["items"]
        for lane in lanes:
            if lane["car"] is not None:
                await self._car(lane["lot_id"], lane["channel_id"], "leaves")
            elif lane["barrier"] == "open":
                await self.post(f"/api/v1/lots/{lane['lot_id']}/lanes/{lane['channel_id']}/close", **BY)
        return all(lane["barrier"] == "closed" and lane["car"] is None for lane in lanes)

    async def items(self, path: str, side: str = "", **query: Any) -> list[dict[str, Any]]:
        """Every item of a list."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            page = await self.get(path, side, limit=1000, **query, **cursor)
            found.extend(page["items"])
            if not page.get("next"):
                return found
            cursor = {"cursor": page["next"]}

    async def get(self, path: str, side: str = "", **query: Any) -> dict[str, Any]:
        """What an address says: the hub's for `/admin…`, else by default the first lot platform's."""
        assert self._client is not None
        async with self._client.get(self.url(side, path), params=query, headers=AS_TEST) as response:
            body: dict[str, Any] = await response.json(content_type=None)
            assert response.status == 200, f"{path}: {response.status} {body}"
            return body

    async def post(self, path: str, side: str = "", **body: Any) -> int:
        """Ask for something by POST; the status."""
        assert self._client is not None
        async with self._client.post(self.url(side, path), json=body, headers=AS_TEST) as response:
            await response.read()
            return response.status

    async def put(self, path: str, side: str = "", **body: Any) -> int:
        """Ask for something by PUT; the status."""
        assert self._client is not None
        async with self._client.put(self.url(side, path), json=body, headers=AS_TEST) as response:
            await response.read()
            return response.status

    def url(self, side: str, path: str = "") -> str:
        """Where a part, by default the one that knows the path, answers."""
        side = side or ("hub" if path.startswith("/admin") else self.lots[0])
        return f"http://127.0.0.1:{self._ports[side]}{path}"

    def _settings(self) -> str:
        lots = "".join(
            f'[[lots]]\nunion_id = {UNION_ID}\npark_id = "{lot_id.partition("-")[2]}"\nspaces = {SPACES}\n'
            + "".join(
                f'[[lots.lanes]]\nchannel_id = "{channel_id}"\ndirection = "{direction}"\n'
                for channel_id, direction in self.channels.items()
            )
            for lot_id in self.lot_ids
        )
        return f"""
data_dir = "."
[lot]
port = {self._ports[self.lots[0]]}
hub_url = "{self.url("hub")}"
database_url = "{self.database_url}"
api_tokens = {{ test = "{TOKEN}" }}
presence_grace = 0.3
upload_timeout = 2
barrier_timeout = 2
retry_after = [0.2, 0.5, 1]
retry_every = 2
{self.rules}
[hub]
port = {self._ports["hub"]}
admin_token = "{TOKEN}"
{self.hub_rules}
[lanes]
port = {self._ports["lanes"]}
travel_time = 0.05
[[vendors]]
union_id = {UNION_ID}
key = "{KEY}"
{lots}
"""


def _message(lot_id: str, channel_id: str, licence: str) -> bytes:
    data = {
        "car_number": licence,
        "service_name": "nolicence_in_park",
        "park_id": lot_id.partition("-")[2],
        "union_id": UNION_ID,
        "timetemp": int(time.time()),
        "channel_id": channel_id,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f'{{"data":{text},"sign":"{sign(text.encode(), KEY)}"}}'.encode()
