"""Live steps of the lots, for pages that show them as they happen. Nothing relies on them: the rows are the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

Step = dict[str, Any]
REMEMBERED = 1000
"""So many reports of devices are known again when another process passes them on."""


class Events:
    """Hands each step to whoever listens to its lot; a listener that is too slow loses its oldest steps."""

    def __init__(self, backlog: int = 1000) -> None:
        self._backlog = backlog
        self._listeners: dict[asyncio.Queue[Step | None], str] = {}
        self._seen: dict[str, None] = {}
        self.when_somebody_listens: Callable[[], None] = lambda: None
        """Called when a listener has come."""
        self.pass_on: Callable[[Step], None] | None = None
        """Takes the steps of this process to the others, while somebody listens there."""

    def publish(self, step: Step) -> None:
        """Tell the listeners of `step["lot_id"]`, here and at other processes."""
        self.hear(step)
        if self.pass_on is not None:
            self.pass_on(step)

    def hear(self, step: Step) -> None:
        """Tell the listeners of this process. A report (`event_id`) that several processes heard is told once."""
        if not self._listeners or self._told_before(step.get("event_id", "")):
            return
        for queue, lot_id in self._listeners.items():
            if lot_id in ("", step["lot_id"]):
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(step)

    @property
    def listened_to(self) -> bool:
        """Whether somebody listens at this process."""
        return bool(self._listeners)

    @property
    def anybody(self) -> bool:
        """Whether somebody listens at all."""
        return bool(self._listeners) or self.pass_on is not None

    @asynccontextmanager
    async def subscribe(self, lot_id: str = "") -> AsyncIterator[asyncio.Queue[Step | None]]:
        """A queue of the lot's steps (of all lots' for an empty id); None is put when the platform stops."""
        queue: asyncio.Queue[Step | None] = asyncio.Queue(self._backlog)
        self._listeners[queue] = lot_id
        self.when_somebody_listens()
        try:
            yield queue
        finally:
            del self._listeners[queue]

    def stop(self) -> None:
        """Wake every listener for the last time."""
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    def _told_before(self, event_id: str) -> bool:
        if not event_id:
            return False
        if event_id in self._seen:
            return True
        self._seen[event_id] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return False
