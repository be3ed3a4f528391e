"""Hikvision gates over ISAPI: HTTP with Digest. They take a command with a status, and tell their position when asked.

A locked gate takes the command too and stays down, so only the position tells that the arm is up. There is no loop.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Annotated

import msgspec

from taigan.barriers.barrier import Barrier, Outcome, Position, Result, Sight, Why
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch, NoAnswer, NotSent
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.device_http import DeviceAddress, HttpDevice, PasswordRefused
from taigan.barriers.wires.led import ScreenSettings
from taigan.barriers.wires.led_screen import screen_of
from taigan.barriers.wires.photos import Fetched
from taigan.barriers.wires.poller import Poller, poller_of

COMMAND = '<?xml version="1.0" encoding="UTF-8"?><BarrierGate><ctrlMode>{mode}</ctrlMode></BarrierGate>'
TAKEN = "1"
NOT_SUPPORTED = "4"
WATCHED_CLOSELY = 30.0


class Settings(DeviceAddress, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A gate. `ask_every`: seconds between questions for its position while nothing happens; `ask_busy`: the same after
    a command. `picture`: where its camera gives a picture after each lift, such as
    `/ISAPI/Streaming/channels/101/picture`; empty: none is taken.
    """

    username: str
    password: str
    picture: Annotated[str, msgspec.Meta(pattern=r"^(/\S*)?$", max_length=200)] = ""
    channel: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    screen: ScreenSettings | None = None
    ask_every: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 10.0
    ask_busy: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 0.3


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane's barrier."""
    watch = site.watch(lane, f"hikvision {settings.url}", signals=LaneSignals(ends_only=True))
    camera = Fetched(site, lane, settings, settings.username, settings.password, settings.picture, watch)
    return HikvisionGate(settings, watch, site, poller_of(site), camera)


class HikvisionGate(WatchedBarrier):
    """One gate."""

    def __init__(self, settings: Settings, watch: LaneWatch, site: Site, poller: Poller, camera: Fetched) -> None:
        super().__init__(watch, Sight(acknowledges=True, position=True, detector=False), screen_of(settings.screen))
        self._settings = settings
        self._camera = camera
        self._device = HttpDevice(site, settings, watch, settings.username, settings.password)
        self._path = f"/ISAPI/Parking/channels/{settings.channel}/barrierGate"
        self._clock = site.clock
        self._busy_until = 0.0
        self._poller = poller
        self._asked = poller.add(self.ask, settings.ask_every)

    def lifted(self, command_id: str) -> None:
        """Have its camera take a picture."""
        self._camera.take(command_id, Why.LIFT)

    async def raise_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "open")

    async def hold_arm(self, attempt: Attempt) -> Result:
        opened = await self._command(attempt, "open")
        return opened if opened.outcome is not Outcome.ACCEPTED else await self._command(attempt, "lock")

    async def lower_arm(self, attempt: Attempt) -> Result:
        if self.state.held:
            freed = await self._command(attempt, "unlock")
            if freed.outcome is not Outcome.ACCEPTED:
                return freed
        return await self._command(attempt, "close")

    async def ask(self) -> None:
        """Ask for the position once, and tell the watch."""
        if self._device.locked_out:
            return
        try:
            status, body = await self._device.request("GET", f"{self._path}/barrierGateStatus")
            if status != 200:
                raise NoAnswer(f"the gate answered HTTP {status}")
            self.watch.arm(_position(body))
        except PasswordRefused:
            self.watch.lost("password refused")
        except (NotSent, NoAnswer) as error:
            self.state.errors += 1
            self.watch.missed(str(error))
        busy = self._clock.monotonic() < self._busy_until
        self._asked.every = self._settings.ask_busy if busy else self._settings.ask_every

    async def stop(self) -> None:
        await self._poller.remove(self._asked)
        await self._camera.stop()
        await super().stop()

    async def _command(self, attempt: Attempt, mode: str) -> Result:
        status, body = await self._device.request(
            "PUT",
            self._path,
            attempt,
            body=COMMAND.format(mode=mode).encode(),
            content_type='application/xml; charset="UTF-8"',
        )
        code = _text(body, "statusCode")
        self._watch_closely()
        if code == TAKEN:
            return Result(Outcome.ACCEPTED)
        if code == NOT_SUPPORTED:
            return Result(Outcome.REJECTED, f"the gate does not support {mode}")
        words = _text(body, "statusString") or f"HTTP {status}"
        return Result(Outcome.REJECTED, f"the gate answered status {code or 'nothing'}: {words}")

    def _watch_closely(self) -> None:
        now = self._clock.monotonic()
        self._busy_until = now + WATCHED_CLOSELY
        self._asked.every = self._settings.ask_busy
        self._asked.due = now


def _position(body: bytes) -> Position:
    return {"1": Position.CLOSED, "2": Position.OPEN}.get(_text(body, "barrierGateStatus"), Position.UNKNOWN)


def _text(body: bytes, name: str) -> str:
    """The text of the first element called `name`, whatever its namespace. Raises `NoAnswer` for what is not XML."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise NoAnswer("the gate's answer declares entities")
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError) as error:
        raise NoAnswer(f"the gate's answer is not XML: {error}") from error
    for element in root.iter():
        if element.tag.rpartition("}")[2] == name:
            return (element.text or "").strip()
    return ""
