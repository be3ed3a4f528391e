"""BoLink's address: one for all events, told apart by service_name, and one for each event.

A plain ASGI application in front of the framework: it needs the bytes as they came, and answers in BoLink's form
whatever is wrong with them.
"""

from __future__ import annotations

import structlog

from taigan.clock import Clock
from taigan.lot import texts
from taigan.lot.messages.router import Answered, Callbacks, refusal
from taigan.lot.signals.metrics import Metrics
from taigan.web.asgi import (
    ClientGone,
    Receive,
    Scope,
    Send,
    TooLarge,
    TooSlow,
    is_packed,
    path_parts,
    read_body,
    respond,
)

log = structlog.get_logger("taigan.web")

BODY_LIMIT = 64 * 1024
ONLY_POST = "只接受POST请求"
PACKED = "不支持压缩的请求"
TOO_SLOW = "请求接收超时"


class Callback:
    """`POST /bolink` and `POST /bolink/{service_name}`. The Content-Type is not looked at: the body decides."""

    def __init__(self, callbacks: Callbacks, metrics: Metrics, clock: Clock, *, body_timeout: float) -> None:
        self._callbacks = callbacks
        self._metrics = metrics
        self._clock = clock
        self._body_timeout = body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        by = self._callbacks.deadline()
        try:
            service_name = self._service_name(scope)
        except ValueError:
            await self._refuse(send, 404, texts.UNKNOWN_SERVICE, "unknown_address")
            return
        if scope["method"] != "POST":
            allow = [(b"allow", b"POST")]
            await self._refuse(send, 405, ONLY_POST, "not_post", allow)
            return
        if is_packed(scope):
            await self._refuse(send, 415, PACKED, "packed", _CLOSE)
            return
        try:
            body = await read_body(receive, limit=BODY_LIMIT, timeout=self._body_timeout)
        except ClientGone:
            return
        except TooLarge:
            await self._refuse(send, 413, texts.TOO_LARGE, "too_large", _CLOSE)
            return
        except TooSlow:
            await self._refuse(send, 408, TOO_SLOW, "too_slow", _CLOSE)
            return
        try:
            answered = await self._callbacks.answer(body, service_name, by)
        except Exception:
            log.exception("a callback failed", service_name=service_name)
            await self._refuse(send, 500, texts.BUSY, "failed")
            return
        await _send(send, answered)

    @staticmethod
    def _service_name(scope: Scope) -> str:
        match path_parts(scope):
            case [_]:
                return ""
            case [_, name] if 0 < len(name) <= 64 and name.isascii() and name.isprintable():
                return name
        raise ValueError

    async def _refuse(
        self, send: Send, status: int, text: str, reason: str, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        self._metrics.refused_requests.labels(reason).inc()
        await _send(send, refusal(status, text, now=self._clock.now()), headers)


_CLOSE = [(b"connection", b"close")]  # the rest of the body is still on its way


async def _send(send: Send, answered: Answered, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    await respond(send, answered.status, answered.body, answered.content_type, headers or ())
