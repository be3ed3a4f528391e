"""Pictures of cars: taken from the cameras, made small, kept, and found again.

No car waits for a picture. What cameras send waits in memory, so much and no more; a picture that cannot be read or
kept is counted and named in the log, and nothing else depends on it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from datetime import datetime

import sqlalchemy as sa
import structlog

from taigan.barriers.barrier import LaneKey, Photo
from taigan.clock import Clock
from taigan.lot.errors import LotError, UnknownOrder
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.signals.events import Events
from taigan.lot.signals.metrics import Metrics
from taigan.pictures.scaler import NotAPicture, Scaler
from taigan.pictures.store import Store, StoreFailed, both, small
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.kept import shots
from taigan.storage.kept.shots import Shot
from taigan.storage.locked import facts

log = structlog.get_logger("taigan.pictures")
MOST_WAITING = 32 * 1024 * 1024
"""Bytes of pictures that wait to be made small; further ones are not kept."""


class NotKept(LotError):
    """The picture could not be stored now."""

    code = "picture_not_kept"
    status = 503


class Album:
    """Everything that has to do with pictures, one per process."""

    def __init__(
        self,
        database: Database,
        store: Store,
        scaler: Scaler,
        lanes: Lanes,
        events: Events,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.store = store
        self._database = database
        self._scaler = scaler
        self._lanes = lanes
        self._events = events
        self._metrics = metrics
        self._clock = clock
        self._waiting: deque[Photo] = deque()
        self._bytes = 0
        self._more = asyncio.Event()

    def take(self, photo: Photo) -> None:
        """A camera's picture. Returns at once and never raises."""
        if self._bytes + len(photo.data) > MOST_WAITING:
            self._metrics.pictures.labels("too_many").inc()
            log.warning("too many pictures at once: one is not kept", lane=str(photo.lane))
            return
        self._waiting.append(photo)
        self._bytes += len(photo.data)
        self._more.set()

    async def run(self) -> None:
        """Keep what was taken, one after the other, until cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                photo = self._waiting.popleft()
                self._bytes -= len(photo.data)
                await self.keep(photo)

    async def keep(self, photo: Photo) -> str:
        """Make a camera's picture small and keep it. Tells what became of it: `kept`, `known`, or why not. Never
        raises."""
        try:
            outcome = await self._keep(photo)
        except NotAPicture as error:
            outcome = "refused"
            log.warning("a camera's picture is not kept", lane=str(photo.lane), reason=str(error))
        except (StoreFailed, StorageError) as error:
            outcome = "failed"
            log.warning("a camera's picture cannot be kept", lane=str(photo.lane), reason=str(error))
        except Exception:
            outcome = "failed"
            log.exception("a camera's picture cannot be kept", lane=str(photo.lane))
        self._metrics.pictures.labels(outcome).inc()
        return outcome

    async def stop(self) -> None:
        """End the process that makes pictures small."""
        await self._scaler.stop()

    async def give(self, lot_id: str, order_id: str, kind: str, content_type: str, picture: bytes) -> None:
        """Keep a picture as it is, as that of an order, in place of an earlier one. Raises UnknownOrder, NotKept,
        StorageError."""
        now = self._clock.now()
        name = _name(lot_id, order_id, kind, now.isoformat(), hashlib.sha256(picture).hexdigest())
        place = f"{now:%Y-%m-%d}/{name}.{'png' if content_type == 'image/png' else 'jpg'}"
        shot = Shot(lot_id, name, kind, "given", now, content_type, place, order_id=order_id)

        def transaction(conn: sa.Connection) -> list[Shot]:
            if not facts.orders(conn, [(lot_id, order_id)]):
                raise UnknownOrder(f"lot {lot_id} has no order {order_id}", "order_id")
            before = shots.given(conn, lot_id, order_id, kind)
            shots.add(conn, shot)
            return [each for each in before if each.shot_id != name]

        before = await self._database.write(transaction)
        await self._put(shot, {place: picture})
        await self._drop(before)

    async def of_order(self, lot_id: str, order_id: str, kind: str) -> tuple[str, bytes] | None:
        """An order's entry (`in`) or exit (`out`) picture as (content type, bytes). Raises NotKept."""
        shot = await self._database.read(lambda conn: shots.picture_of(conn, lot_id, order_id, kind))
        return await self.read(shot) if shot is not None else None

    async def read(self, shot: Shot, *, smaller: bool = False) -> tuple[str, bytes] | None:
        """A picture as (content type, bytes), or its small one; None where it is gone. Raises NotKept."""
        if not shot.place:
            old = await self._database.read(lambda conn: shots.old_bytes(conn, shot))
            return (shot.content_type, old) if old is not None else None
        try:
            found = await self.store.get(small(shot.place)) if smaller and shot.why != "given" else None
            if found is None:
                found = await self.store.get(shot.place)
        except StoreFailed as error:
            log.warning("a picture cannot be read", lot=shot.lot_id, reason=str(error))
            raise NotKept("the pictures cannot be reached now") from None
        return (shot.content_type, found) if found is not None else None

    async def _keep(self, photo: Photo) -> str:
        lane = photo.lane
        if not await self._lanes.is_watched(lane):
            return "elsewhere"
        kind = await self._kind(lane)
        if not kind:
            return "no_lane"
        scaled = await self._scaler.scale(photo.data)
        place = f"{photo.at:%Y-%m-%d}/{_name(lane.lot_id, photo.photo_id)}.jpg"
        shot = Shot(
            lane.lot_id,
            photo.photo_id,
            kind,
            photo.why.value,
            photo.at,
            "image/jpeg",
            place,
            channel_id=lane.channel_id,
            presence_id=photo.presence_id,
            plate=photo.plate,
        )
        if not await self._database.write(lambda conn: shots.add(conn, shot)):
            return "known"
        await self._put(shot, {place: scaled.large, small(place): scaled.small})
        self._tell(lane, photo.at)
        return "kept"

    async def _kind(self, lane: LaneKey) -> str:
        found = await self._database.read(lambda conn: facts.lanes(conn, [lane]))
        return next(("out" if row.direction == "exit" else "in" for row in found.values()), "")

    async def _put(self, shot: Shot, pictures: dict[str, bytes]) -> None:
        try:
            for place, data in pictures.items():
                await self.store.put(place, data)
        except StoreFailed as error:
            await self._database.write(lambda conn: shots.remove(conn, [shot]))
            log.warning("a picture cannot be stored", lot=shot.lot_id, reason=str(error))
            raise NotKept("the picture cannot be stored now") from None

    async def _drop(self, dropped: list[Shot]) -> None:
        """What has another in its place goes: the picture, then its row; what cannot go now goes in its time."""
        try:
            await self.store.drop([each for shot in dropped if shot.place for each in both(shot.place)])
            await self._database.write(lambda conn: shots.remove(conn, dropped))
        except (StoreFailed, StorageError) as error:
            log.warning("an earlier picture is not dropped yet", reason=str(error))

    def _tell(self, lane: LaneKey, at: datetime) -> None:
        if self._events.anybody:
            self._events.publish({"step": "picture", "lot_id": lane.lot_id, "channel_id": lane.channel_id, "at": at})


def _name(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
