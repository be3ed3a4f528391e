"""Passes (月卡): who leaves without paying, and until when. A pass is ended, never deleted."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from taigan.barriers.words import NotAPlate, plate_of
from taigan.lot.errors import BadValue, Conflict, UnknownOrder
from taigan.lot.leaving.room import Room
from taigan.lot.people.attendant import By
from taigan.storage.locked import ledger
from taigan.storage.locked import passes as kept
from taigan.storage.rows import Act, Pass, PassPlate

MOST_PLATES = 50
FROM_BOLINK = "bolink-"
"""What the card_ids of passes begin with that BoLink told us of."""


class AddPass(msgspec.Struct, kw_only=True):
    """A pass for some plates."""

    lot_id: str
    card_id: str
    holder: str
    plates: list[str]
    starts_at: datetime
    ends_at: datetime
    by: By

    def apply(self, room: Room) -> Pass:
        """Raises BadValue, Conflict."""
        card_id = self.card_id.strip()
        _check(card_id, len(self.plates), self.starts_at, self.ends_at)
        if ledger.pass_of(room.conn, room.lot_id, card_id) is not None:
            raise Conflict(f"there is a pass {card_id} already", "card_id")
        try:
            plates = dict.fromkeys(plate_of(plate) for plate in self.plates)
        except NotAPlate as error:
            raise BadValue(str(error), "plates") from None
        if "" in plates:
            raise BadValue("an empty plate", "plates")
        one = Pass(
            room.lot_id,
            card_id,
            self.holder.strip()[:100],
            self.starts_at.astimezone(UTC),
            self.ends_at.astimezone(UTC),
            self.by.operator,
            self.by.reason,
            room.now,
            via=self.by.via,
        )
        ledger.add_pass(room.conn, one, [PassPlate(room.lot_id, card_id, plate) for plate in plates])
        act = f"pass {card_id} for {', '.join(plates)}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act[:500], self.by.via))
        return one


class GivenPass(msgspec.Struct, frozen=True):
    """A pass as a list of passes has it. The plates are spelt as they are kept."""

    card_id: str
    holder: str
    plates: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime


class PutPasses(msgspec.Struct, kw_only=True):
    """Passes of a list, in one commit: new ones, and others in place of what was kept under their card_ids."""

    lot_id: str
    passes: list[GivenPass]
    by: By

    def apply(self, room: Room) -> PassesPut:
        """Raises BadValue, Conflict."""
        for one in self.passes:
            _check(one.card_id, len(one.plates), one.starts_at, one.ends_at)
        before = kept.known(room.conn, room.lot_id, [one.card_id for one in self.passes])
        put = [one for one in self.passes if one.card_id not in before or differs(one, *before[one.card_id])]
        by, now = self.by, room.now
        rows = [
            Pass(
                *(room.lot_id, one.card_id, one.holder[:100], one.starts_at.astimezone(UTC)),
                *(one.ends_at.astimezone(UTC), by.operator, by.reason, now),
                via=by.via,
            )
            for one in put
        ]
        kept.keep(room.conn, rows, {one.card_id: list(one.plates) for one in put})
        new = sum(one.card_id not in before for one in put)
        done = PassesPut(new, len(put) - new, len(self.passes) - len(put))
        if len(self.passes) == 1 and put:
            act = f"pass {put[0].card_id} changed: {', '.join(put[0].plates)}"
        else:
            act = f"passes put: {done.new} new, {done.changed} changed"
        room.changes.acts.append(Act(room.lot_id, now, by.operator, by.reason, act[:500], by.via))
        return done


class PassesPut(msgspec.Struct, frozen=True):
    """How many passes were new, changed, and as they were."""

    new: int
    changed: int
    same: int


def differs(given: GivenPass, one: Pass, plates: list[str]) -> bool:
    """Whether a pass is not yet as it is given."""
    return (
        (given.holder, given.starts_at, given.ends_at) != (one.holder, one.starts_at, one.ends_at)
        or set(given.plates) != set(plates)
        or one.ended_at is not None
    )


def _check(card_id: str, plates: int, starts_at: datetime, ends_at: datetime) -> None:
    """Raises BadValue, Conflict."""
    if not card_id or len(card_id) > 64:
        raise BadValue("card_id must have 1 to 64 characters", "card_id")
    if card_id.startswith(FROM_BOLINK):
        raise Conflict("passes that BoLink told of are changed at BoLink", "card_id")
    if ends_at <= starts_at:
        raise BadValue("ends_at must be after starts_at", "ends_at")
    if not 1 <= plates <= MOST_PLATES:
        raise BadValue(f"1 to {MOST_PLATES} plates", "plates")


class EndPass(msgspec.Struct, kw_only=True):
    """A pass ends now."""

    lot_id: str
    card_id: str
    by: By

    def apply(self, room: Room) -> Pass:
        """Raises UnknownOrder, Conflict."""
        one = ledger.pass_of(room.conn, room.lot_id, self.card_id)
        if one is None:
            raise UnknownOrder(f"there is no pass {self.card_id}", "card_id")
        if one.ended_at is not None:
            raise Conflict("the pass has ended already")
        one.ended_at = room.now
        ledger.end_pass(room.conn, one)
        act = f"pass {self.card_id} ended"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        return one
