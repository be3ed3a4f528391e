"""BoLink is asked what became of payments that are unclear (4.3), while their cars wait for it.

From 10 s after a payment began, or 12 s after a price was told and nothing came, every 2 s, up to 2 min (sdk/549733).
What is asked is read from the rows each time, so that any process goes on with what another left; a row says whose turn
it is, so that of several processes one asks. At the start the prices of the last 2 h are asked about once: what was
paid may have been told while nobody listened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import msgspec
import sqlalchemy as sa
import structlog

from taigan import bolink
from taigan.bolink import BolinkClient, BolinkError
from taigan.bolink.chapters.reconciliation import PaymentRecord, QueryPayment
from taigan.clock import Clock
from taigan.lot.errors import LotError
from taigan.storage.database import Database
from taigan.storage.due import overdue, rounds
from taigan.storage.due.overdue import Unclear
from taigan.storage.errors import StorageError

log = structlog.get_logger("taigan.questions")
EVERY = 2.0
FIRST_AFTER = timedelta(seconds=10)
QUOTED_AFTER = timedelta(seconds=12)
LAST_AFTER = timedelta(minutes=2)
MISSED_WITHIN = timedelta(hours=2)
TURN = timedelta(seconds=1.5)
"""So long a process's turn lasts: it ends before the same process looks again."""
CAUGHT_UP_FOR = timedelta(seconds=10)
"""Processes that start within this time of one another ask about what was missed once."""
AT_ONCE = 20
"""So many questions are on their way at once, at most."""

Told = Callable[[Unclear, Sequence[PaymentRecord]], Awaitable[None]]


class Questions:
    """One per process. `told` learns what BoLink says of an order's payments."""

    def __init__(
        self,
        database: Database,
        client_of: Callable[[str], BolinkClient],
        clock: Clock,
        told: Told,
        per_second: int,
    ) -> None:
        self._database = database
        self._client_of = client_of
        self._clock = clock
        self._told = told
        self._per_second = per_second

    async def run(self) -> None:
        """Ask what was missed, then again and again, until cancelled."""
        try:
            await self.catch_up()
        except Exception:
            log.exception("what was told while nobody listened is not asked for")
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.error("unclear payments cannot be looked up", error=str(error))
            except Exception:
                log.exception("a look at unclear payments failed")
            await self._clock.sleep(EVERY)

    async def catch_up(self) -> None:
        """Ask once, at the pace of uploads, for each stay of whose price nothing was heard. Raises `StorageError`."""
        now = self._clock.now()
        missed = await self._database.read(lambda conn: overdue.quoted_inside(conn, now - MISSED_WITHIN, now))
        missed = await self._ours(missed, "missed payments", CAUGHT_UP_FOR)
        for number, one in enumerate(missed):
            if number:
                await self._clock.sleep(1 / self._per_second)
            await self._ask(one)

    async def look(self) -> None:
        """Ask once for each order whose payment is unclear and whose car waits. Raises `StorageError`."""
        now = self._clock.now()
        found = await self._database.read(
            lambda conn: overdue.unclear(conn, now - LAST_AFTER, now - FIRST_AFTER, now - QUOTED_AFTER)
        )
        found = await self._ours(found, "questions", TURN)
        free = asyncio.Semaphore(AT_ONCE)

        async def ask(one: Unclear) -> None:
            async with free:
                await self._ask(one)

        await asyncio.gather(*(ask(one) for one in found))

    async def _ours(self, found: Sequence[Unclear], task: str, lasts: timedelta) -> list[Unclear]:
        """Those of lots whose turn this process takes for so long. Raises `StorageError`."""
        if not found:
            return []
        now = self._clock.now()

        def transaction(conn: sa.Connection) -> set[str]:
            until = now + lasts
            lots = sorted({one.lot_id for one in found})
            return {lot_id for lot_id in lots if rounds.take(conn, lot_id, task, now, until, now, ahead=until)}

        lots = await self._database.write(transaction)
        return [one for one in found if one.lot_id in lots]

    async def _ask(self, one: Unclear) -> None:
        union_id, _, park_id = one.lot_id.partition("-")
        question = QueryPayment(union_id=int(union_id), park_id=park_id, order_id=one.order_id, car_number=_named(one))
        interface = bolink.by_section("4.3")
        try:
            said = await self._client_of(one.lot_id).send_text(interface, interface.write(question))
            await self._told(one, said.data)
        except (BolinkError, LotError, StorageError) as error:
            log.info("no answer about a payment", lot=one.lot_id, order=one.order_id, error=str(error))


def _named(one: Unclear) -> str:
    """The plate as BoLink has it: as its entry said."""
    return msgspec.json.decode(one.entry, type=bolink.Entry).car_number if one.entry else one.plate or one.licence
