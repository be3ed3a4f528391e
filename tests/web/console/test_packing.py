"""What goes over the wire packed, and what does not."""

from __future__ import annotations

import gzip

import pytest

from web.console.browser import Browser, signed_in
from web.house import LOT, House

HERE = f"/lots/{LOT}"


@pytest.mark.parametrize(("takes", "packs"), [("gzip, deflate, br", True), ("br, gzip;q=0", False), ("", False)])
async def test_files_go_packed_to_browsers_that_take_it(
    small_house: House, manager: Browser, takes: str, packs: bool
) -> None:
    for source in ("console.css", "console.js", "mark.svg"):
        answer = await manager.client.get(f"/static/{source}", headers={"accept-encoding": takes})
        assert (answer.headers.get("content-encoding") == "gzip") is packs
        assert answer.headers["vary"] == "accept-encoding"
        assert int(answer.headers["content-length"]) <= len(answer.content) + 40


async def test_a_page_goes_packed_and_is_the_same(small_house: House, manager: Browser) -> None:
    plain = await manager.client.get(f"{HERE}/stays", headers={"accept-encoding": "identity"})
    async with manager.client.stream("GET", f"{HERE}/stays") as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(raw) < len(plain.content) / 2
    assert gzip.decompress(raw) == plain.content
    assert answer.headers["content-type"] == plain.headers["content-type"] == "text/html; charset=utf-8"


async def test_what_is_short_goes_as_it_is(small_house: House, manager: Browser) -> None:
    answer = await manager.open(f"{HERE}/alarms/count", part=True)
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("https", "site", "packs"),
    [
        (True, "same-origin", True),
        (True, "none", True),
        (True, "cross-site", False),
        (True, "same-site", False),
        (True, None, False),
        (False, "cross-site", False),
        (False, None, True),
    ],
)
async def test_a_page_that_another_site_had_the_browser_ask_for_is_not_packed_its_length_tells_nothing(
    small_house: House, manager: Browser, https: bool, site: str | None, packs: bool
) -> None:
    there = await signed_in(small_house, https=https)
    answer = await there.open(f"{HERE}/stays?q=guess", **({} if site is None else {"sec-fetch-site": site}))
    assert (answer.headers.get("content-encoding") == "gzip") is packs
    assert "sec-fetch-site" in answer.headers["vary"]
    await there.close()


async def test_only_pages_are_packed_tables_go_as_they_come(small_house: House, manager: Browser) -> None:
    for path in (f"{HERE}/export/stays?form=csv", f"{HERE}/booth-sheet"):
        answer = await manager.client.get(path)
        packed = answer.headers.get("content-encoding") == "gzip"
        assert packed is answer.headers["content-type"].startswith("text/html")
