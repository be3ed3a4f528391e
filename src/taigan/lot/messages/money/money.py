"""Money that BoLink tells of: 5.3 and 5.5 are booked; what cannot be understood is kept all the same, and answered 1.

1 means kept; where it cannot be kept the router answers 503, and BoLink sends it again. 0 is never said.
"""

from __future__ import annotations

from typing import Any

from taigan import bolink
from taigan.bolink import BadMessage
from taigan.bolink.chapters.callbacks import ChargeResultTaken, PrepaymentTaken
from taigan.bolink.money import PaymentTold, number_in, order_in, payment_told
from taigan.bolink.units import yuan
from taigan.lot import texts
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.paying.money import Money
from taigan.lot.messages.router import Answered, Callback

LONGEST_TEXT = 64 * 1024


class MoneyMessages:
    """Handles the messages about money."""

    def __init__(self, desk: LeavingDesk) -> None:
        self._desk = desk

    async def prepaid(self, callback: Callback) -> Answered:
        """5.3: somebody paid inside the lot. Raises StorageError."""
        return await self._book(callback, "5.3")

    async def charged(self, callback: Callback) -> Answered:
        """5.5: what became of a payment at the exit. Raises StorageError."""
        return await self._book(callback, "5.5")

    async def unreadable(self, callback: Callback, section: str, error: BadMessage) -> Answered:
        """Keep a message that cannot be understood, with an alarm, and answer 1. Raises StorageError."""
        number, order_id = number_in(callback.text), order_in(callback.text)
        money = self._money(callback, section, _answer(section, callback, number, order_id, None))
        money.trade_no, money.unreadable = number, f"{error.field} {error.reason}"
        return await self._carry_out(money, callback)

    async def _book(self, callback: Callback, section: str) -> Answered:
        try:
            told = payment_told(section, callback.text)
        except BadMessage as error:
            return await self.unreadable(callback, section, error)
        money = self._money(callback, section, _answer(section, callback, told.trade_no, told.order_id, told))
        for field in PaymentTold.__struct_fields__:
            setattr(money, field, getattr(told, field))
        money.digest = callback.digest_under(told.trade_no)
        return await self._carry_out(money, callback)

    def _money(self, callback: Callback, section: str, answer: bytes) -> Money:
        lot_id = callback.lot.lot_id
        return Money(
            lot_id=lot_id,
            section=section,
            text=callback.text.decode("utf-8", "replace").replace("\x00", "\ufffd")[:LONGEST_TEXT],
            digest=callback.digest,
            received_at=callback.received_at,
            answer=answer,
            pictures=self._desk.pictures(lot_id),
        )

    async def _carry_out(self, money: Money, callback: Callback) -> Answered:
        body = await self._desk.do(money)
        return Answered(200, body, service_name=callback.envelope.service_name, state=1)


def _answer(section: str, callback: Callback, trade_no: str, order_id: str, told: PaymentTold | None) -> bytes:
    if section == "5.3":
        paid = yuan(told.fen if told is not None else 0)  # the answer must name an amount, understood or not
        answer: Any = PrepaymentTaken(
            state=1, park_id=callback.lot.park_id, order_id=order_id, prepay=paid, errmsg=texts.TAKEN
        )
    else:
        answer = ChargeResultTaken(
            service_name=callback.envelope.service_name,
            state=1,
            errmsg=texts.TAKEN,
            trade_no=trade_no or None,
            order_id=order_id or None,
        )
    return bolink.write(answer)
