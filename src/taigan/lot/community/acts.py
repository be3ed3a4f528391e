"""What is set up of a community, and that somebody passed a gate: each one commit, with the lot locked."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

from taigan.bolink.chapters.people import Person
from taigan.bolink.values import PersonKind, ResidentKind
from taigan.lot.errors import BadValue, Conflict, UnknownOrder
from taigan.lot.leaving.room import Room
from taigan.lot.people.by import By
from taigan.storage.locked import community as kept
from taigan.storage.locked.community import AccessDevice, Community, Passage
from taigan.storage.rows import Act

OLDEST = timedelta(days=7)
"""What a device kept back for longer counts as passed now: its clock is not believed."""
AHEAD = timedelta(minutes=5)
KINDS = {
    ResidentKind.HOUSEHOLDER.value: PersonKind.RESIDENT,
    ResidentKind.FAMILY.value: PersonKind.RESIDENT,
    ResidentKind.TENANT.value: PersonKind.TENANT,
    ResidentKind.TENANTS_FAMILY.value: PersonKind.TENANT,
}
"""Kinds of residents (9.1) as 8.6 and 8.7 number people: our reading, no page says it."""
_SCORE = re.compile(r"(?:100(?:\.0{1,2})?|[0-9]{1,2}(?:\.[0-9]{1,2})?)")


class SetCommunity(msgspec.Struct, kw_only=True):
    """The area around the lot, and the platform that it is reported to."""

    lot_id: str
    project_code: int
    name: str
    platform: str
    address: str
    longitude: str
    latitude: str
    by: By

    def apply(self, room: Room) -> Community:
        given = Community(
            room.lot_id,
            self.project_code,
            self.name,
            self.platform,
            self.address,
            self.longitude,
            self.latitude,
            self.by.operator,
            self.by.reason,
            room.now,
        )
        kept.keep(room.conn, given)
        _act(room, self.by, f"community {self.project_code} {self.name}, reported to {self.platform}")
        return given


class PutDevice(msgspec.Struct, kw_only=True):
    """A device at a gate, new or changed."""

    lot_id: str
    equipment_code: str
    name: str
    gate_name: str
    aisle_name: str
    by: By

    def apply(self, room: Room) -> AccessDevice:
        """Raises Conflict."""
        known(room)
        device = AccessDevice(room.lot_id, self.equipment_code, self.name, self.gate_name, self.aisle_name, room.now)
        kept.keep_device(room.conn, device)
        _act(room, self.by, f"access device {self.equipment_code} {self.name}")
        return device


class DropDevice(msgspec.Struct, kw_only=True):
    """A device stands at no gate any more: its passages are taken no longer."""

    lot_id: str
    equipment_code: str
    by: By

    def apply(self, room: Room) -> None:
        """Raises UnknownOrder."""
        if not kept.drop_device(room.conn, room.lot_id, self.equipment_code):
            raise UnknownOrder(f"there is no access device {self.equipment_code}", "equipment_code")
        _act(room, self.by, f"access device {self.equipment_code} removed")


class Passed(msgspec.Struct, kw_only=True):
    """A device at a gate recognised somebody who passed. The same again changes nothing."""

    lot_id: str
    passage_id: str
    equipment_code: str
    direction: str
    way: str
    user_code: str = ""
    score: str = ""
    at: datetime | None = None

    def apply(self, room: Room) -> Passage:
        """Raises Conflict, BadValue."""
        if first := kept.passage(room.conn, room.lot_id, self.passage_id):
            return first
        known(room)
        if all(device.equipment_code != self.equipment_code for device in kept.devices(room.conn, room.lot_id)):
            raise BadValue(f"there is no access device {self.equipment_code}", "equipment_code")
        if self.score and not _SCORE.fullmatch(self.score):
            raise BadValue("score is a number from 0.00 to 100.00", "score")
        at = self.at if self.at is not None and room.now - OLDEST < self.at <= room.now + AHEAD else room.now
        name, user_type = "", PersonKind.VISITOR.value
        if self.user_code:
            found = kept.person(room.conn, room.lot.union_id, self.user_code)
            if found is None:
                raise BadValue(f"nobody has the code {self.user_code}", "user_code")
            person = msgspec.json.decode(found.person, type=Person)
            name, user_type = person.user_name, KINDS.get(person.user_type, PersonKind.RESIDENT).value
        passage = Passage(
            lot_id=room.lot_id,
            passage_id=self.passage_id,
            equipment_code=self.equipment_code,
            at=at,
            direction=self.direction,
            way=self.way,
            user_code=self.user_code,
            name=name,
            user_type=user_type,
            score=self.score,
            state="pending",
            said="",
            changed_at=room.now,
        )
        kept.add_passage(room.conn, passage)
        return passage


class ReportCommunity(msgspec.Struct, kw_only=True):
    """A person has the community reported."""

    lot_id: str
    by: By

    def apply(self, room: Room) -> None:
        """Raises Conflict."""
        _act(room, self.by, f"community {known(room).project_code} reported")


class SendAgain(msgspec.Struct, kw_only=True):
    """A person has a passage reported once more whose report was refused, or of which nobody knows."""

    lot_id: str
    passage_id: str
    by: By

    def apply(self, room: Room) -> Passage:
        """Raises UnknownOrder, Conflict."""
        one = kept.passage(room.conn, room.lot_id, self.passage_id)
        if one is None:
            raise UnknownOrder(f"there is no passage {self.passage_id}", "passage_id")
        if one.state not in ("refused", "unclear"):
            raise Conflict(f"the passage is {one.state}: there is nothing to send again")
        one.state, one.changed_at = "pending", room.now
        kept.change_passages(room.conn, [one])
        _act(room, self.by, f"passage {one.passage_id} reported again")
        return one


def known(room: Room) -> Community:
    """The lot's community. Raises Conflict."""
    found = kept.community(room.conn, room.lot_id)
    if found is None:
        raise Conflict("the lot has no community yet: set it up first")
    return found


def _act(room: Room, by: By, what: str) -> None:
    room.changes.acts.append(Act(room.lot_id, room.now, by.operator, by.reason, what[:500], by.via))
