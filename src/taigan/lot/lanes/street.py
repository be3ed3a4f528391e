"""What devices report, put into presences and orders: the lanes of a batch of events, inside its transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from taigan.barriers.barrier import Event, EventKind
from taigan.lot import texts
from taigan.lot.lanes.evidence import UNSEEN, Way, way_of
from taigan.lot.stays import orders
from taigan.storage.changes import Changes
from taigan.storage.due import deliveries
from taigan.storage.locked import facts, ledger
from taigan.storage.rows import Alarm, Lane, Lift, Lot, Order, Presence

_ONCE = (EventKind.FAULT, EventKind.STAYED, EventKind.OFFLINE, EventKind.WARNING)
"""Events that concern no car's coming or going: their alarm's row tells whether they were handled before."""


OLD = 10.0
"""Seconds after which an event is of the past: it says nothing of how the lane is now."""


def is_past(event: Event) -> bool:
    """Whether the event was kept back for so long that the lane may be another one by now."""
    return event.age > OLD


def _car_key(event: Event) -> tuple[str, str]:
    return (event.lane.lot_id, event.presence_id)


Seen = tuple[Lane, EventKind, Presence | None]
"""What was reported of an exit lane: the car is the one that came, passed or went back."""


class Exits(Protocol):
    """The desk of the exit, as the lanes know it: told of every event in an exit lane, in the event's transaction."""

    def see(self, conn: sa.Connection, lots: Mapping[str, Lot], seen: Sequence[Seen]) -> Sequence[Any]:
        """Note what the events change, one after the other; one thing to follow for each."""

    def follow(self, after: Any) -> None:
        """Set in motion what `see` returned, now that it is committed."""


class Effect:
    """What an event led to, for those who wait in memory."""

    def __init__(self) -> None:
        self.arrived = False
        self.screen = ""
        self.settled: list[str] = []
        self.alarms: list[Alarm] = []
        self.arm_is_down_for: list[str] = []
        self.at_exit: Any = None


