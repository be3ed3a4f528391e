"""Each switch of a price list at its border, and the reasons that come with a price."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import taigan.lot.tariff
from support.lot.tariffs import rule
from taigan.lot.tariff.days import Calendar, Days
from taigan.lot.tariff.errors import ExitFirst, NoRate, NotInForce, Problem, UnusableTimes, YearNotPublished
from taigan.lot.tariff.evaluation import check_order, in_force, price
from taigan.lot.tariff.model import PriceList, Rate, Section, Step
from taigan.lot.tariff.reading import price_lists
from taigan.lot.tariff.result import Charge, Free, PeriodSum, Slice

SHANGHAI = ZoneInfo("Asia/Shanghai")
HALF_HOURS = [{"per": 30, "price": "1"}]


def at(text: str) -> datetime:
    """A moment of a day in March 2026, a Monday, by a Shanghai clock; "3 10:00" is two days later."""
    day, _, clock = text.rpartition(" ")
    hour, minute, *second = map(int, clock.split(":"))
    return datetime(2026, 3, int(day or 2), hour, minute, *second, tzinfo=SHANGHAI)


def listed(*sections: dict[str, Any], **rate: Any) -> PriceList:
    top = {key: rate.pop(key) for key in ("round_to",) if key in rate}
    sections = sections or ({"steps": HALF_HOURS},)
    return price_lists.from_data({"valid_from": "2026-01-01", **top, "rates": [rate | {"sections": [*sections]}]})


def fen(prices: PriceList, entry: str, exit: str, **more: Any) -> int:
    return price(prices, at(entry), at(exit), **more).fen


def day_and_night(**rate: Any) -> PriceList:
    return listed(
        {"from": "08:00", "until": "20:00", "steps": [{"per": 60, "price": "2"}]},
        {"from": "20:00", "until": "08:00", "cap": "5", "steps": [{"per": 60, "price": "3"}]},
        **rate,
    )


def test_less_than_a_second_counts_for_nothing_and_shows_nowhere() -> None:
    almost = timedelta(milliseconds=999)
    found = price(listed(), at("10:00") + almost, at("10:30") + almost)
    assert (found.fen, found.slices[0].start, found.slices[-1].end) == (100, at("10:00"), at("10:30"))


def test_exactly_the_free_minutes_are_free_if_up_to_and_not_if_under() -> None:
    assert fen(listed(free=15), "10:00", "10:15") == 0
    assert fen(listed(free=15), "10:00", "10:15:01") == 100
    assert fen(listed(free=15, free_limit="under"), "10:00", "10:14:59") == 0
    assert fen(listed(free=15, free_limit="under"), "10:00", "10:15") == 100


def test_free_minutes_count_once_they_are_exceeded_or_are_taken_off() -> None:
    assert fen(listed(free=30), "10:00", "11:00") == 200
    assert fen(listed(free=30, after_free="from_end"), "10:00", "11:00") == 100
    assert fen(listed(free=30, after_free="from_end"), "10:00", "11:00:01") == 200


def test_free_minutes_are_not_used_up_in_a_free_section_if_they_go_by_charged_time() -> None:
    sections = [
        {"from": "08:00", "until": "20:00", "steps": HALF_HOURS},
        {"from": "20:00", "until": "08:00", "free": True},
    ]
    assert fen(listed(*sections, free=30), "07:00", "08:30") == 100
    assert fen(listed(*sections, free=30, free_clock="charged"), "07:00", "08:30") == 0
    assert fen(listed(*sections, free=30, free_clock="charged", after_free="from_end"), "07:00", "09:00") == 100


def test_free_minutes_that_were_used_up_before_are_not_given_again() -> None:
    result = price(listed(free=15), at("10:00"), at("10:10"), free_used=True)
    assert (result.fen, result.free) == (100, Free.NONE)


def test_what_became_of_the_free_minutes_is_told() -> None:
    assert price(listed(), at("10:00"), at("10:10")).free is Free.NONE
    assert price(listed(free=15), at("10:00"), at("10:10")).free is Free.WITHIN
    assert price(listed(free=15), at("10:00"), at("10:20")).free is Free.EXCEEDED
    assert price(listed(free=15, after_free="from_end"), at("10:00"), at("10:20")).free is Free.TAKEN_OFF


def test_a_rest_up_to_ignore_is_dropped() -> None:
    prices = listed({"steps": [{"per": 30, "price": "1", "ignore": 10}]})
    assert fen(prices, "10:00", "10:10") == 0
    assert fen(prices, "10:00", "10:10:01") == 100
    assert fen(prices, "10:00", "10:40") == 100
    assert fen(prices, "10:00", "10:40:01") == 200


def test_ignoring_a_whole_unit_rounds_down() -> None:
    prices = listed({"steps": [{"per": 30, "price": "1", "ignore": 30}]})
    assert fen(prices, "10:00", "10:29:59") == 0
    assert fen(prices, "10:00", "10:30") == 100
    assert fen(prices, "10:00", "10:59:59") == 100


def test_a_unit_is_cut_at_the_border_or_finished_beyond_it() -> None:
    assert fen(day_and_night(), "19:40", "20:20") == 200 + 300
    assert fen(day_and_night(at_border="finish"), "19:40", "20:40") == 200
    assert fen(day_and_night(at_border="finish"), "19:40", "20:40:01") == 200 + 300


def test_a_unit_that_is_finished_may_run_over_a_whole_section() -> None:
    prices = listed(
        {"from": "08:00", "until": "20:00", "steps": [{"per": 240, "price": "2"}]},
        {"from": "20:00", "until": "21:00", "steps": [{"per": 60, "price": "50"}]},
        {"from": "21:00", "until": "08:00", "steps": [{"per": 60, "price": "3"}]},
        at_border="finish",
    )
    assert fen(prices, "19:00", "23:00") == 200
    assert [piece.section for piece in price(prices, at("19:00"), at("23:01")).slices] == [0, 2]


def test_a_unit_that_was_not_counted_at_the_border_is_not_finished() -> None:
    prices = listed(
        {"from": "08:00", "until": "20:00", "steps": [{"per": 60, "price": "2", "ignore": 20}]},
        {"from": "20:00", "until": "08:00", "steps": [{"per": 60, "price": "3"}]},
        at_border="finish",
    )
    assert fen(prices, "19:40", "20:10") == 300
    assert fen(prices, "19:50", "20:10") == 300
    assert fen(prices, "19:39:59", "20:10") == 200


def test_a_price_taken_once_is_no_unit_to_finish() -> None:
    prices = listed(
        {"from": "08:00", "until": "20:00", "steps": [{"up_to": 60, "price": "2"}, {"per": 60, "price": "1"}]},
        {"from": "20:00", "until": "08:00", "steps": [{"per": 60, "price": "3"}]},
        at_border="finish",
    )
    assert fen(prices, "19:40", "20:10") == 200 + 300


def test_a_unit_beyond_its_border_waits_while_time_is_covered() -> None:
    covered = [(at("20:00"), at("21:00"))]
    assert fen(day_and_night(at_border="finish"), "19:40", "21:40", covered=covered) == 200
    assert fen(day_and_night(at_border="finish"), "19:40", "21:40:01", covered=covered) == 200 + 300


def test_a_period_ends_every_unit() -> None:
    prices = day_and_night(at_border="finish", period="day", day_starts="20:00")
    assert fen(prices, "19:40", "20:20") == 200 + 300
    assert fen(listed({"steps": [{"per": 1440, "price": "9"}]}, period="day"), "23:00", "3 01:00") == 1800


def test_the_first_steps_come_again_in_each_slice_or_once_in_the_stay() -> None:
    steps = [{"up_to": 60, "per": 60, "price": "5"}, {"per": 60, "price": "1"}]
    assert fen(listed({"steps": steps}), "10:00", "3 11:00") == 500 + 23 * 100 + 500
    assert fen(listed({"steps": steps}, first_steps="once"), "10:00", "3 11:00") == 500 + 23 * 100 + 100
    once = [{"up_to": 60, "price": "5"}, {"per": 60, "price": "1"}]
    assert fen(listed({"steps": once}, first_steps="once"), "10:00", "3 11:00") == 500 + 23 * 100 + 100


def test_caps_of_periods_ascend_and_the_last_repeats() -> None:
    prices = listed(period_caps=["3", "4"])
    assert [fen(prices, "10:00", f"{day} 10:00") for day in (3, 4, 5)] == [300, 700, 1100]
    assert fen(listed(period="stay", period_caps=["3"]), "10:00", "5 10:00") == 300


def test_a_day_begins_where_the_list_says() -> None:
    prices = listed({"steps": [{"price": "10"}]}, period="day", day_starts="06:00")
    assert fen(prices, "05:00", "06:00") == 1000
    assert len(price(prices, at("05:00"), at("06:00")).periods) == 1
    assert fen(prices, "05:00", "06:00:01") == 2000
    assert fen(prices, "06:00", "3 06:00") == 1000


def test_an_entry_when_the_day_begins_is_in_its_first_period() -> None:
    prices = listed({"steps": [{"price": "90"}]}, period="day", day_starts="06:00", period_caps=["10", "30"])
    assert len(price(prices, at("06:00"), at("07:00")).periods) == 1
    assert fen(prices, "06:00", "07:00") == 1000
    assert fen(prices, "06:00", "3 07:00") == 1000 + 3000


def test_free_minutes_that_are_taken_off_are_counted_on_over_covered_time() -> None:
    prices = listed(free=30, after_free="from_end")
    covered = [(at("10:10"), at("10:20")), (at("10:25"), at("10:30"))]
    assert fen(prices, "10:00", "10:45", covered=covered) == 0
    assert fen(prices, "10:00", "11:15", covered=covered) == 100
    assert fen(prices, "10:00", "11:15:01", covered=covered) == 200
    result = price(prices, at("10:00"), at("11:15"), covered=covered)
    assert [piece.covered for piece in result.slices] == [45 * 60]


def test_percent_and_rounding_come_once_at_the_end_half_up() -> None:
    step = [{"price": "0.25"}]
    assert fen(listed({"steps": step}, percent=50), "10:00", "10:01") == 13
    assert fen(listed({"steps": step}, round_to="0.10"), "10:00", "10:01") == 30
    assert fen(listed({"steps": [{"price": "0.24"}]}, round_to="0.10"), "10:00", "10:01") == 20
    assert fen(listed({"steps": step}, percent=200, period_caps=["0.20"]), "10:00", "10:01") == 40
    assert fen(listed({"steps": step}, percent=0), "10:00", "10:01") == 0


def test_covered_time_stops_the_clocks_and_not_the_sections() -> None:
    covered = [(at("10:15"), at("10:45"))]
    assert fen(listed(), "10:00", "11:00", covered=covered) == 100
    assert fen(listed(free=30), "10:00", "11:00", covered=covered) == 0
    assert fen(day_and_night(), "19:00", "21:00", covered=[(at("19:30"), at("20:30"))]) == 200 + 300


def test_each_slice_tells_where_it_lies_and_what_it_counted() -> None:
    result = price(rule("zhujiang"), at("18:30"), at("3 10:00"))
    assert result.slices == (
        Slice(0, 0, at("18:30"), at("22:00"), 0, (Charge(0, 6, 1500), Charge(1, 1, 500)), False, 2000),
        Slice(1, 0, at("22:00"), at("3 08:00"), 0, (Charge(0, 20, 4000),), True, 1000),
        Slice(0, 0, at("3 08:00"), at("3 10:00"), 0, (Charge(0, 4, 1000),), False, 1000),
    )
    assert result.periods == (PeriodSum(at("18:30"), at("3 10:00"), 4000, 6500, 4000),)
    assert [piece.units for piece in result.slices] == [7, 20, 4]
    assert (result.fen, result.rate, result.percent, result.valid_from) == (4000, 0, 100, date(2011, 1, 1))
    covered = price(rule("zhujiang"), at("10:00"), at("11:00"), covered=[(at("10:30"), at("12:00"))])
    assert [piece.covered for piece in covered.slices] == [1800]


def test_an_exit_that_is_not_after_the_entry_costs_nothing() -> None:
    for exit in ("10:00", "09:59"):
        result = price(listed(free=15), at("10:00"), at(exit))
        assert (result.fen, result.slices, result.periods, result.free) == (0, (), (), Free.NONE)


def test_the_rate_is_the_one_that_names_the_vehicle_or_else_names_none() -> None:
    rates = [
        {"sections": [{"steps": [{"price": "1"}]}]},
        {"vehicles": ["large", "bus"], "sections": [{"steps": [{"price": "2"}]}]},
    ]
    prices = price_lists.from_data({"valid_from": "2026-01-01", "rates": rates})
    assert [price(prices, at("10:00"), at("10:01"), kind).fen for kind in ("", "bus", "small")] == [100, 200, 100]
    assert price(prices, at("10:00"), at("10:01"), "large").rate == 1
    only_large = price_lists.from_data({"valid_from": "2026-01-01", "rates": rates[1:]})
    with pytest.raises(NoRate) as refused:
        price(only_large, at("10:00"), at("10:01"), "small")
    assert "large、bus" in refused.value.zh
    assert "'small'" in refused.value.en


def test_a_price_list_is_for_stays_that_enter_on_or_after_its_local_date() -> None:
    midnight = datetime(2026, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)
    prices = listed()
    assert price(prices, midnight, midnight + timedelta(minutes=1)).fen == 100
    with pytest.raises(NotInForce):
        price(prices, midnight - timedelta(seconds=1), midnight)
    assert price(prices, midnight - timedelta(hours=1), midnight, zone=timezone(timedelta(hours=9))).fen == 200


def test_the_newest_price_list_that_has_begun_is_in_force() -> None:
    old, new, later = (
        price_lists.from_data({"valid_from": day, "rates": [{"sections": [{"steps": HALF_HOURS}]}]})
        for day in ("2026-01-01", "2026-03-02", "2026-03-03")
    )
    assert in_force([new, later, old], at("10:00")) is new
    assert in_force([old], at("10:00")) is old
    with pytest.raises(NotInForce):
        in_force([later], at("10:00"))
    assert in_force([old, new], datetime(2026, 3, 1, 15, 59, 59, tzinfo=UTC)) is old
    assert in_force([old, new], datetime(2026, 3, 1, 16, tzinfo=UTC)) is new


BY_DAY = [
    {"days": ["workday"], "steps": [{"price": "1"}]},
    {"days": ["weekend"], "steps": [{"price": "2"}]},
    {"days": ["holiday"], "steps": [{"price": "3"}]},
]


def test_holidays_and_make_up_days_are_as_announced() -> None:
    prices = listed(*BY_DAY, period="stay")
    found = {
        day: price(prices, datetime(2026, *day, 10, tzinfo=SHANGHAI), datetime(2026, *day, 11, tzinfo=SHANGHAI)).fen
        for day in [(10, 1), (10, 3), (10, 8), (10, 10), (10, 11), (9, 20), (9, 27)]
    }
    assert found == {(10, 1): 300, (10, 3): 300, (10, 8): 100, (10, 10): 100, (10, 11): 200, (9, 20): 100, (9, 27): 300}


def test_a_price_per_visit_goes_by_the_day_of_the_entry_if_steps_count_once() -> None:
    prices = listed(*BY_DAY, period="stay", first_steps="once")
    eve, holiday, after = (datetime(2026, *day, 20, tzinfo=SHANGHAI) for day in ((9, 30), (10, 1), (10, 8)))
    assert [price(prices, eve, eve + timedelta(hours=n)).fen for n in (1, 12, 72)] == [100, 100, 100]
    assert price(prices, holiday, after).fen == 300


def test_a_weekend_is_one_slice_and_its_price_is_taken_once_or_each_day() -> None:
    office = [
        {"days": ["workday"], "from": "07:00", "until": "21:00", "cap": "80", "steps": [{"per": 30, "price": "4"}]},
        {"days": ["workday"], "from": "21:00", "until": "07:00", "steps": [{"price": "10"}]},
        {"days": ["weekend", "holiday"], "from": "07:00", "until": "07:00", "steps": [{"price": "15"}]},
    ]
    assert fen(listed(*office, period="stay"), "7 10:00", "9 07:00") == 1500
    assert fen(listed(*office, period="day", day_starts="07:00"), "7 10:00", "9 07:00") == 3000
    assert fen(listed(*office, period="day", day_starts="07:00"), "6 20:00", "7 06:59") == 800 + 1000


def test_days_of_one_kind_are_one_slice_without_a_border_at_midnight() -> None:
    prices = listed(*BY_DAY, period="stay")
    result = price(prices, at("5 22:00"), at("8 10:00"))
    assert [(piece.section, piece.start) for piece in result.slices] == [(0, at("5 22:00")), (1, at("7 00:00"))]


def test_a_year_that_is_not_announced_is_said_and_only_asked_for_where_it_matters() -> None:
    new_year = datetime(2126, 12, 31, 16, tzinfo=UTC)
    known = Calendar(years=range(2126, 2127))
    prices = listed(*BY_DAY)
    with pytest.raises(YearNotPublished) as refused:
        price(prices, new_year - timedelta(hours=1), new_year + timedelta(seconds=1), calendar=known)
    assert refused.value.year == 2127
    assert "years = [2127]" in refused.value.zh
    assert "years = [2127]" in refused.value.en
    assert price(prices, new_year - timedelta(hours=1), new_year, calendar=known).fen == 100
    assert price(day_and_night(), new_year, new_year + timedelta(hours=1), calendar=Calendar()).fen == 300


def test_a_weekday_by_name_asks_for_no_calendar() -> None:
    prices = listed(
        {"days": ["mon", "tue", "wed", "thu", "fri"], "steps": [{"price": "1"}]},
        {"days": ["sat", "sun"], "steps": [{"price": "2"}]},
    )
    assert fen(prices, "10:00", "11:00", calendar=Calendar()) == 100
    assert fen(prices, "8 10:00", "8 11:00", calendar=Calendar()) == 200


def test_24_hours_are_86400_seconds_where_the_clock_is_put_forward() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    entry = datetime(2026, 3, 28, 12, tzinfo=berlin)
    result = price(
        listed({"steps": [{"price": "1"}]}), entry, datetime(2026, 3, 29, 13, 0, 1, tzinfo=berlin), zone=berlin
    )
    assert [piece.end.astimezone(berlin).hour for piece in result.slices] == [13, 13]


def test_a_time_that_the_clock_leaps_over_is_the_leap() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    prices = listed(
        {"from": "02:30", "until": "12:00", "steps": [{"per": 60, "price": "1"}]},
        {"from": "12:00", "until": "02:30", "steps": [{"per": 60, "price": "2"}]},
    )
    entry = datetime(2026, 3, 29, 1, tzinfo=berlin)
    result = price(prices, entry, entry.astimezone(UTC) + timedelta(hours=2), zone=berlin)
    assert [f"{piece.start.astimezone(berlin):%H:%M:%S}" for piece in result.slices] == ["01:00:00", "03:00:00"]


def test_a_time_that_the_clock_shows_twice_is_the_first() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    prices = listed(
        {"from": "02:30", "until": "12:00", "steps": [{"per": 60, "price": "1"}]},
        {"from": "12:00", "until": "02:30", "steps": [{"per": 60, "price": "2"}]},
    )
    entry = datetime(2026, 10, 25, 2, tzinfo=berlin)
    result = price(prices, entry, entry.astimezone(UTC) + timedelta(hours=3), zone=berlin)
    assert [piece.end - piece.start for piece in result.slices] == [timedelta(minutes=30), timedelta(minutes=150)]


def test_a_section_that_the_clock_leaps_over_leaves_its_neighbours_one_slice() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    prices = listed(
        {"from": "03:00", "until": "02:00", "steps": [{"per": 60, "price": "1"}]},
        {"from": "02:00", "until": "03:00", "steps": [{"per": 60, "price": "9"}]},
    )
    entry = datetime(2026, 3, 29, 1, tzinfo=berlin)
    result = price(prices, entry, entry.astimezone(UTC) + timedelta(hours=2), zone=berlin)
    assert [piece.section for piece in result.slices] == [0]
    the_day_before = datetime(2026, 3, 28, 2, 30, tzinfo=berlin)
    result = price(prices, the_day_before, entry.astimezone(UTC) + timedelta(hours=2), zone=berlin)
    assert [piece.section for piece in result.slices] == [1, 0, 0], "the last border is that of 24 h"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_a_section_that_the_clock_leaps_over_parts_neighbours_that_are_two(order: tuple[int, ...]) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    sections = [
        {"from": "22:00", "until": "02:00", "steps": [{"per": 60, "price": "1"}]},
        {"from": "02:00", "until": "03:00", "steps": [{"per": 60, "price": "9"}]},
        {"from": "03:00", "until": "22:00", "steps": [{"per": 60, "price": "2"}]},
    ]
    prices = listed(*(sections[place] for place in order))
    first, entry = datetime(2026, 3, 28, 1, tzinfo=berlin), datetime(2026, 3, 29, 1, tzinfo=berlin)
    leave = entry.astimezone(UTC) + timedelta(hours=2)
    night, leapt, day = (order.index(place) for place in range(3))
    assert [piece.section for piece in price(prices, entry, leave, zone=berlin).slices] == [night, day]
    two_days = price(listed(*(sections[place] for place in order), period="stay"), first, leave, zone=berlin)
    assert [piece.section for piece in two_days.slices] == [night, leapt, day, night, day]


def test_who_asks_for_a_stay_that_ends_before_it_begins_is_told_both_moments() -> None:
    check_order(at("10:00"), at("10:00"))
    check_order(at("10:00"), at("10:00:01"))
    with pytest.raises(ExitFirst) as refused:
        check_order(at("10:00"), at("9:59"))
    assert "离场时间 2026-03-02 09:59 早于入场时间 2026-03-02 10:00" in refused.value.zh
    berlin = ZoneInfo("Europe/Berlin")
    for later, sooner, said in (
        (datetime(2026, 3, 29, 3, tzinfo=berlin), datetime(2026, 3, 29, 1, tzinfo=berlin), ("03:00+02", "01:00+01")),
        (datetime(2026, 10, 25, 3, tzinfo=berlin), datetime(2026, 10, 25, 1, tzinfo=berlin), ("03:00+01", "01:00+02")),
    ):
        with pytest.raises(ExitFirst) as refused:
            check_order(later, sooner, berlin)
        assert all(f"{moment}:00" in refused.value.en for moment in said), "where the offsets differ, they are told"


@pytest.mark.parametrize(
    ("entry", "exit"),
    [
        (datetime(2026, 3, 2, 10), at("11:00")),  # noqa: DTZ001
        (at("10:00"), datetime(2026, 3, 2, 11)),  # noqa: DTZ001
        (datetime.min.replace(tzinfo=UTC), at("10:00")),
        (at("10:00"), datetime.max.replace(tzinfo=UTC)),
        (datetime(1970, 12, 31, 23, tzinfo=UTC), datetime(1971, 1, 1, tzinfo=UTC)),
        (datetime(8999, 12, 31, 23, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)),
        (at("10:00"), at("10:00") + timedelta(days=3660, seconds=1)),
    ],
)
def test_moments_that_cannot_be_priced_are_refused(entry: datetime, exit: datetime) -> None:
    with pytest.raises(UnusableTimes):
        price(listed(), entry, exit)


def test_ten_years_are_priced() -> None:
    assert fen(listed(period="stay", period_caps=["3"]), "10:00", "10:00") == 0
    stay = price(listed(period_caps=["3"]), at("10:00"), at("10:00") + timedelta(days=3660))
    assert stay.fen == 3660 * 300


def test_a_price_list_a_price_and_its_reasons_are_never_changed() -> None:
    prices = rule("zhujiang")
    found = price(prices, at("18:30"), at("3 10:00"))
    section, piece = prices.rates[0].sections[0], found.slices[0]
    parts = [prices, prices.rates[0], section, section.steps[0], found, piece, piece.charges[0], found.periods[0]]
    for part in [*parts, Problem("", "", "", "", ""), Calendar(), Days()]:
        for name in getattr(part, "__struct_fields__", None) or getattr(part, "__slots__"):  # noqa: B009
            with pytest.raises(AttributeError):
                setattr(part, name, getattr(part, name))


def test_what_a_price_list_is_made_of_is_given_by_name() -> None:
    for made in (PriceList, Rate, Section, Step, Days):
        with pytest.raises(TypeError, match="Extra positional arguments"):
            made(())  # type: ignore[misc]


def test_no_float_is_in_the_code_that_prices() -> None:
    for file in Path(taigan.lot.tariff.__file__).parent.rglob("*.py"):
        if (
            "pictures" in file.parts or file.name == "tree.py"
        ):  # coordinates on paper; a float in a file is refused there
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), f"{file}:{node.lineno}"
            assert not isinstance(node, ast.Div), f"{file}: / makes a float"
            assert not (isinstance(node, ast.Name) and node.id in ("float", "round")), f"{file}:{node.lineno}"
            assert not (isinstance(node, ast.Attribute) and node.attr in ("timestamp", "total_seconds")), file
