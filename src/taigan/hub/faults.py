"""Faults on purpose: what a lot must withstand, played by BoLink's side while it runs."""

from __future__ import annotations

import enum
import random
import threading
from typing import Annotated

import msgspec


class FaultKind(enum.StrEnum):
    """What goes wrong."""

    ANSWER_LOST = "answer_lost"
    """A push: the lot did its work, the connection is cut before its answer is read."""
    ANSWER_LATE = "answer_late"
    """A push: the answer counts as arrived only after `seconds` (default: one second past `push_timeout`)."""
    SENT_TWICE = "sent_twice"
    """A push: the same bytes go out twice at once; the first answer counts."""
    UPLOAD_REFUSED = "upload_refused"
    """An upload: answered state 0 with `text`, nothing kept."""
    UPLOAD_500 = "upload_500"
    """An upload: answered HTTP 500, nothing kept."""
    UPLOAD_ANSWER_LOST = "upload_answer_lost"
    """An upload: accepted and kept, then the connection is cut in the middle of the answer."""
    HUB_DOWN = "hub_down"
    """Uploads: HTTP 503 before anything is read. Pushes and pages go on."""
    PAYMENT_PENDING = "payment_pending"
    """A payment or refund: answered 2; what becomes of it is for the admin to say, and follows by a push."""
    PAYMENT_FAILED = "payment_failed"
    """A payment or refund: it fails."""
    PUSH_LOST = "push_lost"
    """A push: it is lost on its way, the lot never hears of it."""
    PUSH_LATE = "push_late"
    """A push: it goes out only after `seconds` (default 10)."""
    PAYMENT_FAILED_AFTER = "payment_failed_after"
    """A payment message: a second later the same payment is told as failed (0 after 1)."""
    PAYMENT_FAILED_BEFORE = "payment_failed_before"
    """A payment message: first the payment is told as failed, a second later as it is (1 after 0)."""
    PAYMENT_OTHER_AMOUNT = "payment_other_amount"
    """A payment message: the amount is `fen` more (default: one less)."""
    PAYMENT_NO_TOTAL = "payment_no_total"
    """A payment message: the amount is left out."""
    PAYMENT_UNKNOWN_ORDER = "payment_unknown_order"
    """A payment message: about an order that nobody knows."""
    PAYMENT_UNREADABLE = "payment_unreadable"
    """A payment message: signed, but its fields cannot be read."""
    PAYMENT_CLOCK_OFF = "payment_clock_off"
    """A payment message: its times are `seconds` off (default ten minutes)."""
    CHARGE_LATE = "charge_late"
    """A 3.2 that asks for money: paid, and answered only after `seconds` (default 11)."""
    CHARGE_SLOW = "charge_slow"
    """A 3.2 that asks for money: answered 2 after ten seconds; paid, with 5.5, `seconds` later (default 30)."""
    CHARGE_TOLD_TOO = "charge_told_too"
    """A 3.2 that asks for money: answered 1, and 5.5 says so, too."""


MONEY_FAULTS = frozenset({FaultKind.PAYMENT_PENDING, FaultKind.PAYMENT_FAILED})
PUSH_FAULTS = frozenset(
    {FaultKind.ANSWER_LOST, FaultKind.ANSWER_LATE, FaultKind.SENT_TWICE, FaultKind.PUSH_LOST, FaultKind.PUSH_LATE}
)
CHARGE_FAULTS = frozenset({FaultKind.CHARGE_LATE, FaultKind.CHARGE_SLOW, FaultKind.CHARGE_TOLD_TOO})
BENDING_FAULTS = frozenset(
    {
        FaultKind.PAYMENT_FAILED_AFTER,
        FaultKind.PAYMENT_FAILED_BEFORE,
        FaultKind.PAYMENT_OTHER_AMOUNT,
        FaultKind.PAYMENT_NO_TOTAL,
        FaultKind.PAYMENT_UNKNOWN_ORDER,
        FaultKind.PAYMENT_UNREADABLE,
        FaultKind.PAYMENT_CLOCK_OFF,
    }
)


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One fault, for the next `times` messages that fit (`null`: until it is taken away).

    It fits a message when each of `lot_id`, `channel_id` and `service_name` is empty or the message's own. An upload
    has no service_name: it is named by its section (`"3.1"`) or the end of its path (`"addorder"`). `hub_down` strikes
    before the message is read, so only `service_name` can narrow it. With a `chance` below 1 it strikes that part of
    the messages that fit, at random.
    """

    kind: FaultKind
    times: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = 1
    lot_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    channel_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    service_name: Annotated[str, msgspec.Meta(max_length=64)] = ""
    seconds: Annotated[float, msgspec.Meta(ge=-3600, le=3600)] | None = None
    fen: Annotated[int, msgspec.Meta(ge=-(10**9), le=10**9)] = -1
    text: Annotated[str, msgspec.Meta(max_length=48)] = ""
    chance: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0

    def fits(self, lot_id: str, channel_id: str, names: tuple[str, ...]) -> bool:
        return (
            self.times != 0
            and self.lot_id in ("", lot_id)
            and self.channel_id in ("", channel_id)
            and self.service_name in ("", *names)
        )


class Faults:
    """The faults in force, in order; the first that fits a message strikes and is used up by one.

    Pushes ask from the event loop, uploads from the database's writer thread.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random()
        self._lock = threading.Lock()

    def set(self, faults: list[Fault], seed: int | None = None) -> None:
        """Put these in place of all before. The same `seed` makes the random ones strike the same messages again."""
        with self._lock:
            self._faults = list(faults)
            self._random = random.Random(seed)

    def left(self) -> list[Fault]:
        """Those that can still strike, with the times left."""
        with self._lock:
            return [fault for fault in self._faults if fault.times != 0]

    def strike(
        self, kinds: frozenset[FaultKind], *, lot_id: str = "", channel_id: str = "", names: tuple[str, ...]
    ) -> Fault | None:
        """The fault of one of these kinds that hits this message, if any."""
        with self._lock:
            for fault in self._faults:
                fits = fault.kind in kinds and fault.fits(lot_id, channel_id, names)
                if fits and (fault.chance == 1.0 or self._random.random() < fault.chance):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None
