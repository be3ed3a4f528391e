"""What the docs are made from."""

from __future__ import annotations

import pytest

from taigan.bolink import CATALOGUE, AnyInterface, by_section
from taigan.bolink.describing.description import answer_fields, envelope_of, request_fields, row


@pytest.mark.parametrize("interface", CATALOGUE, ids=lambda interface: interface.section)
def test_every_field_has_a_meaning_in_both_languages(interface: AnyInterface) -> None:
    fields = request_fields(interface) + answer_fields(interface)
    assert fields
    for field in fields:
        assert field.meaning, field.name
        assert field.meaning_zh, field.name
        assert not field.meaning_zh.isascii(), f"{interface.section} {field.name}: {field.meaning}"
        assert not field.condition or not field.condition_zh.isascii(), field.condition
        for value in field.values:
            assert not value.meaning_zh.isascii() or value.meaning_zh in {"VIP", "ETC"}, value.meaning


def test_nested_fields_follow_the_field_that_holds_them_with_their_path() -> None:
    names = [field.name for field in answer_fields(by_section("10.3"))]
    assert names[2:5] == ["data", "data.ext_order_id_list", "data.order_detail_list"]
    assert "data.order_detail_list[].park_order_type" in names


def test_a_conditional_field_says_when_it_is_required_in_both_languages() -> None:
    field = next(field for field in request_fields(by_section("2.3")) if field.name == "channel_id")
    assert (field.condition, field.condition_zh) == ("when type is 2 or 3", "type 为 2 或 3 时")
    field = next(field for field in request_fields(by_section("4.1")) if field.name == "park_id")
    assert field.condition == "when order_id and car_number are not sent"


def test_an_unconfirmed_field_says_so() -> None:
    fields = {field.name: field for field in answer_fields(by_section("5.1"))}
    assert fields["price"].required
    assert not fields["price"].confirmed
    assert fields["duration"].confirmed


def test_our_own_fields_say_so() -> None:
    assert all(field.own_design for field in request_fields(by_section("8.4")))


def test_a_line_of_the_table_says_who_serves_it() -> None:
    served = frozenset({"5.7", "3.1"})
    assert row(by_section("5.7"), handled=served, at_hub=served).lot == "handled"
    assert row(by_section("5.1"), handled=served, at_hub=served).lot == "unhandled"
    entry = row(by_section("3.1"), handled=served, at_hub=served)
    assert (entry.lot, entry.hub, entry.method) == ("–", "yes", "entry")
    assert row(by_section("8.4"), handled=served, at_hub=served).note.startswith("own design")


def test_every_interface_has_an_envelope_a_person_can_read() -> None:
    assert envelope_of(by_section("3.4")) == '{"union_id": …, "sign": "…", "data": {…}}'
    assert all(envelope_of(interface) for interface in CATALOGUE)
