"""Drivers, the licence each keeps for good, and the sessions of their phones."""

from __future__ import annotations

import enum
import hashlib
import hmac
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from taigan.hub.book.tables import drivers, sessions
from taigan.hub.book.trail import Trail
from taigan.hub.identity import App, Identity, licence_of

_DRIVER = sa.select(drivers).where(
    drivers.c.app == sa.bindparam("app"), drivers.c.pay_user_id == sa.bindparam("pay_user_id")
)
_DRIVER_OF_SESSION = (
    sa.select(drivers)
    .join(sessions, sessions.c.driver_id == drivers.c.id)
    .where(sessions.c.digest == sa.bindparam("digest"))
)


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver as BoLink knows one. `licence` is the car_number that lots are sent."""

    id: int
    app: App
    pay_user_id: str
    licence: str


def meet(conn: sa.Connection, trail: Trail, identity: Identity) -> Driver:
    """The driver of this identity, entered with a licence of its own at the first meeting."""
    row = conn.execute(_DRIVER, {"app": identity.app.value, "pay_user_id": identity.pay_user_id}).first()
    attempt = 0
    while row is None:
        statement = insert(drivers).values(
            app=identity.app.value,
            pay_user_id=identity.pay_user_id,
            licence=licence_of(identity, attempt),
            created_at=trail.at,
        )
        row = conn.execute(statement.on_conflict_do_nothing().returning(drivers)).first()
        attempt += 1
    return Driver(row.id, App(row.app), row.pay_user_id, row.licence)


def find(conn: sa.Connection, driver_id: int) -> Driver:
    """A driver that is known."""
    row = conn.execute(sa.select(drivers).where(drivers.c.id == driver_id)).one()
    return Driver(row.id, App(row.app), row.pay_user_id, row.licence)


def open_session(conn: sa.Connection, trail: Trail, token: str, identity: Identity) -> None:
    """Remember a driver's browser by the token in its cookie."""
    row = {
        "digest": digest(token),
        "driver_id": meet(conn, trail, identity).id,
        "created_at": trail.at,
        "opened_by": "",
    }
    conn.execute(sessions.insert(), row)


def driver_of_session(conn: sa.Connection, token: str) -> Driver | None:
    row = conn.execute(_DRIVER_OF_SESSION, {"digest": digest(token)}).first()
    return None if row is None else Driver(row.id, App(row.app), row.pay_user_id, row.licence)


def digest(token: str) -> str:
    """What is kept of a session's token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Purpose(enum.StrEnum):
    """What a proof is good for; one that was made for something else is none."""

    FORM = "form"  # a form of this session
    LOGIN = "login"  # the login that this browser began
    ONBOARDING = "onboarding"  # the form for a lot's merchant data


def proof(secret: str, purpose: Purpose, *said: str) -> str:
    """What an address or a form of ours carries to show that we made it, for this purpose and about this."""
    return hmac.new(secret.encode(), "\0".join((purpose, *said)).encode(), hashlib.sha256).hexdigest()


def proves(given: str, secret: str, purpose: Purpose, *said: str) -> bool:
    """Whether we made this proof, for this purpose and about this."""
    return hmac.compare_digest(proof(secret, purpose, *said).encode(), given.encode())
