"""Transactions on both engines: whole or not at all, carried to their end, tried again when the connection was cut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from support.clock import PATIENCE, ManualClock
from support.databases.postgres import create_database, drop_database
from support.databases.states import emptied
from support.databases.troubled import TroubledDatabase
from taigan.storage import tables as t
from taigan.storage.database import Database, open_database
from taigan.storage.engines.group import FEWEST, LONG, GroupCommit
from taigan.storage.engines.statements import Insert
from taigan.storage.errors import Unavailable
from taigan.storage.locked import facts


def add_vendor(conn: sa.Connection, union_id: str) -> None:
    conn.execute(sa.insert(t.vendors), {"union_id": union_id, "name": ""})


async def vendors(database: Database) -> list[str]:
    query = sa.select(t.vendors.c.union_id).order_by(t.vendors.c.union_id)
    return await database.read(lambda conn: [str(name) for name in conn.execute(query).scalars()])


async def test_a_transaction_that_raises_writes_nothing(database: Database) -> None:
    def fails(conn: sa.Connection) -> None:
        add_vendor(conn, "1")
        raise KeyError("on the way")

    with pytest.raises(KeyError):
        await database.write(fails)
    assert await vendors(database) == []


async def test_a_constraint_that_refuses_is_told_as_such(database: Database) -> None:
    await database.write(lambda conn: add_vendor(conn, "1"))
    with pytest.raises(sa.exc.IntegrityError):
        await database.write(lambda conn: add_vendor(conn, "1"))


async def test_a_transaction_whose_caller_went_away_is_carried_to_its_end(database: Database) -> None:
    begun, loop = asyncio.Event(), asyncio.get_running_loop()

    def transaction(conn: sa.Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        add_vendor(conn, "1")

    caller = asyncio.create_task(database.write(transaction))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    async with asyncio.timeout(PATIENCE):
        while await vendors(database) != ["1"]:
            await asyncio.sleep(0)


async def test_sqlite_reads_go_on_while_a_transaction_writes(sqlite_storage: Database) -> None:
    await emptied(sqlite_storage)
    writing, go_on = threading.Event(), threading.Event()

    def slow(conn: sa.Connection) -> None:
        conn.execute(sa.delete(t.vendors))
        writing.set()
        assert go_on.wait(PATIENCE)

    task = asyncio.create_task(sqlite_storage.write(slow))
    await asyncio.to_thread(writing.wait, PATIENCE)
    try:
        await vendors(sqlite_storage)
    finally:
        go_on.set()
        await task


@pytest.mark.parametrize("cuts", [1, 2])
async def test_a_connection_cut_in_mid_transaction_is_tried_again_once(postgres_storage: Database, cuts: int) -> None:
    await emptied(postgres_storage)
    attempts = 0

    def transaction(conn: sa.Connection) -> None:
        nonlocal attempts
        attempts += 1
        add_vendor(conn, "1")
        if attempts <= cuts:
            conn.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        conn.execute(sa.text("SELECT 1"))

    if cuts == 1:
        await postgres_storage.write(transaction)
    else:
        with pytest.raises(Unavailable):
            await postgres_storage.write(transaction)
    assert attempts == 2
    assert await vendors(postgres_storage) == (["1"] if cuts == 1 else [])


async def test_what_is_looked_up_again_and_again_is_planned_a_few_times_and_a_report_each_time(
    postgres_storage: Database,
) -> None:
    def planned(conn: sa.Connection, name: str) -> tuple[int, int]:
        for number in range(10):
            conn.exec_driver_sql(f"SELECT name AS {name} FROM vendors WHERE union_id = $1", (str(number),))
        plans = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE"
        custom, kept = conn.exec_driver_sql(f"{plans} 'SELECT name AS {name} %'").one()
        return custom, kept

    assert await postgres_storage.write(lambda conn: planned(conn, "looked_up")) == (5, 5)
    assert await postgres_storage.read(lambda conn: planned(conn, "reported")) == (10, 0)
    assert await postgres_storage.write(lambda conn: planned(conn, "looked_up_later")) == (5, 5)


async def test_connections_cut_while_nobody_used_them_are_not_noticed(postgres_storage: Database) -> None:
    await asyncio.gather(*(vendors(postgres_storage) for _ in range(8)))
    await postgres_storage.write(
        lambda conn: conn.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    )
    for _ in range(8):
        await vendors(postgres_storage)


async def test_a_database_that_is_gone_is_unavailable_and_serves_again_when_it_is_back(postgres_url: str) -> None:
    name = "taigan_comes_and_goes"
    database = await open_database(await create_database(postgres_url, name))
    server = await open_database(await create_database(postgres_url, f"{name}_beside"))

    async def let_in(allowed: bool) -> None:
        def change(conn: sa.Connection) -> None:
            conn.execute(sa.text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(allowed).lower()}"))
            conn.execute(sa.text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))

        await server.write(change)

    try:
        await let_in(False)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await vendors(database)
        await let_in(True)
        assert await vendors(database) == []
    finally:
        await database.close()
        await server.close()
        await drop_database(postgres_url, name)
        await drop_database(postgres_url, f"{name}_beside")


@pytest.mark.parametrize("value", [2**70, "a\0b"])
async def test_a_value_that_a_column_cannot_hold_is_no_fault_of_the_database(
    postgres_storage: Database, value: Any
) -> None:
    row = {"union_id": "1", "name": value}
    with pytest.raises((sa.exc.DBAPIError, ValueError, OverflowError)):
        await postgres_storage.write(lambda conn: conn.execute(sa.insert(t.vendors), row))


class Vendor(msgspec.Struct):
    """A row of `vendors`."""

    union_id: str
    name: str


async def test_what_the_database_says_of_a_row_quotes_nothing_of_it(database: Database) -> None:
    vendor = Vendor("a-number-plate", "")
    add = Insert(t.vendors, Vendor)
    await database.write(lambda conn: add(conn, [vendor]))
    with pytest.raises(sa.exc.IntegrityError) as refused:
        await database.write(lambda conn: add(conn, [vendor]))
    assert vendor.union_id not in str(refused.value)


async def test_what_went_on_after_a_statement_that_failed_is_not_told_as_written(postgres_storage: Database) -> None:
    def transaction(conn: sa.Connection) -> None:
        add_vendor(conn, "swallowed")
        with suppress(sa.exc.DBAPIError):
            conn.execute(sa.text("SELECT 1 / 0"))

    with pytest.raises(Unavailable):
        await postgres_storage.write(transaction)
    assert "swallowed" not in await vendors(postgres_storage)


async def test_what_one_transaction_was_told_is_not_said_of_the_next(database: Database) -> None:
    def not_waiting(conn: sa.Connection) -> bool:
        with facts.never_waiting(conn):
            return bool(conn.get_execution_options()["taigan_never_waits"])

    assert await database.write(not_waiting)
    assert not await database.write(lambda conn: conn.get_execution_options().get("taigan_never_waits"))


# Group commit


class Batches:
    """Adds a vendor per item, and remembers what it was called with."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def __call__(self, conn: sa.Connection, items: Sequence[str]) -> list[str]:
        self.seen.append(list(items))
        for item in items:
            add_vendor(conn, item)
        return [f"{item} done" for item in items]


