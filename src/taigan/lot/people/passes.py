"""Passes (月卡): who leaves without paying, and until when. A pass is ended, never deleted."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime

import msgspec

from taigan.barriers.words import NotAPlate, plate_of
from taigan.lot.errors import BadValue, Conflict, UnknownOrder
from taigan.lot.leaving.room import Room
from taigan.lot.people.attendant import By
from taigan.lot.stays import pass_times
from taigan.storage.locked import ledger
from taigan.storage.locked import passes as kept
from taigan.storage.rows import Act, Pass, PassLimit, PassPlate

MOST_PLATES = 50
MOST_SPACES = 1000
MOST_GRACE_DAYS = 31
FIELD_OF = {"area": "lanes", "hours": "hours"}
"""The field that holds what an area or hours come to."""
FROM_BOLINK = "bolink-"
"""What the card_ids of passes begin with that BoLink told us of."""


class Limits(msgspec.Struct, frozen=True):
    """What a pass is limited to: so many spaces for all its plates (0: one each), areas by their numbers (none: all),
    hours of the day (empty: all), days (empty: each); and for how long after its end it holds (None: as the lot says).
    """

    spaces: int = 0
    areas: tuple[str, ...] = ()
    hours: str = ""
    days: str = ""
    grace_days: int | None = None

    def checked(self, known: Collection[str]) -> Limits:
        """The same as it is kept. `known`: the lot's areas. Raises BadValue."""
        if not 0 <= self.spaces <= MOST_SPACES:
            raise BadValue(f"0 to {MOST_SPACES} spaces", "spaces")
        if unknown := [area for area in self.areas if area not in known]:
            raise BadValue(f"the lot has no area {unknown[0][:64]}", "areas")
        if not 0 <= (self.grace_days or 0) <= MOST_GRACE_DAYS:
            raise BadValue(f"0 to {MOST_GRACE_DAYS} days", "grace_days")
        days, hours = times_checked(self.days, self.hours)
        return Limits(self.spaces, tuple(sorted(set(self.areas))), hours, days, self.grace_days)


def times_checked(days: str, hours: str) -> tuple[str, str]:
    """The same as they are kept. Raises BadValue."""
    try:
        kept_hours = pass_times.written(pass_times.hours_of(hours))
    except ValueError:
        raise BadValue("hours are written as 22:00-08:00", "hours") from None
    try:
        return " ".join(pass_times.days_of(days)), kept_hours
    except ValueError:
        raise BadValue("days are written as mon-fri, or workday, weekend, holiday", "days") from None


def areas_of(room: Room) -> set[str]:
    """The numbers of the lot's areas."""
    return {one.number for one in kept.limits(room.conn, room.lot_id) if one.kind == "area"}


class PutLimits(msgspec.Struct, kw_only=True):
    """The areas and times that passes may be limited to, and the lot's days of grace, in place of all before. Passes
    keep the times they have.
    """

    lot_id: str
    limits: list[PassLimit]
    by: By

    def apply(self, room: Room) -> list[PassLimit]:
        """Raises BadValue, Conflict."""
        given = [self._checked(room, one) for one in self.limits]
        if len({(one.kind, one.number) for one in given}) != len(given):
            raise BadValue("two of the same number", "number")
        gone = areas_of(room) - {one.number for one in given if one.kind == "area"}
        if used := kept.cards_in(room.conn, room.lot_id, gone):
            raise Conflict(f"pass {used[0]} is for an area that would be gone", "number")
        kept.put_limits(room.conn, room.lot_id, given)
        said = [f"{one.number} {one.body}" for one in given if one.kind != "grace"]
        said += [f"{one.body} days of grace" for one in given if one.kind == "grace"]
        act = f"areas and hours of passes: {', '.join(said) or 'none'}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act[:500], self.by.via))
        return kept.limits(room.conn, room.lot_id)

    def _checked(self, room: Room, one: PassLimit) -> PassLimit:
        if one.kind == "grace":
            if not (one.body.isascii() and one.body.isdecimal() and int(one.body[:4]) <= MOST_GRACE_DAYS):
                raise BadValue(f"0 to {MOST_GRACE_DAYS} days", "grace_days")
            return PassLimit(room.lot_id, "grace", "", "", str(int(one.body)))
        if not re.fullmatch(r"[^\s\x00]{1,32}", one.number):
            raise BadValue("a number has 1 to 32 characters and no blanks", "number")
        if one.kind == "area":
            lanes = dict.fromkeys(one.body.split())
            if unknown := [lane for lane in lanes if room.lane(lane) is None]:
                raise BadValue(f"there is no lane {unknown[0][:64]}", "lanes")
            body = " ".join(lanes)
        else:
            body = " ".join(filter(None, times_checked(*pass_times.split(one.body))))
        if not body:
            raise BadValue("name its lanes" if one.kind == "area" else "name its hours", FIELD_OF[one.kind])
        return PassLimit(room.lot_id, one.kind, one.number, one.name.strip()[:50], body)


