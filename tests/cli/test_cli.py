"""The command line: what is wrong is one sentence and an exit code."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from taigan.settings.model import Settings
from taigan.settings.reading import load
from taigan.settings.starting import starting_config

SECRET = "0123456789abcdef" * 2


def taigan(*arguments: str, cwd: Path, **environment: str) -> tuple[int, list[str]]:
    """Run a command that ends by itself; its exit code and the lines it said."""
    ran = subprocess.run(
        [sys.executable, "-m", "taigan", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, ran.stdout.splitlines()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration on free ports."""
    path = tmp_path / "taigan.toml"
    path.write_text(starting_config(lambda: SECRET), encoding="utf-8")
    return path


def test_init_writes_a_config_that_is_only_for_its_owner_and_never_over_another(tmp_path: Path) -> None:
    code, _ = taigan("init", cwd=tmp_path)
    assert code == 0
    written = tmp_path / "taigan.toml"
    assert written.stat().st_mode & 0o777 == 0o600
    before = written.read_text()
    code, said = taigan("init", cwd=tmp_path)
    assert (code, len(said)) == (2, 1)
    assert written.read_text() == before


def test_what_init_writes_are_the_defaults_with_every_setting_in_it(config: Path) -> None:
    settings = load(config, {})
    defaults = Settings()
    for section in ("lot", "hub", "lanes", "logs"):
        for name in getattr(defaults, section).__struct_fields__:
            if name not in {"hub_url", "api_tokens", "admin_token"}:
                assert getattr(getattr(settings, section), name) == getattr(getattr(defaults, section), name)
            assert f"\n{name} = " in config.read_text() or f"\n# {name} = " in config.read_text(), name


def test_every_line_init_comments_out_can_be_taken_in(config: Path) -> None:
    lines = config.read_text().splitlines()
    names = set(tomllib.loads(config.read_text())["hub"])
    opened = [re.sub(r"^# (\w+ = )", r"\1", line) for line in lines if "`# name" not in line]
    config.write_text("\n".join(opened))
    assert set(tomllib.loads(config.read_text())["hub"]) > names
    load(config, {})


@pytest.mark.parametrize(
    ("environment", "exit_code", "words"),
    [
        ({"TAIGAN_LOT_ANSWER_WITHIN": "9"}, 2, ["TAIGAN_LOT_ANSWER_WITHIN", "below 5"]),
        ({"TAIGAN_DATA_DIR": "/proc/nowhere"}, 3, ["/proc/nowhere"]),
    ],
)
def test_a_wrong_setting_or_folder_is_one_sentence(
    config: Path, environment: dict[str, str], exit_code: int, words: list[str]
) -> None:
    code, said = taigan("lanes", "--config", str(config), cwd=config.parent, **environment)
    assert (code, len(said)) == (exit_code, 1), said
    assert all(word in said[0] for word in words)


@pytest.mark.parametrize("part", ["lot", "hub", "lanes"])
def test_a_port_in_use_is_named_with_its_setting(config: Path, part: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        variable = f"TAIGAN_{part.upper()}_PORT"
        code, said = taigan(part, "--config", str(config), cwd=config.parent, **{variable: port})
    assert (code, len(said)) == (4, 1), said
    assert port in said[0]
    assert f"{part}.port" in said[0]


def test_a_missing_config_says_how_to_write_one(tmp_path: Path) -> None:
    code, said = taigan("lot", "--config", "nowhere.toml", cwd=tmp_path)
    assert (code, len(said)) == (2, 1)
    assert "taigan init" in said[0]


@pytest.mark.parametrize(("part", "file"), [("lot", "lot.sqlite3"), ("hub", "hub.sqlite3")])
def test_a_file_that_is_no_database_is_named(config: Path, part: str, file: str) -> None:
    data = config.parent / "data"
    data.mkdir()
    (data / file).write_bytes(b"this is not a database, and was never one" * 100)
    code, said = taigan(part, "--config", str(config), cwd=config.parent, **free_port(part))
    assert (code, len(said)) == (3, 1), said
    assert file in said[0]


def test_a_lots_database_from_a_newer_version_is_left_as_it_is(config: Path) -> None:
    database = config.parent / "data" / "lot.sqlite3"
    database.parent.mkdir()
    with sqlite3.connect(database) as conn:
        conn.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        conn.execute("INSERT INTO alembic_version VALUES ('9999_later')")
    conn.close()
    code, said = taigan("lot", "--config", str(config), cwd=config.parent, **free_port("lot"))
    assert (code, len(said)) == (6, 1), said
    assert "newer" in said[0] or "later" in said[0]
    with sqlite3.connect(database) as conn:
        assert conn.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999_later",)]
    conn.close()


def test_a_wrong_option_is_exit_code_two(tmp_path: Path) -> None:
    code, said = taigan("demo", "--prot", "1", cwd=tmp_path)
    assert code == 2
    assert any("--prot" in line for line in said)


def free_port(part: str) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return {f"TAIGAN_{part.upper()}_PORT": str(probe.getsockname()[1])}


@pytest.mark.parametrize("started", [[], ["-X", "taigan_tests"]])
def test_variables_of_the_crash_tests_say_nothing_elsewhere(started: list[str], tmp_path: Path) -> None:
    clock = tmp_path / "seconds"
    clock.write_text("-3600")
    said = subprocess.run(
        [
            sys.executable,
            *started,
            "-c",
            "from taigan.cli.running import machine_clock; print(type(machine_clock()).__name__)",
        ],
        env={**os.environ, "TAIGAN_TEST_CLOCK_FILE": str(clock)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    assert said == ("SteppedClock" if started else "SystemClock")
