"""Somebody's own controller that speaks plain JSON, over MQTT or over HTTP: what docs/barriers.md asks of one.

It drops commands past their deadline and commands it has had before, says `alive` in time, and signs what it posts.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from taigan.devices.electronics.device import Device, Fault, Port, Seconds
from taigan.devices.electronics.mqtt import MqttLine
from taigan.devices.lanes.lane import Happening, Kind, Reply, Verb
from taigan.network import patience
from taigan.network.patience import body_within
from taigan.running.tasks import end

log = logging.getLogger(__name__)

REMEMBERED = 1000
FRESH = 300
SILENT_FOR = 30.0

POSITIONS = {Kind.RISING: "rising", Kind.UP: "open", Kind.FALLING: "falling", Kind.DOWN: "closed"}


class Controller(Device):
    """What the controller does, however it is spoken to."""

    faults = Device.faults | {Fault.COUNTS_SINCE_BOOT}

    def __init__(self) -> None:
        super().__init__()
        self._had: dict[str, None] = {}
        self._reported = 0

    def happened(self, happening: Happening) -> None:
        if happening.kind in POSITIONS:
            self.report(position=POSITIONS[happening.kind])
        elif happening.kind is Kind.PLATE:
            self.report(plate=happening.plate)
        elif happening.kind is Kind.SCANNED_CODE:
            self.report(code=happening.code)
        elif happening.kind is Kind.READ_TAG:
            self.report(tag=happening.plate, antenna=happening.detail)
        else:
            super().happened(happening)

    def loop(self, lit: bool) -> None:
        self.report(loop=lit)

    def broken(self, detail: str) -> None:
        self.report(fault=detail)

    def report(self, **what: Any) -> None:
        """Tell the platform."""
        raise NotImplementedError

    def next_id(self) -> str:
        """A name for a report that no other has, unless the device counts since it was switched on."""
        if self.fault is not Fault.COUNTS_SINCE_BOOT:
            return secrets.token_hex(8)
        self._reported += 1
        return str(self._reported)

    async def set_fault(self, fault: Fault) -> None:
        await super().set_fault(fault)
        self._reported = 0

    def take(self, order: dict[str, Any], reply: Callable[[Reply], None]) -> None:
        """Do as told, unless it is too late or has been done."""
        if "screen" in order:
            self.lane.show(str(order["screen"]), str((order.get("price") or {}).get("code", "")))
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
        self._line = MqttLine(
            settings.broker,
            [(f"{settings.prefix}/{name}", 0) for name in ("command", "screen")],
            self._understand,
            self._stay_alive,
            username=settings.username or None,
            password=settings.password or None,
        )

    @property
    def connected(self) -> asyncio.Event:
        """Set while the broker is there."""
        return self._line.connected

    async def start(self) -> None:
        await self._line.start()

    async def stop(self) -> None:
        await self._line.stop()

    async def set_fault(self, fault: Fault) -> None:
        await super().set_fault(fault)
        await (self.stop() if fault is Fault.UNPLUGGED else self.start())

    def report(self, **what: Any) -> None:
        self._say("event", {"id": self.next_id(), **what})

    def _say(self, name: str, message: dict[str, Any]) -> None:
        self._line.say(f"{self.settings.prefix}/{name}", message)

    async def _stay_alive(self) -> None:
        while True:
            self._say("event", {"alive": True})
            await asyncio.sleep(self.settings.alive)

    def _understand(self, topic: str, payload: Any) -> None:
        try:
            order = json.loads(payload)
            if topic.endswith("/screen"):
                self.take({**order, "screen": order["text"]}, lambda reply: None)
                return
            self.take(order, lambda reply: self._answer(order, reply))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("controller: not understood: %s", error)

    def _answer(self, order: dict[str, Any], reply: Reply) -> None:
        outcome = "accepted" if reply.accepted else "rejected"
        answer = {"id": order["id"], "outcome": outcome, "reason": reply.reason, "command": order["command"]}
        self._say("reply", answer)


class HttpControllerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A controller that listens, and posts to `url`."""

    url: str
    serial: str
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
        app = web.Application(client_max_size=64 * 1024, middlewares=[body_within()])
        app.router.add_post("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, keepalive_timeout=patience.SILENT_FOR)
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
        self._outgoing.put_nowait({"id": self.next_id(), **what})

    async def _send(self) -> None:
        while True:
            body = json.dumps(await self._outgoing.get()).encode()
            now = f"{time.time():.6f}"
            signed = self._sign(f"{self.settings.serial}.{now}", body)
            headers = {"X-Taigan-Timestamp": now, "X-Taigan-Signature": signed}
            if self._session is None:
                continue
            try:
                async with self._session.post(self.settings.url, data=body, headers=headers) as response:
                    await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("controller: a report was lost: %s", error)

    def _sign(self, about: str, body: bytes) -> str:
        return hmac.digest(self.settings.secret.encode(), f"{about}.".encode() + body, hashlib.sha256).hex()

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        now = request.headers.get("X-Taigan-Timestamp", "")
        shown = request.headers.get("X-Taigan-Signature", "")
        if not hmac.compare_digest(shown.encode(), self._sign(now, body).encode()):
            return web.json_response({"error": "the signature is wrong"}, status=401)
        if abs(time.time() - float(now)) > FRESH:
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
        answer = json.dumps({"outcome": outcome, "reason": reply.reason}).encode()
        return web.Response(
            body=answer, content_type="application/json", headers={"X-Taigan-Signature": self._sign(shown, answer)}
        )
