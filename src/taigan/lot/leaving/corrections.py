"""10.1: what a person corrected of a stay that BoLink knows is told to the city."""

from __future__ import annotations

from decimal import Decimal

from taigan import bolink
from taigan.bolink import units
from taigan.bolink.chapters.reports import CorrectStay
from taigan.bolink.values import Correction
from taigan.bolink.values import Departure as Left
from taigan.lot.leaving.room import Room
from taigan.lot.stays import orders
from taigan.lot.stays.account import PASS
from taigan.storage.locked import city, ledger
from taigan.storage.rows import Order


def owe_correction(room: Room, order: Order, *, asked: bool = False) -> bool:
    """Owe the city a stay as it is now: its plate while it goes on, its times and fee once it has ended.

    Only where the lot tells its city (or a person `asked`), and BoLink took the entry. Tells whether it is owed.
    """
    wanted = asked or room.sheet.read(city.city, room.lot_id).corrections
    if not wanted or room.sheet.entry_as_accepted(room.lot_id, order.order_id) is None:
        return False
    ended = order.state == "out"
    bill = room.account(order).bill
    told = CorrectStay(
        union_id=int(room.lot.union_id),
        park_id=room.lot.park_id,
        car_number=order.plate or orders.car_number(order),
        order_id=order.order_id,
        type=Correction.BOTH if ended else Correction.PLATE,
        in_time=units.seconds(order.in_at or order.requested_at) if ended else None,
        out_time=units.seconds(order.closed_at or room.now) if ended else None,
        total=Decimal(units.yuan((bill.charge_fen or 0) - bill.reduced_fen)) if ended else None,
        leave_business_type=_left(room, order) if ended else None,
    )
    orders.owe(room.changes, order, "10.1", bolink.write(told).decode(), room.now)
    room.after.owed = True
    return True


def _left(room: Room, order: Order) -> str:
    bill = room.account(order).bill
    if bill.paid_fen > bill.refunded_fen:
        return Left.PAID
    departure = room.sheet.read(ledger.last_departure_of, room.lot_id, order.order_id)
    return Left.PASS if departure is not None and PASS in departure.reason else Left.FREE