class Street:
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
        self._at_exits: list[tuple[Effect, Seen]] = []
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
            case EventKind.DOWN if is_past(event):
                pass  # where the arm was says nothing of where it is
            case EventKind.DOWN if lane.direction != "entry":
                self._at_exits.append((effect, (lane, event.kind, None)))
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
        if self._exits is None or not self._at_exits:
            return
        followed = self._exits.see(self._conn, self._lots, [seen for _, seen in self._at_exits])
        for (effect, _), after in zip(self._at_exits, followed, strict=True):
            effect.at_exit = after

    def _online(self, lane: Lane, effect: Effect) -> None:
        """The screen of a device that was off is blank."""
        if lane.direction != "entry":
            self._at_exits.append((effect, (lane, EventKind.ONLINE, None)))
            return
        waiting = (lane.lot_id, lane.channel_id) in self._cars
        effect.screen = texts.SCREEN_SCAN if waiting else texts.SCREEN_WELCOME

    def _arrived(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        if car := self._known.get(_car_key(event)):
            effect.arrived = car.left_at is None
            return
        key = (lot.lot_id, lane.channel_id)
        if before := self._cars.get(key):
            self._leave(before, event, "assumed")
            order = self._orders.get((lot.lot_id, before.presence_id))
            if order is not None and order.state == "in" and order.passed_at is None:
                orders.drive_through(self._changes, order, event.at, "assumed: another car is on the loop")
        car = Presence(event.presence_id, lot.lot_id, lane.channel_id, event.at)
        self._known[(car.lot_id, car.presence_id)] = self._cars[key] = car
        self._changes.arrived.append(car)
        if lane.loop_dead:
            lane.loop_dead = False
            self._changes.lane(lane)
        effect.arrived = True
        if lane.direction == "entry":
            effect.screen = texts.SCREEN_SCAN
        else:
            self._at_exits.append((effect, (lane, event.kind, car)))

    def _passed(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        car = self._known.get(_car_key(event))
        if car is not None and car.left_at is not None:
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
            self._known[(car.lot_id, car.presence_id)] = car
            self._changes.arrived.append(car)
        else:
            self._leave(car, event, "passed")
        if lane.direction != "entry":
            self._at_exits.append((effect, (lane, event.kind, claim or car)))
            return
        order = order or self._unseen_order_in(lane)
        if order is None or not order.live:
            self._passed_unasked(event, lot, lane, car, effect)
        else:
            self._passed_on(event, lot, order, effect)

    def _passed_on(
        self, event: Event, lot: Lot, order: Order, effect: Effect, *, how: str = "seen", review: str = ""
    ) -> None:
        if order.passed_at is not None:
            return
        if order.state == "waiting":
            why = "the car was seen to pass" if how == "seen" else "the car is gone"
            orders.enter(self._changes, lot, order, event.at, why=why, review=review)
            effect.settled.append(order.order_id)
        orders.drive_through(self._changes, order, event.at, how)

    def _passed_unasked(self, event: Event, lot: Lot, lane: Lane, car: Presence, effect: Effect) -> None:
        lift = facts.lift_without_order(self._conn, lot.lot_id, lane.channel_id, car.arrived_at)
        reason = f"raised by {lift.actor}: {lift.reason}" if lift is not None else ""
        if lot.emergency:
            reason = "emergency"
        orders.pass_without_order(self._changes, lot, car, event.at, reason or "no order")
        if not reason:
            self._alarm(event, effect, "passed_without_order", "无订单通过: a car passed without an order")

    def _followed(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        if car := self._known.get(_car_key(event)):
            if car.left_at is not None:
                return
            self._leave(car, event, "second_car")
        else:
            car = Presence(event.presence_id, lot.lot_id, lane.channel_id, event.at, None, event.at, "second_car")
            self._known[(car.lot_id, car.presence_id)] = car
            self._changes.arrived.append(car)
        if lane.direction != "entry":
            self._at_exits.append((effect, (lane, event.kind, car)))
            return
        order = self._order_of(event)
        if order is not None and order.live:
            self._passed_on(event, lot, order, effect)
        else:
            orders.pass_without_order(self._changes, lot, car, event.at, "跟车")
            self._alarm(event, effect, "tailgating", "跟车: a second car followed on one lift", order)

    def _backed_out(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        car = self._known.get(_car_key(event))
        if car is None or car.left_at is not None:
            return
        order = self._order_of(event)
        way = way_of(event, self._lifts_since(car), order, held=lane.held)
        self._leave(car, event, "backed_out" if way is Way.BACK else "assumed")
        if lane.direction != "entry":
            through = way in (Way.THROUGH, Way.MAYBE_THROUGH)
            self._at_exits.append((effect, (lane, EventKind.PASSED if through else event.kind, car)))
            return
        effect.screen = texts.SCREEN_WELCOME
        if way is Way.OPEN:
            return
        if way is Way.BACK:
            self._went_back(event, lot, order, effect)
        elif order is None or not order.live:
            self._passed_unasked(event, lot, lane, car, effect)
        else:
            review = UNSEEN if way is Way.MAYBE_THROUGH else ""
            self._passed_on(event, lot, order, effect, how="not seen to go back", review=review)

    def _lifts_since(self, car: Presence) -> list[Lift]:
        """The lifts for a car, and the last one in its lane that was for nobody."""
        lifts = facts.lifts_of_presence(self._conn, car.lot_id, car.presence_id)
        by_hand = facts.lift_without_order(self._conn, car.lot_id, car.channel_id, car.arrived_at)
        return [*lifts, by_hand] if by_hand is not None else lifts

    def _went_back(self, event: Event, lot: Lot, order: Order | None, effect: Effect) -> None:
        if order is None or not order.live or order.passed_at is not None:
            return
        if order.state == "waiting":
            orders.void(self._changes, lot, order, event.at, why="backed out")
        elif ledger.last_departure_of(self._conn, lot.lot_id, order.order_id) is not None:
            self._passed_on(event, lot, order, effect, how="seen at an exit")
        else:
            unsent = self._changes.cancel_entry(order) or deliveries.cancel_unsent(
                self._conn, lot.lot_id, order.order_id
            )
            orders.reverse(self._changes, lot, order, event.at, uploaded=not unsent)
        effect.settled.append(order.order_id)

    def _up(self, event: Event, lot: Lot, lane: Lane, effect: Effect) -> None:
        if lane.confirm == "passage" or is_past(event):
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
        if is_past(event):
            return
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
