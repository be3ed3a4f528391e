"""Starts BoLink's side, the lot platform and the simulated lanes, shows them on one page, and stops them together."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import signal
import socket
import sys
import time
import urllib.parse
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from taigan.demo.clock import DemoClock
from taigan.demo.devices import LOOPBACK, OVER_MQTT, SIMULATED, barriers, broker_command
from taigan.demo.errors import NotReady, PartFailed, PortTaken
from taigan.demo.folder import (
    CONSOLE_LOGIN,
    CONSOLE_NAME,
    CONSOLE_PASSWORD,
    KEYS,
    LANES,
    LOT_ID,
    Addresses,
    Codes,
    Folder,
    Keys,
    bracketed,
    ready_text,
    shown_lot,
    write_whole,
)
from taigan.demo.lot import codes_of_the_lanes, give_prices
from taigan.demo.page import Page
from taigan.demo.parts import Part, how_it_ended, stop_all
from taigan.demo.ports import Ports

READY_WITHIN = 60.0
PARTS = ("lot", "hub", "lanes")
DEMO_PORT = 8800

# Decided here for every run; a variable from outside must not move a part away from where the others look for it.
_OURS = tuple(
    f"TAIGAN_{section}{key}"
    for section in ("", "LOT_", "HUB_", "LANES_")
    for key in ("HOST", "PORT", "HUB_URL", "PUBLIC_URL", "DATA_DIR", "API_TOKENS", "ADMIN_TOKEN")
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person who starts the demo may choose. A port of 0 is any free one."""

    host: str
    lot_port: int
    hub_port: int
    lanes_port: int
    demo_port: int | None
    data_dir: Path
    ready_file: Path | None
    open_browser: bool
    barrier: str = SIMULATED
    week: bool = True
    """Whether a new lot comes with a week of invented stays."""


