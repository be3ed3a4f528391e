"""The way to other servers: aiohttp with one session, so that connections are used again."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from taigan.bolink.errors import NeverSent, TimedOut, Unreachable
from taigan.network.unreached import why_not_reached

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

_LARGEST_ANSWER = 4 * 1024 * 1024


class _Connector(aiohttp.TCPConnector):
    """Gives out no kept connection on which something has come unasked: it would be taken for the next answer.

    aiohttp looks at that when it takes a connection back, not when it gives it out again (its issue 13656).
    """

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()


class AiohttpTransport:
    """Posts JSON bodies, and gets what is at an address. An async context manager; the session is opened with the first
    use and closed at its end.

    At most `connections` are open to one server at once: one that is slow keeps nobody from another. Whoever waits for
    one does so within its own time-out, so there are more of them than the lot platform has uploads under way.
    `resolver` turns names into addresses, in another way than the system does.
    """

    def __init__(self, *, connections: int = 250, resolver: aiohttp.abc.AbstractResolver | None = None) -> None:
        self._connections = connections
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> AiohttpTransport:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections that are kept open."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def post(
        self, url: str, body: bytes, *, timeout: float, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Posts a JSON body; the HTTP status and the body of the answer. Redirects are not followed.

        An address with escapes is sent as it stands, since it may be signed; `headers` go before our own.

        Raises NeverSent when there is no way there, Unreachable when the connection broke, TimedOut after `timeout`
        seconds.
        """
        given = {"Content-Type": "application/json;charset=utf-8", **(headers or {})}
        return await self._ask("POST", url, timeout, given, body)

    async def get(self, url: str, *, timeout: float, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """The HTTP status and the body of what is at an address; else as `post`."""
        return await self._ask("GET", url, timeout, headers or {})

    async def _ask(
        self, method: str, url: str, timeout: float, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        try:
            async with self._open().request(
                method,
                URL(url, encoded="%" in url),
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout),
                allow_redirects=False,
            ) as answer:
                raw = bytearray()
                async for piece in answer.content.iter_any():
                    raw += piece
                    if len(raw) > _LARGEST_ANSWER:
                        raise Unreachable(f"{url}: the answer is larger than {_LARGEST_ANSWER} bytes")
                return answer.status, bytes(raw)
        except TimeoutError as error:
            raise TimedOut(f"{url}: no answer within {timeout:g} s") from error
        except aiohttp.ClientConnectorError as error:
            raise NeverSent(f"{url}: {why_not_reached(error)[1]}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"{url}: {why_not_reached(error)[1]}") from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = _Connector(limit=0, limit_per_host=self._connections, resolver=self._resolver)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session
