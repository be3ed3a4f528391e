"""Who stands in an exit lane: the departure begins, finds its order, and is released if nothing is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from taigan.barriers.barrier import Price
from taigan.bolink import units
from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.cars.gone import EMERGENCY, gone_unseen
from taigan.lot.leaving.cars.release import release
from taigan.lot.leaving.pulling.start import begin as begin_pull
from taigan.lot.leaving.pulling.start import is_being_charged, pays_by_itself
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.policy import MatchOneOff
from taigan.lot.stays import orders
from taigan.lot.stays.account import PASS
from taigan.lot.stays.covers import Cover, covers, limit_told
from taigan.lot.stays.likeness import distance, is_one_off, likeness
from taigan.storage.locked import ledger
from taigan.storage.rows import Departure, Lane, Lift, Order, Presence

LEFT_LATELY = timedelta(minutes=10)
"""So long a car that left unseen may still stand in the lane."""
CLAIM = timedelta(minutes=10)
"""So long a reading or a scan claims a lane without a detector, unless it is released."""


def departure_in(room: Room, lane: Lane, plate: str = "") -> Departure | None:
    """The departure of the car that stands in the lane now; one that begins here has no order yet.

    A lane without a detector is claimed by a plate or a scan. None: the loop is empty.
    """
    known = room.departure_at(lane.channel_id)
    car = room.car(lane.channel_id)
    if not lane.detector or lane.loop_dead:
        if known is not None and not (plate and known.plate and plate != known.plate):
            return known
        if known is not None:
            gone_unseen(room, known)
            end(room, known, "assumed")
        car = Presence(room.ids.presence_id(), room.lot_id, lane.channel_id, room.now, room.now + CLAIM)
        if before := room.car(lane.channel_id):
            before.left_at, before.left_how = room.now, "assumed"
            room.changes.leave(before)
        room.changes.arrived.append(car)
    if car is None:
        return None
    if known is not None:
        if known.presence_id == car.presence_id:
            return known
        gone_unseen(room, known)
        end(room, known, "assumed")
    if ended := room.sheet.departure(room.lot_id, car.presence_id):
        return _asked_anew(room, ended)
    begun = Departure(room.lot_id, car.presence_id, lane.channel_id, "", "", car.arrived_at)
    room.begin(begun)
    return begun


def _asked_anew(room: Room, departure: Departure) -> Departure:
    """The order of this car was found to stand in another lane, and its loop is lit all the same: whoever stands there
    was not seen to come."""
    room.adopt(departure)
    departure.order_id = departure.plate = departure.alarmed = departure.ended_how = ""
    departure.released_by = departure.actor = departure.reason = departure.via = ""
    departure.charge_at, departure.released_at, departure.ended_at = room.now, None, None
    room.changes.departure(departure)
    return departure


def is_gone(room: Room, departure: Departure, lift: Lift, *, raised: bool) -> None:
    """The car left while its arm was on its way up, and nobody saw how: it has left, if the arm may have been up."""
    others = (one for one in room.sheet.lifts_of(room.lot_id, departure.presence_id) if one.lift_id != lift.lift_id)
    if raised or any(one.outcome != "rejected" for one in others):
        gone_unseen(room, departure, up=True)
        end(room, departure, "assumed")
    else:
        end(room, departure, "backed_out")


def end(room: Room, departure: Departure, how: str) -> None:
    """The departure is over; what its lane shows goes at once."""
    departure.ended_at, departure.ended_how = room.now, how
    room.changes.departure(departure)
    room.show(departure.channel_id, texts.SCREEN_SCAN_TO_LEAVE)
    if departure.order_id and how != "passed" and (order := room.order(departure.order_id)):
        account = room.account(order)
        if account.bill.set_fen is not None and not account.is_settled(room.now):
            account.set_charge(None)


def read_plate(room: Room, lane: Lane, plate: str, picture: Picture) -> Departure | None:
    """A camera read a plate at the exit. None: nobody stands there, only the reading is a row."""
    departure = departure_in(room, lane, plate)
    if departure is None:
        return None
    if departure.order_id:
        return departure
    if departure.released_at is not None:
        _is_known_late(room, departure, plate)
        return departure
    if departure.plate != plate:
        departure.plate = plate
        room.changes.departure(departure)
    room.tell("plate", channel_id=lane.channel_id, plate=plate, presence_id=departure.presence_id)
    if lot_is_in_emergency(room, departure, picture):
        return departure
    order = identify(room, departure, picture)
    if order is not None:
        bind(room, departure, order)
        settle_up(room, lane, departure, picture)
    elif departure.released_at is None:
        ask(room, departure)
    return departure


def _is_known_late(room: Room, departure: Departure, plate: str) -> None:
    """A plate that is read after its car was let go as nobody's: the stay it stands for ends with the passage."""
    exact = room.sheet.inside_by_plate(room.lot_id, plate)
    if departure.plate or len(exact) != 1:
        return
    departure.plate = plate
    bind(room, departure, exact[0])
    orders.note(room.changes, exact[0], room.now, "released", departure.actor, departure.reason, departure.via)


