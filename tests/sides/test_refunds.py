"""Money back to the driver: asked by one person, above a limit approved by a second, counted once, never sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.stacks.both_sides import PLATE, Both, both_sides
from taigan.lot.policy import Policy

SECOND = {"operator": "李强", "reason": "checked"}


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Both]:
    """Every refund of more than 1 yuan takes two persons."""
    async with both_sides(tmp_path, policy=Policy(refund_alone_fen=100)) as both:
        yield both


async def paid(both: Both) -> tuple[dict[str, Any], dict[str, Any]]:
    """A stay of three hours that was paid inside the lot: 6 yuan. The order, and the lot's payment."""
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    payment = await both.pays_inside()
    assert payment["fen"] == 600
    return order, payment


async def refunds(both: Both) -> list[tuple[str, int]]:
    return [(one["state"], one["fen"]) for one in await both.items("/errands", section="4.2")]


async def test_h2_a_refund_is_given_and_the_money_is_due_again_while_the_car_stands_inside(both: Both) -> None:
    order, payment = await paid(both)
    given = await both.act(f"/payments/{payment['payment_id']}/refund", fen=200)
    assert (given["state"], given["section"], given["order_id"]) == ("done", "4.2", order["order_id"])
    assert [(one["state"], one["fen"]) for one in await both.records("refunds")] == [("done", 200)]
    bill = await both.bill(order)
    assert (bill["refunded_fen"], bill["leave_by"]) == (200, None)


async def test_h1_above_the_limit_it_waits_for_a_second_person_who_is_not_the_first(strict: Both) -> None:
    order, payment = await paid(strict)
    wanted = await strict.act(f"/payments/{payment['payment_id']}/refund", fen=200)
    assert (wanted["state"], await strict.records("refunds")) == ("wanted", [])
    assert (await strict.bill(order))["refunded_fen"] == 0
    approve = f"/errands/{wanted['errand_id']}/approve"
    status, said = await strict.lot("POST", approve, operator="王芳", reason="me again")
    assert (status, said["error"]["field"]) == (409, "operator")
    done = await strict.act(approve, **SECOND)
    assert (done["state"], done["approved_by"]) == ("done", "李强")
    assert (await strict.bill(order))["refunded_fen"] == 200


async def test_h1_one_that_is_withdrawn_is_never_asked(strict: Both) -> None:
    _, payment = await paid(strict)
    wanted = await strict.act(f"/payments/{payment['payment_id']}/refund", fen=200)
    await strict.act(f"/errands/{wanted['errand_id']}/withdraw")
    status, _ = await strict.lot("POST", f"/errands/{wanted['errand_id']}/approve", **SECOND)
    assert (status, await refunds(strict), await strict.records("refunds")) == (409, [("withdrawn", 200)], [])


@pytest.mark.parametrize(("becomes", "refunded"), [("done", 600), ("failed", 0)])
async def test_h3_h6_one_that_bolink_works_on_counts_as_given_until_5_6_says_what_became_of_it(
    both: Both, becomes: str, refunded: int
) -> None:
    order, payment = await paid(both)
    await both.hub.faults({"kind": "payment_pending"})
    running = await both.act(f"/payments/{payment['payment_id']}/refund", fen=600)
    assert (running["state"], (await both.bill(order))["refunded_fen"]) == ("running", 600)
    [record] = await both.records("refunds")
    await both.moves(record, becomes)
    await both.until([(becomes, 600)], of=lambda: refunds(both))
    assert (await both.bill(order))["refunded_fen"] == refunded


async def test_h3_a_refund_that_bolink_works_on_for_more_than_24_hours_is_told_to_a_person_once(both: Both) -> None:
    order, payment = await paid(both)
    await both.hub.faults({"kind": "payment_pending"})
    await both.act(f"/payments/{payment['payment_id']}/refund", fen=600)

    async def told() -> list[tuple[str, str]]:
        both.clock.advance(12.5 * 3600)
        await both.street.platform.rounds.look()
        await both.street.platform.watch.look()
        alarms = await both.items("/alarms")
        return [(one["order_id"], one["state"]) for one in alarms if one["kind"] == "refund_slow"]

    assert await told() == []
    assert await told() == await told() == [(order["order_id"], "open")]
    [record] = await both.records("refunds")
    await both.moves(record, "done")
    await both.until([("done", 600)], of=lambda: refunds(both))
    assert await told() == [(order["order_id"], "ended")]


async def test_h4_what_bolink_refuses_counts_no_longer(both: Both) -> None:
    order, payment = await paid(both)
    before = await both.bill(order)
    await both.hub.faults({"kind": "upload_refused", "service_name": "4.2", "text": "余额不足"})
    failed = await both.act(f"/payments/{payment['payment_id']}/refund", fen=600)
    assert (failed["state"], failed["said"]) == ("failed", "余额不足")
    assert await both.bill(order) == before


