"""Passes over HTTP: sold by terms, renewed by the driver once, told of one by one and all at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.sides import LOT_ID
from support.stacks.both_sides import BY, PLATE, Both

TERMS = [{"months": 1, "fen": 30000}, {"months": 3, "fen": 80000}]
CARD = {
    "card_id": "K1",
    "holder": "张三",
    "plates": [PLATE],
    "starts_at": "2026-05-01T00:00:00+08:00",
    "ends_at": "2026-05-31T23:59:59+08:00",
}
TOLD = {"type": "add", "car_number": PLATE, "card_id": "15", "user_name": "张三", "car_type": "1"}
TOLD |= {"start_time": "2026-05-01 00:00:00", "end_time": "2026-05-31 23:59:59"}


@pytest.fixture
async def sold(both: Both) -> Both:
    await both.act("/pass_terms", method="PUT", terms=TERMS)
    await both.act("/pass_cards", **CARD)
    return both


async def end_of(both: Both, card_id: str) -> str:
    [card] = [one for one in await both.items("/pass_cards") if one["card_id"] == card_id]
    return str(card["ends_at"])


async def errands(both: Both) -> list[str]:
    return [one["state"] for one in await both.items("/errands", section="3.3")]


async def test_j6_j7_a_pass_is_lengthened_once_when_its_driver_has_paid(sold: Both) -> None:
    asked = await sold.act("/pass_cards/K1/renewal", months=1)
    assert (asked["state"], asked["fen"], asked["detail"]["payurl"][:4]) == ("running", 30000, "http")
    assert (await end_of(sold, "K1"))[:10] == "2026-05-31"
    [record] = await sold.records("payments")
    await sold.moves(record, "paid")
    await sold.until(["done"], of=lambda: errands(sold))
    assert (await end_of(sold, "K1"))[:10] == "2026-06-30"
    paid = {"state": 1, "amount": "300.00", "trade_no": "t1", "out_trade_no": asked["number"], "card_id": "K1"}
    assert (await sold.push("monthcard_pay", **paid))["state"] == 1
    assert (await end_of(sold, "K1"))[:10] == "2026-06-30"


async def test_j8_another_amount_and_an_unknown_number_lengthen_nothing_and_are_shown(sold: Both) -> None:
    asked = await sold.act("/pass_cards/K1/renewal", months=1)
    other = {"state": 1, "amount": "1.00", "trade_no": "t1", "out_trade_no": asked["number"]}
    nobody = {"state": 1, "amount": "7.00", "trade_no": "t2", "out_trade_no": "none"}
    for told in (other, nobody):
        assert (await sold.push("monthcard_pay", **told))["state"] == 1
    assert (await end_of(sold, "K1"))[:10] == "2026-05-31"
    assert {"money_conflict", "stray"} <= {one["kind"] for one in await sold.items("/alarms")}
    failed = other | {"state": 0, "amount": "300.00"}
    assert (await sold.push("monthcard_pay", **failed))["state"] == 1
    assert await errands(sold) == ["failed"]


async def test_j8_j13_a_third_party_sells_what_the_lot_sells_and_no_other_amount(sold: Both) -> None:
    ask = {"car_number": "京B00001", "license_color": 0}
    assert (await sold.push("check_vip", **ask, amount="300.00"))["state"] == 1
    refused = await sold.push("check_vip", **ask, amount="1.00")
    assert (refused["state"], refused["errmsg"]) == (0, "本车场没有该金额的月卡")
    paid = {"type": 2, "state": 1, "amount": "300.00", "trade_no": "t9", "car_number": "京B00001"}
    assert (await sold.push("monthcard_pay", **paid))["state"] == 1
    assert (await sold.push("monthcard_pay", **paid, remark="again"))["state"] == 1
    assert (await end_of(sold, "bolink-京B00001"))[:10] == "2026-06-04"


async def test_j12_j14_bolink_adds_changes_and_ends_a_pass_and_11_6_tells_it(both: Both) -> None:
    for _ in range(2):
        assert (await both.push("car_info", **TOLD))["state"] == 1
    found = await both.push("query_car_info", car_number=PLATE, type="0")
    assert (found["state"], found["data"]["card_id"], found["data"]["user_name"]) == (1, "bolink-15", "张三")
    assert found["data"]["end_time"] == "2026-05-31 23:59:59"
    longer = {"type": "modify_date", "card_id": "15", "end_time": "2026-06-30 23:59:59"}
    assert (await both.push("car_info", **longer))["state"] == 1
    assert (await end_of(both, "bolink-15"))[:10] == "2026-06-30"
    order = await both.enters()
    both.clock.advance(3600 * 5)
    await both.leaves()
    assert (await both.bill(order))["charge_fen"] == 0
    assert (await both.push("car_info", type="delete", card_id="15"))["state"] == 1
    assert (await both.push("query_car_info", car_number=PLATE, type="0"))["state"] == 0


async def test_j7_in_its_days_of_grace_a_pass_is_renewed_from_its_old_end_and_after_them_from_now(sold: Both) -> None:
    await sold.act("/pass_cards", **CARD | {"card_id": "K2", "plates": ["京B00002"], "grace_days": 0})
    await sold.act("/pass_limits", method="PUT", areas=[], hours=[], grace_days=7)
    sold.clock.advance((datetime.fromisoformat("2026-06-05T12:00:00+08:00") - sold.clock.now()).total_seconds())
    paid = {"type": 2, "state": 1, "amount": "300.00"}
    for card_id, ends in (("K1", "2026-06-30"), ("K2", "2026-07-05")):
        told = {**paid, "card_id": card_id, "trade_no": f"t-{card_id}"}
        assert (await sold.push("monthcard_pay", **told))["state"] == 1
        assert (await end_of(sold, card_id))[:10] == ends


async def test_days_and_grace_are_set_and_shown_and_told_of_a_stay(sold: Both) -> None:
    hours = [{"number": "7", "name": "", "hours": "", "days": ["mon", "fri"]}]
    await sold.act("/pass_limits", method="PUT", areas=[], hours=hours, grace_days=5)
    assert (await sold.lot("GET", "/pass_limits"))[1] == {"areas": [], "hours": hours, "grace_days": 5}
    card = CARD | {"card_id": "K2", "plates": ["京B00002"], "days": ["fri", "mon", "mon"], "grace_days": 2}
    await sold.act("/pass_cards", **card)
    [shown] = [one for one in await sold.items("/pass_cards") if one["card_id"] == "K2"]
    assert (shown["days"], shown["grace_days"]) == (["mon", "fri"], 2)
    found = await sold.push("query_car_info", car_number="京B00002", type="0")
    assert found["data"]["describe"] == "限周一、周五，到期后宽限2天"
    sold.clock.advance((datetime.fromisoformat("2026-06-01T12:00:00+08:00") - sold.clock.now()).total_seconds())
    order = await sold.enters("京B00002")
    [cover] = (await sold.lot("GET", f"/orders/{order['order_id']}"))[1]["bill"]["passes"]
    assert (cover["days"], cover["overdue"], cover["ends_at"][:10]) == (["mon", "fri"], True, "2026-06-02")
    for wrong in ({"days": ["someday"]}, {"grace_days": 32}):
        assert (await sold.lot("POST", "/pass_cards", **BY | card | {"card_id": "K3"} | wrong))[0] == 400


UNKNOWN: list[dict[str, str]] = [
    {"is_region": "1"},
    {"is_region": "1", "region_id": "9"},
    {"is_dayparking": "1", "rule_id_sub": "9"},
    {"car_type": "2"},
    {"end_time": "2026-04-01 00:00:00"},
]


@pytest.mark.parametrize("more", UNKNOWN)
async def test_j12_a_pass_that_would_be_free_where_it_should_not_is_refused(both: Both, more: dict[str, str]) -> None:
    assert (await both.push("car_info", **TOLD | more))["state"] == 0
    assert await both.items("/pass_cards") == []


async def limited(both: Both) -> None:
    areas = [{"number": "1", "name": "地下", "lanes": ["A1"]}, {"number": "2", "name": "地面", "lanes": ["A1"]}]
    hours = [{"number": "7", "name": "夜间", "hours": "22:00-8:00"}]
    await both.act("/pass_limits", method="PUT", areas=areas, hours=hours)


async def test_j12_bolinks_passes_for_areas_hours_and_fewer_spaces_are_kept_as_told(both: Both) -> None:
    await limited(both)

    async def kept() -> tuple[int, list[str], str]:
        [card] = await both.items("/pass_cards")
        return card["spaces"], card["areas"], card["hours"]

    two = '[{"plate_no": "京B00002", "plate_type": "1"}]'
    told = TOLD | {"is_region": "1", "region_id": "2,1", "is_dayparking": "1", "rule_id_sub": "7"}
    told |= {"car_type": "5", "vipCount": "1", "vehicle_list": two}
    assert (await both.push("car_info", **told))["state"] == 1
    assert await kept() == (1, ["1", "2"], "22:00-08:00")
    found = await both.push("query_car_info", car_number="京B00002", type="0")
    assert found["data"]["describe"] == "车位1个，限区域1、2，限22:00-08:00"
    longer = {"type": "modify_date", "card_id": "15", "end_time": "2026-06-30 23:59:59"}
    assert (await both.push("car_info", **longer))["state"] == 1
    assert await kept() == (1, ["1", "2"], "22:00-08:00"), "what a change does not name stays"
    freed = {"type": "modify_info", "card_id": "15", "is_region": "0", "is_dayparking": "0", "vipCount": "2"}
    assert (await both.push("car_info", **freed))["state"] == 1
    assert await kept() == (2, [], "")
    part = {"type": "modify_info", "card_id": "15", "car_type": "2", "part_time": '["23:00","07:00"\\]'}
    assert (await both.push("car_info", **part))["state"] == 1
    assert await kept() == (2, [], "23:00-07:00")
    told = {"type": "modify_info", "card_id": "15", "part_time": '["night"]'}
    assert (await both.push("car_info", **told, car_type="1"))["state"] == 1, "it is said of passes by the hour only"
    assert await kept() == (2, [], "23:00-07:00")
    with pytest.raises(AssertionError, match="part_time is not"):
        await both.push("car_info", **told, car_type="2")


async def test_j4_the_second_car_of_a_pass_with_one_space_is_asked_for_the_money(both: Both) -> None:
    two = '[{"plate_no": "京B00002", "plate_type": "1"}]'
    assert (await both.push("car_info", **TOLD | {"car_type": "5", "vipCount": "1", "vehicle_list": two}))["state"] == 1
    first = await both.enters()
    second = await both.enters("京B00002")
    both.clock.advance(3600 * 5)
    shown = (await both.lot("GET", f"/orders/{second['order_id']}"))[1]["bill"]
    [cover] = shown["passes"]
    assert (cover["lacks"], cover["holders"], shown["due_fen"] > 0) == ("spaces", [PLATE], True)
    [cover] = (await both.lot("GET", f"/orders/{first['order_id']}"))[1]["bill"]["passes"]
    assert (cover["lacks"], cover["card_id"]) == ("", "bolink-15")


async def test_j14_the_whole_list_replaces_bolinks_passes_only_and_a_partial_one_changes_nothing(sold: Both) -> None:
    def listed(*numbers: int) -> dict[str, list[dict[str, Any]]]:
        days = {"vipStartDateStr": "2026-05-01", "vipEndDateStr": "2026-12-31", "parkpotId": "21787"}
        return {"1": [{"vipId": n, "plateNo": f"京C{n:05d}", **days} for n in numbers]}

    async def alive() -> list[str]:
        return [one["card_id"] for one in await sold.items("/pass_cards") if one["ended_at"] is None]

    await sold.arranges(passes=listed(1, 2))
    assert await sold.act("/pass_cards_of_bolink") == {"passes": 2, "unusable": 0}
    assert await alive() == ["K1", "bolink-1", "bolink-2"]
    await sold.arranges(passes=listed(2, 3))
    await sold.hub.faults({"kind": "upload_refused", "service_name": "10.6", "times": 3})
    assert (await sold.lot("POST", "/pass_cards_of_bolink", **BY))[0] == 502
    assert await alive() == ["K1", "bolink-1", "bolink-2"]
    await sold.hub.faults()
    await sold.act("/pass_cards_of_bolink")
    assert await alive() == ["K1", "bolink-2", "bolink-3"]


async def test_j14_the_whole_list_has_areas_and_hours_that_the_lot_knows_and_counts_the_others(both: Both) -> None:
    await limited(both)
    days = {"vipStartDateStr": "2026-05-01", "vipEndDateStr": "2026-12-31", "parkpotId": "21787"}
    in_area, by_night = {"isRegion": "1", "regionId": "1"}, {"isDayparking": "1", "ruleIdSub": "7"}
    nowhere, never = {"isRegion": "1", "regionId": "9"}, {"isDayparking": "1", "ruleIdSub": "8"}
    rows = [
        {"vipId": n, "plateNo": f"京C{n:05d}"} | days | more
        for n, more in enumerate([in_area, by_night, nowhere, never, {}])
    ]
    await both.arranges(passes={"1": rows})
    assert await both.act("/pass_cards_of_bolink") == {"passes": 3, "unusable": 2}
    assert [(one["card_id"], one["areas"], one["hours"]) for one in await both.items("/pass_cards")] == [
        ("bolink-0", ["1"], ""),
        ("bolink-1", [], "22:00-08:00"),
        ("bolink-4", [], ""),
    ]


async def test_j9_a_pass_that_is_paid_after_it_was_ended_is_a_stray_and_stays_ended(sold: Both) -> None:
    await sold.act("/pass_cards/K1/renewal", months=1)
    await sold.act("/pass_cards/K1/end")
    [record] = await sold.records("payments")
    await sold.moves(record, "paid")
    await sold.until(["done"], of=lambda: errands(sold))
    [card] = await sold.items("/pass_cards")
    assert (card["ended_at"] is not None, card["ends_at"][:10]) == (True, "2026-05-31")
    assert "stray" in {one["kind"] for one in await sold.items("/alarms")}


async def test_j10_a_pass_that_is_renewed_while_its_car_stands_at_the_exit_lets_it_go(sold: Both) -> None:
    now = sold.clock.now()
    over = {"starts_at": (now - timedelta(days=30)).isoformat(), "ends_at": (now + timedelta(hours=1)).isoformat()}
    await sold.act("/pass_cards", **CARD | {"card_id": "K2", "plates": ["京B00002"]} | over)
    order = await sold.enters("京B00002")
    sold.clock.advance(3 * 3600 - 60)
    car = await sold.at_exit("京B00002")
    assert await sold.due(order) == 400
    await sold.act("/pass_cards/K2/renewal", months=1)
    [record] = await sold.records("payments")
    await sold.moves(record, "paid")

    async def released() -> bool:
        return [one["released_by"] for one in await sold.items("/departures")] == ["free"]

    await sold.until(True, of=released)
    await sold.street.settled()
    await sold.street.passes(car, "B1", LOT_ID)
    assert ((await sold.bill(order))["charge_fen"], (await sold.bill(order))["balance_fen"]) == (0, 0)


async def test_j12_a_car_inside_is_covered_up_to_the_delete_of_its_pass(both: Both) -> None:
    assert (await both.push("car_info", **TOLD))["state"] == 1
    order = await both.enters()
    both.clock.advance(5 * 3600)
    assert (await both.push("car_info", type="delete", card_id="15"))["state"] == 1
    both.clock.advance(2 * 3600 - 60)
    assert await both.due(order) == 400, "two hours"
