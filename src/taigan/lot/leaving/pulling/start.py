"""A pull begins: its attempt is a row in the transaction after which BoLink is called."""

from __future__ import annotations

from datetime import timedelta

from taigan.bolink import units
from taigan.lot import texts
from taigan.lot.leaving.room import Room
from taigan.lot.stays import orders
from taigan.lot.stays.exits import exit_payload
from taigan.lot.uploads.pulls import ANSWER_WITHIN, ENTRY_WITHIN, Code, Pull
from taigan.storage.due import deliveries
from taigan.storage.rows import Attempt, Departure, Order

NO_CODE = Code()
WITHIN = timedelta(seconds=ENTRY_WITHIN + ANSWER_WITHIN)


def is_being_charged(room: Room, order: Order) -> bool:
    """Whether a pull is under way, or unclear for so short a time that its driver is asked to wait."""
    pull = room.sheet.live_pull(room.lot_id, order.order_id)
    return pull is not None and room.now - pull.started_at < timedelta(seconds=room.policy.attempt_wait)


def pays_by_itself(room: Room, order: Order, departure: Departure, due: int) -> bool:
    """Whether what is due is taken from the plate's wallet: BoLink said that it pays by itself (5.2), nothing is too
    much or too long, and it was not tried for this car here yet."""
    if is_unusual(room, order, departure, due):
        return False
    if not room.sheet.pays_by_itself(room.lot_id, {order.plate, order.licence} - {""}):
        return False
    if not may_be_charged(room, order):
        return False
    tried = room.sheet.pulls(room.lot_id, order.order_id)
    return all((pull.way, pull.presence_id) != ("wallet", departure.presence_id) for pull in tried)


def is_unusual(room: Room, order: Order, departure: Departure, due: int) -> bool:
    """Whether it is too much, or too long, to be taken without the driver's doing (`charge_above_fen`,
    `charge_longest`)."""
    longest = timedelta(seconds=room.policy.charge_longest)
    return due > room.policy.charge_above_fen or departure.charge_at - room.account(order).entry > longest


def may_be_charged(room: Room, order: Order) -> bool:
    """Whether a pull may begin: BoLink answers, none is under way or unclear, and BoLink does not hold it for left."""
    return (
        not room.bolink_is_down
        and room.sheet.live_pull(room.lot_id, order.order_id) is None
        and not room.exit_was_told(order.order_id)
    )


def begin(
    room: Room,
    order: Order,
    departure: Departure,
    way: str,
    due: int,
    *,
    attempt_no: str = "",
    code: Code = NO_CODE,
    payload: str = "",
) -> None:
    """Take what is due. `code`: that of the driver's phone; it is in memory only. `payload`: what BoLink is asked,
    where it is no 3.2."""
    account = room.account(order)
    number = attempt_no or room.ids.payment_id(room.now)
    quote = account.quote(number, room.now, departure.charge_at, departure.presence_id, room.quote_valid)
    payload = payload or exit_payload(
        room.lot,
        order,
        account.payments,
        out_time=max(departure.charge_at, account.entry),
        channel_id=departure.channel_id,
        accepted_entry=room.sheet.entry_as_accepted(room.lot_id, order.order_id),
        reduced_fen=quote.reduced_fen,
        reduced_minutes=account.priced(departure.charge_at).reduced_seconds // 60 if quote.reduced_fen else 0,
        settles_fen=due,
        pay_type=way,
        spaces_free=min(room.lot.spaces, room.lot.spaces_free + 1),
    )
    room.changes.quotes.append(quote)
    room.changes.new_attempt(
        Attempt(
            lot_id=room.lot_id,
            attempt_no=number,
            order_id=order.order_id,
            presence_id=departure.presence_id,
            quote_no=quote.quote_no,
            way=way,
            fen=due,
            started_at=room.now,
            deadline=room.now + WITHIN,
            state="live",
        )
    )
    deliveries.book_pace(room.conn, room.lot_id, room.now + timedelta(seconds=1 / room.policy.uploads_per_second))
    orders.note(room.changes, order, room.now, "charging", detail=f"{way} {units.yuan(due)}")
    room.tell("charging", channel_id=departure.channel_id, order_id=order.order_id, way=way, due_fen=due)
    room.show(departure.channel_id, texts.SCREEN_CHARGING)
    room.after.pulls.append(Pull(room.lot_id, number, order.order_id, way, payload, code))
