"""How many entries a second, side by side in one run: `make bench`, or `python -m benchmarks.entry`.

Every round each contestant gets one lap in a random order: one message for each lane, from a process of its own, over
64 kept connections. The others stand still meanwhile. Ratios of medians are what counts; figures depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import contestants, picture, scene
from benchmarks.contestants import Contestant, Load
from benchmarks.postgres import Postgres, server

RESULTS = Path(__file__).parent / "results"
CONNECTIONS = 64
CLIENTS = 32
TARGETS = (
    ("taigan sqlite", "usual sqlite", 5.0),
    ("taigan postgresql", "usual postgresql", 5.0),
    ("taigan postgresql 2 workers", "usual postgresql 2 workers", 5.0),
    ("taigan sqlite", "bare", 0.2),
    ("taigan postgresql", "bare", 0.2),
    ("taigan postgresql 2 workers", "bare", 0.2),
    ("taigan postgresql", "pgbench", 0.5),
    ("taigan postgresql 2 workers", "pgbench", 0.5),
)


class Run:
    """One run: rounds, then what is measured once."""

    def __init__(self, folder: Path, postgres: Postgres, rounds: int, progress: Progress) -> None:
        self._folder = folder
        self._postgres = postgres
        self._rounds = rounds
        self._progress = progress
        self._load = Load()
        self.laps: dict[str, list[float]] = {}
        self.latency: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}
        self.half_load: dict[str, dict[str, float]] = {}
        self.idle: dict[str, float] = {}

    def measure(self) -> None:
        """Everything but growth."""
        databases = ("usual1", "usual2", "taigan1", "taigan2", "pgbench")
        for name in databases:
            self._postgres.run("createdb", name)
        asyncio.run(_tables(self._postgres.url("pgbench")))
        asyncpg = {name: self._postgres.url(name).replace("postgresql:", "postgresql+asyncpg:") for name in databases}
        taking_part = [
            contestants.bare(),
            contestants.usual("sqlite", f"sqlite+aiosqlite:///{self._folder}/usual.sqlite3"),
            contestants.usual("postgresql", asyncpg["usual1"]),
            contestants.usual("postgresql", asyncpg["usual2"], workers=2),
            contestants.taigan("sqlite", f"sqlite:///{self._folder}/taigan.sqlite3", self._folder),
            contestants.taigan("postgresql", self._postgres.url("taigan1"), self._folder),
            contestants.taigan("postgresql", self._postgres.url("taigan2"), self._folder, workers=2),
        ]
        steps = self._progress.add_task("starting", total=len(taking_part) * (self._rounds + 3) + self._rounds)
        try:
            for contestant in taking_part:
                self._progress.update(steps, description=f"starting {contestant.name}")
                contestant.start(self._folder)
                self._progress.advance(steps)
            for number in range(-1, self._rounds):
                order: list[Contestant | None] = [*taking_part, None]
                random.shuffle(order)
                for one in order:
                    self._progress.update(steps, description=one.name if one else "pgbench")
                    if one is None:
                        self._pgbench(kept=number >= 0)
                    else:
                        self._lap(one, kept=number >= 0)
                    self._progress.advance(steps)
            for contestant in taking_part:
                self._progress.update(steps, description=f"half load on {contestant.name}")
                if contestant.name.startswith("taigan"):
                    self._at_half_load(contestant)
                self._progress.advance(steps)
        finally:
            for contestant in taking_part:
                contestant.stop()

    def growth(self, millions: float) -> float:
        """The rate with so many million past orders, a fifth as many in the lots, over that of an empty database."""
        past, present = int(millions * 1_000_000), int(millions * 200_000)
        for name in ("empty", "grown"):
            self._postgres.run("createdb", name)
            asyncio.run(_tables(self._postgres.url(name)))
        steps = self._progress.add_task("growing", total=3 + 2 * self._rounds)
        for first, last, state in ((0, past, "out"), (past, past + present, "in")):
            self._postgres.sql("grown", _past(first, last, state))
            self._progress.advance(steps)
        self._postgres.sql("grown", "VACUUM ANALYZE")
        self._progress.advance(steps)
        both = [
            contestants.taigan("postgresql", self._postgres.url(name), self._folder, name=name)
            for name in ("empty", "grown")
        ]
        try:
            for contestant in both:
                contestant.start(self._folder)
            for number in range(-1, self._rounds):
                for contestant in random.sample(both, 2):
                    self._progress.update(steps, description=contestant.name)
                    self._lap(contestant, kept=number >= 0)
                    self._progress.advance(steps)
        finally:
            for contestant in both:
                contestant.stop()
        return statistics.median(self.laps["grown"]) / statistics.median(self.laps["empty"])

    def stop(self) -> None:
        """End the load."""
        self._load.stop()

    def _lap(self, contestant: Contestant, *, kept: bool) -> None:
        contestant.go_on()
        contestant.next_cars()
        self._load(connect=["127.0.0.1", contestant.port], connections=CONNECTIONS)
        before = contestant.processor_seconds()
        result = self._load(messages=contestant.messages)
        used = contestant.processor_seconds() - before
        contestant.pause()
        _expect_entries(contestant, result)
        if kept:
            self.processor.setdefault(contestant.name, []).append(used / contestant.messages)
            self.laps.setdefault(contestant.name, []).append(contestant.messages / result["seconds"])
            self.latency.setdefault(contestant.name, []).append(result["p50"])

    def _at_half_load(self, contestant: Contestant) -> None:
        rate = statistics.median(self.laps[contestant.name]) / 2
        contestant.go_on()
        self._load(connect=["127.0.0.1", contestant.port], connections=CONNECTIONS)
        seconds: list[float] = []
        for _ in range(3):
            contestant.next_cars()
            result = self._load(rate=rate, all=True)
            _expect_entries(contestant, result)
            seconds += result["all"]
        contestant.pause()
        seconds.sort()
        p50, p99 = statistics.median(seconds), seconds[int(len(seconds) * 0.99)]
        self.half_load[contestant.name] = {"rate": rate, "p50": p50, "p99": p99, "ratio": p99 / p50}

    def _pgbench(self, *, kept: bool) -> None:
        script = Path(__file__).parent / "entry.sql"
        run = ["-n", "-M", "prepared", "-c", CLIENTS, "-j", 2, "-T", 4 if kept else 1, "-f", script, "pgbench"]
        found = re.search(r"tps = ([\d.]+)", self._postgres.run("pgbench", *run))
        assert found is not None
        if kept:
            self.laps.setdefault("pgbench", []).append(float(found[1]))


def _expect_entries(contestant: Contestant, result: dict[str, Any]) -> None:
    if set(result["answers"]) != {"entered"}:
        raise RuntimeError(f"{contestant.name} answered {result['answers']}")


async def _tables(url: str) -> None:
    """Our tables and the scene's lots, for those who are not ourselves."""
    from taigan.lot.setup import LaneSetup, LotSetup, VendorSetup, seed
    from taigan.storage.database import open_database

    database = await open_database(url)
    lanes = [LaneSetup(channel_id=name, confirm="accepted", barrier={"driver": "instant"}) for name in scene.CHANNELS]
    lots = [LotSetup(union_id=scene.UNION_ID, park_id=park, spaces=scene.SPACES, lanes=lanes) for park in scene.PARKS]
    vendors = [VendorSetup(union_id=scene.UNION_ID, key=scene.KEY)]
    await database.write(lambda conn: seed(conn, vendors, lots, datetime.now(UTC)))
    await database.close()


