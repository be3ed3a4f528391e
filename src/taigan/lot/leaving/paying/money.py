"""Money that was paid: kept before it is understood, counted once, and what it sets in motion.

BoLink sends a money message until it is answered; 1 means kept. What no order fits is a stray; what cannot be
understood is kept as its text.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from taigan.bolink import units
from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.ahead import Wanted
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import AWAITED, LONG_AWAITED, awaits_no_more, owe_exit
from taigan.lot.leaving.cars.release import release
from taigan.lot.leaving.room import Picture, Room, picture_of
from taigan.lot.stays import orders
from taigan.storage.locked import ledger
from taigan.storage.rows import Bill, Departure, MoneyNotice, Order, Payment, Quote

UNREAD = "unread"
"""The giver of the number of a payment that cannot be understood: its text names it, and counts for nothing."""
PULLS = ("wallet", "sweepcode", "etc")
STAYS = {"5.3": "prepay", "5.5": "scancode"}
"""The messages that pay for a stay, and the way that is taken for theirs where they do not say."""
NUMBER_ANSWERED = "numbered by the answer to the pull"
"""The note of a pull's payment whose number no message has confirmed; the document does not show that answer."""
UNCONFIRMED = (NUMBER_ANSWERED, ledger.FROM_BOOKS)
"""The notes of payments whose number BoLink named in another way than by its message."""


