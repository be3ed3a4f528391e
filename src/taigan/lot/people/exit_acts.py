"""What a person does for a car at an exit and for a stay: each an item of the exit's desk, with who and why.

Nothing is deleted: every act leaves its row, and a line in the history of the order it is about.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from taigan.bolink import units
from taigan.lot import texts
from taigan.lot.errors import BadValue, CannotPrice, Conflict, NobodyWaits, UnknownLane, UnknownOrder
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import leave, owe_exit, report
from taigan.lot.leaving.cars.release import MANUAL, RELEASED, raise_for, release
from taigan.lot.leaving.corrections import owe_correction
from taigan.lot.leaving.paying.money import pay
from taigan.lot.leaving.paying.reductions import add, take_off
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.people.attendant import By
from taigan.lot.stays import orders
from taigan.lot.stays.account import Account
from taigan.lot.stays.likeness import distance, likeness
from taigan.storage.locked import facts, ledger
from taigan.storage.rows import Act, Departure, Lane, Lift, Order, Payment, Quote, Reduction

MOST_FEN = 10_000_000
WAIVED, OWED = "waived", "owed"


class OrderAct(msgspec.Struct, kw_only=True):
    """Something done to one order. `seen`: how many lines of its history whoever acts had before them; where it has
    more by now, nothing is done."""

    lot_id: str
    order_id: str
    by: By
    pictures: dict[str, Picture] = {}
    seen: int | None = None

    def order(self, room: Room) -> Order:
        """Raises UnknownOrder, Conflict."""
        order = room.order(self.order_id)
        if order is None:
            raise UnknownOrder(f"lot {room.lot_id} has no order {self.order_id}", "order_id")
        if self.seen is not None and room.lines_of(order) != self.seen:
            raise Conflict("something happened to the order meanwhile", "seen")
        return order

    def note(self, room: Room, order: Order, event: str, detail: str = "") -> None:
        by = self.by
        orders.note(room.changes, order, room.now, event, by.operator, f"{detail} {by.reason}".strip(), by.via)
        self.wrote(room, event, detail)

    def wrote(self, room: Room, event: str, detail: str) -> None:
        """The act, in the list of what people did."""
        by, act = self.by, f"{event} {self.order_id} {detail}".strip()
        room.changes.acts.append(Act(room.lot_id, room.now, by.operator, by.reason, act, by.via))

    def priced_anew(self, room: Room, order: Order) -> None:
        """A car that stands at the exit is asked for what is due by now, or let go."""
        departure = room.departure_of(order.order_id)
        if departure is None or departure.released_at is not None or order.state != "in":
            return
        lane = room.lane(departure.channel_id)
        if lane is not None:
            cars.settle_up(room, lane, departure, self.pictures.get(lane.channel_id, Picture(False)))


class SetAmount(OrderAct, kw_only=True):
    """Set what the stay costs (a lost ticket, no price list), or confirm it as it is (`fen` None)."""

    fen: int | None

    def apply(self, room: Room) -> Account:
        """Raises UnknownOrder, Conflict, BadValue, CannotPrice."""
        order = self.order(room)
        if order.state != "in":
            raise Conflict(f"the order is {order.state}; only one that is in can be given an amount")
        account = room.account(order)
        if self.fen is not None and not 0 <= self.fen <= MOST_FEN:
            raise BadValue(f"fen must be from 0 to {MOST_FEN}", "fen")
        departure = room.departure_of(order.order_id)
        at = departure.charge_at if departure is not None else room.now
        fen = account.priced(at).charge_fen if self.fen is None else self.fen
        account.set_charge(fen)
        self.note(room, order, "amount set" if self.fen is not None else "amount confirmed", units.yuan(fen))
        self.priced_anew(room, order)
        return account


class Waive(OrderAct, kw_only=True):
    """Waive what is due for a stay that goes on, or what is still owed for one that has ended."""

    def apply(self, room: Room) -> Account:
        """Raises UnknownOrder, Conflict, CannotPrice."""
        order = self.order(room)
        account = room.account(order)
        if order.state == "in":
            departure = room.departure_of(order.order_id)
            due = account.due(departure.charge_at if departure is not None else room.now)
        else:
            due = account.bill.balance_fen if account.bill.closed_at is not None else 0
        if due <= 0:
            raise Conflict("nothing is due: there is nothing to waive")
        add(room, order, _waiver(room, order, due, self.by), self.pictures)
        self.note(room, order, "waived", units.yuan(due))
        if order.state == "out" and account.bill.balance_fen <= 0:
            _reviewed(room, order)
            owe_exit(room, order)
        return account


class Reduce(OrderAct, kw_only=True):
    """Make a stay that goes on cheaper: by minutes, a percentage or an amount."""

    kind: str
    value: int

    def apply(self, room: Room) -> Reduction:
        """Raises UnknownOrder, Conflict, BadValue."""
        order = self.order(room)
        if order.state != "in":
            raise Conflict(f"the order is {order.state}; only one that is in can be reduced")
        most = {"minutes": 60 * 24 * 31, "percent": 100, "fen": MOST_FEN}.get(self.kind)
        if most is None:
            raise BadValue("kind must be minutes, percent or fen", "kind")
        if not 0 < self.value <= most:
            raise BadValue(f"value must be from 1 to {most}", "value")
        reduction = _reduction(room, order, self.by, "person", self.kind, self.value)
        add(room, order, reduction, self.pictures)
        return reduction


class EndReduction(msgspec.Struct, kw_only=True):
    """A reduction was a mistake: it counts no longer for a stay that goes on. Its row stays."""

    lot_id: str
    reduction_id: str
    by: By
    pictures: dict[str, Picture] = {}

    def apply(self, room: Room) -> Reduction:
        """Raises UnknownOrder, Conflict."""
        reduction = room.sheet.read(ledger.reduction_named, room.lot_id, self.reduction_id)
        if reduction is None:
            raise UnknownOrder(f"lot {room.lot_id} has no reduction {self.reduction_id}", "reduction_id")
        if reduction.ended_at is not None:
            raise Conflict("the reduction has ended already")
        act = OrderAct(lot_id=self.lot_id, order_id=reduction.order_id, by=self.by, pictures=self.pictures)
        order = act.order(room)
        if order.state != "in":
            raise Conflict(f"the order is {order.state}; only of one that is in can a reduction be taken back")
        room.account(order).unreduce(reduction, room.now)
        act.note(room, order, "reduction ended", f"{reduction.kind} {reduction.value}")
        act.priced_anew(room, order)
        return reduction


class Report(OrderAct, kw_only=True):
    """Report to BoLink what a stay left owing (3.2 `escape`). It cannot be taken back."""

    def apply(self, room: Room) -> Account:
        """Raises UnknownOrder, Conflict."""
        order = self.order(room)
        account = room.account(order)
        if order.state != "out" or account.bill.closed_at is None or account.bill.balance_fen <= 0:
            raise Conflict("only a stay that has ended and is owed can be reported")
        if account.bill.awaited:
            raise Conflict("nobody knows yet whether it was paid")
        if room.exit_was_told(order.order_id):
            raise Conflict("BoLink was told of this exit already")
        self.note(room, order, "reported as owing", units.yuan(account.bill.balance_fen))
        _reviewed(room, order)
        report(room, order)
        return account


class Close(OrderAct, kw_only=True):
    """End a stay that nobody saw leave: free, as paid, or owed."""

    how: str = "owed"  # free, paid, owed
    gives_space: bool = True

    def apply(self, room: Room) -> Order:
        """Raises UnknownOrder, Conflict, BadValue."""
        order = self.order(room)
        if order.state != "in":
            raise Conflict(f"the order is {order.state}; only one that is in can be closed")
        if self.how not in ("free", "paid", "owed"):
            raise BadValue("how must be free, paid or owed", "how")
        account = room.account(order)
        departure = room.departure_of(order.order_id)
        at = departure.charge_at if departure is not None else room.now
        if self.how != "owed":
            kept = account.bill.credited_fen
            try:
                due = account.due(at)
            except CannotPrice:
                account.set_charge(kept)
                due = 0
            if due and self.how == "paid":
                account.set_charge(kept)
            elif due:
                take_off(room, order, _waiver(room, order, due, self.by))
        if departure is not None:
            charge = account.bill.set_fen
            cars.end(room, departure, "assumed")
            account.set_charge(charge)  # the stay ends with this departure: what was set for it holds
        leave(
            room,
            order,
            how=self.by.reason,
            actor=self.by.operator,
            via=self.by.via,
            charge_at=at,
            departure=departure,
            gives_space=self.gives_space,
        )
        self.wrote(room, "closed by hand", self.how)
        owe_correction(room, order)
        return order


class Correct(OrderAct, kw_only=True):
    """Correct the plate or the time of entry of a stay that goes on. Quotes given stay valid."""

    plate: str = ""
    in_at: datetime | None = None
    may_be_later: bool = False

    def apply(self, room: Room) -> Order:
        """Raises UnknownOrder, Conflict, BadValue."""
        order = self.order(room)
        if order.state != "in":
            raise Conflict(f"the order is {order.state}; only one that is in can be corrected")
        if self.plate:
            inside = room.sheet.inside_by_plate(room.lot_id, self.plate)
            if any(other.order_id != order.order_id for other in inside):
                raise Conflict(f"{self.plate} has another order in this lot", "plate")
            self.note(room, order, "plate corrected", f"{cars.named(order)} -> {self.plate}")
            order.plate, order.likeness = self.plate, likeness(self.plate)
            if order.origin == "plate":
                order.licence = self.plate
        if self.in_at is not None:
            before = order.in_at or order.requested_at
            if self.in_at > room.now:
                raise BadValue("in_at is later than now", "in_at")
            if self.in_at > before and not self.may_be_later:
                raise BadValue("in_at is later than it was: that needs the right stay:correct_later", "in_at")
            self.note(room, order, "entry time corrected", f"{before.isoformat()} -> {self.in_at.isoformat()}")
            order.in_at = self.in_at
        room.changes.order(order)
        if self.plate:
            owe_correction(room, order)
        self.priced_anew(room, order)
        return order


class Confirm(OrderAct, kw_only=True):
    """A person has looked at an order that was marked for review."""

    def apply(self, room: Room) -> Order:
        """Raises UnknownOrder, Conflict."""
        order = self.order(room)
        if not order.review:
            raise Conflict("the order is not marked for review")
        self.note(room, order, "reviewed", order.review)
        _reviewed(room, order)
        return order


class Extend(OrderAct, kw_only=True):
    """Give a driver who paid more time to leave; never less."""

    leave_by: datetime

    def apply(self, room: Room) -> Account:
        """Raises UnknownOrder, Conflict, BadValue."""
        order = self.order(room)
        account = room.account(order)
        if order.state != "in" or account.bill.leave_by is None:
            raise Conflict("only a stay that goes on and was paid has a time to leave by")
        if self.leave_by <= account.bill.leave_by:
            raise BadValue("leave_by must be later than it is", "leave_by")
        if self.leave_by > room.now + timedelta(days=2):
            raise BadValue("leave_by is more than two days away", "leave_by")
        account.extend(self.leave_by)
        self.note(room, order, "time to leave extended", self.leave_by.isoformat())
        self.priced_anew(room, order)
        return account


class GiveBack(OrderAct, kw_only=True):
    """Surplus that was given back by hand."""

    fen: int

    def apply(self, room: Room) -> Account:
        """Raises UnknownOrder, BadValue."""
        order = self.order(room)
        account = room.account(order)
        surplus = -account.bill.balance_fen
        if not 0 < self.fen <= surplus:
            raise BadValue(f"fen must be from 1 to the surplus of {max(0, surplus)}", "fen")
        account.bill.refunded_fen += self.fen
        room.changes.bill(account.bill)
        self.note(room, order, "given back", units.yuan(self.fen))
        return account


class LaneAct(msgspec.Struct, kw_only=True):
    """Something done for the car that stands in an exit lane."""

    lot_id: str
    channel_id: str
    by: By
    picture: Picture = Picture(False)

    def lane(self, room: Room) -> Lane:
        lane = room.lane(self.channel_id)
        if lane is None:
            raise UnknownLane(f"lot {room.lot_id} has no lane {self.channel_id}", "channel_id")
        return lane

    def departure(self, room: Room) -> Departure:
        departure = cars.departure_in(room, self.lane(room))
        if departure is None:
            raise NobodyWaits(f"no car stands in lane {self.channel_id}")
        return departure


class Match(LaneAct, kw_only=True):
    """Choose the order of the car in the lane."""

    order_id: str
    may_be_far: bool = False

    def apply(self, room: Room) -> Departure:
        """Raises UnknownLane, UnknownOrder, NobodyWaits, Conflict, BadValue."""
        lane, departure = self.lane(room), self.departure(room)
        if departure.released_at is not None:
            raise Conflict("the car is let go already")
        order = room.order(self.order_id)
        if order is None:
            raise UnknownOrder(f"lot {room.lot_id} has no order {self.order_id}", "order_id")
        if order.state == "waiting":
            by = self.by
            orders.enter(
                room.changes, room.lot, order, room.now, why="matched at the exit", actor=by.operator, via=by.via
            )
        if order.state != "in":
            raise Conflict(f"the order is {order.state}")
        if departure.order_id and room.sheet.live_pull(room.lot_id, departure.order_id) is not None:
            raise Conflict("a payment for the car is under way")
        far = bool(departure.plate) and distance(departure.plate, cars.named(order)) > 1
        if far and not self.may_be_far:
            raise BadValue("the plates differ by more than one character: that needs stay:match_far", "order_id")
        cars.bind(room, departure, order)
        detail = f"{departure.plate or '-'} = {cars.named(order)} {self.by.reason}"
        orders.note(room.changes, order, room.now, "matched", self.by.operator, detail, self.by.via)
        act = f"matched {order.order_id} in lane {lane.channel_id}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        cars.settle_up(room, lane, departure, self.picture)
        return departure


class Cash(LaneAct, kw_only=True):
    """Cash taken at the booth for the car in the lane, as the booth saw it: another order or due by now is refused."""

    order_id: str
    due_fen: int
    received_fen: int

    def apply(self, room: Room) -> tuple[Payment, int]:
        """The payment, and the change to give. Raises UnknownLane, NobodyWaits, Conflict, BadValue, CannotPrice."""
        lane, departure = self.lane(room), self.departure(room)
        if departure.order_id != self.order_id:
            raise Conflict("another car stands in the lane by now", "order_id")
        order = room.order(self.order_id)
        if order is None or order.state != "in":
            raise Conflict("the order is no longer in", "order_id")
        shift = ledger.open_shift_of(room.conn, room.lot_id, self.by.operator)
        if shift is None:
            raise Conflict(f"{self.by.operator} has no open shift: cash is taken in a shift", "operator")
        account = room.account(order)
        due = account.due(departure.charge_at)
        if due != self.due_fen:
            raise Conflict(f"{units.yuan(due)} yuan are due by now", "due_fen")
        if due == 0:
            raise Conflict("nothing is due")
        if not due <= self.received_fen <= MOST_FEN:
            raise BadValue(f"received_fen must be {due} or more", "received_fen")
        number = room.ids.payment_id(room.now)
        quote = account.quote(number, room.now, departure.charge_at, departure.presence_id, room.quote_valid)
        payment = _cash(room, order, quote, shift.shift_id, self.by)
        room.changes.quotes.append(quote)
        room.changes.new_payment(payment)
        change = self.received_fen - due
        pay(room, order, payment, quote, {lane.channel_id: self.picture})
        act = f"cash {units.yuan(payment.fen)} for {order.order_id} in lane {lane.channel_id}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        if change:
            room.show(lane.channel_id, texts.SCREEN_CHANGE.format(yuan=units.yuan(change)))
        return payment, change


class LetGo(LaneAct, kw_only=True):
    """Raise the arm for the car in an exit lane. One that owes is waived or stays owed; one that is paid is let go.

    A `lift_id` is carried out once; again, the first lift is returned and nothing moves.
    """

    unpaid: str = ""  # waived, owed
    lift_id: str = ""

    def apply(self, room: Room) -> tuple[Lift | None, Departure | None]:
        """The lift (none: the arm is up already) and the departure (none: nobody stands there).

        Raises UnknownLane, Conflict, BadValue.
        """
        lane = self.lane(room)
        if self.lift_id and (before := room.sheet.read(facts.lift, room.lot_id, self.lift_id)):
            return before, room.sheet.departure(room.lot_id, before.presence_id or "")
        departure = cars.departure_in(room, lane) if lane.direction == "exit" else None
        if departure is None:
            return None, None
        lifts = room.sheet.lifts_of(room.lot_id, departure.presence_id)
        if departure.released_at is not None:
            if any(lift.outcome is None for lift in lifts):
                raise Conflict("the arm is being raised already")
            return self._raise(room, departure, MANUAL), departure
        if (order := room.order(departure.order_id)) is not None:
            self._settle(room, order, departure)
        by = self.by
        release(room, departure, self.picture, "person", actor=by.operator, reason=by.reason, via=by.via, raises=False)
        cause = MANUAL if any(lift.cause == RELEASED for lift in lifts) else RELEASED
        return (None if self.picture.is_up else self._raise(room, departure, cause)), departure

    def _raise(self, room: Room, departure: Departure, cause: str) -> Lift:
        by = self.by
        return raise_for(room, departure, cause, by.operator, by.reason, lift_id=self.lift_id, via=by.via)

    def _settle(self, room: Room, order: Order, departure: Departure) -> None:
        account = room.account(order)
        try:
            due = account.due(departure.charge_at)
        except CannotPrice:
            due = -1
        if due == 0:
            return
        if self.unpaid not in (WAIVED, OWED):
            owed = f"{units.yuan(due)} yuan are due" if due > 0 else "the stay cannot be priced"
            raise BadValue(f"{owed}: say whether that is waived or owed", "unpaid")
        if self.unpaid == WAIVED:
            if due > 0:
                take_off(room, order, _waiver(room, order, due, self.by))
            else:
                account.set_charge(account.bill.credited_fen)
        by, act = self.by, f"let go unpaid {order.order_id} in lane {departure.channel_id}: {self.unpaid}"
        room.changes.acts.append(Act(room.lot_id, room.now, by.operator, by.reason, act, by.via))
        detail = f"{self.unpaid}: {self.by.reason}"
        orders.note(room.changes, order, room.now, "let go unpaid", self.by.operator, detail, self.by.via)


class Assign(msgspec.Struct, kw_only=True):
    """A stray payment belongs to this order. `fen`: the amount of one that cannot be understood, read by a person."""

    lot_id: str
    payment_id: str
    order_id: str
    by: By
    fen: int | None = None
    pictures: dict[str, Picture] = {}

    def apply(self, room: Room) -> Payment:
        """Raises UnknownOrder, Conflict, BadValue."""
        payment = room.sheet.read(ledger.payment, room.lot_id, self.payment_id)
        if payment is None:
            raise UnknownOrder(f"there is no payment {self.payment_id}", "payment_id")
        if payment.order_id or payment.state not in ("paid", "unreadable"):
            raise Conflict("only a stray that is paid or cannot be understood can be assigned", "payment_id")
        order = room.order(self.order_id)
        if order is None:
            raise UnknownOrder(f"lot {room.lot_id} has no order {self.order_id}", "order_id")
        self._read(payment)
        payment.note = f"assigned by {self.by.operator}: {self.by.reason}"[:200]
        pay(room, order, payment, None, self.pictures)
        act = f"payment {self.payment_id} assigned to {self.order_id}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        return payment

    def _read(self, payment: Payment) -> None:
        if payment.state == "paid":
            if self.fen not in (None, payment.fen):
                raise BadValue(f"the payment is of {payment.fen} fen", "fen")
        elif self.fen is None or not 0 < self.fen <= MOST_FEN:
            raise BadValue(f"say what the payment comes to: fen, from 1 to {MOST_FEN}", "fen")
        else:
            payment.giver, payment.state, payment.fen = "bolink", "paid", self.fen


class Reverse(msgspec.Struct, kw_only=True):
    """Cash that was booked by mistake: the row stays, its money counts no longer."""

    lot_id: str
    payment_id: str
    by: By

    def apply(self, room: Room) -> Payment:
        """Raises UnknownOrder, Conflict."""
        payment = room.sheet.read(ledger.payment, room.lot_id, self.payment_id)
        if payment is None:
            raise UnknownOrder(f"there is no payment {self.payment_id}", "payment_id")
        if payment.giver != "cash" or payment.state != "paid":
            raise Conflict("only cash that counts can be reversed", "payment_id")
        order = room.order(payment.order_id)
        if order is None:
            raise UnknownOrder(f"there is no order {payment.order_id}", "payment_id")
        account = room.account(order)
        payment.state, payment.note = "reversed", f"{self.by.operator}: {self.by.reason}"[:200]
        room.changes.payment(payment)
        account.unpay(payment)
        if order.state == "out" and account.bill.balance_fen > 0 and not order.review:
            order.review = "cash reversed"
            room.changes.order(order)
        orders.note(room.changes, order, room.now, "cash reversed", self.by.operator, self.by.reason, self.by.via)
        act = f"cash reversed {order.order_id} {units.yuan(payment.fen)}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        room.alarm("cash_reversed", f"{units.yuan(payment.fen)} yuan by {self.by.operator}", "", order.order_id)
        return payment


def _waiver(room: Room, order: Order, fen: int, by: By) -> Reduction:
    """What a person does not ask for."""
    return _reduction(room, order, by, "person", "waiver", fen)


def _reduction(room: Room, order: Order, by: By, source: str, kind: str, value: int) -> Reduction:
    number = room.ids.payment_id(room.now)
    return Reduction(
        lot_id=room.lot_id,
        reduction_id=number,
        source=source,
        number=number,
        kind=kind,
        value=value,
        starts_at=None,
        ends_at=None,
        order_id=order.order_id,
        actor=by.operator,
        reason=by.reason,
        at=room.now,
        via=by.via,
    )


def _cash(room: Room, order: Order, quote: Quote, shift_id: str, by: By) -> Payment:
    return Payment(
        lot_id=room.lot_id,
        payment_id=quote.quote_no,
        giver="cash",
        trade_no=quote.quote_no,
        order_id=order.order_id,
        quote_no=quote.quote_no,
        attempt_no="",
        way="cash",
        state="paid",
        fen=quote.due_fen,
        fee_fen=0,
        paid_at=room.now,
        received_at=room.now,
        plate=cars.named(order),
        shift_id=shift_id,
        note=by.operator,
    )


def _reviewed(room: Room, order: Order) -> None:
    order.review = ""
    room.changes.order(order)
