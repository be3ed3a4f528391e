"""Vendors and their keys, lots, lanes, tokens and blocked drivers: what is set up rather than what happens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.locked.facts import LANE, LOT, records
from taigan.storage.rows import Lane, Lot


class VendorKey(msgspec.Struct, frozen=True):
    """A key of a vendor; `valid_until` is None for the current one. `ends_at` cuts its time after that short."""

    key_id: int
    union_id: str
    key: str
    valid_from: datetime
    valid_until: datetime | None
    ends_at: datetime | None = None

    def end(self, usual: timedelta) -> datetime | None:
        """When it stops being accepted, where a key usually is so long after it was changed. None: not yet known."""
        if self.valid_until is None:
            return None
        end = self.valid_until + usual
        return end if self.ends_at is None else min(end, self.ends_at)

    def accepted(self, now: datetime, usual: timedelta) -> bool:
        """Whether a message may be signed with it."""
        end = self.end(usual)
        return end is None or now < end


_KEYS = sa.select(*(t.vendor_keys.c[name] for name in VendorKey.__struct_fields__)).order_by(
    t.vendor_keys.c.key_id.desc()
)
_LOTS = sa.select(*LOT).order_by(t.lots.c.lot_id)
_LANES = sa.select(*LANE).order_by(t.lanes.c.lot_id, t.lanes.c.channel_id)


class Token(msgspec.Struct, frozen=True):
    """What is kept of a token of the API. Neither roles nor rights: it may do everything; no lots: in every lot."""

    name: str
    digest: bytes
    created_at: datetime
    roles: list[str] | None = None
    rights: list[str] | None = None
    lots: list[str] | None = None


_TOKENS = sa.select(*(t.api_tokens.c[name] for name in Token.__struct_fields__)).order_by(t.api_tokens.c.name)


def vendor_keys(conn: sa.Connection) -> list[VendorKey]:
    """Every key of every vendor, newest first."""
    return [VendorKey(*row) for row in conn.execute(_KEYS)]


def lots(conn: sa.Connection) -> list[Lot]:
    """Every lot."""
    return records(conn, _LOTS, Lot)


def lanes(conn: sa.Connection) -> list[Lane]:
    """Every lane of every lot."""
    return records(conn, _LANES, Lane)


def add_vendor(conn: sa.Connection, union_id: str, name: str, key: str, now: datetime) -> bool:
    """Add a vendor with its key. Tells whether it was new; one that is known is left as it is."""
    if conn.execute(sa.select(t.vendors.c.union_id).where(t.vendors.c.union_id == union_id)).first():
        return False
    conn.execute(sa.insert(t.vendors), {"union_id": union_id, "name": name})
    conn.execute(sa.insert(t.vendor_keys), {"union_id": union_id, "key": key, "valid_from": now})
    return True


def rotate_key(conn: sa.Connection, union_id: str, key: str, now: datetime) -> None:
    """Give a vendor a new key; the present one ends now (and is accepted for `key_overlap` longer)."""
    current = t.vendor_keys.c.union_id == union_id, t.vendor_keys.c.valid_until.is_(None)
    conn.execute(sa.update(t.vendor_keys).where(*current).values(valid_until=now))
    conn.execute(sa.insert(t.vendor_keys), {"union_id": union_id, "key": key, "valid_from": now})


def end_earlier_keys(conn: sa.Connection, union_id: str, at: datetime) -> None:
    """Let the vendor's keys but the current one be accepted no longer than until then."""
    of_vendor = t.vendor_keys.c.union_id == union_id, t.vendor_keys.c.valid_until.is_not(None)
    later = sa.or_(t.vendor_keys.c.ends_at.is_(None), t.vendor_keys.c.ends_at > at)
    conn.execute(sa.update(t.vendor_keys).where(*of_vendor, later).values(ends_at=at))


def add_lot(conn: sa.Connection, lot: Lot, now: datetime) -> bool:
    """Add a lot. Tells whether it was new; one that is known is left as it is."""
    if conn.execute(sa.select(t.lots.c.lot_id).where(t.lots.c.lot_id == lot.lot_id)).first():
        return False
    conn.execute(sa.insert(t.lots), msgspec.structs.asdict(lot))
    conn.execute(sa.insert(t.upload_pace), {"lot_id": lot.lot_id, "next_at": now - timedelta(seconds=1)})
    return True


def add_lane(conn: sa.Connection, lane: Lane) -> bool:
    """Add a lane. Tells whether it was new; of one that is known only the barrier's settings are taken over."""
    where = t.lanes.c.lot_id == lane.lot_id, t.lanes.c.channel_id == lane.channel_id
    if conn.execute(sa.select(t.lanes.c.channel_id).where(*where)).first():
        conn.execute(sa.update(t.lanes).where(*where).values(barrier=lane.barrier))
        return False
    conn.execute(sa.insert(t.lanes), msgspec.structs.asdict(lane))
    return True


