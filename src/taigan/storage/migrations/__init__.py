"""Bringing a database to the present tables.

The version before goes on working on them until its last process has ended, so a revision only adds: tables, indexes,
columns that may be left out of an INSERT. What is no longer needed goes one version later.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from taigan.storage.errors import NewerDatabase
from taigan.storage.tables import metadata

HEAD = "0039"
"""The revision these tables are of; a test holds it to the newest file in `versions`."""


_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+asyncpg"}


def migrate(conn: sa.Connection) -> None:
    """Create the tables, or bring them from an older revision to `HEAD`, inside the connection's transaction.

    Raises:
        NewerDatabase: the revision found is not among ours.
    """
    while step(conn):
        pass


def step(conn: sa.Connection) -> bool:
    """Create the tables, or bring them one revision nearer to `HEAD`. False: there is no more to do.

    Raises:
        NewerDatabase: the revision found is not among ours.
    """
    present = sa.inspect(conn).get_table_names()
    if "alembic_version" not in present:
        if metadata.tables.keys().isdisjoint(present):
            for statement in _creating(conn.dialect.name):
                conn.exec_driver_sql(statement)
        else:
            metadata.create_all(conn)
        conn.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        conn.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
        return False
    found = conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found != HEAD and _upgraded(conn, found)


@cache
def _creating(dialect: str) -> tuple[str, ...]:
    """What makes the tables in an empty database, worked out once: that takes longer than to carry it out."""
    said: list[str] = []

    def say(statement: Any, *_: object, **__: object) -> None:
        said.append(str(statement.compile(dialect=engine.dialect)))

    engine = sa.create_mock_engine(f"{_DRIVERS[dialect]}://", say)
    metadata.create_all(engine, checkfirst=False)
    return tuple(said)


def _upgraded(conn: sa.Connection, found: str | None) -> bool:
    from alembic import command  # costs start-up time and memory, and is needed once a version
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions("base", "heads")][::-1]
    if found is not None and found not in known:
        raise NewerDatabase(
            f"the database is of revision {found}, this taigan knows {HEAD} at most; upgrade taigan first"
        )
    following = known[0 if found is None else known.index(found) + 1]
    config.attributes["connection"] = conn
    command.upgrade(config, following)
    return following != HEAD
