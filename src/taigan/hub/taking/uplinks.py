"""The addresses that lots call: verify, keep the arrival, hand the message to its taker, answer as documented.

A plain ASGI application in front of the pages, since a signature covers raw bytes. The addresses are the catalogue's.

Readable messages are answered HTTP 200 with state 1, or state 0 and why not. What is no message at all is answered
HTTP 400 with state 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec
import sqlalchemy as sa
import structlog
from litestar.types import HTTPScope, Receive, Send

from taigan.bolink import (
    CATALOGUE,
    AnyInterface,
    BadMessage,
    Direction,
    Envelope,
    Signature,
    SignedText,
    Wrapping,
    by_section,
    open_envelope,
    open_flat,
    write,
)
from taigan.bolink.advice.near import nearest_path
from taigan.bolink.fields import Message
from taigan.bolink.wire import polling, predecessor
from taigan.bolink.wire.codec import fields_of
from taigan.hub import remarks
from taigan.hub.book import registry
from taigan.hub.book.book import Book
from taigan.hub.book.database import insert_row
from taigan.hub.book.registry import Lot
from taigan.hub.book.tables import arrivals
from taigan.hub.book.trail import Kind, Trail
from taigan.hub.drivers import quotes, scans
from taigan.hub.faults import FaultKind, Faults
from taigan.hub.remarks import Note
from taigan.hub.rules import Rules
from taigan.hub.sending.lines import Line
from taigan.hub.sending.postbox import Outbox, Postbox
from taigan.hub.taking import community, exits, lots, stays
from taigan.hub.taking.money import invoices, money
from taigan.hub.taking.money.later import Later
from taigan.hub.taking.uploads import Rejected, Taken, Taker, Upload
from taigan.strangers import Strangers

log = structlog.get_logger("taigan.hub")
TAKERS: dict[str, Taker] = lots.TAKERS | stays.TAKERS | exits.TAKERS | money.TAKERS | invoices.TAKERS | community.TAKERS
"""What the hub does with each uplink, by section. A catalogue line without one is answered 接口暂未开通."""
_SEEN_IN_CLIENTS = {"/unionapi/bolinkunified": "3.4"}
"""Addresses that the document has not, seen in public clients, and what they are taken for."""
LARGEST_BODY = 1024 * 1024
_BODY_TIMEOUT = 10.0
_AFTER_READING = frozenset({FaultKind.UPLOAD_REFUSED, FaultKind.UPLOAD_500, FaultKind.UPLOAD_ANSWER_LOST})
_BEFORE_READING = frozenset({FaultKind.HUB_DOWN})


class _No(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a message that is not accepted. Where the interface says `code`, it says no with that too."""

    errmsg: str
    state: Literal[0] | None = None
    code: int | None = None
    message: str | None = None
    data: str | None = None


