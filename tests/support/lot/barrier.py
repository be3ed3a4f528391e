"""A lane's barrier that does what a test says."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from support.clock import PATIENCE, ManualClock
from taigan.barriers.barrier import (
    Event,
    EventKind,
    EventSink,
    LaneKey,
    LaneState,
    Outcome,
    Position,
    Price,
    Result,
    Sight,
)

Witness = Callable[[LaneKey, str], Awaitable[None]]
"""Called with the lane and the command's id before an arm moves."""


class Mode(enum.Enum):
    """How the device takes its next commands."""

    OK = enum.auto()  # acknowledges and raises the arm
    FAULT = enum.auto()  # rejects
    SILENT = enum.auto()  # takes the command, neither moves nor answers
    MUTE = enum.auto()  # moves, never answers or reports a position
    LOCKED = enum.auto()  # acknowledges, the arm stays down
    BROKEN = enum.auto()  # the driver breaks its promise and raises
    STUCK = enum.auto()  # the driver breaks its promise and never returns
    LOST = enum.auto()  # raises the arm, the answer is lost at once
    HELD = enum.auto()  # acknowledges and raises, when the test says `go_on`
    HELD_FAULT = enum.auto()  # rejects, when the test says `go_on`


@dataclass(frozen=True)
class Command:
    """What the platform asked of the device."""

    name: str
    command_id: str
    deadline: datetime


class ScriptedBarrier:
    """One lane. The arm moves at once; its position is reported only where the test reports it."""

    def __init__(self, lane: LaneKey, sink: EventSink, clock: ManualClock, sight: Sight, witness: Witness) -> None:
        self.lane = lane
        self.sight = sight
        self.state = LaneState(online=True, position=Position.CLOSED if sight.position else None)
        self.screen = self
        self.shown: list[str] = []
        self.asked: list[Price] = []
        self.mode = Mode.OK
        self.commands: list[Command] = []
        self.cancelled: list[str] = []
        self.adopted: list[str] = []
        self.lifts = 0
        self.running = False
        self._sink = sink
        self._clock = clock
        self._witness = witness
        self._commanded = asyncio.Event()
        self._called_off = asyncio.Event()
        self._go_on = asyncio.Event()
        self._events = 0

    async def show(self, text: str) -> None:
        self.shown.append(text)

    async def ask(self, price: Price) -> None:
        self.asked.append(price)

    async def open(self, command_id: str, deadline: datetime) -> Result:
        return await self._take(Command("open", command_id, deadline))

    async def hold(self, command_id: str, deadline: datetime) -> Result:
        self.state.held = True
        return await self._take(Command("hold", command_id, deadline))

    async def close(self, command_id: str, deadline: datetime) -> Result:
        self.commands.append(Command("close", command_id, deadline))
        self.state.held = False
        self._stands(Position.CLOSED)
        return Result(Outcome.ACCEPTED)

    def adopt(self, presence_id: str, since: datetime | None) -> None:
        """The car that the platform says is on the loop: one that is there is this one."""
        self.adopted.append(presence_id)
        if presence_id and self.state.presence_id:
            self.state.presence_id = presence_id

    async def cancel(self, command_id: str) -> None:
        self.cancelled.append(command_id)
        self._called_off.set()

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    async def _take(self, command: Command) -> Result:
        self.commands.append(command)
        self._commanded.set()
        match self.mode:
            case Mode.FAULT:
                return Result(Outcome.REJECTED, "the arm is blocked")
            case Mode.BROKEN:
                raise RuntimeError("a driver that breaks its promise")
            case Mode.STUCK:
                await asyncio.Event().wait()
            case Mode.HELD:
                await self._go_on.wait()
                self._go_on.clear()
            case Mode.HELD_FAULT:
                await self._go_on.wait()
                self._go_on.clear()
                return Result(Outcome.REJECTED, "the arm is blocked")
            case Mode.LOCKED:
                return Result(Outcome.ACCEPTED)
            case Mode.SILENT | Mode.MUTE:
                if self.mode is Mode.MUTE:
                    await self._witness(self.lane, command.command_id)
                    self.lifts += 1
                await self._clock.sleep((command.deadline - self._clock.now()).total_seconds())
                return Result(Outcome.UNCERTAIN, "no answer")
        await self._witness(self.lane, command.command_id)
        self.lifts += 1
        if self.mode is Mode.LOST:
            return Result(Outcome.UNCERTAIN, "the connection broke")
        self._stands(Position.OPEN)
        return Result(Outcome.ACCEPTED)

    def _stands(self, position: Position) -> None:
        if self.sight.position:
            self.state.position = position

    async def commanded(self) -> Command:
        """The next command, once it has come."""
        async with asyncio.timeout(PATIENCE):
            await self._commanded.wait()
        self._commanded.clear()
        return self.commands[-1]

    async def called_off(self) -> str:
        """The id of the only command that was cancelled, once it was."""
        async with asyncio.timeout(PATIENCE):
            await self._called_off.wait()
        [command_id] = self.cancelled
        return command_id

    def go_on(self) -> None:
        """Let a held command end well."""
        self._go_on.set()

    async def report(
        self,
        kind: EventKind,
        presence_id: str = "",
        *,
        plate: str = "",
        detail: str = "",
        code: str = "",
        seen: bool = True,
    ) -> Event:
        """The device reports something; returns when the platform has taken it. A car that backs out was `seen` to."""
        self._events += 1
        name = f"{presence_id}/{kind}" if presence_id else f"{self.lane}/{kind}/{self._events}"
        event = Event(name, self.lane, kind, self._clock.now(), presence_id, plate, detail, code, seen=seen)
        match kind:
            case EventKind.ARRIVED:
                self.state.presence_id, self.state.since = presence_id, event.at
            case EventKind.PASSED | EventKind.BACKED_OUT:
                self.state.presence_id = ""
            case EventKind.UP:
                self._stands(Position.OPEN)
            case EventKind.DOWN:
                self._stands(Position.CLOSED)
            case EventKind.FALLING:
                self._stands(Position.FALLING)
        await self._sink(event)
        return event

    async def tells(self, event: Event) -> None:
        """The device reports this event, whatever it knows of the lane."""
        await self._sink(event)

    async def repeat(self, event: Event) -> None:
        """The device reports the very same event once more."""
        await self.tells(event)
