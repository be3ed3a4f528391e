"""Taking a body apart."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taigan.bolink import BadMessage, open_envelope, open_flat

DATA = b'{"union_id":200002,"park_id":"21798","service_name":"nolicence_in_park"}'
SIGN = b'"sign":"1D3BA0D562AF49B13D905B6102C3C564"'


def body(data: bytes = DATA, beside: bytes = b"") -> bytes:
    return b'{"data":' + data + b"," + beside + SIGN + b"}"


def test_ids_are_text_whatever_the_wire_had() -> None:
    for data in (DATA, b'{"union_id":"200002","park_id":21798,"service_name":"nolicence_in_park"}'):
        envelope = open_envelope(body(data))
        assert (envelope.union_id, envelope.park_id) == ("200002", "21798")
        assert envelope.service_name == "nolicence_in_park"
        assert envelope.text == data


def test_union_id_may_stand_beside_data() -> None:
    assert open_envelope(body(b'{"park_id":"1"}', b'"union_id":"200002",')).union_id == "200002"


def test_union_id_may_stand_inside_and_beside_when_it_is_the_same() -> None:
    assert open_envelope(body(beside=b'"union_id":"200002",')).union_id == "200002"


def test_union_ids_that_differ_are_refused() -> None:
    with pytest.raises(BadMessage) as caught:
        open_envelope(body(beside=b'"union_id":200003,'))
    assert caught.value.field == "union_id"


def test_the_lot_of_a_picture_request_is_called_comid() -> None:
    assert open_envelope(body(b'{"comid":"3251"}'), "get_inpark_image").park_id == "3251"


def test_the_address_says_which_event_it_is_when_the_body_does_not() -> None:
    assert open_envelope(body(b'{"park_id":"1"}'), "notice_car_owner").service_name == "notice_car_owner"
    assert open_envelope(body(), "other").service_name == "nolicence_in_park"


def test_data_may_be_an_array_with_everything_beside_it() -> None:
    envelope = open_envelope(body(b'[{"projectId":62}]', b'"union_id":202224,"service_name":"people_data",'))
    assert (envelope.union_id, envelope.service_name) == ("202224", "people_data")


def test_the_smart_community_envelope_has_a_platform_and_a_time() -> None:
    envelope = open_envelope(body(b"{}", b'"platform_name":"shanghai","union_id":"200538","timestamp":"1645690842",'))
    assert (envelope.platform_name, envelope.union_id, envelope.timestamp) == ("shanghai", "200538", "1645690842")


def test_a_platform_without_a_time_is_kept() -> None:
    assert open_envelope(body(b"{}", b'"platform_name":"shanghai",')).platform_name == "shanghai"


def test_blanks_round_the_keys_of_the_envelope_are_taken_off() -> None:
    envelope = open_envelope(b'{" data ":{"union_id ":" 7 ","park_id ":1,"service_name ":" a "}, "sign ":"x"}')
    assert (envelope.union_id, envelope.park_id, envelope.sign, envelope.service_name) == ("7", "1", "x", "a")


def test_blanks_and_members_of_no_meaning_are_no_matter() -> None:
    envelope = open_envelope(b' {\n"request_source" : [1, {"a":2}] , "data" : ' + DATA + b' ,"sign":"x" }\n')
    assert envelope.text == DATA


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        (b"", "body"),
        (b"null", "body"),
        (b"[]", "body"),
        (b"{", "body"),
        (body()[:-10], "body"),
        (body() + b"x", "body"),
        (b"[" * 65536, "body"),
        (b'{"data":' + b"[" * 65536, "body"),
        (b'{"data":' + b'{"a":' * 9999, "body"),
        (body('{"car_number":"京"}'.encode("gbk")), "body"),
        (body(b"{'park_id':'1'}"), "body"),
        (b"{}", "data"),
        (b'{"sign":"x"}', "data"),
        (b'{"data":null,"sign":"x"}', "data"),
        (body(b"1"), "data"),
        (body(b"true"), "data"),
        (body(b'""'), "data"),
        (body(b'"x"'), "data"),
        (body(b'"{"'), "data"),
        (body(b'"[1"'), "data"),
        (body(b'"\\"{}\\""'), "data"),
        (b'{"data":{}}', "sign"),
        (b'{"data":{},"sign":null}', "sign"),
        (b'{"data":{},"sign":""}', "sign"),
        (b'{"data":{},"sign":{}}', "sign"),
        (body(beside=b'"union_id":{},'), "union_id"),
        (body(beside=b'"union_id":true,'), "union_id"),
        (body(b'{"union_id":[],"park_id":"1"}'), "union_id"),
        (body(b'{"union_id":' + b"9" * 5000 + b"}"), "union_id"),
        (body(b'{"union_id":"' + b"9" * 5000 + b'"}'), "union_id"),
        (body(b'{"park_id":false}'), "park_id"),
        (body(b'{"park_id":"a\\u0000"}'), "park_id"),
        (body(b'{"service_name":{}}'), "service_name"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_by_name(wire: bytes, field: str) -> None:
    with pytest.raises(BadMessage) as caught:
        open_envelope(wire)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "data", [b'"{\\"union_id\\":7,\\"park_id\\":\\"1\\"}"', b'" {\\"union_id\\":7,\\"park_id\\":\\"1\\"} "']
)
def test_data_may_be_a_string_that_holds_the_object(data: bytes) -> None:
    envelope = open_envelope(body(data))
    assert (envelope.text, envelope.union_id) == (b'{"union_id":7,"park_id":"1"}', "7")


@given(wire=st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_a_bad_message_and_nothing_else(wire: bytes) -> None:
    for opened in (open_envelope, open_flat):
        try:
            opened(wire)
        except BadMessage:
            continue


pieces = st.sampled_from(
    [
        b'"data"',
        b'"sign"',
        b'"union_id"',
        b'"a"',
        b":",
        b",",
        b"{",
        b"}",
        b"[",
        b"]",
        b"1",
        b'" "',
        b"null",
        b"\xff",
        b" ",
    ]
)


@given(parts=st.lists(pieces, max_size=30))
def test_any_pieces_of_an_envelope_are_an_envelope_or_a_bad_message(parts: list[bytes]) -> None:
    try:
        envelope = open_envelope(b"".join(parts))
    except BadMessage:
        return
    assert msgspec.json.decode(envelope.text) is not None


def test_a_flat_body_is_the_message_itself() -> None:
    envelope = open_flat(b' {"invoice_order_no":"112233"}\n', "invoice_state")
    assert (envelope.text, envelope.sign) == (b'{"invoice_order_no":"112233"}', "")
    assert envelope.service_name == "invoice_state"


@pytest.mark.parametrize("wire", [b"", b"1", b"{", "{车}".encode("gbk")])
def test_a_flat_body_that_is_no_object_is_refused(wire: bytes) -> None:
    with pytest.raises(BadMessage):
        open_flat(wire)


def test_what_is_named_beside_data_is_not_signed_and_counts_only_where_data_is_an_array() -> None:
    assert open_envelope(b'{"data":{"park_id":"1"},"sign":"x","service_name":"outpark"}').service_name == ""
    assert open_envelope(b'{"data":{"park_id":"1"},"sign":"x","service_name":"a"}', "b").service_name == "b"
    assert open_envelope(b'{"data":[{"a":1}],"sign":"x","service_name":"people_data"}').service_name == "people_data"


@pytest.mark.parametrize("written", ["200002.0", "2.00002E5"])
def test_a_number_that_java_wrote_as_a_double_is_the_number_it_is(written: str) -> None:
    envelope = open_envelope(b'{"data":{"union_id":%s,"park_id":21787.0},"sign":"x"}' % written.encode())
    assert (envelope.union_id, envelope.park_id) == ("200002", "21787")


@pytest.mark.parametrize("park_id", ['"21787.0"', '"2E5"', "2.5"])
def test_a_text_that_looks_like_a_double_stays_what_it_is(park_id: str) -> None:
    envelope = open_envelope(b'{"data":{"union_id":1,"park_id":%s},"sign":"x"}' % park_id.encode())
    assert envelope.park_id == park_id.strip('"')


def test_a_byte_order_mark_is_passed_over() -> None:
    assert open_envelope(b'\xef\xbb\xbf{"data":{"union_id":1},"sign":"x"}').union_id == "1"
