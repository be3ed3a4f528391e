"""LED frames against those of production software, and sentences laid out in lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.clock import PATIENCE
from support.spec import FOLDER
from taigan.barriers.wires.led import LINE_LIMIT, Colour, ScreenSettings, crc16, frames, gbk, line, lines, spoken, voice
from taigan.barriers.wires.led_screen import screen_of
from taigan.devices.electronics.led import LedServer, Reader, Screen

KNOWN = [json.loads(each) for each in (FOLDER / "led_frames.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known['call']} {known['text']}")
def test_frames_are_those_of_production_software(known: dict[str, Any]) -> None:
    if known["call"] == "voice":
        made = voice(known["text"])
    else:
        row = int(known["call"].removeprefix("text"))
        made = line(row, known["text"], Colour.RED if row == 0 else Colour.GREEN)
    assert made.hex().upper() == known["frame_hex"]


def test_a_sentence_is_broken_at_its_commas_first() -> None:
    assert lines("入场成功，请通行", ScreenSettings(rows=2)) == ["入场成功", "请通行"]


def test_a_long_clause_is_folded_and_what_does_not_fit_is_left_out() -> None:
    assert lines("未检测到车辆请驶入车道后再扫码", ScreenSettings(rows=1, width=12)) == ["未检测到车辆"]
    assert lines("粤B12345警车", ScreenSettings(rows=2, width=8)) == ["粤B12345", "警车"]


def test_rows_that_are_not_needed_are_cleared() -> None:
    assert lines("车位已满", ScreenSettings(rows=4)) == ["车位已满", "", "", ""]


def test_what_gbk_lacks_is_replaced_and_no_character_is_cut_in_half() -> None:
    assert gbk("车😀位", 99) == "车?位".encode("gbk")
    assert gbk("车位", 3) == "车".encode("gbk")


def test_line_ends_are_spoken_as_pauses() -> None:
    assert spoken("欢迎光临\n请入场停车") == "欢迎光临，请入场停车"


def test_a_text_that_is_too_long_for_a_frame_fills_it_to_its_last_byte() -> None:
    for made in (voice("x" * 300), line(0, "x" * 300)):
        assert (made[5], len(made)) == (255, 263)
    assert gbk("车位", 4) == "车位".encode("gbk")
    assert gbk("ab", 1) == b"a"
    assert gbk("ab", 0) == b""


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("欢迎光临", Colour.GREEN),
        ("入场成功", Colour.GREEN),
        ("请通行", Colour.GREEN),
        ("一路平安", Colour.GREEN),
        ("一路顺风", Colour.GREEN),
        ("车位已满", Colour.RED),
    ],
)
def test_good_news_are_green(text: str, colour: Colour) -> None:
    assert frames(text, ScreenSettings(rows=1, voice=False)) == [line(0, text, colour)]


@pytest.mark.parametrize("mark", "，。；！？,;!?")
def test_a_sentence_is_broken_at_each_of_its_marks(mark: str) -> None:
    assert lines(f"车位{mark}已满", ScreenSettings(rows=2)) == ["车位", "已满"]


def test_a_line_is_as_wide_as_it_may_be_and_wide_characters_count_twice() -> None:
    assert lines("车位已满了", ScreenSettings(rows=3, width=8)) == ["车位已满", "了", ""]
    assert lines("abcd车", ScreenSettings(rows=2, width=5)) == ["abcd", "车"]
    assert lines("abcde", ScreenSettings(rows=2, width=4)) == ["abcd", "e"]


@pytest.mark.parametrize(("text", "voices", "count"), [("车位已满", True, 5), ("车位已满", False, 4), (" ", True, 4)])
def test_what_is_shown_is_spoken_where_there_is_a_voice_and_something_to_say(
    text: str, voices: bool, count: int
) -> None:
    assert len(frames(text, ScreenSettings(voice=voices))) == count


@given(text=st.text(max_size=400), rows=st.integers(1, 8), width=st.integers(4, 64))
def test_any_text_makes_frames_that_the_card_takes_whole(text: str, rows: int, width: int) -> None:
    settings = ScreenSettings(rows=rows, width=width)
    made = frames(text, settings)
    for each in made:
        assert len(each) - 8 == each[5] <= 255
        assert crc16(each[:-2]) == each[-2:]
    card, reader = Screen(), Reader()
    for frame in reader.feed(b"".join(made)):
        card.show(frame)
    wanted = [gbk(each, LINE_LIMIT).decode("gbk") for each in lines(text, settings)]
    assert card.rows[:rows] == wanted


@given(noise=st.binary(max_size=300), cut=st.integers(0, 40))
def test_the_card_finds_a_frame_after_any_noise(noise: bytes, cut: int) -> None:
    reader = Reader()
    frame = voice("欢迎光临")
    found = [each for piece in (noise, frame[:cut], frame[cut:], b"\x00" * 600) for each in reader.feed(piece)]
    if b"\x00\x64\xff" not in noise and not noise.endswith((b"\x00", b"\x00\x64", b"\x00\x64\xff")):
        assert len(found) == 1


async def test_a_screen_behind_a_converter_shows_the_text() -> None:
    import asyncio

    shown: asyncio.Queue[str] = asyncio.Queue()
    server = LedServer("127.0.0.1", 0, shown.put_nowait)
    await server.start()
    try:
        screen = screen_of(ScreenSettings(address=f"tcp://127.0.0.1:{server.port}"))
        await screen.show("车位已满")
        async with asyncio.timeout(PATIENCE):
            while await shown.get() != "车位已满":
                pass
            while not server.screen.spoken:
                await shown.get()
        assert server.screen.spoken == ["车位已满"]
        assert server.screen.colours[0] == "red"
    finally:
        await server.stop()


async def test_a_screen_that_is_not_there_delays_nobody() -> None:
    screen = screen_of(ScreenSettings(address="tcp://127.0.0.1:9"))
    await screen.show("车位已满")
