"""Arrears: who left owing, what BoLink has of a plate here and elsewhere, and the code by which it is paid."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.bolink import BadMessage, units
from taigan.bolink.chapters.trade import EscapedOrder
from taigan.lot.errands.paying import ARREARS
from taigan.lot.errors import BolinkSaysNo, LotError, UnknownOrder
from taigan.rights import Right
from taigan.storage.due import errands as kept
from taigan.storage.rows import Errand
from taigan.storage.shown import ledger_views
from taigan.storage.shown.ledger_views import Owed
from taigan.web.api.common import BY_NAME
from taigan.web.console import fields
from taigan.web.console.pages.errands.errand import said
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused


class Known(msgspec.Struct):
    """What BoLink has of a plate, and what that comes to."""

    plate: str
    items: list[EscapedOrder]
    fen: int


@get("/lots/{lot_id:str}/arrears", right=Right.MONEY_SEE)
async def arrears(visit: Here) -> Answer:
    """Stays that ended owing, newest first."""
    try:
        return visit.page("errands/arrears.html", part="errands/parts/arrears.html", **await _listed(visit), known=None)
    except LotError as error:
        return visit.again("errands/arrears.html", error, **_NOTHING, known=None)
    except Refused:
        return visit.go(visit.in_lot("arrears"))


@post("/lots/{lot_id:str}/arrears", right=Right.MONEY_SEE)
async def ask_arrears(visit: Here) -> Answer:
    """What BoLink has of a plate (3.8)."""
    try:
        plate = visit.text("plate", 16, needed=visit.tell("请填车牌。"))
        found = await visit.office.errands.arrears(visit.here.lot_id, plate)
        try:
            total = sum(units.fen(one.money, "money") for one in found)
        except BadMessage as error:
            raise BolinkSaysNo(str(error)) from None
    except LotError as error:
        error.field = "plate"
        return visit.again("errands/arrears.html", error, **await _listed(visit), known=None)
    return visit.page("errands/arrears.html", **await _listed(visit), known=Known(plate, found, total))


@post("/lots/{lot_id:str}/arrears/{order_id:str}/place", right=Right.MONEY_SET)
async def place_arrears(visit: Here, order_id: FromPath[str]) -> Answer:
    """Have what is owed placed at BoLink, to be paid with a code (3.9)."""
    if "\x00" in order_id:
        raise UnknownOrder("there is no such order", "order_id")
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    errand = await visit.office.errands.place_arrears(visit.here.lot_id, order_id, by)
    visit.changed(order_id=order_id)
    return visit.go(visit.in_lot("errands", errand.errand_id), *said(visit, errand))


_NOTHING: dict[str, Any] = {"rows": [], "more": "", "placed": {}, "total": (0, 0), "park_id": "", "fen_of": None}


async def _listed(visit: Visit) -> dict[str, Any]:
    lot_id = visit.here.lot_id
    part = "".join(visit.text("q", 16).split()).upper()
    after = BY_NAME.read(visit.asked.get("after", "")[:512])

    def read(conn: sa.Connection) -> tuple[list[Owed], dict[str, Errand], tuple[int, int]]:
        found = ledger_views.owed(conn, lot_id, fields.PAGE + 1, after, part)
        placed = kept.latest(conn, lot_id, ARREARS, [row.order.order_id for row in found])
        return found, placed, ledger_views.owed_sum(conn, lot_id, part)

    rows, placed, total = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_NAME, lambda row: (row.order.order_id,), "arrears")
    return {
        "rows": rows,
        "more": more,
        "placed": placed,
        "total": total,
        "park_id": visit.here.park_id,
        "fen_of": lambda one: units.fen(one.money, "money"),
    }


PAGES = (arrears, ask_arrears, place_arrears)
