"""The door for devices that post to us: `POST /devices/{driver}/{serial}/{secret}`.

Who speaks is known before a byte of the body is read; a page in somebody's browser is never heard.
"""

from __future__ import annotations

import structlog

from taigan.barriers.door import Door, Mailbox, Post
from taigan.web.asgi import ClientGone, Receive, Scope, Send, TooLarge, TooSlow, path_parts, read_body, respond
from taigan.web.doors.forms import BadForm, field_of, form_of
from taigan.web.errors import Refused, not_found, send_refusal

log = structlog.get_logger("taigan.web")

BROWSERS_SEND = ("origin", "sec-fetch-site", "referer")
PIECE_WITHIN = 3.0
BODY_WITHIN = 60.0
CLOSE = {"connection": "close"}


class Devices:
    """Reads what a device posts and hands it to its driver.

    A body may take `body_timeout` seconds as long as a piece of it comes every `piece_timeout`: pictures come over slow
    lines.
    """

    def __init__(self, door: Door, *, piece_timeout: float = PIECE_WITHIN, body_timeout: float = BODY_WITHIN) -> None:
        self._door = door
        self._piece_timeout = piece_timeout
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
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if any(name in headers for name in BROWSERS_SEND):
            raise Refused(403, "forbidden", "this address is for devices, not for pages", headers=CLOSE)
        if scope["method"] != "POST":
            raise Refused(405, "method_not_allowed", "only POST", headers={"allow": "POST", **CLOSE})
        mailbox = self._mailbox(scope)
        body = await self._body(receive, mailbox)
        try:
            content_type = headers.get("content-type", "")
            form = form_of(content_type, body) if mailbox.forms else {}
            picture = field_of(content_type, body, mailbox.picture) if mailbox.picture else b""
        except BadForm as error:
            raise Refused(400, "bad_form", str(error)) from None
        try:
            answer = await mailbox.handle(Post(body, headers, form, picture))
        except Exception as error:
            log.exception("a device's message failed", device=mailbox.name)
            raise Refused(500, "internal", "this is an error of the platform; its log says more") from error
        return answer.status, answer.content_type, answer.body

    def _mailbox(self, scope: Scope) -> Mailbox:
        """Whose this address is. Raises `Refused`, with one answer for all that is not a device's own."""
        unknown = Refused(404, "not_found", "there is no such device", headers=CLOSE)
        try:
            _, driver, serial, *rest = path_parts(scope)
        except ValueError:
            raise not_found() from None
        mailbox = self._door.find(driver, serial)
        sender = scope["client"][0] if scope.get("client") else ""
        if mailbox is None or len(rest) > 1 or not self._door.knows(mailbox, rest[0] if rest else "", sender):
            raise unknown
        if not self._door.is_from(mailbox, sender):
            raise Refused(403, "forbidden", "this device speaks from another address", headers=CLOSE)
        return mailbox

    async def _body(self, receive: Receive, mailbox: Mailbox) -> bytes:
        try:
            return await read_body(
                receive, limit=mailbox.limit, timeout=self._body_timeout, piece_timeout=self._piece_timeout
            )
        except TooLarge:
            raise Refused(413, "too_large", f"the body has more than {mailbox.limit} bytes", headers=CLOSE) from None
        except TooSlow:
            raise Refused(408, "too_slow", "the body did not come in time", headers=CLOSE) from None
