"""How like two plates are to a camera."""

from __future__ import annotations

import pytest

from taigan.lot.stays.likeness import distance, is_one_off, likeness, marked


@pytest.mark.parametrize(
    ("plate", "folded"),
    [("京A0OD8B", "A00088"), ("京AQ1I2Z", "A01122"), ("A5S7T", "A5577"), ("0ODQ", "0000"), ("京", ""), ("", "")],
)
def test_the_province_is_left_out_and_what_cameras_confuse_is_one(plate: str, folded: str) -> None:
    assert likeness(plate) == folded


@pytest.mark.parametrize(
    ("first", "second", "far"),
    [
        ("京A12345", "京A12345", 0),
        ("京A12345", "沪A12345", 1),
        ("A12345", "京A12345", 1),
        ("京A12345", "A12345", 1),
        ("京A12345", "京A12346", 1),
        ("京A12345", "沪B12346", 3),
        ("京A12345", "京A123456", 1),
        ("京A123456", "京A12345", 1),
        ("京A1234567", "京A12345", 2),
        ("京A1234", "京A12356", 2),
        ("沪A1234", "京A12356", 3),
        ("沪A1234", "京A12345", 2),
        ("京A12345", "京B12345", 1),
        ("", "京A12345", 7),
        ("", "", 0),
    ],
)
def test_the_distance_is_the_number_of_characters_that_differ(first: str, second: str, far: int) -> None:
    assert distance(first, second) == far


@pytest.mark.parametrize(
    ("read", "plate", "one_off"),
    [
        ("京A12345", "京A12345", False),
        ("京AO2345", "京A02345", True),
        ("京A12345", "沪A12345", True),
        ("A12345", "京A12345", True),
        ("京A12345", "京A12346", False),  # cameras do not confuse 5 and 6
        ("京AOO345", "京A00345", False),  # two characters
        ("沪AO2345", "京A02345", False),  # the province and a character
        ("京AD2345", "京AQ2345", True),
        ("京A12345", "京A1234", False),
    ],
)
def test_one_off_is_one_character_that_cameras_confuse_or_the_province(read: str, plate: str, one_off: bool) -> None:
    assert is_one_off(read, plate) is one_off


@pytest.mark.parametrize(
    ("read", "plate", "others"),
    [
        ("京A12345", "京A12345", "-------"),
        ("沪A12345", "京A12345", "x------"),
        ("A12345", "京A12345", "x------"),
        ("京A12345", "A12345", "------"),
        ("京A12445", "京A12345", "----x--"),
        ("京B1234", "京A12345", "-x----x"),
        ("京A12345", "京A1234", "------"),
        ("京1A2345", "京A12345", "-xx----"),
        ("", "京A1", "xxx"),
        ("京A1", "", ""),
    ],
)
def test_of_a_plate_those_characters_are_marked_that_were_read_as_others(read: str, plate: str, others: str) -> None:
    found = marked(read, plate)
    assert "".join(sign for sign, _ in found) == plate
    assert "".join("x" if other else "-" for _, other in found) == others
