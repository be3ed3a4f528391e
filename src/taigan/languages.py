"""The languages of pages. The source texts are Chinese; each further language is a catalogue beside the templates."""

from __future__ import annotations

import gettext
import io
from functools import cache
from importlib.resources import files

import markupsafe

SOURCE = "zh-CN"


def N_(text: str) -> str:
    """Marks a text that is translated where it is shown."""
    return text


def tongue(text: str, language: str) -> str:
    """What a screen reader has to be told (`lang`) to read out `text` on a page in `language`; empty if nothing."""
    chinese = any("一" <= sign <= "鿿" for sign in text)
    return markupsafe.Markup(f' lang="{SOURCE}"') if chinese and language != SOURCE else ""


class Languages:
    """The languages that a package's pages speak, by their tag (`zh-CN`, `en`): a catalogue for each, named as the
    package is."""

    def __init__(self, package: str) -> None:
        self._texts: dict[str, gettext.NullTranslations] = {SOURCE: gettext.NullTranslations()}
        for folder in files(package).joinpath("locale").iterdir():
            catalogue = folder.joinpath("LC_MESSAGES", f"{package.rpartition('.')[2]}.po")
            if catalogue.is_file():
                self._texts[folder.name] = _read(catalogue.read_bytes())

    @property
    def tags(self) -> list[str]:
        return list(self._texts)

    def texts(self, tag: str) -> gettext.NullTranslations:
        return self._texts[tag]

    def choose(self, *wishes: str) -> str:
        """The first language we speak among explicit choices and `Accept-Language` headers; else Chinese."""
        for wish in wishes:
            for part in wish.lower().split(",")[:10]:
                primary = part.split(";")[0].strip().split("-")[0]
                for tag in self._texts:
                    if primary and tag.lower().split("-")[0] == primary:
                        return tag
        return SOURCE


@cache
def _read(catalogue: bytes) -> gettext.NullTranslations:
    # Babel takes long to import, and only a process that shows pages needs it.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(catalogue)))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
