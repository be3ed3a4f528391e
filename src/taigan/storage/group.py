"""Group commit: what arrives while a transaction runs is carried out together by the next one.

One item alone starts at once. An item that makes its transaction fail is found by halving, so that it fails alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import sqlalchemy as sa

from taigan.storage.database import Database
from taigan.storage.errors import Unavailable

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")


class GroupCommit(Generic[I, R]):
    """Runs `transaction(conn, items)`, which returns one result an item, over everything that waits."""

    def __init__(
        self, database: Database, transaction: Callable[[sa.Connection, Sequence[I]], Sequence[R]], *, most: int = 128
    ) -> None:
        self._database = database
        self._transaction = transaction
        self._most = most
        self._waiting: deque[tuple[I, asyncio.Future[R]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def submit(self, item: I) -> asyncio.Future[R]:
        """The item's result, once it is committed.

        Who cancels the future leaves the item in the queue: it is committed all the same.

        Raises:
            Unavailable: the database failed; the item may have been committed nevertheless.
            Exception: what the transaction raised for this item alone; nothing was written for it.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return future

    async def drained(self) -> None:
        """Return when nothing waits any more."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            await self._commit(batch)
            await asyncio.sleep(0)  # what these results set in motion at once goes with the next transaction

    async def _commit(self, batch: list[tuple[I, asyncio.Future[R]]]) -> None:
        items = [item for item, _ in batch]
        try:
            results = await self._database.write(lambda conn: self._transaction(conn, items))
        except Exception as error:
            if len(batch) == 1 or isinstance(error, Unavailable):
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                        future.exception()  # a caller that went away is no reason to complain
                return
            middle = len(batch) // 2
            await self._commit(batch[:middle])
            await self._commit(batch[middle:])
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
