"""`taigan token`: who may use the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from support.command import taigan
from support.stacks.stack import Stack, on_the_file
from taigan.rights import Grant, Holder, Right, Role
from taigan.settings.starting import starting_config
from taigan.storage.database import open_database
from taigan.web import tokens


def token(config: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run the command; its exit code and what it said."""
    return taigan("token", *arguments, "--config", config)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "taigan.toml"
    path.write_text(starting_config(lambda: "0123456789abcdef" * 2), encoding="utf-8")
    return path


async def test_a_token_is_made_listed_by_name_and_revoked(config: Path) -> None:
    code, (made,) = token(config, "create", "岗亭 1", "--role", "camera", "--right", "lot:see")
    assert code == 0
    database = await open_database(f"sqlite:///{config.parent / 'data' / 'lot.sqlite3'}")
    found = await tokens.bearer(database, made)
    assert found == Holder("岗亭 1", (Grant(Role.CAMERA.rights | {Right.LOT_SEE}),))
    await database.close()
    code, listed = token(config, "list")
    assert (code, len(listed)) == (0, 1)
    assert listed[0].endswith("岗亭 1  (camera lot:see; all lots)")
    assert made not in listed[0]
    assert token(config, "revoke", "岗亭 1") == (0, [])
    assert token(config, "list") == (0, [])


def test_what_cannot_be_done_is_one_sentence(config: Path) -> None:
    code, said = token(config, "create", " ", "--role", "camera")
    assert (code, len(said)) == (2, 1)
    code, said = token(config, "revoke", "nobody")
    assert (code, len(said)) == (1, 1)
    assert "nobody" in said[0]
    for options, named in (
        ([], "--role"),
        (["--role", "king"], "collector"),
        (["--right", "lane:melt"], "lane:open"),
        (["--role", "camera", "--lot", "200002-9"], "200002-9"),
    ):
        code, said = token(config, "create", "a", *options)
        assert (code, len(said)) == (2, 1), options
        assert named in said[0]


def test_revoking_a_token_of_the_configuration_says_that_it_would_come_back(config: Path) -> None:
    token(config, "create", "admin", "--role", "owner")
    code, said = token(config, "revoke", "admin")
    assert (code, len(said)) == (0, 1)
    assert "lot.api_tokens" in said[0]


@on_the_file
async def test_while_the_lot_has_the_sqlite_file_it_is_one_sentence_that_says_what_to_do(stack: Stack) -> None:
    code, said = token(stack.data / "taigan.toml", "create", "console-2", "--role", "manager")
    assert (code, len(said)) == (5, 1)
    assert "lot.api_tokens" in said[0]


async def test_on_postgresql_a_token_opens_the_running_platform_at_once(
    config: Path, new_postgres_database: Callable[[], Awaitable[str]]
) -> None:
    url = await new_postgres_database()
    config.write_text(config.read_text().replace('# database_url = ""', f'database_url = "{url}"'))
    serving = await open_database(url)
    code, (made,) = token(config, "create", "console-2", "--role", "manager")
    assert code == 0
    found = await tokens.bearer(serving, made)
    assert found is not None
    assert found.name == "console-2"
    await serving.close()
