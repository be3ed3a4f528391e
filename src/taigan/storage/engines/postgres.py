"""PostgreSQL: a pool of sessions that wait for nothing for long, and are given up when they lead nowhere.

A session waits a second and a half for a row that another holds, and its own rows are free again five seconds after its
process stopped in mid-transaction. When the server behind a session is silent, or takes no writes any more, every
session that was opened until then is replaced before it is used again: after a failover the new ones lead to the new
server.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar, cast

import asyncpg  # type: ignore[import-untyped]
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only, greenlet_spawn

from taigan.storage import urls
from taigan.storage.engines import failures
from taigan.storage.errors import CannotOpen, Held, ReadOnly, Unavailable
from taigan.storage.migrations import step

T = TypeVar("T")
_Beginning: TypeAlias = "Callable[[dict[Any, Any]], str]"
log = structlog.get_logger("taigan.storage")

CONNECT_WITHIN = 3.0
"""Seconds until a new session must be there."""
OPENS_WITHIN = 30.0
"""The same at the start, when no driver waits yet: a machine that has just booted is slow."""
ANSWER_WITHIN = 3.0
"""Seconds until a statement must be answered; a driver is answered within four."""
PREPARED = 512
"""Statements that a session holds ready: a stay takes more than the hundred that are usual."""
ENDED_WITHIN = 3.0
"""Seconds that transactions under way have when the database is closed."""
GIVE_WAY = (0.05, 0.2)
"""Seconds that a transaction that was ended in favour of another waits before each try: the other gets through."""
AT_ONCE = (0.0,)
"""The same after anything else that wrote nothing: it has taken seconds already."""
PLANS_LAST = 5.0
"""Seconds after which a session plans its statements anew. Planning takes most of a look-up's time; but a plan from
when the tables were empty, by the wrong index, does not fit them once they have filled."""
_SESSION = {
    "jit": "off",
    "plan_cache_mode": "auto",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5s",
}
_PLAN_EACH = "SET LOCAL plan_cache_mode = force_custom_plan"
_PLAN_ANEW = "DISCARD PLANS"
# Longer than PostgreSQL takes to see that two transactions wait for each other, which is then tried again.
_HURRIED = {"lock_timeout": "1500ms", "idle_in_transaction_session_timeout": "5s", "statement_timeout": "10s"}
NOT_REACHED = (
    OSError,
    TimeoutError,
    ValueError,
    TypeError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    sa.exc.DBAPIError,
)
"""What asyncpg and SQLAlchemy raise when an address leads nowhere, or holds what they cannot use."""
_OF_ASYNCPG = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises, but for `TimeoutError` and `OSError`."""
_MIGRATING = 7416001
"""The advisory lock of whoever migrates."""
_ASKS_FOR, _ASKS_AGAIN = "200ms", 0.2
"""How long a migration waits for a table, and seconds until it asks again: sooner than PostgreSQL looks for a deadlock
(1 s), which it might end in favour of the migration, and than a driver's transaction gives up (1.5 s)."""
_POOLED_BY_TRANSACTION = (
    "a pooler stands before the database and gives each transaction another session; set pool_mode = session in "
    "PgBouncer, or name PostgreSQL itself in database_url"
)


