"""The platform under judgement, as BoLink meets it: bytes go there, and what comes back is kept whole."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from taigan.conformance.model import Exchange
from taigan.network.unreached import why_not_reached

LARGEST_ANSWER = 1 << 20
LARGE = 1 << 19
"""Bytes above which a body is sent in pieces."""
JSON_UTF8 = "application/json;charset=utf-8"


@dataclass
class Answer:
    """What the platform answered. `data` is None when that was no JSON object."""

    exchange: Exchange
    data: dict[str, Any] | None = None

    @classmethod
    def of(cls, exchange: Exchange) -> Answer:
        """What an exchange ended with."""
        return cls(exchange, _object(exchange.answer))

    @property
    def status(self) -> int:
        """HTTP status, 0 when there was no answer."""
        return self.exchange.status or 0

    @property
    def body(self) -> bytes:
        return self.exchange.answer

    @property
    def seconds(self) -> float:
        return self.exchange.seconds

    @property
    def state(self) -> int | None:
        """The verdict, also where it came as text."""
        state = (self.data or {}).get("state")
        if isinstance(state, bool):
            return None
        if isinstance(state, str) and state.strip().isdecimal():
            return int(state)
        return state if isinstance(state, int) else None

    @property
    def errmsg(self) -> str:
        text = (self.data or {}).get("errmsg")
        return text if isinstance(text, str) else ""

    @property
    def shown(self) -> str:
        """The answer for a person, in one short line."""
        if not self.status:
            return self.exchange.error or "no answer"
        text = self.body[:200].decode("utf-8", "replace")
        return f"HTTP {self.status} {text}"


class Target:
    """Posts to one callback address and to nowhere else; never follows a redirect."""

    def __init__(
        self,
        callback: str,
        session: aiohttp.ClientSession,
        record: Callable[[Exchange], None],
        number: Callable[[], int],
        within: float,
        began: float,
    ) -> None:
        self.callback = callback
        self.server = ""
        """What the platform says that it is."""
        self._session = session
        self._record = record
        self._number = number
        self._within = within
        self._began = began

    async def post(
        self,
        body: bytes,
        *,
        url: str = "",
        headers: dict[str, str] | None = None,
        case_id: str = "",
        section: str = "",
        twisted: bool = False,
        group: int = 0,
    ) -> Answer:
        """Send bytes and wait for the answer, twice the documented time-out at most."""
        exchange = self._exchange(body, url, headers, case_id, section, twisted, group)
        began = time.monotonic()
        try:
            async with self._session.post(
                exchange.url,
                data=io.BytesIO(body) if len(body) > LARGE else body,
                headers=exchange.headers,
                timeout=aiohttp.ClientTimeout(2 * self._within),
                allow_redirects=False,
            ) as answer:
                exchange.answer = await answer.content.read(LARGEST_ANSWER)
                while not answer.content.at_eof() and len(exchange.answer) < LARGEST_ANSWER:
                    exchange.answer += await answer.content.read(LARGEST_ANSWER)
                exchange.status = answer.status
                exchange.answer_headers = {str(name): value for name, value in answer.headers.items()}
                self.server = self.server or answer.headers.get("Server", "")
        except TimeoutError:
            exchange.error = f"no answer within {2 * self._within:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            exchange.error = why_not_reached(error)[1]
        exchange.seconds = time.monotonic() - began
        return Answer.of(exchange)

    async def post_and_hang_up(
        self, body: bytes, *, url: str = "", case_id: str = "", section: str = "", linger: float = 0.0
    ) -> Exchange:
        """Send bytes and close the connection `linger` seconds later, without waiting for the answer."""
        exchange = self._exchange(body, url, None, case_id, section, False, 0)
        exchange.error = "hung up on purpose"
        parts = urlsplit(exchange.url)
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        lines = "".join(f"{name}: {value}\r\n" for name, value in exchange.headers.items())
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        try:
            async with asyncio.timeout(self._within):
                _, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if tls else 80), ssl=tls)
                writer.write(head.encode() + body)
                await writer.drain()
                if linger:
                    await asyncio.sleep(linger)
                writer.close()
        except (TimeoutError, OSError) as error:
            exchange.error = f"{type(error).__name__}: {error}"
        return exchange

    def _exchange(
        self,
        body: bytes,
        url: str,
        headers: dict[str, str] | None,
        case_id: str,
        section: str,
        twisted: bool,
        group: int,
    ) -> Exchange:
        exchange = Exchange(
            number=self._number(),
            sent=True,
            case_id=case_id,
            section=section,
            at=time.monotonic() - self._began,
            url=url or self.callback,
            headers={"Content-Type": JSON_UTF8} | (headers or {}),
            body=body,
            twisted=twisted,
            group=group,
        )
        self._record(exchange)
        return exchange


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
