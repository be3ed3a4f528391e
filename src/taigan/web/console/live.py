"""The one event stream of a browser: which things of a lot have changed. Never what they are: that is fetched, and
rights are looked at then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from taigan.lot.events import Events, Step
from taigan.storage.errors import StorageError

BEAT = 10.0
"""Seconds after which a stream shows that it is alive; a page that hears nothing for longer says so."""
GATHER = 0.05
"""Seconds in which what happens together is told together."""


def keys_of(step: Step) -> set[str]:
    """The names under which the parts of pages wait for a step."""
    keys = {"lot"}
    for field, kind in (("channel_id", "lane"), ("order_id", "order")):
        if step.get(field):
            keys.add(f"{kind}:{step[field]}")
    if step.get("step") == "alarm":
        keys.add("alarms")
    return keys


async def changes(
    events: Events, lot_id: str, still: Callable[[], Awaitable[bool]], *, beat: float = BEAT
) -> AsyncIterator[bytes]:
    """Names of what changed in a lot, one message for what happened together, until the platform stops.

    The first message, `hello`, tells a page that comes back to fetch everything: what it missed is in it. At each
    `beat` `still` is asked whether the listener may go on.
    """
    loop = asyncio.get_running_loop()
    async with events.subscribe(lot_id) as queue:
        yield b"retry: 1500\nevent: hello\ndata: -\n\n"
        next_beat = loop.time() + beat
        while True:
            if loop.time() >= next_beat:
                try:
                    if not await still():
                        return
                except StorageError:
                    return
                yield b"event: beat\ndata: -\n\n"
                next_beat = loop.time() + beat
            try:
                async with asyncio.timeout_at(next_beat):
                    step = await queue.get()
            except TimeoutError:
                continue
            keys: set[str] = set()
            await asyncio.sleep(GATHER)
            while step is not None:
                keys |= keys_of(step)
                if queue.empty():
                    break
                step = queue.get_nowait()
            if keys:
                yield b"event: changed\ndata: %s\n\n" % "\n".join(sorted(keys)).replace("\n", "\ndata: ").encode()
            if step is None:
                return
