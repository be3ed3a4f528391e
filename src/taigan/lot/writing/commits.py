"""One group commit for all who wait at a lane: outcomes of lifts, scans, what leaves.

Each kind of item has one handler. A transaction locks the lots of its items, then every handler has its turn, in the
order in which they were made known: each sees what those before it have led to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from taigan.clock import Clock
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.engines.group import GroupCommit
from taigan.storage.locked import facts
from taigan.storage.rows import Lot, Message, Order


class Item(Protocol):
    """Something to commit. `digest` names the message that it answers; empty where nobody's message waits."""

    @property
    def lot_id(self) -> str:
        """The lot it changes."""

    @property
    def digest(self) -> str:
        """The message it answers."""


I = TypeVar("I", bound=Item)  # noqa: E741 - an item


class Transaction:
    """What the handlers of one transaction share: the lots, locked, and each order once, as it is by now."""

    def __init__(
        self, conn: sa.Connection, lots: dict[str, Lot], messages: dict[str, Message], changes: Changes, clock: Clock
    ) -> None:
        self.conn = conn
        self.lots = lots
        self.messages = messages
        self.changes = changes
        self.now = clock.now()
        self.orders: dict[tuple[str, str], Order] = {}

    def find(self, keys: Iterable[tuple[str, str]]) -> None:
        """Read orders by (lot_id, order_id) into `orders`, those that are not there yet."""
        if missing := {key for key in keys if key not in self.orders}:
            self.orders.update(facts.orders(self.conn, missing))


Handler = Callable[[Transaction, Sequence[I]], Sequence[Any]]


class Commits:
    """The queue of what waits to be committed, one per process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._clock = clock
        self._handlers: dict[type, Handler[Any]] = {}
        self._group = GroupCommit[Item, Any](database, self._commit, lot_of=lambda item: item.lot_id, clock=clock)
        self.owed = asyncio.Event()
        """Set whenever something new is owed to BoLink."""

    def handle(self, kind: type[I], handler: Handler[I]) -> None:
        """Have items of this kind applied by `handler`, which returns one result an item; after those known before."""
        self._handlers[kind] = handler

    def submit(self, item: Item) -> asyncio.Future[Any]:
        """The item's result, once it is committed. Raises as `GroupCommit.submit`."""
        return self._group.submit(item)

    async def drained(self) -> None:
        """Return when nothing waits any more."""
        await self._group.drained()

    def _commit(self, conn: sa.Connection, batch: Sequence[Item]) -> list[Any]:
        lots = facts.lock(conn, {item.lot_id for item in batch})
        messages = facts.messages(conn, {item.digest for item in batch if item.digest})
        tx = Transaction(conn, lots, messages, Changes(), self._clock)
        results: dict[int, Any] = {}
        for kind, handler in self._handlers.items():
            of_kind = [(number, item) for number, item in enumerate(batch) if type(item) is kind]
            if of_kind:
                said = handler(tx, [item for _, item in of_kind])
                results.update(zip((number for number, _ in of_kind), said, strict=True))
        tx.changes.write(conn)
        return [results[number] for number in range(len(batch))]
