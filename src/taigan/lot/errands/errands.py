"""Carries errands out: their row is committed before BoLink is asked, and what it says is committed after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from taigan.bolink import BadMessage, BolinkClient, BolinkError, Refused
from taigan.bolink.errors import BadAnswer
from taigan.clock import Clock
from taigan.lot.errands import refunds
from taigan.lot.errands.errand import Ended, Follow, Outcome, Overdue, Settle
from taigan.lot.errors import LotError
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.room import Item, Room
from taigan.lot.people.by import By
from taigan.storage import errands as kept
from taigan.storage.database import Database
from taigan.storage.rows import Errand

log = structlog.get_logger("taigan.errands")
Call = Callable[[BolinkClient, Errand], Awaitable[Outcome]]
ANSWER_STORED_EVERY = 1.0


def nothing(room: Room, errand: Errand, before: str) -> None:
    """Nothing follows."""


FOLLOW: Mapping[str, Follow] = {"4.2": refunds.follow}
"""What follows from an errand's end, by section."""


class Errands:
    """One per process."""

    def __init__(
        self, database: Database, desk: LeavingDesk, client_of: Callable[[str], BolinkClient], clock: Clock
    ) -> None:
        self._database = database
        self._desk = desk
        self._client_of = client_of
        self._clock = clock
        self._under_way: set[asyncio.Task[Errand]] = set()

    async def send(self, begin: Item[Errand], call: Call) -> Errand:
        """Commit an errand and carry it out; one that waits for a second person is returned as it is.

        Whoever goes away meanwhile does not stop it. Raises StorageError, and the LotError of what cannot be begun.
        """
        errand = await self._desk.do(begin)
        if errand.state != "asked":
            return errand
        task = asyncio.create_task(self._carry_out(errand, call))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def refund(
        self, lot_id: str, payment_id: str, fen: int, by: By, *, although_invoiced: bool = False
    ) -> Errand:
        """Ask for money to be given back, or for a second person to agree. Raises as `send`."""
        asked = refunds.AskRefund(
            lot_id=lot_id, payment_id=payment_id, fen=fen, by=by, although_invoiced=although_invoiced
        )
        return await self.send(asked, refunds.ask)

    async def approve(self, lot_id: str, errand_id: str, by: By) -> Errand:
        """A second person agrees to a refund. Raises as `send`."""
        return await self.send(refunds.Approve(lot_id=lot_id, errand_id=errand_id, by=by), refunds.ask)

    async def withdraw(self, lot_id: str, errand_id: str, by: By) -> Errand:
        """A refund that nobody agreed to is given up. Raises as `send`."""
        return await self._desk.do(refunds.Withdraw(lot_id=lot_id, errand_id=errand_id, by=by))

    async def settle(self, lot_id: str, errand_id: str, state: str, by: By) -> Errand:
        """A person says what became of an errand. Raises as `send`."""
        errand = await self._database.read(lambda conn: kept.errand(conn, lot_id, errand_id))
        follow = FOLLOW.get(errand.section, nothing) if errand is not None else nothing
        return await self._desk.do(Settle(lot_id=lot_id, errand_id=errand_id, state=state, by=by, follow=follow))

    async def look(self) -> None:
        """End the waiting for answers that will not come any more. Raises StorageError."""
        now = self._clock.now()
        for errand in await self._database.read(lambda conn: kept.unanswered(conn, now)):
            follow = FOLLOW.get(errand.section, nothing)
            await self._desk.do(Overdue(lot_id=errand.lot_id, errand_id=errand.errand_id, follow=follow))

    async def stop(self) -> None:
        """Return when what is under way has ended, but wait for a few seconds only."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=3)

    async def _carry_out(self, errand: Errand, call: Call) -> Errand:
        outcome = await self._outcome(errand, call)
        log.info(
            "errand", lot=errand.lot_id, section=errand.section, errand=errand.errand_id, state=outcome.state,
            said=outcome.said,
        )  # fmt: skip
        ended = Ended(
            lot_id=errand.lot_id,
            errand_id=errand.errand_id,
            outcome=outcome,
            follow=FOLLOW.get(errand.section, nothing),
        )
        return await self._desk.do(ended)

    async def _outcome(self, errand: Errand, call: Call) -> Outcome:
        try:
            return await call(self._client_of(errand.lot_id), errand)
        except Refused as error:
            return Outcome("failed", error.text)
        except BadMessage as error:
            return Outcome("failed", f"not sent: {error}")
        except LotError as error:
            return Outcome("failed", error.message)
        except (BadAnswer, BolinkError) as error:
            return Outcome("unclear", str(error))
