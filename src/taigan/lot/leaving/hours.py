"""What time alone brings about at the exits: calls that nobody answers, cars that stand, pulls that nobody ended.

Looks once a second without a lock; what is found is judged again at the desk. Any number of processes may look.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
import structlog

from taigan.bolink import units
from taigan.clock import Clock
from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import report
from taigan.lot.leaving.cars.release import release
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.pulling.ended import show_price
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.policy import OfflineExit, Policy
from taigan.lot.stays import orders
from taigan.lot.uploads.pulls import Pulls
from taigan.lot.writing.ages import SKEW
from taigan.storage.database import Database
from taigan.storage.due import overdue
from taigan.storage.errors import StorageError
from taigan.storage.locked import ledger
from taigan.storage.rows import Attempt, Departure, Lane, Order

log = structlog.get_logger("taigan.leaving")
EVERY = 1.0
NOBODY_CAME = timedelta(seconds=60)
"""So long a car waits for a person at the exit before it is told outside."""
STANDS = timedelta(minutes=30)
"""So long a car may stand at the exit, owing, before it is priced anew."""
PULL_SPARE = timedelta(seconds=2)
"""How long past its deadline a pull may be without an end before its process counts as dead."""
UNANSWERED = "unanswered"
SET_ASIDE_FOR = 600.0
"""Seconds until what could not be brought about is tried again."""


class Hours:
    """One per process."""

    def __init__(self, database: Database, desk: LeavingDesk, pulls: Pulls, policy: Policy, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._pulls = pulls
        self._policy = policy
        self._clock = clock
        self._aside: dict[tuple[str, ...], float] = {}
        """What could not be brought about, and until when it is left alone."""

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.error("the exits cannot be looked at", error=str(error))
            except Exception:
                log.exception("a look at the exits failed")
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Bring about whatever is due by now. Raises `StorageError`."""
        now, policy = self._clock.now(), self._policy
        down = self._pulls.bolink_is_down
        waited = timedelta(seconds=policy.attempt_wait)

        def due(conn: sa.Connection) -> tuple[set[str], list[str]]:
            late = overdue.late_pulls(conn, now - PULL_SPARE, now + SKEW, now - waited)
            return late, overdue.departures_waiting(conn, now - NOBODY_CAME, now - STANDS, offline=down)

        late, stand = await self._database.read(due)
        for lot_id in sorted(late):
            await self._do(("late pulls", lot_id), LatePulls(lot_id))
        for lot_id in sorted(stand):
            await self._do(("cars that stand", lot_id), Standing(lot_id, self._desk.pictures(lot_id)))
        if policy.escape_after:
            before = now - timedelta(seconds=policy.escape_after)
            for lot_id, order_id in await self._database.read(lambda conn: overdue.owed_since(conn, before)):
                await self._do(("what is owed", lot_id, order_id), NobodyDecided(lot_id, order_id, before))

    async def _do(self, about: tuple[str, ...], act: LatePulls | Standing | NobodyDecided) -> None:
        """Bring one thing about. What fails for a reason of its own is set aside, and holds up nothing else."""
        now = self._clock.monotonic()
        if self._aside.get(about, now) > now:
            return
        try:
            await self._desk.do(act)
            self._aside.pop(about, None)
        except StorageError:
            raise
        except Exception:
            self._aside[about] = now + SET_ASIDE_FOR
            log.exception("set aside: this cannot be brought about at the exits", about=about[0], lot=act.lot_id)


class LatePulls(msgspec.Struct):
    """Pulls past their deadline, and drivers kept waiting by one."""

    lot_id: str

    def apply(self, room: Room) -> None:
        for pull in room.sheet.read(ledger.pulls_open, room.lot_id):
            if pull.state == "live" and (room.now > pull.deadline + PULL_SPARE or pull.started_at > room.now + SKEW):
                pull.state, pull.said = "unclear", "no answer was kept"
                room.changes.attempt(pull)
            if room.now - pull.started_at >= timedelta(seconds=room.policy.attempt_wait):
                self._waited(room, pull)

    def _waited(self, room: Room, pull: Attempt) -> None:
        """The driver may pay by code again: nothing is taken a second time by itself."""
        order, departure = room.order(pull.order_id), room.departure_of(pull.order_id)
        if order is None or departure is None or departure.released_at is not None:
            return
        text = f"{cars.named(order)}: nobody knows what became of {units.yuan(pull.fen)} yuan by {pull.way}"
        cars.once(room, departure, "pull", text, "pull_unclear")
        show_price(room, order, texts.SCREEN_PAY)


