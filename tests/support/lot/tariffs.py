"""Price lists for tests: the rules of the examples as data, and random ones that are always in order."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any

from taigan.lot.tariff.days import Calendar
from taigan.lot.tariff.model import PriceList
from taigan.lot.tariff.reading import price_lists

ROOT = Path(__file__).parents[3]
DOCUMENTS = ROOT / "docs/tariffs"
RULES = ROOT / "tests/lot/tariff/rules"

# Rules of the examples that are also documents for users.
DOCUMENTED = {
    "zhujiang": "guangzhou-mall",
    "hz-new": "hangzhou",
    "as-new": "anshan-station",
    "baiyun": "baiyun-airport",
    "beijing-1": "beijing-kerb",
    "jinan": "jinan",
    "huangshan": "huangshan",
    "caps-3": "airport-30-40-50",
}
# A calendar that knows all years, with some days that are not what their weekday says.
CALENDAR = Calendar(
    frozenset({date(2024, 2, 29), date(2024, 3, 1), date(2024, 11, 1), date(2025, 3, 31)}),
    frozenset({date(2024, 3, 2), date(2024, 11, 3), date(2025, 3, 29)}),
    range(2000, 2100),
)


def rule(name: str) -> PriceList:
    """The rule of some examples."""
    folder, file = (DOCUMENTS, DOCUMENTED[name]) if name in DOCUMENTED else (RULES, name)
    return price_lists.read((folder / f"{file}.toml").read_bytes())


def any_price_list(choose: random.Random) -> PriceList:
    """A price list with every switch somewhere; as data, through the door that files come through."""
    data = {"valid_from": "2000-01-01", "rates": [_rate(choose)]}
    if choose.random() < 0.2:
        data["round_to"] = choose.choice(["0.10", "0.50", "1", "0.03"])
    return price_lists.from_data(data)


def _rate(choose: random.Random) -> dict[str, Any]:
    rate: dict[str, Any] = {"sections": _sections(choose)}
    if choose.random() < 0.6:
        rate["free"] = choose.choice([1, 10, 15, 30, 60, 240])
        rate["free_limit"] = choose.choice(["up_to", "under"])
        rate["after_free"] = choose.choice(["from_entry", "from_end"])
        rate["free_clock"] = choose.choice(["stay", "charged"])
    rate["period"] = choose.choice(["24h", "day", "stay"])
    if rate["period"] == "day":
        rate["day_starts"] = _clock(choose.choice([0, 360, 150, 1435]))
    if choose.random() < 0.5:
        caps = 1 if rate["period"] == "stay" else choose.randint(1, 3)
        rate["period_caps"] = [_money(choose, 3000) for _ in range(caps)]
    rate["first_steps"] = choose.choice(["each", "once"])
    rate["at_border"] = choose.choice(["cut", "finish"])
    if choose.random() < 0.2:
        rate["percent"] = choose.choice([0, 33, 50, 150, 200])
    return rate


def _sections(choose: random.Random) -> list[dict[str, Any]]:
    kinds = choose.choice(
        [
            [[]],
            [[]],
            [["workday"], ["weekend", "holiday"]],
            [["workday"], ["weekend"], ["holiday"]],
            [["mon", "tue", "wed", "thu"], ["fri"], ["sat", "sun"]],
        ]
    )
    first = choose.choice([0, 0, 30, 150, 420, 480, 1320])
    found = []
    for days in kinds:
        more = choose.sample([60, 120, 150, 180, 600, 900, 1020, 1200], choose.choice([0, 1, 1, 2, 3]))
        borders = sorted({first, *more})
        borders = [*borders[borders.index(first) :], *borders[: borders.index(first)]]
        if borders[0] > min(borders) or days:  # each kind of day begins and ends with the same border
            borders = sorted({first, *(border for border in more if border > first)})
        for number, border in enumerate(borders):
            until = borders[(number + 1) % len(borders)]
            section: dict[str, Any] = {"from": _clock(border), "until": _clock(until)}
            if days:
                section["days"] = days
            if choose.random() < 0.2:
                section["free"] = True
            else:
                section["steps"] = _steps(choose)
                if choose.random() < 0.3:
                    section["cap"] = _money(choose, 1500)
            found.append(section)
    choose.shuffle(found)
    return found


def _steps(choose: random.Random) -> list[dict[str, Any]]:
    steps = []
    begin = 0
    for _ in range(choose.choice([0, 0, 1, 1, 2])):
        per = choose.choice([None, 15, 30, 60])
        begin += (per or 20) * choose.randint(1, 4)
        steps.append(_step(choose, per) | {"up_to": begin})
    steps.append(_step(choose, choose.choice([None, 15, 20, 30, 60, 120, 1440])))
    return steps


def _step(choose: random.Random, per: int | None) -> dict[str, Any]:
    step: dict[str, Any] = {"price": _money(choose, 800)}
    if per:
        step["per"] = per
        if choose.random() < 0.4:
            step["ignore"] = choose.choice([1, per // 2, per])
    return step


def _money(choose: random.Random, most: int) -> str:
    return f"{choose.randint(0, most) / 100:.2f}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
