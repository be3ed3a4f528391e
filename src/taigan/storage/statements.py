"""Statements written by SQLAlchemy once and then handed to the driver as they are, rows in and records out.

The entry path sends few statements with many rows, and what Core does to every row costs more than the database does.
Here a statement is compiled once for each dialect, and only columns that need it are converted. A batch of rows is one
`executemany` on SQLite, and on PostgreSQL one statement over arrays, a column each: `FROM unnest(...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

R = TypeVar("R", bound=msgspec.Struct)
Converter = Callable[[Any], Any]
Row: TypeAlias = "tuple[Any, ...]"


class Query(Generic[R]):
    """A SELECT whose columns are a record's fields, in their order."""

    def __init__(self, statement: sa.Select[Any], record: type[R]) -> None:
        self._statement = statement
        self._record = record

    def __call__(self, conn: sa.Connection, **parameters: object) -> list[R]:
        """The records found."""
        record = self._record
        return [record(*row) for row in rows(conn, self._statement, parameters)]


class Insert(Generic[R]):
    """Adds records to a table. With `replacing`, one that is there by its primary key gets those columns instead."""

    def __init__(self, table: sa.Table, record: type[R], *, replacing: Sequence[str] = ()) -> None:
        self._table = table
        self._columns = record.__struct_fields__
        self._replacing = tuple(replacing)

    def __call__(self, conn: sa.Connection, records: Iterable[R]) -> None:
        """Add them all."""
        _send(conn, _inserting(self._table, self._columns, self._replacing, conn.dialect), records)


class Update(Generic[R]):
    """Writes fields of records back to their rows, found by `key`."""

    def __init__(self, table: sa.Table, *changing: str, key: Sequence[str]) -> None:
        self._table = table
        self._changing = changing
        self._key = tuple(key)

    def __call__(self, conn: sa.Connection, records: Iterable[R]) -> None:
        """Write them all."""
        _send(conn, _updating(self._table, self._changing, self._key, conn.dialect), records)


def rows(conn: sa.Connection, statement: sa.Select[Any], parameters: Mapping[str, object]) -> Sequence[Row]:
    """The rows of a SELECT that is built once, converted as their columns' types want it."""
    prepared = _reading(statement, conn.dialect)
    found = conn.exec_driver_sql(prepared.text, prepared.bound(parameters)).all()
    return [_converted(tuple(row), prepared.results) for row in found] if prepared.results else [*map(tuple, found)]


class _Reading:
    def __init__(self, statement: sa.Select[Any], dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.text = compiled.string
        names = compiled.positiontup or []
        self._parameters = [
            (name, compiled.params.get(name), compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in names
        ]
        self.results = [
            (number, converter)
            for number, column in enumerate(statement.selected_columns)
            if (converter := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ]

    def bound(self, parameters: Mapping[str, object]) -> tuple[Any, ...]:
        return tuple(
            value if convert is None else convert(value)
            for value, convert in (
                (parameters.get(name, default), convert) for name, default, convert in self._parameters
            )
        )


class _Writing:
    def __init__(self, text: str, fields: Sequence[str], types: Sequence[Any], dialect: sa.Dialect) -> None:
        self.text = text
        self.fields = attrgetter(*fields)
        self.converters = [
            (number, converter)
            for number, kind in enumerate(types)
            if (converter := kind.dialect_impl(dialect).bind_processor(dialect)) is not None
        ]
        self.by_column = dialect.name == "postgresql"


_reading = cache(_Reading)


@cache
def _inserting(table: sa.Table, columns: tuple[str, ...], replacing: tuple[str, ...], dialect: sa.Dialect) -> _Writing:
    types = [table.c[name].type for name in columns]
    names = ", ".join(columns)
    text = f"INSERT INTO {table.name} ({names}) {_source(types, dialect)}"
    if replacing:
        key = ", ".join(column.name for column in table.primary_key)
        text += f" ON CONFLICT ({key}) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in replacing)
    return _Writing(text, columns, types, dialect)


@cache
def _updating(table: sa.Table, changing: tuple[str, ...], key: tuple[str, ...], dialect: sa.Dialect) -> _Writing:
    columns = (*changing, *key)
    types = [table.c[name].type for name in columns]
    if dialect.name == "postgresql":
        settings = ", ".join(f"{name} = v.{name}" for name in changing)
        where = " AND ".join(f"{table.name}.{name} = v.{name}" for name in key)
        values = f"{_arrays(types, dialect)} AS v({', '.join(columns)})"
        text = f"UPDATE {table.name} SET {settings} FROM {values} WHERE {where}"
    else:
        settings = ", ".join(f"{name} = ?" for name in changing)
        text = f"UPDATE {table.name} SET {settings} WHERE " + " AND ".join(f"{name} = ?" for name in key)
    return _Writing(text, columns, types, dialect)


def _source(types: Sequence[Any], dialect: sa.Dialect) -> str:
    if dialect.name == "postgresql":
        return f"SELECT * FROM {_arrays(types, dialect)}"
    return f"VALUES ({', '.join('?' for _ in types)})"


def _arrays(types: Sequence[Any], dialect: sa.Dialect) -> str:
    kinds = (kind.dialect_impl(dialect).compile(dialect) for kind in types)
    return f"unnest({', '.join(f'${number}::{kind}[]' for number, kind in enumerate(kinds, 1))})"


def _send(conn: sa.Connection, prepared: _Writing, records: Iterable[Any]) -> None:
    made = [prepared.fields(record) for record in records]
    if not made:
        return
    if prepared.converters:
        made = [_converted(row, prepared.converters) for row in made]
    conn.exec_driver_sql(prepared.text, tuple(map(list, zip(*made, strict=True))) if prepared.by_column else made)


def _converted(row: Row, converters: Sequence[tuple[int, Converter]]) -> Row:
    values = list(row)
    for number, convert in converters:
        if values[number] is not None:
            values[number] = convert(values[number])
    return tuple(values)
