"""Named bearer tokens. Only their SHA-256 digests are kept, so a token is shown once, when it is made."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection

from taigan.clock import Clock
from taigan.rights import ALL, Grant, Holder, Right, Role, rights_of
from taigan.storage.database import Database
from taigan.storage.setup import registry
from taigan.storage.setup.registry import Token

LONGEST_NAME = 64
_PREFIX = "taigan_"


class BadName(ValueError):
    """A token's name has 1 to 64 printable characters."""


class UnknownLots(ValueError):
    """A token was to be for lots that are not there."""


async def create(
    database: Database,
    name: str,
    clock: Clock,
    *,
    roles: Collection[Role] = (),
    rights: Collection[Right] = (),
    lots: Collection[str] = (),
) -> str:
    """Make a token of that name, in place of an earlier one, and return it: the only time it is seen.

    It may do what its roles and rights say, in these lots; without lots in all of them.

    Raises:
        BadName: the name is empty, longer than 64 characters or not printable.
        UnknownLots: one of the lots is not there.
    """
    _check(name)
    known = {lot.lot_id for lot in await database.read(registry.lots)}
    if missing := [lot_id for lot_id in lots if lot_id not in known]:
        raise UnknownLots(f"there is no lot {', '.join(missing)}; lots are named like {min(known, default='200002-7')}")
    token = _PREFIX + secrets.token_urlsafe(32)
    kept = Token(
        name=name,
        digest=digest_of(token),
        created_at=clock.now(),
        roles=[role.value for role in roles],
        rights=[right.value for right in rights],
        lots=sorted(set(lots)) or None,
    )
    await database.write(lambda conn: registry.add_token(conn, kept))
    return token


async def put(database: Database, name: str, token: str, clock: Clock) -> None:
    """Keep a token that was made elsewhere (a configuration's): it may do everything.

    One that is kept already keeps its age, and its rights where it has some of its own.

    Raises:
        BadName: as for `create`.
    """
    _check(name)
    kept = Token(name=name, digest=digest_of(token), created_at=clock.now())
    if not any((known.name, known.digest) == (name, kept.digest) for known in await database.read(registry.tokens)):
        await database.write(lambda conn: registry.add_token(conn, kept))


async def listed(database: Database) -> list[Token]:
    """Every token, by name."""
    return await database.read(registry.tokens)


async def revoke(database: Database, name: str) -> bool:
    """End a token; requests with it are refused from now on. Tells whether there was one."""
    return await database.write(lambda conn: registry.drop_token(conn, name))


async def bearer(database: Database, token: str) -> Holder | None:
    """Whose token that is, and what they may; None: it is none of ours. Takes the same time for any wrong one."""
    digest = digest_of(token)
    found = None
    for kept in await database.read(registry.tokens):
        if hmac.compare_digest(kept.digest, digest):
            found = kept
    return None if found is None else Holder(found.name, (grant_of(found),))


def grant_of(token: Token) -> Grant:
    """What a token may: what it was made for, or everything where nothing was said."""
    unlimited = token.roles is None and token.rights is None
    rights = ALL if unlimited else rights_of(token.roles or (), token.rights or ())
    return Grant(rights, None if token.lots is None else frozenset(token.lots))


def digest_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def _check(name: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or not name.strip():
        raise BadName(f"a token's name has 1 to {LONGEST_NAME} printable characters")
