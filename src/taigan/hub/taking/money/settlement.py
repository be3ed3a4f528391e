"""What happens to money, invoices and lots after the uplink that began it, and what the lot is told about it.

A person on the counter's page, or the admin, moves a record from one state to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import msgspec
import sqlalchemy as sa

from taigan.bolink import read, seconds, yuan
from taigan.bolink.chapters.callbacks import (
    ChangeNotice,
    ChargeResult,
    EscapePaymentResult,
    ParkingPaymentResult,
    PassPayment,
    Prepayment,
    RecoveredOrder,
    RefundResult,
)
from taigan.bolink.chapters.commands import InvoiceNotice
from taigan.bolink.chapters.invoices import InvoiceChanged
from taigan.bolink.chapters.trade import PayEscape, PayParking, RenewPass
from taigan.bolink.values import InvoiceKind, PaymentState, PrepaymentKind, RecoveryKind, RenewalParty
from taigan.hub.book import records
from taigan.hub.book.records import Kind, Record
from taigan.hub.book.trail import Trail
from taigan.hub.errors import Unusable
from taigan.hub.faults import Faults
from taigan.hub.rules import Rules
from taigan.hub.sending.postbox import Outbox
from taigan.hub.sending.pushes import Push
from taigan.hub.taking import stays
from taigan.hub.taking.money import invoices
from taigan.hub.taking.stays import written

NEXT: dict[str, dict[str, tuple[str, ...]]] = {
    Kind.LOTS: {"submitted": ("reviewed", "disabled"), "reviewed": ("disabled",), "disabled": ("reviewed",)},
    Kind.MERCHANTS: {"submitted": ("approved", "rejected")},
    Kind.SPLITS: {"unsigned": ("signed",)},
    Kind.PAYMENTS: {"pending": ("paid", "failed")},
    Kind.CHANGE: {"issued": ("received", "returned", "failed")},
    Kind.REFUNDS: {"pending": ("done", "failed")},
    Kind.WITHDRAWALS: {"applied": ("done", "failed")},
    Kind.INVOICES: {"issuing": ("issued", "failed")},
    Kind.INVOICE_ORDERS: {"open": ("invoiced",)},
}
"""The states that may follow each state, by kind."""

SAID = {"paid": "支付成功", "pending": "支付中", "failed": "支付失败"}
"""What is said of a payment by its state."""
_STATES = {"failed": PaymentState.FAILED, "paid": PaymentState.SUCCEEDED, "pending": PaymentState.PENDING}

FEE = Decimal("0.006")
"""What a payment costs the lot."""


def settle(outbox: Outbox, record: Record, state: str, public_url: str = "") -> Record:
    """Move a record on, and tell the lot. Raises `Unusable` when that state cannot follow."""
    if state not in NEXT.get(record.kind, {}).get(record.state, ()):
        raise Unusable(f"{record.kind} in state {record.state} cannot become {state}", "state")
    detail = {}
    if record.kind == Kind.INVOICES and state == "issued":
        detail["pdf_url"] = f"{public_url}/invoices/{record.code}.pdf"
    settled = records.change(outbox.conn, outbox.trail, record, state=state, detail=detail)
    tell = _TELLS.get(record.kind)
    if tell is not None:
        tell(outbox, settled)
    return settled


def move(
    conn: sa.Connection, trail: Trail, rules: Rules, faults: Faults, record_id: int, state: str, public_url: str
) -> tuple[Record, list[Push]]:
    """Move a record on; what the lot is to be told of it."""
    outbox = Outbox(conn, trail, rules, faults)
    record = settle(outbox, records.find_by_id(conn, record_id), state, public_url)
    return record, outbox.pushes


def _tell_payment(outbox: Outbox, payment: Record) -> None:
    purpose = payment.detail["purpose"]
    if payment.state == "paid":
        if purpose == "exit":
            stays.end_stay(outbox.conn, outbox.trail, payment)
        elif purpose in ("arrears", "own_arrears"):
            arrears = records.find(outbox.conn, Kind.ARREARS, payment.union_id, payment.lot_id, payment.order_id)
            if arrears is not None:
                records.change(outbox.conn, outbox.trail, arrears, state="paid")
    tell(outbox, payment)


def tell(outbox: Outbox, payment: Record) -> None:
    """Tell the lot where a payment stands; of what was not paid inside the lot it hears nothing."""
    if payment.detail["purpose"] == "prepay" and payment.state != "paid":
        return
    section, message = _PAYMENT_RESULTS[payment.detail["purpose"]](payment)
    _push(outbox, payment, section, message)


def _charge_result(payment: Record) -> tuple[str, object]:
    paid, detail = payment.state == "paid", payment.detail
    return "5.5", ChargeResult(
        state=_STATES[payment.state].value,
        park_id=_park_id(payment),
        order_id=payment.order_id,
        trade_no=payment.number,
        pay_type=detail["pay_type"],
        out_channel_id=detail.get("out_channel_id") or None,
        total=_decimal(payment.fen),
        errmsg=SAID[payment.state],
        pay_channel=detail["channel"],
        pay_time=seconds(payment.changed_at),
        car_number=payment.car_number,
        arrive_money=_decimal(payment.fen - _fee(payment.fen) if paid else 0),
        fee=_decimal(_fee(payment.fen) if paid else 0),
        account_type=1,
        remark=f"收到停车费-{payment.car_number}",
        pay_company=detail["channel"] if detail["channel"] in (0, 1) else None,
        pay_user_id=detail.get("pay_user_id"),
    )


def _prepayment(payment: Record) -> tuple[str, object]:
    detail = payment.detail
    return "5.3", Prepayment(
        car_number=payment.car_number,
        prepay=_decimal(payment.fen),
        order_id=payment.order_id,
        query_order_no=detail["quote_no"],
        park_id=_park_id(payment),
        trade_no=payment.number,
        query_time=detail.get("query_time"),
        prepay_type=PrepaymentKind.ELECTRONIC.value,
        pay_channel=detail["channel"],
        pay_time=seconds(payment.changed_at),
        arrive_money=_decimal(payment.fen - _fee(payment.fen)),
        fee=_decimal(_fee(payment.fen)),
        account_type=1,
        remark=f"收到停车费-{payment.car_number}",
        pay_company=detail["channel"],
        pay_user_id=detail["pay_user_id"],
    )


def _pass_payment(payment: Record) -> tuple[str, object]:
    asked, paid = read(payment.data, RenewPass), payment.state == "paid"
    return "5.8", PassPayment(
        state=int(paid),
        amount=_decimal(payment.fen),
        park_id=_park_id(payment),
        car_number=asked.car_number,
        attach=None if asked.attach is None else msgspec.json.encode(asked.attach).decode(),
        trade_no=payment.detail["out_trade_no"],
        card_id=asked.card_id,
        out_trade_no=payment.number,
        pay_time=seconds(payment.changed_at),
        arrive_money=_decimal(payment.fen - _fee(payment.fen) if paid else 0),
        fee=_decimal(_fee(payment.fen) if paid else 0),
        account_type=1,
        remark=f"月卡续费-{payment.car_number}",
        pay_company=payment.detail["channel"],
    )


def _bought_pass(payment: Record) -> tuple[str, object]:
    paid = payment.state == "paid"
    return "5.8", PassPayment(
        type=RenewalParty.THIRD_PARTY.value,
        state=int(paid),
        amount=_decimal(payment.fen),
        park_id=_park_id(payment),
        car_number=payment.car_number,
        trade_no=payment.number,
        pay_time=seconds(payment.changed_at),
        arrive_money=_decimal(payment.fen - _fee(payment.fen) if paid else 0),
        fee=_decimal(_fee(payment.fen) if paid else 0),
        account_type=1,
        remark=f"月卡-{payment.car_number}",
        pay_company=payment.detail["channel"],
    )


def _parking_payment(payment: Record) -> tuple[str, object]:
    fee, credited = _exact_fee(payment)
    return "5.10", ParkingPaymentResult(
        park_id=_park_id(payment),
        state=int(payment.state == "paid"),
        amount=yuan(payment.fen),
        receipt_amount=credited,
        pay_platform_fee=fee,
        trade_no=payment.number,
        pay_channel=payment.detail["channel"],
        pay_time=seconds(payment.changed_at),
        description=read(payment.data, PayParking).description or "",
        out_trade_no=payment.detail["out_trade_no"],
        pay_company=payment.detail["channel"],
    )


def _arrears_payment(payment: Record) -> tuple[str, object]:
    fee, credited = _exact_fee(payment)
    return "5.11", EscapePaymentResult(
        park_id=_park_id(payment),
        state=int(payment.state == "paid"),
        amount=yuan(payment.fen),
        receipt_amount=credited,
        pay_platform_fee=fee,
        trade_no=payment.number,
        description=read(payment.data, PayEscape).description or "",
        out_trade_no=payment.detail["out_trade_no"],
        pay_time=seconds(payment.changed_at),
    )


def _own_arrears_payment(payment: Record) -> tuple[str, object]:
    paid = payment.state == "paid"
    return "5.9", RecoveredOrder(
        state=int(paid),
        park_id=_park_id(payment),
        order_id=payment.order_id,
        trade_no=payment.number,
        pay_type=RecoveryKind.REPAIR.value,
        pay_channel=payment.detail["channel"] or None,
        total=_decimal(payment.fen),
        errmsg=SAID[payment.state],
        pay_time=seconds(payment.changed_at),
        car_number=payment.car_number,
        arrive_money=_decimal(payment.fen - _fee(payment.fen) if paid else 0),
        fee=_decimal(_fee(payment.fen) if paid else 0),
        account_type=1,
        remark=f"补缴停车费-{payment.car_number}",
    )


_PAYMENT_RESULTS: dict[str, Callable[[Record], tuple[str, object]]] = {
    "prepay": _prepayment,
    "code": _charge_result,
    "exit": _charge_result,
    "etc": _charge_result,
    "pass": _pass_payment,
    "bought_pass": _bought_pass,
    "parking": _parking_payment,
    "arrears": _arrears_payment,
    "own_arrears": _own_arrears_payment,
}


def _tell_refund(outbox: Outbox, refund: Record) -> None:
    done = refund.state == "done"
    message = RefundResult(
        state=int(done),
        park_id=_park_id(refund),
        trade_no=refund.detail["trade_no"],
        refund_money=_decimal(refund.fen),
        errmsg="退款成功" if done else "退款失败",
        union_id=int(refund.union_id),
        refund_channel=refund.detail["channel"],
        refund_time=seconds(refund.changed_at),
        car_number=refund.car_number,
        arrive_money=Decimal(0),
        fee=Decimal(0),
        account_type=0,
        order_id=refund.order_id,
        remark=refund.detail["reason"],
    )
    _push(outbox, refund, "5.6", message)


def _tell_change(outbox: Outbox, change: Record) -> None:
    states = {"failed": (0, "找零失败"), "received": (2, "找零已领取"), "returned": (3, "超时未领取，已退回")}
    state, text = states[change.state]
    message = ChangeNotice(
        union_id=int(change.union_id),
        park_id=_park_id(change),
        trade_no=change.number,
        recharge_money=_decimal(change.fen),
        state=state,
        errmsg=text,
        recharge_channel=0,
        recharge_time=seconds(change.changed_at),
        car_number=change.car_number,
        order_id=change.order_id,
        remark="现金找零",
    )
    _push(outbox, change, "5.12", message)


def _tell_invoice(outbox: Outbox, invoice: Record) -> None:
    message = InvoiceChanged(
        notify_time=written(invoice.changed_at),
        invoice_order_no=invoice.number,
        message=invoices.SAID[invoice.state],
        open_invoice_time=written(invoice.changed_at)[:10],
        pdf_url=invoice.detail.get("pdf_url"),
        status=invoices.STATUS[invoice.state].value,
    )
    _push(outbox, invoice, "6.4", message)


def invoice(outbox: Outbox, payment: Record) -> Record:
    """A driver has an invoice made for what was paid (11.7), once; who it is made out to is kept nowhere.

    Raises `Unusable` when nothing was paid.
    """
    if payment.state != "paid":
        raise Unusable("there is nothing to invoice", "scan_id")
    if payment.detail.get("invoice_no"):
        return payment
    number = f"{payment.id:08d}"[-8:]
    made = records.change(outbox.conn, outbox.trail, payment, detail={"invoice_no": number})
    notice = InvoiceNotice(
        union_id=int(made.union_id),
        park_id=_park_id(made),
        payid=made.number,
        out_trade_no=made.number,
        invoice_type=InvoiceKind.ELECTRONIC.value,
        invoice_no=number,
        invoice_code=f"1{made.union_id:0>11}",
        invoice_time=written(outbox.trail.at),
    )
    _push(outbox, made, "11.7", notice)
    return made


_TELLS: dict[str, Callable[[Outbox, Record], None]] = {
    Kind.PAYMENTS: _tell_payment,
    Kind.REFUNDS: _tell_refund,
    Kind.CHANGE: _tell_change,
    Kind.INVOICES: _tell_invoice,
}


def _push(outbox: Outbox, record: Record, section: str, message: object) -> None:
    detail = record.detail
    outbox.push(
        record.union_id,
        record.lot_id,
        section,
        message,
        url=detail.get("notify_url", ""),
        channel_id=detail.get("out_channel_id", ""),
        scan_id=detail.get("scan_id"),
    )


def _park_id(record: Record) -> str:
    return record.lot_id.partition("-")[2]


def _decimal(fen: int) -> Decimal:
    return Decimal(yuan(fen))


def _fee(fen: int) -> int:
    return int((fen * FEE).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _exact_fee(payment: Record) -> tuple[str, str]:
    """The fee and what is credited, in yuan with five decimals."""
    amount = _decimal(payment.fen) if payment.state == "paid" else Decimal(0)
    fee = (amount * FEE).quantize(Decimal("0.00001"), rounding=ROUND_HALF_UP)
    return f"{fee:.5f}", f"{amount - fee:.5f}"
