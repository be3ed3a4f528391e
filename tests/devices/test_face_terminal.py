"""The emulated face terminal at a platform that only counts."""

from __future__ import annotations

import asyncio
import itertools

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from support.clock import ManualClock
from taigan.devices.makes.face_terminal import FaceTerminal


async def test_people_who_pass_at_once_are_each_sent_once_and_in_order() -> None:
    came: list[str] = []

    async def take(request: web.Request) -> web.Response:
        came.append((await request.json())["passage_id"])
        await asyncio.sleep(0)
        return web.json_response({})

    platform = web.Application()
    platform.router.add_post("/lot/passages", take)
    numbers = itertools.count(1)
    async with TestServer(platform) as server, aiohttp.ClientSession() as http:
        door = FaceTerminal(
            str(server.make_url("/lot")),
            "token",
            "F",
            http=http,
            clock=ManualClock(),
            new_id=lambda: str(next(numbers)),
        )
        told = await asyncio.gather(*(door.passes(str(code)) for code in range(5)))
    assert came == ["F-1", "F-2", "F-3", "F-4", "F-5"]
    assert ([one.state for one in told], door.waiting) == (["taken"] * 5, 0)
