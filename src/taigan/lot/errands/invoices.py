"""Invoices: who may issue them (6.2), issued (6.3), where one stands (6.5), cash that may be invoiced (6.1).

An invoice is made once for a payment, under a number of ours. What 6.4 says is a hint: 6.5 is asked and believed.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from taigan.bolink import BolinkClient, units
from taigan.bolink.chapters.invoices import AddInvoiceOrder, InvoiceDetails, IssueInvoice, QueryInvoice, QueryIssuer
from taigan.bolink.values import InvoiceFor, InvoiceStatus, IssuerKind, IssuerState
from taigan.lot.errands.errand import ENDED, LIVE, Outcome, begin, move
from taigan.lot.errors import Conflict, UnknownOrder
from taigan.lot.leaving.room import Room
from taigan.lot.people.by import By
from taigan.lot.stays import orders
from taigan.storage.due import errands
from taigan.storage.locked import ledger, vehicles
from taigan.storage.rows import Errand, Payment

ORDER, INVOICE = "6.1", "6.3"
CANNOT = "开票方未开通"


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """Who the invoice is made out to. Told to BoLink and not kept here."""

    buyer_name: str
    buyer_no: str | None = None
    buyer_address: str | None = None
    phone: str | None = None
    email: str | None = None
    bank: str | None = None
    bank_num: str | None = None


class AskInvoice(msgspec.Struct, kw_only=True):
    """An invoice for a payment, over what was paid less what was given back."""

    lot_id: str
    payment_id: str
    by: By

    def apply(self, room: Room) -> Errand:
        """Raises UnknownOrder, Conflict."""
        payment = _paid(room, self.payment_id)
        if _was(room, INVOICE, payment):
            raise Conflict("there is an invoice for this payment, or one is being made", "payment_id")
        if told := vehicles.invoices_for(room.conn, room.lot_id, [payment.trade_no]).get(payment.trade_no):
            raise Conflict(f"the driver had it invoiced at BoLink already: {told.number}", "payment_id")
        fen = _kept(room, payment)
        about = payment.payment_id
        return begin(
            room, INVOICE, about, self.by, what="invoice for", order_id=payment.order_id, fen=fen, numbered=True
        )


class OfferInvoice(msgspec.Struct, kw_only=True):
    """Cash that the driver may have invoiced at BoLink: told to it once."""

    lot_id: str
    payment_id: str
    by: By

    def apply(self, room: Room) -> Errand:
        """Raises UnknownOrder, Conflict."""
        payment = _paid(room, self.payment_id)
        if payment.giver == "bolink" and payment.way != "kiosk":
            raise Conflict(
                "BoLink invoices what was paid there by itself: told twice it would exist twice", "payment_id"
            )
        order = room.order(payment.order_id)
        if order is None:
            raise Conflict("the payment belongs to no order", "payment_id")
        if _was(room, ORDER, payment):
            raise Conflict("BoLink was told of this payment", "payment_id")
        return begin(
            room,
            ORDER,
            payment.payment_id,
            self.by,
            what="to be invoiced:",
            order_id=order.order_id,
            fen=_kept(room, payment),
            plate=orders.car_number(order),
            paid_at=units.seconds(payment.paid_at),
        )


class InvoiceStands(msgspec.Struct, kw_only=True):
    """6.5 says where an invoice stands."""

    lot_id: str
    errand_id: str
    told: InvoiceDetails

    def apply(self, room: Room) -> Errand:
        """Raises UnknownErrand."""
        errand = errands.errand(room.conn, room.lot_id, self.errand_id)
        assert errand is not None
        if errand.state in ENDED:
            return errand
        state = STATES.get(self.told.status, "running")
        move(room, errand, state, self.told.message, pdf_url=self.told.pdf_url or "", status=self.told.status)
        return errand


STATES: dict[str, str] = {
    InvoiceStatus.ISSUED: "done",
    InvoiceStatus.ISSUE_FAILED: "failed",
    InvoiceStatus.STAMPING_FAILED: "failed",
    InvoiceStatus.INVALID: "failed",
}
"""What 6.5's states mean for the errand; the others: it is being made."""


async def offer(client: BolinkClient, errand: Errand) -> Outcome:
    """6.1. Raises BolinkError."""
    details = errand.details
    said = await client.add_invoice_order(
        AddInvoiceOrder(
            park_id=_park(errand),
            money=Decimal(units.yuan(errand.fen or 0)),
            order_id=errand.order_id,
            plate_number=details["plate"],
            pay_time=details["paid_at"],
        )
    )
    return Outcome("done", said.errmsg or "")


async def may_issue(client: BolinkClient, park_id: str) -> bool:
    """6.2: whether the lot's own issuer can make invoices. Raises BolinkError."""
    said = await client.query_issuer(QueryIssuer(type=IssuerKind.LOT, park_id=park_id))
    return said.data is not None and bool(said.data.open_invoice) and said.data.state == IssuerState.OPENED


async def issue(client: BolinkClient, errand: Errand, buyer: Buyer) -> Outcome:
    """6.2, then 6.3. Raises BolinkError."""
    if not await may_issue(client, _park(errand)):
        return Outcome("failed", CANNOT)
    said = await client.issue_invoice(
        IssueInvoice(
            type=IssuerKind.LOT,
            park_id=_park(errand),
            open_type=InvoiceFor.PARKING,
            invoice_order_no=errand.number,
            money=Decimal(units.yuan(errand.fen or 0)),
            buyer_name=buyer.buyer_name,
            buyer_no=buyer.buyer_no,
            buyer_address=buyer.buyer_address,
            phone=buyer.phone,
            email=buyer.email,
            bank=buyer.bank,
            bank_num=buyer.bank_num,
        )
    )
    return Outcome("running", said.message or "")


async def stands(client: BolinkClient, errand: Errand) -> InvoiceDetails:
    """6.5. Raises BolinkError."""
    said = await client.query_invoice(
        QueryInvoice(invoice_order_no=errand.number, type=IssuerKind.LOT, park_id=_park(errand))
    )
    return said.data


def _park(errand: Errand) -> str:
    return errand.lot_id.partition("-")[2]


def _paid(room: Room, payment_id: str) -> Payment:
    payment = room.sheet.read(ledger.payment, room.lot_id, payment_id)
    if payment is None:
        raise UnknownOrder(f"there is no payment {payment_id}", "payment_id")
    if payment.state != "paid":
        raise Conflict(f"the payment is {payment.state}", "payment_id")
    return payment


def _was(room: Room, section: str, payment: Payment) -> bool:
    before = errands.about(room.conn, room.lot_id, section, payment.payment_id)
    return any(one.state in LIVE or one.state == "done" for one in before)


def _kept(room: Room, payment: Payment) -> int:
    """What is left of a payment. Raises Conflict when nothing is."""
    given = errands.about(room.conn, room.lot_id, "4.2", payment.payment_id)
    fen = payment.fen - sum(one.fen or 0 for one in given if one.state in LIVE or one.state == "done")
    if fen <= 0:
        raise Conflict("all of the payment was given back", "payment_id")
    return fen
