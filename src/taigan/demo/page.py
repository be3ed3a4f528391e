"""The demo's page and its doors: `/lot/…`, `/hub/…`, `/lanes/…` lead to the parts, with the tokens added here.

So the page holds no token, and one origin reaches all three. `/events` is the event streams of all three in one
(`event` is the door's name): a browser keeps six connections to an origin, and a page with three streams would be stuck
in its second tab.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import yarl
from aiohttp import web

from taigan.demo.clock import DemoClock
from taigan.network.patience import SILENT_FOR, body_within

STATIC = Path(__file__).parent / "static"
AGAIN_AFTER = 1.0
BEAT = 15.0

# Headers of one connection, not of the message (RFC 9110, 7.6.1), and those that this server sets itself.
_NOT_PASSED_ON = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "content-encoding",
        "accept-encoding",
        "authorization",
        "cookie",
        "set-cookie",
        "origin",
        "referer",
    }
)


class Page:
    """Serves the page.

    `doors` leads from a first path part to an address and the bearer token for it, `streams` to the path of its events.
    """

    def __init__(
        self,
        doors: Mapping[str, tuple[str, str]],
        streams: Mapping[str, str],
        shown: Mapping[str, Any],
        clock: DemoClock,
    ) -> None:
        self._doors = doors
        self._streams = streams
        self._shown = dict(shown)
        self._clock = clock
        self._client: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._open: set[asyncio.Task[Any]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; 0 takes any free port. Returns the port. Raises OSError when it is taken."""
        app = web.Application(client_max_size=1 << 20, middlewares=[_own_pages_only, body_within()])
        app.router.add_get("/", self._index)
        app.router.add_get("/addresses.json", self._addresses)
        app.router.add_get("/clock", self._time)
        app.router.add_post("/clock", self._forward)
        app.router.add_get("/events", self._events, allow_head=False)
        app.router.add_static("/static/", STATIC)
        for door in self._doors:
            app.router.add_route("*", f"/{door}/{{rest:.*}}", self._pass_on)
        self._client = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=3), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, keepalive_timeout=SILENT_FOR)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every connection and let the port go."""
        for task in self._open:
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._client is not None:
            await self._client.close()

    def show(self, **more: Any) -> None:
        """Add to what the page is told about the parts."""
        self._shown.update(more)

    async def _index(self, request: web.Request) -> web.StreamResponse:
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": "frame-ancestors 'self'"}
        return web.FileResponse(STATIC / "index.html", headers=headers)

    async def _addresses(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown)

    async def _time(self, request: web.Request) -> web.Response:
        """What time it is for all three sides, in seconds since 1970, and how far ahead of the machine that is."""
        return web.json_response({"now": time.time() + self._clock.ahead, "ahead": self._clock.ahead})

    async def _forward(self, request: web.Request) -> web.Response:
        """Let time pass on all three sides: `{"forward": seconds}`."""
        try:
            asked = await request.json()
            seconds = asked["forward"] if isinstance(asked, dict) and set(asked) == {"forward"} else None
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
                raise ValueError("the body is an object with forward, a number of seconds")
            self._clock.forward(seconds)
        except (ValueError, UnicodeDecodeError, RecursionError) as error:
            problem = {"code": "unusable", "message": str(error), "field": "forward"}
            return web.json_response({"error": problem}, status=400)
        return await self._time(request)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """What happens on all sides, as it happens; `up` and `down` say which side answers."""
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        told: asyncio.Queue[str] = asyncio.Queue(1000)
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        listening = [asyncio.create_task(self._listen(door, told)) for door in self._streams]
        try:
            while True:
                try:
                    async with asyncio.timeout(BEAT):
                        message = await told.get()
                except TimeoutError:
                    message = ":\n\n"
                await response.write(message.encode())
        except ConnectionError:
            return response
        finally:
            self._open.discard(task)
            for listener in listening:
                listener.cancel()

    async def _listen(self, door: str, told: asyncio.Queue[str]) -> None:
        """Follow one side's events for as long as the page is open, whenever that side is there."""
        base, token = self._doors[door]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert self._client is not None
        while True:
            try:
                async with self._client.get(f"{base}{self._streams[door]}", headers=headers) as answer:
                    answer.raise_for_status()
                    await told.put(f"event: up\ndata: {json.dumps(door)}\n\n")
                    async for data in _data_of(answer.content):
                        await told.put(f"event: {door}\ndata: {data}\n\n")
            except (aiohttp.ClientError, TimeoutError):
                pass
            await told.put(f"event: down\ndata: {json.dumps(door)}\n\n")
            await asyncio.sleep(AGAIN_AFTER)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        door, _, rest = request.raw_path.lstrip("/").partition("/")
        if door not in self._doors:
            raise web.HTTPBadRequest(text="the path's first part is written as it is")
        base, token = self._doors[door]
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        assert self._client is not None
        try:
            async with self._client.request(
                request.method,
                yarl.URL(f"{base}/{rest}", encoded=True),
                headers=headers,
                data=await request.read() or None,
                allow_redirects=False,
            ) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON}
                passed = web.StreamResponse(status=answer.status, headers=kept)
                await passed.prepare(request)
                async for chunk in answer.content.iter_any():
                    await passed.write(chunk)
                await passed.write_eof()
                return passed
        except (aiohttp.ClientError, TimeoutError, ConnectionResetError) as error:
            if request.transport is None or request.transport.is_closing():
                raise
            problem = {"code": "unreachable", "message": f"{door} does not answer: {error}", "field": ""}
            return web.json_response({"error": problem}, status=502)


async def _data_of(stream: aiohttp.StreamReader) -> AsyncIterator[str]:
    """The data of each event of a stream; ours are one line each."""
    async for line in stream:
        if line.startswith(b"data:"):
            yield line[5:].strip().decode("utf-8", "replace")


@web.middleware
async def _own_pages_only(request: web.Request, handler: Any) -> web.StreamResponse:
    """The doors carry tokens: a page from elsewhere must not walk through them with the user's browser."""
    origin = request.headers.get("Origin")
    try:
        ours = _is_an_address(request.host) and (origin is None or yarl.URL(origin).authority == request.host)
    except ValueError:
        raise web.HTTPBadRequest(text="the Host or the Origin cannot be read") from None
    if not ours:
        raise web.HTTPForbidden(text="this page's own requests only")
    response: web.StreamResponse = await handler(request)
    return response


def _is_an_address(host: str) -> bool:
    """Whether a Host header is an address and not a name, which could be made to point here (DNS rebinding)."""
    name = yarl.URL.build(scheme="http", authority=host).host or ""
    try:
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False
