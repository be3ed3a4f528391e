"""What can go wrong at the hub.

HubError
├── DatabaseError            the database file cannot be used; the message says why in one sentence
│   ├── DatabaseInUse
│   ├── DatabaseNewer
│   └── DatabaseUnusable
├── Unknown(what, field)     something named in a request is not there
└── Unusable(reason, field)  a request's value makes no sense
"""

from __future__ import annotations


class HubError(Exception):
    """Base of everything the hub raises on purpose."""


class DatabaseError(HubError):
    """The database file cannot be used."""


class DatabaseInUse(DatabaseError):
    """Another process has the file open."""


class DatabaseNewer(DatabaseError):
    """A newer taigan wrote the file."""


class DatabaseUnusable(DatabaseError):
    """The file cannot be created, read or written."""


class Unknown(HubError):
    """Something named in a request is not there."""

    def __init__(self, what: str, field: str) -> None:
        super().__init__(f"no such {what}")
        self.field = field


class Unusable(HubError):
    """A request's value makes no sense; `reason` says why."""

    def __init__(self, reason: str, field: str) -> None:
        super().__init__(reason)
        self.field = field
