"""The nearest known address to one that is not known."""

from __future__ import annotations

from difflib import get_close_matches

from taigan.bolink.describing.catalogue import CATALOGUE
from taigan.bolink.describing.interface import Direction

_PATHS = sorted({one.path for one in CATALOGUE if one.path and one.direction is Direction.UPLINK})
_BY_LOWER = {path.lower(): path for path in _PATHS}
_BY_END = {path.lower().rpartition("/")[2]: path for path in reversed(_PATHS)}


def nearest_path(path: str) -> str:
    """The uplink address that was probably meant; empty when none is near. `path` may be anything."""
    tidy = "/" + path[:200].lower().strip("/ ")
    if found := _BY_LOWER.get(tidy) or _BY_END.get(tidy.rpartition("/")[2]):
        return found
    near = get_close_matches(tidy, list(_BY_LOWER), 1, 0.7)
    return _BY_LOWER[near[0]] if near else ""
