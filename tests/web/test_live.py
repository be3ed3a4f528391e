"""`GET /api/v1/lots/{lot_id}/events`: what happens, as it happens."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from taigan.lot.signals.events import Events
from taigan.storage.errors import StorageError
from taigan.web import live
from web.house import LOT, TOKEN, House, Line, served

ASK = f"GET /api/v1/lots/{LOT}/events HTTP/1.1\r\nHost: lot\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()


async def message(line: Line) -> list[str]:
    """The lines of the next event, without the framing of the transfer."""
    lines: list[str] = []
    while True:
        read = (await line.line()).decode().strip()
        if read.startswith(("event:", "data:", "retry:", ":")):
            lines.append(read)
        elif not read and lines:
            return lines


async def test_a_listener_hears_the_steps_of_its_lot_only(small_house: House) -> None:
    async with served(small_house.app, small_house.events.stop) as port, Line.to(port) as line:
        await line.send(ASK)
        assert b"200" in await line.line()
        assert await message(line) == ["retry: 2000"]
        small_house.events.publish({"step": "lane", "lot_id": "200002-8"})
        at = datetime(2025, 6, 1, 8, tzinfo=UTC)
        small_house.events.publish({"step": "entry", "lot_id": LOT, "at": at, "text": "入场\n成功"})
        event, data = await message(line)
        assert event == "event: entry"
        assert json.loads(data.removeprefix("data: ")) == {
            "step": "entry",
            "lot_id": LOT,
            "at": "2025-06-01T08:00:00Z",
            "text": "入场\n成功",
        }


async def test_an_open_stream_does_not_hold_up_the_end(small_house: House) -> None:
    async with served(small_house.app, small_house.events.stop) as port, Line.to(port) as line:
        await line.send(ASK)
        assert await message(line) == ["retry: 2000"]
    assert not small_house.events.anybody


async def test_a_listener_that_leaves_is_forgotten(small_house: House) -> None:
    async with served(small_house.app, small_house.events.stop) as port:
        async with Line.to(port) as line:
            await line.send(ASK)
            assert await message(line) == ["retry: 2000"]
            assert small_house.events.anybody
        async with Line.to(port) as line:  # the server has seen the other one go when it has answered this
            for _ in range(20):
                await line.send(b"GET /healthz HTTP/1.1\r\nHost: lot\r\n\r\n")
                await line.answer()
                if not small_house.events.anybody:
                    break
        assert not small_house.events.anybody


async def test_silence_is_broken_by_empty_messages_so_that_a_cut_line_is_noticed() -> None:
    events = Events()

    async def still() -> bool:
        return True

    stream = live.steps(events, LOT, still, beat=0.01)
    assert await anext(stream) == b"retry: 2000\n\n"
    assert await anext(stream) == b":\n\n"
    events.publish({"step": "lane", "lot_id": LOT})
    assert (await anext(stream)).startswith(b"event: lane\n")
    events.stop()
    assert [chunk async for chunk in stream] == []


@pytest.mark.parametrize("cause", ["revoked", "no database"])
async def test_who_may_listen_no_more_is_let_go(cause: str) -> None:
    async def still() -> bool:
        if cause == "no database":
            raise StorageError("it is away")
        return False

    events = Events()
    assert [chunk async for chunk in live.steps(events, LOT, still, beat=0.01)] == [b"retry: 2000\n\n"]
    assert not events.listened_to


async def test_a_busy_stream_ends_too_when_its_token_is_revoked() -> None:
    allowed = iter([True, False])

    async def still() -> bool:
        return next(allowed)

    events = Events()
    stream = live.steps(events, LOT, still, beat=0)
    assert await anext(stream) == b"retry: 2000\n\n"
    for _ in range(10):
        events.publish({"step": "lane", "lot_id": LOT})
    assert await anext(stream) == b":\n\n"
    assert [chunk async for chunk in stream if chunk != b":\n\n"][1:] == []
