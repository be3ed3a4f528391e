"""What a stay costs. Whole seconds, whole fen; every interval is half open; 24 h is 86,400 s.

Pure: the price list, the stay, what is covered, the lot's time zone and days go in; the price and its slices come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from taigan.lot.tariff.cover import Cover, Stretch
from taigan.lot.tariff.days import Calendar, published
from taigan.lot.tariff.errors import NoRate, NotInForce, UnusableTimes
from taigan.lot.tariff.model import (
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
from taigan.lot.tariff.result import Charge, Free, PeriodSum, Price, Slice
from taigan.lot.tariff.wall import instant, moment, seconds

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONGEST_STAY = timedelta(days=3660)
_YEARS = range(1971, 9000)
_ONE_DAY = timedelta(days=1)
_24_HOURS = 86_400


def in_force(price_lists: Iterable[PriceList], entry: datetime, zone: tzinfo = SHANGHAI) -> PriceList:
    """The newest list whose `valid_from` is not after the local date of the entry. Raises NotInForce."""
    day = entry.astimezone(zone).date()
    started = [price_list for price_list in price_lists if price_list.valid_from <= day]
    if not started:
        raise _not_in_force(day)
    return max(started, key=lambda price_list: price_list.valid_from)


def _not_in_force(day: date) -> NotInForce:
    return NotInForce(f"{day} 入场时没有启用的价目表", f"no price list is in force for an entry on {day}")


def price(
    price_list: PriceList,
    entry: datetime,
    exit: datetime,
    vehicle: str = "",
    covered: Iterable[tuple[datetime, datetime]] = (),
    *,
    zone: tzinfo = SHANGHAI,
    calendar: Calendar | None = None,
    free_used: bool = False,
) -> Price:
    """What a stay costs by this list, slice by slice.

    `vehicle` is one of the list's own names. `covered` are stretches in which nothing counts (pass, coupon minutes).
    `calendar` says what each date is; none: as published. `free_used`: the free minutes were used up before this stay.
    An exit not after the entry costs nothing and has no slices.

    Raises NotInForce, NoRate, YearNotPublished (only by a rate that asks for kinds of day), UnusableTimes.
    """
    check_times(entry, exit)
    day = entry.astimezone(zone).date()
    if day < price_list.valid_from:
        raise _not_in_force(day)
    number, rate = _rate(price_list, vehicle)
    start, end = seconds(entry), seconds(exit)
    if end <= start:
        return Price(0, (), (), number, rate.percent, Free.NONE, price_list.valid_from)
    cover = Cover(start, end, [(seconds(begin), seconds(until)) for begin, until in covered])
    stretches = _stretches(rate, day, start, end, zone, calendar)
    free, cover = _free_minutes(rate, start, end, stretches, cover, free_used)
    slices, periods = _slices(rate, day, start, end, stretches, cover, zone)
    total = sum(period.fen for period in periods) * rate.percent
    step = 100 * price_list.round_to
    rounded = (2 * total + step) // (2 * step) * price_list.round_to
    return Price(rounded, tuple(slices), tuple(periods), number, rate.percent, free, price_list.valid_from)


def check_times(entry: datetime, exit: datetime) -> None:
    """Raises UnusableTimes: without an offset, outside the years that are priced, or longer than anybody parks."""
    if entry.tzinfo is None or exit.tzinfo is None:
        raise UnusableTimes("入场和出场时间须带时区", "entry and exit need an offset from UTC")
    if entry.year not in _YEARS or exit.year not in _YEARS:
        raise UnusableTimes("年份超出范围（1971–8999）", "the year is out of range (1971 to 8999)")
    if exit - entry > LONGEST_STAY:
        raise UnusableTimes(
            f"停车时间超过 {LONGEST_STAY.days} 天，无法计费",
            f"a stay of more than {LONGEST_STAY.days} days is not priced",
        )


def _rate(price_list: PriceList, vehicle: str) -> tuple[int, Rate]:
    others = None
    for number, rate in enumerate(price_list.rates):
        if vehicle in rate.vehicles:
            return number, rate
        if not rate.vehicles:
            others = number, rate
    if others is None:
        known = "、".join(name for rate in price_list.rates for name in rate.vehicles)
        raise NoRate(
            f"价目表没有车型“{vehicle[:40]}”的费率，也没有不写车型的费率（已有：{known}）",
            f"the price list has no rate for vehicle {vehicle[:40]!r} and none for all others (it has: {known})",
        )
    return others


def _stretches(
    rate: Rate, day: date, start: int, end: int, zone: tzinfo, calendar: Calendar | None
) -> list[tuple[Section, int, int, int]]:
    """The stay cut at the borders of sections: each with the section, its place, from and until.

    Sections tile the time, so that each ends where the next starts, and one alone has no borders.
    """
    sections = rate.sections
    if len(sections) == 1:
        return [(sections[0], 0, start, end)]
    starting = _starting(rate, calendar)
    borders, places = [start], [starting(day - _ONE_DAY)[-1][1]]  # it comes over from the day before
    while instant(zone, day, 0) < end:
        for minute, place in starting(day):
            at = instant(zone, day, minute)
            if at >= end:
                break
            if at <= borders[-1]:  # the one before ended before the stay began, or the clock leapt over it
                at = borders.pop()
                places.pop()
            if not places or places[-1] != place:  # those of one section that touch are one
                borders.append(at)
                places.append(place)
        day += _ONE_DAY
    borders.append(end)
    return [(sections[place], place, *stretch) for place, stretch in zip(places, pairwise(borders), strict=True)]


def _starting(rate: Rate, calendar: Calendar | None) -> Callable[[date], list[tuple[int, int]]]:
    """Of a date: the minutes at which sections start, and their places."""

    def ordered(applying: Callable[[Section], bool]) -> list[tuple[int, int]]:
        return sorted([(section.start, place) for place, section in enumerate(rate.sections) if applying(section)])

    if not any([section.days for section in rate.sections]):
        every_day = ordered(lambda _: True)
        return lambda _: every_day
    kind_of = (calendar or published()).kind if rate.by_kind_of_day else None
    plans: dict[tuple[int, DayKind | None], list[tuple[int, int]]] = {}

    def plan(day: date) -> list[tuple[int, int]]:
        key = day.weekday(), kind_of and kind_of(day)
        if key not in plans:
            plans[key] = ordered(lambda section: section.applies(*key))
        return plans[key]

    return plan


def _free_minutes(
    rate: Rate,
    start: int,
    end: int,
    stretches: Sequence[tuple[Section, int, int, int]],
    cover: Cover,
    used: bool,
) -> tuple[Free, Cover]:
    """What the free minutes do, and what is covered with them."""
    if used or not rate.free:
        return Free.NONE, cover
    counted: list[Stretch] = [(start, end)]
    length = cover.elapsed(end)
    if rate.free_clock is FreeClock.CHARGED:
        counted = [(begin, until) for section, _, begin, until in stretches if not section.free]
        length = sum(cover.elapsed(until) - cover.elapsed(begin) for begin, until in counted)
    free = rate.free * 60
    if length < (free + 1 if rate.free_limit is FreeLimit.UP_TO else free):
        return Free.WITHIN, Cover(start, end, [(start, end)])
    if rate.after_free is AfterFree.FROM_ENTRY:
        return Free.EXCEEDED, cover
    return Free.TAKEN_OFF, Cover(start, end, [*cover.stretches, *cover.first(free, counted)])


def _slices(
    rate: Rate,
    day: date,
    start: int,
    end: int,
    stretches: Sequence[tuple[Section, int, int, int]],
    cover: Cover,
    zone: tzinfo,
) -> tuple[list[Slice], list[PeriodSum]]:
    slices: list[Slice] = []
    periods: list[PeriodSum] = []
    once, finish = rate.first_steps is FirstSteps.ONCE, rate.at_border is AtBorder.FINISH
    following = iter(stretches)
    section, place, _, border = next(following)
    at, began, elapsed = start, moment(start), 0
    for number, stop in enumerate(_period_ends(rate, day, start, end, zone)):
        period_began, total = began, 0
        while at < stop:
            while border <= at:
                section, place, _, border = next(following)
            until = border if border < stop else stop
            before = elapsed if once else 0
            gone = cover.elapsed(until)
            after = before + gone - elapsed
            if finish and until < stop:
                unfinished = _unit_end(section.steps, before, after) - after
                if unfinished:
                    until = min(cover.reached(gone + unfinished), stop)
                    gone = cover.elapsed(until)
                    after = before + gone - elapsed
            charges, full = _charges(section.steps, before, after)
            cap = section.cap
            cost = full if cap is None or cap > full else cap
            ended = moment(until)
            slices.append(Slice(place, number, began, ended, until - at - gone + elapsed, charges, cost < full, cost))
            total += cost
            at, began, elapsed = until, ended, gone
        cap = rate.period_caps[min(number, len(rate.period_caps) - 1)] if rate.period_caps else None
        periods.append(PeriodSum(period_began, began, total, cap, total if cap is None else min(total, cap)))
    return slices, periods


def _period_ends(rate: Rate, day: date, start: int, end: int, zone: tzinfo) -> Iterator[int]:
    """When each period of the stay ends, the last with the stay."""
    if rate.period is Period.HOURS_24:
        yield from range(start + _24_HOURS, end, _24_HOURS)
    elif rate.period is Period.DAY:
        at = start
        while (border := instant(zone, day, rate.day_starts)) < end:
            if border > at:
                yield border
                at = border
            day += _ONE_DAY
    yield end


def _charges(steps: Sequence[Step], before: int, after: int) -> tuple[tuple[Charge, ...], int]:
    """What the clock of the steps costs from `before` to `after`, in seconds: step by step, and together."""
    found: tuple[Charge, ...] = ()
    begin = total = 0
    for number, step in enumerate(steps):
        if begin >= after:
            break
        end = after
        if step.up_to is not None and step.up_to * 60 < after:
            end = step.up_to * 60
        units = 0
        if step.per is None:
            units = int(before <= begin)
        elif before < end:
            units, rest = divmod(end - (before if before > begin else begin), step.per * 60)
            if rest > step.ignore * 60:
                units += 1
        if units:
            cost = units * step.price
            found = (*found, Charge(number, units, cost))
            total += cost
        begin = end
    return found, total


def _unit_end(steps: Sequence[Step], before: int, after: int) -> int:
    """Where the last unit of `_charges` ends, if later than `after`; else `after`. A price taken once is no unit."""
    begin = 0
    for step in steps:
        end = None if step.up_to is None else step.up_to * 60
        if end is None or after <= end:
            break
        begin = end
    else:
        return after
    if step.per is None:
        return after
    rest = (after - max(begin, before)) % (step.per * 60)
    if rest <= step.ignore * 60:
        return after
    whole = after - rest + step.per * 60
    return whole if end is None else min(whole, end)
