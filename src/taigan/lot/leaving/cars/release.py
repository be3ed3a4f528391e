"""A departure is released: the one command it gets by itself, and what its lane shows."""

from __future__ import annotations

from datetime import timedelta

from taigan.barriers.barrier import LaneKey
from taigan.lot import texts
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.lifts import Purpose, intend
from taigan.lot.stays import orders
from taigan.storage.rows import Departure, Lift

COMMAND_TIME = timedelta(seconds=4)
"""How long a command for a release may be on its way."""
RELEASED, MANUAL = "released", "manual"
"""A release's own command, once a departure, and a person's; `again` is a driver's new scan's."""


def release(
    room: Room,
    departure: Departure,
    picture: Picture,
    by: str,
    *,
    actor: str = "",
    reason: str = "",
    via: str = "",
    text: str = "",
    raises: bool = True,
) -> None:
    """Let the car of a departure go. `by`: free, paid, person, rule, unpaid. Again, it changes nothing.
    `raises`: False where the caller gives the command itself.

    The arm is raised now, once it is closed, or not at all where it is up already.
    """
    if departure.released_at is not None:
        return
    departure.released_at, departure.released_by = room.now, by
    departure.actor, departure.reason, departure.via = actor, reason, via
    room.changes.departure(departure)
    if order := room.order(departure.order_id):
        orders.note(room.changes, order, room.now, "released", actor, reason or by, via)
    room.tell("released", channel_id=departure.channel_id, order_id=departure.order_id, by=by, plate=departure.plate)
    room.show(departure.channel_id, text or texts.SCREEN_DRIVE_ON)
    if raises:
        raise_once(room, departure, picture)


def raise_once(room: Room, departure: Departure, picture: Picture) -> None:
    """The one command of a release, if the arm can be raised now: not while it is up, or on its way, or unknown."""
    if not picture.may_be_raised or room.sheet.lifts_of(room.lot_id, departure.presence_id):
        return
    actor, reason = departure.actor or "platform", departure.reason or departure.released_by
    raise_for(room, departure, RELEASED, actor, reason, via=departure.via)


def raise_for(
    room: Room, departure: Departure, cause: str, actor: str, reason: str, *, lift_id: str = "", via: str = ""
) -> Lift:
    """A command for a departure that is released; it is sent once this transaction holds."""
    lane = LaneKey(room.lot_id, departure.channel_id)
    lift = intend(
        room.changes,
        lift_id or room.ids.lift_id(room.now),
        lane,
        Purpose.RELEASE,
        cause=cause,
        actor=actor,
        reason=reason,
        now=room.now,
        deadline=room.now + COMMAND_TIME,
        at_hand=room.at_hand(lane),
        order_id=departure.order_id or None,
        presence_id=departure.presence_id,
        via=via,
    )
    room.after.lifts.append(lift)
    return lift
