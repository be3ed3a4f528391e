"""Modbus relay boards: a coil is the barrier's button. The board echoes a write, and may have inputs.

A pulse is the board's own (it knows the time), or ours: on, wait, off. A coil that stays on holds the barrier open, so
"off" is owed from the moment before "on" is sent until the board has echoed it: through failures, through a lost
connection, at the end and at every start.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
import structlog

from taigan.barriers.barrier import Barrier, Outcome, Position, Result, Sight
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch, NoAnswer, NotSent
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.led import ScreenSettings
from taigan.barriers.wires.led_screen import screen_of
from taigan.barriers.wires.modbus import Framer, ModbusLine
from taigan.clock import set_within
from taigan.running.tasks import end

log = structlog.get_logger()

ON = 0xFF00
OFF = 0x0000
PULSE_AT = 0x0200
PULSE_UNIT = 100
LAST_OFF_WITHIN = 2.0

MOST_CHANNELS = 32

Coil = Annotated[int, msgspec.Meta(ge=0, lt=MOST_CHANNELS)]
MaybeCoil = Annotated[int, msgspec.Meta(ge=-1, lt=MOST_CHANNELS)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A relay board. Coils and inputs are counted from 0, -1 is none; one board may serve several lanes.

    `unit`: its address behind a gateway that serves several boards at one `host` and `port`; 255 where a board with a
    network port of its own asks for it. `framer`: `rtu` for boards that speak RTU over TCP (often on port 4196).
    `pulse`: `hardware` for boards that time it themselves, else `timed`; it lasts `pulse_ms` milliseconds.
    `hold_coil`: kept on while the arm is held up, `open_coil` unless set. `loop_input`, `under_input`: the loops;
    `up_input`, `down_input`: the arm's limit switches; `inverted`: inputs that are on at rest. `read_every`: seconds
    between two looks at the inputs.
    """

    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 502
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    framer: Framer = "tcp"
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
    """The lane's barrier on its board, behind the shared connection to the board's address."""
    arm_seen = settings.up_input >= 0 or settings.down_input >= 0
    signals = LaneSignals(
        two_loops=settings.under_input >= 0, ends_only=not (settings.up_input >= 0 and settings.down_input >= 0)
    )
    host, port, unit = settings.host, settings.port, settings.unit
    line = site.shared(("modbus", host, port), lambda: ModbusLine(host, port, settings.framer, site))
    board = site.shared(("modbus", host, port, unit), lambda: Board(line, unit, site))
    used_so = f"`framer` is not {settings.framer} for another lane at {host}:{port}"
    site.claim(lane.key, ("modbus", host, port), settings.framer, used_so)
    line.join(unit, settings.framer)
    watch = site.watch(lane, f"relay {line.address} unit {unit}", signals=signals)
    sight = Sight(acknowledges=True, position=arm_seen, detector=lane.detector and settings.loop_input >= 0)
    return RelayBarrier(settings, watch, sight, board)


class Latched(NoAnswer):
    """The board does not know the hardware pulse: it switched the relay on, and it is switched off again."""


