"""Bringing a database to the present tables.

The version before goes on working on them until its last process has ended, so a revision only adds: tables, indexes,
columns that may be left out of an INSERT. What is no longer needed goes one version later.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from taigan.storage.errors import NewerDatabase

HEAD = "0001"
"""The revision these tables are of; a test holds it to the newest file in `versions`."""


def migrate(conn: sa.Connection) -> None:
    """Create the tables, or bring them from an older revision to `HEAD`, inside the connection's transaction.

    Raises:
        NewerDatabase: the revision found is not among ours.
    """
    found = None
    if sa.inspect(conn).has_table("alembic_version"):
        found = conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found == HEAD:
        return

    from alembic import command  # costs start-up time and memory, and is needed once a version
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NewerDatabase(
            f"the database is of revision {found}, this taigan knows {HEAD} at most; upgrade taigan first"
        )
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
