"""Commands for devices that only take one in the answer to their own request: they wait here to be picked up."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from taigan.barriers.barrier import Outcome, Result
from taigan.barriers.watching.lane_watch import Attempt

Command = TypeVar("Command")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Command]):
    command: Command
    attempt: Attempt
    done: asyncio.Future[Result]


class Pickup(Generic[Command]):
    """What waits for one device."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting[Command]] = deque()

    async def wait(self, command: Command, attempt: Attempt) -> Result:
        """Return when the device has taken the command along: UNCERTAIN, for it never says what became of it.

        Cut off by the deadline, the command is dropped and surely never left.
        """
        waiting = _Waiting(command, attempt, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            return await waiting.done
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def take(self) -> list[Command]:
        """Every command that is still within its deadline; they are on their way now."""
        taken = []
        while self._waiting:
            waiting = self._waiting.popleft()
            if waiting.attempt.deadline.passed or waiting.done.done():
                continue
            waiting.attempt.sent = True
            waiting.done.set_result(Result(Outcome.UNCERTAIN, "the device took the command and confirms nothing"))
            taken.append(waiting.command)
        return taken
