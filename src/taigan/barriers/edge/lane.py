"""A lane whose devices stand behind an edge in the lot (`taigan edge`), which holds the real driver.

The platform needs no way into the lot: both sides connect to the broker. A cut line means no beat, and then a command
is REJECTED at once; one that was on its way is UNCERTAIN, and void at the edge after its deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from taigan.barriers.barrier import Barrier, Position, Price, Result, Sight
from taigan.barriers.edge.wire import (
    Ack,
    Beat,
    Cancel,
    Command,
    CommandOutcome,
    LaneEvent,
    LanePicture,
    Text,
    prefix,
)
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch, NoAnswer, NotSent
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.barriers.wires.broker import Broker, BrokerSettings, broker_of
from taigan.barriers.wires.price import ToldPrice
from taigan.clock import Clock
from taigan.running.tasks import end

OF_THE_PAST = 1e9
"""The age of an event of which only that is known."""


class Settings(BrokerSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A lane behind an edge. `silent_after`: seconds without a beat after which the line counts as cut.

    `acknowledges` and `position` say what the lane's device can do until the edge has told.
    """

    silent_after: Annotated[float, msgspec.Meta(gt=0)] = 15.0
    acknowledges: bool = True
    position: bool = False


def build(lane: Lane, settings: Settings, site: Site) -> Barrier:
    """The lane behind the shared connection to the broker and its lot's edge."""
    broker = broker_of(site, settings)
    lot_id = lane.key.lot_id
    link = site.shared(("edge", settings.key(), lot_id), lambda: EdgeLink(broker, lot_id, site.clock))
    watch = site.watch(lane, f"edge of {lot_id}", silent_after=settings.silent_after)
    sight = Sight(settings.acknowledges, settings.position, lane.detector, tells_events=True)
    return EdgeBarrier(watch, sight, broker, link)


