"""Drivers, the licence each keeps for good, and the sessions of their phones."""

from __future__ import annotations

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


def open_session(conn: sa.Connection, trail: Trail, token: str, identity: Identity | None) -> None:
    """Remember a browser by the token in its cookie; without an identity it is the admin's."""
    driver_id = None if identity is None else meet(conn, trail, identity).id
    conn.execute(sessions.insert(), {"digest": _digest(token), "driver_id": driver_id, "created_at": trail.at})


def driver_of_session(conn: sa.Connection, token: str) -> Driver | None:
    row = conn.execute(_DRIVER_OF_SESSION, {"digest": _digest(token)}).first()
    return None if row is None else Driver(row.id, App(row.app), row.pay_user_id, row.licence)


def is_admin_session(conn: sa.Connection, token: str) -> bool:
    query = sa.select(sessions.c.digest).where(sessions.c.digest == _digest(token), sessions.c.driver_id.is_(None))
    return conn.execute(query).first() is not None


def close_session(conn: sa.Connection, trail: Trail, token: str) -> None:
    conn.execute(sa.delete(sessions).where(sessions.c.digest == _digest(token)))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(secret: str, session: str) -> str:
    """What a form of this session carries to show that our own page sent it."""
    return hmac.new(secret.encode(), session.encode(), hashlib.sha256).hexdigest()


def form_token_fits(secret: str, session: str, token: str) -> bool:
    return hmac.compare_digest(form_token(secret, session).encode(), token.encode())
