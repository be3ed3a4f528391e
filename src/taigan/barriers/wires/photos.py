"""Pictures as devices have them: in base64 in their messages, or to be fetched."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import structlog

from taigan.barriers.barrier import Event, Why
from taigan.barriers.door import PICTURE_LIMIT
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_watch import LaneWatch, NoAnswer, NotSent
from taigan.barriers.wires.device_http import DeviceAddress, HttpDevice
from taigan.running.tasks import end

log = structlog.get_logger()


def decoded(encoded: Any, spelling: bytes = b"") -> bytes:
    """A picture from base64; empty for what is none: the message that it came with counts all the same.

    `spelling`: the three signs that the device writes for `+/=`.
    """
    if not isinstance(encoded, str | bytes):
        return b""
    try:
        raw = encoded.encode("ascii") if isinstance(encoded, str) else encoded
        return base64.b64decode(raw.translate(bytes.maketrans(spelling, b"+/=")) if spelling else raw)
    except ValueError:
        return b""


class Fetched:
    """Fetches a picture from a gate with a camera, after the arm was raised: nobody waits for it, and what comes of it
    says nothing of the gate."""

    def __init__(
        self, site: Site, lane: Lane, address: DeviceAddress, username: str, password: str, path: str, watch: LaneWatch
    ) -> None:
        self._path = path
        self._watch = watch
        apart = LaneWatch(lane.key, _nobody, site.clock, device=f"{watch.device} camera")
        self._device = HttpDevice(site, address, apart, username, password)
        self._fetching: set[asyncio.Task[None]] = set()

    def take(self, mark: str, why: Why) -> None:
        """Fetch one, in the background."""
        if self._path and not self._fetching:
            task = asyncio.create_task(self._fetch(mark, why))
            self._fetching.add(task)
            task.add_done_callback(self._fetching.discard)

    async def stop(self) -> None:
        """Fetch no more."""
        await end(*self._fetching)

    async def _fetch(self, mark: str, why: Why) -> None:
        try:
            status, picture = await self._device.request("GET", self._path, most=PICTURE_LIMIT)
            if status != 200:
                raise NoAnswer(f"HTTP {status}")
        except (NotSent, NoAnswer) as error:
            log.warning("no picture from the gate's camera", lane=str(self._watch.lane), reason=str(error))
            return
        self._watch.photo(picture, why, mark)


async def _nobody(event: Event) -> None:
    """The camera's own troubles are no events of the lane."""
