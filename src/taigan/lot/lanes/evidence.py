"""Which way a car went that has left the loop: back only if that was seen.

What a process, or a device, does not know of must not count against a driver: another process may have raised the arm,
and a report of it may have been lost. So the rows are asked, which know of every lift.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

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

    It went back if the direction was seen, or if the arm was never raised for it. An arm that is reported down proves
    nothing once it was raised: the car may have driven in, and the loop's report of that may have been lost.
    """
    if event.seen:
        return Way.BACK
    raised = [lift for lift in lifts if lift.command != "close" and lift.outcome != Outcome.REJECTED]
    if any(lift.outcome is None for lift in raised):
        return Way.OPEN
    waits = order is None or order.state == "waiting"
    if not raised and not held:
        return Way.BACK if waits else Way.THROUGH  # it was let in under an arm that was up
    sure = any(lift.outcome == Outcome.ACCEPTED and lift.order_id is not None for lift in raised)
    return Way.THROUGH if sure or not waits else Way.MAYBE_THROUGH
