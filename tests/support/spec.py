"""The BoLink document as data, read where it lies and never copied."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml


def spec_folder() -> Path:
    """The folder that TAIGAN_SPEC names, else `../shared/spec` beside the repository."""
    named = os.environ.get("TAIGAN_SPEC")
    return Path(named) if named else Path(__file__).parents[3] / "shared" / "spec"


def sections() -> dict[str, dict[str, Any]]:
    """Every section of the document by its number; empty when the folder is not there."""
    chapters = (yaml.load(path.read_text(), yaml.CSafeLoader) for path in sorted(spec_folder().glob("ch*.yaml")))
    return {row["section"]: row for chapter in chapters for row in chapter}
