"""Saved views: the filters of a list under a name, for the person who looks."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from litestar import post

from taigan.languages import N_
from taigan.lot.errors import BadValue
from taigan.rights import Right
from taigan.storage.setup import saved_views
from taigan.storage.setup.saved_views import MOST, SavedView
from taigan.web.console.allowed import need
from taigan.web.console.visit import Answer, Here, Visit


class Listed(NamedTuple):
    """A list that has views: its right, its address below the lot, and the filters that are kept."""

    right: Right
    path: tuple[str, ...]
    filters: tuple[str, ...]


LISTS = {
    "stays": Listed(Right.STAY_SEE, ("stays",), ("q", "state", "from", "to", "review", "lane")),
    "money": Listed(Right.MONEY_SEE, ("money",), ("from", "to", "by")),
    "payments": Listed(
        Right.MONEY_SEE, ("money", "payments"), ("from", "to", "way", "state", "strays", "shift", "person")
    ),
    "bills": Listed(Right.MONEY_SEE, ("money", "bills"), ("from", "to", "what")),
}


class Shown(NamedTuple):
    """A view as a link: `here` is the one that is looked at."""

    name: str
    url: str
    here: bool


async def views_of(visit: Visit, page: str) -> list[Shown]:
    """The person's views of a list, by name."""
    lot_id, login = visit.here.lot_id, visit.person.person.login
    found = await visit.office.database.read(lambda conn: saved_views.of_person(conn, lot_id, login, page))
    asked, path = _kept(LISTS[page], urlencode(dict(visit.asked))), visit.in_lot(*LISTS[page].path)
    return [Shown(one.name, f"{path}?{one.asked}", one.asked == asked) for one in found]


@post("/lots/{lot_id:str}/views/save", right=(Right.STAY_SEE, Right.MONEY_SEE))
async def save(visit: Here) -> Answer:
    """Keep the filters of the list that was looked at."""
    page, listed = _listed(visit)
    name = visit.text("name", 30, needed=visit.tell(N_("请给它起个名字。")))
    if not name.isprintable():
        raise BadValue(visit.tell("请给它起个名字。"), "name")
    asked = _kept(listed, visit.text("asked", 1000))
    view = SavedView(visit.here.lot_id, visit.person.person.login, page, name, asked, visit.now)
    if not await visit.office.database.write(lambda conn: saved_views.save(conn, view)):
        raise BadValue(visit.tell("最多存 %(count)d 个，先删掉一个。", count=MOST), "name")
    return visit.go(f"{visit.in_lot(*listed.path)}?{asked}", visit.tell("已存为“%(name)s”。", name=name))


@post("/lots/{lot_id:str}/views/drop", right=(Right.STAY_SEE, Right.MONEY_SEE))
async def drop(visit: Here) -> Answer:
    """Forget a view."""
    page, listed = _listed(visit)
    name, lot_id, login = visit.text("name", 30), visit.here.lot_id, visit.person.person.login
    await visit.office.database.write(lambda conn: saved_views.drop(conn, lot_id, login, page, name))
    return visit.go(visit.in_lot(*listed.path), visit.tell("已删除“%(name)s”。", name=name))


def _listed(visit: Visit) -> tuple[str, Listed]:
    """The list that a form is about. Raises BadValue, NotAllowed."""
    page = visit.text("page", 16)
    if page not in LISTS:
        raise BadValue(visit.tell("没有这个页面。"), "page")
    need(visit, LISTS[page].right)
    return page, LISTS[page]


def _kept(listed: Listed, asked: str) -> str:
    """The filters among what an address asks, always in one order."""
    given = dict(parse_qsl(asked, keep_blank_values=True, max_num_fields=50))
    return urlencode({name: given[name] for name in listed.filters if name in given})


PAGES = (save, drop)
