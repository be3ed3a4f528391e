"""BoLink as the platform's uploads meet it: keeps every byte, and answers as a case says."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from taigan import bolink
from taigan.bolink import BadMessage
from taigan.bolink.advice import wrong_signatures
from taigan.bolink.advice.remarks import Remark, on_request
from taigan.conformance.model import BadConfiguration, Exchange
from taigan.patience import SILENT_FOR, body_within

LARGEST_UPLOAD = 4 << 20
BUSY = 30.0
"""Seconds that one upload may take longer because others are on their way."""
TAKEN = "上传成功"
EXISTS = "订单已存在"

_BY_PATH = {
    interface.path: interface
    for interface in bolink.CATALOGUE
    if interface.direction is bolink.Direction.UPLINK and interface.path
}


@dataclass
class Upload:
    """One message that the platform sent to BoLink."""

    exchange: Exchange
    section: str
    signed: bool
    data: dict[str, Any]
    problem: str = ""
    """Why the catalogue cannot read it; empty when it can."""
    remarks: Sequence[Remark] = ()
    """What is wrong with it although it can be read."""
    taken: bool = False
    trouble: str = ""
    done: bool = False
    why_wrong: tuple[str, str] = ("", "")
    """Where the signature is wrong: the mistake that gives it, and the right one worked out, the key hidden."""

    @property
    def at(self) -> float:
        return self.exchange.at

    @property
    def order_id(self) -> str:
        return str(self.data.get("order_id", ""))

    @property
    def car_number(self) -> str:
        return str(self.data.get("car_number", ""))

    def of(self, driver: str) -> bool:
        """Is it about that driver or plate? A lot may put its mark before a licence."""
        return bool(driver) and self.car_number.endswith(driver)


class KitHub:
    """Everything the platform uploads ends here.

    A trouble is one of: `500`, `lost` (taken, the connection closed without an answer), `down` (closed, not taken),
    `late`, `half`, `html`, `redirect`, `refuse:TEXT`, `exists`, `escape` (taken, with an escapeOrder), `state:N`.
    """

    def __init__(
        self, key: str, record: Callable[[Exchange], None], number: Callable[[], int], patience: float
    ) -> None:
        self.uploads: list[Upload] = []
        self.url = ""
        self._key = key
        self._record = record
        self._number = number
        self._patience = patience
        self._began = time.monotonic()
        self._troubles: dict[tuple[str, str], deque[str]] = {}
        self._down: set[str] = set()
        self._orders: set[str] = set()
        self._accepted: set[tuple[str, str]] = set()
        self._waiting: set[asyncio.Event] = set()
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
        """Listen no more."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def trouble(self, section: str, driver: str, *kinds: str) -> None:
        """What the next uploads of that section and driver meet, one after the other."""
        self._troubles.setdefault((section, driver), deque()).extend(kinds)

    def cut_off(self, *drivers: str) -> Callable[[], None]:
        """No upload about these gets through until the function that is returned is called."""
        self._down.update(drivers)
        return lambda: self._down.difference_update(drivers)

    def of(self, driver: str, section: str = "3.1") -> list[Upload]:
        """What came about a driver."""
        return [upload for upload in self.uploads if upload.section == section and upload.of(driver)]

    async def until(self, wanted: Callable[[], Any], within: float) -> Any:
        """The first true result of `wanted`, looked at again whenever something arrives; None in time.

        The time begins anew with each upload of another order, up to `BUSY` seconds in all: a platform that keeps
        BoLink's pace may have others to send first.
        """
        news = asyncio.Event()
        self._waiting.add(news)
        began, seen = time.monotonic(), len(self._orders)
        deadline = began + within
        try:
            while not (found := wanted()):
                if len(self._orders) > seen:
                    seen = len(self._orders)
                    deadline = min(time.monotonic() + within, began + within + BUSY)
                news.clear()
                try:
                    async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                        await news.wait()
                except TimeoutError:
                    return wanted() or None
            return found
        finally:
            self._waiting.discard(news)

    def _tell(self) -> None:
        for news in self._waiting:
            news.set()

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
        self.uploads.append(upload)
        self._orders.add(upload.order_id)
        self._record(exchange)
        self._tell()
        try:
            return await self._answer(request, upload)
        finally:
            exchange.seconds = time.monotonic() - self._began - at
            upload.done = True
            self._tell()

    def _read(self, exchange: Exchange, path: str) -> Upload:
        interface = _BY_PATH.get(path)
        section = interface.section if interface else ""
        exchange.section = section
        if interface is None:
            return Upload(exchange, "", False, {}, f"no such address: {path}")
        try:
            envelope = bolink.open_envelope(exchange.body)
            data = json.loads(envelope.text)
        except (BadMessage, ValueError, RecursionError) as error:
            return Upload(exchange, section, False, {}, str(error))
        signed = bolink.sign(envelope.text, self._key) == envelope.sign
        if not signed and interface.sorted_pairs:
            signed = interface.verify(envelope.text, envelope.sign, self._key) is not None
        upload = Upload(exchange, section, signed, data if isinstance(data, dict) else {})
        if not signed:
            upload.why_wrong = why_wrong(envelope, exchange.body, self._key)
        upload.remarks = on_request(interface, envelope.text, datetime.now(UTC))
        try:
            interface.read_request(envelope.text)
        except BadMessage as error:
            upload.problem = str(error)
        return upload

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


def why_wrong(envelope: bolink.Envelope, body: bytes, key: str) -> tuple[str, str]:
    """Which usual mistake gives the signature that came, and the right one worked out, the key hidden."""
    steps = wrong_signatures.worked_out(envelope.text, key)
    zh, en = wrong_signatures.why_wrong(envelope.text, envelope.sign, key, body=body)
    right = f"MD5({steps.text}) = {steps.sign}"
    return f"{zh}。收到 {envelope.sign}；应为 {right}", f"{en}. Given {envelope.sign}; right is {right}"
