"""What can go wrong with the database, for the person who starts the platform.

- StorageError
  - CannotOpen       the place cannot be written, or the server cannot be reached
  - InUse            another process has this SQLite file
  - NewerDatabase    written by a later version of taigan
  - Unavailable      a transaction could not be carried out now
"""

from __future__ import annotations


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
