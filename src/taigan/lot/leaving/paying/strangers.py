"""Who asks prices by typing plates: anybody may at the lot's own code, so nobody may type many.

What is remembered is one process's, bounded, and never written down.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from enum import Enum, auto

from taigan.clock import Clock

PLATES_AN_HOUR = 20
"""So many plates one payer may ask about in an hour."""
PAYERS_A_DAY = 10
"""When so many payers asked about one plate in a day, a person is told."""
HOUR, DAY = 3600.0, 86400.0
MOST_KEPT = 20_000


class Asking(Enum):
    """What is to be thought of a question: it is one of few, one too many, or a sign that somebody is being watched."""

    USUAL = auto()
    TOO_MANY = auto()
    WATCHED = auto()


class Strangers:
    """One per process. `kept`: so many payers, and so many plates, are remembered; the oldest are forgotten first."""

    def __init__(self, clock: Clock, *, kept: int = MOST_KEPT) -> None:
        self._clock = clock
        self._plates = _Seen(HOUR, PLATES_AN_HOUR, kept)
        self._payers = _Seen(DAY, PAYERS_A_DAY, kept)

    def asks(self, lot_id: str, payer: str, plate: str) -> Asking:
        """A payer (`pay_user_id`) types a plate at a lot's code. The same question again counts once."""
        now = self._clock.monotonic()
        if not self._plates.takes(payer, (lot_id, plate), now):
            return Asking.TOO_MANY
        before = self._payers.count((lot_id, plate), now)
        self._payers.takes((lot_id, plate), payer, now)
        reached = before < PAYERS_A_DAY <= self._payers.count((lot_id, plate), now)
        return Asking.WATCHED if reached else Asking.USUAL


class _Seen:
    """What was met beside each of at most `kept` things, at most `most` of it, and for how long."""

    def __init__(self, lasts: float, most: int, kept: int) -> None:
        self._lasts = lasts
        self._most = most
        self._kept = kept
        self._met: OrderedDict[Hashable, dict[Hashable, float]] = OrderedDict()

    def takes(self, of: Hashable, what: Hashable, now: float) -> bool:
        """Remember it; False, and nothing is remembered, where `most` others are."""
        self.count(of, now)
        met = self._met.setdefault(of, {})
        self._met.move_to_end(of)
        if len(self._met) > self._kept:
            self._met.popitem(last=False)
        if what not in met and len(met) >= self._most:
            return False
        met[what] = now
        return True

    def count(self, of: Hashable, now: float) -> int:
        """How much of it is remembered still."""
        met = {what: at for what, at in self._met.get(of, {}).items() if now - at < self._lasts}
        if of in self._met:
            self._met[of] = met
        return len(met)
