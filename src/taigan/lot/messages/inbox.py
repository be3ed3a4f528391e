"""The messages that change something, each acted on once: whoever sends one again gets its first answer.

5.7 keeps its messages in the same rows, inside its own transactions; payment messages are known by their trade_no.
"""

from __future__ import annotations

import functools
from datetime import timedelta

import msgspec
import sqlalchemy as sa
import structlog

from taigan.clock import Clock
from taigan.lot import texts
from taigan.lot.messages.router import Answered, Callback, Handler, refusal
from taigan.lot.policy import Policy
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.locked import facts
from taigan.storage.rows import Alarm, Message

log = structlog.get_logger("taigan.callbacks")


class _Said(msgspec.Struct):
    state: int | str


class Inbox:
    """Remembers messages by the identity of what was signed, for as long as the key they were signed with."""

    def __init__(self, database: Database, policy: Policy, clock: Clock) -> None:
        self._database = database
        self._within = timedelta(seconds=policy.repeat_within)
        self._clock = clock

    def once(self, handler: Handler) -> Handler:
        """A handler that acts on each message of a lot once, however it is written and however often it comes.

        Within `repeat_within` a repeat gets the first answer, later it is refused and an alarm is raised. A message
        whose first answer was never written (the process died, the database was gone) is handled again: a handler
        does the same once more without harm. What the handler raises goes on.
        """

        @functools.wraps(handler)
        async def handle(callback: Callback) -> Answered:
            digest = callback.digest
            first = await self._database.write(lambda conn: self._claim(conn, callback, digest))
            name = callback.envelope.service_name
            if first is not None:
                log.info("the same message again", lot_id=callback.lot.lot_id, service_name=name)
                if callback.received_at - first.received_at > self._within:
                    return refusal(200, texts.TOO_OLD, name, self._clock.now())
                if first.answer is not None:
                    state = int(msgspec.json.decode(first.answer, type=_Said).state)
                    return Answered(200, first.answer, service_name=name, state=state)
            answered = await handler(callback)
            if answered.status == 200:
                await self._database.write(lambda conn: self._answer(conn, callback, digest, answered.body))
            return answered

        return handle

    def _claim(self, conn: sa.Connection, callback: Callback, digest: str) -> Message | None:
        """Write the message down; the one that was there before, if there was one."""
        lot_id = callback.lot.lot_id
        facts.lock(conn, [lot_id])
        changes = Changes()
        first = facts.messages(conn, [digest]).get(digest)
        if first is None:
            changes.messages.append(Message(digest, lot_id, callback.received_at, callback.key_id))
        elif callback.received_at - first.received_at > self._within:
            text = f"{callback.envelope.service_name}: {texts.CAME_AGAIN}"
            changes.alarms.append(Alarm(lot_id, "", "", self._clock.now(), "stale_message", text))
        changes.write(conn)
        return first

    @staticmethod
    def _answer(conn: sa.Connection, callback: Callback, digest: str, body: bytes) -> None:
        changes = Changes()
        changes.answers.append(Message(digest, callback.lot.lot_id, callback.received_at, callback.key_id, None, body))
        changes.write(conn)
