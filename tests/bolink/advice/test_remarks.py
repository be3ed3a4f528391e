"""Accepted, but: what the document says otherwise of a message that is taken."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.cost import costs_less_than
from taigan.bolink import CATALOGUE, AnyInterface, Direction, Signature, by_section, example_of, open_envelope, write
from taigan.bolink.advice.near import nearest_path
from taigan.bolink.advice.remarks import MOST, Kind, Remark, on_answer, on_envelope, on_request

NOW = datetime(2026, 11, 28, tzinfo=UTC)
BODIES = [one for one in CATALOGUE if one.direction is not Direction.PAGE]


def entry(**changed: Any) -> bytes:
    data = {"union_id": 200002, "park_id": "7", "order_id": "o1", "car_number": "京A12345"}
    data |= {"in_time": int(NOW.timestamp()), "empty_plot": 9} | changed
    return json.dumps({name: value for name, value in data.items() if value is not ...}).encode()


def remarks(text: bytes, section: str = "3.1") -> list[Remark]:
    return on_request(by_section(section), text, NOW)


@pytest.mark.parametrize("interface", BODIES, ids=lambda one: one.section)
def test_the_documents_own_example_gets_no_remark_but_on_its_length(interface: AnyInterface) -> None:
    text = interface.write(example_of(interface.request))
    assert [one for one in on_request(interface, text, NOW) if one.kind is not Kind.LENGTH] == []


@pytest.mark.parametrize(
    ("changed", "kind", "field", "en"),
    [
        ({"in_time": ...}, Kind.MISSING, "in_time", "is missing"),
        ({"order_id": ""}, Kind.MISSING, "order_id", "is empty"),
        ({"park_id": 7}, Kind.TYPE, "park_id", "is a number; the document has a text"),
        ({"union_id": "200002"}, Kind.TYPE, "union_id", "is a text; the document has a number"),
        ({"union_id": 200002.0}, Kind.TYPE, "union_id", "is written as 200002.0; the document has a whole number"),
        ({"empty_plot": "many"}, Kind.TYPE, "empty_plot", "is no number: many"),
        ({"empty_plot": True}, Kind.TYPE, "empty_plot", "is true or false, a type that the document does not have"),
        ({"car_number": ["京A"]}, Kind.TYPE, "car_number", "is an object or array; the document has a text"),
        ({"order_id": "o" * 49}, Kind.LENGTH, "order_id", "is at most 48 digits, letters and underscores"),
        ({"car_number": "京" * 9}, Kind.LENGTH, "car_number", "has 9 characters, at most 8"),
        ({"in_time": 1764288000000}, Kind.TIME, "in_time", "is in milliseconds; it is seconds"),
        ({"in_time": 2**31}, Kind.TIME, "in_time", "is in the future (2038-01-19)"),
        ({"in_time": 5}, Kind.TIME, "in_time", "is before 2010"),
        ({"empty_plot": -1}, Kind.VALUE, "empty_plot", "is below zero"),
        ({"car_cost_type": 77}, Kind.VALUE, "car_cost_type", "is 77; the document lists"),
        ({"licence_color": 1}, Kind.UNKNOWN, "licence_color", "is unknown; did you mean license_color?"),
        ({"wholly_other": 1}, Kind.UNKNOWN, "wholly_other", "is not in the document"),
        ({" remark ": "x"}, Kind.SHAPE, "remark", "has blanks round its name"),
    ],
)
def test_what_is_otherwise_than_documented_is_said(changed: dict[str, Any], kind: Kind, field: str, en: str) -> None:
    [found] = remarks(entry(**changed))
    assert (found.kind, found.field) == (kind, field)
    assert found.en.startswith(en)
    assert not found.zh.isascii()


def test_a_misspelt_field_is_missing_and_its_near_name_is_told() -> None:
    found = {one.field: one for one in remarks(entry(car_number=..., carnumber="京A12345"))}
    assert found["car_number"].kind is Kind.MISSING
    assert found["carnumber"].en == "is unknown; did you mean car_number?"


def test_an_exit_with_an_unlisted_way_to_pay_and_a_negative_total() -> None:
    text = by_section("3.2").write(example_of(by_section("3.2").request))
    text = json.dumps(json.loads(text) | {"pay_type": "gold", "total": "-5.00"}).encode()
    assert [(one.field, one.kind) for one in remarks(text, "3.2")] == [
        ("pay_type", Kind.VALUE),
        ("total", Kind.AMOUNT),
    ]


def answered(section: str, raw: bytes, status: int = 200) -> list[Remark]:
    return on_answer(by_section(section), raw, NOW, status)


def test_an_answer_without_what_its_state_asks_for_is_remarked() -> None:
    assert [one.words("en") for one in answered("5.13", b'{"state":1,"errmsg":"ok"}')] == ["verify_code: is missing"]
    assert answered("5.13", b'{"state":0,"errmsg":"no"}') == []
    assert [one.field for one in answered("5.13", b'{"state":0}')] == ["errmsg"]
    price = {one.field: one for one in answered("5.1", b'{"state":1}')}
    assert not price["price"].confirmed
    assert "car_number" in {one.field for one in answered("5.7", b'{"state":1,"errmsg":"ok","timetemp":1764288000}')}


@pytest.mark.parametrize(
    ("raw", "status", "en"),
    [
        (b"OK", 200, "is not JSON"),
        (b"[]", 200, "is to be a JSON object"),
        (b'{"state":1}', 500, "HTTP 500; every answer is 200"),
        (b'{"data":{"state":1},"sign":"x"}', 200, "is wrapped in data and sign; an answer is bare JSON"),
    ],
)
def test_an_answer_of_another_form_is_remarked(raw: bytes, status: int, en: str) -> None:
    assert [one.en for one in answered("5.7", raw, status)] == [en]


def test_a_picture_is_no_answer_to_judge() -> None:
    assert answered("5.4", b"\xff\xd8\xff") == []


@pytest.mark.parametrize("interface", BODIES, ids=lambda one: one.section)
def test_what_this_package_answers_gets_no_remark(interface: AnyInterface) -> None:
    if interface.answer is not None:
        found = on_answer(interface, write(example_of(interface.answer)), NOW)
        assert [one for one in found if one.kind is not Kind.LENGTH] == []


@pytest.mark.parametrize(
    ("section", "body", "form", "fields"),
    [
        ("3.1", b'{"data":{"union_id":1},"sign":"AB"}', Signature.RAW, []),
        ("3.1", b'{"data":{"union_id":1},"sign":"ab"}', Signature.RAW, ["sign"]),
        ("3.1", b'{"data":{"union_id": 1},"sign":"AB"}', Signature.COMPACT, ["sign"]),
        ("3.1", b'{"data":{},"union_id":1,"sign":"AB"}', Signature.RAW, ["union_id"]),
        ("3.4", b'{"data":{"union_id":1},"sign":"AB"}', Signature.RAW, ["union_id"]),
        ("3.1", b'{"data":"{\\"union_id\\":1}","sign":"AB"}', Signature.RAW, ["data"]),
    ],
)
def test_what_stands_round_the_message_is_remarked(
    section: str, body: bytes, form: Signature, fields: list[str]
) -> None:
    assert [one.field for one in on_envelope(by_section(section), body, open_envelope(body), form)] == fields


@given(
    text=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["in_time", "car_number", "order_id", "empty_plot", "x"]), inner, max_size=4
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_anything_gets_a_bounded_number_of_remarks_and_nothing_raises(text: bytes) -> None:
    for section in ("3.1", "3.2", "9.1", "10.3"):
        assert len(remarks(text, section)) <= MOST
        assert len(answered(section, text)) <= MOST


def test_a_large_message_costs_little() -> None:
    text = json.dumps({f"k{number}": 1 for number in range(5000)}).encode()

    def look() -> None:
        assert len(remarks(text[:65_536])) <= MOST
        assert len(remarks(text)) <= MOST
        assert [one.kind for one in remarks(text * 2)] == [Kind.SHAPE]

    assert costs_less_than(0.04, look)


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/unionapi/neworder/addOrder", "/unionapi/neworder/addorder"),
        ("/unionapi/neworder/addorders", "/unionapi/neworder/addorder"),
        ("/neworder/addorder/", "/unionapi/neworder/addorder"),
        ("/unionapi/addorder", "/unionapi/neworder/addorder"),
        ("/unionapi/zzz", ""),
        ("/" + "x" * 5000, ""),
    ],
)
def test_a_mistyped_address_has_a_near_one(path: str, near: str) -> None:
    assert nearest_path(path) == near
