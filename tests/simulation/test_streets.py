"""Streets from seeds, and the invariants of entries and exits after every step. `TAIGAN_TEST_STREETS` says how many,
`TAIGAN_TEST_FIRST_STREET` from which seed on; a street that breaks an invariant prints its seed and its story."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from simulation.street import Street
from support.telling import Tell
from taigan.storage.engines.sqlite import _engine, migrate_on
from taigan.storage.tables import metadata

STREETS = int(os.environ.get("TAIGAN_TEST_STREETS", "20"))
FIRST = int(os.environ.get("TAIGAN_TEST_FIRST_STREET", "1"))
STEPS = 80


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """One SQLite file for all streets, emptied for each; it need not survive a power cut."""
    made = _engine(tmp_path_factory.mktemp("streets") / "street.sqlite3", writes=True)
    migrate_on(made)
    with made.connect() as conn:
        conn.exec_driver_sql("COMMIT")
        conn.exec_driver_sql("PRAGMA synchronous=OFF")
        conn.exec_driver_sql("BEGIN")
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def counts() -> Counter[str]:
    """What happened on all streets."""
    return Counter()


@pytest.fixture(autouse=True)
def emptied(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        for table in reversed(metadata.sorted_tables):
            conn.execute(sa.delete(table))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + STREETS))
def test_the_invariants_hold_on_every_street(seed: int, engine: sa.Engine, counts: Counter[str]) -> None:
    street = Street(seed, engine)
    asyncio.run(street.run(STEPS))
    counts.update(streets=1, **street.counts)


def test_the_streets_had_something_of_everything_in_them(counts: Counter[str], tell: Tell) -> None:
    tell(f"streets from seed {FIRST} on: {dict(counts)}")
    if counts["streets"] >= 20:
        assert all(
            counts[what]
            for what in ("told 0", "told 1", "told 2", "commands", "lost", "came to the exit", "prices", "payments")
        )
