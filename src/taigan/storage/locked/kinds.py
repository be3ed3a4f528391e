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

    def of(self, conn: sa.Connection, *key: str) -> Sequence[R]:
        """The records of one key."""
        lot_id, name = key
        return self.read(conn, [(lot_id, name)]).get((lot_id, name), ())

    def first(self, conn: sa.Connection, *key: str) -> R | None:
        """The first record of one key."""
        return next(iter(self.of(conn, *key)), None)


class Rows(Kind[R]):
    """The rows of a table, or of a join as `source`, by its lot and the column `by`.

    The keys are joined to them: in a condition SQLite does not use the index of both columns for each.
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
        self._queries = {
            dialect: _query(pair, columns, by, where, by.table if source is None else source, order_by, most)
            for dialect, pair in (("sqlite", _SQLITE_PAIR), ("postgresql", _POSTGRESQL_PAIR))
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


def _query(
    pair: _Pair,
    columns: Sequence[sa.Column[Any]],
    by: sa.Column[Any],
    where: Sequence[sa.ColumnElement[bool]],
    source: sa.FromClause,
    order_by: Sequence[sa.ColumnElement[Any]],
    most: int,
) -> sa.Select[Any]:
    lot = by.table.c.lot_id
    query = (
        sa.select(lot.label("of_lot"), by.label("of_key"), *columns)
        .select_from(pair.rows.join(source, sa.and_(lot == pair.lot, by == pair.name)))
        .where(*where)
    )
    if not most:
        return query.order_by(*order_by)
    place = sa.func.row_number().over(partition_by=[lot, by], order_by=order_by).label("place")
    *shown, placed = query.add_columns(place).subquery().c
    return sa.select(*shown).where(placed <= sa.literal_column(str(most))).order_by(placed)


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
