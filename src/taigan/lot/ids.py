"""Where new names come from."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import lru_cache
from typing import Protocol


class Ids(Protocol):
    """Makes names that were never given before."""

    def order_id(self, now: datetime) -> str:
        """Sortable by time; digits, letters and `_`, at most 48 characters (BoLink, sdk/465671)."""

    def lift_id(self, now: datetime) -> str:
        """Sortable by time."""

    def payment_id(self, now: datetime) -> str:
        """Sortable by time."""

    def process(self) -> str:
        """For a run of a process."""

    def presence_id(self) -> str:
        """For a lane whose device names no cars."""

    def sms_code(self) -> str:
        """Six digits."""


class RandomIds:
    """Names from the time and 40 random bits."""

    def order_id(self, now: datetime) -> str:
        return f"{_stamp(now)}_{_random(5)}"

    def lift_id(self, now: datetime) -> str:
        return f"L{_stamp(now)}{_random(5)}"

    def payment_id(self, now: datetime) -> str:
        return f"P{_stamp(now)}{_random(5)}"

    def process(self) -> str:
        return _random(8)

    def presence_id(self) -> str:
        return f"scan-{_random(10)}"

    def sms_code(self) -> str:
        return f"{secrets.randbelow(1_000_000):06d}"


@lru_cache(maxsize=1)
def _stamp(now: datetime) -> str:
    """To the millisecond. What is decided together has the same."""
    return f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"


def _random(length: int) -> str:
    return secrets.token_hex(length).upper()
