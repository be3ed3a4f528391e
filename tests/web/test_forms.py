"""What cameras post as forms."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taigan.web.forms import form_of

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


@given(st.sampled_from([MULTIPART, "multipart/form-data", "application/x-www-form-urlencoded", "", "é"]), st.binary())
def test_any_bytes_are_a_form_or_none(kind: str, body: bytes) -> None:
    assert isinstance(form_of(kind, body), dict)
