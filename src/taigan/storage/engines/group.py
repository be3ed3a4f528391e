"""Group commit: what arrives while a transaction runs is carried out together by the next one.

One item alone starts at once. An item that makes its transaction fail is found by halving, so that it fails alone. A
lot that another process holds holds up nobody else: its items wait for it in a transaction of their own, and those that
come meanwhile queue up behind them. Where a transaction takes long, the next one carries out fewer items: each is
answered with its own batch, and the first of them does not wait for all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Generic, TypeVar

import sqlalchemy as sa

from taigan.clock import Clock
from taigan.storage.database import Database
from taigan.storage.errors import Held, LotsHeld, Unavailable
from taigan.storage.locked import facts

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")
Entry = tuple[I, "asyncio.Future[R]"]

WAITING_APART = 3
"""Transactions that wait for held lots at once, at most: they take sessions from the others."""
LONG = 1.0
"""Seconds after which a transaction is too long for those who wait for it: the next one has half as many items."""
FEWEST = 16
"""So many items are always carried out together: that a transaction of few takes long is not for their number."""
PATIENCE = 2
"""So many times a held lot is waited for, each time for as long as the database lets a transaction wait."""


class GroupCommit(Generic[I, R]):
    """Runs `transaction(conn, items)`, which returns one result an item, over everything that waits.

    `lot_of` names the lot that an item's transaction locks; without it, whatever the items lock is waited for. By
    `clock` batches become smaller while they take long.
    """

    def __init__(
        self,
        database: Database,
        transaction: Callable[[sa.Connection, Sequence[I]], Sequence[R]],
        *,
        lot_of: Callable[[I], str] | None = None,
        most: int = 128,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._transaction = transaction
        self._lot_of = lot_of
        self._most = self._now_most = most
        self._clock = clock
        self._waiting: deque[Entry[I, R]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._apart: dict[str, deque[Entry[I, R]]] = {}
        self._tasks_apart: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(WAITING_APART)

    def submit(self, item: I) -> asyncio.Future[R]:
        """The item's result, once it is committed.

        Who cancels the future leaves the item in the queue: it is committed all the same.

        Raises:
            Unavailable: the database failed; the item may have been committed nevertheless.
            Held: the item's lot was held by another process all the time; nothing was written.
            Exception: what the transaction raised for this item alone; nothing was written for it.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        if self._lot_of is not None and (queue := self._apart.get(self._lot_of(item))) is not None:
            queue.append((item, future))
            return future
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return future

    async def drained(self) -> None:
        """Return when nothing waits any more."""
        while tasks := [task for task in (self._task, *self._tasks_apart) if task is not None and not task.done()]:
            await asyncio.wait(tasks)

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._now_most, len(self._waiting)))]
            began = self._clock.monotonic() if self._clock is not None else 0.0
            if held := await self._commit(batch, waits=self._lot_of is None):
                _fail(held, Held("another transaction holds what these need"))
            if self._clock is not None:
                self._measure(len(batch), self._clock.monotonic() - began)
            await asyncio.sleep(0)  # what these results set in motion at once goes with the next transaction

    def _measure(self, count: int, seconds: float) -> None:
        """Let the next batches be as large as they can be and not take long."""
        if seconds > LONG:
            self._now_most = min(self._most, max(FEWEST, count // 2))
        elif seconds < LONG / 2:
            self._now_most = min(self._most, 2 * self._now_most)

    async def _commit(self, batch: list[Entry[I, R]], *, waits: bool) -> list[Entry[I, R]]:
        """Carry a batch out; returns those whose lot was held for longer than the transaction waited."""
        items = [item for item, _ in batch]

        def transaction(conn: sa.Connection) -> Sequence[R]:
            with nullcontext() if waits else facts.never_waiting(conn):
                return self._transaction(conn, items)

        try:
            results = await self._database.write(transaction)
        except LotsHeld as held:
            free = self._set_apart(batch, held)
            return await self._commit(free, waits=False) if free else []
        except Held:
            return batch
        except Exception as error:
            if len(batch) == 1 or isinstance(error, Unavailable):
                _fail(batch, error)
                return []
            middle = len(batch) // 2
            held_on = await self._commit(batch[:middle], waits=waits)
            return held_on + await self._commit(batch[middle:], waits=waits)
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
        return []

    def _set_apart(self, batch: list[Entry[I, R]], held: LotsHeld) -> list[Entry[I, R]]:
        """Let the items of held lots wait apart, and with them what came for these lots since; returns the others."""
        assert self._lot_of is not None
        for lot in held.lots - self._apart.keys():
            self._apart[lot] = deque()
            self._tasks_apart.add(task := asyncio.create_task(self._wait_for(lot)))
            task.add_done_callback(self._tasks_apart.discard)
        free: list[Entry[I, R]] = []
        waiting: deque[Entry[I, R]] = deque()
        for entries, others in ((batch, free), (self._waiting, waiting)):
            for entry in entries:
                queue = self._apart.get(self._lot_of(entry[0]))
                (others if queue is None else queue).append(entry)
        self._waiting = waiting
        return free

    async def _wait_for(self, lot: str) -> None:
        """Serve what waits for a lot, in one transaction after the other, until nothing does."""
        queue, tried = self._apart[lot], 0
        async with self._turns:
            while queue:
                batch = [queue.popleft() for _ in range(min(self._most, len(queue)))]
                held = await self._commit(batch, waits=True)
                tried = tried + 1 if held else 0
                if tried < PATIENCE:
                    queue.extendleft(reversed(held))
                else:
                    _fail(held, Held(f"lot {lot} is held by another transaction"))
                    tried = 0
            del self._apart[lot]


def _fail(batch: Sequence[Entry[I, R]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
            future.exception()  # a caller that went away is no reason to complain
