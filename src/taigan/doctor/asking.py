"""Asks over HTTP, as anybody outside would: the platform, its callback address, BoLink."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from taigan.clock import Clock
from taigan.doctor.installation import Installation
from taigan.network.unreached import why_not_reached

Item = TypeVar("Item")

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Answer(msgspec.Struct):
    """What came back, and how long it took."""

    status: int
    body: bytes
    seconds: float
    ahead: float | None  # by how many seconds our clock is ahead of theirs


class _Page(msgspec.Struct, Generic[Item]):
    items: list[Item]
    next: str | None


class Silent(Exception):
    """Nobody answers there, or not what was asked; the text says why."""


class Asking:
    """A session for all that is asked in one look."""

    def __init__(self, at: Installation, clock: Clock, session: aiohttp.ClientSession) -> None:
        self._at = at
        self._clock = clock
        self._session = session

    async def ask(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """What an address answers. Raises `Silent`."""
        began, now = self._clock.monotonic(), self._clock.now()
        try:
            async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
                content = await answer.read()
        except TimeoutError:
            raise Silent(f"{self._at.answers_within:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Silent(why_not_reached(error)[1]) from None
        seconds = self._clock.monotonic() - began
        date = _date(answer.headers.get("Date", ""))
        ahead = None if date is None else (now - date).total_seconds() + seconds / 2 - 0.5
        return Answer(answer.status, content, seconds, ahead)

    async def items(self, path: str, kind: type[Item]) -> AsyncIterator[Item]:
        """All of a list that the platform's API gives in pages. Raises `Silent`."""
        cursor = ""
        while True:
            url = f"{self._at.platform_url}{path}?limit=1000&cursor={quote(cursor, safe='')}"
            answer = await self.ask("GET", url, headers={"Authorization": f"Bearer {self._at.token}"})
            if answer.status != 200:
                raise Silent(f"HTTP {answer.status}")
            try:
                page = msgspec.json.decode(answer.body, type=_Page[kind])  # type: ignore[valid-type]
            except NOT_JSON:
                raise Silent(short(answer.body)) from None
            for item in page.items:
                yield item
            if not page.next:
                return
            cursor = page.next


def state_of(body: bytes) -> int | None:
    """The `state` of an answer as BoLink wants it; none if it is no such answer."""
    try:
        said = msgspec.json.decode(body)
    except NOT_JSON:
        return None
    state = said.get("state") if isinstance(said, dict) else None
    return state if isinstance(state, int) else None


def short(body: bytes) -> str:
    """The beginning of what came, in one line."""
    return " ".join(body.decode("utf-8", "replace").split())[:120]


def _date(header: str) -> datetime | None:
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    return then if then.tzinfo is not None else None