class Demo:
    """One run of the demo. `command` starts the taigan command line; `say` prints a line for the person."""

    def __init__(
        self,
        choices: Choices,
        command: Sequence[str],
        environment: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self._choices = choices
        self._command = command
        self._environment = {name: value for name, value in environment.items() if name not in _OURS}
        self._say = say
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises:
            DemoError: it could not start; what was started is stopped again.
        """
        loop = asyncio.get_running_loop()
        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(stop_signal, self._stop.set)
        folder = Folder(self._choices.data_dir)
        try:
            if self._choices.ready_file is not None:
                self._choices.ready_file.unlink(missing_ok=True)
            await self._run_in(folder)
        finally:
            folder.release()

    async def _run_in(self, folder: Folder) -> None:
        keys = folder.keys()
        channels = [channel_id for channel_id, _, _ in LANES]
        with Ports() as ports:
            addresses = self._addresses(ports)
            any_port = partial(ports.find, LOOPBACK, 0, "device")
            broker_port = any_port()
            config = folder.write_config(addresses, barriers(self._choices.barrier, channels, any_port, broker_port))
        clock = DemoClock(folder.path / "clock")
        parts = [
            Part(
                name,
                [
                    *(*self._command, self._command_of(name), "--config", str(config)),
                    *("--stop-with-parent", "--clock-file", str(clock.file)),
                    *self._options_of(name, folder),
                ],
                folder.path / f"{name}.log",
                self._environment,
            )
            for name in PARTS
        ]
        if self._choices.barrier in OVER_MQTT:
            broker = broker_command(folder.path, broker_port)
            parts.append(Part("broker", broker, folder.path / "broker.log", self._environment))
        page = Page(
            doors={
                "lot": (addresses.lot, keys.api_token),
                "hub": (addresses.hub, keys.admin_token),
                "lanes": (addresses.lanes, ""),
            },
            streams={
                "lot": f"/api/v1/lots/{urllib.parse.quote(LOT_ID, safe='')}/events",
                "hub": "/admin/events",
                "lanes": "/events",
            },
            shown={
                **{name: {"url": getattr(addresses, name)} for name in PARTS},
                "console": {"login": CONSOLE_LOGIN, "password": keys.console_password},
            },
            clock=clock,
        )
        try:
            await asyncio.gather(*(part.start() for part in parts))
            ends = {asyncio.create_task(part.ended()): part for part in parts}
            demo_port = await self._listen(page)
            demo_url = f"http://{bracketed(addresses.reached_as)}:{demo_port}"
            codes = await self._all_ready(ends, addresses, keys)
            if codes is None:
                return
            await give_prices(addresses, keys, time.time() + clock.ahead)
            page.show(lots=[shown_lot(codes)])
            if self._choices.ready_file is not None:
                write_whole(self._choices.ready_file, ready_text(keys, addresses, demo_url, codes))
            self._introduce(addresses, keys, demo_url, folder, codes.entries)
            await self._watch(ends, config)
        finally:
            await asyncio.gather(stop_all(parts), page.stop())

    def _options_of(self, part: str, folder: Folder) -> list[str]:
        """What a part is told beside its settings: the lot, whom its console lets in, and to invent the week before."""
        if part != "lot":
            return []
        person = [CONSOLE_LOGIN, CONSOLE_NAME, str(folder.path / KEYS / CONSOLE_PASSWORD)]
        return ["--first-person", *person, *(["--invented-week"] if self._choices.week else [])]

    def _command_of(self, part: str) -> str:
        return "devices" if part == "lanes" and self._choices.barrier != SIMULATED else part

    def _addresses(self, ports: Ports) -> Addresses:
        host = self._choices.host
        found = {f"{name}_port": ports.find(host, getattr(self._choices, f"{name}_port"), name) for name in PARTS}
        return Addresses(host=host, reached_as=reached_as(host), **found)

    async def _listen(self, page: Page) -> int:
        wanted = self._choices.demo_port
        try:
            return await page.start(self._choices.host, DEMO_PORT if wanted is None else wanted)
        except OSError as error:
            if wanted is None:
                return await page.start(self._choices.host, 0)
            raise PortTaken(f"the page's port {wanted} cannot be used: {error.strerror}") from None

    async def _all_ready(
        self, ends: Mapping[asyncio.Task[int], Part], addresses: Addresses, keys: Keys
    ) -> Codes | None:
        """Wait until everything answers and every lane has its code: their addresses; none when told to stop."""
        stopped = asyncio.create_task(self._stop.wait())
        ready = asyncio.create_task(codes_of_the_lanes(addresses, keys))
        try:
            await asyncio.wait({stopped, ready, *ends}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                return None
            for end, part in ends.items():
                if end.done():
                    words = part.last_words() or f"taigan {part.name} ended ({how_it_ended(end.result())})"
                    raise PartFailed(words, max(end.result(), 1))
            if not ready.done():
                raise NotReady(
                    f"not everything answered within {READY_WITHIN:g} s; see the logs in {self._choices.data_dir}"
                )
            return ready.result()
        finally:
            stopped.cancel()
            ready.cancel()
            await asyncio.gather(stopped, ready, return_exceptions=True)

    def _introduce(
        self, addresses: Addresses, keys: Keys, demo_url: str, folder: Folder, entry_urls: Mapping[str, str]
    ) -> None:
        self._say(f"demo   {demo_url}")
        self._say(f"lot    {addresses.lot}    POST {addresses.lot}/bolink    {addresses.lot}/api/v1")
        self._say(f"       {addresses.lot}/    值班台 console: {CONSOLE_LOGIN} / {keys.console_password}")
        self._say(f"hub    {addresses.hub}")
        self._say(f"lanes  {addresses.lanes}")
        self._say(f"data   {folder.path}")
        self._say("")
        self._say("打开演示页，让车压上地感，扫码，看手机显示入场成功、道闸抬起、入场记录上传。")
        self._say(
            "Open the page, put a car on the loop, scan; watch the phone say success, the arm rise, the upload arrive."
        )
        if _others_can_reach(addresses.reached_as):
            self._say("")
            self._say("真手机也能扫（同一网络）： A real phone in the same network can scan, too:")
            for channel_id, url in entry_urls.items():
                if url:
                    self._say(f"{channel_id}  {url}\n{_code_for_a_terminal(url)}")
        self._say("Ctrl-C 结束 ends it.")
        if self._choices.open_browser and _has_display(self._environment):
            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, demo_url)

    async def _watch(self, ends: Mapping[asyncio.Task[int], Part], config: Path) -> None:
        stopped = asyncio.create_task(self._stop.wait())
        running = dict(ends)
        while running:
            await asyncio.wait({stopped, *running}, return_when=asyncio.FIRST_COMPLETED)
            if self._stop.is_set():  # Ctrl-C reaches the parts as well: they end because they were told to
                break
            for end in [end for end in running if end.done()]:
                part = running.pop(end)
                self._say(
                    f"taigan {part.name} ended ({how_it_ended(end.result())}; log: {part.log}). The rest goes on; "
                    f"start it again with: taigan {part.name} --config {config}"
                )
        stopped.cancel()
        if not running:
            raise PartFailed("nothing of the demo runs any more", 1)


def reached_as(host: str) -> str:
    """The address under which others reach what listens on `host`: for a wildcard, this machine's in its network."""
    if host not in ("0.0.0.0", "::"):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address; a datagram socket sends nothing on connecting
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _others_can_reach(host: str) -> bool:
    """Whether this address means the same machine to a phone."""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def _code_for_a_terminal(url: str) -> str:
    import segno  # late: only a demo that others can reach shows codes here

    drawn = io.StringIO()
    code: Any = segno.make(url, error="m")
    code.terminal(drawn, compact=True)
    return drawn.getvalue()


def _has_display(environment: Mapping[str, str]) -> bool:
    return sys.platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
