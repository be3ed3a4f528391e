"""Reports: what the days came to, drawn and in a table, equal to the rows, whatever happened to these later."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from taigan.lot.people.looking import reporting
from taigan.rights import Right, Role
from taigan.storage import tables as t
from taigan.storage.changes import Changes
from taigan.storage.rows import Bill, Lift, Order, OrderEvent, Payment
from taigan.storage.shown import views
from taigan.storage.sums import day_sums
from taigan.storage.sums.day_sums import DaySums
from taigan.web.console.pages.reports.reports import KINDS
from web.console.browser import Browser, person, role_without
from web.console.furnished import fortnight, furnish
from web.house import LOT, House

REPORTS = f"/lots/{LOT}/reports"
BEGAN = datetime(2025, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = [(BEGAN + number * DAY, BEGAN + (number + 1) * DAY) for number in range(4)]
NOW = DAYS[-1][1]
MOMENTS = st.integers(0, 4 * 24 * 60 - 1).map(lambda minutes: BEGAN + timedelta(minutes=minutes))
FEN = st.integers(0, 100_000)


@pytest.fixture(scope="module")
def engine() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    t.metadata.create_all(engine)
    return engine


def order(number: int, at: datetime, state: str, closed_at: datetime | None) -> Order:
    plate = f"粤B{number:05}"
    return Order(
        LOT, f"o{number}", "plate", state, "", plate, "", "", "", "", "A1", None, None, "", at, at, None, closed_at
    )


@st.composite
def lives(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What happened, as transactions in the order of their moments: each made new rows, or changed old ones."""
    steps: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 12))):
        came = draw(MOMENTS)
        went = came + timedelta(minutes=draw(st.integers(1, 3000)))
        steps.append({"at": came, "number": number, "act": "enters"})
        if draw(st.booleans()):
            steps.append({"at": came + timedelta(minutes=1), "number": number, "act": "void"})
        elif went < NOW:
            fen = draw(FEN)
            steps.append(
                {"at": went, "number": number, "act": draw(st.sampled_from(("leaves", "abandoned"))), "fen": fen}
            )
            later = went + timedelta(minutes=draw(st.integers(6, 3000)))
            steps.append({"at": later, "number": number, "act": draw(st.sampled_from(("waive", "pay"))), "fen": fen})
        if draw(st.booleans()):
            steps.append({"at": draw(MOMENTS), "number": number, "act": "lift", "who": draw(st.sampled_from("王李"))})
            paid = draw(MOMENTS)
            steps.append({"at": paid, "number": number, "act": "cash", "fen": draw(FEN)})
            steps.append({"at": paid + draw(st.sampled_from((1, 2))) * DAY, "number": number, "act": "reverse"})
    return sorted(steps, key=lambda step: (step["at"], step["number"]))


