"""The other processes over the same database: what happens at one is shown at all, and what is set up at one is
taken over by all.

A process says now and then that somebody listens to it. The others pass their steps on while they hear that, so that
nothing is passed on for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import structlog

from taigan.clock import Clock
from taigan.lot.lanes.lanes import Stored
from taigan.lot.signals.events import Events, Step

log = structlog.get_logger("taigan.neighbours")
SAY_EVERY = 5.0
"""Seconds between two words that somebody listens here."""
HOLDS_FOR = 12.0
"""Seconds for which such a word holds."""


class Exchange(Protocol):
    """Carries short words between processes; may lose some."""

    longest: int
    """Bytes that a word has at most."""

    def tell(self, words: list[str]) -> None:
        """Tell the others, soon."""

    async def run(self, hear: Callable[[str], None]) -> None:
        """Carry words until cancelled."""


class Word(msgspec.Struct, omit_defaults=True):
    """What one process tells the others."""

    listening: bool = False
    changed: bool = False
    intended: bool = False
    step: dict[str, Any] | None = None
    stored: Stored | None = None


class Neighbours:
    """One per process. `lanes_changed` is called when another process set up lanes, `intended` when it intends a lift
    for a lane whose device it does not have, `stored` with what an event at another one led to."""

    def __init__(
        self,
        exchange: Exchange,
        events: Events,
        clock: Clock,
        lanes_changed: Callable[[], None],
        intended: Callable[[], None] = lambda: None,
        stored: Callable[[Stored], None] = lambda _: None,
    ) -> None:
        self._exchange = exchange
        self._events = events
        self._clock = clock
        self._lanes_changed = lanes_changed
        self._intended = intended
        self._stored = stored
        self._listening_until = 0.0
        events.when_somebody_listens = self._say_that_somebody_listens

    async def run(self) -> None:
        """Pass steps on and hear those of the others, until cancelled."""
        carrying = asyncio.create_task(self._exchange.run(self.hear))
        try:
            while True:
                if self._events.listened_to:
                    self._say_that_somebody_listens()
                if self._clock.monotonic() > self._listening_until:
                    self._events.pass_on = None
                await self._clock.sleep(SAY_EVERY)
        finally:
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)

    def say_that_lanes_changed(self) -> None:
        """Have the others look at the lanes again."""
        self._exchange.tell([_written(Word(changed=True))])

    def say_that_a_lift_is_intended(self) -> None:
        """Have the process with the lane's device look for it."""
        self._exchange.tell([_written(Word(intended=True))])

    def say_what_was_stored(self, stored: Stored) -> None:
        """Let those go on who wait for it at other processes."""
        self._exchange.tell([_written(Word(stored=stored))])

    def hear(self, text: str) -> None:
        """Take in what another process told."""
        try:
            word = msgspec.json.decode(text, type=Word)
        except msgspec.DecodeError as error:
            log.warning("another process told something unreadable", error=str(error))
            return
        if word.listening:
            self._listening_until = self._clock.monotonic() + HOLDS_FOR
            self._events.pass_on = self._pass_on
        if word.changed:
            self._lanes_changed()
        if word.intended:
            self._intended()
        if word.stored is not None:
            self._stored(word.stored)
        if word.step is not None:
            self._events.hear(word.step)

    def _pass_on(self, step: Step) -> None:
        text = _written(Word(step=step))
        if len(text.encode()) > self._exchange.longest:
            text = _written(Word(step={**step, "text": "", "reason": ""}))
        self._exchange.tell([text])

    def _say_that_somebody_listens(self) -> None:
        self._exchange.tell([_written(Word(listening=True))])


def _written(word: Word) -> str:
    return msgspec.json.encode(word).decode()
