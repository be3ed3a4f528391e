"""The desk of the exit: carries out whatever happens there, one lot at a time, and what follows from it.

Everything that is decided is one group commit of items; no call to BoLink and no barrier inside. A release is answered
when it is committed and does not wait for the arm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar, cast

import msgspec
import sqlalchemy as sa
import structlog

from taigan.barriers.barrier import Event, EventKind, LaneKey, Outcome
from taigan.bolink.chapters.reconciliation import PaymentRecord
from taigan.clock import Clock, set_within
from taigan.lot import texts
from taigan.lot.errors import UnknownLot
from taigan.lot.ids import Ids
from taigan.lot.lanes.lanes import Lanes, Rest
from taigan.lot.lanes.street import Seen
from taigan.lot.leaving.ahead import Wanted, read, read_ahead
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars import street
from taigan.lot.leaving.cars.gone import leave
from taigan.lot.leaving.paying.prices import Asked, Query
from taigan.lot.leaving.pulling.ended import PaymentsTold, PullEnded
from taigan.lot.leaving.pulling.scanned import CodeScanned
from taigan.lot.leaving.pulling.tagged import TagRead
from taigan.lot.leaving.room import After, Item, Picture, Room, picture_of
from taigan.lot.lifts import Ended, Lifts, Purpose, Settling, Told
from taigan.lot.policy import Policy
from taigan.lot.signals.events import Events
from taigan.lot.uploads.pulls import Charged, Code, Pull, Pulls
from taigan.lot.writing.checkpoints import Checkpoint, Reach, pass_by
from taigan.lot.writing.commits import Transaction
from taigan.storage.database import Database
from taigan.storage.due.overdue import Unclear
from taigan.storage.engines.group import GroupCommit
from taigan.storage.errors import StorageError
from taigan.storage.locked import facts
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Errand, Lift, Lot, Presence

log = structlog.get_logger("taigan.leaving")
R = TypeVar("R")
CAR_WITHIN = 0.8
"""Seconds that a scan at an empty exit waits for its car."""


class Done(msgspec.Struct):
    """An item's result, and what follows."""

    result: Any
    after: After


class PlateRead(msgspec.Struct):
    """A camera read a plate in an exit lane."""

    lane: LaneKey
    plate: str
    picture: Picture
    presence_id: str = ""  # the car it was read for, where the camera knows

    @property
    def lot_id(self) -> str:
        return self.lane.lot_id

    def foresee(self, wanted: Wanted) -> None:
        wanted.lanes.add((self.lot_id, self.lane.channel_id))
        wanted.plates.add((self.lot_id, self.plate))
        wanted.pulls = True

    def apply(self, room: Room) -> bool:
        """Tells whether a car stands there for which it was read."""
        lane = room.lane(self.lane.channel_id)
        if lane is None or lane.direction != "exit":
            return True
        car = room.car(lane.channel_id)
        if self.presence_id and car is not None and car.presence_id != self.presence_id:
            return True  # that car has left; its plate says nothing of who stands there now
        return cars.read_plate(room, lane, self.plate, self.picture) is not None


class GivesBack(Protocol):
    """Has surplus given back by itself."""

    def ask_surplus(self, room: Room) -> list[Errand]:
        """Write down what is asked back for the room's surplus, in its transaction. Returns what may be sent."""

    def send_later(self, errand: Errand) -> None:
        """Have it carried out, now that it is committed."""


