"""One database on each engine for all storage tests, emptied for each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.databases.postgres import new_databases
from support.databases.states import emptied
from taigan.storage.database import Database, open_database


@pytest.fixture(scope="session")
async def sqlite_storage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path_factory.mktemp('storage') / 'lot.sqlite3'}")
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def postgres_storage(postgres_url: str) -> AsyncIterator[Database]:
    async with new_databases(postgres_url) as new:
        database = await open_database(await new(), unhurried=True)
        yield database
        await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest) -> Database:
    """The database of each engine in turn, as the test before left it."""
    database: Database = request.getfixturevalue("sqlite_storage" if request.param == "sqlite" else "postgres_storage")
    return database


@pytest.fixture
async def database(any_database: Database) -> Database:
    """An empty database, once on each engine."""
    return await emptied(any_database)
