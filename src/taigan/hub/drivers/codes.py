"""The codes that hang in the lanes (2.3): each belongs to one lane, and only the lot changes it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import sqlalchemy as sa

from taigan.hub.book.registry import add_lane
from taigan.hub.book.tables import codes, lanes
from taigan.hub.book.trail import Trail
from taigan.hub.errors import Unusable

CHANNEL_LENGTH = 16
ENTRY_PATH = "/unionapi/nolienceinpark"
"""Where an entry code leads (the form shown in sdk/479833, spelled so)."""
PAY_PATH = "/unionapi/t"
"""Where an exit's code and a lot's prepay code lead (2.3)."""


_CODE = sa.select(codes).where(codes.c.code == sa.bindparam("code"))


class CodeKind(enum.IntEnum):
    """2.3 `type`."""

    PREPAY = 1
    EXIT_PAY = 2
    ENTRY = 3


@dataclass(frozen=True, slots=True)
class Code:
    """A code and the lane it belongs to. A code that was replaced is not `good` any more."""

    code: str
    lot_id: str
    kind: CodeKind
    channel_id: str
    good: bool


def code_url(public_url: str, kind: CodeKind, code: str) -> str:
    """The address that is drawn as the QR code."""
    return f"{public_url}{ENTRY_PATH}?code={code}" if kind is CodeKind.ENTRY else f"{public_url}{PAY_PATH}?p={code}"


def code_in(text: str) -> str:
    """The code in the address that a QR code holds, or the code itself."""
    return next((text.rpartition(name)[2] for name in ("code=", "?p=") if name in text), text)


def get_code(
    conn: sa.Connection,
    trail: Trail,
    lot_id: str,
    kind: CodeKind,
    channel_id: str,
    *,
    create: bool,
    change: bool,
    new_code: str,
) -> str | None:
    """2.3: the lane's code; made when there is none, replaced by `new_code` when `change` says so.

    Without `create` nothing is made or changed, whatever `change` says, and there may be no code.
    Raises `Unusable` when the lane's name cannot be one.
    """
    if (kind is not CodeKind.PREPAY and not channel_id) or len(channel_id) > CHANNEL_LENGTH:
        raise Unusable(f"channel_id has 1 to {CHANNEL_LENGTH} characters", "channel_id")
    of_lane = (codes.c.lot_id == lot_id, codes.c.kind == kind, codes.c.channel_id == channel_id)
    current = conn.execute(sa.select(codes.c.code).where(*of_lane, codes.c.retired_at.is_(None))).scalar()
    if not create or (current is not None and not change):
        return current
    conn.execute(sa.update(codes).where(*of_lane, codes.c.retired_at.is_(None)).values(retired_at=trail.at))
    if channel_id:
        add_lane(conn, lot_id, channel_id)
    row = {"code": new_code, "lot_id": lot_id, "kind": kind, "channel_id": channel_id, "created_at": trail.at}
    conn.execute(codes.insert(), row)
    return new_code


def find_code(conn: sa.Connection, code: str) -> Code | None:
    """The code as it stands, good or replaced; `None` for one that never was."""
    row = conn.execute(_CODE, {"code": code}).first()
    if row is None:
        return None
    return Code(row.code, row.lot_id, CodeKind(row.kind), row.channel_id, row.retired_at is None)


def good_code(conn: sa.Connection, lot_id: str, kind: CodeKind, channel_id: str) -> str:
    """The good code of a lane, or of a lot (prepay, no channel_id); empty without one."""
    of_lane = (codes.c.lot_id == lot_id, codes.c.kind == kind, codes.c.channel_id == channel_id)
    return conn.execute(sa.select(codes.c.code).where(*of_lane, codes.c.retired_at.is_(None))).scalar() or ""


def is_exit(conn: sa.Connection, lot_id: str, channel_id: str) -> bool:
    """Whether a lane's newest code is for leaving."""
    c = codes.c
    of_lane = (c.lot_id == lot_id, c.channel_id == channel_id, c.kind != CodeKind.PREPAY, c.retired_at.is_(None))
    newest = sa.select(c.kind).where(*of_lane).order_by(c.created_at.desc(), c.kind).limit(1)
    return conn.execute(newest).scalar() == CodeKind.EXIT_PAY


def lane_codes(conn: sa.Connection, lot_id: str, kind: CodeKind) -> dict[str, str]:
    """The good code of one kind of each lane of a lot, by channel_id; empty for a lane without one."""
    on_lane = (
        (codes.c.lot_id == lanes.c.lot_id)
        & (codes.c.channel_id == lanes.c.channel_id)
        & (codes.c.kind == kind)
        & codes.c.retired_at.is_(None)
    )
    query = (
        sa.select(lanes.c.channel_id, codes.c.code)
        .select_from(lanes.outerjoin(codes, on_lane))
        .where(lanes.c.lot_id == lot_id)
        .order_by(lanes.c.channel_id)
    )
    return {row.channel_id: row.code or "" for row in conn.execute(query)}
