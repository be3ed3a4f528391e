"""5.1: what a stay costs, asked inside the lot (scene 0) or at an exit (scenes 1 and 2). Read from top to bottom.

At an exit the question itself lets the car go when nothing is due: no payment follows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from taigan import bolink
from taigan.barriers.barrier import LaneKey
from taigan.bolink import units
from taigan.bolink.chapters.callbacks import Price
from taigan.lot import texts
from taigan.lot.entering.rules import is_open_at
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.ahead import Wanted
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.release import raise_for, release
from taigan.lot.leaving.paying.strangers import PAYERS_A_DAY, Asking
from taigan.lot.leaving.pulling.start import is_being_charged
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.policy import NoEntry
from taigan.lot.stays import orders
from taigan.lot.stays.account import Account
from taigan.lot.stays.covers import limit_told
from taigan.lot.stays.likeness import is_one_off
from taigan.storage.locked import ledger
from taigan.storage.rows import Departure, Lane, Message, Order, Quote

READING_TAKES = timedelta(seconds=5)
"""So long a camera may need for a plate."""
MINUTE = timedelta(minutes=1)


class Asked(msgspec.Struct):
    """What a query led to. `hold`: nothing was written; the lane is empty and a car may be about to reach its loop."""

    answer: bytes = b""
    hold: bool = False


class Query(msgspec.Struct, kw_only=True):
    """One `query_price` (5.1), verified, with what its lane's device reports at this moment."""

    lot_id: str
    inside: bool  # scene 0: its car stands anywhere in the lot
    order_id: str
    plate: str
    channel_id: str
    query_no: str
    licence: str
    digest: str
    key_id: int
    received_at: datetime
    picture: Picture
    patient: bool = True  # may be held until its car reaches the loop
    given_up: bool = False  # its driver was told that the lot is busy
    asking: Asking = Asking.USUAL

    @property
    def lane(self) -> LaneKey:
        return LaneKey(self.lot_id, self.channel_id)

    def foresee(self, wanted: Wanted) -> None:
        if self.given_up:
            return
        wanted.messages.add((self.lot_id, self.digest))
        if self.query_no:
            wanted.quotes.add((self.lot_id, self.query_no))
        if not self.inside:
            wanted.lanes.add((self.lot_id, self.channel_id))
        if self.order_id:
            wanted.orders.add((self.lot_id, self.order_id))
        elif named := self.plate if self.inside else self.licence:
            wanted.plates.add((self.lot_id, named))

    def apply(self, room: Room) -> Asked:
        """Answer it: the same query gets the first answer, byte for byte."""
        if self.given_up:
            return Asked()
        if message := room.sheet.message(self.lot_id, self.digest):
            return Asked(message.answer or _no(self, room, texts.STALE))
        if self.query_no and (quoted := room.sheet.quote(room.lot_id, self.query_no)):
            return Asked(quoted.answer or _no(self, room, texts.STALE))
        answer = _inside(self, room) if self.inside else _at_exit(self, room)
        if answer is None:
            return Asked(hold=True)
        room.changes.messages.append(Message(self.digest, self.lot_id, self.received_at, self.key_id, answer=answer))
        return Asked(answer)


