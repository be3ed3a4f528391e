"""Payments that the lot places at BoLink over HTTP: stays, arrears, change."""

from __future__ import annotations

from typing import Any

from hub.sides import LOT_ID
from support.stacks.both_sides import BY, PLATE, Both


async def state_of(both: Both, section: str) -> list[str]:
    return [one["state"] for one in await both.items("/errands", section=section)]


async def paid_at_the_counter(both: Both, kind: str = "payments", state: str = "paid") -> None:
    record = (await both.records(kind))[0]
    await both.moves(record, state)


async def owed(both: Both) -> dict[str, Any]:
    """A stay that left without paying, reported as arrears."""
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    car = await both.at_exit()
    await both.street.passes(car, "B1", "200002-21787")  # through, without the arm
    await both.street.settled()
    return order


async def test_c15_a_stay_is_placed_and_paid_at_its_address_and_the_car_owes_nothing(both: Both) -> None:
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    placed = await both.act(f"/orders/{order['order_id']}/payment_order")
    assert (placed["state"], placed["fen"], placed["detail"]["payurl"][:4]) == ("running", 600, "http")
    await paid_at_the_counter(both)
    await both.until(["done"], of=lambda: state_of(both, "3.4"))
    [payment] = await both.items("/payments")
    assert (payment["fen"], payment["order_id"], payment["trade_no"]) == (600, order["order_id"], placed["number"])
    bill = await both.bill(order)
    assert (bill["paid_fen"], bill["leave_by"] is not None) == (600, True)
    status, _ = await both.lot("POST", f"/orders/{order['order_id']}/payment_order", **BY)
    assert status == 409


async def test_c17_a_payment_nobody_placed_is_a_stray_and_the_same_again_is_counted_once(both: Both) -> None:
    told = {"state": 1, "amount": "3.00", "receipt_amount": "3.00", "pay_platform_fee": "0", "pay_time": 1777881600}
    for number in ("77777777777777777", "77777777777777777"):
        for extra in ({}, {"description": "again"}):
            said = await both.push("plat_unified_order", **told, **extra, trade_no=number, out_trade_no="x")
            assert said["state"] == 1
    assert [one["fen"] for one in await both.items("/strays")] == [300]


async def test_g5_g6_what_is_owed_is_listed_by_plate_placed_and_paid(both: Both) -> None:
    order = await owed(both)
    [one] = await both.items("/owed")
    assert one["bill"]["balance_fen"] == 600
    now = int(both.clock.now().timestamp())
    assert (await both.hub.upload_exit(PLATE, order["order_id"], pay_type="escape", total="6.00", out_time=now))[
        0
    ] == 200
    status, listed = await both.lot("GET", "/arrears", plate=PLATE)
    assert (status, [(x["order_id"], x["fen"], x["here"]) for x in listed["items"]]) == (
        200,
        [(order["order_id"], 600, True)],
    )
    placed = await both.act(f"/orders/{order['order_id']}/arrears_order")
    assert (placed["state"], placed["fen"]) == ("running", 600)
    await paid_at_the_counter(both)
    await both.until(["done"], of=lambda: state_of(both, "3.9"))
    assert (await both.bill(order))["balance_fen"] == 0
    assert (await both.lot("GET", "/arrears", plate=PLATE))[1]["items"] == []
    status, _ = await both.lot("POST", f"/orders/{order['order_id']}/arrears_order", **BY)
    assert status == 409


async def test_g6_g7_g9_arrears_that_were_paid_without_us_close_what_is_owed_and_more_is_surplus(both: Both) -> None:
    order = await owed(both)
    told = {"state": 1, "order_id": order["order_id"], "trade_no": "r1", "pay_type": "repair", "total": "6.00"}
    told |= {"errmsg": "", "pay_time": 1777881600, "car_number": PLATE, "arrive_money": "6.00", "fee": "0"}
    told |= {"account_type": 1, "remark": ""}
    assert (await both.push("repair", **told | {"state": 0}))["state"] == 1
    assert (await both.bill(order))["balance_fen"] == 600
    assert (await both.push("repair", **told))["state"] == 1
    assert (await both.bill(order))["balance_fen"] == 0
    assert (await both.push("repair", **told | {"trade_no": "r2"}))["state"] == 1
    assert (await both.bill(order))["balance_fen"] == -600


async def test_e17_change_is_a_red_packet_once_and_what_comes_back_is_owed_in_cash(both: Both) -> None:
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    await both.act("/shifts", booth="东门")
    await both.at_exit()
    taken = await both.act("/lanes/B1/cash", order_id=order["order_id"], due_fen=600, received_fen=1000)
    change = f"/payments/{taken['payment']['payment_id']}/change"
    given = await both.act(change, fen=400)
    assert (given["state"], given["detail"]["url"][:4]) == ("running", "http")
    assert (await both.lot("POST", change, **BY, fen=400))[0] == 409
    await paid_at_the_counter(both, "change", "returned")
    await both.until(["failed"], of=lambda: state_of(both, "3.10"))
    assert "change_failed" in {one["kind"] for one in await both.items("/alarms")}
    await both.act(change, fen=400)
    await paid_at_the_counter(both, "change", "received")
    await both.until(["done", "failed"], of=lambda: state_of(both, "3.10"))


