"""`/api/v1/lots/{lot_id}/price_lists`, `…/calendar_days` and `…/price`."""

from __future__ import annotations

import copy
from typing import Any

import httpx
import pytest

from web.house import BY, LOT, House

LISTS = f"/api/v1/lots/{LOT}/price_lists"
DAYS = f"/api/v1/lots/{LOT}/calendar_days"
PRICE = f"/api/v1/lots/{LOT}/price"
HOURLY: dict[str, Any] = {
    "valid_from": "2025-01-01",
    "rates": [
        {"free": 15, "sections": [{"steps": [{"per": 60, "price": "3"}]}]},
        {"vehicles": ["large"], "sections": [{"steps": [{"per": 60, "price": "6.50"}]}]},
    ],
}
BY_DAY = [
    {"days": ["workday"], "steps": [{"per": 60, "price": "1"}]},
    {"days": ["weekend"], "steps": [{"per": 60, "price": "2"}]},
    {"days": ["holiday"], "steps": [{"per": 60, "price": "3"}]},
]


def valid_from(day: str, **more: Any) -> dict[str, Any]:
    return {**copy.deepcopy(HOURLY), "valid_from": day, **more}


async def add(api: httpx.AsyncClient, price_list: object, **more: Any) -> httpx.Response:
    return await api.post(LISTS, json={"price_list": price_list, **BY, **more})


async def test_a_price_list_is_added_and_listed_with_who_and_why(api: httpx.AsyncClient) -> None:
    answer = await add(api, HOURLY)
    assert answer.status_code == 201
    added = answer.json()
    assert added == {
        "lot_id": LOT,
        "version": 1,
        "valid_from": "2025-01-01",
        "price_list": {
            "valid_from": "2025-01-01",
            "rates": [
                {"free": 15, "sections": [{"steps": [{"per": 60, "price": "3.00"}]}]},
                {"vehicles": ["large"], "sections": [{"steps": [{"per": 60, "price": "6.50"}]}]},
            ],
        },
        "at": "2025-06-01T08:00:00Z",
        "via": "console",
        **BY,
    }
    assert (await api.get(LISTS)).json() == {"items": [added], "next": None}
    acts = (await api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"]
    assert [(act["operator"], act["act"]) for act in acts] == [("王芳", "price list 1 from 2025-01-01")]
    assert (await api.get("/api/v1/lots/200002-8/price_lists")).json()["items"] == []


async def test_price_lists_are_paged_the_newest_first(api: httpx.AsyncClient) -> None:
    for day in ("2025-01-01", "2025-07-01", "2025-08-01"):
        assert (await add(api, valid_from(day))).status_code == 201
    first = (await api.get(LISTS, params={"limit": 2})).json()
    rest = (await api.get(LISTS, params={"limit": 2, "cursor": first["next"]})).json()
    assert [row["version"] for row in first["items"] + rest["items"]] == [3, 2, 1]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "day",
    ["2025-07-01", "2025-06-30", "2024-12-31"],
)
async def test_a_price_list_must_begin_after_all_before_it(api: httpx.AsyncClient, day: str) -> None:
    await add(api, HOURLY)
    await add(api, valid_from("2025-07-01"))
    answer = await add(api, valid_from(day))
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("conflict", "price_list.valid_from")
    assert error["message"].splitlines() == [
        f"启用日期（valid_from）须晚于第 2 版价目表的 2025-07-01，现为 {day}",
        f"price list 2 begins on 2025-07-01; a new one must begin after it, not on {day}",
    ]
    assert len((await api.get(LISTS)).json()["items"]) == 2


async def test_a_later_price_list_begins_tomorrow_by_the_lots_clock_at_the_earliest(
    house: House, api: httpx.AsyncClient
) -> None:
    await add(api, HOURLY)
    house.clock.step(8 * 3600 - 1)  # 23:59:59 in the lot
    assert (await add(api, valid_from("2025-06-01"))).json()["error"]["message"].splitlines() == [
        "启用日期（valid_from）最早是明天，今天是 2025-06-01，现为 2025-06-01",
        "a new price list begins tomorrow at the earliest, not on 2025-06-01; today is 2025-06-01",
    ]
    house.clock.step(1)
    assert (await add(api, valid_from("2025-06-02"))).status_code == 409
    assert (await add(api, valid_from("2025-06-03"))).status_code == 201


WRONG: list[tuple[object, str, str]] = [
    (valid_from("2025-01-01", rates=[]), "price_list.rates", "empty list"),
    (valid_from("2025-01-01", round_to=0.5), "price_list.round_to", "in quotes"),
    (valid_from("2025-01-01", round_to="2.505"), "price_list.round_to", "at most two decimals"),
    (valid_from("2025-01-01", colour=1), "price_list.colour", "no such key"),
    (
        valid_from("2025-01-01", rates=[{"sections": [{"from": "08:00", "until": "20:00", "free": True}]}]),
        "price_list.rates[0].sections",
        "is in no section",
    ),
    (
        valid_from("2025-01-01", rates=[{"sections": [{"free": True}] * 1000}]),
        "price_list.rates[0].sections",
        "1000 items, at most 48",
    ),
    ({}, "price_list.valid_from", "is missing"),
    ([], "price_list", "must be an object"),
    (None, "price_list", "must be an object"),
]


