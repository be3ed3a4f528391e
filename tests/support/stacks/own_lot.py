"""taigan's own lot platform with simulated lanes, as processes, and the hook through which the kit sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from support.clock import PATIENCE
from support.servers.ports import free_port
from support.stacks.stack import STARTS_WITHIN, Lane, Side, eventually
from taigan.conformance.catalogue import PROFILES
from taigan.conformance.plan import Plan
from taigan.conformance.run import Run
from taigan.lot.setup import LotSetup, VendorSetup, seed
from taigan.storage.database import open_database
from taigan.storage.locked import passes
from taigan.storage.setup import price_lists
from taigan.storage.setup.price_lists import PriceListRow

KEY = "the key of taigan's own lot"
UNION, PARK = 200002, "21787"
LOT = f"{UNION}-{PARK}"
TOKEN = "a token of the own lot"
BY = {"operator": "conformance", "reason": "the kit asks for it"}
TWENTY_AT_ONCE = 'valid_from = 2020-01-01\n[[rates]]\n[[rates.sections]]\nsteps = [{ per = 1440, price = "20.00" }]\n'
"""Twenty yuan a day from the first minute, so that a stay of seconds costs something."""
QUICK = {
    "TAIGAN_LOT_PRESENCE_GRACE": "0.2",
    "TAIGAN_LANES_TRAVEL_TIME": "0.05",
    "TAIGAN_LANES_LATE_BY": "3",
    "TAIGAN_LOT_RETRY_AFTER": "[0.1, 0.2, 0.5" + ", 1" * 60 + "]",
    "TAIGAN_LOT_SCAN_LIMIT": "1000",
}


async def judged_own_lot(folder: Path, not_handled: dict[str, str], *, patience: float = 1.0) -> Run:
    """A run, done, of the kit against the own lot in everything but what is not handled."""
    lot, port = OwnLot(folder), free_port()
    lot.hub_url = f"http://127.0.0.1:{port}"
    (folder / "bolink.key").write_text(KEY)
    async with lot.running() as url:
        run = Run(
            Plan(
                callback=f"{url}/bolink",
                event_callback=f"{url}/bolink/{{service_name}}",
                union_id=UNION,
                park_id=PARK,
                key=f"file:{folder / 'bolink.key'}",
                entry_lanes=("A1", "A2"),
                exit_lanes=("B1", "B2"),
                profiles=PROFILES,
                not_handled=not_handled,
                mobile_prefix="199",
                loop=True,
                hub_listen=f"127.0.0.1:{port}",
                hook=lot.hook_url,
                test_lot=True,
                patience=patience,
                repeats=0,
            )
        )
        await run.execute()
    return run


class OwnLot:
    """`taigan lot` and `taigan lanes` on a folder; `hub_url` is where the uploads go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hub_url = ""
        self._at_the_booth = False
        self._ports = {"lot": free_port(), "lanes": free_port()}
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Everything answers; yields the address with /bolink and /hook."""
        self._write_settings()
        await self._price_list()
        await self._start("lanes")
        await self._start("lot")
        app = web.Application()
        app.router.add_post("/hook", self._hooked)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as client:
            self.lot = Side(client, f"http://127.0.0.1:{self._ports['lot']}", TOKEN)
            self.street = Side(client, f"http://127.0.0.1:{self._ports['lanes']}")
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                self.hook_url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
                await self._ready()
                yield self.lot.url
            finally:
                await runner.cleanup()
                for process in self._processes.values():
                    await self._end(process, signal.SIGTERM)

    def logs(self) -> str:
        """The ends of all logs, for a failure's message."""
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.folder.glob("*.log")))

    def _write_settings(self) -> None:
        lanes = "".join(
            f'[[lots.lanes]]\nchannel_id = "{name}"\ndirection = "{way}"\nbarrier = {{ driver = "simulated" }}\n'
            for name, way in (("A1", "entry"), ("A2", "entry"), ("B1", "exit"), ("B2", "exit"))
        )
        (self.folder / "taigan.toml").write_text(
            f'data_dir = "{self.folder / "data"}"\n'
            f'[lot]\nport = {self._ports["lot"]}\nhub_url = "{self.hub_url}"\nsms_provider = "simulated"\n'
            f'api_tokens = {{ kit = "{TOKEN}" }}\n'
            f"[lanes]\nport = {self._ports['lanes']}\n"
            f'[[vendors]]\nunion_id = {UNION}\nkey = "{KEY}"\n'
            f'[[lots]]\nunion_id = {UNION}\npark_id = "{PARK}"\nspaces = 5000\n{lanes}',
            "utf-8",
        )

    async def _price_list(self) -> None:
        """In force from the start: through the API one begins tomorrow at the earliest."""
        (self.folder / "data").mkdir()
        database = await open_database(f"sqlite:///{self.folder / 'data' / 'lot.sqlite3'}")
        now = datetime.now(UTC)
        listed = msgspec.json.encode(tomllib.loads(TWENTY_AT_ONCE)).decode()
        row = PriceListRow(LOT, 1, date(2020, 1, 1), listed, now, "test", "test")
        vendor, lot = (
            VendorSetup(union_id=str(UNION), key=KEY),
            LotSetup(union_id=str(UNION), park_id=PARK, spaces=5000),
        )
        try:
            await database.write(lambda conn: seed(conn, [vendor], [lot], now))
            await database.write(lambda conn: price_lists.add(conn, row))
            await database.write(lambda conn: passes.put_terms(conn, LOT, [passes.Term(LOT, 1, 300_00)]))
        finally:
            await database.close()

    async def _start(self, part: str) -> None:
        with (self.folder / f"{part}.log").open("ab") as log:
            self._processes[part] = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "taigan", part, "--config", str(self.folder / "taigan.toml")],
                env={**os.environ, **QUICK},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _ready(self) -> None:
        async def sees_its_lanes() -> bool:
            if self._processes["lot"].returncode is not None:
                raise AssertionError(self.logs())
            try:
                lanes = await self.lot.get(f"/api/v1/lots/{LOT}/lanes")
            except aiohttp.ClientError:
                return False
            return lanes.status == 200 and all(lane["barrier"]["online"] for lane in lanes["items"])

        await eventually(sees_its_lanes, STARTS_WITHIN)

    @staticmethod
    async def _end(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
        if process.returncode is None:
            process.send_signal(how)
        await asyncio.wait_for(process.wait(), PATIENCE)

    # The hook

    async def _hooked(self, request: web.Request) -> web.Response:
        asked = await request.json()
        act = getattr(self, f"act_{asked['act']}", None)
        if act is None:
            return web.json_response({"ok": False})
        return web.json_response({"ok": True, "value": await act(**asked["args"])})

    def _lane(self, lane: str) -> Lane:
        return Lane(self.street, LOT, lane, "")

    async def act_car_on_loop(self, lane: str, plate: str = "") -> None:
        if not await self.act_lane_held(lane):
            await self.act_car_gone(lane)
        await self.street.put(f"/lots/{LOT}/lanes/{lane}", car="arrives", plate=plate)

    async def act_car_gone(self, lane: str) -> None:
        """Whoever stands there drives on, where the arm is or goes up, or backs off; then the arm is down again."""

        held = await self.act_lane_held(lane)

        async def settled() -> bool:
            state = await self._lane(lane).state()
            if state["barrier"] in ("rising", "falling"):
                return False
            if state["car"]:
                await self._lane(lane).car("passes" if state["barrier"] == "open" else "leaves")
                return False
            if state["barrier"] == "open" and not held:
                await self.lot.post(f"/api/v1/lots/{LOT}/lanes/{lane}/close", **BY)
                return False
            return True

        await eventually(settled)

    async def act_lift_count(self, lane: str) -> int:
        return await self._lane(lane).lifts()

    async def act_lane_state(self, lane: str, state: str) -> None:
        policy = "attendant" if state == "attendant" else "automatic"
        await self.lot.put(f"/api/v1/lots/{LOT}/lanes/{lane}", policy=policy, **BY)

    async def act_barrier_offline(self, lane: str) -> None:
        await self._lane(lane).mode("fault")

    async def act_barrier_online(self, lane: str) -> None:
        await self._lane(lane).mode("ok")

    async def act_barrier_slow(self, lane: str, seconds: float) -> None:
        await self._lane(lane).mode("late")

    async def act_release(self, lane: str, driver: str) -> None:
        await self.lot.post(f"/api/v1/lots/{LOT}/lanes/{lane}/release", **BY)

    async def act_refuse(self, lane: str, driver: str) -> None:
        await self.lot.post(f"/api/v1/lots/{LOT}/lanes/{lane}/refuse", **BY)

    async def act_restart(self, hard: bool = False) -> None:
        await self._end(self._processes["lot"], signal.SIGKILL if hard else signal.SIGTERM)
        await self._start("lot")
        await self._ready()

    async def act_sms_last(self, mobile: str) -> str:
        file = self.folder / "data" / "sms.jsonl"
        rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return next((str(row["code"]) for row in reversed(rows) if row["mobile"] == mobile), "")

    async def act_exit_car(self, lane: str, plate: str) -> None:
        await self.act_car_gone(lane)
        await self.street.put(f"/lots/{LOT}/lanes/{lane}", car="arrives", plate="" if plate == "?" else plate)
        if plate != "?":
            await eventually(lambda: self._stands_at(lane, plate))

    async def _stands_at(self, lane: str, plate: str) -> Any:
        """The car whose plate was read there, once it was."""
        cars = await self.lot.get(f"/api/v1/lots/{LOT}/departures", open="true")
        return next((car for car in cars["items"] if (car["channel_id"], car["plate"]) == (lane, plate)), None)

    async def act_leave(self, lane: str, plate: str) -> None:
        """It pays cash at the booth, where it has to, and drives out."""
        car = await eventually(lambda: self._stands_at(lane, plate))
        if car["state"] == "due":
            bill = (await self.lot.get(f"/api/v1/lots/{LOT}/orders/{car['order_id']}"))["bill"]
            if not self._at_the_booth:
                await self.lot.post(f"/api/v1/lots/{LOT}/shifts", booth="B1", **BY)
                self._at_the_booth = True
            due = {"order_id": car["order_id"], "due_fen": bill["due_fen"], "received_fen": bill["due_fen"]}
            await self.lot.post(f"/api/v1/lots/{LOT}/lanes/{lane}/cash", **due, **BY)
        await self._lane(lane).shows(barrier="open")
        await self._lane(lane).car("passes")

    async def act_clock(self, seconds: float) -> None:
        """By this lot's prices the second after is as dear as the third hour."""
        await asyncio.sleep(1.1)

    async def act_lane_held(self, lane: str) -> bool:
        lanes = await self.lot.get(f"/api/v1/lots/{LOT}/lanes")
        return any(each["barrier"]["held"] for each in lanes["items"] if each["channel_id"] == lane)

    async def act_money_found(self, trade_no: str) -> int:
        listed = await self.lot.get(f"/api/v1/lots/{LOT}/payments", limit=1000)
        paid = sum(payment["trade_no"] == trade_no for payment in listed["items"])
        errands = await self.lot.get(f"/api/v1/lots/{LOT}/errands", limit=1000)
        paid += sum(trade_no in (errand["number"], errand["detail"].get("trade_no")) for errand in errands["items"])
        alarms = await self.lot.get(f"/api/v1/lots/{LOT}/alarms", limit=1000)
        return paid or sum(trade_no in alarm["text"] for alarm in alarms["items"])

    async def act_order(self, order_id: str) -> dict[str, str]:
        bill = await self.lot.get(f"/api/v1/lots/{LOT}/orders/{order_id}/bill")
        return {"paid": f"{(bill['paid_fen'] - bill['refunded_fen']) / 100:.2f}"}

    async def act_picture(self, order_id: str) -> None:
        picture = b"\xff\xd8\xff\xe0" + b"0" * 2000 + b"\xff\xd9"
        client: Any = self.lot._client
        await client.put(
            f"{self.lot.url}/api/v1/lots/{LOT}/orders/{order_id}/pictures/in",
            data=picture,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "image/jpeg"},
        )

    async def act_invoices(self, payid: str) -> int:
        rows = await self.lot.get(f"/api/v1/lots/{LOT}/invoices", limit=1000)
        return sum(payid in row.values() for row in rows["items"])

    async def act_close(self, order_id: str, car_number: str) -> None:
        await self.lot.post(f"/api/v1/lots/{LOT}/orders/{order_id}/close", **BY)
