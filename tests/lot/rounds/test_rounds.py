"""What time brings a lot to tell a person, each morning."""

from __future__ import annotations

from datetime import datetime

from lot.conftest import NewParking
from support.lot.exits import parked
from support.lot.parking import BY, LOT_ID, Parking
from taigan.lot.people.alarms.alarms import AlarmDesk
from taigan.lot.policy import Policy
from taigan.lot.rounds.rounds import EVERY
from taigan.storage import tables as t
from taigan.storage.shown import alarms

DAYS = 86400.0


async def test_stays_that_go_on_for_too_long_are_told_each_morning_while_nobody_has_looked(
    new_parking: NewParking,
) -> None:
    street = await new_parking(policy=Policy(reconcile_at=""))
    rounds = street.platform.rounds

    async def a_day_later() -> list[str]:
        street.clock.advance(DAYS)
        await rounds.look()
        return [alarm.text for alarm in await street.alarms() if alarm.kind == "stays_stale"]

    await rounds.look()
    await parked(street, hours=0)
    for _ in range(14):
        assert await a_day_later() == []
    [told] = await a_day_later()
    assert told == "1 stays have gone on for longer than 14 days"
    assert await a_day_later() == [told], "it is not told twice while it stands"
    [open_one] = [one for one in await street.read(lambda conn: alarms.unfinished(conn, LOT_ID, 9)) if "14" in one.text]
    desk = AlarmDesk(street.database, street.platform.lanes, street.clock)
    await desk.finish(LOT_ID, open_one.alarm_id, BY)
    assert await a_day_later() == [told, told]
    [order] = await street.orders()
    assert order.state == "in"


async def test_what_was_put_off_by_a_clock_that_has_been_set_back_does_not_wait_for_that_hour(
    new_parking: NewParking,
) -> None:
    street = await new_parking(policy=Policy(reconcile_at=""))
    rounds = street.platform.rounds
    await parked(street, hours=0)
    street.clock.advance(365 * DAYS)
    await rounds.look()
    street.clock.set_back(350 * DAYS)
    for _ in range(2):
        await rounds.look()
        street.clock.advance(DAYS)
    assert "stays_stale" in [alarm.kind for alarm in await street.alarms()]


async def test_nothing_is_written_again_and_again_of_a_lot_where_there_is_nothing_to_do(street: Parking) -> None:
    async def due() -> dict[str, datetime]:
        return {row.task: row.due_at for row in await street.row(t.rounds.select())}

    await street.platform.rounds.look()
    before = await due()
    assert {*before} == {"reconcile", "stale stays", "invoices", "day sums", "plates"}
    for _ in range(3):
        street.clock.advance(EVERY)
        await street.platform.rounds.look()
    assert await due() == before
