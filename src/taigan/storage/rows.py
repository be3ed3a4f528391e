"""The rows that rules work with, field for field in the order of their table's columns."""

from __future__ import annotations

from datetime import datetime
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


class Alarm(msgspec.Struct):
    """Something a person should look at."""

    lot_id: str
    channel_id: str
    order_id: str
    at: datetime
    kind: str
    text: str
    event_id: str = ""  # the device's report that raised it


class Act(msgspec.Struct):
    """Something an operator did, and why."""

    lot_id: str
    at: datetime
    operator: str
    reason: str
    act: str


class Driver(msgspec.Struct):
    """How often a driver scanned since the last pass."""

    licence: str
    lot_id: str
    scans: int
    last_scan_at: datetime