def _past(first: int, last: int, state: str) -> str:
    """Orders of the past year with their inbox row and their upload, 200 lots in turn."""
    which = "'200002-' || lpad((n % 200)::text, 3, '0')"
    order = "'2025' || lpad(n::text, 12, '0') || '_GROWTH'"
    at = "now() - interval '1 year' + n * interval '5 s'"
    closed = f"{at} + interval '2 h'" if state == "out" else "NULL"
    numbers = f"FROM generate_series({first}, {last - 1}) AS n"
    return f"""SET synchronous_commit = off;
        INSERT INTO orders (lot_id, order_id, origin, state, waiting_for, licence, channel_id, presence_id,
                            told_state, told_text, requested_at, in_at, passed_at, closed_at)
        SELECT {which}, {order}, 'scan', '{state}', '', 'G' || n, 'A1', 'past' || n, 1, '入场成功', {at}, {at}, {at},
               {closed} {numbers};
        INSERT INTO inbox (digest, lot_id, received_at, key_id, order_id, answer)
        SELECT md5(n::text) || md5((-n)::text), {which}, {at}, 1, {order}, '{{}}' {numbers};
        INSERT INTO deliveries (lot_id, order_id, section, payload, state, attempts, created_at, next_at, done_at)
        SELECT {which}, {order}, '3.1', '{{"order_id":""}}', 'done', 1, {at}, {at}, {at} {numbers};"""


def idle(folder: Path) -> dict[str, float]:
    """A small lot platform: seconds until it is ready, started three times, and its resident memory in MB."""
    ready: list[float] = []
    memory = 0.0
    for number in range(3):
        one = contestants.taigan("idle", f"sqlite:///{folder}/idle.sqlite3", folder, lots=1)
        one.start(folder)
        one.go_on()
        ready.append(one.ready_after)
        if number == 2:
            time.sleep(8)
            assert one.process is not None
            status = Path(f"/proc/{one.process.pid}/status").read_text()
            memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
        one.stop()
    return {"ready_seconds": min(ready), "resident_mb": memory}


