"""A car with a pass comes in that will not cover all of its stay: said in the stay's history, the booth, the screen."""

from __future__ import annotations

import sqlalchemy as sa

from taigan.lot.stays import orders
from taigan.lot.stays.covers import Cover, covers, limit_told
from taigan.storage.changes import Changes
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Alarm, Order


def note_pass(conn: sa.Connection, changes: Changes, order: Order) -> str:
    """Note what limits the passes of a car that asks for entry now. Returns what its driver reads in the lane; empty:
    it has no pass, or one without limits.
    """
    now, sheet = order.requested_at, Sheet(conn)
    passes = [
        one
        for one in sheet.passes_of(order.lot_id, [order.plate])
        if one.starts_at <= now < min(one.ends_at, one.ended_at or one.ends_at)
    ]
    if not passes or any(not (one.spaces or one.areas or one.hours) for one in passes):
        return ""
    found = covers(sheet, order.lot_id, passes, order.order_id, order.plate, order.channel_id, now)
    best = min(found, key=lambda one: bool(one.lacks))
    if not best.lacks and not best.card.hours:
        return ""
    orders.note(changes, order, now, "pass limited", detail=said(best))
    if best.lacks == "spaces":
        changes.alarms.append(
            Alarm(order.lot_id, order.channel_id, order.order_id, now, "pass_full", f"{order.plate}: {said(best)}")
        )
    return limit_told(best)


def said(cover: Cover) -> str:
    """What limits a pass, as a person in the booth reads it."""
    card = cover.card
    match cover.lacks:
        case "area":
            return f"pass {card.card_id} is for areas {card.areas} only"
        case "spaces":
            return f"pass {card.card_id}: its {card.spaces} spaces are taken by {', '.join(cover.holders)}"
    return f"pass {card.card_id} is for {card.hours} only"
