"""What a stranger, or somebody with a token and a bad day, can send: always an answer in one form, never a 500."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from web.house import BY, LOT, House

HERE = f"/api/v1/lots/{LOT}"
ACTS = [
    ("PUT", HERE),
    ("PUT", f"{HERE}/lanes/A1"),
    ("POST", f"{HERE}/lanes/A1/release"),
    ("POST", f"{HERE}/lanes/A1/refuse"),
    ("POST", f"{HERE}/lanes/A1/open"),
    ("POST", f"{HERE}/lanes/A1/hold"),
    ("POST", f"{HERE}/lanes/A1/close"),
    ("POST", f"{HERE}/orders/order_0001/close"),
    ("PUT", f"{HERE}/orders/order_0001/licence"),
    ("POST", f"{HERE}/blocked"),
    ("DELETE", f"{HERE}/blocked"),
]
OPTIONAL = [
    ("POST", f"{HERE}/deliveries/1/retry"),
    ("POST", f"{HERE}/deliveries/retry"),
    ("DELETE", f"{HERE}/blocked/1"),
]
LISTS = ["orders", "lanes", "deliveries", "blocked", "lifts", "alarms", "passes", "space_changes", "acts"]

fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


def is_an_error(answer: httpx.Response) -> dict[str, Any]:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()
    assert set(said) == {"error"}
    error: dict[str, Any] = said["error"]
    assert set(error) == {"code", "message", "field"}
    assert error["code"]
    assert error["message"]
    return error


@pytest.mark.parametrize(("method", "address"), ACTS)
@pytest.mark.parametrize("missing", ["operator", "reason"])
async def test_every_act_wants_to_know_who_and_why(
    small_api: httpx.AsyncClient, method: str, address: str, missing: str
) -> None:
    for value in (None, "", "   ", "A\x00B", "x" * 201, 7, []):
        body = {**BY, missing: value}
        if value is None:
            del body[missing]
        error = is_an_error(await small_api.request(method, address, json=body))
        assert (error["code"], error["field"]) == ("bad_value", missing)


@pytest.mark.parametrize(("method", "address"), [*ACTS, *OPTIONAL])
@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b'{"operator":"\xff","reason":"x"}',
        b"[" * 60_000,
        b'{"operator":' * 5_000,
        b"{",
        b"[]",
        b"7",
        b'"text"',
        b"NaN",
        b'{"operator":"\\ud800","reason":"x"}',
        b'{"operator":"a","reason":"b","spaces_free":1e400}',
        b'{"operator":"a","reason":"b","spaces_free":' + b"9" * 5_000 + b"}",
        b'{"operator":"a","reason":"b","what":1}',
    ],
)
async def test_a_body_that_cannot_be_used_is_400(
    small_api: httpx.AsyncClient, method: str, address: str, body: bytes
) -> None:
    answer = await small_api.request(method, address, content=body)
    is_an_error(answer)
    assert answer.status_code == 400


@pytest.mark.parametrize(("method", "address"), ACTS)
async def test_a_body_that_is_not_there_is_400(small_api: httpx.AsyncClient, method: str, address: str) -> None:
    for body in (b"", b"null", b"{}"):
        assert (await small_api.request(method, address, content=body)).status_code == 400


async def test_a_body_over_64_kib_is_413(small_api: httpx.AsyncClient) -> None:
    answer = await small_api.put(HERE, content=json.dumps({**BY, "name": "x" * 70_000}).encode())
    assert answer.status_code == 413
    assert is_an_error(answer)["code"] == "too_large"


async def test_an_error_names_the_field_in_words_a_person_understands(small_api: httpx.AsyncClient) -> None:
    for body, message in (
        ({}, "operator is missing"),
        ({**BY, "spaces_free": "7"}, "must be a whole number, not text"),
        ({**BY, "spaces_free": -1}, "must be at least 0"),
        ({**BY, "name": "x" * 201}, "must have at most 200 characters"),
        ({**BY, "emergency": "true"}, "must be true or false, not text"),
        ({**BY, "colour": 1}, "colour is not known"),
    ):
        assert is_an_error(await small_api.put(HERE, json=body))["message"] == message


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "POST", "OPTIONS", "HEAD", "TRACE", "QWERTY"])
async def test_another_method_is_405_or_says_which_are_taken(small_api: httpx.AsyncClient, method: str) -> None:
    answer = await small_api.request(method, HERE)
    assert answer.status_code in (204, 405)
    assert "PUT" in answer.headers["allow"]


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=nan", "limit"),
        ("limit=%ff", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=W10", "cursor"),
        ("cursor=WzldWzld", "cursor"),
        ("cursor=" + "x" * 600, "cursor"),
    ],
)
async def test_a_query_that_makes_no_sense_names_its_field(
    small_api: httpx.AsyncClient, what: str, query: str, field: str
) -> None:
    assert is_an_error(await small_api.get(f"{HERE}/{what}?{query}"))["field"] == field


@pytest.mark.parametrize(
    ("query", "field"),
    [("car_number=%00", "car_number"), ("car_number=" + "x" * 65, "car_number"), ("state=IN", "state")],
)
async def test_a_filter_that_makes_no_sense_names_its_field(
    small_api: httpx.AsyncClient, query: str, field: str
) -> None:
    assert is_an_error(await small_api.get(f"{HERE}/orders?{query}"))["field"] == field


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("/api/v1/lots/%00", "lot_id"),
        ("/api/v1/lots/" + "x" * 129, "lot_id"),
        (f"{HERE}/lanes/%00", "channel_id"),
        (f"{HERE}/orders/a%00b", "order_id"),
        (f"{HERE}/orders/" + "x" * 129, "order_id"),
        (f"{HERE}/lanes/%ff", None),
        ("/api/v1/%ff", None),
    ],
)
async def test_a_path_part_that_makes_no_sense_is_400_by_name(
    small_api: httpx.AsyncClient, address: str, field: str | None
) -> None:
    answer = await small_api.get(address)
    assert answer.status_code == 400
    assert is_an_error(answer)["field"] == field


@pytest.mark.parametrize(
    "address",
    [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/lots",
        "/api/v1//lots",
        f"{HERE}//orders",
        f"{HERE}/orders/a/b/c",
        f"{HERE}/x",
    ],
)
async def test_an_address_that_is_not_there_is_404(small_api: httpx.AsyncClient, address: str) -> None:
    answer = await small_api.get(address)
    assert answer.status_code == 404
    assert is_an_error(answer)["code"] == "not_found"


async def test_cursors_of_another_list_are_refused_or_harmless(house: House, api: httpx.AsyncClient) -> None:
    for n in range(3):
        await house.order(f"CAR{n}")
        await api.post(f"{HERE}/blocked", json={"kind": "licence", "value": f"CAR{n}", **BY})
    cursors = [(await api.get(f"{HERE}/{what}?limit=1")).json()["next"] for what in ("orders", "lanes", "blocked")]
    assert all(cursors)
    for cursor in cursors:
        for what in LISTS:
            assert (await api.get(f"{HERE}/{what}", params={"cursor": cursor})).status_code in (200, 400)


words = st.text(max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    [
        "operator",
        "reason",
        "order_id",
        "spaces_free",
        "emergency",
        "name",
        "spaces",
        "time_zone",
        "policy",
        "open",
        "hours",
        "barrier",
        "kind",
        "value",
        "car_number",
    ]
)


@fuzz
@given(
    act=st.sampled_from([*ACTS, *OPTIONAL]),
    body=st.dictionaries(fields, json_values, max_size=4),
    signed=st.booleans(),
)
async def test_any_json_is_answered_and_never_with_500(
    small_api: httpx.AsyncClient, act: tuple[str, str], body: dict[str, Any], signed: bool
) -> None:
    sent = {**body, **BY} if signed else body
    answer = await small_api.request(*act, content=json.dumps(sent, allow_nan=True).encode("utf-8", "surrogatepass"))
    assert answer.status_code < 500, answer.text


@fuzz
@given(body=st.binary(max_size=300), act=st.sampled_from([*ACTS, *OPTIONAL]))
async def test_any_bytes_are_answered_and_never_with_500(
    small_api: httpx.AsyncClient, body: bytes, act: tuple[str, str]
) -> None:
    assert (await small_api.request(*act, content=body)).status_code < 500


@fuzz
@given(
    parts=st.lists(st.one_of(st.sampled_from([LOT, *LISTS, "A1", "1"]), st.binary(max_size=12)), max_size=5),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "state", "car_number", "channel_id"]), st.binary(), max_size=3
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
)
async def test_any_address_is_answered_and_never_with_500(
    house: House, api: httpx.AsyncClient, parts: list[str | bytes], query: dict[str, bytes], method: str
) -> None:
    path = "/".join(quote(part, safe="") for part in ["api", "v1", "lots", *parts])
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    answer = await api.request(method, httpx.URL(f"http://lot/{path}?{asked}"))
    assert answer.status_code < 500, (path, asked, answer.text)
