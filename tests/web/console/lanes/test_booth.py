"""The sheet for the booth: for everybody of the lot, with the lot's name and telephone, and linked from every page."""

from __future__ import annotations

from web.console.browser import Browser
from web.house import LOT, House

SHEET = f"/lots/{LOT}/booth-sheet"


async def test_every_page_leads_to_the_sheet_and_it_says_what_to_do_and_whom_to_call(
    small_house: House, manager: Browser
) -> None:
    lanes = (await manager.see(f"/lots/{LOT}")).page
    assert lanes is not None
    assert SHEET in lanes.links
    sheet = await manager.see(SHEET)
    for said in ("杆不抬", "没有车牌", "没有网", "119", "打给谁", "值班长"):
        assert said in sheet.text
    assert "The arm does not rise" in (await manager.see(f"{SHEET}?lang=en")).text
