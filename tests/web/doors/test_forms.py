"""What cameras post as forms."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.cost import costs_less_than
from taigan.web.doors.forms import BadForm, form_of

BOUNDARY = "b0und"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def part(disposition: str, content: bytes) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_plate_is_read_whether_it_comes_in_utf8_or_gbk_escaped_or_not(encoding: str) -> None:
    plate = "京A12345".encode(encoding)
    kind = "application/x-www-form-urlencoded; charset=whatever"
    wanted = {"type": "online", "plate_num": "京A12345", "empty": ""}
    assert form_of(kind, b"type=online&plate_num=" + plate + b"&empty=") == wanted
    assert form_of(kind, b"type=online&plate_num=" + quote(plate).encode() + b"&empty=&type=second") == wanted
    body = part('name="type"', b"online") + part('name="plate_num"', plate) + part('name="empty"', b"")
    assert form_of(MULTIPART, body + f"--{BOUNDARY}--\r\n".encode()) == wanted


def test_pictures_are_left_out() -> None:
    body = part('name="picture"; filename="a.jpg"', b"\xff\xd8\x00") + part('name="type"', b"online")
    assert form_of(MULTIPART, body + f"--{BOUNDARY}--\r\n".encode()) == {"type": "online"}


def test_a_value_as_long_as_a_picture_is_left_out() -> None:
    kind = "application/x-www-form-urlencoded"
    assert form_of(kind, b"type=online&picture=" + b"%41" * 1_000_000) == {"type": "online"}
    body = part('name="a"', b"A" * 5000) + part('name="b"', b"1")
    assert form_of(MULTIPART, body + f"--{BOUNDARY}--\r\n".encode()) == {"b": "1"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MULTIPART, part('name="a"', b"1") * 8000),
        (MULTIPART, b"".join(part('name="a"', b"1") for _ in range(99)) + b"\r\n--b0und" * 200_000),
        (MULTIPART, f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=".encode() + b"(" * 500_000),
        ("multipart/form-data; boundary=" + "(" * 500, b"x" * 4_000_000),
        ("application/x-www-form-urlencoded", b"&" * 4_000_000),
        ("application/x-www-form-urlencoded", b"%" * 4_000_000),
    ],
)
def test_no_body_holds_the_platform_up(kind: str, body: bytes) -> None:
    def read() -> None:
        with contextlib.suppress(BadForm):
            form_of(kind, body)

    assert costs_less_than(0.1, read)  # it took seconds once; 20 ms and what a busy machine adds


@given(st.sampled_from([MULTIPART, "multipart/form-data", "application/x-www-form-urlencoded", "", "é"]), st.binary())
def test_any_bytes_are_a_form_or_none(kind: str, body: bytes) -> None:
    with contextlib.suppress(BadForm):
        assert isinstance(form_of(kind, body), dict)
