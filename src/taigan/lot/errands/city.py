"""The city's platform: whether a plate may come in (10.4), what screens show (10.5), what was corrected (10.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import structlog

from taigan.bolink import BolinkClient, BolinkError
from taigan.bolink.chapters.reports import CheckEntry, GetScreenText
from taigan.bolink.values import CheckStatus, ScreenMoment, SharedParking
from taigan.clock import Clock
from taigan.lot import texts
from taigan.lot.entering.scan import Word
from taigan.lot.errors import Conflict, LotError, UnknownOrder
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.leaving.corrections import owe_correction
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.room import Room
from taigan.lot.people.by import By
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.locked import city as kept
from taigan.storage.locked.city import City
from taigan.storage.rows import Act, Lot

log = structlog.get_logger("taigan.city")
CHECK_WITHIN = 1.5
"""Seconds that a car waits for BoLink's word: without it, it is let in."""
MOMENTS = {texts.SCREEN_WELCOME: ScreenMoment.ENTRY, texts.SCREEN_SCAN_TO_LEAVE: ScreenMoment.BEFORE_LEAVING}
"""Which of a screen's own texts give way to the city's. Prices and what went wrong never do."""
NOT_PASSED = "禁止入场，请联系管理员"


class SetCity(msgspec.Struct, kw_only=True):
    """What the lot does with its city's platform."""

    lot_id: str
    corrections: bool
    checks: bool
    screens: bool
    by: By

    def apply(self, room: Room) -> City:
        given = kept.city(room.conn, room.lot_id)
        given.corrections, given.checks, given.screens = self.corrections, self.checks, self.screens
        given.actor, given.reason, given.at = self.by.operator, self.by.reason, room.now
        if not self.screens:
            given.texts, given.fetched_at = "{}", None
        kept.keep(room.conn, given)
        act = f"city: corrections {self.corrections}, checks {self.checks}, screens {self.screens}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        return given


class TellCity(msgspec.Struct, kw_only=True):
    """A person has the city told how a stay is now."""

    lot_id: str
    order_id: str
    by: By

    def apply(self, room: Room) -> None:
        """Raises UnknownOrder, Conflict."""
        order = room.order(self.order_id)
        if order is None:
            raise UnknownOrder(f"lot {room.lot_id} has no order {self.order_id}", "order_id")
        if order.state not in ("in", "out") or not owe_correction(room, order, asked=True):
            raise Conflict("BoLink does not know the stay: there is nothing to correct", "order_id")
        act = f"city told of {self.order_id}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))


async def said_in_time(clock: Clock, asking: Coroutine[Any, Any, Word]) -> Word | None:
    """What BoLink says of a plate that wants to come in; None: its car has waited long enough. Raises as `asking`."""
    asked = asyncio.ensure_future(asking)
    try:
        await clock.wait((asked,), CHECK_WITHIN)
        return asked.result() if asked.done() else None
    finally:
        asked.cancel()


class CityDesk:
    """One per process."""

    def __init__(
        self,
        database: Database,
        desk: LeavingDesk,
        lanes: Lanes,
        client_of: Callable[[str], BolinkClient],
        clock: Clock,
    ) -> None:
        self._database = database
        self._desk = desk
        self._client_of = client_of
        self._clock = clock
        self._texts: dict[str, dict[str, str]] = {}
        lanes.city_text = self.text

    async def get(self, lot_id: str) -> City:
        """Raises StorageError."""
        return await self._database.read(lambda conn: kept.city(conn, lot_id))

    async def put(self, lot_id: str, by: By, *, corrections: bool, checks: bool, screens: bool) -> City:
        """Say what the lot does with its city's platform. Raises UnknownLot, StorageError."""
        asked = SetCity(lot_id=lot_id, corrections=corrections, checks=checks, screens=screens, by=by)
        given = await self._desk.do(asked)
        self._texts[lot_id] = given.shown
        return given

    async def tell(self, lot_id: str, order_id: str, by: By) -> None:
        """Have the city told how a stay is now (10.1). Raises UnknownOrder, Conflict, StorageError."""
        await self._desk.do(TellCity(lot_id=lot_id, order_id=order_id, by=by))

    async def check(self, lot_id: str, plate: str) -> Word:
        """Whether the city lets a plate in, and has a shared space for it (10.4). It may come in where nobody said so
        in time. Never raises."""
        try:
            if not (await self.get(lot_id)).checks:
                return Word()
            if word := await said_in_time(self._clock, self._ask(lot_id, plate)):
                return word
            log.warning("the city did not say in time whether a plate may come in", lot=lot_id)
        except (BolinkError, LotError, StorageError) as error:
            log.warning("the city could not be asked whether a plate may come in", lot=lot_id, error=str(error))
        return Word()

    async def _ask(self, lot_id: str, plate: str) -> Word:
        said = await self._client_of(lot_id).check_entry(CheckEntry(park_id=lot_id.partition("-")[2], car_number=plate))
        if said.data is None:
            return Word()
        reserved = said.data.share_status == SharedParking.RESERVED
        if said.data.status != CheckStatus.NOT_PASSED:
            return Word(reserved=reserved)
        return Word(texts.fitted(said.data.reason_msg or NOT_PASSED))

    async def fetch(self, lot: Lot) -> None:
        """Fetch what the lot's screens show (10.5). Raises StorageError."""
        given = await self.get(lot.lot_id)
        if not given.screens:
            self._texts.pop(lot.lot_id, None)
            return
        found: dict[str, str] = {}
        try:
            for moment in MOMENTS.values():
                said = await self._client_of(lot.lot_id).get_screen_text(
                    GetScreenText(park_id=lot.park_id, type=moment)
                )
                if said.screen_str.strip():
                    found[moment] = texts.fitted(said.screen_str.strip())
        except BolinkError as error:
            log.info("the city's texts could not be fetched", lot=lot.lot_id, error=str(error))
            self._texts[lot.lot_id] = given.shown  # those of before
            return
        given.texts, given.fetched_at = msgspec.json.encode(found).decode(), self._clock.now()
        await self._database.write(lambda conn: kept.keep(conn, given))
        self._texts[lot.lot_id] = found

    async def refresh(self) -> None:
        """Take over what another process set or fetched. Raises StorageError."""
        self._texts = {one.lot_id: one.shown for one in await self._database.read(kept.with_screens)}

    def text(self, lot_id: str, shown: str) -> str:
        """What a screen shows in place of one of its own texts."""
        moment = MOMENTS.get(shown)
        return self._texts.get(lot_id, {}).get(moment, shown) if moment is not None else shown
