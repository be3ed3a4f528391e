"""The live steps of a lot as server-sent events. What is shown is also in the rows; a listener may miss some."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import msgspec

from taigan.lot.signals.events import Events, Step
from taigan.storage.errors import StorageError

Still = Callable[[], Awaitable[bool]]
"""Whether a listener may go on listening."""


async def heard(
    events: Events, lot_id: str, still: Still, *, beat: float, gather: float = 0.0
) -> AsyncGenerator[list[Step]]:
    """What happens in a lot until the platform stops: steps that come within `gather` seconds together.

    An empty list says that the line is open: at first, and every `beat` seconds. Then `still` is asked; who may not go
    on, or cannot be looked up, is let go.
    """
    loop = asyncio.get_running_loop()
    async with events.subscribe(lot_id) as queue:
        yield []
        next_beat = loop.time() + beat
        while True:
            if loop.time() >= next_beat:
                try:
                    if not await still():
                        return
                except StorageError:
                    return
                yield []
                next_beat = loop.time() + beat
            try:
                async with asyncio.timeout_at(next_beat):
                    step = await queue.get()
            except TimeoutError:
                continue
            if gather:
                await asyncio.sleep(gather)
            steps: list[Step] = []
            while step is not None:
                steps.append(step)
                if not gather or queue.empty():
                    break
                step = queue.get_nowait()
            if steps:
                yield steps
            if step is None:
                return


async def steps(events: Events, lot_id: str, still: Still, *, beat: float = 15.0) -> AsyncIterator[bytes]:
    """The lot's steps, each an event named by its `step`, its data a JSON object; an empty message at each beat."""
    alive = b"retry: 2000\n\n"
    async with aclosing(heard(events, lot_id, still, beat=beat)) as batches:
        async for batch in batches:
            if not batch:
                yield alive
                alive = b":\n\n"
            for step in batch:
                yield b"event: %s\ndata: %s\n\n" % (str(step["step"]).encode(), msgspec.json.encode(step))
