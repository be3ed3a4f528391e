"""Somebody's own controller that speaks plain JSON, over MQTT or over HTTP: what docs/barriers.md asks of one.

It drops commands past their deadline and commands it has had before, says `alive` in time, and signs what it posts.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import aiomqtt
import msgspec
from aiohttp import web

from taigan.devices.device import Device, Fault, Port, Seconds
from taigan.devices.lane import Happening, Kind, Reply, Verb
from taigan.tasks import end

log = logging.getLogger(__name__)

RECONNECT_AFTER = 1.0
REMEMBERED = 1000
FRESH = 300
SILENT_FOR = 30.0

POSITIONS = {Kind.RISING: "rising", Kind.UP: "open", Kind.FALLING: "falling", Kind.DOWN: "closed"}


class Controller(Device):
    """What the controller does, however it is spoken to."""

    def __init__(self) -> None:
        super().__init__()
        self._had: dict[str, None] = {}

    def happened(self, happening: Happening) -> None:
        if happening.kind in POSITIONS:
            self.report(position=POSITIONS[happening.kind])
        else:
            super().happened(happening)

    def loop(self, lit: bool) -> None:
        self.report(loop=lit)

    def broken(self, detail: str) -> None:
        self.report(fault=detail)

    def report(self, **what: Any) -> None:
        """Tell the platform."""
        raise NotImplementedError

    def take(self, order: dict[str, Any], reply: Callable[[Reply], None]) -> None:
        """Do as told, unless it is too late or has been done."""
        if "screen" in order:
            self.lane.show(str(order["screen"]))
            return
        if order["id"] in self._had:
            return
        self._had[order["id"]] = None
        if len(self._had) > REMEMBERED:
            del self._had[next(iter(self._had))]
        if time.time() > order["deadline"]:
            reply(Reply(False, "too late"))
        else:
            self.command(Verb(order["command"]), reply)


class MqttControllerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A controller that knows a broker."""

    broker: str
    prefix: str
    username: str = ""
    password: str = ""
    alive: Seconds = 10.0


class MqttController(Controller):
    """The controller over MQTT."""

    def __init__(self, settings: MqttControllerSettings) -> None:
        super().__init__()
        self.settings = settings
        self._outgoing: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()

    async def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        task, self._task = self._task, None
        await end(task)

    async def set_fault(self, fault: Fault) -> None:
        await super().set_fault(fault)
        await (self.stop() if fault is Fault.UNPLUGGED else self.start())

    def report(self, **what: Any) -> None:
        self._outgoing.put_nowait(("event", {"id": secrets.token_hex(8), **what}))

    async def _run(self) -> None:
        address = urlsplit(self.settings.broker)
        while True:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                async with aiomqtt.Client(
                    address.hostname or "",
                    address.port or 1883,
                    username=self.settings.username or None,
                    password=self.settings.password or None,
                ) as client:
                    await client.subscribe([(f"{self.settings.prefix}/{name}", 0) for name in ("command", "screen")])
                    self.connected.set()
                    others = [asyncio.create_task(self._send(client)), asyncio.create_task(self._stay_alive())]
                    try:
                        async for message in client.messages:
                            self._understand(message.topic.value, message.payload)
                    finally:
                        self.connected.clear()
                        await end(*others)
            await asyncio.sleep(RECONNECT_AFTER)

    async def _send(self, client: aiomqtt.Client) -> None:
        with contextlib.suppress(aiomqtt.MqttError):  # the connection is gone, and `_run` sees it too
            while True:
                name, message = await self._outgoing.get()
                await client.publish(f"{self.settings.prefix}/{name}", json.dumps(message))

    async def _stay_alive(self) -> None:
        while True:
            self._outgoing.put_nowait(("event", {"alive": True}))
            await asyncio.sleep(self.settings.alive)

    def _understand(self, topic: str, payload: Any) -> None:
        try:
            order = json.loads(payload)
            if topic.endswith("/screen"):
                self.take({"screen": order["text"]}, lambda reply: None)
                return
            self.take(order, lambda reply: self._answer(order, reply))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("controller: not understood: %s", error)

    def _answer(self, order: dict[str, Any], reply: Reply) -> None:
        outcome = "accepted" if reply.accepted else "rejected"
        answer = {"id": order["id"], "outcome": outcome, "reason": reply.reason, "command": order["command"]}
        self._outgoing.put_nowait(("reply", answer))


class HttpControllerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A controller that listens, and posts to `url`."""

    url: str
    secret: str
    host: str = "127.0.0.1"
    port: Port = 0


class HttpController(Controller):
    """The controller over HTTP. `port` is the one it got."""

    def __init__(self, settings: HttpControllerSettings) -> None:
        super().__init__()
        self.settings = settings
        self.port = settings.port
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5))
        app = web.Application(client_max_size=64 * 1024)
        app.router.add_post("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.settings.host, self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]
        self._sending = asyncio.create_task(self._send())

    async def stop(self) -> None:
        sending, self._sending = self._sending, None
        await end(sending)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._session is not None:
            await self._session.close()

    async def set_fault(self, fault: Fault) -> None:
        before = self.fault
        await super().set_fault(fault)
        if fault is Fault.UNPLUGGED:
            await self.stop()
        elif before is Fault.UNPLUGGED:
            await self.start()

    def report(self, **what: Any) -> None:
        self._outgoing.put_nowait({"id": secrets.token_hex(8), **what})

    async def _send(self) -> None:
        while True:
            body = json.dumps(await self._outgoing.get()).encode()
            now = str(int(time.time()))
            headers = {"X-Taigan-Timestamp": now, "X-Taigan-Signature": self._sign(now, body)}
            if self._session is None:
                continue
            try:
                async with self._session.post(self.settings.url, data=body, headers=headers) as response:
                    await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("controller: a report was lost: %s", error)

    def _sign(self, timestamp: str, body: bytes) -> str:
        return hmac.digest(self.settings.secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hex()

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        now = request.headers.get("X-Taigan-Timestamp", "")
        shown = request.headers.get("X-Taigan-Signature", "")
        if not hmac.compare_digest(shown.encode(), self._sign(now, body).encode()):
            return web.json_response({"error": "the signature is wrong"}, status=401)
        if abs(time.time() - int(now)) > FRESH:
            return web.json_response({"error": "too old"}, status=401)
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        try:
            order = json.loads(body)
            self.take(order, lambda reply: None if answered.done() else answered.set_result(reply))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return web.json_response({"error": str(error)}, status=400)
        if "screen" in order:
            return web.json_response({})
        try:
            async with asyncio.timeout(SILENT_FOR):
                reply = await answered
        except TimeoutError:
            return web.json_response({"error": "the barrier keeps silent"}, status=504)
        outcome = "accepted" if reply.accepted else "rejected"
        return web.json_response({"outcome": outcome, "reason": reply.reason})
