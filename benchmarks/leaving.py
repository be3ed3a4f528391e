"""Prices, payments and whole stays a second, side by side in one run: `python -m benchmarks.leaving`.

Every round each contestant gets one turn in a random order, while the others stand still. In a turn a car drives
through every lane and the next one comes; the drivers at the exits ask for the price (5.1), what they are told is paid
(5.5), and as many drivers enter (5.7): they are those who leave in the next turn. Each of the four is timed, and a
whole stay takes them all. Every answer is read, and at the end the books are looked at: each stay paid once, and out.

Then, from 5.5's first byte to the command on the wire, p50 and p99, on a relay board that only echoes. With `--closed`
and `--inside`, the same rates with so many stays in the database, beside those of an empty one. With `--peak`, cars
that leave one lot by 40 exits, `--speed` times as fast as 10,000 an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import Progress

from benchmarks import contestants, scene, seeding
from benchmarks.contestants import Contestant, Load
from benchmarks.load import request
from benchmarks.postgres import Postgres
from benchmarks.side_by_side import RESULTS, SQL, pgbench, spread, stage, told, verdict, where
from taigan.lot.setup import LaneSetup

SHORTEST_STAY = 2.0
"""Seconds from the entries to the exits, at the least: a stay of no whole second costs nothing."""
USUAL_STAYS = 60
"""In one turn of the usual stack; the others have one in each of the 1,000 lanes."""
MEASURED = ("price", "payment", "stay")
TARGETS = (
    ("taigan sqlite", "usual sqlite", 5.0),
    ("taigan postgresql", "usual postgresql", 5.0),
    ("taigan postgresql 2 workers", "usual postgresql 2 workers", 5.0),
    ("taigan postgresql", "pgbench", 0.5),
    ("taigan postgresql 2 workers", "pgbench", 0.5),
)
GROWN_TARGET = 0.9
PEAK_EXITS = 40
PEAK_AN_HOUR = 10_000
DRIVES_OUT = 1.0
"""Seconds between a release and the next driver's scan in the same lane, at the least."""
PRESENT = 20_000
"""Orders that pgbench asks prices for and pays."""
WIRE_EXITS = 10
WARM_UP = 5
WRITE_COIL, PULSE_AT = 5, 0x0200
"""Modbus's function, and the first address that makes a board press a button for a while by itself."""
BOOKS = """SELECT count(*), (SELECT count(*) FROM payments WHERE state = 'paid'),
    (SELECT count(*) FROM bills WHERE closed_at IS NOT NULL AND charge_fen - reduced_fen - paid_fen + refunded_fen = 0),
    (SELECT count(*) FROM departures WHERE released_by = 'paid' AND ended_at IS NOT NULL),
    (SELECT count(*) FROM deliveries WHERE section = '3.2')
    FROM orders WHERE state = 'out'"""
"""What a stay leaves behind: an order that is out, a payment, a bill that is settled, a departure, an upload."""


