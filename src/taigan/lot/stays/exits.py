"""3.2: how a stay that has ended is told to BoLink."""

from __future__ import annotations

from datetime import datetime

import msgspec

from taigan import bolink
from taigan.bolink import units
from taigan.bolink.chapters.trade import Entry, ExitRemark
from taigan.lot.stays.orders import car_number
from taigan.storage.rows import Lot, Order, Payment

ELECTRONIC = {"prepay": "0", "scancode": "1", "wallet": "1", "sweepcode": "1", "etc": "1"}
"""3.2's `is_prepay` by way of payment: "0" is prepaid."""

NOT_KEPT = "-"
"""In place of a payment code, which nobody keeps: 3.2 wants one."""


def exit_payload(
    lot: Lot,
    order: Order,
    payments: list[Payment],
    *,
    out_time: datetime,
    channel_id: str,
    accepted_entry: str | None,
    reduced_fen: int = 0,
    reduced_minutes: int = 0,
    reason: str = "",
    collector: str = "",
    settles_fen: int | None = None,
    pay_type: str = "cash",
    spaces_free: int | None = None,
) -> str:
    """3.2's `data`, frozen. `total` is what this exit settles: cash taken at it, or a pull's amount.

    `spaces_free`: after this car, where it has not given its space yet. A payment code is put in as it is sent.
    `car_number` and `in_time` stay those that BoLink accepted with 3.1, whatever was corrected since.
    """
    car, in_time = car_number(order), order.in_at or order.requested_at
    taken = msgspec.json.decode(accepted_entry, type=Entry) if accepted_entry else None
    cash = sum(p.fen for p in payments if p.state == "paid" and p.way == "cash")
    electronic = [p for p in payments if p.state == "paid" and p.way in ELECTRONIC]
    remark = None
    if pay_type in ELECTRONIC or electronic:
        remark = ExitRemark(is_prepay=ELECTRONIC[pay_type if pay_type in ELECTRONIC else electronic[-1].way])
    exit_ = bolink.Exit(
        park_id=lot.park_id,
        union_id=int(lot.union_id),
        car_number=taken.car_number if taken is not None else car,
        in_time=taken.in_time if taken is not None else units.seconds(in_time),
        out_time=units.seconds(out_time),
        pay_type=pay_type,
        empty_plot=lot.spaces_free if spaces_free is None else spaces_free,
        total=units.yuan(cash if settles_fen is None else settles_fen),
        order_id=order.order_id,
        auth_code=NOT_KEPT if pay_type == "sweepcode" else None,
        remark=remark,
        out_channel_id=channel_id or None,
        reduce_amount=units.yuan(reduced_fen) if reduced_fen else None,
        derate_duration=reduced_minutes or None,
        freereasons=reason or None,
        out_uname=collector or None,
    )
    return bolink.write(exit_).decode()
