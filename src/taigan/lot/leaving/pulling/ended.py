"""What became of a pull: as BoLink answered it, or as it says when it is asked afterwards (4.3)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from taigan.bolink.chapters.reconciliation import PaymentRecord
from taigan.bolink.values import PaymentPlace, PaymentState
from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import awaits_no_more
from taigan.lot.leaving.cars.release import release
from taigan.lot.leaving.paying.money import NUMBER_ANSWERED, PULLS, of_a_pull, pay, understood
from taigan.lot.leaving.pulling.tagged import charged
from taigan.lot.leaving.room import Picture, Room, picture_of
from taigan.lot.stays import orders
from taigan.lot.uploads.pulls import Charged, Pull
from taigan.storage.locked import ledger
from taigan.storage.rows import Attempt, Delivery, Order, Payment


class PullEnded(msgspec.Struct):
    """BoLink answered a pull, or did not."""

    pull: Pull
    charged: Charged
    pictures: dict[str, Picture]

    @property
    def lot_id(self) -> str:
        return self.pull.lot_id

    def apply(self, room: Room) -> None:
        """Book it. What was told by a message meanwhile stands."""
        attempt = room.sheet.read(ledger.attempt, room.lot_id, self.pull.attempt_no)
        order = room.order(self.pull.order_id)
        if attempt is None or order is None:
            return
        match self.charged.state:
            case "paid":
                self._paid(room, attempt, order)
            case "failed":
                self._failed(room, attempt, order)
            case _ if attempt.state == "live":
                attempt.state, attempt.said = "unclear", self.charged.said
                room.changes.attempt(attempt)

    def _paid(self, room: Room, attempt: Attempt, order: Order) -> None:
        """A 3.2 tells the exit as well: BoLink holds the stay for left."""
        if self.pull.section == "3.2" and not room.exit_was_told(order.order_id):
            room.changes.deliveries.append(
                Delivery(room.lot_id, order.order_id, "3.2", self.pull.payload, "done", 1, room.now, room.now)
            )
        if attempt.state == "paid":
            return
        attempt.said = self.charged.said
        number = self.charged.trade_no
        if number and _is_known(room, number):
            number = ""
        _pay_pull(room, attempt, order, number, NUMBER_ANSWERED if number else "", self.pictures)

    def _failed(self, room: Room, attempt: Attempt, order: Order) -> None:
        if attempt.state not in ("live", "unclear"):
            return
        attempt.state, attempt.said = "failed", self.charged.said
        room.changes.attempt(attempt)
        orders.note(room.changes, order, room.now, "not charged", detail=f"{attempt.way} {self.charged.said}".strip())
        awaits_no_more(room, order, attempt.attempt_no)
        show_price(room, order, texts.SCREEN_CHARGE_FAILED)


class PaymentNamed(msgspec.Struct):
    """BoLink's books name the payment of an order (4.1): one whose pull has no number, or whose end nobody knows."""

    lot_id: str
    order_id: str
    trade_no: str
    fen: int  # the payment's, or all that was paid for the stay: the document does not say which
    pictures: dict[str, Picture]

    def apply(self, room: Room) -> None:
        """Give the payment its number, or book what was unclear. One that is paid here changes nothing."""
        order = room.order(self.order_id)
        if order is None:
            return
        before = room.sheet.payment_numbered(room.lot_id, "bolink", self.trade_no)
        paid = [p for p in room.sheet.payments(room.lot_id, order.order_id) if p.state == "paid"]
        whole = sum(payment.fen for payment in paid)
        if before is not None:
            self._under_way(room, before, order, alone=not paid)
            return
        for payment in paid:
            fits = payment.giver == "us" and payment.way in PULLS and self.fen in (payment.fen, whole)
            if fits:
                understood(room, self.trade_no)
                payment.giver, payment.trade_no = "bolink", self.trade_no
                room.changes.payment(payment)
                return
        pull = room.sheet.live_pull(room.lot_id, order.order_id)
        pull = pull or room.sheet.read(ledger.silent_pull, room.lot_id, order.order_id)
        fits = pull is not None and pull.state != "live" and self.fen in (pull.fen, whole + pull.fen)
        if pull is not None and fits:
            understood(room, self.trade_no)
            pull.said = "named by BoLink's books"
            _pay_pull(room, pull, order, self.trade_no, "", self.pictures)

    def _under_way(self, room: Room, payment: Payment, order: Order, *, alone: bool) -> None:
        """A payment of which only its number was told is paid; not beside others, where the amount may be of all."""
        silent = payment.state == "pending" or (payment.state == "failed" and payment.note == ledger.NOT_HEARD_OF)
        if silent and alone and payment.order_id == order.order_id:
            payment.state, payment.note = "paid", ""
            payment.fen, payment.paid_at = self.fen, room.now
            of_a_pull(room, order, payment)
            pay(room, order, payment, None, self.pictures)


