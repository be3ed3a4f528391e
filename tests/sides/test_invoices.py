"""Invoices over HTTP: made once for a payment, followed by 6.5; what 6.4 says is only a hint."""

from __future__ import annotations

from typing import Any

import pytest

from support.stacks.both_sides import BY, Both
from taigan.bolink import by_section

BUYER = {"buyer_name": "泊链软件", "email": "a@163.com"}


@pytest.fixture
async def payment(both: Both) -> dict[str, Any]:
    await both.enters()
    both.clock.advance(3 * 3600 - 60)
    return await both.pays_inside()


async def invoice(both: Both, payment: dict[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] = await both.act(f"/payments/{payment['payment_id']}/invoice", **BUYER)
    return asked


async def states(both: Both) -> list[str]:
    return [one["state"] for one in await both.items("/errands", section="6.3")]


async def test_m4_an_invoice_is_asked_for_once_and_followed_until_it_is_issued(
    both: Both, payment: dict[str, Any]
) -> None:
    asked = await invoice(both, payment)
    assert (asked["state"], asked["fen"], "email" in str(asked)) == ("running", payment["fen"], False)
    status, _ = await both.lot("POST", f"/payments/{payment['payment_id']}/invoice", **BY, **BUYER)
    assert (status, len(await both.arrivals("6.3"))) == (409, 1)
    same = await both.act(f"/errands/{asked['errand_id']}/refresh")
    assert same["state"] == "running"
    [record] = await both.records("invoices")
    assert (record["number"], record["fen"]) == (asked["number"], payment["fen"])
    await both.moves(record, "issued")
    issued = await both.act(f"/errands/{asked['errand_id']}/refresh")
    assert (issued["state"], issued["detail"]["pdf_url"] != "") == ("done", True)


async def test_m5_the_rounds_ask_where_invoices_stand_and_a_hint_lets_them_ask_at_once(
    both: Both, payment: dict[str, Any]
) -> None:
    await both.hub.faults({"kind": "push_lost", "service_name": "invoice_state", "times": None})
    rounds = both.street.platform.rounds
    await rounds.look()
    asked = await invoice(both, payment)
    [record] = await both.records("invoices")
    await both.moves(record, "issued")
    await rounds.look()
    assert await states(both) == ["running"]  # not yet its turn
    interface = by_section("6.4")
    hint = {"notify_time": "2026-05-04 12:00:00", "invoice_order_no": asked["number"], "message": "ok"}
    hint |= {"open_invoiceTime": "2026-05-04", "status": "5"}
    async with both.hub.http.post(f"{both.callback_url}/{interface.event}", json=hint) as answer:
        assert (answer.status, (await answer.json())["state"]) == (200, 1)
    assert await states(both) == ["running"]  # nobody's word is taken for it
    await rounds.look()
    assert await states(both) == ["done"]


async def test_m5_a_hint_about_a_number_that_is_none_of_ours_is_answered_alike_and_asks_nobody(both: Both) -> None:
    hint = {"notify_time": "2026-05-04 12:00:00", "invoice_order_no": "1", "message": "ok", "status": "5"}
    async with both.hub.http.post(
        f"{both.callback_url}/invoice_state", json=hint | {"open_invoiceTime": "2026-05-04"}
    ) as answer:
        assert (answer.status, (await answer.json())["state"]) == (200, 1)
    await both.street.platform.rounds.look()
    assert await both.arrivals("6.5") == []


async def test_m4_where_nobody_may_issue_none_is_asked_for(both: Both, payment: dict[str, Any]) -> None:
    await both.arranges(invoices=False)
    assert (await both.lot("GET", "/issuer"))[1] == {"may_issue": False}
    asked = await invoice(both, payment)
    assert (asked["state"], asked["said"], await both.records("invoices")) == ("failed", "开票方未开通", [])
    await both.arranges(invoices=True)
    assert (await both.lot("GET", "/issuer"))[1] == {"may_issue": True}
    assert (await invoice(both, payment))["state"] == "running"


async def test_m2_what_was_paid_at_bolink_is_never_told_to_it_to_be_invoiced(
    both: Both, payment: dict[str, Any]
) -> None:
    status, said = await both.lot("POST", f"/payments/{payment['payment_id']}/invoice_order", **BY)
    assert (status, "twice" in said["error"]["message"], await both.arrivals("6.1")) == (409, True, [])


async def test_m1_cash_is_told_once_to_be_invoiced_at_bolink(both: Both) -> None:
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    await both.act("/shifts", booth="东门")
    await both.at_exit()
    taken = await both.act("/lanes/B1/cash", order_id=order["order_id"], due_fen=600, received_fen=1000)
    told = await both.act(f"/payments/{taken['payment']['payment_id']}/invoice_order")
    assert (told["state"], told["fen"]) == ("done", 600)
    [record] = await both.records("invoice_orders")
    assert (record["order_id"], record["fen"], record["car_number"]) == (order["order_id"], 600, "京A12345")
    status, _ = await both.lot("POST", f"/payments/{taken['payment']['payment_id']}/invoice_order", **BY)
    assert (status, len(await both.arrivals("6.1"))) == (409, 1)


async def test_h12_m3_a_payment_with_an_invoice_is_given_back_only_by_somebody_who_says_so(
    both: Both, payment: dict[str, Any]
) -> None:
    await invoice(both, payment)
    refund = f"/payments/{payment['payment_id']}/refund"
    status, _ = await both.lot("POST", refund, **BY, fen=100)
    assert (status, await both.records("refunds")) == (409, [])
    assert (await both.act(refund, fen=100, although_invoiced=True))["state"] == "done"
