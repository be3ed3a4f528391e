"""Every broken lot, and the cases that must see it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from conformance.lots.good import GoodLot


def defects() -> list[type[GoodLot]]:
    """All broken lots, by the files they stand in."""
    found: list[type[GoodLot]] = []
    for file in sorted((Path(__file__).parent / "lots").glob("*.py")):
        if file.stem not in ("__init__", "good"):
            module = import_module(f"conformance.lots.{file.stem}")
            found += [each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__]
    return [each for each in found if isinstance(each, type) and "reddens" in vars(each)]
