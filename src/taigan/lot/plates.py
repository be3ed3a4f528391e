"""Plates that a camera reads: they ask for entry as drivers' scans do, or join the order of the car that scanned."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from functools import partial

import structlog

from taigan import bolink
from taigan.barriers.barrier import Event, EventKind, LaneKey
from taigan.barriers.words import NotAPlate, plate_of
from taigan.bolink import units
from taigan.clock import Clock
from taigan.deadline import Deadline
from taigan.lot import texts
from taigan.lot.entering.desk import EntryDesk
from taigan.lot.entering.scan import Scan, Word
from taigan.lot.errors import BadValue
from taigan.lot.lanes.lanes import Lanes, Rest
from taigan.lot.lanes.street import is_past
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.policy import Policy
from taigan.storage.database import Database
from taigan.storage.errors import Unavailable
from taigan.storage.locked import facts

log = structlog.get_logger("taigan.plates")


async def nobody_asks(lot_id: str, plate: str) -> Word:
    """BoLink is not asked."""
    return Word()


class Plates:
    """Takes plates from cameras and from the API."""

    def __init__(
        self, database: Database, desk: EntryDesk, leaving: LeavingDesk, lanes: Lanes, policy: Policy, clock: Clock
    ) -> None:
        self._database = database
        self._desk = desk
        self._leaving = leaving
        self._lanes = lanes
        self._policy = policy
        self._clock = clock
        lanes.when_read[EventKind.PLATE] = self.seen
        self.check_city = nobody_asks
        """Whether the city lets a plate into a lot, and has a shared space for it."""
        self.check_arrears = nobody_asks
        """Whether a plate left something unpaid in a lot, and is not let in for it."""

    async def seen(self, event: Event) -> Rest | None:
        """A camera's event: at an exit it is stored, at an entry it is a request that waits for its lane's next events.

        Raises StorageError.
        """
        try:
            plate = plate_of(event.plate)
        except NotAPlate as error:
            log.warning("a plate was not understood", lane=str(event.lane), reason=str(error))
            return None
        if not plate:
            return None
        if await self._is_exit(event.lane):
            return await self._leaving.read_plate(event.lane, plate, event.presence_id)
        return partial(self._asks, event, plate)

    async def _asks(self, event: Event, plate: str) -> None:
        """Raises Unavailable while nothing can be decided: its camera will not read it again."""
        if self._is_of_another_car(event):
            log.warning("a plate of a car that is not there any more", lane=str(event.lane), read_at=str(event.at))
            return
        _, decided = await self.read(event.lane, plate, event.presence_id, event.at)
        if not decided:
            raise Unavailable("nothing could be decided of a plate")

    def _is_of_another_car(self, event: Event) -> bool:
        """Whether another car stands on the loop than the one it was read for, or may do so by now."""
        picture = self._lanes.state(event.lane)
        there = picture.presence_id if picture is not None else ""
        if event.presence_id and there:
            return there != event.presence_id
        return is_past(event)

    async def _is_exit(self, lane: LaneKey) -> bool:
        found = await self._database.read(lambda conn: facts.lanes(conn, [lane]))
        return any(row.direction == "exit" for row in found.values())

    async def posted(self, lane: LaneKey, plate: str, presence_id: str) -> bolink.NoPlateEntryAnswer:
        """A plate that a program read just now. Returns what its driver would be told. Raises BadValue."""
        try:
            plate = plate_of(plate)
        except NotAPlate as error:
            raise BadValue(str(error), "plate") from None
        if not plate:
            raise BadValue("this is what cameras say when they read no plate", "plate")
        if await self._is_exit(lane):
            if rest := await self._leaving.read_plate(lane, plate, presence_id):
                await rest()
            return bolink.NoPlateEntryAnswer(
                state=1, errmsg=texts.TAKEN, car_number=plate, timestamp=units.seconds(self._clock.now())
            )
        said, _ = await self.read(lane, plate, presence_id, self._clock.now())
        return bolink.read(said, bolink.NoPlateEntryAnswer)

    async def read(self, lane: LaneKey, plate: str, presence_id: str, at: datetime) -> tuple[bytes, bool]:
        """Let the car with this plate in, by the rules of entry. The same plate of the same car is one request.

        `plate` is spelled as `plate_of` spells it. Returns what its driver is told, and whether anything is decided.
        """
        city, owing = await asyncio.gather(self.check_city(lane.lot_id, plate), self.check_arrears(lane.lot_id, plate))
        if refusal := city.refusal or owing.refusal:
            log.info("a plate is not let in", lane=str(lane), reason=refusal)
            self._lanes.show(lane, refusal)
            said = bolink.NoPlateEntryAnswer(
                state=0, errmsg=refusal, car_number=plate, timestamp=units.seconds(self._clock.now())
            )
            return bolink.write(said), True
        now = self._clock.now()
        about = f"plate\0{lane}\0{presence_id or at.isoformat()}\0{plate}"
        scan = Scan(
            origin="plate",
            lot_id=lane.lot_id,
            channel_id=lane.channel_id,
            licence=plate,
            pay_user_id="",
            mobile="",
            order_id="",
            sent_at=at,
            digest=hashlib.sha256(about.encode()).hexdigest(),
            key_id=0,
            received_at=now,
            word=Word(reserved=city.reserved, arrears=owing.arrears),
            answer_by=Deadline.within(self._policy.answer_within, self._clock),
        )
        picture = self._lanes.state(lane)
        if picture is not None:
            scan.online, scan.position, scan.held = picture.online, picture.position, picture.held
        state, told = await self._desk.enter(scan)
        return told, scan.decided or state != 0
