"""Runs the hub: `serve` opens the database, listens, and ends within two seconds of being told to."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from taigan.clock import Clock
from taigan.hub.app import HubApp
from taigan.hub.database import Database
from taigan.hub.errors import AddressInUse
from taigan.hub.hub import Hub
from taigan.hub.registry import LotSeed, VendorSeed
from taigan.hub.rules import Rules
from taigan.transport import AiohttpTransport

_BACKLOG = 2048


class HubServer(uvicorn.Server):
    """uvicorn for a hub: it leaves the signals alone, and sends the open pages home when it ends."""

    def __init__(self, config: uvicorn.Config, hub: Hub, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._hub = hub
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.book.live.end()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address; port 0 is any free one. Raises `AddressInUse`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise AddressInUse(f"the hub cannot listen on {host}:{port}: {error.strerror}") from error
    bound.listen(_BACKLOG)
    return bound


async def serve(
    *,
    database: Path,
    clock: Clock,
    rules: Rules,
    host: str = "127.0.0.1",
    port: int = 0,
    public_url: str = "",
    admin_token: str = "",
    vendors: tuple[VendorSeed, ...] = (),
    lots: tuple[LotSeed, ...] = (),
    frame_ancestors: str = "'self'",
    on_ready: Callable[[str], None] = lambda address: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run the hub until `stop` is set, or SIGTERM or SIGINT comes when no `stop` is given.

    `on_ready` is told the hub's address once it answers. Empty `public_url`: that address goes into the codes.
    Raises `AddressInUse`, `DatabaseError` (both one clear sentence) or `Unusable` before anything is served.
    """
    bound = listen(host, port)
    try:
        store = await asyncio.to_thread(Database, database)
    except BaseException:
        bound.close()
        raise
    address = f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"
    async with AiohttpTransport() as transport:
        hub = Hub(store, transport, clock, rules=rules, public_url=public_url or address, admin_token=admin_token)
        try:
            await hub.open(vendors, lots)
            config = uvicorn.Config(
                HubApp(hub, frame_ancestors=frame_ancestors),
                http="httptools",
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
            server = HubServer(config, hub, lambda: on_ready(address))
            ending = asyncio.create_task(_end(server, stop))
            try:
                await server.serve(sockets=[bound])
            finally:
                ending.cancel()
        finally:
            await hub.close()
            bound.close()


async def _end(server: HubServer, stop: asyncio.Event | None) -> None:
    loop = asyncio.get_running_loop()
    if stop is None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.should_exit = True
