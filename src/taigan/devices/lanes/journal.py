"""An append-only file of JSON lines: what a device did, kept over its own death.

DeviceError
└── JournalError
    ├── JournalBusy
    ├── JournalDamaged
    └── JournalFailed
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from taigan.devices import DeviceError

Record = TypeVar("Record", bound=msgspec.Struct)


class JournalError(DeviceError):
    """Something is wrong with the journal at `path`."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"journal {path}: {reason}")
        self.path = path


class JournalBusy(JournalError):
    """Another process has the journal open."""


class JournalDamaged(JournalError):
    """A line before the last one cannot be read: what follows cannot be trusted to be complete."""


class JournalFailed(JournalError):
    """The file cannot be created, read or written."""


class Journal(Generic[Record]):
    """The journal at `path`, locked for this process as long as it is open.

    `append` hands a record to the operating system, so that it survives the death of this process; `synced` returns
    when everything appended so far is on the disk. One sync serves everybody who waits meanwhile.
    """

    def __init__(self, path: Path, record: type[Record]) -> None:
        """Open or create the file. Raises `JournalBusy`, `JournalDamaged`, `JournalFailed`."""
        self.path = path
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(record)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalFailed(path, f"cannot be opened ({error.strerror})") from error
        try:
            self._lock()
            self.entries: list[Record] = self._read()
            self._sync_folder()
        except BaseException:
            os.close(self._file)
            raise
        self._size = os.fstat(self._file).st_size
        self._on_disk = self._size
        self._sync: asyncio.Task[None] | None = None
        self._syncer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    def append(self, record: Record) -> None:
        """Write one record. Raises `JournalFailed`; then nothing of it stays in the file."""
        line = self._encoder.encode(record) + b"\n"
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(0, "the disk is full")
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise JournalFailed(self.path, f"cannot be written ({error.strerror})") from error
        self._size += len(line)

    async def synced(self) -> None:
        """Return when every record appended before this call is on the disk. Raises `JournalFailed`."""
        wanted = self._size
        while self._on_disk < wanted:
            if self._sync is None:
                self._sync = asyncio.create_task(self._sync_once())
            await asyncio.shield(self._sync)

    async def close(self) -> None:
        """Bring everything to the disk and give the file up to others."""
        await self.synced()
        self._syncer.shutdown()
        os.close(self._file)

    async def _sync_once(self) -> None:
        size = self._size
        try:
            await asyncio.get_running_loop().run_in_executor(self._syncer, os.fdatasync, self._file)
        except OSError as error:
            raise JournalFailed(self.path, f"cannot be brought to the disk ({error.strerror})") from error
        finally:
            self._sync = None
        self._on_disk = size

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise JournalBusy(self.path, "another process is using it") from error

    def _read(self) -> list[Record]:
        """Every record. A last line that was torn by a crash is cut off: nobody was told of it."""
        try:
            with os.fdopen(os.dup(self._file), "rb") as file:
                text = file.read()
        except OSError as error:
            raise JournalFailed(self.path, f"cannot be read ({error.strerror})") from error
        entries: list[Record] = []
        whole = 0
        for number, line in enumerate(text.splitlines(keepends=True), start=1):
            try:
                if not line.endswith(b"\n"):
                    raise msgspec.DecodeError("no end of line")
                entries.append(self._decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                if whole + len(line) < len(text):
                    raise JournalDamaged(self.path, f"line {number} cannot be read") from error
                os.ftruncate(self._file, whole)
                break
            whole += len(line)
        return entries

    def _sync_folder(self) -> None:
        """A file just created is on the disk only when its folder is."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
