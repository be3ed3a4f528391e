"""One order's money as it is quoted, paid, reduced, taken back and closed: no database, a fen for each minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from taigan.lot.errors import CannotPrice
from taigan.lot.stays.account import FREE_LIST, PASS, Account, plates_of
from taigan.lot.stays.charge import Interval
from taigan.lot.stays.covers import Cover
from taigan.lot.stays.pricing import Priced as Asked
from taigan.lot.tariff.result import Free, Price
from taigan.storage.changes import Changes
from taigan.storage.rows import Bill, Order, Pass, Payment, Quote, Reduction

ENTRY = datetime(2026, 5, 4, 8, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
LEAVE = timedelta(minutes=15)
VALID = timedelta(minutes=5)


def minute(number: float) -> datetime:
    return ENTRY + timedelta(minutes=number)


def by_the_minute(entry: datetime, at: datetime, vehicle: str, covered: Sequence[Interval]) -> Asked:
    """The list is known for five hours; the covered minutes do not overlap."""
    if at > minute(300):
        raise CannotPrice("no price list")
    inside = sum((max(timedelta(), min(end, at) - max(begin, entry)) for begin, end in covered), timedelta())
    fen = int((at - entry - inside) / timedelta(minutes=1))
    return Asked(3, Price(fen, (), (), 0, 100, Free.NONE, date(2026, 1, 1)))


def account(
    *, covers: Sequence[Cover] = (), free: Sequence[Interval] = (), bill: Bill | None = None, **order: Any
) -> Account:
    given: dict[str, Any] = {"in_at": ENTRY, "plate": "京A12345"} | order
    told = Order("lot", "order", "plate", "in", "", "京A12345", "", "", "", "", "A1", None, None, "", minute(-5))
    for name, value in given.items():
        setattr(told, name, value)
    return Account(told, bill or Bill("lot", "order"), [], [], list(covers), list(free), by_the_minute, Changes())


def card(**more: Any) -> Pass:
    return Pass("lot", "K1", "", minute(-1000), more.pop("ends_at", minute(1000)), "", "", minute(-1000), **more)


def cover(*, here: bool = True, since: datetime | None = ENTRY, ends_at: datetime | None = None, **more: Any) -> Cover:
    of = card(**more)
    return Cover(of, here, since, SHANGHAI, ends_at or of.ends_at)


def payment(fen: int, at: float, number: str = "p1") -> Payment:
    return Payment("lot", number, "bolink", "t", "order", "", "", "prepay", "paid", fen, 0, minute(at), minute(at))


def reduction(kind: str, value: int, at: float = 0) -> Reduction:
    return Reduction("lot", f"{kind} {value}", "person", "", kind, value, None, None, "order", "", "", minute(at))


def quote(of: Account, at: float) -> Quote:
    return of.quote("Q1", minute(at), minute(at), "car", VALID)


def kept(of: Account) -> Bill | None:
    """The bill that is written."""
    return of._changes.bills.get(("lot", "order"))


def test_a_stay_begins_when_the_car_was_in_or_else_when_it_asked() -> None:
    assert account().entry == ENTRY
    assert account(in_at=None).entry == minute(-5)


def test_what_is_due_is_the_price_less_reductions_and_what_was_paid_and_never_below_nothing() -> None:
    one = account()
    assert (one.due(minute(60)), one.due(ENTRY)) == (60, 0)
    one.reduce(reduction("fen", 20))
    assert one.due(minute(60)) == 40
    one.bill.paid_fen, one.bill.refunded_fen = 50, 20
    assert one.due(minute(60)) == 10
    one.bill.paid_fen = 500
    assert one.due(minute(60)) == 0


def test_it_is_free_by_a_pass_or_by_the_free_list_and_says_by_which() -> None:
    for free, covers, by in (([], [cover()], PASS), ([(ENTRY, minute(60))], [], FREE_LIST)):
        found = account(free=free, covers=covers).priced(minute(60))
        assert (found.charge_fen, found.covered_by) == (0, by)
    both = account(free=[(minute(30), minute(60))], covers=[cover(ends_at=minute(30))]).priced(minute(60))
    assert (both.charge_fen, both.covered_by) == (0, PASS)


def test_a_quote_says_what_it_was_worked_out_from() -> None:
    one = account()
    one.reduce(reduction("fen", 10))
    one.bill.paid_fen = 15
    found = one.quote("Q7", minute(61), minute(60), "car", VALID)
    assert (found.lot_id, found.order_id, found.quote_no, found.presence_id) == ("lot", "order", "Q7", "car")
    assert (found.asked_at, found.charge_at, found.valid_until) == (minute(61), minute(60), minute(66))
    assert (found.charge_fen, found.reduced_fen, found.credited_fen, found.due_fen) == (60, 10, 15, 35)
    assert found.price_list == 3


def test_a_quote_of_one_who_paid_more_is_of_nothing() -> None:
    one = account()
    one.bill.paid_fen = 90
    assert quote(one, 60).due_fen == 0


def test_while_the_time_to_leave_runs_the_quote_is_what_was_agreed_and_then_the_stay_costs_more() -> None:
    one = account()
    assert one.pay(payment(60, 60), quote(one, 60), LEAVE)
    agreed = quote(one, 70)
    assert (agreed.charge_fen, agreed.due_fen, agreed.price_list) == (60, 0, 3)
    later = quote(one, 76)
    assert (later.charge_fen, later.credited_fen, later.due_fen) == (76, 60, 16)


def test_the_quote_of_a_closed_stay_is_what_is_owed() -> None:
    one = account()
    one.close(minute(60), minute(60))
    found = quote(one, 200)
    assert (found.charge_fen, found.due_fen) == (60, 60)
    one.bill.paid_fen = 70
    assert quote(one, 200).due_fen == 0


def test_a_payment_of_a_quote_settles_it_whatever_the_stay_costs_by_then() -> None:
    one = account()
    given = quote(one, 60)
    assert one.pay(payment(60, 64), given, LEAVE) is True
    bill = one.bill
    assert (bill.charge_fen, bill.reduced_fen, bill.paid_fen, bill.balance_fen, bill.price_list) == (60, 0, 60, 0, 3)
    assert bill.leave_by == minute(64) + LEAVE
    assert (one.is_settled(minute(79)), one.is_settled(minute(79.1))) == (True, False)
    assert one.due(minute(79)) == 0
    assert kept(one) is bill


def test_who_pays_a_quote_after_it_ran_out_has_the_time_to_leave_from_its_end() -> None:
    one = account()
    assert one.pay(payment(60, 90), quote(one, 60), LEAVE)
    assert one.bill.leave_by == minute(65) + LEAVE


def test_less_than_the_quote_settles_nothing_and_the_rest_does() -> None:
    one = account()
    given = quote(one, 60)
    assert one.pay(payment(59, 61), given, LEAVE) is False
    assert (one.bill.leave_by, one.bill.charge_fen, one.bill.paid_fen) == (None, None, 59)
    assert one.pay(payment(1, 62, "p2"), given, LEAVE) is True
    assert [one.fen for one in one.payments] == [59, 1]


def test_a_reduction_that_came_between_quote_and_payment_counts_and_one_that_ended_still_does() -> None:
    one = account()
    given = quote(one, 60)
    one.reduce(reduction("fen", 20))
    assert one.pay(payment(60, 61), given, LEAVE)
    assert (one.bill.reduced_fen, one.bill.balance_fen) == (20, -20)
    other = account()
    other.reduce(reduction("fen", 20))
    given = quote(other, 60)
    other.unreduce(other.reductions[0], minute(60))
    assert other.pay(payment(40, 61), given, LEAVE)
    assert (other.bill.charge_fen, other.bill.reduced_fen, other.bill.balance_fen) == (60, 20, 0)


def test_what_persons_waived_is_told_with_the_quote_that_was_paid() -> None:
    one = account()
    one.reduce(reduction("waiver", 20))
    assert one.pay(payment(40, 61), quote(one, 60), LEAVE)
    assert (one.bill.reduced_fen, one.bill.waived_fen) == (20, 20)


def test_a_quote_whose_price_nobody_can_work_out_any_more_is_settled_as_it_was_told() -> None:
    one = account()
    told = Quote("lot", "Q1", "order", "car", minute(400), minute(400), 300, 50, 0, 250, 2, minute(405))
    assert one.pay(payment(249, 401), told, LEAVE) is False
    assert one.pay(payment(1, 401, "p2"), told, LEAVE) is True
    assert (one.bill.charge_fen, one.bill.reduced_fen, one.bill.waived_fen, one.bill.price_list) == (300, 50, 0, 2)


def test_without_a_quote_the_price_of_the_moment_of_payment_is_settled() -> None:
    one = account()
    one.reduce(reduction("waiver", 10))
    assert one.pay(payment(49, 60), None, LEAVE) is False
    assert one.bill.leave_by is None
    assert one.pay(payment(1, 60, "p2"), None, LEAVE) is True
    assert (one.bill.charge_fen, one.bill.reduced_fen, one.bill.waived_fen, one.bill.price_list) == (60, 10, 10, 3)
    assert one.bill.leave_by == minute(60) + LEAVE


def test_money_for_a_stay_that_cannot_be_priced_is_kept_and_settles_nothing() -> None:
    one = account()
    assert one.pay(payment(60, 400), None, LEAVE) is False
    assert (one.bill.paid_fen, one.bill.leave_by) == (60, None)
    assert kept(one) is one.bill


def test_who_pays_twice_while_the_time_to_leave_runs_has_no_more_time_by_it() -> None:
    one = account()
    assert one.pay(payment(60, 60), quote(one, 60), LEAVE)
    until = one.bill.leave_by
    assert one.pay(payment(60, 70, "p2"), quote(one, 70), LEAVE) is False
    assert (one.bill.leave_by, one.bill.paid_fen, one.bill.balance_fen) == (until, 120, -60)


def test_a_payment_that_is_taken_back_makes_the_stay_due_again() -> None:
    one = account()
    one.reduce(reduction("waiver", 20))
    paid = payment(40, 60)
    assert one.pay(paid, quote(one, 60), LEAVE)
    one._changes.bills.clear()
    one.unpay(paid)
    bill = one.bill
    assert (bill.paid_fen, bill.leave_by) == (0, None)
    assert (bill.charge_fen, bill.reduced_fen, bill.waived_fen) == (None, 0, 0)
    assert kept(one) is bill


def test_a_payment_that_is_taken_back_from_a_closed_stay_is_owed() -> None:
    one = account()
    one.reduce(reduction("waiver", 20))
    paid = payment(40, 60)
    assert one.pay(paid, quote(one, 60), LEAVE)
    one.close(minute(65), minute(65))
    one.unpay(paid)
    assert (one.bill.charge_fen, one.bill.reduced_fen, one.bill.waived_fen, one.bill.balance_fen) == (60, 20, 20, 40)


def test_a_closed_stay_takes_waivers_and_nothing_else_off() -> None:
    one = account()
    one.close(minute(60), minute(60))
    one._changes.bills.clear()
    one.reduce(reduction("fen", 5))
    assert (one.bill.balance_fen, kept(one)) == (60, None)
    one.reduce(reduction("waiver", 20))
    assert (one.bill.balance_fen, one.bill.reduced_fen, one.bill.waived_fen) == (40, 20, 20)
    assert kept(one) is one.bill
    assert one._changes.reductions == one.reductions


def test_a_waiver_of_an_open_stay_is_not_on_its_bill_before_it_is_agreed() -> None:
    one = account()
    one.reduce(reduction("waiver", 20))
    assert (one.bill.reduced_fen, one.bill.waived_fen, kept(one)) == (0, 0, None)


def test_a_reduction_that_ended_counts_no_longer_and_the_others_do() -> None:
    one = account()
    one.reduce(reduction("fen", 20))
    one.reduce(reduction("fen", 5))
    gone = one.reductions[0]
    one.unreduce(gone, minute(30))
    assert (one.due(minute(60)), gone.ended_at, one._changes.reductions_ended) == (55, minute(30), [gone])


def test_what_a_person_set_is_charged_until_he_takes_it_back() -> None:
    one = account()
    one.set_charge(17)
    assert (one.due(minute(60)), kept(one)) == (17, one.bill)
    one._changes.bills.clear()
    one.set_charge(None)
    assert (one.due(minute(60)), kept(one)) == (60, one.bill)


def test_the_time_to_leave_is_moved_later_and_never_earlier() -> None:
    one = account()
    one.extend(minute(90))
    assert (one.bill.leave_by, kept(one)) == (minute(90), one.bill)
    one.extend(minute(80))
    assert one.bill.leave_by == minute(90)
    one.extend(minute(100))
    assert one.bill.leave_by == minute(100)


def test_a_stay_that_ends_while_it_is_settled_keeps_what_was_agreed() -> None:
    one = account()
    assert one.pay(payment(60, 60), quote(one, 60), LEAVE)
    assert one.close(minute(75), minute(74)) == ""
    assert (one.bill.charge_fen, one.bill.closed_at, one.bill.balance_fen) == (60, minute(75), 0)


def test_a_stay_that_ends_after_the_time_to_leave_is_charged_up_to_then() -> None:
    one = account()
    one.reduce(reduction("waiver", 5))
    assert one.pay(payment(55, 60), quote(one, 60), LEAVE)
    one._changes.bills.clear()
    assert one.close(minute(90), minute(80)) == ""
    assert (one.bill.charge_fen, one.bill.reduced_fen, one.bill.waived_fen, one.bill.balance_fen) == (80, 5, 5, 20)
    assert kept(one) is one.bill


def test_a_stay_whose_time_to_leave_a_person_gave_without_a_payment_is_charged_when_it_ends() -> None:
    one = account()
    one.extend(minute(90))
    one.close(minute(60), minute(60))
    assert one.bill.charge_fen == 60


def test_a_stay_that_cannot_be_priced_when_it_ends_comes_to_what_was_paid_and_a_person_looks_at_it() -> None:
    one = account(bill=Bill("lot", "order", paid_fen=70, refunded_fen=10))
    assert one.close(minute(400), minute(400)).startswith("无法计费: no price list")
    bill = one.bill
    assert (bill.charge_fen, bill.reduced_fen, bill.waived_fen, bill.balance_fen) == (60, 0, 0, 0)
    assert (bill.price_list, bill.closed_at) == (None, minute(400))


def test_a_pass_that_would_cover_all_but_for_its_limits_is_named() -> None:
    limited = [
        cover(here=False),
        cover(since=None),
        cover(days="sun"),
        cover(hours="00:00-01:00"),
        cover(ends_at=minute(30)),
    ]
    for one in limited:
        assert account(covers=[one]).limited_by(minute(60)) is one
    assert account(covers=[cover()]).limited_by(minute(60)) is None
    assert account(covers=[limited[0], cover()]).limited_by(minute(60)) is None, "another covers all"
    assert account().limited_by(minute(60)) is None


def test_a_pass_that_was_over_before_the_stay_or_begins_after_it_is_not_named() -> None:
    assert account(covers=[cover(ends_at=ENTRY)]).limited_by(minute(60)) is None
    assert account(covers=[cover(ends_at=minute(1))]).limited_by(minute(60)) is not None
    later = cover(since=None)
    later.card.starts_at = minute(60.1)
    assert account(covers=[later]).limited_by(minute(60)) is None
    later.card.starts_at = minute(60)
    assert account(covers=[later]).limited_by(minute(60)) is later


def test_a_pass_that_covers_only_from_its_space_on_and_has_no_other_limit_is_not_named() -> None:
    assert account(covers=[cover(since=minute(10))]).limited_by(minute(60)) is None


def test_who_holds_by_days_of_grace_only_is_reminded_of_the_last_of_them() -> None:
    grace = cover(ends_at=minute(2000))
    grace.card.ends_at = minute(30)
    longer = cover(ends_at=minute(4000))
    longer.card.ends_at = minute(40)
    assert "5月6日" in account(covers=[grace]).reminder(minute(60))
    assert "5月7日" in account(covers=[grace, longer]).reminder(minute(60))
    assert account(covers=[grace]).reminder(minute(29)) == "", "it is not over yet"
    assert account(covers=[grace, cover()]).reminder(minute(60)) == "", "another still runs"
    assert account(covers=[grace]).reminder(minute(2000)) == "", "its days of grace are over"
    lacking = cover(since=None, ends_at=minute(2000))
    lacking.card.ends_at = minute(30)
    assert account(covers=[lacking]).reminder(minute(60)) == "", "it has no space for the car"
    assert account().reminder(minute(60)) == ""


@pytest.mark.parametrize(
    ("plate", "licence", "origin", "plates"),
    [
        ("京A1", "京A1", "plate", ["京A1"]),
        ("京B2", "京A1", "plate", ["京A1", "京B2"]),
        ("", "京A1", "plate", ["京A1"]),
        ("", "EA1", "scan", []),
        ("京B2", "EA1", "scan", ["京B2"]),
    ],
)
def test_a_pass_is_looked_for_under_the_plate_that_was_read_and_the_one_that_was_corrected(
    plate: str, licence: str, origin: str, plates: list[str]
) -> None:
    assert plates_of(account(plate=plate, licence=licence, origin=origin).order) == plates
