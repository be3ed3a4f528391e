"""Passes (月卡): who leaves without paying, and until when. A pass is ended, never deleted."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from taigan.barriers.words import NotAPlate, plate_of
from taigan.lot.errors import BadValue, Conflict, UnknownOrder
from taigan.lot.leaving.room import Room
from taigan.lot.people.attendant import By
from taigan.storage import ledger
from taigan.storage.rows import Act, Pass, PassPlate

MOST_PLATES = 50


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
        if not card_id or len(card_id) > 64:
            raise BadValue("card_id must have 1 to 64 characters", "card_id")
        if self.ends_at <= self.starts_at:
            raise BadValue("ends_at must be after starts_at", "ends_at")
        if not 1 <= len(self.plates) <= MOST_PLATES:
            raise BadValue(f"1 to {MOST_PLATES} plates", "plates")
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
