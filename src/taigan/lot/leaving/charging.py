"""3.11: what a stay that has ended really took off for its charging is told to the platform that made it cheaper."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from taigan import bolink
from taigan.bolink import BadMessage, units
from taigan.bolink.chapters.callbacks import ReductionNotice
from taigan.bolink.chapters.trade import ChargingReduction
from taigan.bolink.values import ChargingPlatform, ReducingPlatform, ReductionMethod
from taigan.lot.errors import CannotPrice
from taigan.lot.leaving.room import Room
from taigan.lot.stays import orders
from taigan.storage.due import deliveries
from taigan.storage.locked import ledger
from taigan.storage.rows import Order, Reduction

_PLATFORMS = {
    ChargingPlatform.TELD.value: ReducingPlatform.TELD,
    ChargingPlatform.AUTEL_ATC.value: ReducingPlatform.AUTEL_ATC,
}
"""Who wants to know what was really taken off (3.11), by their numbers in 5.14."""


def owe_taken(room: Room, order: Order, at: datetime) -> None:
    """3.11: what a stay that has ended really took off for its charging, once, where the platform wants to know it."""
    account = room.account(order)
    charging = [one for one in account.reductions if one.source == "charging"]
    if not charging or room.sheet.read(deliveries.state_of, room.lot_id, order.order_id, "3.11"):
        return
    with suppress(CannotPrice):
        taken_fen = account.priced(at).taken_fen
        for one in charging:
            told = _told(room, one)
            platform = _PLATFORMS.get(told.plat_form_id or 0) if told is not None else None
            if platform is None:
                continue
            fen = taken_fen.get(one.reduction_id, 0)
            by_time = one.kind == "minutes"
            report = ChargingReduction(
                union_id=int(room.lot.union_id),
                park_id=room.lot.park_id,
                platform_id=platform,
                car_number=order.plate or orders.car_number(order),
                start_charge_seq=one.number,
                calculation_method=ReductionMethod.BY_TIME if by_time else ReductionMethod.BY_AMOUNT,
                duration=Decimal(one.value if fen else 0) if by_time else None,
                reduce_amount=units.yuan(fen),
                out_time=units.seconds(at),
            )
            orders.owe(room.changes, order, "3.11", bolink.write(report).decode(), room.now)
            room.after.owed = True


def _told(room: Room, reduction: Reduction) -> ReductionNotice | None:
    """The message that a reduction came by."""
    text = room.sheet.read(ledger.notice_text, room.lot_id, "5.14", reduction.number)
    try:
        return bolink.read(text.encode(), ReductionNotice) if text else None
    except BadMessage:
        return None
