"""Uploads that BoLink said no to are found on each engine, for doctor and for sending them all again."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.database import Database
from taigan.storage.due import deliveries
from taigan.storage.setup import registry

NOW = datetime(2026, 5, 4, 7, 30, tzinfo=UTC)


async def test_refused_uploads_are_counted_over_all_lots_and_listed_by_lot_oldest_first(database: Database) -> None:
    def keep(conn: sa.Connection) -> None:
        for lot_id, state in (("1-7", "refused"), ("1-7", "done"), ("1-8", "refused"), ("1-7", "refused")):
            row = {"lot_id": lot_id, "section": "3.1", "payload": "{}", "state": state}
            conn.execute(t.deliveries.insert().values(**row, created_at=NOW, next_at=NOW))

    assert await database.read(deliveries.refused) == 0
    await database.write(keep)
    assert await database.read(deliveries.refused) == 3
    of_lot = await database.read(lambda conn: registry.refused_deliveries(conn, "1-7"))
    assert (len(of_lot), of_lot) == (2, sorted(of_lot))
    assert await database.read(lambda conn: registry.refused_deliveries(conn, "1-9")) == []
