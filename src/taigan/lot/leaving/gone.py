"""A car has left: its order is `out`, its bill closed, its space free, and the exit owed to BoLink (3.2)."""

from __future__ import annotations

from datetime import datetime

from taigan.lot.leaving.room import Room
from taigan.lot.stays import orders
from taigan.lot.stays.exits import exit_payload
from taigan.storage import facts, ledger
from taigan.storage.rows import Departure, Order


def leave(
    room: Room,
    order: Order,
    *,
    how: str,
    actor: str = "",
    charge_at: datetime | None = None,
    departure: Departure | None = None,
    gives_space: bool = True,
) -> None:
    """The stay has ended, seen or assumed. `charge_at`: what is due counts to then; by default the departure's.

    What is still owed is put under review, and BoLink is told nothing until it is paid, waived or reported.
    """
    at = charge_at or (departure.charge_at if departure is not None else room.now)
    account = room.account(order)
    review = account.close(room.now, at)
    balance = account.bill.balance_fen
    if balance > 0:
        review = review or "left owing"
    if review:
        order.review = order.review or review
    orders.leave(room.changes, room.lot, order, room.now, actor=actor, reason=how, gives_space=gives_space)
    if balance <= 0:
        owe_exit(room, order, departure)
    else:
        room.alarm("left_owing", f"{order.plate or order.licence}: left owing {balance} fen", "", order.order_id)
    room.tell("left", order_id=order.order_id, balance_fen=balance)


def owe_exit(room: Room, order: Order, departure: Departure | None = None) -> None:
    """3.2 is owed, once: the stay has ended and nothing is owed for it."""
    if ledger.exit_was_owed(room.conn, room.lot_id, order.order_id):
        return
    account = room.account(order)
    departure = departure or ledger.last_departure_of(room.conn, room.lot_id, order.order_id)
    out_time = departure.charge_at if departure is not None else (order.closed_at or room.now)
    reason = departure.reason if departure is not None and departure.released_by in ("free", "rule") else ""
    if account.bill.waived_fen:
        reason = next((r.reason for r in reversed(account.reductions) if r.kind == "waiver"), reason)
    collector = departure.actor if departure is not None and departure.released_by == "person" else ""
    payload = exit_payload(
        room.lot,
        order,
        account.bill,
        account.payments,
        out_time=max(out_time, account.entry),
        channel_id=departure.channel_id if departure is not None else "",
        accepted_entry=ledger.entry_as_accepted(room.conn, room.lot_id, order.order_id),
        reason=reason,
        collector=collector,
    )
    orders.owe(room.changes, order, "3.2", payload, room.now)
    room.after.owed = True


def gone_unseen(room: Room, departure: Departure, *, up: bool = False) -> bool:
    """The car of a departure is gone and nobody saw how. One that was let go has left, if its arm may have been up.

    Tells whether it has; else its order stays open, and the time to leave runs.
    """
    if departure.released_at is None:
        return False
    lifts = facts.lifts_of_presence(room.conn, room.lot_id, departure.presence_id)
    if not up and all(lift.outcome == "rejected" for lift in lifts):
        return False
    order = room.order(departure.order_id)
    if order is not None and order.state == "in":
        order.review = order.review or "nobody saw the car leave"
        leave(room, order, how="left unseen", departure=departure)
    return True
