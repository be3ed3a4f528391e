"""How fast uploads came: below 10 a second is what BoLink allows a lot."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

SECOND, LONGER = 1.0, 3.0
MOST_A_SECOND, MOST_IN_LONGER = 20, 30
"""What is counted is when uploads arrive, and the way there bunches them: in one second twice as many are let pass,
over three seconds no more than ten for each."""


class Pace(msgspec.Struct, frozen=True):
    """The most that came within one second and within three."""

    a_second: int
    in_three: int

    @property
    def allowed(self) -> bool:
        return self.a_second < MOST_A_SECOND and self.in_three < MOST_IN_LONGER


def pace_of(times: Sequence[float]) -> Pace:
    """The pace of what arrived at these times, in seconds."""
    ordered = sorted(times)
    return Pace(_most(ordered, SECOND), _most(ordered, LONGER))


def _most(ordered: Sequence[float], window: float) -> int:
    first, most = 0, 0
    for last, time in enumerate(ordered):
        while time - ordered[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most
