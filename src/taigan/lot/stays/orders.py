"""What can happen to an order, each with its row in the order's history.

These functions change records and note the change; nothing is written before `Changes.write`. They are called with the
lot locked, so what they see is true until the commit.
"""

from __future__ import annotations

from datetime import datetime

from taigan import bolink
from taigan.bolink import units
from taigan.lot import texts
from taigan.lot.stays.likeness import likeness
from taigan.storage.changes import Changes
from taigan.storage.rows import Delivery, Driver, Lot, Order, OrderEvent, Presence, SpaceChange

NO_ENTRY = "无入场记录"
CAR_NUMBER_LENGTH = 8  # BoLink's limit for car_number (sdk/510113)


def note(
    changes: Changes, order: Order, at: datetime, event: str, actor: str = "", detail: str = "", via: str = ""
) -> None:
    """Add a line to the order's history."""
    changes.events.append(OrderEvent(order.lot_id, order.order_id, at, event, actor, detail, via))


def ask(changes: Changes, lot: Lot, order: Order) -> None:
    """A new order takes a space while it waits."""
    _take_space(changes, lot)
    changes.new_order(order)
    note(changes, order, order.requested_at, "waiting", detail=order.waiting_for)
    if order.free_used:
        note(changes, order, order.requested_at, "back so soon")


def enter(
    changes: Changes,
    lot: Lot,
    order: Order,
    at: datetime,
    *,
    why: str,
    actor: str = "",
    via: str = "",
    review: str = "",
) -> None:
    """The car is in: the entry is owed to BoLink (3.1), frozen as it is now."""
    order.state, order.waiting_for, order.in_at, order.review = "in", "", at, review
    changes.order(order)
    note(changes, order, at, "in", actor, why, via)
    owe(changes, order, "3.1", entry_payload(lot, order), at)


def void(changes: Changes, lot: Lot, order: Order, at: datetime, *, why: str, actor: str = "", via: str = "") -> None:
    """The entry did not happen: nobody is charged, the space is free again."""
    order.state, order.waiting_for, order.closed_at, order.closed_why = "void", "", at, why
    changes.order(order)
    note(changes, order, at, "void", actor, why, via)
    _give_space(changes, lot)


def reverse(
    changes: Changes, lot: Lot, order: Order, at: datetime, *, uploaded: bool, why: str = texts.REVERSED
) -> None:
    """An order that was `in` did not come in after all. Where BoLink may know of it, it is told (3.2, total 0)."""
    void(changes, lot, order, at, why=why)
    if uploaded:
        owe(changes, order, "3.2", reversal_payload(lot, order, at), at)


def abandon(changes: Changes, lot: Lot, order: Order, at: datetime, *, superseded_by: str) -> None:
    """The same driver came in again: the old stay is closed for review."""
    order.state, order.closed_at, order.closed_why = "abandoned", at, "superseded"
    order.superseded_by, order.review = superseded_by, "superseded: the exit was never seen"
    changes.order(order)
    note(changes, order, at, "abandoned", detail=superseded_by)
    _give_space(changes, lot)


def leave(
    changes: Changes,
    lot: Lot,
    order: Order,
    at: datetime,
    *,
    actor: str,
    reason: str,
    via: str = "",
    gives_space: bool = True,
) -> None:
    """The car has left; `reason` says how that is known."""
    order.state, order.waiting_for, order.closed_at, order.closed_why = "out", "", at, reason
    changes.order(order)
    note(changes, order, at, "out", actor, reason, via)
    if gives_space:
        _give_space(changes, lot)


def _inside(lot: Lot, order_id: str, origin: str, plate: str, channel_id: str, at: datetime, review: str = "") -> Order:
    """An order of a car with a plate that was never seen to enter: inside since `at`."""
    return Order(
        lot_id=lot.lot_id,
        order_id=order_id,
        origin=origin,
        state="in",
        waiting_for="",
        licence=plate,
        mark="",
        plate=plate,
        pay_user_id="",
        mobile="",
        channel_id=channel_id,
        presence_id=None,
        told_state=None,
        told_text="",
        requested_at=at,
        in_at=at,
        passed_at=at,
        review=review,
        likeness=likeness(plate),
    )


