"""The locks, the requirements and the repository, looked at without a network; prints what is wrong and ends with 1.

Do the locks fit pyproject.toml, is every file pinned by its hash, is nothing pinned or admitted that is known to be
unsafe (locks/advisories.toml), and does a secret stand in a file of the repository.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

TOP = Path(__file__).resolve().parent.parent
LOCKS = {"run.txt": (), "dev.txt": ("dev",)}
"""The locks, and the extras each of them is for."""

SECRETS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}",
    "a token of taigan": r"\btaigan_[A-Za-z0-9_-]{43}\b",
    "an access key of AWS": r"\bAKIA[0-9A-Z]{16}\b",
    "an access key of Aliyun": r"\bLTAI[0-9A-Za-z]{20,24}\b",
    "a secret id of Tencent": r"\bAKID[0-9A-Za-z]{32}\b",
    "a token of GitHub": r"\b(?:ghp|gho|ghs|ghr)_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{60,}",
    "a token of Slack": r"\bxox[abpr]-[0-9A-Za-z-]{20,}",
    "a token of PyPI": r"\bpypi-AgEI[\w-]{50,}",
}


def pins(lock: str) -> dict[str, tuple[Version, int]]:
    """What a lock's text pins: by canonical name, the release and how many hashes it has."""
    found: dict[str, tuple[Version, int]] = {}
    for entry in re.split(r"\n(?=\S)", lock):
        if pinned := re.match(r"([\w.-]+)==([^\s;\\]+)", entry):
            found[canonicalize_name(pinned[1])] = (Version(pinned[2]), entry.count("--hash=sha256:"))
    return found


def wrong_in_lock(name: str, lock: str, wanted: list[Requirement]) -> Iterator[str]:
    """What a lock's text does not hold to."""
    pinned = pins(lock)
    for requirement in wanted:
        found = pinned.get(canonicalize_name(requirement.name))
        if found is None:
            yield f"locks/{name} does not pin {requirement.name}: run tools/lock"
        elif found[0] not in requirement.specifier:
            yield f"locks/{name} pins {requirement.name} {found[0]}, pyproject.toml wants {requirement}: run tools/lock"
    for package, (version, hashes) in pinned.items():
        if not hashes:
            yield f"locks/{name} pins {package} {version} without a hash: run tools/lock"


def known_unsafe(advisories: list[dict[str, object]], pinned: dict[str, tuple[Version, int]]) -> Iterator[str]:
    """Pinned releases with a published advisory."""
    for advisory in advisories:
        package, affected = str(advisory["package"]), SpecifierSet(str(advisory["affected"]))
        found = pinned.get(canonicalize_name(package))
        if found is not None and found[0] in affected:
            yield f"{package} {found[0]} is affected by {advisory['ids']}: raise it"


def admits_unsafe(advisories: list[dict[str, object]], wanted: list[Requirement]) -> Iterator[str]:
    """Requirements whose lowest release has a published advisory."""
    for requirement in wanted:
        floors = [Version(clause.version) for clause in requirement.specifier if clause.operator in (">=", "==")]
        for advisory in advisories:
            same = canonicalize_name(requirement.name) == canonicalize_name(str(advisory["package"]))
            if same and (not floors or max(floors) in SpecifierSet(str(advisory["affected"]))):
                yield f"pyproject.toml admits {requirement}, which {advisory['ids']} affects: raise its floor"


def secrets_in(text: str) -> Iterator[str]:
    """What kinds of secret a text holds."""
    for kind, pattern in SECRETS.items():
        if re.search(pattern, text):
            yield kind


def main() -> int:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    advisories = tomllib.loads((TOP / "locks" / "advisories.toml").read_text(encoding="utf-8"))["advisory"]
    wrong: list[str] = []
    for name, extras in LOCKS.items():
        more = [text for extra in extras for text in project["optional-dependencies"][extra]]
        wanted = [Requirement(text) for text in [*project["dependencies"], *more]]
        lock = (TOP / "locks" / name).read_text(encoding="utf-8")
        wrong += wrong_in_lock(name, lock, wanted)
        wrong += known_unsafe(advisories, pins(lock))
        wrong += admits_unsafe(advisories, wanted)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, stdout=subprocess.PIPE, check=True).stdout
    for path in (TOP / name.decode() for name in listed.split(b"\0") if name):
        if path.is_file():
            kinds = secrets_in(path.read_text(encoding="utf-8", errors="replace"))
            wrong += [f"{path.relative_to(TOP)} holds {kind}" for kind in kinds]
    for complaint in dict.fromkeys(wrong):
        print(complaint, file=sys.stderr)  # noqa: T201
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
