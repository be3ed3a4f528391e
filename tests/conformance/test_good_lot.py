"""The good lot is green, in each case that applies."""

from __future__ import annotations

from pathlib import Path

from conformance.lots.good import GoodLot
from support.judged import judged
from taigan.conformance.catalogue import cases
from taigan.conformance.model import Status

DO_NOT_APPLY = ("5.7/17",)


async def test_the_good_lot_is_green_in_every_case(tmp_path: Path) -> None:
    run = await judged(GoodLot(), tmp_path)
    odd = {
        result.case.case_id: [(check.name, check.got.en) for check in result.failures] or result.reason
        for result in run.results
        if result.status is not Status.PASSED and result.case.case_id not in DO_NOT_APPLY
    }
    assert odd == {}
    assert [result.case.case_id for result in run.results] == [case.case_id for case in cases()]
