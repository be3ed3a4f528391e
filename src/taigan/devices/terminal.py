"""The emulated face terminal in its place: a page where people walk past it, and the same for scripts.

`GET /` is the page (`?lang=en` in English). `GET /passages`: who passed last, and what the platform said of each.
`POST /passages` with `{"user_code": "1", "direction": "in"}` lets somebody pass: answered once the platform has taken
it, refused it (409, with its words) or is not there (then it waits, and is sent again).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Literal

import aiohttp
import jinja2
import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from taigan.clock import Clock
from taigan.devices.makes.face_terminal import FaceTerminal, NotTaken, Passage
from taigan.network.patience import SILENT_FOR, body_within
from taigan.running.tasks import end

log = logging.getLogger(__name__)

SHUTDOWN_WITHIN = 0.25
BODY_LIMIT = 4096
AGAIN_EVERY = 10.0
"""Seconds after which passages that wait are sent again."""
_CODE = re.compile(r"[^\x00-\x1f\x7f]{0,64}")
_SCORE = re.compile(r"\d{1,3}(\.\d{1,2})?")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
_WORDS = {
    "zh-CN": {
        "title": "人脸机",
        "lead": "仿真门禁设备：谁从它面前走过，就报给车场平台（8.7）。",
        "user_code": "谁（人员编号；空着是不认识的人）",
        "direction": "方向",
        "in": "进",
        "out": "出",
        "way": "方式",
        "face": "人脸",
        "card": "刷卡",
        "score": "相似度",
        "pass": "走过",
        "waiting": "等着上报：",
        "nobody": "还没有人走过。",
        "time": "时间",
        "outcome": "平台",
        "taken": "收下了",
        "waits": "没有应答，等着再报",
        "stranger": "不认识",
        "other": "English",
    },
    "en": {
        "title": "Face terminal",
        "lead": "An emulated access device: who walks past it is reported to the lot platform (8.7).",
        "user_code": "Who (number of the person; empty: nobody known)",
        "direction": "Direction",
        "in": "In",
        "out": "Out",
        "way": "By",
        "face": "Face",
        "card": "Card",
        "score": "Likeness",
        "pass": "Walk past",
        "waiting": "Waiting to be reported: ",
        "nobody": "Nobody has passed yet.",
        "time": "Time",
        "outcome": "Platform",
        "taken": "taken",
        "waits": "no answer, is sent again",
        "stranger": "unknown",
        "other": "中文",
    },
}


@dataclass(frozen=True, slots=True)
class TerminalSettings:
    """Which terminal it is. `url`: the lot's address in the platform's API, up to its id; `token`: may
    `passage:report`."""

    url: str
    token: str
    equipment_code: str
    again_every: float = AGAIN_EVERY


class Walk(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody passes. Nobody known: an empty `user_code`."""

    user_code: str = ""
    direction: Literal["in", "out"] = "in"
    way: Literal["face", "card"] = "face"
    score: str = "99.00"


class TerminalApp:
    """The terminal's page and its address for scripts."""

    def __init__(self, terminal: FaceTerminal, *, clock: Clock, again_every: float = AGAIN_EVERY) -> None:
        self._terminal = terminal
        self._clock = clock
        self._again_every = again_every
        page = files("taigan.devices").joinpath("terminal.html").read_text(encoding="utf-8")
        self._page = jinja2.Environment(autoescape=True).from_string(page)

    def build(self) -> web.Application:
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[_guard, body_within()])
        app.router.add_get("/", self._show)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/passages", self._list)
        app.router.add_post("/passages", self._walk)
        app.cleanup_ctx.append(self._sending)
        return app

    async def _healthz(self, request: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def _show(self, request: web.Request) -> web.Response:
        language = "en" if request.query.get("lang") == "en" else "zh-CN"
        words = _WORDS[language]
        text = self._page.render(language=language, words=words, code=self._terminal.equipment_code)
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def _list(self, request: web.Request) -> web.Response:
        passed = [_shown(one) for one in reversed(self._terminal.passed)]
        return _json(
            {"equipment_code": self._terminal.equipment_code, "waiting": self._terminal.waiting, "passages": passed}
        )

    async def _walk(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="the body is JSON, and its Content-Type says so")
        try:
            walk = msgspec.json.decode(await request.read(), type=Walk)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        if not _CODE.fullmatch(walk.user_code):
            raise web.HTTPBadRequest(text="user_code has at most 64 printable characters")
        if not _SCORE.fullmatch(walk.score):
            raise web.HTTPBadRequest(text="score is written as 98.50")
        try:
            passage = await self._terminal.passes(walk.user_code, walk.direction, way=walk.way, score=walk.score)
        except NotTaken as error:
            raise web.HTTPConflict(text=str(error)) from None
        return _json(_shown(passage))

    async def _sending(self, app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._send_again())
        yield
        await end(task)

    async def _send_again(self) -> None:
        """Send again what waits, for as long as the terminal stands."""
        while True:
            await self._clock.sleep(self._again_every)
            await self._terminal.send()


def _shown(passage: Passage) -> dict[str, Any]:
    at = datetime.fromtimestamp(passage.body["at"], UTC).isoformat()
    return {**passage.body, "at": at, "state": passage.state, "said": passage.said}


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep pages of other origins out, and say what is wrong as JSON."""
    try:
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text="a page from elsewhere may not let people pass")
        return await handler(request)
    except web.HTTPException as error:
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return web.json_response(
            {"error": {"message": error.text or error.reason}}, status=error.status, headers=allowed
        )


async def serve(
    settings: TerminalSettings,
    stop: asyncio.Event,
    *,
    clock: Clock,
    listener: socket.socket,
    new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ready: Callable[[str], None] | None = None,
) -> None:
    """Stand there until `stop` is set. `ready` is called with the address, without trailing slash."""
    async with aiohttp.ClientSession() as http:
        terminal = FaceTerminal(
            settings.url, settings.token, settings.equipment_code, http=http, clock=clock, new_id=new_id
        )
        app = TerminalApp(terminal, clock=clock, again_every=settings.again_every).build()
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_WITHIN, keepalive_timeout=SILENT_FOR)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            host, port = runner.addresses[0][:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            log.info("face terminal %s at %s", settings.equipment_code, url)
            if ready:
                ready(url)
            await stop.wait()
        finally:
            await runner.cleanup()


def _json(content: object) -> web.Response:
    text = json.dumps(content, ensure_ascii=False)
    return web.Response(text=text, content_type="application/json", headers={"Cache-Control": "no-store"})
