"""Streets from seeds, and the invariants of entries and exits after every step. `TAIGAN_TEST_STREETS` says how many,
`TAIGAN_TEST_FIRST_STREET` from which seed on; a street that breaks an invariant prints its seed and its story."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator

import pytest

from simulation.database import StreetDatabase
from simulation.street import Street
from support.telling import Tell

STREETS = int(os.environ.get("TAIGAN_TEST_STREETS", "20"))
FIRST = int(os.environ.get("TAIGAN_TEST_FIRST_STREET", "1"))
STEPS = 80


@pytest.fixture(scope="module")
def rows() -> Iterator[StreetDatabase]:
    """One database for all streets, emptied for each."""
    made = StreetDatabase()
    yield made
    made.close()


@pytest.fixture(scope="module")
def counts() -> Counter[str]:
    """What happened on all streets."""
    return Counter()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + STREETS))
def test_the_invariants_hold_on_every_street(seed: int, rows: StreetDatabase, counts: Counter[str]) -> None:
    rows.empty()
    street = Street(seed, rows)
    asyncio.run(street.run(STEPS))
    counts.update(streets=1, **street.counts)


def test_the_streets_had_something_of_everything_in_them(counts: Counter[str], tell: Tell) -> None:
    tell(f"streets from seed {FIRST} on: {dict(counts)}")
    if counts["streets"] >= 20:
        assert all(
            counts[what]
            for what in ("told 0", "told 1", "told 2", "commands", "lost", "came to the exit", "prices", "payments")
        )
