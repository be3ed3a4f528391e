"""Lots that are judged beside each other: taigan's own lot, as real processes, does all that it claims; the good lot is
green in each case; a broken one is red where it is broken.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.defects import defects
from conformance.lots.good import GoodLot
from support.beside import beside
from support.stacks.judged import TRIES, judged
from support.stacks.own_lot import judged_own_lot
from taigan.conformance.catalogue import cases
from taigan.conformance.model import Level, Status
from taigan.conformance.verdict.known import apply_known
from taigan.conformance.verdict.summary import summary_of

DEFECTS = defects()
KNOWN = {
    "5.7/07": "an entry without an exit is left to a person's review; BoLink is told nothing of it",
}
LEFT_OUT = ("5.7/14", "3.1/05", "3.1/06")
"""Kills and long outages: tests/crash does these, many times over."""
DO_NOT_APPLY = ("5.7/17",)
AT_ONCE = 8
"""So many are judged beside each other: most of the time each waits for what must not come, or for BoLink's pace."""

Outcome = dict[str, Status]


async def outcome(broken: type[GoodLot], folder: Path) -> Outcome:
    """How the cases came out that have to be red. `also` are cases that give the recording something to look at."""
    chosen = {*broken.reddens, *getattr(broken, "also", ())}
    run = await judged(broken(), folder, *chosen, sms_check=getattr(broken, "sms_check", False))
    return {each.case.case_id: each.status for each in run.results if each.case.case_id in broken.reddens}


def red(broken: type[GoodLot]) -> Outcome:
    return dict.fromkeys(broken.reddens, Status.FAILED)


@pytest.mark.timeout(600)
@beside
async def test_the_own_lot_does_what_it_claims(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {}
    for number in range(TRIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        run = await judged_own_lot(folder, dict.fromkeys(LEFT_OUT, "tried by tests of its own"), patience=0.1)
        stale = apply_known(run.results, KNOWN, datetime.now(UTC).date())
        wrong = {
            result.case.case_id: [(check.name, check.got.en) for check in result.failures]
            for result in run.results
            if result.status in (Status.FAILED, Status.WARNING, Status.ENGINE_ERROR) and not result.known
        }
        if not wrong:
            break
    assert wrong == {}
    assert stale == []
    assert {result.case.case_id for result in run.results if result.status is Status.NOT_VERIFIED} == set()
    assert summary_of(run.results).exit_code == 0


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
