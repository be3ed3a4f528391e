"""Lists a page at a time: `{"items", "next"}`, `next` being the cursor to ask for what follows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

from taigan.storage.shown.views import After
from taigan.web.errors import bad_value

V = TypeVar("V")
R = TypeVar("R")

Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="How many items at most.")]
Cursor = Annotated[str, QueryParameter(max_length=512, description="`next` of the page before; empty for the first.")]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


class Page(msgspec.Struct, Generic[V]):
    """Part of a list. `next` is null on the last page."""

    items: list[V]
    next: str | None


class Position:
    """The kinds of values a list is sorted by, to read and write its cursors."""

    def __init__(self, *kinds: type[datetime] | type[str] | type[int]) -> None:
        self._kinds = kinds

    def write(self, values: After) -> str:
        plain = [(value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value for value in values]
        return base64.urlsafe_b64encode(msgspec.json.encode(plain)).decode().rstrip("=")

    def read(self, cursor: str) -> After:
        """The values of a cursor, none for an empty one. Raises `Refused` for what was never one of this list."""
        if not cursor:
            return ()
        wrong = bad_value("is not a cursor of this list", "cursor")
        try:
            padded = cursor.encode() + b"=" * (-len(cursor) % 4)
            plain = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=list[str | int])
        except (binascii.Error, UnicodeError, msgspec.DecodeError, RecursionError):
            raise wrong from None
        if len(plain) != len(self._kinds):
            raise wrong
        values: list[datetime | str | int] = []
        for value, kind in zip(plain, self._kinds, strict=True):
            if kind is str:
                if not isinstance(value, str) or "\x00" in value:
                    raise wrong
                values.append(value)
            elif not isinstance(value, int) or not 0 <= value < 2**63:
                raise wrong
            elif kind is int:
                values.append(value)
            elif value > (_NEVER - _EPOCH) // _MICROSECOND:
                raise wrong
            else:
                values.append(_EPOCH + timedelta(microseconds=value))
        return tuple(values)

    def page(self, rows: list[R], limit: int, key: Callable[[R], After], show: Callable[[R], V]) -> Page[V]:
        """A page of `limit` out of rows of which one more than that was asked for."""
        shown = rows[:limit]
        more = self.write(key(shown[-1])) if len(rows) > limit else None
        return Page([show(row) for row in shown], more)
