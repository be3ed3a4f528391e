"""Has pictures made small by a process beside this one, begun when the first comes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import NamedTuple

from taigan.pictures.framing import LENGTH
from taigan.running import tasks

WITHIN = 20.0
"""Seconds a picture may take; then it is given up, and its process with it."""


class NotAPicture(Exception):
    """It is no JPEG or PNG, or one that would cost too much."""


class Scaled(NamedTuple):
    """The same picture twice, as JPEG: to look at, and for lists."""

    large: bytes
    small: bytes


class Scaler:
    """One picture after the other."""

    def __init__(self, within: float = WITHIN) -> None:
        self._within = within
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def scale(self, picture: bytes) -> Scaled:
        """The picture made small. Raises NotAPicture."""
        async with self._turn:
            try:
                return await tasks.within(self._within, self._exchange(picture))
            except TimeoutError:
                await self._end()
                raise NotAPicture(f"it took more than {self._within:.0f} s") from None
            except (OSError, asyncio.IncompleteReadError) as error:
                await self._end()
                raise NotAPicture(f"what reads pictures failed: {type(error).__name__}") from None

    async def stop(self) -> None:
        """End the process. Idempotent."""
        async with self._turn:
            await self._end()

    async def _exchange(self, picture: bytes) -> Scaled:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "taigan.pictures.scaling",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        given, told = process.stdin, process.stdout
        assert given is not None
        assert told is not None
        given.write(LENGTH.pack(len(picture)) + picture)
        await given.drain()
        good = await told.readexactly(1) == b"\1"
        first = await self._part(told)
        if not good:
            raise NotAPicture(first.decode())
        return Scaled(first, await self._part(told))

    @staticmethod
    async def _part(told: asyncio.StreamReader) -> bytes:
        [length] = LENGTH.unpack(await told.readexactly(LENGTH.size))
        return await told.readexactly(length)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
