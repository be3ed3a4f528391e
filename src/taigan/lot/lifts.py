"""A lift's whole life: intended, taken, commanded, cancelled, settled, overdue.

- `intend` writes the row, in the transaction that decides. Any process may.
- The process that has the lane's device takes the row, once: at once where it is the same process (`taken_at` is
  written with the row), else `Lifts.look` finds it. A row that nobody took by its deadline was surely never sent.
- `Lifts.carry_out` judges arm and car again, commands, and waits for what confirms it.
- `Lifts.settle` commits the outcome. What that means for whom it was raised is its purpose's own: an order that enters,
  a departure, nobody. An outcome settles an order only if its lift is the order's present one.
- `Lifts.end_overdue` ends what no process will end any more.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec
import sqlalchemy as sa
import structlog

from taigan.barriers.barrier import Barrier, LaneKey, Outcome, Position, Result
from taigan.clock import Clock, set_within
from taigan.deadline import Deadline
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.signals.events import Events
from taigan.lot.signals.metrics import Metrics
from taigan.lot.writing.checkpoints import Checkpoint, Reach, pass_by
from taigan.lot.writing.commits import Commits, Transaction
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.due import overdue
from taigan.storage.errors import StorageError
from taigan.storage.locked import facts
from taigan.storage.rows import Alarm, Lift, Order

log = structlog.get_logger("taigan.lifts")
LOOK_EVERY = 0.25
"""Seconds between two looks for lifts that other processes intend."""
SEEN = "seen"
"""The cause of an arm's lowering by a person who says that the lane is clear, whatever its loop says."""
DRIVER_SPARE = 0.05
"""Seconds past a command's deadline after which a driver that did not return is left alone."""
NO_COMMAND_SENT = "no command was sent in time"
CAR_UNDER_ARM = "a car is on the loop"
NOBODY_TOOK_IT = "no process with the lane's device took the command in time"
_NOTHING_KNOWN = Result(Outcome.UNCERTAIN, "nothing is known")


class Purpose(enum.StrEnum):
    """What an arm is raised for."""

    ENTER = "enter"  # an order that wants in
    RELEASE = "release"  # a departure
    MANUAL = "manual"  # whatever a person has in mind


class Ended(msgspec.Struct, kw_only=True):
    """How a lift ended, to be written by the commit that settles it."""

    lift: Lift
    result: Result
    confirmed: bool = False  # the car may be taken to be in
    settled: bool = False  # something settled the order meanwhile, or its car has left the loop
    postponed: bool = False  # rejected because the arm is on its way down: it may be raised when it is there
    at: datetime
    digest: str = ""  # the message to answer, where one waits
    car_number: str = ""

    @property
    def lot_id(self) -> str:
        """The lift's lot."""
        return self.lift.lot_id


class Told(msgspec.Struct):
    """What settling a lift led to; `state`, `text` and `answer` are for a driver who waits."""

    state: int = 2
    text: str = ""
    answer: bytes = b""
    alarms: list[Alarm] = []
    owed: bool = False  # something is owed to BoLink now
    then: Callable[[], None] | None = None  # what follows once the transaction holds


Settling = tuple[Ended, Order | None, bool]
"""A lift that ended, its order, if it has one, and whether it is the present lift of that order. Where it is not,
another lift has taken its place and its outcome changes nothing."""
Settle = Callable[[Transaction, Sequence[Settling]], Sequence[Told]]
"""What the ends of lifts mean for their purpose, one after the other."""


def intend(
    changes: Changes,
    lift_id: str,
    lane: LaneKey,
    purpose: Purpose,
    *,
    cause: str,
    actor: str,
    now: datetime,
    deadline: datetime,
    at_hand: bool,
    order: Order | None = None,
    order_id: str | None = None,
    presence_id: str | None = None,
    command: str = "open",
    reason: str = "",
    via: str = "",
) -> Lift:
    """Note a lift to be written with everything else that is decided.

    `at_hand`: this process has the lane's device and carries the lift out as soon as it is committed. `order`: whom it
    lets in; from now on no other lift's outcome settles it. `order_id`: whose stay it is about otherwise.
    """
    lift = Lift(
        lot_id=lane.lot_id,
        lift_id=lift_id,
        channel_id=lane.channel_id,
        order_id=order.order_id if order is not None else order_id,
        command=command,
        cause=cause,
        actor=actor,
        reason=reason,
        intended_at=now,
        deadline=deadline,
        purpose=purpose.value,
        presence_id=presence_id or (order.presence_id if order is not None else None),
        taken_at=now if at_hand else None,
        via=via,
    )
    changes.new_lifts.append(lift)
    if order is not None:
        order.lift_id = lift_id
        changes.order(order)
    return lift