async def settle(*work: Any) -> list[Any]:
    async with asyncio.timeout(PATIENCE):
        return list(await asyncio.gather(*work, return_exceptions=True))


async def test_what_arrives_meanwhile_is_committed_together(database: Database) -> None:
    batches = Batches()
    group = GroupCommit[str, str](database, batches)
    results = await settle(*(group.submit(f"{number:02d}") for number in range(20)))
    assert results == [f"{number:02d} done" for number in range(20)]
    assert sum(map(len, batches.seen)) == 20
    assert len(batches.seen) <= 2


async def test_one_bad_row_fails_alone_found_by_halving(database: Database) -> None:
    await database.write(lambda conn: add_vendor(conn, "05"))
    batches = Batches()
    group = GroupCommit[str, str](database, batches)
    results = await settle(*(group.submit(f"{number:02d}") for number in range(16)))
    assert [number for number, result in enumerate(results) if isinstance(result, Exception)] == [5]
    assert isinstance(results[5], sa.exc.IntegrityError)
    assert await vendors(database) == [f"{number:02d}" for number in range(16)]
    assert len(batches.seen) <= 10


async def test_several_bad_rows_fail_each_for_itself(database: Database) -> None:
    for bad in ("00", "07", "15"):
        await database.write(lambda conn, bad=bad: add_vendor(conn, bad))  # type: ignore[misc]
    group = GroupCommit[str, str](database, Batches())
    results = await settle(*(group.submit(f"{number:02d}") for number in range(16)))
    assert [number for number, result in enumerate(results) if isinstance(result, Exception)] == [0, 7, 15]