class Turns:
    """Contestants that take turns."""

    def __init__(self, postgres: Postgres, folder: Path, rounds: int, connections: int, progress: Progress) -> None:
        self._postgres = postgres
        self._folder = folder
        self._rounds = rounds
        self._connections = connections
        self._progress = progress
        self._load = Load()
        self._turns: dict[str, int] = {}
        self._entered: dict[str, float] = {}
        self.rates: dict[str, dict[str, list[float]]] = {}
        self.processor: dict[str, list[float]] = {}
        self.p50: dict[str, dict[str, list[float]]] = {}

    def side_by_side(self) -> None:
        """All contestants."""
        for name in ("usual1", "usual2", "taigan1", "taigan2", "pgbench"):
            self._postgres.run("createdb", name)
        sqlite = f"sqlite:///{self._folder}/taigan.sqlite3"
        for url in (sqlite, *(self._postgres.url(name) for name in ("taigan1", "taigan2", "pgbench"))):
            asyncio.run(seeding.seeded(url, seeding.with_exits()))
        seeding.fill(self._postgres, "pgbench", 0, PRESENT)
        self._postgres.sql("pgbench", _FOR_PGBENCH)
        asyncpg = {n: self._postgres.url(n).replace("postgresql:", "postgresql+asyncpg:") for n in ("usual1", "usual2")}
        usual = [
            contestants.usual("sqlite", f"sqlite+aiosqlite:///{self._folder}/usual.sqlite3"),
            contestants.usual("postgresql", asyncpg["usual1"]),
            contestants.usual("postgresql", asyncpg["usual2"], workers=2),
        ]
        for one in usual:
            one.messages, one.street = USUAL_STAYS, f"/devices/instant/street/{USUAL_STAYS}"
        ours = [
            contestants.taigan("sqlite", sqlite, self._folder, lots=0),
            contestants.taigan("postgresql", self._postgres.url("taigan1"), self._folder, lots=0),
            contestants.taigan("postgresql", self._postgres.url("taigan2"), self._folder, workers=2, lots=0),
        ]
        self._take(*usual, *ours, with_pgbench=True)
        books = (
            _sqlite_books(self._folder / "usual.sqlite3"),
            *(_books(self._postgres, name) for name in ("usual1", "usual2")),
            _sqlite_books(self._folder / "taigan.sqlite3"),
            *(_books(self._postgres, name) for name in ("taigan1", "taigan2")),
        )
        for contestant, found in zip((*usual, *ours), books, strict=True):
            self._expect_books(contestant, found)

    def grown(self, closed: int, inside: int) -> dict[str, Any]:
        """The rates with so many stays that ended and so many cars inside, over those of an empty database."""
        for name in ("empty", "grown"):
            self._postgres.run("createdb", name)
            asyncio.run(seeding.seeded(self._postgres.url(name), seeding.with_exits()))
        step = self._progress.add_task(f"{closed:,} closed stays, {inside:,} inside", total=1)
        began = time.monotonic()
        seeding.fill(self._postgres, "grown", closed, inside)
        filled = time.monotonic() - began
        self._progress.advance(step)
        since = datetime.now(UTC) - timedelta(days=1)  # the platform clears uploads of long ago away meanwhile
        books = BOOKS.replace("section = '3.2'", f"section = '3.2' AND created_at > '{since.isoformat()}'")
        before = _books(self._postgres, "grown", books)
        both = [
            contestants.taigan("postgresql", self._postgres.url(name), self._folder, name=name, lots=0)
            for name in ("empty", "grown")
        ]
        self._take(*both)
        self._expect_books(both[0], _books(self._postgres, "empty"))
        after = _books(self._postgres, "grown", books)
        self._expect_books(both[1], [now - then for now, then in zip(after, before, strict=True)])
        ratios = {
            what: statistics.median(self.rates["grown"][what]) / statistics.median(self.rates["empty"][what])
            for what in MEASURED
        }
        laps = {name: self.rates.pop(name) for name in ("empty", "grown")}
        return {"closed": closed, "inside": inside, "fill_seconds": filled, "ratios": ratios, "laps": laps}

    def peak(self, cars: int, speed: float) -> dict[str, Any]:
        """So many cars leave one lot with 40 exits, `speed` times as fast as 10,000 an hour."""
        self._postgres.run("createdb", "peak")
        park, url = scene.PARKS[0], self._postgres.url("peak")
        exits = [f"B{number}" for number in range(PEAK_EXITS)]
        asyncio.run(seeding.seeded(url, [seeding.lot(park, ["A1"], exits, detector=False)]))
        licences = asyncio.run(seeding.parked(url, park, cars))
        lot = contestants.taigan("postgresql", url, self._folder, name="peak", lots=0)
        step = self._progress.add_task(f"{cars:,} cars leave {PEAK_EXITS} exits", total=1)
        try:
            lot.start(self._folder)
            lot.go_on()
            used, began = lot.processor_seconds(), time.perf_counter()
            waited = asyncio.run(_drive_out(lot.port, park, exits, licences, PEAK_AN_HOUR / 3600 * speed))
            took = time.perf_counter() - began
            used = lot.processor_seconds() - used
            out = _settled(self._postgres, cars)
        finally:
            lot.stop()
        self._progress.advance(step)
        if out != [cars] * 5:
            raise RuntimeError(f"{cars} cars; out, paid, settled, released, owed to BoLink: {out}")
        return {
            "cars": cars,
            "exits": PEAK_EXITS,
            "speed": speed,
            "seconds": took,
            "an_hour": cars / took * 3600,
            "of_a_core": used / took,
            **figures(waited, "released"),
        }

    def stop(self) -> None:
        """End the load."""
        self._load.stop()

    def _take(self, *sides: Contestant, with_pgbench: bool = False) -> None:
        steps = self._progress.add_task("starting", total=len(sides) + (self._rounds + 3) * (len(sides) + with_pgbench))
        try:
            for side in sides:
                self._progress.update(steps, description=f"starting {side.name}")
                side.start(self._folder)
                self._progress.advance(steps)
            for number in range(-2, self._rounds + 1):
                order: list[Contestant | None] = [*sides, None] if with_pgbench else [*sides]
                random.shuffle(order)
                for one in order:
                    self._progress.update(steps, description=one.name if one else "pgbench")
                    last = number == self._rounds
                    if one is not None:
                        self._turn(one, kept=0 <= number < self._rounds, last=last)
                    elif not last:
                        self._pgbench(kept=number >= 0)
                    self._progress.advance(steps)
        finally:
            for side in sides:
                side.stop()

    def _turn(self, side: Contestant, *, kept: bool, last: bool) -> None:
        """One turn; in the first nobody is at an exit yet, in the last the cars that were let go drive out."""
        side.go_on()
        time.sleep(max(0.0, self._entered.get(side.name, 0.0) + SHORTEST_STAY - time.monotonic()))
        before, began = side.processor_seconds(), time.perf_counter()
        side.next_cars()
        seconds = {"street": time.perf_counter() - began}
        self._load(connect=["127.0.0.1", side.port], connections=self._connections)
        p50 = {}
        turn = self._turns[side.name] = self._turns.get(side.name, -1) + 1
        for what in () if last else ("price", "payment", "entry") if turn else ("entry",):
            result = self._load(what=what, messages=side.messages)
            if result["answers"] != {"done": side.messages}:
                raise RuntimeError(f"{side.name}, {what}: {result['answers']}")
            seconds[what], p50[what] = result["seconds"], result["p50"]
        used = side.processor_seconds() - before
        self._entered[side.name] = time.monotonic()
        side.pause()
        if kept:
            seconds["stay"] = sum(seconds.values())
            for what in MEASURED:
                rates = self.rates.setdefault(side.name, {}).setdefault(what, [])
                rates.append(side.messages / seconds[what])
            for what in p50:
                self.p50.setdefault(side.name, {}).setdefault(what, []).append(p50[what])
            self.processor.setdefault(side.name, []).append(used / side.messages)

    def _pgbench(self, *, kept: bool) -> None:
        for what in MEASURED:
            script = self._folder / f"{what}.sql"
            script.write_text(_script(what), "utf-8")
            seconds = 12 if what == "stay" else 4  # each client first prepares its statements: of a stay, 116
            rate = pgbench(self._postgres, script, seconds if kept else 1)
            if kept:
                self.rates.setdefault("pgbench", {}).setdefault(what, []).append(rate)

    def _expect_books(self, side: Contestant, found: list[int]) -> None:
        stays = side.messages * (self._turns[side.name] - 1)
        if found != [stays] * len(found):
            raise RuntimeError(f"{side.name}: {stays} stays; out, paid, settled, released, owed to BoLink: {found}")


