"""The days of passes: on which of them a pass holds, and the days of grace after its end (J2, J5, J7 of leaving)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from support.lot.exits import PLATE, ask_price, at_exit, bill, leaves, parked, pay_at_exit, with_tariff
from support.lot.parking import LOT_ID, Parking
from taigan.lot.errands.passes import TellPass
from taigan.lot.errors import BadValue
from taigan.lot.people.by import By
from taigan.lot.people.passes import AddPass, EndPass, GivenPass, Limits, PutLimits, PutPasses
from taigan.lot.stays.pass_times import days_of, days_told, hours_of, times
from taigan.lot.tariff.days import Calendar, published
from taigan.lot.tariff.errors import YearNotPublished
from taigan.storage import tables as t
from taigan.storage.rows import PassLimit

SHANGHAI = ZoneInfo("Asia/Shanghai")
BY = By("王芳", "办卡")
DAY = timedelta(days=1)


def here(*parts: int) -> datetime:
    """A moment of the lot's clock."""
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type]


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


def to(street: Parking, moment: datetime) -> None:
    """Let the time come."""
    street.clock.advance((moment - street.clock.now()).total_seconds())


async def sell(street: Parking, *plates: str, ends: datetime | None = None, card_id: str = "K1", **more: Any) -> None:
    now = street.clock.now()
    ends_at = ends or now + 300 * DAY
    given = AddPass(
        lot_id=LOT_ID,
        card_id=card_id,
        holder="",
        plates=list(plates),
        starts_at=now - DAY,
        ends_at=ends_at,
        by=BY,
        **more,
    )
    await street.platform.leaving.do(given)


async def grace(street: Parking, days: int) -> None:
    """The lot's own days of grace."""
    given = [PassLimit(LOT_ID, "grace", "", "", str(days))]
    await street.platform.leaving.do(PutLimits(lot_id=LOT_ID, limits=given, by=BY))


async def charged(street: Parking, plate: str = PLATE) -> int:
    """What a car owes at the exit; 0: it was let go, and has driven out. The bill says so too."""
    order = await street.order(plate)
    car = await at_exit(street, plate)
    answer = await ask_price(street)
    due = round(float(answer["price"]) * 100)
    if due:
        await pay_at_exit(street, order.order_id, answer["price"])
    await leaves(street, car)
    closed = await bill(street, order)
    assert (closed.charge_fen, closed.balance_fen) == (due, 0)
    return due


async def events(street: Parking) -> list[tuple[str, str]]:
    order = await street.order(PLATE)
    found = (await street.history(order)).events
    return [(one.event, one.detail) for one in found if one.event.startswith("pass ")]


def next_midnight(street: Parking) -> datetime:
    now = street.clock.now().astimezone(SHANGHAI)
    return here(now.year, now.month, now.day) + DAY


@pytest.mark.parametrize("own", [True, False])
async def test_j2_in_its_days_of_grace_a_pass_that_ran_out_lets_in_and_out_free_and_says_until_when(
    street: Parking, own: bool
) -> None:
    over = next_midnight(street)
    await grace(street, 2 if own else 7)
    await sell(street, PLATE, ends=over, grace_days=7 if own else None)
    to(street, over + 3 * DAY)
    await parked(street, PLATE, hours=5)
    last = over + 6 * DAY
    told = f"月卡已到期，宽限到{last.month}月{last.day}日，请续费"
    assert street.barrier("A1").shown[-1] == told
    assert await events(street) == [
        ("pass overdue", f"pass K1 was over at {over:%Y-%m-%d %H:%M}, and holds until {over + 7 * DAY:%Y-%m-%d %H:%M}")
    ]
    car = await at_exit(street)
    assert street.barrier("B1").shown[-1] == f"{PLATE} 请通行，{told}"
    answer = await ask_price(street)
    assert answer["price"] == "0.00"
    await leaves(street, car)
    closed = await bill(street, await street.order(PLATE))
    assert (closed.charge_fen, closed.balance_fen) == (0, 0)


async def test_j2_the_driver_who_scans_is_reminded_and_who_types_the_plate_is_not(street: Parking) -> None:
    over = next_midnight(street)
    await sell(street, PLATE, ends=over, grace_days=7)
    to(street, over + DAY)
    order = await parked(street, PLATE, hours=5)
    typed = await ask_price(street, scene=0, car_number=PLATE)
    assert (typed["price"], typed["errmsg"]) == ("0.00", "无需缴费")
    await street.arrives("B1")  # nothing is read of it: its driver scans
    scanned = await ask_price(street, scene=2, order_id=order.order_id, car_number=PLATE)
    last = over + 6 * DAY
    assert scanned["errmsg"] == f"无需缴费，请通行，月卡已到期，宽限到{last.month}月{last.day}日，请续费"


