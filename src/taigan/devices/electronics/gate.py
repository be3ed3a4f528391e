"""What gates with an HTTP server of their own have in common: a port, Digest, an answer when the lane replies."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from taigan.devices.electronics.device import Device, Fault, Port
from taigan.devices.electronics.digest import Gatekeeper
from taigan.devices.lanes.lane import Reply, Verb
from taigan.network import patience
from taigan.network.patience import body_within

SILENT_FOR = 30.0
BETWEEN_PIECES = 0.05


class GateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the gate listens, and whom it lets in."""

    host: str = "127.0.0.1"
    port: Port = 0
    username: str = "admin"
    password: str = "admin12345"
    channel: int = 1


class HttpGate(Device):
    """A gate that is asked. `port` is the one it got."""

    faults = Device.faults | {
        Fault.HALF_ANSWERS,
        Fault.PIECES,
        Fault.WRONG_PASSWORD,
        Fault.BASIC_ONLY,
        Fault.FORBIDS_OLD_NONCE,
    }
    realm = "gate"

    def __init__(self, settings: GateSettings) -> None:
        super().__init__()
        self.settings = settings
        self.port = settings.port
        self.gatekeeper = Gatekeeper(self.realm, settings.username, settings.password)
        self.requests = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=64 * 1024, middlewares=[body_within()])
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, keepalive_timeout=patience.SILENT_FOR)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.settings.host, self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def set_fault(self, fault: Fault) -> None:
        before = self.fault
        await super().set_fault(fault)
        if fault is Fault.UNPLUGGED:
            await self.stop()
        elif before is Fault.UNPLUGGED:
            await self.start()

    async def act(self, verb: Verb) -> Reply:
        """Have the lane do something; waits for as long as the lane keeps silent."""
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.command(verb, lambda reply: None if answered.done() else answered.set_result(reply))
        async with asyncio.timeout(SILENT_FOR):
            return await answered

    async def answer(self, request: web.Request) -> web.Response:
        """The answer to a request that is let in."""
        raise NotImplementedError

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        authorization = request.headers.get("Authorization", "")
        if self.fault is Fault.BASIC_ONLY:
            if not self.gatekeeper.knows(authorization):
                return web.Response(status=401, headers={"WWW-Authenticate": f'Basic realm="{self.realm}"'})
        elif self.fault is Fault.FORBIDS_OLD_NONCE and self.gatekeeper.has_had(authorization):
            return web.Response(status=403)
        elif (
            not self.gatekeeper.lets_in(request.method, request.raw_path, authorization)
            or self.fault is Fault.WRONG_PASSWORD
        ):
            return web.Response(status=401, headers={"WWW-Authenticate": self.gatekeeper.challenge()})
        try:
            response = await self.answer(request)
        except TimeoutError:
            response = web.Response(status=504)
        if self.fault in (Fault.HALF_ANSWERS, Fault.PIECES) and request.transport is not None:
            body = response.body if isinstance(response.body, bytes) else b""
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            request.transport.write(head + body[: len(body) // 2])
            if self.fault is Fault.PIECES:
                await asyncio.sleep(BETWEEN_PIECES)
                request.transport.write(body[len(body) // 2 :])
            request.transport.close()
        return response
