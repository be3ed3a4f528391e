"""What people do at the lanes and to the orders; each act with who and why."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

from lot.conftest import NewParking
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT_ID, Parking, in_time, lot_with
from taigan.lot.errors import (
    BadValue,
    BarrierFault,
    BeingRaised,
    CarUnderArm,
    Conflict,
    NobodyWaits,
    UnknownBlock,
    UnknownLane,
    UnknownLot,
    UnknownOrder,
)
from taigan.lot.people.by import By
from taigan.storage import tables as t
from taigan.storage.rows import Lift


def test_whoever_is_named_in_a_row_is_named_with_the_token_he_came_by() -> None:
    """But where somebody's own shift is looked for, in logs, and in rows that an act with the token stands beside."""
    without = {"open_shift_of", "info", "Community", "Payment"}
    bare = []
    for file in (Path(__file__).parents[3] / "src/taigan/lot").rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)):
            said = {getattr(value, "attr", "") for value in [*call.args, *(named.value for named in call.keywords)]}
            called = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if "operator" in said and "via" not in said and called not in without:
                bare.append(f"{file.name}:{call.lineno}")
    assert bare == []


@pytest.mark.parametrize(
    ("operator", "reason"), [("", "why"), ("who", ""), (" ", "why"), ("who", "x" * 201), ("a\0", "b")]
)
def test_a_manual_act_needs_who_and_why(operator: str, reason: str) -> None:
    with pytest.raises(BadValue):
        By(operator, reason)


@pytest.mark.parametrize("command", ["open", "hold", "close"])
async def test_a_manual_lift_without_an_order_is_a_lift_row_all_the_same(street: Parking, command: str) -> None:
    await getattr(street.attendant, command)(LOT_ID, "A1", BY)
    (lift,) = await street.lifts()
    assert (lift.command, lift.order_id, lift.actor, lift.reason) == (command, None, BY.operator, BY.reason)
    assert (lift.cause, lift.outcome) == ("manual", "accepted")


async def test_a_car_that_passes_on_a_manual_lift_takes_a_space_with_who_and_why(street: Parking) -> None:
    car = await street.arrives()
    await street.attendant.open(LOT_ID, "A1", BY)
    await street.passes(car)
    assert await street.free() == 49
    (change,) = await street.row(t.space_changes.select())
    assert BY.operator in change.reason
    assert BY.reason in change.reason
    assert await street.alarm_kinds() == []


async def test_a_car_that_passes_without_an_order_or_a_person_raises_an_alarm(street: Parking) -> None:
    car = await street.arrives()
    await street.passes(car)
    assert await street.free() == 49
    assert await street.alarm_kinds() == ["passed_without_order"]


async def test_free_spaces_never_go_below_0_when_cars_pass_without_orders(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(spaces=1)])
    for _ in range(3):
        await street.passes(await street.arrives())
    assert await street.free() == 0
    assert len(await street.row(t.space_changes.select())) == 3


async def test_a_manual_lift_that_the_barrier_refuses_is_a_row_an_alarm_and_an_error(street: Parking) -> None:
    street.barrier().mode = Mode.FAULT
    with pytest.raises(BarrierFault):
        await street.attendant.open(LOT_ID, "A1", BY)
    assert [lift.outcome for lift in await street.lifts()] == ["rejected"]
    assert await street.alarm_kinds() == ["barrier_fault"]


async def test_nobody_lowers_an_arm_onto_a_car_but_who_says_that_the_lane_is_clear(street: Parking) -> None:
    await street.arrives()
    with pytest.raises(CarUnderArm) as refused:
        await street.attendant.close(LOT_ID, "A1", BY)
    assert refused.value.message == "线圈上有车，未落杆；车离开后自动落杆"
    assert street.barrier().commands == []
    assert [lift.outcome for lift in await street.lifts()] == ["rejected"]
    assert await street.alarm_kinds() == []
    lift = await street.attendant.close(LOT_ID, "A1", BY, lane_is_clear=True)
    assert (lift.cause, lift.outcome) == ("seen", "accepted")


async def test_a_manual_lift_with_a_driver_that_breaks_its_promise_ends_uncertain(street: Parking) -> None:
    street.barrier().mode = Mode.BROKEN
    assert (await street.attendant.open(LOT_ID, "A1", BY)).outcome == "uncertain"


async def test_a_release_that_the_barrier_refuses_voids_the_order(street: Parking) -> None:
    await street.arrives("A3")
    await street.scan("EA47829", "A3")
    street.barrier("A3").mode = Mode.FAULT
    with pytest.raises(BarrierFault):
        await street.attendant.release(LOT_ID, "A3", BY)
    assert ((await street.order()).state, await street.free()) == ("void", 50)


async def test_two_attendants_release_at_once_and_the_arm_rises_once(street: Parking) -> None:
    await street.arrives("A3")
    await street.scan("EA47829", "A3")
    both = await asyncio.gather(*(street.attendant.release(LOT_ID, "A3", BY) for _ in range(2)), return_exceptions=True)
    lifted, refused = sorted(both, key=lambda each: isinstance(each, Exception))
    assert isinstance(lifted, Lift)
    assert isinstance(refused, BeingRaised | NobodyWaits)  # as the other one is under way, or through, by then
    assert street.barrier("A3").lifts == 1


async def test_the_same_command_twice_at_once_moves_the_arm_once(street: Parking) -> None:
    lifts = await in_time(*(street.attendant.open(LOT_ID, "A1", BY, command_id="c1") for _ in range(5)))
    assert {lift.lift_id for lift in lifts} == {"Cc1"}
    assert street.barrier().lifts == 1


