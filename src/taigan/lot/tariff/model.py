"""A price list as data. Money is whole fen, lengths are whole minutes, times of day are minutes after midnight.

Made by `reading`, which checks it; `evaluation` relies on what is checked there (sections tile every day, steps ascend,
the last is open). The words of the trade are in the comments.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec


class FreeLimit(StrEnum):
    """Is a stay of exactly the free minutes free?"""

    UP_TO = "up_to"  # 以内（含）
    UNDER = "under"  # 不足（不含）


class AfterFree(StrEnum):
    """What becomes of the free minutes of a longer stay."""

    FROM_ENTRY = "from_entry"  # 超过后从入场计
    FROM_END = "from_end"  # 扣除免费


class FreeClock(StrEnum):
    """Which minutes use the free ones up."""

    STAY = "stay"  # 免费按停车时长
    CHARGED = "charged"  # 免费按收费时长: those in sections that cost something


class Period(StrEnum):
    """What the caps of `period_caps` are for."""

    HOURS_24 = "24h"  # every 24 h from the entry
    DAY = "day"  # wall-clock days from `day_starts`
    STAY = "stay"


class FirstSteps(StrEnum):
    """Do the steps begin again in each slice?"""

    EACH = "each"  # 首段每时段重计
    ONCE = "once"  # 整次一次


class AtBorder(StrEnum):
    """What becomes of a unit at the end of its section."""

    CUT = "cut"  # 跨时段切开计
    FINISH = "finish"  # 计满单位


class DayKind(StrEnum):
    """What a date is in China: one of these."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A price per unit, or once, from the `up_to` of the step before to its own."""

    price: int
    up_to: int | None = None  # 至（分钟）; the last step is open
    per: int | None = None  # 每（分钟）; none: the price is taken once
    ignore: int = 0  # 零头不计（分钟）


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """时段: a stretch of the day with its own steps. `until` <= `start` goes past midnight; equal: 24 h."""

    days: tuple[str, ...] = ()  # 适用日: kinds of day or weekdays; none: all
    start: int = 0
    until: int = 0
    free: bool = False
    cap: int | None = None  # 时段封顶
    steps: tuple[Step, ...] = ()

    def applies(self, weekday: int, kind: DayKind | None) -> bool:
        """Whether it starts on such a day. `weekday` 0 is Monday."""
        return not self.days or kind in self.days or WEEKDAYS[weekday] in self.days


class Rate(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What some kinds of vehicles pay."""

    sections: tuple[Section, ...]
    vehicles: tuple[str, ...] = ()  # 适用车型; none: all others
    percent: int = 100  # 折算比例
    free: int = 0  # 免费时长（分钟）
    free_limit: FreeLimit = FreeLimit.UP_TO
    after_free: AfterFree = AfterFree.FROM_ENTRY
    free_clock: FreeClock = FreeClock.STAY
    period: Period = Period.HOURS_24
    day_starts: int = 0
    period_caps: tuple[int, ...] = ()  # 周期封顶: first, second, …; the last repeats
    first_steps: FirstSteps = FirstSteps.EACH
    at_border: AtBorder = AtBorder.CUT

    @property
    def by_kind_of_day(self) -> bool:
        """Whether it has to be known which dates are holidays."""
        return any(day not in WEEKDAYS for section in self.sections for day in section.days)


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """价目表: in force for stays that enter on or after `valid_from` (a date of the lot's clock), until the next."""

    valid_from: date
    rates: tuple[Rate, ...]
    round_to: int = 1  # 取整到（分）: half up, once, at the end
