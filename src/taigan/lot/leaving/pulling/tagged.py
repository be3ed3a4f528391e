"""An ETC antenna in an exit lane read a car's tag: what is due is taken from its account (3.7)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from taigan import bolink
from taigan.barriers.barrier import LaneKey
from taigan.bolink import units
from taigan.bolink.chapters.trade import PayByEtc
from taigan.bolink.values import EtcKind
from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.pulling.scanned import OF_THIS_MOMENT
from taigan.lot.leaving.pulling.start import begin, is_unusual, may_be_charged
from taigan.lot.leaving.room import Picture, Room
from taigan.storage.rows import Departure, Order

KINDS = frozenset({EtcKind.CHANGJIE, EtcKind.JINYI_CLOUD_BOX, EtcKind.UNIVIEW})
"""The antennas that are served. `my` wants addresses of pictures that anybody can open; the lot publishes none."""
LONGEST_NUMBER = 64
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TagRead:
    """One event of an antenna; every process may hear it, and one charges. `antenna`: its kind and number."""

    lane: LaneKey
    event_id: str
    presence_id: str
    at: datetime
    picture: Picture
    plate: str
    antenna: str

    @property
    def lot_id(self) -> str:
        return self.lane.lot_id

    def apply(self, room: Room) -> None:
        """Begin to charge, once a departure. A tag of another car, which an antenna reads as easily, is left alone."""
        lane = room.lane(self.lane.channel_id)
        if lane is None or lane.direction != "exit" or room.now - self.at > OF_THIS_MOMENT:
            return
        departure = cars.departure_in(room, lane)
        if departure is None or (self.presence_id and self.presence_id != departure.presence_id):
            return
        if not departure.plate and not departure.order_id:  # no camera read it: the tag names the car
            cars.read_plate(room, lane, self.plate, self.picture)
        order = room.order(departure.order_id)
        if order is None or order.state != "in" or departure.released_at is not None:
            return
        kind, _, number = self.antenna.partition(" ")
        if kind not in KINDS or not 0 < len(number) <= LONGEST_NUMBER:
            text = f"an antenna that cannot be used: {self.antenna[:80] or 'it gives neither kind nor number'}"
            cars.once(room, departure, "antenna", text, "etc_antenna")
        elif self.plate not in (order.plate, order.licence):
            room.tell("tag ignored", channel_id=lane.channel_id, order_id=order.order_id)
        else:
            self._charge(room, departure, order, kind, number)

    def _charge(self, room: Room, departure: Departure, order: Order, kind: str, number: str) -> None:
        account, before = room.account(order), room.sheet.payments(room.lot_id, order.order_id)
        tried = room.sheet.pulls(room.lot_id, order.order_id)
        if any((pull.way, pull.presence_id) == ("etc", departure.presence_id) for pull in tried):
            return
        if any(payment.state == "pending" for payment in before):
            room.tell("tag ignored", channel_id=departure.channel_id, order_id=order.order_id)
            return
        try:
            due = account.due(departure.charge_at) if account.entry <= departure.charge_at else 0
        except CannotPrice:
            return
        if not due or cars.unusually(room, order, departure.charge_at, due):
            return
        if is_unusual(room, order, departure, due) or not may_be_charged(room, order):
            cars.offer(room, order, departure, due)
            return
        name = hashlib.sha256(f"{self.lane}\0{departure.presence_id}".encode()).hexdigest()[:31]
        request = self._request(room, departure, order, due, kind, number)
        begin(room, order, departure, "etc", due, attempt_no=f"T{name}", payload=request)

    def _request(self, room: Room, departure: Departure, order: Order, due: int, kind: str, number: str) -> str:
        entry = room.account(order).entry
        return bolink.write(
            PayByEtc(
                park_id=room.lot.park_id,
                car_number=self.plate,
                in_time=units.seconds(entry),
                out_time=units.seconds(departure.charge_at),
                pay_type=kind,
                empty_plot=min(room.lot.spaces, room.lot.spaces_free + 1),
                total_original=units.yuan(due),
                total=units.yuan(due),
                order_id=order.order_id,
                out_channel_id=departure.channel_id,
                in_channel_id=order.channel_id,
                parking_time=str((departure.charge_at - entry) // MINUTE),
                lane_no=number,
            )
        ).decode()


def charged(fen: int) -> str:
    """What the screen says of a tag that was charged."""
    return texts.SCREEN_ETC.format(yuan=units.yuan(fen))
