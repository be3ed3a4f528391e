"""The three processes of the demo: started together, watched, stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from taigan.demo.errors import FolderUnusable

STOP_WITHIN = 4.0


class Part:
    """One child process, `taigan <name>`. It ends when this process does, however this process ends."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._log_from = 0

    async def start(self) -> None:
        """Start it; what it logs is added to its log file."""
        try:
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderUnusable(f"{self.log} cannot be written: {error.strerror}") from None
        try:
            self._log_from = os.fstat(log).st_size
            # The pipe to its standard input is the leash: it closes when this process ends.
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, env=dict(self._environment)
            )
        finally:
            os.close(log)

    async def ended(self) -> int:
        """Wait until it ends; its exit code, or minus the signal that ended it."""
        assert self._process is not None
        return await self._process.wait()

    def last_words(self) -> str:
        """The last line it logged since it was started."""
        with self.log.open("rb") as file:
            file.seek(self._log_from)
            lines = file.read()[-16_384:].decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    @property
    def started(self) -> bool:
        return self._process is not None


async def stop_all(parts: Sequence[Part]) -> None:
    """Ask each to stop, in order, the next when the one before has stopped; what is left after `STOP_WITHIN` is killed.

    So nobody sees the others vanish and takes it for a fault.
    """
    running = [part for part in parts if part.started]
    try:
        async with asyncio.timeout(STOP_WITHIN):
            for part in running:
                part.ask_to_stop()
                await asyncio.wait((asyncio.ensure_future(part.ended()),), timeout=STOP_WITHIN / 2)
            await asyncio.gather(*(part.ended() for part in running))
    except TimeoutError:
        for part in running:
            part.kill()
        await asyncio.gather(*(part.ended() for part in running))


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
