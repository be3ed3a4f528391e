"""Fails when a text of the driver's pages lacks its translation, or a catalogue keeps one that no page shows."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import taigan.hub
from taigan.lot import texts

HUB = Path(taigan.hub.__file__).parent
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]


def texts_of_the_pages() -> set[str]:
    """Every text that the pages mark for translation."""
    found = extract_from_dir(HUB, METHODS, keywords={"_": None, "N_": None})
    return {message for _, _, message, _, _ in found if isinstance(message, str)}


def texts_of_the_lot() -> set[str]:
    """What our own lot platform tells drivers. Another lot says what it likes, and is shown as it speaks."""
    return {text for name, text in vars(texts).items() if name.isupper() and isinstance(text, str)}


def main() -> int:
    """0 when every catalogue is complete."""
    wanted = texts_of_the_pages()
    wrong = 0
    for catalogue in sorted(HUB.glob("locale/*/LC_MESSAGES/hub.po")):
        with catalogue.open("rb") as file:
            known = {str(message.id): message for message in read_po(file) if message.id}
        missing = [text for text in sorted(wanted) if not (text in known and known[text].string)]
        unsure = sorted(text for text, message in known.items() if message.fuzzy)
        stale = sorted(set(known) - wanted - texts_of_the_lot())
        for complaint, found in (
            ("is not translated", missing),
            ("is marked fuzzy", unsure),
            ("is shown nowhere", stale),
        ):
            for text in found:
                print(f"{catalogue.relative_to(HUB)}: {text!r} {complaint}", file=sys.stderr)  # noqa: T201
        wrong += len(missing) + len(unsure) + len(stale)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
