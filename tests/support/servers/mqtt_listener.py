"""A broker that takes part in nothing: it writes down what it is sent, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

from support.clock import PATIENCE


class Listener:
    """A broker that writes down what it is sent, and answers each topic that is asked for with `code`."""

    def __init__(self, code: int) -> None:
        self.url = ""
        self.code = code
        self.connects: list[bytes] = []
        self.subscribed: list[list[tuple[str, int]]] = []
        self.published: list[tuple[int, bytes]] = []
        self.news = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                kind, body = await self._packet(reader)
                match kind >> 4:
                    case 1:
                        self.connects.append(body)
                        writer.write(b"\x20\x02\x00\x00")
                    case 3:
                        self.published.append((kind & 0x0F, body))
                    case 8:
                        topics = list(_topics(body[2:]))
                        self.subscribed.append(topics)
                        granted = body[:2] + bytes([self.code] * len(topics))
                        writer.write(b"\x90" + _length(len(granted)) + granted)
                self.news.set()
        writer.close()

    @property
    def messages(self) -> list[tuple[str, bytes]]:
        """What was published with QoS 0, each with its topic."""
        split = [(body, 2 + int.from_bytes(body[:2])) for _, body in self.published]
        return [(body[2:end].decode(), body[end:]) for body, end in split]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self.news.clear()
                await self.news.wait()

    @staticmethod
    async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        kind, length, shift = (await reader.readexactly(1))[0], 0, 0
        while True:
            part = (await reader.readexactly(1))[0]
            length |= (part & 0x7F) << shift
            shift += 7
            if part < 0x80:
                return kind, await reader.readexactly(length)


def _length(length: int) -> bytes:
    return bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])


def _topics(rest: bytes) -> Iterator[tuple[str, int]]:
    while rest:
        size = int.from_bytes(rest[:2])
        yield rest[2 : 2 + size].decode(), rest[2 + size]
        rest = rest[3 + size :]


@contextlib.asynccontextmanager
async def mqtt_listener(code: int = 0) -> AsyncIterator[Listener]:
    """One on a port of its own."""
    listener = Listener(code)
    async with await asyncio.start_server(listener.serve, "127.0.0.1", 0) as server:
        listener.url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield listener