def cancel(conn: sa.Connection, changes: Changes, order: Order, now: datetime, detail: str = NO_COMMAND_SENT) -> None:
    """End the order's lifts that are under way and of which surely no command was or will be sent."""
    for lift in facts.lifts_under_way(conn, order.lot_id, order.order_id):
        lift.outcome, lift.outcome_at, lift.detail = Outcome.REJECTED.value, now, detail
        changes.lifts.append(lift)


class Lifts:
    """Carries lifts out and settles them. One per process; `alone` when there is no other one over the database."""

    def __init__(
        self,
        commits: Commits,
        database: Database,
        lanes: Lanes,
        clock: Clock,
        metrics: Metrics,
        events: Events,
        reach: Reach = pass_by,
        *,
        alone: bool = True,
    ) -> None:
        self._commits = commits
        self._database = database
        self._lanes = lanes
        self._clock = clock
        self._metrics = metrics
        self._events = events
        self._reach = reach
        self._alone = alone
        self._purposes: dict[str, Settle] = {Purpose.MANUAL.value: _settle_manual}
        self._under_way: dict[tuple[str, str], asyncio.Event] = {}
        self._taking: set[asyncio.Task[None]] = set()
        self.intended = asyncio.Event()
        """Set when another process may have intended a lift for a lane of this one."""
        self.when_intended: Callable[[], None] | None = None
        commits.handle(Ended, self._settle_all)

    def serve(self, purpose: Purpose, settle: Settle) -> None:
        """Have lifts of this purpose settled by `settle`, inside the transaction that writes the outcome."""
        self._purposes[purpose.value] = settle

    def at_hand(self, lane: LaneKey) -> bool:
        """Whether this process carries out the lane's lifts itself."""
        return self._alone or self._lanes.barrier(lane) is not None

    # Commanding

    async def carry_out(self, lift: Lift, confirm: str = "", by: Deadline | None = None) -> Ended:
        """Command the barrier and wait for what confirms the lift; never raises, nor lasts longer than its deadline.

        `confirm` is the lane's: an acknowledged command confirms where it is `accepted`; else the arm that is seen to
        be up, or the car that passes. `by` is the lift's deadline, where it is known better than its row says it. What
        settles the order meanwhile ends the wait, and a command that has not left.
        """
        self._under_way.setdefault((lift.lot_id, lift.lift_id), asyncio.Event())
        settled = self._lanes.expect(lift)
        by = by or self._deadline(lift)
        ended = Ended(lift=lift, result=_NOTHING_KNOWN, at=self._clock.now())
        try:
            if lift.taken_at is None:
                ended.result = await self._done_elsewhere(lift, by)
            else:
                await self._command(ended, settled, by)
            self._reach(Checkpoint.OUTCOME)
            ended.confirmed |= ended.result.outcome is Outcome.ACCEPTED and confirm == "accepted"
            waits = lift.purpose == Purpose.ENTER and lift.cause != "again"
            if waits and not ended.confirmed and ended.result.outcome is not Outcome.REJECTED:
                await self._clock.wait((settled,), by.left())
        finally:
            self._lanes.forget(lift)
        ended.at, ended.settled = self._clock.now(), settled.done()
        return ended

    async def settle(self, ended: Ended) -> Told:
        """Commit how a lift ended; once more when the database failed. Raises `StorageError`."""
        try:
            told = await self._stored(ended)
        finally:
            if under_way := self._under_way.pop((ended.lot_id, ended.lift.lift_id), None):
                under_way.set()
        if (
            ended.postponed and ended.lift.purpose == Purpose.ENTER and ended.lift.order_id
        ):  # it may have come down meanwhile
            self._lanes.follow_arm(_lane(ended.lift), ended.lift.order_id)
        if told.owed:
            self._commits.owed.set()
        for alarm in told.alarms:
            self._lanes.alarm(alarm)
        if told.then is not None:
            told.then()
        return told

    async def _stored(self, ended: Ended) -> Told:
        told: Told
        try:
            told = await self._commits.submit(ended)
        except StorageError as error:
            log.warning("a lift's outcome is stored once more", lift=ended.lift.lift_id, error=str(error))
            told = await self._commits.submit(ended)
        return told

    async def ended(self, lot_id: str, lift_id: str, within: float) -> Lift | None:
        """The lift when it has an outcome, or as it is after so many seconds. Raises `StorageError`."""
        if under_way := self._under_way.get((lot_id, lift_id)):
            until = self._clock.monotonic() + within
            await set_within(self._clock, under_way, within)
            within = until - self._clock.monotonic()
        return await self._row_with_outcome(lot_id, lift_id, within)

    async def _row_with_outcome(self, lot_id: str, lift_id: str, within: float) -> Lift | None:
        """The lift's row, looked at until another process has written its outcome."""
        until = self._clock.monotonic() + within
        while True:
            lift = await self._database.read(lambda conn: facts.lift(conn, lot_id, lift_id))
            left = until - self._clock.monotonic()
            if lift is None or lift.outcome is not None or left <= 0:
                return lift
            await self._clock.sleep(min(0.1, left))

    async def _done_elsewhere(self, lift: Lift, by: Deadline) -> Result:
        """What became of a lift that the process with the lane's device is to take."""
        if self.when_intended is not None:
            self.when_intended()
        with suppress(StorageError):
            row = await self._row_with_outcome(lift.lot_id, lift.lift_id, by.left())
            if row is not None and row.outcome is not None:
                return Result(Outcome(row.outcome), row.detail)
            if row is not None and row.taken_at is None:
                return Result(Outcome.REJECTED, NOBODY_TOOK_IT)
        return Result(Outcome.UNCERTAIN, "the process that took the command has not said what became of it")

    async def _command(self, ended: Ended, settled: asyncio.Future[None], by: Deadline) -> None:
        lift = ended.lift
        barrier = self._lanes.barrier(_lane(lift))
        if not self._judge(ended, barrier, settled, by):
            assert barrier is not None
            ended.result = await self._sent(lift, barrier, settled, by)
        self._metrics.lifts.labels(lift.cause, ended.result.outcome.value).inc()
        if self._events.anybody:
            self._events.publish(
                {
                    "step": "lift",
                    "lot_id": lift.lot_id,
                    "channel_id": lift.channel_id,
                    "order_id": lift.order_id or "",
                    "lift_id": lift.lift_id,
                    "at": self._clock.now(),
                    "outcome": ended.result.outcome.value,
                    "reason": ended.result.reason,
                }
            )

    def _judge(self, ended: Ended, barrier: Barrier | None, settled: asyncio.Future[None], by: Deadline) -> bool:
        """Look once more at arm and order before the command leaves. Tells whether the lift has ended without it."""
        against = ""
        position = barrier.state.position if barrier is not None else None
        if barrier is None:
            against = "the lane has no barrier"
        elif by.passed:
            against = "the command is past its deadline"
        elif ended.lift.command == "close" and ended.lift.cause != SEEN and barrier.state.presence_id:
            against = CAR_UNDER_ARM
        elif ended.lift.purpose == Purpose.MANUAL:
            return False  # a person sees the lane
        elif settled.done():
            against = "the order was settled before the command was sent"
        elif position is Position.FALLING:
            against, ended.postponed = "the arm is coming down", True
        elif position in (Position.OPEN, Position.RISING):  # a pulse might lower it
            ended.result, ended.confirmed = Result(Outcome.ACCEPTED, "the arm was up: nothing was sent"), True
            return True
        if against:
            ended.result = Result(Outcome.REJECTED, against)
        return bool(against)

    async def _sent(self, lift: Lift, barrier: Barrier, settled: asyncio.Future[None], by: Deadline) -> Result:
        carry_out = {"open": barrier.open, "hold": barrier.hold, "close": barrier.close}[lift.command]
        command = asyncio.ensure_future(carry_out(lift.lift_id, by.from_now()))
        try:
            await self._clock.wait((command, settled), by.left() + DRIVER_SPARE)
            if settled.done() and not command.done():
                await barrier.cancel(lift.lift_id)
                await self._clock.wait((command,), by.left() + DRIVER_SPARE)
            if not command.done():
                return Result(Outcome.UNCERTAIN, "the driver did not keep to the deadline")
            return command.result()
        except Exception as error:
            log.exception("a barrier's driver failed", lot=lift.lot_id, lane=lift.channel_id)
            return Result(Outcome.UNCERTAIN, f"the driver failed: {error}")
        finally:
            command.cancel()

    def _deadline(self, lift: Lift) -> Deadline:
        """The lift's deadline; also where the wall clock was set back since, no longer than it ever was."""
        whole = (lift.deadline - lift.intended_at).total_seconds()
        left = (lift.deadline - self._clock.now()).total_seconds()
        return Deadline.within(min(left, whole), self._clock)

    # Lifts that other processes intend

    async def run(self) -> None:
        """Take what other processes intend for lanes whose device is here, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.error("lifts cannot be looked for", error=str(error))
            except Exception:
                log.exception("a look for lifts failed")
            await set_within(self._clock, self.intended, LOOK_EVERY)
            self.intended.clear()

    async def look(self) -> None:
        """Take every lift that nobody has taken and whose lane's device is here, and begin to carry it out.

        Raises `StorageError`.
        """
        now = self._clock.now()
        for lift in await self._database.read(lambda conn: overdue.lifts_to_take(conn, now)):
            if self._lanes.barrier(_lane(lift)) is None:
                continue
            taken = await self._database.write(lambda conn, lift=lift: self._take(conn, lift))  # type: ignore[misc]
            if taken is not None:
                task = asyncio.create_task(self._carry_through(*taken))
                self._taking.add(task)
                task.add_done_callback(self._taking.discard)

    async def drained(self) -> None:
        """Return when every lift that was taken from another process is settled."""
        while self._taking:
            await asyncio.wait(self._taking)

    def _take(self, conn: sa.Connection, found: Lift) -> tuple[Lift, str] | None:
        """Take a lift's row, with the confirmation that its lane wants; None where another process was first."""
        facts.lock(conn, [found.lot_id])
        lift = facts.lift(conn, found.lot_id, found.lift_id)
        lane = facts.lanes(conn, [_lane(found)]).get(_lane(found))
        if lift is None or lane is None or lift.taken_at is not None or lift.outcome is not None:
            return None
        lift.taken_at = self._clock.now()
        changes = Changes()
        changes.lifts.append(lift)
        changes.write(conn)
        return lift, lane.confirm

    async def _carry_through(self, lift: Lift, confirm: str) -> None:
        try:
            await self.settle(await self.carry_out(lift, confirm))
        except StorageError as error:
            log.error("a lift is not settled", lift=lift.lift_id, error=str(error))
        except Exception:
            log.exception("a lift is not settled", lift=lift.lift_id)

    # Settling

    def end_overdue(self, tx: Transaction, lift: Lift) -> Told:
        """End a lift whose process did not: surely not sent where nobody took it, else uncertain."""
        taken = lift.taken_at is not None or not lift.purpose
        result = (
            Result(Outcome.UNCERTAIN, "no outcome was stored") if taken else Result(Outcome.REJECTED, NOBODY_TOOK_IT)
        )
        return self._settle(tx, [Ended(lift=lift, result=result, at=tx.now)])[0]

    def _settle_all(self, tx: Transaction, items: Sequence[Ended]) -> list[Told]:
        tx.find((item.lot_id, item.lift.order_id) for item in items if item.lift.order_id is not None)
        return self._settle(tx, items)

    def _settle(self, tx: Transaction, items: Sequence[Ended]) -> list[Told]:
        told: dict[int, Told] = {}
        for ended in items:
            self._note(tx, ended)
        for purpose, settle in self._purposes.items():
            of_purpose = [number for number, ended in enumerate(items) if _purpose(ended.lift) == purpose]
            if of_purpose:
                said = settle(tx, [_settling(tx, items[number]) for number in of_purpose])
                told.update(zip(of_purpose, said, strict=True))
        for one in told.values():
            tx.changes.alarms.extend(one.alarms)
        return [told[number] for number in range(len(items))]

    def _note(self, tx: Transaction, ended: Ended) -> None:
        """Write down how the lift itself ended."""
        lift = ended.lift
        if lift.taken_at is None and (row := facts.lift(tx.conn, lift.lot_id, lift.lift_id)) is not None:
            lift.taken_at = row.taken_at  # by another process, which knows better what became of it
        lift.outcome, lift.outcome_at, lift.detail = ended.result.outcome.value, ended.at, ended.result.reason
        tx.changes.lifts.append(lift)


