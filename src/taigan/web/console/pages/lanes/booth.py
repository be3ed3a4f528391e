"""A sheet to print and hang up in the booth: what to do when nothing works, and whom to call."""

from __future__ import annotations

from litestar import get

from taigan.rights import Right
from taigan.web.console.visit import Answer, Here


@get("/lots/{lot_id:str}/booth-sheet", right=Right.LOT_SEE)
async def booth_sheet(visit: Here) -> Answer:
    """One page of paper; names and telephones are filled in by hand."""
    return visit.page("lanes/booth_sheet.html")


PAGES = (booth_sheet,)
