"""The live steps of a lot as server-sent events. What is shown is also in the rows; a listener may miss some."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from taigan.lot.events import Events


async def steps(events: Events, lot_id: str, *, beat: float = 15.0) -> AsyncIterator[bytes]:
    """The lot's steps until the platform stops: each an event named by its `step`, its data a JSON object.

    After `beat` seconds of silence an empty message shows that the line is open.
    """
    async with events.subscribe(lot_id) as queue:
        yield b"retry: 2000\n\n"
        while True:
            try:
                async with asyncio.timeout(beat):
                    step = await queue.get()
            except TimeoutError:
                yield b":\n\n"
                continue
            if step is None:
                return
            yield b"event: %s\ndata: %s\n\n" % (str(step["step"]).encode(), msgspec.json.encode(step))