def lot_is_in_emergency(room: Room, departure: Departure, picture: Picture) -> bool:
    """In an emergency every car in an exit lane goes, known or not; who declared it answers for what is due."""
    if not room.lot.emergency:
        return False
    if not departure.order_id and departure.plate:
        inside = room.sheet.inside_by_plate(room.lot_id, departure.plate)
        if len(inside) == 1:
            bind(room, departure, inside[0])
    why, shown = texts.LET_GO_IN_EMERGENCY, texts.EMERGENCY_EXIT
    release(room, departure, picture, "rule", actor=EMERGENCY, reason=why, text=shown)
    return True


def identify(room: Room, departure: Departure, picture: Picture) -> Order | None:
    """The order of the plate that was read, if there is no doubt. A car that leaves by a rule is released here."""
    exact = room.sheet.inside_by_plate(room.lot_id, departure.plate)
    if len(exact) == 1:
        return exact[0]
    if exact:
        return _of_two(room, exact, departure.charge_at)
    if free := _free_by_rule(room, departure):
        release(room, departure, picture, "rule", actor="platform", reason=free)
        return None
    if left := left_unseen(room, departure.plate):
        let_go_again(room, departure, left, picture)
        return None
    near = [order for order in candidates(room, departure.plate) if is_one_off(departure.plate, named(order))]
    if len(near) == 1 and room.policy.match_one_off is not MatchOneOff.OFF:
        found = near[0]
        if room.policy.match_one_off is MatchOneOff.ALWAYS or owes_nothing(room, found, departure.charge_at):
            found.review = found.review or f"one character off: {departure.plate}"
            room.changes.order(found)
            return found
    return None


def left_unseen(room: Room, licence: str) -> Order | None:
    """The stay of a plate or licence that has ended a moment ago, though nobody saw its car leave."""
    left = room.sheet.read(ledger.left_lately, room.lot_id, licence, room.now - LEFT_LATELY) if licence else None
    return left if left is not None and "unseen" in left.closed_why else None


def let_go_again(room: Room, departure: Departure, left: Order, picture: Picture, actor: str = "platform") -> None:
    """The car still stands there: it goes on its stay as that ended, without a second space or a second 3.2."""
    departure.order_id = left.order_id
    release(room, departure, picture, "rule", actor=actor, reason=f"left as {left.order_id}, seen again")


def candidates(room: Room, plate: str) -> list[Order]:
    """Orders inside whose plates a camera may take for this one: the nearest first, of those the newest."""
    found = room.sheet.read(ledger.inside_like, room.lot_id, likeness(plate))
    return sorted(found, key=lambda order: distance(plate, named(order)))


def named(order: Order) -> str:
    """What a camera would read: the plate; the licence where no plate was ever read."""
    return order.plate or order.licence


def owes_nothing(room: Room, order: Order, at: datetime) -> bool:
    """Whether nothing is due for the order at that moment; not if no price can be worked out."""
    try:
        return not room.account(order).due(at)
    except CannotPrice:
        return False


def bind(room: Room, departure: Departure, order: Order) -> None:
    """The car of the departure is that of the order. An older departure that the order stood in is taken over."""
    if departure.order_id == order.order_id:
        return
    other = room.departure_of(order.order_id)
    if other is not None and other.presence_id != departure.presence_id:
        end(room, other, "taken_over")
    departure.order_id = order.order_id
    room.changes.departure(departure)
    if departure.plate and not order.plate and order.origin == "scan":
        orders.note(room.changes, order, room.now, "exit plate read", "camera", departure.plate)


