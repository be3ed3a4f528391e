"""Workday, weekend or holiday: what each date is in China.

From `chinesecalendar`, which holds the State Council's announcements as they were published, make-up working days
included, needs no network, and knows nothing of a year that is not announced yet. (`holidays` works such a year out by
rule, and does not count the weekends inside a holiday week.) A lot may say otherwise for single dates or whole years.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cache

import msgspec

from taigan.lot.tariff.errors import YearNotPublished
from taigan.lot.tariff.model import DayKind


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """What a lot says about dates, over what is published.

    `ordinary` dates go by Monday to Friday whatever was announced. `years` are complete: all else in them is ordinary.
    """

    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()
    ordinary: tuple[date, ...] = ()
    years: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Calendar:
    """Holidays, working days that would else be weekends, and the years of which all of them are known."""

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    years: Collection[int] = frozenset()

    def kind(self, day: date) -> DayKind:
        """What this date is. Raises YearNotPublished."""
        if day in self.holidays:
            return DayKind.HOLIDAY
        if day in self.workdays:
            return DayKind.WORKDAY
        if day.year not in self.years:
            raise YearNotPublished(day.year)
        return DayKind.WORKDAY if day.weekday() < 5 else DayKind.WEEKEND

    def with_days(self, days: Days) -> Calendar:
        """The same, but for the dates and years that a lot says otherwise of."""
        said = frozenset((*days.holidays, *days.workdays, *days.ordinary))
        return Calendar(
            (self.holidays - said) | frozenset(days.holidays),
            (self.workdays - said) | frozenset(days.workdays),
            frozenset((*self.years, *days.years)),
        )


@cache
def published() -> Calendar:
    """What the State Council has announced, as far as the installed `chinesecalendar` goes."""
    from chinese_calendar import constants  # its tables are read when a price first asks for them

    holidays, workdays = frozenset(constants.holidays), frozenset(constants.workdays)
    return Calendar(holidays, workdays, range(min(holidays).year, max(holidays).year + 1))