async def test_nobody_waits_where_there_is_no_order(street: Parking) -> None:
    with pytest.raises(NobodyWaits):
        await street.attendant.release(LOT_ID, "A3", BY)
    with pytest.raises(NobodyWaits):
        await street.attendant.refuse(LOT_ID, "A3", BY)
    await street.arrives("A3")
    await street.scan("EA47829", "A3")
    with pytest.raises(NobodyWaits):
        await street.attendant.release(LOT_ID, "A3", BY, "another order")
    await street.attendant.release(LOT_ID, "A3", BY, (await street.order()).order_id)


async def test_what_does_not_exist_is_said(street: Parking) -> None:
    with pytest.raises(UnknownLot):
        await street.attendant.open("200002-999", "A1", BY)
    with pytest.raises(UnknownLane):
        await street.attendant.open(LOT_ID, "Z9", BY)
    with pytest.raises(UnknownOrder):
        await street.closes("none")
    with pytest.raises(UnknownBlock):
        await street.attendant.unblock(LOT_ID, 999, BY)


async def test_closing_an_order_makes_it_out_and_gives_its_space_back_once(street: Parking) -> None:
    await street.passes(await street.enters())
    order = await street.closes((await street.order()).order_id)
    assert (order.state, order.closed_why, await street.free()) == ("out", BY.reason, 50)
    with pytest.raises(Conflict):
        await street.closes(order.order_id)
    assert await street.free() == 50


async def test_an_order_can_be_moved_to_the_true_licence_and_that_is_kept(street: Parking) -> None:
    await street.passes(await street.enters("FROMHOME"))
    order = await street.order("FROMHOME")
    await street.attendant.relicense(LOT_ID, order.order_id, "EA47829", BY)
    moved = await street.order("EA47829")
    assert moved.order_id == order.order_id
    last = (await street.history(moved)).events[-1]
    assert (last.event, last.actor, last.detail) == (
        "licence changed",
        BY.operator,
        f"FROMHOME -> EA47829: {BY.reason}",
    )
    await street.arrives()
    assert (await street.scan("FROMHOME")).state == 1


async def test_an_order_cannot_be_moved_to_a_licence_that_has_one(street: Parking) -> None:
    await street.passes(await street.enters("AAAAAAA"))
    await street.passes(await street.enters("BBBBBBB"))
    with pytest.raises(Conflict):
        await street.attendant.relicense(LOT_ID, (await street.order("AAAAAAA")).order_id, "BBBBBBB", BY)
    with pytest.raises(BadValue):
        await street.attendant.relicense(LOT_ID, (await street.order("AAAAAAA")).order_id, " ", BY)


async def test_an_order_that_has_ended_cannot_be_moved(street: Parking) -> None:
    await street.backs_out(await street.enters())
    with pytest.raises(Conflict):
        await street.attendant.relicense(LOT_ID, (await street.order()).order_id, "OTHER01", BY)


async def test_a_correction_of_the_free_spaces_is_a_row(street: Parking) -> None:
    await street.passes(await street.enters())
    await street.attendant.set_spaces(LOT_ID, 7, BY)
    assert await street.free() == 7
    (change,) = await street.row(t.space_changes.select())
    assert (change.cause, change.spaces_free, change.actor, change.reason) == (
        "correction",
        7,
        BY.operator,
        BY.reason,
    )
    for wrong in (-1, 51):
        with pytest.raises(BadValue):
            await street.attendant.set_spaces(LOT_ID, wrong, BY)


async def test_more_or_fewer_spaces_leave_the_taken_ones_taken(street: Parking) -> None:
    await street.passes(await street.enters())
    await street.attendant.set_lot(LOT_ID, {"spaces": 60}, BY)
    assert await street.free() == 59
    await street.attendant.set_lot(LOT_ID, {"spaces": 0}, BY)
    assert await street.free() == 0


async def test_a_lane_changes_and_that_is_kept(street: Parking) -> None:
    await street.attendant.set_lane(LOT_ID, "A1", {"policy": "attendant"}, BY)
    await street.arrives()
    assert (await street.scan()).said == (2, "请等待管理员放行")
    (act,) = await street.row(t.operator_acts.select())
    assert (act.operator, act.reason) == (BY.operator, BY.reason)


@pytest.mark.parametrize("hours", ["7-22", "07:00-25:00", "07:00", "24:00-07:00", "07:60-08:00"])
async def test_hours_that_cannot_be_are_refused(street: Parking, hours: str) -> None:
    with pytest.raises(BadValue):
        await street.attendant.set_lane(LOT_ID, "A1", {"hours": hours}, BY)


async def test_another_barrier_in_a_lane_takes_over(street: Parking) -> None:
    before = street.barrier()
    await street.attendant.set_lane(LOT_ID, "A1", {"barrier": {"sight": "ack"}}, BY)
    assert (before.running, street.barrier().running) == (False, True)
    await street.attendant.open(LOT_ID, "A1", BY)
    assert (before.lifts, street.barrier().lifts) == (0, 1)


async def test_blocking_twice_keeps_one_row_and_unblocking_is_kept(street: Parking) -> None:
    first = await street.attendant.block(LOT_ID, "licence", "EA47829", BY)
    assert await street.attendant.block(LOT_ID, "licence", "EA47829", BY) == first
    await street.attendant.unblock(LOT_ID, first, BY)
    assert [act.act for act in await street.row(t.operator_acts.select())] == [f"unblocked licence {first}"]
    with pytest.raises(BadValue):
        await street.attendant.block(LOT_ID, "face", "x", BY)


async def test_a_block_in_one_lot_does_not_concern_another(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(), lot_with(park_id="9")])
    await street.attendant.block("200002-9", "licence", "EA47829", BY)
    await street.arrives()
    assert (await street.scan()).state == 1