class _Numbers(msgspec.Struct):
    """What faults and lists are told apart by, in any message that has it."""

    order_id: str | int = ""
    car_number: str = ""
    in_channel_id: str | int = ""
    out_channel_id: str | int = ""
    channel_id: str | int = ""

    @property
    def lane(self) -> str:
        return str(self.in_channel_id or self.out_channel_id or self.channel_id).strip()


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; `lost`: the connection is cut before it is out.

    `strange`: why what it answers came from nobody we know; empty when it did not.
    """

    status: int
    body: bytes
    lost: bool = False
    after: float = 0.0
    strange: str = ""


@dataclass(frozen=True, slots=True)
class _Verdict:
    body: bytes
    accepted: bool
    text: str
    after: float = 0.0


class Uplinks:
    """Receives every uplink of the catalogue that comes by POST."""

    def __init__(
        self,
        book: Book,
        postbox: Postbox,
        later: Later,
        faults: Faults,
        rules: Rules,
        public_url: Callable[[], str],
        new_code: Callable[[], str],
        strangers: Strangers,
    ) -> None:
        self._book = book
        self._postbox = postbox
        self._later = later
        self._faults = faults
        self._rules = rules
        self._public_url = public_url
        self._new_code = new_code
        self._strangers = strangers
        self.interfaces: dict[str, list[AnyInterface]] = {}
        """The uplinks by path, those that clients use and the document has not included; those that share one are told
        apart by service_name."""
        for interface in CATALOGUE:
            if interface.direction is Direction.UPLINK and interface.path:
                self.interfaces.setdefault(interface.path, []).append(interface)
        self.interfaces |= {path: [by_section(section)] for path, section in _SEEN_IN_CLIENTS.items()}
        self.interfaces |= {path: [by_section(section)] for path, section in predecessor.SECTIONS.items()}

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await send_reply(send, Reply(405, _no("请使用POST")), [(b"allow", b"POST")])
            return
        if encoding := encoding_of(scope):
            await send_reply(send, Reply(415, _no(f"不支持压缩的请求（Content-Encoding: {encoding}）")), [])
            return
        body = await read_body(receive)
        if body is None:
            return
        reply = await self.receive(scope["path"], body)
        await self.answer(scope, send, reply)

    async def answer(self, scope: HTTPScope, send: Send, reply: Reply) -> None:
        """Send a reply when it is due; one to a stranger waits as long as its sender was refused before."""
        if reply.after:
            await self._book.clock.sleep(reply.after)
        client = scope.get("client")
        peer = client[0] if client else ""
        answer = f"HTTP {reply.status}: {reply.strange}"
        kept = not reply.strange or await self._strangers.refused(peer, "uplinks", answer)
        await send_reply(send, reply, [] if kept else [(b"connection", b"close")])

    async def receive(self, path: str, body: bytes) -> Reply:
        """Answer one uplink. An address that nobody serves is answered 404 with the near one, and kept as well."""
        interfaces = self.interfaces.get(path)
        if interfaces is None:
            return await self._book.write(_lost, path, body[:LARGEST_BODY])
        names = (*(interface.section for interface in interfaces), path.rpartition("/")[2])
        if self._faults.strike(_BEFORE_READING, names=names):
            return Reply(503, b"")
        if len(body) > LARGEST_BODY:
            return Reply(413, _no("消息过大"))
        return await self._taken(interfaces, body, path in predecessor.SECTIONS, None)

    async def receive_from(self, line: Line, interface: AnyInterface, body: bytes, upload: polling.Upload) -> Reply:
        """Answer an order that a lot without an address uploads. What its `data` leave out is known by its token."""
        if self._faults.strike(_BEFORE_READING, names=_names(interface)):
            return Reply(503, b"")
        return await self._taken([interface], polling.without_token(body, upload.token), False, (line.lot_id, upload))

    async def _taken(
        self, interfaces: list[AnyInterface], body: bytes, old: bool, polled: tuple[str, polling.Upload] | None
    ) -> Reply:
        reply, outbox = await self._book.write(self._take, interfaces, body, old, polled)
        self._postbox.send_soon(outbox.pushes)
        self._later.wake()
        return reply

    def _take(
        self,
        conn: sa.Connection,
        trail: Trail,
        interfaces: list[AnyInterface],
        body: bytes,
        old: bool,
        polled: tuple[str, polling.Upload] | None,
    ) -> tuple[Reply, Outbox]:
        interface, outbox = interfaces[0], Outbox(conn, trail, self._rules, self._faults)
        try:
            if polled is not None:
                envelope = _opened(*polled)
            elif old:
                envelope = predecessor.open_predecessor(body)
            else:
                envelope = open_flat(body) if interface.wrapping is Wrapping.FLAT else open_envelope(body)
        except BadMessage as error:
            reply = Reply(400, _no(f"{error.field} 无法识别", interface), strange=str(error))
            verdict = _Verdict(b"", False, str(error))
            _keep(conn, trail, interface.section, "", _Numbers(), body, None, reply, verdict, "", [])
            return reply, outbox

        interface = next((one for one in interfaces if one.service_name == envelope.service_name), interface)
        names = _names(interface)
        lot_id = registry.lot_id_of(envelope.union_id, envelope.park_id)
        numbers = _numbers(envelope.text)
        signature = self._signature(conn, trail, interface, envelope, old)
        if polled is not None and signature is not None:
            whole = polling.with_ids(envelope.text, envelope.union_id, envelope.park_id)
            envelope = msgspec.structs.replace(envelope, text=whole)
        notes = _notes(conn, trail, interface, envelope, body, signature, old)
        fault = self._faults.strike(_AFTER_READING, lot_id=lot_id, channel_id=numbers.lane, names=names)
        kind = fault.kind if fault is not None else None
        if kind is FaultKind.UPLOAD_500:
            verdict = _Verdict(b"Internal Server Error", False, "HTTP 500")
            reply = Reply(500, verdict.body)
        elif kind is FaultKind.UPLOAD_REFUSED:
            text = (fault.text if fault else "") or "系统繁忙"
            verdict = _Verdict(_no(text, interface), False, text)
            reply = Reply(200, verdict.body)
        else:
            verdict = self._decide(outbox, interface, envelope, lot_id, signature, notes)
            lost = kind is FaultKind.UPLOAD_ANSWER_LOST
            strange = verdict.text if signature is None else ""
            reply = Reply(200, verdict.body, lost=lost, after=verdict.after, strange=strange)
        struck = kind.value if kind else ""
        _keep(conn, trail, interface.section, lot_id, numbers, body, signature, reply, verdict, struck, notes)
        return reply, outbox

    def _signature(
        self, conn: sa.Connection, trail: Trail, interface: AnyInterface, envelope: Envelope, old: bool
    ) -> Signature | None:
        signed = SignedText(envelope.text)
        for key in registry.keys(conn, envelope.union_id, trail.at):
            if old:
                signature = predecessor.verify_predecessor(envelope.text, envelope.sign, key)
            else:
                signature = interface.verify(signed, envelope.sign, key)
            if signature is not None:
                return signature
        return None

    def _decide(
        self,
        outbox: Outbox,
        interface: AnyInterface,
        envelope: Envelope,
        lot_id: str,
        signature: Signature | None,
        notes: list[Note],
    ) -> _Verdict:
        try:
            with outbox.undoing():
                return self._take_in(outbox, interface, envelope, lot_id, signature)
        except Rejected as no:
            why = next((f"：{note.zh}" for note in notes if note.kind == "signature"), "")
            return _Verdict(_no(f"{no}{why}", interface), False, str(no))
        except BadMessage as error:
            return _Verdict(_no(f"{error.field} 缺失或错误", interface), False, str(error))

    def _take_in(
        self,
        outbox: Outbox,
        interface: AnyInterface,
        envelope: Envelope,
        lot_id: str,
        signature: Signature | None,
    ) -> _Verdict:
        lot = self._speaker(outbox.conn, interface, envelope, lot_id, signature)
        take = TAKERS.get(interface.section)
        if take is None:
            raise Rejected("接口暂未开通")
        assert signature is not None
        upload = Upload(
            conn=outbox.conn,
            trail=outbox.trail,
            rules=self._rules,
            union_id=envelope.union_id,
            of_lot=lot,
            text=envelope.text,
            platform_name=envelope.platform_name,
            signature=signature,
            public_url=self._public_url(),
            new_code=self._new_code,
            faults=self._faults,
            names=_names(interface),
            outbox=outbox,
        )
        if interface.service_name and envelope.service_name != interface.service_name:
            raise Rejected("service_name 错误")
        taken: Taken = take(upload, interface.read_request(envelope.text))
        return _Verdict(write(taken.answer), True, taken.text, taken.after)

    def _speaker(
        self,
        conn: sa.Connection,
        interface: AnyInterface,
        envelope: Envelope,
        lot_id: str,
        signature: Signature | None,
    ) -> Lot | None:
        """The lot that a message is about; none where it names none, or publishes one."""
        if not envelope.union_id:
            raise Rejected("union_id 缺失")
        if registry.vendor(conn, envelope.union_id) is None:
            raise Rejected("union_id 不存在")
        if signature is None:
            raise Rejected("签名错误")
        lot = registry.lot(conn, lot_id)
        if lot is None and interface.section not in WITHOUT_LOT:
            if envelope.park_id:
                raise Rejected("车场不存在")
            if interface.section not in PERHAPS_WITHOUT_LOT:
                raise Rejected("park_id 缺失")
        return lot


def _needs_lot(interface: AnyInterface) -> bool | None:
    """Whether a message names its lot: always, never (None), or as it likes."""
    kind: type[Message] = interface.request
    return next((plan.required for plan in fields_of(kind) if plan.name == "park_id"), None)


_UPLINKS = [interface for interface in CATALOGUE if interface.direction is Direction.UPLINK]
WITHOUT_LOT = frozenset({"2.1", *(one.section for one in _UPLINKS if _needs_lot(one) is None)})
"""Uplinks about no lot that is there: 2.1 brings it in, chapter 8 knows only the vendor."""
PERHAPS_WITHOUT_LOT = frozenset(one.section for one in _UPLINKS if _needs_lot(one) is False)


def _notes(
    conn: sa.Connection,
    trail: Trail,
    interface: AnyInterface,
    envelope: Envelope,
    body: bytes,
    signature: Signature | None,
    old: bool,
) -> list[Note]:
    if old:
        if signature is None:
            return [remarks.of_wrong_predecessor()]
        return remarks.of_predecessor(interface, envelope, trail.at)
    if signature is not None or not envelope.sign:
        return remarks.of_arrival(interface, body, envelope, signature, trail.at)
    keys = registry.keys(conn, envelope.union_id, trail.at)
    return remarks.of_wrong_signature(envelope, body, keys[0], registry.every_key(conn)) if keys else []


def _opened(lot_id: str, upload: polling.Upload) -> Envelope:
    """An upload with a token, as a message of the lot that logged in. Raises BadMessage."""
    union_id, _, park_id = lot_id.partition("-")
    return Envelope(upload.text, upload.sign, union_id, park_id)


def _names(interface: AnyInterface) -> tuple[str, ...]:
    return interface.section, interface.path.rpartition("/")[2]


def _no(text: str, interface: AnyInterface | None = None) -> bytes:
    success = interface.success if interface is not None else None
    if success is None or success.member != "code":
        return msgspec.json.encode(_No(text, 0))
    inside = msgspec.json.encode({"state": 0, "message": text}).decode() if success.inside else None
    return msgspec.json.encode(_No(text, 0, 0 if success.inside else 500, text, inside))


def _numbers(text: bytes) -> _Numbers:
    try:
        return msgspec.json.decode(text, type=_Numbers)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Numbers()


def _keep(
    conn: sa.Connection,
    trail: Trail,
    section: str,
    lot_id: str,
    numbers: _Numbers,
    body: bytes,
    signature: Signature | None,
    reply: Reply,
    verdict: _Verdict,
    fault: str,
    notes: list[Note],
) -> None:
    row = {
        "at": trail.at,
        "section": section,
        "lot_id": lot_id,
        "order_id": str(numbers.order_id).strip(),
        "body": body,
        "signature": signature.value if signature else "",
        "status": reply.status,
        "answer": reply.body,
        "accepted": verdict.accepted,
        "text": verdict.text,
        "fault": fault,
        "notes": remarks.rows(notes),
    }
    log.info(
        "upload accepted" if verdict.accepted else "upload refused",
        section=section,
        lot_id=lot_id,
        order_id=str(numbers.order_id).strip()[:64],
        text=verdict.text,
        **remarks.for_log(notes),
    )
    arrival_id = insert_row(conn, arrivals, row)
    trail.add(
        Kind.UPLOADED if verdict.accepted else Kind.UPLOAD_REFUSED,
        ("lot", "hub"),
        f"{section} {verdict.text}".strip(),
        lot_id=lot_id,
        channel_id=numbers.lane,
        scan_id=_behind(conn, section, lot_id, numbers),
        arrival_id=arrival_id,
    )


def _lost(conn: sa.Connection, trail: Trail, path: str, body: bytes) -> Reply:
    """A message to an address that is not the document's."""
    note = remarks.of_wrong_address(nearest_path(path))
    shown = "".join(sign if sign.isprintable() else "?" for sign in path[:200])
    reply = Reply(404, _no(f"{shown} {note.zh}"), strange=f"no such address: {shown}")
    _keep(conn, trail, "", "", _Numbers(), body, None, reply, _Verdict(b"", False, f"404 {shown}"), "", [note])
    return reply


def _behind(conn: sa.Connection, section: str, lot_id: str, numbers: _Numbers) -> str | None:
    """The phone that a message belongs to: for an exit the one that asked its price, if any did."""
    order_id = str(numbers.order_id).strip()
    asked = quotes.behind(conn, lot_id, order_id) if section == "3.2" else None
    return asked or scans.behind(conn, lot_id, order_id, numbers.car_number.strip())


def encoding_of(scope: HTTPScope) -> str:
    """How the body is packed; empty when it is not."""
    given = dict(scope["headers"]).get(b"content-encoding", b"").decode("latin-1").strip().lower()
    return "" if given in ("", "identity") else "".join(sign for sign in given[:32] if sign.isalnum() or sign in "-, ")


async def read_body(receive: Receive) -> bytes | None:
    """The whole body, at most one byte more than is allowed; `None` when the sender went away or stalled."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIMEOUT):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                if message["type"] == "http.request":
                    room = LARGEST_BODY + 1 - len(body)
                    body += message["body"][:room]
                    if not message["more_body"]:
                        return bytes(body)
    except TimeoutError:
        return None


async def send_reply(send: Send, reply: Reply, headers: list[tuple[bytes, bytes]]) -> None:
    headers = [
        (b"content-type", b"application/json;charset=utf-8"),
        (b"content-length", str(len(reply.body)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if not reply.lost:
        await send({"type": "http.response.body", "body": reply.body, "more_body": False})
