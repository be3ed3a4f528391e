"""The lanes as they are now: their barriers, and what their devices report put into the orders.

Every process hears every event, perhaps more than once; handling one again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

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
)
from taigan.clock import Clock, set_within
from taigan.lot import texts
from taigan.lot.events import Events
from taigan.lot.metrics import Metrics
from taigan.lot.stays import orders
from taigan.storage import deliveries, facts
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.group import GroupCommit
from taigan.storage.rows import Alarm, Lane, Lift, Lot, Order, Presence

log = structlog.get_logger("taigan.lanes")
STORE_AGAIN = 0.5
"""Seconds after which an event that could not be stored is stored again."""
_ONCE = (EventKind.FAULT, EventKind.STAYED, EventKind.OFFLINE, EventKind.WARNING)
"""Events that concern no car's coming or going: their alarm's row tells whether they were handled before."""

Follow = Callable[[LaneKey, str], Awaitable[None]]
"""Raises the arm of a lane for a waiting order, now that it can be."""


class Exits(Protocol):
    """The desk of the exit, as the lanes know it: told of every event in an exit lane, in the event's transaction."""

    def see(self, conn: sa.Connection, lot: Lot, lane: Lane, kind: EventKind, car: Presence | None) -> Any:
        """Note what the event changes. `car`: the one that came, passed or went back."""

    def follow(self, after: Any) -> None:
        """Set in motion what `see` returned, now that it is committed."""


class NotStored(Exception):
    """An event is not in the database, and nobody may take it for dealt with."""


