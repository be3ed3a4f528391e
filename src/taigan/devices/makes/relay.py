"""A Modbus relay board that knows the pulse: coils and inputs, Modbus TCP or RTU over TCP, alone or behind a gateway.

A coil is a button of the barrier: pressed it opens (or closes), kept pressed it holds the arm up until it is let go.
Functions 1 (coils), 2 (inputs), 5 (one coil, and at 0x0200 + n a pulse of so many tenths of a second), 15 (coils).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec

from taigan.devices.electronics.device import Device, Fault, Port, Seconds
from taigan.devices.lanes.lane import Reply, Verb
from taigan.network.patience import make_room

CHANNELS = (8, 16, 32)
FEW = 4
PULSES = 0x0200
ON = 0xFF00
OFF = 0x0000
TENTH = 0.1
NO_FUNCTION = 1
NO_ADDRESS = 2
BAD_VALUE = 3
DEVICE_FAILURE = 4
TARGET_DID_NOT_ANSWER = 11
LONGEST_PDU = 253


class RelaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the board is wired. -1 is not wired. `held_after`: a button pressed for so long holds the arm up."""

    host: str = "127.0.0.1"
    port: Port = 502
    unit: int = 1
    framer: Literal["tcp", "rtu"] = "tcp"
    open_coil: int = 0
    close_coil: int = -1
    hold_coil: int = -1
    loop_input: int = -1
    under_input: int = -1
    up_input: int = -1
    down_input: int = -1
    inverted: tuple[int, ...] = ()
    held_after: Seconds = 3.0
    knows_pulse: bool = True