class LeavingDesk:
    """One per process."""

    def __init__(
        self,
        database: Database,
        lifts: Lifts,
        lanes: Lanes,
        policy: Policy,
        clock: Clock,
        ids: Ids,
        events: Events,
        owed: asyncio.Event,
        pulls: Pulls,
        reach: Reach = pass_by,
    ) -> None:
        self._lifts = lifts
        self._lanes = lanes
        self._policy = policy
        self._clock = clock
        self._ids = ids
        self._events = events
        self._owed = owed
        self._commits = GroupCommit[Item[Any], Done](
            database, self._commit, lot_of=lambda item: item.lot_id, clock=clock
        )
        self._under_way: set[asyncio.Task[None]] = set()
        self._pulls = pulls
        self._reach = reach
        self.gives_back: GivesBack | None = None
        """Who has surplus given back; none: a person does."""
        pulls.serve(self._charged)
        lifts.serve(Purpose.RELEASE, self._settle)
        lanes.when_read[EventKind.SCANNED_CODE] = self.scan_code
        lanes.when_read[EventKind.READ_TAG] = self.read_tag

    def picture(self, lane: LaneKey) -> Picture:
        """What the lane's device reports now."""
        return picture_of(self._lanes.state(lane))

    def pictures(self, lot_id: str) -> dict[str, Picture]:
        """The same of all lanes of a lot, by channel_id."""
        return {lane.channel_id: self.picture(lane) for lane in self._lanes.of_lot(lot_id)}

    @property
    def policy(self) -> Policy:
        """What was set for money."""
        return self._policy

    def now(self) -> datetime:
        """By the clock that prices go by."""
        return self._clock.now()

    async def do(self, item: Item[R]) -> R:
        """Commit an item; what follows from it is under way when this returns.

        A caller that goes away leaves it behind: it is committed, and what follows from it follows.

        Raises StorageError, and the LotError of an item that cannot be done.
        """
        committed = self._commits.submit(item)
        committed.add_done_callback(self._follow)
        done = await asyncio.shield(committed)
        return cast(R, done.result)

    async def do_and_raise(self, item: Item[R]) -> R:
        """As `do`, but returns when the arms that it raises have come to their end."""
        done = await self._commits.submit(item)
        self._reach(Checkpoint.DECIDED)
        lifts, done.after.lifts = done.after.lifts, []
        self.follow(done.after)
        for lift in lifts:
            await self._raise(lift)
        return cast(R, done.result)

    async def ask(self, query: Query) -> bytes:
        """Answer a price query (5.1). A lane that is empty gets a moment for its car. Raises StorageError.

        Once its caller has gone away it is not looked into any more: the driver was told to scan again.
        """
        arrival = self._lanes.next_arrival(query.lane)
        try:
            asked: Asked = await self.do(query)
            if asked.hold:
                await set_within(self._clock, arrival, CAR_WITHIN)
                query.patient, query.picture = False, self.picture(query.lane)
                asked = await self.do(query)
        except asyncio.CancelledError:
            query.given_up = True
            raise
        return asked.answer

    async def read_plate(self, lane: LaneKey, plate: str, presence_id: str = "") -> Rest | None:
        """A camera read a plate. One that is read before its car is known to be on the loop waits for it: what is
        returned does.

        Raises StorageError.
        """
        arrival = self._lanes.next_arrival(lane)
        if await self.do(PlateRead(lane, plate, self.picture(lane), presence_id)):
            return None
        return partial(self._read_on_arrival, lane, plate, presence_id, arrival)

    async def _read_on_arrival(self, lane: LaneKey, plate: str, presence_id: str, arrival: asyncio.Event) -> None:
        await set_within(self._clock, arrival, self._policy.presence_grace)
        await self.do(PlateRead(lane, plate, self.picture(lane), presence_id))

    async def scan_code(self, event: Event) -> None:
        """A scanner in a lane read a payment code. Raises StorageError."""
        await self.do(
            CodeScanned(
                event.lane,
                event.event_id,
                event.presence_id,
                event.at,
                self.picture(event.lane),
                Code(event.code.strip()),
            )
        )

    async def read_tag(self, event: Event) -> None:
        """An ETC antenna in a lane read a car's tag. Raises StorageError."""
        await self.do(
            TagRead(
                event.lane,
                event.event_id,
                event.presence_id,
                event.at,
                self.picture(event.lane),
                event.plate,
                event.detail,
            )
        )

    async def told(self, unclear: Unclear, records: Sequence[PaymentRecord]) -> None:
        """BoLink answered what it knows of an order's payments (4.3). Raises StorageError."""
        await self.do(PaymentsTold(unclear.lot_id, unclear.order_id, list(records), self.pictures(unclear.lot_id)))

    def _follow(self, committed: asyncio.Future[Done]) -> None:
        if not committed.cancelled() and committed.exception() is None:
            self._reach(Checkpoint.DECIDED)
            self.follow(committed.result().after)

    def follow(self, after: After) -> None:
        """Set in motion what a transaction that holds has led to."""
        for alarm in after.alarms:
            self._lanes.alarm(alarm)
        for lot_id, channel_id, shown in after.screens:
            self._lanes.show(LaneKey(lot_id, channel_id), shown)
        if self._events.anybody:
            for step in after.steps:
                self._events.publish(dict(step))
        for lift in after.lifts:
            self._keep(self._raise(lift))
        if after.owed:
            self._owed.set()
        for pull in after.pulls:
            self._pulls.begin(pull)
        if self.gives_back is not None:
            for errand in after.errands:
                self.gives_back.send_later(errand)

    def see(self, conn: sa.Connection, lots: Mapping[str, Lot], seen: Sequence[Seen]) -> list[After]:
        """Note what devices reported of exit lanes, in the transaction of the lanes."""
        sheet = Sheet(conn)
        if len(seen) > 1:
            read(sheet, lots, _wanted(seen))
        after = []
        for lane, kind, car in seen:
            room, picture = self.room(sheet, lots[lane.lot_id]), self.picture(LaneKey(lane.lot_id, lane.channel_id))
            match kind, car:
                case EventKind.ARRIVED, Presence():
                    street.arrived(room, lane, car, picture)
                case EventKind.PASSED, Presence():
                    street.passed(room, lane, car)
                case EventKind.SECOND_CAR, Presence():
                    street.passed(room, lane, car, followed=True)
                case EventKind.BACKED_OUT, Presence():
                    street.backed_out(room, lane, car)
                case EventKind.DOWN, _:
                    street.arm_is_down(room, lane, picture)
                case EventKind.ONLINE, _:
                    street.shown_again(room, lane)
            self._take(sheet, room)
            after.append(room.after)
        sheet.write()
        return after

    def room(self, sheet: Sheet, lot: Lot) -> Room:
        """A room for one thing that happens, inside the transaction of the sheet."""
        return Room(
            sheet,
            lot,
            self._clock.now(),
            self._policy,
            self._ids,
            self._lifts.at_hand,
            bolink_is_down=self._pulls.bolink_is_down,
        )

    async def stop(self) -> None:
        """Return when everything under way has ended, but wait for a few seconds only."""
        await self._pulls.stop()
        await self._commits.drained()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=3)

    async def drained(self) -> None:
        """Return when every command and every commit under way has ended."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._commits.drained()

    async def _charged(self, pull: Pull, charged: Charged) -> None:
        await self.do(PullEnded(pull, charged, self.pictures(pull.lot_id)))

    def _commit(self, conn: sa.Connection, batch: Sequence[Item[Any]]) -> list[Done]:
        """Apply the items one after the other: each sees what those before it have led to."""
        lots = facts.lock(conn, {item.lot_id for item in batch})
        sheet = Sheet(conn)
        done: list[Done] = []
        for item in batch:
            lot = lots.get(item.lot_id)
            if lot is None:
                raise UnknownLot(f"there is no lot {item.lot_id}", "lot_id")
            if sheet.is_blank:
                read_ahead(sheet, lots, batch[len(done) :])
            room = self.room(sheet, lot)
            result = item.apply(room)
            self._take(sheet, room)
            done.append(Done(result, room.after))
        sheet.write()
        return done

    def _take(self, sheet: Sheet, room: Room) -> None:
        """Something has been applied: what it changed counts for those after it, and what is too much is asked back."""
        if room.surplus and self.gives_back is not None:
            room.after.errands += self.gives_back.ask_surplus(room)
        sheet.take(room.changes)

    async def _raise(self, lift: Lift) -> None:
        ended = await self._lifts.carry_out(lift)
        while True:
            try:
                await self._lifts.settle(ended)
                return
            except StorageError as error:
                log.error("a lift's outcome is not stored yet", lift=lift.lift_id, error=str(error))
                await self._clock.sleep(0.5)

    def _settle(self, tx: Transaction, settling: Sequence[Settling]) -> list[Told]:
        """What lifts' ends mean for departures: without a detector a car is taken to be gone once its arm is raised."""
        sheet = Sheet(tx.conn)
        if len(settling) > 1:
            wanted = Wanted()
            for ended, _, _ in settling:
                wanted.lanes.add((ended.lot_id, ended.lift.channel_id))
                wanted.cars.add((ended.lot_id, ended.lift.presence_id or ""))
            read(sheet, tx.lots, wanted)
        told = []
        for ended, _, _ in settling:
            room = self.room(sheet, tx.lots[ended.lot_id])
            told.append(self._settle_one(room, ended))
            self._take(sheet, room)
        sheet.write()
        return told

    def _settle_one(self, room: Room, ended: Ended) -> Told:
        lift, result = ended.lift, ended.result
        told = Told(then=lambda: self.follow(room.after))
        lane = room.lane(lift.channel_id)
        departure = room.sheet.departure(room.lot_id, lift.presence_id or "")
        if lane is None or departure is None or departure.ended_at is not None:
            return told
        room.adopt(departure)
        if result.outcome is Outcome.ACCEPTED:
            stay = room.order(departure.order_id)
            if not lane.detector and stay is not None and stay.state == "in":
                leave(room, stay, how="left unseen", departure=departure)
                cars.end(room, departure, "passed")
        else:
            text = result.reason or "the barrier did not confirm"
            room.alarm("barrier_fault", f"{departure.plate}: let go, {text}", lift.channel_id, departure.order_id)
            room.show(lift.channel_id, texts.SCREEN_SCAN_AGAIN if lane.detector else texts.SEE_ATTENDANT)
        car = room.car(lift.channel_id)
        if lane.detector and not lane.loop_dead and (car is None or car.presence_id != departure.presence_id):
            cars.is_gone(room, departure, lift, raised=result.outcome is not Outcome.REJECTED)
        return told

    def _keep(self, work: Coroutine[object, object, None]) -> None:
        async def run() -> None:
            try:
                await work
            except Exception:
                log.exception("what a departure set in motion failed")

        task = asyncio.create_task(run())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


def _wanted(seen: Sequence[Seen]) -> Wanted:
    wanted = Wanted()
    for lane, _, car in seen:
        wanted.lanes.add((lane.lot_id, lane.channel_id))
        if car is not None:
            wanted.cars.add((car.lot_id, car.presence_id))
    return wanted
