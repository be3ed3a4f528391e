"""How long ago something was written down, also when the wall clock was set back since.

What lies in the future was written by a clock that ran ahead: its age counts from when it was first met here, on the
clock that never steps. So it waits once more for as long as it may, and not for as long as the clock was set back.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta

from taigan.clock import Clock

SKEW = timedelta(seconds=5)
"""By so much the clocks of two machines, or of one at two looks, may differ."""
FORGOTTEN_AFTER = 600.0
"""Seconds after which what was not met again is forgotten."""


class Ages:
    """One for everything that one part of the platform looks at again and again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._met: dict[Hashable, tuple[float, float]] = {}  # first and last, on the clock that never steps

    def of(self, what: Hashable, since: datetime) -> timedelta:
        """How long it is since then; `what` names it from one look to the next."""
        age = self._clock.now() - since
        if age >= -SKEW:
            self._met.pop(what, None)
            return age
        now = self._clock.monotonic()
        first, _ = self._met.get(what, (now, now))
        if what not in self._met:
            self._met = {key: met for key, met in self._met.items() if now - met[1] < FORGOTTEN_AFTER}
        self._met[what] = (first, now)
        return timedelta(seconds=now - first)
