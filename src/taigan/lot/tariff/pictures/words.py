"""A price list in sentences, Chinese and English: for the board, and to see whether it says what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

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
from taigan.lot.tariff.money import short, yuan

_DAYS: dict[str, tuple[str, str]] = {
    DayKind.WORKDAY: ("工作日", "working days"),
    DayKind.WEEKEND: ("周末", "weekends"),
    DayKind.HOLIDAY: ("节假日", "public holidays"),
    **{
        name: (f"周{zh}", en)
        for name, zh, en in zip(
            WEEKDAYS,
            "一二三四五六日",
            ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"),
            strict=True,
        )
    },
}
_VEHICLES = {
    "small": ("小型车", "small cars"),
    "large": ("大型车", "large vehicles"),
    "new_energy": ("新能源车", "new-energy vehicles"),
    "motorcycle": ("摩托车", "motorcycles"),
    "bus": ("客车", "buses"),
    "truck": ("货车", "trucks"),
}

_LIKE_HOURS = frozenset({1, 2, 3, 4, 6, 7, 8, 9, 12, 14, 16, 24})  # minutes that nobody charges by, hours that many do


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in both languages."""

    zh: str
    en: str

    def of(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


def clock(minute: int) -> str:
    """Minutes after midnight as a time of day."""
    return f"{minute // 60:02}:{minute % 60:02}"


def weekday(day: date) -> Said:
    """Its name."""
    zh, en = _DAYS[WEEKDAYS[day.weekday()]]
    return Said(zh, en.removesuffix("s"))


def length(minutes: int) -> Said:
    """So many minutes."""
    if minutes % 60 == 0:
        return Said(f"{minutes // 60}小时", f"{minutes // 60} h")
    if minutes % 30 == 0 and minutes > 60:
        return Said(f"{minutes // 60}.5小时", f"{minutes // 60}.5 h")
    return Said(f"{minutes}分钟", f"{minutes} min")


def vehicles(rate: Rate) -> Said:
    """Who pays this rate."""
    if not rate.vehicles:
        return Said("其余车辆", "all other vehicles")
    known = [_VEHICLES.get(name, (name, name)) for name in rate.vehicles]
    return Said("、".join(zh for zh, _ in known), ", ".join(en for _, en in known))


def times(section: Section) -> Said:
    """When a section is."""
    days = [_DAYS[day] for day in section.days]
    until = section.until or DAY
    if (section.start, until) == (0, DAY):
        hours = Said("全天", "all day")
    elif section.start < until:
        span = f"{clock(section.start)}–{clock(until)}"
        hours = Said(span, span)
    else:
        hours = Said(f"{clock(section.start)}–次日{clock(until)}", f"{clock(section.start)}–{clock(until)} next day")
    if not days:
        return hours
    return Said(f"{'、'.join(zh for zh, _ in days)} {hours.zh}", f"{', '.join(en for _, en in days)}, {hours.en}")


def charges(rate: Rate, section: Section) -> list[Said]:
    """What a section costs, a line for each step."""
    if section.free:
        return [Said("免费", "free")]
    lines = []
    begin = 0
    for step in section.steps:
        lines.append(_step(rate, step, begin, alone=len(section.steps) == 1))
        begin = step.up_to or begin
    return lines


def _step(rate: Rate, step: Step, begin: int, *, alone: bool) -> Said:
    if step.per is None:
        price = _once(rate, step, alone=alone, first=not begin)
    else:
        unit = length(step.per)
        every = Said("小时", "hour") if step.per == 60 else unit
        price = Said(f"{short(step.price)}元/{every.zh}", f"¥{short(step.price)} per {every.en}")
        if step.ignore == step.per:
            price = Said(f"{price.zh}，不足{unit.zh}不收", f"{price.en}; less than {unit.en} is not charged")
        elif step.ignore:
            rest = length(step.ignore)
            price = Said(
                f"{price.zh}，零头{rest.zh}以内（含）不计", f"{price.en}; a rest of up to {rest.en} is not charged"
            )
    if alone:
        return price
    if step.up_to is None:
        after = length(begin)
        return Said(f"{after.zh}以后：{price.zh}", f"after {after.en}: {price.en}")
    until = length(step.up_to)
    if not begin:
        return Said(f"{until.zh}以内：{price.zh}", f"first {until.en}: {price.en}")
    since = length(begin)
    return Said(f"{since.zh}至{until.zh}：{price.zh}", f"{since.en} to {until.en}: {price.en}")


def _once(rate: Rate, step: Step, *, alone: bool, first: bool) -> Said:
    money = short(step.price)
    if not alone:
        return Said(f"共{money}元", f"¥{money} in all") if first else Said(f"加收{money}元", f"¥{money} more")
    if rate.first_steps is FirstSteps.ONCE:
        return Said(f"{money}元/次", f"¥{money} per visit")
    if len(rate.sections) > 1:
        return Said(f"{money}元/时段", f"¥{money} each time")
    return {
        Period.STAY: Said(f"{money}元/次", f"¥{money} per visit"),
        Period.HOURS_24: Said(f"{money}元/24小时", f"¥{money} per 24 h"),
        Period.DAY: Said(
            f"{money}元/日（{clock(rate.day_starts)}起）", f"¥{money} per day (from {clock(rate.day_starts)})"
        ),
    }[rate.period]


def cap(section: Section) -> Said:
    """The cap of a section; empty if there is none."""
    return Said("", "") if section.cap is None else Said(f"{short(section.cap)}元", f"¥{short(section.cap)}")


def rules(price_list: PriceList, rate: Rate) -> list[Said]:
    """The seven things that a table of prices leaves open, as this rate answers them."""
    return [*_free(rate), *_rests(rate), *_periods(rate), *_borders(rate), *_end(price_list, rate)]


def _free(rate: Rate) -> Iterator[Said]:
    if not rate.free:
        return
    free = length(rate.free)
    counted = rate.free_clock is FreeClock.CHARGED
    clock_zh, clock_en = ("收费时段内", " of charged time") if counted else ("", "")
    if rate.free_limit is FreeLimit.UP_TO:
        yield Said(f"{clock_zh}{free.zh}以内（含）免费", f"up to and including {free.en}{clock_en} is free")
    else:
        yield Said(f"{clock_zh}不足{free.zh}免费", f"less than {free.en}{clock_en} is free")
    if rate.after_free is AfterFree.FROM_ENTRY:
        yield Said("超过免费时长的，从入场起计费", "a longer stay is charged from the entry")
    else:
        yield Said("超过免费时长的，扣除免费时长后计费", "from a longer stay the free time is taken off")
    if rate.period is not Period.STAY:
        yield Said(
            "免费时长每次停车只有一次，重新计时后不再给",
            "the free time is given once per stay, not again when counting begins anew",
        )


def _rests(rate: Rate) -> Iterator[Said]:
    """What a rest shorter than a unit costs; where it costs nothing, the step says so."""
    units = [step for section in rate.sections for step in section.steps if step.per]
    if not any(step.ignore for step in units) and units:
        yield Said("不足一个计时单位的，按一个单位计", "a unit that has begun counts as a whole one")
    elif any(step.ignore != step.per for step in units):
        yield Said("其余零头不足一个计时单位的，按一个单位计", "any other unit that has begun counts as a whole one")


def _periods(rate: Rate) -> Iterator[Said]:
    caps = rate.period_caps
    per = {
        Period.HOURS_24: Said("自入场起每24小时", "per 24 h from the entry"),
        Period.DAY: Said(f"每日（{clock(rate.day_starts)}起）", f"per day (from {clock(rate.day_starts)})"),
        Period.STAY: Said("每次停车", "per stay"),
    }[rate.period]
    if len(caps) == 1:
        yield Said(f"{per.zh}封顶{short(caps[0])}元", f"at most ¥{short(caps[0])} {per.en}")
    elif caps:
        zh = "、".join(f"第{number}个{short(cap)}元" for number, cap in enumerate(caps, 1))
        en = ", ".join(f"¥{short(cap)}" for cap in caps)
        yield Said(f"{per.zh}封顶：{zh}（以后相同）", f"at most {en} {per.en}, the last from then on")
    elif not any(section.cap is not None for section in rate.sections) and not _flat(rate):
        yield Said("不封顶", "no maximum")
    if rate.period is not Period.STAY and not _flat(rate):
        whole = "满24小时" if rate.period is Period.HOURS_24 else f"每日{clock(rate.day_starts)}"
        until = "after each 24 h" if rate.period is Period.HOURS_24 else f"at {clock(rate.day_starts)} each day"
        yield Said(f"{whole}后重新计时", f"counting begins anew {until}")


def _flat(rate: Rate) -> bool:
    return len(rate.sections) == 1 and len(rate.sections[0].steps) == 1 and rate.sections[0].steps[0].per is None


def _borders(rate: Rate) -> Iterator[Said]:
    if len(rate.sections) > 1 and any(step.per for section in rate.sections for step in section.steps):
        if rate.at_border is AtBorder.CUT:
            yield Said("跨时段的，各时段分别计时", "each time of day is counted by itself")
        else:
            yield Said(
                "跨时段的，未满的计时单位按开始时的时段计满",
                "a unit that has begun is finished at the price of the time it began in",
            )
    if rate.first_steps is FirstSteps.ONCE:
        if any(len(section.steps) > 1 for section in rate.sections):
            yield Said("首段价格每次停车只计一次", "the first step counts once per stay")
        if any(len(section.steps) == 1 and section.steps[0].per is None for section in rate.sections):
            yield Said(
                "按次的价格每次停车只收一次，按入场时的时段",
                "a price per visit is taken once, by the time of the entry",
            )


def _end(price_list: PriceList, rate: Rate) -> Iterator[Said]:
    if rate.percent != 100:
        yield Said(f"按上述金额的{rate.percent}%收取", f"{rate.percent}% of this is charged")
    if price_list.round_to != 1:
        yield Said(
            f"合计四舍五入到{yuan(price_list.round_to)}元",
            f"the sum is rounded to ¥{yuan(price_list.round_to)}, half up",
        )


def remarks(rate: Rate) -> Sequence[Said]:
    """What is allowed and often not meant."""
    return [*_cut_nights(rate), *_never_reached(rate), *_minutes_or_hours(rate)]


def _cut_nights(rate: Rate) -> Iterator[Said]:
    """A period's end inside a section cuts it in two, each with its own units and its own cap."""
    if rate.period is Period.STAY or len(rate.sections) == 1:
        return
    if not rate.period_caps:
        yield Said(
            f'没有周期封顶（period_caps），但 period = "{rate.period}" 会在周期结束时切断计时单位并重计时段封顶；'
            '如果不是这样，请写 period = "stay"',
            f'there are no period_caps, but period = "{rate.period}" cuts units and begins caps of sections anew '
            'at its end; if that is not meant, write period = "stay"',
        )
        return
    capped = [section for section in rate.sections if section.cap is not None and _may_be_cut(rate, section)]
    if not capped:
        return
    section, when = capped[0], times(capped[0])
    mark = Said("入场满24小时的时刻", "the moment 24 h after the entry")
    if rate.period is Period.DAY:
        mark = Said(f"每日{clock(rate.day_starts)}", clock(rate.day_starts))
    twice = short(2 * (section.cap or 0))
    yield Said(
        f"{when.zh} 的封顶在{mark.zh}重新计起：停车跨过它，前后各封顶一次，这一段最多可收 {twice}元",
        f"the maximum of {when.en} begins anew at {mark.en}: a stay across it can pay up to ¥{twice} for that time",
    )


def _may_be_cut(rate: Rate, section: Section) -> bool:
    """Whether a period can end inside the section: after 24 h any, at a time of day those around it."""
    if rate.period is Period.HOURS_24:
        return True
    length_of_it = (section.until - section.start - 1) % DAY + 1
    return 0 < (rate.day_starts - section.start) % DAY < length_of_it


def _never_reached(rate: Rate) -> Iterator[Said]:
    if any(
        step.up_to and step.up_to > DAY and rate.period is Period.HOURS_24 for s in rate.sections for step in s.steps
    ):
        yield Said(
            'period = "24h" 每24小时重计，超过24小时的阶梯永远到不了',
            'period = "24h" begins anew every 24 h: steps beyond that are never reached',
        )


def _minutes_or_hours(rate: Rate) -> Iterator[Said]:
    """A few minutes that are no usual unit: hours may have been meant."""
    steps = [step for section in rate.sections for step in section.steps]
    for step in dict.fromkeys(steps):
        if step.per in _LIKE_HOURS:
            hourly = short((step.price * 60 + step.per // 2) // step.per)
            yield Said(
                f"{short(step.price)}元/{step.per}分钟，合每小时约 {hourly}元：per 是分钟，"
                f"{step.per}小时写 per = {step.per * 60}",
                f"¥{short(step.price)} per {step.per} min is about ¥{hourly} an hour: per is in minutes, "
                f"{step.per} h is per = {step.per * 60}",
            )
        if step.up_to in _LIKE_HOURS:
            yield Said(
                f"到{step.up_to}分钟为止的一级：up_to 是分钟，{step.up_to}小时写 up_to = {step.up_to * 60}",
                f"a step ends after {step.up_to} min: up_to is in minutes, {step.up_to} h is up_to = {step.up_to * 60}",
            )
