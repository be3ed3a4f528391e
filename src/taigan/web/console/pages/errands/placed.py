"""What is done about one stay or one payment by way of BoLink: a code to pay it by, change, the city's correction.

Each has a page that says what it does before it is done.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.lot.errands.errand import LIVE
from taigan.lot.errands.paying import CHANGE, LARGEST_CHANGE, SMALLEST_CHANGE, STAY
from taigan.lot.errors import BadValue, LotError, UnknownOrder
from taigan.rights import Right
from taigan.storage.due import errands as kept
from taigan.storage.locked import facts, ledger
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Errand, Order, Payment
from taigan.web.console import fields
from taigan.web.console.pages.errands.errand import said
from taigan.web.console.pages.stays.stays import money_at
from taigan.web.console.visit import Answer, Here, Visit


@get("/lots/{lot_id:str}/stays/{order_id:str}/place", right=Right.MONEY_SET)
async def place(visit: Here, order_id: FromPath[str]) -> Answer:
    """What the stay comes to now, and the codes that were made for it before."""
    return visit.page("errands/placed/place.html", **await _stay(visit, order_id))


@post("/lots/{lot_id:str}/stays/{order_id:str}/place", right=Right.MONEY_SET)
async def place_it(visit: Here, order_id: FromPath[str]) -> Answer:
    """Have a code made by which the driver pays what the stay comes to now (3.4)."""
    try:
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        errand = await visit.office.errands.place_stay(visit.here.lot_id, order_id, by)
    except UnknownOrder:
        raise
    except LotError as error:
        error.field = error.field if error.field == "reason" else ""
        return visit.again("errands/placed/place.html", error, **await _stay(visit, order_id))
    visit.changed(order_id=order_id)
    return visit.go(visit.in_lot("errands", errand.errand_id), *said(visit, errand))


@get("/lots/{lot_id:str}/money/payments/{payment_id:str}/change", right=Right.SHIFT_RUN)
async def change(visit: Here, payment_id: FromPath[str]) -> Answer:
    """The form that gives change of a payment in cash back as a red packet."""
    return visit.page("errands/placed/change.html", **await _cash(visit, payment_id))


@post("/lots/{lot_id:str}/money/payments/{payment_id:str}/change", right=Right.SHIFT_RUN)
async def give_change(visit: Here, payment_id: FromPath[str]) -> Answer:
    """Have a red packet made, which the driver takes by its code (3.10)."""
    try:
        fen = fields.money(visit, "fen")
        if not SMALLEST_CHANGE <= fen <= LARGEST_CHANGE:
            raise BadValue(visit.tell("红包从 1 元到 99.99 元。"), "fen")
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        errand = await visit.office.errands.give_change(visit.here.lot_id, payment_id, fen, by)
    except UnknownOrder:
        raise
    except LotError as error:
        error.field = error.field if error.field in ("fen", "reason") else ""
        return visit.again("errands/placed/change.html", error, **await _cash(visit, payment_id))
    visit.changed(order_id=errand.order_id)
    return visit.go(visit.in_lot("errands", errand.errand_id), *said(visit, errand))


@get("/lots/{lot_id:str}/stays/{order_id:str}/city", right=Right.STAY_CORRECT)
async def city(visit: Here, order_id: FromPath[str]) -> Answer:
    """What the city would be told of the stay."""
    return visit.page("errands/placed/tell_city.html", **await _told(visit, order_id))


@post("/lots/{lot_id:str}/stays/{order_id:str}/city", right=Right.STAY_CORRECT)
async def tell_city(visit: Here, order_id: FromPath[str]) -> Answer:
    """Have the city told how the stay is now (10.1)."""
    try:
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        await visit.office.city.tell(visit.here.lot_id, order_id, by)
    except UnknownOrder:
        raise
    except LotError as error:
        error.field = error.field if error.field == "reason" else ""
        return visit.again("errands/placed/tell_city.html", error, **await _told(visit, order_id))
    visit.changed(order_id=order_id)
    return visit.go(visit.in_lot("stays", order_id), visit.tell("正在报给城市平台，结果在下面的上报里。"))


async def _stay(visit: Visit, order_id: str) -> dict[str, Any]:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[Order | None, list[Errand]]:
        return facts.orders(conn, [(lot_id, order_id)]).get((lot_id, order_id)), kept.about(
            conn, lot_id, STAY, order_id
        )

    order, before = await visit.office.database.read(read)
    money = await money_at(visit, order_id)
    return {"order": order, "money": money, "before": before}


async def _cash(visit: Visit, payment_id: str) -> dict[str, Any]:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[Payment, list[Errand]]:
        payment = ledger.payment(conn, lot_id, payment_id) if "\x00" not in payment_id else None
        if payment is None:
            raise UnknownOrder(f"there is no payment {payment_id}", "payment_id")
        return payment, kept.about(conn, lot_id, CHANGE, payment_id)

    payment, before = await visit.office.database.read(read)
    given = any(one.state in LIVE or one.state == "done" for one in before)
    return {
        "payment": payment,
        "before": before,
        "may": payment.giver == "cash" and payment.state == "paid" and not given,
    }


async def _told(visit: Visit, order_id: str) -> dict[str, Any]:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[Order, bool, bool]:
        order = facts.orders(conn, [(lot_id, order_id)]).get((lot_id, order_id))
        if order is None:
            raise UnknownOrder(f"lot {lot_id} has no order {order_id}", "order_id")
        known = Sheet(conn).entry_as_accepted(lot_id, order_id) is not None
        return order, known, order.state in ("in", "out")

    order, known, may = await visit.office.database.read(read)
    money = await money_at(visit, order_id) if visit.may(Right.MONEY_SEE) else None
    return {"order": order, "money": money, "known": known, "may": known and may}


PAGES = (place, place_it, change, give_change, city, tell_city)
