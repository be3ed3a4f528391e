"""The one table of all interfaces: what the document has, and what the lot platform and the hub do with it."""

from __future__ import annotations

from taigan.bolink import CATALOGUE, AnyInterface, by_service
from taigan.bolink.describing.description import Row, row
from taigan.hub.admin.pushes import AT_HUB
from taigan.lot.moments import MOMENTS, Moment
from taigan.lot.platform import HANDLERS, UNSIGNED


def rows() -> list[Row]:
    """A line for each interface, in the order of the document."""
    handled = frozenset(known.section for name in (*HANDLERS, *UNSIGNED) if (known := by_service(name)) is not None)
    lines = [_row(interface, handled) for interface in CATALOGUE]
    return sorted(lines, key=lambda line: [int(part) for part in line.section.split(".")])


def _row(interface: AnyInterface, handled: frozenset[str]) -> Row:
    moment = MOMENTS.get(interface.section, Moment("", "", ""))
    return row(
        interface,
        handled=handled,
        at_hub=AT_HUB,
        where=moment.where.replace(":", "."),
        when=moment.en,
        when_zh=moment.zh,
    )


COLUMNS = (
    *("section", "direction", "service_name", "path", "completeness", "lot", "hub", "method", "where"),
    *("title", "title_zh"),
)


def table() -> list[str]:
    """The lines of the table as text, aligned; below it what must be said of some interfaces."""
    lines = rows()
    cells = [[str(getattr(line, name) or "–") for name in COLUMNS] for line in lines]
    for line, shown in zip(lines, cells, strict=True):
        shown[-1] += " *" if line.note else ""
    widths = [max(map(len, column)) for column in zip(COLUMNS, *cells, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row_, widths, strict=True)).rstrip() for row_ in cells]
    head = "  ".join(name.ljust(width) for name, width in zip(COLUMNS, widths, strict=True)).rstrip()
    notes: dict[str, list[str]] = {}
    for line in lines:
        if line.note:
            notes.setdefault(line.note, []).append(line.section)
    return [head, *text, "", *(f"* {', '.join(sections)}: {note}" for note, sections in notes.items())]