class Money(msgspec.Struct, kw_only=True):
    """A money message of BoLink's, verified: 5.3, 5.5, and any that cannot be understood."""

    lot_id: str
    section: str
    text: str
    digest: str
    received_at: datetime
    answer: bytes
    trade_no: str = ""
    order_id: str = ""
    query_no: str = ""
    plate: str = ""
    channel_id: str = ""
    way: str = ""
    state: int = 1  # 5.5's: 1 paid, 0 failed, 2 under way
    fen: int = 0
    fee_fen: int = 0
    paid_at: datetime | None = None
    said: str = ""
    no_total: bool = False  # the amount was worked out from what arrived and the fee
    unreadable: str = ""  # why it cannot be understood
    pictures: dict[str, Picture] = {}  # of the lot's lanes, by channel_id

    @property
    def became(self) -> str:
        """The state of the payment."""
        return _STATES[self.state]

    def foresee(self, wanted: Wanted) -> None:
        wanted.notices.add((self.lot_id, self.digest))
        if self.trade_no:
            wanted.trade_nos.add((self.lot_id, self.trade_no))
        if self.query_no:
            wanted.quotes.add((self.lot_id, self.query_no))
        if self.order_id:
            wanted.orders.add((self.lot_id, self.order_id))
            if self.section == "5.5":
                wanted.paid.add((self.lot_id, self.order_id))

    def apply(self, room: Room) -> bytes:
        """Keep it, then book it. Returns the answer; again, the first one."""
        if known := room.sheet.notice(room.lot_id, self.digest):
            return known.answer
        notice = MoneyNotice(
            self.lot_id, self.section, self.trade_no, self.digest, self.text, self.received_at, "kept", "", self.answer
        )
        room.changes.notices.append(notice)
        if self.unreadable:
            notice.outcome, notice.payment_id = "unreadable", self._unreadable(room)
            room.alarm("money_unreadable", f"{self.section} {self.trade_no}: {self.unreadable}", "", self.order_id)
        else:
            notice.outcome, notice.payment_id = self._book(room)
        return self.answer

    def _unreadable(self, room: Room) -> str:
        """A stay's payment that cannot be understood is listed with the strays until a person reads its text, or a text
        of its number comes that can be read. Returns its payment_id; empty: it is listed nowhere but by its alarm."""
        if self.section not in STAYS:
            return ""
        for giver in ("bolink", UNREAD) if self.trade_no else ():
            if before := room.sheet.payment_numbered(room.lot_id, giver, self.trade_no):
                return before.payment_id
        payment = Payment(
            lot_id=self.lot_id,
            payment_id=room.ids.payment_id(room.now),
            giver=UNREAD,
            trade_no=self.trade_no,
            order_id="",
            quote_no="",
            attempt_no="",
            way=STAYS[self.section],
            state="unreadable",
            fen=0,
            fee_fen=0,
            paid_at=self.received_at,
            received_at=room.now,
            note=self.unreadable,
        )
        room.changes.new_payment(payment)
        return payment.payment_id

    def _book(self, room: Room) -> tuple[str, str]:
        before = room.sheet.payment_numbered(room.lot_id, "bolink", self.trade_no)
        understood(room, self.trade_no)
        if before is None and (pulled := self._pulled(room)):
            return self._number(room, pulled)
        if before is not None and before.state == "paid":
            return self._after_paid(room, before)
        if before is not None:  # pending or failed until now
            before.state = self.became
            before.note = self.said
            if self.became == "paid":
                before.fen, before.fee_fen, before.paid_at = self.fen, self.fee_fen, self._paid_at(room)
            room.changes.payment(before)
            payment = before
        else:
            payment = Payment(
                lot_id=self.lot_id,
                payment_id=room.ids.payment_id(room.now),
                giver="bolink",
                trade_no=self.trade_no,
                order_id="",
                quote_no="",
                attempt_no="",
                way=self.way,
                state=self.became,
                fen=self.fen,
                fee_fen=self.fee_fen,
                paid_at=self._paid_at(room),
                received_at=room.now,
                plate=self.plate,
                note=self.said,
            )
            room.changes.new_payment(payment)
        order, quote = self._order(room)
        if order is not None:
            payment.order_id = order.order_id
        if self.became == "paid":
            if order is None:
                room.alarm(
                    "stray", f"{units.yuan(payment.fen)} yuan for {self.order_id}, which nobody knows", self.channel_id
                )
                return "stray", payment.payment_id
            if self.no_total and quote is not None and payment.fen != quote.due_fen:
                room.alarm("amount_unclear", f"no total; {units.yuan(payment.fen)} yuan arrived", "", order.order_id)
            of_a_pull(room, order, payment)
            pay(room, order, payment, quote, self.pictures)
        else:
            self._not_paid(room, order)
        return "booked", payment.payment_id

    def _after_paid(self, room: Room, before: Payment) -> tuple[str, str]:
        """A payment that stands: the same again is known, anything else is kept and told."""
        same = self.became == "paid" and before.fen == self.fen and before.order_id in ("", self.order_id)
        if same:
            if before.note in UNCONFIRMED:
                before.note, before.fee_fen = "", self.fee_fen
                room.changes.payment(before)
            return "known", before.payment_id
        what = "another amount or order" if self.became == "paid" else f"state {self.state} after it was paid"
        room.alarm("money_conflict", f"{self.trade_no}: {what}", self.channel_id, before.order_id)
        return "conflict", before.payment_id

    def _pulled(self, room: Room) -> Payment | None:
        """The payment of a pull of ours that was paid at once and of whose number no message of BoLink's told yet."""
        if self.way not in PULLS or not self.order_id:
            return None
        paid = [p for p in room.sheet.payments(room.lot_id, self.order_id) if p.state == "paid"]
        return next((p for p in paid if p.way == self.way and (p.giver == "us" or p.note in UNCONFIRMED)), None)

    def _number(self, room: Room, pulled: Payment) -> tuple[str, str]:
        if self.became != "paid" or self.fen != pulled.fen:
            room.alarm("money_conflict", f"{self.trade_no}: not what the pull was answered", "", pulled.order_id)
            return "conflict", pulled.payment_id
        pulled.giver, pulled.trade_no, pulled.fee_fen, pulled.note = "bolink", self.trade_no, self.fee_fen, ""
        room.changes.payment(pulled)
        return "booked", pulled.payment_id

    def _order(self, room: Room) -> tuple[Order | None, Quote | None]:
        """The order it is for, and the quote that was paid. The plate never decides."""
        quote = room.sheet.quote(room.lot_id, self.query_no) if self.query_no else None
        order = room.order(self.order_id)
        if order is None and not self.order_id and quote is not None:
            order = room.order(quote.order_id)
        if order is None:
            return self._reserved(room)
        if quote is not None and quote.order_id != order.order_id:
            quote = None
        if quote is None and self.section == "5.5":
            quote = quote_paid(room.sheet.quotes(room.lot_id, order.order_id), self.fen, self._paid_at(room))
        return order, quote

    def _reserved(self, room: Room) -> tuple[Order | None, Quote | None]:
        """An order that was only reserved when its fixed price was told is made now that it is paid."""
        told = room.sheet.quotes(room.lot_id, self.order_id) if self.order_id and self.became == "paid" else []
        quote = next(iter(told), None)
        if quote is None:
            return None, None
        departure = room.sheet.departure(room.lot_id, quote.presence_id)
        order = orders.without_entry(
            room.changes,
            room.lot,
            self.order_id,
            plate=departure.plate if departure is not None else self.plate,
            channel_id=departure.channel_id if departure is not None else self.channel_id,
            at=quote.charge_at,
        )
        there = room.departure_at(departure.channel_id) if departure is not None else None
        if there is not None and there.presence_id == quote.presence_id and not there.order_id:
            cars.bind(room, there, order)
        return order, quote

    def _not_paid(self, room: Room, order: Order | None) -> None:
        """It failed, or is under way: nothing is settled."""
        if order is None:
            return
        departure = room.departure_of(order.order_id)
        pull = room.sheet.live_pull(room.lot_id, order.order_id)
        if self.became == "pending":
            text = texts.SCREEN_PENDING
        else:
            text, failed = texts.SCREEN_PAY_FAILED, [self.trade_no]
            pulls = [p for p in room.sheet.pulls(room.lot_id, order.order_id) if p.way == self.way]
            if pull is not None and pulls == [pull]:
                pull.state, pull.said = "failed", self.said
                room.changes.attempt(pull)
                failed.append(pull.attempt_no)
            awaits_no_more(room, order, *failed)
        if departure is not None:
            room.show(departure.channel_id, text)

    def _paid_at(self, room: Room) -> datetime:
        """When it was paid, by BoLink's clock if that can be: else when we heard of it."""
        if self.paid_at is None:
            return self.received_at
        order = room.order(self.order_id)
        skew = timedelta(seconds=room.policy.max_clock_skew)
        if order is not None and self.paid_at < (order.in_at or order.requested_at) - skew:
            return self.received_at
        return min(self.paid_at, self.received_at)


