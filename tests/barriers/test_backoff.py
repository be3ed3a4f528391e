"""How long to wait before trying again."""

from __future__ import annotations

from random import Random

from taigan.barriers.backoff import Backoff


class Whole(Random):
    """Chance that gives the lowest or the highest it may."""

    def __init__(self, *, high: bool) -> None:
        super().__init__(1)
        self._high = high

    def uniform(self, a: float, b: float) -> float:
        return b if self._high else a


def test_waits_double_up_to_the_longest_and_begin_anew_once_it_worked() -> None:
    waits = Backoff(Whole(high=True), first=1.0, most=5.0)
    assert [waits.wait() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    waits.reset()
    assert [waits.wait() for _ in range(2)] == [1.0, 2.0]


def test_a_wait_is_between_half_and_the_whole_of_it() -> None:
    assert [Backoff(Whole(high=high), first=8.0).wait() for high in (False, True)] == [4.0, 8.0]


def test_by_default_it_begins_at_half_a_second_and_ends_at_half_a_minute() -> None:
    waits = Backoff(Whole(high=True))
    assert [waits.wait() for _ in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
