"""What time brings a lot to ask BoLink: each round is taken by one process, whichever looks first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from taigan.bolink import BolinkError
from taigan.clock import Clock
from taigan.lot.community.desk import CommunityDesk
from taigan.lot.errands import refunds
from taigan.lot.errands.city import CityDesk
from taigan.lot.errands.errands import Errands
from taigan.lot.errands.reconciling import Reconciling
from taigan.lot.errors import LotError
from taigan.lot.people.looking import reporting
from taigan.lot.policy import Policy
from taigan.lot.writing.ages import SKEW
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.due import errands as asked
from taigan.storage.due import overdue
from taigan.storage.due import rounds as kept
from taigan.storage.errors import StorageError
from taigan.storage.locked import city as cities
from taigan.storage.locked import community as passages
from taigan.storage.rows import Alarm, Lot
from taigan.storage.setup import registry
from taigan.storage.shown import alarms
from taigan.storage.sums import stretches

log = structlog.get_logger("taigan.rounds")
EVERY = 10.0
"""Seconds between two looks."""
MORNING = 7
"""The hour of the lot's clock at which a person is told what lies about."""
REFUNDS_EVERY = 3600.0
"""Seconds between two looks for refunds that BoLink does not come to an end with."""
SUMS_EVERY = 600.0
"""Seconds between two looks for days that are not summed up yet, and for stays whose plates are not gathered."""
GATHERED_A_ROUND = 250
"""Transactions of a look, at most: a million stays take six such looks."""


@dataclass(frozen=True, slots=True)
class Round:
    """Something that is done for a lot again and again. `next_at` says when, from a moment on; `first` the same of the
    first time, for a lot that never had it."""

    task: str
    next_at: Callable[[Lot, datetime], datetime]
    run: Callable[[Lot], Awaitable[object]]
    first: Callable[[Lot, datetime], datetime] | None = None
    lots: Callable[[sa.Connection], Collection[str]] | None = None
    """The lots where there is something to do; all of them, where nobody can tell beforehand."""


def every(seconds: float) -> Callable[[Lot, datetime], datetime]:
    """So long after the last time."""
    return lambda lot, now: now + timedelta(seconds=seconds)


def at_once(lot: Lot, now: datetime) -> datetime:
    return now


def with_refunds(conn: sa.Connection) -> set[str]:
    return asked.lots_with(conn, refunds.SECTION)


def with_screens(conn: sa.Connection) -> set[str]:
    return {one.lot_id for one in cities.with_screens(conn)}


def _next(lot: Lot, now: datetime, hour: int, minute: int = 0) -> datetime:
    """When the lot's clock shows this next."""
    here = now.astimezone(ZoneInfo(lot.time_zone))
    today = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if here < today else today + timedelta(days=1)


