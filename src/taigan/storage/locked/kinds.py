"""Kinds of records, each found by its lot and one thing more: those of many such keys are read by one statement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa

from taigan.storage.engines.statements import rows
from taigan.storage.tables import Pairs

R = TypeVar("R", bound=msgspec.Struct)
Key = tuple[str, Any]
"""A lot, and what is looked for in it: a number, a lane, a plate, a day."""


class Kind(Generic[R]):
    """One kind, however it is read."""

    def read(self, conn: sa.Connection, keys: Collection[Key]) -> Mapping[Key, Sequence[R]]:
        """The records of these keys; a key without any may be left out."""
        raise NotImplementedError

    def one_each(self, conn: sa.Connection, keys: Collection[Key]) -> dict[Key, R]:
        """The record of each of these keys that has one."""
        return {key: records[0] for key, records in self.read(conn, keys).items()}

    def of(self, conn: sa.Connection, *key: str) -> Sequence[R]:
        """The records of one key."""
        lot_id, name = key
        return self.read(conn, [(lot_id, name)]).get((lot_id, name), ())

    def first(self, conn: sa.Connection, *key: str) -> R | None:
        """The first record of one key."""
        return next(iter(self.of(conn, *key)), None)


class Rows(Kind[R]):
    """The rows of a table, or of a join as `source`, by its lot and the column `by`.

    In a condition neither engine would use the index of both columns for each key.
    """

    def __init__(
        self,
        record: type[R],
        columns: Sequence[sa.Column[Any]],
        by: sa.Column[Any],
        *where: sa.ColumnElement[bool],
        source: sa.FromClause | None = None,
        order_by: Sequence[sa.ColumnElement[Any]] = (),
        most: int = 0,
    ) -> None:
        """`most`: so many of each key at most, in this order."""
        self._record = record
        shown = [by.table.c.lot_id.label("of_lot"), by.label("of_key"), *columns]
        self._queries = {
            dialect: build(shown, by, where, by.table if source is None else source, order_by, most)
            for dialect, build in (("sqlite", _joined), ("postgresql", _looked_up))
        }

    def read(self, conn: sa.Connection, keys: Collection[Key]) -> Mapping[Key, Sequence[R]]:
        found: dict[Key, list[R]] = {}
        for lot_id, name, *row in rows(conn, self._queries[conn.dialect.name], {"keys": keys}):
            found.setdefault((lot_id, name), []).append(self._record(*row))
        return found


class _Pair(NamedTuple):
    """The keys as rows, and both parts of one."""

    rows: sa.TableValuedAlias
    lot: sa.ColumnElement[str]
    name: sa.ColumnElement[str]


def _joined(
    columns: Sequence[sa.ColumnElement[Any]],
    by: sa.Column[Any],
    where: Sequence[sa.ColumnElement[bool]],
    source: sa.FromClause,
    order_by: Sequence[sa.ColumnElement[Any]],
    most: int,
) -> sa.Select[Any]:
    """For SQLite, which looks up one key after the other whatever it knows of the table."""
    lot = by.table.c.lot_id
    query = (
        sa.select(*columns)
        .select_from(_SQLITE_PAIR.rows.join(source, sa.and_(lot == _SQLITE_PAIR.lot, by == _SQLITE_PAIR.name)))
        .where(*where)
    )
    if not most:
        return query.order_by(*order_by)
    return _placed(query.add_columns(_place(order_by, [lot, by])).subquery(), most)


def _looked_up(
    columns: Sequence[sa.ColumnElement[Any]],
    by: sa.Column[Any],
    where: Sequence[sa.ColumnElement[bool]],
    source: sa.FromClause,
    order_by: Sequence[sa.ColumnElement[Any]],
    most: int,
) -> sa.Select[Any]:
    """For PostgreSQL: a subquery for each key, which OFFSET keeps from becoming a join.

    A join is planned by what was known of the table at its last ANALYZE: one that had no plates then is read as a
    whole, long after it has.
    """
    pair = _POSTGRESQL_PAIR
    query = sa.select(*columns).select_from(source).where(by.table.c.lot_id == pair.lot, by == pair.name, *where)
    if order_by:
        query = query.add_columns(_place(order_by))
    each = query.offset(sa.literal_column("0")).lateral()
    if order_by:
        return _placed(each, most, pair.rows.join(each, sa.true()))
    return sa.select(*each.c).select_from(pair.rows.join(each, sa.true()))


def _place(order_by: Sequence[sa.ColumnElement[Any]], of: Sequence[sa.ColumnElement[Any]] = ()) -> sa.Label[int]:
    return sa.func.row_number().over(partition_by=of or None, order_by=order_by).label("place")


def _placed(each: sa.FromClause, most: int, source: sa.FromClause | None = None) -> sa.Select[Any]:
    """The rows in the order of their places, which are not shown; `most` of each key, if it is not 0."""
    *shown, place = each.c
    query = sa.select(*shown).select_from(each if source is None else source).order_by(place)
    return query.where(place <= sa.literal_column(str(most))) if most else query


_KEYS: sa.BindParameter[Any] = sa.bindparam("keys", type_=Pairs())
_SQLITE_ROWS = sa.func.json_each(_KEYS).table_valued("value", name="pair")
_SQLITE_PAIR = _Pair(
    _SQLITE_ROWS,
    sa.func.json_extract(_SQLITE_ROWS.c.value, sa.literal_column("'$[0]'")),
    sa.func.json_extract(_SQLITE_ROWS.c.value, sa.literal_column("'$[1]'")),
)
_POSTGRESQL_ROWS = sa.func.json_array_elements(sa.cast(_KEYS, sa.JSON())).table_valued("value", name="pair")
_POSTGRESQL_PAIR = _Pair(
    _POSTGRESQL_ROWS,
    _POSTGRESQL_ROWS.c.value.op("->>", return_type=sa.Text())(sa.literal_column("0")),
    _POSTGRESQL_ROWS.c.value.op("->>", return_type=sa.Text())(sa.literal_column("1")),
)


class OneEach(Kind[R]):
    """What a function reads that gives at most one record a key."""

    def __init__(self, reading: Callable[[sa.Connection, Collection[Key]], Mapping[Key, R]]) -> None:
        self._reading = reading

    def read(self, conn: sa.Connection, keys: Collection[Key]) -> Mapping[Key, Sequence[R]]:
        return {key: [record] for key, record in self._reading(conn, keys).items()}
