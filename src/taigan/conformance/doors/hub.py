"""BoLink as the platform's uploads meet it: keeps every byte, and answers as a case says."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from taigan import bolink
from taigan.conformance.doors.seen import Upload, Uploads
from taigan.conformance.model import BadConfiguration, Exchange
from taigan.network.patience import SILENT_FOR, body_within

LARGEST_UPLOAD = 4 << 20
TAKEN = "上传成功"
EXISTS = "订单已存在"


class KitHub(Uploads):
    """Everything the platform uploads ends here."""

    def __init__(
        self, key: str, record: Callable[[Exchange], None], number: Callable[[], int], patience: float
    ) -> None:
        super().__init__(key, record, number)
        self._patience = patience
        self._began = time.monotonic()
        self._troubles: dict[tuple[str, str], deque[str]] = {}
        self._down: set[str] = set()
        self._accepted: set[tuple[str, str]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, listen: str, certificate: str, began: float) -> None:
        """Listen at HOST:PORT. Raises BadConfiguration when that cannot be."""
        self._began = began
        host, _, port = listen.rpartition(":")
        if not host or not port.isdecimal():
            raise BadConfiguration(f"hub_listen: {listen!r} is not HOST:PORT")
        app = web.Application(client_max_size=LARGEST_UPLOAD, middlewares=[body_within()])
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, keepalive_timeout=SILENT_FOR)
        await self._runner.setup()
        try:
            tls = None
            if certificate:
                tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                tls.load_cert_chain(certificate)
            await web.TCPSite(self._runner, host.strip("[]"), int(port), ssl_context=tls).start()
        except (OSError, ValueError) as error:
            await self.stop()
            raise BadConfiguration(f"hub_listen: cannot listen at {listen}: {error}") from None
        self.url = f"{'https' if certificate else 'http'}://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def trouble(self, section: str, driver: str, *kinds: str) -> None:
        self._troubles.setdefault((section, driver), deque()).extend(kinds)

    def cut_off(self, *drivers: str) -> Callable[[], None]:
        self._down.update(drivers)
        return lambda: self._down.difference_update(drivers)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        at = time.monotonic() - self._began
        body = await request.read()
        exchange = Exchange(
            number=self._number(),
            sent=False,
            at=at,
            url=request.path_qs,
            method=request.method,
            headers={str(name): value for name, value in request.headers.items()},
            body=body,
        )
        upload = self._read(exchange, request.path)
        self._arrived(upload)
        try:
            return await self._answer(request, upload)
        finally:
            exchange.seconds = time.monotonic() - self._began - at
            upload.done = True
            self._tell()

    def _trouble_of(self, upload: Upload) -> str:
        if any(upload.of(driver) for driver in self._down):
            return "down"
        for (section, driver), kinds in self._troubles.items():
            if section == upload.section and upload.of(driver) and kinds:
                return kinds.popleft()
        return ""

    async def _answer(self, request: web.Request, upload: Upload) -> web.StreamResponse:
        kind = upload.trouble = self._trouble_of(upload)
        exchange = upload.exchange
        match kind.partition(":")[0]:
            case "down":
                return self._hang_up(request, exchange)
            case "lost":
                self._take(upload)
                return self._hang_up(request, exchange)
            case "500":
                return self._say(exchange, 500, b"Internal Server Error", "text/plain")
            case "html":
                return self._say(exchange, 200, b"<html><body>502 Bad Gateway</body></html>", "text/html")
            case "redirect":
                answer = self._say(exchange, 302, b"", "text/plain")
                answer.headers["Location"] = "/elsewhere"
                return answer
            case "late":
                await asyncio.sleep(30 * self._patience)
                return self._say(exchange, 504, b"", "text/plain")
            case "half":
                return await self._half(request, exchange)
            case "refuse":
                return self._json(exchange, state=0, order_id=upload.order_id, errmsg=kind.partition(":")[2])
            case "exists":
                self._take(upload)
                return self._json(exchange, state=0, order_id=upload.order_id, errmsg=EXISTS)
            case "state":
                return self._json(exchange, state=int(kind.partition(":")[2]), errmsg="", order_id=upload.order_id)
            case "escape":
                self._take(upload)
                unpaid = [{"parkName": "测试车场", "unionId": 200145, "orderId": "244564527"}]
                return self._json(exchange, state=1, order_id=upload.order_id, errmsg=TAKEN, escapeOrder=unpaid)
        return self._plain(upload)

    def _plain(self, upload: Upload) -> web.Response:
        exchange = upload.exchange
        if not upload.section:
            return self._json(exchange, 404, state=0, errmsg="没有这个接口")
        if not upload.signed:
            return self._json(exchange, state=0, errmsg="签名错误")
        if upload.section in ("3.1", "3.2"):
            first = self._take(upload)
            return self._json(exchange, state=1, order_id=upload.order_id, errmsg=TAKEN if first else EXISTS)
        interface = bolink.by_section(upload.section)
        if interface.answer is None:
            return self._json(exchange, state=1, errmsg="")
        answer = json.loads(bolink.write(bolink.example_of(interface.answer)))
        answer |= {name: value for name, value in upload.data.items() if name in answer}
        return self._json(exchange, **answer)

    def _take(self, upload: Upload) -> bool:
        upload.taken = True
        order = (upload.section, upload.order_id)
        first = order not in self._accepted
        self._accepted.add(order)
        return first

    def _json(self, exchange: Exchange, status: int = 200, **members: Any) -> web.Response:
        text = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
        return self._say(exchange, status, text, "application/json")

    def _say(self, exchange: Exchange, status: int, body: bytes, kind: str) -> web.Response:
        exchange.status, exchange.answer, exchange.answer_headers = status, body, {"Content-Type": kind}
        return web.Response(status=status, body=body, content_type=kind)

    def _hang_up(self, request: web.Request, exchange: Exchange) -> web.Response:
        exchange.error = "the connection was closed without an answer"
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)

    async def _half(self, request: web.Request, exchange: Exchange) -> web.StreamResponse:
        exchange.status, exchange.answer, exchange.error = 200, b'{"state":1,"ord', "half a line, then closed"
        if request.transport is not None:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n"
            request.transport.write(head + exchange.answer)
            request.transport.close()
        return web.Response(status=503)
