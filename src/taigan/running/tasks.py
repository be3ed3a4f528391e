"""Ending tasks: those in the background, those that took too long, and those that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
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


def looked_at(task: asyncio.Future[Any]) -> None:
    """For `add_done_callback`: what comes of a task that nobody waits for any longer is no reason to complain."""
    if not task.cancelled():
        task.exception()


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What comes of the work, which has a task of its own. Raises TimeoutError after so many seconds; it is cancelled
    then, and when the caller is.

    Two time-outs on one task may both run out in one turn of the loop, and then one takes the other's cancellation for
    its own. So whatever has time-outs inside it is waited for in this way.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,), timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