def update_lot(conn: sa.Connection, lot_id: str, changed: dict[str, Any]) -> None:
    """Change columns of a lot."""
    conn.execute(sa.update(t.lots).where(t.lots.c.lot_id == lot_id).values(**changed))


def update_lane(conn: sa.Connection, lot_id: str, channel_id: str, changed: dict[str, Any]) -> None:
    """Change columns of a lane."""
    where = t.lanes.c.lot_id == lot_id, t.lanes.c.channel_id == channel_id
    conn.execute(sa.update(t.lanes).where(*where).values(**changed))


def block(
    conn: sa.Connection, lot_id: str, kind: str, value: str, operator: str, reason: str, now: datetime, via: str = ""
) -> int:
    """Block a value in a lot. Returns its id, that of the earlier row if it was blocked already."""
    where = t.blocked.c.lot_id == lot_id, t.blocked.c.kind == kind, t.blocked.c.value == value
    known = conn.execute(sa.select(t.blocked.c.blocked_id).where(*where)).scalar()
    if known is not None:
        return int(known)
    row = {"lot_id": lot_id, "kind": kind, "value": value, "operator": operator, "reason": reason, "at": now}
    return int(conn.execute(sa.insert(t.blocked).returning(t.blocked.c.blocked_id), {**row, "via": via}).scalar_one())


def unblock(conn: sa.Connection, lot_id: str, blocked_id: int) -> str | None:
    """Take a block back. Returns its kind, or None when there is none."""
    gone = sa.delete(t.blocked).where(t.blocked.c.lot_id == lot_id, t.blocked.c.blocked_id == blocked_id)
    return conn.execute(gone.returning(t.blocked.c.kind)).scalar()


def delivery_state(conn: sa.Connection, lot_id: str, delivery_id: int) -> str | None:
    """The state of a delivery of that lot."""
    where = t.deliveries.c.lot_id == lot_id, t.deliveries.c.delivery_id == delivery_id
    return conn.execute(sa.select(t.deliveries.c.state).where(*where)).scalar()


def is_overtaken(conn: sa.Connection, lot_id: str, delivery_id: int) -> bool:
    """Whether BoLink took a later delivery of the same order: this one would undo it."""
    this, later = t.deliveries.alias("this"), t.deliveries.alias("later")
    found = (
        sa.select(later.c.delivery_id)
        .join(this, sa.and_(this.c.lot_id == later.c.lot_id, this.c.order_id == later.c.order_id))
        .where(
            this.c.lot_id == lot_id,
            this.c.delivery_id == delivery_id,
            this.c.order_id != "",
            later.c.delivery_id > delivery_id,
            later.c.state == "done",
        )
        .limit(1)
    )
    return conn.execute(found).first() is not None


def send_again(conn: sa.Connection, lot_id: str, delivery_id: int, now: datetime) -> bool:
    """Make a refused or waiting delivery due now; whether it was one of these."""
    where = (
        t.deliveries.c.lot_id == lot_id,
        t.deliveries.c.delivery_id == delivery_id,
        t.deliveries.c.state.in_(("refused", "pending")),
    )
    again = sa.update(t.deliveries).where(*where).values(state="pending", next_at=now, done_at=None)
    return conn.execute(again).rowcount > 0


def refused_deliveries(conn: sa.Connection, lot_id: str) -> list[int]:
    """The lot's deliveries that BoLink said no to, oldest first."""
    c = t.deliveries.c
    query = sa.select(c.delivery_id).where(c.lot_id == lot_id, c.state == "refused").order_by(c.delivery_id)
    return [row[0] for row in conn.execute(query)]


def alone(conn: sa.Connection) -> None:
    """Let no other process set things up until this transaction ends: several may be starting at once."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.text("SELECT pg_advisory_xact_lock(7416002)"))


def add_token(conn: sa.Connection, token: Token) -> None:
    """Add a named API token, or replace the one of that name."""
    alone(conn)
    conn.execute(sa.delete(t.api_tokens).where(t.api_tokens.c.name == token.name))
    conn.execute(sa.insert(t.api_tokens), msgspec.structs.asdict(token))


def tokens(conn: sa.Connection) -> list[Token]:
    """Every token."""
    return [Token(*row) for row in conn.execute(_TOKENS)]


def drop_token(conn: sa.Connection, name: str) -> bool:
    """Revoke a token. Tells whether there was one."""
    return conn.execute(sa.delete(t.api_tokens).where(t.api_tokens.c.name == name)).rowcount > 0