def _script(what: str) -> str:
    """pgbench's script of one measure: a whole stay is all of them, one after the other."""
    number = "\\set q random(1, 1000000000000000)\n"
    if what == "stay":
        entry = (SQL / "entry.sql").read_text()
        set_up, begin, rest = entry.partition("BEGIN;")
        parts = [(SQL / f"{name}.sql").read_text() for name in ("to_exit", "price", "payment", "exit")]
        return "".join([set_up, number, (SQL / "to_entry.sql").read_text(), begin, rest, *parts])
    some = f"\\set n random(0, {PRESENT - 1})\n\\set lot :n % 200\n\\set lane random(1, 5)\n"
    return some + number + (SQL / f"{what}.sql").read_text()


_FOR_PGBENCH = """UPDATE orders SET order_id = '20260101000000000_' || substr(licence, 2), licence = substr(licence, 2);
    INSERT INTO departures (lot_id, presence_id, channel_id, order_id, charge_at)
    SELECT lot_id, 'out' || licence, 'B1', order_id, now() FROM orders;
    ANALYZE orders; ANALYZE departures"""


def _books(postgres: Postgres, database: str, books: str = BOOKS) -> list[int]:
    return [int(number) for number in postgres.sql(database, books).split("|")]


def _sqlite_books(file: Path) -> list[int]:
    with closing(sqlite3.connect(file)) as conn:
        return list(conn.execute(BOOKS).fetchone())


