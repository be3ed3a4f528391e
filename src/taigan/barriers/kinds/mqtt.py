"""Anyone's own controller over an MQTT broker, in plain JSON. The schema is in docs/barriers.md.

Under a prefix per lane, `taigan/{lot_id}/{channel_id}` unless set otherwise:

    …/command  to the controller    {"id", "command": "open|hold|close", "deadline": unix seconds, "sent": unix seconds}
    …/screen   to the controller    {"text", "lines": [...]}, at an exit with "price": {"plate", "minutes", "due_fen",
                                    "text", "code"}
    …/reply    from the controller  {"id", "outcome": "accepted|rejected", "reason"}
    …/event    from the controller  {"id", "loop": bool} | {"id", "under": bool} | {"id", "position": "closed|…"}
                                    | {"id", "fault": text} | {"id", "plate": text} | {"id", "code": text}
                                    | {"alive": true}

A controller drops a command whose deadline has passed and one whose id it has seen. `id` of an event is the same when
it is sent again.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec

from taigan.barriers.barrier import Barrier, Outcome, Price, Result, Sight
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch, NoAnswer, NotSent
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.broker import Broker, BrokerSettings, broker_of, check_prefix, filled
from taigan.barriers.wires.led import ScreenSettings, lines
from taigan.barriers.wires.price import ToldPrice, in_words
from taigan.barriers.wires.reports import Reports
from taigan.clock import Clock


class Settings(BrokerSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A controller that speaks our JSON.

    `prefix`: where its topics begin. `position`: it reports the arm. `two_loops`: it reports a loop under the arm.
    `silent_after`: seconds without a message after which it counts as offline; it says `alive` at least that often.
    """

    prefix: str = "taigan/{lot_id}/{channel_id}"
    position: bool = True
    two_loops: bool = False
    silent_after: float = 35.0
    screen: ScreenSettings | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_prefix(self.prefix, "lot_id", "channel_id")


class Reply(msgspec.Struct):
    """A controller's answer to a command."""

    id: str
    outcome: Literal["accepted", "rejected"]
    reason: str = ""
    command: str = ""


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane's barrier behind the shared connection to its broker."""
    watch = site.watch(
        lane,
        f"controller {lane.key}",
        signals=LaneSignals(two_loops=settings.two_loops),
        silent_after=settings.silent_after,
    )
    sight = Sight(acknowledges=True, position=settings.position, detector=lane.detector)
    return MqttController(settings, watch, sight, broker_of(site, settings), site.clock)


class MqttController(WatchedBarrier):
    """One controller."""

    def __init__(self, settings: Settings, watch: LaneWatch, sight: Sight, broker: Broker, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._prefix = filled(settings.prefix, lot_id=watch.lane.lot_id, channel_id=watch.lane.channel_id)
        self._replies: dict[str, asyncio.Future[Reply]] = {}
        self._reports = Reports(watch, detector=sight.detector, alone=False)
        super().__init__(watch, sight, ControllerScreen(broker, self._prefix, settings.screen or ScreenSettings()))
        broker.listen({f"{self._prefix}/event": self._event, f"{self._prefix}/reply": self._reply}, self._link)

    async def raise_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "open")

    async def hold_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "hold")

    async def lower_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "close")

    async def _command(self, attempt: Attempt, command: str) -> Result:
        if attempt.command_id in self._replies:
            raise NotSent("this command is under way already")
        reply = asyncio.get_running_loop().create_future()
        self._replies[attempt.command_id] = reply
        message = {
            "id": attempt.command_id,
            "command": command,
            "deadline": attempt.deadline.at.timestamp(),
            "sent": self._clock.now().timestamp(),
        }
        try:
            attempt.sent = True  # from here on it may leave, whatever becomes of us
            await self._broker.publish(f"{self._prefix}/command", msgspec.json.encode(message))
            answer = await reply
        finally:
            del self._replies[attempt.command_id]
        return Result(Outcome(answer.outcome), answer.reason)

    def _link(self, there: bool, reason: str) -> None:
        if there:
            self.watch.expect()
        else:
            self.watch.lost(reason)

    def _event(self, payload: bytes) -> None:
        self.watch.heard()
        try:
            self._reports.tell(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.watch.not_understood(error)

    def _reply(self, payload: bytes) -> None:
        self.watch.heard()
        try:
            reply = msgspec.json.decode(payload, type=Reply)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.watch.not_understood(error)
            return
        waiting = self._replies.get(reply.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)
        elif waiting is None and reply.outcome == "accepted" and reply.command in ("open", "hold"):
            self.watch.lifted()


class ControllerScreen:
    """The controller's display."""

    def __init__(self, broker: Broker, prefix: str, settings: ScreenSettings) -> None:
        self._broker = broker
        self._topic = f"{prefix}/screen"
        self._settings = settings

    async def show(self, text: str) -> None:
        """Send a text, and how it is best broken into lines."""
        await self._send({"text": text, "lines": lines(text, self._settings)})

    async def ask(self, price: Price) -> None:
        """Send a price, in words and in numbers."""
        text = in_words(price)
        await self._send({"text": text, "lines": lines(text, self._settings), "price": ToldPrice.of(price)})

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            await self._broker.publish(self._topic, msgspec.json.encode(message))
        except (NotSent, NoAnswer):
            return
