"""Carries what is owed to BoLink there: each lot at its pace, each order's messages in sequence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import structlog

from taigan import bolink
from taigan.bolink import BadAnswer, BolinkClient, BolinkError, Refused
from taigan.bolink.chapters.trade import EntryTaken
from taigan.clock import Clock, set_within
from taigan.lot.errors import LotError
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.policy import Policy
from taigan.lot.signals.events import Events
from taigan.lot.signals.metrics import Metrics
from taigan.lot.uploads.line import PolledClient
from taigan.lot.writing.ages import SKEW
from taigan.lot.writing.checkpoints import Checkpoint, Reach, pass_by
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.due import deliveries
from taigan.storage.due.deliveries import Claimed, Owing, Sent
from taigan.storage.engines.group import GroupCommit
from taigan.storage.errors import StorageError
from taigan.storage.rows import Alarm

log = structlog.get_logger("taigan.courier")
KNOWN_ALREADY = "订单已存在"
BREATH = 0.025
"""Seconds between two looks at the outbox while it is busy."""
LEASE_SPARE = 5.0
"""Seconds a lease outlasts the upload's own time-out."""
LOOK_EVERY = 0.25
"""Seconds between two looks at the outbox while nothing is due, or while BoLink does not answer."""
UNDER_WAY = 200
"""So many uploads are on their way at once, at most."""
JITTER = 1.2
"""A wait before another try is longer by a random factor, up to this one."""
PROBES = 3
"""After so many failures in a row BoLink counts as down: then so many uploads try, and the others keep their turn."""


class Courier:
    """One per process. `client_of` gives what carries a lot's uploads."""

    def __init__(
        self,
        database: Database,
        client_of: Callable[[str], BolinkClient | PolledClient],
        owed: asyncio.Event,
        lanes: Lanes,
        policy: Policy,
        clock: Clock,
        random: Random,
        metrics: Metrics,
        events: Events,
        reach: Reach = pass_by,
    ) -> None:
        self._reach = reach
        self._database = database
        self._client_of = client_of
        self._owed = owed
        self._lanes = lanes
        self._policy = policy
        self._clock = clock
        self._random = random
        self._metrics = metrics
        self._events = events
        self._results = GroupCommit[Sent, None](database, deliveries.record)
        self._sending: set[asyncio.Task[None]] = set()
        self._failed = 0  # uploads in a row that BoLink did not answer
        self._lease = timedelta(seconds=policy.upload_timeout + LEASE_SPARE)
        self._spacing = timedelta(seconds=1 / policy.uploads_per_second)
        self._longest = deliveries.Longest(
            pace=SKEW,
            retry=timedelta(seconds=JITTER * max(policy.retry_every, *policy.retry_after)) + SKEW,
            lease=self._lease + SKEW,
        )

    async def run(self) -> None:
        """Send whatever falls due, until cancelled. Uploads under way are then given a moment to end."""
        try:
            while True:
                self._owed.clear()
                try:
                    pause = await self.look()
                except StorageError as error:
                    log.error("the outbox cannot be read", error=str(error))
                    pause = 1.0
                except Exception:
                    log.exception("a look at the outbox failed")
                    pause = 1.0
                await asyncio.sleep(BREATH)
                more = asyncio.Event() if self.bolink_is_down else self._owed
                await set_within(self._clock, more, pause - BREATH)
        finally:
            await self.sent(within=2)

    async def sent(self, *, within: float | None = None) -> None:
        """Return when nothing is under way to BoLink any more, or after so many seconds."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=within)

    async def look(self) -> float:
        """Begin to send one message of every lot that may send now; returns the seconds until the next look.

        Raises `StorageError`.
        """
        free = (PROBES if self.bolink_is_down else UNDER_WAY) - len(self._sending)
        if free <= 0:
            return LOOK_EVERY
        now = self._clock.now()
        claimed = await self._database.write(
            lambda conn: deliveries.claim(conn, now, self._lease, self._spacing, free, self._longest)
        )
        for delivery in claimed:
            task = asyncio.create_task(self._send(delivery))
            self._sending.add(task)
            task.add_done_callback(self._sent)
        return LOOK_EVERY if self.bolink_is_down or not claimed else self._spacing.total_seconds() / 2

    async def send_now(self, lot_id: str, order_id: str) -> bool:
        """Send what is owed first of an order before its turn; the lot's pace is booked. Returns when it was answered;
        False: nothing is owed, or it is under way.

        Raises `StorageError`.
        """
        now = self._clock.now()
        claimed = await self._database.write(
            lambda conn: deliveries.claim_now(conn, lot_id, order_id, now, self._lease, self._spacing)
        )
        if claimed is None:
            return False
        await self._send(claimed)
        return True

    @property
    def bolink_is_down(self) -> bool:
        """Whether so many uploads in a row were not answered that BoLink counts as down."""
        return self._failed >= PROBES

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._owed.set()

    async def _send(self, delivery: Claimed) -> None:
        interface = bolink.by_section(delivery.section)
        arrears = 0
        try:
            answer = await self._client_of(delivery.lot_id).send_text(interface, delivery.payload.encode())
            self._reach(Checkpoint.UPLOADED)
            state, said = "done", ""
            arrears = len(answer.escape_order or ()) if isinstance(answer, EntryTaken) else 0
        except Refused as error:
            known = delivery.section == "3.1" and KNOWN_ALREADY in error.text
            state, said = ("done" if known else "refused"), error.text
        except BadAnswer as error:
            state, said = "pending", f"bad answer: {error}"
        except (BolinkError, LotError) as error:
            state, said = "pending", str(error)
        self._failed = self._failed + 1 if state == "pending" else 0
        now = self._clock.now()
        again_at = now + self._wait(delivery.attempts) if state == "pending" else now
        self._metrics.uploads.labels(delivery.section, "again" if state == "pending" else state).inc()
        done_at = None if state == "pending" else now
        sent = Sent(delivery.delivery_id, delivery.attempts, state, again_at, done_at, said[:500])
        try:
            await self._results.submit(sent)
            if arrears:
                owing = Owing(delivery.lot_id, delivery.order_id, arrears)
                await self._database.write(lambda conn: deliveries.note_arrears(conn, owing))
            if state == "refused":
                await self._alarm(delivery, said, now)
        except StorageError as error:
            log.error("an upload's result is not stored", delivery=delivery.delivery_id, error=str(error))
        log.info(
            "upload", lot=delivery.lot_id, order=delivery.order_id, section=delivery.section, state=state, said=said
        )
        if self._events.anybody:
            self._events.publish(
                {
                    "step": "upload",
                    "lot_id": delivery.lot_id,
                    "order_id": delivery.order_id,
                    "section": delivery.section,
                    "state": state,
                    "text": said,
                    "at": now,
                }
            )

    async def _alarm(self, delivery: Claimed, said: str, now: datetime) -> None:
        text = f"BoLink refused {delivery.section}: {said}"
        alarm = Alarm(delivery.lot_id, "", delivery.order_id, now, "upload_refused", text)
        changes = Changes()
        changes.alarms.append(alarm)
        await self._database.write(changes.write)
        self._lanes.alarm(alarm)

    def _wait(self, attempts: int) -> timedelta:
        waits = self._policy.retry_after
        seconds = waits[attempts - 1] if attempts <= len(waits) else self._policy.retry_every
        return timedelta(seconds=seconds * self._random.uniform(1.0, JITTER))
