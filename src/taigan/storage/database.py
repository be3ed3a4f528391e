"""Connections and transactions on both engines.

A transaction is a plain function of a connection. On SQLite all writes run in one thread, one after the other, and
reads on connections of their own; on PostgreSQL both run on pooled connections. Neither is ever cancelled half-way:
a transaction whose caller went away is carried to its end.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from taigan.storage.errors import CannotOpen, InUse, Unavailable
from taigan.storage.migrations import migrate

T = TypeVar("T")
_SESSION = {"application_name": "taigan", "plan_cache_mode": "force_custom_plan", "enable_seqscan": "off", "jit": "off"}
"""Each statement is planned for the tables as they are, since a plan kept from when they were empty fits no longer; and
by an index, which everything that is looked for has: a list's length is guessed, a table's too until it is analysed."""
_OF_THE_ROWS = ("22", "23", "42")
"""PostgreSQL's classes of errors that lie with the data, a constraint or the statement."""


class Database(Protocol):
    """Where the platform keeps its truth."""

    dialect: str

    async def write(self, transaction: Callable[[sa.Connection], T]) -> T:
        """Run a transaction that may write.

        Raises:
            Unavailable: the database could not carry it out; it may or may not have been committed.
            sqlalchemy.exc.DBAPIError: a constraint or a column's type refused a row; nothing was written.
        """

    async def read(self, transaction: Callable[[sa.Connection], T]) -> T:
        """Run a transaction that only reads. Raises `Unavailable`."""

    async def close(self) -> None:
        """Let transactions end and give everything back. Idempotent."""


async def open_database(url: str, *, readers: int = 4, pool: int = 8) -> Database:
    """Open, create or migrate the database at an SQLAlchemy URL (`sqlite:///…` or `postgresql://…`).

    Raises:
        CannotOpen: the folder cannot be written, or the server not reached.
        InUse: another process has the SQLite file.
        NewerDatabase: a later version wrote it.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise CannotOpen(f"database_url is not a database URL: {error}") from None
    match parsed.get_backend_name():
        case "sqlite":
            return await asyncio.to_thread(SqliteDatabase, Path(parsed.database or ""), readers)
        case "postgresql":
            database = PostgresDatabase(parsed, pool)
            await database.prepare()
            return database
        case other:
            raise CannotOpen(f"database_url names {other}; taigan serves from sqlite and postgresql")


class SqliteDatabase:
    """One file, one writer thread. `synchronous=FULL`: what was committed survives a power cut."""

    dialect = "sqlite"

    def __init__(self, path: Path, readers: int) -> None:
        self._lock = _lock_file(path)
        try:
            self._writer = _sqlite_engine(path, writes=True)
            self._readers = _sqlite_engine(path, writes=False, size=readers)
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
                if _lies_with_the_rows(error):
                    raise
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


class PostgresDatabase:
    """A PostgreSQL server, shared by any number of processes."""

    dialect = "postgresql"

    def __init__(self, url: sa.URL, pool: int) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine  # late: it loads the ORM

        self._url = url.set(drivername="postgresql+asyncpg")
        self._engine = create_async_engine(
            self._url,
            pool_size=pool,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"timeout": 5, "command_timeout": 10, "server_settings": _SESSION},
        )
        self._running: set[asyncio.Task[Any]] = set()

    async def prepare(self) -> None:
        """Create or migrate the tables; one process does it, the others wait for it."""
        try:
            async with self._engine.connect() as conn:
                await conn.execute(sa.text("SELECT pg_advisory_lock(7416001)"))
                try:
                    await conn.commit()
                    await conn.run_sync(migrate)
                    await conn.commit()
                finally:
                    await conn.rollback()
                    await conn.execute(sa.text("SELECT pg_advisory_unlock(7416001)"))
        except (OSError, TimeoutError, sa.exc.DBAPIError) as error:
            await self._engine.dispose()
            where = self._url.render_as_string(hide_password=True)
            raise CannotOpen(f"the database {where} cannot be reached: {_cause(error)}") from None
        except BaseException:
            await self._engine.dispose()
            raise

    async def write(self, transaction: Callable[[sa.Connection], T]) -> T:
        return await self._carry_through(self._write(transaction))

    async def read(self, transaction: Callable[[sa.Connection], T]) -> T:
        return await self._carry_through(self._write(transaction))

    async def _carry_through(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _write(self, transaction: Callable[[sa.Connection], T]) -> T:
        try:
            return await self._attempt(transaction)
        except _CutBeforeCommit:
            pass
        try:
            return await self._attempt(transaction)
        except _CutBeforeCommit as error:
            raise Unavailable(f"the database failed: {error}") from error

    async def _attempt(self, transaction: Callable[[sa.Connection], T]) -> T:
        try:
            async with self._engine.connect() as conn:
                try:
                    result = await conn.run_sync(transaction)
                except sa.exc.DBAPIError as error:
                    if error.connection_invalidated:
                        raise _CutBeforeCommit(str(error.orig)) from error
                    raise
                await conn.commit()
                return result
        except (OSError, TimeoutError, sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            if isinstance(error, sa.exc.DBAPIError) and _lies_with_the_rows(error):
                raise
            raise Unavailable(f"the database failed: {_cause(error)}") from error

    async def close(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=3)
        await self._engine.dispose()


class _CutBeforeCommit(Exception):
    """The connection broke before the commit was sent: nothing was written, so it may be tried again."""


def _lies_with_the_rows(error: sa.exc.DBAPIError) -> bool:
    """Whether the database is well, and the same again would fail again."""
    if isinstance(error, sa.exc.IntegrityError | sa.exc.DataError | sa.exc.ProgrammingError):
        return True
    state = str(getattr(error.orig, "sqlstate", None) or "")
    unsendable = error.orig is not None and isinstance(error.orig.__cause__, ValueError)  # asyncpg could not encode it
    return state[:2] in _OF_THE_ROWS or unsendable


def _cause(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error) or type(error).__name__


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


def _sqlite_engine(path: Path, *, writes: bool, size: int = 1) -> sa.Engine:
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
