"""Lists as persons like to look at them: filters under a name, for one person in one lot."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t

MOST = 20
"""So many views of one list a person keeps in a lot."""


class SavedView(msgspec.Struct, frozen=True):
    """The filters of a list (`page`), as they stand in its address."""

    lot_id: str
    login: str
    page: str
    name: str
    asked: str
    at: datetime


_COLUMNS = [t.saved_views.c[name] for name in SavedView.__struct_fields__]


def of_person(conn: sa.Connection, lot_id: str, login: str, page: str) -> list[SavedView]:
    """A person's views of a list, by name."""
    c = t.saved_views.c
    query = sa.select(*_COLUMNS).where(c.lot_id == lot_id, c.login == login, c.page == page).order_by(c.name)
    return [SavedView(**row) for row in conn.execute(query).mappings()]


def save(conn: sa.Connection, view: SavedView) -> bool:
    """Keep a view, in place of one of the same name. False where the person has too many."""
    known = {one.name for one in of_person(conn, view.lot_id, view.login, view.page)}
    if view.name not in known and len(known) >= MOST:
        return False
    drop(conn, view.lot_id, view.login, view.page, view.name)
    conn.execute(sa.insert(t.saved_views), msgspec.structs.asdict(view))
    return True


def drop(conn: sa.Connection, lot_id: str, login: str, page: str, name: str) -> None:
    """Forget a view."""
    c = t.saved_views.c
    conn.execute(sa.delete(t.saved_views).where(c.lot_id == lot_id, c.login == login, c.page == page, c.name == name))
