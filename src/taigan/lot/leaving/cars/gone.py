"""A car has left: its order is `out`, its bill closed, its space free, and the exit owed to BoLink (3.2)."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from taigan.bolink import units
from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.charging import owe_taken
from taigan.lot.leaving.room import Room
from taigan.lot.stays import orders
from taigan.lot.stays.account import Account
from taigan.lot.stays.exits import exit_payload
from taigan.storage.locked import ledger
from taigan.storage.rows import Departure, Order, Reduction

EMERGENCY = "emergency"
"""Who lets cars go while an emergency is declared."""
OWING = "left owing"
AWAITED = "left while its payment was unclear"
LONG_AWAITED = "left while its payment was unclear, and nothing was heard of it for a day"


def leave(
    room: Room,
    order: Order,
    *,
    how: str,
    actor: str = "",
    charge_at: datetime | None = None,
    departure: Departure | None = None,
    via: str = "",
    gives_space: bool = True,
) -> None:
    """The stay has ended, seen or assumed. `charge_at`: what is due counts to then; by default the departure's.

    What is still owed is put under review, and BoLink is told nothing until it is paid, waived or reported. What a car
    owed that was let go in an emergency is waived.
    """
    at = charge_at or (departure.charge_at if departure is not None else room.now)
    account = room.account(order)
    if departure is not None and departure.actor == EMERGENCY:
        _waive(room, account, at)
    review = account.close(room.now, at)
    balance = account.bill.balance_fen
    under_way = room.sheet.live_pull(room.lot_id, order.order_id) is not None
    under_way = under_way or any(one.state == "pending" for one in account.payments)
    if balance > 0 and under_way and not account.bill.awaited:
        account.bill.awaited = True
        room.changes.bill(account.bill)
    if balance > 0:
        review = review or (AWAITED if account.bill.awaited else OWING)
    if review:
        order.review = order.review or review
    orders.leave(room.changes, room.lot, order, room.now, actor=actor, reason=how, via=via, gives_space=gives_space)
    if balance <= 0:
        owe_exit(room, order, departure)
    elif not account.bill.awaited:
        _tell_owing(room, order, balance)
    room.surplus.append((order, account.payments))
    room.tell("left", order_id=order.order_id, balance_fen=balance)


def _waive(room: Room, account: Account, at: datetime) -> None:
    """In an emergency nobody is asked for what is due: whoever declared it answers for that."""
    try:
        due = account.due(at)
    except CannotPrice:  # its bill is closed for a person to look at
        return
    if due:
        declared = room.sheet.read(ledger.emergency, room.lot_id)
        number = room.ids.payment_id(room.now)
        account.reduce(
            Reduction(
                lot_id=room.lot_id,
                reduction_id=number,
                source=EMERGENCY,
                number=number,
                kind="waiver",
                value=due,
                starts_at=None,
                ends_at=None,
                order_id=account.order.order_id,
                actor=declared.operator if declared is not None else EMERGENCY,
                reason=texts.LET_GO_IN_EMERGENCY,
                at=room.now,
                via=declared.via if declared is not None else "",
            )
        )


def awaits_no_more(room: Room, order: Order, *failed: str) -> None:
    """The payments or pulls of these numbers failed: unless another is under way, what the stay is due is owed."""
    pull = room.sheet.live_pull(room.lot_id, order.order_id)
    under_way = {p.trade_no for p in room.sheet.payments(room.lot_id, order.order_id) if p.state == "pending"}
    if pull is not None:
        under_way.add(pull.attempt_no)
    if not under_way <= set(failed):
        return
    account = room.account(order)
    if account.bill.awaited:
        account.bill.awaited = False
        room.changes.bill(account.bill)
    if order.state == "out" and account.bill.balance_fen > 0:
        if order.review in ("", AWAITED, LONG_AWAITED):
            order.review = OWING
            room.changes.order(order)
        _tell_owing(room, order, account.bill.balance_fen)


def owe_exit(room: Room, order: Order, departure: Departure | None = None) -> None:
    """3.2 is owed, once: the stay has ended and nothing is owed for it. What charging took off follows it (3.11)."""
    if not room.exit_was_told(order.order_id):
        orders.owe(room.changes, order, "3.2", exit_of(room, order, departure), room.now)
        room.after.owed = True
    departure = departure or room.sheet.read(ledger.last_departure_of, room.lot_id, order.order_id)
    owe_taken(room, order, departure.charge_at if departure is not None else order.closed_at or room.now)


def _tell_owing(room: Room, order: Order, fen: int) -> None:
    room.alarm("left_owing", f"{order.plate or order.licence}: left owing {fen} fen", "", order.order_id)


def report(room: Room, order: Order) -> None:
    """What is owed for a stay that has ended is reported to BoLink (3.2 `escape`): that cannot be taken back."""
    balance = room.account(order).bill.balance_fen
    orders.owe(room.changes, order, "3.2", exit_of(room, order, escapes_fen=balance), room.now)
    orders.note(room.changes, order, room.now, "reported", detail=units.yuan(balance))
    room.after.owed = True


def exit_of(room: Room, order: Order, departure: Departure | None = None, *, escapes_fen: int | None = None) -> str:
    """3.2's `data` for a stay that has ended; `escapes_fen`: what it left owing."""
    account = room.account(order)
    departure = departure or room.sheet.read(ledger.last_departure_of, room.lot_id, order.order_id)
    out_time = departure.charge_at if departure is not None else (order.closed_at or room.now)
    reason = departure.reason if departure is not None and departure.released_by in ("free", "rule") else ""
    if account.bill.waived_fen:
        reason = next((r.reason for r in reversed(account.reductions) if r.kind == "waiver"), reason)
    collector = departure.actor if departure is not None and departure.released_by == "person" else ""
    reduced_minutes = 0
    if account.bill.reduced_fen > account.bill.waived_fen:
        with suppress(CannotPrice):
            reduced_minutes = account.priced(out_time).reduced_seconds // 60
    return exit_payload(
        room.lot,
        order,
        account.payments,
        out_time=max(out_time, account.entry),
        channel_id=departure.channel_id if departure is not None else "",
        accepted_entry=room.sheet.entry_as_accepted(room.lot_id, order.order_id),
        reduced_fen=account.bill.reduced_fen,
        reduced_minutes=reduced_minutes,
        reason=reason,
        collector=collector,
        settles_fen=escapes_fen,
        pay_type="cash" if escapes_fen is None else "escape",
    )


def gone_unseen(room: Room, departure: Departure, *, up: bool = False) -> None:
    """The car of a departure is gone and nobody saw how. One that was let go has left, if its arm may have been up;
    else its order stays open, and the time to leave runs.
    """
    if departure.released_at is None:
        return
    lifts = room.sheet.lifts_of(room.lot_id, departure.presence_id)
    if not up and all(lift.outcome == "rejected" for lift in lifts):
        return
    order = room.order(departure.order_id)
    if order is not None and order.state == "in":
        order.review = order.review or "nobody saw the car leave"
        leave(room, order, how="left unseen", departure=departure)
