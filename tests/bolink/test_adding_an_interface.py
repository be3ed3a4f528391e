"""docs/adding-an-interface.md, followed to the letter in a copy of the repository."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("docs", "spec", "src", "tests", "tools", "pyproject.toml", "README.md", "README.zh-CN.md", "CHANGELOG.md")
TESTS = (
    "tests/bolink/test_spec.py",
    "tests/bolink/test_description.py",
    "tests/bolink/test_fixtures.py",
    "tests/cli/test_interface_commands.py::test_interfaces_shows_every_section_and_none_absent_at_the_hub",
)


def blocks(page: str) -> list[tuple[str, str]]:
    """The code of a page, each with its title."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```', text, re.MULTILINE | re.DOTALL)


def written_in(folder: Path, title: str, code: str) -> None:
    """Do what a block's title says: a new file, the end of one, before a name in it, or as the last part of one."""
    name, _, where = title.partition(", ")
    path = folder / name
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = before.splitlines(keepends=True)
    place, _, target = where.rpartition(" ")
    if not where or where == "at the end":
        gap = "\n\n" if name.endswith(".py") else "\n" if before else ""
        text = before + gap + (code.removesuffix("\n") if name.endswith(".json") else code)
    elif place == "before":
        start = node(before, target).lineno - 1
        text = "".join([*lines[:start], code, "\n\n", *lines[start:]])
    else:
        assert place == "in", title
        found = node(before, target)
        assert found.end_lineno
        end = found.end_lineno if isinstance(found, ast.ClassDef) else found.end_lineno - 1
        method = isinstance(found, ast.ClassDef)
        part = code if method or code.endswith(",\n") else code.removesuffix("\n") + ",\n"
        text = "".join([*lines[:end], "\n" if method else "", indent(part, "    "), *lines[end:]])
    path.write_text(text, encoding="utf-8")


def node(code: str, name: str) -> ast.stmt:
    """The statement that gives a module's name its value."""
    for statement in ast.parse(code).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        names = {getattr(target, "id", "") for target in targets} | {getattr(statement, "name", "")}
        if name in names:
            return statement
    raise AssertionError(f"there is no {name}")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("followed") / "taigan"
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part)  # with what is compiled
        else:
            shutil.copy(source, folder / part)
    for title, code in blocks("adding-an-interface.md"):
        written_in(folder, title, code)
    return folder


def run(folder: Path, *command: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    for of_this_run in ("PYTEST_ADDOPTS", "TAIGAN_TEST_ENGINES"):
        environment.pop(of_this_run, None)
    done = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_what_the_page_writes_is_in_good_form(copy: Path) -> None:
    run(copy, "-m", "ruff", "check", "--no-cache", "src", "tests")
    run(copy, "-m", "ruff", "format", "--check", "--no-cache", "src", "tests")


@pytest.mark.timeout(900)
def test_everything_that_holds_for_the_others_holds_for_it(copy: Path) -> None:
    run(copy, "tools/generate_docs.py")
    run(copy, "tools/generate_docs.py", "--check")
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *TESTS)
    assert "reserve_space" in (copy / "docs" / "interfaces.md").read_text(encoding="utf-8")


def test_its_handler_does_what_its_test_says(copy: Path) -> None:
    tests = "tests/lot/messages/test_what_bolink_tells.py"
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", tests, "-k", "11_8 and sqlite")


def test_both_languages_show_the_same_code() -> None:
    assert blocks("adding-an-interface.md") == blocks("adding-an-interface.en.md")
