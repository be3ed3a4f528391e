"""What a payment message says (5.3, 5.5), in whole fen and moments, as far as it can be read.

Whoever sends a payment sends it until it is answered, so one is not refused for a detail: 5.5 needs its state and its
number, and an amount where it was paid; 5.3 its number and amount.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from taigan.bolink import units
from taigan.bolink.errors import BadMessage
from taigan.bolink.fields import Message, Whole
from taigan.bolink.values import ChargeKind, PrepaymentKind
from taigan.bolink.wire.codec import read

LONGEST = 64
"""Characters of a number that is kept."""


class PaymentTold(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, its failure, or that it is under way."""

    trade_no: str
    order_id: str
    query_no: str
    plate: str
    channel_id: str
    way: str  # prepay, kiosk, scancode, wallet, sweepcode, etc
    state: int  # 1 paid, 0 failed, 2 under way
    fen: int  # 0 where it was not paid
    fee_fen: int
    paid_at: datetime | None
    said: str
    no_total: bool  # the amount was worked out from what arrived and the fee


class _Core(Message):
    trade_no: str
    state: Whole | None = None
    order_id: str | None = None
    query_order_no: str | None = None
    car_number: str | None = None
    out_channel_id: str | None = None
    pay_type: str | None = None


class _Amounts(Message):
    total: Decimal | None = None
    prepay: Decimal | None = None
    arrive_money: Decimal | None = None
    fee: Decimal | None = None
    account_type: Whole | None = None


class _Details(Message):
    pay_time: Whole | None = None
    prepay_type: Whole | None = None
    errmsg: str | None = None
    remark: str | None = None


def payment_told(section: str, text: bytes) -> PaymentTold:
    """Read 5.3 or 5.5. Raises BadMessage naming the field without which the payment cannot be counted."""
    core = read(text, _Core)
    if not core.trade_no.strip():
        raise BadMessage("trade_no", "is empty")
    prepaid = section == "5.3"
    state = 1 if prepaid else core.state
    if state not in (0, 1, 2):
        raise BadMessage("state", "is neither 0, 1 nor 2")
    details = _Details()
    with suppress(BadMessage):  # a payment is not lost for its time or its text
        details = read(text, _Details)
    fen, fee, no_total = 0, 0, False
    if state == 1:
        fen, fee, no_total = _amount(text, "prepay" if prepaid else "total")
    return PaymentTold(
        trade_no=core.trade_no.strip()[:LONGEST],
        order_id=(core.order_id or "")[:LONGEST],
        query_no=(core.query_order_no or "")[:LONGEST],
        plate=(core.car_number or "")[:LONGEST],
        channel_id=(core.out_channel_id or "")[:LONGEST],
        way=_way(prepaid, core.pay_type, details.prepay_type),
        state=state,
        fen=fen,
        fee_fen=fee,
        paid_at=_moment(details.pay_time),
        said=(details.errmsg or details.remark or "")[:200],
        no_total=no_total,
    )


def total_told(text: bytes) -> int:
    """The amount of a payment of 5.5 that is under way, in fen; 0 where it does not say."""
    try:
        return _amount(text, "total")[0]
    except BadMessage:
        return 0


def _amount(text: bytes, name: str) -> tuple[int, int, bool]:
    amounts = read(text, _Amounts)
    if amounts.account_type == 0:
        raise BadMessage("account_type", "is 0: money out, in a message about money in")
    fee = units.fen(amounts.fee, "fee") if amounts.fee is not None else 0
    given: Any = getattr(amounts, name)
    no_total = given is None
    if given is None:
        if amounts.arrive_money is None:
            raise BadMessage(name, "is missing")
        fen = units.fen(amounts.arrive_money, "arrive_money") + fee
    else:
        fen = units.fen(given, name)
    if fen <= 0:
        raise BadMessage(name, "is not an amount above 0")
    return fen, max(0, fee), no_total


def _way(prepaid: bool, pay_type: str | None, prepay_type: int | None) -> str:
    if prepaid:
        return "prepay" if prepay_type in (None, PrepaymentKind.ELECTRONIC) else "kiosk"
    return pay_type if pay_type in tuple(ChargeKind) else "scancode"


def _moment(seconds: int | None) -> datetime | None:
    try:
        return None if seconds is None else units.moment(seconds, "pay_time")
    except BadMessage:
        return None


class _Named(Message):
    order_id: str | None = None


class _Number(Message):
    trade_no: str | None = None
    out_trade_no: str | None = None


def number_in(text: bytes) -> str:
    """The number of a money message, if that much can be read; else empty."""
    try:
        found = read(text, _Number)
    except BadMessage:
        return ""
    return (found.trade_no or found.out_trade_no or "").strip()[:LONGEST]


def order_in(text: bytes) -> str:
    """The order that a money message names, if that much can be read; else empty."""
    try:
        return (read(text, _Named).order_id or "").strip()[:LONGEST]
    except BadMessage:
        return ""
