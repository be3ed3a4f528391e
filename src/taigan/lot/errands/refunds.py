"""Money back to the driver (4.2), and what BoLink says of it (5.6).

A refund counts as given from the commit in which it is asked, until BoLink says that it failed: what is given back of
a payment never exceeds what it brought. 4.2 has no number of its own: one whose fate is unclear is never sent again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import sqlalchemy as sa

from taigan.bolink import BolinkClient, units
from taigan.bolink.chapters.reconciliation import Refund
from taigan.bolink.values import PaymentState
from taigan.lot.errands.errand import LIVE, PLATFORM, Outcome, begin, known, move
from taigan.lot.errors import BadValue, Conflict, UnknownOrder
from taigan.lot.leaving.room import Room
from taigan.lot.people.by import By
from taigan.lot.stays import orders
from taigan.storage import tables as t
from taigan.storage.due import errands
from taigan.storage.locked import ledger, vehicles
from taigan.storage.rows import Act, Errand, MoneyNotice, Order, Payment, Reduction

SECTION = "4.2"
BY_HAND = ("kiosk",)
"""Ways of payment that 4.2 does not serve, though BoLink told of them: cash into a machine."""
FROM_BOLINK = "泊链退款"
SURPLUS = "多付的停车费，自动退回"
"""Why surplus is given back by itself, as BoLink is told."""
SLOW = timedelta(days=1)
"""So long BoLink may work on a refund before a person is told."""
SMALLEST_SURPLUS = 100
"""Less than a yuan is not given back by itself."""
CONSOLE = "console:"
"""What `via` begins with where a signed-in person acts; the account follows, one person's whatever the name."""


class AskRefund(msgspec.Struct, kw_only=True):
    """A person wants money given back to whoever paid it. Up to `refund_alone_fen` it is asked for at once."""

    lot_id: str
    payment_id: str
    fen: int
    by: By
    although_invoiced: bool = False

    def apply(self, room: Room) -> Errand:
        """Raises UnknownOrder, Conflict, BadValue."""
        payment = room.sheet.read(ledger.payment, room.lot_id, self.payment_id)
        if payment is None:
            raise UnknownOrder(f"there is no payment {self.payment_id}", "payment_id")
        before = errands.about(room.conn, room.lot_id, SECTION, payment.payment_id)
        may_be_asked(payment, before)
        most = min(payment.fen, _left(room, payment))
        if not 0 < self.fen <= most:
            raise BadValue(f"fen must be from 1 to {most}", "fen")
        if not self.although_invoiced and _is_invoiced(room, payment):
            raise Conflict("there is an invoice for this payment: have it voided first, or say although_invoiced")
        return _begin(room, payment, self.fen, self.by, alone=self.fen <= room.policy.refund_alone_fen)


def ask_surplus(room: Room) -> list[Errand]:
    """What was paid too much for stays that have ended here is asked for by itself; above `refund_alone_fen`, or while
    BoLink does not answer, it waits for a person. Returns what BoLink may be asked once this is committed.

    Of a payment only what BoLink can give back, that was not invoiced, and of which nothing was ever asked before.
    """
    wanted = [one for order, payments in room.surplus for one in _surplus(room, order, payments)]
    return [errand for errand in wanted if errand.state == "asked"]


def _surplus(room: Room, order: Order, payments: list[Payment]) -> list[Errand]:
    left = -room.account(order).bill.balance_fen
    newest_first = sorted(payments, key=lambda one: (one.received_at, one.payment_id), reverse=True)
    parts: list[tuple[Payment, int]] = []
    for payment in sorted(newest_first, key=lambda one: one.fen < left):  # one that holds all of it, if there is one
        fen = min(left, payment.fen)
        if fen >= SMALLEST_SURPLUS and _may_be_asked_by_itself(room, payment):
            parts.append((payment, fen))
            left -= fen
    by = By(PLATFORM, SURPLUS)
    alone = sum(fen for _, fen in parts) <= room.policy.refund_alone_fen and not room.bolink_is_down
    return [_begin(room, payment, fen, by, alone=alone) for payment, fen in parts]


def _may_be_asked_by_itself(room: Room, payment: Payment) -> bool:
    before = errands.about(room.conn, room.lot_id, SECTION, payment.payment_id)
    try:
        may_be_asked(payment, before)
    except Conflict:
        return False
    return not before and not _is_invoiced(room, payment)


def _is_invoiced(room: Room, payment: Payment) -> bool:
    made = errands.about(room.conn, room.lot_id, "6.3", payment.payment_id)
    if any(one.state in LIVE or one.state == "done" for one in made):
        return True
    return bool(vehicles.invoices_for(room.conn, room.lot_id, [payment.trade_no]))


