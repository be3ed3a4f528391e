"""Do the sections of a rate cover every minute once, on every kind of day and from each kind to the next?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from taigan.lot.tariff.model import DAY, WEEKDAYS, DayKind, Section

_WEEKDAYS_ZH = "一二三四五六日"
_KINDS_ZH = {DayKind.WORKDAY: "工作日", DayKind.WEEKEND: "周末", DayKind.HOLIDAY: "节假日"}


def faults(sections: Sequence[Section]) -> list[tuple[str, str]]:
    """In both languages: each gap and each overlap, with the first day that has it."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for weekday, before, kind in _changes():
        today = (weekday + 1) % 7
        pieces = [
            *(
                (0, section.until, number)
                for number, section in enumerate(sections)
                if section.until <= section.start and section.until and section.applies(weekday, before)
            ),
            *(
                (section.start, section.until if section.until > section.start else DAY, number)
                for number, section in enumerate(sections)
                if section.applies(today, kind)
            ),
        ]
        by_day = any(section.days for section in sections)
        when_zh = f"周{_WEEKDAYS_ZH[today]}（{_KINDS_ZH[kind]}，前一天为{_KINDS_ZH[before]}）" if by_day else ""
        when_en = f" on a {WEEKDAYS[today]} ({kind}, after a {before})" if by_day else ""
        for name, zh, en in _faults_of_a_day(sorted(pieces)):
            found.setdefault((name, en[0]), (f"{when_zh}{zh}", f"{en[0]}{when_en}{en[1]}"))
    return list(found.values())


def _changes() -> Iterator[tuple[int, DayKind, DayKind]]:
    """Every weekday, what it can be, and what the day after it can be."""
    for weekday in range(7):
        yield from product([weekday], _kinds(weekday), _kinds((weekday + 1) % 7))


def _kinds(weekday: int) -> list[DayKind]:
    return [kind for kind in DayKind if kind is not DayKind.WEEKEND or weekday >= 5]


def _faults_of_a_day(pieces: Sequence[tuple[int, int, int]]) -> Iterator[tuple[str, str, tuple[str, str]]]:
    reached = last = 0
    for begin, end, number in pieces:
        if begin > reached:
            yield _gap(reached, begin)
        if begin < reached:
            span = f"{_clock(begin)}–{_clock(min(reached, end))}"
            yield (
                "overlap",
                f"{span} 同时属于第 {last + 1} 和第 {number + 1} 个时段",
                (f"{span}", f" belongs to both section {last + 1} and section {number + 1}"),
            )
        if end > reached:
            reached, last = end, number
    if reached < DAY:
        yield _gap(reached, DAY)


def _gap(begin: int, end: int) -> tuple[str, str, tuple[str, str]]:
    span = f"{_clock(begin)}–{_clock(end)}"
    lines = f'from = "{_clock(begin)}", until = "{_clock(end)}", free = true'
    return (
        "gap",
        f"{span} 没有任何时段；如果免费，请加一个时段：{lines}",
        (f"{span}", f" is in no section; if it is free, add a section with {lines}"),
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
