"""Refunds: what waits for a second person, what BoLink works on, what became of the rest; and the form that asks."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.lot.errands.refunds import SECTION, may_be_asked
from taigan.lot.errors import BadValue, Conflict, LotError, UnknownOrder
from taigan.lot.policy import RefundSurplus
from taigan.rights import Right
from taigan.storage.due import errands as kept
from taigan.storage.locked import facts, ledger, vehicles
from taigan.storage.rows import Errand, Order, Payment
from taigan.web.api.common import BY_TIME
from taigan.web.console import fields
from taigan.web.console.pages.errands.errand import said
from taigan.web.console.rendering.words.bolink import ERRAND_STATE
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused


class Refundable(msgspec.Struct):
    """A payment, its refunds so far, how much of it may be given back, and why none may be."""

    payment: Payment
    before: list[Errand]
    most: int
    invoiced: bool
    why_not: Conflict | None


@get("/lots/{lot_id:str}/refunds", right=Right.MONEY_SEE)
async def refunds(visit: Here) -> Answer:
    """All refunds, newest first; how many wait for somebody."""
    state = visit.text("state", 16)
    state = state if state in ERRAND_STATE else ""
    try:
        after = BY_TIME.read(visit.text("after", 512))
    except Refused:
        return visit.go(visit.in_lot("refunds"))
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[list[Errand], dict[str, tuple[int, int]], dict[str, Order]]:
        found = kept.listed(conn, lot_id, fields.PAGE + 1, after, section=SECTION, state=state)
        return found, kept.counts(conn, lot_id, SECTION), orders_of(conn, lot_id, found)

    rows, counts, orders = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_TIME, lambda row: (row.at, row.errand_id), "refunds")
    policy = visit.office.leaving.policy
    return visit.page(
        "errands/refunds.html",
        part="errands/parts/refunds.html",
        rows=rows,
        more=more,
        counts=counts,
        orders=orders,
        states=ERRAND_STATE,
        alone=policy.refund_alone_fen,
        by_itself=policy.refund_surplus is RefundSurplus.AUTO,
    )


@get("/lots/{lot_id:str}/refunds/count", right=Right.MONEY_APPROVE)
async def count(visit: Here) -> Answer:
    """How many wait for a second person, for the menu."""
    lot_id = visit.here.lot_id
    visit.refunds_wanted = await visit.office.database.read(lambda conn: kept.count_wanted(conn, lot_id))
    return visit.page("errands/parts/refund_count.html")


@get("/lots/{lot_id:str}/money/payments/{payment_id:str}/refund", right=Right.MONEY_REFUND)
async def refund(visit: Here, payment_id: FromPath[str]) -> Answer:
    """The form that asks for a payment to be given back."""
    return visit.page("errands/refund.html", **await _shown(visit, payment_id))


@post("/lots/{lot_id:str}/money/payments/{payment_id:str}/refund", right=Right.MONEY_REFUND)
async def ask_refund(visit: Here, payment_id: FromPath[str]) -> Answer:
    """Ask for it: BoLink at once, or a second person first."""
    shown = await _shown(visit, payment_id)
    try:
        fen = fields.money(visit, "fen")
        if not 0 < fen <= shown["found"].most:
            raise BadValue(visit.tell("最多退 %(sum)s 元，最少 0.01 元。", sum=_yuan(shown["found"].most)), "fen")
        by = visit.by(visit.text("reason", 100, needed=visit.tell("请写原因。")))
        errand = await visit.office.errands.refund(
            visit.here.lot_id, payment_id, fen, by, although_invoiced=visit.text("although", 1) == "1"
        )
    except UnknownOrder:
        raise
    except LotError as error:
        error.field = error.field if error.field in ("fen", "reason") else ""
        return visit.again("errands/refund.html", error, **await _shown(visit, payment_id))
    visit.changed(order_id=errand.order_id)
    return visit.go(visit.in_lot("errands", errand.errand_id), *said(visit, errand))


def orders_of(conn: sa.Connection, lot_id: str, errands: list[Errand]) -> dict[str, Order]:
    """The stays that errands are about, by their number."""
    found = facts.orders(conn, [(lot_id, order_id) for order_id in {one.order_id for one in errands} if order_id])
    return {order_id: order for (_, order_id), order in found.items()}


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


async def _shown(visit: Visit, payment_id: str) -> dict[str, Any]:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> Refundable:
        payment = ledger.payment(conn, lot_id, payment_id) if "\x00" not in payment_id else None
        if payment is None:
            raise UnknownOrder(f"there is no payment {payment_id}", "payment_id")
        before = kept.about(conn, lot_id, SECTION, payment_id)
        most = payment.fen
        if payment.order_id:
            most = max(0, min(most, ledger.bill(conn, lot_id, payment.order_id).credited_fen))
        invoices = kept.about(conn, lot_id, "6.3", payment_id)
        invoiced = any(one.state not in ("failed", "withdrawn") for one in invoices)
        invoiced = invoiced or bool(vehicles.invoices_for(conn, lot_id, [payment.trade_no]))
        try:
            may_be_asked(payment, before)
        except Conflict as error:
            return Refundable(payment, before, most, invoiced, error)
        return Refundable(payment, before, most, invoiced, None)

    found = await visit.office.database.read(read)
    why_not = visit.rendering.error(found.why_not, visit) if found.why_not is not None else ""
    alone = visit.office.leaving.policy.refund_alone_fen
    return {"found": found, "why_not": why_not, "alone": alone}


PAGES = (refunds, count, refund, ask_refund)
