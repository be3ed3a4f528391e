"""Passes that do not cover everything: fewer spaces than cars, areas, hours of the day (J1 to J5 of leaving)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from support.lot.exits import PLATE, ask_price, at_exit, bill, leaves, parked, pay_at_exit, with_tariff
from support.lot.parking import LOT_ID, Parking
from taigan.lot.errors import BadValue, Conflict
from taigan.lot.people.by import By
from taigan.lot.people.passes import AddPass, GivenPass, PutLimits, PutPasses
from taigan.lot.stays.covers import space_since
from taigan.lot.stays.pass_times import hours_of, times, written
from taigan.storage import tables as t
from taigan.storage.locked.passes import PassStay
from taigan.storage.rows import Order, PassLimit

SECOND, THIRD = "浙A22222", "浙A33333"
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)
BY = By("王芳", "办卡")
FULL = "月卡车位已满，按临时车收费"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def sell(street: Parking, *plates: str, card_id: str = "K1", **limits: Any) -> None:
    now = street.clock.now()
    days = {"starts_at": now - timedelta(days=30), "ends_at": now + timedelta(days=300)}
    given = AddPass(lot_id=LOT_ID, card_id=card_id, holder="", plates=list(plates), by=BY, **days, **limits)
    await street.platform.leaving.do(given)


async def limits(street: Parking, *areas: tuple[str, str]) -> None:
    given = [PassLimit(LOT_ID, "area", number, "", lanes) for number, lanes in areas]
    await street.platform.leaving.do(PutLimits(lot_id=LOT_ID, limits=given, by=BY))


async def charged(street: Parking, order: Order, plate: str) -> int:
    """What a car owes at the exit; 0: it was let go, and has driven out. The bill says so too."""
    car = await at_exit(street, plate)
    answer = await ask_price(street)
    due = round(float(answer["price"]) * 100)
    if due:
        await pay_at_exit(street, order.order_id, answer["price"])
    await leaves(street, car)
    closed = await bill(street, order)
    assert (closed.charge_fen, closed.balance_fen) == (due, 0)
    return due


async def alarms(street: Parking, kind: str) -> list[str]:
    return [one.text for one in await street.alarms() if one.kind == kind]


async def test_j1_a_pass_covers_the_whole_stay_and_says_nothing_of_limits(street: Parking) -> None:
    await sell(street, PLATE)
    order = await parked(street, PLATE, hours=20)
    assert street.barrier("A1").shown[-1] == "欢迎光临"
    assert await charged(street, order, PLATE) == 0


async def test_j4_who_comes_when_all_spaces_are_taken_pays_as_a_visitor(street: Parking) -> None:
    await sell(street, PLATE, SECOND, spaces=1)
    first = await parked(street, PLATE, hours=1)
    second = await parked(street, SECOND, hours=3)
    assert street.barrier("A1").shown[-1] == FULL
    assert [text.partition(": ")[2] for text in await alarms(street, "pass_full")] == [
        f"pass K1: its 1 spaces are taken by {PLATE}"
    ]
    car = await at_exit(street, SECOND)
    assert street.barrier("B1").asked[-1].text == f"{FULL}，请扫码缴费"
    answer = await ask_price(street)
    assert (answer["price"], answer["errmsg"]) == ("6.00", FULL)
    await pay_at_exit(street, second.order_id, "6.00")
    await leaves(street, car)
    assert (await bill(street, second)).charge_fen == 600
    assert await charged(street, first, PLATE) == 0
    third = await parked(street, SECOND, hours=5)
    assert await charged(street, third, SECOND) == 0


async def test_j4_a_space_that_is_left_within_half_an_hour_covers_from_then_on(street: Parking) -> None:
    await sell(street, PLATE, SECOND, THIRD, spaces=1)
    first = await parked(street, PLATE, hours=0)
    second = await parked(street, SECOND, hours=0)
    third = await parked(street, THIRD, hours=0.4)
    assert await charged(street, first, PLATE) == 0
    street.clock.advance(3600 * 9)
    assert await charged(street, second, SECOND) == 200, "the first hour begun; from then on it has the space"
    assert await charged(street, third, THIRD) == 2000, "the space was not his"


async def test_j4_a_space_that_is_left_later_is_not_his(street: Parking) -> None:
    await sell(street, PLATE, SECOND, spaces=1)
    first = await parked(street, PLATE, hours=0)
    second = await parked(street, SECOND, hours=0.6)
    assert await charged(street, first, PLATE) == 0
    street.clock.advance(3600)
    assert await charged(street, second, SECOND) == 400


@pytest.mark.parametrize(("minutes_less", "due"), [(1, 0), (-1, 200)])
async def test_j4_who_had_a_space_is_worked_out_from_the_seven_days_before(
    street: Parking, minutes_less: int, due: int
) -> None:
    await sell(street, PLATE, SECOND, THIRD, spaces=1)
    first = await parked(street, PLATE, hours=1)
    await parked(street, SECOND, hours=1)
    assert await charged(street, first, PLATE) == 0
    street.clock.advance((timedelta(days=7) - timedelta(minutes=minutes_less)).total_seconds())
    third = await parked(street, THIRD, hours=0.5)
    assert await charged(street, third, THIRD) == due, "the second had no space while it is known who had"


async def test_j5_a_pass_of_another_area_covers_nothing_and_one_of_this_area_all(street: Parking) -> None:
    await limits(street, ("1", "A1"), ("2", "A2"))
    await sell(street, PLATE, areas=["2"])
    await sell(street, SECOND, card_id="K2", areas=["1", "2"])
    elsewhere = await parked(street, PLATE, hours=0)
    assert street.barrier("A1").shown[-1] == "月卡不含本区域，按临时车收费"
    here = await parked(street, SECOND, hours=3)
    assert street.barrier("A1").shown[-1] == "欢迎光临"
    assert await alarms(street, "pass_full") == []
    assert await charged(street, elsewhere, PLATE) == 600
    assert await charged(street, here, SECOND) == 0


async def test_j5_outside_of_its_hours_a_night_pass_pays_by_the_price_list(street: Parking) -> None:
    local = street.clock.now().astimezone(SHANGHAI)
    ends = (local + timedelta(hours=2)).strftime("%H:%M")
    await sell(street, PLATE, hours=f"{local:%H:%M}-{ends}")
    order = await parked(street, PLATE, hours=5)
    hours = f"{local:%H:%M}-{ends}"
    assert street.barrier("A1").shown[-1] == f"月卡限{hours}，其余时间收费"
    shown = await ask_price(street, scene=0, car_number=PLATE)
    assert (shown["price"], shown.get("errmsg")) == ("6.00", None), "who types a plate is not told of its pass"
    assert await charged(street, order, PLATE) == 600
    within = await parked(street, PLATE, hours=0)
    assert street.clock.now().astimezone(SHANGHAI) > local
    street.clock.advance(3600 * 19)  # to the begin of its hours on the next day
    assert await charged(street, within, PLATE) == 3800


@pytest.mark.parametrize(
    ("limited", "let_go"), [({}, True), ({"hours": "00:00-00:01"}, False), ({"areas": ["1"]}, False)]
)
async def test_d28_without_an_order_a_pass_lets_go_only_where_and_when_it_holds(
    street: Parking, limited: dict[str, Any], let_go: bool
) -> None:
    await limits(street, ("1", "A1"))
    await sell(street, PLATE, **limited)
    car = await at_exit(street, PLATE)
    await leaves(street, car)
    rows = await street.read(lambda conn: list(conn.execute(sa.select(t.orders.c.origin))))
    assert [row[0] for row in rows] == (["exit"] if let_go else [])


async def test_a_limit_that_cannot_be_is_refused_by_its_field(street: Parking) -> None:
    for wrong, field in (({"hours": "25:00-26:00"}, "hours"), ({"areas": ["9"]}, "areas"), ({"spaces": -1}, "spaces")):
        with pytest.raises(BadValue) as refused:
            await sell(street, PLATE, **wrong)
        assert refused.value.field == field
    with pytest.raises(BadValue) as refused:
        await limits(street, ("1", "A1 Z9"))
    assert refused.value.field == "lanes"
    await limits(street, ("1", "A1"))
    await sell(street, PLATE, areas=["1"])
    with pytest.raises(Conflict, match="K1"):
        await limits(street)


async def test_a_list_that_says_nothing_of_limits_leaves_them_alone(street: Parking) -> None:
    await sell(street, PLATE, SECOND, spaces=1, hours="22:00-8:00")
    now = street.clock.now()
    same = GivenPass("K1", "陈先生", (PLATE, SECOND), now, now + timedelta(days=9))
    await street.platform.leaving.do(PutPasses(lot_id=LOT_ID, passes=[same], by=BY))
    [row] = await street.read(lambda conn: list(conn.execute(sa.select(t.passes))))
    assert (row.holder, row.spaces, row.hours) == ("陈先生", 1, "22:00-08:00")


def stay(name: str, began: int, ended: int | None = None) -> PassStay:
    """A stay of a car, in minutes from noon; its plate is its name."""
    end = None if ended is None else NOON + timedelta(minutes=ended)
    return PassStay(f"O{name}{began}", name, "A1", NOON + timedelta(minutes=began), end)


@pytest.mark.parametrize(
    ("others", "spaces", "since", "holders"),
    [
        ([], 1, 0, ()),
        ([stay("a", -60)], 1, None, ("a",)),
        ([stay("a", -60)], 2, 0, ("a",)),
        ([stay("a", -60, -1)], 1, 0, ()),
        ([stay("a", -60, 30)], 1, 30, ("a",)),
        ([stay("a", -60, 31)], 1, None, ("a",)),
        ([stay("a", -60, 10), stay("b", -5)], 1, None, ("b",)),  # b came first and takes the space that a leaves
        ([stay("a", -60, 10), stay("b", -5, 5)], 1, 10, ("a",)),  # b is gone before
        ([stay("a", -60, 10), stay("b", -40)], 1, 10, ("a",)),  # b waited too long: it is nobody's
        ([stay("a", -60), stay("b", -50, 20), stay("c", -45)], 2, 20, ("a", "b")),
        ([stay("own", -600)], 1, 0, ()),  # its own stay that nobody saw end
        ([stay("a", 1)], 1, 0, ()),
    ],
)
def test_spaces_go_to_who_comes_first(
    others: list[PassStay], spaces: int, since: int | None, holders: tuple[str, ...]
) -> None:
    own = stay("own", 0)
    found = space_since([*others, own], own, spaces, NOON - timedelta(days=30))
    assert found == (None if since is None else NOON + timedelta(minutes=since), holders)


def test_spaces_are_taken_from_when_the_pass_begins() -> None:
    own = stay("own", -30)
    assert space_since([stay("a", -60), own], own, 1, NOON)[0] is None, "the car that stood there first has it"
    assert space_since([stay("a", -60, -10), own], own, 1, NOON)[0] == NOON


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("22:00-08:00", "22:00-08:00"),
        (" 7:00 – 9:00，17:00至19:30 ", "07:00-09:00 17:00-19:30"),
        ("00:00-24:00", "00:00-24:00"),
        ("", ""),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, kept: str) -> None:
    assert written(hours_of(text)) == kept


@pytest.mark.parametrize(
    "text", ["night", "22-8", "22:60-23:00", "24:00-01:00", "08:00-08:00", "08:00-24:01", "1:00-2:00 " * 9]
)
def test_hours_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\d|night"):
        hours_of(text)


def test_hours_follow_the_clock_of_the_lot_over_midnight_and_summer_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = hours_of("22:00-06:00")
    begin, end = datetime(2026, 3, 28, 20, tzinfo=berlin), datetime(2026, 3, 29, 12, tzinfo=berlin)
    [(first, last)] = times((), night, berlin, None, begin, end)
    assert last - first == timedelta(hours=7), "the night in which the clocks go forward"
    inside = datetime(2026, 6, 2, 1, tzinfo=SHANGHAI)
    [(first, last)] = times((), night, SHANGHAI, None, inside, inside + timedelta(hours=10))
    assert (first, last) == (inside, datetime(2026, 6, 2, 6, tzinfo=SHANGHAI))
