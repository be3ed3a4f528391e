"""Covered time agrees with counting second by second."""

from __future__ import annotations

import random

import pytest

from taigan.lot.tariff.cover import Cover

START, END = 3, 30


@pytest.mark.parametrize("seed", range(200))
def test_the_clock_of_a_partly_covered_stay_is_what_counting_says(seed: int) -> None:
    choose = random.Random(seed)
    stretches = [(begin, begin + choose.randint(-1, 8)) for begin in choose.choices(range(36), k=choose.randint(0, 5))]
    covered = {second for begin, until in stretches for second in range(begin, until)}
    counted = [second for second in range(START, END) if second not in covered]
    cover = Cover(START, END, stretches)

    assert [second for begin, until in cover.stretches for second in range(begin, until)] == sorted(
        covered & set(range(START, END))
    )
    assert all(until < begin for (_, until), (begin, _) in zip(cover.stretches, cover.stretches[1:], strict=False))
    for at in range(START, END + 1):
        assert cover.elapsed(at) == sum(second < at for second in counted)
    for elapsed in range(1, len(counted) + 3):
        assert cover.reached(elapsed) == (counted[elapsed - 1] + 1 if elapsed <= len(counted) else END)

    borders = sorted(choose.sample(range(START, END + 1), 4))
    within = [(borders[0], borders[1]), (borders[2], borders[3])]
    inside = [second for begin, until in within for second in range(begin, until) if second in counted]
    for amount in range(1, len(inside) + 2):
        found = cover.first(amount, within)
        assert [second for begin, until in found for second in range(begin, until)] == inside[:amount]
        assert all(begin < until for begin, until in found)
