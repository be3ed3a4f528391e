"""What holds for the price of every stay by every price list."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.lot.tariffs import CALENDAR, any_price_list
from taigan.lot.tariff.days import Calendar
from taigan.lot.tariff.evaluation import price
from taigan.lot.tariff.model import FreeLimit, PriceList
from taigan.lot.tariff.result import Price

NEVER_A_HOLIDAY = Calendar(years=range(2000, 2100))
START = datetime(2024, 2, 20, tzinfo=UTC)

price_lists = st.randoms(use_true_random=False).map(any_price_list)
zones = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/Santiago"]).map(ZoneInfo)
entries = st.integers(0, 60 * 86_400).map(lambda seconds: START + timedelta(seconds=seconds))
lengths = st.one_of(st.integers(0, 8 * 3600), st.integers(0, 5 * 86_400)).map(lambda s: timedelta(seconds=s))

quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def cost(price_list: PriceList, entry: datetime, exit: datetime, **more: object) -> Price:
    return price(price_list, entry, exit, **({"calendar": CALENDAR} | more))


@quickly
@given(price_lists, entries, lengths, lengths, zones)
def test_who_stays_longer_never_pays_less(
    prices: PriceList, entry: datetime, first: timedelta, more: timedelta, zone: ZoneInfo
) -> None:
    shorter = cost(prices, entry, entry + first, zone=zone).fen
    assert cost(prices, entry, entry + first + more, zone=zone).fen >= shorter >= 0


@quickly
@given(price_lists, entries, st.integers(0, 240 * 60))
def test_nothing_is_due_within_the_free_minutes(prices: PriceList, entry: datetime, seconds: int) -> None:
    rate = prices.rates[0]
    within = rate.free * 60 - (rate.free_limit is FreeLimit.UNDER)
    assert cost(prices, entry, entry + timedelta(seconds=min(seconds, max(within, 0)))).fen == 0


@quickly
@given(price_lists, entries, lengths, zones)
def test_slices_and_periods_add_up_to_the_stay_and_to_the_price(
    prices: PriceList, entry: datetime, length: timedelta, zone: ZoneInfo
) -> None:
    result = cost(prices, entry, entry + length, zone=zone)
    for pieces in (result.slices, result.periods):
        edges = [piece.start for piece in pieces] + [piece.end for piece in pieces[-1:]]
        assert edges == sorted(set(edges))
        assert all(piece.end == following for piece, following in zip(pieces, edges[1:], strict=True))
        assert edges[-1] - edges[0] == length if pieces else length == timedelta()
    for number, period in enumerate(result.periods):
        assert period.sum == sum(piece.fen for piece in result.slices if piece.period == number)
        assert period.fen == (period.sum if period.cap is None else min(period.sum, period.cap))
    exact = sum(period.fen for period in result.periods) * result.percent
    assert abs(result.fen * 100 - exact) * 2 <= 100 * prices.round_to


@quickly
@given(price_lists, entries, lengths)
def test_no_slice_costs_more_than_the_cap_of_its_section(prices: PriceList, entry: datetime, length: timedelta) -> None:
    for piece in cost(prices, entry, entry + length).slices:
        section = prices.rates[0].sections[piece.section]
        full = sum(charge.fen for charge in piece.charges)
        assert piece.fen == (full if section.cap is None else min(full, section.cap))
        assert piece.capped is (piece.fen < full)
        for charge in piece.charges:
            assert charge.fen == charge.units * section.steps[charge.step].price


@quickly
@given(price_lists, entries, lengths, st.integers(1, 60))
def test_a_stay_whole_weeks_later_costs_the_same_where_no_day_is_a_holiday(
    prices: PriceList, entry: datetime, length: timedelta, weeks: int
) -> None:
    later = timedelta(weeks=weeks)
    first = price(prices, entry, entry + length, calendar=NEVER_A_HOLIDAY)
    again = price(prices, entry + later, entry + length + later, calendar=NEVER_A_HOLIDAY)
    assert first.fen == again.fen
    assert [(piece.section, piece.start + later) for piece in first.slices] == [
        (piece.section, piece.start) for piece in again.slices
    ]


@quickly
@given(price_lists, entries, lengths)
def test_a_stay_that_is_covered_costs_nothing(prices: PriceList, entry: datetime, length: timedelta) -> None:
    result = cost(prices, entry, entry + length, covered=[(entry - length, entry + length)])
    assert result.fen == 0
    assert sum(piece.covered for piece in result.slices) == length // timedelta(seconds=1)


@quickly
@given(price_lists, entries, lengths, lengths)
def test_covering_the_end_is_leaving_earlier(
    prices: PriceList, entry: datetime, length: timedelta, tail: timedelta
) -> None:
    out = entry + length
    covered = cost(prices, entry, out + tail, covered=[(out, out + tail)])
    assert covered.fen == cost(prices, entry, out).fen


@quickly
@given(price_lists, entries, lengths, st.lists(st.tuples(lengths, lengths), max_size=4), st.randoms())
def test_covered_time_may_come_in_any_order_and_pieces(
    prices: PriceList,
    entry: datetime,
    length: timedelta,
    stretches: list[tuple[timedelta, timedelta]],
    shuffle: random.Random,
) -> None:
    covered = [(entry + begin, entry + begin + long) for begin, long in stretches]
    halves = [
        half
        for begin, until in covered
        for half in ((begin, begin + (until - begin) // 2), (begin + (until - begin) // 2, until))
    ]
    halves = [(begin.replace(microsecond=0), until.replace(microsecond=0)) for begin, until in halves]
    shuffle.shuffle(halves)
    whole = cost(prices, entry, entry + length, covered=covered)
    assert cost(prices, entry, entry + length, covered=halves) == whole


@quickly
@given(price_lists, entries, lengths)
def test_seconds_count_and_less_than_a_second_does_not(prices: PriceList, entry: datetime, length: timedelta) -> None:
    part = timedelta(microseconds=999_999)
    assert cost(prices, entry + part, entry + length) == cost(prices, entry, entry + length + part)
