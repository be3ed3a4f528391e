"""The lots that have no public address: they log in and fetch what is meant for them (`taigan.bolink.wire.polling`).

A line lives as long as this process; a lot whose token is not known any more is told so and logs in again. What the
pages leave open is our reading: a lot that logged in once is spoken to this way until the hub starts anew, a login with
the same `local_id` ends the line before it, and what was handed out is not handed out again by itself; payment messages
come again like all that were not answered.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from taigan.bolink.wire import polling
from taigan.clock import Clock, set_within

GRACE = 5.0
"""Seconds after its last poll ended during which a line still counts as there."""
MOST = 32
"""So many lines a lot may have; one more ends the oldest."""


@dataclass(eq=False, slots=True)
class Parcel:
    """A message on its way to a lot, and the answer to it."""

    service_name: str
    uuid: str
    body: bytes
    numbers: dict[str, str]
    answer: asyncio.Future[bytes]


@dataclass(eq=False, slots=True)
class Line:
    """One connection of a lot: `local_id` says which lanes it serves."""

    lot_id: str
    local_id: str
    token: str
    seen: float
    waiting: deque[Parcel] = field(default_factory=deque)
    handed: list[Parcel] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    polls: int = 0
    """Polls that are open; the newest alone is handed something."""
    newest: int = 0


class Lines:
    """Every line of every lot."""

    def __init__(self, clock: Clock, new_code: Callable[[], str]) -> None:
        self._clock = clock
        self._new_code = new_code
        self._of_lot: dict[str, list[Line]] = {}
        self._ended = False

    def log_in(self, lot_id: str, local_id: str) -> str:
        """Open a line; its token. One with the same `local_id` ends, and what waits there goes over."""
        line = Line(lot_id, local_id, self._new_code().encode().hex()[:32], self._clock.monotonic())
        lines = self._of_lot.setdefault(lot_id, [])
        for before in [one for one in lines if one.local_id == local_id] or lines[: max(0, len(lines) + 1 - MOST)]:
            lines.remove(before)
            if before.local_id == local_id:
                line.waiting.extend(before.waiting)
                line.handed.extend(before.handed)
            before.newest += 1
            before.news.set()
        lines.append(line)
        return line.token

    def find(self, token: str) -> Line | None:
        """The line with this token."""
        given = token.encode("utf-8", "replace")
        every = (line for lines in self._of_lot.values() for line in lines)
        return next((line for line in every if hmac.compare_digest(line.token.encode(), given)), None)

    def speaks(self, lot_id: str) -> bool:
        """Whether a lot is spoken to this way."""
        return lot_id in self._of_lot

    def online(self, lot_id: str) -> list[Line]:
        """The lines of a lot at whose other end somebody listens."""
        earliest = self._clock.monotonic() - GRACE
        return [line for line in self._of_lot.get(lot_id, ()) if line.polls or line.seen >= earliest]

    async def poll(self, line: Line, gone: asyncio.Future[None]) -> bytes | None:
        """The next message for a line; None after `HELD` seconds without one, or when another poll takes its place.

        When `gone` is done there is nobody to hand it to any more.
        """
        line.newest += 1
        line.news.set()
        number, until = line.newest, self._clock.monotonic() + polling.HELD
        line.polls += 1
        try:
            while number == line.newest and not self._ended and not gone.done():
                if line.waiting:
                    parcel = line.waiting.popleft()
                    if parcel.answer.done():
                        continue
                    line.handed.append(parcel)
                    return parcel.body
                left = until - self._clock.monotonic()
                if left <= 0:
                    return None
                line.news.clear()
                await self._news(line, gone, left)
            return None
        finally:
            line.polls -= 1
            line.seen = self._clock.monotonic()

    async def _news(self, line: Line, gone: asyncio.Future[None], seconds: float) -> None:
        news = asyncio.ensure_future(set_within(self._clock, line.news, seconds))
        both: list[asyncio.Future[Any]] = [news, gone]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()

    async def ask(
        self, lot_id: str, channel_id: str, service_name: str, body: bytes, numbers: dict[str, str], timeout: float
    ) -> bytes:
        """Give a message to the line of a lane and wait for its answer. Raises LookupError: nobody is there for it;
        TimeoutError."""
        online = [line for line in self.online(lot_id) if polling.serves(line.local_id, channel_id)]
        if not online:
            raise LookupError(lot_id)
        uuid = self._new_code()
        parcel = Parcel(
            service_name,
            uuid,
            polling.hand(body, service_name, uuid),
            numbers | {"message_uuid": uuid},
            asyncio.get_running_loop().create_future(),
        )
        line = next((one for one in online if one.polls), online[-1])
        line.waiting.append(parcel)
        line.news.set()
        try:
            await self._clock.wait((parcel.answer,), timeout)
            if not parcel.answer.done():
                raise TimeoutError
            return parcel.answer.result()
        finally:
            parcel.answer.cancel()
            for one in self._of_lot.get(lot_id, ()):
                if parcel in one.waiting:
                    one.waiting.remove(parcel)
                if parcel in one.handed:
                    one.handed.remove(parcel)

    def answered(self, line: Line, service_name: str, text: bytes) -> bool:
        """Give the `data` of an upload to the message that it answers; whether there is one that waits."""
        answer, numbers = polling.answer_in(text)
        waits = [
            parcel
            for one in self._of_lot.get(line.lot_id, ())
            for parcel in one.handed
            if parcel.service_name == service_name and not parcel.answer.done()
        ]
        for number in polling.NUMBERS:
            fits = [one for one in waits if number in numbers and one.numbers.get(number) == numbers[number]]
            if fits:
                fits[0].answer.set_result(answer)
                return True
        if len(waits) == 1 and "message_uuid" not in numbers and not _told_apart(waits[0], numbers):
            waits[0].answer.set_result(answer)
            return True
        return False

    def end(self) -> None:
        """End the polls that are open: the hub stops."""
        self._ended = True
        for lines in self._of_lot.values():
            for line in lines:
                line.news.set()


def _told_apart(parcel: Parcel, numbers: dict[str, str]) -> bool:
    """Whether an answer names another number than the message that it might answer."""
    return any(numbers.get(name, value) != value for name, value in parcel.numbers.items())
