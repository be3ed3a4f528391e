"""What the city, the operator and the drivers arranged with BoLink about a lot. Set by the admin, asked by the lot."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import sqlalchemy as sa

from taigan.bolink import BadMessage, read, write
from taigan.bolink.chapters.reports import Pass
from taigan.hub.book import records
from taigan.hub.book.records import Kind
from taigan.hub.book.registry import Lot
from taigan.hub.book.trail import Trail
from taigan.hub.errors import Unusable

Plate = Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=r"^[^\x00]*$")]
Plates = Annotated[list[Plate], msgspec.Meta(max_length=10_000)]
Text = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*$")]


class Arrangements(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Lists of plates, and texts. Everything empty: anybody may come in, nobody pays by itself."""

    auto_pay: Plates = []
    """Plates that pay by themselves: told after an entry (5.2), and taken with `wallet` at the exit (3.2)."""
    members_only: bool = False
    """The city lets in members only (10.4)."""
    members: Plates = []
    blacklist: Plates = []
    """Never let in by the city (10.4)."""
    reserved: Plates = []
    """With a shared space reserved (10.4)."""
    screens: dict[Text, Text] = {}
    """What a lane's screen shows (10.5), by moment: `1` at entry, `2` before leaving, `3` at the exit."""
    passes: dict[Text, Annotated[list[Any], msgspec.Meta(max_length=10_000)]] = {}
    """Passes (10.6) by kind: `1` ordinary, `2` enterprise, `3` owned space, `4` several lots."""
    invoices: bool = True
    """Whether invoices can be issued for the lot (6.2)."""


def of_lot(conn: sa.Connection, lot: Lot) -> Arrangements:
    """What is arranged about a lot."""
    found = records.find(conn, Kind.ARRANGEMENTS, lot.union_id, lot.lot_id, "")
    if found is None:
        return Arrangements()
    arranged = msgspec.json.decode(found.data, type=Arrangements)
    passes = {kind: [_pass(one) for one in listed] for kind, listed in arranged.passes.items()}
    return msgspec.structs.replace(arranged, passes=passes)


def arrange(conn: sa.Connection, trail: Trail, lot: Lot, arranged: Arrangements, code: str) -> Arrangements:
    """Put these in place of all before. Raises `Unusable` for a pass that is none."""
    for listed in arranged.passes.values():
        for one in listed:
            _pass(one)
    data = msgspec.json.encode(arranged)
    known = records.find(conn, Kind.ARRANGEMENTS, lot.union_id, lot.lot_id, "")
    if known is None:
        records.add(conn, trail, Kind.ARRANGEMENTS, lot.union_id, lot.lot_id, "", code, data=data)
    else:
        records.change(conn, trail, known, data=data)
    return arranged


def _pass(given: Any) -> Pass:
    try:
        one = read(msgspec.json.encode(given), Pass)
        write(one)
    except BadMessage as error:
        raise Unusable(f"a pass cannot be used: {error}", "passes") from None
    return one
