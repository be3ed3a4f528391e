"""The address of a database: read, checked and shown without its secrets."""

from __future__ import annotations

import sqlalchemy as sa

from taigan.storage.errors import CannotOpen

ENGINES = ("sqlite", "postgresql")
_SECRET = ("password", "passfile", "sslpassword")
_OF_POSTGRES = {"host", "port", "user", "password", "passfile", "ssl", "sslmode", "target_session_attrs", "krbsrvname"}
"""What may stand after the `?` of a PostgreSQL address."""


def parse(url: str) -> sa.URL:
    """The parts of an SQLAlchemy URL (`sqlite:///…` or `postgresql://…`).

    Raises CannotOpen, in one sentence that holds neither the password nor what may be a part of it.
    """
    try:
        parsed = sa.make_url(url)
        engine = parsed.get_backend_name()
    except (sa.exc.SQLAlchemyError, ValueError):
        raise CannotOpen(
            "database_url is not a database URL (sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME; in the "
            "password / is written %2F, @ %40, : %3A, # %23, ? %3F and % %25)"
        ) from None
    if engine not in ENGINES:
        raise CannotOpen(f"database_url names {engine}; taigan serves from sqlite and postgresql")
    if engine == "sqlite":
        return parsed
    query = dict(parsed.query)
    for name in query:
        if name not in _OF_POSTGRES:
            raise CannotOpen(f"database_url has {name} after the ?, which is not known here")
    if "sslmode" in query:  # the word of psql and its kin
        query["ssl"] = query.pop("sslmode")
    return parsed.set(drivername="postgresql+asyncpg", query=query)


def shown(url: sa.URL) -> str:
    """The address for people: every password is `***`."""
    query = {name: "***" if name in _SECRET else value for name, value in url.query.items()}
    return url.set(drivername=url.get_backend_name(), query=query).render_as_string(hide_password=True)
