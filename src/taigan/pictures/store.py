"""Where pictures lie. Rows in the database name them; a store knows nothing of cars."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

R = TypeVar("R")
PLACE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9a-f]{16,64}\.(jpg|small\.jpg|png)")
"""How a place is written: the day, and a name of sixteen or more hexadecimal digits."""
TRIED = "0001-01-01/0000000000000000.jpg"
"""A place that no picture has: what is put there to see whether that works, goes at once."""


class StoreFailed(Exception):
    """The store did not take a picture, or could not be asked for one. The text is fit for a log."""


def small(place: str) -> str:
    """Where the small one of a picture lies."""
    return place.removesuffix(".jpg") + ".small.jpg" if place.endswith(".jpg") else place


def both(place: str) -> tuple[str, ...]:
    """Everywhere a picture lies."""
    return tuple({place, small(place)})


class Store(Protocol):
    """Keeps pictures by their place. Each method raises `StoreFailed`, and ValueError for what is no place."""

    async def put(self, place: str, picture: bytes) -> None:
        """Keep a picture there, over one that is there already."""

    async def get(self, place: str) -> bytes | None:
        """The picture there; None where there is none."""

    async def drop(self, places: Sequence[str]) -> None:
        """Have none there any more. What is not there is no error."""

    async def look(self) -> None:
        """See whether pictures could be kept."""


def checked(place: str) -> str:
    """The place. Raises ValueError for what could lead elsewhere."""
    if not PLACE.fullmatch(place):
        raise ValueError(f"{place!r} is no place of a picture")
    return place


class InMemory:
    """Pictures that live as long as the process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def put(self, place: str, picture: bytes) -> None:
        """Keep a picture."""
        self._kept[checked(place)] = picture

    async def get(self, place: str) -> bytes | None:
        """The picture there."""
        return self._kept.get(checked(place))

    async def drop(self, places: Sequence[str]) -> None:
        """Have none there any more."""
        for place in places:
            self._kept.pop(checked(place), None)

    async def look(self) -> None:
        """Memory takes them always."""


class Files:
    """Pictures as files below a folder, one folder a day, for the platform's own user alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, place: str, picture: bytes) -> None:
        """Write the file, whole or not at all."""
        await self._do(self._write, self._folder / checked(place), picture)

    async def get(self, place: str) -> bytes | None:
        """What the file holds."""
        return await self._do(self._read, self._folder / checked(place))

    async def drop(self, places: Sequence[str]) -> None:
        """Remove the files, and the days that have none any more."""
        await self._do(self._remove, [self._folder / checked(place) for place in places])

    async def look(self) -> None:
        """Whether the folder, or the one it would be made in, lets itself be written to; nothing is written."""
        await self._do(self._looked_at, self._folder)

    @staticmethod
    async def _do(act: Callable[..., R], *given: Any) -> R:
        try:
            return await asyncio.to_thread(act, *given)
        except OSError as error:
            raise StoreFailed(f"{error.filename or 'the folder'}: {error.strerror or error}") from error

    @staticmethod
    def _write(path: Path, picture: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(picture)
        fresh.replace(path)

    @staticmethod
    def _looked_at(folder: Path) -> None:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        number = errno.ENOTDIR if not folder.is_dir() else 0 if os.access(folder, os.W_OK | os.X_OK) else errno.EACCES
        if number:
            raise OSError(number, os.strerror(number), str(folder))

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    @staticmethod
    def _remove(paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        for day in {path.parent for path in paths}:
            with suppress(OSError):  # others are left there
                day.rmdir()
