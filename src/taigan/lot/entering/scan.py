"""A driver's request at a lane, and what is decided about it."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from taigan import bolink
from taigan.barriers.barrier import LaneKey, Position
from taigan.bolink import units
from taigan.deadline import Deadline
from taigan.lot import texts
from taigan.storage.rows import Lift, Order


class Word(msgspec.Struct, frozen=True):
    """What BoLink says of a plate before it is let in."""

    refusal: str = ""  # why it is not
    reserved: bool = False  # a shared space is reserved for it
    arrears: int = 0  # its unpaid stays in this lot


class Scan(msgspec.Struct, kw_only=True):
    """One `nolicence_in_park` (5.7), verified, with what its lane's device reports at this moment.

    A plate that a camera read asks for entry in the same way: `origin` is `plate`, `licence` the plate.
    """

    origin: str = "scan"
    lot_id: str
    channel_id: str
    licence: str
    pay_user_id: str
    mobile: str
    order_id: str  # the request's own, where it has a usable one
    sent_at: datetime
    digest: str
    key_id: int
    received_at: datetime
    signature: str = ""  # which form of its text was signed: raw or compact
    answer_by: Deadline
    patient: bool = True  # may be held until its car reaches the loop
    online: bool = True
    position: Position | None = None
    held: bool = False
    at_hand: bool = True  # this process has the lane's device
    slowest_command: float = 0.0  # seconds a command may take to reach the lane's device
    word: Word = Word()
    begun: bool = False  # a transaction has begun to decide it: what it wrote may stand, whatever is heard of it
    decided: bool = False
    given_up: bool = False  # its answer was due before anybody knew what is decided

    @property
    def lane(self) -> LaneKey:
        return LaneKey(self.lot_id, self.channel_id)


class Next(enum.Enum):
    """What follows a decision."""

    ANSWER = enum.auto()  # it is final
    RAISE = enum.auto()  # raise the arm, then settle
    HOLD = enum.auto()  # nothing was written: wait for the car, then decide again
    SAME = enum.auto()  # the very same message is being worked on: wait for its answer


class Verdict(msgspec.Struct):
    """The decision about one scan."""

    next: Next
    state: int = 2
    answer: bytes = b""
    order: Order | None = None
    lift: Lift | None = None
    confirm: str = ""
    text: str = ""  # for the lane's screen; empty where it concerns somebody who is not at the lane
    welcome: str = ""  # on the screen in place of the welcome, once the car is in


def answer(state: int, text: str, car_number: str, now: datetime) -> bytes:
    """5.7's answer: bare JSON, `car_number` as received, `timetemp` now."""
    return bolink.write(
        bolink.NoPlateEntryAnswer(
            state=state, errmsg=texts.fitted(text), car_number=car_number, timestamp=units.seconds(now)
        )
    )
