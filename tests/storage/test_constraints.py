"""What the tables themselves refuse, on both engines: the last word when every rule before it has failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taigan.storage import tables as t
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.locked import facts
from taigan.storage.rows import Alarm, Departure, Lane, Lot, Order, Presence
from taigan.storage.setup import registry

NOW = datetime(2026, 5, 4, 4, 0, 0, 123456, tzinfo=UTC)
LOT = Lot("1-7", "1", "7", "东门", "Asia/Shanghai", "", 10, 10, False, False)
LANE = Lane("1-7", "A1", "entry", "automatic", "accepted", True, "", True, {"driver": "x"}, "", False)
ORDER = Order(
    lot_id="1-7",
    order_id="O1",
    origin="scan",
    state="waiting",
    waiting_for="barrier",
    licence="EA47829",
    mark="",
    plate="",
    pay_user_id="",
    mobile="",
    channel_id="A1",
    presence_id="car",
    told_state=None,
    told_text="",
    requested_at=NOW,
)
replace = msgspec.structs.replace


@pytest.fixture
async def lot(database: Database) -> Database:
    """A database with a vendor, a lot, two lanes and a car on the loop."""

    def set_up(conn: sa.Connection) -> None:
        registry.add_vendor(conn, "1", "", "key", NOW)
        registry.add_lot(conn, LOT, NOW)
        registry.add_lane(conn, LANE)
        registry.add_lane(conn, replace(LANE, channel_id="A2"))

    await database.write(set_up)
    return database


async def add(database: Database, *records: Any) -> None:
    """Write records as transactions do."""

    def transaction(conn: sa.Connection) -> None:
        changes = Changes()
        for record in records:
            match record:
                case Order():
                    changes.new_order(record)
                case Presence():
                    changes.arrived.append(record)
                case Alarm():
                    changes.alarms.append(record)
                case Lot():
                    changes.lot(record)
        changes.write(conn)

    await database.write(transaction)


async def refused(database: Database, *records: Any) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        await add(database, *records)


async def test_two_live_orders_of_one_presence_are_refused(lot: Database) -> None:
    await add(lot, ORDER)
    await refused(lot, replace(ORDER, order_id="O2", licence="OTHER"))
    await refused(lot, replace(ORDER, order_id="O2", licence="OTHER", state="in"))
    for number, state in enumerate(("void", "abandoned", "out")):
        await add(lot, replace(ORDER, order_id=f"O1{number}", state=state))


async def test_two_live_orders_of_one_presence_in_two_lanes_are_two(lot: Database) -> None:
    await add(lot, ORDER, replace(ORDER, order_id="O2", licence="OTHER", channel_id="A2"))


async def test_two_live_orders_of_one_licence_in_a_lot_are_refused(lot: Database) -> None:
    await add(lot, ORDER)
    await refused(lot, replace(ORDER, order_id="O2", presence_id="another car"))
    await refused(lot, replace(ORDER, order_id="O2", presence_id=None))
    await add(lot, replace(ORDER, order_id="O3", presence_id="another car", state="out"))


async def test_live_orders_without_a_presence_are_as_many_as_there_are_drivers(lot: Database) -> None:
    await add(lot, replace(ORDER, presence_id=None), replace(ORDER, order_id="O2", licence="B", presence_id=None))


async def test_an_order_id_twice_in_a_lot_is_refused(lot: Database) -> None:
    await add(lot, replace(ORDER, state="out"))
    await refused(lot, replace(ORDER, presence_id="x", licence="y"))


async def test_two_cars_on_one_loop_are_refused_unless_the_first_has_left(lot: Database) -> None:
    await add(lot, Presence("car", "1-7", "A1", NOW))
    await refused(lot, Presence("second", "1-7", "A1", NOW))
    await add(lot, Presence("gone", "1-7", "A1", NOW, None, NOW, "passed"))
    await add(lot, Presence("second", "1-7", "A2", NOW))


async def test_a_presence_twice_is_refused(lot: Database) -> None:
    await add(lot, Presence("car", "1-7", "A1", NOW, None, NOW, "passed"))
    await refused(lot, Presence("car", "1-7", "A2", NOW, None, NOW, "passed"))


async def test_free_spaces_below_0_are_refused(lot: Database) -> None:
    await refused(lot, replace(LOT, spaces_free=-1))
    await add(lot, replace(LOT, spaces_free=0))


async def test_an_order_in_a_lane_that_does_not_exist_is_refused(lot: Database) -> None:
    await refused(lot, replace(ORDER, channel_id="A9"))


async def test_one_alarm_for_one_report_of_a_device(lot: Database) -> None:
    alarm = Alarm("1-7", "A1", "", NOW, "barrier_fault", "motor", "report-1")
    await add(lot, alarm)
    await refused(lot, alarm)
    await add(lot, replace(alarm, channel_id="A2"), replace(alarm, event_id=""), replace(alarm, event_id=""))


async def test_a_refused_row_leaves_nothing_of_its_transaction(lot: Database) -> None:
    await add(lot, ORDER)
    await refused(lot, Presence("car", "1-7", "A1", NOW), replace(ORDER, order_id="O2", licence="OTHER"))
    assert await lot.read(lambda conn: facts.cars(conn, [("1-7", "A1")])) == {}


async def test_a_value_twice_among_the_blocked_is_one_row(lot: Database) -> None:
    ids = {
        await lot.write(lambda conn: registry.block(conn, "1-7", "licence", "EA47829", "who", "why", NOW))
        for _ in range(2)
    }
    assert len(ids) == 1


async def test_records_come_back_as_they_were_written(lot: Database) -> None:
    order = replace(ORDER, state="in", in_at=NOW, review="二次", told_state=1, told_text="入场成功")
    await add(lot, order, Presence("car", "1-7", "A1", NOW, NOW + timedelta(seconds=15)))
    found = await lot.read(lambda conn: facts.orders(conn, [("1-7", "O1")]))
    assert found == {("1-7", "O1"): order}
    cars = await lot.read(lambda conn: facts.cars(conn, [("1-7", "A1")]))
    assert cars[("1-7", "A1")].ends_at == NOW + timedelta(seconds=15)
    assert await lot.read(registry.lots) == [LOT]
    assert await lot.read(registry.lanes) == [LANE, replace(LANE, channel_id="A2")]


zones = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-5, minutes=-30))])
moments = st.datetimes(timezones=zones).filter(lambda moment: 1970 < moment.year < 9999)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=moments)
async def test_a_moment_keeps_its_microseconds_and_comes_back_aware_in_utc(lot: Database, moment: datetime) -> None:
    def there_and_back(conn: sa.Connection) -> datetime:
        conn.execute(sa.update(t.lots).values(name="x"))
        conn.execute(sa.update(t.upload_pace).values(next_at=moment))
        found: datetime = conn.execute(sa.select(t.upload_pace.c.next_at)).scalar_one()
        return found

    found = await lot.write(there_and_back)
    assert found == moment
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize("left", ["car1", "car2"])
async def test_an_order_goes_from_one_departure_to_another_whichever_of_their_rows_comes_first(
    lot: Database, left: str
) -> None:
    there = {name: Departure("1-7", name, channel, "", "", NOW) for name, channel in (("car1", "A1"), ("car2", "A2"))}
    taken = there["car2" if left == "car1" else "car1"]
    there[left].order_id = "O1"
    begun = Changes()
    begun.arrived += [Presence(one.presence_id, "1-7", one.channel_id, NOW) for one in there.values()]
    for one in there.values():
        begun.new_departure(one)
    await lot.write(begun.write)
    moved = Changes()
    taken.order_id, there[left].ended_at, there[left].ended_how = "O1", NOW, "taken_over"
    moved.departure(taken)
    moved.departure(there[left])
    await lot.write(moved.write)
    rows = sa.select(t.departures.c.presence_id).where(
        t.departures.c.ended_at.is_(None), t.departures.c.order_id == "O1"
    )
    assert await lot.read(lambda conn: conn.execute(rows).scalars().all()) == [taken.presence_id]
