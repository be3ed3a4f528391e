"""The platform's HTTP for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from taigan.storage.database import Database, open_database
from web.house import House, Houses, client_of, house_at


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """On each engine."""
    database = await open_database(database_url)
    try:
        yield await house_at(database)
    finally:
        await database.close()


@pytest.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    """On SQLite, with the options of `build` a test wants."""
    opened: list[Database] = []

    async def make(**options: Any) -> House:
        opened.append(await open_database(f"sqlite:///{tmp_path / f'{len(opened)}.sqlite3'}"))
        return await house_at(opened[-1], **options)

    yield make
    for database in opened:
        await database.close()


@pytest.fixture
async def small_house(houses: Houses) -> House:
    """On SQLite: where the engine makes no difference."""
    return await houses()


@pytest.fixture
async def api(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(house) as client:
        yield client


@pytest.fixture
async def small_api(small_house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(small_house) as client:
        yield client
