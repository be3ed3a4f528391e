"""Every case, read from the rows beside this file.

A row is `"5.7/06" = ["<level> <severity> <seen by> <advice>", "<title> → <expected>", the same in English]`.
"""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import Any

from taigan.conformance.model import Advice, Case, Level, Severity, Text

PROFILES = ("signature", "entry", "money", "commands", "pictures")
"""What a platform can claim to do. What is held against the recording belongs to none: it is always looked at."""

_ARROW = " → "


@functools.cache
def cases() -> tuple[Case, ...]:
    """All cases, in the order of the document."""
    told = {name: _advice(row) for name, row in _rows("advice").items()}
    pages = _rows("pages")
    found = []
    for profile in (*PROFILES, "recording"):
        for case_id, row in _rows(profile).items():
            found.append(_case(case_id, row, profile, told, pages))
    return tuple(sorted(found, key=_position))


def case(case_id: str) -> Case:
    """The case with that id. KeyError when there is none."""
    return next((each for each in cases() if each.case_id == case_id), None) or _missing(case_id)


def advice(name: str) -> Advice:
    """Advice by its name in advice.toml, for what is known only once a run is over. KeyError when there is none."""
    return _advice(_rows("advice")[name])


def page_date() -> str:
    """The newest entry of the document's revision record that the cases follow."""
    return str(_rows("pages")["revision"])


def _missing(case_id: str) -> Case:
    raise KeyError(case_id)


def _rows(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))


def _advice(row: list[str]) -> Advice:
    why_zh, do_zh, why_en, do_en = row
    return Advice(Text(why_zh, why_en), Text(do_zh, do_en))


def _case(case_id: str, row: list[str], profile: str, told: dict[str, Advice], pages: dict[str, str]) -> Case:
    marks, zh, en = row
    level, severity, sees, advised = marks.split()
    (title_zh, expected_zh), (title_en, expected_en) = zh.split(_ARROW), en.split(_ARROW)
    section = case_id.partition("/")[0]
    page = "" if level == Level.ROBUST else pages.get(f"{section} {level}", pages.get(section, ""))
    return Case(
        case_id,
        Level(level),
        Severity(severity),
        sees,
        profile,
        Text(title_zh, title_en),
        Text(expected_zh, expected_en),
        told[advised],
        page,
    )


def _position(case: Case) -> tuple[int, ...]:
    chapter = 99 if case.section == "X" else 0
    numbers = [int(part) for part in case.section.split(".")] if chapter == 0 else [chapter]
    return (*numbers, int(case.case_id.partition("/")[2]))