def _settling(tx: Transaction, ended: Ended) -> Settling:
    lift = ended.lift
    order = tx.orders.get((lift.lot_id, lift.order_id or ""))
    return ended, order, order is not None and order.lift_id in (None, lift.lift_id)


def _settle_manual(tx: Transaction, settling: Sequence[Settling]) -> list[Told]:
    """Persons' commands: where one was taken, the arm is held up from now on, or no longer."""
    return [_settle_one_manual(tx, ended) for ended, _, _ in settling]


def _settle_one_manual(tx: Transaction, ended: Ended) -> Told:
    lift = ended.lift
    if ended.result.reason == CAR_UNDER_ARM:
        return Told()
    if ended.result.outcome is Outcome.REJECTED:
        text = ended.result.reason or "the barrier refused"
        return Told(alarms=[Alarm(lift.lot_id, lift.channel_id, "", ended.at, "barrier_fault", text)])
    held = lift.command == "hold"
    if held or (lift.command == "close" and ended.result.outcome is Outcome.ACCEPTED):
        lane = facts.lanes(tx.conn, [_lane(lift)]).get(_lane(lift))
        if lane is not None and lane.held != held:
            lane.held = held
            tx.changes.lane(lane)
    return Told()


def _lane(lift: Lift) -> LaneKey:
    return LaneKey(lift.lot_id, lift.channel_id)


def _purpose(lift: Lift) -> str:
    return lift.purpose or (Purpose.ENTER if lift.order_id is not None else Purpose.MANUAL).value
