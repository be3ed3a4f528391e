"""Seconds and moments, yuan and fen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taigan.bolink import BadMessage, fen, moment, seconds, yuan


def test_unix_seconds_are_an_aware_moment_in_utc() -> None:
    assert moment(1579000520) == datetime(2020, 1, 14, 11, 15, 20, tzinfo=UTC)
    assert moment(1579000520).tzinfo is UTC


def test_the_eleven_digits_of_the_documents_example_are_a_moment() -> None:
    assert moment(15232151231).year == 2452


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 1579000520000])
def test_seconds_that_no_calendar_holds_are_refused_by_name(value: int) -> None:
    with pytest.raises(BadMessage) as caught:
        moment(value, "timetemp")
    assert caught.value.field == "timetemp"


def test_a_moment_of_any_zone_is_whole_unix_seconds() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert seconds(datetime(2020, 1, 14, 19, 15, 20, 900000, tzinfo=shanghai)) == 1579000520


@pytest.mark.parametrize(
    ("amount", "wanted"),
    [("12.30", 1230), (" 0.01 ", 1), ("1.005", 101), (2.675, 268), (3, 300), (Decimal("-0.5"), -50), ("0.00994", 1)],
)
def test_yuan_become_whole_fen(amount: str | int | float | Decimal, wanted: int) -> None:
    assert fen(amount) == wanted


@pytest.mark.parametrize("amount", ["", "x", "nan", "Infinity", "1e400", "1e99999", "9" * 30, float("nan")])
def test_what_is_no_amount_of_money_is_refused_by_name(amount: str | float) -> None:
    with pytest.raises(BadMessage) as caught:
        fen(amount, "total")
    assert caught.value.field == "total"


@given(st.integers(-(10**15), 10**15))
def test_fen_come_back_from_yuan(amount: int) -> None:
    assert fen(yuan(amount)) == amount


def test_yuan_have_two_decimals() -> None:
    assert [yuan(value) for value in (0, 5, 1230, -5)] == ["0.00", "0.05", "12.30", "-0.05"]
