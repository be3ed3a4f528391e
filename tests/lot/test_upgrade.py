"""The tables are extended by a newer version while this one still runs."""

from __future__ import annotations

import sqlalchemy as sa

from support.lot.parking import parking
from taigan.storage.database import open_database


def extended(conn: sa.Connection) -> None:
    """What a migration may do: add what the version before can do without."""
    conn.execute(sa.text("ALTER TABLE orders ADD COLUMN remark TEXT NOT NULL DEFAULT ''"))
    conn.execute(sa.text("ALTER TABLE lots ADD COLUMN remark TEXT"))
    conn.execute(sa.text("CREATE TABLE remarks (remark_id BIGINT PRIMARY KEY)"))
    conn.execute(sa.text("CREATE INDEX ix_orders_remark ON orders (remark)"))
    conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))


async def test_a_process_of_the_version_before_goes_on_while_its_tables_are_extended(database_url: str) -> None:
    database = await open_database(database_url)
    async with parking(database) as street:
        await street.enters("EA40001", "A1")
        await database.write(extended)
        await street.passes((await street.order("EA40001")).presence_id or "")
        await street.enters("EA40003", "A1")
        await street.deliver()
        assert len(street.bolink.of("3.1")) == 2
        await street.check()
    await database.close()
