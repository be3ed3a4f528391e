"""When passes hold: on some days, at some hours. A night belongs to the day on which it begins, as in a price list."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from taigan.lot.tariff.days import Calendar
from taigan.lot.tariff.model import WEEKDAYS, DayKind

Interval = tuple[datetime, datetime]
Hours = tuple[int, int]
"""From and to in minutes of the day; over midnight where it ends before it begins."""
MOST_HOURS = 8
ALL_DAY: Hours = (0, 1440)
DAYS = (*WEEKDAYS, *DayKind)
"""What a pass may be limited to: weekdays, and the kinds of day that price lists know."""
_ZH = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_KINDS = {DayKind.WORKDAY: "工作日", DayKind.WEEKEND: "周末", DayKind.HOLIDAY: "节假日"}
_NAMES = {
    **{f"{week}{day}": WEEKDAYS[n] for week in ("周", "星期", "礼拜") for n, day in enumerate("一二三四五六日")},
    **{f"{week}天": "sun" for week in ("周", "星期", "礼拜")},
    **{day: day for day in WEEKDAYS},
    **dict(zip(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), WEEKDAYS, strict=True)),
    **{word: "workday" for word in ("workday", "workdays", "工作日")},
    **{word: "weekend" for word in ("weekend", "weekends", "周末", "双休日")},
    **{word: "holiday" for word in ("holiday", "holidays", "节假日", "法定节假日")},
}
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—~至]\s*(\d{1,2}):(\d{2})")
_TO = re.compile(r"\s*[-–—~至到]\s*")
_BETWEEN = re.compile(r"[\s,，;；、]+")


def hours_of(text: str) -> list[Hours]:
    """Hours of the day as people and BoLink write them: 22:00-08:00, several with blanks between.

    Raises ValueError: it is not written so, there are more than `MOST_HOURS`, or one ends when it begins.
    """
    found: list[Hours] = []
    for part in filter(None, _BETWEEN.split(re.sub(r"\s*([-–—~至])\s*", r"\1", text))):
        parts = _HOURS.fullmatch(part)
        if parts is None:
            raise ValueError(part)
        first, last = (int(parts[n]) * 60 + int(parts[n + 1]) for n in (1, 3))
        if int(parts[2]) > 59 or int(parts[4]) > 59 or first >= 1440 or last > 1440 or first == last:
            raise ValueError(part)
        found.append((first, last))
    if len(found) > MOST_HOURS:
        raise ValueError(text)
    return found


def written(hours: Iterable[Hours]) -> str:
    """Hours as they are kept."""
    return " ".join("-".join(f"{at // 60:02d}:{at % 60:02d}" for at in one) for one in hours)


def days_of(text: str) -> tuple[str, ...]:
    """Days as people write them: 周一至周五, mon-fri, 工作日, several with blanks between. None of them, or all: none.

    Raises ValueError: it is not written so.
    """
    found: set[str] = set()
    for part in filter(None, _BETWEEN.split(_TO.sub("-", text.strip().lower()))):
        first, _, last = part.partition("-")
        if first not in _NAMES or (last or first) not in _NAMES or part.endswith("-"):
            raise ValueError(part)
        begin, end = _NAMES[first], _NAMES[last or first]
        if not last:
            found.add(begin)
        elif begin not in WEEKDAYS or end not in WEEKDAYS:
            raise ValueError(part)
        else:
            at = WEEKDAYS.index(begin)
            found |= {WEEKDAYS[(at + n) % 7] for n in range((WEEKDAYS.index(end) - at) % 7 + 1)}
    if found.issuperset(WEEKDAYS) or found.issuperset(DayKind):
        return ()
    return tuple(str(day) for day in DAYS if day in found)


def days_told(days: Collection[str]) -> str:
    """Days in Chinese, as drivers and BoLink read them: three or more in a row as 周一至周五."""
    runs: list[list[int]] = []
    for number, day in enumerate(WEEKDAYS):
        if day in days:
            if runs and runs[-1][-1] == number - 1:
                runs[-1].append(number)
            else:
                runs.append([number])
    said = [f"{_ZH[run[0]]}至{_ZH[run[-1]]}" if len(run) > 2 else "、".join(_ZH[n] for n in run) for run in runs]
    return "、".join([*said, *(name for kind, name in _KINDS.items() if kind in days)])


def split(body: str) -> tuple[str, str]:
    """The days and the hours of times as a lot keeps them by a number: mon tue 22:00-08:00."""
    parts = body.split()
    return " ".join(one for one in parts if ":" not in one), " ".join(one for one in parts if ":" in one)


def asks_for_kinds(days: Collection[str]) -> bool:
    """Whether it has to be known which dates are holidays."""
    return any(day not in WEEKDAYS for day in days)


def times(
    days: Collection[str],
    hours: Sequence[Hours],
    zone: ZoneInfo,
    calendar: Calendar | None,
    begin: datetime,
    end: datetime,
) -> list[Interval]:
    """These hours (none: all) of these days (none: each) of the lot's clock, as far as they are between two moments.

    Raises YearNotPublished: the days are kinds of day, and nobody has said yet which are holidays.
    """
    found: list[Interval] = []
    for first, last in sorted(_each(days, hours or [ALL_DAY], zone, calendar, begin, end)):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _each(
    days: Collection[str],
    hours: Sequence[Hours],
    zone: ZoneInfo,
    calendar: Calendar | None,
    begin: datetime,
    end: datetime,
) -> Iterator[Interval]:
    day, last = begin.astimezone(zone).date() - timedelta(days=1), end.astimezone(zone).date()
    while day <= last:
        bounds = [
            (_moment(day, first, zone), _moment(day, until if until > first else until + 1440, zone))
            for first, until in hours
        ]
        inside = [(max(begin, first), min(end, until)) for first, until in bounds]
        inside = [(first, until) for first, until in inside if first < until]
        if inside and _holds(days, day, calendar):
            yield from inside
        day += timedelta(days=1)


def _holds(days: Collection[str], day: date, calendar: Calendar | None) -> bool:
    if not days or WEEKDAYS[day.weekday()] in days:
        return True
    return calendar is not None and calendar.kind(day) in days


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    day += timedelta(minutes=minute)  # of which a date takes the whole days
    return datetime.combine(day, time(minute // 60 % 24, minute % 60), zone).astimezone(UTC)
