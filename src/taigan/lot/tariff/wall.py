"""Between the lot's clock on the wall and whole seconds since 1970.

A time of day on a date is the first instant at which the lot's clock shows that time or later: of two, when the clock
is put back, the first; when the clock leaps over it, the leap.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970; what is less than a second is dropped."""
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds


def whole(moment: datetime) -> datetime:
    """The moment in UTC; what is less than a second is dropped."""
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=0) if utc.microsecond else utc


def moment(second: int) -> datetime:
    """The moment in UTC."""
    return _EPOCH + timedelta(seconds=second)


@lru_cache(maxsize=4096)
def instant(zone: tzinfo, day: date, minute: int) -> int:
    """When the lot's clock first shows so many minutes after midnight of this date, or more."""
    hour, rest = divmod(minute, 60)
    first = seconds(datetime(day.year, day.month, day.day, hour, rest, tzinfo=zone))
    second = seconds(datetime(day.year, day.month, day.day, hour, rest, tzinfo=zone, fold=1))
    if first <= second:
        return first
    return _leap(zone, datetime(day.year, day.month, day.day, hour, rest), second, first)  # noqa: DTZ001 - as on the wall


def _leap(zone: tzinfo, wall: datetime, before: int, after: int) -> int:
    """The first second, later than `before`, at which the clock shows `wall` or later, as it does at `after`."""
    while after - before > 1:
        middle = (before + after) // 2
        if moment(middle).astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after
