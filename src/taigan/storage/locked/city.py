"""What a lot does with its city's platform (chapter 10)."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert
from taigan.storage.locked.facts import columns, records


class City(msgspec.Struct):
    """What is told to the city and asked of it; `texts` is JSON: what screens show, by moment."""

    lot_id: str
    corrections: bool = False
    checks: bool = False
    screens: bool = False
    texts: str = "{}"
    fetched_at: datetime | None = None
    actor: str = ""
    reason: str = ""
    at: datetime | None = None

    @property
    def shown(self) -> dict[str, str]:
        """What screens show, by moment."""
        return msgspec.json.decode(self.texts, type=dict[str, str])


_CITY = sa.select(*columns(t.city_lots, City)).where(t.city_lots.c.lot_id == sa.bindparam("lot"))
_KEEP = Insert(t.city_lots, City, replacing=list(City.__struct_fields__[1:]))


def city(conn: sa.Connection, lot_id: str) -> City:
    """A lot's; nothing of it where nobody set it."""
    return next(iter(records(conn, _CITY, City, lot=lot_id)), City(lot_id))


def with_screens(conn: sa.Connection) -> list[City]:
    """Those of the lots whose screens show the city's texts."""
    query = sa.select(*columns(t.city_lots, City)).where(t.city_lots.c.screens.is_(True))
    return [City(*row) for row in conn.execute(query)]


def keep(conn: sa.Connection, given: City) -> None:
    _KEEP(conn, [given])