class Board:
    """One board: one task that switches off what is owed, and reads the inputs."""

    def __init__(self, line: ModbusLine, unit: int, site: Site) -> None:
        self._line = line
        self._unit = unit
        self._site = site
        self._lanes: list[RelayBarrier] = []
        self._owed_off: set[int] = set()
        self._pulses: dict[int, asyncio.Task[None]] = {}
        self._anew = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self, lane: RelayBarrier, coils: set[int]) -> None:
        """Serve a lane. Its coils are switched off as soon as the board is there."""
        self._lanes.append(lane)
        self._owed_off |= coils
        self._anew.set()  # take them up now

    def leave(self, lane: RelayBarrier) -> None:
        """Serve a lane no longer."""
        if lane in self._lanes:
            self._lanes.remove(lane)
            self._anew.set()

    async def pulse(self, coil: int, milliseconds: int, attempt: Attempt) -> None:
        """Press a button. Returns when the board has echoed "on"; "off" follows. Raises `NotSent`, `NoAnswer`."""
        self._refuse_pressed(coil)
        self._owed_off.add(coil)
        switched_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pulses[coil] = asyncio.create_task(self._timed_pulse(coil, milliseconds, attempt, switched_on))
        await switched_on

    async def hardware_pulse(self, coil: int, milliseconds: int, attempt: Attempt) -> None:
        """Have the board press a button for so long by itself. Raises `NotSent`, `NoAnswer`, `Latched`."""
        self._refuse_pressed(coil)
        value = milliseconds // PULSE_UNIT
        if await self._line.write_coil(self._unit, PULSE_AT + coil, value, attempt) != value:
            self._owed_off |= {coil, PULSE_AT + coil}
            self._anew.set()
            raise Latched("the board latched the relay instead of pulsing it; it is switched off again")

    async def switch(self, coil: int, on: bool, attempt: Attempt) -> None:
        """Switch a coil and leave it so. Raises `NotSent`, `NoAnswer`."""
        if on:
            await self._line.write_coil(self._unit, coil, ON, attempt)
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
        self._line.leave(self._unit)

    def _refuse_pressed(self, coil: int) -> None:
        if coil in self._owed_off:
            if not self._line.connected:
                raise NotSent(f"the board {self._line.address} is not connected")
            raise NotSent("the relay is still on from the last time")

    async def _timed_pulse(
        self, coil: int, milliseconds: int, attempt: Attempt, switched_on: asyncio.Future[None]
    ) -> None:
        try:
            try:
                await self._line.write_coil(self._unit, coil, ON, attempt)
            except (NotSent, NoAnswer) as error:
                if not switched_on.done():
                    switched_on.set_exception(error)
            else:
                if not switched_on.done():
                    switched_on.set_result(None)
                await self._site.clock.sleep(milliseconds / 1000)
        finally:
            del self._pulses[coil]
            try:
                await self._switch_off(coil)
            except (NotSent, NoAnswer):  # then it stays owed, and the board's task sees to it
                self._anew.set()

    async def _switch_off(self, coil: int) -> None:
        await self._line.write_coil(self._unit, coil, OFF, None)
        self._owed_off.discard(coil)

    async def _run(self) -> None:
        backoff = self._site.backoff()
        while True:
            self._anew.clear()
            try:
                for coil in self._owed_off - self._pulses.keys():
                    await self._switch_off(coil)
                while not self._anew.is_set():
                    if self._lanes:
                        await self._look()
                        backoff.reset()  # only now is it of use
                        await self._pause()
                    else:
                        self._line.leave(self._unit)
                        await self._anew.wait()
            except (NotSent, NoAnswer) as error:
                for lane in self._lanes:
                    lane.watch.lost(str(error))
                log.warning(
                    "relay board lost", board=self._line.address, unit=self._unit, reason=str(error),
                    owed_off=sorted(self._owed_off),
                )  # fmt: skip
                await self._site.clock.sleep(backoff.wait())

    async def _pause(self) -> None:
        every = min((lane.read_every for lane in self._lanes), default=1.0)
        await set_within(self._site.clock, self._anew, every)

    async def _look(self) -> None:
        """Read the inputs that are wired, or, where none is, coils, to see that the board is there."""
        wired = {number for lane in self._lanes for number in lane.inputs}
        asked = wired or {lane.open_coil for lane in self._lanes}
        first = min(asked)
        told = await self._line.read(self._unit, first, max(asked) - first + 1, inputs=bool(wired))
        for lane in self._lanes:
            lane.watch.heard()
            if lane.inputs:
                lane.read([False] * first + told)


class RelayBarrier(WatchedBarrier):
    """One lane's buttons and inputs on a board."""

    def __init__(self, settings: Settings, watch: LaneWatch, sight: Sight, board: Board) -> None:
        super().__init__(watch, sight, screen_of(settings.screen))
        self._settings = settings
        self._board = board
        self._hold_coil = settings.hold_coil if settings.hold_coil >= 0 else settings.open_coil
        coils = {settings.open_coil, settings.close_coil, self._hold_coil} - {-1}
        self.read_every = settings.read_every
        self.open_coil = settings.open_coil
        self.inputs = {settings.loop_input, settings.under_input, settings.up_input, settings.down_input} - {-1}
        self._seen: dict[int, bool] = {}
        board.join(self, coils)

    async def raise_arm(self, attempt: Attempt) -> Result:
        await self._press(self._settings.open_coil, attempt)
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
            await self._press(self._settings.close_coil, attempt)
        elif not attempt.sent:
            return Result(Outcome.REJECTED, "the board has no `close_coil`; the barrier lowers by its own loop")
        return Result(Outcome.ACCEPTED)

    async def _press(self, coil: int, attempt: Attempt) -> None:
        if self._settings.pulse == "timed":
            await self._board.pulse(coil, self._settings.pulse_ms, attempt)
            return
        try:
            await self._board.hardware_pulse(coil, self._settings.pulse_ms, attempt)
        except Latched:
            self.watch.fault('this board does not know the hardware pulse: set `pulse = "timed"`')
            raise

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
        if value is not None and self._seen.get(number) != value:
            self._seen[number] = value
            tell(value)

    def _value(self, bits: list[bool], number: int) -> bool | None:
        return None if number < 0 else bits[number] != (number in self._settings.inverted)