class Rounds:
    """One per process."""

    def __init__(
        self,
        database: Database,
        errands: Errands,
        reconciling: Reconciling,
        city: CityDesk,
        community: CommunityDesk,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._database = database
        self._errands = errands
        self._reconciling = reconciling
        self._city = city
        self._policy = policy
        self._clock = clock
        self._rounds: list[Round] = []
        if policy.reconcile_at:
            self._rounds.append(Round("reconcile", self._at_night, self._yesterday))
        self._rounds.append(Round("stale stays", self._in_the_morning, self._stale))

        self._told_spaces: dict[str, int] = {}
        self._rounds += [
            Round("invoices", every(policy.invoices_every), errands.look_at_invoices, at_once),
            Round("refunds", every(REFUNDS_EVERY), errands.look_at_refunds, at_once, with_refunds),
            Round("passages", every(EVERY), community.look, at_once, passages.lots_with_open),
            Round("screens", every(policy.screens_every), city.fetch, at_once, with_screens),
        ]
        self._rounds.append(Round("day sums", every(SUMS_EVERY), self._sum_up, at_once))
        self._rounds.append(Round("plates", every(SUMS_EVERY), self._gather_plates, at_once))
        if policy.passes_every:
            self._rounds.append(Round("passes", every(policy.passes_every), errands.fetch_passes, at_once))
        if policy.spaces_every:
            self._rounds.append(Round("spaces", every(policy.spaces_every), self._spaces))

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.error("the rounds cannot look", error=str(error))
            except Exception:
                log.exception("a look failed")
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Do whatever is due now. Raises StorageError."""
        await self._errands.look()
        await self._city.refresh()
        for lot, one, due_at in await self._to_do():
            now = self._clock.now()
            ahead = one.next_at(lot, now + SKEW)
            if (due_at <= now or due_at > ahead) and await self._take(lot, one, now, ahead):
                await self._do(lot, one)

    async def _to_do(self) -> list[tuple[Lot, Round, datetime]]:
        """Where there is something to do, and when that is due. What nobody has done yet is written down first."""
        known, busy = await self._database.read(self._busy)
        now = self._clock.now()
        first = {
            (lot.lot_id, one.task): (one.first or one.next_at)(lot, now)
            for lot, one in busy
            if (lot.lot_id, one.task) not in known
        }
        if first:
            await self._database.write(lambda conn: kept.begin(conn, first))
        due = first | known
        return [(lot, one, due[lot.lot_id, one.task]) for lot, one in busy]

    def _busy(self, conn: sa.Connection) -> tuple[dict[tuple[str, str], datetime], list[tuple[Lot, Round]]]:
        lots = {lot.lot_id: lot for lot in registry.lots(conn)}
        of = {one.task: lots.keys() if one.lots is None else one.lots(conn) for one in self._rounds}
        busy = [(lot, one) for lot in lots.values() for one in self._rounds if lot.lot_id in of[one.task]]
        return kept.known(conn), busy

    async def _take(self, lot: Lot, one: Round, now: datetime, ahead: datetime) -> bool:
        """A round that is due later than whoever took it now would say was put off by a clock that has been set back
        since."""
        next_at, first = one.next_at(lot, now), (one.first or one.next_at)(lot, now)
        return await self._database.write(
            lambda conn: kept.take(conn, lot.lot_id, one.task, now, next_at, first, ahead)
        )

    async def _do(self, lot: Lot, one: Round) -> None:
        try:
            await one.run(lot)
        except LotError as error:
            log.warning("a round was not done", lot=lot.lot_id, task=one.task, error=error.message)
        except StorageError:
            raise
        except Exception:
            log.exception("a round failed", lot=lot.lot_id, task=one.task)

    async def _spaces(self, lot: Lot) -> None:
        """Tell BoLink the free spaces, where they are not what it was told last."""
        if self._told_spaces.get(lot.lot_id) != lot.spaces_free:
            try:
                await self._errands.tell_spaces(lot)
                self._told_spaces[lot.lot_id] = lot.spaces_free
            except BolinkError as error:
                log.info("BoLink was not told the free spaces", lot=lot.lot_id, error=str(error))

    async def _sum_up(self, lot: Lot) -> None:
        """Have the days that are over ready for reports."""
        await reporting.sum_up(self._database, lot, self._clock.now())

    async def _gather_plates(self, lot: Lot) -> None:
        """Have the plates of stays that lie back in few texts, in which parts of them are looked for."""
        now = self._clock.now()
        for _ in range(GATHERED_A_ROUND):
            if not await self._database.write(lambda conn: stretches.go_on(conn, lot.lot_id, now)):
                return

    def _at_night(self, lot: Lot, now: datetime) -> datetime:
        """When the lot's clock shows `reconcile_at` next."""
        hour, minute = map(int, self._policy.reconcile_at.split(":"))
        return _next(lot, now, hour, minute)

    def _in_the_morning(self, lot: Lot, now: datetime) -> datetime:
        return _next(lot, now, MORNING)

    async def _stale(self, lot: Lot) -> None:
        """Tell a person of stays that go on for longer than `stale_after`; they are neither closed nor priced."""
        now = self._clock.now()
        before = now - timedelta(seconds=self._policy.stale_after)

        def look(conn: sa.Connection) -> Alarm | None:
            number = overdue.stale_stays(conn, lot.lot_id, before)
            if not number or alarms.is_raised(conn, lot.lot_id, "stays_stale"):
                return None
            text = f"{number} stays have gone on for longer than {self._policy.stale_after / 86400:g} days"
            changes = Changes()
            changes.alarms.append(Alarm(lot.lot_id, "", "", now, "stays_stale", text))
            changes.write(conn)
            return changes.alarms[0]

        if (raised := await self._database.write(look)) is not None:
            log.warning("alarm", lot=raised.lot_id, kind=raised.kind, text=raised.text)

    async def _yesterday(self, lot: Lot) -> None:
        here = self._clock.now().astimezone(ZoneInfo(lot.time_zone))
        await self._reconciling.reconcile(lot.lot_id, here.date() - timedelta(days=1))
