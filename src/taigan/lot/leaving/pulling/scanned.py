"""A scanner in an exit lane read a code from a phone: what is due is taken with it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from taigan.barriers.barrier import LaneKey
from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.pulling.start import begin, may_be_charged
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.uploads.pulls import Code
from taigan.storage.locked import ledger
from taigan.storage.rows import Departure, Order

OF_THIS_MOMENT = timedelta(seconds=30)
"""A code that was read longer ago is of no use: its phone shows another."""
PAYMENT_CODE = re.compile(r"1[0-5][0-9]{16}|(?:2[5-9]|30)[0-9]{14,22}|62[0-9]{14,17}|01[0-9]{17}")
"""WeChat's, Alipay's, UnionPay's, and that of the digital yuan."""


@dataclass(frozen=True, slots=True)
class CodeScanned:
    """One event of a scanner; every process may hear it, and one charges."""

    lane: LaneKey
    event_id: str
    presence_id: str
    at: datetime
    picture: Picture
    code: Code

    @property
    def lot_id(self) -> str:
        return self.lane.lot_id

    @property
    def attempt_no(self) -> str:
        """The same for each delivery of the event."""
        return "S" + hashlib.sha256(f"{self.lane}\0{self.event_id}".encode()).hexdigest()[:31]

    def apply(self, room: Room) -> None:
        """Begin to charge, or say on the screen why not."""
        lane = room.lane(self.lane.channel_id)
        if lane is None or lane.direction != "exit" or room.now - self.at > OF_THIS_MOMENT:
            return
        departure = cars.departure_in(room, lane)
        if departure is None or (self.presence_id and self.presence_id != departure.presence_id):
            return
        order = room.order(departure.order_id)
        if (
            departure.released_at is not None
            or room.sheet.read(ledger.attempt, room.lot_id, self.attempt_no) is not None
        ):
            return
        if not PAYMENT_CODE.fullmatch(self.code.text):
            room.show(lane.channel_id, texts.SCREEN_NO_CODE)
        elif order is None:
            cars.ask(room, departure)
        elif order.state == "in":
            self._charge(room, departure, order)

    def _charge(self, room: Room, departure: Departure, order: Order) -> None:
        channel_id, account = departure.channel_id, room.account(order)
        if room.sheet.live_pull(room.lot_id, order.order_id) is not None:
            room.tell("code ignored", channel_id=channel_id, order_id=order.order_id)
            room.show(channel_id, texts.SCREEN_PENDING)
            return
        try:
            due = account.due(departure.charge_at) if account.entry <= departure.charge_at else 0
        except CannotPrice:
            room.show(channel_id, texts.NOT_PRICED)
            return
        if not due:
            room.show(channel_id, texts.ATTENDANT)
        elif cars.unusually(room, order, departure.charge_at, due):
            room.show(channel_id, texts.STAY_UNUSUAL)
        elif may_be_charged(room, order):
            begin(room, order, departure, "sweepcode", due, attempt_no=self.attempt_no, code=self.code)
        else:
            cars.offer(room, order, departure, due, texts.SCREEN_NOT_REACHED)
