"""SQLite: one file, one process, one thread that writes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from taigan.storage.engines import failures
from taigan.storage.errors import CannotOpen, InUse, ReadOnly, Unavailable
from taigan.storage.migrations import migrate

T = TypeVar("T")


class _Connections:
    """One connection for each thread, open until the end, and transactions on it.

    What SQLAlchemy does to take a connection from a pool, begin, commit and give it back takes a quarter of the time of
    an entry: the driver is told to begin and to commit here.
    """

    def __init__(self, path: Path, *, writes: bool) -> None:
        self._beginning = "BEGIN IMMEDIATE" if writes else "BEGIN"
        self._engine = _engine(path, writes=writes)
        self._mine = threading.local()
        self._open: list[sa.Connection] = []

    def migrate(self) -> None:
        """Create or migrate the tables."""
        with self._engine.connect() as conn:
            migrate_on(conn)

    def carry_out(self, transaction: Callable[[sa.Connection], T]) -> T:
        """Run it on this thread's connection, and commit. Raises what it raised, and wrote nothing then."""
        conn: sa.Connection | None = getattr(self._mine, "conn", None)
        if conn is None:
            conn = self._mine.conn = self._engine.connect()
            self._mine.driver = conn.connection.driver_connection
            self._open.append(conn)
        driver: sqlite3.Connection = self._mine.driver
        try:
            driver.execute(self._beginning)
            result = transaction(conn)
            driver.commit()
        except BaseException as error:
            with suppress(sqlite3.Error):  # what goes on failing fails the next one's BEGIN
                driver.rollback()
            if isinstance(error, sqlite3.Error):
                raise sa.exc.DBAPIError.instance(None, None, error, sqlite3.Error) from error
            raise
        return result

    def close(self) -> None:
        """Close them all. Their threads have ended."""
        for conn in self._open:
            conn.close()
        self._engine.dispose()


class SqliteDatabase:
    """One file, one writer thread. `synchronous=FULL`: what was committed survives a power cut."""

    dialect = "sqlite"

    def __init__(self, path: Path, readers: int) -> None:
        self._lock = _lock_file(path)
        try:
            self._writer = _Connections(path, writes=True)
            self._readers = _Connections(path, writes=False)
            self._writer.migrate()
        except sa.exc.DatabaseError as error:
            os.close(self._lock)
            raise CannotOpen(f"the database {path} cannot be opened: {error.orig}") from None
        except BaseException:
            os.close(self._lock)
            raise
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._read_threads = ThreadPoolExecutor(readers, thread_name_prefix="sqlite-reader")
        self._closed = False

    async def write(self, transaction: Callable[[sa.Connection], T]) -> T:
        return await self._run(self._write_thread, self._writer, transaction)

    async def read(self, transaction: Callable[[sa.Connection], T]) -> T:
        return await self._run(self._read_threads, self._readers, transaction)

    async def _run(
        self, threads: ThreadPoolExecutor, connections: _Connections, transaction: Callable[[sa.Connection], T]
    ) -> T:
        def run() -> T:
            try:
                return connections.carry_out(transaction)
            except sa.exc.DBAPIError as error:
                if failures.lies_with_the_rows(error):
                    raise
                if failures.takes_no_writes(error):
                    raise ReadOnly(f"the database takes no writes: {error.orig}") from error
                raise Unavailable(f"the database failed: {error.orig}") from error

        try:
            future = asyncio.get_running_loop().run_in_executor(threads, run)
        except RuntimeError as error:
            raise Unavailable("the database is closed") from error
        return await asyncio.shield(future)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._write_thread.shutdown)
        await asyncio.to_thread(self._read_threads.shutdown)
        self._readers.close()
        self._writer.close()
        os.close(self._lock)


def _lock_file(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotOpen(f"the folder {path.parent} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise InUse(f"another process serves from {path}; stop it first, or use PostgreSQL for several") from None
    return lock


def _engine(path: Path, *, writes: bool) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        poolclass=sa.NullPool,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": 10, "cached_statements": 512},
    )

    @sa.event.listens_for(engine, "connect")
    def configure(dbapi: Any, record: Any) -> None:
        dbapi.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            dbapi.execute(f"PRAGMA {pragma}")
        # The writer keeps 32 MB of pages at hand, and moves 16 MB from the log to the file at a time.
        for pragma in ("cache_size=-32768", "wal_autocheckpoint=4000") if writes else ("query_only=ON",):
            dbapi.execute(f"PRAGMA {pragma}")

    return engine


def migrate_on(conn: sa.Connection) -> None:
    """Migrate an SQLite file, with foreign keys off: rebuilding a table with them on would delete its children.

    What fails leaves its transaction to whoever closes the connection.
    """
    conn.exec_driver_sql("PRAGMA foreign_keys=OFF")
    conn.exec_driver_sql("BEGIN IMMEDIATE")
    migrate(conn)
    conn.exec_driver_sql("COMMIT")
    conn.exec_driver_sql("PRAGMA foreign_keys=ON")
