"""The live steps of a lot as server-sent events. What is shown is also in the rows; a listener may miss some."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from taigan.lot.events import Events
from taigan.storage.errors import StorageError


async def steps(
    events: Events, lot_id: str, still: Callable[[], Awaitable[bool]], *, beat: float = 15.0
) -> AsyncIterator[bytes]:
    """The lot's steps until the platform stops: each an event named by its `step`, its data a JSON object.

    Every `beat` seconds an empty message shows that the line is open, and `still` is asked whether the listener may
    go on; who may not, or cannot be looked up, is let go.
    """
    loop = asyncio.get_running_loop()
    async with events.subscribe(lot_id) as queue:
        yield b"retry: 2000\n\n"
        next_beat = loop.time() + beat
        while True:
            if loop.time() >= next_beat:
                try:
                    if not await still():
                        return
                except StorageError:
                    return
                yield b":\n\n"
                next_beat = loop.time() + beat
            try:
                async with asyncio.timeout_at(next_beat):
                    step = await queue.get()
            except TimeoutError:
                continue
            if step is None:
                return
            yield b"event: %s\ndata: %s\n\n" % (str(step["step"]).encode(), msgspec.json.encode(step))
