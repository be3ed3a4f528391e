"""A refusal shows something only where the right message of its kind was taken in the same run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.lots.good import Data, GoodLot, No
from conformance.lots.signature import RefusesEverything
from support.beside import beside
from support.stacks.judged import judged
from taigan.conformance.model import Status
from taigan.conformance.run import Run
from taigan.conformance.verdict.summary import summary_of

SHOWN_BY_REFUSALS = ("X/04", "X/07")
"""Its answers leak nothing, and the kit's own messages are right: that much is to be seen."""


def passed(run: Run) -> set[str]:
    return {result.case.case_id for result in run.results if result.status is Status.PASSED}


@beside
async def test_a_lot_that_refuses_everything_passes_in_nothing(tmp_path: Path) -> None:
    run = await judged(RefusesEverything(), tmp_path, patience=0.01)
    assert passed(run) == set(SHOWN_BY_REFUSALS)
    assert {result.status for result in run.results if result.case.case_id in ("5.7/03", "5.7/05", "5.7/06")} == {
        Status.NOT_VERIFIED
    }
    reasons = {result.case.case_id: result.reason.en for result in run.results if result.reason}
    assert reasons["5.7/03"].startswith("no right 5.7 was taken in this run")
    assert reasons["1.2/04"].startswith("no rightly signed message was taken in this run")
    assert summary_of(run.results).conformant == "no"


@beside
async def test_a_case_alone_is_held_against_its_right_twin_which_is_sent_for_it(tmp_path: Path) -> None:
    assert passed(await judged(GoodLot(), tmp_path, "5.7/03", "11.1/03", "1.2/04")) == {"5.7/03", "11.1/03", "1.2/04"}

    class RaisesNoArm(GoodLot):
        def command(self, data: Data) -> Any:
            raise No("不能抬杆")

    run = await judged(RaisesNoArm(), tmp_path, "5.7/03", "11.1/03", "11.4/02")
    assert passed(run) == {"5.7/03", "11.4/02"}
    assert {result.status for result in run.results if result.case.case_id == "11.1/03"} == {Status.NOT_VERIFIED}


@beside
async def test_a_black_listed_driver_who_is_refused_shows_nothing_where_nobody_is_let_in(tmp_path: Path) -> None:
    class LetsNobodyIn(GoodLot):
        async def enter(self, data: Data) -> tuple[int, str]:
            raise No("车场已关闭")

    run = await judged(LetsNobodyIn(), tmp_path, "11.4/02", "1.2/20", "1.2/02")
    assert passed(run) == {"1.2/02"}


@beside
async def test_a_lot_that_checks_phones_is_scanned_with_one_that_got_its_code(tmp_path: Path) -> None:
    class ChecksPhones(GoodLot):
        async def enter(self, data: Data) -> tuple[int, str]:
            if str(data.get("mobile_number", "")) not in self.sent_codes:
                raise No("请先验证手机号")
            return await super().enter(data)

    run = await judged(ChecksPhones(), tmp_path, "5.7/01", "5.7/17", sms_check=True)
    assert passed(run) == {"5.7/01", "5.7/17"}
