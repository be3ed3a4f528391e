"""LED screens and voice cards on RS-485: the frames, and how a sentence is laid out in lines.

A frame is `00 64 FF FF`, command, length, data, CRC16-Modbus with the low byte first. Text is GBK, what GBK lacks is
replaced, and a length is one byte. The frames travel inside whatever the lane's device offers: a camera's serial port,
or a converter's TCP port.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping

import msgspec

PREAMBLE = bytes.fromhex("0064FFFF")
VOICE = 0x30
LINE = 0x62
DATA_LIMIT = 255
VOICE_LIMIT = DATA_LIMIT - 1
LINE_LIMIT = DATA_LIMIT - 19

_BEFORE_COLOUR = bytes.fromhex("150100020000030A")


class Colour(enum.Enum):
    """What a line is shown in."""

    RED = bytes.fromhex("FF000000")
    GREEN = bytes.fromhex("00FF0000")


class ScreenSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The lane's LED screen and voice card. `rows`: lines it has, `width`: half-width characters in a line.

    `address`: the RS-485 converter it hangs on, as tcp://host:port; empty where the lane's camera has the serial port.
    """

    address: str = ""
    rows: int = 4
    width: int = 16
    voice: bool = True

    def __post_init__(self) -> None:
        if self.address and not re.fullmatch(r"tcp://[^\s/]+:\d{1,5}", self.address):
            raise ValueError("`screen.address` must look like tcp://192.168.1.70:4196")
        if not 1 <= self.rows <= 8:
            raise ValueError("`screen.rows` is between 1 and 8")
        if not 4 <= self.width <= 64:
            raise ValueError("`screen.width` is between 4 and 64 half-width characters")


def crc16(data: bytes) -> bytes:
    """CRC16-Modbus, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


def gbk(text: str, limit: int) -> bytes:
    """The text in GBK, at most `limit` bytes and never half a character; what GBK lacks is replaced."""
    encoded = bytearray()
    for character in text:
        piece = character.encode("gbk", errors="replace")
        if len(encoded) + len(piece) > limit:
            break
        encoded += piece
    return bytes(encoded)


def frame(command: int, data: bytes) -> bytes:
    """One frame. `data` is at most 255 bytes."""
    body = PREAMBLE + bytes((command, len(data))) + data
    return body + crc16(body)


def voice(text: str) -> bytes:
    """The frame that speaks a text."""
    return frame(VOICE, b"\x01" + gbk(text, VOICE_LIMIT))


def line(row: int, text: str, colour: Colour = Colour.RED) -> bytes:
    """The frame that shows a text in a row, counted from 0; an empty text clears it."""
    content = gbk(text, LINE_LIMIT)
    head = bytes((row,)) + _BEFORE_COLOUR + colour.value + bytes(4) + bytes((len(content), 0))
    return frame(LINE, head + content)


def frames(text: str, settings: ScreenSettings) -> list[bytes]:
    """Every frame it takes to show a text on the whole screen, and to speak it."""
    colour = Colour.GREEN if any(word in text for word in _GOOD_NEWS) else Colour.RED
    shown = [line(row, words, colour) for row, words in enumerate(lines(text, settings))]
    return shown + ([voice(spoken(text))] if settings.voice and text.strip() else [])


def lines(text: str, settings: ScreenSettings) -> list[str]:
    """The text in exactly `rows` lines, broken at its own commas and full stops first, then where a line is full."""
    rows = []
    for clause in text.translate(_BREAKS).split("\n"):
        rows += _folded(clause.strip(), settings.width)
    rows = [row for row in rows if row][: settings.rows]
    return rows + [""] * (settings.rows - len(rows))


def spoken(text: str) -> str:
    """The text as it is read aloud: line ends are pauses."""
    return "，".join(part.strip() for part in text.split("\n") if part.strip())


_GOOD_NEWS = ("欢迎", "成功", "通行", "一路平安", "一路顺风", "直接通行")
_BREAKS: Mapping[int, str] = {ord(mark): "\n" for mark in "，。；！？,;!?"}


def _folded(clause: str, width: int) -> list[str]:
    rows, row, used = [], "", 0
    for character in clause:
        cells = 2 if unicodedata.east_asian_width(character) in "WFA" else 1
        if used + cells > width:
            rows.append(row)
            row, used = "", 0
        row += character
        used += cells
    return [*rows, row]