class Lanes:
    """Every lane's barrier, and the one place where its events arrive."""

    def __init__(self, database: Database, clock: Clock, metrics: Metrics, events: Events) -> None:
        self._clock = clock
        self._metrics = metrics
        self._events = events
        self._barriers: dict[LaneKey, Barrier] = {}
        self._commits = GroupCommit[Event, "Effect"](database, self._apply, lot_of=lambda event: event.lane.lot_id)
        self._arrivals: dict[LaneKey, asyncio.Event] = {}
        self._expected: dict[tuple[str, str], tuple[Lift, asyncio.Event]] = {}
        self._gone: dict[LaneKey, str] = {}  # the car that left each lane last
        self._background: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self.exits: Exits | None = None
        self.when_arm_is_down: Follow | None = None
        self.when_plate_is_read: Callable[[Event], Awaitable[None]] | None = None
        self.when_code_is_scanned: Callable[[Event], Awaitable[None]] | None = None
        self.when_alarmed: Callable[[Alarm], None] | None = None
        metrics.barriers.labels("online").set_function(lambda: self._online())
        metrics.barriers.labels("offline").set_function(lambda: len(self._barriers) - self._online())

    def add(self, lane: LaneKey, barrier: Barrier) -> None:
        """Make a lane's barrier known, in place of an earlier one."""
        self._barriers[lane] = barrier

    def remove(self, lane: LaneKey) -> None:
        """The lane has no barrier any more."""
        self._barriers.pop(lane, None)

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
        self._later(screen.ask(shown) if isinstance(shown, Price) else screen.show(texts.fitted(shown)))

    def ask(self, lane: LaneKey, price: Price) -> None:
        """Ask for a price on the lane's screen, without waiting for it."""
        barrier = self._barriers.get(lane)
        if barrier is not None and not isinstance(barrier.screen, NoScreen):
            self._later(barrier.screen.ask(price))

    def next_arrival(self, lane: LaneKey) -> asyncio.Event:
        """An event that is set when the next car on the lane's loop is committed."""
        return self._arrivals.setdefault(lane, asyncio.Event())

    def expect(self, lift: Lift) -> asyncio.Event:
        """An event that is set when something a device reports settles the lift's order, or its car has gone: at once,
        when it has left while the lift was being committed. End it with `forget`."""
        settled = asyncio.Event()
        self._expected[(lift.lot_id, lift.lift_id)] = (lift, settled)
        if lift.presence_id and self._gone.get(LaneKey(lift.lot_id, lift.channel_id)) == lift.presence_id:
            settled.set()
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

        Raises NotStored: whoever reported it keeps it, and reports it again.
        """
        if event.kind in (EventKind.RISING, EventKind.FALLING):
            self._publish(event)
            return
        if event.kind is EventKind.PLATE:
            if self.when_plate_is_read is not None:  # not awaited: it may wait for the lane's next events
                self._later(self.when_plate_is_read(event))
            return
        if event.kind is EventKind.SCANNED_CODE:
            if self.when_code_is_scanned is not None:
                self._later(self.when_code_is_scanned(event))
            return
        effect = await self._store(event)
        self._publish(event)
        if effect.arrived and (waiting := self._arrivals.pop(event.lane, None)):
            waiting.set()
        left = event.kind in (EventKind.PASSED, EventKind.BACKED_OUT)
        if left:
            self._gone[event.lane] = event.presence_id
        for lift, settled in self._expected.values():
            if lift.lot_id != event.lane.lot_id:
                continue
            if (left and lift.presence_id == event.presence_id) or lift.order_id in effect.settled:
                settled.set()
        for alarm in effect.alarms:
            self.alarm(alarm)
        if effect.screen:
            self.show(event.lane, effect.screen)
        if self.exits is not None and effect.at_exit is not None:
            self.exits.follow(effect.at_exit)
        if self.when_arm_is_down is not None:
            for order_id in effect.arm_is_down_for:
                self._later(self.when_arm_is_down(event.lane, order_id))

    def alarm(self, alarm: Alarm) -> None:
        """Count, log and show an alarm whose row is committed."""
        self._metrics.alarms.labels(alarm.kind).inc()
        log.warning("alarm", kind=alarm.kind, lot=alarm.lot_id, lane=alarm.channel_id, text=alarm.text)
        if self.when_alarmed is not None:
            self.when_alarmed(alarm)
        self._events.publish(
            {
                "step": "alarm",
                "lot_id": alarm.lot_id,
                "channel_id": alarm.channel_id,
                "order_id": alarm.order_id,
                "at": alarm.at,
                "kind": alarm.kind,
                "text": alarm.text,
            }
        )

    def _online(self) -> int:
        return sum(barrier.state.online for barrier in self._barriers.values())

    def stop(self) -> None:
        """Do not wait any longer for a database that is gone."""
        self._stopping.set()

    async def settled(self) -> None:
        """Return when what the events so far set in motion has ended."""
        await self._commits.drained()
        if self._background:
            await asyncio.wait(self._background, timeout=5)

    async def _store(self, event: Event) -> Effect:
        """What a stored event led to. Raises NotStored when it cannot be stored, now or ever."""
        while True:
            try:
                return await self._commits.submit(event)
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
            except Exception:
                log.exception("what an event set in motion failed")

        task = asyncio.create_task(run())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _apply(self, conn: sa.Connection, events: Sequence[Event]) -> list[Effect]:
        lots = facts.lock(conn, {event.lane.lot_id for event in events})
        changes = Changes()
        street = _Street(conn, lots, events, changes, self.exits)
        effects = [street.see(event) for event in events]
        changes.write(conn)
        street.tell_exits()
        return effects


class Effect:
    """What an event led to, for those who wait in memory."""

    def __init__(self) -> None:
        self.arrived = False
        self.screen = ""
        self.settled: list[str] = []
        self.known = False  # another process stored the same event before
        self.alarms: list[Alarm] = []
        self.arm_is_down_for: list[str] = []
        self.at_exit: Any = None


class _Street:
    """The lanes of a batch of events, inside its transaction."""

    def __init__(
        self,
        conn: sa.Connection,
        lots: dict[str, Lot],
        events: Sequence[Event],
        changes: Changes,
        exits: Exits | None = None,
    ) -> None:
        self._exits = exits
        self._at_exits: list[tuple[Effect, Lot, Lane, EventKind, Presence | None]] = []
        keys = {(event.lane.lot_id, event.lane.channel_id) for event in events}
        self._conn = conn
        self._lots = lots
        self._changes = changes
        self._lanes = facts.lanes(conn, keys)
        self._cars = facts.cars(conn, keys)
        named = {event.presence_id for event in events if event.presence_id}
        self._known = facts.presences(conn, named) if named else {}
        at_loop = named | {car.presence_id for car in self._cars.values()}
        self._orders = facts.live_orders_at(conn, at_loop) if at_loop else {}
        once = {event.event_id for event in events if event.kind in _ONCE}
        self._reported = facts.reported(conn, once) if once else set()

    def see(self, event: Event) -> Effect:
        effect = Effect()
        lot = self._lots.get(event.lane.lot_id)
        lane = self._lanes.get((event.lane.lot_id, event.lane.channel_id))
        if lot is None or lane is None:
            return effect
        if event.kind in _ONCE:
            report = (lot.lot_id, lane.channel_id, event.event_id)
            if report in self._reported:
                return effect
            self._reported.add(report)
        match event.kind:
            case EventKind.ARRIVED:
                self._arrived(event, lot, lane, effect)
            case EventKind.PASSED:
                self._passed(event, lot, lane, effect)
            case EventKind.BACKED_OUT:
                self._backed_out(event, lot, lane, effect)
            case EventKind.SECOND_CAR:
                self._followed(event, lot, lane, effect)
            case EventKind.UP:
                self._up(event, lot, lane, effect)
            case EventKind.DOWN if lane.direction != "entry":
                self._at_exits.append((effect, lot, lane, event.kind, None))
            case EventKind.DOWN:
                waiting = self._waiting_in(lane)
                effect.arm_is_down_for = [order.order_id for order in waiting if order.waiting_for == "arm"]
            case EventKind.FAULT:
                self._fault(event, lot, lane, effect)
            case EventKind.STAYED:
                self._stayed(event, effect)
            case EventKind.WARNING:
                self._alarm(event, effect, "barrier_warning", event.detail)
            case EventKind.OFFLINE:
                self._alarm(event, effect, "barrier_offline", event.detail or "the barrier is not reached")
            case EventKind.ONLINE:
                self._online(lane, effect)
        return effect

    def tell_exits(self) -> None:
        """Let the exit's desk note what it saw, once the lanes' own rows are written."""
        for effect, lot, lane, kind, car in self._at_exits:
            if self._exits is not None:
                effect.at_exit = self._exits.see(self._conn, lot, lane, kind, car)

    def _online(self, lane: Lane, effect: Effect) -> None:
        """The screen of a device that was off is blank."""
        if lane.direction == "entry":
            waiting = (lane.lot_id, lane.channel_id) in self._cars
            effect.screen = texts.SCREEN_SCAN if waiting else texts.SCREEN_WELCOME

    def _arrived(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        if car := self._known.get(event.presence_id):
            effect.arrived = car.left_at is None
            return
        key = (lot.lot_id, lane.channel_id)
        if before := self._cars.get(key):
            self._leave(before, event, "assumed")
            order = self._orders.get((lot.lot_id, before.presence_id))
            if order is not None and order.state == "in" and order.passed_at is None:
                orders.drive_through(self._changes, order, event.at, "assumed: another car is on the loop")
        car = Presence(event.presence_id, lot.lot_id, lane.channel_id, event.at)
        self._known[car.presence_id] = self._cars[key] = car
        self._changes.arrived.append(car)
        if lane.loop_dead:
            lane.loop_dead = False
            self._changes.lane(lane)
        effect.arrived = True
        if lane.direction == "entry":
            effect.screen = texts.SCREEN_SCAN
        else:
            self._at_exits.append((effect, lot, lane, event.kind, car))

    def _passed(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        car = self._known.get(event.presence_id)
        if car is not None and car.left_at is not None:
            effect.known = True
            return
        order = self._order_of(event)
        claim = self._cars.get((lot.lot_id, lane.channel_id)) if car is None and not lane.detector else None
        if claim is not None:
            self._leave(claim, event, "passed")
            order = self._orders.get((lot.lot_id, claim.presence_id))
        if car is None:
            if lane.detector and not lane.loop_dead:
                lane.loop_dead = True
                self._changes.lane(lane)
                self._alarm(event, effect, "loop_fault", "a car passed whose loop never lit")
            car = Presence(event.presence_id, lot.lot_id, lane.channel_id, event.at, None, event.at, "passed")
            self._known[car.presence_id] = car
            self._changes.arrived.append(car)
        else:
            self._leave(car, event, "passed")
        if lane.direction != "entry":
            self._at_exits.append((effect, lot, lane, event.kind, claim or car))
            return
        order = order or self._unseen_order_in(lane)
        if order is None or not order.live:
            self._passed_unasked(event, lot, lane, car, effect)
        else:
            self._passed_on(event, lot, order, effect)

    def _passed_on(self, event: Event, lot: Lot, order: Order, effect: Effect) -> None:
        if order.state == "waiting":
            orders.enter(self._changes, lot, order, event.at, why="the car was seen to pass")
            effect.settled.append(order.order_id)
        orders.drive_through(self._changes, order, event.at, "seen")

    def _passed_unasked(self, event: Event, lot: Lot, lane: Lane, car: Presence, effect: Effect) -> None:
        lift = facts.lift_without_order(self._conn, lot.lot_id, lane.channel_id, car.arrived_at)
        reason = f"raised by {lift.actor}: {lift.reason}" if lift is not None else ""
        if lot.emergency:
            reason = "emergency"
        orders.pass_without_order(self._changes, lot, car, event.at, reason or "no order")
        if not reason:
            self._alarm(event, effect, "passed_without_order", "无订单通过: a car passed without an order")

    def _followed(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        if event.presence_id in self._known:
            if self._known[event.presence_id].left_at is not None:
                return
            self._leave(self._known[event.presence_id], event, "second_car")
            car = self._known[event.presence_id]
        else:
            car = Presence(event.presence_id, lot.lot_id, lane.channel_id, event.at, None, event.at, "second_car")
            self._known[car.presence_id] = car
            self._changes.arrived.append(car)
        if lane.direction != "entry":
            self._at_exits.append((effect, lot, lane, event.kind, car))
            return
        order = self._order_of(event)
        if order is not None and order.live:
            self._passed_on(event, lot, order, effect)
        else:
            orders.pass_without_order(self._changes, lot, car, event.at, "跟车")
            self._alarm(event, effect, "tailgating", "跟车: a second car followed on one lift", order)

    def _backed_out(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        car = self._known.get(event.presence_id)
        if car is None or car.left_at is not None:
            effect.known = True
            return
        self._leave(car, event, "backed_out")
        if lane.direction == "entry":
            effect.screen = texts.SCREEN_WELCOME
        else:
            self._at_exits.append((effect, lot, lane, event.kind, car))
        order = self._order_of(event)
        if order is None or not order.live or order.passed_at is not None:
            return
        if order.state == "waiting":
            orders.void(self._changes, lot, order, event.at, why="backed out")
        else:
            unsent = self._changes.cancel_entry(order) or deliveries.cancel_unsent(
                self._conn, lot.lot_id, order.order_id
            )
            orders.reverse(self._changes, lot, order, event.at, uploaded=not unsent)
        effect.settled.append(order.order_id)

    def _up(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        if lane.confirm == "passage":
            return
        car = self._cars.get((lot.lot_id, lane.channel_id))
        if car is not None and (order := self._orders.get((lot.lot_id, car.presence_id))) and order.state == "in":
            effect.settled.append(order.order_id)
        for order in self._waiting_in(lane):
            raising = order.waiting_for in ("barrier", "confirmation") and order.requested_at <= event.at
            there = order.presence_id is None or (car is not None and car.presence_id == order.presence_id)
            if raising and there:
                orders.enter(self._changes, lot, order, event.at, why="the arm is up")
                effect.settled.append(order.order_id)
                return

    def _fault(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        self._alarm(event, effect, "barrier_fault", event.detail or "the barrier reports a fault")
        for order in self._waiting_in(lane):
            if order.waiting_for == "barrier" and order.requested_at <= event.at:
                orders.void(self._changes, lot, order, event.at, why="barrier fault")
                effect.settled.append(order.order_id)

    def _stayed(self, event: Event, effect: Effect) -> None:
        order = self._order_of(event)
        if order is not None:
            order.alarmed = "stayed"
            self._changes.order(order)
        self._alarm(event, effect, "stayed", "滞留: a car stays under the arm", order)

    def _waiting_in(self, lane: Lane) -> list[Order]:
        """The orders waiting in the lane, as the events seen so far have left them."""
        found = map(self._as_left, facts.waiting_in(self._conn, lane.lot_id, lane.channel_id))
        return [order for order in found if order.state == "waiting"]

    def _unseen_order_in(self, lane: Lane) -> Order | None:
        """The oldest order of the lane whose car no loop saw, and which did not pass yet."""
        found = map(self._as_left, facts.unseen_orders_in(self._conn, lane.lot_id, lane.channel_id))
        return next((order for order in found if order.live and order.passed_at is None), None)

    def _as_left(self, order: Order) -> Order:
        return self._orders.setdefault((order.lot_id, order.presence_id or order.order_id), order)

    def _leave(self, car: Presence, event: Event, how: str) -> None:
        car.left_at, car.left_how = event.at, how
        self._changes.leave(car)
        if self._cars.get((car.lot_id, car.channel_id)) is car:
            del self._cars[(car.lot_id, car.channel_id)]

    def _order_of(self, event: Event) -> Order | None:
        return self._orders.get((event.lane.lot_id, event.presence_id))

    def _alarm(self, event: Event, effect: Effect, kind: str, text: str, order: Order | None = None) -> None:
        order_id = order.order_id if order is not None else ""
        report = event.event_id if event.kind in _ONCE else ""
        alarm = Alarm(event.lane.lot_id, event.lane.channel_id, order_id, event.at, kind, text, report)
        self._changes.alarms.append(alarm)
        effect.alarms.append(alarm)