def _begin(room: Room, payment: Payment, fen: int, by: By, *, alone: bool) -> Errand:
    """`alone`: it needs nobody else to agree, and counts as given from here on."""
    errand = begin(
        room,
        SECTION,
        payment.payment_id,
        by,
        what=f"refund of {units.yuan(fen)}",
        order_id=payment.order_id,
        fen=fen,
        state="asked" if alone else "wanted",
        trade_no=payment.trade_no,
    )
    if alone:
        _count(room, errand, payment)
    return errand


def may_be_asked(payment: Payment, before: list[Errand]) -> None:
    """Whether BoLink can be asked to give of a payment back; `before`: its refunds so far. Raises Conflict."""
    if payment.state != "paid":
        raise Conflict(f"the payment is {payment.state}", "payment_id")
    if payment.giver != "bolink" or payment.way in BY_HAND:
        raise Conflict("BoLink cannot give this payment back: do it by hand", "payment_id")
    if any(one.state in LIVE for one in before):
        raise Conflict("a refund of this payment is under way", "payment_id")
    if any(one.state == "done" for one in before):
        raise Conflict("part of this payment was given back before: give back more by hand", "payment_id")


class Approve(msgspec.Struct, kw_only=True):
    """A second person agrees to a refund: it is asked for."""

    lot_id: str
    errand_id: str
    by: By

    def apply(self, room: Room) -> Errand:
        """Raises UnknownErrand, Conflict."""
        errand = _wanted(room, self.errand_id)
        if self.by.operator == errand.actor or (self.by.via == errand.via and self.by.via.startswith(CONSOLE)):
            raise Conflict("who asked for a refund cannot approve it: it takes a second person", "operator")
        payment = room.sheet.read(ledger.payment, room.lot_id, errand.about)
        if payment is None or payment.state != "paid":
            raise Conflict("the payment no longer counts")
        if errand.actor == PLATFORM and not _is_surplus_still(room, errand):
            raise Conflict("it is no surplus any more: withdraw it")
        errand.approved_by = self.by.operator
        move(room, errand, "asked")
        _count(room, errand, payment)
        act = f"refund {errand.errand_id} approved"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        return errand


class Withdraw(msgspec.Struct, kw_only=True):
    """A refund that waits for a second person is not wanted after all."""

    lot_id: str
    errand_id: str
    by: By

    def apply(self, room: Room) -> Errand:
        """Raises UnknownErrand, Conflict."""
        errand = _wanted(room, self.errand_id)
        move(room, errand, "withdrawn", f"{self.by.operator}: {self.by.reason}")
        act = f"refund {errand.errand_id} withdrawn"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        return errand


def _is_surplus_still(room: Room, errand: Errand) -> bool:
    order = room.order(errand.order_id)
    return order is not None and (errand.fen or 0) <= -room.account(order).bill.balance_fen


def _wanted(room: Room, errand_id: str) -> Errand:
    errand = known(room, errand_id)
    if errand.section != SECTION or errand.state != "wanted":
        raise Conflict(f"the errand is {errand.state}; only a refund that is wanted waits for a second person")
    return errand


async def ask(client: BolinkClient, errand: Errand) -> Outcome:
    """4.2. Raises BolinkError."""
    said = await client.refund(
        Refund(
            park_id=errand.lot_id.partition("-")[2],
            trade_no=errand.details["trade_no"],
            refund_money=Decimal(units.yuan(errand.fen or 0)),
            refund_reason=errand.reason[:100],
        )
    )
    return Outcome("done" if said.state == PaymentState.SUCCEEDED else "running", said.errmsg or "")


def follow(room: Room, errand: Errand, before: str) -> None:
    """A refund that failed counts no longer."""
    if errand.state == "failed" and before != "wanted":
        _uncount(room, errand)
        if errand.actor == PLATFORM and before in ("asked", "running"):
            text = f"{units.yuan(errand.fen or 0)} yuan too much were paid, and BoLink did not give them back"
            room.alarm("refund_failed", f"{text}: {errand.said}" if errand.said else text, "", errand.order_id)
    if errand.order_id and (order := room.order(errand.order_id)) is not None:
        detail = f"{units.yuan(errand.fen or 0)} {errand.said}".strip()
        orders.note(room.changes, order, room.now, f"refund {errand.state}", errand.actor, detail)


class TakesLong(msgspec.Struct, kw_only=True):
    """BoLink has worked on a refund for so long that a person should look at it; told once."""

    lot_id: str
    errand_id: str

    def apply(self, room: Room) -> None:
        """Raises UnknownErrand."""
        errand = known(room, self.errand_id)
        if not takes_long(errand, room.now):
            return
        errand.keep(told=True)
        errands.change(room.conn, errand)
        text = f"{units.yuan(errand.fen or 0)} yuan: BoLink has worked on the refund for more than a day"
        room.alarm("refund_slow", text, "", errand.order_id)


def takes_long(errand: Errand, now: datetime) -> bool:
    """Whether a person should be told that BoLink has not come to an end with a refund, and was not yet."""
    return errand.state == "running" and now - errand.changed_at > SLOW and not errand.details.get("told")


