"""What time alone brings about: waits that end, cars that stay, lifts whose process died.

Looks once a second. Everything is judged again under the lots' lock, so any number of processes may look. What cannot
be settled is set aside with an alarm, and holds up nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from taigan.clock import Clock
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.lifts import Lifts
from taigan.lot.people.alarms.alarms import Endings
from taigan.lot.policy import Policy
from taigan.lot.signals.metrics import Metrics
from taigan.lot.stays import orders
from taigan.lot.writing.ages import SKEW, Ages
from taigan.lot.writing.commits import Transaction
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.due import deliveries, overdue
from taigan.storage.errors import StorageError
from taigan.storage.locked import facts
from taigan.storage.rows import Alarm, Lane, Lift, Lot, Order, Presence

log = structlog.get_logger("taigan.watch")
EVERY = 1.0
OUTCOME_SPARE = timedelta(seconds=2)
"""How long past its deadline a lift may be without outcome before its process counts as dead."""
QUEUE_ALARM_EVERY = 3600.0
SET_ASIDE_FOR = 600.0
"""Seconds until what could not be settled is tried again."""

ALARMS_EVERY = 5.0
"""Seconds between two looks at whether alarms are over, or come back."""

Item = Lift | Order | Presence


class Watch:
    """Settles what nobody else settles."""

    def __init__(
        self, database: Database, lanes: Lanes, lifts: Lifts, policy: Policy, clock: Clock, metrics: Metrics
    ) -> None:
        self._database = database
        self._lanes = lanes
        self._lifts = lifts
        self._policy = policy
        self._clock = clock
        self._metrics = metrics
        self._ages = Ages(clock)
        self._queue_alarm_at: float | None = None
        self._aside: dict[tuple[str, ...], float] = {}
        """What could not be settled, and until when it is left alone."""
        self._endings = Endings(database, lanes, clock)
        self._looked_at_alarms: float | None = None

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.error("the watch cannot look", error=str(error))
            except Exception:
                log.exception("a look failed")
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Settle whatever is overdue now. Raises `StorageError`."""
        now, moment = self._clock.now(), self._clock.monotonic()
        self._aside = {key: until for key, until in self._aside.items() if until > moment}
        due, (length, oldest) = await self._database.read(lambda conn: (self._due(conn, now), deliveries.queue(conn)))
        if due:
            await self._settle_all(due, now)
        await self._look_at_queue(now, length, oldest)

    def _due(self, conn: sa.Connection, now: datetime) -> list[Item]:
        soonest = min(self._policy.release_timeout, self._policy.barrier_timeout)
        found: Iterable[Item] = (
            *overdue.lifts(conn, now - OUTCOME_SPARE, now + SKEW),
            *overdue.waiting(conn, now - timedelta(seconds=soonest), now + SKEW),
            *overdue.not_passed(conn, now - timedelta(seconds=self._policy.passage_timeout), now + SKEW),
            *overdue.claims(conn, now, now + SKEW),
        )
        return [item for item in found if _key(item) not in self._aside]

    async def _settle_all(self, due: list[Item], now: datetime) -> None:
        """Settle these together; when that cannot be done, each by itself, so that only what is broken stays."""
        keys = {_key(item) for item in due}
        try:
            alarms = await self._database.write(lambda conn: self._settle(conn, now, keys.__contains__))
        except StorageError:
            raise
        except Exception:
            if len(due) > 1:
                for item in due:
                    await self._settle_all([item], now)
                return
            log.exception("set aside: this cannot be settled", lot=due[0].lot_id, about=_key(due[0])[-1])
            alarms = await self._set_aside(due[0], now)
        for alarm in alarms:
            self._lanes.alarm(alarm)

    async def _set_aside(self, item: Item, now: datetime) -> list[Alarm]:
        self._aside[_key(item)] = self._clock.monotonic() + SET_ASIDE_FOR
        order_id = "" if isinstance(item, Presence) else item.order_id or ""
        text = f"{_key(item)[0]} {_key(item)[-1]} cannot be settled: the log says why"
        changes = Changes()
        changes.alarms.append(Alarm(item.lot_id, item.channel_id, order_id, now, "not_settled", text))
        await self._database.write(changes.write)
        return changes.alarms

    def _settle(self, conn: sa.Connection, now: datetime, wanted: Callable[[tuple[str, ...]], bool]) -> list[Alarm]:
        settling = _Settling(conn, self._lifts, self._ages, self._policy, self._clock, now, wanted)
        settling.changes.write(conn)
        return settling.alarms

    async def _look_at_queue(self, now: datetime, length: int, oldest: datetime | None) -> None:
        age = self._ages.of(("queue", oldest), oldest).total_seconds() if oldest is not None else 0.0
        self._metrics.queue_length.set(length)
        self._metrics.queue_age.set(max(age, 0.0))
        await self._look_at_alarms(queue_is_short=age <= self._policy.queue_alarm_after)
        told = self._queue_alarm_at
        quiet = told is None or self._clock.monotonic() - told > QUEUE_ALARM_EVERY
        if age > self._policy.queue_alarm_after and quiet:
            self._queue_alarm_at = self._clock.monotonic()
            text = f"{length} messages wait for BoLink, the oldest for {age:.0f} s"
            alarm = Alarm("", "", "", now, "queue_age", text)
            changes = Changes()
            changes.alarms.append(alarm)
            await self._database.write(changes.write)
            self._lanes.alarm(alarm)
        elif age <= self._policy.queue_alarm_after:
            self._queue_alarm_at = None

    async def _look_at_alarms(self, *, queue_is_short: bool) -> None:
        looked = self._looked_at_alarms
        if looked is None or self._clock.monotonic() - looked >= ALARMS_EVERY:
            self._looked_at_alarms = self._clock.monotonic()
            await self._endings.look(queue_is_short=queue_is_short)


