"""臻识 Vzenith cameras over MQTT: the camera acknowledges each command, reports its loop inputs and its arm.

The broker's own acknowledgement says nothing about the camera, so only the camera's reply counts. Replies and reports
are heard by every process that holds the lane, so that all of them come to the same picture.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec

from taigan.barriers.barrier import Barrier, Outcome, Price, Result, Sight
from taigan.barriers.door import Serial
from taigan.barriers.kinds.vzenith.camera import Camera, Wiring, serial_data
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch, NoAnswer, NotSent
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.broker import Broker, BrokerSettings, broker_of, check_prefix, filled
from taigan.barriers.wires.led import ScreenSettings
from taigan.barriers.wires.price import in_words
from taigan.clock import Clock

OPEN_MARK = "-open"
SCREEN_INTERVAL = 50
ACCEPTED = 200


class Settings(BrokerSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A Vzenith camera behind a broker.

    `serial`: its serial number. `wiring`: what is wired to it. `screen`: the LED screen and voice card on its serial
    port. `prefix`: where its topics begin; some firmware has `{serial}/device/message`. `silent_after`: seconds without
    a keep-alive (one every 10 s) after which it counts as offline. `open_with`: newer firmware knows
    `gate_direct_open`.
    """

    serial: Serial
    wiring: Wiring = Wiring()
    screen: ScreenSettings | None = None
    prefix: str = "device/{serial}/message"
    silent_after: float = 35.0
    open_with: Literal["gpio_out", "gate_direct_open"] = "gpio_out"

    def __post_init__(self) -> None:
        super().__post_init__()
        if "{serial}" not in self.prefix:
            raise ValueError("`prefix` must contain {serial}")
        check_prefix(self.prefix, "serial")


class Message(msgspec.Struct):
    """Any message of the camera."""

    id: str | int = ""
    name: str = ""
    code: int = 0
    payload: Any = None

    @property
    def body(self) -> Any:
        """The content, which some firmware wraps in `body`."""
        if isinstance(self.payload, dict) and "body" in self.payload:
            return self.payload["body"]
        return self.payload


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane's barrier behind the shared connection to its broker."""
    signals = LaneSignals(two_loops=settings.wiring.under_input >= 0, ends_only=True)
    watch = site.watch(lane, f"vzenith {settings.serial}", signals=signals, silent_after=settings.silent_after)
    sight = Sight(
        acknowledges=True,
        position=settings.wiring.position,
        detector=lane.detector and settings.wiring.loop_input >= 0,
    )
    return VzenithMqtt(settings, watch, sight, broker_of(site, settings), site.clock)


