"""The simulated lanes run inside the test's loop, driven the way scripts, pages and lot platforms drive them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from support.clock import PATIENCE
from taigan.barriers.barrier import Event, EventKind
from taigan.clock import SystemClock
from taigan.devices.lanes.lanes import LaneSettings, LanesSettings, serve

LOT = "200002-7"


def settings(folder: Path, *channels: str, **others: Any) -> LanesSettings:
    """Quick lanes of one lot, with their journal in `folder`."""
    lanes = tuple(LaneSettings(LOT, channel) for channel in channels or ("A1",))
    return LanesSettings(
        folder / "lanes.journal",
        **{"travel_time": 0.01, "late_by": 0.05, "acknowledged_within": PATIENCE, "lanes": lanes, **others},
    )


@contextlib.asynccontextmanager
async def running(lanes: LanesSettings) -> AsyncIterator[str]:
    """The lanes at the address that is yielded."""
    stop = asyncio.Event()
    url = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(lanes, stop, clock=SystemClock(), ready=url.set_result))
    await asyncio.wait({serving, url}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    try:
        yield url.result()
    finally:
        stop.set()
        await asyncio.wait_for(serving, PATIENCE)


class Script:
    """A script at the lanes' REST door."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.session.close()

    def lane_url(self, channel: str, lot: str = LOT) -> URL:
        return URL(f"{self.url}/lots/{quote(lot, safe='')}/lanes/{quote(channel, safe='')}", encoded=True)

    async def get(self, channel: str = "A1") -> dict[str, Any]:
        async with self.session.get(self.lane_url(channel)) as answer:
            assert answer.status == 200
            return dict(await answer.json())

    async def put(self, channel: str = "A1", **wishes: object) -> dict[str, Any]:
        status, answer = await self.try_put(channel, **wishes)
        assert status == 200, answer
        return answer

    async def try_put(self, channel: str = "A1", **wishes: object) -> tuple[int, dict[str, Any]]:
        async with self.session.put(self.lane_url(channel), json=wishes) as answer:
            return answer.status, await answer.json()

    async def until(self, channel: str = "A1", **wanted: object) -> dict[str, Any]:
        """Follow the lane's event stream until the lane looks as wanted."""
        async with self.watching(channel) as states:
            return await states.until(**wanted)

    @contextlib.asynccontextmanager
    async def watching(self, channel: str = "A1") -> AsyncIterator[States]:
        """The lane's event stream, from its present state on: what lasts only a moment is seen all the same."""
        async with self.session.get(f"{self.lane_url(channel)}/events") as stream:
            yield States(stream)


class States:
    """An open event stream of a lane."""

    def __init__(self, stream: aiohttp.ClientResponse) -> None:
        self._stream = stream

    async def until(self, **wanted: object) -> dict[str, Any]:
        """The next state that looks as wanted."""
        async with asyncio.timeout(PATIENCE):
            async for line in self._stream.content:
                if line.startswith(b"data: "):
                    state = json.loads(line.removeprefix(b"data: "))
                    if wanted.items() <= state.items():
                        return dict(state)
        raise AssertionError(f"the lane never looked like {wanted}")


class Platform:
    """A lot platform's end of the control channel, frame by frame."""

    def __init__(self, url: str, *, acknowledges: bool = True) -> None:
        self.url = url
        self.acknowledges = acknowledges
        self.frames: list[dict[str, Any]] = []
        self._heard = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        self.channel = await self._session.ws_connect(f"{self.url}/control", max_msg_size=0)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.channel.close()
        await self._reading
        await self._session.close()

    async def _read(self) -> None:
        async for message in self.channel:
            frame = json.loads(message.data)
            if "event" in frame and self.acknowledges:
                with contextlib.suppress(ConnectionError):
                    await self.send(ack=frame["event"])
            async with self._heard:
                self.frames.append(frame)
                self._heard.notify_all()

    async def send(self, **frame: object) -> None:
        await self.channel.send_json(frame)

    async def watch(self, channel: str = "A1", *, detector: bool = True) -> dict[str, Any]:
        """Watch a lane; its snapshot."""
        seen = len(self.frames)
        await self.send(watch=[{"lot_id": LOT, "channel_id": channel, "detector": detector}])
        frame = await self.until(lambda frame: "snapshot" in frame, after=seen)
        return dict(frame["snapshot"][0])

    async def command(
        self, command_id: str, verb: str = "open", channel: str = "A1", *, seconds: float = PATIENCE
    ) -> None:
        deadline = SystemClock().now().timestamp() + seconds
        await self.send(id=command_id, lot_id=LOT, channel_id=channel, command=verb, deadline=deadline)

    async def reply(self, command_id: str) -> dict[str, Any]:
        return await self.until(lambda frame: frame.get("reply") == command_id)

    async def event(self, kind: str) -> dict[str, Any]:
        return await self.until(lambda frame: frame.get("kind") == kind)

    async def until(self, fits: Callable[[dict[str, Any]], bool], *, after: int = 0) -> dict[str, Any]:
        """The first frame that fits."""

        def found() -> dict[str, Any] | None:
            return next((frame for frame in self.frames[after:] if fits(frame)), None)

        async with asyncio.timeout(PATIENCE), self._heard:
            await self._heard.wait_for(found)
        frame = found()
        assert frame
        return frame

    @property
    def kinds(self) -> list[str]:
        """What was reported so far, in order."""
        return [frame["kind"] for frame in self.frames if "event" in frame]

    @property
    def car_kinds(self) -> list[tuple[str, str]]:
        """What cars did, in order, and which."""
        return [(frame["kind"], frame["presence"]) for frame in self.frames if frame.get("presence")]


class Heard:
    """An event sink that remembers, and can be made to dawdle."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.before: Callable[[Event], Awaitable[None]] | None = None
        self._heard = asyncio.Condition()

    async def __call__(self, event: Event) -> None:
        if self.before:
            await self.before(event)
        async with self._heard:
            self.events.append(event)
            self._heard.notify_all()

    def kinds(self, channel: str = "A1") -> list[EventKind]:
        return [event.kind for event in self.events if event.lane.channel_id == channel]

    async def until(self, kind: EventKind, channel: str = "A1", *, times: int = 1) -> Event:
        """The lane's event of this kind, when it has come this often."""

        def found() -> list[Event]:
            return [event for event in self.events if event.kind is kind and event.lane.channel_id == channel]

        async with asyncio.timeout(PATIENCE), self._heard:
            await self._heard.wait_for(lambda: len(found()) >= times)
        return found()[times - 1]
