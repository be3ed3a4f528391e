"""What a stay costs and how much of it reductions take off, as numbers: a fen for each minute that nothing covers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from taigan.lot.errors import CannotPrice
from taigan.lot.stays.charge import Interval, Priced, priced
from taigan.lot.stays.pricing import Priced as Asked
from taigan.lot.tariff.result import Free, Price
from taigan.storage.rows import Payment, Reduction

ENTRY = datetime(2026, 5, 4, 8, tzinfo=UTC)
AT = ENTRY + timedelta(hours=10)  # 600 fen
VERSION = 7


def minute(number: float) -> datetime:
    """A moment of the stay."""
    return ENTRY + timedelta(minutes=number)


def between(first: float, last: float) -> Interval:
    return minute(first), minute(last)


def by_the_minute(entry: datetime, at: datetime, vehicle: str, covered: Sequence[Interval]) -> Asked:
    free = {
        int((begin - entry) / timedelta(minutes=1)) + n
        for begin, end in ((max(b, entry), min(e, at)) for b, e in covered)
        for n in range(max(0, int((end - begin) / timedelta(minutes=1))))
    }
    fen = int((at - entry) / timedelta(minutes=1)) - len(free)
    fen *= 2 if vehicle == "large" else 1
    return Asked(VERSION, Price(fen, (), (), 0, 100, Free.NONE, date(2026, 1, 1)))


def nobody_knows(*_: object) -> Asked:
    raise CannotPrice("the lot has no price list", "entry")


def reduction(kind: str, value: int = 0, *, at: float = 0, **more: Any) -> Reduction:
    """One that came so many minutes after the entry; its id is kind and value."""
    window = more.pop("window", (None, None))
    return Reduction("lot", f"{kind} {value}", "coupon", "", kind, value, *window, "order", "", "", minute(at), **more)


def payment(fen: int, at: float, state: str = "paid") -> Payment:
    return Payment("lot", f"p{at}", "bolink", "t", "order", "", "", "prepay", state, fen, 0, minute(at), minute(at))


def stay(*reductions: Reduction, paid: Sequence[Payment] = (), covered: Sequence[Interval] = (), **more: Any) -> Priced:
    vehicle = more.pop("vehicle", "")
    return priced(ENTRY, more.pop("at", AT), vehicle, by_the_minute, covered, reductions, paid, **more)


def test_a_stay_costs_what_the_price_list_asks_and_says_which_list() -> None:
    found = stay()
    assert (found.charge_fen, found.reduced_fen, found.owed_fen, found.version, found.at) == (600, 0, 600, VERSION, AT)
    assert (found.price is not None, found.covered_by, found.taken_fen, found.waived_fen) == (True, "", {}, 0)
    assert stay(vehicle="large").charge_fen == 1200


def test_what_passes_cover_is_not_charged() -> None:
    found = stay(covered=[between(0, 60), between(30, 90)], covered_by="月卡")
    assert (found.charge_fen, found.covered, found.covered_by) == (510, (between(0, 60), between(30, 90)), "")


@pytest.mark.parametrize(
    "covered",
    [
        [between(0, 600)],
        [between(-60, 660)],
        [between(300, 600), between(0, 300)],
        [between(0, 400), between(100, 200), between(350, 600)],
    ],
)
def test_a_stay_that_is_covered_as_a_whole_asks_no_price_list_and_says_by_what(covered: list[Interval]) -> None:
    found = priced(ENTRY, AT, "", nobody_knows, covered, [], [], covered_by="月卡")
    assert (found.charge_fen, found.reduced_fen, found.reduced_seconds, found.waived_fen) == (0, 0, 0, 0)
    assert (found.version, found.price, found.covered_by, found.covered) == (None, None, "月卡", tuple(covered))


@pytest.mark.parametrize(
    "covered",
    [[], [between(0, 599.99)], [between(0.01, 600)], [between(0, 300), between(301, 600)], [between(-60, 0)]],
)
def test_a_minute_that_is_not_covered_needs_a_price_list(covered: list[Interval]) -> None:
    with pytest.raises(CannotPrice):
        priced(ENTRY, AT, "", nobody_knows, covered, [], [])


def test_a_stay_without_any_length_is_priced_and_not_covered() -> None:
    assert stay(at=ENTRY, covered=[between(-60, 60)], covered_by="月卡").version == VERSION


def test_what_a_person_set_is_charged_in_place_of_the_list_even_where_all_is_covered() -> None:
    for covered in ([], [between(0, 600)]):
        found = priced(ENTRY, AT, "", nobody_knows, covered, [], [], set_fen=250, covered_by="月卡")
        assert (found.charge_fen, found.owed_fen, found.version, found.price) == (250, 250, None, None)
    assert stay(set_fen=0).owed_fen == 0


@pytest.mark.parametrize(
    ("one", "taken", "seconds"),
    [
        (reduction("minutes", 60), 60, 3600),
        (reduction("minutes", 700), 600, 36_000),
        (reduction("minutes", 0), 0, 0),
        (reduction("whole"), 600, 36_000),
        (reduction("window", window=between(60, 180)), 120, 7200),
        (reduction("window", window=between(-60, 30)), 30, 1800),
        (reduction("window", 30, window=between(60, 180)), 120, 7200),
        (reduction("whole", 30), 600, 36_000),
        (reduction("window", window=between(60, 60.0333)), 0, 1),
        (reduction("window", window=(minute(60), None)), 0, 0),
        (reduction("window", window=(None, minute(60))), 0, 0),
        (reduction("percent", 50), 300, 0),
        (reduction("percent", 100), 600, 0),
        (reduction("fen", 250), 250, 0),
        (reduction("fen", 900), 600, 0),
        (reduction("waiver", 100), 100, 0),
        (reduction("of a later version", 100), 0, 0),
    ],
)
def test_one_reduction_takes_off_its_part_and_never_more_than_the_charge(
    one: Reduction, taken: int, seconds: int
) -> None:
    found = stay(one)
    assert (found.charge_fen, found.reduced_fen, found.reduced_seconds) == (600, taken, seconds)
    assert (found.owed_fen, found.taken_fen) == (600 - taken, {one.reduction_id: taken})
    assert isinstance(found.reduced_seconds, int)
    assert found.waived_fen == (taken if one.kind == "waiver" else 0)


@pytest.mark.parametrize(("percent", "of", "taken"), [(50, 1, 1), (49, 1, 0), (33, 100, 33), (1, 49, 0), (1, 50, 1)])
def test_a_percentage_is_rounded_half_up_to_the_fen(percent: int, of: int, taken: int) -> None:
    assert stay(reduction("percent", percent), set_fen=of).reduced_fen == taken


def test_minutes_add_up_at_the_end_of_the_stay() -> None:
    found = stay(reduction("minutes", 60), reduction("minutes", 30))
    assert found.taken_fen == {"minutes 60": 60, "minutes 30": 30}
    assert found.reduced_seconds == 5400


def test_minutes_and_windows_that_meet_count_once() -> None:
    found = stay(reduction("window", window=between(500, 570)), reduction("minutes", 60))
    assert (found.taken_fen, found.reduced_seconds) == ({"window 0": 70, "minutes 60": 30}, 6000)
    apart = stay(reduction("window", window=between(0, 10)), reduction("minutes", 60))
    assert (apart.taken_fen, apart.reduced_seconds) == ({"window 0": 10, "minutes 60": 60}, 4200)


def test_what_passes_cover_is_not_taken_off_again() -> None:
    found = stay(reduction("minutes", 60), covered=[between(570, 600)])
    assert (found.charge_fen, found.reduced_fen, found.owed_fen) == (570, 30, 540)


def test_a_percentage_is_of_what_the_reductions_before_it_left() -> None:
    assert stay(reduction("fen", 200), reduction("percent", 50)).taken_fen == {"fen 200": 200, "percent 50": 200}
    assert stay(reduction("percent", 50), reduction("fen", 200)).taken_fen == {"percent 50": 300, "fen 200": 200}


def test_time_that_comes_after_an_amount_takes_off_only_what_it_saves_beyond_it() -> None:
    found = stay(reduction("fen", 50), reduction("minutes", 60))
    assert found.taken_fen == {"fen 50": 50, "minutes 60": 10}
    assert stay(reduction("fen", 90), reduction("minutes", 60)).taken_fen == {"fen 90": 90, "minutes 60": 0}


def test_all_reductions_together_take_off_no_more_than_the_charge_the_last_getting_what_is_left() -> None:
    found = stay(reduction("fen", 400), reduction("waiver", 300))
    assert found.taken_fen == {"fen 400": 400, "waiver 300": 200}
    assert (found.reduced_fen, found.waived_fen, found.owed_fen) == (600, 200, 0)


def test_where_a_person_set_the_charge_time_takes_off_nothing_but_the_whole_and_amounts_do() -> None:
    found = stay(reduction("minutes", 60), reduction("fen", 50), set_fen=250)
    assert (found.taken_fen, found.owed_fen) == ({"minutes 60": 0, "fen 50": 50}, 200)
    whole = stay(reduction("whole"), set_fen=250)
    assert (whole.taken_fen, whole.owed_fen, whole.reduced_seconds) == ({"whole 0": 250}, 0, 0)


def test_what_was_paid_before_a_reduction_came_is_not_made_a_surplus_by_it() -> None:
    paid = [payment(450, 30)]
    assert stay(reduction("fen", 200, at=60), paid=paid).reduced_fen == 150
    assert stay(reduction("whole", at=30), paid=paid).reduced_fen == 150
    assert stay(reduction("fen", 200, at=29), paid=paid).reduced_fen == 200


def test_only_payments_that_were_paid_count_and_they_count_together() -> None:
    others = [payment(100, 50, state) for state in ("pending", "failed", "reversed", "unreadable")]
    paid = [payment(300, 30), payment(200, 40), *others]
    assert stay(reduction("whole", at=60), paid=paid).reduced_fen == 100
    assert stay(reduction("whole", at=35), paid=paid).reduced_fen == 300


def test_what_a_reduction_took_off_is_not_taken_back_by_a_payment_after_it() -> None:
    found = stay(reduction("fen", 400, at=10), reduction("percent", 50, at=60), paid=[payment(500, 30)])
    assert (found.taken_fen, found.reduced_fen) == ({"fen 400": 400, "percent 50": 0}, 400)


def test_more_paid_than_the_stay_costs_leaves_nothing_to_take_off() -> None:
    assert stay(reduction("fen", 10, at=60), paid=[payment(900, 30)]).taken_fen == {"fen 10": 0}
