"""The city's platform over HTTP: corrections, the check at the entry, texts for the screens."""

from __future__ import annotations

from hub.sides import LOT_ID
from support.stacks.both_sides import BY, PLATE, Both
from taigan.barriers.barrier import EventKind


async def city(both: Both, **wanted: bool) -> None:
    given = {"corrections": False, "checks": False, "screens": False} | wanted
    await both.act("/city", method="PUT", **given)


async def at_entry(both: Both) -> int:
    """A car with the usual plate drives to A1; how many stand inside afterwards."""
    car = await both.street.arrives("A1", LOT_ID)
    await both.street.barrier("A1", LOT_ID).report(EventKind.PLATE, car, plate=PLATE)
    await both.street.settled()
    return len([one for one in await both.items("/orders") if one["state"] == "in"])


async def test_n1_a_plate_that_is_corrected_is_told_to_the_city_where_it_wants_it(both: Both) -> None:
    order = await both.enters()
    correct = f"/orders/{order['order_id']}/correct"
    await both.act(correct, plate="京A12346")
    await both.delivered()
    assert await both.arrivals("10.1") == []
    await city(both, corrections=True)
    await both.act(correct, plate="京A12347")
    await both.delivered()
    assert [one["accepted"] for one in await both.arrivals("10.1")] == [True]
    [record] = await both.records("corrections")
    assert (record["order_id"], record["car_number"]) == (order["order_id"], "京A12347")


async def test_n1_a_person_has_times_and_fee_told_once_the_stay_has_ended(both: Both) -> None:
    order = await both.enters()
    await both.leaves()
    status, _ = await both.lot("POST", f"/orders/{order['order_id']}/city", **BY)
    await both.delivered()
    assert (status, [one["accepted"] for one in await both.arrivals("10.1")]) == (204, [True])
    [record] = await both.records("corrections")
    assert (record["detail"]["fen"], record["detail"]["leave_business_type"]) == (0, "21")


async def test_n2_the_city_is_asked_where_it_wants_it_and_who_is_not_let_in_reads_why(both: Both) -> None:
    await city(both, checks=True)
    await both.arranges(blacklist=[PLATE])
    assert await at_entry(both) == 0
    assert both.street.barrier("A1", LOT_ID).shown[-1] == "黑名单车辆，禁止入场"
    assert both.street.barrier("A1", LOT_ID).lifts == 0
    await both.arranges()
    assert len(await both.arrivals("10.4")) == 1


async def test_a31_a3_a_stay_with_a_shared_space_reserved_cannot_be_paid_ahead(both: Both) -> None:
    await city(both, checks=True)
    await both.arranges(reserved=[PLATE])
    order = await both.enters()
    assert order["reserved"] is True
    both.clock.advance(3 * 3600 - 60)
    told = {"pay_scene": 0, "car_number": PLATE, "query_order_no": "q1"}
    said = await both.push("query_price", **told, order_id=order["order_id"])
    assert (said["state"], said["errmsg"]) == (0, "预约车辆不支持预付")
    said = await both.push("query_price", **told | {"query_order_no": "q2"})
    assert (said["state"], said["errmsg"]) == (0, "未查询到在场车辆，请核对车牌")
    asked = {"lot_id": LOT_ID, "car_number": PLATE, "driver": "li"}
    _, scan = await both.hub.admin("POST", "/admin/prepays", json=asked)
    await both.hub.settled(scan["scan_id"])
    assert (await both.hub.shown(scan["scan_id"]))["text"] == "预约车辆不支持预付"
    status, _ = await both.lot("POST", f"/orders/{order['order_id']}/payment_order", **BY)
    assert (status, await both.arrivals("3.4")) == (409, [])
    await both.at_exit()
    said = await both.push("query_price", pay_scene=1, query_order_no="q3", out_channel_id="B1")
    assert (said["state"], said["price"]) == (1, "6.00")


async def test_a31_a_plate_without_a_reservation_pays_ahead_as_ever(both: Both) -> None:
    await city(both, checks=True)
    await both.arranges(reserved=["京B00002"])
    order = await both.enters()
    both.clock.advance(3 * 3600 - 60)
    assert (order["reserved"], (await both.pays_inside())["fen"]) == (False, 600)


async def test_n2_a_city_that_does_not_answer_holds_nobody_up(both: Both) -> None:
    await city(both, checks=True)
    await both.hub.faults({"kind": "upload_500", "service_name": "10.4", "times": None})
    assert await at_entry(both) == 1


async def test_n3_idle_screens_show_the_citys_texts_and_what_went_wrong_goes_first(both: Both) -> None:
    await both.arranges(screens={"1": "文明停车", "2": "一路顺风"})
    rounds, barrier = both.street.platform.rounds, both.street.barrier("A1", LOT_ID)
    await rounds.look()
    assert (await both.lot("GET", "/city"))[1]["texts"] == {}
    await city(both, screens=True)
    both.clock.advance(3600)
    await rounds.look()
    assert (await both.lot("GET", "/city"))[1]["texts"] == {"1": "文明停车", "2": "一路顺风"}
    await both.enters()
    assert barrier.shown[-1] == "文明停车"
    await city(both)
    await both.enters("京B00001")
    assert "文明停车" not in barrier.shown[-1]


async def test_what_bolink_does_not_know_cannot_be_corrected(both: Both) -> None:
    assert (await both.lot("POST", "/orders/none/city", **BY))[0] == 404
