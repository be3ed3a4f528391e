"""Changing the key that a vendor shares with BoLink, and cutting off those it had before."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from taigan.lot.errors import BadValue, UnknownVendor
from taigan.lot.people.by import By
from taigan.storage.changes import Changes
from taigan.storage.rows import Act
from taigan.storage.setup import registry
from taigan.storage.setup.registry import VendorKey


class KeyInUse(msgspec.Struct, frozen=True):
    """Since when a vendor's key is in use, and how long the one before it is still accepted, if it is."""

    union_id: str
    valid_from: datetime
    previous_until: datetime | None


def change(
    conn: sa.Connection,
    union_id: str,
    key: str,
    by: By,
    *,
    now: datetime,
    usual: timedelta,
    overlap: timedelta | None = None,
) -> KeyInUse:
    """Sign with another key from now on. The ones before are accepted for `overlap` longer, or for the `usual` time.

    The key that is in use is not changed by itself; `overlap` counts all the same. A key that is no longer accepted
    never comes back: messages that were signed with it long ago would count once more.

    Raises UnknownVendor, BadValue.
    """
    known = _known(conn, union_id)
    if known[0].key != key:
        before = [kept for kept in known if kept.key == key]
        if before and not any(kept.accepted(now, usual) for kept in before):
            said = "was in use before and is accepted no more; were it to come back, its old messages would count again"
            raise BadValue(said, "key")
        registry.rotate_key(conn, union_id, key, now)
        _note(conn, union_id, by, now, "another key for the vendor")
    if overlap is not None:
        registry.end_earlier_keys(conn, union_id, now + overlap)
        _note(conn, union_id, by, now, f"earlier keys of the vendor end in {overlap.total_seconds():.0f} s")
    return _in_use(conn, union_id, now, usual)


def cut_off(conn: sa.Connection, union_id: str, by: By, *, now: datetime, usual: timedelta) -> int:
    """Accept only the vendor's present key from now on. Returns how many keys that ended. Raises UnknownVendor."""
    ended = sum(kept.accepted(now, usual) for kept in _known(conn, union_id)[1:])
    registry.end_earlier_keys(conn, union_id, now)
    _note(conn, union_id, by, now, "earlier keys of the vendor cut off")
    return ended


def _known(conn: sa.Connection, union_id: str) -> list[VendorKey]:
    registry.alone(conn)
    known = [key for key in registry.vendor_keys(conn) if key.union_id == union_id]
    if not known:
        raise UnknownVendor(f"there is no vendor {union_id}", "union_id")
    return known


def _in_use(conn: sa.Connection, union_id: str, now: datetime, usual: timedelta) -> KeyInUse:
    current, *earlier = _known(conn, union_id)
    ends = [end for key in earlier if (end := key.end(usual)) is not None and end > now]
    return KeyInUse(union_id, current.valid_from, max(ends, default=None))


def _note(conn: sa.Connection, union_id: str, by: By, now: datetime, act: str) -> None:
    changes = Changes()
    for lot in registry.lots(conn):
        if lot.union_id == union_id:
            changes.acts.append(Act(lot.lot_id, now, by.operator, by.reason, act, by.via))
    changes.write(conn)