def _left(room: Room, payment: Payment) -> int:
    """What an order's payments brought less what was given back of them in whatever way."""
    order = room.order(payment.order_id)
    return payment.fen if order is None else room.account(order).bill.credited_fen


def _count(room: Room, errand: Errand, payment: Payment) -> None:
    """Count it as given. What was not surplus of a closed order is taken off what it costs: goodwill."""
    order = room.order(payment.order_id)
    if order is None:  # a stray
        return
    bill = room.account(order).bill
    fen = errand.fen or 0
    if bill.closed_at is not None:
        errand.keep(goodwill_fen=_take_off(room, errand, max(0, fen + min(0, bill.balance_fen)), errand.reason))
    else:
        errand.keep(leave_by=bill.leave_by.isoformat() if bill.leave_by else "")
        bill.leave_by = None
    bill.refunded_fen += fen
    room.changes.bill(bill)
    errands.change(room.conn, errand)


def _take_off(room: Room, errand: Errand, fen: int, reason: str) -> int:
    if fen:
        order = room.order(errand.order_id)
        assert order is not None
        room.account(order).reduce(
            Reduction(
                lot_id=room.lot_id,
                reduction_id=errand.errand_id,
                source="refund",
                number=errand.errand_id,
                kind="waiver",
                value=fen,
                starts_at=None,
                ends_at=None,
                order_id=order.order_id,
                actor=errand.actor,
                reason=reason,
                at=room.now,
            )
        )
    return fen


def _uncount(room: Room, errand: Errand) -> None:
    order = room.order(errand.order_id)
    if order is None:
        return
    bill, details = room.account(order).bill, errand.details
    bill.refunded_fen -= errand.fen or 0
    if goodwill := details.get("goodwill_fen", 0):
        bill.reduced_fen -= goodwill
        bill.waived_fen -= goodwill
        c = t.reductions.c
        ended = sa.update(t.reductions).where(c.lot_id == room.lot_id, c.reduction_id == errand.errand_id)
        room.conn.execute(ended.values(ended_at=room.now))
    if bill.closed_at is None and (leave_by := details.get("leave_by")):
        bill.leave_by = datetime.fromisoformat(leave_by)
    room.changes.bill(bill)


class RefundTold(msgspec.Struct, kw_only=True):
    """5.6: BoLink says what became of a refund, ours or one that its office gave. Kept first, counted once."""

    lot_id: str
    text: str
    digest: str
    received_at: datetime
    answer: bytes
    trade_no: str
    state: int
    fen: int
    refund_time: str
    said: str = ""

    def apply(self, room: Room) -> bytes:
        """The answer; again, the first one."""
        if first := room.sheet.notice(room.lot_id, self.digest):
            return first.answer
        payment = room.sheet.payment_numbered(room.lot_id, "bolink", self.trade_no)
        outcome = "stray"
        if payment is None:
            text = f"a refund of {units.yuan(self.fen)} yuan of {self.trade_no}, which nobody knows"
            room.alarm("stray", text)
        else:
            outcome = self._book(room, payment)
        room.changes.notices.append(
            MoneyNotice(
                self.lot_id,
                "5.6",
                self.trade_no,
                self.digest,
                self.text,
                self.received_at,
                outcome,
                payment.payment_id if payment is not None else "",
                self.answer,
            )
        )
        return self.answer

    def _book(self, room: Room, payment: Payment) -> str:
        before = errands.about(room.conn, room.lot_id, SECTION, payment.payment_id)
        ours = next(
            (one for one in before if one.state in ("asked", "running", "unclear") and one.fen == self.fen), None
        )
        if ours is not None:
            was = ours.state
            move(room, ours, "done" if self.state == 1 else "failed", self.said, refund_time=self.refund_time)
            follow(room, ours, was)
            return "booked"
        if any(one.fen == self.fen and one.details.get("refund_time", "") in ("", self.refund_time) for one in before):
            return "known"
        if self.state != 1:
            return "kept"
        return self._given_by_bolink(room, payment, before)

    def _given_by_bolink(self, room: Room, payment: Payment, before: list[Errand]) -> str:
        held = sum(one.fen or 0 for one in before if one.state in (*LIVE, "done"))
        counted = min(self.fen, max(0, payment.fen - held), _left(room, payment))
        if counted < self.fen:
            text = f"{units.yuan(self.fen)} yuan of {self.trade_no} were given back, more than was left of it"
            room.alarm("money_conflict", text, "", payment.order_id)
        if not counted:
            return "conflict"
        errand = begin(
            room,
            SECTION,
            payment.payment_id,
            By("bolink", FROM_BOLINK),
            what=f"refund of {units.yuan(counted)} by BoLink",
            order_id=payment.order_id,
            fen=counted,
            state="done",
            trade_no=self.trade_no,
            refund_time=self.refund_time,
        )
        _count(room, errand, payment)
        follow(room, errand, "asked")
        return "booked"
