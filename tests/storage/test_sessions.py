"""Sessions with PostgreSQL: how long they wait, and what becomes of them when they lead nowhere."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from support.beside import beside
from support.clock import PATIENCE as LONG
from support.databases.pgbouncer import pgbouncer
from support.databases.postgres import NewDatabase, new_databases
from support.servers.silent import Way, way_to
from taigan.storage import tables as t
from taigan.storage.database import Database, open_database
from taigan.storage.engines.group import PATIENCE, GroupCommit
from taigan.storage.engines.postgres import ANSWER_WITHIN
from taigan.storage.errors import CannotOpen, Held, ReadOnly, Unavailable
from taigan.storage.kept.inspection import inspect_database
from taigan.storage.locked import facts
from taigan.storage.rows import Lot
from taigan.storage.shown import views

LOTS = ("1-7", "1-8", "1-9")


@pytest.fixture
async def url(new_postgres_database: NewDatabase) -> str:
    return await new_postgres_database()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """A PostgreSQL with three lots."""
    async with three_lots(url) as opened:
        yield opened


@asynccontextmanager
async def three_lots(url: str) -> AsyncIterator[Database]:
    opened = await open_database(url)
    try:
        await opened.write(add_lots)
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def lots_of_its_own(postgres_url: str) -> AsyncIterator[tuple[Database, str]]:
    """The same on a database that no fixture made, and its URL."""
    async with new_databases(postgres_url) as create:
        url = await create()
        async with three_lots(url) as opened:
            yield opened, url


def add_lots(conn: sa.Connection) -> None:
    conn.execute(sa.insert(t.vendors), {"union_id": "1", "name": ""})
    for lot_id in LOTS:
        values = {"lot_id": lot_id, "union_id": "1", "park_id": lot_id[2:], "spaces": 10, "spaces_free": 10}
        conn.execute(sa.insert(t.lots), values)


class Holder:
    """Somebody else who holds a lot and does not go on."""

    def __init__(self, url: str, lot_id: str) -> None:
        self._url, self._lot_id = url, lot_id

    async def __aenter__(self) -> asyncpg.Connection:
        self._conn = await asyncpg.connect(self._url)
        await self._conn.execute("BEGIN")
        await self._conn.execute("SELECT 1 FROM lots WHERE lot_id = $1 FOR UPDATE", self._lot_id)
        return self._conn

    async def __aexit__(self, *_: object) -> None:
        await self._conn.close()


def take_spaces(conn: sa.Connection, lot_ids: Sequence[str]) -> list[int]:
    """Take a space in each of the lots, as entries do; the spaces left."""
    lots = facts.lock(conn, set(lot_ids))
    left_after = []
    for lot_id in lot_ids:
        lots[lot_id].spaces_free -= 1
        left = {"spaces_free": lots[lot_id].spaces_free}
        conn.execute(sa.update(t.lots).where(t.lots.c.lot_id == lot_id).values(left))
        left_after.append(lots[lot_id].spaces_free)
    return left_after


def grouped(database: Database) -> GroupCommit[str, int]:
    return GroupCommit[str, int](database, take_spaces, lot_of=lambda lot_id: lot_id)


@pytest.fixture
async def patient(database: Database, url: str) -> AsyncIterator[Database]:
    """The same database, by sessions that wait for a held lot as long as it is held."""
    opened = await open_database(url, unhurried=True)
    yield opened
    await opened.close()


async def done(*work: asyncio.Future[int]) -> list[int]:
    async with asyncio.timeout(LONG):
        return list(await asyncio.gather(*work))


async def test_a_lot_that_another_holds_holds_up_no_other_lot_of_the_batch_nor_of_later_ones(
    patient: Database, url: str
) -> None:
    group = grouped(patient)
    async with Holder(url, "1-8"):
        held = group.submit("1-8")
        assert await done(group.submit("1-7"), group.submit("1-9")) == [9, 9]
        behind = group.submit("1-8")
        assert await done(group.submit("1-7"), group.submit("1-9")) == [8, 8]
        assert not held.done()
        assert not behind.done()
    assert await done(held, behind, group.submit("1-8")) == [9, 8, 7]
    await group.drained()


@beside
async def test_what_waits_for_a_held_lot_is_given_up_after_a_few_seconds_and_nothing_is_written(
    postgres_url: str,
) -> None:
    async with lots_of_its_own(postgres_url) as (database, url):
        group = grouped(database)
        async with Holder(url, "1-8"):
            began = time.monotonic()
            with pytest.raises(Held):
                await group.submit("1-8")
            assert time.monotonic() - began > 1.4 * PATIENCE
        assert await done(group.submit("1-8")) == [9]


async def test_items_that_name_no_lot_wait_for_what_their_transaction_locks(patient: Database, url: str) -> None:
    group = GroupCommit[str, int](patient, take_spaces)
    async with Holder(url, "1-8"):
        held = group.submit("1-8")
        await asyncio.wait((held,), timeout=0.2)
        assert not held.done()
    assert await done(held) == [9]


async def test_a_lot_that_does_not_exist_is_nobodys_to_hold(database: Database) -> None:
    def lock(conn: sa.Connection) -> dict[str, Lot]:
        with facts.never_waiting(conn):
            return facts.lock(conn, ["1-7", "9-9"])

    assert set(await database.write(lock)) == {"1-7"}


@beside
async def test_a_transaction_waits_a_second_and_a_half_for_a_row_of_another(postgres_url: str) -> None:
    async with lots_of_its_own(postgres_url) as (database, url), Holder(url, "1-8"):
        began = time.monotonic()
        with pytest.raises(Held):
            await database.write(lambda conn: facts.lock(conn, ["1-8"]))
        assert time.monotonic() - began > 1.4


@beside
async def test_the_lots_of_a_process_that_stopped_in_mid_transaction_are_free_within_seconds(postgres_url: str) -> None:
    async with lots_of_its_own(postgres_url) as (database, url):
        holding, goes_on = threading.Event(), threading.Event()

        def stop(conn: sa.Connection) -> None:
            facts.lock(conn, ["1-8"])
            holding.set()
            goes_on.wait(2 * LONG)  # the process, its loop with it, stands still

        standing = asyncio.create_task(asyncio.to_thread(asyncio.run, _stop_in(url, stop)))
        try:
            assert await asyncio.to_thread(holding.wait, LONG)
            left = []
            async with asyncio.timeout(LONG):
                while not left:
                    with suppress(Held):
                        left = await database.write(lambda conn: take_spaces(conn, ["1-8"]))
            assert left == [9]
        finally:
            goes_on.set()
            await asyncio.gather(standing, return_exceptions=True)


async def _stop_in(url: str, stop: object) -> None:
    stuck = await open_database(url)
    try:
        await stuck.write(stop)  # type: ignore[arg-type]
    finally:
        await stuck.close()


@beside
async def test_two_transactions_that_block_each_other_both_end_well(postgres_url: str) -> None:
    async with lots_of_its_own(postgres_url) as (database, _):
        met = asyncio.Barrier(2)

        def crossing(first: str, second: str) -> object:
            tried = 0

            def transaction(conn: sa.Connection) -> None:
                nonlocal tried
                tried += 1
                conn.execute(sa.update(t.lots).where(t.lots.c.lot_id == first).values(name=first))
                if tried == 1:
                    sa.util.await_only(met.wait())
                conn.execute(sa.update(t.lots).where(t.lots.c.lot_id == second).values(name=first))

            return transaction

        await asyncio.gather(
            database.write(crossing("1-7", "1-8")),  # type: ignore[arg-type]
            database.write(crossing("1-8", "1-7")),  # type: ignore[arg-type]
        )


@pytest.mark.parametrize("state", ["40P01", "40001"])
async def test_who_was_ended_in_favour_of_another_tries_twice_more(database: Database, state: str) -> None:
    tried = 0

    def gives_way(conn: sa.Connection, times: int) -> str:
        nonlocal tried
        tried += 1
        if tried <= times:
            conn.execute(sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'another' USING ERRCODE = '{state}'; END $$"))
        return "written"

    assert (await database.write(lambda conn: gives_way(conn, 2)), tried) == ("written", 3)
    tried = 0
    with pytest.raises(Unavailable):
        await database.write(lambda conn: gives_way(conn, 3))
    assert tried == 3


@beside
async def test_opening_waits_for_one_who_migrates_however_long_it_takes(postgres_url: str) -> None:
    async with lots_of_its_own(postgres_url) as (_, url):
        other = await asyncpg.connect(url)
        await other.execute("SELECT pg_advisory_lock(7416001)")
        await other.execute("BEGIN")
        await other.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        opening = asyncio.create_task(open_database(url))
        await asyncio.sleep(ANSWER_WITHIN + 0.5)
        assert not opening.done()
        await other.execute("SELECT pg_advisory_unlock(7416001)")
        await asyncio.sleep(ANSWER_WITHIN + 0.5)  # now its own first statement takes long
        assert not opening.done()
        await other.close()
        await (await asyncio.wait_for(opening, LONG)).close()


async def test_sessions_that_take_no_writes_any_more_are_replaced_by_those_that_do(
    database: Database, url: str
) -> None:
    admin = await asyncpg.connect(url)
    name = await admin.fetchval("SELECT current_database()")
    try:
        await admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(ReadOnly):
            await database.write(lambda conn: take_spaces(conn, ["1-7"]))
        assert await database.read(views.hindrance) == "the database takes no writes"
        assert (await inspect_database(url)).read_only
    finally:
        await admin.execute("SET default_transaction_read_only = off")
        await admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await admin.close()
    assert await database.write(lambda conn: take_spaces(conn, ["1-7"])) == [9]
    assert await database.read(views.hindrance) == ""
    assert not (await inspect_database(url)).read_only


@pytest.fixture
async def way(url: str) -> AsyncIterator[Way]:
    """A way to the server that can go silent."""
    async with a_way(url) as way:
        yield way


def a_way(url: str) -> AbstractAsyncContextManager[Way]:
    return way_to(f"{sa.make_url(url).query['host']}/.s.PGSQL.5432")


@beside
async def test_sessions_that_went_silent_cost_one_wait_and_the_transaction_is_carried_out_all_the_same(
    postgres_url: str,
) -> None:
    async with lots_of_its_own(postgres_url) as (_, url), a_way(url) as way:
        address = sa.make_url(url)
        over = await open_database(f"postgresql://{address.username}@127.0.0.1:{way.port}/{address.database}")
        await asyncio.gather(
            *(over.write(lambda conn: conn.execute(sa.text("SELECT pg_sleep(0.2)"))) for _ in range(8))
        )
        assert way.go_silent() >= 8
        for left in range(9, 0, -1):
            assert await over.write(lambda conn: take_spaces(conn, ["1-7"])) == [left]
        assert way.asked_in_vain == 1, "a silent session was tried again"
        await over.close()


async def test_sessions_with_a_server_that_was_started_again_unheard_are_not_noticed(url: str, way: Way) -> None:
    address = sa.make_url(url)
    over = await open_database(f"postgresql://{address.username}@127.0.0.1:{way.port}/{address.database}")
    await over.write(add_lots)
    await asyncio.gather(*(over.write(lambda conn: conn.execute(sa.text("SELECT pg_sleep(0.2)"))) for _ in range(8)))
    assert way.forget() >= 8
    for left in range(9, 0, -1):
        assert await over.write(lambda conn: take_spaces(conn, ["1-7"])) == [left]
    await over.close()


async def test_through_a_pooler_that_pools_sessions_everything_works(url: str, tmp_path: Path) -> None:
    with pgbouncer(tmp_path, url, pool_mode="session") as address:
        database = await open_database(address)
        await database.write(add_lots)
        for left in range(9, 0, -1):
            assert await database.write(lambda conn: take_spaces(conn, ["1-7"])) == [left]
        shown = await database.read(lambda conn: conn.execute(sa.text("SHOW lock_timeout")).scalar())
        assert shown == "1500ms"
        await database.close()


async def test_a_pooler_that_pools_transactions_is_refused_in_one_sentence(url: str, tmp_path: Path) -> None:
    with (
        pgbouncer(tmp_path, url, pool_mode="transaction") as address,
        pytest.raises(CannotOpen, match="pool_mode = session"),
    ):
        await open_database(address)


async def test_only_what_holds_a_lot_is_planned_without_scans(database: Database) -> None:
    def shown(conn: sa.Connection) -> str:
        return str(conn.execute(sa.text("SHOW enable_seqscan")).scalar())

    def shown_with_a_lot(conn: sa.Connection) -> str:
        facts.lock(conn, ["1-7"])
        return shown(conn)

    assert await database.write(shown_with_a_lot) == "off"
    assert await database.read(shown) == "on"
