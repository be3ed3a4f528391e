"""What a database says of itself to somebody who does not serve from it: nothing is locked, made, moved or changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from taigan.storage import deliveries, registry
from taigan.storage.errors import CannotOpen
from taigan.storage.migrations import HEAD
from taigan.storage.registry import VendorKey
from taigan.storage.rows import Lane
from taigan.storage.tables import Moment


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """A database as it is found. Only one of the revision `HEAD` is read any further."""

    engine: str
    revision: str | None = None  # None: it has no tables of ours
    clock: datetime | None = None  # the server's own, read last; an SQLite file has none
    keys: Sequence[VendorKey] = ()  # of every vendor, newest first
    lanes: Sequence[Lane] = ()
    owed: int = 0
    oldest_owed: datetime | None = None


async def inspect_database(url: str) -> Inspection:
    """Look into the database at an SQLAlchemy URL, beside the processes that serve from it.

    Raises:
        CannotOpen: there is none, it is none, or its server is not reached.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise CannotOpen(f"database_url is not a database URL: {error}") from None
    if parsed.get_backend_name() == "sqlite":
        return await asyncio.to_thread(_inspect_file, Path(parsed.database or ""))
    return await _inspect_server(parsed)


def _inspect_file(path: Path) -> Inspection:
    if not path.exists():
        raise CannotOpen(f"there is no file {path}")
    read_only = sa.URL.create("sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"})
    engine = sa.create_engine(read_only, poolclass=sa.NullPool, hide_parameters=True, connect_args={"timeout": 5})
    try:
        with engine.connect() as conn:
            return _inspect(conn)
    except sa.exc.DBAPIError as error:
        raise CannotOpen(f"the database {path} cannot be read: {error.orig}") from None
    finally:
        engine.dispose()


async def _inspect_server(url: sa.URL) -> Inspection:
    from sqlalchemy.ext.asyncio import create_async_engine  # late: it loads the ORM

    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        poolclass=sa.NullPool,
        hide_parameters=True,
        connect_args={"timeout": 5, "command_timeout": 10, "server_settings": {"application_name": "taigan doctor"}},
    )
    try:
        async with engine.connect() as conn:
            return await conn.run_sync(_inspect)
    except (OSError, TimeoutError, sa.exc.DBAPIError) as error:
        where = url.render_as_string(hide_password=True)
        cause = str(getattr(error, "orig", None) or error) or type(error).__name__
        raise CannotOpen(f"the database {where} cannot be reached: {cause}") from None
    finally:
        await engine.dispose()


def _inspect(conn: sa.Connection) -> Inspection:
    engine = conn.dialect.name
    if not sa.inspect(conn).has_table("alembic_version"):
        return Inspection(engine=engine)
    revision = conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if revision != HEAD:
        return Inspection(engine=engine, revision=revision)
    keys, lanes = registry.vendor_keys(conn), registry.lanes(conn)
    owed, oldest = deliveries.queue(conn)
    clock = None
    if engine == "postgresql":
        clock = conn.execute(sa.select(sa.func.clock_timestamp(type_=Moment()))).scalar()
    return Inspection(
        engine=engine, revision=revision, clock=clock, keys=keys, lanes=lanes, owed=owed, oldest_owed=oldest
    )
