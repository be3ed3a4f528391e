"""What an error of a driver means: whose fault it is, and whether something may have been written."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa

_OF_THE_ROWS = ("22", "23", "42")
"""PostgreSQL's classes of errors that lie with the data, a constraint or the statement."""
_TRY_AGAIN = ("40001", "40P01")
"""A serialisation failure, a deadlock: nothing was written, and the same again may well pass."""
_READ_ONLY = "25006"
_LOCK_NOT_AVAILABLE = "55P03"
_READ_ONLY_FILE = {sqlite3.SQLITE_READONLY}


def lies_with_the_rows(error: sa.exc.DBAPIError) -> bool:
    """Whether the database is well, and the same again would fail again."""
    if isinstance(error, sa.exc.IntegrityError | sa.exc.DataError | sa.exc.ProgrammingError):
        return True
    unsendable = error.orig is not None and isinstance(error.orig.__cause__, ValueError)  # asyncpg could not encode it
    return _state(error)[:2] in _OF_THE_ROWS or unsendable


def may_pass_again(error: sa.exc.DBAPIError) -> bool:
    """Whether nothing was written and the same again may pass."""
    return error.connection_invalidated or gave_way(error)


def gave_way(error: sa.exc.DBAPIError) -> bool:
    """Whether the database ended this transaction in favour of another."""
    return _state(error) in _TRY_AGAIN


def takes_no_writes(error: sa.exc.DBAPIError) -> bool:
    """Whether this session, or this file, may only be read."""
    if isinstance(error.orig, sqlite3.Error):
        code: int = getattr(error.orig, "sqlite_errorcode", 0)
        return code & 0xFF in _READ_ONLY_FILE
    return _state(error) == _READ_ONLY


def waited_too_long(error: sa.exc.DBAPIError) -> bool:
    """Whether another transaction held a row for longer than this one waits."""
    return _state(error) == _LOCK_NOT_AVAILABLE


def cause(error: BaseException) -> str:
    """What went wrong, in the driver's words."""
    return str(getattr(error, "orig", None) or error) or type(error).__name__


def _state(error: sa.exc.DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
