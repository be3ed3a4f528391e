"""Live steps of the lots, for pages that show them as they happen. Nothing relies on them: the rows are the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

Step = dict[str, Any]


class Events:
    """Hands each step to whoever listens to its lot; a listener that is too slow loses its oldest steps."""

    def __init__(self, backlog: int = 1000) -> None:
        self._backlog = backlog
        self._listeners: dict[asyncio.Queue[Step | None], str] = {}

    def publish(self, step: Step) -> None:
        """Tell the listeners of `step["lot_id"]`."""
        for queue, lot_id in self._listeners.items():
            if lot_id in ("", step["lot_id"]):
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(step)

    @property
    def anybody(self) -> bool:
        """Whether somebody listens at all."""
        return bool(self._listeners)

    @asynccontextmanager
    async def subscribe(self, lot_id: str = "") -> AsyncIterator[asyncio.Queue[Step | None]]:
        """A queue of the lot's steps (of all lots' for an empty id); None is put when the platform stops."""
        queue: asyncio.Queue[Step | None] = asyncio.Queue(self._backlog)
        self._listeners[queue] = lot_id
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
