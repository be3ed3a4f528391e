"""What a database says of itself to somebody who does not serve from it: nothing is locked, made, moved or changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from taigan.running.tasks import within
from taigan.storage import urls
from taigan.storage.due import deliveries
from taigan.storage.engines import failures
from taigan.storage.errors import CannotOpen
from taigan.storage.migrations import HEAD
from taigan.storage.rows import Lane
from taigan.storage.setup import registry
from taigan.storage.setup.registry import Token, VendorKey
from taigan.storage.tables import Moment

LOOKS_WITHIN = 10.0
"""Seconds until a server must have said everything."""


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """A database as it is found. Only one of the revision `HEAD` is read any further."""

    engine: str
    revision: str | None = None  # None: it has no tables of ours
    clock: datetime | None = None  # the server's own, read last; an SQLite file has none
    read_only: bool = False  # it takes no writes: a standby, a file or folder without the right to write
    keys: Sequence[VendorKey] = ()  # of every vendor, newest first
    lanes: Sequence[Lane] = ()
    tokens: Sequence[Token] = ()
    checking: Sequence[str] = ()  # lots that ask for an SMS code
    owed: int = 0
    oldest_owed: datetime | None = None
    refused: int = 0  # uploads that BoLink said no to, and nobody has sent again


async def inspect_database(url: str) -> Inspection:
    """Look into the database at an SQLAlchemy URL, beside the processes that serve from it.

    Raises:
        CannotOpen: there is none, it is none, or its server is not reached.
    """
    parsed = urls.parse(url)
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
            found = _inspect(conn)
            return msgspec.structs.replace(found, read_only=not _writable(path))
    except sa.exc.DBAPIError as error:
        raise CannotOpen(f"the database {path} cannot be read: {error.orig}") from None
    finally:
        engine.dispose()


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


async def _inspect_server(url: sa.URL) -> Inspection:
    from taigan.storage.engines.postgres import NOT_REACHED, engine_to_look  # late: asyncpg and the ORM are large

    engine = engine_to_look(url, "taigan doctor")
    try:
        return await within(LOOKS_WITHIN, _inspect_over(engine))
    except NOT_REACHED as error:
        raise CannotOpen(f"the database {urls.shown(url)} cannot be reached: {failures.cause(error)}") from None
    finally:
        await engine.dispose()


async def _inspect_over(engine: AsyncEngine) -> Inspection:
    async with engine.connect() as conn:
        return await conn.run_sync(_inspect)


def _inspect(conn: sa.Connection) -> Inspection:
    engine = conn.dialect.name
    if not sa.inspect(conn).has_table("alembic_version"):
        return Inspection(engine=engine)
    revision = conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if revision != HEAD:
        return Inspection(engine=engine, revision=revision)
    keys, lanes = registry.vendor_keys(conn), registry.lanes(conn)
    owed, oldest = deliveries.queue(conn)
    clock, read_only = None, False
    if engine == "postgresql":
        read_only = conn.execute(sa.text("SELECT current_setting('transaction_read_only')")).scalar() == "on"
        clock = conn.execute(sa.select(sa.func.clock_timestamp(type_=Moment()))).scalar()
    return Inspection(
        engine=engine,
        revision=revision,
        clock=clock,
        read_only=read_only,
        keys=keys,
        lanes=lanes,
        tokens=registry.tokens(conn),
        checking=[lot.lot_id for lot in registry.lots(conn) if lot.sms_check],
        owed=owed,
        refused=deliveries.refused(conn),
        oldest_owed=oldest,
    )
