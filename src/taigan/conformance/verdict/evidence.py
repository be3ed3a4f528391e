"""What a refusal shows: something only where a right message of the same kind was taken in the same run.

A platform that says no to everything refuses what it should refuse too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from taigan.conformance.cases.pictures import is_picture
from taigan.conformance.doors.target import Answer
from taigan.conformance.model import Exchange

SIGNATURES = "1.2"
PICTURES = "5.4"
UPLINKS = ("3.1", "3.2", "X")
"""Sections whose cases look at what the platform sends, and say themselves when nothing came."""
YES = (1, 2)
"""2 of 5.7 is a driver who waits for a person."""


def plain_case(section: str) -> str:
    """The case that sends the plainest right message of a section."""
    return f"{section}/01"


def is_taken(section: str, exchanges: Iterable[Exchange], refused_signature: Callable[[Answer], bool]) -> bool:
    """Was a right message of that section taken? Of 1.2: was one right signature told from a wrong one?"""
    for exchange in exchanges:
        if not exchange.sent or exchange.twisted or exchange.status != 200:
            continue
        answer = Answer.of(exchange)
        if section == SIGNATURES:
            taken = answer.state is not None and not refused_signature(answer)
        elif section == PICTURES:
            taken = exchange.section == PICTURES and is_picture(answer)
        else:
            taken = exchange.section == section and answer.state in YES
        if taken:
            return True
    return False
