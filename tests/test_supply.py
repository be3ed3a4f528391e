"""What comes from others is pinned and known; secrets do not stand in the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

TOOLS = Path(__file__).parents[1] / "tools"
sys.path.insert(0, str(TOOLS))
import check_supply  # noqa: E402 - a tool, not a package

LOCK = "aiohttp==3.14.5 \\\n    --hash=sha256:00\njinja2==3.1.6 \\\n    --hash=sha256:00\n"
ADVISORIES: list[dict[str, object]] = [{"package": "aiohttp", "affected": "<3.14.1", "ids": ["CVE-0"]}]


def test_the_repository_as_it_is_has_nothing_to_complain_about() -> None:
    command = [sys.executable, str(TOOLS / "check_supply.py")]
    ran = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("lock", "wanted", "said"),
    [
        (LOCK, "aiohttp>=3.14.1", ""),
        (LOCK, "aiohttp>=3.15", "pins aiohttp 3.14.5"),
        (LOCK, "msgspec>=0.20", "does not pin msgspec"),
        ("aiohttp==3.14.5\n", "aiohttp>=3.14.1", "without a hash"),
    ],
)
def test_a_lock_that_does_not_fit_is_named(lock: str, wanted: str, said: str) -> None:
    complaints = list(check_supply.wrong_in_lock("run.txt", lock, [Requirement(wanted)]))
    assert [said in complaint for complaint in complaints] == ([True] if said else [])


@pytest.mark.parametrize(("version", "unsafe"), [("3.14.0", True), ("3.14.1", False)])
def test_a_release_with_an_advisory_is_named_pinned_or_admitted(version: str, unsafe: bool) -> None:
    pinned = check_supply.pins(f"aiohttp=={version} --hash=sha256:00\n")
    assert bool(list(check_supply.known_unsafe(ADVISORIES, pinned))) is unsafe
    assert bool(list(check_supply.admits_unsafe(ADVISORIES, [Requirement(f"aiohttp>={version}")]))) is unsafe
    assert list(check_supply.admits_unsafe(ADVISORIES, [Requirement("aiohttp")]))


def test_secrets_are_found_by_their_form() -> None:
    held = {
        "a token of taigan": "taigan" + "_" + "a" * 43,
        "an access key of AWS": "AKIA" + "A" * 16,
        "a token of GitHub": "ghp" + "_" + "a" * 36,
        "a private key": "-----BEGIN PRIVATE" + " KEY-----\n" + "A" * 64,
    }
    for kind, text in held.items():
        assert list(check_supply.secrets_in(f"key = {text}\n")) == [kind]
    assert list(check_supply.secrets_in("taigan_refused_requests_total 1")) == []
