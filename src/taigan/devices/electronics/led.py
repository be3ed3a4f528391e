"""An LED screen and voice card: takes frames from RS-485 and shows them as text.

A frame is `00 64 FF FF`, command, length, data, CRC16-Modbus (low byte first). `62` writes one line: row, 8 bytes of
effects, 4 of colour, 4 zeros, the text's length, a zero, the text. `30` speaks: one byte, then the text. Text is GBK.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from taigan.network.patience import make_room

log = logging.getLogger(__name__)

START = b"\x00\x64\xff\xff"
SHORTEST = len(START) + 2 + 2
TEXT_AT = 19
ROWS = 8
KEPT = 20

COLOURS = {b"\xff\x00\x00\x00": "red", b"\x00\xff\x00\x00": "green"}


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose checksum is right."""

    command: int
    data: bytes


def checksum(data: bytes) -> int:
    """CRC-16 as Modbus has it."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            carry = value & 1
            value >>= 1
            if carry:
                value ^= 0xA001
    return value


class Reader:
    """Finds the frames in a stream of bytes and steps over everything else."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now."""
        self._bytes += data
        while True:
            start = self._bytes.find(START)
            if start < 0:
                del self._bytes[: max(0, len(self._bytes) - len(START) + 1)]
                return
            del self._bytes[:start]
            if len(self._bytes) < SHORTEST:
                return
            end = len(START) + 2 + self._bytes[5]
            if len(self._bytes) < end + 2:
                return
            body = bytes(self._bytes[:end])
            if int.from_bytes(self._bytes[end : end + 2], "little") == checksum(body):
                del self._bytes[: end + 2]
                yield Frame(body[4], body[6:])
            else:
                del self._bytes[: len(START)]


@dataclass(slots=True)
class Screen:
    """What stands on the screen, and what was said lately."""

    rows: list[str] = field(default_factory=lambda: [""] * ROWS)
    colours: list[str] = field(default_factory=lambda: [""] * ROWS)
    spoken: list[str] = field(default_factory=list)
    volume: int = 5
    brightness: int = 5

    @property
    def text(self) -> str:
        """All lines that are not empty, one above the other."""
        return "\n".join(row for row in self.rows if row)

    def show(self, frame: Frame) -> None:
        """Do what a frame says; one that makes no sense is dropped, as the card does."""
        data = frame.data
        match frame.command:
            case 0x62 if len(data) >= TEXT_AT and data[0] < ROWS:
                length = data[TEXT_AT - 2]
                self.rows[data[0]] = _text(data[TEXT_AT : TEXT_AT + length])
                self.colours[data[0]] = COLOURS.get(data[9:13], "other")
            case 0x30 if data:
                self.spoken = [*self.spoken, _text(data[1:])][-KEPT:]
            case 0x31:
                self.spoken = [*self.spoken, ""][-KEPT:]
            case 0x0C if data:
                self.brightness = data[0]
            case 0x0D if data:
                self.volume = data[0]


def _text(data: bytes) -> str:
    return data.decode("gbk", errors="replace")


class LedServer:
    """The card behind a serial-to-TCP converter. `shown` is called when the screen changes."""

    def __init__(self, host: str, port: int, shown: Callable[[str], None]) -> None:
        self.screen = Screen()
        self.port = port
        self._host = host
        self._shown = shown
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, None] = {}

    async def start(self) -> None:
        """Listen; `port` is the one it got."""
        self._server = await asyncio.start_server(self._serve, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no longer, and let every connection go."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._connections):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Reader()
        make_room(self._connections, writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(4096):
                make_room(self._connections, writer)
                for frame in frames.feed(data):
                    self.screen.show(frame)
                    self._shown(self.screen.text)
                    log.info("screen shows %r, says %r", self.screen.text, self.screen.spoken[-1:])
        self._connections.pop(writer, None)
        writer.close()
