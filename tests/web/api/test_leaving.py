"""Departures and money over the API: who may, what it shows, what it refuses."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime, timedelta, timezone

import httpx
import pytest

from taigan.rights import Right
from taigan.storage.setup import price_lists
from taigan.storage.setup.price_lists import PriceListRow
from taigan.web import tokens
from web.house import LOT, House, client_of

PLATE = "浙A12345"
BY = {"operator": "王芳", "reason": "排队"}
TARIFF = """
valid_from = 2020-01-01
[[rates]]
[[rates.sections]]
steps = [{ per = 60, price = "2.00" }]
"""


@pytest.fixture
async def exit_of(house: House) -> House:
    """A car that owes 6 yuan stands in B1."""
    listed = json.dumps(tomllib.loads(TARIFF), default=str)
    row = PriceListRow(LOT, 1, date(2020, 1, 1), listed, datetime.now(UTC), "test", "test")
    await house.database.write(lambda conn: price_lists.add(conn, row))
    entered = house.clock.now() - timedelta(hours=2, minutes=30)
    await house.order(PLATE, order_id="o1", plate=PLATE, state="in", waiting_for="", in_at=entered, passed_at=entered)
    await house.car("car-out", "B1")
    return house


async def read_plate(api: httpx.AsyncClient, plate: str = PLATE) -> None:
    said = await api.post(f"/api/v1/lots/{LOT}/lanes/B1/plate", json={"plate": plate, "presence_id": "car-out"})
    assert said.status_code < 300, said.text


async def test_a_car_at_the_exit_is_shown_with_what_it_waits_for(exit_of: House, api: httpx.AsyncClient) -> None:
    await read_plate(api)
    (shown,) = (await api.get(f"/api/v1/lots/{LOT}/departures?open=true")).json()["items"]
    assert (shown["channel_id"], shown["order_id"], shown["plate"], shown["state"]) == ("B1", "o1", PLATE, "due")


async def test_cash_is_taken_in_a_shift_for_the_car_and_the_due_as_the_booth_saw_them(
    exit_of: House, api: httpx.AsyncClient
) -> None:
    await read_plate(api)
    at = f"/api/v1/lots/{LOT}"
    paid = BY | {"order_id": "o1", "due_fen": 600, "received_fen": 1000}
    without = await api.post(f"{at}/lanes/B1/cash", json=paid)
    assert (without.status_code, without.json()["error"]["field"]) == (409, "operator")
    shift = (await api.post(f"{at}/shifts", json=BY | {"booth": "东门", "opening_fen": 20000})).json()
    for wrong, field in (({"due_fen": 500}, "due_fen"), ({"order_id": "o2"}, "order_id")):
        refused = await api.post(f"{at}/lanes/B1/cash", json=paid | wrong)
        assert (refused.status_code, refused.json()["error"]["field"]) == (409, field)
    taken = (await api.post(f"{at}/lanes/B1/cash", json=paid)).json()
    assert (taken["payment"]["fen"], taken["change_fen"]) == (600, 400)
    again = await api.post(f"{at}/lanes/B1/cash", json=paid)
    assert again.status_code == 409
    closing = f"{at}/shifts/{shift['shift_id']}/close"
    assert (await api.post(closing, json=BY | {"counted_fen": 20500})).json()["error"]["field"] == "note"
    closed = (await api.post(closing, json=BY | {"counted_fen": 20500, "note": "找错了一元"})).json()
    assert (closed["expected_fen"], closed["difference_fen"]) == (20600, -100)
    bill = (await api.get(f"{at}/orders/o1/bill")).json()
    assert (bill["charge_fen"], bill["paid_fen"], bill["balance_fen"]) == (600, 600, 0)


async def test_an_amount_is_waived_once_and_nothing_is_due_afterwards(exit_of: House, api: httpx.AsyncClient) -> None:
    await read_plate(api)
    waived = await api.post(f"/api/v1/lots/{LOT}/orders/o1/waive", json=BY)
    assert waived.status_code == 200, waived.text
    again = await api.post(f"/api/v1/lots/{LOT}/orders/o1/waive", json=BY)
    assert again.status_code == 409
    (shown,) = (await api.get(f"/api/v1/lots/{LOT}/departures")).json()["items"]
    assert shown["state"] == "released"


async def test_a_person_chooses_the_order_of_a_car_that_was_misread(exit_of: House, api: httpx.AsyncClient) -> None:
    await read_plate(api, "粤B99999")
    matched = await api.post(f"/api/v1/lots/{LOT}/lanes/B1/match", json=BY | {"order_id": "o1"})
    assert (matched.status_code, matched.json()["order_id"]) == (200, "o1")


async def test_a_pass_covers_its_plates_until_it_is_ended(exit_of: House, api: httpx.AsyncClient) -> None:
    at = f"/api/v1/lots/{LOT}/pass_cards"
    now = exit_of.clock.now()
    given = {
        "card_id": "M1",
        "plates": [PLATE],
        "starts_at": (now - timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=1)).isoformat(),
    }
    zone = timezone(timedelta(hours=8))
    given |= {
        name: datetime.fromisoformat(given[name]).astimezone(zone).isoformat() for name in ("starts_at", "ends_at")
    }
    made = await api.post(at, json=BY | given)
    assert (made.status_code, datetime.fromisoformat(made.json()["ends_at"]).utcoffset()) == (201, timedelta())
    assert (await api.post(at, json=BY | given)).json()["error"]["field"] == "card_id"
    wrong = BY | given | {"card_id": "M2", "ends_at": given["starts_at"]}
    assert (await api.post(at, json=wrong)).json()["error"]["field"] == "ends_at"
    await read_plate(api)
    (shown,) = (await api.get(f"/api/v1/lots/{LOT}/departures")).json()["items"]
    assert (shown["state"], shown["released_by"], shown["reason"]) == ("released", "free", "月卡")
    assert (await api.post(f"{at}/M1/end", json=BY)).json()["ended_at"] is not None
    assert (await api.post(f"{at}/M1/end", json=BY)).status_code == 409
    (one,) = (await api.get(at)).json()["items"]
    assert one["plates"] == [PLATE]


@pytest.mark.parametrize(
    "path", ["payments", "strays", "owed", "surplus", "review", "reductions", "shifts", "pass_cards"]
)
async def test_lists_of_money_are_pages(house: House, api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(f"/api/v1/lots/{LOT}/{path}")).json() == {"items": [], "next": None}
    assert (await api.get(f"/api/v1/lots/{LOT}/{path}?cursor=x")).status_code == 400
    assert (await api.get(f"/api/v1/lots/nowhere/{path}")).status_code == 404


async def test_the_arm_is_raised_for_an_unpaid_car_only_with_a_word_about_what_it_owes(
    exit_of: House, api: httpx.AsyncClient
) -> None:
    await read_plate(api)
    at = f"/api/v1/lots/{LOT}"
    refused = await api.post(f"{at}/lanes/B1/open", json=BY)
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "unpaid")
    assert exit_of.barriers["B1"].commands == []
    lift = (await api.post(f"{at}/lanes/B1/open", json=BY | {"unpaid": "owed"})).json()
    assert (lift["outcome"], lift["actor"], lift["order_id"]) == ("accepted", "王芳", "o1")
    assert len(exit_of.barriers["B1"].commands) == 1
    (shown,) = (await api.get(f"{at}/departures")).json()["items"]
    assert (shown["state"], shown["released_by"], shown["actor"]) == ("released", "person", "王芳")


async def test_the_token_stands_beside_the_person_in_all_that_is_done_about_money(
    exit_of: House, api: httpx.AsyncClient
) -> None:
    """`console` is the name of the token these tests speak with."""
    await read_plate(api)
    at = f"/api/v1/lots/{LOT}"
    shift = (await api.post(f"{at}/shifts", json=BY | {"booth": "东门", "opening_fen": 100})).json()
    closed = await api.post(f"{at}/shifts/{shift['shift_id']}/close", json=BY | {"counted_fen": 100})
    made = {
        "card_id": "M1",
        "plates": ["京A11111"],
        "starts_at": "2025-01-01T00:00:00Z",
        "ends_at": "2026-01-01T00:00:00Z",
    }
    card = await api.post(f"{at}/pass_cards", json=BY | made)
    listed = {"valid_from": "2030-01-01", "rates": [{"sections": [{"steps": [{"price": "5"}]}]}]}
    prices = await api.post(f"{at}/price_lists", json=BY | {"price_list": listed})
    (day,) = (await api.post(f"{at}/calendar_days", json=BY | {"days": {"holidays": ["2030-01-01"]}})).json()
    reduced = await api.post(f"{at}/reductions", json=BY | {"order_id": "o1", "kind": "fen", "value": 100})
    opened = await api.post(f"{at}/lanes/B1/open", json=BY | {"unpaid": "waived"})
    for answer in (closed, card, prices, reduced, opened):
        assert answer.status_code < 300, answer.text
        assert answer.json()["via"] == "console"
    assert closed.json()["closed_via"] == day["via"] == "console"
    (departure,) = (await api.get(f"{at}/departures")).json()["items"]
    assert (departure["released_by"], departure["actor"], departure["via"]) == ("person", "王芳", "console")
    events = (await api.get(f"{at}/orders/o1")).json()["events"]
    by_persons = {event["event"]: event["via"] for event in events if event["actor"] == "王芳"}
    assert by_persons == {"reduced": "console", "released": "console", "let go unpaid": "console"}
    acts = (await api.get(f"{at}/acts")).json()["items"]
    assert {act["via"] for act in acts} == {"console"}


async def test_an_empty_exit_is_opened_for_nobody(house: House, api: httpx.AsyncClient) -> None:
    lift = (await api.post(f"/api/v1/lots/{LOT}/lanes/B1/open", json=BY)).json()
    assert (lift["outcome"], lift["order_id"]) == ("accepted", None)
    assert (await api.get(f"/api/v1/lots/{LOT}/departures")).json()["items"] == []


async def test_an_order_shows_its_bill_as_it_is_now_with_its_slices_and_its_payments(
    exit_of: House, api: httpx.AsyncClient
) -> None:
    await read_plate(api)
    shown = (await api.get(f"/api/v1/lots/{LOT}/orders/o1")).json()
    bill = shown["bill"]
    assert (bill["charge_fen"], bill["due_fen"], bill["balance_fen"], bill["paid_fen"]) == (600, 600, 600, 0)
    assert (sum(part["fen"] for part in bill["slices"]), shown["payments"]) == (600, [])
    await api.post(f"/api/v1/lots/{LOT}/shifts", json=BY | {"booth": "东门"})
    paid = BY | {"order_id": "o1", "due_fen": 600, "received_fen": 600}
    await api.post(f"/api/v1/lots/{LOT}/lanes/B1/cash", json=paid)
    shown = (await api.get(f"/api/v1/lots/{LOT}/orders/o1")).json()
    assert (shown["bill"]["due_fen"], shown["bill"]["balance_fen"]) == (0, 0)
    assert [(one["way"], one["fen"]) for one in shown["payments"]] == [("cash", 600)]
    assert shown["bill"]["leave_by"] is not None


async def test_who_may_not_see_money_sees_an_order_without_it(exit_of: House) -> None:
    token = await tokens.create(exit_of.database, "guard", exit_of.clock, rights=[Right.STAY_SEE], lots=[LOT])
    async with client_of(exit_of, token) as guard:
        shown = (await guard.get(f"/api/v1/lots/{LOT}/orders/o1")).json()
    assert (shown["order_id"], shown["bill"], shown["payments"]) == ("o1", None, None)


@pytest.mark.parametrize(("how", "balance"), [("free", 0), ("paid", 0), ("owed", 600)])
async def test_a_stay_is_closed_by_hand_free_as_paid_or_owing(
    house: House, api: httpx.AsyncClient, how: str, balance: int, exit_of: House
) -> None:
    closed = await api.post(f"/api/v1/lots/{LOT}/orders/o1/close", json=BY | {"how": how})
    assert (closed.status_code, closed.json()["state"]) == (200, "out")
    bill = (await api.get(f"/api/v1/lots/{LOT}/orders/o1/bill")).json()
    assert (bill["balance_fen"], bill["closed_at"] is not None) == (balance, True)
    assert (await api.post(f"/api/v1/lots/{LOT}/orders/o1/close", json=BY)).status_code == 409


async def test_closing_a_stay_whose_car_stands_at_the_exit_raises_no_arm(
    exit_of: House, api: httpx.AsyncClient
) -> None:
    await read_plate(api)
    await api.post(f"/api/v1/lots/{LOT}/orders/o1/close", json=BY | {"how": "free"})
    assert (await api.get(f"/api/v1/lots/{LOT}/lifts")).json()["items"] == []


async def test_what_a_stay_left_owing_is_reported_once_by_a_person(exit_of: House, api: httpx.AsyncClient) -> None:
    at = f"/api/v1/lots/{LOT}/orders/o1"
    assert (await api.post(f"{at}/report", json=BY)).status_code == 409
    await api.post(f"{at}/close", json=BY | {"how": "owed"})
    assert (await api.post(f"{at}/report", json=BY)).status_code == 200
    shown = (await api.get(at)).json()
    (told,) = [json.loads(one["payload"]) for one in shown["deliveries"] if one["section"] == "3.2"]
    assert (told["pay_type"], told["total"], shown["review"]) == ("escape", "6.00", "")
    assert (await api.post(f"{at}/report", json=BY)).status_code == 409


async def test_a_reduction_taken_back_counts_no_longer(exit_of: House, api: httpx.AsyncClient) -> None:
    await read_plate(api)
    given = BY | {"order_id": "o1", "kind": "fen", "value": 500}
    made = (await api.post(f"/api/v1/lots/{LOT}/reductions", json=given)).json()
    at = f"/api/v1/lots/{LOT}/reductions/{made['reduction_id']}"
    assert (await api.get(f"/api/v1/lots/{LOT}/orders/o1")).json()["bill"]["due_fen"] == 100
    ended = await api.request("DELETE", at, json=BY)
    assert (ended.status_code, ended.json()["ended_at"] is not None) == (200, True)
    assert (await api.get(f"/api/v1/lots/{LOT}/orders/o1")).json()["bill"]["due_fen"] == 600
    assert (await api.request("DELETE", at, json=BY)).status_code == 409
    assert (await api.request("DELETE", f"/api/v1/lots/{LOT}/reductions/none", json=BY)).status_code == 404


async def test_cars_inside_are_taken_over_once_each_with_a_space_and_a_told_entry(
    exit_of: House, api: httpx.AsyncClient
) -> None:
    free = (await api.get(f"/api/v1/lots/{LOT}")).json()["spaces_free"]
    cars = [
        {"plate": "浙B00001", "in_at": "2025-06-01T08:00:00+08:00"},
        {"plate": "浙B00002", "in_at": "2025-06-01T08:00:00+08:00", "order_id": "told_before"},
        {"plate": PLATE, "in_at": "2025-06-01T08:00:00+08:00"},
    ]
    at = f"/api/v1/lots/{LOT}/orders/import"
    taken = (await api.post(at, json=BY | {"cars": cars})).json()["order_ids"]
    assert taken[1:] == ["told_before", "o1"]
    assert (await api.post(at, json=BY | {"cars": cars})).json()["order_ids"] == taken
    assert (await api.get(f"/api/v1/lots/{LOT}")).json()["spaces_free"] == free - 2
    deliveries = [(await api.get(f"/api/v1/lots/{LOT}/orders/{name}")).json()["deliveries"] for name in taken[:2]]
    assert [[one["section"] for one in of] for of in deliveries] == [["3.1"], []]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"plate": "浙A\u00071"}, "plate"),
        ({"in_at": "2099-01-01T00:00:00Z"}, "in_at"),
        ({"in_at": "2025-01-01T00:00:00"}, "in_at"),
        ({"order_id": "o1"}, "order_id"),
    ],
)
async def test_a_list_with_one_wrong_car_takes_over_none(
    exit_of: House, api: httpx.AsyncClient, wrong: dict[str, str], field: str
) -> None:
    good = {"plate": "浙B00001", "in_at": "2025-06-01T08:00:00+08:00"}
    cars = [good, good | {"plate": "浙B00002"} | wrong]
    refused = await api.post(f"/api/v1/lots/{LOT}/orders/import", json=BY | {"cars": cars})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, field)
    assert len((await api.get(f"/api/v1/lots/{LOT}/orders")).json()["items"]) == 1
