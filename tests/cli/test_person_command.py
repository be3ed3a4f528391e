"""`taigan person`: who may sign in to the console."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import taigan
from taigan.settings.starting import starting_config


def person(config: Path, *arguments: str, said: str = "") -> tuple[int, list[str]]:
    """Run the command; its exit code and what it said."""
    return taigan("person", *arguments, "--config", config, said=said)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "taigan.toml"
    path.write_text(starting_config(lambda: "0123456789abcdef" * 2), encoding="utf-8")
    return path


def test_a_person_is_made_listed_disabled_and_reset(config: Path) -> None:
    code, said = person(config, "create", "wangfang", "--name", "王芳", "--role", "owner")
    assert (code, len(said)) == (0, 1)
    password = said[0]
    assert len(password) == 19
    code, (listed,) = person(config, "list")
    assert listed.endswith("wangfang  王芳  owner in all lots")
    assert password not in listed
    assert person(config, "disable", "wangfang") == (0, [])
    assert "(disabled)" in person(config, "list")[1][0]
    code, (another,) = person(config, "reset", "wangfang")
    assert code == 0
    assert another != password
    assert "(disabled)" not in person(config, "list")[1][0]


def test_a_password_comes_from_standard_input_and_is_not_shown(config: Path) -> None:
    arguments = ("create", "wangfang", "--name", "王芳", "--role", "manager", "--password-file", "-")
    assert person(config, *arguments, said="correct horse battery\n") == (0, [])


def test_what_cannot_be_done_is_one_sentence(config: Path) -> None:
    for arguments, code, named in (
        (("create", "Wang Fang", "--name", "王芳"), 2, "login"),
        (("create", "wangfang", "--name", " "), 2, "name"),
        (("create", "wangfang", "--name", "王芳", "--role", "king"), 2, "king"),
        (("create", "wangfang", "--name", "王芳", "--role", "manager", "--lot", "1-2"), 2, "1-2"),
        (("create", "wangfang", "--name", "王芳", "--password-file", "nowhere"), 2, "nowhere"),
        (("disable", "nobody"), 1, "nobody"),
        (("reset", "nobody"), 1, "nobody"),
    ):
        ended, said = person(config, *arguments)
        assert (ended, len(said)) == (code, 1), arguments
        assert named in said[0]
    assert person(config, "list") == (0, [])


def test_a_person_is_linked_to_an_account_elsewhere_and_unlinked(config: Path) -> None:
    assert person(config, "create", "wangfang", "--name", "王芳")[0] == 0
    ended, said = person(config, "link", "wangfang", "4f1c")
    assert (ended, said) == (2, ["taigan: lot.oidc_issuer names no provider"])
    settings = '[lot]\noidc_issuer = "https://login"\noidc_client_id = "t"\noidc_client_secret = "s"\n'
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[lot]\n", f'{settings}console_url = "https://lot"\n', 1), encoding="utf-8")
    assert person(config, "link", "wangfang", "4f1c", "--name", "wang.fang") == (0, [])
    assert "+linked" in person(config, "list")[1][0]
    for arguments, code, named in (
        (("link", "wangfang", "other"), 1, "linked to another account"),
        (("link", "nobody", "other"), 1, "nobody"),
        (("link", "wangfang", " "), 2, "SUBJECT"),
    ):
        ended, said = person(config, *arguments)
        assert (ended, len(said)) == (code, 1), arguments
        assert named in said[0]
    assert person(config, "unlink", "wangfang") == (0, [])
    assert person(config, "unlink", "wangfang")[0] == 1
    assert "+linked" not in person(config, "list")[1][0]
