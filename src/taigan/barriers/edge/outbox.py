"""The events that an edge still owes the platform, in a file that outlives the edge.

The file holds a JSON line for each event and for each acknowledgement. It is emptied whenever nothing is owed, and
written anew at each start and when it has grown too large. A line is handed to the operating system before the event is
first said, so that the edge may be killed at any moment; `synced` returns when a power cut can't take it either.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
import structlog

from taigan.barriers.edge.wire import LaneEvent

log = structlog.get_logger()

MOST = 20_000
LARGEST = 32 * 1024 * 1024


class OutboxUnusable(Exception):
    """The file cannot be used. The text is one sentence."""


class Owed(msgspec.Struct, frozen=True):
    """An event of a lane."""

    channel_id: str
    event: LaneEvent


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the file: an event, or events that are dealt with."""

    owed: Owed | None = None
    dealt_with: list[str] = []


class Outbox:
    """The file, held by this process alone. At most `most` events are owed; the oldest are given up first.

    `largest`: bytes after which the file is written anew, without what is dealt with.
    """

    def __init__(self, path: Path, *, most: int = MOST, largest: int = LARGEST) -> None:
        """Open or create it. Raises `OutboxUnusable`."""
        self._path = path
        self._most = most
        self._largest = largest
        self._owed: dict[str, Owed] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OutboxUnusable(f"{path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read()
            self._write_anew()
        except OSError as error:
            os.close(self._file)
            busy = isinstance(error, BlockingIOError)
            reason = "another edge is using it" if busy else f"it cannot be used: {error.strerror}"
            raise OutboxUnusable(f"{path}: {reason}") from None

    @property
    def owed(self) -> list[Owed]:
        """What nobody has acknowledged, in the order in which it happened."""
        return list(self._owed.values())

    def keep(self, owed: Owed) -> None:
        """Owe an event from now on."""
        self._owed[owed.event.event_id] = owed
        self._write(Line(owed=owed))
        if len(self._owed) > self._most:
            log.error("edge events lost", kept=self._most)
            self.dealt_with([next(iter(self._owed))])

    def dealt_with(self, event_ids: Iterable[str]) -> None:
        """Owe these events no longer."""
        known = [event_id for event_id in event_ids if self._owed.pop(event_id, None) is not None]
        if not self._owed:
            os.ftruncate(self._file, 0)
        elif known:
            self._write(Line(dealt_with=known))

    async def synced(self) -> None:
        """Return when everything kept so far is on the disk."""
        try:
            await asyncio.to_thread(os.fdatasync, self._file)
        except OSError as error:
            log.error("edge events not on the disk: a power cut would lose them", reason=error.strerror)

    def close(self) -> None:
        """Give the file up to others."""
        os.close(self._file)

    def _write(self, line: Line) -> None:
        content = msgspec.json.encode(line) + b"\n"
        size = os.fstat(self._file).st_size
        try:
            if os.write(self._file, content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            log.error("edge event not kept: a restart would lose it", reason=error.strerror)
            os.ftruncate(self._file, size)
        if size > self._largest:
            with contextlib.suppress(OSError):  # the next line tries it again
                self._write_anew()

    def _read(self) -> None:
        """Take over what the last run left. A line torn by a crash is left out."""
        for text in self._path.read_bytes().splitlines():
            try:
                line = msgspec.json.decode(text, type=Line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                log.warning("a line of the edge's events cannot be read", file=str(self._path))
                continue
            if line.owed is not None:
                self._owed[line.owed.event.event_id] = line.owed
            for event_id in line.dealt_with:
                self._owed.pop(event_id, None)

    def _write_anew(self) -> None:
        """Put a file in this one's place that holds what is owed and nothing else."""
        fresh = os.open(self._path.with_suffix(".new"), os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(fresh, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with open(fresh, "wb", closefd=False) as file:
                file.writelines(msgspec.json.encode(Line(owed=owed)) + b"\n" for owed in self._owed.values())
            os.fsync(fresh)
            self._path.with_suffix(".new").replace(self._path)
            os.dup2(fresh, self._file, inheritable=False)  # a sync under way goes on with either file
        finally:
            os.close(fresh)
