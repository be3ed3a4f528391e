"""The postbox: messages on their way to lots. Payment messages come again until the lot has taken them.

A payment message is owed from the transaction that made it: its `data` is frozen there, each attempt is signed anew.
It is done when the lot has answered as `resend_until` wants it. Otherwise it is sent again after each of the waits of
`resend_after` (newapi/524039); after the last of them a person has to act.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from taigan.bolink import AnyInterface, BadMessage, by_section, read
from taigan.bolink.fields import Message, Whole
from taigan.clock import set_within
from taigan.hub.book.book import Book
from taigan.hub.book.database import insert_row
from taigan.hub.book.tables import owed_pushes
from taigan.hub.book.trail import Trail
from taigan.hub.errors import Unknown
from taigan.hub.faults import Faults
from taigan.hub.rules import ResendUntil, Rules
from taigan.hub.sending import pushes
from taigan.hub.sending.bent import bend
from taigan.hub.sending.pushes import Delivery, Outcome, Push, Sender

_IDLE = 3600.0


class Owed(enum.StrEnum):
    """Where a payment message stands."""

    PENDING = "pending"
    TAKEN = "taken"
    NEEDS_PERSON = "needs_person"


class _Said(Message):
    state: Whole | None = None


@dataclass(slots=True)
class Outbox:
    """Collects the messages of one transaction; they go out when it has committed."""

    conn: sa.Connection
    trail: Trail
    rules: Rules
    faults: Faults
    pushes: list[Push] = field(default_factory=list)

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """A block that leaves nothing behind when it raises: no rows, no messages, no steps of the trail."""
        before = len(self.pushes), len(self.trail.steps)
        try:
            with self.conn.begin_nested():
                yield
        except BaseException:
            del self.pushes[before[0] :], self.trail.steps[before[1] :]
            raise

    def push(
        self,
        union_id: str,
        lot_id: str,
        section: str,
        message: object,
        *,
        url: str = "",
        channel_id: str = "",
        scan_id: str | None = None,
    ) -> None:
        """Enter a message to a lot. `url` goes before the vendor's address."""
        interface = by_section(section)
        text = interface.write(message)
        if not interface.resent:
            self.push_text(union_id, lot_id, interface, text, url=url, channel_id=channel_id, scan_id=scan_id)
            return
        names = (section, interface.event)
        for sent in bend(self.faults, text, lot_id=lot_id, channel_id=channel_id, names=names):
            self.push_text(
                union_id,
                lot_id,
                interface,
                sent.text,
                url=url,
                channel_id=channel_id,
                scan_id=scan_id,
                after=sent.after,
            )

    def push_text(
        self,
        union_id: str,
        lot_id: str,
        interface: AnyInterface,
        text: bytes,
        *,
        url: str = "",
        channel_id: str = "",
        scan_id: str | None = None,
        after: timedelta = timedelta(),
    ) -> Push | None:
        """Enter a message whose `data` text is frozen already; a payment message may wait, and is none yet then."""
        owed_id = None
        if interface.resent:
            row = {
                "union_id": union_id,
                "lot_id": lot_id,
                "channel_id": channel_id,
                "section": interface.section,
                "url": url,
                "scan_id": scan_id,
                "text": text,
                "attempts": 0 if after else 1,
                "state": Owed.PENDING.value,
                "created_at": self.trail.at,
                "next_at": self.trail.at + after if after else _next_at(self.trail.at, self.rules, 1),
            }
            owed_id = insert_row(self.conn, owed_pushes, row)
            if after:
                return None
        push = pushes.enter(
            self.conn,
            self.trail,
            union_id,
            lot_id,
            interface,
            text,
            url=url,
            channel_id=channel_id,
            scan_id=scan_id,
            owed_id=owed_id,
        )
        self.pushes.append(push)
        return push


def _next_at(now: datetime, rules: Rules, attempts: int) -> datetime | None:
    waits = rules.resend_after
    return now + timedelta(seconds=waits[attempts - 1]) if attempts <= len(waits) else None


