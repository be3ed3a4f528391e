"""What every taker of an uplink is handed, and how it answers.

A taker is a function of one interface, listed by section in its module's `TAKERS`. It runs inside the transaction that
also keeps the arrival, and returns the answer; `Rejected` says no with a text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from taigan.bolink import Signature
from taigan.bolink.fields import Message
from taigan.hub.book import records
from taigan.hub.book.records import Kind, Record
from taigan.hub.book.registry import Lot
from taigan.hub.book.trail import Trail
from taigan.hub.faults import MONEY_FAULTS, FaultKind, Faults
from taigan.hub.rules import Rules
from taigan.hub.sending.postbox import Outbox


class Rejected(Exception):
    """The message is not accepted; the text says why."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A message whose signature holds, and where it stands."""

    conn: sa.Connection
    trail: Trail
    rules: Rules
    union_id: str
    of_lot: Lot | None  # none: the message is about the vendor as a whole, or about a lot that is not there yet
    text: bytes
    platform_name: str
    signature: Signature
    public_url: str
    new_code: Callable[[], str]
    faults: Faults
    names: tuple[str, ...]
    outbox: Outbox

    @property
    def lot(self) -> Lot:
        """The lot it is about."""
        if self.of_lot is None:
            raise Rejected("车场不存在")
        return self.of_lot

    @property
    def lot_id(self) -> str:
        """Empty for the vendor as a whole."""
        return self.of_lot.lot_id if self.of_lot is not None else ""

    def find(self, kind: Kind, number: str) -> Record | None:
        return records.find(self.conn, kind, self.union_id, self.lot_id, number)

    def add(self, kind: Kind, number: str, **more: Any) -> Record:
        """Keep something new of this lot, with the message."""
        values = {"data": self.text} | more
        return records.add(
            self.conn, self.trail, kind, self.union_id, self.lot_id, number, self.new_code() + self.new_code(), **values
        )

    def change(self, record: Record, **changed: Any) -> Record:
        return records.change(self.conn, self.trail, record, **changed)

    def put(self, kind: Kind, number: str, **more: Any) -> Record:
        """Keep something over what was known by this number."""
        known = self.find(kind, number)
        if known is None:
            return self.add(kind, number, **more)
        return self.change(known, **{"data": self.text} | more)

    def page_url(self, record: Record) -> str:
        """Where a person's browser goes about something that is kept."""
        return counter_url(self.public_url, record.code)

    def trade_no(self) -> str:
        """A number for money, of 24 digits."""
        number = int.from_bytes(hashlib.sha256(self.new_code().encode()).digest()) % 10**10
        return f"{self.trail.at:%Y%m%d%H%M%S}{number:010d}"

    def money_goes(self) -> str:
        """What becomes of a payment: `paid`, unless a fault says `pending` or `failed`."""
        return money_goes(self.faults, lot_id=self.lot_id, channel_id="", names=self.names)


def money_goes(faults: Faults, *, lot_id: str, channel_id: str, names: tuple[str, ...]) -> str:
    """What becomes of a payment: `paid`, unless a fault says `pending` or `failed`."""
    fault = faults.strike(MONEY_FAULTS, lot_id=lot_id, channel_id=channel_id, names=names)
    if fault is None:
        return "paid"
    return "pending" if fault.kind is FaultKind.PAYMENT_PENDING else "failed"


COUNTER_PATH = "/unionapi/counter"
"""The page where a person pays, signs or takes money."""


def counter_url(public_url: str, code: str) -> str:
    """The page of one thing that is kept."""
    return f"{public_url}{COUNTER_PATH}?v={code}"


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to an upload, and its text."""

    answer: Message
    text: str
    after: float = 0.0
    """Seconds to let pass before it is given."""


Taker = Callable[[Upload, Any], Taken]


def page_of(page: int | str | None, size: int | str | None, *, usual: int = 20, most: int = 100) -> tuple[int, int]:
    """The page asked for, from 1, and its size. Raises `Rejected`."""
    try:
        number, length = int(page or 1), int(size or usual)
    except ValueError:
        raise Rejected("分页参数错误") from None
    if not 1 <= number <= 10**9 or not 1 <= length <= most:
        raise Rejected(f"分页参数错误，每页最多{most}条")
    return number, length
