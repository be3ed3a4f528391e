"""What drivers read, on the phone and on the lane's LED screen."""

from __future__ import annotations

import pytest

from taigan.lot import texts

ALL = {name: text for name, text in vars(texts).items() if name.isupper()}


@pytest.mark.parametrize("name", ALL)
def test_led_cards_whose_font_is_gb_2312_show_every_text_of_ours(name: str) -> None:
    ALL[name].encode("gb2312")


def test_a_text_that_is_cut_ends_with_a_mark_that_led_cards_show() -> None:
    cut = texts.fitted("管" * 49)
    assert len(cut) == 48
    cut.encode("gb2312")
