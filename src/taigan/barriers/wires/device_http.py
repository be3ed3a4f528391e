"""HTTP to devices: one request at a time means one command, so nothing here ever sends twice by itself.

aiohttp repeats a PUT or a GET when the connection breaks before an answer came, which would be a second pulse: a
middleware turns that case into `NoAnswer` before aiohttp sees it. Digest is aiohttp's; a device that offers nothing but
Basic gets Basic. One that answers 401 twice in a row has refused the password, and is left alone before it locks the
account. A certificate is verified, or pinned by its fingerprint.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from types import SimpleNamespace
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp import AddrInfoType, ClientHandlerType, ClientRequest, ClientResponse, DigestAuthMiddleware, hdrs

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


class DeviceAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a device is. `timeout`: seconds an exchange may take.

    For https, `ca_file` holds the certificates to trust instead of the system's, or `fingerprint` is the SHA-256 of the
    device's own certificate, in hex, as for one that the device made itself.
    """

    url: str
    timeout: Annotated[float, msgspec.Meta(gt=0, le=30)] = 3.0
    ca_file: str = ""
    fingerprint: str = ""

    def __post_init__(self) -> None:
        check_address("url", self.url)
        if self.fingerprint and not re.fullmatch(r"([0-9A-Fa-f]{2}:?){32}", self.fingerprint):
            raise ValueError("`fingerprint` is a certificate's SHA-256: 64 hexadecimal digits")
        if self.fingerprint and self.ca_file:
            raise ValueError("`fingerprint` and `ca_file` exclude each other")

    def tls(self) -> aiohttp.Fingerprint | ssl.SSLContext | bool:
        """How the device's certificate is judged. Raises `ValueError`."""
        if self.fingerprint:
            return aiohttp.Fingerprint(bytes.fromhex(self.fingerprint.replace(":", "")))
        if not self.ca_file:
            return True
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError):
            raise ValueError("`ca_file` cannot be used: it must hold certificates in PEM") from None


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
            connector = aiohttp.TCPConnector(force_close=True, limit=0, socket_factory=_socket)
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
    """One device with its address, and with user and password where it asks for them. Raises `ValueError`."""

    def __init__(
        self, site: Site, address: DeviceAddress, watch: LaneWatch, username: str = "", password: str = ""
    ) -> None:
        self._http = http_of(site)
        self._base = address.url.rstrip("/")
        self._watch = watch
        self._timeout = address.timeout
        self._tls = address.tls()
        self._sign_in = SignIn(username, password) if username else None
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
        most: int = ANSWER_LIMIT,
    ) -> tuple[int, bytes]:
        """Status and body of the answer, `most` bytes of it. Raises `NotSent`, `NoAnswer` or `PasswordRefused`."""
        status, content, _ = await self.exchange(
            method, path, attempt, body=body, content_type=content_type, headers=headers, most=most
        )
        return status, content

    async def exchange(
        self,
        method: str,
        path: str,
        attempt: Attempt | None = None,
        *,
        body: bytes = b"",
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
        most: int = ANSWER_LIMIT,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Status, body and headers of the answer. Raises as `request`."""
        if self.locked_out:
            raise PasswordRefused("the device refused user and password twice and is left alone")
        sent = dict(headers or {})
        if content_type:
            sent["Content-Type"] = content_type
        if attempt is None and self._let_in:
            return await self._exchange(method, path, attempt, body, sent, most)
        async with self._one_at_a_time:
            if self.locked_out:
                raise PasswordRefused("the device refused user and password twice and is left alone")
            if attempt is not None and attempt.deadline.passed:
                raise NotSent("the device was busy until after the deadline")
            return await self._exchange(method, path, attempt, body, sent, most)

    async def _exchange(
        self, method: str, path: str, attempt: Attempt | None, body: bytes, headers: Mapping[str, str], most: int
    ) -> tuple[int, bytes, Mapping[str, str]]:
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
                ssl=self._tls,
                middlewares=(_never_twice, *((self._sign_in,) if self._sign_in else ()), refusals),
                trace_request_ctx=context,
            ) as response:
                content = await _whole(response.content, most)
                status, answered = response.status, response.headers
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch) as error:
            self._watch.missed("its certificate is not to be trusted")
            raise NotSent("the device's certificate is not to be trusted: set `fingerprint` or `ca_file`") from error
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
        return status, content, answered


async def _whole(content: aiohttp.StreamReader, most: int) -> bytes:
    """The body to its end, in however many pieces it comes; what is above the limit is left out."""
    whole = bytearray()
    async for piece in content.iter_any():
        whole += piece
        if len(whole) >= most:
            break
    return bytes(whole[:most])


class SignIn:
    """Digest, and Basic for a device that never offered Digest: nobody in between can talk us down to it.

    Some devices answer 403, not 401, to a nonce that they have had: then a fresh challenge is asked for, and from then
    on before each request. Requests that are under way together share a challenge, which may have grown old for the
    second of them: a device that let us in before is asked once more. A password that was changed meanwhile is shown it
    four times at most; devices lock after five.
    """

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._digest = DigestAuthMiddleware(username, password)
        self._knows_digest = False
        self._basic = False
        self._let_in = False

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Pass a request on, signed in as the device asks for it."""
        if self._basic:
            self._show_password(request)
            return await handler(request)
        shown: list[bool] = []  # for each try: whether it carried credentials

        async def one_try(request: ClientRequest) -> ClientResponse:
            shown.append(hdrs.AUTHORIZATION in request.headers)
            return await handler(request)

        response = await self._digest(request, one_try)
        if response.status == HTTPStatus.FORBIDDEN and shown == [True]:
            response.release()
            self._digest = DigestAuthMiddleware(self._username, self._password, preemptive=False)
            request.headers.pop(hdrs.AUTHORIZATION, None)
            response = await self._digest(request, one_try)
        elif response.status == HTTPStatus.UNAUTHORIZED and shown == [True, True] and self._let_in:
            response.release()
            response = await self._digest(request, one_try)
        self._let_in = self._let_in or (shown[-1] and response.status != HTTPStatus.UNAUTHORIZED)
        offered = " ".join(response.headers.getall(hdrs.WWW_AUTHENTICATE, ())).lower()
        self._knows_digest = self._knows_digest or len(shown) > 1 or "digest" in offered
        if response.status == HTTPStatus.UNAUTHORIZED and "basic" in offered and not self._knows_digest:
            response.release()
            self._basic = True
            self._show_password(request)
            response = await handler(request)
        return response

    def _show_password(self, request: ClientRequest) -> None:
        shown = base64.b64encode(f"{self._username}:{self._password}".encode()).decode()
        request.headers[hdrs.AUTHORIZATION] = f"Basic {shown}"


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
