"""Nothing in the logs lets a reader act as somebody else."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from typing import Any

import pytest
import structlog
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from support.logs import logs_as_before
from taigan.running.logs import HIDDEN, MASKED_NAMES, SECRET_NAMES, Redaction, mask, set_up

KEY = "0123456789ABCDEFG"
PHONE = "13812345678"
OPENID = "ouc2o01Annba-HFNNfij-3xBXHrE"
SIGN = "1D3BA0D562AF49B13D905B6102C3C564"
BODY = (
    f'{{"data":{{"car_number":"EA47829","mobile_number":"{PHONE}","pay_user_id":"{OPENID}","channel_id":"A1"}},'
    f'"sign":"{SIGN}"}}'
)


def redacted(**fields: Any) -> dict[str, Any]:
    return dict(Redaction([KEY])(None, "info", dict(fields)))


@pytest.mark.parametrize("name", sorted(SECRET_NAMES))
def test_a_field_named_like_a_secret_is_hidden_whole(name: str) -> None:
    assert redacted(**{name: "whatever"}) == {name: HIDDEN}
    assert redacted(inner=[{name.upper(): "whatever"}]) == {"inner": [{name.upper(): HIDDEN}]}


@pytest.mark.parametrize("name", sorted(MASKED_NAMES))
def test_a_field_named_like_an_identity_keeps_its_ends_only(name: str) -> None:
    assert redacted(**{name: OPENID}) == {name: "ouc••••HrE".replace("HrE", OPENID[-4:])}
    assert redacted(**{name: int(PHONE)}) == {name: "138••••5678"}


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        BODY.encode(),
        json.dumps({"data": BODY}),  # JSON inside JSON
        json.dumps({"data": json.dumps({"data": BODY})}),
        BODY.replace(":", " : "),
        f"mobile_number={PHONE}&pay_user_id={OPENID}&sign={SIGN}",
    ],
)
def test_a_body_as_text_or_bytes_shows_neither_phone_nor_openid_nor_sign(body: str | bytes) -> None:
    shown = str(redacted(body=body)["body"])
    assert PHONE not in shown
    assert OPENID not in shown
    assert SIGN not in shown


def test_what_helps_to_follow_an_entry_stays_readable() -> None:
    fields = {
        "event": "entry",
        "lot_id": "200002-21787",
        "channel_id": "A1",
        "order_id": "20250101T000000_ab12cd34ef56",
        "licence": "EA47829",
        "state": 1,
        "answered_in": 0.0123,
        "timetemp": 1579000520,
        "text": "入场成功",
    }
    assert redacted(**fields) == fields
    assert "EA47829" in redacted(body=BODY)["body"]
    assert '"channel_id":"A1"' in redacted(body=BODY)["body"]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        (f"signed with {KEY} today", KEY),
        (f"called {PHONE}", PHONE),
        (f"driver {OPENID} came", OPENID),
        ("driver 2088102146225135 came", "2088102146225135"),
        (f"expected {SIGN}", SIGN),
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("您的验证码是 482913，5 分钟内有效", "482913"),
        ("postgresql://taigan:hunter2@db/taigan", "hunter2"),
        ('{"verify_code": 482913}', "482913"),
        ("{'key': 'abcdef'}", "abcdef"),
    ],
)
def test_free_text_gives_nothing_away(text: str, gone: str) -> None:
    assert gone not in redacted(event=text)["event"]


@pytest.mark.parametrize(
    "number",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "138－1234－5678",
        "１３８１２３４５６７８",
        "+8613812345678",
        "8613812345678",
        "0086 138 1234 5678",
        "0571-88881234",
        "(010)88881234",
        "+852 9123 4567",
        "+1-202-555-0143",
    ],
)
@pytest.mark.parametrize("words", ["{}", "call {}.", "司机电话{}，已放行", "tel{}ok", "（{}）", "a={};b"])
def test_a_phone_number_typed_into_a_remark_is_masked_however_it_is_written(words: str, number: str) -> None:
    remark = words.format(number)
    last = number[-7:-3]  # what the mask leaves out
    for shown in (redacted(reason=remark), redacted(event=remark), redacted(deep=[{"act": remark, remark: "x"}])):
        assert last not in str(shown)


@pytest.mark.parametrize(
    "text",
    [
        "1579000520",
        "1579000520123",
        "2025-06-01T08:00:00+0800",
        "2025-06-01 13:45:12.13812345678",
        "L20250601080009000256BBE2A",
        "20250601080008000_3D5FJ6WP",
        "192.168.101.123:13001",
        "order 20250601080008000 of 2025-06-01",
        "0.13812345678",
    ],
)
def test_what_is_no_phone_number_is_left_as_it_is(text: str) -> None:
    assert redacted(detail=text) == {"detail": text}


def test_an_exception_gives_nothing_away() -> None:
    stream = io.StringIO()
    with logs_as_before():
        set_up(json=True, level="info", secrets=[KEY], stream=stream)
        try:
            raise ValueError(f"bad body {BODY} signed with {KEY}")
        except ValueError:
            structlog.get_logger("taigan").exception("a message failed")
            logging.getLogger("some.library").exception("failed for %s", PHONE)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["a message failed", "failed for 138••••5678"]
    assert "ValueError" in stream.getvalue()
    for secret in (KEY, PHONE, OPENID, SIGN):
        assert secret not in stream.getvalue()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_can_be_logged_and_the_key_never_appears(value: Any) -> None:
    assert KEY not in repr(redacted(value=value, near=[value, f"x{KEY}y"]))


@pytest.mark.parametrize(("text", "masked"), [("", ""), ("short", HIDDEN), (PHONE, "138••••5678")])
def test_mask_keeps_three_and_four_characters_of_what_is_long_enough(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("as_json", [True, False])
def test_control_characters_of_a_stranger_reach_no_terminal(as_json: bool) -> None:
    stream = io.StringIO()
    with logs_as_before():
        set_up(json=as_json, level="info", stream=stream)
        structlog.get_logger("test").warning("said \x1b[2J\x07", name="a\x9bb\u202ec\x7f", deep={"x": "\x1b]0;it"})
    written = stream.getvalue()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", written.rstrip("\n"))
    assert written.count("\n") == 1


async def test_what_no_server_can_read_takes_one_line_of_the_log_and_no_traceback() -> None:
    stream = io.StringIO()
    with logs_as_before():
        set_up(json=True, level="info", stream=stream)
        runner = web.AppRunner(web.Application())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.0 400")
        writer.close()
        await runner.cleanup()
    (line,) = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert (line["level"], line["event"].partition(":")[0]) == ("info", "a request could not be read")