async def test_j2_what_is_beyond_the_days_of_grace_is_priced_from_the_second_on(street: Parking) -> None:
    over = next_midnight(street) + 2 * DAY
    await sell(street, PLATE, ends=over, grace_days=1)
    to(street, over - DAY)
    await parked(street, PLATE, hours=0)
    to(street, over + DAY + timedelta(minutes=75))
    car = await at_exit(street)
    last = over - DAY
    told = f"月卡{last.month}月{last.day}日已到期"
    assert street.barrier("B1").asked[-1].text == f"{told}，请扫码缴费"
    answer = await ask_price(street)
    assert (answer["price"], answer["errmsg"]) == ("4.00", told), "75 minutes"
    await pay_at_exit(street, answer["order_id"], "4.00")
    await leaves(street, car)


async def test_j2_without_days_of_grace_a_pass_that_ran_out_covers_nothing_more(street: Parking) -> None:
    over = next_midnight(street)
    await grace(street, 7)
    await sell(street, PLATE, ends=over, grace_days=0)
    to(street, over + DAY)
    await parked(street, PLATE, hours=3)
    assert street.barrier("A1").shown[-1] == "欢迎光临"
    assert await charged(street) == 600


async def test_j2_a_pass_that_a_person_ended_has_no_days_of_grace(street: Parking) -> None:
    await sell(street, PLATE, grace_days=7)
    await street.platform.leaving.do(EndPass(lot_id=LOT_ID, card_id="K1", by=BY))
    await parked(street, PLATE, hours=3)
    assert await charged(street) == 600


async def test_j2_bolinks_passes_have_the_lots_days_of_grace(street: Parking) -> None:
    over = next_midnight(street)
    await grace(street, 3)
    now = street.clock.now()
    told = TellPass(
        lot_id=LOT_ID, card_id="15", change="add", holder="", plates=[PLATE], starts_at=now - DAY, ends_at=over
    )
    assert await street.platform.leaving.do(told) == ""
    to(street, over + 2 * DAY)
    await parked(street, PLATE, hours=5)
    assert await charged(street) == 0
    to(street, over + 3 * DAY + timedelta(minutes=1))
    await parked(street, PLATE, hours=3)
    assert await charged(street) == 600


async def test_d28_without_an_order_a_car_in_its_days_of_grace_is_let_go(street: Parking) -> None:
    over = next_midnight(street)
    await sell(street, PLATE, ends=over, grace_days=2)
    to(street, over + DAY)
    await leaves(street, await at_exit(street))
    rows = await street.read(lambda conn: list(conn.execute(sa.select(t.orders.c.origin))))
    assert [row[0] for row in rows] == ["exit"]


async def test_j5_a_pass_for_weekdays_is_free_on_them_and_exact_at_their_midnights(street: Parking) -> None:
    await sell(street, PLATE, days="mon tue wed thu fri")
    monday = next_midnight(street)
    monday += (7 - monday.weekday()) % 7 * DAY
    to(street, monday + 4 * DAY + timedelta(hours=20))  # a Friday evening
    await parked(street, PLATE, hours=0)
    assert street.barrier("A1").shown[-1] == "月卡限周一至周五，其余时间收费"
    assert await events(street) == [("pass limited", "pass K1 is for mon tue wed thu fri only")]
    to(street, monday + 5 * DAY + timedelta(minutes=61))
    assert await charged(street) == 400, "61 minutes of the Saturday"
    to(street, monday + 6 * DAY + timedelta(hours=22))  # Sunday
    await parked(street, PLATE, hours=30)
    assert await charged(street) == 400, "two hours of the Sunday; the Monday is free"
    to(street, monday + 8 * DAY)
    await parked(street, PLATE, hours=72)
    assert await charged(street) == 0, "from a Tuesday to a Friday"


async def test_j5_a_pass_for_working_days_goes_by_the_published_holidays(street: Parking) -> None:
    await sell(street, PLATE, days="workday")
    to(street, here(2026, 9, 30, 23))  # a working day before the National Day, a Thursday
    await parked(street, PLATE, hours=4)
    assert await charged(street) == 600, "three hours of the holiday"
    to(street, here(2026, 10, 10, 9))  # a Saturday that is worked
    await parked(street, PLATE, hours=5)
    assert await charged(street) == 0


async def test_j5_where_nobody_knows_the_holidays_yet_a_person_sets_the_amount(street: Parking) -> None:
    last = max(published().years)
    await sell(street, PLATE, ends=here(last + 5, 1, 1), days="workday")
    to(street, here(last + 1, 3, 1, 9))
    await parked(street, PLATE, hours=5)
    await at_exit(street)
    answer = await ask_price(street)
    assert (answer["state"], answer["errmsg"]) == (0, "计费失败，请联系管理员")
    assert "not_priced" in await street.alarm_kinds()


