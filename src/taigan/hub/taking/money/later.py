"""What becomes of money by itself, a while after it was asked for: as a payment platform that was slow finds out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from taigan.clock import set_within
from taigan.hub.book import records
from taigan.hub.book.book import Book
from taigan.hub.book.records import Record
from taigan.hub.book.tables import settling
from taigan.hub.book.trail import Trail
from taigan.hub.errors import Unusable
from taigan.hub.faults import Faults
from taigan.hub.rules import Rules
from taigan.hub.sending.postbox import Outbox, Postbox
from taigan.hub.sending.pushes import Push
from taigan.hub.taking.money import settlement

_IDLE = 3600.0


def settle_later(conn: sa.Connection, trail: Trail, record: Record, state: str, seconds: float) -> None:
    """Move a record to a state in so many seconds."""
    row = {"record_id": record.id, "state": state, "at": trail.at + timedelta(seconds=seconds)}
    conn.execute(settling.insert(), row)


class Later:
    """Settles what is due. `run` until it is cancelled; `wake` when there is something new."""

    def __init__(
        self, book: Book, postbox: Postbox, faults: Faults, rules: Rules, public_url: Callable[[], str]
    ) -> None:
        self._book = book
        self._postbox = postbox
        self._faults = faults
        self._rules = rules
        self._public_url = public_url
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Look again at what is due."""
        self._news.set()

    async def run(self) -> None:
        """Settle whatever falls due."""
        while True:
            self._news.clear()
            due = await self._book.read(_earliest)
            wait = _IDLE if due is None else (due - self._book.clock.now()).total_seconds()
            if wait > 0:
                await set_within(self._book.clock, self._news, min(wait, _IDLE))
            else:
                self._postbox.send_soon(await self._book.write(self._settle))

    def _settle(self, conn: sa.Connection, trail: Trail) -> list[Push]:
        outbox = Outbox(conn, trail, self._rules, self._faults)
        for record_id, state in conn.execute(
            sa.select(settling.c.record_id, settling.c.state).where(settling.c.at <= trail.at)
        ).all():
            conn.execute(sa.delete(settling).where(settling.c.record_id == record_id))
            with contextlib.suppress(Unusable):  # a person was faster
                settlement.settle(outbox, records.find_by_id(conn, record_id), state, self._public_url())
        return outbox.pushes


def _earliest(conn: sa.Connection) -> datetime | None:
    found: datetime | None = conn.execute(sa.select(sa.func.min(settling.c.at))).scalar()
    return found
