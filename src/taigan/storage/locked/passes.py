"""Passes in numbers, and for how long they are sold: written with the lot locked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert, Update
from taigan.storage.locked.facts import columns, records
from taigan.storage.locked.kinds import Key, OneEach
from taigan.storage.rows import Errand, Pass, PassLimit, PassPlate
from taigan.storage.tables import Moment, among


class Term(msgspec.Struct):
    """For how many months a pass is sold or lengthened, and at what price."""

    lot_id: str
    months: int
    fen: int


_TERMS = (
    sa.select(*columns(t.pass_terms, Term))
    .where(t.pass_terms.c.lot_id == sa.bindparam("lot"))
    .order_by(t.pass_terms.c.months)
)
_ADD_TERM = Insert(t.pass_terms, Term)
_KEEP = Insert(t.passes, Pass, replacing=[name for name in Pass.__struct_fields__ if name not in ("lot_id", "card_id")])
_LIMITS = (
    sa.select(*columns(t.pass_limits, PassLimit))
    .where(among(t.pass_limits.c.lot_id, "lots"))
    .order_by(t.pass_limits.c.kind, t.pass_limits.c.number)
)
_ADD_LIMIT = Insert(t.pass_limits, PassLimit)
_o = t.orders.c
_began = sa.func.coalesce(_o.in_at, _o.requested_at)
_STAY = sa.select(
    _o.order_id, sa.case((_o.plate != "", _o.plate), else_=_o.licence), _o.channel_id, _began, _o.closed_at
)
_INSIDE = _STAY.where(
    _o.lot_id == sa.bindparam("lot"), _o.state == sa.literal_column("'in'"), among(_o.plate, "plates")
)
_LATELY = (
    _STAY.where(
        _o.lot_id == sa.bindparam("lot"),
        among(_o.licence, "plates"),
        sa.or_(_o.origin == "plate", _o.plate == _o.licence),
        _o.state.in_(("in", "out", "abandoned")),
        _o.requested_at < sa.bindparam("until", type_=Moment()),
        sa.or_(_o.closed_at.is_(None), _o.closed_at > sa.bindparam("since", type_=Moment())),
    )
    .order_by(_o.requested_at.desc(), _o.order_id.desc())
    .limit(1000)
)
_PLATE = Insert(t.pass_plates, PassPlate)
_LENGTHEN = Update[Pass](t.passes, "ends_at", key=["lot_id", "card_id"])


def terms(conn: sa.Connection, lot_id: str) -> list[Term]:
    """What a lot sells, the shortest first."""
    return records(conn, _TERMS, Term, lot=lot_id)


def put_terms(conn: sa.Connection, lot_id: str, sold: Sequence[Term]) -> None:
    """Sell these in place of all before."""
    conn.execute(sa.delete(t.pass_terms).where(t.pass_terms.c.lot_id == lot_id))
    _ADD_TERM(conn, sold)


def limits(conn: sa.Connection, lot_id: str) -> list[PassLimit]:
    """The areas, and after them the days of grace and the hours, that the lot has for passes."""
    return records(conn, _LIMITS, PassLimit, lots=[lot_id])


class LotsLimits(msgspec.Struct):
    """What a lot has said of its passes."""

    limits: list[PassLimit]

    @property
    def grace_days(self) -> int:
        """For how long after their end passes hold that say nothing of it."""
        return next((int(one.body) for one in self.limits if one.kind == "grace"), 0)

    def lanes_of(self, areas: str) -> frozenset[str]:
        """The lanes that lead into these areas."""
        bodies = {one.number: one.body for one in self.limits if one.kind == "area"}
        return frozenset(lane for number in areas.split() for lane in bodies.get(number, "").split())


def _limits_of(conn: sa.Connection, keys: Collection[Key]) -> Mapping[Key, LotsLimits]:
    found = {lot_id: LotsLimits([]) for lot_id, _ in keys}
    for one in records(conn, _LIMITS, PassLimit, lots=sorted(found)):
        found[one.lot_id].limits.append(one)
    return {(lot_id, ANY): limits for lot_id, limits in found.items()}


LIMITS = OneEach(_limits_of)
ANY = ""
"""In place of what else a key holds, where the lot says it all."""


def put_limits(conn: sa.Connection, lot_id: str, given: Sequence[PassLimit]) -> None:
    """Have these in place of all before."""
    conn.execute(sa.delete(t.pass_limits).where(t.pass_limits.c.lot_id == lot_id))
    _ADD_LIMIT(conn, given)


def cards_in(conn: sa.Connection, lot_id: str, areas: Collection[str]) -> list[str]:
    """The passes that have not ended and are limited to one of these areas."""
    c = t.passes.c
    query = sa.select(c.card_id, c.areas).where(c.lot_id == lot_id, c.areas != "", c.ended_at.is_(None))
    return [card_id for card_id, numbers in conn.execute(query) if not set(areas).isdisjoint(numbers.split())]


class PassStay(msgspec.Struct, frozen=True):
    """A stay of one of a pass's plates. `ended` None: it goes on."""

    order_id: str
    plate: str
    channel_id: str  # where it came in
    began: datetime
    ended: datetime | None


