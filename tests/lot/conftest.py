"""One database on each engine for all tests, emptied for each; and the platform on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from support.databases.postgres import new_databases
from support.databases.states import emptied
from support.lot.parking import Parking, parking
from taigan.storage.database import Database, open_database

NewParking = Callable[..., Awaitable[Parking]]


@pytest.fixture(scope="session")
async def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path_factory.mktemp('lot') / 'lot.sqlite3'}")
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def postgres_database(postgres_url: str) -> AsyncIterator[Database]:
    async with new_databases(postgres_url) as new:
        database = await open_database(await new(), unhurried=True)
        yield database
        await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest) -> Database:
    """The database of each engine in turn, as the test before left it."""
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    database: Database = request.getfixturevalue(name)
    return database


@pytest.fixture
async def database(any_database: Database) -> Database:
    """An empty database, once on each engine."""
    return await emptied(any_database)


@pytest.fixture
async def new_parking(database: Database) -> AsyncIterator[NewParking]:
    """Builds platforms on the database; those given a `process` of their own share it with the others."""
    async with AsyncExitStack() as opened:

        async def new(on: Database = database, **options: Any) -> Parking:
            return await opened.enter_async_context(parking(on, **options))

        yield new


@pytest.fixture
async def street(new_parking: NewParking) -> Parking:
    """One lot of 50 spaces: A1 and A2 automatic, A3 with an attendant, A4 without a detector, B1 the exit."""
    return await new_parking()