class Session(asyncpg.Connection):  # type: ignore[misc]
    """A connection that notices within seconds when the other end is gone without a word."""

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        link = transport.get_extra_info("socket")
        if link is None or link.family == socket.AF_UNIX:
            return
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("KEEPIDLE", 5), ("KEEPINTVL", 2), ("KEEPCNT", 3), ("USER_TIMEOUT", 5000)):
            if (option := getattr(socket, f"TCP_{name}", None)) is not None:
                link.setsockopt(socket.IPPROTO_TCP, option, value)

    def fetched(self, text: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The rows that a statement returns, for a transaction. Raises what SQLAlchemy would raise."""
        try:
            return [*map(tuple, await_only(self.fetch(text, *parameters)))]
        except _OF_ASYNCPG as error:
            raise _of_asyncpg(error, self) from error


def driver_options(url: sa.URL) -> dict[str, Any]:
    """What `asyncpg.connect` takes of an address."""
    _, options = url.get_dialect()().create_connect_args(url)
    return {"timeout": CONNECT_WITHIN, "connection_class": Session, **options}


class PostgresDatabase:
    """A PostgreSQL server, shared by any number of processes."""

    dialect = "postgresql"

    def __init__(self, url: sa.URL, pool: int, unhurried: bool = False) -> None:
        self._url = url
        session = _SESSION if unhurried else {**_SESSION, **_HURRIED}
        self._session = "; ".join(f"SET {name} = '{value}'" for name, value in session.items())
        self._generation = 0
        self._engine = create_async_engine(
            url,
            pool_size=pool,
            max_overflow=0,
            pool_timeout=5,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",  # transactions are begun and ended by us
            connect_args=_connecting("taigan", None if unhurried else ANSWER_WITHIN),
        )
        sa.event.listen(self._engine.sync_engine, "connect", self._set_up)
        sa.event.listen(self._engine.sync_engine, "checkout", self._look_at)
        sa.event.listen(self._engine.sync_engine, "handle_error", self._drop_silent)
        self._running: set[asyncio.Task[Any]] = set()

    def _set_up(self, dbapi: Any, record: Any) -> None:
        # Not by startup parameters: a pooler knows some of them only.
        dbapi.run_async(lambda driver: driver.execute(self._session))
        record.info["generation"] = self._generation

    def _look_at(self, dbapi: Any, record: Any, proxy: Any) -> None:
        session = dbapi.driver_connection
        if session.is_closed() or record.info["generation"] != self._generation:
            session.terminate()
            raise sa.exc.DisconnectionError

    async def prepare(self) -> None:
        """Create or migrate the tables, however long it takes; one process does it, the others wait for it."""
        engine = create_async_engine(
            self._url,
            poolclass=sa.NullPool,
            hide_parameters=True,
            connect_args=_connecting("taigan migration", None, OPENS_WITHIN),
        )
        try:
            if await _pooled_by_transaction(self._url):
                raise CannotOpen(f"the database {urls.shown(self._url)} cannot be used: {_POOLED_BY_TRANSACTION}")
            async with engine.connect() as conn:
                await _alone(conn, _migrate)
        except NOT_REACHED as error:
            cause = failures.cause(error)
            raise CannotOpen(f"the database {urls.shown(self._url)} cannot be reached: {cause}") from None
        finally:
            await engine.dispose()

    async def write(self, transaction: Callable[[sa.Connection], T]) -> T:
        return await self._carry_through(self._run(transaction, _keep_plans))

    async def read(self, transaction: Callable[[sa.Connection], T]) -> T:
        return await self._carry_through(self._run(transaction, _plan_each))

    async def _carry_through(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _run(self, transaction: Callable[[sa.Connection], T], beginning: _Beginning) -> T:
        tried = 0
        while True:
            try:
                return await self._attempt(transaction, beginning)
            except _NothingWritten as error:
                pauses = GIVE_WAY if error.gave_way else AT_ONCE
                if tried == len(pauses):
                    raise error.means from error
                await asyncio.sleep(pauses[tried])
                tried += 1

    async def _attempt(self, transaction: Callable[[sa.Connection], T], beginning: _Beginning) -> T:
        try:
            return await greenlet_spawn(self._carry_out, transaction, beginning)
        except (OSError, TimeoutError, sa.exc.DBAPIError, sa.exc.TimeoutError, *_OF_ASYNCPG) as error:
            if isinstance(error, sa.exc.DBAPIError):
                if failures.lies_with_the_rows(error):
                    raise
                if failures.waited_too_long(error):
                    raise Held("another transaction holds what this one needs") from error
            raise Unavailable(f"the database failed: {failures.cause(error)}") from error

    def _carry_out(self, transaction: Callable[[sa.Connection], T], beginning: _Beginning) -> T:
        """From the pool to the commit in one greenlet, begun and committed by the driver: SQLAlchemy's own way takes a
        greenlet and a round trip for each step."""
        with self._engine.sync_engine.connect() as conn:
            generation = self._generation
            session = cast(Session, conn.connection.driver_connection)
            try:
                result = self._carried_out(conn, session, transaction, beginning)
                if _tell(session, "COMMIT") != "COMMIT":
                    raise Unavailable("the database rolled back what an error had ended")
                return result
            except BaseException as error:
                cause = error.__cause__ if isinstance(error, _NothingWritten) else error
                if _lost(cause):
                    self._leave(generation)
                _give_up(session, cause)
                raise

    def _carried_out(
        self, conn: sa.Connection, session: Session, transaction: Callable[[sa.Connection], T], beginning: _Beginning
    ) -> T:
        """Up to the commit. Raises _NothingWritten where the same may be tried again."""
        try:
            _tell(session, f"BEGIN; {beginning(conn.info)}")
            return transaction(conn)
        except sa.exc.DBAPIError as error:
            if failures.takes_no_writes(error):
                raise _NothingWritten(ReadOnly(f"the database takes no writes: {error.orig}")) from error
            if failures.may_pass_again(error):
                failed = Unavailable(f"the database failed: {error.orig}")
                raise _NothingWritten(failed, failures.gave_way(error)) from error
            raise
        except TimeoutError as error:
            silent = Unavailable(f"the database did not answer within {ANSWER_WITHIN:g} s")
            raise _NothingWritten(silent) from error
        except ConnectionError as error:
            raise _NothingWritten(Unavailable(f"the database failed: {error}")) from error

    def _leave(self, generation: int) -> None:
        """Replace every session opened until now before it is used again."""
        if generation == self._generation:
            self._generation += 1
            log.warning("the sessions with the database are opened anew")

    def _drop_silent(self, context: sa.ExceptionContext) -> None:
        """Drop a session that did not answer at once: saying goodbye to it would take seconds more."""
        if isinstance(context.original_exception, TimeoutError) and context.connection is not None:
            driver = context.connection.connection.driver_connection
            if driver is not None:
                driver.terminate()

    async def close(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=ENDED_WITHIN)
        await self._engine.dispose()


def _keep_plans(info: dict[Any, Any]) -> str:
    """Statements that look up and write rows by their keys: their plans are kept for a while."""
    now = asyncio.get_running_loop().time()
    if now - info.setdefault("planned_at", now) < PLANS_LAST:
        return ""
    info["planned_at"] = now
    return _PLAN_ANEW


def _plan_each(info: dict[Any, Any]) -> str:
    """Lists and reports: each is planned for the days and the lot that it is about."""
    return _PLAN_EACH


def _tell(session: Session, words: str) -> str:
    """Begin, commit or roll back: what the server says to it."""
    try:
        return str(await_only(session.execute(words)))
    except _OF_ASYNCPG as error:
        raise _of_asyncpg(error, session) from error


def _of_asyncpg(error: Exception, session: asyncpg.Connection) -> sa.exc.DBAPIError:
    """What asyncpg raised, as SQLAlchemy would. A session that is being ended by the server takes nothing any more, and
    is ended here, too."""
    if isinstance(error, asyncpg.InternalClientError):
        session.terminate()
    said = _Said(error)
    kinds = {"22": sa.exc.DataError, "23": sa.exc.IntegrityError, "42": sa.exc.ProgrammingError}
    kind = sa.exc.DataError if isinstance(error, ValueError) else kinds.get(said.sqlstate[:2], sa.exc.OperationalError)
    return kind(None, None, said, hide_parameters=True, connection_invalidated=session.is_closed())


class _Said(Exception):
    """What asyncpg raised, without the details, which quote rows."""

    def __init__(self, error: Exception) -> None:
        super().__init__(*error.args[:1])
        self.sqlstate = str(getattr(error, "sqlstate", None) or "")
        self.__cause__ = error


def _lost(cause: BaseException | None) -> bool:
    """Whether the session leads nowhere, or to a server that takes no writes: then the others do, too."""
    if isinstance(cause, sa.exc.DBAPIError):
        return cause.connection_invalidated or failures.takes_no_writes(cause)
    return isinstance(cause, TimeoutError | ConnectionError)


def _give_up(session: Session, cause: BaseException | None) -> None:
    """Roll back. A session that cannot is dropped, as is one that does not answer: to say goodbye would take longer."""
    try:
        if not isinstance(cause, Exception) or isinstance(cause, OSError):
            session.terminate()
        elif not session.is_closed() and session.is_in_transaction():
            _tell(session, "ROLLBACK")
    except (OSError, sa.exc.DBAPIError):
        session.terminate()
    except BaseException:
        session.terminate()
        raise


class _NothingWritten(Exception):
    """The transaction ended before its commit was sent, and may be tried again; `means` is what it says if not.

    `gave_way`: it was ended in favour of another one.
    """

    def __init__(self, means: Unavailable, gave_way: bool = False) -> None:
        super().__init__(str(means))
        self.means, self.gave_way = means, gave_way


def _connecting(name: str, answer_within: float | None, within: float = CONNECT_WITHIN) -> dict[str, Any]:
    return {
        "timeout": within,
        "command_timeout": answer_within,
        "prepared_statement_cache_size": PREPARED,
        "statement_cache_size": PREPARED,
        "max_cached_statement_lifetime": 0,
        "connection_class": Session,
        "server_settings": {"application_name": name},
    }


async def _migrate(conn: AsyncConnection) -> None:
    """One revision after the other, each committed. Whoever lets cars in meanwhile goes first: a table that is in use
    is asked for again and again, and nobody queues behind a wait for it."""
    more, tried = True, 0
    while more:
        try:
            await conn.execute(sa.text(f"SET LOCAL lock_timeout = '{_ASKS_FOR}'"))
            more = await conn.run_sync(step)
            await conn.commit()
        except sa.exc.DBAPIError as error:
            if not failures.waited_too_long(error):
                raise
            await conn.rollback()
            tried += 1
            if tried % 50 == 0:
                log.warning("others hold the tables that a migration changes; trying on", tried=tried)
            await asyncio.sleep(_ASKS_AGAIN)


async def _alone(conn: AsyncConnection, work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
    """Do something while no other process does it."""
    first = (await conn.execute(sa.text(f"SELECT pg_try_advisory_lock({_MIGRATING})"))).scalar()
    if not first:
        log.info("another process migrates the database; waiting for it")
        await conn.execute(sa.text(f"SELECT pg_advisory_lock({_MIGRATING})"))
    try:
        await conn.commit()
        await work(conn)
    finally:
        await conn.rollback()
        await conn.execute(sa.text(f"SELECT pg_advisory_unlock({_MIGRATING})"))


async def _pooled_by_transaction(url: sa.URL) -> bool:
    """Whether two sessions that are open at once are served, one after the other, by the same or by changing ones."""
    first = second = None
    try:
        options = driver_options(url) | {"timeout": OPENS_WITHIN}
        first = await asyncpg.connect(**options)
        second = await asyncpg.connect(**options)
        served_by = [await session.fetchval("SELECT pg_backend_pid()") for session in (first, second) * 2]
    except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError):
        return True  # what one transaction prepared, the next one's session does not know
    finally:
        for session in (first, second):
            if session is not None:
                session.terminate()
    return bool(served_by[0] != served_by[2] or served_by[0] == served_by[1])


def engine_to_look(url: sa.URL, name: str) -> AsyncEngine:
    """An engine for somebody who looks or copies beside the processes that serve: no pool, no limit of time."""
    return create_async_engine(url, poolclass=sa.NullPool, hide_parameters=True, connect_args=_connecting(name, None))
