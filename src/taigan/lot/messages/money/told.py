"""What BoLink tells of money that the lot asked about: refunds (5.6), payments it placed (5.10, 5.11), arrears (5.9),
change (5.12). Kept first, then acted on, and answered 1.
"""

from __future__ import annotations

from decimal import Decimal

from taigan import bolink
from taigan.bolink import BadMessage, units
from taigan.bolink.chapters.callbacks import (
    ChangeNotice,
    ChangeNoticeTaken,
    EscapePaymentResult,
    EscapePaymentTaken,
    ParkingPaymentResult,
    ParkingPaymentTaken,
    RecoveredOrder,
    RecoveredOrderTaken,
    RefundResult,
    RefundResultTaken,
)
from taigan.lot import texts
from taigan.lot.errands.paying import ChangeTold, PlacedPaid
from taigan.lot.errands.refunds import RefundTold
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.room import Item
from taigan.lot.messages.money.money import LONGEST_TEXT, MoneyMessages
from taigan.lot.messages.router import Answered, Callback


class ToldMessages:
    """Handles them. What cannot be understood is kept as its text (`MoneyMessages.unreadable`), and answered 1."""

    def __init__(self, desk: LeavingDesk, money: MoneyMessages) -> None:
        self._desk = desk
        self._money = money

    async def refunded(self, callback: Callback) -> Answered:
        """5.6: what became of a refund. Raises StorageError."""
        try:
            told = bolink.read(callback.message, RefundResult)
            fen = units.fen(told.refund_money, "refund_money")
            if fen <= 0 or told.state not in (0, 1):
                raise BadMessage("refund_money", "is not above 0")
        except BadMessage as error:
            return await self._money.unreadable(callback, "5.6", error)
        answer = bolink.write(RefundResultTaken(state=1, errmsg=texts.TAKEN, trade_no=told.trade_no))
        item = RefundTold(
            lot_id=callback.lot.lot_id,
            text=text_of(callback),
            digest=callback.digest,
            received_at=callback.received_at,
            answer=answer,
            trade_no=told.trade_no.strip(),
            state=told.state,
            fen=fen,
            refund_time=str(told.refund_time),
            said=told.errmsg or "",
        )
        return await self._carry_out(item, callback)

    async def stay_paid(self, callback: Callback) -> Answered:
        """5.10: a payment for a stay that the lot placed has its result. Raises StorageError."""
        return await self._placed(callback, "5.10", ParkingPaymentResult)

    async def arrears_paid(self, callback: Callback) -> Answered:
        """5.11: arrears that the lot placed have their result. Raises StorageError."""
        return await self._placed(callback, "5.11", EscapePaymentResult)

    async def recovered(self, callback: Callback) -> Answered:
        """5.9: somebody paid what a stay left owing, without us. Raises StorageError."""
        try:
            told = bolink.read(callback.message, RecoveredOrder)
            fen = self._fen(told.total, "total", told.state)
            fee = units.fen(told.fee, "fee")
        except BadMessage as error:
            return await self._money.unreadable(callback, "5.9", error)
        number, order_id = told.trade_no.strip(), told.order_id.strip()
        answer = bolink.write(
            RecoveredOrderTaken(state=1, errmsg=texts.TAKEN, trade_no=told.trade_no, order_id=told.order_id)
        )
        item = self._item(callback, "5.9", answer, told.state, fen, max(0, fee), number, told.errmsg)
        item.order_id, item.plate = order_id[:64], told.car_number.strip()[:32]
        return await self._carry_out(item, callback)

    async def change_told(self, callback: Callback) -> Answered:
        """5.12: what became of change as a red packet. Raises StorageError."""
        try:
            told = bolink.read(callback.message, ChangeNotice)
            if told.state not in (0, 1, 2, 3):
                raise BadMessage("state", "is none of 0 to 3")
        except BadMessage as error:
            return await self._money.unreadable(callback, "5.12", error)
        item = ChangeTold(
            lot_id=callback.lot.lot_id,
            text=text_of(callback),
            digest=callback.digest,
            received_at=callback.received_at,
            answer=bolink.write(ChangeNoticeTaken(state=1, errmsg=texts.TAKEN, trade_no=told.trade_no)),
            trade_no=told.trade_no.strip(),
            state=told.state,
            said=told.errmsg,
        )
        return await self._carry_out(item, callback)

    async def _placed(
        self, callback: Callback, section: str, kind: type[ParkingPaymentResult] | type[EscapePaymentResult]
    ) -> Answered:
        try:
            told = bolink.read(callback.message, kind)
            fen = self._fen(told.amount, "amount", told.state)
            fee = units.fen(told.pay_platform_fee, "pay_platform_fee")
        except BadMessage as error:
            return await self._money.unreadable(callback, section, error)
        taken = ParkingPaymentTaken if section == "5.10" else EscapePaymentTaken
        answer = bolink.write(taken(state=1, trade_no=told.trade_no))
        item = self._item(
            callback, section, answer, told.state, fen, max(0, fee), told.trade_no.strip(), told.description or ""
        )
        return await self._carry_out(item, callback)

    def _item(
        self, callback: Callback, section: str, answer: bytes, state: int, fen: int, fee: int, number: str, said: str
    ) -> PlacedPaid:
        return PlacedPaid(
            lot_id=callback.lot.lot_id,
            section=section,
            text=text_of(callback),
            digest=callback.digest,
            received_at=callback.received_at,
            answer=answer,
            state=state,
            fen=fen,
            fee_fen=fee,
            trade_no=number[:64],
            said=said,
            pictures=self._desk.pictures(callback.lot.lot_id),
        )

    @staticmethod
    def _fen(amount: str | Decimal, field: str, state: int) -> int:
        """Raises BadMessage for an amount, or a state, that cannot be counted."""
        fen = units.fen(amount, field)
        if state not in (0, 1):
            raise BadMessage("state", "is neither 0 nor 1")
        if state == 1 and fen <= 0:
            raise BadMessage(field, "is not above 0")
        return fen

    async def _carry_out(self, item: Item[bytes], callback: Callback) -> Answered:
        body = await self._desk.do(item)
        return Answered(200, body, service_name=callback.envelope.service_name, state=1)


def text_of(callback: Callback) -> str:
    """The signed text, as it is kept."""
    return callback.text.decode("utf-8", "replace").replace("\x00", "\ufffd")[:LONGEST_TEXT]
