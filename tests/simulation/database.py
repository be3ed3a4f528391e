"""The database of streets: SQLite, without a file. It need not survive a power cut, and is written by one at a time."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import rows
from taigan.storage.migrations import migrate
from taigan.storage.tables import metadata


class _Read:
    """Columns of all rows of a table, in statements that are built once."""

    def __init__(self, table: sa.Table, *names: str, where: sa.ColumnElement[bool] | None = None) -> None:
        self._statement = sa.select(*(table.c[name] for name in names))
        if where is not None:
            self._statement = self._statement.where(where)
        self._record: Any = namedtuple(table.name, names)

    def __call__(self, conn: sa.Connection) -> list[Any]:
        return [*map(self._record._make, rows(conn, self._statement, {}))]


_ORDERS = _Read(t.orders, "order_id", "state", "waiting_for", "licence", "plate", "requested_at", "in_at")
_INBOX = _Read(t.inbox, "digest", "order_id", "received_at")
_LOTS = _Read(t.lots, "spaces", "spaces_free")
_LIFTS = _Read(t.lifts, "order_id", "presence_id", "cause")
_OWED = _Read(t.deliveries, "order_id", "section", "state")
_PAYMENTS = _Read(t.payments, "trade_no", "order_id", "fen", "state", where=t.payments.c.giver == "bolink")
_BILLS = _Read(t.bills, "order_id", "charge_fen", "reduced_fen", "paid_fen", "refunded_fen")
_STANDING = _Read(t.presences, "channel_id", where=t.presences.c.left_at.is_(None) & t.presences.c.ends_at.is_(None))


@dataclass(frozen=True)
class Kept:
    """What the rows say, as far as somebody looks at it after each step."""

    orders: dict[str, Any]
    inbox: dict[str, Any]
    lot: Any
    lifts: list[Any]
    owed: list[Any]
    payments: list[Any]
    bills: dict[str, Any]
    standing: list[str]
    """The lanes with a car on their loop; what claims a lane for some time is none."""


class StreetDatabase:
    """One connection, over which the transactions of all processes go in turn; `changes` counts the rows written."""

    def __init__(self) -> None:
        self._engine = sa.create_engine(
            "sqlite://", poolclass=sa.StaticPool, hide_parameters=True, connect_args={"cached_statements": 512}
        )
        sa.event.listen(self._engine, "connect", _leave_transactions_to_us)
        self._conn = self._engine.connect()
        migrate(self._conn)
        self._conn.commit()
        self._driver: Any = self._conn.connection.driver_connection
        self._driver.execute("PRAGMA foreign_keys=ON")
        self._kept: tuple[int, Kept] | None = None
        self._tables = [table.name for table in reversed(metadata.sorted_tables)]

    @property
    def changes(self) -> int:
        """Rows written since the beginning: the same number twice means that nothing has changed."""
        return int(self._driver.total_changes)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """All of it or nothing. What Core would do around each is as much as the rest of a short one."""
        self._driver.execute("BEGIN IMMEDIATE")
        try:
            yield self._conn
        except BaseException:
            self._driver.execute("ROLLBACK")
            raise
        finally:
            if self._conn.get_execution_options():
                self._conn.execution_options(taigan_never_waits=False)
        self._driver.execute("COMMIT")

    def kept(self) -> Kept:
        """What the rows say now; read when they have changed."""
        if self._kept is None or self._kept[0] != self.changes:
            with self.transaction() as conn:
                kept = Kept(
                    orders={order.order_id: order for order in _ORDERS(conn)},
                    inbox={message.digest: message for message in _INBOX(conn)},
                    lot=_LOTS(conn)[0],
                    lifts=_LIFTS(conn),
                    owed=_OWED(conn),
                    payments=_PAYMENTS(conn),
                    bills={bill.order_id: bill for bill in _BILLS(conn)},
                    standing=[car.channel_id for car in _STANDING(conn)],
                )
            self._kept = self.changes, kept
        return self._kept[1]

    def empty(self) -> None:
        """Begin anew."""
        with self.transaction():
            for table in self._tables:
                self._driver.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Nothing is kept."""
        self._conn.close()
        self._engine.dispose()


def _leave_transactions_to_us(driver: Any, record: Any) -> None:
    driver.isolation_level = None