class VzenithMqtt(WatchedBarrier):
    """One camera."""

    def __init__(self, settings: Settings, watch: LaneWatch, sight: Sight, broker: Broker, clock: Clock) -> None:
        self._settings = settings
        self._wiring = settings.wiring
        self._broker = broker
        self._clock = clock
        self._camera = Camera(settings.serial, settings.wiring, watch)
        self._prefix = filled(settings.prefix, serial=settings.serial)
        self._replies: dict[str, asyncio.Future[Message]] = {}
        self._decoder = msgspec.json.Decoder(Message, strict=False)
        super().__init__(watch, sight, VzenithScreen(self))
        up, down = f"{self._prefix}/up", f"{self._prefix}/down"
        broker.listen(
            {
                f"{up}/keep_alive": lambda _: watch.heard(),
                f"{up}/gpio_in": self._gpio_in,
                f"{up}/barr_gate_status": self._gate_status,
                f"{up}/ivs_result": self._plate,
                f"{down}/gpio_out/reply": self._reply,
                f"{down}/gate_direct_open/reply": self._reply,
                f"{down}/set_io_lock_status/reply": self._reply,
            },
            self._link,
        )

    async def raise_arm(self, attempt: Attempt) -> Result:
        if self._settings.open_with == "gate_direct_open":
            return await self._command(attempt, OPEN_MARK, "gate_direct_open", None)
        return await self._pulse(attempt, OPEN_MARK, self._wiring.open_output, self._wiring.open_pulse)

    async def hold_arm(self, attempt: Attempt) -> Result:
        return await self._lock(attempt, "-hold", 1)

    async def lower_arm(self, attempt: Attempt) -> Result:
        if self._wiring.close_output < 0:
            return await self._lock(attempt, "-free", 0)
        if self.state.held:
            freed = await self._lock(attempt, "-free", 0)
            if freed.outcome is not Outcome.ACCEPTED:
                return freed
        return await self._pulse(attempt, "-close", self._wiring.close_output, self._wiring.close_pulse)

    async def send(self, name: str, message_id: str, payload: Any) -> None:
        """Publish one message to the camera. Raises `NotSent`."""
        message = {
            "id": message_id,
            "sn": self._settings.serial,
            "name": name,
            "version": "1.0",
            "timestamp": int(self._clock.now().timestamp()),
            "payload": payload,
        }
        await self._broker.publish(f"{self._prefix}/down/{name}", msgspec.json.encode(message))

    def screen_data(self, text: str) -> list[dict[str, Any]]:
        """The text as the camera's serial port takes it."""
        screen = self._settings.screen
        return serial_data(text, screen, self._wiring.screen_channel) if screen else []

    async def _pulse(self, attempt: Attempt, mark: str, output: int, milliseconds: int) -> Result:
        body = {"delay": milliseconds, "io": output, "value": 2}
        return await self._command(attempt, mark, "gpio_out", {"type": "gpio_out", "body": body})

    async def _lock(self, attempt: Attempt, mark: str, status: int) -> Result:
        body = {"ioout": self._wiring.open_output, "status": status}
        payload = {"type": "set_io_lock_status", "body": body}
        return await self._command(attempt, mark, "set_io_lock_status", payload)

    async def _command(self, attempt: Attempt, mark: str, name: str, payload: Any) -> Result:
        message_id = attempt.command_id + mark
        if message_id in self._replies:
            raise NotSent("this command is under way already")
        reply = asyncio.get_running_loop().create_future()
        self._replies[message_id] = reply
        try:
            if attempt.deadline.passed:
                raise NotSent("the command came after its deadline")
            attempt.sent = True  # from here on it may leave, whatever becomes of us
            await self.send(name, message_id, payload)
            message = await reply
        finally:
            del self._replies[message_id]
        if message.code == ACCEPTED:
            return Result(Outcome.ACCEPTED)
        return Result(Outcome.REJECTED, f"the camera answered code {message.code}")

    # What the camera says

    def _link(self, there: bool, reason: str) -> None:
        if there:
            self.watch.expect()
        else:
            self.watch.lost(reason)

    def _read(self, payload: bytes) -> Message | None:
        self.watch.heard()
        try:
            return self._decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.watch.not_understood(error)
            return None

    def _reply(self, payload: bytes) -> None:
        message = self._read(payload)
        if message is None:
            return
        waiting = self._replies.get(str(message.id))
        if waiting is not None:
            if not waiting.done():
                waiting.set_result(message)
        elif message.code == ACCEPTED and str(message.id).endswith(OPEN_MARK):
            self.watch.lifted()  # another process's command, or a reply that came after its deadline

    def _gpio_in(self, payload: bytes) -> None:
        message = self._read(payload)
        if message is not None and self.sight.detector:
            try:
                body = message.body
                alarm = body.get("AlarmGioIn") if isinstance(body, dict) else None
                self._camera.input_changed(alarm, str(message.id))
            except msgspec.ValidationError as error:
                self.watch.not_understood(error)

    def _gate_status(self, payload: bytes) -> None:
        message = self._read(payload)
        if message is not None:
            try:
                self._camera.arm_moved(message.body, str(message.id))
            except msgspec.ValidationError as error:
                self.watch.not_understood(error)

    def _plate(self, payload: bytes) -> None:
        message = self._read(payload)
        if message is not None:
            try:
                body = message.body
                self._camera.plate_read(body.get("AlarmInfoPlate") if isinstance(body, dict) else None)
            except msgspec.ValidationError as error:
                self.watch.not_understood(error)


class VzenithScreen:
    """The LED screen and voice card on the camera's serial port."""

    def __init__(self, camera: VzenithMqtt) -> None:
        self._camera = camera
        self._shown = 0

    async def show(self, text: str) -> None:
        """Show and speak a text."""
        data = self._camera.screen_data(text)
        if not data:
            return
        self._shown += 1
        payload = {"type": "serial_data", "body": {"interval": SCREEN_INTERVAL, "serialData": data}}
        try:
            await self._camera.send("serial_data", f"screen-{self._shown}", payload)
        except (NotSent, NoAnswer):
            return

    async def ask(self, price: Price) -> None:
        """Show and speak plate, time and amount."""
        await self.show(in_words(price))
