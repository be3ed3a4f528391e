"""A line that is cut: a relay in front of a server, which ends a connection after so many bytes of one exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Cut:
    """Where to cut: in the exchange of the next request that holds `marker`.

    After `request` bytes of what goes there, or after `answer` bytes of what comes back.
    """

    marker: bytes
    request: int | None = None
    answer: int | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Relay:
    """Passes bytes on to `port`, and cuts where `cut` says, once. `polls` counts the requests for messages."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.Task[None]] = set()
        self.cut: Cut | None = None
        self.url = ""
        self.polls = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        line = _Exchange()
        both = [
            asyncio.create_task(self._pass(reader, there_writer, line, True)),
            asyncio.create_task(self._pass(there, writer, line, False)),
        ]
        self._open.update(both)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            self._open.difference_update(both)
            for one in (writer, there_writer):
                one.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: _Exchange, up: bool
    ) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                self.polls += up and b"download.do" in piece
                if up and line.cut is None and self.cut is not None and self.cut.marker in piece:
                    line.cut, self.cut = self.cut, None
                left = line.left(up)
                if left is not None and len(piece) >= left:
                    writer.write(piece[:left])
                    await writer.drain()
                    assert line.cut is not None
                    line.cut.done.set()
                    return
                line.count(up, len(piece))
                writer.write(piece)
                await writer.drain()


@dataclass
class _Exchange:
    cut: Cut | None = None
    up: int = 0
    down: int = 0

    def left(self, up: bool) -> int | None:
        """Bytes until the cut in this direction."""
        if self.cut is None:
            return None
        at = self.cut.request if up else self.cut.answer
        return None if at is None else at - (self.up if up else self.down)

    def count(self, up: bool, length: int) -> None:
        if self.cut is not None:
            self.up += length if up else 0
            self.down += 0 if up else length


@asynccontextmanager
async def relay_to(port: int) -> AsyncIterator[Relay]:
    relay = Relay(port)
    server = await asyncio.start_server(relay.handle, "127.0.0.1", 0)
    relay.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        for task in list(relay._open):
            task.cancel()
