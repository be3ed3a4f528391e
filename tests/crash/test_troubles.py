"""What the platform stands on fails under load: its database, BoLink, the disk, the clock. The books must agree.

`TAIGAN_TEST_TROUBLE_ROUNDS` says how often each trouble comes; `make crash` sets it high, and makes troubles longer.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from crash.street import LANES, LOTS, Round, Street
from support.databases.postgres import PostgresServer, postgres_server
from support.stacks.stack import eventually
from support.telling import Tell

ROUNDS = int(os.environ.get("TAIGAN_TEST_TROUBLE_ROUNDS", "1"))
LONG = "TAIGAN_TEST_TROUBLE_ROUNDS" in os.environ
EACH_LANE = 4  # 25 lanes: 100 messages at once
ANSWERED_WITHIN = 5.0 if LONG else 20.0
"""Seconds; BoLink waits no longer than 5, but in the short run others use the machine as well."""
TRIES = 4
"""Waves until one meets no stall of the machine, for which a driver is told 2 or to come again."""
CHANCE = random.Random(20170114)
Trouble = Callable[[], Awaitable[None]]

pytestmark = pytest.mark.timeout(240 + 300 * ROUNDS)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that may be killed."""
    with postgres_server() as started:
        yield started


@pytest.fixture(scope="module")
def clock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds by how many seconds the clocks of all processes are off."""
    file = tmp_path_factory.mktemp("clock") / "offset"
    file.write_text("0")
    return file


@pytest.fixture(scope="module")
async def street(
    server: PostgresServer, clock_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    under_fire = Street(folder, server.url, {"TAIGAN_TEST_CLOCK_FILE": str(clock_file)})
    await under_fire.start()
    yield under_fire
    await under_fire.stop()


async def _wave(street: Street, trouble: Trouble | None = None) -> Round:
    """A car in every lane, several drivers at each, and meanwhile some trouble."""
    await street.cars("arrives")
    this = street.messages(EACH_LANE)
    asking = asyncio.create_task(street.ask(this, chance=random.Random(7)))
    if trouble is not None:
        await asyncio.sleep(CHANCE.uniform(0.01, 0.2))
        await trouble()
    await asking
    street.count(this)
    return this


async def _aftermath(street: Street, this: Round) -> None:
    """Everybody was answered in time; the same again gets the same; the street empties; the books are compared."""
    assert this.told.keys() == this.bodies.keys(), "some were never answered"
    assert this.slowest < ANSWERED_WITHIN, f"an answer took {this.slowest:.1f} s"
    # Who was told that the system is busy is asked to scan anew: that the same message comes again is not expected.
    told = {licence for licence, state in this.told.items() if state != 0}
    again = Round({who: this.bodies[who] for who in told}, {who: this.told[who] for who in told})
    await street.ask_again(again, chance=random.Random(0))
    await eventually(lambda: street.none_waits_of(set(this.told) - told))
    await street.settle()
    await street.told_1_have_orders(this)
    await street.check(this)


async def _one_a_lane_is_let_in(street: Street, trouble: Trouble | None = None) -> None:
    """At every lane one of its drivers, in one of a few waves; after each of them the books are compared."""
    for _ in range(TRIES):
        this = await _wave(street, trouble)
        await _aftermath(street, this)
        if list(this.told.values()).count(1) == len(LOTS) * len(LANES):
            return
    raise AssertionError(f"not one a lane: {this.told}")


async def test_connections_to_the_database_are_cut_under_load_and_the_books_agree(
    street: Street, server: PostgresServer, tell: Tell
) -> None:
    cuts = 0

    async def cut() -> None:
        nonlocal cuts
        conn = await asyncpg.connect(server.url)
        others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'taigan%'"
        for _ in range(5):
            cuts += await conn.fetchval(others)
            await asyncio.sleep(CHANCE.uniform(0.05, 0.4))
        await conn.close()

    for _ in range(ROUNDS):
        await _aftermath(street, await _wave(street, cut))
    await _one_a_lane_is_let_in(street)
    tell(f"{cuts} connections cut: {street.taken_counts()}")
    assert cuts > 4 * ROUNDS


async def test_the_database_crashes_and_comes_back_under_load_and_the_books_agree(
    street: Street, server: PostgresServer, tell: Tell
) -> None:
    def restart() -> None:
        server.stop(signal.SIGQUIT)
        server.start()

    for _ in range(ROUNDS):
        await _aftermath(street, await _wave(street, lambda: asyncio.to_thread(restart)))
    await _one_a_lane_is_let_in(street)
    tell(f"{ROUNDS} crashes of PostgreSQL: {street.taken_counts()}")


async def test_bolink_is_down_late_or_forgets_to_answer_and_gets_every_entry_once_in_effect(
    street: Street, tell: Tell
) -> None:
    async def gone() -> None:
        await street.kill("hub")
        await asyncio.sleep(60 if LONG else 1)
        await street.start_part("hub")

    async def late() -> None:
        street.signal("hub", signal.SIGSTOP)
        await asyncio.sleep(10 if LONG else 2.5)  # longer than an upload waits
        street.signal("hub", signal.SIGCONT)

    async def faulty() -> None:
        kinds = ("upload_answer_lost", "upload_500", "hub_down", "upload_answer_lost")
        await street.faults(*({"kind": kind, "times": 10} for kind in kinds))

    for _ in range(ROUNDS):
        for trouble in (gone, late, faulty):
            await _one_a_lane_is_let_in(street, trouble)  # BoLink's trouble is no driver's
    received = [entry["received"] for lot_id in LOTS for entry in await street.items("/admin/entries", lot_id=lot_id)]
    again = sum(received) - len(received)
    tell(f"BoLink in trouble: {len(received)} entries, {again} uploads of them again: {street.taken_counts()}")
    assert again, "no answer was lost: the run proves nothing"


async def test_the_clock_is_set_back_an_hour_under_load_and_nobody_waits_for_that_hour(
    street: Street, clock_file: Path, tell: Tell
) -> None:
    async def set_back() -> None:
        _set(clock_file, -3600)

    for _ in range(ROUNDS):
        await street.modes("silent", LOTS[:2])
        await _aftermath(street, await _wave(street, set_back))
        await street.modes("ok", LOTS[:2])
        await _one_a_lane_is_let_in(street)
        _set(clock_file, 0)
        await _aftermath(street, await _wave(street))
    tell(f"{ROUNDS} times the clock was set back: {street.taken_counts()}")


def _set(clock_file: Path, seconds: float) -> None:
    """In one step, so that nobody reads half a number."""
    beside = clock_file.with_suffix(".new")
    beside.write_text(str(seconds))
    beside.rename(clock_file)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for the log before its pages go to the file (16 MB), and for every round's entries."""
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={24 + 4 * ROUNDS}m,mode=0700", "taigan-test", str(place)]
    mounted = subprocess.run(mounting, stderr=subprocess.PIPE, text=True, check=False)
    if mounted.returncode != 0:
        pytest.fail(f"this test fills a small disk and must be root to mount one: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


async def test_the_disk_is_full_under_load_and_when_there_is_room_again_the_books_agree(
    small_disk: Path, tmp_path: Path, tell: Tell
) -> None:
    street = Street(tmp_path / "street", f"sqlite:///{small_disk / 'lot.sqlite3'}")
    await street.start()
    try:
        for _ in range(ROUNDS):
            full = street.messages(0)
            while len(_busy(full)) < 25:
                filled = await _wave(street, lambda: asyncio.to_thread(_fill, small_disk))
                full.add(filled)
                assert len(full.bodies) < 3000, "the disk never was full: the run proves nothing"
                if not _busy(filled):
                    await street.cars("leaves")
            (small_disk / "filler").unlink()
            await _aftermath(street, full)
            await _one_a_lane_is_let_in(street)
        tell(f"the disk was full: {street.taken_counts()}")
    finally:
        await street.stop()


def _busy(this: Round) -> list[int]:
    """The states of those of whom nothing could be stored: told that the system is busy, or 2 in doubt."""
    said = ("系统繁忙", "正在抬杆")
    return [this.told[who] for who, answer in this.answers.items() if any(text in answer.decode() for text in said)]


def _fill(disk: Path) -> None:
    with (disk / "filler").open("ab", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            return