def _settled(postgres: Postgres, cars: int) -> list[int]:
    """The books of the peak, as soon as all are out; after a minute, as they are."""
    until = time.monotonic() + 60
    while (found := _books(postgres, "peak"))[0] < cars and time.monotonic() < until:
        time.sleep(0.2)
    return found


class Wire:
    """A connection of one driver's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Wire:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def say(self, body: bytes) -> dict[str, Any]:
        """Send a message; its answer. Raises RuntimeError if it is not 1."""
        self._writer.write(request(body))
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        assert length is not None
        answer: dict[str, Any] = json.loads(await self._reader.readexactly(int(length[1])))
        if answer.get("state") != 1:
            raise RuntimeError(f"answered {answer}")
        return answer

    async def payment(self, car: scene.Car) -> bytes:
        """Ask the price at the exit (5.1); the message that it is paid (5.5)."""
        told = await self.say(scene.prices([car], [f"Q{car.licence:0>20}"])[0])
        return scene.payments([scene.Asked(car, told["order_id"], told["price"])])[0]

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def _drive_out(port: int, park: str, exits: Sequence[str], licences: Sequence[str], rate: float) -> list[float]:
    """So many cars a second come to the exits by turns; each driver asks and pays, and needs a second to drive out.

    Seconds from when a car was due, or the one before it had driven out of its lane, to the answer to its payment.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    waited: list[float] = []

    async def serve(first: int) -> None:
        for number in range(first, len(licences), len(exits)):
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            ready = loop.time()
            wire = await Wire.to(port)  # a connection that is idle until the next car is hung up by the platform
            await wire.say(await wire.payment(scene.Car(park, exits[first], licences[number])))
            waited.append(loop.time() - ready)
            wire.close()
            await asyncio.sleep(DRIVES_OUT)

    await asyncio.gather(*(serve(first) for first in range(len(exits))))
    return waited


# From 5.5's first byte to the command on the wire


