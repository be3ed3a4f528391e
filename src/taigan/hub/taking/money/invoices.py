"""Chapter 6's uplinks: orders that may be invoiced, issuers, invoices."""

from __future__ import annotations

import re
from datetime import timedelta

from taigan.bolink import fen, moment, seconds
from taigan.bolink.chapters.invoices import (
    AddInvoiceOrder,
    Invoice,
    InvoiceDetails,
    InvoiceOrderAdded,
    InvoiceRequested,
    IssueInvoice,
    Issuer,
    IssuerDetails,
    QueryInvoice,
    QueryIssuer,
)
from taigan.bolink.values import InvoiceStatus, IssuerKind, IssuerState
from taigan.hub.book import records
from taigan.hub.book.records import Kind, Record
from taigan.hub.book.tables import records as kept
from taigan.hub.taking import arrangements
from taigan.hub.taking.uploads import Rejected, Taken, Taker, Upload

_ORDER = re.compile(r"[0-9A-Za-z_-]{1,32}")
_NUMBER = re.compile(r"[^\s\0]{1,64}")
STATUS = {"issuing": InvoiceStatus.ISSUING, "issued": InvoiceStatus.ISSUED, "failed": InvoiceStatus.ISSUE_FAILED}
SAID = {"issuing": "开票中", "issued": "开票成功", "failed": "开票失败"}


def add_invoice_order(upload: Upload, message: AddInvoiceOrder) -> Taken:
    """6.1: an order that was not paid at BoLink and may be invoiced there."""
    if not _ORDER.fullmatch(message.order_id):
        raise Rejected("order_id 为1到32位字母、数字和下划线")
    moment(message.pay_time, "pay_time")
    c = kept.c
    paid_here = records.select(
        upload.conn,
        c.lot_id == upload.lot.lot_id,
        c.order_id == message.order_id,
        c.kind == Kind.PAYMENTS.value,
        c.state == "paid",
    )
    if paid_here:
        raise Rejected("该订单已通过泊链支付")
    if upload.find(Kind.INVOICE_ORDERS, message.order_id) is not None:
        raise Rejected("订单已存在")
    amount = fen(message.money, "money")
    if amount <= 0:
        raise Rejected("金额必须大于0")
    upload.add(
        Kind.INVOICE_ORDERS,
        message.order_id,
        state="open",
        order_id=message.order_id,
        car_number=message.plate_number.strip(),
        fen=amount,
    )
    return Taken(InvoiceOrderAdded(state=1, errmsg="上传成功"), "上传成功")


def query_issuer(upload: Upload, message: QueryIssuer) -> Taken:
    """6.2: whether somebody can issue invoices. Everybody can, until it is arranged otherwise for a lot."""
    can = _can_issue(upload, message.type)
    details = IssuerDetails(
        open_invoice=int(can),
        start_time=seconds(upload.trail.at - timedelta(days=30)),
        end_time=seconds(upload.trail.at + timedelta(days=335)),
        state=(IssuerState.OPENED if can else IssuerState.NOT_REGISTERED).value,
    )
    return Taken(Issuer(code=200, message="success", data=details), "success")


def issue_invoice(upload: Upload, message: IssueInvoice) -> Taken:
    """6.3: an invoice is to be issued; 6.4 tells when it is."""
    if not _can_issue(upload, message.type):
        raise Rejected("开票方未开通")
    number = message.invoice_order_no.strip()
    if not _NUMBER.fullmatch(number):
        raise Rejected("invoice_order_no 为1到64个字符")
    if _known(upload, number) is not None:
        raise Rejected("invoice_order_no 重复")
    if message.open_type is None and None in (message.tax_rate, message.good_name, message.tax_code):
        raise Rejected("open_type 或 tax_rate、good_name、tax_code 缺失")
    amount = fen(message.money, "money")
    if amount <= 0:
        raise Rejected("金额必须大于0")
    if message.notify_url and not re.fullmatch(r"https?://[^\s\0]{1,500}", message.notify_url):
        raise Rejected("notify_url 以http或https开头")
    upload.add(
        Kind.INVOICES,
        number,
        state="issuing",
        fen=amount,
        detail={"buyer_name": message.buyer_name, "notify_url": message.notify_url or ""},
    )
    return Taken(InvoiceRequested(code=200, message="开票中"), "开票中")


def query_invoice(upload: Upload, message: QueryInvoice) -> Taken:
    """6.5: where an invoice stands."""
    invoice = _known(upload, message.invoice_order_no.strip())
    if invoice is None:
        raise Rejected("开票订单不存在")
    details = InvoiceDetails(
        invoice_order_no=invoice.number,
        message=SAID[invoice.state],
        pdf_url=invoice.detail.get("pdf_url", ""),
        status=STATUS[invoice.state].value,
    )
    return Taken(Invoice(code=0, message="success", data=details), "success")


def _can_issue(upload: Upload, kind: int) -> bool:
    if kind not in tuple(IssuerKind):
        raise Rejected("type 只能是2、3或4")
    return kind != IssuerKind.LOT or arrangements.of_lot(upload.conn, upload.lot).invoices


def _known(upload: Upload, number: str) -> Record | None:
    """An invoice of the vendor: its number does not repeat, whichever lot it is for."""
    c = kept.c
    found = records.select(
        upload.conn, c.kind == Kind.INVOICES.value, c.union_id == upload.union_id, c.number == number
    )
    return found[0] if found else None


TAKERS: dict[str, Taker] = {
    "6.1": add_invoice_order,
    "6.2": query_issuer,
    "6.3": issue_invoice,
    "6.5": query_invoice,
}
