"""Reading leniently, writing strictly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.messages import messages
from taigan.bolink import (
    CATALOGUE,
    AnyInterface,
    BadMessage,
    Entry,
    Exit,
    GetQrCode,
    NoPlateEntry,
    NoPlateEntryAnswer,
    example_of,
    open_envelope,
    open_flat,
    read,
    write,
)
from taigan.bolink.chapters.callbacks import Prepayment
from taigan.bolink.chapters.commands import ChangePass
from taigan.bolink.chapters.trade import ChargingReduction, EntryTaken, ExitRemark

KINDS = [kind for interface in CATALOGUE for kind in (interface.request, interface.answer) if kind is not None]
NO_PLATE = {
    "car_number": "EA47829",
    "service_name": "nolicence_in_park",
    "park_id": "21798",
    "union_id": 200002,
    "timetemp": 1579000520,
    "channel_id": "A1",
}


def no_plate(**changes: Any) -> bytes:
    return msgspec.json.encode(NO_PLATE | changes)


def named(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))


@pytest.mark.parametrize("kind", KINDS, ids=named)
@settings(max_examples=8)
@given(data=st.data())
def test_what_is_written_is_read_back_with_every_field_as_it_was(kind: Any, data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    assert read(write(message), kind) == message


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_every_message_has_an_example_that_can_be_written_and_read(kind: Any) -> None:
    example = example_of(kind)
    assert read(write(example), kind) == example


@given(kind=st.sampled_from(KINDS), text=st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_bad_message_and_nothing_else(kind: Any, text: bytes) -> None:
    refused = _refused(text, kind)
    assert refused is None or refused.field


@pytest.mark.parametrize("wire", [b'"\\ud800"', b'"\xc3\x28"', b'"\xe6\xb5"', "车".encode("gbk")])
def test_text_that_is_no_unicode_is_a_bad_message(wire: bytes) -> None:
    assert _refused(no_plate().replace(b'"EA47829"', wire), NoPlateEntry)


def _refused(text: bytes, kind: Any) -> BadMessage | None:
    try:
        read(text, kind)
    except BadMessage as error:
        return error
    return None


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(changes=st.dictionaries(st.sampled_from(sorted(NO_PLATE)), json_values))
def test_any_json_in_any_field_is_a_message_or_names_a_field(changes: dict[str, Any]) -> None:
    text = msgspec.json.encode(NO_PLATE | changes) if _encodable(changes) else b"{}"
    refused = _refused(text, NoPlateEntry)
    assert refused is None or refused.field.split(".")[0] in NO_PLATE


def _encodable(value: Any) -> bool:
    try:
        msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError, msgspec.MsgspecError):
        return False
    return True


def test_a_number_is_read_from_a_string_and_text_from_a_number() -> None:
    message = read(no_plate(union_id="200002", timetemp="1579000520", park_id=21798), NoPlateEntry)
    assert (message.union_id, message.timestamp, message.park_id) == (200002, 1579000520, "21798")


def test_text_from_a_number_keeps_the_digits_as_they_were_sent() -> None:
    assert read(no_plate().replace(b'"A1"', b"1.10"), NoPlateEntry).channel_id == "1.10"


def test_a_whole_number_may_have_a_fraction_of_nothing() -> None:
    assert read(no_plate().replace(b"1579000520", b"1579000520.0"), NoPlateEntry).timestamp == 1579000520


def test_blanks_round_keys_and_values_are_taken_off() -> None:
    text = no_plate(pay_user_id=" abc ").replace(b'"car_number":"EA47829"', b'" car_number " : " EA47829 "')
    message = read(text.replace(b'"pay_user_id"', b'"pay_user_id "'), NoPlateEntry)
    assert (message.car_number, message.pay_user_id) == ("EA47829", "abc")


def test_a_key_without_blanks_goes_before_the_same_key_with_blanks() -> None:
    assert read(no_plate(**{" car_number": "B"}), NoPlateEntry).car_number == "EA47829"


def test_blanks_inside_a_text_are_kept() -> None:
    assert read(no_plate(channel_id="gate A, north"), NoPlateEntry).channel_id == "gate A, north"


def test_null_is_an_absent_field() -> None:
    assert read(no_plate(order_id=None, mobile_number=None), NoPlateEntry).order_id is None


def test_an_empty_string_for_an_optional_number_is_an_absent_field() -> None:
    text = msgspec.json.encode({"union_id": 1, "park_id": "1", "type": 1, "change": ""})
    assert read(text, GetQrCode).change is None


def test_of_a_key_that_comes_twice_the_last_one_counts() -> None:
    assert read(no_plate()[:-1] + b',"car_number":"B"}', NoPlateEntry).car_number == "B"


def test_a_field_that_the_document_does_not_know_is_ignored() -> None:
    assert read(no_plate(colour={"a": [1, 2]}), NoPlateEntry).car_number == "EA47829"


def test_a_value_that_is_in_no_list_is_kept() -> None:
    answer = read(b'{"state":7,"car_number":"A","timetemp":1}', NoPlateEntryAnswer)
    assert answer.state == 7


def test_the_service_name_may_be_missing_where_the_address_says_it() -> None:
    text = msgspec.json.encode({key: value for key, value in NO_PLATE.items() if key != "service_name"})
    assert read(text, NoPlateEntry).service_name == "nolicence_in_park"


def test_an_object_may_come_inside_a_string() -> None:
    text = '{"order_id":"1","state":1,"escapeOrder":"[{\\"parkName\\":\\"P\\",\\"unionId\\":\\"2\\",\\"orderId\\":3}]"}'
    orders = read(text.encode(), EntryTaken).escape_order
    assert orders is not None
    assert (orders[0].park_name, orders[0].union_id, orders[0].order_id) == ("P", 2, "3")


def test_one_object_may_come_where_a_list_is_expected() -> None:
    text = '{"order_id":"1","state":1,"escapeOrder":{"parkName":"P","unionId":2,"orderId":"3"}}'
    orders = read(text.encode(), EntryTaken).escape_order
    assert orders is not None
    assert len(orders) == 1


def test_a_remark_is_an_object_or_plain_text() -> None:
    exit_ = example_of(Exit)
    plain = msgspec.structs.replace(exit_, remark="出场信息备注")
    assert read(write(plain), Exit).remark == "出场信息备注"
    assert isinstance(read(write(exit_), Exit).remark, ExitRemark)


def test_a_list_documented_as_text_may_come_as_the_list_itself() -> None:
    text = write(example_of(ChangePass)).replace(
        b'"[{\\"plate_no\\":\\"1\\",\\"plate_type\\":\\"1\\"}]"', b'[{"plate_no":"\\u4eacA1","plate_type":2}]'
    )
    vehicles = read(text, ChangePass).vehicles()
    assert (vehicles[0].plate_no, vehicles[0].plate_type) == ("京A1", "2")


def test_data_that_are_returned_unchanged_keep_their_digits() -> None:
    text = write(example_of(Prepayment)).replace(
        b'{"order_id":"abc123"}', b'{"should_pay":1.10,"n":12345678901234567890}'
    )
    assert b'"attach":{"should_pay":1.10,"n":12345678901234567890}' in write(read(text, Prepayment))


def test_an_amount_is_exact_whether_it_comes_as_text_or_number() -> None:
    for wire in (b'"1.10"', b"1.10"):
        text = write(example_of(Prepayment)).replace(b'"prepay":6.5', b'"prepay":' + wire)
        assert str(read(text, Prepayment).prepay) == "1.10"


@pytest.mark.parametrize(
    "wire", [b'"nan"', b'"NaN"', b'"\\u006ean"', b'"sNaN"', b'"Infinity"', b"1e99", b'"1e99999"', b'"x"']
)
def test_an_amount_that_is_none_is_refused_by_name(wire: bytes) -> None:
    text = write(example_of(Prepayment)).replace(b'"prepay":6.5', b'"prepay":' + wire)
    with pytest.raises(BadMessage) as caught:
        read(text, Prepayment)
    assert caught.value.field == "prepay"


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        ("timetemp", b'"nan"'),
        ("timetemp", b"9223372036854775808"),
        ("timetemp", b"9" * 5000),
        ("timetemp", b'"' + b"9" * 5000 + b'"'),
        ("timetemp", b"1.5"),
        ("timetemp", b"1e3"),
        ("timetemp", b"true"),
        ("timetemp", b"{}"),
        ("timetemp", b'"1_000"'),
        ("timetemp", '"１２"'.encode()),
        ("timetemp", b"null"),
        ("timetemp", b'""'),
        ("union_id", b"[]"),
        ("car_number", b'"a\\u0000b"'),
        ("car_number", b"false"),
        ("car_number", b"null"),
        ("car_number", b"{}"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_wire_name_of_its_field(field: str, wire: bytes) -> None:
    old = msgspec.json.encode({field: NO_PLATE[field]})[1:-1]
    text = no_plate().replace(old, b'"' + field.encode() + b'":' + wire)
    with pytest.raises(BadMessage) as caught:
        read(text, NoPlateEntry)
    assert caught.value.field == field


@pytest.mark.parametrize("field", [name for name in NO_PLATE if name != "service_name"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(BadMessage) as caught:
        read(msgspec.json.encode({key: value for key, value in NO_PLATE.items() if key != field}), NoPlateEntry)
    assert caught.value.field == field


def test_a_missing_field_inside_another_is_named_with_its_path() -> None:
    with pytest.raises(BadMessage) as caught:
        read(b'{"order_id":"1","state":1,"escapeOrder":[{"parkName":"P","unionId":2}]}', EntryTaken)
    assert caught.value.field == "escapeOrder[0].orderId"


@pytest.mark.parametrize(
    "text", [b"", b"null", b"[]", b'"x"', b"1", b"{", b"{]", b'{"a":1}x', b"[" * 65536, b'{"a":' * 9999]
)
def test_what_is_no_object_is_refused_as_a_whole(text: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        read(text, NoPlateEntry)
    assert caught.value.field == "body"


def test_writing_leaves_out_what_is_not_set() -> None:
    entry = Entry(car_number="京A", in_time=1, order_id="1", empty_plot=2, park_id="3", union_id=4)
    assert write(entry).decode() == (
        '{"car_number":"京A","in_time":1,"order_id":"1","empty_plot":2,"park_id":"3","union_id":4}'
    )


def test_writing_uses_the_documented_types_and_wire_names() -> None:
    answer = NoPlateEntryAnswer(state=1, car_number="EA47829", timestamp=1523275758, errmsg="入场成功")
    assert read(write(answer), NoPlateEntryAnswer) == answer
    assert '"timetemp":1523275758' in write(answer).decode()
    assert b'"reduce_amount":"1.25"' in write(example_of(ChargingReduction))


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (NoPlateEntryAnswer(state="1", car_number="A", timestamp=1), "state"),  # type: ignore[arg-type]
        (NoPlateEntryAnswer(state=1, car_number=1, timestamp=1), "car_number"),  # type: ignore[arg-type]
        (NoPlateEntryAnswer(state=1, car_number="A", timestamp=2**63), "timetemp"),
        (NoPlateEntryAnswer(state=0, car_number="A", timestamp=1), "errmsg"),
        (GetQrCode(union_id=1, park_id="1", type=3), "channel_id"),
        (msgspec.structs.replace(example_of(Exit), pay_type="sweepcode", auth_code=None), "auth_code"),
    ],
)
def test_writing_refuses_what_is_not_as_documented(message: Any, field: str) -> None:
    with pytest.raises(BadMessage) as caught:
        write(message)
    assert caught.value.field == field


@pytest.mark.parametrize("amount", [Decimal("nan"), Decimal("inf"), Decimal("1e99")])
def test_writing_refuses_an_amount_that_is_none(amount: Decimal) -> None:
    with pytest.raises(BadMessage):
        write(msgspec.structs.replace(example_of(Prepayment), prepay=amount))


def test_writing_refuses_a_nul() -> None:
    with pytest.raises(BadMessage):
        write(NoPlateEntryAnswer(state=1, car_number="a\0b", timestamp=1))


def test_a_backslash_before_u0000_is_no_nul() -> None:
    answer = NoPlateEntryAnswer(state=1, car_number="\\u0000", timestamp=1)
    assert read(write(answer), NoPlateEntryAnswer) == answer


@pytest.mark.parametrize("interface", CATALOGUE, ids=lambda interface: interface.section)
def test_a_whole_body_comes_apart_into_the_request_it_was_made_of(interface: AnyInterface) -> None:
    request = example_of(interface.request)
    text = interface.write(request)
    body = interface.body(text, "KEY", 200002, platform_name="shanghai", timestamp=1645690842)
    if interface.wrapping in ("flat", "query"):
        assert interface.read_request(open_flat(body).text) == request
        return
    envelope = open_envelope(body, interface.event)
    assert interface.read_request(envelope.text) == request
    assert interface.verify(envelope.text, envelope.sign, "KEY") == "raw"
    assert envelope.service_name == (interface.service_name or "")
