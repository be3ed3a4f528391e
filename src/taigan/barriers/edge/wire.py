"""What the platform and the edge in the lot say to each other, over one MQTT connection each.

Under `taigan/edge/{lot_id}`:

    beat                   from the edge      every few seconds: it is alive, and its own clock
    gone                   from the broker    the edge's last will
    ask                    to the edge        tell the whole picture, and every event nobody has acknowledged
    ack                    to the edge        these events are dealt with
    {channel_id}/command   to the edge
    {channel_id}/cancel    to the edge        drop this command, if it has not left for the device
    {channel_id}/outcome   from the edge
    {channel_id}/event     from the edge      again until it is acknowledged
    {channel_id}/state     from the edge
    {channel_id}/screen    to the edge

A command carries its deadline on the edge's own clock, worked out from the last beat: the beat was said before it was
heard, so the edge's "now" can only be later than the platform thinks, and no wrong wall clock lets a command live on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from taigan.barriers.barrier import Event, EventKind, LaneKey, Outcome, Position
from taigan.barriers.wires.price import ToldPrice

BEAT_EVERY = 5.0


def prefix(lot_id: str) -> str:
    """Where a lot's topics begin."""
    return f"taigan/edge/{lot_id}"


class Beat(msgspec.Struct, frozen=True):
    """The edge is alive. `clock` is its monotonic clock, which means something only within one `boot`."""

    boot: str
    clock: float
    at: datetime


class Ack(msgspec.Struct, frozen=True):
    """Events that are dealt with."""

    events: list[str]


class Command(msgspec.Struct, frozen=True):
    """A command, void after `until` on the clock of `boot`."""

    id: str
    command: Literal["open", "hold", "close"]
    boot: str
    until: float


class Cancel(msgspec.Struct, frozen=True):
    """The command of this id is not wanted any more."""

    id: str


class CommandOutcome(msgspec.Struct, frozen=True):
    """How a command ended."""

    id: str
    outcome: Outcome
    reason: str = ""


class LaneEvent(msgspec.Struct, frozen=True):
    """An `Event`, without the lane, which the topic names. It happened at `clock` of the edge's run `boot`."""

    event_id: str
    kind: EventKind
    at: datetime
    presence_id: str = ""
    plate: str = ""
    detail: str = ""
    code: str = ""
    seen: bool = False
    boot: str = ""
    clock: float = 0.0

    @classmethod
    def of(cls, event: Event, boot: str, clock: float) -> LaneEvent:
        """As it is sent."""
        return cls(
            event.event_id,
            event.kind,
            event.at,
            event.presence_id,
            event.plate,
            event.detail,
            event.code,
            event.seen,
            boot,
            clock,
        )

    def in_lane(self, lane: LaneKey, age: float) -> Event:
        """As the platform knows it, `age` seconds after it happened."""
        return Event(
            self.event_id,
            lane,
            self.kind,
            self.at,
            self.presence_id,
            self.plate,
            self.detail,
            self.code,
            age,
            self.seen,
        )


class LanePicture(msgspec.Struct, frozen=True):
    """What the edge's driver can see of a lane, and what it sees now."""

    acknowledges: bool
    position_seen: bool
    detector: bool
    slowest_command: float
    online: bool
    position: Position | None
    held: bool
    presence_id: str
    since: datetime | None
    last_heard: datetime | None
    commands: int
    errors: int
    extra: dict[str, str]


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a lane's screen shows: a price, or a text."""

    text: str = ""
    price: ToldPrice | None = None
