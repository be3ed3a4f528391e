"""Money: payments, shares, arrears, change, reductions (chapter 3), refunds and withdrawals (chapter 4).

All of it is simulated: a payment is made on the counter's page, by the admin, or at once where nobody has to act.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from taigan.bolink import BadMessage, fen, moment, yuan
from taigan.bolink.chapters.reconciliation import (
    PaymentRecord,
    Payments,
    QueryPayment,
    QueryWithdrawals,
    Refund,
    RefundState,
    Withdrawal,
    Withdrawals,
)
from taigan.bolink.chapters.trade import (
    BindSplitReceiver,
    ChargingReduction,
    ChargingReductionTaken,
    EscapedOrder,
    EscapePayment,
    Escapes,
    EtcPayment,
    GetSplitContract,
    GiveChange,
    ParkingPayment,
    PassRenewal,
    PayByEtc,
    PayEscape,
    PayParking,
    QueryEscapes,
    RedPacket,
    RedPacketLink,
    RenewPass,
    SplitContract,
    SplitReceiverBound,
)
from taigan.bolink.values import (
    EtcKind,
    PaymentPlace,
    PaymentQuery,
    PaymentState,
    PayWay,
    ReducingPlatform,
    ReductionMethod,
    WithdrawalKind,
    WithdrawalState,
)
from taigan.hub.book import records
from taigan.hub.book.records import Kind, Record
from taigan.hub.book.tables import records as kept
from taigan.hub.taking import stays
from taigan.hub.taking.uploads import Rejected, Taken, Taker, Upload, page_of

FOUND = "查询成功"
_DIGITS = re.compile(r"[0-9]{16,32}")
_LETTERS = re.compile(r"[0-9A-Za-z]{16,28}")
_ANY_NUMBER = re.compile(r"[^\s\0]{1,64}")
_LONGEST_QUERY = timedelta(days=31)
_SAID = {"paid": (PaymentState.SUCCEEDED, "支付成功"), "pending": (PaymentState.PENDING, "支付中")}
_ETC_STATES = {"paid": "扣费成功", "pending": "扣费中"}
LARGEST_CHANGE, SMALLEST_CHANGE = 10_000, 100
_PAYMENT_STATES = {"failed": 0, "paid": 1, "pending": 2}
_WITHDRAWAL_STATES = {
    "applied": WithdrawalState.APPLIED,
    "done": WithdrawalState.SUCCEEDED,
    "failed": WithdrawalState.FAILED,
}


def renew_pass(upload: Upload, message: RenewPass) -> Taken:
    """3.3: a pass is to be paid; the driver does so at payurl."""
    record = _open_payment(
        upload,
        message.trade_no,
        fen(message.amount, "amount"),
        "pending",
        car_number=(message.car_number or "").strip(),
        purpose="pass",
        channel=1 if message.pay_channel == "ali" else 0,
        notify_url=_usable_url(message.notify_url),
    )
    answer = PassRenewal(state=1, payurl=upload.page_url(record), trade_no=message.trade_no, errmsg="成功")
    return Taken(answer, "成功")


def pay_parking(upload: Upload, message: PayParking) -> Taken:
    """3.4: a stay is to be paid: by the driver at payurl, or at once with the code that the lot scanned."""
    moment(message.in_time, "in_time")
    if not _DIGITS.fullmatch(message.trade_no):
        raise Rejected("trade_no 为16到32位数字")
    record = _open_payment(
        upload,
        message.trade_no,
        fen(message.amount, "amount"),
        _way_of(upload, message.pay_type, message.auth_code),
        order_id=message.order_id.strip(),
        car_number=message.car_number.strip(),
        purpose="parking",
        channel=1 if message.channel == "alipay" else 0,
        notify_url=_usable_url(message.notify_url),
    )
    state, text, url = _payment_answer(upload, record, message.pay_type)
    return Taken(ParkingPayment(state=state, errmsg=text, payurl=url), text)


def pay_escape(upload: Upload, message: PayEscape) -> Taken:
    """3.9: what a car left without paying is to be paid after all."""
    arrears = upload.find(Kind.ARREARS, message.order_id.strip())
    if arrears is None:
        raise Rejected("逃单不存在")
    if arrears.state == "paid":
        raise Rejected("该订单已补缴")
    record = _open_payment(
        upload,
        message.trade_no,
        arrears.fen,
        _way_of(upload, message.pay_type, message.auth_code),
        order_id=arrears.order_id,
        car_number=message.car_number.strip(),
        purpose="arrears",
        channel=1 if message.channel == "alipay" else 0,
        notify_url=_usable_url(message.notify_url),
    )
    if record.state == "paid":
        upload.change(arrears, state="paid")
    state, text, url = _payment_answer(upload, record, message.pay_type)
    return Taken(EscapePayment(state=state, errmsg=text, payurl=url), text)


def pay_by_etc(upload: Upload, message: PayByEtc) -> Taken:
    """3.7: charge a stay to the vehicle's ETC unit. Once taken for an order it is not taken again."""
    for name in ("in_time", "out_time"):
        moment(getattr(message, name), name)
    if message.pay_type not in tuple(EtcKind):
        raise Rejected("pay_type 错误")
    amount = fen(message.total, "total")
    order_id = message.order_id.strip()
    before = _payments_of(upload, order_id, "etc")
    if before and before[-1].state in _ETC_STATES:
        text = _ETC_STATES[before[-1].state]
        return Taken(EtcPayment(state=_PAYMENT_STATES[before[-1].state], errmsg=text), text)
    record = _open_payment(
        upload,
        upload.trade_no(),
        amount,
        upload.money_goes(),
        order_id=order_id,
        car_number=message.car_number.strip(),
        purpose="etc",
        pay_type="etc",
        out_channel_id=message.out_channel_id,
        channel=2,
    )
    text = _ETC_STATES.get(record.state, "扣费失败")
    return Taken(EtcPayment(state=_PAYMENT_STATES[record.state], errmsg=text), text)