async def test_a_rule_of_days_and_hours_is_what_bolink_names_by_its_number(street: Parking) -> None:
    rule = PassLimit(LOT_ID, "hours", "7", "工作日白天", "mon fri 08:00-18:00")
    await street.platform.leaving.do(PutLimits(lot_id=LOT_ID, limits=[rule], by=BY))
    now = street.clock.now()

    async def told(**more: Any) -> tuple[str, str]:
        given = {"change": "add", "holder": "", "plates": [PLATE], "starts_at": now, "ends_at": now + DAY} | more
        assert await street.platform.leaving.do(TellPass(lot_id=LOT_ID, card_id="15", **given)) == ""
        [row] = await street.read(lambda conn: list(conn.execute(sa.select(t.passes.c.days, t.passes.c.hours))))
        return row.days, row.hours

    assert await told(rule="7") == ("mon fri", "08:00-18:00")
    assert await told(change="modify_date") == ("mon fri", "08:00-18:00"), "what a change does not name stays"
    assert await told(hours="22:00-08:00") == ("", "22:00-08:00"), "hours alone are those of each day"
    assert await told(rule="7") == ("mon fri", "08:00-18:00")
    assert await told(change="modify_info", hours="") == ("", "")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"days": "someday"}, "days"), ({"days": "mon-workday"}, "days"), ({"grace_days": 32}, "grace_days")],
)
async def test_days_that_cannot_be_are_refused_by_their_field(
    street: Parking, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadValue) as refused:
        await sell(street, PLATE, **wrong)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("kind", "number", "body", "field"),
    [("grace", "", "32", "grace_days"), ("grace", "", "x", "grace_days"), ("hours", "7", "someday 08:00-9:00", "days")],
)
async def test_a_rule_that_cannot_be_is_refused_by_its_field(
    street: Parking, kind: str, number: str, body: str, field: str
) -> None:
    given = [PassLimit(LOT_ID, kind, number, "", body)]
    with pytest.raises(BadValue) as refused:
        await street.platform.leaving.do(PutLimits(lot_id=LOT_ID, limits=given, by=BY))
    assert refused.value.field == field


async def test_a_list_that_names_only_hours_leaves_days_and_grace_alone(street: Parking) -> None:
    await sell(street, PLATE, days="mon-fri", grace_days=3, spaces=0)
    now = street.clock.now()
    given = GivenPass("K1", "", (PLATE,), now, now + 9 * DAY, Limits(hours="08:00-18:00"), ("hours",))
    await street.platform.leaving.do(PutPasses(lot_id=LOT_ID, passes=[given], by=BY))
    [row] = await street.read(lambda conn: list(conn.execute(sa.select(t.passes))))
    assert (row.days, row.hours, row.grace_days) == ("mon tue wed thu fri", "08:00-18:00", 3)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("周一至周五", "mon tue wed thu fri"),
        ("星期六、礼拜天", "sat sun"),
        ("Fri - Mon", "mon fri sat sun"),
        ("工作日", "workday"),
        ("holidays weekend", "weekend holiday"),
        ("周日 monday", "mon sun"),
        ("周一到周日", ""),
        ("工作日 周末 节假日", ""),
        ("", ""),
    ],
)
def test_days_are_read_as_people_write_them(text: str, days: str) -> None:
    assert " ".join(days_of(text)) == days


@pytest.mark.parametrize("text", ["noday", "周八", "mon-", "-mon", "mon-workday", "周一周二", "1-5", "mon-tue-wed"])
def test_days_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w|-"):
        days_of(text)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ("mon tue wed thu fri", "周一至周五"),
        ("mon tue", "周一、周二"),
        ("mon wed thu fri sun", "周一、周三至周五、周日"),
        ("workday holiday", "工作日、节假日"),
    ],
)
def test_days_are_told_in_a_row(days: str, told: str) -> None:
    assert days_told(days.split()) == told


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday = here(2026, 6, 5, 18)
    [(first, last)] = times(("fri",), hours_of("22:00-08:00"), SHANGHAI, None, friday, friday + 3 * DAY)
    assert (first, last) == (here(2026, 6, 5, 22), here(2026, 6, 6, 8))


def test_days_in_a_row_are_one_stretch_with_the_clocks_put_forward_in_it() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begin, end = datetime(2026, 3, 27, tzinfo=berlin), datetime(2026, 4, 1, tzinfo=berlin)
    found = times(("sat", "sun"), [], berlin, None, begin, end)
    assert found == [(datetime(2026, 3, 28, tzinfo=berlin), datetime(2026, 3, 30, tzinfo=berlin))]
    assert found[0][1].astimezone(UTC) - found[0][0].astimezone(UTC) == timedelta(hours=47)


def test_kinds_of_day_need_a_year_that_is_published() -> None:
    calendar = Calendar(frozenset({date(2026, 6, 1)}), frozenset(), (2026,))
    begin = here(2026, 6, 1)
    assert times(("holiday",), [], SHANGHAI, calendar, begin, begin + 3 * DAY) == [(begin, begin + DAY)]
    with pytest.raises(YearNotPublished):
        times(("holiday",), [], SHANGHAI, calendar, here(2027, 6, 1), here(2027, 6, 2))
