"""Where new names come from."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Protocol

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Ids(Protocol):
    """Makes names that were never given before."""

    def order_id(self, now: datetime) -> str:
        """Sortable by time; digits, letters and `_`, at most 48 characters (BoLink, sdk/465671)."""

    def lift_id(self, now: datetime) -> str:
        """Sortable by time."""

    def presence_id(self) -> str:
        """For a lane whose device names no cars."""

    def sms_code(self) -> str:
        """Six digits."""


class RandomIds:
    """Names from the time and 40 random bits."""

    def order_id(self, now: datetime) -> str:
        return f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}_{_random(8)}"

    def lift_id(self, now: datetime) -> str:
        return f"L{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}{_random(8)}"

    def presence_id(self) -> str:
        return f"scan-{_random(16)}"

    def sms_code(self) -> str:
        return f"{secrets.randbelow(1_000_000):06d}"


def _random(length: int) -> str:
    bits = secrets.randbits(5 * length)
    return "".join(_ALPHABET[bits >> 5 * place & 31] for place in range(length))
