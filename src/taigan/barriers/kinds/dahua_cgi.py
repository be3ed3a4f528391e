"""Dahua gates over CGI: one GET with Digest opens, answered `OK`. They tell neither position nor cars."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec

from taigan.barriers.barrier import Barrier, Outcome, Result, Sight, Why
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.device_http import DeviceAddress, HttpDevice
from taigan.barriers.wires.led import ScreenSettings
from taigan.barriers.wires.led_screen import screen_of
from taigan.barriers.wires.photos import Fetched


class Settings(DeviceAddress, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A gate. `plate`: what it shows and stores for a car without a plate. `picture`: where its camera gives a picture
    after each lift, such as `/cgi-bin/snapshot.cgi?channel=1`; empty: none is taken.
    """

    username: str
    password: str
    picture: Annotated[str, msgspec.Meta(pattern=r"^(/\S*)?$", max_length=200)] = ""
    channel: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    plate: Annotated[str, msgspec.Meta(max_length=10)] = ""
    screen: ScreenSettings | None = None


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane's barrier."""
    watch = site.watch(lane, f"dahua {settings.url}")
    camera = Fetched(site, lane, settings, settings.username, settings.password, settings.picture, watch)
    return DahuaGate(settings, watch, site, camera)


class DahuaGate(WatchedBarrier):
    """One gate."""

    def __init__(self, settings: Settings, watch: LaneWatch, site: Site, camera: Fetched) -> None:
        super().__init__(watch, Sight(acknowledges=True, position=False, detector=False), screen_of(settings.screen))
        self._settings = settings
        self._camera = camera
        watch.presume()
        self._device = HttpDevice(site, settings, watch, settings.username, settings.password)

    def lifted(self, command_id: str) -> None:
        """Have its camera take a picture."""
        self._camera.take(command_id, Why.LIFT)

    async def stop(self) -> None:
        await self._camera.stop()
        await super().stop()

    async def raise_arm(self, attempt: Attempt) -> Result:
        settings = self._settings
        status, body = await self._device.request(
            "GET",
            f"/cgi-bin/trafficSnap.cgi?action=openStrobe&channel={settings.channel}"
            f"&info.openType=Normal&info.plateNumber={quote(settings.plate)}",
            attempt,
        )
        if status == 200 and body.strip() == b"OK":
            return Result(Outcome.ACCEPTED)
        return Result(Outcome.REJECTED, f"the gate answered HTTP {status}: {body[:80].decode('utf-8', 'replace')}")
