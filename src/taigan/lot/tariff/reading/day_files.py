"""A lot's own file of days: holidays and make-up working days over the published ones."""

from __future__ import annotations

from taigan.lot.tariff.days import Days
from taigan.lot.tariff.reading.tree import Problems, parsed, root

DAY_KEYS = {"holidays": "节假日", "workdays": "调休上班日", "ordinary": "照常日", "years": "已完整的年份"}
MOST_DAYS = 2000


def read(text: bytes) -> Days:
    """`holidays = [2027-01-01]`, `workdays`, `ordinary`, `years = [2027]`, from TOML or JSON. Raises BadPriceList."""
    return from_data(parsed(text))


def from_data(data: object) -> Days:
    """The same from plain data. Raises BadPriceList."""
    problems = Problems()
    table = root(data, DAY_KEYS, problems)
    lists = {key: table.dates(key, MOST_DAYS) for key in ("holidays", "workdays", "ordinary")}
    years = table.numbers("years", 1971, 8999, 100)
    seen: set[object] = set()
    for key, dates in lists.items():
        for day in dates:
            if day in seen:
                table.wrong(key, f"{day} 写了两次", f"{day} is there twice")
            seen.add(day)
    problems.raise_if_any()
    return Days(**lists, years=years)
