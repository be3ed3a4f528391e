"""Passes, and what happens to a plate now and why; who is not let in, and the vehicles that BoLink listed."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.barriers.words import NotAPlate, plate_of
from taigan.lot.errors import BadValue, LotError
from taigan.lot.people.looking.outlook import Outlook, outlook
from taigan.lot.people.passes import MOST_GRACE_DAYS, AddPass, EndPass
from taigan.lot.stays import covers
from taigan.rights import Right
from taigan.storage.locked import passes as kept
from taigan.storage.locked import vehicles
from taigan.storage.locked.passes import LotsLimits
from taigan.storage.rows import Pass, PassLimit
from taigan.storage.shown import ledger_views, views
from taigan.storage.shown.ledger_views import PassesSought
from taigan.web.api.common import BY_ID, BY_NAME
from taigan.web.console import fields
from taigan.web.console.pages.passes.pass_cards import limits_typed
from taigan.web.console.rendering.words.passes import PASS_STATE
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

MOST_LISTED = 500
SOON = timedelta(days=30)
"""A pass that is over before then is over soon."""


@get("/lots/{lot_id:str}/passes", right=Right.PASS_SEE)
async def passes(visit: Here) -> Answer:
    """The lot's passes by their number, and what happens to the plate that was asked about."""
    try:
        return visit.page("passes/passes.html", **await _listed(visit), found=await _found(visit))
    except BadValue as error:
        return visit.again("passes/passes.html", error, **await _listed(visit, sought=False), found=None)
    except Refused:
        return visit.go(visit.in_lot("passes"))


@post("/lots/{lot_id:str}/passes", right=Right.PASS_SET)
async def add_pass(visit: Here) -> Answer:
    """A pass for some plates, between two days."""
    try:
        days = fields.days(visit, most=366 * 20)
        begins, ends = days.span.since, days.span.until
        assert begins is not None
        assert ends is not None
        card_id = visit.text("card_id", 64, needed=visit.tell("请填卡号。"))
        plates = [part for part in re.split(r"[\s,，;；、]+", visit.text("plates", 1000)) if part]
        lot_id = visit.here.lot_id
        limited = limits_typed(visit, await visit.office.database.read(lambda conn: kept.limits(conn, lot_id)))
        reason = visit.text("reason", 200, needed=visit.tell("请写原因。"))
        await visit.office.leaving.do(
            AddPass(
                lot_id=visit.here.lot_id,
                card_id=card_id,
                holder=visit.text("holder", 100),
                plates=plates,
                starts_at=begins,
                ends_at=ends,
                spaces=limited.spaces,
                areas=list(limited.areas),
                hours=limited.hours,
                days=limited.days,
                grace_days=limited.grace_days,
                by=visit.by(reason),
            )
        )
    except LotError as error:
        return visit.again("passes/passes.html", error, **await _listed(visit, sought=False), found=None)
    return visit.go(visit.in_lot("passes"), visit.tell("月卡 %(card)s 已加上。", card=card_id))


@post("/lots/{lot_id:str}/passes/{card_id:str}/end", right=Right.PASS_SET)
async def end_pass(visit: Here, card_id: FromPath[str]) -> Answer:
    """The pass ends now."""
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    await visit.office.leaving.do(EndPass(lot_id=visit.here.lot_id, card_id=card_id, by=by))
    return visit.go(visit.in_lot("passes"), visit.tell("月卡 %(card)s 已停用。", card=card_id))


@get("/lots/{lot_id:str}/lists", right=Right.BLOCKED_SEE)
async def lists(visit: Here) -> Answer:
    """Who is not let in, and BoLink's free and refused vehicles."""
    try:
        return visit.page("passes/lists.html", **await _lists(visit))
    except Refused:
        return visit.go(visit.in_lot("lists"))


@post("/lots/{lot_id:str}/lists", right=Right.BLOCKED_SET)
async def block(visit: Here) -> Answer:
    """A plate is not let in from now on."""
    try:
        plate = _plate(visit, "plate")
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        await visit.office.attendant.block(visit.here.lot_id, "licence", plate, by)
    except LotError as error:
        return visit.again("passes/lists.html", error, **await _lists(visit))
    return visit.go(visit.in_lot("lists"), visit.tell("%(plate)s 不再放入。", plate=plate))


@post("/lots/{lot_id:str}/lists/{blocked_id:int}/end", right=Right.BLOCKED_SET)
async def unblock(visit: Here, blocked_id: FromPath[int]) -> Answer:
    """Somebody is let in again."""
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    await visit.office.attendant.unblock(visit.here.lot_id, min(blocked_id, 2**63 - 1), by)
    return visit.go(visit.in_lot("lists"), visit.tell("已从禁入名单取下。"))


async def _found(visit: Visit) -> Outlook | None:
    if not visit.asked.get("plate", "").strip():
        return None
    plate = _plate(visit, "plate")
    lot, now = visit.here, visit.now
    return await visit.office.database.read(lambda conn: outlook(conn, lot, plate, now))


def passes_sought(visit: Visit) -> PassesSought:
    """The passes that the address asks for. Raises BadValue."""
    state, now = visit.asked.get("state", ""), visit.now.astimezone(visit.zone)
    graces = tuple((now - timedelta(days=days)).astimezone(UTC) for days in range(MOST_GRACE_DAYS + 1))
    known = state if state in PASS_STATE else ""
    return PassesSought(visit.text("q", 32).strip(), known, visit.now, visit.now + SOON, graces)


async def _listed(visit: Visit, *, sought: bool = True) -> dict[str, Any]:
    after = BY_NAME.read(visit.asked.get("after", "")[:512])
    lot_id = visit.here.lot_id
    wanted = passes_sought(visit) if sought else None

    def read(conn: sa.Connection) -> tuple[list[tuple[Pass, list[str]]], list[PassLimit]]:
        return ledger_views.passes(conn, lot_id, fields.PAGE + 1, after, wanted), kept.limits(conn, lot_id)

    rows, limits = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_NAME, lambda row: (row[0].card_id,), "passes")
    grace = LotsLimits(limits).grace_days
    ends = {one.card_id: covers.holds_until(one, grace, visit.zone) for one, _ in rows}
    return {
        "rows": rows,
        "ends": ends,
        "more": more,
        "limits": limits,
        "states": PASS_STATE,
        "soon": visit.now + SOON,
    }


async def _lists(visit: Visit) -> dict[str, Any]:
    after = BY_ID.read(visit.asked.get("after", "")[:512])
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[list[views.Blocked], list[vehicles.SpecialVehicle]]:
        return (
            views.blocked(conn, lot_id, fields.PAGE + 1, after),
            vehicles.list_special_vehicles(conn, lot_id, MOST_LISTED, ()),
        )

    blocked, special = await visit.office.database.read(read)
    blocked, more = fields.further(visit, blocked, BY_ID, lambda row: (row.blocked_id,), "lists")
    masked = [
        row if row.kind == "licence" else msgspec.structs.replace(row, value=f"{row.value[:3]}****{row.value[-2:]}")
        for row in blocked
    ]
    return {"blocked": masked, "more": more, "special": special}


def _plate(visit: Visit, name: str) -> str:
    text = visit.text(name, 16, needed=visit.tell("请填车牌。"))
    try:
        return plate_of(text)
    except NotAPlate:
        raise BadValue(visit.tell("这不像车牌。"), name) from None


PAGES = (passes, add_pass, end_pass, lists, block, unblock)
