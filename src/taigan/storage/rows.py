"""The rows that rules work with, field for field in the order of their table's columns."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec


class Lot(msgspec.Struct, kw_only=False):
    """A parking lot of a vendor."""

    lot_id: str
    union_id: str
    park_id: str
    name: str
    time_zone: str
    contact: str
    spaces: int
    spaces_free: int
    emergency: bool
    sms_check: bool
    prepay_url: str = ""


class Lane(msgspec.Struct):
    """A lane of a lot."""

    lot_id: str
    channel_id: str
    direction: str
    policy: str
    confirm: str
    is_open: bool
    hours: str
    detector: bool
    barrier: dict[str, Any]
    entry_url: str
    loop_dead: bool
    held: bool = False


class Presence(msgspec.Struct):
    """One stay of one car on a lane's loop."""

    presence_id: str
    lot_id: str
    channel_id: str
    arrived_at: datetime
    ends_at: datetime | None = None
    left_at: datetime | None = None
    left_how: str | None = None


class Order(msgspec.Struct):
    """One stay of one car in the lot, from the request on."""

    lot_id: str
    order_id: str
    origin: str
    state: str
    waiting_for: str
    licence: str
    mark: str
    plate: str
    pay_user_id: str
    mobile: str
    channel_id: str
    presence_id: str | None
    told_state: int | None
    told_text: str
    requested_at: datetime
    in_at: datetime | None = None
    passed_at: datetime | None = None
    closed_at: datetime | None = None
    closed_why: str = ""
    superseded_by: str | None = None
    review: str = ""
    alarmed: str = ""
    vehicle: str = ""
    likeness: str = ""
    lift_id: str | None = None
    reserved: bool = False
    arrears: int = 0
    free_used: bool = False  # it gets no free minutes: its car had left a moment before it came

    @property
    def live(self) -> bool:
        """Whether it holds a space."""
        return self.state in ("waiting", "in")


class Lift(msgspec.Struct):
    """One command to a barrier, written before it is sent."""

    lot_id: str
    lift_id: str
    channel_id: str
    order_id: str | None
    command: str
    cause: str
    actor: str
    reason: str
    intended_at: datetime
    deadline: datetime
    outcome: str | None = None
    outcome_at: datetime | None = None
    detail: str = ""
    purpose: str = ""
    presence_id: str | None = None
    taken_at: datetime | None = None
    via: str = ""


class Message(msgspec.Struct):
    """A callback that was taken in, and the answer it got."""

    digest: str
    lot_id: str
    received_at: datetime
    key_id: int
    order_id: str | None = None
    answer: bytes | None = None


class OrderEvent(msgspec.Struct):
    """One step in the life of an order."""

    lot_id: str
    order_id: str
    at: datetime
    event: str
    actor: str = ""
    detail: str = ""
    via: str = ""


class Delivery(msgspec.Struct):
    """Something owed to BoLink."""

    lot_id: str
    order_id: str
    section: str
    payload: str
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime


class SpaceChange(msgspec.Struct):
    """The free spaces were corrected, or a car passed without an order."""

    lot_id: str
    at: datetime
    spaces_free: int
    cause: str
    actor: str = ""
    reason: str = ""
    via: str = ""


class Alarm(msgspec.Struct):
    """Something a person should look at, and who sees to it."""

    lot_id: str
    channel_id: str
    order_id: str
    at: datetime
    kind: str
    text: str
    event_id: str = ""  # the device's report that raised it
    state: str = "open"
    actor: str = ""
    note: str = ""
    via: str = ""
    changed_at: datetime | None = None
    until: datetime | None = None


class Act(msgspec.Struct):
    """Something an operator did, and why."""

    lot_id: str
    at: datetime
    operator: str
    reason: str
    act: str
    via: str = ""  # the token it came by


class Driver(msgspec.Struct):
    """How often a driver scanned since the last pass."""

    licence: str
    lot_id: str
    scans: int
    last_scan_at: datetime


class Departure(msgspec.Struct):
    """One car's stay in one exit lane. Until it is released it is asking (no order) or due; it ends once."""

    lot_id: str
    presence_id: str
    channel_id: str
    order_id: str
    plate: str
    charge_at: datetime
    released_at: datetime | None = None
    released_by: str = ""
    actor: str = ""
    reason: str = ""
    alarmed: str = ""
    ended_at: datetime | None = None
    ended_how: str = ""
    via: str = ""


class Quote(msgspec.Struct):
    """A price that was told or taken. Whoever pays it until `valid_until` owes nothing until he must have left."""

    lot_id: str
    quote_no: str
    order_id: str
    presence_id: str
    asked_at: datetime
    charge_at: datetime
    charge_fen: int
    reduced_fen: int
    credited_fen: int
    due_fen: int
    price_list: int | None
    valid_until: datetime
    answer: bytes = b""


class MoneyNotice(msgspec.Struct):
    """What BoLink said of money, as it said it."""

    lot_id: str
    section: str
    trade_no: str
    digest: str
    text: str
    received_at: datetime
    outcome: str
    payment_id: str
    answer: bytes


