"""The price agrees with an evaluation that is slow and obviously right, on random price lists and stays.

TAIGAN_TEST_TARIFFS sets how many; 2,000 by default, 100,000 for a long run.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lot.tariff.second_by_second import slow_price
from support.lot.tariffs import CALENDAR, any_price_list
from taigan.lot.tariff.evaluation import price

STAYS = int(os.environ.get("TAIGAN_TEST_TARIFFS", "2000"))
ROUNDS = 20
LEAP_DAY = datetime(2024, 2, 28, tzinfo=UTC)
HOLIDAYS = datetime(2024, 10, 31, tzinfo=UTC)
# Each zone with the days around which its clock is put forward and back.
ZONES = {
    "Asia/Shanghai": [datetime(2024, 12, 30, tzinfo=UTC)],
    "Europe/Berlin": [datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 10, 26, tzinfo=UTC)],
    "America/Santiago": [datetime(2024, 4, 6, tzinfo=UTC), datetime(2024, 9, 7, tzinfo=UTC)],  # at midnight
    "Australia/Lord_Howe": [datetime(2024, 4, 6, tzinfo=UTC), datetime(2024, 10, 5, tzinfo=UTC)],  # by half an hour
    "Pacific/Apia": [datetime(2011, 12, 29, tzinfo=UTC)],  # by a whole day
}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("round", range(ROUNDS))
def test_it_agrees_with_the_slow_evaluation(round: int) -> None:
    for number in range(STAYS // ROUNDS):
        agrees(f"{round}.{number}")


def agrees(seed: str) -> None:
    choose = random.Random(seed)
    price_list = any_price_list(choose)
    name = choose.choice(list(ZONES))
    zone = ZoneInfo(name)
    if choose.random() < 0.25:
        tick, length = 1, choose.randint(1, 4000)
    else:
        tick, length = 60, choose.choice([240, 1500, 1500, 4500])
        length = choose.randint(1, length) * 60
    entry = choose.choice([LEAP_DAY, HOLIDAYS, *ZONES[name]]) + timedelta(minutes=choose.randrange(2880))
    if tick == 1:
        entry += timedelta(seconds=choose.choice([0, 0, choose.randrange(60)]))
    exit = entry + timedelta(seconds=length)
    covered = []
    for _ in range(choose.choice([0, 0, 1, 3])):
        begin = entry + timedelta(seconds=choose.randrange(-length // 4, length) // tick * tick)
        covered.append((begin, begin + timedelta(seconds=choose.randrange(length) // tick * tick)))
    free_used = choose.random() < 0.1
    slow = slow_price(price_list, entry, exit, "", covered, zone, CALENDAR, free_used, tick)
    quick = price(price_list, entry, exit, "", covered, zone=zone, calendar=CALENDAR, free_used=free_used)
    assert quick.fen == slow, f"seed {seed}: {price_list} {entry} {exit} {covered} {zone}"
    assert sum((piece.end - piece.start for piece in quick.slices), timedelta()) == exit - entry
