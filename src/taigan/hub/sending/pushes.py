"""Downlinks: messages that BoLink signs and sends to a lot, each kept with the exact bytes of both sides."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
import structlog

from taigan.bolink import AnyInterface, TimedOut, Transport, Unreachable, by_service
from taigan.bolink.fields import Message
from taigan.bolink.wire import polling
from taigan.bolink.wire.codec import fields_of
from taigan.clock import Clock
from taigan.hub import remarks
from taigan.hub.book import registry
from taigan.hub.book.database import insert_row
from taigan.hub.book.registry import Lot, Vendor
from taigan.hub.book.tables import pushes
from taigan.hub.book.trail import Kind, Trail
from taigan.hub.faults import PUSH_FAULTS, Fault, FaultKind, Faults
from taigan.hub.rules import Rules
from taigan.hub.sending.addresses import is_public, same_host
from taigan.hub.sending.lines import Lines
from taigan.network.unreached import why_not_reached

log = structlog.get_logger("taigan.hub")
_LATE = 10.0


class Outcome(enum.StrEnum):
    """How a push ended, whatever the answer says."""

    SENT = "sent"  # not known, or never heard of
    ANSWERED = "answered"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    CUT = "cut"  # the answer was lost on purpose
    FORBIDDEN = "forbidden"  # not sent: a notify_url into the hub's own network


_WORDS = {
    Outcome.TIMED_OUT: "no answer in time",
    Outcome.UNREACHABLE: "lot not reached, or the connection broke",
    Outcome.CUT: "the answer was lost",
    Outcome.FORBIDDEN: "not sent: the address is neither public nor the vendor's host (private_notify)",
}


_NOBODY_FETCHES = (
    "车场登录过，但此刻没有管这个通道的连接在取消息",
    "the lot logged in, but no connection for this lane is fetching messages now",
)


@dataclass(frozen=True, slots=True)
class Push:
    """A message in the book and ready to go: frozen and signed."""

    id: int
    lot_id: str
    channel_id: str
    scan_id: str | None
    service_name: str
    url: str
    body: bytes
    sent_at: datetime
    owed_id: int | None = None
    strange: bool = False
    """The address came with a message, and is not at the vendor's own host."""
    numbers: dict[str, str] = field(default_factory=dict)
    """What the answer of a lot that fetches its messages is told by."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and when. `body` is kept even where it counts as lost or late."""

    outcome: Outcome
    at: datetime
    status: int | None = None
    body: bytes | None = None
    by: str = ""
    """The address that the lot fetched the message from, when it was not brought to it."""
    why: tuple[str, str] = ("", "")
    """Why the lot was not reached, in Chinese and English."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a push went; `second` is there when it was sent twice on purpose."""

    answer: Answer
    fault: FaultKind | None = None
    second: Answer | None = None


def prepare(
    conn: sa.Connection,
    trail: Trail,
    lot: Lot,
    channel_id: str,
    interface: AnyInterface,
    message: object,
    *,
    kind: Kind = Kind.PUSHED,
    scan_id: str | None = None,
) -> Push:
    """Write a message to a lot into the book, signed with the vendor's current key."""
    text = interface.write(message)
    return enter(
        conn, trail, lot.union_id, lot.lot_id, interface, text, channel_id=channel_id, kind=kind, scan_id=scan_id
    )


def enter(
    conn: sa.Connection,
    trail: Trail,
    union_id: str,
    lot_id: str,
    interface: AnyInterface,
    text: bytes,
    *,
    url: str = "",
    channel_id: str = "",
    kind: Kind = Kind.PUSHED,
    scan_id: str | None = None,
    owed_id: int | None = None,
) -> Push:
    """Write a `data` text to a vendor into the book, signed with its current key. `url` goes before its address."""
    vendor = registry.vendor(conn, union_id)
    key = registry.keys(conn, union_id, trail.at)[0]
    assert vendor is not None, "lots refer to vendors"
    address = url or _address(vendor, interface)
    body = interface.body(text, key, union_id)
    row = {
        "lot_id": lot_id,
        "channel_id": channel_id,
        "scan_id": scan_id,
        "service_name": interface.event,
        "url": address,
        "request": body,
        "sent_at": trail.at,
        "outcome": Outcome.SENT.value,
        "fault": "",
        "owed_id": owed_id,
    }
    push_id = insert_row(conn, pushes, row)
    trail.add(
        kind,
        ("hub", "lot"),
        f"{interface.section} {interface.event}",
        lot_id=lot_id,
        channel_id=channel_id,
        scan_id=scan_id,
        push_id=push_id,
    )
    strange = bool(url) and not same_host(url, vendor.callback_url)
    numbers = polling.numbers_in(text)
    return Push(
        push_id, lot_id, channel_id, scan_id, interface.event, address, body, trail.at, owed_id, strange, numbers
    )


def _address(vendor: Vendor, interface: AnyInterface) -> str:
    """Where a vendor hears a message. One that does not name itself (6.4) needs an address of its own."""
    url = vendor.address(interface.event)
    if interface.service_name is None and not vendor.per_event:
        return f"{url}/{interface.event}"
    return url


