"""The hub's database file: one writer thread, a few readers, and nobody else.

Work is handed in as plain functions of a connection. A write is one transaction; it is durable when `write` returns.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import os
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from taigan.hub.book import tables
from taigan.hub.errors import DatabaseInUse, DatabaseNewer, DatabaseUnusable

T = TypeVar("T")

_READERS = 2


class Database:
    """Opens (and makes, if need be) the SQLite file at `path` and keeps every other process out until `close`.

    Raises `DatabaseInUse`, `DatabaseNewer` or `DatabaseUnusable`, each one clear sentence.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = _lock(path)
        self._writer_thread = ThreadPoolExecutor(1, thread_name_prefix="hub-writer")
        self._reader_threads = ThreadPoolExecutor(_READERS, thread_name_prefix="hub-reader")
        self._writer = _engine(path, pool_size=1, begin="BEGIN IMMEDIATE", query_only=False)
        self._reader = _engine(path, pool_size=_READERS, begin="BEGIN", query_only=True)
        try:
            self.secret = self._writer_thread.submit(self._prepare).result()
        except BaseException:
            self._release()
            raise

    def _prepare(self) -> str:
        try:
            with self._writer.begin() as conn:
                if sa.inspect(conn).has_table(tables.house.name):
                    row = conn.execute(sa.select(tables.house)).one()
                    if row.version > tables.VERSION:
                        raise DatabaseNewer(
                            f"{self._path} was written by a newer taigan (hub tables {row.version}, "
                            f"this one knows {tables.VERSION}); upgrade taigan or use another data folder"
                        )
                    self._upgrade(conn, row.version)
                    return str(row.secret)
                tables.metadata.create_all(conn)
                secret = secrets.token_hex(32)
                conn.execute(tables.house.insert(), {"version": tables.VERSION, "secret": secret})
                return secret
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            reason = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            raise DatabaseUnusable(f"{self._path} cannot be used as the hub's database: {reason}") from error

    @staticmethod
    def _upgrade(conn: sa.Connection, version: int) -> None:
        known = sa.inspect(conn)
        for newer in range(version + 1, tables.VERSION + 1):
            for table, column in tables.ADDED.get(newer, ()):
                if known.has_table(table):
                    conn.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column}")
        if version < tables.VERSION:
            tables.metadata.create_all(conn)
            conn.execute(sa.update(tables.house).values(version=tables.VERSION))

    async def write(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run `work(connection, ...)` as one transaction of its own, after all writes before it."""
        call = functools.partial(self._transact, self._writer, work, *args, **kwargs)
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._writer_thread, call))

    async def read(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run `work(connection, ...)` on one unchanging picture of the database."""
        call = functools.partial(self._transact, self._reader, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._reader_threads, call)

    @staticmethod
    def _transact(engine: sa.Engine, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        with engine.begin() as conn:
            return work(conn, *args, **kwargs)

    async def close(self) -> None:
        """Finish what was handed in and let the file go."""
        await asyncio.to_thread(self._release)

    def _release(self) -> None:
        self._writer_thread.shutdown(wait=True)
        self._reader_threads.shutdown(wait=True)
        self._writer.dispose()
        self._reader.dispose()
        os.close(self._lock)


def insert_row(conn: sa.Connection, table: sa.Table, row: dict[str, Any]) -> int:
    """Add a row to a table numbered by the database; its number."""
    key = conn.execute(table.insert(), row).inserted_primary_key
    assert key is not None, "one row was added"
    return int(key[0])


def _lock(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseUnusable(f"the folder {path.parent} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise DatabaseInUse(f"{path} is in use by another hub; stop that one or use another data folder") from error
    return lock


def _engine(path: Path, *, pool_size: int, begin: str, query_only: bool) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=sa.pool.QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": 10},
    )

    @sa.event.listens_for(engine, "connect")
    def _on_connect(dbapi: sqlite3.Connection, _record: object) -> None:
        dbapi.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            dbapi.execute(f"PRAGMA {pragma}")
        if query_only:
            dbapi.execute("PRAGMA query_only=ON")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(conn: sa.Connection) -> None:
        conn.exec_driver_sql(begin)

    return engine
