"""Shifts (交接班): cash is taken in one, counted at both ends, and the difference is kept with its note."""

from __future__ import annotations

import msgspec

from taigan.bolink import units
from taigan.lot.errors import BadValue, Conflict, UnknownOrder
from taigan.lot.leaving.room import Room
from taigan.lot.people.attendant import By
from taigan.storage.locked import ledger
from taigan.storage.rows import Act, Shift

MOST_FEN = 1_000_000_00


class OpenShift(msgspec.Struct, kw_only=True):
    """A person begins at a booth with counted cash."""

    lot_id: str
    booth: str
    opening_fen: int
    by: By

    def apply(self, room: Room) -> Shift:
        """Raises Conflict, BadValue."""
        booth = self.booth.strip()
        if not booth or len(booth) > 64:
            raise BadValue("booth must have 1 to 64 characters", "booth")
        if not 0 <= self.opening_fen <= MOST_FEN:
            raise BadValue(f"opening_fen must be from 0 to {MOST_FEN}", "opening_fen")
        if ledger.open_shift_of(room.conn, room.lot_id, self.by.operator) is not None:
            raise Conflict(f"{self.by.operator} has an open shift", "operator")
        if (there := room.sheet.read(ledger.open_shift_at, room.lot_id, booth)) is not None:
            raise Conflict(f"{there.person} has an open shift at {booth}", "booth")
        shift_id, person = room.ids.payment_id(room.now), self.by.operator
        shift = Shift(room.lot_id, shift_id, person, booth, room.now, self.opening_fen, via=self.by.via)
        ledger.add_shift(room.conn, shift)
        _note(room, self.by, f"shift {shift_id} opened at {booth} with {units.yuan(self.opening_fen)}")
        return shift


class CloseShift(msgspec.Struct, kw_only=True):
    """A person hands over: the cash is counted before the expected sum is shown; a difference needs a note."""

    lot_id: str
    shift_id: str
    counted_fen: int
    note: str
    by: By

    def apply(self, room: Room) -> Shift:
        """Raises UnknownOrder, Conflict, BadValue."""
        shift = room.sheet.read(ledger.shift, room.lot_id, self.shift_id)
        if shift is None:
            raise UnknownOrder(f"there is no shift {self.shift_id}", "shift_id")
        if shift.closed_at is not None:
            raise Conflict("the shift is closed already")
        if not 0 <= self.counted_fen <= MOST_FEN:
            raise BadValue(f"counted_fen must be from 0 to {MOST_FEN}", "counted_fen")
        expected = shift.opening_fen + room.sheet.read(ledger.cash_of, room.lot_id, shift.shift_id)
        if self.counted_fen != expected and not self.note.strip():
            raise BadValue("the cash differs from what is expected: say why", "note")
        shift.closed_at, shift.counted_fen, shift.expected_fen = room.now, self.counted_fen, expected
        shift.note, shift.closed_via = self.note.strip()[:500], self.by.via
        ledger.end_shift(room.conn, shift)
        counted, expected_yuan = units.yuan(self.counted_fen), units.yuan(expected)
        _note(
            room, self.by, f"shift {self.shift_id} closed at {shift.booth}: {counted} counted, {expected_yuan} expected"
        )
        return shift


def _note(room: Room, by: By, act: str) -> None:
    room.changes.acts.append(Act(room.lot_id, room.now, by.operator, by.reason, act, by.via))
