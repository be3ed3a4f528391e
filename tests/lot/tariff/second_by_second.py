"""What a stay costs, worked out the slow way: one tick after the other, nothing remembered that is not on the page.

A tick is a second; or a longer stretch that divides a minute, when entry, exit and covered times lie on whole ticks of
the clock: everything that matters then happens at the border of a tick. Moments are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache

from taigan.lot.tariff.days import Calendar
from taigan.lot.tariff.model import Period, PriceList, Rate, Section, Step

ONE_DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def watched(zone: tzinfo, day: date) -> list[tuple[datetime, int]]:
    """What the lot's clock shows in every minute of this date, and of the two dates on either side."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * ONE_DAY
    minutes = [start + timedelta(minutes=n) for n in range(5 * 1440)]
    return [(at.astimezone(zone).replace(tzinfo=None), (at - EPOCH) // timedelta(seconds=1)) for at in minutes]


@cache
def first_shown(zone: tzinfo, day: date, minute: int) -> int:
    """The first instant at which the clock shows that time or later."""
    wanted = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 - as on the wall
    return next(at for shown, at in watched(zone, day) if shown >= wanted)


def dates(first: date, last: date) -> list[date]:
    return [first + n * ONE_DAY for n in range((last - first).days + 1)]


def occurrences(
    rate: Rate, zone: tzinfo, calendar: Calendar, first: date, last: date
) -> list[tuple[int, int, Section]]:
    """Every time that a section begins and ends."""
    found = []
    for day in dates(first, last):
        for section in rate.sections:
            if section.applies(day.weekday(), calendar.kind(day)):
                over_midnight = section.until <= section.start
                until = first_shown(zone, day + ONE_DAY if over_midnight else day, section.until)
                found.append((first_shown(zone, day, section.start), until, section))
    return found


class Meter:
    """The steps of one slice as a meter with its clock at `p` seconds.

    A unit counts when more of it has gone than may be ignored, or when it is whole.
    """

    def __init__(self, section: Section, p: int) -> None:
        self.section = section
        self.p = p
        self.fen = 0
        self.unit: Step | None = None
        self.gone = 0
        self.counted = False

    def step(self) -> Step:
        return next(step for step in self.section.steps if step.up_to is None or self.p < step.up_to * 60)

    def tick(self, seconds: int) -> None:
        """So many uncovered seconds go by."""
        if self.section.free:
            self.p += seconds
            return
        step = self.step()
        begins = 0
        for earlier in self.section.steps:
            if earlier is step:
                break
            begins = earlier.up_to * 60
        if step.per is None:
            self.unit = None
            if self.p == begins:
                self.fen += step.price
        else:
            if self.unit is not step:
                self.unit, self.gone, self.counted = step, 0, False
            self.gone += seconds
            if not self.counted and (self.gone > step.ignore * 60 or self.gone == step.per * 60):
                self.counted = True
                self.fen += step.price
        self.p += seconds
        whole = self.unit is not None and self.gone == self.unit.per * 60
        if whole or (step.up_to is not None and self.p == step.up_to * 60):
            self.unit = None

    @property
    def in_counted_unit(self) -> bool:
        return self.unit is not None and self.counted

    @property
    def cost(self) -> int:
        return self.fen if self.section.cap is None else min(self.fen, self.section.cap)


def slow_price(
    price_list: PriceList,
    entry: datetime,
    exit: datetime,
    vehicle: str,
    covered: Sequence[tuple[datetime, datetime]],
    zone: tzinfo,
    calendar: Calendar,
    free_used: bool,
    tick: int,
) -> int:
    """What `price` has to say, in fen."""
    named = [rate for rate in price_list.rates if vehicle in rate.vehicles]
    rate = (named or [rate for rate in price_list.rates if not rate.vehicles])[0]
    first, last = entry.astimezone(zone).date() - 2 * ONE_DAY, exit.astimezone(zone).date() + ONE_DAY
    day_starts = {first_shown(zone, day, rate.day_starts) for day in dates(first, last)}
    second = timedelta(seconds=1)
    start, end = (entry - EPOCH) // second, (exit - EPOCH) // second

    where: dict[int, Section] = {}
    for begin, until, section in occurrences(rate, zone, calendar, first, last):
        for at in range(max(begin, start), min(until, end), tick):
            assert at not in where, "two sections at once"
            where[at] = section
    moments = range(start, end, tick)
    uncounted = [((begin - EPOCH) // second, (until - EPOCH) // second) for begin, until in covered]
    counts = {at: not any(begin <= at < until for begin, until in uncounted) for at in moments}

    if rate.free and not free_used:
        using = [at for at in moments if counts[at] and not (rate.free_clock == "charged" and where[at].free)]
        length, free = len(using) * tick, rate.free * 60
        if length < free or (length == free and rate.free_limit == "up_to"):
            return 0
        if rate.after_free == "from_end":
            for at in using[: free // tick]:
                counts[at] = False

    periods: list[list[Meter]] = []
    stay_clock = 0
    meter: Meter | None = None
    before: Section | None = None
    past_border = False
    for at in moments:
        new_period = (
            not periods
            or (rate.period is Period.HOURS_24 and (at - start) % 86_400 == 0)
            or (rate.period is Period.DAY and at in day_starts)
        )
        if new_period:
            periods.append([])
        past_border = past_border or where[at] is not before
        before = where[at]
        runs_on = rate.at_border == "finish" and meter is not None and meter.in_counted_unit
        if meter is None or new_period or (past_border and not runs_on):
            meter = Meter(where[at], stay_clock if rate.first_steps == "once" else 0)
            periods[-1].append(meter)
            past_border = False
        if counts[at]:
            meter.tick(tick)
            stay_clock += tick

    total = 0
    for number, meters in enumerate(periods):
        cost = sum(meter.cost for meter in meters)
        if rate.period_caps:
            cost = min(cost, (list(rate.period_caps) + [rate.period_caps[-1]] * len(periods))[number])
        total += cost
    hundredths = total * rate.percent
    down = hundredths // (100 * price_list.round_to) * price_list.round_to
    rest = hundredths - down * 100
    return down + price_list.round_to if 2 * rest >= 100 * price_list.round_to else down
