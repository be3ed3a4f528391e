"""Transactions on both engines.

A transaction is a plain function of a connection. On SQLite all writes run in one thread, one after the other, and
reads on connections of their own; on PostgreSQL both run on pooled connections. Neither is ever cancelled half-way:
a transaction whose caller went away is carried to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as sa

from taigan.storage import urls

T = TypeVar("T")


class Database(Protocol):
    """Where the platform keeps its truth."""

    dialect: str

    async def write(self, transaction: Callable[[sa.Connection], T]) -> T:
        """Run a transaction that may write.

        Raises:
            Unavailable: the database could not carry it out; it may or may not have been committed.
            Held: another transaction holds what it needs; nothing was written.
            sqlalchemy.exc.DBAPIError: a constraint or a column's type refused a row; nothing was written.
        """

    async def read(self, transaction: Callable[[sa.Connection], T]) -> T:
        """Run a transaction that only reads. Raises `Unavailable`."""

    async def close(self) -> None:
        """Let transactions end and give everything back. Idempotent."""


async def open_database(url: str, *, readers: int = 4, pool: int = 10, unhurried: bool = False) -> Database:
    """Open, create or migrate the database at an SQLAlchemy URL (`sqlite:///…` or `postgresql://…`).

    `unhurried` is for work that a person waits for, not a driver: no statement is cut off for taking long.

    Raises:
        CannotOpen: the folder cannot be written, or the server not reached.
        InUse: another process has the SQLite file.
        NewerDatabase: a later version wrote it.
    """
    parsed = urls.parse(url)
    if parsed.get_backend_name() == "sqlite":
        from taigan.storage.engines.sqlite import SqliteDatabase

        return await asyncio.to_thread(SqliteDatabase, Path(parsed.database or ""), readers)
    from taigan.storage.engines.postgres import PostgresDatabase  # late: asyncpg and the ORM are large

    database = PostgresDatabase(parsed, pool, unhurried)
    await database.prepare()
    return database
