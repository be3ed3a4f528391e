"""Databases in the state a test needs."""

from __future__ import annotations

import sqlalchemy as sa

from taigan.storage.database import Database
from taigan.storage.tables import metadata


async def emptied(database: Database) -> Database:
    """The same database without any row."""

    def empty(conn: sa.Connection) -> None:
        if conn.dialect.name == "postgresql":
            names = ", ".join(table.name for table in metadata.sorted_tables)
            conn.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
            return
        for table in reversed(metadata.sorted_tables):
            conn.execute(sa.delete(table))

    await database.write(empty)
    return database
