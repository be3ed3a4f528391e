"""The door for devices that post to us: `POST /devices/{driver}/{serial}`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from taigan.web.asgi import ClientGone, Receive, Scope, Send, TooLarge, TooSlow, path_parts, read_body, respond
from taigan.web.errors import Refused, not_found, send_refusal

log = structlog.get_logger("taigan.web")

BODY_LIMIT = 4 * 1024 * 1024  # a camera's event comes with its pictures

DeviceHandler = Callable[[str, str, Scope, bytes], Awaitable[tuple[int, str, bytes] | None]]
"""Takes (driver, serial, scope, body) of what a device posted; gives status, content type and body of the answer, or
None when there is no such device. The scope is for what some kinds of device put elsewhere: query, headers, address.
"""


class Devices:
    """Reads what a device posts and hands it to its driver."""

    def __init__(self, handler: DeviceHandler, *, body_timeout: float) -> None:
        self._handler = handler
        self._body_timeout = body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, content_type, body = await self._answer(scope, receive)
        except ClientGone:
            return
        except Refused as refused:
            await send_refusal(send, refused)
            return
        await respond(send, status, body, content_type)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, str, bytes]:
        try:
            _, driver, serial = path_parts(scope)
        except ValueError:
            raise not_found() from None
        if scope["method"] != "POST":
            raise Refused(405, "method_not_allowed", "only POST", headers={"allow": "POST"})
        try:
            body = await read_body(receive, limit=BODY_LIMIT, timeout=self._body_timeout)
        except TooLarge:
            raise Refused(413, "too_large", "the body is too large", headers={"connection": "close"}) from None
        except TooSlow:
            raise Refused(408, "too_slow", "the body did not come in time", headers={"connection": "close"}) from None
        try:
            answer = await self._handler(driver, serial, scope, body)
        except Exception as error:
            log.exception("a device's message failed", driver=driver, serial=serial)
            raise Refused(500, "internal", "this is an error of the platform; its log says more") from error
        if answer is None:
            raise not_found("there is no such device")
        return answer
