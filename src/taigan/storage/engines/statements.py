"""Statements written by SQLAlchemy once and then handed to the driver as they are, rows in and records out.

The entry path sends few statements with many rows, and what Core does to every row costs more than the database does.
Here a statement is compiled once for each dialect, and only columns that need it are converted. Rows go many to a
statement: on PostgreSQL as one JSON parameter (`json_to_recordset`), on SQLite as `VALUES`, 1, 2, 4 … 64 rows each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, Generic, TypeAlias, TypeVar, cast

import msgspec
import sqlalchemy as sa

R = TypeVar("R", bound=msgspec.Struct)
Converter = Callable[[Any], Any]
Row: TypeAlias = "tuple[Any, ...]"
Returning: TypeAlias = "sa.Select[*tuple[Any, ...]] | sa.Update"
MOST_ROWS = 64
"""Rows in one statement, at most, on SQLite."""
MOST_STATEMENTS = 512
"""Statements held ready, of each kind. A statement is built once, by its module: one built for each use fills this."""


class Insert(Generic[R]):
    """Adds records to a table. With `replacing`, one that is there by its primary key gets those columns instead."""

    def __init__(self, table: sa.Table, record: type[R], *, replacing: Sequence[str] = ()) -> None:
        self._table = table
        self._columns = record.__struct_fields__
        self._replacing = tuple(replacing)

    def __call__(self, conn: sa.Connection, records: Iterable[R]) -> None:
        """Add them all."""
        _inserting(self._table, self._columns, self._replacing, conn.dialect)(conn, records)


class Update(Generic[R]):
    """Writes fields of records back to their rows, found by `key`, where the SQL condition `where` holds."""

    def __init__(self, table: sa.Table, *changing: str, key: Sequence[str], where: str = "") -> None:
        self._table = table
        self._changing = changing
        self._key = tuple(key)
        self._where = where

    def __call__(self, conn: sa.Connection, records: Iterable[R]) -> None:
        """Write them all."""
        _updating(self._table, self._changing, self._key, self._where, conn.dialect)(conn, records)


def rows(conn: sa.Connection, statement: Returning, parameters: Mapping[str, object]) -> Sequence[Row]:
    """The rows of a SELECT, or of what an UPDATE returns, that is built once, converted as their columns want it."""
    prepared = _reading(statement, conn.dialect)
    found = _execute(conn, prepared.text, prepared.bound(parameters))
    return [_converted(row, prepared.results) for row in found] if prepared.results else found


class _Reading:
    def __init__(self, statement: Returning, dialect: sa.Dialect) -> None:
        compiled = _with_constants(statement).compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.text = compiled.string
        self._parameters = [
            (name, compiled.params.get(name), _bound_as(compiled, name).dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or []
        ]
        self.results = [
            (number, converter)
            for number, column in enumerate(statement.exported_columns)
            if (converter := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ]

    def bound(self, parameters: Mapping[str, object]) -> tuple[Any, ...]:
        bound = []
        for name, default, convert in self._parameters:
            value = parameters.get(name, default)
            bound.append(value if convert is None else convert(value))
        return tuple(bound)


def _with_constants(statement: Returning) -> Returning:
    """The statement with what never changes written into it, so that a plan by a partial index can be kept.

    SQLite plans a statement anew each time a parameter is bound that such an index could depend on, and PostgreSQL
    keeps no plan that depends on one; that costs many times what most statements do.
    """

    def written(element: Any, **given: object) -> sa.ColumnClause[Any] | None:
        if not isinstance(element, sa.BindParameter) or not element.unique:
            return None
        match element.value:
            case str(text):
                return sa.literal_column("'" + text.replace("'", "''") + "'", element.type)
            case bool(flag):
                return sa.literal_column(str(flag), element.type)
            case int(number):
                return sa.literal_column(str(number), element.type)
        return None

    constant: Any = sa.sql.visitors.replacement_traverse(statement, {}, written)
    return cast(Returning, constant)


def _bound_as(compiled: Any, name: str) -> sa.types.TypeEngine[Any]:
    """The type of a parameter. One of a list that is written into the statement is named after it: `state_1_2`."""
    named = name if name in compiled.binds else name.rpartition("_")[0]
    kind: sa.types.TypeEngine[Any] = compiled.binds[named].type
    return kind


class _Writing:
    """A statement that writes records, of which it takes the given columns."""

    def __init__(self, table: sa.Table, columns: Sequence[str], dialect: sa.Dialect) -> None:
        self._fields = attrgetter(*columns)
        types = [table.c[name].type.dialect_impl(dialect) for name in columns]
        self._converters = [
            (number, converter)
            for number, kind in enumerate(types)
            if (converter := kind.bind_processor(dialect)) is not None
        ]
        self._as_json = dialect.name == "postgresql"
        self._row = f"({', '.join('?' * len(columns))})"
        if self._as_json:
            binary = [isinstance(kind, sa.LargeBinary) for kind in types]
            shown = [f"decode({name}, 'base64')" if b else name for name, b in zip(columns, binary, strict=True)]
            given = [
                f"{name} {'text' if b else kind.compile(dialect)}"
                for name, kind, b in zip(columns, types, binary, strict=True)
            ]
            self._rows = f"SELECT {', '.join(shown)} FROM json_to_recordset($1::text::json) AS r({', '.join(given)})"
        self.text = cache(self._text)

    def _text(self, rows: str) -> str:
        """The statement around the rows it is given."""
        raise NotImplementedError

    def __call__(self, conn: sa.Connection, records: Iterable[Any]) -> None:
        records = list(records)
        if not records:
            return
        if self._as_json:
            _execute(conn, self.text(self._rows), (msgspec.json.encode(records).decode(),))
            return
        made = [self._fields(record) for record in records]
        if self._converters:
            made = [_converted(row, self._converters) for row in made]
        while made:
            count = min(MOST_ROWS, 1 << len(made).bit_length() - 1)
            rows = f"VALUES {', '.join([self._row] * count)}"
            _execute(conn, self.text(rows), tuple(chain.from_iterable(made[:count])))
            made = made[count:]


class _Inserting(_Writing):
    def __init__(
        self, table: sa.Table, columns: tuple[str, ...], replacing: tuple[str, ...], dialect: sa.Dialect
    ) -> None:
        super().__init__(table, columns, dialect)
        self._into = f"INSERT INTO {table.name} ({', '.join(columns)})"
        self._conflict = ""
        if replacing:
            key = ", ".join(column.name for column in table.primary_key)
            new = ", ".join(f"{name} = excluded.{name}" for name in replacing)
            self._conflict = f"ON CONFLICT ({key}) DO UPDATE SET {new}"

    def _text(self, rows: str) -> str:
        return f"{self._into} {rows} {self._conflict}"


class _Updating(_Writing):
    def __init__(
        self, table: sa.Table, changing: tuple[str, ...], key: tuple[str, ...], where: str, dialect: sa.Dialect
    ) -> None:
        columns = (*changing, *key)
        super().__init__(table, columns, dialect)
        self._table = table.name
        self._given = ", ".join(columns)
        self._settings = ", ".join(f"{name} = v.{name}" for name in changing)
        conditions = [f"{table.name}.{name} = v.{name}" for name in key]
        self._where = " AND ".join([*conditions, where] if where else conditions)

    def _text(self, rows: str) -> str:
        given = f"WITH v({self._given}) AS ({rows})"
        return f"{given} UPDATE {self._table} SET {self._settings} FROM v WHERE {self._where}"


_bounded = lru_cache(MOST_STATEMENTS)
_reading, _inserting, _updating = _bounded(_Reading), _bounded(_Inserting), _bounded(_Updating)


def compiled() -> int:
    """How many statements are held ready."""
    return sum(kind.cache_info().currsize for kind in (_reading, _inserting, _updating))


def _execute(conn: sa.Connection, text: str, parameters: Row) -> list[Row]:
    """The rows that a statement returns. The driver is called itself: Core would double what a statement costs."""
    driver: Any = conn.connection.driver_connection
    if conn.dialect.name == "sqlite":
        try:
            found: list[Row] = driver.execute(text, parameters).fetchall()
        except sqlite3.Error as error:
            raise sa.exc.DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True) from error
        return found
    if not driver.is_in_transaction():  # one of SQLAlchemy's own, which it begins with its first statement
        result = conn.exec_driver_sql(text, parameters)
        return [*map(tuple, result.all())] if result.returns_rows else []
    fetched: list[Row] = driver.fetched(text, parameters)
    return fetched


def _converted(row: Row, converters: Sequence[tuple[int, Converter]]) -> Row:
    values = list(row)
    for number, convert in converters:
        if values[number] is not None:
            values[number] = convert(values[number])
    return tuple(values)
