"""Named bearer tokens. Only their SHA-256 digests are kept, so a token is shown once, when it is made."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

import msgspec

from taigan.clock import Clock
from taigan.storage import registry
from taigan.storage.database import Database

LONGEST_NAME = 64
_PREFIX = "taigan_"


class NamedToken(msgspec.Struct, frozen=True):
    """A token that exists; the token itself is nowhere."""

    name: str
    created_at: datetime


class BadName(ValueError):
    """A token's name has 1 to 64 printable characters."""


async def create(database: Database, name: str, clock: Clock) -> str:
    """Make a token of that name, in place of an earlier one, and return it: the only time it is seen.

    Raises:
        BadName: the name is empty, longer than 64 characters or not printable.
    """
    token = _PREFIX + secrets.token_urlsafe(32)
    await put(database, name, token, clock)
    return token


async def put(database: Database, name: str, token: str, clock: Clock) -> None:
    """Keep a token that was made elsewhere (a configuration's). One that is kept already keeps its age.

    Raises:
        BadName: as for `create`.
    """
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or not name.strip():
        raise BadName(f"a token's name has 1 to {LONGEST_NAME} printable characters")
    digest = digest_of(token)
    known = {kept: value for kept, value, _ in await database.read(registry.tokens)}
    if known.get(name) != digest:
        now = clock.now()
        await database.write(lambda conn: registry.add_token(conn, name, digest, now))


async def listed(database: Database) -> list[NamedToken]:
    """Every token's name and age, by name."""
    rows = await database.read(registry.tokens)
    return sorted((NamedToken(name, created_at) for name, _, created_at in rows), key=lambda token: token.name)


async def revoke(database: Database, name: str) -> bool:
    """End a token; requests with it are refused from now on. Tells whether there was one."""
    return await database.write(lambda conn: registry.drop_token(conn, name))


async def bearer(database: Database, token: str) -> str | None:
    """The name of a token; None when it is not one of ours. Takes the same time for any wrong one."""
    digest = digest_of(token)
    found = None
    for name, kept, _ in await database.read(registry.tokens):
        if hmac.compare_digest(kept, digest):
            found = name
    return found


def digest_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
