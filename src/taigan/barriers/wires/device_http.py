"""HTTP to devices: one request at a time means one command, so nothing here ever sends twice by itself.

aiohttp repeats a PUT or a GET when the connection breaks before an answer came, which would be a second pulse: a
middleware turns that case into `NoAnswer` before aiohttp sees it. Digest is aiohttp's; a device that answers 401 twice
in a row has refused the password, and is left alone before it locks the account.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from http import HTTPStatus
from types import SimpleNamespace
from urllib.parse import urlsplit

import aiohttp
from aiohttp import AddrInfoType, ClientHandlerType, ClientRequest, ClientResponse, DigestAuthMiddleware

from taigan.barriers.site import Site
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch, NoAnswer, NotSent

ANSWER_LIMIT = 64 * 1024
REFUSALS = 2
UNSENT_FOR = 4000


class PasswordRefused(NotSent):
    """The device refused user and password; it is left alone until the settings change."""


def check_address(key: str, url: str) -> None:
    """Raise `ValueError` naming `key` unless `url` is a usable address of a device."""
    parts = urlsplit(url)
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None:
        raise ValueError(f"`{key}` must look like http://192.168.1.64, without user or password")


class DeviceHttp:
    """The HTTP session that all devices of this process share. Each request has a connection of its own."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session, made when it is needed first."""
        if self._session is None or self._session.closed:
            sent = aiohttp.TraceConfig()
            sent.on_request_headers_sent.append(_mark_sent)
            connector = aiohttp.TCPConnector(force_close=True, limit=0, ssl=False, socket_factory=_socket)
            self._session = aiohttp.ClientSession(
                connector=connector, trace_configs=[sent], cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def start(self) -> None:
        """Nothing to connect to yet."""

    async def stop(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()


def http_of(site: Site) -> DeviceHttp:
    """The shared session."""
    return site.shared("http", DeviceHttp)


class HttpDevice:
    """One device with its address and its Digest credentials."""

    def __init__(
        self, site: Site, base: str, username: str, password: str, watch: LaneWatch, *, timeout: float = 3.0
    ) -> None:
        self._http = http_of(site)
        self._base = base.rstrip("/")
        self._watch = watch
        self._timeout = timeout
        self._digest = DigestAuthMiddleware(username, password) if username else None
        self._refused = 0
        self._let_in = False  # it took the password once: from then on a question need not wait for a command
        self._one_at_a_time = asyncio.Lock()

    @property
    def locked_out(self) -> bool:
        """Whether the device refused the password and is left alone."""
        return self._refused >= REFUSALS

    async def request(
        self,
        method: str,
        path: str,
        attempt: Attempt | None = None,
        *,
        body: bytes = b"",
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises `NotSent`, `NoAnswer` or `PasswordRefused`."""
        if self.locked_out:
            raise PasswordRefused("the device refused user and password twice and is left alone")
        sent = dict(headers or {})
        if content_type:
            sent["Content-Type"] = content_type
        if attempt is None and self._let_in:
            return await self._exchange(method, path, attempt, body, sent)
        async with self._one_at_a_time:
            if self.locked_out:
                raise PasswordRefused("the device refused user and password twice and is left alone")
            if attempt is not None and attempt.deadline.passed:
                raise NotSent("the device was busy until after the deadline")
            return await self._exchange(method, path, attempt, body, sent)

    async def _exchange(
        self, method: str, path: str, attempt: Attempt | None, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        left = self._timeout if attempt is None else min(self._timeout, attempt.deadline.left())
        context = SimpleNamespace(attempt=attempt, sent=False)
        refusals = Refusals()
        try:
            async with self._http.session.request(
                method,
                self._base + path,
                data=body or None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=left),
                allow_redirects=False,
                middlewares=(_never_twice, *((self._digest,) if self._digest else ()), refusals),
                trace_request_ctx=context,
            ) as response:
                content = await response.content.read(ANSWER_LIMIT)
                status = response.status
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            self._watch.missed("it cannot be reached")
            raise NotSent(f"the device cannot be reached: {error}") from error
        except TimeoutError as error:
            if context.sent:
                raise NoAnswer(f"the device did not answer within {left:.1f} s") from error
            self._watch.missed("it cannot be reached")
            raise NotSent("the device cannot be reached in time") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise NoAnswer(f"the device's answer is unusable: {error}") from error
        self._watch.heard()
        self._refused = self._refused + refusals.count if status == HTTPStatus.UNAUTHORIZED else 0
        self._let_in = self._let_in or status != HTTPStatus.UNAUTHORIZED
        if self.locked_out:
            self._watch.state.extra["alarm"] = "password refused"
            self._watch.fault("the device refuses user and password; it is not tried again, so that it does not lock")
            raise PasswordRefused("the device refused user and password")
        return status, content


class Refusals:
    """Counts the 401s of one exchange, which aiohttp's Digest hides: the first one is only the challenge."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Pass a request on."""
        response = await handler(request)
        self.count += response.status == HTTPStatus.UNAUTHORIZED
        return response


async def _never_twice(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise NoAnswer(f"the device broke the connection: {error}") from error


async def _mark_sent(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    mine = context.trace_request_ctx
    if mine is not None:
        mine.sent = True
        if mine.attempt is not None:
            mine.attempt.sent = True


def _socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_FOR)
    return made
