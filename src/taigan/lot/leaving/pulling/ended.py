"""What became of a pull: as BoLink answered it, or as it says when it is asked afterwards (4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from taigan.bolink.chapters.reconciliation import PaymentRecord
from taigan.bolink.money import total_told
from taigan.bolink.values import PaymentPlace, PaymentState
from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import awaits_no_more
from taigan.lot.leaving.cars.release import release
from taigan.lot.leaving.paying.money import NUMBER_ANSWERED, PULLS, of_a_pull, pay, quote_paid, understood
from taigan.lot.leaving.pulling.tagged import charged
from taigan.lot.leaving.room import Picture, Room, picture_of
from taigan.lot.stays import orders
from taigan.lot.uploads.pulls import Charged, Pull
from taigan.storage.locked import ledger
from taigan.storage.rows import Attempt, Delivery, Departure, Order, Payment, Quote


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
    """BoLink's books name a payment of an order (4.1)."""

    lot_id: str
    order_id: str
    trade_no: str
    fen: int  # the payment's, or all that was paid for the stay: the document does not say which
    pictures: dict[str, Picture]

    def apply(self, room: Room) -> bool:
        """Give a pull's payment its number, or book what nobody knew the end of. Tells whether it is booked by now."""
        order = room.order(self.order_id)
        if order is None:
            return False
        before = room.sheet.payment_numbered(room.lot_id, "bolink", self.trade_no)
        if before is not None:
            return before.state == "paid" or self._is_through(room, before, order)
        paid = _paid(room, order)
        for payment in paid:
            numberless = payment.giver == "us" or payment.note == NUMBER_ANSWERED
            if numberless and payment.way in PULLS and self.fen in (payment.fen, _sum(paid)):
                understood(room, self.trade_no)
                payment.giver, payment.trade_no = "bolink", self.trade_no
                room.changes.payment(payment)
                return True
        for pull in room.sheet.pulls(room.lot_id, order.order_id):
            silent = pull.state == "unclear" or (pull.state == "failed" and pull.said == ledger.NOT_HEARD_OF)
            if silent and self._is_of(pull.fen, paid):
                understood(room, self.trade_no)
                pull.said = ledger.FROM_BOOKS
                _pay_pull(room, pull, order, self.trade_no, ledger.FROM_BOOKS, self.pictures, pull.started_at)
                return True
        return room.account(order).bill.awaited and self._is_awaited(room, order, paid)

    def _is_of(self, fen: int, paid: Sequence[Payment]) -> bool:
        """Whether the books' amount can be that of a payment of so much, beside those that were paid."""
        return self.fen in (fen, _sum(paid) + fen)

    def _is_through(self, room: Room, payment: Payment, order: Order) -> bool:
        """A payment that was told as under way, and nothing since."""
        silent = payment.state == "pending" or (payment.state == "failed" and payment.note == ledger.NOT_HEARD_OF)
        if not silent or payment.order_id != order.order_id:
            return False
        paid = _paid(room, order)
        text = room.sheet.read(ledger.notice_text, room.lot_id, "5.5", payment.trade_no)
        if fen := total_told(text.encode()):
            quote = quote_paid(room.sheet.quotes(room.lot_id, order.order_id), fen, payment.paid_at)
        else:
            quote = self._quote(room, order, paid)
            fen = self.fen if quote is None and not paid else quote.due_fen if quote is not None else 0
        if not fen or not self._is_of(fen, paid):
            return False
        payment.state, payment.note, payment.fen = "paid", ledger.FROM_BOOKS, fen
        of_a_pull(room, order, payment)
        pay(room, order, payment, quote, self.pictures)
        return True

    def _is_awaited(self, room: Room, order: Order, paid: Sequence[Payment]) -> bool:
        """A payment of which BoLink said that it was made (4.3), and whose message never came: of a price told."""
        quote = self._quote(room, order, paid)
        if quote is None:
            return False
        understood(room, self.trade_no)
        payment = Payment(
            lot_id=room.lot_id,
            payment_id=room.ids.payment_id(room.now),
            giver="bolink",
            trade_no=self.trade_no,
            order_id=order.order_id,
            quote_no=quote.quote_no,
            attempt_no="",
            way="scancode",
            state="paid",
            fen=quote.due_fen,
            fee_fen=0,
            paid_at=quote.asked_at,
            received_at=room.now,
            plate=cars.named(order),
            note=ledger.FROM_BOOKS,
        )
        room.changes.new_payment(payment)
        pay(room, order, payment, quote, self.pictures)
        return True

    def _quote(self, room: Room, order: Order, paid: Sequence[Payment]) -> Quote | None:
        """The newest price that was told, is not paid yet, and fits."""
        taken = {payment.quote_no for payment in paid}
        told = [one for one in room.sheet.quotes(room.lot_id, order.order_id) if one.due_fen]
        return next((one for one in told if one.quote_no not in taken and self._is_of(one.due_fen, paid)), None)


def _paid(room: Room, order: Order) -> list[Payment]:
    return [one for one in room.sheet.payments(room.lot_id, order.order_id) if one.state == "paid"]


def _sum(paid: Sequence[Payment]) -> int:
    return sum(payment.fen for payment in paid)


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

    def _say(self, room: Room, order: Order, way: str) -> None:
        """Keep with what nobody knew the end of that BoLink says it is paid: silence does not make it fail."""
        pull = room.sheet.live_pull(room.lot_id, order.order_id)
        if pull is not None and pull.way == way and pull.state == "unclear":
            if pull.said != ledger.UNNAMED:
                pull.said = ledger.SAID_PAID
                room.changes.attempt(pull)
            return
        for payment in room.sheet.payments(room.lot_id, order.order_id):
            if payment.way == way and payment.state == "pending":
                if payment.note != ledger.UNNAMED:
                    payment.note = ledger.SAID_PAID
                    room.changes.payment(payment)
                return

    def _let_go(self, room: Room, order: Order, way: str) -> None:
        self._say(room, order, way)
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
        if not self._covers(room, order, departure, way):
            text = f"{cars.named(order)}: BoLink says paid by {way}, and more is due by now"
            cars.once(room, departure, "more due", text, "payment_awaited")
            return
        said = texts.SCREEN_CHARGED if way in PULLS else texts.SCREEN_PAID
        picture = self.pictures.get(departure.channel_id, picture_of(None))
        release(room, departure, picture, "paid", actor="driver", text=f"{cars.named(order)} {said}")

    def _covers(self, room: Room, order: Order, departure: Departure, way: str) -> bool:
        """Whether what BoLink says is paid, without its amount (4.3), pays for the stay so far: what was asked for in
        an earlier departure does not pay for the days since."""
        pull = room.sheet.live_pull(room.lot_id, order.order_id)
        quote = next((one for one in room.sheet.quotes(room.lot_id, order.order_id) if one.due_fen), None)
        if pull is not None and pull.way == way:
            presence_id, fen = pull.presence_id, pull.fen
        elif quote is not None:
            presence_id, fen = quote.presence_id, quote.due_fen
        else:
            return True
        if presence_id in ("", departure.presence_id):
            return True
        try:
            return room.account(order).due(departure.charge_at) <= fen
        except CannotPrice:
            return True


def _pay_pull(
    room: Room,
    attempt: Attempt,
    order: Order,
    number: str,
    note: str,
    pictures: dict[str, Picture],
    at: datetime | None = None,
) -> None:
    """A pull was paid, by default now. Without BoLink's `number` its payment is known by the attempt's until BoLink
    names it."""
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
        paid_at=at or room.now,
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
