"""A way to a server that can go silent, or forget: what was open leads nowhere any more; what comes new is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

GOODBYE = b"X\0\0\0\4"
"""What a session of PostgreSQL says when it is given up."""


class Way:
    """Passes bytes on between TCP on loopback and a server's Unix socket."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._asked_in_vain: set[asyncio.StreamWriter] = set()
        self._forgotten: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def asked_in_vain(self) -> int:
        """How many of the silent ways somebody has spoken into since."""
        return len(self._asked_in_vain)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def go_silent(self) -> int:
        """Whatever is open now passes nothing on any more, in either direction. Tells how many that are."""
        self._silent |= self._writers
        return len(self._silent) // 2

    def forget(self) -> int:
        """Whatever is open now is cut by the first word that somebody speaks into it, as by a server that was started
        again without a goodbye. Tells how many that are."""
        self._forgotten |= self._writers
        return len(self._forgotten) // 2

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(self._socket)
        self._writers |= {writer, there_writer}
        await asyncio.gather(
            self._pass(reader, there_writer, back=writer), self._pass(there_reader, writer, back=there_writer)
        )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                if writer in self._forgotten:
                    writer.transport.abort()
                    back.transport.abort()
                    return
                if writer in self._silent:
                    if piece != GOODBYE:
                        self._asked_in_vain.add(writer)
                    continue
                writer.write(piece)
                await writer.drain()
            if writer not in self._silent:
                writer.close()


@asynccontextmanager
async def way_to(socket: str) -> AsyncIterator[Way]:
    """A way to the server behind a Unix socket."""
    way = Way(socket)
    await way.start()
    try:
        yield way
    finally:
        await way.stop()
