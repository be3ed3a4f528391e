"""The free spaces of a lot: corrected after a count, and who corrected them before; an emergency declared and ended."""

from __future__ import annotations

from http import HTTPStatus

from litestar import get, post

from taigan.lot.errors import BadValue, LotError
from taigan.rights import Right
from taigan.storage.shown import views
from taigan.storage.shown.views import NumberedSpaceChange
from taigan.web.api.common import BY_ID
from taigan.web.console import fields
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused


@get("/lots/{lot_id:str}/spaces", right=Right.LOT_SEE)
async def spaces(visit: Here) -> Answer:
    """How many spaces are free."""
    return await _page(visit)


@get("/lots/{lot_id:str}/spaces/free", right=Right.LOT_SEE)
async def free(visit: Here) -> Answer:
    """How many are free, beside the menu of every page."""
    return visit.page("lanes/parts/free.html")


@post("/lots/{lot_id:str}/spaces", right=Right.LOT_SPACES)
async def correct(visit: Here) -> Answer:
    """So many were counted. Refused where the number has changed since the page was opened."""
    try:
        text = visit.text("free", 7, needed=visit.tell("请填空车位。"))
        if not (text.isascii() and text.isdecimal()):
            raise BadValue(visit.tell("要写成整数。"), "free")
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        before = visit.text("before", 7)
        if before != str(visit.here.spaces_free):
            said = visit.tell("打开本页以后空位从 %(before)s 变成了 %(now)d：请看一眼，再提交。")
            raise BadValue(said % {"before": before, "now": visit.here.spaces_free})
        await visit.office.attendant.set_spaces(visit.here.lot_id, int(text), by)
    except LotError as error:
        return await _page(visit, error)
    visit.changed()
    return visit.go(visit.in_lot("spaces"), visit.tell("空位已更正。"))


@post("/lots/{lot_id:str}/emergency", right=Right.LOT_EMERGENCY)
async def emergency(visit: Here) -> Answer:
    """Declare or end an emergency."""
    on = visit.text("on", 1) == "1"
    try:
        by = visit.by(visit.text("why", 200, needed=visit.tell("请写原因。")))
        await visit.office.attendant.set_emergency(visit.here.lot_id, on, by)
    except LotError as error:
        return await _page(visit, error)
    visit.changed()
    return visit.go(visit.in_lot("spaces"), visit.tell("已进入紧急状态。") if on else visit.tell("紧急状态已解除。"))


async def _page(visit: Visit, error: LotError | None = None) -> Answer:
    lot_id, more = visit.here.lot_id, ""
    rows: list[NumberedSpaceChange] = []
    if visit.may(Right.AUDIT_SEE):
        try:
            after = BY_ID.read(visit.asked.get("after", "")[:512])
        except Refused:
            return visit.go(visit.in_lot("spaces"))
        rows = await visit.office.database.read(lambda conn: views.space_changes(conn, lot_id, fields.PAGE + 1, after))
        rows, more = fields.further(visit, rows, BY_ID, lambda row: (row.change_id,), "spaces")
    if error is not None:
        field = {"spaces_free": "free"}.get(error.field, error.field)
        visit.wrong[field] = visit.rendering.error(error, visit)
    status = HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY
    return visit.page("lanes/spaces.html", status=status, rows=rows, more=more)


PAGES = (spaces, free, correct, emergency)
