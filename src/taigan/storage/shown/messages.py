"""What BoLink and the lots said to each other, as it is looked through by persons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert
from taigan.storage.shown.views import After

IN, OUT = "in", "out"
WAYS = (IN, OUT)
OUTCOMES = ("done", "no", "refused", "unreached")


class Said(msgspec.Struct):
    """A message and its answer, secrets hidden. `outcome`: done, no (answered that it is not so), refused (not taken at
    all), unreached."""

    lot_id: str
    at: datetime
    way: str
    interface: str
    order_id: str
    plate: str
    outcome: str
    note: str
    took_ms: int
    sent: str
    answer: str


class NumberedSaid(Said, kw_only=True):
    """One with its number."""

    message_id: int


class Sought(msgspec.Struct, frozen=True):
    """What is looked for; empty fields: any. `about`: an order_id or a plate, whole."""

    about: str = ""
    interface: str = ""
    way: str = ""
    outcome: str = ""


_M = t.message_log.c
_ADD = Insert(t.message_log, Said)


def add(conn: sa.Connection, some: Sequence[Said]) -> None:
    """Keep them."""
    _ADD(conn, some)


def said(conn: sa.Connection, lot_id: str, limit: int, after: After, sought: Sought) -> list[NumberedSaid]:
    """What was said about a lot, newest first."""
    given: dict[str, Any] = {"lot": lot_id, "most": limit}
    wanted = [name for name in sought.__struct_fields__ if getattr(sought, name)]
    given |= {name: getattr(sought, name) for name in wanted}
    if after:
        given["after"] = after[0]
    rows = conn.execute(_said(tuple(wanted), bool(after)), given)
    return [NumberedSaid(**row._mapping) for row in rows]


def last(conn: sa.Connection, lot_id: str, way: str, outcome: str) -> datetime | None:
    """When something was last said that way with that outcome."""
    found = sa.select(_M.at).where(_M.lot_id == lot_id, _M.way == way, _M.outcome == outcome)
    moment: datetime | None = conn.execute(found.order_by(_M.message_id.desc()).limit(1)).scalar()
    return moment


@cache
def _said(wanted: tuple[str, ...], after: bool) -> sa.Select[Any]:
    statement = (
        sa.select(*(_M[name] for name in NumberedSaid.__struct_fields__))
        .where(_M.lot_id == sa.bindparam("lot"))
        .order_by(_M.message_id.desc())
        .limit(sa.bindparam("most"))
    )
    for name in wanted:
        if name == "about":
            about = sa.bindparam("about", type_=sa.Text())
            statement = statement.where(sa.or_(_M.order_id == about, _M.plate == about))
        else:
            statement = statement.where(_M[name] == sa.bindparam(name, type_=sa.Text()))
    return statement.where(_M.message_id < sa.bindparam("after")) if after else statement
