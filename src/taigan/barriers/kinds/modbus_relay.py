"""Modbus TCP relay boards: a coil is the barrier's button. The board echoes a write, and may have inputs.

A pulse is the board's own (it knows the time), or ours: on, wait, off. A coil that stays on holds the barrier open, so
"off" is owed from the moment before "on" is sent until the board has echoed it: through failures, through a lost
connection, at the end and at every start.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import msgspec
import structlog
from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from taigan.barriers.barrier import Barrier, Outcome, Position, Result, Sight
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch, NoAnswer, NotSent
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.led import ScreenSettings
from taigan.barriers.wires.led_screen import screen_of
from taigan.tasks import end

log = structlog.get_logger()

ON = 0xFF00
OFF = 0x0000
PULSE_AT = 0x0200
PULSE_UNIT = 100
INPUTS = 8
ANSWER_WITHIN = 1.0
LAST_OFF_WITHIN = 2.0

Coil = Annotated[int, msgspec.Meta(ge=0, le=7)]
MaybeCoil = Annotated[int, msgspec.Meta(ge=-1, le=7)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A relay board. Coils and inputs are counted from 0, -1 is none; one board may serve several lanes.

    `framer`: `rtu` for boards that speak RTU over TCP (often on port 4196). `pulse`: `hardware` for boards that time
    it themselves, else `timed`; it lasts `pulse_ms` milliseconds. `hold_coil`: kept on while the arm is held up,
    `open_coil` unless set. `loop_input`, `under_input`: the loops; `up_input`, `down_input`: the arm's limit switches;
    `inverted`: inputs that are on at rest. `read_every`: seconds between two looks at the inputs.
    """

    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 502
    unit: Annotated[int, msgspec.Meta(ge=0, le=247)] = 1
    framer: Literal["tcp", "rtu"] = "tcp"
    pulse: Literal["hardware", "timed"] = "timed"
    pulse_ms: Annotated[int, msgspec.Meta(ge=100, le=10000, multiple_of=100)] = 700
    open_coil: Coil = 0
    close_coil: MaybeCoil = -1
    hold_coil: MaybeCoil = -1
    loop_input: MaybeCoil = -1
    under_input: MaybeCoil = -1
    up_input: MaybeCoil = -1
    down_input: MaybeCoil = -1
    inverted: tuple[Coil, ...] = ()
    read_every: Annotated[float, msgspec.Meta(ge=0.05, le=10)] = 0.2
    screen: ScreenSettings | None = None


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane's barrier behind the shared connection to its board."""
    arm_seen = settings.up_input >= 0 or settings.down_input >= 0
    signals = LaneSignals(
        two_loops=settings.under_input >= 0, ends_only=not (settings.up_input >= 0 and settings.down_input >= 0)
    )
    watch = site.watch(lane, f"relay {settings.host}:{settings.port}", signals=signals)
    sight = Sight(acknowledges=True, position=arm_seen, detector=lane.detector and settings.loop_input >= 0)
    key = ("modbus", settings.host, settings.port)
    return RelayBarrier(settings, watch, sight, site.shared(key, lambda: Board(settings, site)))


class CoilWrite(ModbusPDU):
    """Function 5 with its value as it stands, for a pulse has values of its own."""

    function_code = 5
    rtu_frame_size = 8

    def __init__(self, address: int = 0, value: int = 0, dev_id: int = 1) -> None:
        super().__init__(dev_id=dev_id, address=address)
        self.value = value

    def encode(self) -> bytes:
        """The request's data."""
        return struct.pack(">HH", self.address, self.value)

    def decode(self, data: bytes) -> None:
        """Take in the echo."""
        self.address, self.value = struct.unpack(">HH", data[:4])


