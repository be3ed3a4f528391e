"""What BoLink tells of things that the lot asked for: refunds (5.6). Kept first, then acted on, and answered 1."""

from __future__ import annotations

from taigan import bolink
from taigan.bolink import BadMessage, units
from taigan.bolink.callbacks import RefundResult, RefundResultTaken
from taigan.lot import texts
from taigan.lot.errands.refunds import RefundTold
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.room import Item
from taigan.lot.messages.money import LONGEST_TEXT, MoneyMessages
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

    async def _carry_out(self, item: Item[bytes], callback: Callback) -> Answered:
        body = await self._desk.do(item)
        return Answered(200, body, service_name=callback.envelope.service_name, state=1)


def text_of(callback: Callback) -> str:
    """The signed text, as it is kept."""
    return callback.text.decode("utf-8", "replace").replace("\x00", "\ufffd")[:LONGEST_TEXT]
