"""One fault, many red cases: those that failed because a right signature was refused are told to follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from taigan import bolink
from taigan.bolink.errors import BolinkError
from taigan.conformance.catalogue import advice
from taigan.conformance.doors.target import Answer
from taigan.conformance.model import Exchange, Result, Status

FIRST = "1.2/01"
"""The plainest message there is: when even this one is refused, everything else follows."""
_WRONG = (Status.FAILED, Status.UNSTABLE, Status.WARNING)


def trace(
    results: Sequence[Result], exchanges: Iterable[Exchange], key: str, refuses: Callable[[Answer], bool]
) -> None:
    """Mark what follows from the refusal of rightly signed messages (`Result.follows`), and advise on its cause.

    When not one of them was taken, and no upload was rightly signed either, the platform most likely has another key
    than the kit: that is what to look at first then, not the way it verifies.
    """
    refused: set[int] = set()
    taken = False
    for exchange in exchanges:
        if not _rightly_signed(exchange.body, key):
            continue
        if not exchange.sent:
            taken = True
        elif exchange.status and refuses(Answer(exchange)):
            refused.add(exchange.number)
        elif exchange.status == 200:
            taken = True
    hit = [result for result in results if result.status in _WRONG and refused.intersection(result.exchanges)]
    roots = [result for result in hit if result.case.case_id == FIRST]
    roots = roots or [result for result in hit if result.case.section == "1.2"]
    if not roots:
        return
    if not taken:
        roots[0].advice = advice("other-key")
    for result in hit:
        if result not in roots:
            result.follows = roots[0].case.case_id


def _rightly_signed(body: bytes, key: str) -> bool:
    try:
        envelope = bolink.open_envelope(body)
    except BolinkError:
        return False
    return bolink.verify(envelope.text, envelope.sign, key) is not None