class AddPass(msgspec.Struct, kw_only=True):
    """A pass for some plates."""

    lot_id: str
    card_id: str
    holder: str
    plates: list[str]
    starts_at: datetime
    ends_at: datetime
    spaces: int = 0
    areas: list[str] = []
    hours: str = ""
    days: str = ""
    grace_days: int | None = None
    by: By

    def apply(self, room: Room) -> Pass:
        """Raises BadValue, Conflict."""
        card_id = self.card_id.strip()
        _check(card_id, len(self.plates), self.starts_at, self.ends_at)
        limited = Limits(self.spaces, tuple(self.areas), self.hours, self.days, self.grace_days).checked(areas_of(room))
        if room.sheet.read(ledger.pass_of, room.lot_id, card_id) is not None:
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
            spaces=limited.spaces,
            areas=" ".join(limited.areas),
            hours=limited.hours,
            days=limited.days,
            grace_days=limited.grace_days,
        )
        ledger.add_pass(room.conn, one, [PassPlate(room.lot_id, card_id, plate) for plate in plates])
        act = f"pass {card_id} for {', '.join(plates)}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act[:500], self.by.via))
        return one


class GivenPass(msgspec.Struct, frozen=True):
    """A pass as a list of passes has it. The plates are spelt as they are kept. `told`: which of `limits` the list
    names; the others are those that the pass has.
    """

    card_id: str
    holder: str
    plates: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    limits: Limits | None = None
    told: tuple[str, ...] = Limits.__struct_fields__

    def limited(self, before: Limits) -> Limits:
        """What it is limited to, where it was limited to this before."""
        if self.limits is None:
            return before
        return msgspec.structs.replace(before, **{name: getattr(self.limits, name) for name in self.told})


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
        areas = areas_of(room)
        had = {card_id: limits_of(one) for card_id, (one, _) in before.items()}
        limits = {one.card_id: one.limited(had.get(one.card_id, Limits())) for one in self.passes}
        limits |= {one.card_id: limits[one.card_id].checked(areas) for one in self.passes if one.limits is not None}
        put = [one for one in self.passes if one.card_id not in before or differs(one, *before[one.card_id])]
        by, now = self.by, room.now
        rows = [
            Pass(
                *(room.lot_id, one.card_id, one.holder[:100], one.starts_at.astimezone(UTC)),
                *(one.ends_at.astimezone(UTC), by.operator, by.reason, now),
                via=by.via,
                spaces=limits[one.card_id].spaces,
                areas=" ".join(limits[one.card_id].areas),
                hours=limits[one.card_id].hours,
                days=limits[one.card_id].days,
                grace_days=limits[one.card_id].grace_days,
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
        or given.limited(limits_of(one)) != limits_of(one)
        or one.ended_at is not None
    )


def limits_of(one: Pass) -> Limits:
    """What a pass is limited to."""
    return Limits(one.spaces, tuple(one.areas.split()), one.hours, one.days, one.grace_days)


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
        one = room.sheet.read(ledger.pass_of, room.lot_id, self.card_id)
        if one is None:
            raise UnknownOrder(f"there is no pass {self.card_id}", "card_id")
        if one.ended_at is not None:
            raise Conflict("the pass has ended already")
        one.ended_at = room.now
        ledger.end_pass(room.conn, one)
        act = f"pass {self.card_id} ended"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        return one
