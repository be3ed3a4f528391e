"""Passes in numbers, and for how long they are sold: written with the lot locked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert, Update
from taigan.storage.locked.facts import columns, records
from taigan.storage.rows import Errand, Pass, PassPlate
from taigan.storage.tables import among


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
_KEEP = Insert(t.passes, Pass, replacing=["holder", "starts_at", "ends_at", "actor", "reason", "via", "at", "ended_at"])
_PLATE = Insert(t.pass_plates, PassPlate)
_LENGTHEN = Update[Pass](t.passes, "ends_at", key=["lot_id", "card_id"])


def terms(conn: sa.Connection, lot_id: str) -> list[Term]:
    """What a lot sells, the shortest first."""
    return records(conn, _TERMS, Term, lot=lot_id)


def put_terms(conn: sa.Connection, lot_id: str, sold: Sequence[Term]) -> None:
    """Sell these in place of all before."""
    conn.execute(sa.delete(t.pass_terms).where(t.pass_terms.c.lot_id == lot_id))
    _ADD_TERM(conn, sold)


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
