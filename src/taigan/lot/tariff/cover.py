"""Covered time: stretches of a stay in which the clocks of the tariff stand still."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

Stretch = tuple[int, int]


class Cover:
    """What of a stay is covered, and the clock that runs in the rest. Seconds since 1970, half open."""

    def __init__(self, start: int, end: int, stretches: Iterable[Stretch]) -> None:
        self._start = start
        self._end = end
        self.stretches: list[Stretch] = []
        for begin, until in sorted(stretches):
            begin, until = max(begin, start), min(until, end)
            if begin >= until:
                continue
            if self.stretches and begin <= self.stretches[-1][1]:
                self.stretches[-1] = (self.stretches[-1][0], max(until, self.stretches[-1][1]))
            else:
                self.stretches.append((begin, until))
        self._begins = [begin for begin, _ in self.stretches]
        self._elapsed: list[int] = []  # uncovered seconds from the start of the stay to the begin of each stretch
        self._covered = [0]  # covered seconds before each stretch; at the end, all
        for begin, until in self.stretches:
            self._elapsed.append(begin - start - self._covered[-1])
            self._covered.append(self._covered[-1] + until - begin)

    def elapsed(self, at: int) -> int:
        """Uncovered seconds from the start of the stay until then."""
        if not self._begins:
            return at - self._start
        passed = bisect_right(self._begins, at)
        over = passed and max(0, self.stretches[passed - 1][1] - at)
        return at - self._start - self._covered[passed] + over

    def reached(self, elapsed: int) -> int:
        """The first instant at which so many uncovered seconds have gone; the end of the stay if they never do."""
        passed = bisect_left(self._elapsed, elapsed)
        return min(self._start + elapsed + self._covered[passed], self._end)

    def first(self, amount: int, within: Iterable[Stretch]) -> list[Stretch]:
        """The first so many uncovered seconds of these stretches."""
        found = []
        for begin, until in within:
            for free_from, free_until in self._uncovered(begin, until):
                taken = min(amount, free_until - free_from)
                found.append((free_from, free_from + taken))
                amount -= taken
                if not amount:
                    return found
        return found

    def _uncovered(self, begin: int, until: int) -> Iterable[Stretch]:
        for covered_from, covered_until in self.stretches:
            if covered_until <= begin:
                continue
            if covered_from >= until:
                break
            if covered_from > begin:
                yield begin, covered_from
            begin = covered_until
        if begin < until:
            yield begin, until