def _way_of(upload: Upload, pay_type: int, auth_code: str | None) -> str:
    """Where a payment stands at first: waiting for the driver, or what became of the scanned code."""
    if pay_type == PayWay.DRIVER_SCANS:
        return "pending"
    if pay_type != PayWay.LOT_SCANS:
        raise Rejected("pay_type 错误")
    if not (auth_code or "").strip():
        raise Rejected("auth_code 缺失")
    return upload.money_goes()


def _payment_answer(upload: Upload, record: Record, pay_type: int) -> tuple[int, str, str | None]:
    if pay_type == PayWay.DRIVER_SCANS:
        return 1, "成功", upload.page_url(record)
    state, text = _SAID.get(record.state, (PaymentState.FAILED, "支付失败"))
    return state.value, text, None


def _open_payment(
    upload: Upload,
    trade_no: str,
    amount: int,
    state: str,
    *,
    order_id: str = "",
    car_number: str = "",
    **detail: Any,
) -> Record:
    number = trade_no.strip()
    if not _ANY_NUMBER.fullmatch(number):
        raise Rejected("trade_no 为1到64个字符")
    if amount <= 0:
        raise Rejected("金额必须大于0")
    if upload.find(Kind.PAYMENTS, number) is not None:
        raise Rejected("trade_no 重复")
    detail["out_trade_no"] = upload.trade_no()
    return upload.add(
        Kind.PAYMENTS, number, state=state, order_id=order_id, car_number=car_number, fen=amount, detail=detail
    )


def _usable_url(url: str | None) -> str:
    """A notify_url as the document wants one, empty when none is given."""
    if not url:
        return ""
    if not re.fullmatch(r"https?://[^\s\0?#]{1,500}", url):
        raise Rejected("notify_url 以http或https开头，不能带参数")
    return url


def get_split_contract(upload: Upload, message: GetSplitContract) -> Taken:
    """3.5: the contract by which a party gets a share; signed at its address."""
    if not 1 <= message.percent <= 30:
        raise Rejected("percent 为1到30的整数")
    known = upload.find(Kind.SPLITS, "")
    if known is not None and known.state == "bound":
        raise Rejected("分账方已绑定")
    detail = {"account_no": message.account_no, "account_name": message.account_name, "percent": message.percent}
    record = upload.put(Kind.SPLITS, "", state="unsigned", detail=detail)
    return Taken(SplitContract(state=1, errmsg="成功", contract_url=upload.page_url(record)), "成功")


def bind_split_receiver(upload: Upload, message: BindSplitReceiver) -> Taken:
    """3.6: bind the receiver once the contract is signed."""
    known = upload.find(Kind.SPLITS, "")
    if known is None or known.state == "unsigned":
        raise Rejected("分账合同未签署")
    upload.change(known, state="bound")
    return Taken(SplitReceiverBound(state=1, errmsg="成功"), "成功")