class Board:
    """The connection to one board: one task that keeps it up, switches off what is owed, and reads the inputs."""

    def __init__(self, settings: Settings, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._client: AsyncModbusTcpClient | None = None
        self._lanes: list[RelayBarrier] = []
        self._owed_off: set[int] = set()
        self._pulses: dict[int, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._broken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self, lane: RelayBarrier, coils: set[int]) -> None:
        """Serve a lane. Its coils are switched off as soon as the board is there."""
        self._lanes.append(lane)
        self._owed_off |= coils
        self._broken.set()  # take them up now

    def leave(self, lane: RelayBarrier) -> None:
        """Serve a lane no longer."""
        if lane in self._lanes:
            self._lanes.remove(lane)

    async def pulse(self, coil: int, milliseconds: int, attempt: Attempt) -> None:
        """Press a button. Returns when the board has echoed "on"; "off" follows. Raises `NotSent`, `NoAnswer`."""
        if self._client is None:
            raise NotSent(f"the board {self._settings.host}:{self._settings.port} is not connected")
        if coil in self._owed_off:
            raise NotSent("the relay is still on from the last time")
        if self._settings.pulse == "hardware":
            await self._hardware_pulse(coil, milliseconds, attempt)
            return
        self._owed_off.add(coil)
        switched_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pulse = asyncio.create_task(self._timed_pulse(coil, milliseconds, attempt, switched_on))
        self._pulses[coil] = pulse
        await switched_on

    async def switch(self, coil: int, on: bool, attempt: Attempt) -> None:
        """Switch a coil and leave it so. Raises `NotSent`, `NoAnswer`."""
        if on:
            await self._write(coil, ON, attempt)
        else:
            self._owed_off.add(coil)
            await self._switch_off(coil)

    async def start(self) -> None:
        """Begin to connect."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Switch off what is owed, and disconnect."""
        if self._pulses:
            await asyncio.wait(self._pulses.values(), timeout=LAST_OFF_WITHIN)
        task, self._task = self._task, None
        await end(task)
        for coil in tuple(self._owed_off):
            with contextlib.suppress(NotSent, NoAnswer):
                await self._switch_off(coil)
        self._hang_up()

    async def _timed_pulse(
        self, coil: int, milliseconds: int, attempt: Attempt, switched_on: asyncio.Future[None]
    ) -> None:
        try:
            try:
                await self._write(coil, ON, attempt)
            except (NotSent, NoAnswer) as error:
                if not switched_on.done():
                    switched_on.set_exception(error)
            else:
                if not switched_on.done():
                    switched_on.set_result(None)
                await self._site.clock.sleep(milliseconds / 1000)
        finally:
            del self._pulses[coil]
            with contextlib.suppress(NotSent, NoAnswer):  # then it stays owed, and the connection's task sees to it
                await self._switch_off(coil)

    async def _hardware_pulse(self, coil: int, milliseconds: int, attempt: Attempt) -> None:
        value = milliseconds // PULSE_UNIT
        echoed = await self._write(PULSE_AT + coil, value, attempt)
        if echoed != value:
            self._owed_off |= {coil, PULSE_AT + coil}
            self._broken.set()
            for lane in self._lanes:
                lane.watch.fault('this board does not know the hardware pulse: set `pulse = "timed"`')
            raise NoAnswer("the board latched the relay instead of pulsing it; it is switched off again")

    async def _switch_off(self, coil: int) -> None:
        await self._write(coil, OFF, None)
        self._owed_off.discard(coil)

    async def _write(self, address: int, value: int, attempt: Attempt | None) -> int:
        """Write one coil, and return the value that the board echoed."""
        async with self._one_at_a_time:
            client = self._client
            if client is None:
                raise NotSent(f"the board {self._settings.host}:{self._settings.port} is not connected")
            if attempt is not None:
                if attempt.deadline.passed:
                    raise NotSent("the board was busy until after the deadline")
                attempt.sent = True
            answer = await self._ask(client.execute(False, CoilWrite(address, value, self._settings.unit)))
        if not isinstance(answer, CoilWrite):
            raise NotSent(f"the board refuses the write: {answer}")
        if answer.address != address:
            self._break("the board's echo names another coil")
            raise NoAnswer("the board's echo names another coil")
        return answer.value

    async def _ask(self, answer: Awaitable[ModbusPDU]) -> ModbusPDU:
        """The board's answer. Raises `NoAnswer`, after which nothing on this connection can be trusted."""
        try:
            # shielded, for pymodbus takes a cancellation for an error of the board's
            return await asyncio.shield(asyncio.ensure_future(answer))
        except (ModbusException, OSError, struct.error, ValueError, IndexError) as error:
            self._break(str(error))
            raise NoAnswer(f"the board did not answer: {error}") from error

    # The connection

    def _break(self, reason: str) -> None:
        self._hang_up()
        for lane in self._lanes:
            lane.watch.lost(reason)
        self._broken.set()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _run(self) -> None:
        backoff = self._site.backoff()
        address = f"{self._settings.host}:{self._settings.port}"
        while True:
            self._broken.clear()
            try:
                if self._client is None:
                    await self._connect()
                for coil in self._owed_off - self._pulses.keys():
                    await self._switch_off(coil)
                backoff.reset()
                for lane in self._lanes:
                    lane.watch.heard()
                while not self._broken.is_set():
                    await self._look()
                    await self._pause()
            except (NotSent, NoAnswer, ModbusException, OSError) as error:
                self._hang_up()
                for lane in self._lanes:
                    lane.watch.lost(str(error))
                log.warning("relay board lost", board=address, reason=str(error), owed_off=sorted(self._owed_off))
                await self._site.clock.sleep(backoff.wait())

    async def _pause(self) -> None:
        every = min((lane.read_every for lane in self._lanes), default=1.0)
        with contextlib.suppress(TimeoutError):
            async with self._site.clock.timeout(every):
                await self._broken.wait()

    async def _connect(self) -> None:
        def changed(there: bool) -> None:
            if not there and self._client is client:
                self._client = None
                self._broken.set()

        client = AsyncModbusTcpClient(
            self._settings.host,
            port=self._settings.port,
            framer=FramerType.RTU if self._settings.framer == "rtu" else FramerType.SOCKET,
            timeout=ANSWER_WITHIN,
            retries=0,  # a repeated write would be a second pulse
            reconnect_delay=0,  # what is owed has to be written first
            trace_connect=changed,
        )
        client.register(CoilWrite)
        try:
            if not await client.connect():
                raise NotSent("the board cannot be reached")
            self._client = client
        finally:
            if self._client is not client:
                client.close()

    async def _look(self) -> None:
        """Read the inputs, or, where none is used, a coil, to see that the board is there."""
        async with self._one_at_a_time:
            client = self._client
            if client is None:
                raise NotSent("the connection was closed")
            inputs = any(lane.inputs for lane in self._lanes)
            read = client.read_discrete_inputs if inputs else client.read_coils
            answer = await self._ask(read(0, count=INPUTS, device_id=self._settings.unit))
        if answer.isError() or len(answer.bits) < INPUTS:
            raise NoAnswer(f"the board cannot be read: {answer}")
        for lane in self._lanes:
            lane.watch.heard()
            if inputs:
                lane.read(answer.bits)


class RelayBarrier(WatchedBarrier):
    """One lane's buttons and inputs on a board."""

    def __init__(self, settings: Settings, watch: LaneWatch, sight: Sight, board: Board) -> None:
        super().__init__(watch, sight, screen_of(settings.screen))
        self._settings = settings
        self._board = board
        self._hold_coil = settings.hold_coil if settings.hold_coil >= 0 else settings.open_coil
        coils = {settings.open_coil, settings.close_coil, self._hold_coil} - {-1}
        self.read_every = settings.read_every
        self.inputs = any(
            each >= 0 for each in (settings.loop_input, settings.under_input, settings.up_input, settings.down_input)
        )
        self._seen: dict[int, bool] = {}
        board.join(self, coils)

    async def raise_arm(self, attempt: Attempt) -> Result:
        await self._board.pulse(self._settings.open_coil, self._settings.pulse_ms, attempt)
        return Result(Outcome.ACCEPTED)

    async def hold_arm(self, attempt: Attempt) -> Result:
        await self._board.switch(self._hold_coil, True, attempt)
        return Result(Outcome.ACCEPTED)

    async def lower_arm(self, attempt: Attempt) -> Result:
        if self.state.held:
            attempt.sent = True
            await self._board.switch(self._hold_coil, False, attempt)
            self.watch.hold(False)
        if self._settings.close_coil >= 0:
            await self._board.pulse(self._settings.close_coil, self._settings.pulse_ms, attempt)
        elif not attempt.sent:
            return Result(Outcome.REJECTED, "the board has no `close_coil`; the barrier lowers by its own loop")
        return Result(Outcome.ACCEPTED)

    async def stop(self) -> None:
        self._board.leave(self)
        await super().stop()

    def read(self, bits: list[bool]) -> None:
        """Take in the inputs as they are now."""
        settings = self._settings
        if self.sight.detector:
            self._changed(bits, settings.loop_input, self.watch.loop)
            self._changed(bits, settings.under_input, self.watch.under)
        up, down = self._value(bits, settings.up_input), self._value(bits, settings.down_input)
        if up is not None and down is not None:
            self.watch.arm(self._between(up, down))
        elif up is not None or down is not None:
            self.watch.arm(Position.OPEN if up or down is False else Position.CLOSED)

    def _between(self, up: bool, down: bool) -> Position:
        if up and down:
            return Position.UNKNOWN
        if up or down:
            return Position.OPEN if up else Position.CLOSED
        moving = {Position.CLOSED: Position.RISING, Position.OPEN: Position.FALLING}
        position = self.watch.signals.position or Position.UNKNOWN
        return moving.get(position, position)

    def _changed(self, bits: list[bool], number: int, tell: Callable[[bool], None]) -> None:
        value = self._value(bits, number)
        if value is not None and self._seen.get(number, False) != value:
            self._seen[number] = value
            tell(value)

    def _value(self, bits: list[bool], number: int) -> bool | None:
        return None if number < 0 else bits[number] != (number in self._settings.inverted)
