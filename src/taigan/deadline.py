"""The moment by which something must have happened; one object, from a request's first byte to the device's wire."""

from __future__ import annotations

from datetime import datetime, timedelta

from taigan.clock import Clock


class Deadline:
    """A last moment, by the wall clock or by the monotonic one, whichever comes first.

    The wall clock alone would give more time when it is set back; the monotonic one alone stands still while the
    machine is suspended. `at` is the moment on the wall clock as it was when the deadline was set.
    """

    def __init__(self, at: datetime, clock: Clock) -> None:
        self.at = at
        self._clock = clock
        self._until = clock.monotonic() + (at - clock.now()).total_seconds()

    @classmethod
    def within(cls, seconds: float, clock: Clock) -> Deadline:
        """So many seconds from now."""
        return cls(clock.now() + timedelta(seconds=seconds), clock)

    def later(self, seconds: float) -> Deadline:
        """Another one, so many seconds after this; before it, where they are less than 0."""
        other = Deadline(self.at, self._clock)
        other.at, other._until = self.at + timedelta(seconds=seconds), self._until + seconds
        return other

    def left(self) -> float:
        """Seconds that are left; not above 0 when it has passed."""
        return min((self.at - self._clock.now()).total_seconds(), self._until - self._clock.monotonic())

    def from_now(self) -> datetime:
        """When it is, on the wall clock as that is now."""
        return self._clock.now() + timedelta(seconds=self.left())

    @property
    def passed(self) -> bool:
        """Whether it is too late."""
        return self.left() <= 0
