"""Who does something, and why."""

from __future__ import annotations

import msgspec

from taigan.lot.errors import BadValue


class By(msgspec.Struct, frozen=True):
    """Who does it, and why. Neither may be empty. `via` is the token it came by, if it came by one."""

    operator: str
    reason: str
    via: str = ""

    def __post_init__(self) -> None:
        for name in ("operator", "reason"):
            value = getattr(self, name)
            if not value.strip():
                raise BadValue(f"{name} must not be empty", name)
            if len(value) > 200 or "\x00" in value:
                raise BadValue(f"{name} is longer than 200 characters or holds a NUL", name)
