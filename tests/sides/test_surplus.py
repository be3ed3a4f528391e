"""Surplus that asks for its refund by itself (`refund_surplus`): once, in the commit that sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hub.sides import LOT_ID
from support.databases.postgres import new_databases
from support.stacks.both_sides import PLATE, Both, both_sides
from taigan.barriers.barrier import EventKind
from taigan.lot.policy import Policy, RefundSurplus

SECOND = {"operator": "李强", "reason": "checked"}
NewSides = Callable[..., Awaitable[Both]]


@pytest.fixture
async def new_sides(tmp_path: Path) -> AsyncIterator[NewSides]:
    async with AsyncExitStack() as opened:

        async def new(url: str = "", **policy: Any) -> Both:
            asked = Policy(**{"refund_surplus": RefundSurplus.AUTO} | policy)
            return await opened.enter_async_context(both_sides(tmp_path, url, policy=asked))

        yield new


@pytest.fixture
async def auto(new_sides: NewSides) -> Both:
    return await new_sides()


async def paid(both: Both, yuan: str) -> dict[str, Any]:
    """A stay of three hours, which come to 6 yuan, for which so much was paid inside; its order."""
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    await both.pays_inside(amount=yuan)
    return order


async def left(both: Both, yuan: str) -> dict[str, Any]:
    """The same, once the car has left and what followed from it has come to an end."""
    order = await paid(both, yuan)
    await both.leaves()
    await both.street.settled()
    return order


async def refunds(both: Both) -> list[tuple[str, int, str]]:
    return [(one["state"], one["fen"], one["actor"]) for one in await both.items("/errands", section="4.2")]


async def alarms(both: Both, kind: str) -> list[dict[str, Any]]:
    return [one for one in await both.items("/alarms") if one["kind"] == kind]


async def balance(both: Both, order: dict[str, Any]) -> int:
    bill = await both.bill(order)
    assert bill["charge_fen"] == bill["reduced_fen"] + bill["paid_fen"] - bill["refunded_fen"] + bill["balance_fen"]
    return int(bill["balance_fen"])


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_b5_h1_surplus_is_asked_back_by_itself_once_the_car_has_left(
    new_sides: NewSides, engine: str, request: pytest.FixtureRequest
) -> None:
    async with AsyncExitStack() as opened:
        url = ""
        if engine == "postgresql":
            url = await (await opened.enter_async_context(new_databases(request.getfixturevalue("postgres_url"))))()
        both = await new_sides(url)
        order = await paid(both, "8.00")
        assert await refunds(both) == []  # the stay goes on, and may yet come to more
        await both.leaves()
        await both.street.settled()
        assert await refunds(both) == [("done", 200, "platform")]
        assert [(one["state"], one["fen"]) for one in await both.records("refunds")] == [("done", 200)]
        assert (await balance(both, order), await both.items("/surplus")) == (0, [])
        [arrival] = await both.arrivals("4.2")
        assert "多付的停车费，自动退回" in str(arrival)


async def test_h1_nothing_is_asked_back_by_itself_unless_it_is_set(new_sides: NewSides) -> None:
    both = await new_sides(refund_surplus=RefundSurplus.ASK)
    order = await left(both, "8.00")
    assert (await refunds(both), await balance(both, order)) == ([], -200)


async def test_h1_surplus_above_the_limit_waits_for_a_person_who_agrees(new_sides: NewSides) -> None:
    both = await new_sides(refund_alone_fen=199)
    order = await left(both, "8.00")
    [wanted] = await both.items("/errands", section="4.2")
    assert (wanted["state"], await balance(both, order), await both.arrivals("4.2")) == ("wanted", -200, [])
    done = await both.act(f"/errands/{wanted['errand_id']}/approve", **SECOND)
    assert (done["state"], done["approved_by"], await balance(both, order)) == ("done", "李强", 0)


async def test_h1_surplus_that_was_given_back_by_hand_meanwhile_cannot_be_approved_any_more(
    new_sides: NewSides,
) -> None:
    both = await new_sides(refund_alone_fen=199)
    order = await left(both, "8.00")
    [wanted] = await both.items("/errands", section="4.2")
    await both.act(f"/orders/{order['order_id']}/give_back", fen=1)
    status, _ = await both.lot("POST", f"/errands/{wanted['errand_id']}/approve", **SECOND)
    assert (status, await both.arrivals("4.2"), await balance(both, order)) == (409, [], -199)
    await both.act(f"/errands/{wanted['errand_id']}/withdraw")


async def test_h1_while_bolink_does_not_answer_surplus_waits_for_a_person(auto: Both) -> None:
    order = await auto.enters()
    await auto.hub.faults({"kind": "upload_500", "times": None})
    other = await auto.street.arrives("A1", LOT_ID)
    await auto.street.barrier("A1", LOT_ID).report(EventKind.PLATE, other, plate="京B00002")
    await auto.street.settled()
    courier, began = auto.street.platform.courier, auto.clock.now()
    while not courier.bolink_is_down:
        await courier.look()
        await courier.sent()
        auto.clock.advance(400)
    auto.clock.advance(3 * 3600 - 60 - (auto.clock.now() - began).total_seconds())
    await auto.pays_inside(amount="8.00")
    car = await auto.at_exit()
    await auto.street.passes(car, "B1", LOT_ID)
    await auto.street.settled()
    assert (await refunds(auto), await balance(auto, order)) == ([("wanted", 200, "platform")], -200)


@pytest.mark.parametrize("yuan", ["6.99", "6.01"])
async def test_h13_surplus_below_1_yuan_is_visible_and_not_given_back_by_itself(auto: Both, yuan: str) -> None:
    order = await left(auto, yuan)
    assert await refunds(auto) == []
    [visible] = await auto.items("/surplus")
    assert visible["order"]["order_id"] == order["order_id"]


async def test_b10_c7_what_is_paid_after_the_car_has_left_is_asked_back_whole(auto: Both) -> None:
    order = await left(auto, "6.00")
    late = {"car_number": PLATE, "order_id": order["order_id"], "trade_no": "late-1", "prepay": "5.00"}
    late |= {"pay_time": int(auto.clock.now().timestamp()), "arrive_money": "4.97", "fee": "0.03", "account_type": 1}
    for _ in range(2):
        assert (await auto.push("prepay_order", prepay_type=1, **late))["state"] == 1
    await auto.street.settled()
    [errand] = await auto.items("/errands", section="4.2")
    assert (errand["fen"], errand["detail"]["trade_no"]) == (500, "late-1")
    assert len(await auto.arrivals("4.2")) == 1


async def test_h1_surplus_of_several_payments_is_asked_back_of_the_newest_first(auto: Both) -> None:
    order = await auto.enters()
    auto.clock.advance(3 * 3600 - 60)
    told = {"car_number": PLATE, "order_id": order["order_id"], "prepay": "10.00", "prepay_type": 1}
    for number in ("k1", "k2"):
        auto.clock.advance(1)
        told |= {"pay_time": int(auto.clock.now().timestamp()), "arrive_money": "10.00", "fee": "0", "account_type": 1}
        assert (await auto.push("prepay_order", trade_no=number, **told))["state"] == 1
    await auto.leaves()
    await auto.street.settled()
    asked = {one["detail"]["trade_no"]: one["fen"] for one in await auto.items("/errands", section="4.2")}
    assert asked == {"k1": 400, "k2": 1000}


async def test_h4_h10_surplus_that_bolink_refused_is_told_to_a_person_and_not_asked_again_by_itself(auto: Both) -> None:
    order = await paid(auto, "8.00")
    await auto.hub.faults({"kind": "upload_refused", "service_name": "4.2", "text": "余额不足"})
    await auto.leaves()
    await auto.street.settled()
    assert (await refunds(auto), await balance(auto, order)) == ([("failed", 200, "platform")], -200)
    [alarm] = await alarms(auto, "refund_failed")
    assert (alarm["order_id"], "余额不足" in alarm["text"]) == (order["order_id"], True)
    for _ in range(3):
        auto.clock.advance(3600)
        await auto.street.platform.rounds.look()
    assert len(await auto.arrivals("4.2")) == 1
    await auto.act(f"/orders/{order['order_id']}/give_back", fen=200)
    await auto.street.platform.watch.look()
    assert [one["state"] for one in await alarms(auto, "refund_failed")] == ["ended"]


async def test_h5_surplus_whose_answer_is_lost_counts_as_given_and_a_person_is_told(auto: Both) -> None:
    order = await paid(auto, "8.00")
    await auto.hub.faults({"kind": "upload_answer_lost", "service_name": "4.2"})
    await auto.leaves()
    await auto.street.settled()
    assert (await refunds(auto), await balance(auto, order)) == ([("unclear", 200, "platform")], 0)
    assert [one["order_id"] for one in await alarms(auto, "errand_unclear")] == [order["order_id"]]
    for _ in range(3):
        auto.clock.advance(3600)
        await auto.street.platform.rounds.look()
    assert len(await auto.arrivals("4.2")) == 1


async def test_h11_surplus_that_a_machine_took_in_cash_is_left_to_a_person(auto: Both) -> None:
    order = await auto.enters()
    auto.clock.advance(3 * 3600 - 60)
    told = {"car_number": PLATE, "order_id": order["order_id"], "trade_no": "k1", "prepay": "8.00", "prepay_type": 2}
    told |= {"pay_time": int(auto.clock.now().timestamp()), "arrive_money": "8.00", "fee": "0", "account_type": 1}
    assert (await auto.push("prepay_order", **told))["state"] == 1
    await auto.leaves()
    await auto.street.settled()
    assert (await refunds(auto), await balance(auto, order)) == ([], -200)


async def test_h12_surplus_of_a_payment_with_an_invoice_is_left_to_a_person(auto: Both) -> None:
    order = await paid(auto, "8.00")
    [payment] = await auto.items("/payments")
    await auto.act(f"/payments/{payment['payment_id']}/invoice", buyer_name="泊链软件", email="a@163.com")
    await auto.leaves()
    await auto.street.settled()
    assert (await refunds(auto), await balance(auto, order)) == ([], -200)
