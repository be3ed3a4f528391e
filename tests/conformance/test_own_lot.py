"""taigan's own lot, as real processes, is judged by the kit in everything that it claims."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.stacks.judged import TRIES
from support.stacks.own_lot import judged_own_lot
from taigan.conformance.model import Status
from taigan.conformance.verdict.known import apply_known
from taigan.conformance.verdict.summary import summary_of

KNOWN = {
    "5.7/07": "an entry without an exit is left to a person's review; BoLink is told nothing of it",
}
LEFT_OUT = ("5.7/14", "3.1/05", "3.1/06")
"""Kills and long outages: tests/crash does these, many times over."""


@pytest.mark.timeout(600)
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
