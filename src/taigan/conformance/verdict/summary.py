"""How a run came out as a whole: conformant or not, and the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from taigan.conformance.model import Level, Result, Severity, Status

MET, NOT_MET, CONFIGURATION, UNREACHABLE = 0, 1, 2, 3
"""Exit codes: fine; failed or a stale baseline; wrong configuration; platform unreachable or the kit's own error."""

_BAD = (Status.FAILED, Status.UNSTABLE)
RED = (*_BAD, Status.WARNING, Status.ENGINE_ERROR)
"""What a person has to look at."""
_OPEN = (Status.SKIPPED, Status.NOT_VERIFIED)


class Summary(msgspec.Struct, frozen=True):
    """The verdict and the counts it rests on."""

    conformant: str
    """yes, no, or partial: nothing failed, but a case of the document's own words was not seen."""
    counts: dict[str, int]
    failed_critical: list[str]
    unseen_checks: int
    stale: list[str] = []
    first: list[str] = []
    """The cases to mend first: others failed by the same cause."""
    exit_code: int = 0


def summary_of(results: Sequence[Result], stale: Sequence[str] = ()) -> Summary:
    """The summary of these results. `stale` are baseline entries that no longer hold."""
    counts = Counter(result.status.value for result in results)
    bad = [result for result in results if result.status in _BAD and not result.known]
    must = [result for result in results if result.case.level is Level.MUST]
    if any(result.status in _BAD for result in results):
        verdict = "no"
    elif any(result.status in _OPEN for result in must) or not any(result.status is Status.PASSED for result in must):
        verdict = "partial"
    else:
        verdict = "yes"
    if any(result.status is Status.ENGINE_ERROR for result in results):
        exit_code = UNREACHABLE
        verdict = "partial" if verdict == "yes" else verdict
    else:
        exit_code = NOT_MET if bad or stale else MET
    critical = [
        result.case.case_id
        for result in results
        if result.status in (*_BAD, Status.WARNING) and result.case.severity is Severity.CRITICAL
    ]
    first = list(dict.fromkeys(result.follows for result in results if result.follows))
    unseen = sum(1 for result in results for check in result.checks if check.passed is None)
    return Summary(
        verdict,
        {status.value: counts[status.value] for status in Status if counts[status.value]},
        critical,
        unseen,
        list(stale),
        first,
        exit_code,
    )
