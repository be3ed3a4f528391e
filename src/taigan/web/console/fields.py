"""What people type into fields, as moments, days and money. Each raises BadValue with a sentence for the field."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from taigan.lot.errors import BadValue
from taigan.storage.shown.views import After
from taigan.storage.sums.books import Span
from taigan.web.console.visit import Visit
from taigan.web.shown.paging import Position

R = TypeVar("R")
PAGE = 50
_MONEY = re.compile(r"\d{1,9}(\.\d{1,2})?")


class Days(msgspec.Struct, frozen=True):
    """Some days of the lot's clock, the last one included."""

    first: date
    last: date
    span: Span

    def each(self, visit: Visit) -> list[tuple[date, Span]]:
        """Day by day."""
        days = [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]
        return [(day, Span(begins(visit, day), begins(visit, day + timedelta(days=1)))) for day in days]


def begins(visit: Visit, day: date) -> datetime:
    """When a day begins on the lot's clock."""
    return datetime.combine(day, time(), visit.zone).astimezone(visit.now.tzinfo)


def days(visit: Visit, *, most: int = 366, back: int = 0) -> Days:
    """The days of the fields `from` and `to`; at first today, and so many days back. Raises BadValue."""
    today = visit.now.astimezone(visit.zone).date()
    last = _day(visit, "to") or max(today, _day(visit, "from") or today)
    first = _day(visit, "from") or min(last, today) - timedelta(days=back)
    if first > last:
        raise BadValue(visit.tell("“到”要不早于“从”。"), "to")
    if (last - first).days >= most:
        raise BadValue(visit.tell("一次最多看 %(count)d 天。", count=most), "to")
    return Days(first, last, Span(begins(visit, first), begins(visit, last + timedelta(days=1))))


def span(visit: Visit) -> Span:
    """The time between the fields `from` and `to`, open where nothing is typed. Raises BadValue."""
    first, last = _day(visit, "from"), _day(visit, "to")
    return Span(
        begins(visit, first) if first else None,
        begins(visit, last + timedelta(days=1)) if last else None,
    )


def typed_days(visit: Visit) -> list[date]:
    """The days that stand in the fields `from` and `to`; one where they are the same. Raises BadValue."""
    return sorted({day for name in ("from", "to") if (day := _day(visit, name)) is not None})


def money(visit: Visit, name: str) -> int:
    """Yuan as fen."""
    text = visit.text(name, 12, needed=visit.tell("请填金额。")).replace("，", "").replace(",", "")
    if not _MONEY.fullmatch(text):
        raise BadValue(visit.tell("金额要写成 12.50，最多两位小数。"), name)
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


def moment(visit: Visit, name: str, *, needed: bool = True) -> datetime | None:
    """A date and time of the lot's clock."""
    text = visit.text(name, 25, needed=visit.tell("请填日期和时间。") if needed else "")
    if not text:
        return None
    try:
        typed = datetime.fromisoformat(text)
        local = typed if typed.tzinfo is not None else typed.replace(tzinfo=visit.zone)
        return local.astimezone(visit.now.tzinfo)
    except (ValueError, OverflowError):
        raise BadValue(visit.tell("时间要写成 2026-01-31 09:30。"), name) from None


def further(
    visit: Visit, rows: list[R], position: Position, key: Callable[[R], After], *path: str
) -> tuple[list[R], str]:
    """A page of rows of which one more was asked for, and where the next one is."""
    if len(rows) <= PAGE:
        return rows, ""
    asked = {**visit.asked, "after": position.write(key(rows[PAGE - 1]))}
    return rows[:PAGE], f"{visit.in_lot(*path)}?{urlencode(asked)}"


def _day(visit: Visit, name: str) -> date | None:
    text = visit.text(name, 10)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        if not 1971 <= day.year <= 9000:
            raise ValueError(day)
    except ValueError:
        raise BadValue(visit.tell("日期要写成 2026-01-31。"), name) from None
    return day
