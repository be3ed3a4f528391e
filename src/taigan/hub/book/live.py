"""What has just been stored, told at once to every page that is open. What nobody heard is in the database."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taigan.hub.book.trail import Step

_BACKLOG = 1000


class Listener:
    """One open page. A page that does not keep up is let go and comes back by itself."""

    def __init__(self, scan_id: str) -> None:
        self.scan_id = scan_id
        self._waiting: asyncio.Queue[Step | None] = asyncio.Queue()
        self.ended = False

    def tell(self, step: Step) -> None:
        if self._waiting.qsize() < _BACKLOG:
            self._waiting.put_nowait(step)
        else:
            self.end()

    def end(self) -> None:
        self.ended = True
        self._waiting.put_nowait(None)

    async def next(self, wait: float) -> Step | None:
        """The next step; `None` when none came for `wait` seconds, or when the hub ended."""
        timer = asyncio.get_running_loop().call_later(wait, self._waiting.put_nowait, None)
        step = await self._waiting.get()
        timer.cancel()
        return step


class Live:
    """The open pages."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._ended = False

    @contextmanager
    def listen(self, scan_id: str = "") -> Iterator[Listener]:
        """Hear of the steps of one scan, or of all."""
        listener = Listener(scan_id)
        self._listeners.add(listener)
        if self._ended:
            listener.end()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def tell(self, steps: list[Step]) -> None:
        for step in steps:
            for listener in list(self._listeners):
                if listener.scan_id in ("", step.scan_id):
                    listener.tell(step)

    def end(self) -> None:
        """Send every page home: an open stream would hold up the hub's end."""
        self._ended = True
        for listener in list(self._listeners):
            listener.end()
