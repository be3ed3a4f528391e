"""Invoices: asked for by a payment, where each stands at BoLink, and what drivers had issued there themselves."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.lot.errands.invoices import INVOICE, ORDER, Buyer
from taigan.lot.errors import BadValue, LotError, UnknownOrder
from taigan.rights import Right
from taigan.storage.due import errands as kept
from taigan.storage.locked import ledger, vehicles
from taigan.storage.locked.vehicles import NumberedInvoice
from taigan.storage.rows import Errand, Order, Payment
from taigan.storage.sums import reconciling
from taigan.web.api.common import BY_ID, BY_TIME
from taigan.web.console import fields
from taigan.web.console.pages.errands.errand import said
from taigan.web.console.pages.errands.refunds import orders_of
from taigan.web.console.rendering.words.bolink import ERRAND_STATE
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

_BUYER_NO = re.compile(r"[0-9A-Za-z]{15,20}")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"[0-9+-]{5,20}")
_ACCOUNT = re.compile(r"[0-9]{6,40}")


@get("/lots/{lot_id:str}/invoices", right=Right.MONEY_SEE)
async def invoices(visit: Here) -> Answer:
    """What was asked for here, newest first."""
    state = visit.text("state", 16)
    state = state if state in ERRAND_STATE else ""
    try:
        after = BY_TIME.read(visit.text("after", 512))
    except Refused:
        return visit.go(visit.in_lot("invoices"))
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[list[Errand], dict[str, Order]]:
        found = kept.listed(conn, lot_id, fields.PAGE + 1, after, section=(INVOICE, ORDER), state=state)
        return found, orders_of(conn, lot_id, found)

    rows, orders = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_TIME, lambda row: (row.at, row.errand_id), "invoices")
    return visit.page(
        "errands/invoices/invoices.html",
        part="errands/parts/invoices.html",
        rows=rows,
        more=more,
        orders=orders,
        states=ERRAND_STATE,
    )


@get("/lots/{lot_id:str}/invoices/issued", right=Right.MONEY_SEE)
async def issued(visit: Here) -> Answer:
    """What was issued at BoLink, as it told us (11.7), newest first."""
    try:
        after = BY_ID.read(visit.asked.get("after", "")[:512])
    except Refused:
        return visit.go(visit.in_lot("invoices", "issued"))
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[list[NumberedInvoice], dict[str, Payment]]:
        found = vehicles.list_invoices(conn, lot_id, fields.PAGE + 1, after)
        numbers = {number for one in found for number in (one.trade_no, one.payment_id)}
        return found, reconciling.payments_numbered(conn, lot_id, numbers)

    rows, payments = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_ID, lambda row: (row.notice_id,), "invoices", "issued")
    paid = {row.notice_id: payments.get(row.trade_no) or payments.get(row.payment_id) for row in rows}
    return visit.page("errands/invoices/invoices_issued.html", rows=rows, more=more, paid=paid)


@post("/lots/{lot_id:str}/invoices/issuer", right=Right.MONEY_SEE)
async def ask_issuer(visit: Here) -> Answer:
    """Whether invoices can be made for the lot at BoLink (6.2)."""
    try:
        may = await visit.office.errands.may_issue(visit.here.lot_id)
    except LotError as error:
        return visit.go(visit.in_lot("invoices"), visit.rendering.error(error, visit), "bad")
    if not may:
        text = visit.tell("泊链上还没有给这个车场开通发票。请在泊链后台开通。")
        return visit.go(visit.in_lot("invoices"), text, "bad")
    return visit.go(visit.in_lot("invoices"), visit.tell("可以开票。"))


@get("/lots/{lot_id:str}/money/payments/{payment_id:str}/invoice", right=Right.MONEY_INVOICE)
async def invoice(visit: Here, payment_id: FromPath[str]) -> Answer:
    """The form that asks for a payment's invoice."""
    return visit.page("errands/invoices/invoice.html", **await _shown(visit, payment_id))


@post("/lots/{lot_id:str}/money/payments/{payment_id:str}/invoice", right=Right.MONEY_INVOICE)
async def ask_invoice(visit: Here, payment_id: FromPath[str]) -> Answer:
    """Have it made (6.2, 6.3), or let the driver do that at BoLink (6.1)."""
    lot_id = visit.here.lot_id
    shown = await _shown(visit, payment_id)
    try:
        if visit.form.get("how") == "offer":
            by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
            errand = await visit.office.errands.offer_invoice(lot_id, payment_id, by)
        else:
            buyer = _buyer(visit)
            by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
            errand = await visit.office.errands.invoice(lot_id, payment_id, buyer, by)
    except UnknownOrder:
        raise
    except LotError as error:
        error.field = error.field if error.field in (*Buyer.__struct_fields__, "reason") else ""
        return visit.again("errands/invoices/invoice.html", error, **shown)
    return visit.go(visit.in_lot("errands", errand.errand_id), *said(visit, errand))


def _buyer(visit: Visit) -> Buyer:
    """Who the invoice is made out to. Raises BadValue."""
    name = visit.text("buyer_name", 100, needed=visit.tell("请填发票抬头。"))

    def of(field: str, longest: int, looks: re.Pattern[str] | None, wrong: str) -> str | None:
        text = visit.text(field, longest)
        if text and looks is not None and not looks.fullmatch(text):
            raise BadValue(wrong, field)
        return text or None

    number = of("buyer_no", 20, _BUYER_NO, visit.tell("税号是 15 到 20 位数字和字母。"))
    return Buyer(
        buyer_name=name,
        buyer_no=number.upper() if number else None,
        buyer_address=of("buyer_address", 100, None, ""),
        phone=of("phone", 20, _PHONE, visit.tell("电话只能是数字。")),
        email=of("email", 100, _EMAIL, visit.tell("邮箱要写成 name@example.com。")),
        bank=of("bank", 100, None, ""),
        bank_num=of("bank_num", 40, _ACCOUNT, visit.tell("账号只能是数字。")),
    )


async def _shown(visit: Visit, payment_id: str) -> dict[str, Any]:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[Payment, list[Errand]]:
        payment = ledger.payment(conn, lot_id, payment_id) if "\x00" not in payment_id else None
        if payment is None:
            raise UnknownOrder(f"there is no payment {payment_id}", "payment_id")
        before = [*kept.about(conn, lot_id, INVOICE, payment_id), *kept.about(conn, lot_id, ORDER, payment_id)]
        return payment, before

    payment, before = await visit.office.database.read(read)
    there = payment.giver != "bolink" or payment.way == "kiosk"
    told = await visit.office.database.read(lambda conn: vehicles.invoices_for(conn, lot_id, [payment.trade_no]))
    live = {one.section for one in before if one.state not in ("failed", "withdrawn")}
    return {
        "payment": payment,
        "before": before,
        "told": told.get(payment.trade_no),
        "can_issue": payment.state == "paid" and INVOICE not in live and not told,
        "can_offer": payment.state == "paid" and there and bool(payment.order_id) and ORDER not in live,
    }


PAGES = (invoices, issued, ask_issuer, invoice, ask_invoice)
