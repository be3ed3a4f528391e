"""A command's last moment, held on both clocks."""

from __future__ import annotations

from datetime import datetime

from taigan.clock import Clock


class Deadline:
    """The moment after which a command is void, by the wall clock or by the monotonic one, whichever comes first.

    The wall clock alone would give a command more time when it is set back; the monotonic one alone knows nothing of
    the time before the command was handed over.
    """

    def __init__(self, at: datetime, clock: Clock) -> None:
        self.at = at
        self._clock = clock
        self._until = clock.monotonic() + (at - clock.now()).total_seconds()

    def left(self) -> float:
        """Seconds that are left; not above 0 when it has passed."""
        return min((self.at - self._clock.now()).total_seconds(), self._until - self._clock.monotonic())

    @property
    def passed(self) -> bool:
        """Whether the command is void."""
        return self.left() <= 0
