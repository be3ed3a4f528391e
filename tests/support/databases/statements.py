"""What a database is told, statement by statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

_OF_NO_TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK")


@contextmanager
def heard() -> Iterator[list[str]]:
    """The statements that every database is told meanwhile, but those that belong to no transaction or frame one.

    SQLite's driver is listened to itself: the platform hands it statements past SQLAlchemy. Rows that it is given by
    one statement after the other, 64, 32, 16 … by each, are here as one.
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

    def listen(driver: Any, *rest: Any) -> None:
        if isinstance(driver, sqlite3.Connection):
            driver.set_trace_callback(note)

    def leave(driver: Any, *rest: Any) -> None:
        if isinstance(driver, sqlite3.Connection):
            driver.set_trace_callback(None)

    listeners = (
        (sa.Engine, "before_cursor_execute", before),
        (sa.Pool, "checkout", listen),
        (sa.Pool, "checkin", leave),
    )
    for target, name, listener in listeners:
        sa.event.listen(target, name, listener)
    try:
        yield told
    finally:
        for target, name, listener in listeners:
            sa.event.remove(target, name, listener)
