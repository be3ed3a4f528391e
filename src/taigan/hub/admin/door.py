"""The admin's door: the token, the sessions of the admin's page, and what slows down whoever guesses."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException

from taigan.hub.book.tables import sessions
from taigan.hub.book.trail import Trail
from taigan.hub.drivers.drivers import digest
from taigan.hub.hub import Hub

ADMIN_COOKIE = "admin"
SESSION_LASTS = timedelta(hours=12)
_FREE_GUESSES = 10
_LONGEST_PAUSE = 60.0
_MOST_GUESSERS = 1000


@dataclass(slots=True)
class _Guesser:
    """An address that wrong tokens came from. The same one again, as from a script that was set up wrongly, is none."""

    wrong: set[str] = field(default_factory=set)
    shut_until: float = 0.0


class Door:
    """Lets the admin in: by the token, or by a session of the admin's page, which ends with the token it was opened by.

    After ten different wrong tokens from one address each further one shuts the door to it, for twice as long each
    time, at most a minute; the right one opens it for good.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._guessers: dict[str, _Guesser] = {}

    def fits(self, connection: ASGIConnection[Any, Any, Any, Any], token: str) -> bool:
        """Whether this is the admin token; nothing fits when there is none. Raises HTTP 429 while the door is shut."""
        peer = connection.client.host if connection.client else ""
        guesser = self._guessers.get(peer)
        left = guesser.shut_until - self._now() if guesser else 0.0
        if left > 0:
            headers = {"Retry-After": str(int(left) + 1)}
            raise HTTPException("too many wrong tokens", status_code=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
        given = token.encode("utf-8", "surrogateescape")
        own = self._hub.admin_token
        if own and hmac.compare_digest(given, own.encode()):
            self._guessers.pop(peer, None)
            return True
        if token:
            self._wrong(peer, digest(given.hex()))
        return False

    def _wrong(self, peer: str, guess: str) -> None:
        while peer not in self._guessers and len(self._guessers) >= _MOST_GUESSERS:
            del self._guessers[next(iter(self._guessers))]
        guesser = self._guessers.setdefault(peer, _Guesser())
        if guess in guesser.wrong:
            return
        guesser.wrong.add(guess)
        over = len(guesser.wrong) - _FREE_GUESSES
        if over >= 0:
            guesser.shut_until = self._now() + min(_LONGEST_PAUSE, 2.0 ** min(over, 10))

    def _now(self) -> float:
        return self._hub.book.clock.monotonic()

    async def open_session(self, session: str) -> None:
        """Remember a browser by the token in its cookie."""
        await self._hub.book.write(_open, session, digest(self._hub.admin_token))

    async def close_session(self, session: str) -> None:
        """End it."""
        await self._hub.book.write(_close, session)

    async def holds(self, session: str) -> bool:
        """Whether this session is open: under the token of now, for twelve hours."""
        if not session or not self._hub.admin_token:
            return False
        earliest = self._hub.book.clock.now() - SESSION_LASTS
        c = sessions.c
        query = sa.select(c.digest).where(
            c.digest == digest(session),
            c.driver_id.is_(None),
            c.opened_by == digest(self._hub.admin_token),
            c.created_at > earliest,
        )
        return await self._hub.book.read(lambda conn: conn.execute(query).first() is not None)


def _open(conn: sa.Connection, trail: Trail, session: str, opened_by: str) -> None:
    over = (sessions.c.driver_id.is_(None)) & (sessions.c.created_at <= trail.at - SESSION_LASTS)
    conn.execute(sa.delete(sessions).where(over))
    row = {"digest": digest(session), "driver_id": None, "created_at": trail.at, "opened_by": opened_by}
    conn.execute(sessions.insert(), row)


def _close(conn: sa.Connection, trail: Trail, session: str) -> None:
    conn.execute(sa.delete(sessions).where(sessions.c.digest == digest(session)))


def bearer(request: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The token that a script sends; empty without one."""
    scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


FromDoor = NamedDependency[Door]
"""How a handler asks for the door."""
