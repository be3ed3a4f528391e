"""Vendors with their keys, and their lots: who may speak to BoLink, and where BoLink speaks to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from taigan.hub.book.tables import lanes, lots, vendor_keys, vendors
from taigan.hub.book.trail import Trail
from taigan.hub.errors import Unknown, Unusable

_VENDOR = sa.select(vendors).where(vendors.c.union_id == sa.bindparam("union_id"))
_LOT = sa.select(lots).where(lots.c.lot_id == sa.bindparam("lot_id"))
_KEYS = (
    sa.select(vendor_keys.c.key)
    .where(
        vendor_keys.c.union_id == sa.bindparam("union_id"),
        vendor_keys.c.valid_until.is_(None) | (vendor_keys.c.valid_until > sa.bindparam("now")),
    )
    .order_by(vendor_keys.c.id.desc())
)


class VendorSeed(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as the settings name it. `per_event`: pushes go to `callback_url/service_name`."""

    union_id: str
    key: str
    name: str = ""
    callback_url: str = ""
    per_event: bool = False


class LotSeed(msgspec.Struct, frozen=True, kw_only=True):
    """A lot as the settings name it, with the lanes that get an entry code at once, and the exits that get theirs."""

    union_id: str
    park_id: str
    name: str = ""
    lanes: tuple[str, ...] = ()
    exits: tuple[str, ...] = ()
    contact: str = ""
    phone: str = ""
    sms_check: bool = False


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor (an alliance member, named by its union_id) and where its lots' pushes go."""

    union_id: str
    name: str
    callback_url: str
    per_event: bool

    def address(self, service_name: str) -> str:
        """Where BoLink sends this message."""
        url = self.callback_url.rstrip("/")
        return f"{url}/{service_name}" if self.per_event else url


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot, with the attendant's name and phone for drivers who need one."""

    lot_id: str
    union_id: str
    park_id: str
    name: str
    contact: str
    phone: str
    sms_check: bool


def lot_id_of(union_id: str, park_id: str) -> str:
    """The name of a lot over all vendors."""
    return f"{union_id}-{park_id}"


def plant(
    conn: sa.Connection,
    trail: Trail,
    vendor_seeds: tuple[VendorSeed, ...],
    lot_seeds: tuple[LotSeed, ...],
    overlap: timedelta,
) -> None:
    """Enter vendors and lots from the settings; again and again changes nothing.

    Names, addresses and phones follow the settings. A key not seen before becomes the vendor's current one. Whether a
    lot checks by SMS is the lot's own choice (2.5) once it is entered.
    """
    for seed in vendor_seeds:
        if not seed.union_id.isascii() or not seed.union_id.isdecimal():
            raise Unusable("a union_id is a number", "union_id")
        row = {name: getattr(seed, name) for name in ("union_id", "name", "callback_url", "per_event")}
        statement = insert(vendors).values(row)
        conn.execute(statement.on_conflict_do_update(index_elements=["union_id"], set_=row))
        change_key(conn, trail, seed.union_id, seed.key, overlap)
    for lot in lot_seeds:
        row = {name: getattr(lot, name) for name in ("union_id", "park_id", "name", "contact", "phone")}
        statement = insert(lots).values(
            row | {"lot_id": lot_id_of(lot.union_id, lot.park_id), "sms_check": lot.sms_check}
        )
        conn.execute(statement.on_conflict_do_update(index_elements=["lot_id"], set_=row))


def change_key(conn: sa.Connection, trail: Trail, union_id: str, key: str, overlap: timedelta) -> None:
    """Make `key` the vendor's current one, which BoLink signs with; the one before stays good for `overlap`.

    A key the vendor has or had is left as it is.
    """
    if not key or len(key) > 128:
        raise Unusable("a key has 1 to 128 characters", "key")
    if vendor(conn, union_id) is None:
        raise Unknown("vendor", "union_id")
    of_vendor = vendor_keys.c.union_id == union_id
    if conn.execute(sa.select(vendor_keys.c.id).where(of_vendor, vendor_keys.c.key == key)).first():
        return
    conn.execute(
        sa.update(vendor_keys)
        .where(of_vendor, vendor_keys.c.valid_until.is_(None))
        .values(valid_until=trail.at + overlap)
    )
    conn.execute(vendor_keys.insert(), {"union_id": union_id, "key": key, "valid_from": trail.at, "valid_until": None})


def vendor(conn: sa.Connection, union_id: str) -> Vendor | None:
    row = conn.execute(_VENDOR, {"union_id": union_id}).first()
    return None if row is None else Vendor(*row)


def known_vendors(conn: sa.Connection) -> list[Vendor]:
    return [Vendor(*row) for row in conn.execute(sa.select(vendors).order_by(vendors.c.union_id))]


def keys(conn: sa.Connection, union_id: str, now: datetime) -> list[str]:
    """The keys a message of this vendor may be signed with, the current one first."""
    return list(conn.execute(_KEYS, {"union_id": union_id, "now": now}).scalars())


def every_key(conn: sa.Connection) -> dict[str, str]:
    """The keys of all vendors by whose they are, replaced ones too: what a message was perhaps signed with."""
    rows = conn.execute(
        sa.select(vendor_keys).order_by(vendor_keys.c.valid_until.is_(None).desc(), vendor_keys.c.id.desc())
    )
    return {
        f"{row.union_id}{'' if row.valid_until is None else f' ({row.valid_from:%Y-%m-%d})'}": row.key for row in rows
    }


def lot(conn: sa.Connection, lot_id: str) -> Lot | None:
    row = conn.execute(_LOT, {"lot_id": lot_id}).first()
    return None if row is None else Lot(*row)


def known_lots(conn: sa.Connection) -> list[Lot]:
    return [Lot(*row) for row in conn.execute(sa.select(lots).order_by(lots.c.lot_id))]


def lanes_of(conn: sa.Connection, lot_id: str) -> list[str]:
    query = sa.select(lanes.c.channel_id).where(lanes.c.lot_id == lot_id).order_by(lanes.c.channel_id)
    return list(conn.execute(query).scalars())


def add_lane(conn: sa.Connection, lot_id: str, channel_id: str) -> None:
    conn.execute(insert(lanes).values(lot_id=lot_id, channel_id=channel_id).on_conflict_do_nothing())


def set_sms_check(conn: sa.Connection, lot_id: str, on: bool) -> None:
    """2.5: whether drivers of this lot prove their phone before they enter."""
    conn.execute(sa.update(lots).where(lots.c.lot_id == lot_id).values(sms_check=on))