TOLD_5_10 = {"state": 1, "pay_platform_fee": "0", "pay_time": 1777881600, "out_trade_no": "x"}
TOLD_5_9 = {"state": 1, "pay_type": "repair", "errmsg": "", "pay_time": 1777881600, "car_number": PLATE}
TOLD_5_9 |= {"fee": "0", "account_type": 1, "remark": ""}


async def test_c16_less_than_was_placed_is_paid_with_an_alarm_and_the_rest_is_due(both: Both) -> None:
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    placed = await both.act(f"/orders/{order['order_id']}/payment_order")
    told = TOLD_5_10 | {"trade_no": placed["number"], "amount": "2.00", "receipt_amount": "2.00"}
    assert (await both.push("plat_unified_order", **told))["state"] == 1
    bill = await both.bill(order)
    assert (bill["paid_fen"], bill["leave_by"], await both.due(order)) == (200, None, 400)
    assert [one["kind"] for one in await both.items("/alarms")][:1] == ["money_conflict"]


async def test_c18_an_address_of_a_stay_that_is_settled_by_now_is_paid_and_is_surplus(both: Both) -> None:
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    placed = await both.act(f"/orders/{order['order_id']}/payment_order")
    await both.pays_inside()
    await both.leaves()
    assert (await both.bill(order))["balance_fen"] == 0
    told = TOLD_5_10 | {"trade_no": placed["number"], "amount": "6.00", "receipt_amount": "6.00"}
    assert (await both.push("plat_unified_order", **told))["state"] == 1
    assert (await both.bill(order))["balance_fen"] == -600


async def test_e18_change_whose_answer_is_lost_is_unclear_never_sent_again_and_a_person_settles_it(both: Both) -> None:
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    await both.act("/shifts", booth="东门")
    await both.at_exit()
    taken = await both.act("/lanes/B1/cash", order_id=order["order_id"], due_fen=600, received_fen=1000)
    change = f"/payments/{taken['payment']['payment_id']}/change"
    await both.hub.faults({"kind": "upload_answer_lost", "service_name": "3.10"})
    unclear = await both.act(change, fen=400)
    for _ in range(3):
        both.clock.advance(3600)
        await both.street.platform.rounds.look()
    assert (unclear["state"], len(await both.arrivals("3.10"))) == ("unclear", 1)
    assert (await both.lot("POST", change, **BY, fen=400))[0] == 409
    await both.act(f"/errands/{unclear['errand_id']}/settle", operator="李强", reason="looked", state="failed")
    assert (await both.act(change, fen=400))["state"] == "running"


async def test_g8_money_for_a_stay_that_owes_nothing_here_is_surplus_and_for_an_unknown_one_a_stray(both: Both) -> None:
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    await both.pays_inside()
    await both.leaves()
    told = TOLD_5_9 | {"total": "3.00", "arrive_money": "3.00"}
    assert (await both.push("repair", **told, order_id=order["order_id"], trade_no="r1"))["state"] == 1
    assert (await both.bill(order))["balance_fen"] == -300
    assert (await both.push("repair", **told, order_id="nobody", trade_no="r2"))["state"] == 1
    assert [one["trade_no"] for one in await both.items("/strays")] == ["r2"]


async def test_g10_less_than_is_owed_pays_a_part_and_the_rest_stays_owed(both: Both) -> None:
    order = await owed(both)
    told = TOLD_5_9 | {"total": "2.00", "arrive_money": "2.00", "order_id": order["order_id"], "trade_no": "r1"}
    assert (await both.push("repair", **told))["state"] == 1
    assert (await both.bill(order))["balance_fen"] == 400
    assert [one["bill"]["balance_fen"] for one in await both.items("/owed")] == [400]


async def test_g11_d25_g5_reported_arrears_are_told_at_the_entry_and_the_exit_and_offered_on_the_drivers_page(
    both: Both,
) -> None:
    order = await owed(both)
    await both.act(f"/orders/{order['order_id']}/report")
    await both.delivered()
    again = await both.enters()
    assert (again["arrears"], len(await both.arrivals("3.8"))) == (1, 1)
    both.clock.advance(3000)
    await both.at_exit()
    asked = {"lot_id": LOT_ID, "channel_id": "B1", "driver": "li"}
    _, scan = await both.hub.admin("POST", "/admin/scans", json=asked)
    await both.hub.settled(scan["scan_id"])
    shown = await both.hub.shown(scan["scan_id"])
    assert (shown["price"], shown["text"]) == ("2.00", "您有欠费订单，可补缴")
