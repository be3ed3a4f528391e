"""华夏 HX cameras that post forms to us: a command rides on the answer to the next heartbeat or plate.

The camera confirms nothing and reports neither loop nor arm: a command that it took along is UNCERTAIN.
"""

from __future__ import annotations

from collections import deque
from typing import Annotated, Any

import msgspec

from taigan.barriers.barrier import Barrier, Result, Sight, Why
from taigan.barriers.door import PICTURE_LIMIT, Answer, Mailbox, Post, PostingSettings
from taigan.barriers.kinds.vzenith.http import PickedUpScreen
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.led import ScreenSettings, frames
from taigan.barriers.wires.photos import decoded
from taigan.barriers.wires.pickup import Pickup

NAME = "hx-http"
HEARTBEATS_MISSED = 3.5
SPELLING = b"-_."
"""What the camera writes for `+/=` in base64."""

Output = Annotated[str, msgspec.Meta(pattern=r"^io[1-9]$")]


class Settings(PostingSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A camera that posts to /devices/hx-http/{serial}/{secret}. `heartbeat_every`: seconds between its heartbeats."""

    open_output: Output = "io1"
    close_output: Output = "io2"
    heartbeat_every: Annotated[float, msgspec.Meta(gt=0, le=600)] = 10.0
    screen: ScreenSettings | None = None


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane's barrier; its camera's requests come through the `Site`."""
    watch = site.watch(lane, f"hx {settings.serial}", silent_after=settings.heartbeat_every * HEARTBEATS_MISSED)
    barrier = HxCamera(settings, watch, site)
    site.receive(
        Mailbox(
            lane.key,
            NAME,
            settings.serial,
            barrier.handle,
            watch.warn,
            secret=settings.secret,
            sender=settings.sender,
            forms=True,
            limit=PICTURE_LIMIT,
            picture="picture",
        )
    )
    return barrier


class HxCamera(WatchedBarrier):
    """One camera."""

    def __init__(self, settings: Settings, watch: LaneWatch, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._commands: Pickup[tuple[str, str]] = Pickup()
        self._texts: deque[str] = deque(maxlen=1)
        super().__init__(
            watch,
            Sight(acknowledges=False, position=False, detector=False, slowest_command=settings.heartbeat_every),
            PickedUpScreen(self._texts),
        )

    async def raise_arm(self, attempt: Attempt) -> Result:
        return await self._commands.wait((self._settings.open_output, "on"), attempt)

    async def lower_arm(self, attempt: Attempt) -> Result:
        return await self._commands.wait((self._settings.close_output, "on"), attempt)

    async def stop(self) -> None:
        self._site.dismiss(NAME, self._settings.serial, self.handle)
        await super().stop()

    async def handle(self, post: Post) -> Answer:
        """Take what the camera posted and answer with what waits for it; answers 400 to what makes no sense."""
        kind = post.form.get("type", "")
        if kind not in ("heartbeat", "online"):
            self.watch.not_understood(ValueError(f"`type` is {kind!r}"))
            return Answer(b'{"error_num":"1","error_str":"unknown type"}', 400)
        self.watch.heard()
        plate = post.form.get("plate_num", "")
        if kind == "online":
            self.watch.plate(plate, f"{self.watch.clock.now().isoformat()} {plate}")
            if picture := decoded(post.picture, SPELLING):
                self.watch.photo(picture, Why.PLATE, "", plate)
        answer: dict[str, Any] = {"error_num": "0", "error_str": "no error"}
        commands = self._commands.take()
        if commands:
            answer["gpio_data"] = [{"ionum": output, "action": action} for output, action in commands]
        if self._texts and self._settings.screen is not None:
            answer["rs485_data"] = [
                {"encodetype": "hex2string", "data": frame.hex().upper()}
                for frame in frames(self._texts.popleft(), self._settings.screen)
            ]
        await self.watch.delivered()
        return Answer(msgspec.json.encode(answer))