def stays_of(conn: sa.Connection, lot_id: str, card_id: str, since: datetime, until: datetime) -> list[PassStay]:
    """The newest thousand stays of a pass's plates that began before `until` and had not ended at `since`."""
    given = {"lot": lot_id, "plates": plates_of(conn, lot_id, card_id), "since": since, "until": until}
    found = {row[0]: PassStay(*row) for query in (_INSIDE, _LATELY) for row in conn.execute(query, given)}
    return list(found.values())


def plates_of(conn: sa.Connection, lot_id: str, card_id: str) -> list[str]:
    c = t.pass_plates.c
    query = sa.select(c.plate).where(c.lot_id == lot_id, c.card_id == card_id).order_by(c.plate)
    return [row[0] for row in conn.execute(query)]


def known(conn: sa.Connection, lot_id: str, cards: Collection[str]) -> dict[str, tuple[Pass, list[str]]]:
    """Passes by their card_id, each with its plates."""
    c = t.passes.c
    query = sa.select(*columns(t.passes, Pass)).where(c.lot_id == lot_id, among(c.card_id, "cards"))
    found = {row.card_id: (Pass(*row), list[str]()) for row in conn.execute(query, {"cards": sorted(cards)})}
    p = t.pass_plates.c
    plates = sa.select(p.card_id, p.plate).where(p.lot_id == lot_id, among(p.card_id, "cards")).order_by(p.plate)
    for card_id, plate in conn.execute(plates, {"cards": sorted(found)}):
        found[card_id][1].append(plate)
    return found


def keep(conn: sa.Connection, passes: Sequence[Pass], plates: Mapping[str, Sequence[str]]) -> None:
    """Keep passes with their plates, in place of what was kept under their card_ids."""
    by_lot: dict[str, list[str]] = {}
    for one in passes:
        by_lot.setdefault(one.lot_id, []).append(one.card_id)
    for lot_id, card_ids in by_lot.items():
        gone = sa.delete(t.pass_plates).where(t.pass_plates.c.lot_id == lot_id, among(t.pass_plates.c.card_id, "cards"))
        conn.execute(gone, {"cards": card_ids})
    _KEEP(conn, passes)
    _PLATE(
        conn,
        [PassPlate(one.lot_id, one.card_id, plate) for one in passes for plate in dict.fromkeys(plates[one.card_id])],
    )


def lengthen(conn: sa.Connection, one: Pass) -> None:
    _LENGTHEN(conn, [one])


def card_ids(conn: sa.Connection, lot_id: str, beginning: str) -> set[str]:
    """The passes that have not ended and whose card_id begins so."""
    c = t.passes.c
    query = sa.select(c.card_id).where(c.lot_id == lot_id, c.card_id.startswith(beginning), c.ended_at.is_(None))
    return {row[0] for row in conn.execute(query)}


def end(conn: sa.Connection, lot_id: str, cards: Collection[str], now: datetime) -> None:
    """Let passes end now."""
    c = t.passes.c
    ended = sa.update(t.passes).where(c.lot_id == lot_id, among(c.card_id, "cards")).values(ended_at=now)
    conn.execute(ended, {"cards": sorted(cards)})


def number(conn: sa.Connection, errand: Errand) -> None:
    """Give an errand the number of whoever paid."""
    c = t.errands.c
    of_errand = sa.update(t.errands).where(c.lot_id == errand.lot_id, c.errand_id == errand.errand_id)
    conn.execute(of_errand.values(number=errand.number))