@pytest.mark.parametrize(("price_list", "field", "said"), WRONG, ids=range(len(WRONG)))
async def test_a_price_list_that_is_wrong_is_refused_and_not_kept(
    small_api: httpx.AsyncClient, price_list: object, field: str, said: str
) -> None:
    answer = await add(small_api, price_list)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("bad_value", field)
    assert said in error["message"]
    assert (await small_api.get(LISTS)).json()["items"] == []
    assert (await small_api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"operator": "a", "reason": "b", "price_list": {"round_to": 1e}}', 400),
        (b'{"operator": "a", "reason": "b", "price_list": ' + b"[" * 20_000, 400),
        (b'{"operator": "a", "reason": "b", "price_list": {"rates": [' + b'{"free":1},' * 100_000 + b"{}]}}", 413),
    ],
)
async def test_bodies_that_are_out_of_bounds_are_refused(
    small_api: httpx.AsyncClient, body: bytes, status: int
) -> None:
    answer = await small_api.post(LISTS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert (await small_api.get(LISTS)).json()["items"] == []


async def test_a_number_beyond_all_bounds_is_refused_at_its_field_in_both_languages(
    small_api: httpx.AsyncClient,
) -> None:
    sections = b'[{"cap": 1e400, "steps": [{"price": "1"}]}]'
    price_list = b'{"valid_from": "2025-01-01", "rates": [{"sections": ' + sections + b"}]}"
    body = b'{"operator": "a", "reason": "b", "price_list": ' + price_list + b"}"
    answer = await small_api.post(LISTS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("bad_value", "price_list.rates[0].sections[0].cap")
    assert error["message"].splitlines() == [
        '第 1 个费率 › 第 1 个时段 › 时段封顶（cap）：金额要加引号，如 "2.50"，现为 1e400',
        'rate 1 › section 1 › cap: amounts are written in quotes, as "2.50", not 1e400',
    ]
    assert (await small_api.get(LISTS)).json()["items"] == []


async def test_a_price_comes_with_its_slices_and_the_version_of_the_list(api: httpx.AsyncClient) -> None:
    await add(api, HOURLY)
    answer = await api.get(PRICE, params={"entry": "2025-06-01T08:00:00+08:00", "exit": "2025-06-01T02:30:00Z"})
    assert answer.status_code == 200
    assert answer.json() == {
        "fen": 900,
        "version": 1,
        "valid_from": "2025-01-01",
        "rate": 0,
        "percent": 100,
        "free": "exceeded",
        "slices": [
            {
                "section": 0,
                "period": 0,
                "start": "2025-06-01T00:00:00Z",
                "end": "2025-06-01T02:30:00Z",
                "covered": 0,
                "charges": [{"step": 0, "units": 3, "fen": 900}],
                "capped": False,
                "fen": 900,
            }
        ],
        "periods": [
            {"start": "2025-06-01T00:00:00Z", "end": "2025-06-01T02:30:00Z", "sum": 900, "cap": None, "fen": 900}
        ],
    }


async def test_a_time_without_an_offset_is_the_lots_and_a_vehicle_has_its_rate(api: httpx.AsyncClient) -> None:
    await add(api, HOURLY)
    stay = {"entry": "2025-06-01T08:00", "exit": "2025-06-01T09:30"}
    assert (await api.get(PRICE, params=stay)).json()["fen"] == 600
    assert (await api.get(PRICE, params={**stay, "vehicle": "large"})).json()["fen"] == 1300


async def test_a_stay_is_priced_by_the_list_of_the_day_of_its_entry(api: httpx.AsyncClient) -> None:
    await add(api, HOURLY)
    dearer = [{"sections": [{"steps": [{"per": 60, "price": "100"}]}]}]
    await add(api, valid_from("2025-06-02", rates=dearer))
    before = {"entry": "2025-06-01T23:59:59", "exit": "2025-06-02T00:30"}
    after = {"entry": "2025-06-02T00:00:00", "exit": "2025-06-02T00:30"}
    assert [(await api.get(PRICE, params=stay)).json()["version"] for stay in (before, after)] == [1, 2]
    assert [(await api.get(PRICE, params=stay)).json()["fen"] for stay in (before, after)] == [300, 10000]


async def test_what_cannot_be_priced_is_said_and_never_nothing(api: httpx.AsyncClient) -> None:
    stay = {"entry": "2025-06-01T08:00", "exit": "2025-06-01T09:30"}
    none = await api.get(PRICE, params=stay)
    assert (none.status_code, none.json()["error"]["code"]) == (409, "cannot_price")
    assert "no price list for an entry on 2025-06-01" in none.json()["error"]["message"]
    await add(api, valid_from("2025-01-01", rates=HOURLY["rates"][1:]))
    no_rate = await api.get(PRICE, params=stay)
    assert (no_rate.status_code, no_rate.json()["error"]["code"]) == (409, "cannot_price")
    assert "no rate for vehicle" in no_rate.json()["error"]["message"]
    too_long = await api.get(PRICE, params={"entry": "2025-06-01T08:00", "exit": "2045-06-01T08:00"})
    assert too_long.status_code == 409
    assert (await api.get("/api/v1/lots/0-0/price", params=stay)).status_code == 404


async def test_a_stay_that_ends_before_it_begins_is_refused_with_both_moments(api: httpx.AsyncClient) -> None:
    await add(api, HOURLY)
    asked = await api.get(PRICE, params={"entry": "2025-06-01T10:00", "exit": "2025-06-01T01:00Z"})
    error = asked.json()["error"]
    assert (asked.status_code, error["code"], error["field"]) == (400, "bad_value", "exit")
    assert "the exit, 2025-06-01 09:00, is before the entry, 2025-06-01 10:00" in error["message"]
    no_time = await api.get(PRICE, params={"entry": "2025-06-01T10:00", "exit": "2025-06-01T10:00"})
    assert (no_time.status_code, no_time.json()["fen"]) == (200, 0)
    long_ago = await api.get(PRICE, params={"entry": "2025-06-01T10:00", "exit": "0001-01-01T00:00"})
    assert (long_ago.status_code, long_ago.json()["error"]["code"]) == (409, "cannot_price")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"exit": "2025-06-01T09:30"}, "entry"),
        ({"entry": "2025-06-01T09:30"}, "exit"),
        ({"entry": "yesterday", "exit": "2025-06-01T09:30"}, "entry"),
        ({"entry": "2025-06-01T08:00:00 08:00", "exit": "2025-06-01T09:30"}, "entry"),
        ({"entry": "2025-06-01T08:00", "exit": "2025-13-01"}, "exit"),
        ({"entry": "2025-06-01T08:00", "exit": "9" * 65}, "exit"),
        ({"entry": "2025-06-01T08:00", "exit": "2025-06-01T09:00", "vehicle": "x" * 33}, "vehicle"),
        ({"entry": "2025-06-01T08:00", "exit": "2025-06-01T07:59:59"}, "exit"),
    ],
)
async def test_a_question_that_cannot_be_read_names_its_field(
    small_api: httpx.AsyncClient, asked: dict[str, str], field: str
) -> None:
    await add(small_api, HOURLY)
    answer = await small_api.get(PRICE, params=asked)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