def _inside(q: Query, room: Room) -> bytes:
    """A driver, or any stranger, types a plate: one text for everything that cannot be paid."""
    if q.order_id:
        order = room.order(q.order_id)
        if order is None:
            return _no(q, room, texts.NOT_FOUND)
        if q.plate and q.plate not in (order.plate, order.licence, orders.car_number(order)):
            return _no(q, room, texts.OTHER_PLATE)
        if refusal := _not_inside(room, order):
            return _no(q, room, refusal)
        if order.reserved:
            return _no(q, room, texts.RESERVED)
    else:
        hidden = q.plate in room.policy.hidden_plates or q.asking is Asking.TOO_MANY
        if q.asking is Asking.WATCHED:
            room.alarm("plate_asked", f"{q.plate}: {PAYERS_A_DAY} payers asked for its price within a day")
        found = room.sheet.inside_by_plate(room.lot_id, q.plate) if q.plate and not hidden else []
        match found:
            case [order] if not order.reserved:
                pass
            case _:
                return _no(q, room, texts.NOT_FOUND)
    departure = room.departure_of(order.order_id)
    at = departure.charge_at if departure is not None else room.now
    account = room.account(order)
    if account.entry > at:
        room.alarm("time_unusual", f"{cars.named(order)}: the entry is later than now", "", order.order_id)
        return _no(q, room, texts.TIMES_WRONG)
    if is_being_charged(room, order):
        return _no(q, room, texts.CHARGING)
    try:
        due = account.due(at)
    except CannotPrice as error:
        room.alarm("not_priced", f"{cars.named(order)}: {error}", "", order.order_id)
        return _no(q, room, texts.NOT_PRICED)
    if due and cars.unusually(room, order, at, due):
        room.alarm("stay_unusual", f"{cars.named(order)}: a person looks at the stay", "", order.order_id)
        return _no(q, room, texts.STAY_UNUSUAL)
    text = "" if due else texts.NOTHING_DUE
    if account.bill.leave_by is not None and account.is_settled(at):
        until = account.bill.leave_by.astimezone(ZoneInfo(room.lot.time_zone))
        text = texts.PAID_LEAVE_BY.format(until=f"{until:%H:%M}")
    return _price(q, room, account, at, departure.presence_id if departure is not None else "", text)


def _at_exit(q: Query, room: Room) -> bytes | None:
    lane = room.lane(q.channel_id)
    if lane is None:
        return _no(q, room, texts.UNKNOWN_LANE)
    if lane.direction != "exit":
        return _no(q, room, texts.ENTRY_LANE)
    if room.lot.emergency:
        return _no(q, room, texts.EMERGENCY_EXIT)
    if not lane.is_open or not is_open_at(lane.hours, room.lot.time_zone, room.now):
        there = cars.departure_in(room, lane) if room.car(lane.channel_id) is not None else None
        if there is not None:
            cars.once(room, there, "closed", f"{there.plate or '无牌车'}: stands in a closed exit", "attendant_wanted")
        return _no(q, room, texts.ATTENDANT if there is not None else texts.EXIT_CLOSED)
    own = _own_order(q, room)
    if own is not None and (elsewhere := _stands_elsewhere(room, own, lane)):
        return _no(q, room, texts.CAR_ELSEWHERE.format(lane=elsewhere))
    departure = cars.departure_in(room, lane)
    if departure is None:
        return None if q.patient and q.picture.online else _nobody_there(q, room, lane)
    if not departure.order_id and departure.released_at is None and (refusal := _find(q, room, departure, own)):
        return refusal
    if departure.order_id and own is not None and departure.order_id != own.order_id:
        _swap(room, departure, own)
    order = room.order(departure.order_id)
    if order is None:
        if departure.released_at is not None:
            return _again(q, room, departure, None)
        if left := cars.left_unseen(room, q.licence):
            cars.let_go_again(room, departure, left, q.picture, "driver")
            account = room.account(left)
            return _price(q, room, account, departure.charge_at, departure.presence_id, texts.PASS_ON)
        return _fixed_price(q, room, departure) or _no_entry(q, room, departure)
    return _settle_up(q, room, lane, departure, order)


def _own_order(q: Query, room: Room) -> Order | None:
    """The open order of the driver who scans: by order_id, else by licence."""
    if q.order_id and (order := room.order(q.order_id)) is not None and order.state == "in":
        return order
    if q.licence:
        return next(iter(room.sheet.inside_by_plate(room.lot_id, q.licence)), None)
    return None


def _stands_elsewhere(room: Room, own: Order, lane: Lane) -> str:
    other = room.departure_of(own.order_id)
    if other is None or other.channel_id == lane.channel_id:
        return ""
    car = room.car(other.channel_id)
    return other.channel_id if car is not None and car.presence_id == other.presence_id else ""


def _nobody_there(q: Query, room: Room, lane: Lane) -> bytes:
    others = [d for d in room.sheet.read(ledger.departures_open, room.lot_id) if d.released_at is None]
    if any(d.channel_id != lane.channel_id for d in others):
        return _no(q, room, texts.OTHER_LANE.format(lane=lane.channel_id))
    return _no(q, room, texts.NO_CAR_AT_EXIT)


