"""Money that the lot takes by itself: a wallet's, that of a payment code (3.2 `wallet`, `sweepcode`), or an ETC tag's
(3.7).

A road of its own beside the courier's. The attempt's row is committed before the call; the order's entry (3.1) goes
first; the call is made once, whatever becomes of it, and never by a process that did not begin it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec
import structlog

from taigan import bolink
from taigan.bolink import BolinkClient, BolinkError, Exit, ExitTaken, Refused
from taigan.bolink.values import PaymentState
from taigan.clock import Clock
from taigan.lot.errors import LotError
from taigan.lot.uploads.courier import KNOWN_ALREADY, Courier
from taigan.lot.uploads.line import PolledClient
from taigan.lot.writing.checkpoints import Checkpoint, Reach, pass_by
from taigan.storage.database import Database
from taigan.storage.due import deliveries
from taigan.storage.errors import StorageError

log = structlog.get_logger("taigan.pulls")
ENTRY_WITHIN = 2.0
"""Seconds in which BoLink must have taken the order's entry, or nothing is charged."""
ANSWER_WITHIN = 12.0
"""Seconds in which BoLink must have answered; afterwards nobody knows what became of it."""
LOOK_EVERY = 0.1
STORE_AGAIN = 0.5
NUMBER_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Code:
    """What a scanner read from a phone. Whoever knows it can charge it: it is never kept, nor shown in a log."""

    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Pull:
    """A payment to be taken, whose attempt is committed. `payload`: the message's `data`, without the payment code."""

    lot_id: str
    attempt_no: str
    order_id: str
    way: str
    payload: str
    code: Code = Code()

    @property
    def section(self) -> str:
        """The interface that it goes by."""
        return "3.7" if self.way == "etc" else "3.2"


class Charged(msgspec.Struct, frozen=True):
    """What became of a pull: `paid`, `failed`, or `unclear`. `trade_no`: BoLink's number, where its answer says one."""

    state: str
    said: str
    trade_no: str = ""


Ended = Callable[[Pull, Charged], Awaitable[None]]


class Pulls:
    """One per process. `client_of` gives a client of a lot's vendor that waits for `ANSWER_WITHIN`."""

    def __init__(
        self,
        database: Database,
        client_of: Callable[[str], BolinkClient | PolledClient],
        courier: Courier,
        clock: Clock,
        reach: Reach = pass_by,
    ) -> None:
        self._database = database
        self._client_of = client_of
        self._courier = courier
        self._clock = clock
        self._reach = reach
        self._ended: Ended | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def bolink_is_down(self) -> bool:
        """Whether BoLink does not answer: then nothing is charged."""
        return self._courier.bolink_is_down

    def serve(self, ended: Ended) -> None:
        """Have what becomes of pulls told to `ended`. It may raise StorageError: then it is told again."""
        self._ended = ended

    def begin(self, pull: Pull) -> None:
        """Take the money, in the background."""
        task = asyncio.create_task(self._carry_out(pull))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def drained(self) -> None:
        """Return when no pull is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """Give what is under way a moment to end; what has not ended is unclear after its deadline."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=2)
            for task in late:
                task.cancel()

    async def _carry_out(self, pull: Pull) -> None:
        try:
            if await self._entry_is_known(pull):
                self._reach(Checkpoint.CHARGING)
                charged = await self._charge(pull)
                self._reach(Checkpoint.CHARGED)
            else:
                charged = Charged("failed", "BoLink has not taken the entry (3.1)")
            log.info("pull", lot=pull.lot_id, order=pull.order_id, way=pull.way, state=charged.state, said=charged.said)
            await self._tell(pull, charged)
        except Exception as error:  # without what it was about: the code would be in it
            log.error("a pull failed", lot=pull.lot_id, order=pull.order_id, error=type(error).__name__)

    async def _charge(self, pull: Pull) -> Charged:
        try:
            client = self._client_of(pull.lot_id)
        except LotError as error:
            return Charged("failed", str(error))
        try:
            taken = await client.send_text(bolink.by_section(pull.section), _with_code(pull))
        except Refused as error:
            no = error.state == PaymentState.FAILED and KNOWN_ALREADY not in error.text
            return Charged("failed" if no else "unclear", error.text[:200])
        except BolinkError as error:
            return Charged("unclear", str(error)[:200])
        said = (taken.errmsg or "")[:200]
        paid = taken.state == PaymentState.SUCCEEDED and KNOWN_ALREADY not in said
        number = taken.trade_no or "" if isinstance(taken, ExitTaken) else ""  # 3.7's answer has none
        return Charged("paid" if paid else "unclear", said, number.strip()[:NUMBER_LENGTH])

    async def _entry_is_known(self, pull: Pull) -> bool:
        """Whether BoLink has taken the order's entry, which is sent now where it was not."""
        until, sent = self._clock.monotonic() + ENTRY_WITHIN, False
        while True:
            try:
                state = await self._database.read(
                    lambda conn: deliveries.state_of(conn, pull.lot_id, pull.order_id, "3.1")
                )
                if state in ("done", ""):
                    return True
                if state in ("refused", "cancelled") or self._clock.monotonic() >= until:
                    return False
                if not sent and (sent := await self._courier.send_now(pull.lot_id, pull.order_id)):
                    continue
            except StorageError as error:
                log.error("an entry cannot be looked up", lot=pull.lot_id, order=pull.order_id, error=str(error))
                return False
            await self._clock.sleep(LOOK_EVERY)

    async def _tell(self, pull: Pull, charged: Charged) -> None:
        if self._ended is None:
            return
        while True:
            try:
                await self._ended(pull, charged)
                return
            except StorageError as error:
                log.error("a pull's end is not stored yet", lot=pull.lot_id, order=pull.order_id, error=str(error))
                await self._clock.sleep(STORE_AGAIN)


def _with_code(pull: Pull) -> bytes:
    text = pull.payload.encode()
    if not pull.code.text:
        return text
    return bolink.write(msgspec.structs.replace(bolink.read(text, Exit), auth_code=pull.code.text))