async def test_moments_at_the_ends_of_the_calendar_are_refused(small_api: httpx.AsyncClient) -> None:
    await add(small_api, valid_from("0001-01-02"))
    for entry in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-03T00:00:00Z"):
        answer = await small_api.get(PRICE, params={"entry": entry, "exit": "2025-06-01T08:00"})
        assert answer.status_code in (400, 409), entry


async def test_a_lot_says_of_days_what_they_are_over_what_was_announced(api: httpx.AsyncClient) -> None:
    await add(api, valid_from("2025-01-01", rates=[{"sections": BY_DAY}]))

    async def costs(day: str) -> int:
        answer = await api.get(PRICE, params={"entry": f"{day}T08:00", "exit": f"{day}T09:00"})
        return int(answer.json()["fen"])

    assert [await costs(day) for day in ("2025-10-01", "2025-10-11", "2025-10-13")] == [300, 100, 100]
    unknown = await api.get(PRICE, params={"entry": "2099-01-02T08:00", "exit": "2099-01-02T09:00"})
    assert (unknown.status_code, "years = [2099]" in unknown.json()["error"]["message"]) == (409, True)
    told = {"holidays": ["2025-10-13", "2099-01-02"], "ordinary": ["2025-10-11"], "years": [2098, 2099]}
    answer = await api.post(DAYS, json={"days": told, **BY})
    assert answer.status_code == 201
    assert [(day["day"], day["kind"]) for day in answer.json()] == [
        ("2025-10-13", "holiday"),
        ("2099-01-02", "holiday"),
        ("2025-10-11", "ordinary"),
        ("2098-01-01", "year"),
        ("2099-01-01", "year"),
    ]
    assert [await costs(day) for day in ("2025-10-13", "2025-10-11", "2099-01-02", "2099-01-03")] == [
        300,
        200,
        300,
        200,
    ]
    await api.post(DAYS, json={"days": {"workdays": ["2025-10-13"]}, **BY})
    assert await costs("2025-10-13") == 100
    listed = (await api.get(DAYS)).json()
    assert [(day["day"], day["kind"]) for day in listed][-1] == ("2025-10-13", "workday")
    assert {day["operator"] for day in listed} == {"王芳"}
    assert (await api.get("/api/v1/lots/200002-8/calendar_days")).json() == []


@pytest.mark.parametrize(
    ("days", "field"),
    [({}, "days"), ({"holidays": ["x"]}, "days.holidays"), ({"holiday": []}, "days.holiday"), ([], "days")],
)
async def test_days_that_are_wrong_are_refused_and_not_kept(
    small_api: httpx.AsyncClient, days: object, field: str
) -> None:
    answer = await small_api.post(DAYS, json={"days": days, **BY})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert (await small_api.get(DAYS)).json() == []