class Life:
    """The rows as the steps leave them."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.bills: dict[int, Bill] = {}
        self.payments: dict[int, Payment] = {}

    def step(self, step: dict[str, Any]) -> Changes:
        changes, number, at = Changes(), step["number"], step["at"]
        changes.events.append(OrderEvent(LOT, f"o{number}", at, step["act"]))
        match step["act"]:
            case "enters":
                self.orders[number] = order(number, at, "in", None)
                changes.new_order(self.orders[number])
            case "void" | "leaves" | "abandoned":
                one = self.orders[number]
                one.state = {"leaves": "out"}.get(step["act"], step["act"])
                one.closed_at = at
                changes.order(one)
                if one.state == "out":
                    self.bills[number] = Bill(LOT, one.order_id, charge_fen=step["fen"], closed_at=at)
                    changes.bill(self.bills[number])
            case "waive" if number in self.bills:
                self.bills[number].reduced_fen = self.bills[number].waived_fen = step["fen"]
                changes.bill(self.bills[number])
            case "pay" if number in self.bills:
                self.bills[number].paid_fen += step["fen"]
                changes.bill(self.bills[number])
            case "cash":
                self.payments[number] = Payment(
                    LOT, f"P{number}", "cash", "", "", "", "", "cash", "paid", step["fen"], 0, at, at
                )
                changes.new_payment(self.payments[number])
            case "reverse":
                self.payments[number].state = "reversed"
                changes.payment(self.payments[number])
            case "lift":
                changes.new_lifts.append(Lift(LOT, f"L{number}", "A1", None, "open", "manual", step["who"], "", at, at))
        return changes


@settings(max_examples=60, deadline=None)
@given(steps=lives(), looks=st.lists(st.integers(0, 60), max_size=6))
def test_what_is_kept_of_a_day_is_always_what_its_rows_come_to(
    engine: sa.Engine, steps: list[dict[str, Any]], looks: list[int]
) -> None:
    with engine.begin() as conn:
        for table in (t.orders, t.order_events, t.bills, t.payments, t.lifts, t.day_sums):
            conn.execute(sa.delete(table))
        life, now = Life(), BEGAN
        for place, step in enumerate(steps):
            now = max(now, step["at"])
            if place in looks:
                for day in DAYS:
                    if day[1] + reporting.OVER <= now:
                        day_sums.keep(conn, LOT, day)
            life.step(step).write(conn)
        kept = day_sums.kept(conn, LOT, BEGAN, NOW)
        for day in DAYS:
            found = day_sums.worked_out(conn, LOT, day)
            assert kept.get(day, found) == found
            assert_equal_to_rows(conn, day, found)


def assert_equal_to_rows(conn: sa.Connection, day: tuple[datetime, datetime], sums: DaySums) -> None:
    """The sums of a day against its rows, one by one."""

    def within(at: datetime | None) -> bool:
        return at is not None and day[0] <= at < day[1]

    orders = list(conn.execute(sa.select(t.orders)))
    entries = [row for row in orders if within(row.requested_at) and row.state != "void"]
    exits = [row for row in orders if within(row.closed_at) and row.state in ("out", "abandoned")]
    hours = Counter((row.requested_at - day[0]) // timedelta(hours=1) for row in entries)
    assert {hour: count for hour, count in enumerate(sums.entries) if count} == hours
    assert sum(sums.exits) == len(exits)
    ended = [row for row in exits if row.state == "out"]
    assert sum(sums.lengths) == len(ended)
    assert sums.seconds == sum(int((row.closed_at - row.in_at).total_seconds()) for row in ended)
    bills = [row for row in conn.execute(sa.select(t.bills)) if within(row.closed_at)]
    assert sums.bills.charge == sum(row.charge_fen for row in bills)
    assert sums.bills.owed - sums.bills.surplus == sums.bills.charge - sums.bills.reduced - sums.bills.paid
    paid = [row for row in conn.execute(sa.select(t.payments)) if within(row.received_at) and row.state == "paid"]
    assert sum(one.fen for one in sums.ways.values()) == sum(row.fen for row in paid)
    lifts = Counter(row.actor for row in conn.execute(sa.select(t.lifts)) if within(row.intended_at))
    assert {who: one.lifts for who, one in sums.by_hand.items()} == lifts


async def cars(house: House) -> None:
    """One that came two days ago and left after five hours, one that came yesterday and is still inside."""
    now = house.clock.now()
    await house.order(
        "粤B1", order_id="b1", in_at=now - 2 * DAY, state="out", closed_at=now - 2 * DAY + timedelta(hours=5)
    )
    await house.order("粤B2", order_id="b2", in_at=now - DAY)
    for order_id, at in (("b1", now - 2 * DAY), ("b2", now - DAY)):
        await house.write(t.orders.update().where(t.orders.c.order_id == order_id).values(requested_at=at))


async def test_who_is_inside_is_counted_back_from_now(house: House) -> None:
    await cars(house)
    now = house.clock.now()
    today = now.astimezone(UTC).date()
    row = await house.database.read(lambda conn: views.lot(conn, LOT))
    assert row is not None
    told = await reporting.tell(house.database, row, today - 3 * DAY, today, now)
    assert told.missing == 0
    counts = [count for _, count in told.inside]
    assert counts[0] == 0
    assert max(counts) == 1
    assert counts[-1] == 1
    there = [at for at, count in told.inside if count]
    assert len(there) == len([hour for hour in there if now - 2 * DAY <= hour])
    again = await reporting.tell(house.database, row, today - 3 * DAY, today, now)
    assert again == told, "what is kept says the same"


@pytest.mark.parametrize("what", KINDS)
async def test_every_report_is_drawn_and_stands_in_a_table(small_house: House, manager: Browser, what: str) -> None:
    await fortnight(small_house)
    page = await manager.see(f"{REPORTS}?what={what}")
    assert '<svg class="chart"' in page.raw
    assert "<table" in page.raw
    answer = await manager.client.get(f"{REPORTS}/{what}/export?form=csv")
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbf")
    book = await manager.client.get(f"{REPORTS}/{what}/export?form=xlsx")
    assert book.content[:2] == b"PK"


async def test_the_income_of_a_day_leads_to_its_money(small_house: House, manager: Browser) -> None:
    await furnish(small_house)
    page = await manager.see(f"{REPORTS}?from=2025-06-01&to=2025-06-01")
    assert "2025-06-01 13.00 12.00 18.00 55.00 98.00 5 16.00 0.00 4.00" in page.text
    assert page.page is not None
    assert f"/lots/{LOT}/money?from=2025-06-01&to=2025-06-01" in page.page.links
    answer = await manager.client.get(f"{REPORTS}/income/export?from=2025-06-01&to=2025-06-01")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[1][0].lstrip("\t'") == "2025-06-01"
    assert rows[-1][5] == "98.00"


@pytest.mark.parametrize("what", ["income", "traffic"])
async def test_the_newest_day_stands_first_and_its_chart_is_seen_first(
    small_house: House, manager: Browser, what: str
) -> None:
    await fortnight(small_house)
    page = await manager.see(f"{REPORTS}?what={what}&from=2025-05-25&to=2025-06-01")
    first, last = (page.raw.index(f">{day}<") for day in ("2025-06-01", "2025-05-25"))
    assert first < last
    assert 'class="drawn by-day"' in page.raw
    assert 'class="drawn by-day"' not in (await manager.see(f"{REPORTS}?what=hours")).raw


async def test_the_days_asked_for_most_are_one_press_away_in_the_same_report(
    small_house: House, manager: Browser
) -> None:
    page = (await manager.see(f"{REPORTS}?what=traffic")).page
    assert page is not None
    today = small_house.clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    for first, last in ((0, 0), (1, 1), (6, 0), (29, 0)):
        days = f"from={today - first * DAY}&to={today - last * DAY}"
        assert any(days in link and "what=traffic" in link for link in page.links), days


async def test_who_raised_arms_is_counted_by_name(small_house: House, manager: Browser) -> None:
    now = small_house.clock.now()
    for number, order_id in enumerate((None, None, "o1")):
        lift = Lift(LOT, f"L{number}", "A1", order_id, "open", "manual", "王芳", "试", now, now)
        await small_house.keep(lambda changes, lift=lift: changes.new_lifts.append(lift))  # type: ignore[misc]
    assert "王芳 3 1 2" in (await manager.see(f"{REPORTS}?what=lifts")).text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("from=yesterday", "日期要写成"),
        ("from=2025-06-02&to=2025-06-01", "“到”要不早于“从”"),
        ("from=2020-01-01&to=2025-06-01", "一次最多看 400 天"),
    ],
)
async def test_days_that_cannot_be_are_said_and_stay_typed(manager: Browser, asked: str, said: str) -> None:
    answer = await manager.open(f"{REPORTS}?what=hours&{asked}")
    assert answer.status == 422
    assert said in answer.text
    assert answer.page is not None
    fields = answer.page.form(REPORTS)
    assert f"from={fields['from']}" in asked
    assert (await manager.open(f"{REPORTS}/hours/export?{asked}")).status == 400


async def test_days_to_come_and_reports_that_are_not_there(manager: Browser) -> None:
    assert "这些天没有数据" in (await manager.see(f"{REPORTS}?from=2030-01-01&to=2030-01-31")).text
    assert "每天入账" in (await manager.see(f"{REPORTS}?what=nothing")).text
    assert (await manager.open(f"{REPORTS}/nothing/export")).status == 404
    assert (await manager.open(f"{REPORTS}/income/export?form=pdf")).status == 404


async def test_more_days_than_one_waits_for_are_worked_out_in_the_background(house: House) -> None:
    row = await house.database.read(lambda conn: views.lot(conn, LOT))
    assert row is not None
    now = house.clock.now()
    await house.order("粤B1", order_id="b1")
    await house.write(t.orders.update().values(requested_at=now - 50 * DAY))
    today = now.date()
    told = await reporting.tell(house.database, row, today - 60 * DAY, today, now)
    assert told.missing > 0
    assert told.inside == []
    assert await reporting.sum_up(house.database, row, now) > 0
    told = await reporting.tell(house.database, row, today - 60 * DAY, today, now)
    assert told.missing == 0
    assert await reporting.sum_up(house.database, row, now) == 0


async def test_reports_take_their_right_and_files_theirs(small_house: House) -> None:
    browser = await person(small_house, role_without(Right.REPORT_SEE))
    assert (await browser.open(REPORTS)).status == 403
    await browser.close()
    leader = await person(small_house, Role.SHIFT_LEADER, login="leader", name="值班")
    page = (await leader.see(REPORTS)).page
    assert page is not None
    assert not any("/export" in url for url in page.links)
    assert (await leader.open(f"{REPORTS}/income/export")).status == 403
    await leader.close()
