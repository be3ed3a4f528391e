"""What can be wrong with a price list or a question to it, in words for a lot's operator, Chinese and English.

- TariffError
  - BadPriceList        a price list, or a file of days, cannot be used: every problem found, each with its field
  - NotInForce          the stay began before the price list
  - NoRate              the price list has no rate for this kind of vehicle
  - YearNotPublished    nobody has said yet which days of that year are holidays
  - UnusableTimes       moments without an offset, outside the calendar, or further apart than anybody parks
    - ExitFirst         the exit is before the entry
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `field` is its place as data (`rates[0].sections[1].cap`), `place_…` in words."""

    field: str
    place_zh: str
    place_en: str
    zh: str
    en: str

    def said(self, language: str) -> str:
        """One line, in `zh` or `en`."""
        if language == "zh":
            return f"{self.place_zh}：{self.zh}" if self.place_zh else self.zh
        return f"{self.place_en}: {self.en}" if self.place_en else self.en


class TariffError(Exception):
    """A price cannot be told; `zh` and `en` say why and what helps."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class BadPriceList(TariffError):
    """The data cannot be used; nothing of it was taken."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            "\n".join(problem.said("zh") for problem in problems), "\n".join(problem.said("en") for problem in problems)
        )
        self.problems = tuple(problems)


class NotInForce(TariffError):
    """No price list was in force on the day of the entry."""


class NoRate(TariffError):
    """The price list names other kinds of vehicles only."""


class YearNotPublished(TariffError):
    """The price depends on holidays that are not announced yet; they are announced each November."""

    def __init__(self, year: int) -> None:
        super().__init__(
            f"{year} 年的节假日和调休安排未知，无法区分工作日、周末和节假日。"
            f"请升级（每年11月公布后随新版本提供），或在日期文件中写明该年的 holidays、workdays，并写 years = [{year}]",
            f"holidays and make-up working days of {year} are not known: workdays, weekends, holidays cannot be told "
            f"apart. Upgrade (a release follows the announcement each November), or give a file of days with the "
            f"holidays and workdays of that year, and years = [{year}]",
        )
        self.year = year


class UnusableTimes(TariffError):
    """Entry or exit cannot be priced, whatever the price list says."""


class ExitFirst(UnusableTimes):
    """Somebody asks for a stay that ends before it begins."""