class Refusal(Exception):
    """A Modbus exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class RelayWire:
    """An address with one board, or a gateway with several units behind it. `port` is the one it got."""

    def __init__(self, host: str, port: int, framer: Literal["tcp", "rtu"]) -> None:
        self.port = port
        self.connections: dict[asyncio.StreamWriter, None] = {}  # that which was quiet longest first
        self._host = host
        self._framer = framer
        self._boards: dict[int, RelayBoard] = {}
        self._server: asyncio.Server | None = None

    async def join(self, board: RelayBoard) -> None:
        """Serve a board."""
        self._boards[board.settings.unit] = board
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self._host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def leave(self, board: RelayBoard) -> None:
        """Serve it no longer: the last one takes the address with it."""
        self._boards.pop(board.settings.unit, None)
        if self._boards:
            return
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self.connections):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        make_room(self.connections, writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                if self._framer == "tcp":
                    await self._serve_tcp(reader, writer)
                else:
                    await self._serve_rtu(reader, writer)
        finally:
            self.connections.pop(writer, None)
            writer.close()

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readexactly(7)
            length = int.from_bytes(head[4:6])
            if head[2:4] != b"\0\0" or not 2 <= length <= LONGEST_PDU + 1:
                return
            pdu = await reader.readexactly(length - 1)
            make_room(self.connections, writer)
            board = self._boards.get(head[6])
            if board is None and head[6] in (0, 255) and len(self._boards) == 1:  # a board with a port of its own
                board = next(iter(self._boards.values()))
            if board is not None:
                board.handle(pdu, partial(self._send_tcp, board, writer, head))

    def _send_tcp(self, board: RelayBoard, writer: asyncio.StreamWriter, head: bytes, answer: bytes) -> None:
        self._write(board, writer, head[:4] + (len(answer) + 1).to_bytes(2) + head[6:7] + answer)

    async def _serve_rtu(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            frame = await reader.readexactly(8)
            if frame[1] == 15:
                frame += await reader.readexactly(frame[6] + 1)
            if _crc(frame[:-2]) != frame[-2:]:
                return
            make_room(self.connections, writer)
            board = self._boards.get(frame[0])
            if board is not None:
                board.handle(frame[1:-2], partial(self._send_rtu, board, writer))

    def _send_rtu(self, board: RelayBoard, writer: asyncio.StreamWriter, answer: bytes) -> None:
        frame = bytes((board.settings.unit,)) + answer
        late = b""
        if board.fault is Fault.STALE_ANSWERS and answer[0] == 5:
            late = bytes((board.settings.unit, 2, 1, 0))
            late += _crc(late)
        self._write(board, writer, late + frame + _crc(frame))

    @staticmethod
    def _write(board: RelayBoard, writer: asyncio.StreamWriter, frame: bytes) -> None:
        if not writer.is_closing():
            writer.write(frame[: len(frame) // 2] if board.fault is Fault.HALF_ANSWERS else frame)


class RelayBoard(Device):
    """The board. `history` lists every change of a coil; `wire` is its own unless it stands behind a gateway."""

    faults = Device.faults | {
        Fault.HALF_ANSWERS,
        Fault.FEW_CHANNELS,
        Fault.GATEWAY_TIMES_OUT,
        Fault.STALE_ANSWERS,
    }

    def __init__(self, settings: RelaySettings, wire: RelayWire | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.wire = wire or RelayWire(settings.host, settings.port, settings.framer)
        used = max(getattr(settings, name) for name in settings.__struct_fields__ if name.endswith(("_coil", "_input")))
        self._channels = next(number for number in CHANNELS if used < number)
        self.coils = [False] * self._channels
        self.inputs = [number in settings.inverted for number in range(self._channels)]
        self.history: list[tuple[int, bool]] = []
        self.changed = asyncio.Condition()
        self._pulses: dict[int, asyncio.TimerHandle] = {}
        self._pressed: dict[int, asyncio.TimerHandle] = {}

    @property
    def port(self) -> int:
        """Where it is reached."""
        return self.wire.port

    @property
    def channels(self) -> int:
        """How many coils and inputs it has."""
        return FEW if self.fault is Fault.FEW_CHANNELS else self._channels

    async def start(self) -> None:
        self._input(self.settings.down_input, True)
        await self.wire.join(self)

    async def stop(self) -> None:
        await self.wire.leave(self)
        for timer in (*self._pulses.values(), *self._pressed.values()):
            timer.cancel()

    async def set_fault(self, fault: Fault) -> None:
        before = self.fault
        await super().set_fault(fault)
        if fault is Fault.UNPLUGGED:
            await self.stop()
            self.coils = [False] * self._channels  # no power, no relay
        elif before is Fault.UNPLUGGED:
            await self.start()

    async def coil(self, number: int, on: bool) -> None:
        """Return when the coil is as wanted."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.coils[number] is on)

    # The barrier's side

    def loop(self, lit: bool) -> None:
        self._input(self.settings.loop_input, lit)

    def under(self, lit: bool) -> None:
        self._input(self.settings.under_input, lit)

    def arm(self, *, up: bool, down: bool) -> None:
        self._input(self.settings.up_input, up)
        self._input(self.settings.down_input, down)

    def _input(self, number: int, on: bool) -> None:
        if number >= 0:
            self.inputs[number] = on != (number in self.settings.inverted)

    def _switch(self, number: int, on: bool) -> None:
        if self.coils[number] == on:
            return
        self.coils[number] = on
        self.history.append((number, on))
        pressed = self._pressed.pop(number, None)
        if pressed is not None:
            pressed.cancel()
        if number in (self.settings.open_coil, self.settings.hold_coil):
            if on:
                later = asyncio.get_running_loop().call_later
                self._pressed[number] = later(self.settings.held_after, self.command, Verb.HOLD, _ignored)
            elif self.lane.held:
                self.command(Verb.CLOSE, _ignored)
        task = asyncio.get_running_loop().create_task(self._tell())
        task.add_done_callback(lambda done: done.result())

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def _press(self, number: int, pressed: Callable[[], None], echo: Callable[[Reply], None]) -> None:
        """Press a button, and echo as the lane's mode lets it."""
        verbs = {self.settings.close_coil: Verb.CLOSE, self.settings.hold_coil: Verb.OPEN}
        verbs[self.settings.open_coil] = Verb.OPEN
        pressed()
        if number in verbs:
            self.command(verbs[number], echo)
        else:
            echo(Reply(True))

    # What it is told

    def handle(self, pdu: bytes, send: Callable[[bytes], None]) -> None:
        """Do what a request says, and answer it."""
        function = pdu[0]
        try:
            if function in (1, 2):
                send(bytes((function,)) + self._read(pdu, self.coils if function == 1 else self.inputs))
            elif function == 5:
                self._write_coil(pdu, send)
            elif function == 15:
                self._write_coils(pdu, send)
            else:
                raise Refusal(NO_FUNCTION)
        except Refusal as refusal:
            send(bytes((function | 0x80, refusal.code)))

    def _read(self, pdu: bytes, values: list[bool]) -> bytes:
        if len(pdu) != 5:
            raise Refusal(BAD_VALUE)
        start, count = int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])
        if not count or start + count > self.channels:
            raise Refusal(NO_ADDRESS)
        bits = sum(on << place for place, on in enumerate(values[start : start + count]))
        length = (count + 7) // 8
        return bytes((length,)) + bits.to_bytes(length, "little")

    def _write_coil(self, pdu: bytes, send: Callable[[bytes], None]) -> None:
        if len(pdu) != 5:
            raise Refusal(BAD_VALUE)
        address, value = int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])

        def echo(reply: Reply) -> None:
            if self.fault is Fault.GATEWAY_TIMES_OUT and value != OFF:
                send(bytes((0x85, TARGET_DID_NOT_ANSWER)))
            else:
                send(pdu if reply.accepted else bytes((0x85, DEVICE_FAILURE)))

        if address < self.channels and value in (ON, OFF):
            if value == OFF:
                self._switch(address, False)
                echo(Reply(True))
            else:
                self._press(address, lambda: self._switch(address, True), echo)
        elif self.settings.knows_pulse and PULSES <= address < PULSES + self.channels:
            self._press(address - PULSES, lambda: self._pulse(address - PULSES, value), echo)
        else:
            raise Refusal(BAD_VALUE if address < self.channels else NO_ADDRESS)

    def _write_coils(self, pdu: bytes, send: Callable[[bytes], None]) -> None:
        if len(pdu) < 7 or len(pdu) != 6 + pdu[5]:
            raise Refusal(BAD_VALUE)
        start, count = int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])
        if not count or start + count > self.channels or pdu[5] != (count + 7) // 8:
            raise Refusal(NO_ADDRESS)
        for place in range(count):
            on = bool(pdu[6 + place // 8] >> place % 8 & 1)
            if on:
                self._press(start + place, lambda number=start + place: self._switch(number, True), _ignored)  # type: ignore[misc]
            else:
                self._switch(start + place, False)
        send(pdu[:5])

    def _pulse(self, number: int, tenths: int) -> None:
        running = self._pulses.pop(number, None)
        if running is not None:
            running.cancel()
        self._switch(number, tenths > 0)
        if tenths:
            later = asyncio.get_running_loop().call_later
            self._pulses[number] = later(tenths * TENTH, self._switch, number, False)


def _crc(data: bytes) -> bytes:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


def _ignored(reply: Reply) -> None:
    """Nobody waits for the echo."""
