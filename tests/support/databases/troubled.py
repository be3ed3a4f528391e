"""A database that hangs, is gone, or answers late, when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from support.clock import PATIENCE
from taigan.storage.database import Database
from taigan.storage.errors import Unavailable

T = TypeVar("T")


class TroubledDatabase:
    """A real database behind a connection with troubles."""

    def __init__(self, database: Database) -> None:
        self.dialect = database.dialect
        self.gone = False
        self.refused = 0  # transactions that found it gone
        self.beneath = database
        self._free_before = self._free_after = _open_gate()
        self._closed = asyncio.Event()
        self._held = asyncio.Event()

    async def write(self, transaction: Callable[[sa.Connection], T]) -> T:
        return await self._carry(self.beneath.write, transaction)

    async def read(self, transaction: Callable[[sa.Connection], T]) -> T:
        return await self._carry(self.beneath.read, transaction)

    async def _carry(self, carry: Callable[..., object], transaction: Callable[[sa.Connection], T]) -> T:
        await self._pass(self._free_before)
        if self.gone:
            self.refused += 1
            raise Unavailable("the database is gone")
        result: T = await carry(transaction)  # type: ignore[misc]
        await self._pass(self._free_after)
        return result

    async def _pass(self, gate: asyncio.Event) -> None:
        if not gate.is_set():
            self._held.set()
            await gate.wait()

    def hang(self) -> None:
        """From now on no transaction begins before `go_on`."""
        self._held.clear()
        self._free_before = self._closed = asyncio.Event()

    def answer_late(self) -> None:
        """From now on transactions are committed, but nobody hears of it before `go_on`."""
        self._held.clear()
        self._free_after = self._closed = asyncio.Event()

    def spare_the_next(self) -> None:
        """Transactions from now on are well again; those that wait go on waiting."""
        self._free_before = self._free_after = _open_gate()

    def go_on(self) -> None:
        """All is well again."""
        self._closed.set()
        self.spare_the_next()

    async def holds(self) -> None:
        """Return when a transaction waits."""
        async with asyncio.timeout(PATIENCE):
            await self._held.wait()

    async def close(self) -> None:
        await self.beneath.close()


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate
