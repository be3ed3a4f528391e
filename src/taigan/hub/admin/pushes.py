"""The admin's interface to what BoLink sends: every message to a lot, by hand, and those that are owed."""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from taigan.bolink import by_section
from taigan.hub.admin import drafts, lists
from taigan.hub.admin.api import Cursor, Limit, LotId, Short, before, row_id
from taigan.hub.admin.lists import Listed, PushDetail, page
from taigan.hub.admin.records import known_lot
from taigan.hub.book.tables import owed_pushes
from taigan.hub.book.tables import pushes as pushed
from taigan.hub.book.trail import Trail
from taigan.hub.errors import Unknown
from taigan.hub.hub import FromHub, Hub
from taigan.hub.sending.postbox import Outbox
from taigan.hub.sending.pushes import Push
from taigan.hub.taking.uplinks import TAKERS

AT_HUB = frozenset({*TAKERS, *(interface.section for interface in drafts.DOWNLINKS), "2.4", "7"})
"""The sections that the hub serves."""
_PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


class PushRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A message to send to a lot. `data` changes fields of the documented example; null leaves one out."""

    lot_id: Short
    service_name: Short
    data: Any = {}
    channel_id: Short = ""


class Draft(msgspec.Struct, kw_only=True):
    """A message that can be sent to a lot, filled in with its example."""

    section: str
    title: str
    title_zh: str
    service_name: str
    note: str
    data: Any


class OwedItem(msgspec.Struct, kw_only=True):
    """A payment message: `pending` until the lot has taken it, `needs_person` after the last attempt failed."""

    id: int
    lot_id: str
    section: str
    service_name: str
    data: Any
    attempts: int
    state: str
    created_at: datetime
    next_at: datetime | None


@post("/pushes", status_code=HTTPStatus.OK)
async def send_push(hub: FromHub, data: JSONBody[PushRequest]) -> PushDetail:
    """Send a message to a lot, `service_name` being its verb or its section. Answers once the lot has, or not in time.

    Payment messages are sent again until the lot has taken them.
    """
    return await send(hub, data)


async def send(hub: Hub, asked: PushRequest) -> PushDetail:
    """Send a message as asked; how it went. Raises `Unknown`, `Unusable`."""

    def work(conn: sa.Connection, trail: Trail) -> Push:
        lot = known_lot(conn, asked.lot_id)
        interface = drafts.downlink(asked.service_name)
        text = drafts.filled_in(interface, lot, trail.at, asked.data)
        channel_id = asked.channel_id or _channel_of(text)
        push = Outbox(conn, trail, hub.rules, hub.faults).push_text(
            lot.union_id, lot.lot_id, interface, text, channel_id=channel_id
        )
        assert push is not None, "it goes at once"
        return push

    push = await hub.book.write(work)
    await hub.postbox.send(push)
    return await hub.book.read(lists.push_detail, push.id)


def _channel_of(text: bytes) -> str:
    message = json.loads(text)
    named = message if isinstance(message, dict) else {}
    return str(named.get("channel_id") or named.get("out_channel_id") or "")


@get("/pushes/{push_id:int}/answer")
async def push_answer(hub: FromHub, push_id: FromPath[int]) -> Response[bytes]:
    """What the lot answered, as it came: the picture of 5.4, JSON otherwise."""

    def work(conn: sa.Connection) -> bytes | None:
        found: bytes | None = conn.execute(sa.select(pushed.c.answer).where(pushed.c.id == row_id(push_id))).scalar()
        return found

    answer = await hub.book.read(work)
    if answer is None:
        raise Unknown("answer", "id")
    kind = next((of for magic, of in _PICTURES.items() if answer.startswith(magic)), "text/plain; charset=utf-8")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(answer, media_type=kind, headers=headers)


@get("/drafts")
async def list_drafts(hub: FromHub, lot_id: LotId) -> Listed[Draft]:
    """Every message that can be sent to a lot, with its example."""
    return await hub.book.read(drafts_for, lot_id, hub.book.clock.now())


def drafts_for(conn: sa.Connection, lot_id: str, now: datetime) -> Listed[Draft]:
    """Every downlink, filled in for a lot. Raises `Unknown`."""
    lot = known_lot(conn, lot_id)
    items = [
        Draft(
            section=interface.section,
            title=interface.title,
            title_zh=interface.title_zh,
            service_name=interface.event,
            note=interface.note,
            data=drafts.example(interface, lot, now),
        )
        for interface in drafts.DOWNLINKS
    ]
    return Listed(items, None)


@get("/owed")
async def owed(hub: FromHub, lot_id: LotId = "", limit: Limit = 100, cursor: Cursor = "") -> Listed[OwedItem]:
    """The payment messages, taken and not."""
    return await hub.book.read(owed_of, lot_id, before(cursor), limit)


def owed_of(conn: sa.Connection, lot_id: str, before: int | None, limit: int) -> Listed[OwedItem]:
    """The payment messages, newest first."""
    rows, following = page(conn, sa.select(owed_pushes), owed_pushes, lot_id, before, limit)
    items = [
        OwedItem(
            id=row["id"],
            lot_id=row["lot_id"],
            section=row["section"],
            service_name=by_section(row["section"]).event,
            data=msgspec.Raw(row["text"]),
            attempts=row["attempts"],
            state=row["state"],
            created_at=row["created_at"],
            next_at=row["next_at"],
        )
        for row in rows
    ]
    return Listed(items, following)


@post("/owed/{owed_id:int}/send", status_code=HTTPStatus.OK)
async def send_owed(hub: FromHub, owed_id: FromPath[int]) -> PushDetail:
    """Send a payment message once more, whatever became of it. Answers once the lot has, or not in time."""
    push = await hub.postbox.send_again(row_id(owed_id))
    return await hub.book.read(lists.push_detail, push.id)


HANDLERS = (send_push, push_answer, list_drafts, owed, send_owed)
