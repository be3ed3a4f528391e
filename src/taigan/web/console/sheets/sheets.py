"""Tables for other programs: CSV and XLSX, a piece at a time; nothing that somebody typed becomes a formula."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xlsxwriter

from taigan.bolink import units

Cell = str | int | datetime | None
Row = Sequence[Cell]
Rows = AsyncIterator[Sequence[Row]]
TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MOST_ROWS = 1_048_576
"""So many rows a sheet of a workbook has."""
LONGEST_CELL = 32_767
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LIKE_A_NUMBER = re.compile(r"\d[\d.,:eE+/-]*")
_PIECE = 256 * 1024
_WIDTHS = {"text": 18, "money": 12, "moment": 20, "number": 10}


async def as_csv(titles: Sequence[str], kinds: Sequence[str], rows: Rows) -> AsyncIterator[bytes]:
    """UTF-8 with a byte order mark. A text that a spreadsheet would take for a formula begins with an apostrophe, one
    that it would take for a number with a tab, so that it stays as it is."""
    yield b"\xef\xbb\xbf" + _lines([titles])
    async for some in rows:
        if some:
            yield _lines([[_plain(kind, cell) for kind, cell in zip(kinds, row, strict=True)] for row in some])


async def as_xlsx(name: str, titles: Sequence[str], kinds: Sequence[str], rows: Rows) -> AsyncIterator[bytes]:
    """A workbook that is written to a file row by row and then sent; more than a sheet holds goes on another."""
    with TemporaryDirectory(prefix="taigan-export-") as folder:
        path = Path(folder) / "export.xlsx"
        book = await asyncio.to_thread(_Book, path, name, titles, kinds)
        try:
            async for some in rows:
                await asyncio.to_thread(book.add, some)
        finally:
            await asyncio.to_thread(book.close)
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece


class _Book:
    """A workbook in constant memory; texts are texts whatever they look like."""

    def __init__(self, path: Path, name: str, titles: Sequence[str], kinds: Sequence[str]) -> None:
        options = {"constant_memory": True, "tmpdir": str(path.parent), "strings_to_urls": False}
        self._book: Any = xlsxwriter.Workbook(path, options)
        self._head = self._book.add_format({"bold": True, "bottom": 1})
        self._formats = {
            "money": self._book.add_format({"num_format": "#,##0.00"}),
            "moment": self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        self._name, self._titles, self._kinds = re.sub(r"[\[\]:*?/\\']", " ", name)[:25], titles, kinds
        self._sheets = 0
        self._begin()

    def _begin(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(f"{self._name} {self._sheets}" if self._sheets > 1 else self._name)
        for place, (title, kind) in enumerate(zip(self._titles, self._kinds, strict=True)):
            self._sheet.set_column(place, place, _WIDTHS[kind])
            self._sheet.write_string(0, place, title, self._head)
        self._sheet.freeze_panes(1, 0)
        self._row = 1

    def add(self, rows: Sequence[Sequence[Cell]]) -> None:
        for row in rows:
            if self._row == MOST_ROWS:
                self._begin()
            for place, (kind, cell) in enumerate(zip(self._kinds, row, strict=True)):
                self._write(place, kind, cell)
            self._row += 1

    def _write(self, place: int, kind: str, cell: Cell) -> None:
        if isinstance(cell, datetime):
            self._sheet.write_datetime(self._row, place, cell.replace(microsecond=0), self._formats["moment"])
        elif isinstance(cell, int):
            value = cell / 100 if kind == "money" else cell
            self._sheet.write_number(self._row, place, value, self._formats.get(kind))
        elif cell:
            self._sheet.write_string(self._row, place, cell[:LONGEST_CELL])

    def close(self) -> None:
        self._book.close()


def _plain(kind: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, int):
        return units.yuan(cell) if kind == "money" else str(cell)
    if cell.lstrip(" ").startswith(_FORMULA):
        return f"'{cell}"
    return f"\t{cell}" if _LIKE_A_NUMBER.fullmatch(cell) else cell


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