def query_escapes(upload: Upload, message: QueryEscapes) -> Taken:
    """3.8: what a plate left without paying, at any lot."""
    found = [_escaped(arrears) for arrears in stays.unpaid(upload.conn, message.car_number.strip())]
    return Taken(Escapes(state=1, errmsg=FOUND, escape_order=found), FOUND)


def _escaped(arrears: Record) -> EscapedOrder:
    detail = arrears.detail
    minutes = max(0, detail["out_time"] - detail["in_time"]) // 60
    return EscapedOrder(
        park_name=detail["park_name"],
        union_id=int(arrears.union_id),
        order_id=arrears.order_id,
        in_park_pic=detail.get("in_park_pic"),
        out_park_pic=detail.get("out_park_pic"),
        park_id=arrears.lot_id.partition("-")[2],
        car_number=arrears.car_number,
        in_time=detail["in_time"],
        out_time=detail["out_time"],
        money=yuan(arrears.fen),
        duration=f"{minutes // 1440}天{minutes // 60 % 24}小时{minutes % 60}分钟",
    )


def give_change(upload: Upload, message: GiveChange) -> Taken:
    """3.10: a red packet, from 1 yuan to below 100."""
    amount = fen(message.amount, "amount")
    if not SMALLEST_CHANGE <= amount < LARGEST_CHANGE:
        raise Rejected("找零金额大于等于1元且小于100元")
    if not _LETTERS.fullmatch(message.trade_no):
        raise Rejected("trade_no 为16到28位字母和数字")
    if upload.find(Kind.CHANGE, message.trade_no) is not None:
        raise Rejected("trade_no 重复")
    record = upload.add(
        Kind.CHANGE,
        message.trade_no,
        state="issued",
        order_id=(message.order_id or "").strip(),
        car_number=(message.car_number or "").strip(),
        fen=amount,
        detail={"notify_url": _usable_url(message.notify_url)},
    )
    link = RedPacketLink(url=upload.page_url(record))
    return Taken(RedPacket(state=1, errmsg="Success", data=link), "Success")


def take_reduction(upload: Upload, message: ChargingReduction) -> Taken:
    """3.11: what was really taken off for a charging order; again it replaces what was reported."""
    if message.platform_id not in tuple(ReducingPlatform) or message.calculation_method not in tuple(ReductionMethod):
        raise Rejected("platform_id 或 calculation_method 错误")
    if message.calculation_method == ReductionMethod.BY_TIME and message.duration is None:
        raise Rejected("duration 缺失")
    if message.calculation_method == ReductionMethod.BY_AMOUNT and message.reduce_amount is None:
        raise Rejected("reduce_amount 缺失")
    moment(message.out_time, "out_time")
    if not _ANY_NUMBER.fullmatch(message.start_charge_seq):
        raise Rejected("start_charge_seq 为1到64个字符")
    amount = fen(message.reduce_amount, "reduce_amount") if message.reduce_amount else 0
    upload.put(Kind.REDUCTIONS, message.start_charge_seq, car_number=message.car_number.strip(), fen=amount)
    return Taken(ChargingReductionTaken(state=1, errmsg="上传成功"), "上传成功")


def refund(upload: Upload, message: Refund) -> Taken:
    """4.2: give money back, no more than was paid. While it is pending the result follows by 5.6."""
    payment = upload.find(Kind.PAYMENTS, message.trade_no.strip())
    if payment is None or payment.state != "paid":
        raise Rejected("交易不存在或未支付")
    amount = fen(message.refund_money, "refund_money")
    given = [one for one in _refunds(upload, payment) if one.state != "failed"]
    if amount <= 0 or amount + sum(one.fen for one in given) > payment.fen:
        raise Rejected("退款金额超过可退金额")
    state = {"paid": "done"}.get(goes := upload.money_goes(), goes)
    record = upload.add(
        Kind.REFUNDS,
        upload.trade_no(),
        state=state,
        order_id=payment.order_id,
        car_number=payment.car_number,
        fen=amount,
        detail={
            "trade_no": payment.number,
            "reason": message.refund_reason or "",
            "channel": payment.detail.get("channel", 0),
            "notify_url": _usable_url(message.notify_url),
        },
    )
    said = {"done": (1, "退款成功"), "pending": (2, "退款中"), "failed": (0, "退款失败")}
    number, text = said[record.state]
    return Taken(RefundState(state=number, trade_no=payment.number, errmsg=text), text)


