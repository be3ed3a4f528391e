"""Money: sums that are those of their rows, whatever happened, and rows behind every number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from taigan.rights import Right, Role
from taigan.storage import tables as t
from taigan.storage.changes import Changes
from taigan.storage.rows import Bill, Order, Payment, Shift
from taigan.storage.sums import books
from taigan.storage.sums.books import BillsSought, PaymentsSought, Span
from web.console.browser import Browser, person, role_without
from web.console.furnished import furnish
from web.house import LOT, House

MONEY = f"/lots/{LOT}/money"
BEGAN = datetime(2025, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WAYS = ("cash", "scancode", "wallet")
HOURS = st.integers(0, 71)
FEN = st.integers(0, 100_000)


@st.composite
def bills(draw: st.DrawFn) -> Bill:
    charge = draw(FEN)
    reduced = draw(st.integers(0, charge))
    paid = draw(FEN)
    return Bill(
        LOT,
        "",
        charge_fen=charge,
        reduced_fen=reduced,
        waived_fen=draw(st.integers(0, reduced)),
        paid_fen=paid,
        refunded_fen=draw(st.integers(0, paid)),
        closed_at=BEGAN + timedelta(hours=draw(HOURS)),
    )


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    at = BEGAN + timedelta(hours=draw(HOURS))
    way = draw(st.sampled_from(WAYS))
    state = draw(st.sampled_from(("paid", "paid", "reversed", "failed", "pending")))
    order = draw(st.sampled_from(("", "order")))
    shift = draw(st.sampled_from(("", "S1", "S2", "S3")))
    return Payment(LOT, "", "us", "", order, "", "", way, state, draw(FEN), 0, at, at, shift_id=shift)


@pytest.fixture(scope="module")
def conn() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    t.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def filled(conn: sa.Connection, some_bills: list[Bill], some_payments: list[Payment]) -> None:
    for table in (t.orders, t.bills, t.payments, t.shifts):
        conn.execute(sa.delete(table))
    changes = Changes()
    for number, bill in enumerate(some_bills):
        bill.order_id = f"order{number:04}"
        order = Order(
            LOT, bill.order_id, "plate", "out", "", f"粤B{number:05}", "", "", "", "", "A1", None, None, "", BEGAN
        )
        changes.new_order(order)
        changes.bill(bill)
    for number, payment in enumerate(some_payments):
        payment.payment_id = f"P{number:04}"
        changes.new_payment(payment)
    changes.write(conn)
    for shift_id, who in (("S1", "王芳"), ("S2", "李强"), ("S3", "王芳")):
        shift = Shift(LOT, shift_id, who, "东", BEGAN, 0, closed_at=BEGAN + DAY, counted_fen=0, expected_fen=0)
        conn.execute(sa.insert(t.shifts), {name: getattr(shift, name) for name in Shift.__struct_fields__})


def all_payments(conn: sa.Connection, sought: PaymentsSought) -> list[Payment]:
    found: list[Payment] = []
    while some := books.payments(conn, LOT, 3, (found[-1].received_at, found[-1].payment_id) if found else (), sought):
        found += some
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(bills(), max_size=9), st.lists(payments(), max_size=12), HOURS, HOURS)
def test_every_sum_is_that_of_the_rows_it_leads_to(
    conn: sa.Connection, some_bills: list[Bill], some_payments: list[Payment], one: int, other: int
) -> None:
    filled(conn, some_bills, some_payments)
    span = Span(BEGAN + timedelta(hours=min(one, other)), BEGAN + timedelta(hours=max(one, other)))
    for by in ("day", "shift", "person"):
        together = 0
        for line in books.taken(conn, LOT, span, by):  # type: ignore[arg-type]
            only = {"shift": "shift_id", "person": "person"}.get(by)
            wanted = {only: line.key} if only and line.key else {"shift_id": books.NO_SHIFT} if only else {}
            rows = all_payments(conn, PaymentsSought(span, way=line.way, state="paid", **wanted))
            assert (line.count, line.fen) == (len(rows), sum(row.fen for row in rows)), (by, line)
            together += line.fen
        rows = all_payments(conn, PaymentsSought(span, state="paid"))
        assert together == sum(row.fen for row in rows), by
        assert {row.payment_id for row in rows} == {
            payment.payment_id
            for payment in some_payments
            if payment.state == "paid" and span.since <= payment.received_at < span.until  # type: ignore[operator]
        }
    strays = PaymentsSought(span, strays=True)
    assert books.payments_sum(conn, LOT, strays).fen == sum(row.fen for row in all_payments(conn, strays))
    sums = books.bills_sum(conn, LOT, BillsSought(span))
    assert sums.charge == sums.reduced + sums.paid - sums.refunded + sums.owed - sums.surplus
    for what in ("charge", "reduced", "waived", "paid", "refunded", "owed", "surplus"):
        found = books.bills(conn, LOT, 100, (), BillsSought(span, what))  # type: ignore[arg-type]
        columns = {
            "owed": lambda bill: max(0, bill.balance_fen),
            "surplus": lambda bill: max(0, -bill.balance_fen),
        }
        of = columns.get(what, lambda bill, what=what: getattr(bill, f"{what}_fen"))
        assert getattr(sums, what) == sum(of(row.bill) for row in found), what
        assert all(of(row.bill) > 0 for row in found), what


async def test_the_sums_of_today_stand_there_and_lead_to_their_rows(small_house: House, manager: Browser) -> None:
    await furnish(small_house)
    page = await manager.see(MONEY)
    assert "应收 16.00" in page.text
    assert "欠 4.00" in page.text
    assert "合计 13.00 12.00 18.00 55.00 98.00 5" in page.text
    assert "王芳 1 4.00" in page.text
    for url in page.page.links:  # type: ignore[union-attr]
        if url.startswith((f"{MONEY}/payments?", f"{MONEY}/bills?")) and "after=" not in url:
            rows = await manager.see(url)
            assert not any(said in rows.text for said in ("没有收款", "没有结账")), url


async def test_money_is_shown_by_day_by_shift_and_by_person(small_house: House, manager: Browser) -> None:
    await furnish(small_house)
    text = (await manager.see(f"{MONEY}?by=day&from=2025-05-31&to=2025-06-01")).text
    assert "2025-05-31 0.00 0.00 0.00 0.00 0.00 0" in text
    text = (await manager.see(f"{MONEY}?by=shift")).text
    assert "陈杰 东岗亭" in text
    assert "不在班次里" in text
    page = await manager.see(f"{MONEY}?by=person")
    url = next(url for url in page.page.links if "person=%E9%99%88" in url and "way=cash" in url)  # type: ignore[union-attr]
    rows = (await manager.see(url)).text
    assert "共 1 笔，10.00 元" in rows


async def test_a_stray_is_assigned_and_cash_reversed_with_a_reason(small_house: House, manager: Browser) -> None:
    await furnish(small_house)
    strays = f"{MONEY}/payments?strays=1"
    to = f"{MONEY}/payments/X1/assign"
    refused = await manager.send(strays, to, order_id="owing", reason="")
    assert "请写原因" in (await manager.follow(refused)).text
    done = await manager.follow(await manager.send(strays, to, order_id="order_0004", reason="司机出示了付款记录"))
    assert "已归到这张订单" in done.text
    assert "没有收款" in done.text
    to = f"{MONEY}/payments/C1/reverse"
    done = await manager.follow(await manager.send(f"{MONEY}/payments?way=cash", to, reason="收重了"))
    assert "已冲销" in done.text


async def test_k5_a_payment_for_the_wrong_stay_is_moved_with_a_reason(small_house: House, manager: Browser) -> None:
    wrong, right = await small_house.order("粤B11111"), await small_house.order("粤B22222")
    now = small_house.clock.now()
    row = Payment(LOT, "M1", "bolink", "T1", wrong.order_id, "", "", "prepay", "paid", 500, 0, now, now, "粤B11111")
    await small_house.keep(lambda changes: changes.new_payment(row))
    await small_house.keep(lambda changes: changes.bill(Bill(LOT, wrong.order_id, paid_fen=500)))
    payments, to = f"{MONEY}/payments", f"{MONEY}/payments/M1/move"
    for order_id, reason, said in (
        (right.order_id, "", "请写原因"),
        ("", "付错车", "请填订单号"),
        (wrong.order_id, "付错车", "本来就在这张订单上"),
    ):
        answer = await manager.follow(await manager.send(payments, to, order_id=order_id, reason=reason))
        assert said in answer.text
    assert "没有这张订单" in (await manager.send(payments, to, order_id="nothing", reason="付错车")).text
    done = await manager.follow(await manager.send(payments, to, order_id=right.order_id, reason="付错车"))
    assert "已移到这张订单" in done.text
    [kept] = await small_house.database.read(lambda conn: list(conn.execute(sa.select(t.payments.c.order_id))))
    assert kept.order_id == right.order_id
    assert f"从订单 {wrong.order_id} 移到 {right.order_id}" in (await manager.see(f"/lots/{LOT}/audit")).text
    assert "付款移到另一订单" in (await manager.see(f"/lots/{LOT}/stays/{wrong.order_id}")).text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=yesterday", "日期要写成"),
        ("from=2025-06-02&to=2025-06-01", "要不早于"),
        ("from=2020-01-01&to=2025-06-01", "一次最多看 92 天"),
        ("to=0001-01-01", "日期要写成"),
        ("from=9999-12-31", "日期要写成"),
    ],
)
async def test_days_that_cannot_be_shown_are_said_at_their_field(
    small_house: House, manager: Browser, query: str, said: str
) -> None:
    answer = await manager.open(f"{MONEY}?{query}")
    assert answer.status == 422
    assert said in answer.text


async def test_rows_that_cannot_be_looked_for_are_said_and_a_page_that_never_was_begins_anew(
    small_house: House, manager: Browser
) -> None:
    for path in ("payments", "bills", "reductions"):
        assert (await manager.open(f"{MONEY}/{path}?from=x")).status == 422
        assert (await manager.open(f"{MONEY}/{path}?after=x")).location == f"{MONEY}/{path}"
    assert (await manager.open(f"{MONEY}/payments?way={'x' * 99}")).status == 422


async def test_a_list_of_payments_goes_on_with_its_filter(small_house: House, manager: Browser) -> None:
    now = small_house.clock.now()
    for number in range(60):
        one = Payment(LOT, f"P{number:02}", "us", f"N{number}", "o", "", "", "wallet", "paid", 100, 0, now, now)
        await small_house.keep(lambda changes, one=one: changes.new_payment(one))  # type: ignore[misc]
    page = await manager.see(f"{MONEY}/payments?way=wallet&state=paid&from=")
    assert "共 60 笔，60.00 元" in page.text
    further = next(url for url in page.page.links if "after=" in url)  # type: ignore[union-attr]
    assert "way=wallet&state=paid&from=&" in further
    assert (await manager.see(further)).text.count("已付") >= 10


async def test_who_may_not_see_money_is_told_what_it_takes(small_house: House) -> None:
    browser = await person(small_house, role_without(Right.MONEY_SEE))
    for path in (MONEY, f"{MONEY}/payments", f"{MONEY}/bills", f"{MONEY}/reductions"):
        answer = await browser.open(path)
        assert answer.status == 403
        assert "看费用和收款" in answer.text
    await browser.close()


async def test_a_collector_sees_no_form_that_only_others_may_send(small_house: House) -> None:
    await furnish(small_house)
    browser = await person(small_house, Role.COLLECTOR)
    page = (await browser.see(f"{MONEY}/payments")).page
    assert page is not None
    assert not any("assign" in form["action"] or "reverse" in form["action"] for form in page.forms)
    await browser.close()
