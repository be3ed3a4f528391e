"""Which tests run on which engine."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable

import pytest

ENGINES = ("sqlite", "postgresql")
IN_TURN = os.environ.get("TAIGAN_TEST_ENGINES") == "in-turn"
"""Whether the rows of a table take turns, as in `make test`; otherwise each runs on both engines."""
ON_BOTH = "storage"
"""The folder whose tests are about the engines themselves."""


def of_the_other_engine(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """What is left out where rows take turns: of a test with a table each row runs on one engine, half of them on each.

    A test without one, and all of `ON_BOTH`, runs on both. Whose turn it is follows the parity of the bits of the row's
    number: with every second row, one of two tables that are crossed would meet each engine in the same cases only.
    """
    tables: dict[str, dict[str, dict[str, pytest.Item]]] = defaultdict(lambda: defaultdict(dict))
    for item in items:
        case = getattr(item, "callspec", None)
        engine = next((value for value in case.params.values() if value in ENGINES), None) if case else None
        if engine is not None and ON_BOTH not in item.path.parts:
            tables[item.nodeid.partition("[")[0]][case.id.replace(engine, "", 1)][engine] = item
    return {
        item
        for rows in tables.values()
        if len(rows) > 1
        for number, row in enumerate(rows.values())
        for engine, item in row.items()
        if engine != ENGINES[number.bit_count() % 2]
    }
