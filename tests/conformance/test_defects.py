"""Each case is red against a lot that is broken in just that, and green against the good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.defects import defects
from conformance.lots.good import GoodLot
from support.stacks.judged import TRIES, judged
from taigan.conformance.catalogue import cases
from taigan.conformance.model import Level, Status

DEFECTS = defects()


@pytest.mark.parametrize("broken", DEFECTS, ids=lambda each: each.__name__)
async def test_a_broken_lot_is_red_where_it_is_broken(broken: type[GoodLot], tmp_path: Path) -> None:
    """`also` are cases that give the recording something to look at."""
    others = getattr(broken, "also", ())
    chosen = {*broken.reddens, *others}
    for _ in range(TRIES):
        run = await judged(broken(), tmp_path, *chosen, sms_check=getattr(broken, "sms_check", False))
        came_out = {each.case.case_id: each.status for each in run.results if each.case.case_id in broken.reddens}
        if came_out == dict.fromkeys(broken.reddens, Status.FAILED):
            return
    raise AssertionError(came_out)


def test_every_case_that_can_be_red_has_been_seen_red() -> None:
    seen = {case_id for broken in DEFECTS for case_id in broken.reddens}
    can = {case.case_id for case in cases() if case.level is not Level.INFO}
    assert can - seen == set()
