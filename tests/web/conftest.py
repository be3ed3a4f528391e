"""The platform's HTTP for each test. It is built once for each engine, and cleared before each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.databases.postgres import new_databases
from taigan.storage.database import Database, open_database
from web.house import House, Houses, client_of, house_at


@pytest.fixture(scope="session")
async def sqlite_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    database = await open_database(f"sqlite:///{tmp_path_factory.mktemp('web') / 'lot.sqlite3'}")
    yield await house_at(database)
    await database.close()


@pytest.fixture(scope="session")
async def postgres_house(postgres_url: str) -> AsyncIterator[House]:
    async with new_databases(postgres_url) as new:
        database = await open_database(await new(), unhurried=True)
        yield await house_at(database)
        await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def built(request: pytest.FixtureRequest) -> House:
    house: House = request.getfixturevalue("sqlite_house" if request.param == "sqlite" else "postgres_house")
    return house


@pytest.fixture
async def house(built: House) -> House:
    """On each engine."""
    await built.clear()
    return built


@pytest.fixture
async def small_house(sqlite_house: House) -> House:
    """On SQLite: where the engine makes no difference."""
    await sqlite_house.clear()
    return sqlite_house


@pytest.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    """Builds platforms of their own, on SQLite, with the options of `build` a test wants."""
    opened: list[Database] = []

    async def make(**options: object) -> House:
        opened.append(await open_database(f"sqlite:///{tmp_path / f'{len(opened)}.sqlite3'}"))
        return await house_at(opened[-1], **options)

    yield make
    for database in opened:
        await database.close()


@pytest.fixture
async def api(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(house) as client:
        yield client


@pytest.fixture
async def small_api(small_house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(small_house) as client:
        yield client
