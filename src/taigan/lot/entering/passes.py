"""A car with a pass comes in that will not cover all of its stay, or is overdue: said in the stay's history, the booth,
the screen."""

from __future__ import annotations

import sqlalchemy as sa

from taigan.lot.stays import orders
from taigan.lot.stays.covers import Cover, covers, limit_told, overdue_told
from taigan.storage.changes import Changes
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Alarm, Lot, Order


def note_pass(conn: sa.Connection, changes: Changes, lot: Lot, order: Order) -> str:
    """Note what limits the passes of a car that asks for entry now, and that they are overdue. Returns what its driver
    reads in the lane; empty: it has no pass, or one without limits.
    """
    now, sheet = order.requested_at, Sheet(conn)
    passes = sheet.passes_of(order.lot_id, [order.plate])
    held = covers(sheet, lot, passes, order.order_id, order.plate, order.channel_id, now) if passes else []
    held = [one for one in held if one.is_valid(now)]
    if not held:
        return ""
    best = min(held, key=lambda one: (bool(one.lacks), one.is_overdue(now), bool(one.card.days or one.card.hours)))
    overdue = best.is_overdue(now) and not best.lacks
    if overdue:
        orders.note(changes, order, now, "pass overdue", detail=said_overdue(best))
    if best.lacks or best.card.days or best.card.hours:
        orders.note(changes, order, now, "pass limited", detail=said(best))
    if best.lacks == "spaces":
        changes.alarms.append(
            Alarm(order.lot_id, order.channel_id, order.order_id, now, "pass_full", f"{order.plate}: {said(best)}")
        )
    if overdue:
        return overdue_told(best)
    return limit_told(best, now) if best.lacks or best.card.days or best.card.hours else ""


def said(cover: Cover) -> str:
    """What limits a pass, as a person in the booth reads it."""
    card = cover.card
    match cover.lacks:
        case "area":
            return f"pass {card.card_id} is for areas {card.areas} only"
        case "spaces":
            return f"pass {card.card_id}: its {card.spaces} spaces are taken by {', '.join(cover.holders)}"
    return f"pass {card.card_id} is for {' '.join(filter(None, (card.days, card.hours)))} only"


def said_overdue(cover: Cover) -> str:
    """Since when a pass is over, and how long it holds, as a person in the booth reads it."""
    over, until = (moment.astimezone(cover.zone) for moment in (cover.card.ends_at, cover.ends_at))
    return f"pass {cover.card.card_id} was over at {over:%Y-%m-%d %H:%M}, and holds until {until:%Y-%m-%d %H:%M}"
