"""What the loops and the arm of a lane mean: from raw signals to cars that came, drove through or went back.

Pure: no I/O and no clock; every signal is handed in with its moment on a monotonic clock, in seconds. A lane has a loop
before the arm, and may have a second one under it. With one loop, a car that leaves it while the arm is up, or may be
up, drove through; of one that leaves it while the arm is not known to be up it is said that it backed out, unseen.
With two, the loop that it left last tells the direction, once the second one is known to work.

What one loop cannot tell: a car that backs out under a raised arm looks like one that passed, and two cars nose to tail
look like one long car. And a lift that nobody told of here looks like none.
"""

from __future__ import annotations

from dataclasses import dataclass

from taigan.barriers.barrier import EventKind, Position

_NEWS = {
    Position.RISING: EventKind.RISING,
    Position.OPEN: EventKind.UP,
    Position.FALLING: EventKind.FALLING,
    Position.CLOSED: EventKind.DOWN,
}


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened in the lane; `presence_id` is empty where it is about the arm.

    `seen`: of a car that backed out, whether the direction was.
    """

    kind: EventKind
    presence_id: str = ""
    seen: bool = False


class LaneSignals:
    """The state of one lane, as its signals tell it.

    `two_loops`: there is a second loop under the arm. `ends_only`: the arm is reported when it is up or down, not while
    it moves; then it is taken to rise after a command and to fall after a car. `travel`: the longest that may take, in
    seconds. `lowers_after`: seconds after a car passed in which an arm whose
    position nobody reports is still taken to be up. `stays_after`: seconds under a raised arm after which a car stays.
    `crossing`: seconds a car may need from the first loop to the second.
    """

    def __init__(
        self,
        *,
        two_loops: bool = False,
        ends_only: bool = False,
        travel: float = 8.0,
        lowers_after: float = 6.0,
        stays_after: float = 60.0,
        crossing: float = 5.0,
    ) -> None:
        self._two_loops = two_loops
        self._ends_only = ends_only
        self._travel = travel
        self._lowers_after = lowers_after
        self._stays_after = stays_after
        self._crossing_time = crossing
        self._reported: Position | None = None
        self._moving: tuple[Position, float] | None = None  # taken to move so, and since when
        self._before = ""  # the announced car on the loop before the arm
        self._below = ""  # the car on the loop under the arm
        self._below_works = False  # the loop under the arm was lit before
        self._was_below = False  # the announced car may have been under the arm: it need not be there any more
        self._queued = ""  # a car on the loop before the arm that waits behind the one below; not announced yet
        self._crossing = ""  # a car that left the first loop and has not reached the second
        self._crossing_since = 0.0
        self._since = 0.0
        self._held = False
        self._lifted_at: float | None = None  # the last lift that position reports have not overtaken
        self._lift_certain = True
        self._passes = 0  # on this lift
        self._last_pass = 0.0
        self._stayed = False

    @property
    def position(self) -> Position | None:
        """Where the arm is, as reported or as it must be moving; None when nobody ever reported it."""
        return self._moving[0] if self._moving else self._reported

    @property
    def present(self) -> str:
        """The presence_id of the announced car that is in the lane, empty when there is none."""
        return self._before or self._below or self._crossing

    def may_be_up(self, at: float) -> bool:
        """Whether a car could drive through now, as far as anyone can tell."""
        if self._held:
            return True
        if self._reported in (Position.RISING, Position.OPEN, Position.FALLING):
            return True
        if self._lifted_at is None:
            return False
        if self._reported is Position.CLOSED and self._lift_certain:
            return False  # it took the command and its arm is still reported down: a locked gate
        return self._passes == 0 or at - self._last_pass <= self._lowers_after

    def lifted(self, at: float, *, certain: bool = True) -> None:
        """A command to raise the arm was taken; not `certain` when nothing came back and it may have been."""
        self._lifted_at = at
        self._lift_certain = certain
        self._passes = 0
        if self._ends_only and self._reported is Position.CLOSED:
            self._moving = (Position.RISING, at)

    def hold(self, held: bool) -> None:
        """The arm is kept up on purpose, or no longer."""
        self._held = held
        if not held:
            self._lifted_at = None

    def loop(self, on: bool, at: float, presence_id: str) -> list[Happened]:
        """The loop before the arm. `presence_id` names a car that comes; it is not used otherwise."""
        return self._arrives(at, presence_id) if on else self._leaves(at)

    def under(self, on: bool, at: float, presence_id: str) -> list[Happened]:
        """The loop under the arm. `presence_id` names a car that the first loop did not see."""
        if on:
            self._below_works = True
            if self._below:
                return []
            self._below = self._before or self._crossing
            self._crossing = ""
            self._was_below = True
            if self._below:
                return []
            self._below = presence_id
            self._arrived(at)
            return [Happened(EventKind.ARRIVED, presence_id)]
        if not self._below and self._crossing:  # that it was lit was not heard
            car, self._crossing = self._crossing, ""
            return [self._through(car, at)]
        if not self._below:
            self._was_below = True
            return []
        car, self._below = self._below, ""
        if car == self._before:
            return []  # it rolled back onto the first loop
        happened = [self._through(car, at)]
        if self._queued:
            self._before, self._queued = self._queued, ""
            self._arrived(at)
            happened.append(Happened(EventKind.ARRIVED, self._before))
        return happened

    def arm(self, position: Position, at: float) -> list[Happened]:
        """The arm's position as reported. A repeated report says nothing new."""
        if position is self._reported:
            return []
        rose = position in (Position.RISING, Position.OPEN) and self._reported not in (Position.RISING, Position.OPEN)
        self._reported = position
        self._moving = None
        if rose:
            self._passes = 0
        if position is Position.CLOSED:
            self._lifted_at = None
            self._passes = 0
        return [Happened(_NEWS[position])] if position in _NEWS else []

    @property
    def reported(self) -> Position | None:
        """Where the arm is, as last reported."""
        return self._reported

    def rename(self, present: str) -> None:
        """The announced car in the lane has this name."""
        before = self.present
        self._before, self._below, self._crossing = (
            present if car == before and car else car for car in (self._before, self._below, self._crossing)
        )

    def adopt(self, position: Position | None, present: str) -> None:
        """Take over a picture that was made elsewhere."""
        self._reported = position
        self._moving = None
        self._was_below = True
        self._before, self._below, self._crossing, self._queued = present, "", "", ""

    def lost(self) -> None:
        """The device went away: where its arm is now is unknown, where it ever told."""
        self._moving = None
        if self._reported is not None:
            self._reported = Position.UNKNOWN

    def tick(self, at: float) -> list[Happened]:
        """What has come to pass by time alone."""
        happened = []
        if self._moving and at - self._moving[1] > self._travel:
            self._moving = None  # it never got there: what was reported last stands
        if self._crossing and at - self._crossing_since > self._crossing_time:
            happened.append(self._back(self._crossing, seen=self._below_works and not self._was_below))
            self._crossing = ""
        car = self._below if self._two_loops else self._before
        since = max(self._since, self._lifted_at or self._since)
        if car and not self._stayed and self.may_be_up(at) and at - since > self._stays_after:
            self._stayed = True
            happened.append(Happened(EventKind.STAYED, car))
        return happened

    def _arrives(self, at: float, presence_id: str) -> list[Happened]:
        if self._before or self._queued:
            return []
        if self._crossing:  # loops lie closer than a car is long: it is the same one
            self._before, self._crossing = self._crossing, ""
            return []
        if self._below:
            self._queued = presence_id
            return []
        self._before = presence_id
        self._arrived(at)
        return [Happened(EventKind.ARRIVED, presence_id)]

    def _leaves(self, at: float) -> list[Happened]:
        self._queued = ""
        car, self._before = self._before, ""
        if not car or car == self._below:
            return []
        never_raised = self._lifted_at is None and not self.may_be_up(at)
        if self._two_loops and not never_raised:  # wherever the arm is said to be: a report may have been lost
            self._crossing, self._crossing_since = car, at
            return []
        return [self._through(car, at) if self.may_be_up(at) else self._back(car)]

    def _arrived(self, at: float) -> None:
        self._since = at
        self._stayed = self._was_below = False

    def _back(self, car: str, *, seen: bool = False) -> Happened:
        return Happened(EventKind.BACKED_OUT, car, seen)

    def _through(self, car: str, at: float) -> Happened:
        self._passes += 1
        self._last_pass = at
        if self._ends_only and self._reported is Position.OPEN and not self._held:
            self._moving = (Position.FALLING, at)
        followed = self._passes > 1 and not self._held
        return Happened(EventKind.SECOND_CAR if followed else EventKind.PASSED, car)