def _find(q: Query, room: Room, departure: Departure, own: Order | None) -> bytes | None:
    """Nobody knows yet whose car it is: the driver who scans may be its driver. Returns a refusal, or nothing."""
    if own is None:
        if q.order_id and (told := room.order(q.order_id)) is not None and (text := _not_inside(room, told)):
            if told.state == "waiting":
                cars.once(
                    room, departure, "waiting", f"{cars.named(told)}: at the exit, never confirmed in", "no_entry"
                )
            return _no(q, room, text)
        return None
    if departure.plate:
        others = [o for o in cars.candidates(room, departure.plate) if o.order_id != own.order_id]
        exact = [o for o in room.sheet.inside_by_plate(room.lot_id, departure.plate) if o.order_id != own.order_id]
        if exact or any(is_one_off(departure.plate, cars.named(o)) for o in others):
            text = f"{q.licence}: a scan for a car whose plate reads {departure.plate}"
            cars.once(room, departure, "other_car", text, "other_car")
            return _no(q, room, texts.SEE_ATTENDANT)
    if own.passed_at is None:
        orders.note(room.changes, own, room.now, "at the exit", detail="its entry passage was never seen")
    cars.bind(room, departure, own)
    return None


def _swap(room: Room, departure: Departure, own: Order) -> None:
    """The front car was taken for that of the driver behind, and its own driver scans before it is let go."""
    if departure.plate or departure.released_at is not None:
        return
    before = room.order(departure.order_id)
    if before is not None:
        before.review = before.review or "scanned for the car in front"
        room.changes.order(before)
    cars.bind(room, departure, own)


def _settle_up(q: Query, room: Room, lane: Lane, departure: Departure, order: Order) -> bytes:
    account = room.account(order)
    at = departure.charge_at
    if departure.released_at is not None:
        return _again(q, room, departure, account)
    if order.state != "in":
        return _no(q, room, _not_inside(room, order) or texts.NOT_INSIDE)
    if account.entry > at:
        cars.once(room, departure, "time", f"{cars.named(order)}: the entry is later than the exit", "time_unusual")
        return _no(q, room, texts.TIMES_WRONG)
    if is_being_charged(room, order):
        return _no(q, room, texts.CHARGING)
    try:
        due = account.due(at)
    except CannotPrice as error:
        cars.once(room, departure, "price", f"{cars.named(order)}: {error}", "not_priced")
        return _no(q, room, texts.NOT_PRICED)
    if not due:
        if lane.policy == "attendant" and account.bill.credited_fen:
            return _price(q, room, account, at, departure.presence_id, texts.ATTENDANT)
        by = "paid" if account.bill.credited_fen else "free"
        reminder = f"，{account.reminder(at)}" if by == "free" and account.reminder(at) else ""
        drive_on = f"{cars.named(order)} {texts.SCREEN_DRIVE_ON}{reminder}"
        release(room, departure, q.picture, by, actor="driver", text=texts.with_arrears(drive_on, order.arrears))
        pass_on = texts.with_arrears(f"{texts.PASS_ON}{reminder}", order.arrears)
        return _price(q, room, account, at, departure.presence_id, pass_on)
    if unusual := cars.unusually(room, order, at, due):
        cars.once(room, departure, "unusual", f"{cars.named(order)}: {unusual}", "stay_unusual")
        return _no(q, room, texts.STAY_UNUSUAL)
    told = texts.with_arrears(limit_told(account.limited_by(at), at), order.arrears)
    return _price(q, room, account, at, departure.presence_id, told)


def _again(q: Query, room: Room, departure: Departure, account: Account | None) -> bytes:
    """The car is let go already and still stands there: a new scan gives one more command, if the arm is down."""
    before = room.sheet.lifts_of(room.lot_id, departure.presence_id)
    on_loop = (car := room.car(departure.channel_id)) is not None and car.presence_id == departure.presence_id
    under_way = any(lift.outcome is None for lift in before)
    rejected = bool(before) and before[-1].outcome == "rejected"
    down = q.picture.position is not None or rejected
    text = texts.PASS_ON
    if q.query_no and q.picture.may_be_raised and down and on_loop and not under_way:
        raise_for(room, departure, "again", "driver", "scanned again")
    elif q.picture.position is None and not under_way:
        cars.once(room, departure, "again", "let go, and scans again; the arm cannot be seen", "scanned_again")
        text = texts.ATTENDANT
    if account is None or account.bill.awaited:
        return _no(q, room, text)
    return _price(q, room, account, departure.charge_at, departure.presence_id, text)


