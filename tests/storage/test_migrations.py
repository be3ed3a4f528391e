"""The tables that the migrations make are the tables that the code uses; and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from support.clock import PATIENCE
from taigan.storage import migrations
from taigan.storage.database import open_database
from taigan.storage.engines.sqlite import migrate_on
from taigan.storage.errors import NewerDatabase
from taigan.storage.tables import metadata

_WAITS_FOR_ORDERS = sa.text(
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass AND mode LIKE 'Access%'"
)


def migrate_from_nothing(conn: sa.Connection) -> None:
    metadata.drop_all(conn)
    conn.execute(sa.text("DROP TABLE alembic_version"))
    conn.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
    migrations.migrate(conn)


async def test_the_migrated_tables_are_those_of_the_code(database_url: str) -> None:
    database = await open_database(database_url)
    await database.write(migrate_from_nothing)

    def compare(conn: sa.Connection) -> list[Any]:
        def of_this_engine(thing: Any, *about: object) -> bool:
            """Whether an index is made on this engine, which the comparison does not ask by itself."""
            rule = getattr(thing, "_ddl_if", None)
            return rule is None or rule.dialect == conn.dialect.name

        options = {"compare_type": True, "target_metadata": metadata, "include_object": of_this_engine}
        found: list[Any] = compare_metadata(MigrationContext.configure(conn, opts=options), metadata)
        return found

    try:
        assert await database.read(compare) == []
    finally:
        await database.close()


async def test_defaults_constraints_and_partial_indexes_are_migrated_as_the_code_has_them(database_url: str) -> None:
    def condition(index: Any) -> str:
        return str({name: str(value) for name, value in index.get("dialect_options", {}).items()})

    def described(conn: sa.Connection) -> dict[str, Any]:
        inspector = sa.inspect(conn)
        found: dict[str, Any] = {}
        for table in metadata.tables:
            columns = [(x["name"], str(x["type"]), x["nullable"], x["default"]) for x in inspector.get_columns(table)]
            indexes = [
                (x["name"], x["column_names"], bool(x["unique"]), condition(x)) for x in inspector.get_indexes(table)
            ]
            found[table] = (
                sorted(columns, key=str),
                sorted(indexes),
                inspector.get_pk_constraint(table),
                sorted(inspector.get_foreign_keys(table), key=str),
                sorted(inspector.get_unique_constraints(table), key=str),
                sorted(inspector.get_check_constraints(table), key=str),
            )
        return found

    database = await open_database(database_url)
    try:
        created = await database.read(described)
        await database.write(migrate_from_nothing)
        migrated = await database.read(described)
    finally:
        await database.close()
    for table in metadata.tables:
        assert migrated[table] == created[table]


def test_head_is_the_newest_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD


async def test_opening_again_changes_nothing(database_url: str) -> None:
    for _ in range(2):
        database = await open_database(database_url)
        version = await database.read(
            lambda conn: conn.execute(sa.text("SELECT version_num FROM alembic_version")).all()
        )
        await database.close()
    assert [tuple(row) for row in version] == [(migrations.HEAD,)]


async def test_a_database_of_a_newer_version_is_refused_untouched_and_can_be_opened_by_that_version(
    database_url: str,
) -> None:
    database = await open_database(database_url)
    await database.write(lambda conn: conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    await database.close()
    with pytest.raises(NewerDatabase, match="9999"):
        await open_database(database_url)
    with pytest.raises(NewerDatabase):  # and the first attempt left no lock behind
        await open_database(database_url)


async def test_a_migration_waits_for_who_lets_cars_in_and_nobody_waits_behind_it(new_postgres_database: Any) -> None:
    url = await new_postgres_database()

    before = await open_database(url)
    await before.close()
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with engine.begin() as conn:
            await conn.run_sync(lambda sync: metadata.drop_all(sync))
            await conn.execute(sa.text("DELETE FROM alembic_version"))
            await conn.run_sync(migrations.step)
        async with engine.connect() as held, engine.connect() as other:
            await held.execute(sa.text("LOCK TABLE orders IN ROW EXCLUSIVE MODE"))
            migrating = asyncio.create_task(open_database(url))
            while (await other.execute(_WAITS_FOR_ORDERS)).scalar() == 0:
                await other.rollback()
            for _ in range(3):
                await asyncio.wait_for(other.execute(sa.text("LOCK TABLE orders IN ROW EXCLUSIVE MODE")), PATIENCE)
                await other.rollback()
            assert not migrating.done()
            await held.rollback()
            await (await migrating).close()
            assert (await other.execute(sa.text("SELECT version_num FROM alembic_version"))).scalar() == migrations.HEAD
    finally:
        await engine.dispose()


async def test_processes_that_start_at_once_on_one_postgresql_make_the_tables_once(new_postgres_database: Any) -> None:
    url = await new_postgres_database()
    databases = await asyncio.gather(*(open_database(url) for _ in range(4)))
    for database in databases:
        assert await database.read(lambda conn: sa.inspect(conn).has_table("orders"))
        await database.close()


def test_foreign_keys_are_off_while_sqlite_migrates_and_on_afterwards(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'lot.sqlite3'}", poolclass=sa.StaticPool)
    seen: set[int] = set()

    @sa.event.listens_for(engine, "connect")
    def configure(dbapi: Any, record: Any) -> None:
        dbapi.isolation_level = None
        dbapi.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "before_cursor_execute")
    def look(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().startswith("CREATE TABLE"):
            seen.add(cursor.connection.execute("PRAGMA foreign_keys").fetchone()[0])

    with engine.begin() as conn:  # a database of before the first revision, so that there is something to migrate
        conn.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
    seen.clear()
    with engine.connect() as conn:
        migrate_on(conn)
        assert seen == {0}
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


def test_a_disk_that_is_full_is_what_a_migration_on_it_says(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'lot.sqlite3'}", poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def configure(dbapi: Any, record: Any) -> None:
        dbapi.isolation_level = None
        dbapi.execute("PRAGMA max_page_count=10")

    with engine.connect() as conn, pytest.raises(sa.exc.OperationalError, match="disk is full"):
        migrate_on(conn)
    with engine.connect() as conn:
        assert sa.inspect(conn).get_table_names() == []
