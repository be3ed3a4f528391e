"""Which way a car went, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from taigan.barriers.barrier import Event, EventKind, LaneKey
from taigan.lot.lanes.evidence import Way, way_of
from taigan.storage.rows import Lift, Order

NOW = datetime(2026, 5, 4, tzinfo=UTC)
GONE = Event("e", LaneKey("lot", "A1"), EventKind.BACKED_OUT, NOW, "car")
SEEN = Event("e", LaneKey("lot", "A1"), EventKind.BACKED_OUT, NOW, "car", seen=True)
ORDER = Order("lot", "order", "scan", "waiting", "barrier", "EA1", "", "", "", "", "A1", "car", None, "", NOW)
IN = msgspec.structs.replace(ORDER, state="in")


def lift(outcome: str | None, *, command: str = "open", order_id: str | None = "order") -> Lift:
    due = NOW + timedelta(seconds=4)
    return Lift("lot", "L1", "A1", order_id, command, "scan", "driver", "", NOW, due, outcome)


ACCEPTED, UNCERTAIN, REJECTED, UNDER_WAY = map(lift, ("accepted", "uncertain", "rejected", None))
BY_HAND = lift("accepted", order_id=None)


@pytest.mark.parametrize(
    ("lifts", "order", "held", "way"),
    [
        ([], None, False, Way.BACK),
        ([], ORDER, False, Way.BACK),
        ([REJECTED], ORDER, False, Way.BACK),
        ([REJECTED, lift("accepted", command="close")], ORDER, False, Way.BACK),
        ([], IN, False, Way.THROUGH),
        ([REJECTED], IN, False, Way.THROUGH),
        ([ACCEPTED], ORDER, False, Way.THROUGH),
        ([ACCEPTED], IN, False, Way.THROUGH),
        ([REJECTED, ACCEPTED], ORDER, False, Way.THROUGH),
        ([UNCERTAIN], ORDER, False, Way.MAYBE_THROUGH),
        ([UNCERTAIN], IN, False, Way.THROUGH),
        ([UNCERTAIN], None, False, Way.MAYBE_THROUGH),
        ([BY_HAND], ORDER, False, Way.MAYBE_THROUGH),
        ([BY_HAND], None, False, Way.MAYBE_THROUGH),
        ([BY_HAND], IN, False, Way.THROUGH),
        ([lift("accepted", command="hold")], ORDER, False, Way.THROUGH),
        ([UNDER_WAY], ORDER, False, Way.OPEN),
        ([ACCEPTED, UNDER_WAY], IN, False, Way.OPEN),
        ([lift(None, command="close")], ORDER, False, Way.BACK),
        ([], ORDER, True, Way.MAYBE_THROUGH),
        ([], None, True, Way.MAYBE_THROUGH),
        ([], IN, True, Way.THROUGH),
    ],
)
def test_an_unseen_car_went_as_the_rows_say(lifts: list[Lift], order: Order | None, held: bool, way: Way) -> None:
    assert way_of(GONE, lifts, order, held=held) is way


@pytest.mark.parametrize("lifts", [[], [ACCEPTED], [UNDER_WAY]])
def test_a_car_that_was_seen_to_go_back_went_back(lifts: list[Lift]) -> None:
    assert way_of(SEEN, lifts, IN, held=True) is Way.BACK
