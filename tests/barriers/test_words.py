"""What devices say, made fit to keep; plates have one spelling."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from taigan.barriers.barrier import Event, EventKind, LaneKey, Outcome, Result
from taigan.barriers.kinds.vzenith.camera import plate_text
from taigan.barriers.words import NotAPlate, clean, plate_of, spelling


@pytest.mark.parametrize(
    "said", ["粤B12345", "粤b12345", "粤Ｂ１２３４５", "粤B·12345", " 粤B 123-45 ", "粤B.12345", "粤　B•12345"]
)
def test_one_car_has_one_spelling(said: str) -> None:
    assert plate_of(said) == "粤B12345"


@pytest.mark.parametrize("said", ["", "  ", "_无_", "无", "无牌", "无牌车", "未识别", "no plate", "-"])
def test_what_says_that_there_is_no_plate_is_none(said: str) -> None:
    assert plate_of(said) == ""


@pytest.mark.parametrize("said", ["粤B1\x002345", "粤B\x1b[31m", "A" * 17, "粤" * 10_000, "粤B\ud800", "粤B\u200b1"])
def test_what_cannot_be_on_a_car_is_refused(said: str) -> None:
    with pytest.raises(NotAPlate):
        plate_of(said)


def test_a_licence_in_a_list_is_spelled_as_a_plate_where_it_is_one() -> None:
    assert (spelling("粤b·12345"), spelling("ea47829"), spelling("无"), spelling("x" * 40)) == (
        "粤B12345",
        "EA47829",
        "无",
        "x" * 40,
    )


def test_control_characters_are_shown_and_long_words_cut() -> None:
    assert clean("blocked\0 by\x1b[31m a\nstone\ud800") == "blocked\ufffd by\ufffd[31m a stone\ufffd"
    assert clean("x" * 1000) == "x" * 199 + "…"


def test_a_plate_has_sixteen_characters_at_most_and_blanks_between_them_do_not_count() -> None:
    assert plate_of("A" * 16) == "A" * 16
    assert plate_of(" ".join("A" * 16)) == "A" * 16
    assert plate_of("A" * 16 + " " * 48) == "A" * 16
    with pytest.raises(NotAPlate, match="at most 16"):
        plate_of("A" * 16 + " " * 49)
    with pytest.raises(NotAPlate, match="at most 16"):
        plate_of("A" * 17)
    with pytest.raises(NotAPlate, match="printable"):
        plate_of("粤B\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize("said", ["未识别车牌", "未知", "NoPlate", "unlicensed", "Unknown", "粤无"])
def test_each_word_of_a_camera_that_read_none_is_known(said: str) -> None:
    assert plate_of(said) == ""


def test_a_text_is_cut_only_where_it_is_longer_than_it_may_be() -> None:
    assert (clean("x" * 200), clean("x" * 201)) == ("x" * 200, "x" * 199 + "…")
    assert (clean("abc", 3), clean("abcd", 3), clean("", 3)) == ("abc", "ab…", "")


@given(some.text(some.characters(), max_size=300))
def test_whatever_a_device_says_can_be_stored_and_shown(words: str) -> None:
    event = Event(words, LaneKey("lot", "A1"), EventKind.FAULT, datetime.now(UTC), words, words, words)
    for text in (event.event_id, event.presence_id, event.plate, event.detail, Result(Outcome.REJECTED, words).reason):
        assert text == clean(text)
        assert text.isprintable()
        text.encode()


@pytest.mark.parametrize("plate", ["浙A10001", "粤BD12342", "沪C1学", "WJ京1234X", "_无_", "无牌车", "AB1234", ""])
def test_a_vzenith_licence_is_read_as_base64_and_as_plain_text(plate: str) -> None:
    assert plate_text(plate) == plate
    assert plate_text(base64.b64encode(plate.encode()).decode()) == plate


@pytest.mark.parametrize("plate", ["AB12", "FSM6746N", "UUM1566K", "ME835569", "LKG123", "ABCD"])
def test_a_plain_plate_that_happens_to_be_base64_stays_itself(plate: str) -> None:
    base64.b64decode(plate + "=" * (-len(plate) % 4), validate=True)
    assert plate_text(plate) == plate
