"""A 华夏 HX camera: posts forms, and does what the answers say. It has no loop of its own to report."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from typing import Any

import aiohttp
import msgspec

from taigan.devices.electronics.device import Device, Fault, Seconds
from taigan.devices.electronics.led import Reader, Screen
from taigan.devices.lanes.lane import Reply, Verb
from taigan.devices.lanes.photos import photo_of
from taigan.running.tasks import end

log = logging.getLogger(__name__)

POST_TIMEOUT = 5.0
DONE = 200


class HxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A camera that posts to `url`."""

    url: str
    heartbeat: Seconds = 10.0
    open_output: str = "io1"
    close_output: str = "io2"


class HxCamera(Device):
    """The camera."""

    def __init__(self, settings: HxSettings) -> None:
        super().__init__()
        self.settings = settings
        self.screen = Screen()
        self._serial_port = Reader()
        self._session: aiohttp.ClientSession | None = None
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(POST_TIMEOUT))
        self._beating = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        beating, self._beating = self._beating, None
        await end(beating)
        if self._session is not None:
            await self._session.close()

    async def beat(self) -> bool:
        """Send a heartbeat; whether anybody answered."""
        return await self._post({"type": "heartbeat"})

    async def read_plate(self, plate: str) -> None:
        """A car with a plate comes into the picture."""
        picture = base64.b64encode(photo_of(plate)).decode()
        await self._post(
            {
                "type": "online",
                "plate_num": plate,
                "plate_color": "蓝色",
                "picture": picture.translate(str.maketrans("+/=", "-_.")),
            }
        )

    async def _beat(self) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(self.settings.heartbeat)

    async def _post(self, form: dict[str, str]) -> bool:
        if self.fault is Fault.UNPLUGGED or self._session is None:
            return False
        try:
            async with self._session.post(self.settings.url, data=form) as response:
                content = await response.read()
                if response.status != DONE:
                    return False
        except (aiohttp.ClientError, TimeoutError):
            return False
        try:
            self._obey(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("camera: the answer is not understood: %s", error)
        return True

    def _obey(self, answer: Any) -> None:
        if str(answer.get("error_num")) != "0":
            return
        for order in answer.get("gpio_data", []):
            if order["action"] == "on":
                if order["ionum"] == self.settings.open_output:
                    self.command(Verb.OPEN, _ignored)
                elif order["ionum"] == self.settings.close_output:
                    self.command(Verb.CLOSE, _ignored)
        for item in answer.get("rs485_data", []):
            for frame in self._serial_port.feed(bytes.fromhex(item["data"])):
                self.screen.show(frame)
            self.lane.show(self.screen.text)


def _ignored(reply: Reply) -> None:
    """The camera confirms nothing."""