def _key(item: Item) -> tuple[str, ...]:
    """What it is, where, and its id."""
    match item:
        case Lift():
            return ("lift", item.lot_id, item.lift_id)
        case Order():
            return ("order", item.lot_id, item.order_id)
        case Presence():
            return ("car", item.lot_id, item.presence_id)


class _Settling:
    """One look at what is `wanted`, inside its transaction."""

    def __init__(
        self,
        conn: sa.Connection,
        lifts_: Lifts,
        ages: Ages,
        policy: Policy,
        clock: Clock,
        now: datetime,
        wanted: Callable[[tuple[str, ...]], bool],
    ) -> None:
        self._ages = ages
        self._policy = policy
        self._now = now
        self.changes = Changes()
        self.alarms = self.changes.alarms

        soonest = timedelta(seconds=min(policy.release_timeout, policy.barrier_timeout))
        past = timedelta(seconds=policy.passage_timeout)
        ahead = now + SKEW
        lifts = [lift for lift in overdue.lifts(conn, now - OUTCOME_SPARE, ahead) if wanted(_key(lift))]
        candidates = [*overdue.waiting(conn, now - soonest, ahead), *overdue.not_passed(conn, now - past, ahead)]
        candidates = [order for order in candidates if wanted(_key(order))]
        claims = [car for car in overdue.claims(conn, now, ahead) if wanted(_key(car))]

        keys = {(x.lot_id, x.order_id) for x in lifts if x.order_id} | {(x.lot_id, x.order_id) for x in candidates}
        ids = {x[0] for x in keys} | {x.lot_id for x in claims} | {x.lot_id for x in lifts}
        self._lots = facts.lock_free(conn, ids)  # what is held is looked at again in a second
        keys = {key for key in keys if key[0] in self._lots}
        claims = [car for car in overdue.claims(conn, now, ahead) if wanted(_key(car)) and self._has_ended(car)]
        found = {lift.lift_id for lift in lifts if lift.lot_id in self._lots}
        lifts = [lift for lift in overdue.lifts(conn, now - OUTCOME_SPARE, ahead) if lift.lift_id in found]
        lifts = [lift for lift in lifts if self._is_overdue(lift)]
        self._orders = facts.orders(conn, keys)
        lanes = {(x.lot_id, x.channel_id) for x in self._orders.values()}
        self._lanes = facts.lanes(conn, lanes | {(x.lot_id, x.channel_id) for x in claims})
        held = {x.presence_id for x in self._orders.values() if x.presence_id} | {x.presence_id for x in claims}
        self._cars = facts.presences(conn, held)
        self._of_car = facts.live_orders_at(conn, held)

        tx = Transaction(conn, self._lots, {}, self.changes, clock)
        tx.orders = self._orders
        for lift in lifts:
            lifts_.end_overdue(tx, lift)
        for order in self._orders.values():
            lot, lane = self._lots[order.lot_id], self._lanes[(order.lot_id, order.channel_id)]
            if order.state == "waiting":
                self._waits(order, lot, lane)
            elif order.state == "in" and order.passed_at is None and lane.detector and self._is_in_since(order, past):
                self._stays(order)
        for claim in claims:
            self._end_claim(claim)

    def _waits(self, order: Order, lot: Lot, lane: Lane) -> None:
        since = self._ages.of((order.lot_id, order.order_id, "waits"), order.requested_at)
        if order.waiting_for in ("attendant", "arm"):
            if since > timedelta(seconds=self._policy.release_timeout):
                orders.void(self.changes, lot, order, self._now, why="not released in time")
            return
        if order.waiting_for != "confirmation" or since <= timedelta(seconds=self._policy.barrier_timeout):
            return
        car = self._car_of(order)
        if not lane.detector:
            orders.enter(self.changes, lot, order, self._now, why="time", review="the barrier never confirmed")
            if car is None or car.left_at is not None:
                orders.drive_through(self.changes, order, self._now, "assumed: the lane has no detector")
        elif car is not None and car.left_how == "assumed":
            orders.enter(self.changes, lot, order, self._now, why="the car is gone", review="nobody saw the car pass")
            orders.drive_through(self.changes, order, self._now, "assumed")
        elif order.alarmed != "not_confirmed":
            order.alarmed = "not_confirmed"
            self.changes.order(order)
            self._alarm(order, "not_confirmed", "the barrier did not confirm and the car still stands there")

    def _stays(self, order: Order) -> None:
        car = self._car_of(order)
        if car is not None and car.left_at is not None:
            orders.drive_through(self.changes, order, self._now, "assumed: nobody saw the car pass")
        elif order.alarmed == "":
            order.alarmed = "stayed"
            self.changes.order(order)
            self._alarm(order, "stayed", "滞留: the car was let in and has not driven through")

    def _end_claim(self, claim: Presence) -> None:
        car = self._cars.get((claim.lot_id, claim.presence_id), claim)
        if car.left_at is not None:
            return
        car.left_at, car.left_how = self._now, "assumed"
        self.changes.leave(car)
        order = self._of_car.get((car.lot_id, car.presence_id))
        order = self._orders.get((order.lot_id, order.order_id), order) if order is not None else None
        if order is not None and order.state == "in" and order.passed_at is None:
            orders.drive_through(self.changes, order, self._now, "assumed: the lane has no detector")

    def _car_of(self, order: Order) -> Presence | None:
        return self._cars.get((order.lot_id, order.presence_id or ""))

    def _is_in_since(self, order: Order, limit: timedelta) -> bool:
        return order.in_at is not None and self._ages.of((order.lot_id, order.order_id, "in"), order.in_at) > limit

    def _is_overdue(self, lift: Lift) -> bool:
        since_intended = self._ages.of((lift.lot_id, lift.lift_id), lift.intended_at)
        return since_intended > lift.deadline - lift.intended_at + OUTCOME_SPARE

    def _has_ended(self, claim: Presence) -> bool:
        if claim.lot_id not in self._lots or claim.ends_at is None:
            return False
        since_arrival = self._ages.of((claim.lot_id, claim.presence_id), claim.arrived_at)
        return since_arrival > claim.ends_at - claim.arrived_at

    def _alarm(self, order: Order, kind: str, text: str) -> None:
        self.alarms.append(Alarm(order.lot_id, order.channel_id, order.order_id, self._now, kind, text))
