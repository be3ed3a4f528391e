"""The hub's book: every change is one transaction that also writes the trail, told to the open pages once it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from taigan.clock import Clock
from taigan.hub.book.database import Database
from taigan.hub.book.live import Live
from taigan.hub.book.trail import Trail

T = TypeVar("T")
P = ParamSpec("P")


class Book:
    """The database, the clock that dates what is written into it, and the pages that hear of it."""

    def __init__(self, database: Database, live: Live, clock: Clock) -> None:
        self._database = database
        self.live = live
        self.clock = clock
        self.secret = database.secret

    async def write(
        self, work: Callable[Concatenate[sa.Connection, Trail, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(connection, trail, ...)` as one transaction."""

        def transact(conn: sa.Connection) -> tuple[T, Trail]:
            trail = Trail(conn, self.clock.now())
            return work(conn, trail, *args, **kwargs), trail

        result, trail = await self._database.write(transact)
        self.live.tell(trail.steps)
        return result

    async def read(self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, ...)` on one unchanging picture."""
        return await self._database.read(work, *args, **kwargs)

    async def close(self) -> None:
        self.live.end()
        await self._database.close()
