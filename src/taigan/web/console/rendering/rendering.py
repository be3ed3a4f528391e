"""Pages out of templates, in the visitor's language: texts, times of the lot, money, and what stands on every page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from taigan.bolink import units
from taigan.languages import SOURCE, Languages, tongue
from taigan.lot.errors import LotError
from taigan.rights import Role
from taigan.running.logs import Redaction
from taigan.templates import Filter, Templates
from taigan.web.console.packing import packed
from taigan.web.console.rendering import menu
from taigan.web.console.rendering.words import acts, alarms, errors, tables

if TYPE_CHECKING:
    from taigan.web.console.visit import Visit

PACKAGE = "taigan.web.console"
_redaction = Redaction()
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


class File(msgspec.Struct, frozen=True):
    """A file that pages ask for, as it is and packed."""

    body: bytes
    packed: bytes
    kind: str

    @classmethod
    def of(cls, body: bytes, kind: str) -> File:
        """A file, packed once as small as can be."""
        return cls(body, packed(body, 9), kind)


class Rendering:
    """The templates of each language, and the files that pages ask for."""

    def __init__(self) -> None:
        self.languages = Languages(PACKAGE)
        self.static: Mapping[str, File] = {
            file.name: File.of(file.read_bytes(), TYPES[file.name.rpartition(".")[2]])
            for file in files(PACKAGE).joinpath("static").iterdir()
            if file.name.rpartition(".")[2] in TYPES
        }
        self._addresses = {
            name: f"/static/{name}?v={hashlib.sha256(file.body).hexdigest()[:12]}" for name, file in self.static.items()
        }
        self._templates = Templates(PACKAGE, self.languages, "jinja2.ext.do")
        for tag in self.languages.tags:
            self._add_words(tag)
        self.ready = self._templates.ready

    def render(self, template: str, visit: Visit, **values: Any) -> str:
        """A template with what every page has: the visit, times, money, the menu."""

        def at(moment: datetime | None, form: str = "") -> Markup:
            return self.moment(moment, visit, form)

        page = self._templates.get(visit.language, template)
        return page.render({"visit": visit, "at": at, "menu": self.menu(visit)} | values)

    def menu(self, visit: Visit) -> list[list[tuple[menu.Entry, str]]]:
        """The groups of the menu that the person may open in the lot, each entry with its address."""
        if visit.beside is None:
            return []
        lot_id = visit.beside.lot_id
        groups = [
            [
                (entry, visit.url("lots", lot_id, *filter(None, [entry.path])))
                for entry in group
                if visit.may(entry.right, lot_id)
            ]
            for group in menu.LOT
        ]
        return [group for group in groups if group]

    def moment(self, moment: datetime | None, visit: Visit, form: str = "") -> Markup:
        """A moment on the lot's clock: the time of today, with the date of another day; `full` is always both."""
        if moment is None:
            return Markup("–")
        local, today = moment.astimezone(visit.zone), visit.now.astimezone(visit.zone)
        if form == "date":
            text = f"{local:%Y-%m-%d}"
        elif form != "full" and local.date() == today.date():
            text = f"{local:%H:%M:%S}"
        elif form != "full" and local.year == today.year:
            text = f"{local:%m-%d %H:%M}"
        else:
            text = f"{local:%Y-%m-%d %H:%M:%S}"
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), text)

    def error(self, error: LotError, visit: Visit) -> str:
        """What went wrong, in the visitor's language."""
        return errors.error(error, visit.tell)

    def act(self, text: str, visit: Visit) -> str:
        """What a person did, in the visitor's language."""
        return acts.act(text, visit.tell, lambda name: named(name, visit.language), visit.zone)

    def _add_words(self, language: str) -> None:
        texts = self.languages.texts(language)
        filters: dict[str, Filter] = {
            "money": money,
            "duration": lambda seconds: duration(seconds, texts.gettext),
            "tongue": lambda text: tongue(text, language),
            "word": lambda name, of: tables.word(of, name, texts.gettext),
            "role": lambda name: named(name, language),
            "act": lambda text, zone: acts.act(text, texts.gettext, lambda name: named(name, language), zone),
            "detail": lambda text, event, zone: acts.detail(event, text, texts.gettext, zone),
            "alarmed": lambda text: alarms.alarmed(text, texts.gettext),
            "shown_safely": _redaction.text,
            "via": lambda text: acts.via(text, texts.gettext),
        }
        self._templates.add(language, filters=filters, values={"static": self._addresses.__getitem__})


def named(role: str, language: str) -> str:
    """A role's name in a language; one that is no more, as it is kept."""
    known = {one.value: one for one in Role}
    if role not in known:
        return role
    return known[role].zh if language == SOURCE else known[role].en


def money(fen: int | None) -> str:
    """Fen as yuan with two decimals."""
    return "–" if fen is None else units.yuan(fen)


def duration(time: timedelta | float, tell: Any) -> str:
    """So long, in the two largest units: 2 天 3 小时."""
    seconds = int(time.total_seconds() if isinstance(time, timedelta) else time)
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        text: str = tell("%(days)d 天 %(hours)d 小时") % {"days": days, "hours": hours}
    elif hours:
        text = tell("%(hours)d 小时 %(minutes)d 分") % {"hours": hours, "minutes": minutes}
    elif minutes:
        text = tell("%(minutes)d 分") % {"minutes": minutes}
    else:
        text = tell("%(seconds)d 秒") % {"seconds": max(0, seconds)}
    return text


@cache
def rendering() -> Rendering:
    """The one of this process."""
    return Rendering()
