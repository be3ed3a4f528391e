"""docs/operating.md: its commands are run as they stand there, and its tables name everything there is."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from support.databases.postgres import binaries, with_database
from support.databases.states import emptied
from support.servers.programs import program
from taigan.lot.signals.metrics import Metrics
from taigan.storage.database import Database, open_database
from taigan.storage.setup import registry
from taigan.storage.shown import views
from web.house import LOT, house_at

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "operating.md", ROOT / "docs" / "operating.en.md"]


def commands(program: str, page: Path = PAGES[0]) -> list[str]:
    """The page's blocks of shell commands that begin with the program."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if block.startswith(program)]


def run(block: str, folder: Path, **environment: str) -> str:
    """Run a block as a shell does, with its folders moved into the test's."""
    for there, here in (("/var/lib/taigan", folder / "data"), ("/backup", folder / "backup")):
        block = block.replace(there, str(here))
    path = f"{binaries()}:{os.environ['PATH']}"
    ran = subprocess.run(
        ["sh", "-euc", block],
        env={**os.environ, **environment, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data", "backup"):
        (tmp_path / name).mkdir()
    return tmp_path


async def licences(database: Database) -> set[str]:
    orders = await database.read(lambda conn: views.orders(conn, LOT, 100, (), car_number="", state=""))
    return {order.licence for order in orders}


async def test_an_sqlite_backup_taken_while_it_is_written_is_restored_beside_the_old_log(folder: Path) -> None:
    program("sqlite3", "sqlite3")
    url = f"sqlite:///{folder / 'data' / 'lot.sqlite3'}"
    database = await open_database(url)
    house = await house_at(database)
    await house.order("BEFORE1")
    backup, restore = commands("sqlite3")[0], commands("mkdir")[0]
    assert "ok" in run(backup, folder)
    await house.order("AFTER01")
    assert (folder / "data" / "lot.sqlite3-wal").stat().st_size > 0
    shutil.copytree(folder / "data", folder / "killed")  # a platform that was killed leaves its log behind
    await database.close()
    shutil.rmtree(folder / "data")
    shutil.move(folder / "killed", folder / "data")

    run(restore, folder)
    assert (folder / "data" / "lot.sqlite3").stat().st_mode & 0o777 == 0o600
    restored = await open_database(url)
    assert await licences(restored) == {"BEFORE1"}
    assert [key.key for key in await restored.read(registry.vendor_keys)] == ["a-key"]
    await restored.close()


async def test_a_postgresql_dump_taken_while_it_is_written_is_restored_beside_the_old_database(
    folder: Path, new_postgres_database: Callable[[], Awaitable[str]]
) -> None:
    url = await new_postgres_database()
    restored_url = with_database(url, "taigan_restored")
    database = await open_database(url)
    house = await house_at(database)
    await house.order("BEFORE1")
    dump, restore = commands("pg_dump")[0], commands("psql")[0]
    run(dump, folder, DATABASE_URL=url)
    await house.order("AFTER01")
    run(restore, folder, DATABASE_URL=url, RESTORED_URL=restored_url)
    restored = await open_database(restored_url)
    try:
        assert await licences(restored) == {"BEFORE1"}
        assert [key.key for key in await restored.read(registry.vendor_keys)] == ["a-key"]
        await emptied(restored)  # its own tables: the old database keeps its rows
        assert await licences(database) == {"BEFORE1", "AFTER01"}
    finally:
        await restored.close()
        run('psql -d "$DATABASE_URL" -c "DROP DATABASE taigan_restored"', folder, DATABASE_URL=url)
        await database.close()


def test_both_languages_have_the_same_commands() -> None:
    assert commands("", PAGES[0]) == commands("", PAGES[1])
    assert len(commands("")) == 7


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_explains_every_metric_with_its_labels_and_no_other(page: Path) -> None:
    collectors = {key: value for key, value in vars(Metrics()).items() if hasattr(value, "_labelnames")}
    there = set()
    for collector in collectors.values():
        described = collector.describe()[0]
        name = described.name + ("_total" if described.type == "counter" else "")
        labels = ",".join(collector._labelnames)
        there.add(f"{name}{{{labels}}}" if labels else name)
    explained = re.findall(r"^\| `(taigan_[^`]+)`", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(explained) == there
    assert len(explained) == len(there)


def kinds_of_alarm() -> Iterator[str]:
    """Every kind in the code: what stands in the place of `kind` where an alarm is made."""
    for path in (ROOT / "src" / "taigan" / "lot").rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)):
            named = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            place = {
                "Alarm": slice(4, 5),
                "_alarm": slice(1, 3),
                "alarm": slice(0, 1),
                "once": slice(4, 5),
            }.get(named, slice(0, 0))
            given = call.args[place] + [keyword.value for keyword in call.keywords if keyword.arg == "alarm"]
            texts = [str(value.value) for value in given if isinstance(value, ast.Constant)]
            yield from (text for text in texts if re.fullmatch(r"[a-z]+(_[a-z]+)*", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_says_what_to_do_at_every_alarm_and_at_no_other(page: Path) -> None:
    there = set(kinds_of_alarm())
    assert {"barrier_fault", "tailgating", "queue_age", "scan_limit", "upload_refused"} <= there
    table = page.read_text(encoding="utf-8").partition("`queue_age`")[2]
    explained = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)
    assert set(explained) == there
    assert len(explained) == len(set(explained))
