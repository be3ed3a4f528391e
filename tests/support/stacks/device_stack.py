"""BoLink's side, a lot platform, an edge, a broker and one emulated device per driver: real processes, as in a lot."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp

from support.clock import PATIENCE
from support.databases.postgres import NewDatabase
from support.servers.mosquitto import Broker
from support.servers.ports import free_port
from support.stacks.stack import QUICK, STARTS_WITHIN, Lane, Side, eventually

VENDOR, KEY, TOKEN = "200002", "NQ0eSXs720170114", "0123456789abcdef0123"
LOT, EDGE_LOT = f"{VENDOR}-7", f"{VENDOR}-8"
USER, PASSWORD = "admin", "admin12345"


def toml(value: Any) -> str:
    """A value as an inline TOML value."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


class DeviceStack:
    """`barriers` maps a channel to its settings; channel `edge` of another lot is behind the edge. The lot platform's
    database is a file in the folder unless `new_database` names another.
    """

    def __init__(self, folder: Path, broker: Broker, new_database: NewDatabase | None = None) -> None:
        self.folder = folder
        self._environment = {**os.environ, **QUICK}
        self._new_database = new_database
        address = f"mqtt://127.0.0.1:{broker.port}"
        gate = {"username": USER, "password": PASSWORD}
        relay = {"host": "127.0.0.1", "pulse_ms": 200, "loop_input": 0, "up_input": 2, "down_input": 3}
        self.barriers: dict[str, dict[str, Any]] = {
            "vzenith-mqtt": {"broker": address, "serial": "vz1", "wiring": {"position": True}, "screen": {}},
            "vzenith-http": {"serial": "vz2", "secret": "a" * 32, "heartbeat_every": 1.0, "screen": {}},
            "hikvision-isapi": {"url": f"http://127.0.0.1:{free_port()}", "ask_every": 0.5, **gate},
            "dahua-cgi": {"url": f"http://127.0.0.1:{free_port()}", **gate},
            "hx-http": {"serial": "hx1", "secret": "b" * 32, "heartbeat_every": 1.0, "screen": {}},
            "modbus-relay": {"port": free_port(), "screen": {"address": f"tcp://127.0.0.1:{free_port()}"}, **relay},
            "mqtt": {"broker": address},
            "http": {"url": f"http://127.0.0.1:{free_port()}", "serial": "own1", "secret": "a secret of sixteen"},
        }
        self.blind = {"hikvision-isapi", "dahua-cgi", "hx-http"}
        self._edge = {"driver": "modbus-relay", "port": free_port(), **relay}
        self._ports = {name: free_port() for name in ("lot", "hub", "lanes")}
        self._processes: list[asyncio.subprocess.Process] = []
        self._client: aiohttp.ClientSession | None = None
        (folder / "taigan.toml").write_text(self._settings(address), "utf-8")
        (folder / "edge.toml").write_text(
            f"lot_id = {toml(EDGE_LOT)}\nbeat_every = 0.5\nplatform = {toml({'broker': address})}\n"
            f'[[lanes]]\nchannel_id = "edge"\nbarrier = {toml(self._edge)}\n',
            "utf-8",
        )

    def _settings(self, address: str) -> str:
        lanes = ""
        for driver, barrier in self.barriers.items():
            lanes += (
                f"[[lots.lanes]]\nchannel_id = {toml(driver)}\ndetector = {toml(driver not in self.blind)}\n"
                f"barrier = {toml({'driver': driver, **barrier})}\n"
            )
        hub = f"http://127.0.0.1:{self._ports['hub']}"
        edge = toml({"driver": "edge", "broker": address})
        return (
            f"data_dir = {toml(str(self.folder / 'data'))}\n"
            f"[lot]\nport = {self._ports['lot']}\nhub_url = {toml(hub)}\nbarrier_timeout = 1.0\nlane_hold = 1.0\n"
            f'api_tokens = {{ test = "{TOKEN}" }}\n'
            f'[hub]\nport = {self._ports["hub"]}\nadmin_token = "{TOKEN}"\n'
            f"[lanes]\nport = {self._ports['lanes']}\n"
            f'[[vendors]]\nunion_id = {VENDOR}\nkey = "{KEY}"\n'
            f"[[lots]]\nunion_id = {VENDOR}\npark_id = 7\nspaces = 100\n{lanes}"
            f"[[lots]]\nunion_id = {VENDOR}\npark_id = 8\nspaces = 100\n"
            f'[[lots.lanes]]\nchannel_id = "edge"\nbarrier = {edge}\n'
        )

    async def start(self) -> None:
        """Start everything; returns when every lane is online and has its code."""
        config = str(self.folder / "taigan.toml")
        edge = str(self.folder / "edge.toml")
        if self._new_database is not None:
            self._environment["TAIGAN_LOT_DATABASE_URL"] = await self._new_database()
        for part, *options in (
            ("hub", "--config", config),
            ("devices", "--config", config, "--edge", edge, "--heartbeat", "0.2"),
            ("lot", "--config", config),
            ("edge", "--config", edge),
        ):
            with (self.folder / f"{part}.log").open("ab") as log:
                self._processes.append(
                    await asyncio.create_subprocess_exec(
                        *[sys.executable, "-m", "taigan", part, *options],
                        env=self._environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
        urls = {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}
        self.lot = Side(self._client, urls["lot"], TOKEN)
        self.hub = Side(self._client, urls["hub"], TOKEN)
        self.street = Side(self._client, urls["lanes"])
        try:
            await eventually(self._ready, STARTS_WITHIN)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from error

    async def stop(self) -> list[int]:
        """Stop everything as a person would; the exit codes of hub, devices, lot and edge, -9 for what went on."""
        if self._client is not None:
            await self._client.close()
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        _, running = await asyncio.wait(
            [asyncio.create_task(each.wait()) for each in self._processes], timeout=PATIENCE
        )
        for process in self._processes:
            if process.returncode is None:
                process.kill()
        if running:
            await asyncio.wait(running)
        return [await process.wait() for process in self._processes]

    @property
    def pids(self) -> list[int]:
        """The processes of hub, devices, lot and edge."""
        return [process.pid for process in self._processes]

    def lane(self, channel: str) -> Lane:
        return Lane(self.street, self.lot_of(channel), channel, "")

    def lot_of(self, channel: str) -> str:
        return EDGE_LOT if channel == "edge" else LOT

    def path(self, channel: str) -> str:
        """Where the API has the lane."""
        return f"/api/v1/lots/{self.lot_of(channel)}/lanes/{channel}"

    async def scan(self, channel: str, driver: str) -> dict[str, Any]:
        """A driver scans the lane's code."""
        return await self.hub.post(
            "/admin/scans", lot_id=self.lot_of(channel), channel_id=channel, driver=driver, app="wechat"
        )

    async def entry(self, channel: str, car_number: str) -> dict[str, Any]:
        """What BoLink received by 3.1 for that driver."""
        entries = (await self.hub.get("/admin/entries", lot_id=self.lot_of(channel), limit=1000))["items"]
        return next((entry for entry in entries if entry["data"]["car_number"] == car_number), {})

    def logs(self) -> str:
        """The ends of all logs, for a failure's message."""
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.folder.glob("*.log")))

    async def _ready(self) -> bool:
        lanes = []
        for lot in (LOT, EDGE_LOT):
            try:
                answer = await self.lot.get(f"/api/v1/lots/{lot}/lanes")
            except aiohttp.ClientError:
                return False
            if answer.status != 200:
                return False
            lanes += answer["items"]
        waits = {"dahua-cgi"}  # is never asked, so not heard before its first command
        return all(lane["entry_url"] and (lane["barrier"]["online"] or lane["channel_id"] in waits) for lane in lanes)
