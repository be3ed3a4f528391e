"""An LED screen and voice card behind a serial-to-TCP converter, for lanes whose barrier has no serial port."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from taigan.barriers.barrier import NoScreen, Price, Screen
from taigan.barriers.wires.led import ScreenSettings, frames
from taigan.barriers.wires.price import in_words

log = structlog.get_logger()

CONNECT_WITHIN = 3.0


def screen_of(settings: ScreenSettings | None) -> Screen:
    """The lane's screen, or one that shows nothing."""
    return LedScreen(settings) if settings is not None and settings.address else NoScreen()


class LedScreen:
    """Writes the frames of the latest text; a text that is overtaken before it was sent is not shown."""

    def __init__(self, settings: ScreenSettings) -> None:
        self._settings = settings
        host, _, port = settings.address.removeprefix("tcp://").rpartition(":")
        self._host, self._port = host, int(port)
        self._next: str | None = None
        self._writing: asyncio.Task[None] | None = None

    async def show(self, text: str) -> None:
        """Show and speak a text soon."""
        self._next = text
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def ask(self, price: Price) -> None:
        """Show and speak plate, time and amount; the card draws no code."""
        await self.show(in_words(price))

    async def _write(self) -> None:
        while self._next is not None:
            text, self._next = self._next, None
            try:
                async with asyncio.timeout(CONNECT_WITHIN):
                    _, writer = await asyncio.open_connection(self._host, self._port)
                    try:
                        writer.write(b"".join(frames(text, self._settings)))
                        await writer.drain()
                    finally:
                        writer.close()
                        with contextlib.suppress(OSError):
                            await writer.wait_closed()
            except (OSError, TimeoutError) as error:
                log.warning("screen not reached", screen=self._settings.address, reason=str(error))