class PaymentsTold(msgspec.Struct):
    """BoLink was asked about an order's payments (4.3): it names neither amount nor number, so they are counted."""

    lot_id: str
    order_id: str
    records: Sequence[PaymentRecord]
    pictures: dict[str, Picture]

    def apply(self, room: Room) -> None:
        """Let the car go whose payment BoLink has; its amount and number are awaited."""
        order = room.order(self.order_id)
        if order is None or order.state != "in":
            return
        known = room.sheet.payments(room.lot_id, order.order_id)
        pull = room.sheet.live_pull(room.lot_id, order.order_id)
        ways = {payment.way for payment in known if payment.state == "pending"}
        if pull is not None and pull.state == "unclear":
            ways.add(pull.way)
        for way in sorted(ways):
            here = sum(payment.way == way and payment.state == "paid" for payment in known)
            if self._paid(way) > here:
                self._let_go(room, order, way)
                return
        told = sum(record.pay_state == PaymentState.SUCCEEDED for record in self.records)
        if not ways and told > sum(payment.state == "paid" and payment.giver != "cash" for payment in known):
            self._let_go(room, order, "scancode")

    def _paid(self, way: str) -> int:
        """So many payments of this way at an exit BoLink has."""
        return sum(
            record.pay_state == PaymentState.SUCCEEDED
            and record.pay_type == way
            and record.pay_scene in (PaymentPlace.EXIT, None)
            for record in self.records
        )

    def _let_go(self, room: Room, order: Order, way: str) -> None:
        account = room.account(order)
        departure = room.departure_of(order.order_id)
        if departure is not None and departure.released_at is not None:
            return
        if not account.bill.awaited:
            account.bill.awaited = True
            room.changes.bill(account.bill)
            orders.note(room.changes, order, room.now, "awaited", detail=f"BoLink says paid by {way}")
            if departure is None:
                text = f"{cars.named(order)}: BoLink says paid, and its message never came"
                room.alarm("payment_awaited", text, "", order.order_id)
        if departure is None:
            return
        lane = room.lane(departure.channel_id)
        if lane is not None and lane.policy == "attendant":
            text = f"{cars.named(order)}: paid, waits for the attendant"
            cars.once(room, departure, "ready", text, "attendant_wanted")
            room.show(departure.channel_id, texts.ATTENDANT)
            return
        said = texts.SCREEN_CHARGED if way in PULLS else texts.SCREEN_PAID
        picture = self.pictures.get(departure.channel_id, picture_of(None))
        release(room, departure, picture, "paid", actor="driver", text=f"{cars.named(order)} {said}")


def _pay_pull(room: Room, attempt: Attempt, order: Order, number: str, note: str, pictures: dict[str, Picture]) -> None:
    """A pull was paid. Without BoLink's `number` its payment is known by the attempt's until BoLink names it."""
    attempt.state = "paid"
    room.changes.attempt(attempt)
    payment = Payment(
        lot_id=room.lot_id,
        payment_id=attempt.attempt_no,
        giver="bolink" if number else "us",
        trade_no=number or attempt.attempt_no,
        order_id=order.order_id,
        quote_no=attempt.quote_no,
        attempt_no=attempt.attempt_no,
        way=attempt.way,
        state="paid",
        fen=attempt.fen,
        fee_fen=0,
        paid_at=room.now,
        received_at=room.now,
        plate=cars.named(order),
        note=note,
    )
    room.changes.new_payment(payment)
    quote = room.sheet.quote(room.lot_id, attempt.quote_no)
    said = charged(attempt.fen) if attempt.way == "etc" else texts.SCREEN_CHARGED
    pay(room, order, payment, quote, pictures, said)


def _is_known(room: Room, number: str) -> bool:
    return room.sheet.payment_numbered(room.lot_id, "bolink", number) is not None


def show_price(room: Room, order: Order, text: str) -> None:
    """Ask for what is due on the screen of the lane in which the order's car stands and waits."""
    departure = room.departure_of(order.order_id)
    if departure is None or departure.released_at is not None or order.state != "in":
        return
    try:
        due = room.account(order).due(departure.charge_at)
    except CannotPrice:
        return
    if due:
        cars.offer(room, order, departure, due, text)
