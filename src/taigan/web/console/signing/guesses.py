"""Slows down whoever guesses: by account, and by address. Nobody is told whether there is such an account."""

from __future__ import annotations

from collections import OrderedDict

from taigan.clock import Clock
from taigan.strangers import network

FORGOTTEN_AFTER = 900.0
"""Seconds without a wrong one after which all is forgiven."""
REMEMBERED = 10_000


class _Count:
    def __init__(self) -> None:
        self.wrong = 0
        self.last = 0.0
        self.until = 0.0


class Guesses:
    """After `free` wrong ones each further one costs twice as long a wait, at most `longest` seconds."""

    def __init__(self, clock: Clock, *, free: int, longest: float) -> None:
        self._clock = clock
        self._free = free
        self._longest = longest
        self._known: OrderedDict[str, _Count] = OrderedDict()

    def wait(self, key: str) -> int:
        """For how many whole seconds nothing is tried."""
        known = self._known.get(network(key))
        left = known.until - self._clock.monotonic() if known is not None else 0.0
        return int(left) + 1 if left > 0 else 0

    def wrong(self, key: str) -> None:
        """Note a wrong one."""
        now, key = self._clock.monotonic(), network(key)
        count = self._known.setdefault(key, _Count())
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        if now - count.last > FORGOTTEN_AFTER:
            count.wrong = 0
        count.wrong += 1
        count.last = now
        over = count.wrong - self._free
        if over > 0:
            count.until = now + min(self._longest, 2.0 ** min(over, 10))

    def right(self, key: str) -> None:
        """Forget the wrong ones."""
        self._known.pop(network(key), None)
