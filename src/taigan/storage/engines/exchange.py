"""What the processes over one PostgreSQL tell each other, by LISTEN and NOTIFY on a connection of its own.

Nothing that must not be lost goes this way: while the connection is cut, words are lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from taigan.clock import Clock
from taigan.storage import urls

log = structlog.get_logger("taigan.exchange")
AGAIN_AFTER = 1.0
"""Seconds between two tries to connect."""
_CHANNEL = "taigan"
_BACKLOG = 1000
_TELL = "SELECT pg_notify($1, word) FROM unnest($2::text[]) AS word"


class Exchange:
    """One per process. What is told together leaves in one transaction; what comes from this process is not heard."""

    longest = 7900
    """Bytes of UTF-8 that a word has at most; PostgreSQL refuses 8000."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = urls.parse(url)
        self._clock = clock
        self._words: list[str] = []
        self._news = asyncio.Event()

    def tell(self, words: Iterable[str]) -> None:
        """Tell the others, soon. A word holds no NUL."""
        self._words.extend(words)
        del self._words[:-_BACKLOG]
        self._news.set()

    async def run(self, hear: Callable[[str], None]) -> None:
        """Pass on whatever is told, and `hear` whatever the others tell, until cancelled. Connects again when cut."""
        import asyncpg  # type: ignore[import-untyped]  # late: only PostgreSQL needs it

        from taigan.storage.engines.postgres import driver_options

        options = driver_options(self._url)
        options["server_settings"] = {"application_name": "taigan exchange"}
        while True:
            try:
                conn = await asyncpg.connect(command_timeout=5, **options)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.info("no exchange with the other processes", error=str(error))
            else:
                try:
                    await self._exchange(conn, hear)
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    log.warning("the exchange with the other processes was cut", error=str(error))
                finally:
                    conn.terminate()
            await self._clock.sleep(AGAIN_AFTER)

    async def _exchange(self, conn: Any, hear: Callable[[str], None]) -> None:
        """Until the connection is cut, which is noticed at once or when something is told."""
        cut = False

        def noticed(_: Any) -> None:
            nonlocal cut
            cut = True
            self._news.set()

        def heard(_: Any, sender: int, channel: str, word: str) -> None:
            if sender != own:
                hear(word)

        own = conn.get_server_pid()
        conn.add_termination_listener(noticed)
        await conn.add_listener(_CHANNEL, heard)
        while not cut:
            await self._news.wait()
            self._news.clear()
            words, self._words = self._words, []
            if words and not cut:
                await conn.execute(_TELL, _CHANNEL, words)


def exchange_over(url: str, clock: Clock) -> Exchange | None:
    """The exchange over the database at a URL; None where one process has the database to itself."""
    return Exchange(url, clock) if urls.parse(url).get_backend_name() == "postgresql" else None