def without_entry(
    changes: Changes, lot: Lot, order_id: str, *, plate: str, channel_id: str, at: datetime, review: str = NO_ENTRY
) -> Order:
    """The order of a car that is known from its exit only: it took no space, and its stay begins there."""
    order = _inside(lot, order_id, "exit", plate, channel_id, at, review)
    changes.new_order(order)
    note(changes, order, at, "in", detail=review)
    owe(changes, order, "3.1", entry_payload(lot, order), at)
    return order


def take_over(
    changes: Changes,
    lot: Lot,
    order_id: str,
    plate: str,
    channel_id: str,
    in_at: datetime,
    now: datetime,
    actor: str,
    via: str,
    *,
    told: bool,
) -> None:
    """A car that stood inside before this platform did. `told`: BoLink knows of its entry."""
    order = _inside(lot, order_id, "manual", plate, channel_id, in_at)
    if lot.spaces_free > 0:
        _take_space(changes, lot)
    changes.new_order(order)
    note(changes, order, now, "taken over", actor, via=via)
    if not told:
        owe(changes, order, "3.1", entry_payload(lot, order), now)


def drive_through(changes: Changes, order: Order, at: datetime, how: str) -> None:
    """The car was seen (or is assumed) to have driven in; its driver's scans are counted anew."""
    order.passed_at = at
    changes.order(order)
    changes.driver(Driver(order.licence, order.lot_id, 0, at))
    note(changes, order, at, "passed", detail=how)


def pass_without_order(changes: Changes, lot: Lot, presence: Presence, at: datetime, reason: str) -> None:
    """A car drove in for which there is no order: it stands in a space all the same."""
    if lot.spaces_free > 0:
        _take_space(changes, lot)
    changes.space_changes.append(SpaceChange(lot.lot_id, at, lot.spaces_free, "pass", presence.channel_id, reason))


def leave_without_order(changes: Changes, lot: Lot, channel_id: str, at: datetime, reason: str) -> None:
    """A car that drove out by this lane gives a space, whichever it stood in."""
    _give_space(changes, lot)
    changes.space_changes.append(SpaceChange(lot.lot_id, at, lot.spaces_free, "pass", channel_id, reason))


def owe(changes: Changes, order: Order, section: str, payload: str, at: datetime) -> None:
    """Put a message for BoLink into the outbox, in the transaction that gives rise to it."""
    changes.deliveries.append(Delivery(order.lot_id, order.order_id, section, payload, "pending", 0, at, at))


def owe_sms_check(changes: Changes, lot: Lot, at: datetime) -> None:
    """BoLink must know whether drivers of this lot are asked for a code (2.5)."""
    settings = bolink.SetSmsCheck(
        union_id=int(lot.union_id),
        park_id=lot.park_id,
        no_plate_settings=bolink.NoPlateSettings(is_verify=int(lot.sms_check)),
    )
    changes.deliveries.append(Delivery(lot.lot_id, "", "2.5", bolink.write(settings).decode(), "pending", 0, at, at))


def car_number(order: Order) -> str:
    """The licence with its mark where both fit; never cut."""
    marked = order.mark + order.licence
    return marked if len(marked) <= CAR_NUMBER_LENGTH else order.licence


def entry_payload(lot: Lot, order: Order) -> str:
    """3.1's `data`."""
    assert order.in_at is not None
    entry = bolink.Entry(
        car_number=car_number(order),
        in_time=units.seconds(order.in_at),
        order_id=order.order_id,
        empty_plot=lot.spaces_free,
        park_id=lot.park_id,
        union_id=int(lot.union_id),
        car_cost_type=1 if order.origin == "plate" else 4,
        in_channel_id=order.channel_id,
    )
    return bolink.write(entry).decode()


def reversal_payload(lot: Lot, order: Order, at: datetime) -> str:
    """3.2's `data` for a car that backed out."""
    exit_ = bolink.Exit(
        park_id=lot.park_id,
        union_id=int(lot.union_id),
        car_number=car_number(order),
        in_time=units.seconds(order.in_at or at),
        out_time=units.seconds(at),
        pay_type="cash",
        empty_plot=lot.spaces_free,
        total="0.00",
        order_id=order.order_id,
        out_channel_id=order.channel_id,
        freereasons=texts.REVERSED,
    )
    return bolink.write(exit_).decode()


def _take_space(changes: Changes, lot: Lot) -> None:
    lot.spaces_free -= 1
    changes.lot(lot)


def _give_space(changes: Changes, lot: Lot) -> None:
    lot.spaces_free = min(lot.spaces, lot.spaces_free + 1)
    changes.lot(lot)
