"""Persons who work at the lots: their accounts, what they may where, and the browsers that they are signed in with."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked.facts import columns, records
from taigan.storage.setup.registry import alone

EVERYWHERE = ""
"""The lot_id of a grant for every lot."""


class Person(msgspec.Struct):
    """An account. `password` is its argon2id hash."""

    login: str
    name: str
    password: str
    must_change: bool
    totp_secret: str
    totp_step: int
    created_at: datetime
    disabled_at: datetime | None = None


class Given(msgspec.Struct):
    """A role that a person has in a lot, or in every lot."""

    login: str
    role: str
    lot_id: str
    given_by: str
    at: datetime


class Session(msgspec.Struct):
    """A browser that somebody signed in with. `whole`: nothing is missing, not even the second factor. `issuer`: who
    vouched for them; empty: their password. `linking`: under which state an account elsewhere is being linked."""

    digest: bytes
    login: str
    opened_at: datetime
    seen_at: datetime
    whole: bool
    issuer: str = ""
    linking: bytes | None = None


class Link(msgspec.Struct):
    """An account elsewhere (`issuer` and `subject`) by which a person is let in. `name` is what people know it by."""

    issuer: str
    subject: str
    login: str
    name: str
    linked_by: str
    at: datetime


_PERSON = columns(t.staff, Person)
_PERSONS = sa.select(*_PERSON).order_by(t.staff.c.name)
_ONE = sa.select(*_PERSON).where(t.staff.c.login == sa.bindparam("of_login"))
_HELD = _ONE.with_for_update()
_GRANTS = sa.select(*columns(t.staff_grants, Given)).order_by(
    t.staff_grants.c.login, t.staff_grants.c.lot_id, t.staff_grants.c.role
)
_GRANTS_OF = _GRANTS.where(t.staff_grants.c.login == sa.bindparam("of_login"))
_LINKS = sa.select(*columns(t.staff_links, Link)).order_by(t.staff_links.c.login, t.staff_links.c.issuer)
_LINK = _LINKS.where(
    t.staff_links.c.issuer == sa.bindparam("of_issuer"), t.staff_links.c.subject == sa.bindparam("of_subject")
)
_LINKS_OF = _LINKS.where(t.staff_links.c.login == sa.bindparam("of_login"))
_SESSION = sa.select(*columns(t.staff_sessions, Session)).where(t.staff_sessions.c.digest == sa.bindparam("of_digest"))


def persons(conn: sa.Connection) -> list[Person]:
    """Every account, by name."""
    return records(conn, _PERSONS, Person)


def person(conn: sa.Connection, login: str) -> Person | None:
    """One account."""
    return next(iter(records(conn, _ONE, Person, of_login=login)), None)


def held(conn: sa.Connection, login: str) -> Person | None:
    """One account, which nobody else changes until this transaction ends."""
    return next(iter(records(conn, _HELD, Person, of_login=login)), None)


def grants(conn: sa.Connection) -> list[Given]:
    """Every grant, by login."""
    return records(conn, _GRANTS, Given)


def grants_of(conn: sa.Connection, login: str) -> list[Given]:
    """What one person was given."""
    return records(conn, _GRANTS_OF, Given, of_login=login)


def add(conn: sa.Connection, person: Person) -> str:
    """Add an account. Returns the field that another has already, or nothing when it was added."""
    alone(conn)
    for field in ("login", "name"):
        known = sa.select(t.staff.c.login).where(t.staff.c[field] == getattr(person, field))
        if conn.execute(known).first() is not None:
            return field
    conn.execute(sa.insert(t.staff), msgspec.structs.asdict(person))
    return ""


def change(conn: sa.Connection, login: str, **changed: object) -> None:
    """Change columns of an account."""
    conn.execute(sa.update(t.staff).where(t.staff.c.login == login).values(**changed))


def use_step(conn: sa.Connection, login: str, step: int) -> bool:
    """Use up a time step of the second factor. Tells whether it, and each later one, was unused until now."""
    unused = t.staff.c.login == login, t.staff.c.totp_step < step
    return conn.execute(sa.update(t.staff).where(*unused).values(totp_step=step)).rowcount > 0


def give(conn: sa.Connection, given: Given) -> bool:
    """Add a grant. Tells whether it was new."""
    key = {name: getattr(given, name) for name in ("login", "role", "lot_id")}
    if conn.execute(sa.select(t.staff_grants.c.login).filter_by(**key)).first() is not None:
        return False
    conn.execute(sa.insert(t.staff_grants), msgspec.structs.asdict(given))
    return True


def take(conn: sa.Connection, login: str, role: str, lot_id: str) -> bool:
    """Take a grant back. Tells whether there was one."""
    c = t.staff_grants.c
    gone = sa.delete(t.staff_grants).where(c.login == login, c.role == role, c.lot_id == lot_id)
    return conn.execute(gone).rowcount > 0


def links(conn: sa.Connection) -> list[Link]:
    """Every account elsewhere, by login."""
    return records(conn, _LINKS, Link)


def links_of(conn: sa.Connection, login: str) -> list[Link]:
    """One person's accounts elsewhere."""
    return records(conn, _LINKS_OF, Link, of_login=login)


