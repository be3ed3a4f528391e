"""Fails when a text of the pages lacks its translation, or a catalogue keeps one that no page shows."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import taigan.hub
import taigan.web.console
from taigan.lot import texts

METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
KEYWORDS: dict[str, None] = {"_": None, "N_": None, "tell": None}
CHINESE = re.compile("[一-鿿]")


def texts_of_the_pages(folder: Path) -> set[str]:
    """Every text that the pages mark for translation."""
    found = extract_from_dir(folder, METHODS, keywords=KEYWORDS)
    return {message for _, _, message, _, _ in found if isinstance(message, str) and CHINESE.search(message)}


def texts_of_the_lot() -> set[str]:
    """What our own lot platform tells drivers. Another lot says what it likes, and is shown as it speaks."""
    return {text for name, text in vars(texts).items() if name.isupper() and isinstance(text, str)}


def main() -> int:
    """0 when every catalogue is complete."""
    wrong = 0
    for package, shown_too in ((taigan.hub, texts_of_the_lot()), (taigan.web.console, set())):
        folder = Path(str(package.__file__)).parent
        wanted = texts_of_the_pages(folder)
        for catalogue in sorted(folder.glob("locale/*/LC_MESSAGES/*.po")):
            with catalogue.open("rb") as file:
                known = {str(message.id): message for message in read_po(file) if message.id}
            missing = [text for text in sorted(wanted) if not (text in known and known[text].string)]
            unsure = sorted(text for text, message in known.items() if message.fuzzy)
            stale = sorted(set(known) - wanted - shown_too)
            for complaint, found in (
                ("is not translated", missing),
                ("is marked fuzzy", unsure),
                ("is shown nowhere", stale),
            ):
                for text in found:
                    print(f"{catalogue.relative_to(folder)}: {text!r} {complaint}", file=sys.stderr)  # noqa: T201
            wrong += len(missing) + len(unsure) + len(stale)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
