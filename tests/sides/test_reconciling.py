"""A day of the lot held against what BoLink has of it, over HTTP: every difference is a row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from hub.sides import LOT_ID, PARK_ID, UNION_ID
from support.stacks.both_sides import Both
from taigan.storage import tables as t

TODAY = "2026-05-04"


async def found(both: Both, state: str = "open") -> list[tuple[str, str]]:
    return [(one["kind"], one["number"]) for one in await both.items("/differences", state=state)]


async def stay(both: Both, plate: str = "京A12345") -> dict[str, Any]:
    """A stay that was paid inside, and has ended; the payment."""
    await both.enters(plate)
    both.clock.advance(2 * 3600)
    payment = await both.pays_inside(plate)
    await both.leaves(plate)
    return payment


async def test_a_day_on_which_both_sides_hold_the_same_has_no_difference(both: Both) -> None:
    await stay(both)
    await both.enters("京B00001")
    run = await both.act("/reconciliations", day=TODAY)
    assert (run["orders"], run["payments"], run["parked"], run["differences"], run["said"]) == (1, 1, 1, 0, "")
    assert await found(both) == []


async def test_l2_a_payment_whose_message_never_came_is_named_with_its_amount_until_it_comes(both: Both) -> None:
    await both.enters()
    both.clock.advance(2 * 3600)
    [order] = await both.items("/orders")
    await both.hub.faults({"kind": "push_lost", "service_name": "prepay_order", "times": None})
    trade_no = await both.pays_by_phone()
    both.clock.advance(60)
    await both.act(f"/orders/{order['order_id']}/waive")
    await both.leaves()
    await both.act("/reconciliations", day=TODAY)
    assert await found(both) == [("payment_missing_here", trade_no)]
    [one] = await both.items("/differences")
    assert (one["ours_fen"], one["theirs_fen"] is not None, bool(one["advice"])) == (None, True, True)


async def with_wallet(both: Both, *faults: dict[str, Any]) -> dict[str, Any]:
    """A car whose plate pays by itself is at the exit, and the pull has come to whatever end."""
    await both.arranges(auto_pay=["京A12345"])
    order = await both.enters()

    async def is_known() -> bool:
        return bool(await both.items("/auto_pay"))

    await both.until(True, of=is_known)
    both.clock.advance(2 * 3600)
    await both.hub.faults(*faults)
    await both.at_exit()
    await both.street.platform.pulls.drained()
    await both.street.settled()
    return order


async def test_a_pull_has_bolinks_number_from_its_answer(both: Both) -> None:
    await with_wallet(both)
    [payment] = await both.items("/payments")
    [record] = await both.records("payments")
    assert (payment["giver"], payment["trade_no"], payment["fen"]) == ("bolink", record["number"], record["fen"])


async def test_a_pull_whose_answer_was_lost_is_booked_by_what_bolinks_books_have_of_its_order(both: Both) -> None:
    order = await with_wallet(both, {"kind": "upload_answer_lost", "service_name": "3.2"})
    assert await both.items("/payments") == []
    await both.act("/reconciliations", day=TODAY)
    await both.street.settled()
    [payment] = await both.items("/payments")
    [record] = await both.records("payments")
    assert (payment["trade_no"], payment["fen"], payment["order_id"], payment["way"]) == (
        record["number"],
        record["fen"],
        order["order_id"],
        "wallet",
    )
    assert both.street.barrier("B1", LOT_ID).lifts == 1
    await both.act("/reconciliations", day=TODAY)
    assert len(await both.items("/payments")) == 1


async def test_a_charge_that_bolink_took_while_the_platform_died_is_booked_when_it_is_back_the_next_day(
    both: Both,
) -> None:
    order = await with_wallet(both, {"kind": "upload_answer_lost", "service_name": "3.2"})
    await both.street.update(t.attempts, state="live", said="")  # it was killed before it knew
    both.clock.advance(24 * 3600)
    await both.street.platform.hours.look()
    await both.street.platform.unheard.look()
    await both.street.settled()
    [payment] = await both.items("/payments")
    [record] = await both.records("payments")
    assert (payment["trade_no"], payment["fen"], payment["state"]) == (record["number"], record["fen"], "paid")
    assert (payment["order_id"], both.street.barrier("B1", LOT_ID).lifts) == (order["order_id"], 1)


async def test_l2_each_night_looks_at_the_day_before_once(both: Both) -> None:
    await stay(both)
    rounds = both.street.platform.rounds
    await rounds.look()
    assert await both.items("/reconciliations") == []
    both.clock.advance(24 * 3600)
    await rounds.look()
    await rounds.look()
    assert [one["day"] for one in await both.items("/reconciliations")] == [TODAY]


async def test_l4_a_stay_that_bolink_holds_as_open_and_nobody_here_does_is_named(both: Both) -> None:
    status, _ = await both.hub.upload_entry("京C00001", "not-ours")
    assert status == 200
    await both.act("/reconciliations", day=TODAY)
    assert await found(both) == [("parked_there_only", "not-ours")]
    assert (await both.hub.upload_exit("京C00001", "not-ours"))[0] == 200
    await both.act("/reconciliations", day=TODAY)
    assert (await found(both), await found(both, "gone")) == ([], [("parked_there_only", "not-ours")])


async def test_l4_a_stay_that_ended_at_bolink_and_not_here_is_named_and_a_person_settles_it(both: Both) -> None:
    order = await both.enters()
    assert (await both.hub.upload_exit(order["licence"], order["order_id"]))[0] == 200
    await both.act("/reconciliations", day=TODAY)
    assert await found(both) == [("parked_here_only", order["order_id"])]
    [one] = await both.items("/differences")
    settled = await both.act(f"/differences/{one['difference_id']}/settle")
    assert (settled["state"], settled["actor"]) == ("settled", "王芳")
    await both.act("/reconciliations", day=TODAY)
    assert await found(both) == []


async def test_what_bolink_does_not_answer_is_said_and_nothing_is_concluded_from_it(both: Both) -> None:
    await stay(both)
    await both.hub.faults({"kind": "upload_refused", "service_name": "4.1", "text": "系统维护"})
    run = await both.act("/reconciliations", day=TODAY)
    assert ("4.1: 系统维护" in run["said"], run["differences"]) == (True, 0)


async def test_a_bill_that_does_not_agree_with_its_payments_and_a_stay_without_one_are_named(both: Both) -> None:
    payment = await stay(both)
    await stay(both, "京B00001")
    of_first = sa.and_(t.bills.c.lot_id == LOT_ID, t.bills.c.order_id == payment["order_id"])
    [other] = [one["order_id"] for one in await both.items("/orders") if one["order_id"] != payment["order_id"]]
    lower = sa.update(t.bills).where(of_first).values(paid_fen=t.bills.c.paid_fen - 100)
    await both.street.database.write(lambda conn: conn.execute(lower))
    gone = sa.delete(t.bills).where(t.bills.c.order_id == other)
    await both.street.database.write(lambda conn: conn.execute(gone))
    await both.act("/reconciliations", day=TODAY)
    named = {(one["kind"], one["number"]): one["ours_fen"] for one in await both.items("/differences")}
    assert named == {("bill_unbalanced", payment["order_id"]): -100, ("bill_missing", other): None}
    assert all(one["advice"] for one in await both.items("/differences"))


async def test_a_day_that_has_not_begun_is_refused(both: Both) -> None:
    tomorrow = (both.clock.now() + timedelta(days=1)).date().isoformat()
    status, said = await both.lot("POST", "/reconciliations", operator="王芳", reason="early", day=tomorrow)
    assert (status, said["error"]["field"]) == (409, "day")


async def test_l3_a_withdrawal_that_failed_and_one_of_another_amount_are_named(both: Both) -> None:
    await stay(both)
    status, answer = await both.hub.admin(
        "POST", "/admin/withdrawals", json={"lot_id": f"{UNION_ID}-{PARK_ID}", "fen": 50, "daily_fen": 50}
    )
    assert status == 200, answer
    await both.act("/reconciliations", day=TODAY)
    assert [kind for kind, _ in await found(both)] == ["withdrawal_differs"]


async def test_l3_a_daily_report_counts_passes_that_were_sold_and_refunds_that_were_given_as_well(both: Both) -> None:
    payment = await stay(both)
    await both.act("/pass_terms", "PUT", terms=[{"months": 1, "fen": 30000}])
    days = {"starts_at": "2026-05-01T00:00:00+08:00", "ends_at": "2026-06-01T00:00:00+08:00"}
    await both.act("/pass_cards", card_id="K1", holder="", plates=["京C33333"], **days)
    asked = await both.act("/pass_cards/K1/renewal", months=1)
    [record] = [one for one in await both.records("payments") if one["number"] == asked["number"]]
    await both.moves(record, "paid")

    async def states() -> list[str]:
        return [one["state"] for one in await both.items("/errands", section="3.3")]

    await both.until(["done"], of=states)
    given = await both.act(f"/payments/{payment['payment_id']}/refund", fen=100)
    assert given["state"] == "done"
    status, answer = await both.hub.admin("POST", "/admin/withdrawals", json={"lot_id": f"{UNION_ID}-{PARK_ID}"})
    assert (status, answer["fen"]) == (200, payment["fen"] + 30000 - 100)
    run = await both.act("/reconciliations", day=TODAY)
    assert (run["withdrawals"], run["differences"], await found(both)) == (1, 0, [])