def linked(conn: sa.Connection, issuer: str, subject: str) -> Link | None:
    """Whose account that is."""
    return next(iter(records(conn, _LINK, Link, of_issuer=issuer, of_subject=subject)), None)


def link(conn: sa.Connection, link: Link) -> str:
    """Let a person in by an account elsewhere. Returns what stands against it, or nothing: `subject`, when the account
    is somebody's already, `login`, when the person has another one there."""
    alone(conn)
    if linked(conn, link.issuer, link.subject) is not None:
        return "subject"
    if any(one.issuer == link.issuer for one in links_of(conn, link.login)):
        return "login"
    conn.execute(sa.insert(t.staff_links), msgspec.structs.asdict(link))
    return ""


def unlink(conn: sa.Connection, login: str, issuer: str = "") -> int:
    """Let a person in no longer by their account there, or by any. Returns how many there were."""
    c = t.staff_links.c
    gone = sa.delete(t.staff_links).where(c.login == login, *([c.issuer == issuer] if issuer else []))
    return conn.execute(gone).rowcount


def session(conn: sa.Connection, digest: bytes) -> Session | None:
    """A session by the digest of its token."""
    return next(iter(records(conn, _SESSION, Session, of_digest=digest)), None)


def open_session(conn: sa.Connection, session: Session) -> None:
    """Remember a browser."""
    conn.execute(sa.insert(t.staff_sessions), msgspec.structs.asdict(session))


def see_session(conn: sa.Connection, digest: bytes, at: datetime, *, whole: bool | None = None) -> None:
    """Note that the person was there, or that the session is whole now."""
    changed: dict[str, object] = {"seen_at": at} if whole is None else {"seen_at": at, "whole": whole}
    conn.execute(sa.update(t.staff_sessions).where(t.staff_sessions.c.digest == digest).values(**changed))


def begin_linking(conn: sa.Connection, digest: bytes, state: bytes) -> None:
    """Remember under which state the person of a session wants an account elsewhere to be linked."""
    conn.execute(sa.update(t.staff_sessions).where(t.staff_sessions.c.digest == digest).values(linking=state))


def end_linking(conn: sa.Connection, digest: bytes, state: bytes) -> bool:
    """Use that state up. Tells whether it was wanted in this session until now."""
    c = t.staff_sessions.c
    wanted = sa.update(t.staff_sessions).where(c.digest == digest, c.linking == state)
    return conn.execute(wanted.values(linking=None)).rowcount > 0


def end_session(conn: sa.Connection, digest: bytes) -> None:
    """Forget a browser."""
    conn.execute(sa.delete(t.staff_sessions).where(t.staff_sessions.c.digest == digest))


def end_vouched(conn: sa.Connection, login: str, issuer: str = "", but: bytes = b"") -> None:
    """Forget the browsers of a person that this provider vouched for, or any, except one."""
    c = t.staff_sessions.c
    vouched = c.issuer == issuer if issuer else c.issuer != ""
    conn.execute(sa.delete(t.staff_sessions).where(c.login == login, vouched, c.digest != but))


def end_sessions(conn: sa.Connection, login: str, but: bytes = b"") -> None:
    """Forget every browser of a person, except one."""
    c = t.staff_sessions.c
    conn.execute(sa.delete(t.staff_sessions).where(c.login == login, c.digest != but))