async def test_a_row_that_the_column_refuses_fails_alone(database: Database) -> None:
    at = datetime(2026, 5, 4, tzinfo=UTC)

    def insert(conn: sa.Connection, items: Sequence[int]) -> list[None]:
        for item in items:
            row = {"lot_id": "1-7", "at": None if item == 3 else at, "spaces_free": item, "cause": "pass"}
            conn.execute(sa.insert(t.space_changes), row)
        return [None] * len(items)

    group = GroupCommit[int, None](database, insert)
    results = await settle(*(group.submit(item) for item in (1, 2, 3, 2**80, 5)))
    assert [result is None for result in results] == [True, True, False, False, True]
    assert not any(isinstance(result, Unavailable) for result in results)


async def test_a_database_that_is_gone_fails_the_whole_batch_at_once(database: Database) -> None:
    gone = TroubledDatabase(database)
    gone.gone = True
    group = GroupCommit[str, str](gone, Batches())
    results = await settle(*(group.submit(f"{number}") for number in range(5)))
    assert all(isinstance(result, Unavailable) for result in results)
    assert gone.refused <= 2  # no halving
    gone.gone = False
    assert await group.submit("9") == "9 done"


async def test_a_caller_that_goes_away_leaves_its_item_behind(database: Database) -> None:
    slow = TroubledDatabase(database)
    slow.hang()
    group = GroupCommit[str, str](slow, Batches())
    callers = [asyncio.ensure_future(group.submit(name)) for name in ("1", "2")]
    await slow.holds()
    callers[0].cancel()
    slow.go_on()
    await group.drained()
    assert await vendors(database) == ["1", "2"]
    assert await callers[1] == "2 done"


async def test_a_batch_holds_no_more_than_it_may(database: Database) -> None:
    batches = Batches()
    group = GroupCommit[str, str](database, batches, most=4)
    await settle(*(group.submit(f"{number:02d}") for number in range(10)))
    assert max(map(len, batches.seen)) == 4


async def test_one_item_alone_is_committed_alone_and_at_once(database: Database) -> None:
    batches = Batches()
    group = GroupCommit[str, str](database, batches)
    assert await group.submit("1") == "1 done"
    assert batches.seen == [["1"]]
    await group.drained()


async def test_batches_become_smaller_while_they_take_long_and_larger_again_when_they_do_not(
    database: Database,
) -> None:
    clock, batches, seconds = ManualClock(), Batches(), LONG + 1

    def slowly(conn: sa.Connection, items: Sequence[str]) -> list[str]:
        clock.advance(seconds)
        return batches(conn, items)

    group = GroupCommit[str, str](database, slowly, most=64, clock=clock)
    await settle(*(group.submit(f"a{number}") for number in range(200)))
    sizes = list(map(len, batches.seen))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-2:-1] == [FEWEST]  # the last one has what is left
    seconds = 0.0
    batches.seen.clear()
    await settle(*(group.submit(f"b{number}") for number in range(200)))
    assert max(map(len, batches.seen)) == 64
