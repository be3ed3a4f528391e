"""BoLink: whether it is reached, what waits for it or was refused, what both sides said, and why a signature fails."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.bolink import BadMessage, SignedText, open_envelope
from taigan.bolink.advice.wrong_signatures import why_wrong, worked_out
from taigan.languages import N_, SOURCE
from taigan.lot.errors import BadValue, Conflict
from taigan.rights import Right
from taigan.storage.setup import registry
from taigan.storage.shown import alarms, messages, views
from taigan.storage.shown.messages import NumberedSaid, Sought
from taigan.storage.shown.views import OwedDelivery
from taigan.web.api.common import BY_ID
from taigan.web.console import fields
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

MOST_OWED = 200
"""So many uploads that wait or were refused are shown, and sent again at once."""


class Line(msgspec.Struct):
    """How it stands with BoLink: since when what waits, what was said last, and since when the wait is an alarm."""

    waiting: list[OwedDelivery]
    refused: list[OwedDelivery]
    oldest: datetime | None
    heard: datetime | None
    reached: datetime | None
    unreached: datetime | None
    alarmed: datetime | None = None


class Verdict(msgspec.Struct):
    """What is to be said of a signature."""

    fits: bool
    said: str
    text: str = ""  # what should have been signed, the key hidden; never the right signature itself


@get("/lots/{lot_id:str}/bolink", right=Right.DELIVERY_SEE)
async def bolink_page(visit: Here) -> Answer:
    """The line, what is owed, and the messages."""
    return await _page(visit)


@get("/lots/{lot_id:str}/bolink/line", right=Right.DELIVERY_SEE)
async def line_part(visit: Here) -> Answer:
    """The part of the page that changes by itself."""
    return visit.page("bolink/parts/bolink_line.html", line=await _line(visit))


@post("/lots/{lot_id:str}/bolink/uploads/{delivery_id:int}/retry", right=Right.DELIVERY_REPLAY)
async def retry(visit: Here, delivery_id: FromPath[int]) -> Answer:
    """Send a refused upload again, or a waiting one now."""
    by = visit.by(visit.tell(N_("重送")))
    await visit.office.attendant.retry_delivery(visit.here.lot_id, delivery_id, by)
    visit.changed()
    return visit.go(visit.in_lot("bolink"), visit.tell("已重新排队，马上就送。"))


@post("/lots/{lot_id:str}/bolink/uploads/retry", right=Right.DELIVERY_REPLAY)
async def retry_all(visit: Here) -> Answer:
    """Send every refused upload again, the oldest first."""
    lot_id, by = visit.here.lot_id, visit.by(visit.tell(N_("全部重送")))
    refused = await visit.office.database.read(
        lambda conn: views.deliveries(conn, lot_id, MOST_OWED, (), state="refused")
    )
    sent = 0
    for delivery in reversed(refused):
        try:
            await visit.office.attendant.retry_delivery(lot_id, delivery.delivery_id, by)
            sent += 1
        except Conflict:  # BoLink has a later word of that order, or somebody was quicker
            continue
    visit.changed()
    left = len(refused) - sent
    said = visit.tell("%(count)d 条重新排队。", count=sent)
    if left:
        said += visit.tell(" %(count)d 条不用再送：泊链已经收了后面的。", count=left)
    return visit.go(visit.in_lot("bolink"), said)


@post("/lots/{lot_id:str}/bolink/signature", right=Right.DELIVERY_SEE)
async def signature(visit: Here) -> Answer:
    """Why the signature of a message fails that somebody pasted."""
    try:
        body = visit.text("body", 60_000, needed=visit.tell("请贴上整条消息，连 sign 一起。"))
        verdict = await _verdict(visit, body.encode())
    except BadValue as error:
        return await _page(visit, error=error)
    return await _page(visit, verdict=verdict)


async def _page(visit: Visit, *, error: BadValue | None = None, verdict: Verdict | None = None) -> Answer:
    lot_id, said, more = visit.here.lot_id, list[NumberedSaid](), ""
    try:
        sought = _sought(visit)
        after = BY_ID.read(visit.text("after", 512))
        said = await visit.office.database.read(
            lambda conn: messages.said(conn, lot_id, fields.PAGE + 1, after, sought)
        )
        said, more = fields.further(visit, said, BY_ID, lambda one: (one.message_id,), "bolink")
    except BadValue as wrong:
        error = wrong
    except Refused:
        return visit.go(visit.in_lot("bolink"))
    values: dict[str, Any] = {"line": await _line(visit), "said": said, "more": more, "verdict": verdict}
    values |= {"ways": messages.WAYS, "outcomes": messages.OUTCOMES}
    return (
        visit.again("bolink/bolink.html", error, **values)
        if error is not None
        else visit.page("bolink/bolink.html", **values)
    )


async def _line(visit: Visit) -> Line:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> Line:
        waiting = views.deliveries(conn, lot_id, MOST_OWED, (), state="pending")
        waiting += views.deliveries(conn, lot_id, MOST_OWED, (), state="sending")
        refused = views.deliveries(conn, lot_id, MOST_OWED, (), state="refused")
        return Line(
            waiting,
            refused,
            min((one.created_at for one in waiting), default=None),
            messages.last(conn, lot_id, messages.IN, "done"),
            messages.last(conn, lot_id, messages.OUT, "done"),
            messages.last(conn, lot_id, messages.OUT, "unreached"),
            alarms.queue_waits_since(conn),
        )

    return await visit.office.database.read(read)


def _sought(visit: Visit) -> Sought:
    way, outcome = visit.text("way", 8), visit.text("outcome", 16)
    return Sought(
        about="".join(visit.text("q", 64).split()),
        interface=visit.text("interface", 64),
        way=way if way in messages.WAYS else "",
        outcome=outcome if outcome in messages.OUTCOMES else "",
    )


async def _verdict(visit: Visit, body: bytes) -> Verdict:
    union_id, now = visit.here.union_id, visit.now
    every = await visit.office.database.read(registry.vendor_keys)
    own = [key for key in every if key.union_id == union_id and (key.valid_until is None or key.valid_until > now)]
    try:
        envelope = open_envelope(body)
    except BadMessage as error:
        raise BadValue(
            visit.tell("这不是一条消息：%(field)s %(why)s", field=error.field, why=error.reason), "body"
        ) from None
    if not own:
        return Verdict(False, visit.tell("这个车场的厂商还没有密钥。"))
    current = next((key.key for key in own if key.valid_until is None), own[0].key)
    if any(SignedText(envelope.text).verify(envelope.sign, key.key) is not None for key in own):
        return Verdict(True, visit.tell("签名对。"))
    others = {f"{key.union_id} ({key.valid_from:%Y-%m-%d})": key.key for key in every if key.union_id == union_id}

    def work() -> Verdict:
        said = why_wrong(envelope.text, envelope.sign, current, body=body, other_keys=others)
        right = worked_out(envelope.text, current)
        return Verdict(False, said[visit.language != SOURCE], right.text)

    return await asyncio.to_thread(work)


PAGES = (bolink_page, line_part, retry, retry_all, signature)
