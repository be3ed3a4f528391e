"""What one price costs, in µs of CPU: 1 h, 1 day, 30 days, 1 year, beside other ways to the same sum in the same run.

    .venv/bin/python -m benchmarks.tariff [--out benchmarks/results/tariff.json]

The price list is docs/tariffs/guangzhou-mall.toml. `ours` is `price` with all its slices, `first` the same before any
border of day and night is remembered. `second_by_second` is the evaluation of the tests, which is slow and obviously
right. `decimal` is the tariff by hand as people write it, for this one list: a loop over units with Decimal yuan and
datetimes. All must agree. They take turns, in CPU time, so that a busy machine slows all; the best round of each
counts.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from taigan.lot.tariff.days import published
from taigan.lot.tariff.evaluation import SHANGHAI, price, starting
from taigan.lot.tariff.reading import price_lists
from taigan.lot.tariff.wall import instant

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from lot.tariff.second_by_second import slow_price  # noqa: E402

LIST = price_lists.read((ROOT / "docs/tariffs/guangzhou-mall.toml").read_bytes())
ENTRY = datetime(2026, 3, 9, 11, 16, tzinfo=SHANGHAI)
STAYS = {"1 h": 1, "1 day": 24, "30 days": 720, "1 year": 8760}
AIM = {"1 day": 20, "1 year": 5000}  # µs
TURNS = 4
ROUNDS = {"1 h": 40, "1 day": 100, "30 days": 20, "1 year": 6}  # short: in some of them nothing else is running


def decimal_price(entry: datetime, exit: datetime) -> int:
    """The same tariff as a program of its own, as it is usually written; in fen."""
    if exit - entry <= timedelta(minutes=15):
        return 0
    total = Decimal(0)
    half_hour = timedelta(minutes=30)
    begin = entry
    while begin < exit:
        end = min(begin + timedelta(days=1), exit)
        day_sum = Decimal(0)
        at = begin
        while at < end:
            by_day = 8 <= at.hour < 22
            border = at.replace(hour=22 if by_day else 8, minute=0, second=0)
            if border <= at:
                border += timedelta(days=1)
            border = min(border, end)
            units = Decimal(0)
            since = at
            while at < border:
                if not by_day:
                    units += Decimal("2")
                else:
                    units += Decimal("2.5") if at - since < timedelta(hours=3) else Decimal("5")
                at += half_hour
            at = border
            day_sum += units if by_day else min(units, Decimal("10"))
        total += min(day_sum, Decimal("65"))
        begin = end
    return int(total * 100)


def ours(exit: datetime) -> int:
    return price(LIST, ENTRY, exit).fen


def first(exit: datetime) -> int:
    instant.cache_clear()
    starting.cache_clear()
    return price(LIST, ENTRY, exit).fen


def by_hand(exit: datetime) -> int:
    return decimal_price(ENTRY, exit)


def slowly(exit: datetime) -> int:
    return slow_price(LIST, ENTRY, exit, "", (), SHANGHAI, published(), False, 1)


def cost(work: Callable[[datetime], int], exit: datetime, times: int) -> float:
    """µs of CPU for one."""
    began = time.process_time()
    for _ in range(times):
        work(exit)
    return (time.process_time() - began) / times * 1e6


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path)
    out: Path | None = arguments.parse_args().out
    found: dict[str, dict[str, float]] = {}
    print(f"{'':10}{'ours':>12}{'first':>12}{'decimal':>12}{'second by second':>20}")
    for name, hours in STAYS.items():
        exit = ENTRY + timedelta(hours=hours)
        assert ours(exit) == first(exit) == by_hand(exit), name
        times = max(1, 1200 // hours) if hours <= 24 else 1
        best: dict[str, float] = {}
        for _ in range(TURNS):
            for work in (ours, first, by_hand):
                least = min(cost(work, exit, times) for _ in range(ROUNDS[name]))
                best[work.__name__] = min(least, best.get(work.__name__, least))
        found[name] = {"ours": best["ours"], "first": best["first"], "decimal": best["by_hand"]}
        if hours <= 24:
            assert slowly(exit) == ours(exit), name
            found[name]["second_by_second"] = cost(slowly, exit, 1)
        row = found[name]
        slow = f"{row['second_by_second']:20,.0f}" if "second_by_second" in row else f"{'':>20}"
        print(f"{name:10}{row['ours']:12,.1f}{row['first']:12,.1f}{row['decimal']:12,.1f}{slow}")
    for name, aim in AIM.items():
        print(f"{name}: aim {aim} µs, {'met' if found[name]['ours'] <= aim else 'missed'}")
    if out is not None:
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        out.write_text(json.dumps({"us": found, "on": machine}, indent=1) + "\n")


if __name__ == "__main__":
    main()
