"""Each case is red against a lot that is broken in just that, and green against the good one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.defects import defects
from conformance.lots.good import GoodLot
from support.beside import beside
from support.stacks.judged import TRIES, judged
from taigan.conformance.catalogue import cases
from taigan.conformance.model import Level, Status

DEFECTS = defects()
DO_NOT_APPLY = ("5.7/17",)
AT_ONCE = 8
"""So many are judged beside each other: most of the time each waits for what must not come."""

Outcome = dict[str, Status]


async def outcome(broken: type[GoodLot], folder: Path) -> Outcome:
    """How the cases came out that have to be red. `also` are cases that give the recording something to look at."""
    chosen = {*broken.reddens, *getattr(broken, "also", ())}
    run = await judged(broken(), folder, *chosen, sms_check=getattr(broken, "sms_check", False))
    return {each.case.case_id: each.status for each in run.results if each.case.case_id in broken.reddens}


def red(broken: type[GoodLot]) -> Outcome:
    return dict.fromkeys(broken.reddens, Status.FAILED)


@beside
async def test_the_good_lot_is_green_in_every_case(tmp_path: Path) -> None:
    odd: dict[str, Any] = {}
    for _ in range(TRIES):
        run = await judged(GoodLot(), tmp_path)
        assert [result.case.case_id for result in run.results] == [case.case_id for case in cases()]
        odd = {
            result.case.case_id: [(check.name, check.got.en) for check in result.failures] or result.reason
            for result in run.results
            if result.status is not Status.PASSED and result.case.case_id not in DO_NOT_APPLY
        }
        if not odd:
            break
    assert odd == {}


@pytest.mark.parametrize("broken", DEFECTS, ids=lambda each: each.__name__)
@beside
async def test_a_broken_lot_is_red_where_it_is_broken(tmp_path: Path, broken: type[GoodLot]) -> None:
    for _ in range(TRIES):
        came_out = await outcome(broken, tmp_path)
        if came_out == red(broken):
            break
    assert came_out == red(broken)


def test_every_case_that_can_be_red_has_been_seen_red() -> None:
    seen = {case_id for broken in DEFECTS for case_id in broken.reddens}
    can = {case.case_id for case in cases() if case.level is not Level.INFO}
    assert can - seen == set()
