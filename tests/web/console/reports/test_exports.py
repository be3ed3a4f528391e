"""Exports: the page's filter, every row, ids as text, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest
import sqlalchemy as sa

from taigan.rights import Role
from taigan.storage import tables as t
from taigan.storage.rows import Payment
from taigan.web.console.pages.reports.exports import TABLES
from taigan.web.console.sheets import sheets
from web.console.browser import Browser, person
from web.console.furnished import furnish
from web.house import LOT, House

EXPORT = f"/lots/{LOT}/export"
EVIL = "=cmd|' /C calc'!A0"
LONG_ID = "202506010800000123"


async def fetched(browser: Browser, path: str) -> Any:
    answer = await browser.client.get(path)
    assert answer.status_code == 200, answer.text[:300]
    return answer


async def as_csv(browser: Browser, path: str) -> list[dict[str, str]]:
    answer = await fetched(browser, path)
    assert answer.content.startswith(b"\xef\xbb\xbf"), "or Excel takes the characters for another encoding"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def as_rows(browser: Browser, path: str) -> list[dict[str, Any]]:
    answer = await fetched(browser, path)
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    titles, *rows = sheet.iter_rows()
    return [{title.value: cell for title, cell in zip(titles, row, strict=True)} for row in rows]


async def stray(house: House, trade_no: str = LONG_ID, note: str = EVIL) -> None:
    now = house.clock.now()
    payment = Payment(
        LOT, "P1", "bolink", trade_no, "", "", "", "scancode", "paid", 1250, 7, now, now, "+粤B1", note=note
    )
    await house.keep(lambda changes: changes.new_payment(payment))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("form", sheets.TYPES)
async def test_every_list_can_be_taken_away(small_house: House, table: str, form: str) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.OWNER)
    answer = await fetched(browser, f"{EXPORT}/{table}?form={form}")
    assert answer.headers["content-type"].startswith(sheets.TYPES[form])
    assert f".{form}" in unquote(answer.headers["content-disposition"])
    await browser.close()


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ("from=2025-05-30&to=2025-05-31", "收款-2025-05-30-2025-05-31-"),
        ("from=2025-05-31&to=2025-05-31", "收款-2025-05-31-2"),
    ],
)
async def test_a_file_is_named_by_the_days_that_are_in_it(
    small_house: House, manager: Browser, asked: str, days: str
) -> None:
    answer = await fetched(manager, f"{EXPORT}/payments?form=csv&{asked}")
    assert days in unquote(answer.headers["content-disposition"])
    assert (await manager.open(f"{EXPORT}/shifts?form=csv&from=%22%0d%0a")).status == 400


async def test_formulas_and_long_numbers_come_as_texts(small_house: House, manager: Browser) -> None:
    await stray(small_house)
    (row,) = await as_csv(manager, f"{EXPORT}/payments?form=csv")
    assert row["备注"] == f"'{EVIL}"
    assert row["车牌"] == "'+粤B1"
    assert row["交易号"] == f"\t{LONG_ID}"
    assert row["金额"] == "12.50"
    (cells,) = await as_rows(manager, f"{EXPORT}/payments?form=xlsx")
    assert (cells["备注"].data_type, cells["备注"].value) == ("s", EVIL)
    assert (cells["交易号"].data_type, cells["交易号"].value) == ("s", LONG_ID)
    assert (cells["金额"].data_type, cells["金额"].value) == ("n", 12.5)
    assert cells["入账时间"].value.isoformat() == "2025-06-01T16:00:00", "on the lot's clock"


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t=", "\r=", " =", "＝", "＋", "＠"])
async def test_whatever_a_spreadsheet_takes_for_a_formula_is_a_text(
    small_house: House, manager: Browser, begins: str
) -> None:
    await stray(small_house, note=f"{begins}1+1")
    (row,) = await as_csv(manager, f"{EXPORT}/payments")
    assert row["备注"].startswith("'")
    (cells,) = await as_rows(manager, f"{EXPORT}/payments?form=xlsx")
    assert cells["备注"].data_type == "s"


async def test_an_export_has_the_filter_of_its_page_and_every_row_of_it(small_house: House, manager: Browser) -> None:
    for number in range(1203):
        await small_house.order(f"粤B{number:05}", order_id=f"o{number:05}")
    await small_house.order("京N6K1Z9", order_id="gone", state="out", closed_at=small_house.clock.now())
    page = await manager.see(f"/lots/{LOT}/stays?q=粤B&state=")
    url = next(url for url in page.page.links if "form=csv" in url)  # type: ignore[union-attr]
    rows = await as_csv(manager, url)
    assert [row["订单号"] for row in rows] == [f"o{number:05}" for number in reversed(range(1203))]
    assert len(await as_csv(manager, f"{EXPORT}/stays?state=out")) == 1
    assert len(await as_rows(manager, f"{EXPORT}/stays?state=&form=xlsx")) == 1204


async def test_a_workbook_goes_on_another_sheet_when_one_is_full(
    monkeypatch: pytest.MonkeyPatch, small_house: House, manager: Browser
) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 11)
    for number in range(25):
        await small_house.order(f"粤B{number:05}")
    answer = await fetched(manager, f"{EXPORT}/stays?form=xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert [sheet.max_row for sheet in book.worksheets] == [11, 11, 6]


async def test_days_are_those_of_the_lots_clock(small_house: House, manager: Browser) -> None:
    await stray(small_house)
    assert len(await as_csv(manager, f"{EXPORT}/payments?from=2025-06-01&to=2025-06-01")) == 1
    assert await as_csv(manager, f"{EXPORT}/payments?from=2025-06-02") == []


async def test_what_cannot_be_exported_is_said(small_house: House, manager: Browser) -> None:
    for path in (f"{EXPORT}/nothing", f"{EXPORT}/stays?form=pdf"):
        answer = await manager.open(path)
        assert answer.status == 404
        assert "没有这样的导出" in answer.text
    assert (await manager.open(f"{EXPORT}/stays?from=x")).status == 400


async def test_who_took_what_away_is_kept(small_house: House, manager: Browser) -> None:
    await stray(small_house)
    await fetched(manager, f"{EXPORT}/payments?way=cash")
    acts = await small_house.database.read(lambda conn: list(conn.execute(sa.select(t.operator_acts))))
    assert ("王芳", "export of payments as csv way=cash", "console:wangfang") in [
        (act.operator, act.act, act.via) for act in acts
    ]


async def test_an_export_takes_its_right_and_that_of_its_page(small_house: House) -> None:
    collector = await person(small_house, Role.COLLECTOR)
    assert (await collector.open(f"{EXPORT}/stays")).status == 403
    page = (await collector.see(f"/lots/{LOT}/stays")).page
    assert page is not None
    assert not any("/export/" in url for url in page.links)
    await collector.close()
