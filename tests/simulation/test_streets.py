"""Streets from seeds, and the five invariants of the entry after every step. `TAIGAN_TEST_STREETS` says how many,
`TAIGAN_TEST_FIRST_STREET` from which seed on; a street that breaks an invariant prints its seed and its story."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from simulation.street import Street
from support.telling import Tell
from taigan.storage.engines.sqlite import _engine, migrate_on
from taigan.storage.tables import metadata

STREETS = int(os.environ.get("TAIGAN_TEST_STREETS", "20"))
FIRST = int(os.environ.get("TAIGAN_TEST_FIRST_STREET", "1"))
STEPS = 60


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """One SQLite file for all streets, emptied for each; it need not survive a power cut."""
    made = _engine(tmp_path / "street.sqlite3", writes=True)
    migrate_on(made)
    with made.connect() as conn:
        conn.exec_driver_sql("COMMIT")
        conn.exec_driver_sql("PRAGMA synchronous=OFF")
        conn.exec_driver_sql("BEGIN")
    yield made
    made.dispose()


def empty(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        for table in reversed(metadata.sorted_tables):
            conn.execute(sa.delete(table))


def test_the_invariants_hold_on_every_street(engine: sa.Engine, tell: Tell) -> None:
    counts: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + STREETS):
        empty(engine)
        street = Street(seed, engine)
        asyncio.run(street.run(STEPS))
        counts += street.counts
    tell(f"{STREETS} streets from seed {FIRST}: {dict(counts)}")
    assert all(counts[f"told {state}"] for state in (0, 1, 2))
    assert counts["commands"]
