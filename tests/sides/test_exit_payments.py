"""Payments at the exit over HTTP: ETC tags, and payments whose message never came."""

from __future__ import annotations

from typing import Any

from hub.sides import LOT_ID
from support.stacks.both_sides import PLATE, Both
from taigan.barriers.barrier import EventKind


async def owing(both: Both) -> tuple[dict[str, Any], str]:
    """A car that owes 6 yuan stands at the exit; its order and presence."""
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    return order, await both.at_exit()


async def reads_tag(both: Both, car: str) -> None:
    await both.street.barrier("B1", LOT_ID).report(EventKind.READ_TAG, car, plate=PLATE, detail="jyyh 000123")
    await both.street.settled()
    await both.street.platform.pulls.drained()
    await both.street.settled()


def exit_lane(both: Both) -> tuple[int, str]:
    barrier = both.street.barrier("B1", LOT_ID)
    return barrier.lifts, (barrier.shown or [""])[-1]


async def test_e12_a_tag_pays_and_the_exit_is_told_after_the_car_has_left(both: Both) -> None:
    order, car = await owing(both)
    await reads_tag(both, car)
    assert exit_lane(both) == (1, f"{PLATE} ETC扣费6.00元，请通行")
    [asked] = await both.arrivals("3.7")
    assert asked["accepted"] is True
    [payment] = await both.items("/payments")
    assert (payment["way"], payment["fen"], payment["giver"]) == ("etc", 600, "us")
    assert await both.arrivals("3.2") == []
    await both.street.passes(car, "B1", LOT_ID)
    await both.delivered()
    assert ([one["accepted"] for one in await both.arrivals("3.2")], (await both.bill(order))["balance_fen"]) == (
        [True],
        0,
    )


async def scans_and_pays_unheard(both: Both) -> None:
    await both.hub.faults({"kind": "push_lost", "service_name": "outpark", "times": None})
    scan = await both.hub.scan("li", channel_id="B1")
    await both.hub.settled(scan["scan_id"])
    status, paid = await both.hub.admin("POST", f"/admin/scans/{scan['scan_id']}/pay", json={})
    assert (status, paid.get("shown")) == (200, "paid"), paid


async def test_c19_a_payment_whose_message_is_lost_is_asked_for_after_12_seconds(both: Both) -> None:
    order, _ = await owing(both)
    await scans_and_pays_unheard(both)
    questions = both.street.platform.questions
    await questions.look()
    assert (await both.arrivals("4.3"), exit_lane(both)[0]) == ([], 0)
    both.clock.advance(12)
    await questions.look()
    await both.street.settled()
    assert (len(await both.arrivals("4.3")), exit_lane(both)[0]) == (1, 1)
    assert (await both.bill(order))["awaited"] is True


async def test_l1_what_was_paid_while_the_lot_was_down_is_asked_for_at_the_start_and_lets_the_car_go(
    both: Both,
) -> None:
    order = await both.enters()
    both.clock.advance(3600)
    await both.hub.faults({"kind": "push_lost", "service_name": "prepay_order", "times": None})
    await both.pays_by_phone()
    both.clock.advance(600)
    await both.street.platform.questions.catch_up()
    assert (len(await both.arrivals("4.3")), (await both.bill(order))["awaited"]) == (1, True)
    assert "payment_awaited" in {one["kind"] for one in await both.items("/alarms")}
    both.clock.advance(3600)
    await both.at_exit()
    assert exit_lane(both)[0] == 0
    await both.street.platform.questions.look()
    await both.street.settled()
    assert exit_lane(both)[0] == 1
