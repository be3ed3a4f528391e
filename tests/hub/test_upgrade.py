"""A database that an older version wrote is brought up to date at the next start."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hub.sides import LOT_ID, FakeLot, running_side, saying, serving_lot
from support.clock import ManualClock
from taigan.hub.book.tables import VERSION


async def test_a_database_of_version_1_gets_its_new_tables_and_keeps_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "hub.sqlite3"
    async with serving_lot(FakeLot(answer=saying(1, car_number=""))) as lot:
        async with running_side(tmp_path, ManualClock(), lot.url) as side:
            await side.upload_entry("EA47829", "o1")
            await side.scan()
        with sqlite3.connect(file) as old:
            old.executescript(
                "DROP TABLE records; DROP TABLE owed_pushes; DROP TABLE looks; ALTER TABLE pushes DROP COLUMN owed_id;"
                "ALTER TABLE sessions DROP COLUMN opened_by; ALTER TABLE pushes DROP COLUMN notes;"
                "ALTER TABLE arrivals DROP COLUMN notes;"
                "UPDATE house SET version = 1"
            )
        for _ in range(2):
            async with running_side(tmp_path, ManualClock(), lot.url) as side:
                assert [one["order_id"] for one in (await side.get("/admin/entries"))["items"]] == ["o1"]
                assert (await side.get("/admin/pushes"))["items"][-1]["owed_id"] is None
                asked = {"lot_id": LOT_ID, "service_name": "outpark"}
                status, sent = await side.admin("POST", "/admin/pushes", json=asked)
                assert (status, sent["owed_id"] is not None) == (200, True)
    with sqlite3.connect(file) as new:
        assert new.execute("SELECT version FROM house").fetchone() == (VERSION,)
