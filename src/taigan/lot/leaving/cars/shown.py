"""What the screen of an exit lane says at this moment, as the rows tell it: for one that was dark meanwhile."""

from __future__ import annotations

from taigan.barriers.barrier import Price
from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import EMERGENCY
from taigan.lot.leaving.pulling.start import is_being_charged
from taigan.lot.leaving.room import Room
from taigan.storage.rows import Departure, Lane


def present(room: Room, lane: Lane) -> str | Price:
    """What is said to the car that stands there. Nothing that was decided is decided anew."""
    departure = room.departure_at(lane.channel_id)
    if departure is None:
        return texts.SCREEN_SCAN_TO_LEAVE
    if departure.released_at is not None:
        return _let_go(room, lane, departure)
    order = room.order(departure.order_id)
    if order is None:
        return _unknown(departure)
    account = room.account(order)
    if account.entry > departure.charge_at:
        return texts.TIMES_WRONG
    try:
        due = account.due(departure.charge_at)
    except CannotPrice:
        return texts.NOT_PRICED
    if not due or account.bill.awaited:  # it is paid, and a person lets it go
        return texts.ATTENDANT
    if cars.unusually(room, order, departure.charge_at, due):
        return texts.STAY_UNUSUAL
    if is_being_charged(room, order):
        return texts.SCREEN_CHARGING
    return cars.price_of(room, order, departure, due)


def _let_go(room: Room, lane: Lane, departure: Departure) -> str:
    """Whoever was let go drives on, unless every command to raise the arm has failed."""
    lifts = room.sheet.lifts_of(room.lot_id, departure.presence_id)
    if lifts and all(lift.outcome not in (None, "accepted") for lift in lifts):
        return texts.SCREEN_SCAN_AGAIN if lane.detector else texts.SEE_ATTENDANT
    if departure.actor == EMERGENCY:
        return texts.EMERGENCY_EXIT
    order = room.order(departure.order_id)
    name = cars.named(order) if order is not None else departure.plate
    return f"{name} {texts.SCREEN_DRIVE_ON}" if name else texts.SCREEN_DRIVE_ON


def _unknown(departure: Departure) -> str:
    """Nobody knows the order of the car."""
    if departure.plate:
        return texts.SCREEN_NO_ENTRY
    return texts.SEE_ATTENDANT if departure.alarmed else texts.SCREEN_SCAN_TO_LEAVE