def _no_entry(q: Query, room: Room, departure: Departure) -> bytes:
    if departure.plate or q.licence or q.order_id:
        cars.ask(room, departure)
        return _no(q, room, texts.NO_ENTRY)
    if room.now - departure.charge_at < READING_TAKES:
        return _no(q, room, texts.READING_PLATE)
    cars.ask(room, departure)
    return _no(q, room, texts.PLATE_NOT_READ)


def _fixed_price(q: Query, room: Room, departure: Departure) -> bytes | None:
    """A car without an order pays a fixed price: its order is made when it is paid, under a number reserved here."""
    if room.policy.no_entry is not NoEntry.FIXED or not departure.plate:
        return None
    reserved = room.ids.order_id(room.now)
    fen = room.policy.no_entry_fen
    answer = Price(
        state=1,
        duration=0,
        park_id=room.lot.park_id,
        order_id=reserved,
        query_order_no=q.query_no or None,
        query_time=units.seconds(room.now),
        free_out_time=room.leave_within // MINUTE,
        price=units.yuan(fen),
        total=units.yuan(fen),
        in_time=units.seconds(departure.charge_at),
        car_number=departure.plate,
    )
    written = bolink.write(answer)
    room.changes.quotes.append(
        Quote(
            lot_id=room.lot_id,
            quote_no=q.query_no or room.ids.order_id(room.now),
            order_id=reserved,
            presence_id=departure.presence_id,
            asked_at=room.now,
            charge_at=departure.charge_at,
            charge_fen=fen,
            reduced_fen=0,
            credited_fen=0,
            due_fen=fen,
            price_list=None,
            valid_until=room.now + room.quote_valid,
            answer=written,
        )
    )
    return written


def _not_inside(room: Room, order: Order) -> str:
    """What a driver is told of an order that is not `in`; empty for one that is."""
    match order.state:
        case "in":
            return ""
        case "out":
            bill = room.account(order).bill
            return texts.OWES if bill.balance_fen > 0 else texts.HAS_LEFT
    return texts.NOT_INSIDE


def _price(q: Query, room: Room, account: Account, at: datetime, presence_id: str, text: str) -> bytes:
    """The price as a quote, and as BoLink is answered."""
    number = q.query_no or room.ids.order_id(room.now)
    quote = account.quote(number, room.now, at, presence_id, room.quote_valid)
    order = account.order
    accepted = room.sheet.entry_as_accepted(room.lot_id, order.order_id)
    reduced_minutes = account.priced(at).reduced_seconds // 60 if quote.reduced_fen else 0
    answer = Price(
        state=1,
        free_out_time=room.leave_within // MINUTE,
        query_time=units.seconds(room.now),
        duration=max(0, (at - account.entry) // MINUTE),
        derate_money=Decimal(units.yuan(quote.reduced_fen)) if quote.reduced_fen else None,
        derate_duration=reduced_minutes or None,
        park_id=room.lot.park_id,
        order_id=order.order_id,
        query_order_no=q.query_no or None,
        errmsg=texts.fitted(text) or None,
        price=units.yuan(quote.due_fen),
        total=units.yuan(quote.charge_fen),
        in_time=None if accepted else units.seconds(account.entry),
        car_number=None if accepted else orders.car_number(order),
    )
    quote.answer = bolink.write(answer)
    room.changes.quotes.append(quote)
    room.tell("quote", order_id=order.order_id, channel_id=q.channel_id, due_fen=quote.due_fen)
    return quote.answer


def _no(q: Query, room: Room, text: str) -> bytes:
    return bolink.write(
        Price(
            state=0,
            duration=0,
            park_id=room.lot.park_id,
            order_id=q.order_id,
            query_order_no=q.query_no or None,
            errmsg=texts.fitted(text),
            price="",  # the document wants the field; an amount would be a price
        )
    )
