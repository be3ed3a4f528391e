"""How long to wait before trying again: longer each time, and never in step with everybody else."""

from __future__ import annotations

from random import Random


class Backoff:
    """Waits that double from `first` to `most` seconds, each with jitter between half and the whole of it."""

    def __init__(self, random: Random, *, first: float = 0.5, most: float = 30.0) -> None:
        self._random = random
        self._first = first
        self._most = most
        self._next = first

    def wait(self) -> float:
        """Seconds to wait now."""
        now, self._next = self._next, min(self._next * 2, self._most)
        return now * self._random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked: begin anew."""
        self._next = self._first
