"""What the configuration brings into the database: vendors, lots and lanes it does not know yet.

The database is the truth afterwards: what an operator changed stays. A key in the configuration that the vendor never
had is a change of key; one that was replaced stays replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.lot.stays import orders
from taigan.storage.changes import Changes
from taigan.storage.locked import facts
from taigan.storage.rows import Lane, Lot
from taigan.storage.setup import registry


class VendorSetup(msgspec.Struct, frozen=True, kw_only=True):
    """An account at BoLink and the key it signs with now."""

    union_id: str
    key: str
    name: str = ""


class LaneSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A lane; `barrier` holds the driver's name and settings, `confirm` is what the driver can tell if left empty."""

    channel_id: str
    direction: str = "entry"
    policy: str = "automatic"
    confirm: str = ""
    detector: bool = True
    hours: str = ""
    barrier: dict[str, Any] = {}


class Overridden(msgspec.Struct, frozen=True):
    """A setting of the configuration that an operator has changed since: what counts is `here`."""

    about: str
    setting: str
    in_the_file: Any
    here: Any


class LotSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A lot with its lanes."""

    union_id: str
    park_id: str
    name: str = ""
    spaces: int = 0
    time_zone: str = "Asia/Shanghai"
    contact: str = ""
    sms_check: bool = False
    lanes: Sequence[LaneSetup] = ()

    @property
    def lot_id(self) -> str:
        """`{union_id}-{park_id}`."""
        return f"{self.union_id}-{self.park_id}"


def overridden(conn: sa.Connection, lots: Sequence[LotSetup]) -> list[Overridden]:
    """What the configuration says of lots and lanes that are known, and that is otherwise here: it changes nothing.

    Only what is set in the configuration counts, by its difference from the usual value.
    """
    found = []
    rows = {lot.lot_id: lot for lot in registry.lots(conn)}
    lanes = {(lane.lot_id, lane.channel_id): lane for lane in registry.lanes(conn)}
    for lot in lots:
        found += _overridden(lot.lot_id, lot, rows.get(lot.lot_id), _OF_LOTS)
        for lane in lot.lanes:
            row = lanes.get((lot.lot_id, lane.channel_id))
            found += _overridden(f"{lot.lot_id}/{lane.channel_id}", lane, row, _OF_LANES)
    return found


_OF_LOTS = ("name", "spaces", "time_zone", "contact", "sms_check")
_OF_LANES = ("direction", "policy", "confirm", "detector", "hours")


def _overridden(
    about: str, setup: LotSetup | LaneSetup, row: Lot | Lane | None, names: Sequence[str]
) -> list[Overridden]:
    usual = {field.name: field.default for field in msgspec.structs.fields(setup)}
    pairs = [(name, getattr(setup, name), getattr(row, name)) for name in names] if row is not None else []
    return [
        Overridden(about, name, given, here) for name, given, here in pairs if given != usual[name] and given != here
    ]


def seed(conn: sa.Connection, vendors: Sequence[VendorSetup], lots: Sequence[LotSetup], now: datetime) -> None:
    """Add what is new, in one transaction."""
    registry.alone(conn)
    keys: dict[str, list[str]] = {}
    for known in registry.vendor_keys(conn):
        keys.setdefault(known.union_id, []).append(known.key)
    for vendor in vendors:
        new = registry.add_vendor(conn, vendor.union_id, vendor.name, vendor.key, now)
        if not new and vendor.key not in keys[vendor.union_id]:
            registry.rotate_key(conn, vendor.union_id, vendor.key, now)
    known_lots = {lot.lot_id for lot in registry.lots(conn)}
    barriers = {(lane.lot_id, lane.channel_id): lane.barrier for lane in registry.lanes(conn)}
    for lot in lots:
        row = Lot(
            lot_id=lot.lot_id,
            union_id=lot.union_id,
            park_id=lot.park_id,
            name=lot.name,
            time_zone=lot.time_zone,
            contact=lot.contact,
            spaces=lot.spaces,
            spaces_free=lot.spaces,
            emergency=False,
            sms_check=lot.sms_check,
        )
        if lot.lot_id not in known_lots and registry.add_lot(conn, row, now) and lot.sms_check:
            changes = Changes()
            orders.owe_sms_check(changes, row, now)
            changes.write(conn)
        for lane in lot.lanes:
            if barriers.get((lot.lot_id, lane.channel_id)) == lane.barrier:
                continue
            registry.add_lane(
                conn,
                Lane(
                    lot_id=lot.lot_id,
                    channel_id=lane.channel_id,
                    direction=lane.direction,
                    policy=lane.policy,
                    confirm=lane.confirm,
                    is_open=True,
                    hours=lane.hours,
                    detector=lane.detector,
                    barrier=lane.barrier,
                    entry_url="",
                    loop_dead=False,
                ),
            )


def settle_confirm(conn: sa.Connection, confirm_of: Mapping[tuple[str, str], str]) -> None:
    """Write down what makes an entry certain in lanes, by (lot_id, channel_id), whose configuration left it open."""
    for (lot_id, channel_id), confirm in confirm_of.items():
        registry.update_lane(conn, lot_id, channel_id, {"confirm": confirm})


def lane_of(conn: sa.Connection, lot_id: str, channel_id: str) -> Lane | None:
    """One lane."""
    return facts.lanes(conn, [(lot_id, channel_id)]).get((lot_id, channel_id))
