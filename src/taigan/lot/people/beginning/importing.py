"""The cars that stand in a lot when it goes live: each becomes an order, so that it finds its way out."""

from __future__ import annotations

from datetime import datetime

import msgspec

from taigan.barriers.words import NotAPlate, plate_of
from taigan.lot.errors import BadValue, Conflict
from taigan.lot.leaving.room import Room
from taigan.lot.people.attendant import By
from taigan.lot.stays import orders
from taigan.storage.rows import Act
from taigan.storage.setup import registry

MOST = 1000


class Inside(msgspec.Struct, frozen=True):
    """A car that stands inside. `order_id`: BoLink's, where the system before has told it the entry."""

    plate: str
    in_at: datetime
    order_id: str = ""


class ImportInside(msgspec.Struct, kw_only=True):
    """Take over the cars that are inside, at most a thousand at a time."""

    lot_id: str
    cars: list[Inside]
    by: By

    def apply(self, room: Room) -> list[str]:
        """The order_id of each car, in order; that of its own order for a plate that is inside already.

        Raises Conflict where the lot has no entry, BadValue for the first car that cannot be taken over; then none is.
        """
        if not 1 <= len(self.cars) <= MOST:
            raise BadValue(f"cars must be 1 to {MOST}", "cars")
        lane = self._lane(room)
        known: dict[str, str] = {}
        taken = []
        for number, car in enumerate(self.cars):
            plate = self._plate(room, number, car)
            if plate not in known:
                inside = room.sheet.inside_by_plate(room.lot_id, plate)
                known[plate] = inside[0].order_id if inside else self._add(room, number, car, plate, lane)
            taken.append(known[plate])
        act = f"{len(known)} cars inside imported"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        return taken

    def _lane(self, room: Room) -> str:
        """By which they came, as far as BoLink is told: an entry of the lot."""
        lanes = [lane for lane in registry.lanes(room.conn) if lane.lot_id == room.lot_id]
        found = next((lane for lane in lanes if lane.direction == "entry"), None)
        if found is None:
            raise Conflict("the lot has no entry lane")
        return found.channel_id

    def _plate(self, room: Room, number: int, car: Inside) -> str:
        try:
            plate = plate_of(car.plate)
        except NotAPlate as error:
            raise BadValue(f"car {number}: {error}", "plate") from None
        if not plate:
            raise BadValue(f"car {number}: an empty plate", "plate")
        if car.in_at > room.now:
            raise BadValue(f"car {number}: in_at is later than now", "in_at")
        return plate

    def _add(self, room: Room, number: int, car: Inside, plate: str, channel_id: str) -> str:
        if car.order_id and room.order(car.order_id) is not None:
            raise BadValue(f"car {number}: there is an order {car.order_id}", "order_id")
        order_id = car.order_id or room.ids.order_id(room.now)
        orders.take_over(
            room.changes,
            room.lot,
            order_id,
            plate,
            channel_id,
            car.in_at,
            room.now,
            self.by.operator,
            self.by.via,
            told=bool(car.order_id),
        )
        return order_id
