"""What a stay costs. Whole seconds, whole fen; every interval is half open; 24 h is 86,400 s.

Pure: the price list, the stay, what is covered, the lot's time zone and days go in; the price and its slices come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from taigan.lot.tariff.cover import Cover, Stretch
from taigan.lot.tariff.days import Calendar, published
from taigan.lot.tariff.errors import ExitFirst, NoRate, NotInForce, UnusableTimes
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
    Step,
)
from taigan.lot.tariff.result import Charge, Free, PeriodSum, Price, Slice
from taigan.lot.tariff.wall import instant, moment, seconds, whole

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONGEST_STAY = timedelta(days=3660)
_YEARS = range(1971, 9000)
_ONE_DAY = timedelta(days=1)
_24_HOURS = 86_400
# Bound once: in Python 3.11 looking a member of an enumeration up costs more than a step of a price.
_UP_TO, _FROM_ENTRY, _CHARGED = FreeLimit.UP_TO, AfterFree.FROM_ENTRY, FreeClock.CHARGED
_24H, _DAY = Period.HOURS_24, Period.DAY
_ONCE, _FINISH = FirstSteps.ONCE, AtBorder.FINISH

Instant = tuple[int, datetime]  # seconds since 1970, and the same moment in UTC


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
    began, ended = whole(entry), whole(exit)
    if ended <= began:
        return Price(0, (), (), number, rate.percent, Free.NONE, price_list.valid_from)
    start, end = seconds(began), seconds(ended)
    cover = Cover(start, end, [(seconds(begin), seconds(until)) for begin, until in covered])
    stretches = _stretches(rate, day, start, (end, ended), zone, calendar)
    free, cover = _free_minutes(rate, start, end, stretches, cover, free_used)
    slices, periods = _slices(
        rate, (start, began), stretches, _period_ends(rate, day, (start, began), (end, ended), zone), cover
    )
    total = sum([period.fen for period in periods]) * rate.percent
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


def check_order(entry: datetime, exit: datetime, zone: tzinfo = SHANGHAI) -> None:
    """For whoever asks what a stay would cost. Raises ExitFirst, and what `check_times` raises.

    At a lane it is no question but a clock that was wrong: there `price` is 0, and the lane raises its alarm.
    """
    check_times(entry, exit)
    if exit >= entry:
        return
    moments = [moment.astimezone(zone) for moment in (entry, exit)]
    if moments[0].utcoffset() == moments[1].utcoffset():
        moments = [moment.replace(tzinfo=None) for moment in moments]
    came, left = (moment.isoformat(" ", "seconds" if moment.second else "minutes") for moment in moments)
    raise ExitFirst(
        f"离场时间 {left} 早于入场时间 {came}，请检查有没有写反",
        f"the exit, {left}, is before the entry, {came}: are they the wrong way round?",
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
    rate: Rate, day: date, start: int, end: Instant, zone: tzinfo, calendar: Calendar | None
) -> list[tuple[int, Instant]]:
    """The stay cut at the borders of sections: the place of each section and its end, where the next begins."""
    if len(rate.sections) == 1:
        return [(0, end)]
    kind_of = (calendar or published()).kind if _kinds_matter(rate) else None
    found: list[tuple[int, Instant]] = []
    before = day - _ONE_DAY
    place = starting(rate, before, kind_of and kind_of(before), zone)[-1][0]  # it comes over from the day before
    while instant(zone, day, 0) < end[0]:
        for following, border in starting(rate, day, kind_of and kind_of(day), zone):
            if border[0] >= end[0]:
                break
            if following != place:  # those of one section that touch are one
                if border[0] > (found[-1][1][0] if found else start):
                    found.append((place, border))  # else it ended before the stay began, or the clock leapt over it
                elif found and found[-1][0] == following:
                    found.pop()
                place = following
        day += _ONE_DAY
    found.append((place, end))
    return found


@lru_cache(maxsize=256)
def _kinds_matter(rate: Rate) -> bool:
    return rate.by_kind_of_day


@lru_cache(maxsize=4096)
def starting(rate: Rate, day: date, kind: DayKind | None, zone: tzinfo) -> tuple[tuple[int, Instant], ...]:
    """The sections that start on this date: the place of each and when."""
    weekday = day.weekday()
    starts = [(section.start, place) for place, section in enumerate(rate.sections) if section.applies(weekday, kind)]
    borders = [(place, instant(zone, day, minute)) for minute, place in sorted(starts)]
    return tuple([(place, (second, moment(second))) for place, second in borders])


def _free_minutes(
    rate: Rate, start: int, end: int, stretches: Sequence[tuple[int, Instant]], cover: Cover, used: bool
) -> tuple[Free, Cover]:
    """What the free minutes do, and what is covered with them."""
    if used or not rate.free:
        return Free.NONE, cover
    counted: list[Stretch] = [(start, end)]
    length = cover.elapsed(end)
    if rate.free_clock is _CHARGED:
        begins = [start, *[until for _, (until, _) in stretches]]
        counted = [
            (begin, until)
            for begin, (place, (until, _)) in zip(begins, stretches, strict=False)
            if not rate.sections[place].free
        ]
        length = sum([cover.elapsed(until) - cover.elapsed(begin) for begin, until in counted])
    free = rate.free * 60
    if length < (free + 1 if rate.free_limit is _UP_TO else free):
        return Free.WITHIN, Cover(start, end, [(start, end)])
    if rate.after_free is _FROM_ENTRY:
        return Free.EXCEEDED, cover
    return Free.TAKEN_OFF, Cover(start, end, [*cover.stretches, *cover.first(free, counted)])


def _period_ends(rate: Rate, day: date, start: Instant, end: Instant, zone: tzinfo) -> Iterator[Instant]:
    """When each period of the stay ends, the last with the stay."""
    at, began = start
    if rate.period is _24H:
        for border in range(at + _24_HOURS, end[0], _24_HOURS):
            began += _ONE_DAY
            yield border, began
    elif rate.period is _DAY:
        while (border := instant(zone, day, rate.day_starts)) < end[0]:
            if border > at:
                yield border, moment(border)
                at = border
            day += _ONE_DAY
    yield end


def _slices(
    rate: Rate, start: Instant, stretches: Iterable[tuple[int, Instant]], stops: Iterable[Instant], cover: Cover
) -> tuple[list[Slice], list[PeriodSum]]:
    slices: list[Slice] = []
    periods: list[PeriodSum] = []
    counted: dict[tuple[int, int, int], tuple[tuple[Charge, ...], int]] = {}
    once, finish = rate.first_steps is _ONCE, rate.at_border is _FINISH
    sections, caps = rate.sections, rate.period_caps
    following = iter(stretches)
    place, border = next(following)
    (at, began), elapsed = start, 0
    for number, stop in enumerate(stops):
        period_began, total = began, 0
        while at < stop[0]:
            while border[0] <= at:
                place, border = next(following)
            section = sections[place]
            until, ended = border if border[0] < stop[0] else stop
            before = elapsed if once else 0
            gone = cover.elapsed(until)
            after = before + gone - elapsed
            if finish and until < stop[0]:
                unfinished = _unit_end(section.steps, before, after) - after
                if unfinished:
                    until = min(cover.reached(gone + unfinished), stop[0])
                    ended = moment(until)
                    gone = cover.elapsed(until)
                    after = before + gone - elapsed
            stretch = place, before, after
            charged = counted.get(stretch)
            if charged is None:  # in a long stay the same nights come again and again
                charged = counted[stretch] = _charges(section.steps, before, after)
            charges, full = charged
            cap = section.cap
            cost = full if cap is None or cap > full else cap
            slices.append(Slice(place, number, began, ended, until - at - gone + elapsed, charges, cost < full, cost))
            total += cost
            at, began, elapsed = until, ended, gone
        cap = caps[min(number, len(caps) - 1)] if caps else None
        periods.append(PeriodSum(period_began, began, total, cap, total if cap is None or cap > total else cap))
    return slices, periods


def _charges(steps: Sequence[Step], before: int, after: int) -> tuple[tuple[Charge, ...], int]:
    """What the clock of the steps costs from `before` to `after`, in seconds: step by step, and together."""
    found: list[Charge] = []
    begin = total = 0
    for number, step in enumerate(steps):
        if begin >= after:
            break
        up_to, per = step.up_to, step.per
        end = after if up_to is None or up_to * 60 > after else up_to * 60
        units = 0
        if per is None:
            units = int(before <= begin)
        elif before < end:
            units, rest = divmod(end - (before if before > begin else begin), per * 60)
            if rest > step.ignore * 60:
                units += 1
        if units:
            cost = units * step.price
            found.append(Charge(number, units, cost))
            total += cost
        begin = end
    return tuple(found), total


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
