"""Which way a car went that has left the loop: back only if that was seen.

What a process, or a device, does not know of must not count against a driver: another process may have raised the arm,
and a report of it may have been lost. So the rows are asked, which know of every lift.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime

from taigan.barriers.barrier import Event, Outcome
from taigan.storage.rows import Lift, Order

UNSEEN = "nobody saw which way the car went"
"""Why a person should look at such an order."""


class Way(enum.Enum):
    """What may be taken for true of a car that is gone."""

    BACK = enum.auto()  # it did not come in
    THROUGH = enum.auto()  # it drove through
    MAYBE_THROUGH = enum.auto()  # nobody knows whether it did: a passage, for review
    OPEN = enum.auto()  # a command for it is under way: what becomes of that tells


def way_of(event: Event, lifts: Sequence[Lift], order: Order | None, *, held: bool) -> Way:
    """Judge a BACKED_OUT. `lifts`: the car's own, and those of the lane since it came; `held`: the arm is held up.

    It went back if the direction was seen, if the arm was never raised, or if the arm is reported to have come down
    since it was last raised, with the car still on the loop.
    """
    if event.seen:
        return Way.BACK
    raised = [lift for lift in lifts if lift.command != "close" and lift.outcome != Outcome.REJECTED]
    if any(lift.outcome is None for lift in raised):
        return Way.OPEN
    standing = [lift for lift in raised if not _is_since(event.down_since, lift.outcome_at)]
    if any(lift.outcome == Outcome.ACCEPTED and lift.order_id is not None for lift in standing):
        return Way.THROUGH
    if standing or held:
        return Way.MAYBE_THROUGH if order is None or order.state == "waiting" else Way.THROUGH
    if order is not None and order.state == "in" and not _is_since(event.down_since, order.in_at):
        return Way.THROUGH  # the arm was up without a lift of ours
    return Way.BACK


def _is_since(down_since: datetime | None, raised_at: datetime | None) -> bool:
    """Whether the arm is reported to have come down after it was raised."""
    return down_since is not None and raised_at is not None and down_since > raised_at