async def test_h5_one_whose_answer_is_lost_is_unclear_counts_as_given_and_is_never_sent_again(both: Both) -> None:
    order, payment = await paid(both)
    await both.hub.faults({"kind": "upload_answer_lost", "service_name": "4.2"})
    unclear = await both.act(f"/payments/{payment['payment_id']}/refund", fen=600)
    assert (unclear["state"], (await both.bill(order))["refunded_fen"]) == ("unclear", 600)
    for _ in range(3):
        both.clock.advance(3600)
        await both.street.platform.rounds.look()
    status, _ = await both.lot("POST", f"/payments/{payment['payment_id']}/refund", **SECOND, fen=600)
    assert (status, len(await both.arrivals("4.2"))) == (409, 1)
    settled = await both.act(f"/errands/{unclear['errand_id']}/settle", **SECOND, state="done")
    assert settled["state"] == "done"


async def test_h1_h10_more_than_was_paid_is_never_given_back_and_a_second_refund_of_a_payment_is_by_hand(
    both: Both,
) -> None:
    _, payment = await paid(both)
    status, said = await both.lot(
        "POST", f"/payments/{payment['payment_id']}/refund", operator="王芳", reason="much", fen=601
    )
    assert (status, said["error"]["field"]) == (400, "fen")
    await both.act(f"/payments/{payment['payment_id']}/refund", fen=200)
    status, _ = await both.lot(
        "POST", f"/payments/{payment['payment_id']}/refund", operator="王芳", reason="more", fen=100
    )
    assert (status, len(await both.arrivals("4.2"))) == (409, 1)


async def test_h15_goodwill_after_the_exit_makes_the_stay_as_much_cheaper_so_that_nothing_is_owed(both: Both) -> None:
    order, payment = await paid(both)
    await both.leaves()
    await both.act(f"/payments/{payment['payment_id']}/refund", fen=200)
    bill = await both.bill(order)
    assert (bill["refunded_fen"], bill["waived_fen"], bill["balance_fen"]) == (200, 200, 0)
    assert bill["charge_fen"] == bill["reduced_fen"] + bill["paid_fen"] - bill["refunded_fen"] + bill["balance_fen"]


async def test_h7_h8_h9_money_that_bolinks_office_gave_back_is_counted_once_and_of_an_unknown_number_is_a_stray(
    both: Both,
) -> None:
    order, payment = await paid(both)
    told = {
        "state": 1,
        "trade_no": payment["trade_no"],
        "refund_money": "1.00",
        "refund_channel": 0,
        "refund_time": 1777881600,
        "car_number": "",
        "arrive_money": "0",
        "fee": "0",
        "account_type": 2,
        "order_id": "",
        "remark": "office",
    }
    assert (await both.push("refund", **told))["state"] == 1
    assert (await both.push("refund", **told, errmsg="again"))["state"] == 1
    assert (await refunds(both), (await both.bill(order))["refunded_fen"]) == ([("done", 100)], 100)
    assert (await both.push("refund", **told | {"trade_no": "nobody"}))["state"] == 1
    assert [one["kind"] for one in await both.items("/alarms")][:1] == ["stray"]


async def test_b16_h11_cash_that_a_machine_took_is_not_given_back_by_bolink(both: Both) -> None:
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    told = {"car_number": PLATE, "order_id": order["order_id"], "trade_no": "k1", "prepay": "6.00", "prepay_type": 2}
    told |= {"pay_time": int(both.clock.now().timestamp()), "arrive_money": "6.00", "fee": "0", "account_type": 1}
    assert (await both.push("prepay_order", **told))["state"] == 1
    [payment] = await both.items("/payments")
    status, said = await both.lot("POST", f"/payments/{payment['payment_id']}/refund", **SECOND, fen=600)
    assert (status, "by hand" in said["error"]["message"], await both.arrivals("4.2")) == (409, True, [])


async def test_h14_two_persons_at_once_and_one_refund_is_asked_for(both: Both) -> None:
    _, payment = await paid(both)
    refund = f"/payments/{payment['payment_id']}/refund"
    persons = ({"operator": "王芳", "reason": "a"}, SECOND)
    answers = await asyncio.gather(*(both.lot("POST", refund, **person, fen=600) for person in persons))
    assert sorted(status for status, _ in answers) == [200, 409]
    assert len(await both.arrivals("4.2")) == len(await both.records("refunds")) == 1


async def test_k5_a_payment_that_was_given_back_in_part_is_not_moved_and_else_it_is(both: Both) -> None:
    order, payment = await paid(both)
    other = await both.enters("京B00002")
    move = f"/payments/{payment['payment_id']}/move"
    moved = await both.act(move, order_id=other["order_id"])
    assert (moved["order_id"], moved["fen"]) == (other["order_id"], 600)
    assert [(await both.bill(one))["paid_fen"] for one in (order, other)] == [0, 600]
    await both.act(f"/payments/{payment['payment_id']}/refund", fen=200)
    status, said = await both.lot("POST", move, **SECOND, order_id=order["order_id"])
    assert (status, said["error"]["field"]) == (409, "payment_id")