def settle_up(room: Room, lane: Lane, departure: Departure, picture: Picture) -> int | None:
    """What the departure's order owes at its charge time: 0 releases it. None: it cannot be priced."""
    order = room.order(departure.order_id)
    if order is None:
        return None
    account = room.account(order)
    if account.entry > departure.charge_at:
        once(room, departure, "time", f"{named(order)}: the entry is later than the exit", "time_unusual")
        room.show(lane.channel_id, texts.TIMES_WRONG)
        return None
    try:
        due = account.due(departure.charge_at)
    except CannotPrice as error:
        once(room, departure, "price", f"{named(order)}: {error}", "not_priced")
        room.show(lane.channel_id, texts.NOT_PRICED)
        return None
    if not due:
        free = account.priced(departure.charge_at).covered_by if not account.bill.credited_fen else ""
        by = "paid" if account.bill.credited_fen else "free"
        drive_on = f"{named(order)} {texts.SCREEN_DRIVE_ON}"
        reminder = account.reminder(departure.charge_at) if by == "free" else ""
        text = texts.with_arrears(f"{drive_on}，{reminder}" if reminder else drive_on, order.arrears)
        release(room, departure, picture, by, reason=free, text=text)
        return 0
    if unusual := unusually(room, order, departure.charge_at, due):
        once(room, departure, "unusual", f"{named(order)}: {unusual}", "stay_unusual")
        room.show(lane.channel_id, texts.STAY_UNUSUAL)
        return due
    if is_being_charged(room, order):
        room.show(lane.channel_id, texts.SCREEN_CHARGING)
    elif pays_by_itself(room, order, departure, due):
        begin_pull(room, order, departure, "wallet", due)
    else:
        offer(room, order, departure, due)
    room.tell("due", channel_id=lane.channel_id, order_id=order.order_id, plate=named(order), due_fen=due)
    return due


def offer(room: Room, order: Order, departure: Departure, due: int, text: str = texts.SCREEN_PAY) -> None:
    """Ask for what is due on the lane's screen."""
    room.show(departure.channel_id, price_of(room, order, departure, due, text))


def price_of(room: Room, order: Order, departure: Departure, due: int, text: str = texts.SCREEN_PAY) -> Price:
    """What a driver is asked for, and what a pass does not cover."""
    account = room.account(order)
    limit = limit_told(account.limited_by(departure.charge_at), departure.charge_at)
    parked = departure.charge_at - account.entry
    said = texts.with_arrears(f"{limit}，{text}" if limit else text, order.arrears)
    return Price(named(order), parked, due, said)


def unusually(room: Room, order: Order, at: datetime, due: int) -> str:
    """Why a person must look before the price is asked; empty: it may be."""
    policy = room.policy
    if room.account(order).bill.set_fen is not None:
        return ""
    if at - (order.in_at or order.requested_at) > timedelta(seconds=policy.ask_after):
        return "the stay is unusually long"
    if policy.ask_above_fen and due > policy.ask_above_fen:
        return f"the due of {units.yuan(due)} yuan is unusually high"
    return ""


def ask(room: Room, departure: Departure) -> None:
    """Nobody knows whose car it is: a person is asked, once a departure."""
    room.show(departure.channel_id, texts.SCREEN_NO_ENTRY if departure.plate else texts.SEE_ATTENDANT)
    found = candidates(room, departure.plate) if departure.plate else []
    near = ", ".join(named(order) for order in found[:3])
    text = f"{departure.plate or '无牌车'}: no entry found" + (f"; like it: {near}" if near else "")
    once(room, departure, "no_entry", text, "no_entry")


def once(room: Room, departure: Departure, what: str, text: str, kind: str) -> None:
    """Raise an alarm about a departure, one of each kind."""
    raised = departure.alarmed.split(",") if departure.alarmed else []
    if what not in raised:
        departure.alarmed = ",".join([*raised, what])
        room.changes.departure(departure)
        room.alarm(kind, text, departure.channel_id, departure.order_id)


def _of_two(room: Room, exact: list[Order], at: datetime) -> Order | None:
    """Two open orders fit one car: the older if neither owes anything, else a person chooses."""
    if all(owes_nothing(room, order, at) for order in exact):
        exact[0].review = exact[0].review or "two open orders of one plate"
        room.changes.order(exact[0])
        return exact[0]
    return None


def _free_by_rule(room: Room, departure: Departure) -> str:
    """Why a car without an order leaves at first sight: a plate of the state's, a pass or the free list; or empty."""
    plate = departure.plate
    if any(pattern in plate for pattern in room.policy.free_plates):
        return "公务车免费"
    now = room.now
    for free in room.sheet.free_times(room.lot_id, [plate]):
        if (free.starts_at is None or free.starts_at <= now) and (free.ends_at is None or now < free.ends_at):
            return "免费车"
    passes = room.sheet.passes_of(room.lot_id, [plate])
    moment = now + timedelta(seconds=1)
    found = covers(room.sheet, room.lot, passes, "", plate, departure.channel_id, now)
    return PASS if any(_covers(one, now, moment) for one in found) else ""


def _covers(cover: Cover, begin: datetime, end: datetime) -> bool:
    try:
        return cover.times(begin, end) == [(begin, end)]
    except CannotPrice:
        return False
