"""The BoLink document as data: the repository's `spec` folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "spec"


def sections() -> dict[str, dict[str, Any]]:
    """Every section of the document by its number."""
    chapters = (
        yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) for path in sorted(FOLDER.glob("ch*.yaml"))
    )
    return {row["section"]: row for chapter in chapters for row in chapter}
