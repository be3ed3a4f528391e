"""What time alone brings about at the exits, to the second; and what is judged anew once the lot is locked."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.databases.statements import heard
from support.databases.troubled import TroubledDatabase
from support.lot.exits import (
    EXIT,
    PLATE,
    at_exit,
    attempts,
    bill,
    departure,
    exits_told,
    leaves,
    parked,
    pay_at_exit,
    pays_by_itself,
    with_tariff,
)
from support.lot.parking import BY, LOT_ID, Parking, lot_with
from taigan.barriers.barrier import Position
from taigan.lot.leaving.hours import EVERY, LatePulls, NobodyDecided, Standing
from taigan.lot.leaving.room import Picture
from taigan.lot.people.exit_acts import LetGo
from taigan.lot.policy import Policy
from taigan.storage import tables as t
from taigan.storage.database import Database
from taigan.storage.rows import Order

PENDING = {"state": 2, "errmsg": "支付中"}
CLOSED = Picture(True, Position.CLOSED)


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def let_go(street: Parking, unpaid: str = "") -> None:
    picture = street.platform.leaving.pictures(LOT_ID)[EXIT]
    act = LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture, unpaid=unpaid)
    await street.platform.leaving.do_and_raise(act)


async def standing(street: Parking) -> None:
    await street.platform.leaving.do(Standing(LOT_ID, {EXIT: CLOSED}))


async def late_pulls(street: Parking) -> None:
    await street.platform.leaving.do(LatePulls(LOT_ID))


async def left_owing(street: Parking) -> Order:
    order = await parked(street)
    car = await at_exit(street)
    await let_go(street, "owed")
    await leaves(street, car)
    return order


async def with_pull(street: Parking) -> tuple[Order, str]:
    """A car whose wallet is asked, and nobody knows what became of it."""
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [PENDING]
    return order, await at_exit(street)


# What stands


@pytest.mark.parametrize(("seconds", "told"), [(59, False), (60, True)])
async def test_a_car_that_nobody_knows_is_told_from_its_sixtieth_second_on(
    street: Parking, seconds: int, told: bool
) -> None:
    await at_exit(street, "粤B99999")
    street.clock.advance(seconds)
    await standing(street)
    alarms = {one.kind: one.text for one in await street.alarms()}
    assert ("exit_unanswered" in alarms) is told
    if told:
        assert alarms["exit_unanswered"].startswith("粤B99999: ")


@pytest.mark.parametrize(("seconds", "moved"), [(1799, False), (1800, True)])
async def test_a_car_that_owes_is_priced_anew_from_its_thirtieth_minute_on(
    street: Parking, seconds: int, moved: bool
) -> None:
    await parked(street)
    car = await at_exit(street)
    street.clock.advance(seconds)
    await standing(street)
    assert ((await departure(street, car)).charge_at == street.clock.now()) is moved
    assert ("stayed" in await street.alarm_kinds()) is moved


async def test_a_car_that_was_let_go_and_one_that_has_left_are_told_of_no_more(street: Parking) -> None:
    await parked(street)
    car = await at_exit(street)
    await let_go(street, "owed")
    street.clock.advance(3600)
    await standing(street)
    assert await street.alarm_kinds() == []
    await leaves(street, car)
    street.clock.advance(3600)
    await standing(street)
    assert await street.alarm_kinds() == ["left_owing"]


async def test_a_car_whose_stay_cannot_be_priced_is_never_priced_anew(new_parking: NewParking) -> None:
    street = await new_parking()
    await parked(street)
    car = await at_exit(street)
    first = (await departure(street, car)).charge_at
    await street.watch(1900)
    assert (await departure(street, car)).charge_at == first
    alarms = {one.kind: one.text for one in await street.alarms()}
    assert list(alarms) == ["not_priced", "exit_unanswered"]
    assert alarms["exit_unanswered"].startswith(f"{PLATE}: ")


async def test_a_car_whose_entry_is_later_than_its_exit_is_told_and_not_priced_anew(street: Parking) -> None:
    order = await parked(street)
    later = street.clock.now() + timedelta(hours=1)
    moved = sa.update(t.orders).where(t.orders.c.order_id == order.order_id).values(in_at=later)
    await street.database.write(lambda conn: conn.execute(moved))
    await at_exit(street)
    await street.watch(1900)
    assert await street.alarm_kinds() == ["time_unusual", "exit_unanswered"]


async def test_a_car_that_owes_and_for_which_a_person_was_called_is_told_and_priced_anew(
    new_parking: NewParking,
) -> None:
    street = await new_parking(policy=Policy(ask_above_fen=100))
    await with_tariff(street)
    await parked(street)
    await at_exit(street)
    await street.watch(61)
    assert await street.alarm_kinds() == ["stay_unusual", "exit_unanswered"]
    await street.watch(1800)
    assert await street.alarm_kinds() == ["stay_unusual", "exit_unanswered", "stayed"]


async def test_a_price_is_not_moved_while_a_wallet_is_asked_and_is_once_that_has_ended(street: Parking) -> None:
    _, car = await with_pull(street)
    first = (await departure(street, car)).charge_at
    street.clock.advance(1900)
    await standing(street)
    assert (await departure(street, car)).charge_at == first
    await street.update(t.attempts, state="failed")
    await standing(street)
    assert (await departure(street, car)).charge_at == street.clock.now()


async def test_a_payment_that_failed_does_not_keep_a_price_from_moving(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=0)
    await street.watch(1900)
    assert (await departure(street, car)).charge_at == street.clock.now()


async def test_while_bolink_is_down_only_who_owes_and_called_nobody_is_told_as_offline(street: Parking) -> None:
    street.bolink.reachable = False
    await parked(street, hours=1)
    for _ in range(3):
        await street.platform.courier.look()
        await street.platform.courier.sent()
        street.clock.advance(400)
    await at_exit(street, "粤B99999")
    await street.watch(61)
    assert await street.alarm_kinds() == ["no_entry", "exit_unanswered"]


# Pulls without an end


async def test_a_driver_kept_waiting_by_a_pull_is_told_that_he_may_pay_by_code_once(street: Parking) -> None:
    _, car = await with_pull(street)
    wait = street.platform.policy.attempt_wait
    street.clock.advance(wait - 0.5)
    await late_pulls(street)
    assert "pull_unclear" not in await street.alarm_kinds()
    street.clock.advance(0.5)
    for _ in range(2):
        await late_pulls(street)
    await street.settled()
    (alarm,) = [one for one in await street.alarms() if one.kind == "pull_unclear"]
    assert alarm.text == f"{PLATE}: nobody knows what became of 6.00 yuan by wallet"
    assert street.barrier(EXIT).asked[-1].due_fen == 600
    assert (await departure(street, car)).alarmed == "pull"


async def test_a_car_that_was_let_go_meanwhile_is_told_nothing_of_its_pull(street: Parking) -> None:
    await with_pull(street)
    await let_go(street, "owed")
    street.clock.advance(street.platform.policy.attempt_wait + 1)
    await late_pulls(street)
    assert await street.alarm_kinds() == []


@pytest.mark.parametrize(("past", "state"), [(2.0, "live"), (2.5, "unclear")])
async def test_a_pull_is_unclear_two_seconds_past_its_deadline(street: Parking, past: float, state: str) -> None:
    await with_pull(street)
    (pull,) = await attempts(street)
    await street.update(t.attempts, state="live", said="")
    street.clock.advance((pull.deadline - street.clock.now()).total_seconds() + past)
    await late_pulls(street)
    assert (await attempts(street))[0].state == state


@pytest.mark.parametrize(("ahead", "state"), [(5.0, "live"), (5.5, "unclear")])
async def test_a_pull_of_a_clock_that_was_set_back_is_unclear(street: Parking, ahead: float, state: str) -> None:
    await with_pull(street)
    now = street.clock.now()
    begun, until = now + timedelta(seconds=ahead), now + timedelta(seconds=ahead + 60)
    await street.update(t.attempts, state="live", said="", started_at=begun, deadline=until)
    await late_pulls(street)
    assert (await attempts(street))[0].state == state


async def test_a_look_leaves_a_wallet_alone_that_was_asked_a_moment_ago(street: Parking) -> None:
    async def statements() -> int:
        with heard() as told:
            await street.platform.hours.look()
        return len(told)

    nothing = await statements()
    await with_pull(street)
    now = street.clock.now()
    await street.update(t.attempts, state="live", said="", started_at=now, deadline=now + timedelta(seconds=12))
    assert await statements() == nothing
    street.clock.advance(15)
    assert await statements() > nothing


# What nobody decided


async def decided(street: Parking, order: Order, before: datetime) -> list[str]:
    await street.platform.leaving.do(NobodyDecided(LOT_ID, order.order_id, before))
    return [said["pay_type"] for said in await exits_told(street)]


async def test_what_is_owed_since_before_that_moment_is_reported_once(street: Parking) -> None:
    order = await left_owing(street)
    closed_at = (await bill(street, order)).closed_at
    assert closed_at is not None
    assert await decided(street, order, closed_at - timedelta(seconds=1)) == []
    assert await decided(street, order, closed_at) == []
    for _ in range(2):
        assert await decided(street, order, closed_at + timedelta(seconds=1)) == ["escape"]


@pytest.mark.parametrize("owes", [0, -1, 1])
async def test_only_what_is_still_owed_once_the_lot_is_locked_is_reported(street: Parking, owes: int) -> None:
    order = await left_owing(street)
    await street.update(t.bills, paid_fen=600 - owes)
    later = street.clock.now() + timedelta(seconds=1)
    assert await decided(street, order, later) == (["escape"] if owes > 0 else [])


async def test_what_is_awaited_and_what_has_not_ended_is_not_reported(street: Parking) -> None:
    order = await left_owing(street)
    later = street.clock.now() + timedelta(seconds=1)
    await street.update(t.bills, awaited=True)
    assert await decided(street, order, later) == []
    await street.update(t.bills, awaited=False)
    await street.update(t.orders, state="in")
    assert await decided(street, order, later) == []


# The look itself


async def test_the_look_goes_on_after_an_outage_and_after_a_failure(
    database: Database, new_parking: NewParking
) -> None:
    troubled = TroubledDatabase(database)
    street = await new_parking(on=troubled)
    await at_exit(street, "粤B99999")
    looking = asyncio.create_task(street.platform.hours.run())
    await street.clock.waited_for(EVERY)
    troubled.gone = True
    street.clock.advance(60)
    await street.clock.waited_for(EVERY)
    assert troubled.refused >= 1
    troubled.gone = False
    street.clock.advance(EVERY)
    await street.clock.waited_for(EVERY)
    assert await street.alarm_kinds() == ["no_entry", "exit_unanswered"]
    looking.cancel()


@pytest.mark.parametrize(("seconds", "again"), [(599, False), (600, True)])
async def test_what_cannot_be_brought_about_is_left_alone_for_ten_minutes(
    new_parking: NewParking, seconds: float, again: bool
) -> None:
    street = await new_parking(lots=[lot_with()])
    await at_exit(street, "")
    broken = {"lot_id": LOT_ID, "at": street.clock.now(), "kind": "exit_unanswered", "text": "there already"}
    await street.database.write(lambda conn: conn.execute(sa.insert(t.alarms).values(broken)))
    once = sa.text("CREATE UNIQUE INDEX once ON alarms (lot_id, kind)")
    await street.database.write(lambda conn: conn.execute(once))
    await street.watch(61)
    await street.database.write(lambda conn: conn.execute(sa.text("DROP INDEX once")))
    await street.watch(seconds)
    assert (await street.alarm_kinds()).count("exit_unanswered") == (2 if again else 1)