class Standing(msgspec.Struct):
    """Cars that stand in a lot's exit lanes and are not let go."""

    lot_id: str
    pictures: dict[str, Picture]

    def apply(self, room: Room) -> None:
        for found in room.sheet.read(ledger.departures_open, room.lot_id):
            lane = room.lane(found.channel_id)
            departure = room.departure_at(found.channel_id)
            if lane is None or departure is None or departure.presence_id != found.presence_id:
                continue
            if departure.released_at is None and room.now - departure.charge_at >= NOBODY_CAME:
                self._stands(room, lane, departure)

    def _stands(self, room: Room, lane: Lane, departure: Departure) -> None:
        order = room.order(departure.order_id)
        due = _due(room, order, departure)
        called = bool(departure.alarmed) or order is None
        if order is not None and due and not called and room.bolink_is_down:
            self._offline(room, departure, order)
            return
        if called and UNANSWERED not in departure.alarmed.split(","):
            about = cars.named(order) if order is not None else departure.plate or "无牌车"
            text = f"{about}: waits at the exit, and nobody came"
            cars.once(room, departure, UNANSWERED, text, "exit_unanswered")
        if order is not None and due and room.now - departure.charge_at >= STANDS:
            self._price_anew(room, lane, departure, order)

    def _offline(self, room: Room, departure: Departure, order: Order) -> None:
        text = f"{cars.named(order)}: owes at the exit, and BoLink is not reached"
        if room.policy.offline_exit is OfflineExit.LET_GO:
            picture = self.pictures.get(departure.channel_id, Picture(False))
            room.alarm("exit_offline", f"{text}: let go, owed", departure.channel_id, order.order_id)
            release(room, departure, picture, "rule", actor="platform", reason="BoLink is not reached: let go, owed")
        else:
            departure.alarmed = UNANSWERED
            room.changes.departure(departure)
            room.alarm("exit_offline", text, departure.channel_id, order.order_id)

    def _price_anew(self, room: Room, lane: Lane, departure: Departure, order: Order) -> None:
        if room.sheet.live_pull(room.lot_id, order.order_id) is not None:
            return
        if any(payment.state == "pending" for payment in room.sheet.payments(room.lot_id, order.order_id)):
            return
        departure.charge_at = room.now
        room.changes.departure(departure)
        text = f"滞留: {cars.named(order)} stands at the exit for half an hour and owes"
        room.alarm("stayed", text, departure.channel_id, order.order_id)
        cars.settle_up(room, lane, departure, self.pictures.get(lane.channel_id, Picture(False)))


class NobodyDecided(msgspec.Struct):
    """What a stay left owing is reported to BoLink, because the operator set that it is after so long."""

    lot_id: str
    order_id: str
    before: datetime

    def apply(self, room: Room) -> None:
        order = room.order(self.order_id)
        if order is None or order.state != "out":
            return
        bill = room.account(order).bill
        if bill.balance_fen <= 0 or bill.awaited or bill.closed_at is None or bill.closed_at >= self.before:
            return
        if not room.exit_was_told(order.order_id):
            orders.note(room.changes, order, room.now, "nobody decided", "platform", "escape_after")
            report(room, order)


def _due(room: Room, order: Order | None, departure: Departure) -> int | None:
    """What the car owes; None where nobody can say."""
    if order is None or room.account(order).entry > departure.charge_at:
        return None
    try:
        return room.account(order).due(departure.charge_at)
    except CannotPrice:
        return None