class Sender:
    """Sends pushes, and plays the faults on the way."""

    def __init__(
        self,
        transport: Transport,
        to_strangers: Transport,
        faults: Faults,
        rules: Rules,
        clock: Clock,
        lines: Lines,
    ) -> None:
        self._transport = transport
        self._to_strangers = to_strangers
        self._lines = lines
        self._faults = faults
        self._rules = rules
        self._clock = clock

    async def send(self, push: Push) -> Delivery:
        """Send a push once (or twice, if a fault says so) and wait at most `push_timeout` for the answer."""
        fault = self._faults.strike(
            PUSH_FAULTS, lot_id=push.lot_id, channel_id=push.channel_id, names=(push.service_name,)
        )
        if fault is None:
            return Delivery(await self._post(push))
        if fault.kind is FaultKind.PUSH_LOST:
            await self._clock.sleep(self._rules.push_timeout)
            return Delivery(Answer(Outcome.TIMED_OUT, self._clock.now()), fault.kind)
        if fault.kind is FaultKind.PUSH_LATE:
            await self._clock.sleep(_LATE if fault.seconds is None else fault.seconds)
            return Delivery(await self._post(push), fault.kind)
        if fault.kind is FaultKind.SENT_TWICE:
            answer, second = await asyncio.gather(self._post(push), self._post(push))
            return Delivery(answer, fault.kind, second)
        if fault.kind is FaultKind.ANSWER_LATE:
            return Delivery(await self._late(push, fault), fault.kind)
        answer = await self._post(push)
        lost = Answer(Outcome.CUT, answer.at, answer.status, answer.body, answer.by)
        return Delivery(lost if answer.outcome is Outcome.ANSWERED else answer, fault.kind)

    async def _post(self, push: Push) -> Answer:
        """Bring it to the lot's address, or leave it for the lot to fetch."""
        if self._lines.speaks(push.lot_id):
            return await self._leave(push)
        if push.strange and not self._rules.private_notify and not await is_public(push.url):
            return Answer(Outcome.FORBIDDEN, self._clock.now())
        try:
            way = self._to_strangers if push.strange else self._transport
            status, body = await way.post(push.url, push.body, timeout=self._rules.push_timeout)
        except TimedOut:
            return Answer(Outcome.TIMED_OUT, self._clock.now())
        except Unreachable as error:
            why = why_not_reached(error.__cause__ or error)
            return Answer(Outcome.UNREACHABLE, self._clock.now(), why=why)
        return Answer(Outcome.ANSWERED, self._clock.now(), status, body)

    async def _leave(self, push: Push) -> Answer:
        by = polling.DOWNLOAD_PATH
        try:
            answer = await self._lines.ask(
                push.lot_id, push.channel_id, push.service_name, push.body, push.numbers, self._rules.push_timeout
            )
        except LookupError:
            return Answer(Outcome.UNREACHABLE, self._clock.now(), by=by, why=_NOBODY_FETCHES)
        except TimeoutError:
            return Answer(Outcome.TIMED_OUT, self._clock.now(), by=by)
        return Answer(Outcome.ANSWERED, self._clock.now(), 200, _bare(push, answer), by)

    async def _late(self, push: Push, fault: Fault) -> Answer:
        seconds = self._rules.push_timeout + 1 if fault.seconds is None else fault.seconds
        start = self._clock.monotonic()
        answer = await self._post(push)
        elapsed = self._clock.monotonic() - start
        await self._clock.sleep(max(0.0, min(seconds, self._rules.push_timeout) - elapsed))
        in_time = seconds < self._rules.push_timeout or answer.outcome is not Outcome.ANSWERED
        outcome = answer.outcome if in_time else Outcome.TIMED_OUT
        return Answer(outcome, self._clock.now(), answer.status, answer.body, answer.by, answer.why)


def _bare(push: Push, answer: bytes) -> bytes:
    """An answer that was uploaded, without what only told it from others."""
    interface = by_service(push.service_name)
    kind: type[Message] | None = interface.answer if interface is not None else None
    known = {plan.name for plan in fields_of(kind)} if kind is not None else set[str]()
    return polling.without(answer, {"service_name", *polling.NUMBERS} - known)


def keep(conn: sa.Connection, trail: Trail, push: Push, delivery: Delivery) -> None:
    """Write down how a push went."""
    fault = delivery.fault.value if delivery.fault else ""
    notes = _notes(push, delivery.answer)
    conn.execute(
        sa.update(pushes).where(pushes.c.id == push.id).values(_result(delivery.answer, fault) | {"notes": notes})
    )
    answer = delivery.answer
    heard = answer.outcome is Outcome.ANSWERED
    trail.add(
        Kind.ANSWERED if heard else Kind.UNANSWERED,
        ("lot", "hub"),
        f"HTTP {answer.status}" if heard else _WORDS[answer.outcome],
        lot_id=push.lot_id,
        channel_id=push.channel_id,
        scan_id=push.scan_id,
        push_id=push.id,
    )
    if delivery.second is not None:
        row = {
            name: getattr(push, name) for name in ("lot_id", "channel_id", "scan_id", "service_name", "url", "owed_id")
        }
        row |= {"request": push.body, "sent_at": push.sent_at}
        conn.execute(pushes.insert(), row | _result(delivery.second, fault))


def _notes(push: Push, answer: Answer) -> list[dict[str, str]]:
    """What a person should know of a lot's answer, and one line of it in the log."""
    interface = by_service(push.service_name)
    about: dict[str, object] = {"section": interface.section if interface else push.service_name, "lot_id": push.lot_id}
    notes = remarks.of_unreached(*answer.why) if answer.why[0] else []
    if answer.body is not None and answer.status is not None and interface is not None:
        notes = remarks.of_answer(interface, answer.body, answer.status, answer.at)
    if answer.outcome is Outcome.ANSWERED:
        log.info("push answered", **about, status=answer.status, **remarks.for_log(notes))
    else:
        text = _WORDS[answer.outcome]
        log.warning("push not answered", **about, text=text, url=answer.by or push.url, **remarks.for_log(notes))
    return remarks.rows(notes)


def _result(answer: Answer, fault: str) -> dict[str, object]:
    row: dict[str, object] = {
        "outcome": answer.outcome.value,
        "status": answer.status,
        "answer": answer.body,
        "answered_at": answer.at,
        "fault": fault,
    }
    return row | {"url": answer.by} if answer.by else row