def summary(run: Run) -> dict[str, Any]:
    """Medians, spreads and ratios."""
    rates = {
        name: {
            "median": statistics.median(laps),
            "least": min(laps),
            "most": max(laps),
            "processor_us": 1e6 * statistics.median(run.processor[name]) if name in run.processor else None,
            "p50_ms": 1000 * statistics.median(run.latency[name]) if name in run.latency else None,
            "laps": [round(lap, 1) for lap in laps],
        }
        for name, laps in run.laps.items()
    }
    ratios = [
        {
            "of": one,
            "to": other,
            "ratio": rates[one]["median"] / rates[other]["median"],
            "target": target,
            "met": rates[one]["median"] / rates[other]["median"] >= target,
        }
        for one, other, target in TARGETS
        if one in rates and other in rates
    ]
    return {"rates": rates, "ratios": ratios, "half_load": run.half_load}


def markdown(found: dict[str, Any]) -> str:
    """The tables of a run."""
    lines = [
        "| contestant | entries/s, median | least – most | processor time | median answer |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, rate in sorted(found["rates"].items(), key=lambda item: -item[1]["median"]):
        answer = f"{rate['p50_ms']:.0f} ms" if rate["p50_ms"] else ""
        spread, used = f"{rate['least']:.0f} – {rate['most']:.0f}", ""
        if rate.get("processor_us"):
            used = f"{rate['processor_us']:.0f} µs"
        lines.append(f"| {name} | {rate['median']:.0f} | {spread} | {used} | {answer} |")
    lines += ["", "| ratio | measured | target | |", "|---|--:|--:|---|"]
    for ratio in found["ratios"]:
        verdict = "met" if ratio["met"] else "missed"
        lines.append(f"| {ratio['of']} / {ratio['to']} | {ratio['ratio']:.2f} | {ratio['target']} | {verdict} |")
    for name, half in found["half_load"].items():
        verdict = "met" if half["ratio"] <= 5 else "missed"
        text = f"{name}: p99 / median at half load ({half['rate']:.0f}/s, median {1000 * half['p50']:.1f} ms)"
        lines.append(f"| {text} | {half['ratio']:.1f} | at most 5 | {verdict} |")
    if "growth" in found:
        growth = found["growth"]
        verdict = "met" if growth["ratio"] >= 0.9 else "missed"
        text = f"{growth['millions']:g} million past orders, {growth['in_lots']:g} million in the lots / empty"
        lines.append(f"| {text} | {growth['ratio']:.2f} | 0.9 | {verdict} |")
    if "idle" in found:
        ready, memory = found["idle"]["ready_seconds"], found["idle"]["resident_mb"]
        lines.append(f"| ready after | {ready:.2f} s | 2 s | {'met' if ready <= 2 else 'missed'} |")
        lines.append(f"| one process idle | {memory:.0f} MB | 100 MB | {'met' if memory < 100 else 'missed'} |")
    where = f"{found['machine']}, {found['at']}, load average at the start {found['load_average']:.1f}"
    return "\n".join([*lines, "", f"{where}.", ""])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument(
        "--growth", type=float, default=0.0, metavar="MILLIONS", help="grow a database to so many orders"
    )
    arguments.add_argument("--only-growth", action="store_true", help="put growth into the last results")
    chosen = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # whoever was started is ended
    console = Console()
    load_average = os.getloadavg()[0]
    folder = Path(tempfile.mkdtemp(prefix="taigan-bench-"))
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    RESULTS.mkdir(exist_ok=True)
    try:
        with server() as postgres, Progress(*columns, console=console) as progress:
            run = Run(folder, postgres, chosen.rounds, progress)
            try:
                if chosen.only_growth:
                    found = json.loads((RESULTS / "entry.json").read_text())
                else:
                    run.measure()
                    found = summary(run)
                    found["idle"] = idle(folder)
                    found |= {
                        "machine": f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}",
                        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
                        "load_average": load_average,
                    }
                if chosen.growth:
                    ratio = run.growth(chosen.growth)
                    found["growth"] = {
                        "millions": chosen.growth,
                        "in_lots": chosen.growth / 5,
                        "ratio": ratio,
                        "laps": {name: run.laps[name] for name in ("empty", "grown")},
                    }
            finally:
                run.stop()
        (RESULTS / "entry.json").write_text(json.dumps(found, indent=2) + "\n")
        (RESULTS / "entry.md").write_text(markdown(found))
        (RESULTS / "entry.svg").write_text(picture.bars(found["rates"]))
        console.print(markdown(found))
    except BaseException:
        for log in folder.glob("*.log"):
            shutil.copy(log, Path(tempfile.gettempdir()) / f"bench-{log.name}")
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