def is_taken(delivery: Delivery, until: ResendUntil) -> bool:
    """Whether a lot answered a message so that it is not sent again."""
    answer = delivery.answer
    if answer.outcome is not Outcome.ANSWERED or answer.status != 200:
        return False
    if until is ResendUntil.ANSWERED:
        return True
    try:
        return read(answer.body or b"", _Said).state == 1
    except BadMessage:
        return False


class Postbox:
    """Sends what was entered, and again what is owed. `run` until it is cancelled, then `close`."""

    def __init__(self, book: Book, sender: Sender, rules: Rules) -> None:
        self._book = book
        self._sender = sender
        self._rules = rules
        self._news = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    def send_soon(self, outgoing: list[Push]) -> None:
        """Send in the background."""
        for push in outgoing:
            task = asyncio.create_task(self.send(push))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def send(self, push: Push) -> None:
        """Send one message and write down how it went."""
        self._news.set()
        delivery = await self._sender.send(push)
        await self._book.write(self._heard, push, delivery)

    async def run(self) -> None:
        """Send again whatever falls due."""
        while True:
            self._news.clear()
            due = await self._book.read(_earliest)
            wait = _IDLE if due is None else (due - self._book.clock.now()).total_seconds()
            if wait > 0:
                await set_within(self._book.clock, self._news, min(wait, _IDLE))
            else:
                self.send_soon(await self._book.write(self._due))

    async def close(self) -> None:
        """Stop sending. What is owed goes on at the next start."""
        for task in list(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _heard(self, conn: sa.Connection, trail: Trail, push: Push, delivery: Delivery) -> None:
        pushes.keep(conn, trail, push, delivery)
        if push.owed_id is None:
            return
        c = owed_pushes.c
        pending = sa.update(owed_pushes).where(c.id == push.owed_id, c.state != Owed.TAKEN.value)
        if is_taken(delivery, self._rules.resend_until):
            conn.execute(pending.values(state=Owed.TAKEN.value, next_at=None))
        else:
            conn.execute(pending.where(c.next_at.is_(None)).values(state=Owed.NEEDS_PERSON.value))

    def _due(self, conn: sa.Connection, trail: Trail) -> list[Push]:
        due = conn.execute(sa.select(owed_pushes).where(owed_pushes.c.next_at <= trail.at)).all()
        return [self._attempt(conn, trail, owed) for owed in due]

    async def send_again(self, owed_id: int) -> Push:
        """Send a payment message once more, by a person, whatever became of it; how it was sent. Raises `Unknown`."""
        push = await self._book.write(self._by_hand, owed_id)
        await self.send(push)
        return push

    def _by_hand(self, conn: sa.Connection, trail: Trail, owed_id: int) -> Push:
        owed = conn.execute(sa.select(owed_pushes).where(owed_pushes.c.id == owed_id)).first()
        if owed is None:
            raise Unknown("payment message", "id")
        return self._attempt(conn, trail, owed)

    def _attempt(self, conn: sa.Connection, trail: Trail, owed: sa.Row[tuple[object, ...]]) -> Push:
        attempts = owed.attempts + 1
        open_still = owed.state == Owed.PENDING.value
        changed = {"attempts": attempts, "next_at": _next_at(trail.at, self._rules, attempts) if open_still else None}
        conn.execute(sa.update(owed_pushes).where(owed_pushes.c.id == owed.id).values(changed))
        return pushes.enter(
            conn,
            trail,
            owed.union_id,
            owed.lot_id,
            by_section(owed.section),
            owed.text,
            url=owed.url,
            channel_id=owed.channel_id,
            scan_id=owed.scan_id,
            owed_id=owed.id,
        )


def _earliest(conn: sa.Connection) -> datetime | None:
    found: datetime | None = conn.execute(sa.select(sa.func.min(owed_pushes.c.next_at))).scalar()
    return found


def give_up_unheard(conn: sa.Connection) -> None:
    """At start: a last attempt whose answer this process can no longer hear needs a person."""
    c = owed_pushes.c
    unheard = sa.update(owed_pushes).where(c.state == Owed.PENDING.value, c.next_at.is_(None))
    conn.execute(unheard.values(state=Owed.NEEDS_PERSON.value))
