"""`upload.do` and `download.do`: lots without a public address (`taigan.bolink.wire.polling`).

Readable requests are answered HTTP 200. What is no message is answered `state` 0, as is a token that is not known
(our reading: the pages name no return code), and then only after a second, since clients ask again without a pause.
"""

from __future__ import annotations

import asyncio

import msgspec
import sqlalchemy as sa
import structlog
from litestar.types import HTTPScope, Receive, Send

from taigan.bolink import BadMessage, Envelope, SignedText, by_section
from taigan.bolink.wire import polling
from taigan.bolink.wire.polling import LOGIN, LoginData, Said
from taigan.hub import remarks
from taigan.hub.book import registry
from taigan.hub.book.book import Book
from taigan.hub.book.database import insert_row
from taigan.hub.book.tables import arrivals
from taigan.hub.book.trail import Kind, Trail
from taigan.hub.sending.lines import Line, Lines
from taigan.hub.taking.uplinks import LARGEST_BODY, Reply, Uplinks, encoding_of, read_body, send_reply

log = structlog.get_logger("taigan.hub")
TOKEN_OVER = "token失效，请重新登录"
NO_MESSAGE = "暂无下行消息"
LATE = "没有等待这个应答的消息（超时或已应答）"
WRONG_SIGN = "签名错误"
PAUSE = 1.0
"""Seconds before a token that is not known is told so."""


class Polls:
    """Answers both addresses."""

    paths = (polling.UPLOAD_PATH, polling.DOWNLOAD_PATH)

    def __init__(self, book: Book, lines: Lines, uplinks: Uplinks) -> None:
        self._book = book
        self._lines = lines
        self._uplinks = uplinks

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await send_reply(send, Reply(405, _said(0, "请使用POST")), [(b"allow", b"POST")])
            return
        if encoding_of(scope):
            await send_reply(send, Reply(415, _said(0, "不支持压缩的请求")), [])
            return
        body = await read_body(receive)
        if body is None:
            return
        if len(body) > LARGEST_BODY:
            reply = Reply(413, _said(0, "消息过大"))
        elif scope["path"] == polling.DOWNLOAD_PATH:
            reply = await self._download(body, receive)
        else:
            reply = await self._upload(body)
        await self._uplinks.answer(scope, send, reply)

    async def _download(self, body: bytes, receive: Receive) -> Reply:
        try:
            line = self._lines.find(polling.open_download(body))
        except BadMessage as error:
            return Reply(400, _said(0, f"{error.field} 无法识别"), strange=str(error))
        if line is None:
            return Reply(200, _said(0, TOKEN_OVER), after=PAUSE)
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            message = await self._lines.poll(line, gone)
        finally:
            gone.cancel()
        return Reply(200, message if message is not None else _said(1, NO_MESSAGE))

    async def _upload(self, body: bytes) -> Reply:
        try:
            upload = polling.open_upload(body)
        except BadMessage as error:
            return Reply(400, _said(0, f"{error.field} 无法识别"), strange=str(error))
        if upload.service_name == LOGIN:
            return await self._log_in(body, upload)
        line = self._lines.find(upload.token)
        if line is None:
            return Reply(200, _said(0, TOKEN_OVER, upload.service_name), after=PAUSE)
        if upload.answers:
            return await self._answer(line, body, upload)
        section = polling.NAMES.get(upload.service_name)
        if section is None:
            return await self._unknown(line, body, upload)
        return await self._uplinks.receive_from(line, by_section(section), body, upload)

    async def _log_in(self, body: bytes, upload: polling.Upload) -> Reply:
        try:
            asked = msgspec.json.decode(upload.text, type=LoginData)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            missing = "union_id、park_id 或 local_id 缺失或错误"
            return Reply(200, _said(0, missing, LOGIN), strange=missing)
        union_id = str(asked.union_id)
        lot_id = registry.lot_id_of(union_id, str(asked.park_id))
        text = await self._book.write(_why_not, union_id, lot_id, upload)
        token = "" if text else self._lines.log_in(lot_id, asked.local_id)
        reply = Reply(200, _said(0 if text else 1, text, LOGIN, token), strange=text)
        await self._book.write(_keep, lot_id, body, upload, reply, text or asked.local_id)
        return reply

    async def _answer(self, line: Line, body: bytes, upload: polling.Upload) -> Reply:
        """Give an answer to whoever waits for it. One that comes too late is taken, and said to be late."""
        text = await self._book.write(_why_not, line.lot_id.partition("-")[0], line.lot_id, upload)
        if not text and self._lines.answered(line, upload.service_name, upload.text):
            return Reply(200, _said(1, "", upload.service_name))
        reply = Reply(200, _said(0 if text else 1, text or LATE, upload.service_name), strange=text)
        await self._book.write(_keep, line.lot_id, body, upload, reply, text or LATE)
        return reply

    async def _unknown(self, line: Line, body: bytes, upload: polling.Upload) -> Reply:
        reply = Reply(200, _said(0, "没有这个接口", upload.service_name))
        await self._book.write(_keep, line.lot_id, body, upload, reply, "没有这个接口")
        return reply


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _why_not(conn: sa.Connection, trail: Trail, union_id: str, lot_id: str, upload: polling.Upload) -> str:
    """Why an upload is not taken; empty when it is."""
    if registry.vendor(conn, union_id) is None:
        return "union_id 不存在"
    signed = SignedText(upload.text)
    if all(signed.verify(upload.sign, key) is None for key in registry.keys(conn, union_id, trail.at)):
        return WRONG_SIGN
    return "" if registry.lot(conn, lot_id) is not None else "车场不存在"


def _said(state: int, errmsg: str, service_name: str = "", token: str = "") -> bytes:
    return msgspec.json.encode(Said(state=state, errmsg=errmsg, service_name=service_name, token=token))


def _keep(
    conn: sa.Connection,
    trail: Trail,
    lot_id: str,
    body: bytes,
    upload: polling.Upload,
    reply: Reply,
    text: str,
) -> None:
    """Write down what came, without the token."""
    said = msgspec.json.decode(reply.body, type=Said)
    accepted, service_name = said.state == 1, upload.service_name[:64]
    known = registry.keys(conn, lot_id.partition("-")[0], trail.at)
    notes = []
    if text == WRONG_SIGN and known:
        envelope = Envelope(upload.text, upload.sign)
        notes = remarks.of_wrong_signature(envelope, body, known[0], registry.every_key(conn))
    row = {
        "at": trail.at,
        "section": service_name,
        "lot_id": lot_id,
        "order_id": "",
        "body": polling.without_token(body, upload.token),
        "signature": "raw" if accepted else "",
        "status": reply.status,
        "answer": polling.without_token(reply.body, said.token),
        "accepted": accepted,
        "text": text,
        "fault": "",
        "notes": remarks.rows(notes),
    }
    event = "upload accepted" if accepted else "upload refused"
    log.info(event, section=service_name, lot_id=lot_id, text=text, **remarks.for_log(notes))
    trail.add(
        Kind.UPLOADED if accepted else Kind.UPLOAD_REFUSED,
        ("lot", "hub"),
        f"{service_name} {text}".strip(),
        lot_id=lot_id,
        channel_id="",
        arrival_id=insert_row(conn, arrivals, row),
    )
