"""What can go wrong with the database, for the person who starts the platform.

- StorageError
  - CannotOpen       the place cannot be written, or the server cannot be reached
  - InUse            another process has this SQLite file
  - NewerDatabase    written by a later version of taigan
  - Unavailable      a transaction could not be carried out now
    - ReadOnly       the database takes no writes
    - Held           another transaction holds a row for too long
- LotsHeld           lots that a transaction which never waits could not take
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet


class StorageError(Exception):
    """The database cannot serve; the text says why, in one sentence."""


class CannotOpen(StorageError):
    """The database cannot be created or reached."""


class InUse(StorageError):
    """Another process serves from this SQLite file."""


class NewerDatabase(StorageError):
    """The database was written by a later version."""


class Unavailable(StorageError):
    """A transaction failed for a reason that lies with the database, not with what was written."""


class ReadOnly(Unavailable):
    """The database takes no writes: a standby, a full or a read-only disk."""


class Held(Unavailable):
    """What the transaction needs is held by another one for longer than a transaction waits. Nothing was written."""


class LotsHeld(Exception):
    """Lots that another transaction holds, found by one that does not wait for them. Nothing was written."""

    def __init__(self, lots: AbstractSet[str]) -> None:
        super().__init__(f"held by another transaction: {', '.join(sorted(lots))}")
        self.lots = lots
