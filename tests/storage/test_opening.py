"""A database that cannot be opened: one sentence that says why, and nothing left behind."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from support.servers.ports import free_port
from taigan.storage.database import open_database
from taigan.storage.errors import CannotOpen, InUse, StorageError, Unavailable
from taigan.storage.kept.inspection import inspect_database


async def test_a_second_process_on_the_same_sqlite_file_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lot.sqlite3'}"
    first = await open_database(url)
    with pytest.raises(InUse, match="another process serves from"):
        await open_database(url)
    await first.close()
    await (await open_database(url)).close()


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotOpen, match="cannot be written"):
        await open_database(f"sqlite:///{tmp_path / 'file' / 'lot.sqlite3'}")


async def test_a_file_that_is_no_database_is_said_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "lot.sqlite3"
    path.write_text("no database " * 100)
    for _ in range(2):
        with pytest.raises(CannotOpen, match="cannot be opened"):
            await open_database(f"sqlite:///{path}")
    assert path.read_text() == "no database " * 100


async def test_a_folder_in_the_place_of_the_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        await open_database(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("url", ["lot.sqlite3", "mysql://host/db", "", "oracle://x"])
async def test_a_url_of_something_else_is_said(url: str) -> None:
    with pytest.raises(CannotOpen):
        await open_database(url)


async def test_a_postgresql_that_is_not_there_is_said_without_its_password() -> None:
    with pytest.raises(CannotOpen, match="cannot be reached") as refused:
        await open_database(f"postgresql://taigan:secret@127.0.0.1:{free_port()}/lot")
    assert "secret" not in str(refused.value)


async def test_a_postgresql_database_that_does_not_exist_is_said(postgres_url: str) -> None:
    from support.databases.postgres import with_database

    with pytest.raises(CannotOpen, match="does not exist"):
        await open_database(with_database(postgres_url, "nobody_made_this"))


async def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path / 'data' / '停车场' / 'lot.sqlite3'}")
    await database.close()
    assert (tmp_path / "data" / "停车场" / "lot.sqlite3").exists()


async def test_the_lock_is_not_for_others_to_read(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path / 'lot.sqlite3'}")
    mode = (tmp_path / "lot.sqlite3.lock").stat().st_mode
    await database.close()
    assert stat.S_IMODE(mode) == 0o600


async def test_closing_twice_does_no_harm_and_a_closed_database_is_unavailable(database_url: str) -> None:
    database = await open_database(database_url)
    await database.close()
    await database.close()
    if database.dialect == "sqlite":
        with pytest.raises(Unavailable):
            await database.read(lambda conn: conn.execute(sa.text("SELECT 1")).scalar())


async def test_what_was_committed_is_there_after_opening_again(database_url: str) -> None:
    insert = sa.text("INSERT INTO vendors (union_id, name) VALUES ('200002', '厂商')")
    database = await open_database(database_url)
    await database.write(lambda conn: conn.execute(insert))
    await database.close()
    database = await open_database(database_url)
    assert await database.read(lambda conn: conn.execute(sa.text("SELECT name FROM vendors")).scalar()) == "厂商"
    await database.close()


async def test_sqlite_writes_survive_a_power_cut_and_readers_cannot_write(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path / 'lot.sqlite3'}")

    def pragma(name: str) -> object:
        return lambda conn: conn.exec_driver_sql(f"PRAGMA {name}").scalar()

    assert await database.write(pragma("synchronous")) == 2  # type: ignore[arg-type]
    assert await database.write(pragma("journal_mode")) == "wal"  # type: ignore[arg-type]
    assert await database.write(pragma("foreign_keys")) == 1  # type: ignore[arg-type]
    with pytest.raises(StorageError, match="readonly"):
        await database.read(lambda conn: conn.execute(sa.text("DELETE FROM orders")))
    await database.close()


SECRET = "hunter2/x"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgresql://taigan:{SECRET}@127.0.0.1:1/lot", "cannot be reached"),
        (f"postgresql://taigan:{SECRET}", "not a database URL"),
        ("postgresql://taigan:hunter2@127.0.0.1:port/lot", "not a database URL"),
        ("postgresql://taigan@127.0.0.1:1/lot?password=hunter2", "cannot be reached"),
        ("postgresql://taigan:hunter2@127.0.0.1:1/lot?sslmode=require", "cannot be reached"),
        ("postgresql://taigan:hunter2@127.0.0.1:1/lot?sslmode=perhaps", "cannot be reached"),
        ("postgresql://taigan:hunter2@127.0.0.1:1/lot?colour=red", "colour after the"),
        ("mysql://taigan:hunter2@127.0.0.1/lot", "names mysql"),
        ("hunter2", "not a database URL"),
    ],
)
async def test_a_wrong_address_is_said_in_one_sentence_without_its_password(url: str, says: str) -> None:
    for look in (open_database, inspect_database):
        with pytest.raises(CannotOpen, match=says) as refused:
            await look(url)
        said = str(refused.value)
        assert "hunter2" not in said
        assert "\n" not in said
