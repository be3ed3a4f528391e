"""A barrier's settings are tried before they are stored, and bad ones close their own lane alone."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from support.clock import ManualClock
from support.lot.parking import BY, KEY, LOT_ID, VENDOR, BolinkSide, CountedIds, Gateway, lot_with
from taigan import bolink
from taigan.barriers.barrier import Event, LaneKey, Outcome
from taigan.barriers.drivers import BadSettings, Fleet
from taigan.lot.platform import Platform
from taigan.lot.policy import Policy
from taigan.lot.setup import LaneSetup
from taigan.storage.database import Database
from taigan.storage.setup import registry
from taigan.storage.shown import views

FIRST: dict[str, Any] = {
    "driver": "http",
    "serial": "c1",
    "url": "http://127.0.0.1:9",
    "secret": "0123456789abcdef",
}
A1, A2 = LaneKey(LOT_ID, "A1"), LaneKey(LOT_ID, "A2")


class Process:
    """A platform with real drivers."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.fleet = Fleet(self._happened, ManualClock(), Random(1))
        self.platform = Platform(
            database=database,
            barrier_of=lambda lane, sink: self.fleet.add(
                LaneKey(lane.lot_id, lane.channel_id), lane.barrier, detector=lane.detector
            ),
            transport=BolinkSide(ManualClock(), [KEY]),
            addresses=bolink.Addresses.at("http://hub"),
            gateway=Gateway(),
            policy=Policy(),
            clock=ManualClock(),
            ids=CountedIds("p"),
            random=Random(7),
        )

    async def _happened(self, event: Event) -> None:
        await self.platform.lanes.handle(event)

    async def kept(self) -> list[Any]:
        return [lane.barrier["serial"] for lane in await self.database.read(registry.lanes)]

    async def alarms(self) -> list[tuple[str, str]]:
        found = await self.database.read(lambda conn: views.alarms(conn, LOT_ID, 10, ()))
        return [(alarm.kind, alarm.channel_id) for alarm in found]


def lanes(second: dict[str, Any]) -> list[Any]:
    return [lot_with(lanes=[LaneSetup(channel_id="A1", barrier=FIRST), LaneSetup(channel_id="A2", barrier=second)])]


@pytest.mark.parametrize(
    "wrong",
    [
        FIRST,
        {**FIRST, "serial": "c2", "url": "nowhere"},
        {"driver": "mqtt", "broker": "mqtt://x", "prefix": "{nobody}"},
        {"driver": "mqtt", "broker": "mqtt://x", "prefix": "{lot_id.__class__.__mro__}"},
        {"driver": "mqtt", "broker": "mqtt://x", "prefix": "{lot_id:>3000000}"},
        {"driver": "mqtt", "broker": "mqtt://x", "prefix": "lots/+/{channel_id}"},
        {"driver": "hikvision-isapi", "url": "https://x", "username": "a", "password": "b", "ca_file": "/nowhere"},
    ],
)
async def test_settings_that_cannot_be_used_change_nothing(database: Database, wrong: dict[str, Any]) -> None:
    process = Process(database)
    await process.platform.connect([VENDOR], lanes({**FIRST, "serial": "c2"}))
    before = process.platform.lanes.barrier(A2)
    with pytest.raises(BadSettings):
        await process.platform.attendant.set_lane(LOT_ID, "A2", {"barrier": wrong}, BY)
    assert await process.kept() == ["c1", "c2"]
    assert process.platform.lanes.barrier(A2) is before
    mailbox = process.fleet.door.find("http", "c2")
    assert mailbox is not None
    assert mailbox.handle == before.handle  # type: ignore[union-attr]
    await process.platform.stop()

    again = Process(database)
    await again.platform.connect([VENDOR])
    assert again.platform.lanes.barrier(A2) is not None
    assert await again.alarms() == []
    await again.platform.stop()


async def test_a_lane_is_given_another_barrier_and_keeps_it(database: Database) -> None:
    process = Process(database)
    await process.platform.connect([VENDOR], lanes({**FIRST, "serial": "c2"}))
    await process.platform.attendant.set_lane(LOT_ID, "A2", {"barrier": {**FIRST, "serial": "c3"}}, BY)
    assert await process.kept() == ["c1", "c3"]
    assert process.fleet.door.find("http", "c2") is None
    assert process.fleet.door.find("http", "c3") is not None
    await process.platform.stop()


async def test_settings_that_cannot_be_stored_give_the_lane_its_barrier_back(database: Database) -> None:
    process = Process(database)
    await process.platform.connect([VENDOR], lanes({**FIRST, "serial": "c2"}))
    with pytest.raises(sa.exc.SQLAlchemyError):
        await process.platform.attendant.set_lane(
            LOT_ID, "A2", {"barrier": {**FIRST, "serial": "c3"}, "direction": object()}, BY
        )
    assert await process.kept() == ["c1", "c2"]
    assert process.fleet.door.find("http", "c2") is not None
    assert process.fleet.door.find("http", "c3") is None
    await process.platform.stop()


async def test_one_lanes_bad_settings_close_that_lane_with_an_alarm(database: Database) -> None:
    process = Process(database)
    await process.platform.connect([VENDOR], lanes(FIRST))  # A2 has A1's serial
    assert process.platform.lanes.barrier(A1) is not None
    assert process.platform.lanes.barrier(A2) is None
    assert await process.alarms() == [("barrier_settings", "A2")]
    await process.platform.attendant.set_lane(LOT_ID, "A2", {"barrier": {**FIRST, "serial": "c2"}}, BY)
    barrier = process.platform.lanes.barrier(A2)
    assert barrier is not None
    result = await barrier.open("lift-1", process.platform.clock.now())
    assert result.outcome is Outcome.REJECTED
    await process.platform.stop()
