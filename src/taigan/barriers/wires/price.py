"""A price for a driver at an exit: in words, for screens that show text, and as it goes over a wire."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from taigan.barriers.barrier import Price

MINUTE = timedelta(minutes=1)


class ToldPrice(msgspec.Struct, frozen=True):
    """A `Price` in a message. `minutes` that have begun count, as on the bill; `code` is empty where there is none."""

    plate: str
    minutes: int
    due_fen: int
    text: str
    code: str = ""

    @classmethod
    def of(cls, price: Price) -> ToldPrice:
        """As it is sent."""
        return cls(price.plate, max(0, -(-price.parked // MINUTE)), price.due_fen, price.text, price.code)

    def price(self) -> Price:
        """As it was meant."""
        return Price(self.plate, timedelta(minutes=self.minutes), self.due_fen, self.text, self.code)


def in_words(price: Price) -> str:
    """The price as one sentence; a screen breaks it at its commas into plate, time, amount and what to do."""
    told = ToldPrice.of(price)
    due = f"{told.due_fen // 100}.{told.due_fen % 100:02d}"
    said = [told.plate, f"停车{_time(told.minutes)}", f"应付{due}元", told.text]
    return "，".join(clause for clause in said if clause)


def _time(minutes: int) -> str:
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    if days:
        return f"{days}天{hours}小时" if hours else f"{days}天"
    if hours:
        return f"{hours}小时{minutes}分" if minutes else f"{hours}小时"
    return f"{minutes}分"
