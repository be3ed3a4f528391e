"""What a pass covers of a stay, who has its spaces, until when it holds, and what drivers are told of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from taigan.lot.errors import CannotPrice
from taigan.lot.stays.covers import (
    Cover,
    holds_until,
    limit_told,
    limits_told,
    overdue_told,
    space_since,
    times_told,
)
from taigan.lot.tariff.days import Calendar
from taigan.storage.locked.passes import PassStay
from taigan.storage.rows import Pass

SHANGHAI = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 5, 4, tzinfo=UTC)  # a Monday, eight in the morning at the lot
HOUR = timedelta(hours=1)


def hour(number: float) -> datetime:
    return BEGIN + number * HOUR


def card(**more: Any) -> Pass:
    given: dict[str, Any] = {"starts_at": hour(0), "ends_at": hour(240)} | more
    return Pass("lot", "K1", "", given.pop("starts_at"), given.pop("ends_at"), "", "", hour(0), **given)


def cover(
    *,
    here: bool = True,
    since: datetime | None = BEGIN,
    ends_at: datetime | None = None,
    calendar: Calendar | None = None,
    **more: Any,
) -> Cover:
    of = card(**more)
    return Cover(of, here, since, SHANGHAI, ends_at or of.ends_at, calendar)


def test_a_pass_covers_from_its_space_on_to_its_end() -> None:
    assert cover().times(hour(1), hour(5)) == [(hour(1), hour(5))]
    assert cover(since=hour(2)).times(hour(1), hour(5)) == [(hour(2), hour(5))]
    assert cover(ends_at=hour(3)).times(hour(1), hour(5)) == [(hour(1), hour(3))]
    assert cover(since=hour(5)).times(hour(1), hour(5)) == []
    assert cover(ends_at=hour(1)).times(hour(1), hour(5)) == []


def test_in_another_area_or_without_a_space_it_covers_nothing_and_says_which() -> None:
    assert (cover(here=False).times(hour(1), hour(5)), cover(here=False).lacks) == ([], "area")
    assert (cover(since=None).times(hour(1), hour(5)), cover(since=None).lacks) == ([], "spaces")
    assert (cover(here=False, since=None).lacks, cover().lacks) == ("area", "")


def test_days_and_hours_limit_it() -> None:
    assert cover(hours="09:00-10:00").times(hour(0), hour(48)) == [(hour(1), hour(2)), (hour(25), hour(26))]
    assert cover(days="tue").times(hour(0), hour(48)) == [(hour(16), hour(40))]
    assert cover(days="tue", hours="09:00-10:00").times(hour(0), hour(48)) == [(hour(25), hour(26))]


def test_a_pass_by_kinds_of_day_needs_a_year_that_is_published() -> None:
    known = Calendar(frozenset({date(2026, 5, 4)}), frozenset(), (2026,))
    assert cover(days="holiday", calendar=known).times(hour(0), hour(48)) == [(hour(0), hour(16))]
    with pytest.raises(CannotPrice, match="2027"):
        cover(days="holiday", calendar=known, ends_at=hour(24 * 400)).times(hour(24 * 300), hour(24 * 301))


def test_it_is_valid_from_its_first_moment_to_before_its_last_and_overdue_after_its_own_end() -> None:
    one = cover(ends_at=hour(264))
    assert [one.is_valid(hour(n)) for n in (-0.1, 0, 263.9, 264, 265)] == [False, True, True, False, False]
    assert [one.is_overdue(hour(n)) for n in (239.9, 240, 263.9, 264)] == [False, True, True, False]
    assert [one.has_run_out(hour(n)) for n in (263.9, 264)] == [False, True]
    assert not cover(ended_at=hour(3), ends_at=hour(3)).has_run_out(hour(4)), "a person ended it"


def test_days_of_grace_are_the_passs_own_or_else_the_lots_and_none_once_a_person_ended_it() -> None:
    assert holds_until(card(), 0, SHANGHAI) == hour(240)
    assert holds_until(card(), 3, SHANGHAI) == hour(240 + 72)
    assert holds_until(card(grace_days=1), 3, SHANGHAI) == hour(240 + 24)
    assert holds_until(card(grace_days=0), 3, SHANGHAI) == hour(240)
    assert holds_until(card(ended_at=hour(5)), 3, SHANGHAI) == hour(5)
    assert holds_until(card(ended_at=hour(500)), 3, SHANGHAI) == hour(240)


def test_a_day_of_grace_is_a_day_of_the_lots_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    end = datetime(2026, 3, 28, 12, tzinfo=berlin)
    assert holds_until(card(ends_at=end), 1, berlin) == datetime(2026, 3, 29, 12, tzinfo=berlin).astimezone(UTC)
    assert holds_until(card(ends_at=end), 1, berlin).tzinfo is UTC


def test_drivers_are_told_why_a_pass_does_not_cover_all() -> None:
    assert limit_told(None, hour(1)) == ""
    assert limit_told(cover(here=False), hour(1)) == "月卡不含本区域，按临时车收费"
    assert limit_told(cover(since=None), hour(1)) == "月卡车位已满，按临时车收费"
    assert limit_told(cover(), hour(240)) == "月卡5月14日已到期"
    assert limit_told(cover(hours="09:00-10:00"), hour(1)) == "月卡限09:00-10:00，其余时间收费"
    assert overdue_told(cover(ends_at=hour(264))) == "月卡已到期，宽限到5月15日，请续费"


def test_the_last_day_of_a_pass_that_ends_at_midnight_is_the_day_before() -> None:
    assert limit_told(cover(ends_at=hour(16)), hour(240)) == "月卡5月14日已到期"
    assert overdue_told(cover(ends_at=hour(16))).startswith("月卡已到期，宽限到5月4日")
    assert overdue_told(cover(ends_at=hour(16) + timedelta(seconds=1))).startswith("月卡已到期，宽限到5月5日")


def test_limits_are_told_to_bolink_in_its_words() -> None:
    assert limits_told(card(), 0) == ""
    assert limits_told(card(spaces=2, areas="1 2", hours="22:00-08:00 12:00-14:00", days="mon tue wed"), 7) == (
        "车位2个，限区域1、2，限周一至周三 22:00-08:00、12:00-14:00，到期后宽限7天"
    )
    assert limits_told(card(grace_days=0), 7) == ""
    assert limits_told(card(grace_days=2), 0) == "到期后宽限2天"
    assert limits_told(card(days="sun"), 0) == "限周日"
    assert limits_told(card(hours="22:00-08:00"), 0) == "限22:00-08:00"
    assert (times_told(card(days="sat sun")), times_told(card())) == ("周六、周日", "")


def stay(plate: str, began: float, ended: float | None = None) -> PassStay:
    return PassStay(f"order of {plate} {began}", plate, "A1", hour(began), None if ended is None else hour(ended))


def has(own: PassStay, *others: PassStay, spaces: int = 1, starts: float = -100) -> tuple[datetime | None, list[str]]:
    since, holders = space_since([*others, own], own, spaces, hour(starts))
    return since, list(holders)


def test_the_first_to_come_has_the_space_and_the_next_has_none_while_he_stays() -> None:
    assert has(stay("A", 1)) == (hour(1), [])
    assert has(stay("B", 2), stay("A", 1)) == (None, ["A"])
    assert has(stay("B", 2), stay("A", 1), spaces=2) == (hour(2), ["A"])
    assert has(stay("C", 3), stay("B", 2), stay("A", 1), spaces=2) == (None, ["A", "B"])
    assert has(stay("A", 1), stay("B", 2)) == (hour(1), [])


def test_a_space_that_is_left_within_half_an_hour_is_his_from_then_on() -> None:
    wait = 0.5
    assert has(stay("B", 2, None), stay("A", 1, 2 + wait)) == (hour(2.5), ["A"])
    assert has(stay("B", 2, None), stay("A", 1, 2 + wait + 0.01)) == (None, ["A"])
    assert has(stay("B", 2, None), stay("A", 1, 2)) == (hour(2), [])
    assert has(stay("B", 2, 2.2), stay("A", 1, 2.3)) == (None, ["A"]), "he was gone before it was free"
    assert has(stay("B", 2, 2.3), stay("A", 1, 2.3)) == (None, ["A"])
    assert has(stay("B", 2, 2.31), stay("A", 1, 2.3)) == (hour(2.3), ["A"])


def test_who_had_no_space_takes_none_from_those_who_come_later() -> None:
    assert has(stay("C", 4), stay("B", 2), stay("A", 1, 3.9)) == (hour(4), [])
    assert has(stay("C", 2.2), stay("B", 2), stay("A", 1, 2.1)) == (None, ["B"])


def test_a_plate_takes_one_space_even_where_its_exit_was_not_seen() -> None:
    assert has(stay("A", 5), stay("A", 1)) == (hour(5), [])
    assert has(stay("B", 6), stay("A", 5, 5.5), stay("A", 1)) == (hour(6), [])
    assert has(stay("A", 5, 7), stay("A", 1, 2), stay("B", 2)) == (None, ["B"])


def test_before_the_pass_began_nobody_had_its_spaces() -> None:
    assert has(stay("B", 2), stay("A", 1, 3), starts=3) == (hour(3), [])
    assert has(stay("B", 2), stay("A", 1), starts=3) == (None, ["A"]), "who came first is first when it begins"
    assert has(stay("A", 1), stay("B", 2), starts=3) == (hour(3), [])
    assert has(stay("A", 1, 2), starts=3) == (None, [])


def test_of_two_who_came_at_once_the_first_order_has_the_space() -> None:
    assert has(stay("B", 1), stay("A", 1)) == (None, ["A"])
    assert has(stay("A", 1), stay("B", 1)) == (hour(1), [])


def test_those_who_go_first_are_named_in_order() -> None:
    assert has(stay("C", 3), stay("B", 1), stay("A", 2), spaces=3) == (hour(3), ["A", "B"])
