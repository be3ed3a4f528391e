"""A stay becomes cheaper: by a message (5.14: points, a hotel, a charging station), a coupon, or a person."""

from __future__ import annotations

from datetime import datetime

import msgspec

from taigan import bolink
from taigan.bolink.chapters.callbacks import ReductionNoticeTaken
from taigan.lot import texts
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.room import Picture, Room, picture_of
from taigan.lot.stays import orders
from taigan.storage.locked import ledger, vehicles
from taigan.storage.locked.vehicles import SpecialVehicle
from taigan.storage.rows import MoneyNotice, Order, Reduction


class Reduced(msgspec.Struct, kw_only=True):
    """A reduction that was told by message: kept as its text, and applied once a number."""

    lot_id: str
    text: str
    digest: str
    received_at: datetime
    number: str
    plate: str
    order_id: str
    source: str = "charging"
    reason: str = "充电减免"
    listed: str = ""  # a hotel's guest: white or black, from `starts_at` to `ends_at`
    kind: str = ""  # minutes, percent, fen, whole, window
    value: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    refused: str = ""  # why it cannot be applied, whatever stay it is for
    pictures: dict[str, Picture] = {}

    def apply(self, room: Room) -> bytes:
        """Answer it: 1 when the stay has it, 0 with the reason."""
        if known := room.sheet.notice(room.lot_id, self.digest):
            return known.answer
        refusal = self._add(room)
        answer = _answer(refusal)
        outcome = "kept" if refusal else "booked"
        room.changes.notices.append(
            MoneyNotice(self.lot_id, "5.14", self.number, self.digest, self.text, self.received_at, outcome, "", answer)
        )
        return answer

    def _add(self, room: Room) -> str:
        if self.refused:
            return self.refused
        if self.listed:
            self._list(room)
            return ""
        if room.sheet.read(ledger.reduction, room.lot_id, self.source, self.number) is not None:
            return ""
        order = room.order(self.order_id)
        if order is None:
            match room.sheet.inside_by_plate(room.lot_id, self.plate):
                case [order]:
                    pass
        if order is None:
            return texts.NO_OPEN_STAY
        if order.state != "in":
            return texts.STAY_ENDED if order.state == "out" else texts.NO_OPEN_STAY
        reduction = Reduction(
            lot_id=room.lot_id,
            reduction_id=room.ids.payment_id(room.now),
            source=self.source,
            number=self.number,
            kind=self.kind,
            value=self.value,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            order_id=order.order_id,
            actor="bolink",
            reason=self.reason,
            at=room.now,
        )
        add(room, order, reduction, self.pictures)
        return ""

    def _list(self, room: Room) -> None:
        """Put the plate on the list for that time, beside whatever else it is listed for."""
        arrival = self.starts_at.strftime("%Y%m%d%H%M%S") if self.starts_at is not None else ""
        kind = f"{self.listed}:hotel-{arrival}"
        guest = SpecialVehicle(room.lot_id, self.plate, kind, self.starts_at, self.ends_at, "酒店", room.now)
        vehicles.keep_special_vehicle(room.conn, guest)
        for departure in room.sheet.read(ledger.departures_open, room.lot_id):
            lane = room.lane(departure.channel_id)
            if departure.plate == self.plate and departure.released_at is None and lane is not None:
                room.adopt(departure)
                cars.settle_up(room, lane, departure, self.pictures.get(lane.channel_id, picture_of(None)))


def add(room: Room, order: Order, reduction: Reduction, pictures: dict[str, Picture]) -> None:
    """Make a stay cheaper. A car that stands at the exit is priced anew, and let go if nothing is due any more."""
    take_off(room, order, reduction)
    departure = room.departure_of(order.order_id)
    if departure is None or departure.released_at is not None or order.state != "in":
        return
    lane = room.lane(departure.channel_id)
    if lane is not None:
        cars.settle_up(room, lane, departure, pictures.get(lane.channel_id, picture_of(None)))


def take_off(room: Room, order: Order, reduction: Reduction) -> None:
    """Make a stay cheaper; what its car does is somebody else's."""
    room.account(order).reduce(reduction)
    detail = f"{reduction.kind} {reduction.value} {reduction.reason}".strip()
    orders.note(room.changes, order, room.now, "reduced", reduction.actor, detail, reduction.via)


def _answer(refusal: str) -> bytes:
    return bolink.write(ReductionNoticeTaken(state=0 if refusal else 1, errmsg=refusal or texts.TAKEN))
