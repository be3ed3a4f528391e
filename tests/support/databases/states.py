"""Databases in the state a test needs."""

from __future__ import annotations

import sqlalchemy as sa

from taigan.storage.database import Database
from taigan.storage.tables import metadata

_TABLES = [table.name for table in reversed(metadata.sorted_tables)]
_HELD = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in _TABLES)


def empty(conn: sa.Connection) -> None:
    """Delete every row. Most tables hold none: to ask takes less than to delete from each, and far less than TRUNCATE,
    which makes every file anew."""
    held = set(conn.exec_driver_sql(_HELD).scalars())
    for table in _TABLES:
        if table in held:
            conn.exec_driver_sql(f"DELETE FROM {table}")


async def emptied(database: Database) -> Database:
    """The same database without any row."""
    await database.write(empty)
    return database
