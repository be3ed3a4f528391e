"""A database moves from one engine to the other: every row, unchanged, and numbering goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage.test_privacy import rows_of_both
from support.databases.postgres import NewDatabase
from taigan.storage import tables as t
from taigan.storage.database import Database, open_database
from taigan.storage.kept import copying
from taigan.storage.kept.copying import NotEmpty, Progress
from taigan.storage.tables import metadata


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Database]:
    """A file with rows of most kinds."""
    database = await open_database(f"sqlite:///{tmp_path / 'lot.sqlite3'}")

    def fill(conn: sa.Connection) -> None:
        conn.execute(sa.insert(t.vendors), {"union_id": "1", "name": ""})
        conn.execute(
            sa.insert(t.lots), {"lot_id": "1-7", "union_id": "1", "park_id": "7", "spaces": 1, "spaces_free": 1}
        )
        lane = {"lot_id": "1-7", "channel_id": "A1", "direction": "entry", "confirm": "accepted"}
        conn.execute(sa.insert(t.lanes), {**lane, "barrier": {"driver": "simulated", "port": 1}})
        for table, rows in rows_of_both():
            conn.execute(sa.insert(table), rows)
        lifts = [{"lot_id": "1-7", "lift_id": f"L{n:06d}", "channel_id": "A1", **LIFT} for n in range(12_000)]
        conn.execute(sa.insert(t.lifts), lifts)

    await database.write(fill)
    yield database
    await database.close()


LIFT = {"command": "open", "cause": "scan", "intended_at": rows_of_both()[0][1][0]["requested_at"]}
LIFT["deadline"] = LIFT["intended_at"]


async def everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    def read(conn: sa.Connection) -> dict[str, list[dict[str, Any]]]:
        return {
            name: [dict(row) for row in conn.execute(sa.select(table).order_by(*table.primary_key)).mappings()]
            for name, table in metadata.tables.items()
        }

    return await database.read(read)


async def test_every_row_arrives_as_it_was_in_batches_and_new_ones_are_numbered_on(
    file: Database, new_postgres_database: NewDatabase
) -> None:
    target = await open_database(await new_postgres_database())
    told: list[Progress] = []
    total = await copying.copy(file, target, told.append, batch=5000)
    before, after = await everything(file), await everything(target)
    for name, rows in before.items():
        assert sorted(map(str, after[name])) == sorted(map(str, rows)), name
    assert total == sum(map(len, before.values())) > 12_000
    assert [one.rows for one in told if one.table == "lifts"] == [5000, 10_000, 12_000]

    def add(conn: sa.Connection) -> int:
        row = {"lot_id": "1-7", "at": LIFT["intended_at"], "operator": "x", "reason": "y", "act": "z"}
        return int(conn.execute(sa.insert(t.operator_acts).returning(t.operator_acts.c.act_id), row).scalar_one())

    assert await target.write(add) > max(row["act_id"] for row in before["operator_acts"])
    await target.close()


async def test_a_database_that_holds_something_is_left_alone(file: Database, tmp_path: Path) -> None:
    target = await open_database(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    await target.write(lambda conn: conn.execute(sa.insert(t.vendors), {"union_id": "9", "name": ""}))
    with pytest.raises(NotEmpty, match="vendors"):
        await copying.copy(file, target, lambda _: None)
    assert (await everything(target))["lifts"] == []
    await target.close()


async def test_a_copy_that_ends_half_way_leaves_the_new_database_as_empty_as_it_was(
    file: Database, new_postgres_database: NewDatabase, tmp_path: Path
) -> None:
    class Ended(Exception):
        pass

    def end(progress: Progress) -> None:
        if progress.table == "lifts":
            raise Ended

    for url in (await new_postgres_database(), f"sqlite:///{tmp_path / 'other.sqlite3'}"):
        target = await open_database(url)
        with pytest.raises(Ended):
            await copying.copy(file, target, end)
        assert not any((await everything(target)).values())
        total = await copying.copy(file, target, lambda _: None)
        assert total == sum(map(len, (await everything(target)).values()))
        await target.close()
