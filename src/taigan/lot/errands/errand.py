"""One errand: its row, and what may become of it.

`wanted` waits for a second person, `asked` is on its way, `running` is at BoLink's and will be told, `unclear` was
asked and nobody knows what became of it: it is never sent again by itself. `done`, `failed`, `withdrawn` are its ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from taigan.lot.errors import BadValue, Conflict, UnknownErrand
from taigan.lot.leaving.room import Room
from taigan.lot.people.by import By
from taigan.storage.due import errands
from taigan.storage.rows import Act, Errand

LIVE = frozenset({"wanted", "asked", "running", "unclear"})
ENDED = frozenset({"done", "failed", "withdrawn"})
PLATFORM = "platform"
"""Who asks where no person does: nobody waits for what becomes of it."""
SPARE = timedelta(seconds=5)
"""How long past the call's own time-out an answer is waited for before nobody knows what became of it."""


class Outcome(msgspec.Struct, frozen=True):
    """What a call came to."""

    state: str
    said: str = ""
    details: dict[str, Any] = {}


def begin(
    room: Room,
    section: str,
    about: str,
    by: By,
    *,
    what: str,
    order_id: str = "",
    fen: int | None = None,
    numbered: bool = False,
    state: str = "asked",
    details: dict[str, Any] | None = None,
    **more: Any,
) -> Errand:
    """Write a new errand down, with a line for who and why. `numbered`: it gets a number of ours, 24 digits."""
    errand_id = f"E{room.ids.payment_id(room.now).removeprefix('P')}"
    errand = Errand(
        lot_id=room.lot_id,
        errand_id=errand_id,
        section=section,
        number=number_of(room, errand_id) if numbered else "",
        about=about,
        order_id=order_id,
        fen=fen,
        state=state,
        said="",
        detail=msgspec.json.encode((details or {}) | more).decode(),
        actor=by.operator,
        reason=by.reason,
        via=by.via,
        approved_by="",
        at=room.now,
        deadline=deadline(room) if state == "asked" else None,
        changed_at=room.now,
    )
    errands.add(room.conn, errand)
    room.tell("errand", errand_id=errand_id, order_id=order_id, section=section, state=state)
    room.changes.acts.append(Act(room.lot_id, room.now, by.operator, by.reason, f"{what} {about}".strip(), by.via))
    return errand


def number_of(room: Room, errand_id: str) -> str:
    """24 digits that were never given before: the time, and what the errand's own name comes to."""
    digits = int.from_bytes(hashlib.sha256(f"{room.lot_id} {errand_id}".encode()).digest()[:8]) % 10**10
    return f"{room.now:%Y%m%d%H%M%S}{digits:010d}"


def deadline(room: Room) -> Any:
    """When an errand that is asked now should have been answered."""
    return room.now + timedelta(seconds=room.policy.upload_timeout) + SPARE


def known(room: Room, errand_id: str) -> Errand:
    """Raises UnknownErrand."""
    found = errands.errand(room.conn, room.lot_id, errand_id)
    if found is None:
        raise UnknownErrand(f"lot {room.lot_id} has no errand {errand_id}", "errand_id")
    return found


def move(room: Room, errand: Errand, state: str, said: str = "", **details: Any) -> None:
    """Write down what became of it."""
    errand.state, errand.changed_at = state, room.now
    errand.said = said[:500] or errand.said
    errand.deadline = deadline(room) if state == "asked" else None
    if details:
        errand.keep(**details)
    errands.change(room.conn, errand)
    room.tell(
        "errand", errand_id=errand.errand_id, order_id=errand.order_id, section=errand.section, state=errand.state
    )


Follow = Callable[[Room, Errand, str], None]
"""What an errand's move leads to: the room, the errand as it is now, the state it was in before."""


class Ended(msgspec.Struct, kw_only=True):
    """A call has come to something. What BoLink told meanwhile by a message of its own stands."""

    lot_id: str
    errand_id: str
    outcome: Outcome
    follow: Follow

    def apply(self, room: Room) -> Errand:
        """Raises UnknownErrand."""
        errand = known(room, self.errand_id)
        if errand.state == "asked":
            move(room, errand, self.outcome.state, self.outcome.said, **self.outcome.details)
            if errand.state == "unclear" and errand.actor == PLATFORM:
                _tell_unclear(room, errand)
            self.follow(room, errand, "asked")
        return errand


class Settle(msgspec.Struct, kw_only=True):
    """A person says what became of an errand that nobody knows of, having looked at BoLink's own pages."""

    lot_id: str
    errand_id: str
    state: str
    by: By
    follow: Follow

    def apply(self, room: Room) -> Errand:
        """Raises UnknownErrand, Conflict, BadValue."""
        if self.state not in ("done", "failed"):
            raise BadValue("state must be done or failed", "state")
        errand = known(room, self.errand_id)
        if errand.state not in ("unclear", "running"):
            raise Conflict(f"the errand is {errand.state}; only one that is unclear or running can be settled by hand")
        before = errand.state
        move(room, errand, self.state, f"{self.by.operator}: {self.by.reason}")
        self.follow(room, errand, before)
        act = f"errand {errand.section} {errand.errand_id} {self.state}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        return errand


class Overdue(msgspec.Struct, kw_only=True):
    """An errand was asked and should have been answered by now: its process died, or its end could not be written."""

    lot_id: str
    errand_id: str
    follow: Follow

    def apply(self, room: Room) -> Errand:
        """Raises UnknownErrand."""
        errand = known(room, self.errand_id)
        if errand.state == "asked" and errand.deadline is not None and errand.deadline < room.now:
            move(room, errand, "unclear", "no answer was written down")
            _tell_unclear(room, errand)
            self.follow(room, errand, "asked")
        return errand


def _tell_unclear(room: Room, errand: Errand) -> None:
    text = f"{errand.section} {errand.about}: nobody knows what became of it"
    room.alarm("errand_unclear", text, "", errand.order_id)
