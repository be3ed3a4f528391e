"""The lanes as they are now: their barriers, and what their devices report put into the orders.

An event may come more than once, and to several processes; handling one again changes nothing. Where events are made
here of what a device says, one process does that at a time: `watchers.py`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
import structlog

from taigan.barriers.barrier import (
    Barrier,
    Event,
    EventKind,
    LaneKey,
    LaneState,
    NoScreen,
    Position,
    Price,
    WatchedElsewhere,
)
from taigan.clock import Clock, set_within
from taigan.lot import texts
from taigan.lot.lanes.street import Effect, Exits, Street
from taigan.lot.lanes.watchers import Watchers
from taigan.lot.signals.events import Events
from taigan.lot.signals.metrics import Metrics
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.engines.group import GroupCommit
from taigan.storage.errors import StorageError
from taigan.storage.locked import facts
from taigan.storage.rows import Alarm, Lift, Presence

R = TypeVar("R")
log = structlog.get_logger("taigan.lanes")
STORE_AGAIN = 0.5
"""Seconds after which an event that could not be stored is stored again."""
ENDS = (EventKind.PASSED, EventKind.SECOND_CAR, EventKind.BACKED_OUT)
"""What is reported of a car when it has left its lane."""
ARM_REMEMBERED = 16
"""So many reports of a lane's arm are known again when they come once more."""

Gap = Callable[[LaneKey], Awaitable[None]]
"""Told of a lane whose car has left."""
Follow = Callable[[LaneKey, str], Awaitable[None]]
"""Raises the arm of a lane for a waiting order, now that it can be."""
Rest = Callable[[], Awaitable[None]]
"""Does what is left to do once the lane's next events come. Raises `StorageError`, and is asked again then."""
Read = Callable[[Event], Awaitable[Rest | None]]
"""Stores what was read, and returns what is left to do. Raises `StorageError`."""


class NotStored(Exception):
    """An event is not in the database, and nobody may take it for dealt with."""


class Stored(msgspec.Struct, omit_defaults=True):
    """What an event led to, for those who wait, here and at the other processes."""

    lot_id: str
    channel_id: str
    arrived: bool = False
    gone: str = ""  # the car that left the loop
    settled: list[str] = []  # orders


def _as_it_is(lot_id: str, shown: str) -> str:
    return shown


