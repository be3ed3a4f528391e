"""Those who are measured: each a server of its own, started once and stopped in its tracks while it is not its turn."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import leash, scene
from benchmarks.ports import free_port

NOBODY = "http://127.0.0.1:9"
"""A BoLink that is not there."""
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Contestant:
    """A server. `messages` is how many it gets in one lap."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    messages: int = len(scene.LANES)
    street: str = "/devices/instant/street"
    """What moves the cars; empty: there are no lanes."""
    process: subprocess.Popen[bytes] | None = None
    ready_after: float = 0.0

    def start(self, folder: Path) -> None:
        """Start it and wait until it listens and has a car in every lane."""
        began = time.monotonic()
        with (folder / f"{self.name.replace(' ', '-')}.log").open("wb") as log:
            environment = {**os.environ, **self.environment}
            self.process = subprocess.Popen(
                self.command, env=environment, stdout=log, stderr=log, cwd=_ROOT, start_new_session=True
            )
        leash.hold(self.process.pid)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - began > 90:
                    raise RuntimeError(f"{self.name} did not start, see {log.name}") from None
                time.sleep(0.01)
        self.ready_after = time.monotonic() - began
        self.pause()

    def pause(self) -> None:
        """Stop it in its tracks."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Its turn."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)

    def processor_seconds(self) -> float:
        """What its processes have used so far, in user and in kernel mode; not its database server's."""
        assert self.process is not None
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has just ended
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self.process.pid:
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def next_cars(self) -> None:
        """The car on every loop passes, and another one comes."""
        if self.street:
            url = f"http://127.0.0.1:{self.port}{self.street}"
            with urllib.request.urlopen(urllib.request.Request(url, data=b"{}"), timeout=120) as answer:
                answer.read()

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.go_on()
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


class Load:
    """The load's process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT
        )

    def __call__(self, **order: Any) -> dict[str, Any]:
        """Carry out one order; its result."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        result: dict[str, Any] = json.loads(self._process.stdout.readline())
        return result

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def bare() -> Contestant:
    """Our callback route with nothing behind it."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare", "--port", str(port)]
    return Contestant("bare", command, port=port, messages=8 * len(scene.LANES), street="")


def usual(engine: str, url: str, workers: int = 1) -> Contestant:
    """The usual stack."""
    port = free_port()
    options = [
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "warning",
        "--timeout-keep-alive",
        "75",
    ]
    app = [sys.executable, "-m", "uvicorn", "benchmarks.usual.app:app", "--port", str(port)]
    pool = "1" if engine == "sqlite" else "8"  # SQLite: waiting in the pool is cheaper than in its busy handler
    name = f"usual {engine}" + (f" {workers} workers" if workers > 1 else "")
    environment = {"DATABASE_URL": url, "POOL": pool}
    return Contestant(name, [*app, *options, "--workers", str(workers)], environment, port, messages=120)


def taigan(
    engine: str, url: str, folder: Path, workers: int = 1, name: str = "", lots: int = 200, hub: str = NOBODY
) -> Contestant:
    """Ourselves, as shipped: `taigan lot`. Without `lots` the database has them already."""
    port = free_port()
    config = folder / f"taigan-{port}.toml"
    config.write_text(_config(port, url, scene.PARKS[:lots], hub))
    name = name or f"taigan {engine}" + (f" {workers} workers" if workers > 1 else "")
    command = [sys.executable, "-m", "taigan", "lot", "--config", str(config), "--workers", str(workers)]
    return Contestant(name, command, port=port)


def _config(port: int, url: str, parks: list[str], hub: str) -> str:
    lots = "".join(
        f'[[lots]]\nunion_id = "{scene.UNION_ID}"\npark_id = "{park}"\nspaces = {scene.SPACES}\n'
        + "".join(
            f'[[lots.lanes]]\nchannel_id = "{channel}"\nbarrier = {{ driver = "instant" }}\n'
            for channel in scene.CHANNELS
        )
        for park in parks
    )
    return (
        f'data_dir = "data-{port}"\n[lot]\nport = {port}\ndatabase_url = "{url}"\nhub_url = "{hub}"\n'
        f'[[vendors]]\nunion_id = "{scene.UNION_ID}"\nkey = "{scene.KEY}"\n{lots}'
    )


_ROOT = Path(__file__).parent.parent
