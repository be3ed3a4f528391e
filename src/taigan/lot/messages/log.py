"""Keeps what BoLink and the lots say to each other, for persons who look for a mistake.

Best effort, and never in the way: messages are handed over as they came, made readable in a thread and written together
every other second. Secrets and signatures are hidden before anything is written. Under a flood the oldest are lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog

from taigan.bolink import BadMessage, BolinkError, Transport, open_envelope
from taigan.clock import Clock
from taigan.running.logs import Redaction
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.shown import messages
from taigan.storage.shown.messages import IN, OUT, Said

log = structlog.get_logger("taigan.messages")
WRITE_EVERY = 1.7
MOST_WAITING = 500
"""So many messages wait to be written."""
REFUSED_EVERY = 1.0
"""Seconds between two messages that are kept of those nobody is known to have sent."""
LONGEST = 16 * 1024
"""Signs of a message or an answer that are kept."""
UNTOLD = ("/download.do", "/login.do", "/beat.do")
"""The ends of addresses that are asked again and again, whether there is something or not."""


class Heard(msgspec.Struct):
    """A message as it came or went, and what became of it. `lot_id` is empty while nobody knows whose it is."""

    way: str
    at: datetime
    interface: str
    body: bytes
    lot_id: str = ""
    status: int = 0
    state: int | None = None
    answer: bytes = b""
    note: str = ""
    took: float = 0.0
    known: bool = True


class _About(msgspec.Struct):
    """What a message is looked for by."""

    order_id: str | int | None = None
    car_number: str | None = None
    plate_number: str | None = None
    union_id: str | int | None = None
    park_id: str | int | None = None
    comid: str | int | None = None


class _State(msgspec.Struct):
    state: int | str | None = None


class MessageLog:
    """One per process."""

    def __init__(self, database: Database, clock: Clock, secrets: Callable[[], list[str]] = list) -> None:
        """`secrets` are the keys in use: they are hidden wherever they stand."""
        self._database = database
        self._clock = clock
        self._secrets = secrets
        self._waiting: deque[Heard] = deque(maxlen=MOST_WAITING)
        self._refused_from = 0.0

    def note(self, heard: Heard) -> None:
        """Keep a message soon. Of strangers one a second."""
        if not heard.known:
            now = self._clock.monotonic()
            if now < self._refused_from:
                return
            self._refused_from = now + REFUSED_EVERY
        if heard.lot_id or heard.way == OUT:
            self._waiting.append(heard)

    def over(self, transport: Transport) -> Transport:
        """A transport whose messages are kept."""
        return _Noting(transport, self, self._clock)

    async def run(self) -> None:
        """Write again and again, until cancelled."""
        while True:
            await self._clock.sleep(WRITE_EVERY)
            await self.write()

    async def write(self) -> None:
        """Write what waits now. What cannot be written is lost."""
        if not self._waiting:
            return
        some = [self._waiting.popleft() for _ in range(len(self._waiting))]
        redaction = Redaction(self._secrets())
        readable = await asyncio.to_thread(lambda: [made for one in some if (made := _readable(one, redaction))])
        try:
            await self._database.write(lambda conn: messages.add(conn, readable))
        except StorageError as error:
            log.warning("messages were not kept", count=len(readable), error=str(error))


class _Noting:
    """Notes what goes out."""

    def __init__(self, inner: Transport, kept: MessageLog, clock: Clock) -> None:
        self._inner = inner
        self._kept = kept
        self._clock = clock

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        """Post, and note it."""
        path = urlsplit(url).path
        heard = Heard(OUT, self._clock.now(), path.rpartition("/")[2], body)
        begun = self._clock.monotonic()
        try:
            heard.status, heard.answer = await self._inner.post(url, body, timeout=timeout)
        except BolinkError as error:
            heard.note = str(error)
            raise
        finally:
            heard.took = self._clock.monotonic() - begun
            if not path.endswith(UNTOLD):
                self._kept.note(heard)
        return heard.status, heard.answer


def _readable(heard: Heard, redaction: Redaction) -> Said | None:
    """As it is written; None for what is about no lot."""
    about = _about(heard)
    lot_id = heard.lot_id
    if not lot_id:
        park = about.park_id if about.park_id is not None else about.comid
        lot_id = f"{about.union_id}-{park}" if about.union_id is not None and park is not None else ""
    if not lot_id:
        return None
    return Said(
        lot_id=lot_id,
        at=heard.at,
        way=heard.way,
        interface=heard.interface[:64],
        order_id=_short(about.order_id),
        plate=_short(about.car_number),
        outcome=_outcome(heard),
        note=redaction.text(heard.note[:1000]),
        took_ms=round(heard.took * 1000),
        sent=_text(heard.body, redaction),
        answer=_text(heard.answer, redaction),
    )


def _about(heard: Heard) -> _About:
    with suppress(BadMessage):
        envelope = open_envelope(heard.body, heard.interface)
        about = _About(union_id=envelope.union_id or None, park_id=envelope.park_id or None)
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            inside = msgspec.json.decode(envelope.text, type=_About)
            about.order_id = inside.order_id
            about.car_number = inside.car_number or inside.plate_number
        return about
    return _About()


def _outcome(heard: Heard) -> str:
    if heard.way == IN:
        if heard.status >= 400:
            return "refused"
        return "no" if heard.state == 0 else "done"
    if not heard.status:
        return "unreached"
    if heard.status >= 400:
        return "refused"
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        state: Any = msgspec.json.decode(heard.answer, type=_State).state
        return "no" if str(state) == "0" else "done"
    return "refused"


def _short(value: str | int | None) -> str:
    text = "" if value is None else str(value)
    return "" if "\x00" in text else text[:64]


def _text(body: bytes, redaction: Redaction) -> str:
    text = body[:LONGEST].decode("utf-8", "replace").replace("\x00", "�")
    return redaction.text(text) + (" …" if len(body) > LONGEST else "")