def _refunds(upload: Upload, payment: Record) -> list[Record]:
    c = kept.c
    found = records.select(upload.conn, c.lot_id == upload.lot_id, c.kind == Kind.REFUNDS.value)
    return [one for one in found if one.detail["trade_no"] == payment.number]


def query_payment(upload: Upload, message: QueryPayment) -> Taken:
    """4.3: whether an order, a renewal or a payment was paid."""
    purpose = {PaymentQuery.RENEWAL.value: "pass", PaymentQuery.PARKING.value: "parking"}.get(message.query_type or 0)
    if purpose is not None:
        if not message.trade_no:
            raise Rejected("trade_no 缺失")
        payment = upload.find(Kind.PAYMENTS, message.trade_no.strip())
        found = [payment] if payment is not None and payment.detail["purpose"] == purpose else []
    else:
        if not message.order_id or not message.car_number:
            raise Rejected("order_id 和 car_number 缺失")
        found = _payments_of(upload, message.order_id.strip())
        found = [one for one in found if one.car_number == message.car_number.strip()]
    return Taken(Payments(state=1, errmsg=FOUND, data=[_payment(upload, one) for one in found]), FOUND)


def _payment(upload: Upload, payment: Record) -> PaymentRecord:
    stay = stays.stay_of(upload.conn, payment.lot_id, payment.order_id)
    at_exit = payment.detail["purpose"] in ("exit", "etc", "code")
    return PaymentRecord(
        pay_state=_PAYMENT_STATES[payment.state],
        car_number=payment.car_number,
        order_id=payment.order_id,
        pay_type=payment.detail.get("pay_type", "scancode"),
        pay_scene=(PaymentPlace.EXIT if at_exit else PaymentPlace.PREPAY).value,
        pay_channel=payment.detail.get("channel", 0),
        in_time=stay.in_time or 0,
        out_time=stay.out_time,
    )


def _payments_of(upload: Upload, order_id: str, purpose: str = "") -> list[Record]:
    found = records.payments_of(upload.conn, upload.lot_id, order_id)
    return [one for one in found if not purpose or one.detail["purpose"] == purpose]


def query_withdrawals(upload: Upload, message: QueryWithdrawals) -> Taken:
    """4.4: the withdrawals of at most 31 days, newest first."""
    page, size = page_of(message.page, message.size)
    start, end = _day(message.start_time, "start_time"), _day(message.end_time, "end_time")
    if end - start >= _LONGEST_QUERY:
        end = start + _LONGEST_QUERY - timedelta(days=1)
    c = kept.c
    found = [
        one
        for one in records.select(upload.conn, c.lot_id == upload.lot.lot_id, c.kind == Kind.WITHDRAWALS.value)
        if start <= one.at.astimezone(stays.BEIJING).date() <= end
    ][::-1]
    data = [
        Withdrawal(
            withdraw_time=stays.written(one.at),
            amount=Decimal(yuan(one.fen)),
            auto_type=WithdrawalKind.MANUAL.value,
            daily_time=stays.written(one.at)[:10],
            daily_amount=Decimal(yuan(_daily(upload, one))),
            state=_WITHDRAWAL_STATES[one.state].value,
            pay_channel=0,
            card_number="6222000000000000",
            trade_no=one.number,
            remark={"done": "提现成功", "failed": "提现失败"}.get(one.state, "提现申请中"),
        )
        for one in found[(page - 1) * size : page * size]
    ]
    return Taken(Withdrawals(state=1, errmsg="请求成功", count=len(found), data=data), "请求成功")


def _daily(upload: Upload, withdrawal: Record) -> int:
    """What the report of a withdrawal's day comes to, in fen."""
    if (said := withdrawal.detail.get("daily_fen")) is not None:
        return int(said)
    begin = withdrawal.at.astimezone(stays.BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return records.taken_between(upload.conn, upload.lot.lot_id, begin, begin + timedelta(days=1))


def _day(text: str, field: str) -> date:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=stays.BEIJING).date()
    except ValueError:
        raise BadMessage(field, "is not yyyy-MM-dd") from None


TAKERS: dict[str, Taker] = {
    "3.3": renew_pass,
    "3.4": pay_parking,
    "3.5": get_split_contract,
    "3.6": bind_split_receiver,
    "3.7": pay_by_etc,
    "3.8": query_escapes,
    "3.9": pay_escape,
    "3.10": give_change,
    "3.11": take_reduction,
    "4.2": refund,
    "4.3": query_payment,
    "4.4": query_withdrawals,
}
