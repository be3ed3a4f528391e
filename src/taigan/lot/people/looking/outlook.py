"""What happens to a plate now, and why: whether it is let in, and what it pays."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from taigan.lot.people.looking.board import due
from taigan.lot.stays.covers import holds_until
from taigan.storage.locked import facts, vehicles
from taigan.storage.locked.sheet import Sheet
from taigan.storage.locked.vehicles import SpecialVehicle
from taigan.storage.rows import Lot, Order, Pass
from taigan.storage.setup import price_lists
from taigan.storage.setup.price_lists import PriceListRow
from taigan.storage.shown import views
from taigan.storage.shown.views import Blocked


class Inside(msgspec.Struct):
    """A stay of the plate that goes on, and what it owes now; None, and why not, where that cannot be told."""

    order: Order
    due_fen: int | None
    why_not: str


class Outlook(msgspec.Struct):
    """What is known of a plate at a moment. `refused`: it is not let in; `passes` and `listed` hold ended ones too;
    `holds_until`: the end of the valid pass, its days of grace counted."""

    plate: str
    refused: bool
    blocked: Blocked | None
    listed: list[SpecialVehicle]
    passes: list[Pass]
    valid: Pass | None
    holds_until: datetime | None
    free: SpecialVehicle | None
    inside: list[Inside]
    price_list: PriceListRow | None


def outlook(conn: sa.Connection, lot: Lot, plate: str, now: datetime) -> Outlook:
    """Look a plate up, as its spelling is kept. Nothing is decided and nothing written."""
    refused = facts.blocked(conn, {plate}, now)
    sheet = Sheet(conn)
    passes = sheet.passes_of(lot.lot_id, [plate])
    listed = vehicles.special_vehicles(conn, lot.lot_id, plate)
    zone, grace = ZoneInfo(lot.time_zone), sheet.pass_limits(lot.lot_id).grace_days
    ends = {one.card_id: holds_until(one, grace, zone) for one in passes}
    held = [one for one in passes if one.starts_at <= now < ends[one.card_id]]
    valid = max(held, key=lambda one: ends[one.card_id], default=None)
    inside = [Inside(order, *due(conn, lot, order, now)) for order in sheet.inside_by_plate(lot.lot_id, plate)]
    return Outlook(
        plate=plate,
        refused=any(lot_id == lot.lot_id for lot_id, _, _ in refused),
        blocked=views.block_of(conn, lot.lot_id, "licence", plate),
        listed=listed,
        passes=passes,
        valid=valid,
        holds_until=ends[valid.card_id] if valid is not None else None,
        free=next((one for one in listed if one.kind.startswith("white") and _holds(one, now)), None),
        inside=inside,
        price_list=price_lists.in_force(conn, lot.lot_id, now.astimezone(zone).date()),
    )


def _holds(one: SpecialVehicle, now: datetime) -> bool:
    return (one.starts_at is None or one.starts_at <= now) and (one.ends_at is None or now < one.ends_at)