_STATES = {1: "paid", 0: "failed", 2: "pending"}


def understood(room: Room, trade_no: str) -> None:
    """What is paid under this number is known: a text of it that could not be understood waits for nobody."""
    unread = room.sheet.payment_numbered(room.lot_id, UNREAD, trade_no)
    if unread is not None and unread.state == "unreadable":
        unread.state, unread.note = "failed", "understood by now"
        room.changes.payment(unread)


def of_a_pull(room: Room, order: Order, payment: Payment) -> None:
    """A payment that BoLink says we took: it is a pull's whose end was unclear, or one we never began."""
    if payment.way not in PULLS:
        return
    pulls = [pull for pull in room.sheet.pulls(room.lot_id, order.order_id) if pull.way == payment.way]
    if not pulls:
        text = f"{payment.trade_no}: paid by {payment.way}, which nobody began"
        room.alarm("pull_unknown", text, "", order.order_id)
    for pull in pulls:
        if pull.state in ("live", "unclear"):
            pull.state, payment.attempt_no = "paid", pull.attempt_no
            room.changes.attempt(pull)


def quote_paid(quotes: list[Quote], fen: int, paid_at: datetime) -> Quote | None:
    """5.5 names no quote: of those that the amount covers the highest valid one when it was paid, else the last."""
    told = [q for q in quotes if q.due_fen]
    valid = [q for q in told if q.due_fen <= fen and q.asked_at <= paid_at <= q.valid_until]
    if valid:
        return max(valid, key=lambda q: (q.due_fen, q.asked_at))
    return told[0] if told else None


def pay(
    room: Room,
    order: Order,
    payment: Payment,
    quote: Quote | None,
    pictures: dict[str, Picture],
    said: str = texts.SCREEN_PAID,
) -> Departure | None:
    """Count a payment that was made for an order, whatever state the order is in; let its car go if nothing is due,
    which is `said` on the screen.

    Returns the departure that it let go, if it did.
    """
    account = room.account(order)
    payment.order_id = order.order_id
    payment.quote_no = quote.quote_no if quote is not None else ""
    room.changes.payment(payment)
    orders.note(room.changes, order, room.now, "paid", detail=f"{payment.way} {units.yuan(payment.fen)}")
    room.tell("payment", order_id=order.order_id, way=payment.way, fen=payment.fen, trade_no=payment.trade_no)
    if order.state not in ("in", "waiting"):
        _pay_afterwards(room, order, payment)
        return None
    account.pay(payment, quote, room.leave_within)
    if account.bill.awaited:
        account.bill.awaited = False
        room.changes.bill(account.bill)
    departure = room.departure_of(order.order_id)
    if departure is None or departure.released_at is not None:
        return None
    return _at_exit(room, order, departure, pictures.get(departure.channel_id, picture_of(None)), said)


def _at_exit(room: Room, order: Order, departure: Departure, picture: Picture, said: str) -> Departure | None:
    lane = room.lane(departure.channel_id)
    try:
        due = room.account(order).due(departure.charge_at)
    except CannotPrice:
        return None
    if due:
        room.show(departure.channel_id, texts.SCREEN_STILL_DUE.format(yuan=units.yuan(due)))
        return None
    if lane is not None and lane.policy == "attendant":
        room.show(departure.channel_id, texts.ATTENDANT)
        cars.once(room, departure, "ready", f"{cars.named(order)}: paid, waits for the attendant", "attendant_wanted")
        return None
    release(room, departure, picture, "paid", actor="driver", text=f"{cars.named(order)} {said}")
    return departure


def _pay_afterwards(room: Room, order: Order, payment: Payment) -> None:
    """The stay has ended: what was owed is paid by it, the rest is surplus."""
    account = room.account(order)
    bill: Bill = account.bill
    owed = bill.balance_fen > 0
    if bill.charge_fen is None:  # void, or abandoned before anything was paid
        bill.charge_fen, bill.closed_at = bill.credited_fen, order.closed_at or room.now
    bill.paid_fen += payment.fen
    bill.awaited = bill.awaited and bill.balance_fen > 0
    account.payments.append(payment)
    room.changes.bill(bill)
    room.surplus.append((order, [payment]))
    if order.state == "abandoned" and not order.review:
        order.review = "paid after it was given up"
        room.changes.order(order)
    if owed and bill.balance_fen <= 0:
        if order.review in (AWAITED, LONG_AWAITED):
            order.review = ""
            room.changes.order(order)
        if room.sheet.read(ledger.was_reported, room.lot_id, order.order_id):
            told = f"{cars.named(order)}: paid after it was reported as owing"
            room.alarm("paid_after_report", told, "", order.order_id)
        owe_exit(room, order)
    elif owed:
        awaits_no_more(room, order, payment.trade_no, payment.attempt_no)
