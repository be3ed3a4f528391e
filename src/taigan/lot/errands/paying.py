"""Payments that the lot places at BoLink: for a stay (3.4), for what is owed (3.9), change as a red packet (3.10).

Each has a number of ours; the driver pays, or takes the packet, at an address of BoLink's. What becomes of it is told
by 5.10, 5.11 and 5.12; 5.9 tells of arrears that were paid without us.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from taigan.bolink import BolinkClient, units
from taigan.bolink.chapters.trade import GiveChange, PayEscape, PayParking
from taigan.bolink.values import PayChannelName, PayWay
from taigan.lot.errands.errand import LIVE, Outcome, begin, move
from taigan.lot.errors import BadValue, Conflict, UnknownOrder
from taigan.lot.leaving.paying.money import pay
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.people.by import By
from taigan.lot.stays import orders
from taigan.storage.due import errands
from taigan.storage.locked import ledger
from taigan.storage.rows import Errand, MoneyNotice, Order, Payment

STAY, ARREARS, CHANGE = "3.4", "3.9", "3.10"
SMALLEST_CHANGE, LARGEST_CHANGE = 100, 9999
_PLACED_AS = {"5.10": STAY, "5.11": ARREARS}


class PlaceStay(msgspec.Struct, kw_only=True):
    """What a stay comes to now is placed at BoLink, to be paid at its address."""

    lot_id: str
    order_id: str
    by: By

    def apply(self, room: Room) -> Errand:
        """Raises UnknownOrder, Conflict, CannotPrice."""
        order = _order(room, self.order_id)
        if order.state != "in":
            raise Conflict(f"the order is {order.state}; what it owes is placed as arrears", "order_id")
        if room.sheet.live_pull(room.lot_id, order.order_id) is not None:
            raise Conflict("a payment for the car is under way", "order_id")
        departure = room.departure_of(order.order_id)
        if order.reserved and departure is None:
            raise Conflict("a shared space is reserved for the car: it cannot pay ahead", "order_id")
        at = departure.charge_at if departure is not None else room.now
        presence_id = departure.presence_id if departure is not None else ""
        account = room.account(order)
        due = account.due(at)
        if due <= 0:
            raise Conflict("nothing is due", "order_id")
        errand = _placed(room, STAY, order, self.by, due, "payment for", entry=units.seconds(account.entry))
        room.changes.quotes.append(account.quote(errand.number, room.now, at, presence_id, room.quote_valid))
        return errand


class PlaceArrears(msgspec.Struct, kw_only=True):
    """What is owed for a stay that has ended is placed at BoLink, to be paid at its address."""

    lot_id: str
    order_id: str
    by: By

    def apply(self, room: Room) -> Errand:
        """Raises UnknownOrder, Conflict."""
        order = _order(room, self.order_id)
        bill = room.account(order).bill
        if bill.closed_at is None or bill.balance_fen <= 0:
            raise Conflict("nothing is owed for this order", "order_id")
        return _placed(room, ARREARS, order, self.by, bill.balance_fen, "arrears of")


class PlaceChange(msgspec.Struct, kw_only=True):
    """Change for cash as a red packet of 1 to 99.99 yuan, once a payment."""

    lot_id: str
    payment_id: str
    fen: int
    by: By

    def apply(self, room: Room) -> Errand:
        """Raises UnknownOrder, Conflict, BadValue."""
        payment = room.sheet.read(ledger.payment, room.lot_id, self.payment_id)
        if payment is None:
            raise UnknownOrder(f"there is no payment {self.payment_id}", "payment_id")
        if payment.giver != "cash" or payment.state != "paid":
            raise Conflict("change is for cash that counts", "payment_id")
        if not SMALLEST_CHANGE <= self.fen <= LARGEST_CHANGE:
            raise BadValue(f"fen must be from {SMALLEST_CHANGE} to {LARGEST_CHANGE}", "fen")
        before = errands.about(room.conn, room.lot_id, CHANGE, payment.payment_id)
        if any(one.state in LIVE or one.state == "done" for one in before):
            raise Conflict("change was given for this payment, or is under way", "payment_id")
        order = room.order(payment.order_id)
        return begin(
            room,
            CHANGE,
            payment.payment_id,
            self.by,
            what=f"change of {units.yuan(self.fen)} for",
            order_id=payment.order_id,
            fen=self.fen,
            numbered=True,
            plate=orders.car_number(order) if order is not None else "",
            notify_url=room.policy.notify_url,
        )


def _placed(room: Room, section: str, order: Order, by: By, fen: int, what: str, **details: object) -> Errand:
    plate = orders.car_number(order)
    return begin(
        room,
        section,
        order.order_id,
        by,
        what=what,
        order_id=order.order_id,
        fen=fen,
        numbered=True,
        details={"plate": plate, "notify_url": room.policy.notify_url, **details},
    )


def _order(room: Room, order_id: str) -> Order:
    order = room.order(order_id)
    if order is None:
        raise UnknownOrder(f"lot {room.lot_id} has no order {order_id}", "order_id")
    return order


async def place_stay(client: BolinkClient, errand: Errand) -> Outcome:
    """3.4: the address where the driver pays. Raises BolinkError."""
    details = errand.details
    said = await client.pay_parking(
        PayParking(
            title=f"停车费-{details['plate']}",
            park_id=_park(errand),
            amount=units.yuan(errand.fen or 0),
            order_id=errand.order_id,
            car_number=details["plate"],
            in_time=details["entry"],
            trade_no=errand.number,
            pay_type=PayWay.DRIVER_SCANS,
            channel=PayChannelName.WECHAT,
            time_temp=str(units.seconds(errand.at) * 1000),
            notify_url=details["notify_url"] or None,
        )
    )
    return Outcome("running", said.errmsg or "", {"payurl": said.payurl or ""})


async def place_arrears(client: BolinkClient, errand: Errand) -> Outcome:
    """3.9: the address where the driver pays. Raises BolinkError."""
    plate = errand.details["plate"]
    said = await client.pay_escape(
        PayEscape(
            title=f"补缴停车费-{plate}",
            park_id=_park(errand),
            order_id=errand.order_id,
            car_number=plate,
            trade_no=errand.number,
            pay_type=PayWay.DRIVER_SCANS,
            channel=PayChannelName.WECHAT,
            time_temp=str(units.seconds(errand.at)),
            notify_url=errand.details["notify_url"] or None,
        )
    )
    return Outcome("running", said.errmsg or "", {"payurl": said.payurl or ""})


async def give_change(client: BolinkClient, errand: Errand) -> Outcome:
    """3.10: the address where the driver takes the red packet. Raises BolinkError."""
    said = await client.give_change(
        GiveChange(
            park_id=_park(errand),
            amount=units.yuan(errand.fen or 0),
            trade_no=errand.number,
            order_id=errand.order_id or None,
            car_number=errand.details["plate"] or None,
            timestamp=units.seconds(errand.at),
            notify_url=errand.details["notify_url"] or None,
        )
    )
    return Outcome("running", said.errmsg, {"url": said.data.url if said.data is not None else ""})


def _park(errand: Errand) -> str:
    return errand.lot_id.partition("-")[2]


class PlacedPaid(msgspec.Struct, kw_only=True):
    """5.9, 5.10 or 5.11: a payment that the lot placed, or for arrears, has its result. Kept first, counted once."""

    lot_id: str
    section: str
    text: str
    digest: str
    received_at: datetime
    answer: bytes
    state: int
    fen: int
    fee_fen: int
    trade_no: str
    order_id: str = ""
    plate: str = ""
    said: str = ""
    pictures: dict[str, Picture] = {}

    def apply(self, room: Room) -> bytes:
        """The answer; again, the first one."""
        if first := room.sheet.notice(room.lot_id, self.digest):
            return first.answer
        outcome, payment_id = self._book(room)
        room.changes.notices.append(
            MoneyNotice(
                self.lot_id,
                self.section,
                self.trade_no,
                self.digest,
                self.text,
                self.received_at,
                outcome,
                payment_id,
                self.answer,
            )
        )
        return self.answer

    def _book(self, room: Room) -> tuple[str, str]:
        placed = _PLACED_AS.get(self.section)
        errand = errands.numbered(room.conn, room.lot_id, placed, self.trade_no) if placed else None
        if self.state != 1:
            if errand is not None and errand.state in LIVE:
                move(room, errand, "failed", self.said or "payment failed")
            return "kept", ""
        before = room.sheet.payment_numbered(room.lot_id, "bolink", self.trade_no)
        if before is not None:
            if before.fen != self.fen:
                room.alarm("money_conflict", f"{self.trade_no}: another amount", "", before.order_id)
                return "conflict", before.payment_id
            return "known", before.payment_id
        order = room.order(errand.order_id if errand is not None else self.order_id)
        payment = Payment(
            lot_id=self.lot_id,
            payment_id=room.ids.payment_id(room.now),
            giver="bolink",
            trade_no=self.trade_no,
            order_id="",
            quote_no="",
            attempt_no="",
            way="scancode" if order is not None and room.departure_of(order.order_id) else "prepay",
            state="paid",
            fen=self.fen,
            fee_fen=self.fee_fen,
            paid_at=self.received_at,
            received_at=room.now,
            plate=self.plate,
            note=self.said[:200],
        )
        room.changes.new_payment(payment)
        if errand is not None:
            if self.fen != errand.fen:
                text = f"{self.trade_no}: {units.yuan(self.fen)} paid, {units.yuan(errand.fen or 0)} placed"
                room.alarm("money_conflict", text, "", errand.order_id)
            if errand.state in LIVE:
                move(room, errand, "done", self.said, trade_no=self.trade_no)
        if order is None:
            room.alarm("stray", f"{units.yuan(self.fen)} yuan by {self.section} for what nobody placed or knows")
            return "stray", payment.payment_id
        quote = room.sheet.quote(room.lot_id, self.trade_no)
        pay(room, order, payment, quote if quote and quote.order_id == order.order_id else None, self.pictures)
        return "booked", payment.payment_id


class ChangeTold(msgspec.Struct, kw_only=True):
    """5.12: what became of a red packet. 2 the driver has it, 3 it came back, 0 it failed; 1 it was issued."""

    lot_id: str
    text: str
    digest: str
    received_at: datetime
    answer: bytes
    trade_no: str
    state: int
    said: str = ""

    def apply(self, room: Room) -> bytes:
        """The answer; again, the first one."""
        if first := room.sheet.notice(room.lot_id, self.digest):
            return first.answer
        errand = errands.numbered(room.conn, room.lot_id, CHANGE, self.trade_no)
        outcome = "stray"
        if errand is None:
            room.alarm("stray", f"change {self.trade_no}, which nobody gave")
        else:
            outcome = "known" if errand.state not in LIVE or self.state == 1 else "booked"
            if outcome == "booked":
                move(room, errand, "done" if self.state == 2 else "failed", self.said)
                if self.state != 2:
                    text = f"change of {units.yuan(errand.fen or 0)} yuan did not reach the driver: give it in cash"
                    room.alarm("change_failed", text, "", errand.order_id)
        room.changes.notices.append(
            MoneyNotice(
                self.lot_id, "5.12", self.trade_no, self.digest, self.text, self.received_at, outcome, "", self.answer
            )
        )
        return self.answer
