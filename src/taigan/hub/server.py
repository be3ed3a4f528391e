"""Runs the hub: `serve` opens the database, answers, and ends within two seconds of being told to."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import structlog

from taigan.clock import Clock
from taigan.hub.app import HubApp
from taigan.hub.book.database import Database
from taigan.hub.book.registry import LotSeed, VendorSeed
from taigan.hub.hub import Hub
from taigan.hub.rules import Rules
from taigan.hub.sending.addresses import PublicResolver
from taigan.network.transport import AiohttpTransport
from taigan.running.process import serve as serve_app

log = structlog.get_logger("taigan.hub")


async def serve(
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    database: Path,
    clock: Clock,
    rules: Rules,
    public_url: str = "",
    admin_token: str = "",
    vendors: tuple[VendorSeed, ...] = (),
    lots: tuple[LotSeed, ...] = (),
    frame_ancestors: str = "'self'",
) -> None:
    """Run the hub on `listener` until `stop` is set. Empty `public_url`: the listener's address goes into the codes.

    Raises `DatabaseError` (one clear sentence) or `Unusable` before anything is served.
    """
    store = await asyncio.to_thread(Database, database)
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    async with AiohttpTransport() as transport, AiohttpTransport(resolver=PublicResolver()) as outwards:
        to_strangers = transport if rules.private_notify else outwards
        hub = Hub(
            store,
            transport,
            clock,
            to_strangers=to_strangers,
            rules=rules,
            public_url=public_url or address,
            admin_token=admin_token,
        )
        try:
            await hub.open(vendors, lots)
            log.info("hub ready", address=address)
            app = HubApp(hub, frame_ancestors=frame_ancestors)
            await serve_app(app, listener, stop, end_streams=hub.end_streams)
        finally:
            await hub.close()
