"""SQLite: one file, one process, one thread that writes."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from taigan.storage.engines import failures
from taigan.storage.errors import CannotOpen, InUse, ReadOnly, Unavailable
from taigan.storage.migrations import migrate

T = TypeVar("T")


class SqliteDatabase:
    """One file, one writer thread. `synchronous=FULL`: what was committed survives a power cut."""

    dialect = "sqlite"

    def __init__(self, path: Path, readers: int) -> None:
        self._lock = _lock_file(path)
        try:
            self._writer = _engine(path, writes=True)
            self._readers = _engine(path, writes=False, size=readers)
            migrate_on(self._writer)
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
        self, threads: ThreadPoolExecutor, engine: sa.Engine, transaction: Callable[[sa.Connection], T]
    ) -> T:
        def run() -> T:
            try:
                with engine.begin() as conn:
                    return transaction(conn)
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
        self._readers.dispose()
        self._writer.dispose()
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


def _engine(path: Path, *, writes: bool, size: int = 1) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        poolclass=sa.QueuePool,
        pool_size=size,
        max_overflow=0,
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

    @sa.event.listens_for(engine, "begin")
    def begin(conn: sa.Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def migrate_on(engine: sa.Engine) -> None:
    """Migrate an SQLite file, with foreign keys off: rebuilding a table with them on would delete its children."""
    with engine.connect() as conn:
        conn.exec_driver_sql("COMMIT")
        conn.exec_driver_sql("PRAGMA foreign_keys=OFF")
        conn.exec_driver_sql("BEGIN IMMEDIATE")
        migrate(conn)
        conn.commit()
        conn.exec_driver_sql("COMMIT")
        conn.exec_driver_sql("PRAGMA foreign_keys=ON")
        conn.exec_driver_sql("BEGIN")
