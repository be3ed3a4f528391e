"""Many red cases of one fault are told apart from faults of their own, and the remedy names the fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.lots.entry import AnswersMilliseconds
from conformance.lots.good import GoodLot
from support.stacks.judged import judged
from taigan.conformance.model import Status
from taigan.conformance.report.files import write_report
from taigan.conformance.run import Run


class Stamps(GoodLot):
    """No two of its refusals are the same."""

    def no(self, text: str, **more: Any) -> bytes:
        self.numbers += 1
        return super().no(text, **more, number=self.numbers)


def follows(run: Run) -> dict[str, str]:
    return {result.case.case_id: result.follows for result in run.results if result.follows}


CASES = ("1.2/01", "1.2/09", "5.7/01", "3.1/01")


async def test_with_another_key_everything_follows_from_the_first_case_and_the_remedy_is_the_key(
    tmp_path: Path,
) -> None:
    run = await judged(Stamps(), tmp_path, *CASES, kit_key="not the key of the lot")
    first = run.results[[each.case.case_id for each in run.results].index("1.2/01")]
    assert first.status is Status.FAILED
    assert "密钥" in first.told.do.zh
    assert "same key" in first.told.do.en
    assert set(follows(run).values()) == {"1.2/01"}
    assert {"1.2/09", "5.7/01"} <= set(follows(run))

    report = write_report(run, tmp_path / "out", [])
    assert report.summary.first == ["1.2/01"]
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [case["follows"] for case in told["cases"] if case["id"] == "1.2/09"] == ["1.2/01"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert '<a href="#c1.2/01">1.2/01</a>' in page


async def test_a_fault_of_its_own_follows_from_nothing(tmp_path: Path) -> None:
    run = await judged(AnswersMilliseconds(), tmp_path, "1.2/01", "5.7/04")
    assert follows(run) == {}
    assert run.results[-1].told == run.results[-1].case.advice


async def test_when_some_right_signatures_are_taken_the_key_is_not_doubted(tmp_path: Path) -> None:
    class RefusesChinese(GoodLot):
        def verified(self, text: bytes, sign: str) -> bool:
            return text.isascii() and super().verified(text, sign)

    run = await judged(RefusesChinese(), tmp_path, "1.2/01", "1.2/05", "5.3/01")
    told = {result.case.case_id: result for result in run.results}
    assert told["1.2/01"].status is Status.PASSED
    assert told["1.2/05"].told == told["1.2/05"].case.advice
    assert follows(run) == {"5.3/01": "1.2/05"}
