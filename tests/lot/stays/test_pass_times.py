"""Days and hours as people write them, and when they are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from taigan.lot.stays.pass_times import (
    MOST_HOURS,
    asks_for_kinds,
    days_of,
    days_told,
    hours_of,
    split,
    times,
    written,
)
from taigan.lot.tariff.days import Calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 5, 4, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


def hour(number: float) -> datetime:
    return MONDAY + number * HOUR


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("22:00-08:00", "22:00-08:00"),
        ("9:00 - 17:30", "09:00-17:30"),
        ("22:00~08:00，12:00至14:00", "22:00-08:00 12:00-14:00"),
        ("0:00-24:00", "00:00-24:00"),
        ("23:59-0:59;0:00-1:01", "23:59-00:59 00:00-01:01"),
        ("", ""),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, kept: str) -> None:
    assert written(hours_of(text)) == kept


@pytest.mark.parametrize(
    "text",
    ["8-17", "08:60-10:00", "8:00-9:60", "24:00-08:00", "08:00-24:01", "08:00-08:00", "nights", "08:00-9:00-"],
)
def test_what_are_no_hours_is_refused_with_the_part(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        hours_of(text)


def test_so_many_hours_and_no_more() -> None:
    most = [f"{n:02d}:00-{n:02d}:30" for n in range(MOST_HOURS)]
    assert len(hours_of(" ".join(most))) == MOST_HOURS
    with pytest.raises(ValueError, match="20:00-21:00"):
        hours_of(" ".join([*most, "20:00-21:00"]))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("周一至周五", "mon tue wed thu fri"),
        ("mon-wed", "mon tue wed"),
        ("mon-tue", "mon tue"),
        ("fri-mon", "mon fri sat sun"),
        ("Sat–Mon", "mon sat sun"),
        ("sun-sun", "sun"),
        ("mon-sun", ""),
        ("fri-thu", ""),
        ("tuesday 星期四、礼拜六", "tue thu sat"),
        ("星期天", "sun"),
        ("工作日", "workday"),
        ("周末, holidays", "weekend holiday"),
        ("工作日 周末 节假日", ""),
        ("周一 节假日", "mon holiday"),
        ("  ", ""),
    ],
)
def test_days_are_read_as_people_write_them(text: str, days: str) -> None:
    assert " ".join(days_of(text)) == days


@pytest.mark.parametrize("text", ["someday", "mon-", "mon-weekend", "weekend-fri", "-fri", "mon-some", "mon-tue-fri"])
def test_what_are_no_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        days_of(text)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ("", ""),
        ("mon", "周一"),
        ("mon tue", "周一、周二"),
        ("sat sun", "周六、周日"),
        ("fri sat sun", "周五至周日"),
        ("mon tue wed fri sat sun", "周一至周三、周五至周日"),
        ("tue thu weekend", "周二、周四、周末"),
        ("workday weekend holiday", "工作日、周末、节假日"),
    ],
)
def test_three_days_in_a_row_are_told_as_from_and_to(days: str, told: str) -> None:
    assert days_told(days.split()) == told


def test_days_and_hours_that_are_kept_together_are_taken_apart() -> None:
    assert split("mon tue 22:00-08:00 12:00-14:00") == ("mon tue", "22:00-08:00 12:00-14:00")
    assert (split("mon"), split("22:00-08:00"), split("")) == (("mon", ""), ("", "22:00-08:00"), ("", ""))


def test_only_kinds_of_day_ask_for_a_calendar() -> None:
    assert not asks_for_kinds(["mon", "sun"])
    assert not asks_for_kinds([])
    assert asks_for_kinds(["mon", "workday"])


def test_without_days_and_hours_it_is_all_the_time() -> None:
    assert times((), [], SHANGHAI, None, hour(5), hour(77)) == [(hour(5), hour(77))]
    assert times((), [], SHANGHAI, None, hour(5), hour(5)) == []


def test_hours_of_each_day_as_far_as_they_are_inside() -> None:
    found = times((), hours_of("08:00-10:00"), SHANGHAI, None, hour(9), hour(33))
    assert found == [(hour(9), hour(10)), (hour(32), hour(33))]
    assert times((), hours_of("08:00-10:00"), SHANGHAI, None, hour(10), hour(32)) == []
    [late] = times((), hours_of("23:30-23:50"), SHANGHAI, None, hour(0), hour(24))
    assert late == (hour(23.5), hour(24) - timedelta(minutes=10))


def test_the_night_before_is_still_under_way_and_its_hours_are_of_its_own_day() -> None:
    nights = hours_of("22:00-08:00")
    assert times((), nights, SHANGHAI, None, hour(3), hour(23)) == [(hour(3), hour(8)), (hour(22), hour(23))]
    assert times(("mon",), nights, SHANGHAI, None, hour(3), hour(48)) == [(hour(22), hour(32))]
    assert times(("sun",), nights, SHANGHAI, None, hour(3), hour(48)) == [(hour(3), hour(8))]


def test_hours_that_meet_or_overlap_are_one_stretch_and_others_are_apart() -> None:
    meet = hours_of("08:00-10:00 10:00-12:00 09:00-09:30 14:00-15:00")
    assert times((), meet, SHANGHAI, None, hour(0), hour(24)) == [(hour(8), hour(12)), (hour(14), hour(15))]
    later = hours_of("06:00-07:00 08:00-10:00 10:00-12:00")
    assert times((), later, SHANGHAI, None, hour(0), hour(24)) == [(hour(6), hour(7)), (hour(8), hour(12))]


def test_days_are_weekdays_or_kinds_of_the_calendar() -> None:
    known = Calendar(frozenset({date(2026, 5, 5)}), frozenset(), (2026,))
    assert times(("holiday",), [], SHANGHAI, known, hour(0), hour(96)) == [(hour(24), hour(48))]
    assert times(("mon", "holiday"), [], SHANGHAI, known, hour(0), hour(96)) == [(hour(0), hour(48))]
    assert times(("tue",), [], SHANGHAI, None, hour(0), hour(96)) == [(hour(24), hour(48))]
    assert times(("holiday",), [], SHANGHAI, None, hour(0), hour(96)) == [], "nobody asked for the calendar"


def test_stretches_are_in_utc_and_a_day_whose_clock_is_put_forward_is_an_hour_shorter() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begin, end = datetime(2026, 3, 28, tzinfo=berlin), datetime(2026, 4, 1, tzinfo=berlin)
    [(first, last)] = times(("sun",), hours_of("00:00-24:00"), berlin, None, begin, end)
    assert last.astimezone(UTC) - first.astimezone(UTC) == 23 * HOUR
    assert first.tzinfo is UTC
