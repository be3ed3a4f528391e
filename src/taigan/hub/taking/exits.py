"""Exits (3.2): once each, settled when the money is there. Wallets and scanned codes are charged as they come."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from taigan.bolink import Entry, Exit, ExitTaken, fen, moment, read, seconds, yuan
from taigan.bolink.values import ExitPayment
from taigan.hub.book import records
from taigan.hub.book.records import Kind
from taigan.hub.book.tables import entries
from taigan.hub.faults import CHARGE_FAULTS, FaultKind
from taigan.hub.taking import arrangements, stays
from taigan.hub.taking.money import later, settlement
from taigan.hub.taking.uploads import Rejected, Taken, Taker, Upload

_ELECTRONIC = {ExitPayment.WALLET.value, ExitPayment.SWEEPCODE.value}
_DECIDED = 10.0
"""Seconds after which a payment platform that has not decided is not waited for (problem/689024)."""
_SETTLED, _LATE = 30.0, 11.0


def take_exit(upload: Upload, message: Exit) -> Taken:
    """3.2: an exit. Paid electronically it is settled when the money is there; until then it may come again."""
    moment(message.out_time, "out_time")
    amount = fen(message.total, "total")
    order_id, car_number = message.order_id.strip(), message.car_number.strip()
    if records.has_left(upload.conn, upload.lot.lot_id, order_id):
        return _exit_answer(1, stays.ALREADY_THERE)
    if message.pay_type == ExitPayment.ESCAPE:
        _keep_arrears(upload, message, amount)
    after = 0.0
    if message.pay_type in _ELECTRONIC:
        state, after = _charge(upload, message, amount)
        if state != "paid":
            return _exit_answer(2, "支付中", after) if state == "pending" else _exit_answer(0, "支付失败")
    stays.keep_exit(upload, order_id, car_number, message.out_channel_id or "", upload.text)
    return Taken(_settled(upload, message, amount), stays.TAKEN, after)


def _settled(upload: Upload, message: Exit, amount: int) -> ExitTaken:
    """The answer to an exit that is settled, as a public client quotes it; the document's own table was not seen."""
    order_id = message.order_id.strip()
    payments = records.payments_of(upload.conn, upload.lot_id, order_id)
    paid = next((one for one in payments if one.detail["purpose"] == "exit" and one.state == "paid"), None)
    answer = ExitTaken(
        state=1,
        errmsg=stays.TAKEN,
        order_id=order_id,
        car_number=message.car_number.strip(),
        total=yuan(amount),
        pay_type=message.pay_type,
    )
    if paid is None:
        return answer
    return msgspec.structs.replace(
        answer,
        trade_no=paid.number,
        pay_time=seconds(upload.trail.at),
        pay_channel=str(paid.detail["channel"]),
        arrive_money=yuan(amount),
        fee=yuan(0),
        account_type=1,
    )


def _exit_answer(state: int, text: str, after: float = 0.0) -> Taken:
    return Taken(ExitTaken(state=state, errmsg=text), text, after)


def _charge(upload: Upload, message: Exit, amount: int) -> tuple[str, float]:
    """Take the money for an exit: `paid`, `pending` or `failed`, and how long that takes to be known."""
    car_number = message.car_number.strip()
    if message.pay_type == ExitPayment.SWEEPCODE and not (message.auth_code or "").strip():
        raise Rejected("auth_code 缺失")
    if (
        message.pay_type == ExitPayment.WALLET
        and car_number not in arrangements.of_lot(upload.conn, upload.lot).auto_pay
    ):
        raise Rejected("该车牌不支持无感支付")
    if amount < 0:
        raise Rejected("total 错误")
    before = records.payments_of(upload.conn, upload.lot_id, message.order_id.strip())
    if any(one.detail["purpose"] == "exit" and one.state == "pending" for one in before):
        return "pending", 0.0
    channel_id = (message.out_channel_id or "").strip()
    fault = upload.faults.strike(CHARGE_FAULTS, lot_id=upload.lot_id, channel_id=channel_id, names=upload.names)
    slow = fault is not None and fault.kind is FaultKind.CHARGE_SLOW
    state = "pending" if slow else upload.money_goes()
    payment = upload.add(
        Kind.PAYMENTS,
        upload.trade_no(),
        state=state,
        order_id=message.order_id.strip(),
        car_number=car_number,
        fen=amount,
        detail={
            "purpose": "exit",
            "pay_type": message.pay_type,
            "out_channel_id": channel_id,
            "channel": 0,
        },
    )
    if fault is None or state == "failed":
        return state, 0.0
    if fault.kind is FaultKind.CHARGE_TOLD_TOO:
        settlement.tell(upload.outbox, payment)
        return state, 0.0
    if slow:
        later.settle_later(upload.conn, upload.trail, payment, "paid", _DECIDED + (fault.seconds or _SETTLED))
        return state, _DECIDED
    return state, _LATE if fault.seconds is None else fault.seconds


def _keep_arrears(upload: Upload, message: Exit, amount: int) -> None:
    if upload.find(Kind.ARREARS, message.order_id.strip()) is not None:
        return
    entered = upload.conn.execute(
        sa.select(entries.c.data).where(
            entries.c.lot_id == upload.lot_id, entries.c.order_id == message.order_id.strip()
        )
    ).scalar()
    entry = read(entered, Entry) if entered is not None else None
    upload.add(
        Kind.ARREARS,
        message.order_id.strip(),
        state="unpaid",
        order_id=message.order_id.strip(),
        car_number=message.car_number.strip(),
        fen=amount,
        detail={
            "park_name": upload.lot.name,
            "in_time": message.in_time or (entry.in_time if entry else message.out_time),
            "out_time": message.out_time,
            "in_park_pic": entry.inpark_img if entry else None,
            "out_park_pic": message.outpark_img,
        },
    )


TAKERS: dict[str, Taker] = {"3.2": take_exit}
