"""The no-plate entry, from a verified request to its answer: two commits with the barrier between them.

1. `_admit` decides and writes what is intended.
2. The arm is raised, with a deadline: `lot/lifts.py`.
3. `_settle` writes what its outcome means for the order, the answer and what is owed to BoLink.

Both commits go through one queue: a transaction settles and admits whatever waits. Whatever hangs or breaks,
the driver is answered in time; what is not settled by then is settled later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress

import msgspec
import structlog

from taigan.barriers.barrier import Outcome, Result
from taigan.clock import Clock, set_within
from taigan.lot import texts
from taigan.lot.entering.passes import note_pass
from taigan.lot.entering.rules import command_by, decide, outcome_told
from taigan.lot.entering.scan import Next, Scan, Verdict, answer
from taigan.lot.entering.situation import Situation
from taigan.lot.ids import Ids
from taigan.lot.lanes.evidence import UNSEEN
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.lifts import Ended, Lifts, Purpose, Settling, Told, cancel
from taigan.lot.policy import Policy
from taigan.lot.signals.events import Events
from taigan.lot.signals.metrics import Metrics
from taigan.lot.stays import orders
from taigan.lot.writing.checkpoints import Checkpoint, Reach, pass_by
from taigan.lot.writing.commits import Commits, Transaction
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.locked import facts
from taigan.storage.rows import Alarm, Lift, Order

log = structlog.get_logger("taigan.entry")
ANSWER_SPARE = 0.05
"""Seconds before an answer is due in which it is written and sent."""


class Decided(msgspec.Struct):
    """What the first commit decided."""

    verdict: Verdict
    alarms: list[Alarm]


class Late(msgspec.Struct, frozen=True):
    """A scan whose answer was due before its commit was heard of."""

    scan: Scan

    @property
    def lot_id(self) -> str:
        return self.scan.lot_id

    @property
    def digest(self) -> str:
        return self.scan.digest


class EntryDesk:
    """Answers drivers. One per process; its rules live in `rules.decide`."""

    def __init__(
        self,
        commits: Commits,
        lifts: Lifts,
        database: Database,
        lanes: Lanes,
        policy: Policy,
        clock: Clock,
        ids: Ids,
        metrics: Metrics,
        events: Events,
        reach: Reach = pass_by,
    ) -> None:
        self._reach = reach
        self._commits = commits
        self._lifts = lifts
        self._database = database
        self._lanes = lanes
        self._policy = policy
        self._clock = clock
        self._ids = ids
        self._metrics = metrics
        self._events = events
        self._admit_seconds = metrics.commit_seconds.labels("admit")
        self._settle_seconds = metrics.commit_seconds.labels("settle")
        self._working: dict[str, asyncio.Task[tuple[int, bytes]]] = {}
        self._unfinished: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._late: dict[str, Scan] = {}
        commits.handle(Late, self._void_late)
        commits.handle(Scan, self._admit)
        lifts.serve(Purpose.ENTER, self._settle)

    async def enter(self, scan: Scan) -> tuple[int, bytes]:
        """Answer a scan, always before `scan.answer_by`. Returns the state told and the answer's bytes.

        A caller that is cancelled leaves the work behind: it is carried to its end.
        """
        began = self._clock.monotonic()
        if self._events.anybody:
            self._show("received", scan, at=scan.received_at, signature=scan.signature)
        if first := self._working.get(scan.digest):
            return await self._wait_for(scan, first)
        if (barrier := self._lanes.barrier(scan.lane)) is not None:
            scan.slowest_command = barrier.sight.slowest_command
        scan.at_hand = self._lifts.at_hand(scan.lane)
        work = self._working[scan.digest] = asyncio.create_task(self._enter(scan))
        work.add_done_callback(lambda _: self._working.pop(scan.digest))
        await self._clock.wait((work,), self._left(scan) - ANSWER_SPARE)
        state, reply = await work if work.done() else self._answer_unsettled(scan)
        self._metrics.entry_seconds.observe(self._clock.monotonic() - began)
        return state, reply

    def _answer_unsettled(self, scan: Scan) -> tuple[int, bytes]:
        """The answer is due while the work goes on: 0 if surely nothing will be decided, 2 in every other case."""
        if scan.decided:
            if not scan.slowest_command:  # a device that fetches its commands may come by later than the answer is due
                log.error("entry not settled in time", lane=str(scan.lane))
            return 2, answer(2, texts.RAISING, scan.licence, self._clock.now())
        scan.given_up = True  # first this: a transaction that begins from now on leaves it alone
        log.error("entry not decided in time", lane=str(scan.lane), in_doubt=scan.begun)
        return self._undecided(scan)

    def _undecided(self, scan: Scan) -> tuple[int, bytes]:
        if scan.begun:
            return 2, answer(2, texts.RAISING, scan.licence, self._clock.now())
        return 0, answer(0, texts.BUSY, scan.licence, self._clock.now())

    async def _enter(self, scan: Scan) -> tuple[int, bytes]:
        arrival = self._lanes.next_arrival(scan.lane)
        verdict = await self._decide(scan)
        if verdict is not None and verdict.next is Next.HOLD:
            scan.begun = False  # nothing was written
            grace = min(self._policy.presence_grace, self._left(scan) - 0.5)
            await set_within(self._clock, arrival, grace)
            verdict = await self._decide(self._look_again(scan))
        if verdict is None or scan.given_up:
            if scan.begun and (verdict is None or verdict.next is Next.RAISE):
                self._keep(self._make_void(scan))
            return self._undecided(scan)
        scan.decided = True
        match verdict.next:
            case Next.SAME:
                return await self._wait_for_row(scan)
            case Next.RAISE:
                return await self._raise(scan, verdict)
            case _:
                if verdict.order is not None:
                    self._commits.owed.set()
                    if verdict.order.waiting_for == "arm":
                        self._lanes.follow_arm(scan.lane, verdict.order.order_id)
                self._tell(scan, verdict.order, verdict.state, verdict.text, welcome=verdict.welcome)
                return verdict.state, verdict.answer

    async def _decide(self, scan: Scan) -> Verdict | None:
        """The first commit; None when it failed. It may exist nevertheless."""
        began = self._clock.monotonic()
        try:
            decided: Decided = await self._commits.submit(scan)
        except StorageError as error:
            log.error("entry not decided", lane=str(scan.lane), error=str(error))
            return None
        except Exception:
            log.exception("entry not decided", lane=str(scan.lane))
            scan.begun = False  # nothing was written for it
            return None
        verdict = decided.verdict
        self._admit_seconds.observe(self._clock.monotonic() - began)
        for alarm in decided.alarms:
            self._lanes.alarm(alarm)
        if self._events.anybody:
            order_id = verdict.order.order_id if verdict.order is not None else ""
            self._show("decided", scan, order_id=order_id, next=verdict.next.name.lower(), state=verdict.state)
        return verdict

    async def _raise(self, scan: Scan, verdict: Verdict) -> tuple[int, bytes]:
        order, lift = verdict.order, verdict.lift
        assert order is not None
        assert lift is not None
        self._reach(Checkpoint.ADMITTED)
        ended = await self._lifts.carry_out(lift, verdict.confirm, command_by(scan))
        ended.digest, ended.car_number = scan.digest, scan.licence
        began = self._clock.monotonic()
        try:
            told = await self._lifts.settle(ended)
        except StorageError as error:
            log.error("entry not settled", order=order.order_id, error=str(error))
            return 2, answer(2, texts.RAISING, scan.licence, self._clock.now())
        except Exception:
            log.exception("entry not settled", order=order.order_id)
            return 2, answer(2, texts.RAISING, scan.licence, self._clock.now())
        self._reach(Checkpoint.SETTLED)
        self._settle_seconds.observe(self._clock.monotonic() - began)
        self._tell(scan, order, told.state, told.text, lift, ended.result, welcome=verdict.welcome)
        return told.state, told.answer

    async def stop(self) -> None:
        """Return when everything under way has ended, but wait for a few seconds only."""
        self._stopping.set()
        draining = asyncio.create_task(self.drained())
        await asyncio.wait([draining], timeout=3)
        draining.cancel()

    async def drained(self) -> None:
        """Return when every entry and every commit under way has ended."""
        while under_way := [*self._working.values(), *self._unfinished]:
            await asyncio.wait(under_way)
        await self._commits.drained()

    async def _make_void(self, scan: Scan) -> None:
        """The answer was due before the commit was heard of: no arm rises for what it wrote after all.

        Until that is stored, each transaction of the lot begins with it, so that nobody meets such an order.
        """
        self._late[scan.digest] = scan
        while True:
            try:
                await self._commits.submit(Late(scan))
                break
            except StorageError:
                if await set_within(self._clock, self._stopping, 1.0):
                    break
        del self._late[scan.digest]

    def _void_late(self, tx: Transaction, items: Sequence[Late]) -> list[None]:
        for scan in {item.scan.digest: item.scan for item in items}.values():
            message = tx.messages.get(scan.digest) or facts.messages(tx.conn, [scan.digest]).get(scan.digest)
            if message is None or message.received_at != scan.received_at or message.order_id is None:
                continue
            tx.find([(scan.lot_id, message.order_id)])
            order = tx.orders.get((scan.lot_id, message.order_id))
            if order is None or order.state != "waiting" or order.waiting_for != "barrier":
                continue
            cancel(tx.conn, tx.changes, order, tx.now)
            orders.void(tx.changes, tx.lots[scan.lot_id], order, tx.now, why="late")
            message.answer = answer(0, texts.BUSY, scan.licence, tx.now)
            tx.changes.answers.append(message)
        return [None] * len(items)

    async def _wait_for(self, scan: Scan, work: asyncio.Task[tuple[int, bytes]]) -> tuple[int, bytes]:
        """The answer when it is there, or 2 when it is due."""
        await self._clock.wait((work,), self._left(scan))
        if work.done():
            return await work
        return 2, answer(2, texts.RAISING, scan.licence, self._clock.now())

    async def _wait_for_row(self, scan: Scan) -> tuple[int, bytes]:
        """Another process works on this very message: its answer appears in the inbox."""
        while self._left(scan) > 0.2:
            await self._clock.sleep(0.1)
            with suppress(StorageError):
                found = await self._database.read(lambda conn: facts.messages(conn, [scan.digest]))
                if (message := found.get(scan.digest)) is not None and message.answer is not None:
                    return -1, message.answer
        return 2, answer(2, texts.RAISING, scan.licence, self._clock.now())

    def _left(self, scan: Scan) -> float:
        return scan.answer_by.left()

    def _look_again(self, scan: Scan) -> Scan:
        picture = self._lanes.state(scan.lane)
        if picture is not None:
            scan.online, scan.position, scan.held = picture.online, picture.position, picture.held
        scan.patient = False
        return scan

    def _keep(self, work: Coroutine[object, object, None]) -> None:
        async def run() -> None:
            try:
                await work
            except Exception:
                log.exception("late settlement failed")

        task = asyncio.create_task(run())
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)

    def _show(self, step: str, scan: Scan, **more: object) -> None:
        """A live step of a scan, for whoever listens."""
        about = {"lot_id": scan.lot_id, "channel_id": scan.channel_id, "car_number": scan.licence}
        self._events.publish({"step": step, "at": self._clock.now(), **about, **more})

    def _tell(
        self,
        scan: Scan,
        order: Order | None,
        state: int,
        text: str,
        lift: Lift | None = None,
        result: Result | None = None,
        *,
        welcome: str = "",
    ) -> None:
        """One line, one live step and the lane's screen, that tell the story of an entry."""
        if text:
            self._lanes.show(scan.lane, (welcome or texts.SCREEN_WELCOME) if state == 1 else text)
        story = {
            "lot_id": scan.lot_id,
            "channel_id": scan.channel_id,
            "car_number": scan.licence,
            "order_id": order.order_id if order is not None else "",
            "state": state,
            "lift_id": lift.lift_id if lift is not None else "",
            "outcome": result.outcome.value if result is not None else "",
            "reason": result.reason if result is not None else "",
            "seconds": round((self._clock.now() - scan.received_at).total_seconds(), 4),
        }
        log.info("entry", **story)
        if self._events.anybody:
            self._events.publish({"step": "entry", "at": self._clock.now(), **story})

    def _admit(self, tx: Transaction, scans: Sequence[Scan]) -> list[Decided]:
        self._void_late(tx, [Late(scan) for scan in [*self._late.values()] if scan.lot_id in tx.lots])
        situation = Situation(tx, scans, self._policy)
        decided = []
        for scan in scans:
            scan.begun = not scan.given_up
            if scan.given_up:  # its driver was told so: it is not decided at all
                decided.append(Decided(Verdict(Next.ANSWER, 0), []))
                continue
            before = len(tx.changes.alarms)
            verdict = decide(scan, situation, self._ids)
            if scan.origin == "plate" and verdict.order is not None:
                verdict.welcome = note_pass(tx.conn, tx.changes, tx.lots[scan.lot_id], verdict.order)
                if scan.word.arrears:
                    orders.note(tx.changes, verdict.order, tx.now, "arrears", detail=str(scan.word.arrears))
                    verdict.welcome = texts.with_arrears(verdict.welcome, scan.word.arrears)
            decided.append(Decided(verdict, tx.changes.alarms[before:]))
        return decided

    def _has_gone(self, tx: Transaction, order: Order) -> bool:
        """Whether the car has left the loop, while its lift was under way."""
        found = facts.presences(tx.conn, [order.presence_id]) if order.presence_id else {}
        car = found.get((order.lot_id, order.presence_id or ""))
        return car is not None and car.left_at is not None

    def _settle(self, tx: Transaction, settling: Sequence[Settling]) -> list[Told]:
        """What lifts' ends mean for orders that enter, and for the drivers who wait for an answer."""
        return [self._settle_one(tx, ended, order, present) for ended, order, present in settling]

    def _settle_one(self, tx: Transaction, ended: Ended, order: Order | None, present: bool) -> Told:
        assert order is not None
        lift, lot, was_in = ended.lift, tx.lots[ended.lot_id], order.state == "in"
        told = Told()
        if order.state == "waiting" and present:
            if ended.postponed:
                order.waiting_for = "arm"
                orders.note(tx.changes, order, ended.at, "waiting", detail=ended.result.reason)
            elif ended.result.outcome is Outcome.REJECTED and self._has_gone(tx, order):
                orders.void(tx.changes, lot, order, ended.at, why="backed out")
            elif ended.result.outcome is Outcome.REJECTED:
                orders.void(tx.changes, lot, order, ended.at, why="barrier fault")
                text = ended.result.reason or "the barrier refused"
                told.alarms = [Alarm(lift.lot_id, lift.channel_id, order.order_id, ended.at, "barrier_fault", text)]
            elif ended.confirmed:
                gone = ended.settled and self._has_gone(tx, order)
                review = UNSEEN if gone else ""
                orders.enter(
                    tx.changes, lot, order, ended.at, why="confirmed", actor=lift.actor, via=lift.via, review=review
                )
                if gone:
                    orders.drive_through(tx.changes, order, ended.at, "not seen to go back")
            else:
                order.waiting_for = "confirmation"
                orders.note(tx.changes, order, ended.at, "not confirmed", detail=ended.result.outcome.value)
        told.owed = order.state == "in"
        told.state, told.text = (2, texts.RAISING) if order.state == "waiting" else outcome_told(order)
        if was_in and order.told_state == 1:
            told.text = order.told_text
        order.told_state, order.told_text = told.state, told.text
        tx.changes.order(order)
        told.answer = answer(told.state, told.text, ended.car_number, ended.at)
        if message := tx.messages.get(ended.digest):
            if message.answer is None:
                message.answer = told.answer
                tx.changes.answers.append(message)
            told.answer = message.answer  # the same message came to another process meanwhile, and was answered there
        return told
