"""A payment that was made for the wrong stay is moved to the one it was meant for."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from taigan.bolink import units
from taigan.lot.errands.errand import LIVE
from taigan.lot.errors import Conflict, UnknownOrder
from taigan.lot.leaving.paying.money import pay
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.people.by import By
from taigan.lot.people.exit_acts import OrderAct
from taigan.lot.stays import orders
from taigan.storage.due import errands
from taigan.storage.locked import ledger, vehicles
from taigan.storage.rows import Act, Order, Payment

MOVABLE = ("bolink", "cash")
"""Who gave the payments that may be moved: a pull's belongs to its attempt."""


class Move(msgspec.Struct, kw_only=True):
    """A payment counts for this order instead of the one that it was booked for; its row stays one row.

    Not while the other order's car left, or is let go, on the strength of it; nor once part of it was given back or it
    was invoiced.
    """

    lot_id: str
    payment_id: str
    order_id: str
    by: By
    pictures: dict[str, Picture] = {}

    def apply(self, room: Room) -> Payment:
        """Raises UnknownOrder, Conflict."""
        payment = room.sheet.read(ledger.payment, room.lot_id, self.payment_id)
        if payment is None:
            raise UnknownOrder(f"there is no payment {self.payment_id}", "payment_id")
        before, order = room.order(payment.order_id), room.order(self.order_id)
        if order is None:
            raise UnknownOrder(f"lot {room.lot_id} has no order {self.order_id}", "order_id")
        if payment.state != "paid" or before is None or payment.giver not in MOVABLE or payment.attempt_no:
            raise Conflict("only a payment that counts for an order can be moved", "payment_id")
        if before.order_id == order.order_id:
            raise Conflict("the payment is that order's already", "order_id")
        _may_leave(room, before, payment)
        account = room.account(before)
        account.payments = [one for one in account.payments if one.payment_id != payment.payment_id]
        account.unpay(payment)
        by, fen = self.by, units.yuan(payment.fen)
        orders.note(
            room.changes, before, room.now, "payment moved", by.operator, f"{fen} {order.order_id} {by.reason}", by.via
        )
        payment.note = f"moved by {by.operator}: {by.reason}"[:200]
        pay(room, order, payment, None, self.pictures)
        act = f"payment {payment.payment_id} of {fen} moved from {before.order_id} to {order.order_id}"
        room.changes.acts.append(Act(room.lot_id, room.now, by.operator, by.reason, act, by.via))
        OrderAct(lot_id=self.lot_id, order_id=before.order_id, by=by, pictures=self.pictures).priced_anew(room, before)
        return payment


def _may_leave(room: Room, order: Order, payment: Payment) -> None:
    """Whether a payment may be taken from the order that it was booked for. Raises Conflict."""
    departure = room.departure_of(order.order_id)
    if departure is not None and departure.released_at is not None:
        raise Conflict("the car is let go already", "payment_id")
    bill = room.account(order).bill
    if bill.closed_at is not None and bill.balance_fen + payment.fen > 0:
        raise Conflict("the car left on the strength of this payment", "payment_id")
    if any(_is_bound(room.conn, room.lot_id, section, payment) for section in ("4.2", "6.1", "6.3", "3.10")):
        raise Conflict("the payment was given back, changed or invoiced in part", "payment_id")
    if payment.trade_no and vehicles.invoices_for(room.conn, room.lot_id, [payment.trade_no]):
        raise Conflict("the payment was given back, changed or invoiced in part", "payment_id")


def _is_bound(conn: sa.Connection, lot_id: str, section: str, payment: Payment) -> bool:
    found = errands.about(conn, lot_id, section, payment.payment_id)
    return any(one.state in LIVE or one.state == "done" for one in found)