class Payment(msgspec.Struct):
    """Money for a stay, in whatever way; a stray while no order fits. One row for each giver of a number and number."""

    lot_id: str
    payment_id: str
    giver: str
    trade_no: str
    order_id: str
    quote_no: str
    attempt_no: str
    way: str
    state: str
    fen: int
    fee_fen: int
    paid_at: datetime
    received_at: datetime
    plate: str = ""
    shift_id: str = ""
    note: str = ""


class Bill(msgspec.Struct):
    """What an order comes to. `charge_fen` is agreed by the payment that settled it, or final once it is closed."""

    lot_id: str
    order_id: str
    charge_fen: int | None = None
    reduced_fen: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0
    set_fen: int | None = None
    waived_fen: int = 0
    leave_by: datetime | None = None
    price_list: int | None = None
    awaited: bool = False
    closed_at: datetime | None = None

    @property
    def credited_fen(self) -> int:
        """What was paid and not given back."""
        return self.paid_fen - self.refunded_fen

    @property
    def balance_fen(self) -> int:
        """Above 0: owed, once the bill is closed. Below 0: surplus. 0 while nothing is agreed."""
        return 0 if self.charge_fen is None else self.charge_fen - self.reduced_fen - self.credited_fen


class Reduction(msgspec.Struct):
    """Something that makes a stay cheaper: minutes, a percentage, an amount, all of it, a window, a waiver."""

    lot_id: str
    reduction_id: str
    source: str
    number: str
    kind: str
    value: int
    starts_at: datetime | None
    ends_at: datetime | None
    order_id: str
    actor: str
    reason: str
    at: datetime
    ended_at: datetime | None = None
    via: str = ""


class Attempt(msgspec.Struct):
    """A payment that the lot starts."""

    lot_id: str
    attempt_no: str
    order_id: str
    presence_id: str
    quote_no: str
    way: str
    fen: int
    started_at: datetime
    deadline: datetime
    state: str
    said: str = ""


class Shift(msgspec.Struct):
    """A person's time at a booth, with the cash counted at both ends."""

    lot_id: str
    shift_id: str
    person: str
    booth: str
    opened_at: datetime
    opening_fen: int
    closed_at: datetime | None = None
    counted_fen: int | None = None
    expected_fen: int | None = None
    note: str = ""
    via: str = ""
    closed_via: str = ""


class Pass(msgspec.Struct):
    """A pass (月卡): its plates leave without paying between two moments.

    `spaces`: how many its plates share (0: each has its own); `areas`: only there, by their numbers, blanks between;
    `hours`: only then, as 22:00-08:00, blanks between; `days`: only on those, as mon or workday, blanks between;
    `grace_days`: so long after its end it still holds (None: as long as the lot says).
    """

    lot_id: str
    card_id: str
    holder: str
    starts_at: datetime
    ends_at: datetime
    actor: str
    reason: str
    at: datetime
    ended_at: datetime | None = None
    via: str = ""
    spaces: int = 0
    areas: str = ""
    hours: str = ""
    days: str = ""
    grace_days: int | None = None


class PassLimit(msgspec.Struct, frozen=True):
    """An area or times that passes may be limited to, or for how long after their end they hold. `body`: the lanes
    that lead into it; the days and the hours; the days of grace, whose number is empty.
    """

    lot_id: str
    kind: str  # area, hours, grace
    number: str
    name: str
    body: str


class PassPlate(msgspec.Struct):
    """A plate of a pass."""

    lot_id: str
    card_id: str
    plate: str


class Errand(msgspec.Struct):
    """Something that BoLink is asked to do, once."""

    lot_id: str
    errand_id: str
    section: str
    number: str
    about: str
    order_id: str
    fen: int | None
    state: str
    said: str
    detail: str
    actor: str
    reason: str
    via: str
    approved_by: str
    at: datetime
    deadline: datetime | None
    changed_at: datetime

    @property
    def details(self) -> dict[str, Any]:
        """What `detail` holds."""
        found: dict[str, Any] = msgspec.json.decode(self.detail)
        return found

    def keep(self, **details: Any) -> None:
        """Add to `detail`."""
        self.detail = msgspec.json.encode(self.details | details).decode()


class Difference(msgspec.Struct):
    """Something in which the lot's books and BoLink's are not the same."""

    lot_id: str
    difference_id: str
    day: date
    kind: str
    number: str
    order_id: str
    ours_fen: int | None
    theirs_fen: int | None
    state: str
    found_at: datetime
    actor: str = ""
    reason: str = ""
    ended_at: datetime | None = None


class Reconciliation(msgspec.Struct):
    """A day of a lot held against what BoLink has of it."""

    lot_id: str
    day: date
    began_at: datetime
    ended_at: datetime | None = None
    actor: str = ""
    orders: int = 0
    payments: int = 0
    withdrawals: int = 0
    parked: int = 0
    differences: int = 0
    said: str = ""
