"""Settings of the configuration that do not count any more are named."""

from __future__ import annotations

import msgspec

from support.lot.parking import LOT, Parking, lot_with
from taigan.lot.setup import LotSetup, overridden


async def told(street: Parking, setup: LotSetup) -> list[tuple[str, str, object, object]]:
    found = await street.read(lambda conn: overridden(conn, [setup]))
    return [(one.about, one.setting, one.in_the_file, one.here) for one in found]


async def test_what_was_changed_in_the_file_after_the_first_start_is_named(street: Parking) -> None:
    assert await told(street, LOT) == []
    lanes = [msgspec.structs.replace(LOT.lanes[0], hours="07:00-22:00"), *LOT.lanes[1:]]
    lot, lane = LOT.lot_id, LOT.lanes[0].channel_id
    assert await told(street, lot_with(spaces=300, lanes=lanes)) == [
        (lot, "spaces", 300, LOT.spaces),
        (f"{lot}/{lane}", "hours", "07:00-22:00", ""),
    ]


async def test_what_the_file_does_not_set_or_the_platform_does_not_know_is_not_named(street: Parking) -> None:
    assert await told(street, LotSetup(union_id=LOT.union_id, park_id=LOT.park_id)) == []
    assert await told(street, LotSetup(union_id=LOT.union_id, park_id="new", spaces=7)) == []
