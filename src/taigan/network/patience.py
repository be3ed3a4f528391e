"""How long the small servers wait for who knocks: simulated lanes and devices, the demo page, the conformance kit."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from taigan.running.tasks import within

MOST = 16
"""So many connections a board or a screen holds."""
SILENT_FOR = 20.0
"""Seconds that a connection may say nothing, and that a body may take; clients let go of theirs after 15."""


def body_within(seconds: float = SILENT_FOR) -> Middleware:
    """A middleware that has the body read before the handler runs. One that stands still is answered 408 and cut."""

    @web.middleware
    async def in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            await within(seconds, request.read())
        except TimeoutError:
            refusal = web.Response(status=408, text="the body did not come in time")
            refusal.force_close()
            return refusal
        except ConnectionError:
            return web.Response(status=400)  # nobody hears it
        return await handler(request)

    return in_time


def make_room(connections: dict[asyncio.StreamWriter, None], speaks: asyncio.StreamWriter) -> None:
    """Put the one that speaks last in the line, and cut the first where there are more than `MOST`."""
    connections.pop(speaks, None)
    connections[speaks] = None
    if len(connections) > MOST:
        first = next(iter(connections))
        del connections[first]
        first.transport.abort()
