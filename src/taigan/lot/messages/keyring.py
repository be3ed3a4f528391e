"""Which keys and lots the platform knows, held in memory and read again when they may have changed."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from taigan.clock import Clock
from taigan.lot.errors import UnknownLot
from taigan.storage.database import Database
from taigan.storage.rows import Lot
from taigan.storage.setup import registry
from taigan.storage.setup.registry import VendorKey

FRESH_FOR = 2.0
"""Seconds after which another process's change of a key or lot is seen here."""


@dataclass(slots=True)
class _Known:
    keys: dict[str, list[VendorKey]] = field(default_factory=dict)
    lots: dict[tuple[str, str], Lot] = field(default_factory=dict)
    owners: dict[str, list[str]] = field(default_factory=dict)  # union_ids by park_id


class Keyring:
    """The only place that holds keys in memory."""

    def __init__(self, database: Database, clock: Clock, overlap: float) -> None:
        self._database = database
        self._clock = clock
        self._overlap = timedelta(seconds=overlap)
        self._known = _Known()
        self._read_at: float | None = None

    def is_fresh(self) -> bool:
        """Whether it was read, or begun to be read, within `FRESH_FOR`."""
        return self._read_at is not None and self._clock.monotonic() - self._read_at < FRESH_FOR

    def refresh(self) -> Coroutine[Any, Any, None]:
        """Read everything again; known to be begun before it is awaited. Raises `StorageError`."""
        self._read_at = self._clock.monotonic()
        return self._read()

    async def _read(self) -> None:
        keys, lots = await self._database.read(lambda conn: (registry.vendor_keys(conn), registry.lots(conn)))
        known = _Known()
        for key in keys:
            known.keys.setdefault(key.union_id, []).append(key)
        for lot in lots:
            known.lots[(lot.union_id, lot.park_id)] = lot
            known.owners.setdefault(lot.park_id, []).append(lot.union_id)
        self._known = known

    def accepted(self, union_id: str) -> list[VendorKey]:
        """The vendor's keys that a signature may be made with now: the current one first."""
        now = self._clock.now()
        return [key for key in self._known.keys.get(union_id, ()) if key.accepted(now, self._overlap)]

    def current(self, union_id: str) -> str:
        """The key that the vendor signs with. Raises UnknownLot when the vendor has none."""
        for key in self._known.keys.get(union_id, ()):
            if key.valid_until is None:
                return key.key
        raise UnknownLot(f"vendor {union_id} has no key")

    def every(self) -> dict[str, str]:
        """Every key that is known by whose it is, those no longer accepted too: what was perhaps signed with."""
        return {
            f"{union_id} ({key.valid_from:%Y-%m-%d})": key.key
            for union_id, keys in self._known.keys.items()
            for key in keys
        }

    def lot(self, union_id: str, park_id: str) -> Lot | None:
        """The vendor's lot of that number; what it says of free spaces is old."""
        return self._known.lots.get((union_id, park_id))

    def is_foreign(self, park_id: str) -> bool:
        """Whether a lot of that number exists at all."""
        return park_id in self._known.owners

    def owners(self, park_id: str) -> list[str]:
        """The vendors that have a lot of that number."""
        return self._known.owners.get(park_id, [])