class Lanes:
    """Every lane's barrier, and the one place where its events arrive."""

    def __init__(self, database: Database, clock: Clock, metrics: Metrics, events: Events, process: str = "") -> None:
        """`process` names this one where there are others."""
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._events = events
        self._barriers: dict[LaneKey, Barrier] = {}
        self._commits = GroupCommit[Event, "Effect"](
            database, self._apply, lot_of=lambda event: event.lane.lot_id, clock=clock
        )
        self._arrivals: dict[LaneKey, asyncio.Event] = {}
        self._expected: dict[tuple[str, str], tuple[Lift, asyncio.Future[None]]] = {}
        self._gone: dict[LaneKey, str] = {}  # the car that left each lane last
        self._renamed: dict[LaneKey, tuple[str, str]] = {}  # what a driver called the car that it adopted
        self._arm_said: dict[LaneKey, deque[str]] = {}  # the latest reports of each arm
        self._background: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self.watchers = Watchers(database, clock, process, self._made_here, self._adopt)
        self.exits: Exits | None = None
        self.when_arm_is_down: Follow | None = None
        self.when_car_is_gone: Gap | None = None
        self.city_text: Callable[[str, str], str] = _as_it_is
        """What a lot's screens show in place of one of its own texts."""
        self.when_read: dict[EventKind, Read] = {}
        """Who takes what a camera, a scanner or an antenna reads."""
        self.when_alarmed: Callable[[Alarm], None] | None = None
        self.when_stored: Callable[[Stored], None] | None = None
        metrics.barriers.labels("online").set_function(lambda: self._online())
        metrics.barriers.labels("offline").set_function(lambda: len(self._barriers) - self._online())

    def add(self, lane: LaneKey, barrier: Barrier) -> None:
        """Make a lane's barrier known, in place of an earlier one."""
        self._barriers[lane] = barrier

    async def go_on(self, lanes: Collection[LaneKey]) -> None:
        """Let the lanes' new drivers know of the cars on their loops, where no other process watches them. Raises
        `StorageError`."""
        if self.watchers.alone:
            cars = await self._database.read(lambda conn: facts.cars(conn, lanes))
            for lane in lanes:
                self._adopt(lane, cars.get(lane))

    def remove(self, lane: LaneKey) -> None:
        """The lane has no barrier any more."""
        self._barriers.pop(lane, None)
        self._renamed.pop(lane, None)

    def barrier(self, lane: LaneKey) -> Barrier | None:
        return self._barriers.get(lane)

    def of_lot(self, lot_id: str) -> list[LaneKey]:
        """The lot's lanes that have a barrier here."""
        return [lane for lane in self._barriers if lane.lot_id == lot_id]

    def state(self, lane: LaneKey) -> LaneState | None:
        """The live picture of a lane; None when it has no barrier here."""
        barrier = self._barriers.get(lane)
        return barrier.state if barrier is not None else None

    def show(self, lane: LaneKey, shown: str | Price) -> None:
        """Put a text, or what the driver is asked for, on the lane's screen, without waiting for it."""
        barrier = self._barriers.get(lane)
        if barrier is None or isinstance(barrier.screen, NoScreen):
            return
        screen = barrier.screen
        if isinstance(shown, Price):
            self._later(screen.ask(shown))
        else:
            self._later(screen.show(texts.fitted(self.city_text(lane.lot_id, shown))))

    def next_arrival(self, lane: LaneKey) -> asyncio.Event:
        """An event that is set when the next car on the lane's loop is committed."""
        return self._arrivals.setdefault(lane, asyncio.Event())

    def expect(self, lift: Lift) -> asyncio.Future[None]:
        """A future that is done when something a device reports settles the lift's order, or its car has gone: at once,
        when it has left while the lift was being committed. End it with `forget`."""
        settled = asyncio.get_running_loop().create_future()
        self._expected[(lift.lot_id, lift.lift_id)] = (lift, settled)
        if lift.presence_id and self._gone.get(LaneKey(lift.lot_id, lift.channel_id)) == lift.presence_id:
            settled.set_result(None)
        return settled

    def forget(self, lift: Lift) -> None:
        self._expected.pop((lift.lot_id, lift.lift_id), None)

    def follow_arm(self, lane: LaneKey, order_id: str) -> None:
        """An order waits for the arm to come down: should it have come down meanwhile, raise it now."""
        state = self.state(lane)
        if state is not None and state.position is Position.CLOSED and self.when_arm_is_down is not None:
            self._later(self.when_arm_is_down(lane, order_id))

    async def handle(self, event: Event) -> None:
        """Commit what an event changes, however long the database takes. The sink that drivers are built with.

        What is stored and billed is when it came here: a device's clock is its own.

        Raises NotStored: whoever reported it keeps it, and reports it again. Raises WatchedElsewhere.
        """
        event = replace(event, at=self._clock.now())
        if event.kind in (EventKind.RISING, EventKind.FALLING):
            if self._tells_events(event.lane) or self.watchers.holds(event.lane):
                self._publish(event)
            return
        if event.kind in self.when_read:
            await self._take(event, self.when_read[event.kind])
            return
        if not await self.is_watched(event.lane):
            raise WatchedElsewhere(str(event.lane))
        event = self._of_adopted(event)
        said = self._arm_said.setdefault(event.lane, deque(maxlen=ARM_REMEMBERED))
        if event.event_id in said:  # whatever the arm did since, this is not news
            return
        effect = await self._store(event)
        if event.kind in (EventKind.UP, EventKind.DOWN):
            said.append(event.event_id)
        self._publish(event)
        gone = event.presence_id if event.kind in ENDS else ""
        stored = Stored(event.lane.lot_id, event.lane.channel_id, effect.arrived, gone, effect.settled)
        self.hear(stored)
        waited_for = stored.arrived or stored.gone or stored.settled
        if waited_for and self.when_stored is not None and not self._tells_events(event.lane):
            self.when_stored(stored)
        for alarm in effect.alarms:
            self.alarm(alarm)
        if effect.screen:
            self.show(event.lane, effect.screen)
        if self.exits is not None and effect.at_exit is not None:
            self.exits.follow(effect.at_exit)
        if self.when_arm_is_down is not None:
            for order_id in effect.arm_is_down_for:
                self._later(self.when_arm_is_down(event.lane, order_id))

    def hear(self, stored: Stored) -> None:
        """An event was stored, here or by another process: let those go on who waited for it."""
        lane = LaneKey(stored.lot_id, stored.channel_id)
        if stored.arrived and (waiting := self._arrivals.pop(lane, None)):
            waiting.set()
        if stored.gone:
            self._gone[lane] = stored.gone
            if self.when_car_is_gone is not None:
                self._later(self.when_car_is_gone(lane))
        for lift, settled in self._expected.values():
            if lift.lot_id != stored.lot_id or settled.done():
                continue
            if (stored.gone and lift.presence_id == stored.gone) or lift.order_id in stored.settled:
                settled.set_result(None)

    def alarm(self, alarm: Alarm) -> None:
        """Count, log and show an alarm whose row is committed."""
        self._metrics.alarms.labels(alarm.kind).inc()
        log.warning("alarm", kind=alarm.kind, lot=alarm.lot_id, lane=alarm.channel_id, text=alarm.text)
        if self.when_alarmed is not None:
            self.when_alarmed(alarm)
        self._publish_alarm("alarm", alarm)

    def alarm_changed(self, alarm: Alarm, *, tell: bool = False) -> None:
        """Show what became of an alarm: taken, put off, done, over. `tell` it to whom alarms are posted, too."""
        log.info("alarm changed", kind=alarm.kind, lot=alarm.lot_id, lane=alarm.channel_id, state=alarm.state)
        if tell and self.when_alarmed is not None:
            self.when_alarmed(alarm)
        self._publish_alarm("alarm_changed", alarm)

    def _publish_alarm(self, step: str, alarm: Alarm) -> None:
        told = {"step": step, "channel_id": alarm.channel_id, "order_id": alarm.order_id, "at": alarm.at}
        about = {"kind": alarm.kind, "text": alarm.text, "state": alarm.state}
        every = {lane.lot_id for lane in self._barriers}  # what belongs to no lot is on the pages of each
        for lot_id in [alarm.lot_id] if alarm.lot_id else sorted(every):
            self._events.publish({**told, "lot_id": lot_id, **about})

    def _online(self) -> int:
        return sum(barrier.state.online for barrier in self._barriers.values())

    def stop(self) -> None:
        """Do not wait any longer for a database that is gone."""
        self._stopping.set()
        self.watchers.stop()

    async def settled(self) -> None:
        """Return when what the events so far set in motion has ended."""
        await self._commits.drained()
        if self._background:
            await asyncio.wait(self._background, timeout=5)

    def _tells_events(self, lane: LaneKey) -> bool:
        """Whether every process hears the same events of the lane, however many store them."""
        barrier = self._barriers.get(lane)
        return barrier is None or barrier.sight.tells_events

    def _made_here(self) -> list[LaneKey]:
        """The lanes whose device is reached from here, and whose events are made here."""
        return [
            lane for lane, barrier in self._barriers.items() if barrier.state.online and not barrier.sight.tells_events
        ]

    async def is_watched(self, lane: LaneKey) -> bool:
        """Whether what a lane's device tells here is this process's to store. Raises NotStored: the platform stops."""
        if self._tells_events(lane) or await self.watchers.is_ours(lane):
            return True
        if self._stopping.is_set():
            raise NotStored("the platform stops")
        return False

    async def _take(self, event: Event, read: Read) -> None:
        """What was read is dealt with before the lane's next event is, or is at least in the database."""
        if not await self.is_watched(event.lane):
            return
        told = self._of_adopted(event)
        rest = await self._insist(told, lambda: read(told))
        if rest is not None:
            self._later(self._insist(told, rest))

    def _adopt(self, lane: LaneKey, car: Presence | None) -> None:
        """Have the lane's driver go on with the car that the rows know; a claim without a detector is no car's."""
        if barrier := self._barriers.get(lane):
            before = barrier.state.presence_id
            if car is None or car.ends_at is not None:
                barrier.adopt("", None)
            else:
                barrier.adopt(car.presence_id, car.arrived_at)
            if before and (after := barrier.state.presence_id) and before != after:
                self._renamed[lane] = before, after

    def _of_adopted(self, event: Event) -> Event:
        """An event as it is about a car that the rows knew already: its driver saw that car when nobody watched, and
        told of it under a name of its own."""
        before, after = self._renamed.get(event.lane, ("", ""))
        return replace(event, presence_id=after) if before and event.presence_id == before else event

    async def _store(self, event: Event) -> Effect:
        """What a stored event led to. Raises NotStored when it cannot be stored, now or ever."""
        return await self._insist(event, lambda: self._commits.submit(event))

    async def _insist(self, event: Event, store: Callable[[], Awaitable[R]]) -> R:
        while True:
            try:
                return await store()
            except StorageError as error:
                log.error("lane event not stored yet", lane=str(event.lane), kind=event.kind, error=str(error))
                if await set_within(self._clock, self._stopping, STORE_AGAIN):
                    raise NotStored(str(error)) from error
            except Exception as error:
                log.exception("lane event failed", lane=str(event.lane), kind=event.kind)
                raise NotStored(str(error)) from error

    def _publish(self, event: Event) -> None:
        if self._events.anybody:
            self._events.publish(
                {
                    "step": "lane",
                    "lot_id": event.lane.lot_id,
                    "channel_id": event.lane.channel_id,
                    "at": event.at,
                    "kind": event.kind.value,
                    "presence_id": event.presence_id,
                    "event_id": event.event_id,
                }
            )

    def _later(self, work: Awaitable[Any]) -> None:
        async def run() -> None:
            try:
                await work
            except NotStored:
                return  # said where it was given up
            except Exception:
                log.exception("what an event set in motion failed")

        task = asyncio.create_task(run())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _apply(self, conn: sa.Connection, events: Sequence[Event]) -> list[Effect]:
        lots = facts.lock(conn, {event.lane.lot_id for event in events})
        changes = Changes()
        street = Street(conn, lots, events, changes, self.exits)
        effects = [street.see(event) for event in events]
        changes.write(conn)
        street.tell_exits()
        return effects
