"""臻识 Vzenith cameras that post to us: a command can only ride on the answer to a request of the camera's own.

That is at the next plate, or at the next heartbeat (a form), which may be 5 or 30 seconds away: `Sight.slowest_command`
says so, and a driver should not be kept waiting for it. Of everything else that the camera posts (inputs, RS-485 data,
snapshots, JSON) it does not obey the answer, so no command may leave with it. The camera confirms nothing, so a command
that it took along is UNCERTAIN, and only the loop tells that the car drove in. Where the camera has MQTT, use that.
"""

from __future__ import annotations

from collections import deque
from typing import Annotated, Any, Literal

import msgspec

from taigan.barriers.barrier import Barrier, Price, Result, Sight
from taigan.barriers.door import PICTURE_LIMIT, Answer, Mailbox, Post, PostingSettings
from taigan.barriers.kinds.vzenith.camera import Camera, Wiring, serial_data
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.led import ScreenSettings
from taigan.barriers.wires.pickup import Pickup
from taigan.barriers.wires.price import in_words

NAME = "vzenith-http"
PULSE = 2
ON = 1
OFF = 0
HEARTBEATS_MISSED = 3.5


class Settings(PostingSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A camera that posts to /devices/vzenith-http/{serial}/{secret}.

    `heartbeat_every`: seconds between its heartbeats: 5 with its offline check on, else 30. `open_with`: `info` opens
    by the answer `ok`, a pulse of 500 ms on the camera's own output; `ivs_ioctrl` pulses what `wiring` says.
    """

    wiring: Wiring = Wiring()
    screen: ScreenSettings | None = None
    heartbeat_every: Annotated[float, msgspec.Meta(gt=0, le=600)] = 30.0
    open_with: Literal["info", "ivs_ioctrl"] = "info"

    def __post_init__(self) -> None:
        if self.wiring.position:
            raise ValueError("`wiring.position` is for MQTT: over HTTP the camera does not report the arm")


class Ride(msgspec.Struct, frozen=True):
    """What one answer makes the camera do."""

    opens: bool = False
    output: tuple[int, int, int] | None = None  # io, value, delay in milliseconds


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane's barrier; its camera's requests come through the `Site`."""
    watch = site.watch(
        lane,
        f"vzenith {settings.serial}",
        signals=LaneSignals(two_loops=settings.wiring.under_input >= 0),
        silent_after=settings.heartbeat_every * HEARTBEATS_MISSED,
    )
    sight = Sight(
        acknowledges=False,
        position=False,
        detector=lane.detector and settings.wiring.loop_input >= 0,
        slowest_command=settings.heartbeat_every,
    )
    barrier = VzenithHttp(settings, watch, sight, site)
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
        )
    )
    return barrier


class VzenithHttp(WatchedBarrier):
    """One camera."""

    def __init__(self, settings: Settings, watch: LaneWatch, sight: Sight, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._wiring = settings.wiring
        self._camera = Camera(settings.serial, settings.wiring, watch)
        self._commands: Pickup[Ride] = Pickup()
        self._texts: deque[str] = deque(maxlen=1)
        super().__init__(watch, sight, PickedUpScreen(self._texts))

    async def raise_arm(self, attempt: Attempt) -> Result:
        if self._settings.open_with == "info":
            return await self._commands.wait(Ride(opens=True), attempt)
        return await self._commands.wait(
            Ride(output=(self._wiring.open_output, PULSE, self._wiring.open_pulse)), attempt
        )

    async def hold_arm(self, attempt: Attempt) -> Result:
        return await self._commands.wait(Ride(output=(self._wiring.open_output, ON, 0)), attempt)

    async def lower_arm(self, attempt: Attempt) -> Result:
        if self.state.held or self._wiring.close_output < 0:
            taken_along = await self._commands.wait(Ride(output=(self._wiring.open_output, OFF, 0)), attempt)
            self.watch.hold(False)
            return taken_along
        return await self._commands.wait(
            Ride(output=(self._wiring.close_output, PULSE, self._wiring.close_pulse)), attempt
        )

    async def stop(self) -> None:
        self._site.dismiss(NAME, self._settings.serial, self.handle)
        await super().stop()

    async def handle(self, post: Post) -> Answer:
        """Take what the camera posted and answer with what waits for it; answers 400 to what makes no sense."""
        self.watch.heard()
        obeys = bool(post.form)  # a heartbeat
        if not post.form:
            try:
                content = msgspec.json.decode(post.body) if post.body.strip() else {}
                obeys = self._understand(content)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                self.watch.not_understood(error)
                return Answer(b'{"error":"not understood"}', 400)
        answer = Answer(msgspec.json.encode(self._ride() if obeys else {"info": "no"}))
        await self.watch.delivered()
        return answer

    def _understand(self, content: Any) -> bool:
        """Whether the camera obeys the answer to this."""
        if not isinstance(content, dict):
            raise msgspec.ValidationError("the message is not an object")
        if "AlarmGioIn" in content:
            if self.sight.detector:
                self._camera.input_changed(content["AlarmGioIn"], "")
            return False
        if "TriggerImage" in content:
            self._camera.snapped(content["TriggerImage"], "")
            return False
        if "AlarmInfoPlate" in content:
            return self._camera.plate_read(content["AlarmInfoPlate"])
        return False

    def _ride(self) -> dict[str, Any]:
        rides = self._commands.take()
        answer: dict[str, Any] = {"info": "ok" if any(ride.opens for ride in rides) else "no"}
        outputs = [ride.output for ride in rides if ride.output is not None]
        if outputs:
            io, value, delay = outputs[-1]
            answer["ivs_ioctrl"] = {"io": io, "value": value, "delay": delay}
        if self._texts and self._settings.screen is not None:
            answer["serialData"] = serial_data(
                self._texts.popleft(), self._settings.screen, self._wiring.screen_channel
            )
        return {"Response_AlarmInfoPlate": answer}


class PickedUpScreen:
    """A screen that shows the latest text when the camera comes for it."""

    def __init__(self, texts: deque[str]) -> None:
        self._texts = texts

    async def show(self, text: str) -> None:
        """Have the text picked up."""
        self._texts.append(text)

    async def ask(self, price: Price) -> None:
        """Have plate, time and amount picked up."""
        self._texts.append(in_words(price))
