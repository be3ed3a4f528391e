"""What devices report of an exit lane, put into departures and stays. Called inside the transaction of the lanes."""

from __future__ import annotations

from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import gone_unseen, leave
from taigan.lot.leaving.cars.release import raise_once
from taigan.lot.leaving.cars.shown import present
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.stays import orders
from taigan.storage.locked import facts
from taigan.storage.rows import Departure, Lane, Presence


def arrived(room: Room, lane: Lane, car: Presence, picture: Picture) -> None:
    """Another car is on the loop: whoever was let go before it is gone."""
    before = room.departure_at(lane.channel_id)
    if before is not None and before.presence_id != car.presence_id:
        gone_unseen(room, before, up=picture.is_up)
        cars.end(room, before, "assumed")
    begun = Departure(room.lot_id, car.presence_id, lane.channel_id, "", "", car.arrived_at)
    room.begin(begun)
    cars.lot_is_in_emergency(room, begun, picture)


def passed(room: Room, lane: Lane, car: Presence, *, followed: bool = False) -> None:
    """A car drove out. With its order the stay has ended; without one it gives a space and is a row."""
    departure = room.sheet.departure(room.lot_id, car.presence_id)
    if departure is None or departure.ended_at is not None:
        departure = room.departure_at(lane.channel_id) if not lane.detector else departure
    if departure is not None and departure.ended_at is None:
        room.adopt(departure)
        order = room.order(departure.order_id)
        if order is None and departure.released_by == "rule" and departure.plate:
            reserved = room.ids.order_id(room.now)
            order = orders.without_entry(
                room.changes,
                room.lot,
                reserved,
                plate=departure.plate,
                channel_id=lane.channel_id,
                at=departure.charge_at,
                review=departure.reason,
            )
            departure.order_id = reserved
            room.account(order).set_charge(0)
        cars.end(room, departure, "passed")
        if order is not None and order.state == "in":
            leave(room, order, how="seen", departure=departure)
            return
        if departure.order_id:
            return
    _without_order(room, lane, car, followed)


def _without_order(room: Room, lane: Lane, car: Presence, followed: bool) -> None:
    lift = room.sheet.read(facts.lift_without_order, room.lot_id, lane.channel_id, car.arrived_at)
    by = f"raised by {lift.actor}: {lift.reason}" if lift is not None else ""
    reason = "跟车" if followed else "emergency" if room.lot.emergency else by
    orders.leave_without_order(room.changes, room.lot, lane.channel_id, room.now, reason or "no order")
    if followed:
        room.alarm("tailgating", "跟车: a second car followed out on one lift", lane.channel_id)
    elif not reason:
        room.alarm("passed_without_order", "无订单驶出: a car drove out without an order", lane.channel_id)


def backed_out(room: Room, lane: Lane, car: Presence) -> None:
    """The car went back: its departure is over, its order stays open.

    Where that was not seen and its arm is being raised, what becomes of the command tells.
    """
    departure = room.sheet.departure(room.lot_id, car.presence_id)
    if departure is None or departure.ended_at is not None:
        return
    room.adopt(departure)
    lifts = room.sheet.lifts_of(room.lot_id, car.presence_id) if departure.released_at is not None else []
    if car.left_how == "backed_out" or all(lift.outcome is not None for lift in lifts):
        cars.end(room, departure, "backed_out")


def arm_is_down(room: Room, lane: Lane, picture: Picture) -> None:
    """The arm came down: a departure that was let go while it could not be raised gets its one command."""
    departure = room.departure_at(lane.channel_id)
    car = room.car(lane.channel_id)
    there = departure is not None and car is not None and car.presence_id == departure.presence_id
    if departure is not None and there and departure.released_at is not None:
        raise_once(room, departure, picture)


def shown_again(room: Room, lane: Lane) -> None:
    """The lane's device is back, and its screen is blank: it says again what there is to say."""
    room.show(lane.channel_id, present(room, lane))
