"""Writes the pages of docs/ that are read off the code; with --check, fails if one of them is stale."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from configuration_pages import complaints, configuration_pages
from interface_pages import interface_pages
from rights_pages import rights_pages
from tariff_pages import tariff_pages

DOCS = Path(__file__).resolve().parent.parent / "docs"


def pages() -> Iterator[tuple[Path, str]]:
    """Every page that is made, with its text."""
    for name, text in chain(configuration_pages(), interface_pages(), rights_pages(), tariff_pages()):
        yield DOCS / name, text


def main() -> int:
    wrong = list(complaints())
    for complaint in wrong:
        print(complaint, file=sys.stderr)  # noqa: T201
    stale = [(path, text) for path, text in pages() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path, _ in stale:
            print(f"{path.relative_to(DOCS.parent)} is stale: run tools/generate_docs.py", file=sys.stderr)  # noqa: T201
        return bool(wrong or stale)
    for path, text in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
