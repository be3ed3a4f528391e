"""The invented week: made once in a lot where nothing happened, marked, in line with the prices, and cleared whole."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from taigan.lot.people.beginning import inventing
from taigan.lot.tariff.evaluation import price
from taigan.lot.tariff.reading import price_lists
from taigan.rights import Right
from taigan.storage import tables as t
from taigan.storage.rows import Lot
from taigan.storage.shown import views
from taigan.storage.sums import books
from taigan.storage.sums.books import BillsSought
from web.console.browser import Browser, person, role_without
from web.console.furnished import PRICES
from web.house import LOT, House

REPORTS = f"/lots/{LOT}/reports"


async def lot_of(house: House) -> Lot:
    row = await house.database.read(lambda conn: views.lot(conn, LOT))
    assert row is not None
    return row


@pytest.fixture
async def week(small_house: House) -> House:
    assert await inventing.invent(small_house.database, await lot_of(small_house), small_house.clock.now())
    return small_house


async def test_every_day_of_the_week_before_has_stays_and_every_plate_says_that_it_is_none(week: House) -> None:
    orders = await week.database.read(lambda conn: list(conn.execute(sa.select(t.orders))))
    assert all(order.licence.startswith("演") for order in orders)
    today = week.clock.now().date()
    days = {(today - order.requested_at.date()).days for order in orders}
    assert set(range(1, 7)) <= days <= set(range(0, 9))
    assert all(order.state == "out" and order.closed_at < week.clock.now() for order in orders)


async def test_it_costs_what_the_demos_price_list_asks(week: House) -> None:
    asked = price_lists.from_data(PRICES)
    same = sa.and_(t.orders.c.lot_id == t.bills.c.lot_id, t.orders.c.order_id == t.bills.c.order_id)
    query = sa.select(t.orders.c.in_at, t.bills.c.closed_at, t.bills.c.charge_fen).join(t.bills, same)
    for entry, left, fen in await week.database.read(lambda conn: list(conn.execute(query))):
        assert price(asked, entry, left).fen == fen, (entry, left)


async def test_the_same_seed_makes_the_same_week_and_a_lot_with_stays_none(week: House) -> None:
    assert not await inventing.invent(week.database, await lot_of(week), week.clock.now())
    before = await week.database.read(lambda conn: books.bills_sum(conn, LOT, BillsSought()))
    await week.clear()
    assert await inventing.invent(week.database, await lot_of(week), week.clock.now())
    assert await week.database.read(lambda conn: books.bills_sum(conn, LOT, BillsSought())) == before


async def test_it_is_cleared_from_the_reports_and_what_is_real_stays(week: House, manager: Browser) -> None:
    await week.order("粤B12345", order_id="real")
    page = await manager.see(REPORTS)
    assert "都以“演”开头" in page.text
    done = await manager.follow(await manager.send(REPORTS, f"/lots/{LOT}/invented"))
    assert "演示数据已清除。" in done.text
    assert "都以“演”开头" not in done.text
    for table in (t.orders, t.bills, t.payments, t.lifts, t.reductions, t.order_events):
        rows = await week.database.read(lambda conn, table=table: list(conn.execute(sa.select(table))))  # type: ignore[misc]
        assert all(row.order_id == "real" for row in rows), table.name
    assert "入账合计" in done.text


async def test_who_may_not_set_the_lot_may_not_clear_it(week: House) -> None:
    browser = await person(week, role_without(Right.LOT_SET))
    assert (await browser.post(f"/lots/{LOT}/invented", token=await browser.token())).status == 403
    await browser.close()
