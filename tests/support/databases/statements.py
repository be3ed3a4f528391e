"""What a database is told, statement by statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import sqlalchemy as sa

_OF_NO_TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK")
_opened: list[sqlite3.Connection] = []


@sa.event.listens_for(sa.Pool, "connect")
def _remember(driver: Any, record: Any) -> None:
    if isinstance(driver, sqlite3.Connection):
        _opened.append(driver)


@contextmanager
def heard() -> Iterator[list[str]]:
    """The statements that every database is told meanwhile, but those that belong to no transaction or frame one.

    The drivers are listened to themselves: the platform hands them statements past SQLAlchemy. Rows that SQLite is
    given by one statement after the other, 64, 32, 16 … by each, are here as one.
    """
    told: list[str] = []

    def note(statement: str) -> None:
        what, values, _ = statement.partition("VALUES")
        if what.lstrip().upper().startswith(_OF_NO_TRANSACTION) or (values and told and told[-1] == what):
            return
        told.append(what)

    def before(conn: sa.Connection, cursor: Any, statement: str, *rest: Any) -> None:
        if conn.dialect.name != "sqlite":
            note(statement)

    def asked(query: Any) -> None:
        note(query.query)

    def listen(driver: Any, *rest: Any) -> None:
        if isinstance(session := getattr(driver, "driver_connection", None), asyncpg.Connection):
            session.add_query_logger(asked)

    def leave(driver: Any, *rest: Any) -> None:
        if isinstance(session := getattr(driver, "driver_connection", None), asyncpg.Connection):
            session.remove_query_logger(asked)

    listeners = (
        (sa.Engine, "before_cursor_execute", before),
        (sa.Pool, "checkout", listen),
        (sa.Pool, "checkin", leave),
    )
    for target, name, listener in listeners:
        sa.event.listen(target, name, listener)
    _tell_of_sqlite(note)
    try:
        yield told
    finally:
        _tell_of_sqlite(None)
        for target, name, listener in listeners:
            sa.event.remove(target, name, listener)


def _tell_of_sqlite(note: Any) -> None:
    for driver in _opened:
        with suppress(sqlite3.ProgrammingError):  # it is closed
            driver.set_trace_callback(note)
