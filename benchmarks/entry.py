"""How many entries a second, side by side in one run: `make bench`, or `python -m benchmarks.entry`.

Every round each contestant gets one lap in a random order: one message for each lane, from a process of its own, over
64 kept connections. The others stand still meanwhile. Ratios of medians are what counts; figures depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks import contestants, picture, seeding
from benchmarks.contestants import Contestant, Load
from benchmarks.postgres import Postgres
from benchmarks.side_by_side import CONNECTIONS, RESULTS, SQL, pgbench, spread, stage, told, verdict, where

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
        asyncio.run(seeding.seeded(self._postgres.url("pgbench"), seeding.entries_only()))
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
            asyncio.run(seeding.seeded(self._postgres.url(name), seeding.entries_only()))
        steps = self._progress.add_task("growing", total=1 + 2 * (self._rounds + 1))
        seeding.fill(self._postgres, "grown", past, present)
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
        rate = pgbench(self._postgres, SQL / "entry.sql", 4 if kept else 1)
        if kept:
            self.laps.setdefault("pgbench", []).append(rate)


def _expect_entries(contestant: Contestant, result: dict[str, Any]) -> None:
    if set(result["answers"]) != {"done"}:
        raise RuntimeError(f"{contestant.name} answered {result['answers']}")


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
            **spread(laps),
            "processor_us": 1e6 * statistics.median(run.processor[name]) if name in run.processor else None,
            "p50_ms": 1000 * statistics.median(run.latency[name]) if name in run.latency else None,
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
        met = verdict(ratio["met"])
        lines.append(f"| {ratio['of']} / {ratio['to']} | {ratio['ratio']:.2f} | {ratio['target']} | {met} |")
    for name, half in found["half_load"].items():
        text = f"{name}: p99 / median at half load ({half['rate']:.0f}/s, median {1000 * half['p50']:.1f} ms)"
        lines.append(f"| {text} | {half['ratio']:.1f} | at most 5 | {verdict(half['ratio'] <= 5)} |")
    if "growth" in found:
        growth = found["growth"]
        text = f"{growth['millions']:g} million past orders, {growth['in_lots']:g} million in the lots / empty"
        lines.append(f"| {text} | {growth['ratio']:.2f} | 0.9 | {verdict(growth['ratio'] >= 0.9)} |")
    if "idle" in found:
        ready, memory = found["idle"]["ready_seconds"], found["idle"]["resident_mb"]
        lines.append(f"| ready after | {ready:.2f} s | 2 s | {verdict(ready <= 2)} |")
        lines.append(f"| one process idle | {memory:.0f} MB | 100 MB | {verdict(memory < 100)} |")
    return "\n".join([*lines, "", told(found), ""])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument(
        "--growth", type=float, default=0.0, metavar="MILLIONS", help="grow a database to so many orders"
    )
    arguments.add_argument("--only-growth", action="store_true", help="put growth into the last results")
    chosen = arguments.parse_args()
    console = Console()
    place = where()
    RESULTS.mkdir(exist_ok=True)
    with stage(console) as (folder, postgres, progress):
        run = Run(folder, postgres, chosen.rounds, progress)
        try:
            if chosen.only_growth:
                found = json.loads((RESULTS / "entry.json").read_text())
            else:
                run.measure()
                found = summary(run) | {"idle": idle(folder)} | place
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


if __name__ == "__main__":
    main()