class Board(asyncio.Protocol):
    """A relay board that echoes what it is told, shows all at rest, and notes when a pulse reaches it."""

    def __init__(self, pulsed: Callable[[int, float], None]) -> None:
        self._pulsed = pulsed
        self._got = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        at = time.perf_counter()
        self._got += data
        while len(self._got) >= 6 and len(self._got) >= (ends := 6 + int.from_bytes(self._got[4:6])):
            frame, self._got = self._got[:ends], self._got[ends:]
            address = int.from_bytes(frame[8:10])
            if frame[7] == WRITE_COIL and address >= PULSE_AT:
                self._pulsed(address - PULSE_AT, at)
            bits = bytes(-(-int.from_bytes(frame[10:12]) // 8))
            reading = frame[:4] + (3 + len(bits)).to_bytes(2) + frame[6:8] + bytes((len(bits),)) + bits
            self._transport.write(frame if frame[7] == WRITE_COIL else reading)


async def to_wire(url: str, folder: Path, engine: str, count: int) -> dict[str, float]:
    """Milliseconds, one car after the other, on exits without a detector; after five that do not count."""
    loop = asyncio.get_running_loop()
    reached: dict[int, asyncio.Future[float]] = {}
    board = await loop.create_server(lambda: Board(lambda coil, at: reached[coil].set_result(at)), "127.0.0.1", 0)
    host, port = board.sockets[0].getsockname()
    lanes = [
        LaneSetup(
            channel_id=f"B{coil}",
            direction="exit",
            detector=False,
            barrier={"driver": "modbus-relay", "host": host, "port": port, "pulse": "hardware", "open_coil": coil},
        )
        for coil in range(WIRE_EXITS)
    ]
    park = scene.PARKS[0]
    own = seeding.lot(park, ["A1"])
    await seeding.seeded(url, [msgspec.structs.replace(own, lanes=[*own.lanes, *lanes])])
    licences = await seeding.parked(url, park, count + WARM_UP)
    lot = contestants.taigan(engine, url, folder, name=f"wire {engine}", lots=0)
    await asyncio.to_thread(lot.start, folder)
    lot.go_on()
    taken, commits = [], []
    try:
        wire = await Wire.to(lot.port)
        for number, licence in enumerate(licences):
            coil = number % WIRE_EXITS
            paid = await wire.payment(scene.Car(park, f"B{coil}", licence))
            reached[coil] = loop.create_future()
            began = time.perf_counter()
            await wire.say(paid)
            commits.append(time.perf_counter() - began)
            taken.append(await reached[coil] - began)
        wire.close()
    finally:
        await asyncio.to_thread(lot.stop)
        board.close()
    return figures(taken[WARM_UP:], "wire") | figures(commits[WARM_UP:], "answer")


def figures(seconds: list[float], name: str) -> dict[str, float]:
    """The median and the 99th of a hundred, in ms."""
    ordered = sorted(seconds)
    return {
        f"{name}_p50_ms": 1000 * statistics.median(ordered),
        f"{name}_p99_ms": 1000 * ordered[int(len(ordered) * 0.99)],
    }


# What comes out


def summary(turns: Turns) -> dict[str, Any]:
    """Medians, spreads and ratios."""
    rates = {name: {what: spread(laps[what]) for what in MEASURED} for name, laps in turns.rates.items()}
    return {
        "rates": rates,
        "processor_us_a_stay": {name: 1e6 * statistics.median(used) for name, used in turns.processor.items()},
        "answer_p50_ms": {
            name: {what: 1000 * statistics.median(seconds) for what, seconds in p50.items()}
            for name, p50 in turns.p50.items()
        },
        "ratios": [
            {"of": one, "to": other, "what": what, "ratio": ratio, "target": target, "met": ratio >= target}
            for one, other, target in TARGETS
            for what in MEASURED
            for ratio in [rates[one][what]["median"] / rates[other][what]["median"]]
        ],
    }


def markdown(found: dict[str, Any]) -> str:
    """The tables of a run."""
    lines: list[str] = []
    if "rates" in found:
        lines += [
            "| contestant | prices/s, median | least – most | payments/s | least – most | stays/s | least – most "
            "| processor time a stay |",
            "|---|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for name, rate in sorted(found["rates"].items(), key=lambda item: -item[1]["stay"]["median"]):
            cells = "".join(
                f" {rate[what]['median']:.0f} | {rate[what]['least']:.0f} – {rate[what]['most']:.0f} |"
                for what in MEASURED
            )
            used = found["processor_us_a_stay"].get(name)
            lines.append(f"| {name} |{cells} {f'{used:.0f} µs' if used else ''} |")
        lines += ["", "| ratio | prices | payments | stays | target | |", "|---|--:|--:|--:|--:|---|"]
        for one, other, target in TARGETS:
            those = [r for r in found["ratios"] if (r["of"], r["to"]) == (one, other)]
            cells = "".join(f" {ratio['ratio']:.2f} |" for ratio in those)
            lines.append(f"| {one} / {other} |{cells} {target} | {verdict(all(r['met'] for r in those))} |")
        lines.append("")
    if "grown" in found:
        grown = found["grown"]
        cells = "".join(f" {grown['ratios'][what]:.2f} |" for what in MEASURED)
        met = verdict(all(ratio >= GROWN_TARGET for ratio in grown["ratios"].values()))
        lines += [
            "| grown / empty database | prices | payments | stays | target | |",
            "|---|--:|--:|--:|--:|---|",
            f"| {grown['closed']:,} closed stays, {grown['inside']:,} inside |{cells} {GROWN_TARGET} | {met} |",
            "",
        ]
    if "wire" in found:
        lines += [
            "| from 5.5's first byte | command on the wire, p50 | p99 | answer, p50 | p99 |",
            "|---|--:|--:|--:|--:|",
        ]
        for engine, wire in found["wire"].items():
            names = ("wire_p50_ms", "wire_p99_ms", "answer_p50_ms", "answer_p99_ms")
            cells = " | ".join(f"{wire[name]:.1f} ms" for name in names)
            lines.append(f"| {engine} | {cells} |")
        lines.append("")
    if "peak" in found:
        peak = found["peak"]
        lines += [
            f"Peak: {peak['cars']:,} cars left one lot by {peak['exits']} exits in {peak['seconds']:.0f} s, "
            f"{peak['an_hour']:,.0f} an hour (target {PEAK_AN_HOUR:,}). From a driver's turn to the release "
            f"p50 {peak['released_p50_ms']:.0f} ms, p99 {peak['released_p99_ms']:.0f} ms; "
            f"{100 * peak['of_a_core']:.0f} % of a core.",
            "",
        ]
    return "\n".join([*lines, *(f"{part}: {told(place)}" for part, place in found["where"].items()), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--connections", type=int, default=16, metavar="N", help="drivers at once")
    parser.add_argument("--payments", type=int, default=300, metavar="N", help="how many are timed to the wire")
    parser.add_argument("--closed", type=int, default=0, metavar="N", help="fill a database with stays that ended,")
    parser.add_argument("--inside", type=int, default=0, metavar="N", help="and cars inside, beside an empty one")
    parser.add_argument("--peak", action="store_true", help="cars leave one lot with 40 exits")
    parser.add_argument("--cars", type=int, default=PEAK_AN_HOUR, metavar="N", help="in the peak")
    parser.add_argument("--speed", type=float, default=4.0, metavar="X", help="of the peak, times 10,000 an hour")
    parser.add_argument(
        "--only", action="store_true", help="no stays and no wire: they stay in the results as they were"
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS / "leaving.json", metavar="FILE", help="instead of results/"
    )
    chosen = parser.parse_args()
    console = Console()
    found: dict[str, Any] = json.loads(chosen.out.read_text()) if chosen.out.exists() else {"where": {}}
    with stage(console) as (folder, postgres, progress):
        turns = Turns(postgres, folder, chosen.rounds, chosen.connections, progress)
        try:
            if not chosen.only:
                found["where"]["stays, wire"] = where()
                turns.side_by_side()
                found |= summary(turns)
                postgres.run("createdb", "wire")
                urls = {"sqlite": f"sqlite:///{folder}/wire.sqlite3", "postgresql": postgres.url("wire")}
                found["wire"] = {
                    engine: asyncio.run(to_wire(url, folder, engine, chosen.payments)) for engine, url in urls.items()
                }
            if chosen.closed or chosen.inside:
                found["where"]["grown"] = where()
                found["grown"] = turns.grown(chosen.closed, chosen.inside)
            if chosen.peak:
                found["where"]["peak"] = where()
                found["peak"] = turns.peak(chosen.cars, chosen.speed)
        finally:
            turns.stop()
    chosen.out.write_text(json.dumps(found, indent=2) + "\n")
    chosen.out.with_suffix(".md").write_text(markdown(found))
    console.print(markdown(found))


if __name__ == "__main__":
    main()
