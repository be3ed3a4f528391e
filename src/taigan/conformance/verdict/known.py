"""The baseline: failures that are known, so that the kit can go into CI on the first day.

`known.toml` holds `"5.7/06" = "ticket 41, until 2027-02-01"`, or one check alone: `"5.7/06:one-upload" = "…"`. An entry
that passes, has run out or names nothing is stale, and a stale entry fails the run: a baseline hides nothing for long.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from taigan.conformance.catalogue import cases
from taigan.conformance.model import BadConfiguration, Result, Status

_UNTIL = re.compile(r"until (\d{4}-\d{2}-\d{2})")
_HIDEABLE = (Status.FAILED, Status.WARNING, Status.UNSTABLE)
_RAN = (*_HIDEABLE, Status.PASSED)


def read_known(path: Path) -> dict[str, str]:
    """The entries of a baseline. Raises BadConfiguration."""
    try:
        entries = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: {error}") from None
    for name, reason in entries.items():
        if not isinstance(reason, str) or not reason.strip():
            raise BadConfiguration(f"{path}: {name} needs a reason")
    return entries


def apply_known(results: Sequence[Result], known: Mapping[str, str], today: date) -> list[str]:
    """Mark the failures that are known; what is stale comes back, a sentence each."""
    by_id = {result.case.case_id: result for result in results}
    every = {case.case_id for case in cases()}
    stale = []
    for name, reason in known.items():
        case_id, _, check = name.partition(":")
        if case_id not in every:
            stale.append(f"{name}: there is no such case")
            continue
        until = _UNTIL.search(reason)
        if until and _day(until[1]) < today:
            stale.append(f"{name}: ran out on {until[1]}")
            continue
        result = by_id.get(case_id)
        if result is None or result.status not in _RAN:
            continue
        failing = {each.name for each in result.failures}
        if not failing or (check and check not in failing):
            stale.append(f"{name}: passes now; take it out")
        elif check:
            others = failing - {each.partition(":")[2] for each in known if each.startswith(f"{case_id}:")}
            if not others:
                result.known = reason
        else:
            result.known = reason
    return stale


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min
