"""A price on a screen: in words that fit an LED card, and over the wire."""

from __future__ import annotations

from datetime import timedelta

import pytest

from taigan.barriers.barrier import Price
from taigan.barriers.wires.led import ScreenSettings, lines
from taigan.barriers.wires.price import ToldPrice, in_words


@pytest.mark.parametrize(
    ("parked", "said"),
    [
        (timedelta(0), "停车0分"),
        (timedelta(seconds=1), "停车1分"),
        (timedelta(minutes=59, seconds=1), "停车1小时"),
        (timedelta(hours=3, minutes=5), "停车3小时5分"),
        (timedelta(minutes=59), "停车59分"),
        (timedelta(hours=1, minutes=59), "停车1小时59分"),
        (timedelta(hours=23, minutes=59), "停车23小时59分"),
        (timedelta(days=1), "停车1天"),
        (timedelta(days=1, minutes=59), "停车1天"),
        (timedelta(days=1, hours=1), "停车1天1小时"),
        (timedelta(days=12, hours=23, minutes=59), "停车12天23小时"),
        (timedelta(seconds=-5), "停车0分"),
    ],
)
def test_the_time_is_told_in_minutes_begun(parked: timedelta, said: str) -> None:
    assert in_words(Price("京A12345", parked, 1500, "请扫码缴费")) == f"京A12345，{said}，应付15.00元，请扫码缴费"


@pytest.mark.parametrize(("fen", "yuan"), [(0, "0.00"), (5, "0.05"), (1234567, "12345.67")])
def test_the_amount_is_told_to_the_fen(fen: int, yuan: str) -> None:
    assert in_words(Price("", timedelta(0), fen, "")) == f"停车0分，应付{yuan}元"


def test_a_price_fits_the_four_rows_of_an_led_card() -> None:
    price = Price("粤BD12345", timedelta(days=12, hours=23), 99999, "请扫码缴费")
    assert lines(in_words(price), ScreenSettings()) == ["粤BD12345", "停车12天23小时", "应付999.99元", "请扫码缴费"]


def test_a_price_comes_out_of_a_message_as_it_went_in() -> None:
    price = Price("京A12345", timedelta(minutes=185), 1500, "请扫码缴费", "https://hub/pay/1")
    assert ToldPrice.of(price).price() == price
    assert ToldPrice.of(Price("京A1", timedelta(0), 0, "")) == ToldPrice("京A1", 0, 0, "", "")
