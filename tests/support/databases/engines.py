"""Which tests run on which engine."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

ENGINES = ("sqlite", "postgresql")
IN_TURN = os.environ.get("TAIGAN_TEST_ENGINES") == "in-turn"
"""Whether tests take turns, as in `make test`; otherwise each runs on both engines."""
ON_BOTH = "storage"
"""The folder whose tests are about the engines themselves: all of them run on both."""
TAKE_TURNS = frozenset({"leaving", "messages"})
"""Large folders above the storage whose tests take turns, table or not. Elsewhere only the rows of tables do."""


def of_the_other_engine(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """What is left out where tests take turns: each row of a table runs on one engine, half of them on each, and so
    does each test of a folder of `TAKE_TURNS`.

    Whose turn it is follows the parity of the bits of the row's number: with every second row, one of two tables that
    are crossed would meet each engine in the same cases only.
    """
    tables: dict[str, dict[str, dict[str, pytest.Item]]] = defaultdict(lambda: defaultdict(dict))
    single: dict[Path, list[str]] = defaultdict(list)
    for item in items:
        case = getattr(item, "callspec", None)
        engine = next((value for value in case.params.values() if value in ENGINES), None) if case else None
        if engine is None or ON_BOTH in item.path.parts:
            continue
        test = item.nodeid.partition("[")[0]
        if test not in tables and not TAKE_TURNS.isdisjoint(item.path.parts):
            single[item.path].append(test)
        tables[test][case.id.replace(engine, "", 1)][engine] = item
    left_out: set[pytest.Item] = set()
    for rows in tables.values():
        if len(rows) > 1:
            left_out |= _other(rows.values())
    for tests in single.values():
        left_out |= _other([next(iter(tables[test].values())) for test in tests if len(tables[test]) == 1])
    return left_out


def _other(cases: Iterable[dict[str, pytest.Item]]) -> set[pytest.Item]:
    return {
        item
        for number, case in enumerate(cases)
        for engine, item in case.items()
        if engine != ENGINES[number.bit_count() % 2]
    }