class EdgeLink:
    """What is known of one lot's edge: whether it lives, and what its clock says."""

    def __init__(self, broker: Broker, lot_id: str, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._topic = prefix(lot_id)
        self._lanes: list[EdgeBarrier] = []
        self._beat: Beat | None = None  # none while the edge cannot be reached
        self._last_beat: Beat | None = None
        self._beat_heard = 0.0
        self._skew = 0.0  # by how many seconds the edge's wall clock is ahead of ours
        self._sending: set[asyncio.Task[None]] = set()
        broker.listen({f"{self._topic}/beat": self._beaten, f"{self._topic}/gone": self._gone}, self._link)

    def join(self, lane: EdgeBarrier) -> None:
        """Tell a lane of its edge."""
        self._lanes.append(lane)

    def leave(self, lane: EdgeBarrier) -> None:
        """Tell it no longer."""
        if lane in self._lanes:
            self._lanes.remove(lane)

    def until(self, attempt: Attempt) -> tuple[str, float]:
        """The edge's boot, and the attempt's deadline on its clock. Raises `NotSent` when it was never heard."""
        if self._beat is None:
            raise NotSent("the edge in the lot has not been heard")
        left = attempt.deadline.left()
        if left <= 0:
            raise NotSent("the command came after its deadline")
        return self._beat.boot, self._beat.clock + (self._clock.monotonic() - self._beat_heard) + left

    def age(self, event: LaneEvent) -> float:
        """For how many seconds an event was kept back before it came here; `OF_THE_PAST` where the edge has been
        started again since, or has not said what its clock shows."""
        if not event.boot:  # an edge of an earlier version
            return max((self._clock.now() - event.at).total_seconds() + self._skew, 0.0)
        if self._last_beat is None or event.boot != self._last_beat.boot:
            return OF_THE_PAST
        return max(self._last_beat.clock + self._clock.monotonic() - self._beat_heard - event.clock, 0.0)

    def acknowledge(self, event_id: str) -> None:
        """Tell the edge that an event is dealt with."""
        self._send("ack", Ack([event_id]))

    async def start(self) -> None:
        """Nothing of its own: the broker's connection is started by the `Site`."""

    async def stop(self) -> None:
        """Nothing of its own."""
        await end(*self._sending)

    def _beaten(self, payload: bytes) -> None:
        beat = msgspec.json.decode(payload, type=Beat)
        self._beat = self._last_beat = beat
        self._beat_heard = self._clock.monotonic()
        self._skew = (beat.at - self._clock.now()).total_seconds()
        for lane in self._lanes:
            lane.edge_heard(self._skew)

    def _gone(self, payload: bytes) -> None:
        self._beat = None
        for lane in self._lanes:
            lane.edge_lost("the edge in the lot went away")

    def _link(self, there: bool, reason: str) -> None:
        if there:  # a beat may have come with the subscription's answer: it counts
            self._send("ask", {})
            return
        self._beat = None
        for lane in self._lanes:
            lane.edge_lost(reason)

    def _send(self, name: str, content: object) -> None:
        task = asyncio.get_running_loop().create_task(self._publish(f"{self._topic}/{name}", content))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _publish(self, topic: str, content: object) -> None:
        try:
            await self._broker.publish(topic, msgspec.json.encode(content))
        except (NotSent, NoAnswer):
            return  # the edge says it again


class EdgeBarrier(WatchedBarrier):
    """One lane behind an edge."""

    def __init__(self, watch: LaneWatch, sight: Sight, broker: Broker, link: EdgeLink) -> None:
        self._broker = broker
        self._edge = link
        self._topic = f"{prefix(watch.lane.lot_id)}/{watch.lane.channel_id}"
        self._outcomes: dict[str, asyncio.Future[CommandOutcome]] = {}
        self._acknowledging: set[asyncio.Task[None]] = set()
        super().__init__(watch, sight, EdgeScreen(broker, f"{self._topic}/screen"))
        link.join(self)
        broker.listen(
            {
                f"{self._topic}/outcome": self._outcome,
                f"{self._topic}/event": self._event,
                f"{self._topic}/state": self._picture,
            },
            qos=1,
        )

    async def raise_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "open")

    async def hold_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "hold")

    async def lower_arm(self, attempt: Attempt) -> Result:
        return await self._command(attempt, "close")

    async def cancel(self, command_id: str) -> None:
        """Drop a command that has not left, here or at the edge."""
        await super().cancel(command_id)
        if command_id in self._outcomes:
            with contextlib.suppress(NotSent, NoAnswer):
                await self._broker.publish(f"{self._topic}/cancel", msgspec.json.encode(Cancel(command_id)))

    async def stop(self) -> None:
        self._edge.leave(self)
        await super().stop()

    def adopt(self, presence_id: str, since: datetime | None) -> None:
        """The edge knows its cars."""

    def edge_heard(self, skew: float) -> None:
        """The edge lives; its wall clock is ahead of ours by `skew` seconds."""
        self.watch.expect()
        self.state.extra["edge_clock_skew"] = f"{skew:.1f}"

    def edge_lost(self, reason: str) -> None:
        """The edge is cut off."""
        self.watch.lost(reason)

    async def _command(self, attempt: Attempt, command: Literal["open", "hold", "close"]) -> Result:
        if attempt.command_id in self._outcomes:
            raise NotSent("this command is under way already")
        boot, until = self._edge.until(attempt)
        outcome = asyncio.get_running_loop().create_future()
        self._outcomes[attempt.command_id] = outcome
        message = msgspec.json.encode(Command(attempt.command_id, command, boot, until))
        try:
            attempt.sent = True  # from here on it may leave, whatever becomes of us
            await self._broker.publish(f"{self._topic}/command", message)
            answer = await outcome
        finally:
            del self._outcomes[attempt.command_id]
        return Result(answer.outcome, answer.reason)

    def _outcome(self, payload: bytes) -> None:
        answer = msgspec.json.decode(payload, type=CommandOutcome)
        waiting = self._outcomes.get(answer.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _event(self, payload: bytes) -> None:
        event = msgspec.json.decode(payload, type=LaneEvent)
        taken = self.watch.relay(event.in_lane(self.watch.lane, self._edge.age(event)))
        task = asyncio.get_running_loop().create_task(self._acknowledge(event.event_id, taken))
        self._acknowledging.add(task)
        task.add_done_callback(self._acknowledging.discard)

    async def _acknowledge(self, event_id: str, taken: Awaitable[bool]) -> None:
        if await taken:  # else the edge says it again
            self._edge.acknowledge(event_id)

    def _picture(self, payload: bytes) -> None:
        picture = msgspec.json.decode(payload, type=LanePicture)
        self._sight = Sight(
            picture.acknowledges,
            picture.position_seen,
            picture.detector,
            picture.slowest_command,
            tells_events=True,
        )
        position = picture.position
        if not picture.online and position is not None:
            position = Position.UNKNOWN
        self.watch.adopt(position, picture.presence_id, picture.since)
        if picture.online:
            self.watch.heard()
        state = self.state
        state.online = picture.online
        state.held = picture.held
        state.last_heard = picture.last_heard
        state.errors = max(state.errors, picture.errors)
        state.extra.update(picture.extra)


class EdgeScreen:
    """The lane's screen, shown by the edge."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self._broker = broker
        self._topic = topic

    async def show(self, text: str) -> None:
        """Have the edge show a text."""
        await self._send(Text(text))

    async def ask(self, price: Price) -> None:
        """Have the edge ask for a price."""
        await self._send(Text(price=ToldPrice.of(price)))

    async def _send(self, shown: Text) -> None:
        try:
            await self._broker.publish(self._topic, msgspec.json.encode(shown))
        except (NotSent, NoAnswer):
            return
