"""The few things every door does on the bare ASGI interface: read a bounded body, send an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

from litestar.exceptions import NotFoundException

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_ID = 2**63 - 1
"""The largest number that the database can hold."""
DRAINED = 1024 * 1024
"""How much of a body that is too large is read and dropped, so that the sender gets to see the answer."""


class TooLarge(Exception):
    """The body is larger than this door takes."""


class TooSlow(Exception):
    """The body did not arrive in time."""


class ClientGone(Exception):
    """The client left before its request was complete. Nobody's error."""


async def read_body(receive: Receive, *, limit: int, timeout: float, piece_timeout: float | None = None) -> bytes:
    """The whole body, at most `limit` bytes, within `timeout` seconds, and each piece of it within `piece_timeout`.

    Raises:
        TooLarge, TooSlow, ClientGone.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout) as time_out:
            end = time_out.when() or 0.0
            more = True
            while more and size <= limit + DRAINED:
                if piece_timeout is not None:
                    time_out.reschedule(min(end, asyncio.get_running_loop().time() + piece_timeout))
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGone
                chunk = message.get("body", b"")
                size += len(chunk)
                if size <= limit:
                    chunks.append(chunk)
                more = message.get("more_body", False)
    except TimeoutError:
        raise TooSlow from None
    if size > limit:
        raise TooLarge
    return b"".join(chunks)


def is_packed(scope: Scope) -> bool:
    """Whether the body comes compressed (Content-Encoding)."""
    given = dict(scope["headers"]).get(b"content-encoding", b"").strip().lower()
    return given not in (b"", b"identity")


async def respond(
    send: Send, status: int, body: bytes, content_type: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send a whole answer."""
    length = str(len(body)).encode()
    fixed = [(b"content-type", content_type.encode()), (b"content-length", length)]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})


def path_parts(scope: Scope) -> list[str]:
    """The parts of the path, each percent-decoded by itself, so that a slash inside a part stays inside.

    One slash at the end makes no difference; an empty part elsewhere is kept. Raises UnicodeDecodeError.
    """
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    raw = raw.partition(b"?")[0].removeprefix(b"/").removesuffix(b"/")
    return [unquote_to_bytes(part).decode() for part in raw.split(b"/")]


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def encoded_path(parts: Iterable[str]) -> str:
    """A path for the framework's router, in which a slash inside a part stays inside; see `DecodedPath`."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


class BoundedPath:
    """No number that the database could not hold reaches a handler."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if any(isinstance(value, int) and value > LARGEST_ID for value in scope["path_params"].values()):
            raise NotFoundException
        await self._app(scope, receive, send)


class DecodedPath:
    """Gives handlers the path's parts as they were before `encoded_path`."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        found = scope["path_params"]
        scope["path_params"] = {k: unquote(v) if isinstance(v, str) else v for k, v in found.items()}
        await self._app(scope, receive, send)
