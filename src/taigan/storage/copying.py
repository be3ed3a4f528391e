"""Copying everything from one database to another, of whatever engines: from an SQLite file to PostgreSQL, mostly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.storage.database import Database
from taigan.storage.tables import metadata

BATCH = 5000
"""Rows that are read and written at once."""


class NotEmpty(Exception):
    """The database to copy into holds rows already."""


class Differs(Exception):
    """After copying a table has another number of rows than it had."""


class Progress(msgspec.Struct, frozen=True):
    """How far a table has come."""

    table: str
    rows: int
    of: int


async def copy(source: Database, target: Database, tell: Callable[[Progress], None]) -> int:
    """Copy every row of every table, and count them on both sides. Returns how many there are.

    Nobody may write to either meanwhile. Tables come in the order in which they refer to each other.

    Raises:
        NotEmpty: there is a row in the target; nothing was written.
        Differs: what arrived is not what left.
        StorageError: one of the two fails.
    """
    for table in metadata.sorted_tables:
        if await target.read(lambda conn: count(conn, table)):  # noqa: B023
            raise NotEmpty(f"table {table.name} is not empty: copy into a new database")
    total = 0
    for table in metadata.sorted_tables:
        total += await _copy_table(source, target, table, tell)
    for table in metadata.sorted_tables:
        left, arrived = [await side.read(lambda conn: count(conn, table)) for side in (source, target)]  # noqa: B023
        if left != arrived:
            raise Differs(f"table {table.name} has {left} rows here and {arrived} there")
    await target.write(_number_on)
    return total


def count(conn: sa.Connection, table: sa.Table) -> int:
    """How many rows a table has."""
    return int(conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


async def _copy_table(source: Database, target: Database, table: sa.Table, tell: Callable[[Progress], None]) -> int:
    of = await source.read(lambda conn: count(conn, table))
    done = 0
    after: Sequence[Any] = ()
    while done < of:
        rows = await source.read(lambda conn: _read(conn, table, after))  # noqa: B023
        if not rows:
            break
        await target.write(lambda conn: _write(conn, table, rows))  # noqa: B023
        done += len(rows)
        after = [rows[-1][column.name] for column in table.primary_key]
        tell(Progress(table.name, done, of))
    return done


def _read(conn: sa.Connection, table: sa.Table, after: Sequence[Any]) -> list[dict[str, Any]]:
    """The next rows by the primary key, so that however large a table is, little of it is held."""
    key = list(table.primary_key)
    statement = sa.select(table).order_by(*key).limit(BATCH)
    if after:
        last = sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(after, key, strict=True)))
        statement = statement.where(sa.tuple_(*key) > last)
    return [dict(row) for row in conn.execute(statement).mappings()]


def _write(conn: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    conn.execute(sa.insert(table), rows)


def _number_on(conn: sa.Connection) -> None:
    """Let numbered rows that come go on after those that were copied."""
    if conn.dialect.name != "postgresql":
        return  # SQLite takes the number after the largest by itself
    for table in metadata.sorted_tables:
        key = table.autoincrement_column
        if key is not None:
            largest = f"SELECT max({key.name}) FROM {table.name}"
            sequence = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
            conn.execute(sa.text(f"SELECT setval({sequence}, ({largest})) WHERE ({largest}) > 0"))
