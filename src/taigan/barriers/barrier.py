"""What a barrier is to the lot platform: commands with a deadline and an outcome, and a stream of events.

The rule above all is "accepted is not up" (`ACCEPTED` says that the device took the command). "Up" is known only from
a position report or from the loop being left. A pulse that is `UNCERTAIN` may already have opened the arm, so nobody
repeats it by itself.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from taigan.barriers.words import clean


class Outcome(enum.StrEnum):
    """How a command ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"


class Position(enum.StrEnum):
    """Where the arm is, as last reported."""

    CLOSED = "closed"
    RISING = "rising"
    OPEN = "open"
    FALLING = "falling"
    UNKNOWN = "unknown"


class EventKind(enum.StrEnum):
    """What can happen in a lane."""

    ARRIVED = "arrived"  # a car is on the loop; `presence_id` names its stay
    PASSED = "passed"  # the car of `presence_id` drove through
    BACKED_OUT = "backed_out"  # the car of `presence_id` is gone, and is not known to have driven through
    SECOND_CAR = "second_car"  # a car followed through on the same lift; `presence_id` names it
    STAYED = "stayed"  # the car of `presence_id` stands under the arm
    PLATE = "plate"  # a camera read `plate` for the car of `presence_id`
    SCANNED_CODE = "scanned_code"  # a scanner in the lane read `code`, from a phone or a paper
    READ_TAG = "read_tag"  # an ETC antenna read the tag of the car with `plate`; `detail` names the antenna
    RISING = "rising"
    UP = "up"
    FALLING = "falling"
    DOWN = "down"
    FAULT = "fault"  # the device reports a fault, in `detail`
    WARNING = "warning"  # the device works, and a person should look at it, for what is in `detail`
    ONLINE = "online"
    OFFLINE = "offline"


class LaneKey(NamedTuple):
    """A lane, named as the whole platform names it."""

    lot_id: str
    channel_id: str

    def __str__(self) -> str:
        return f"{self.lot_id}/{self.channel_id}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something a device reported. Delivered at least once, to every process: handling one twice must change nothing.

    `event_id` is the same for every delivery of one event. `at` is what the device's clock says; nothing is decided or
    billed by it. `age` is for how many seconds the event was kept back before it came here, where that is known.

    A BACKED_OUT is `seen` when a second loop or the device itself saw the car go back; else nobody saw which way it
    went.
    """

    event_id: str
    lane: LaneKey
    kind: EventKind
    at: datetime
    presence_id: str = ""
    plate: str = ""
    detail: str = ""
    code: str = field(default="", repr=False)  # whoever knows a payment code can charge it: never in a log
    age: float = 0.0
    seen: bool = False

    def __post_init__(self) -> None:
        for name in ("event_id", "presence_id", "plate", "detail", "code"):
            object.__setattr__(self, name, clean(getattr(self, name)))


class Why(enum.StrEnum):
    """When a picture was taken."""

    PLATE = "plate"  # a plate was read
    LIFT = "lift"  # the arm was raised
    PASSAGE = "passage"  # the car drove through


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that a lane's camera took: a JPEG or PNG as the device sent it, which nobody has looked into yet.

    `photo_id` is the same in every process that hears it. `presence_id` is the car on the loop, empty for none.
    """

    photo_id: str
    lane: LaneKey
    at: datetime
    why: Why
    data: bytes = field(repr=False)
    presence_id: str = ""
    plate: str = ""


PhotoSink = Callable[[Photo], None]
"""Takes a picture, at once: what becomes of it is nothing that a driver waits for."""


def unseen(photo: Photo) -> None:
    """Where nobody keeps pictures."""


EventSink = Callable[[Event], Awaitable[None]]
"""Takes an event and returns when what it changes is committed. Raises when it could not be: then nobody may take it
for dealt with. `WatchedElsewhere` among them is nothing to complain of."""


class WatchedElsewhere(Exception):
    """Another process watches the lane: it stores the event and acknowledges it."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a command and, where it is not `ACCEPTED`, the reason in words.

    A device's own words are made fit to keep, as in an `Event`.
    """

    outcome: Outcome
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", clean(self.reason))


@dataclass(frozen=True, slots=True)
class Sight:
    """What a kind of device can and cannot see. The lane's default `confirm` follows from it."""

    acknowledges: bool  # it answers a command
    position: bool  # it reports where the arm is
    detector: bool  # it reports cars on the loop and cars that passed
    slowest_command: float = 0.0  # seconds a command may take to reach the device
    tells_events: bool = False  # it names its cars and tells events, alike to every process; else we make them here


@dataclass(slots=True)
class LaneState:
    """The driver's present picture of its lane, kept up to date by the driver."""

    online: bool = False
    position: Position | None = None  # None: this device never reports one
    held: bool = False  # held open on purpose
    presence_id: str = ""  # the car on the loop, empty when there is none
    since: datetime | None = None  # when that car came
    last_heard: datetime | None = None
    last_command: datetime | None = None
    commands: int = 0
    errors: int = 0
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Price:
    """What the driver of a car at an exit is asked for.

    `due_fen` is in fen. `text` says what to do. `code` is the text of a QR code that pays it, empty for none.
    """

    plate: str
    parked: timedelta
    due_fen: int
    text: str
    code: str = ""


class Screen(Protocol):
    """The display and the voice beside a lane."""

    async def show(self, text: str) -> None:
        """Show and speak a short text, and nothing of what was there. Best effort: never raises, never delays a car."""

    async def ask(self, price: Price) -> None:
        """Ask for a price: plate, time and amount, and its code where the device can show one. Best effort."""


class NoScreen:
    """The screen of a lane that has none."""

    async def show(self, text: str) -> None:
        """Show nothing."""

    async def ask(self, price: Price) -> None:
        """Ask for nothing."""


class Barrier(Protocol):
    """One lane's barrier. A driver implements this and reports through the `EventSink` it was built with.

    Commands return within their deadline: past it, a command that surely never left is `REJECTED`, any other is
    `UNCERTAIN`. They never raise. No driver repeats a command by itself.
    """

    @property
    def sight(self) -> Sight:
        """What this device can see."""

    @property
    def state(self) -> LaneState:
        """The last known picture of the lane."""

    @property
    def screen(self) -> Screen:
        """The lane's display; one that shows nothing where there is none."""

    async def open(self, command_id: str, deadline: datetime) -> Result:
        """Raise the arm once. `command_id` is the lift's id; the command is void after `deadline` (aware UTC)."""

    async def hold(self, command_id: str, deadline: datetime) -> Result:
        """Raise the arm and keep it up until `close`."""

    async def close(self, command_id: str, deadline: datetime) -> Result:
        """Lower the arm (and end a hold)."""

    async def cancel(self, command_id: str) -> None:
        """Drop a command that has not left for the device: it ends as `REJECTED`. One that has left is not touched."""

    def adopt(self, presence_id: str, since: datetime | None) -> None:
        """Go on with the car that is known to be on the loop, empty for none: this process begins to watch the lane."""

    async def start(self) -> None:
        """Connect and begin to report. Returns at once when the device is not there; reconnecting is the driver's."""

    async def stop(self) -> None:
        """Disconnect and release everything. Idempotent."""
