"""Ending background tasks."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_AFTER = 0.5
"""Seconds that a task gets to end in before it is cancelled again."""


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks until they have ended.

    Once is not enough: `asyncio.wait_for` (before Python 3.12) gives its result instead of a cancellation that comes in
    the same moment, and libraries take a cancellation for an error of their own. Such a task would go on for ever.
    """
    running = {task for task in tasks if task is not None and not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_AFTER)
