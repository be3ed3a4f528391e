"""Price lists from TOML or JSON, and back to plain data. Everything wrong is found at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from taigan.lot.tariff import money
from taigan.lot.tariff.model import (
    DAY,
    WEEKDAYS,
    AfterFree,
    AtBorder,
    DayKind,
    FirstSteps,
    FreeClock,
    FreeLimit,
    Period,
    PriceList,
    Rate,
    Section,
    Step,
)
from taigan.lot.tariff.reading import tiling
from taigan.lot.tariff.reading.tree import Problems, Table, parsed, root

LONGEST = 366 * DAY  # minutes: a year
MOST_RATES = 20
MOST_SECTIONS = 48
MOST_STEPS = 48

LIST_KEYS = {"valid_from": "启用日期", "round_to": "取整到", "rates": "费率"}
RATE_KEYS = {
    "vehicles": "适用车型",
    "percent": "折算比例",
    "free": "免费时长",
    "free_limit": "免费界限",
    "after_free": "超过免费后",
    "free_clock": "免费时长按",
    "period": "计费周期",
    "day_starts": "一日起点",
    "period_caps": "周期封顶",
    "first_steps": "首段",
    "at_border": "跨时段",
    "sections": "时段",
}
SECTION_KEYS = {
    "days": "适用日",
    "from": "起",
    "until": "止",
    "free": "免费",
    "cap": "时段封顶",
    "steps": "阶梯",
}
STEP_KEYS = {"up_to": "至", "per": "每", "price": "价格", "ignore": "零头不计"}
_IN_RATES = ("写在 [[rates]] 下面、[[rates.sections]] 前面", "it is written under [[rates]], before [[rates.sections]]")
_IN_STEPS = ("写在阶梯的花括号里：steps = [{ … }]", "it is written inside a step: steps = [{ … }]")
_IN_SECTIONS = ("写在 [[rates.sections]] 下面", "it is written under [[rates.sections]]")
HOMES = {
    **dict.fromkeys(LIST_KEYS, ("写在文件开头，第一个 [[rates]] 前面", "it is written at the top, before [[rates]]")),
    **dict.fromkeys(RATE_KEYS, _IN_RATES),
    **dict.fromkeys(SECTION_KEYS, _IN_SECTIONS),
    **dict.fromkeys(STEP_KEYS, _IN_STEPS),
    "rates": ("写作 [[rates]]，单独一行", "it is written [[rates]], a line of its own"),
    "sections": ("写作 [[rates.sections]]，单独一行", "it is written [[rates.sections]], a line of its own"),
    "free": (
        "免费分钟写在 [[rates]] 下面；不收费的时段在 [[rates.sections]] 下面写 free = true",
        "free minutes are written under [[rates]]; a section that costs nothing says free = true",
    ),
    "cap": (
        "时段封顶写在 [[rates.sections]] 下面；每24小时、每日或每次的封顶是 [[rates]] 下面的 period_caps",
        "the maximum of a section is written under [[rates.sections]]; that of 24 h, a day or a stay is period_caps "
        "under [[rates]]",
    ),
    **dict.fromkeys(
        ("holidays", "workdays", "ordinary", "years"),
        ("写在另一个文件里，用 --days 给出", "it is written in a file of its own, given with --days"),
    ),
}
"""Where each key belongs: told of one that stands elsewhere."""
DAY_NAMES = (*(kind.value for kind in DayKind), *WEEKDAYS)


def read(text: bytes) -> PriceList:
    """A price list from TOML or JSON. Raises BadPriceList."""
    return from_data(parsed(text))


def from_data(data: object) -> PriceList:
    """A price list from plain data, as TOML or JSON give it. Raises BadPriceList."""
    problems = Problems(homes=HOMES)
    table = root(data, LIST_KEYS, problems)
    valid_from = table.day("valid_from")
    round_to = table.money("round_to")
    if round_to == 0 and not problems.found:
        table.wrong("round_to", '应大于 0，如 "0.01"、"0.5"、"1"', 'must be more than 0, as "0.01", "0.5", "1"')
    if "rates" not in table:
        table.wrong("rates", "至少写一个 [[rates]]", "is missing: at least one [[rates]]")
    tables = table.tables("rates", MOST_RATES, RATE_KEYS, "费率", "rate")
    rates = [(rate, _rate(rate, problems)) for rate in tables]
    _check_vehicles(rates)
    problems.raise_if_any()
    return PriceList(
        valid_from=valid_from or date.min,
        rates=tuple(rate for _, rate in rates),
        round_to=round_to or 1,
    )


def _check_vehicles(rates: Sequence[tuple[Table, Rate]]) -> None:
    named: set[str] = set()
    for number, (table, rate) in enumerate(rates):
        twice = "、".join(name for name in rate.vehicles if name in named)
        if twice:
            table.wrong("vehicles", f"{twice} 已在前面的费率中", f"{twice} is in an earlier rate already")
        named.update(rate.vehicles)
        if not rate.vehicles and any(not earlier.vehicles for _, earlier in rates[:number]):
            table.wrong(
                "vehicles",
                "只能有一个费率不写车型（适用于其余车型）",
                "only one rate may name no vehicles (it is for all others)",
            )


def _rate(table: Table, problems: Problems) -> Rate:
    period = table.choice("period", Period)
    if "day_starts" in table and period is not Period.DAY:
        table.wrong("day_starts", '只在 period = "day" 时使用', 'is only for period = "day"')
    caps = table.amounts("period_caps", 31)
    if len(caps) > 1 and period is Period.STAY:
        table.wrong("period_caps", 'period = "stay" 时只有一个封顶', 'has one cap only where period = "stay"')
    free = table.whole("free", 0, LONGEST, 0) or 0
    for key in ("free_limit", "after_free", "free_clock"):
        if key in table and not free:
            table.wrong(key, "没有免费时长（free），此项无意义", "means nothing without free minutes (free)")
    if "sections" not in table:
        table.wrong("sections", "至少写一个 [[rates.sections]]", "is missing: at least one [[rates.sections]]")
    found = len(problems.found)
    tables = table.tables("sections", MOST_SECTIONS, SECTION_KEYS, "时段", "section")
    sections = tuple(_section(section) for section in tables)
    if len(problems.found) == found and sections:
        for zh, en in tiling.faults(sections):
            table.wrong("sections", zh, en)
    return Rate(
        vehicles=table.words("vehicles", 50),
        percent=table.whole("percent", 0, 1000, 100) or 0,
        free=free,
        free_limit=table.choice("free_limit", FreeLimit),
        after_free=table.choice("after_free", AfterFree),
        free_clock=table.choice("free_clock", FreeClock),
        period=period,
        day_starts=table.clock("day_starts"),
        period_caps=caps,
        first_steps=table.choice("first_steps", FirstSteps),
        at_border=table.choice("at_border", AtBorder),
        sections=sections,
    )


def _section(table: Table) -> Section:
    for key, other in (("from", "until"), ("until", "from")):
        if key in table and other not in table:
            table.wrong(other, f"写了 {key} 就要写 {other}；都不写为24小时", f"is missing beside {key}; neither: 24 h")
    free = table.flag("free")
    for key in ("cap", "steps"):
        if free and key in table:
            table.wrong(key, "免费时段（free = true）不写此项", "does not go with free = true")
    if not free and "steps" not in table:
        table.wrong(
            "steps", "必须写；免费时段写 free = true", "is missing; a section that costs nothing says free = true"
        )
    return Section(
        days=table.words("days", len(DAY_NAMES), DAY_NAMES),
        start=table.clock("from"),
        until=table.clock("until", midnight_again=True),
        free=free,
        cap=table.money("cap"),
        steps=_steps(table),
    )


def _steps(section: Table) -> tuple[Step, ...]:
    tables = section.tables("steps", MOST_STEPS, STEP_KEYS, "阶梯", "step")
    steps = []
    begin = 0
    for number, table in enumerate(tables):
        up_to = table.whole("up_to", 1, LONGEST)
        per = table.whole("per", 1, LONGEST)
        ignore = table.whole("ignore", 0, LONGEST, 0) or 0
        price = table.money("price")
        last = number == len(tables) - 1
        if "price" not in table:
            table.wrong("price", '必须写；不收费写 "0"', 'is missing; "0" costs nothing')
        if last and "up_to" in table:
            table.wrong("up_to", "最后一级不写 up_to：它一直有效", "is not for the last step, which goes on")
        if not last and "up_to" not in table:
            table.wrong("up_to", "除最后一级外都要写", "is missing; only the last step goes without")
        if up_to is not None and not last:
            if up_to <= begin:
                table.wrong(
                    "up_to",
                    f"应大于前一级的 {begin} 分钟，现为 {up_to}",
                    f"must be more than the {begin} minutes of the step before, not {up_to}",
                )
            elif per and (up_to - begin) % per:
                table.wrong(
                    "per",
                    f"从 {begin} 到 {up_to} 共 {up_to - begin} 分钟，不是每 {per} 分钟的整数倍",
                    f"from {begin} to {up_to} are {up_to - begin} minutes, not a multiple of {per}",
                )
            begin = max(begin, up_to)
        if ignore and per is None:
            table.wrong("ignore", "只与 per 一起使用", "is only beside per")
        elif per is not None and ignore > per:
            table.wrong("ignore", f"不能大于每 {per} 分钟", f"must not be more than per, {per}")
        steps.append(Step(up_to=up_to, per=per, price=price or 0, ignore=ignore))
    return tuple(steps)


def to_data(price_list: PriceList) -> dict[str, Any]:
    """Plain data for JSON, without what is left out anyway; `from_data` makes the same list of it."""
    data: dict[str, Any] = {"valid_from": price_list.valid_from.isoformat()}
    if price_list.round_to != 1:
        data["round_to"] = money.yuan(price_list.round_to)
    data["rates"] = [_rate_data(rate) for rate in price_list.rates]
    return data


def _rate_data(rate: Rate) -> dict[str, Any]:
    left_out = Rate(sections=())
    written: dict[str, Callable[[Any], Any]] = {
        "vehicles": list,
        "day_starts": _clock,
        "period_caps": lambda caps: [money.yuan(cap) for cap in caps],
        "sections": lambda sections: [_section_data(section) for section in sections],
    }
    data: dict[str, Any] = {}
    for key in RATE_KEYS:
        value = getattr(rate, key)
        if value != getattr(left_out, key):
            data[key] = written[key](value) if key in written else value
    return data


def _section_data(section: Section) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if section.days:
        data["days"] = list(section.days)
    if section.start or section.until:
        data |= {"from": _clock(section.start), "until": _clock(section.until)}
    if section.free:
        return data | {"free": True}
    if section.cap is not None:
        data["cap"] = money.yuan(section.cap)
    data["steps"] = [_step_data(step) for step in section.steps]
    return data


def _step_data(step: Step) -> dict[str, Any]:
    data: dict[str, Any] = {"up_to": step.up_to, "per": step.per, "price": money.yuan(step.price)}
    if step.ignore:
        data["ignore"] = step.ignore
    return {key: value for key, value in data.items() if value is not None}


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
