"""Why the demo could not start. The text is for the person who started it.

DemoError(exit_code)
├── FolderUnusable     the data folder cannot be written
├── AlreadyRunning     another demo runs on this folder
├── PortTaken          something else listens there
├── PartFailed         one of the three ended instead of starting; `exit_code` is its own
├── NotReady           not everything answered in time
└── UnknownBarrier     there is no demo on that barrier, or what it needs is not installed
"""

from __future__ import annotations


class DemoError(Exception):
    """Base of what stops the demo."""

    exit_code = 1


class FolderUnusable(DemoError):
    """The data folder cannot be written."""

    exit_code = 3


class AlreadyRunning(DemoError):
    """Another demo runs on this folder."""

    exit_code = 5


class PortTaken(DemoError):
    """Something else listens at a port of ours."""

    exit_code = 4


class PartFailed(DemoError):
    """One of the three ended instead of starting."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class NotReady(DemoError):
    """Not everything answered in time."""


class UnknownBarrier(DemoError):
    """There is no demo on that barrier, or what it needs is not installed."""

    exit_code = 2
