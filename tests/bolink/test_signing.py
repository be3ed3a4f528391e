"""Signatures: over the text as it was sent, or as a serialiser would write it again."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.cost import costs_less_than
from taigan.bolink import Signature, SignedText, by_section, compact, open_envelope, seal, sign, verify
from taigan.bolink.wire.signing import LONGEST_COMPACT, sign_page, sign_sorted

KEY = "NQ0eSXs720170114"
PLAIN = '{"car_number":"京A12345","total":1.10,"note":"a & b < c"}'.encode()


def test_the_documents_own_body_verifies(fixtures: Path) -> None:
    envelope = open_envelope((fixtures / "1.2.request.json").read_bytes())
    assert verify(envelope.text, envelope.sign, KEY) is Signature.RAW
    assert sign(envelope.text, KEY) == "F2BA9A4E4362E2C41676FC720B14290C"


def test_the_signature_of_the_onboarding_page_covers_key_and_time() -> None:
    assert sign_page(1584082770000, "1232FDA8DCD1E3D7") == "0F1A106C865E84863EC862DD93FE1156"


def test_the_wrong_example_of_8_2_does_not_verify() -> None:
    text = (
        '{"name":"张三","time":"2022-02-24 16:20:41","pass_type":"in","user_type":"2","id_number":"1234567890",'
        '"telephone":"18799098765","face_img":"test","code":"test","user_code":"1","gate_name":"test",'
        '"aisle_name":"test1"}'
    ).encode()
    assert sign(text, "7B315B512350500E") == "BEDD4C5333F0A4B9D484625BF9659557"
    assert verify(text, "0427A04F49FE3E25804C12999F45A96C", "7B315B512350500E") is None


@pytest.mark.parametrize(
    "text",
    [
        b'{ "a" : 1 , "b" : [ 1, 2 ] }',
        b'{"total":1.10,"n":1.0,"e":1E5}',
        b'{"a":"\\u003cb\\u003e \\u0026 \\u0027 \\u2028"}',
        '{"name":"抬杆🚗"}'.encode(),
        b'{"b":1,"a":2}',
        b'{"a":1,"a":2}',
        b'{"a":"\\/"}',
        b"{}",
        b"[]",
    ],
    ids=["blanks", "digits", "gson", "emoji", "order", "duplicates", "slash", "empty", "array"],
)
def test_the_raw_text_verifies_whatever_it_looks_like(text: bytes) -> None:
    envelope = open_envelope(b'{ "sign":"' + sign(text, KEY).encode() + b'", "data":' + text + b"\n}")
    assert envelope.text == text
    assert verify(envelope.text, envelope.sign, KEY) is Signature.RAW


@pytest.mark.parametrize(
    ("sent", "signed"),
    [
        (b'{ "a" : 1 ,\n "b" : [ 1 , 2 ] }', b'{"a":1,"b":[1,2]}'),
        (b'{"total": 1.10, "n": 1.0}', b'{"total":1.10,"n":1.0}'),
        (b'{"a":"\\u003cb\\u003e \\u0026"}', b'{"a":"<b> &"}'),
        (b'{"a": "\\u8f66 \\ud83d\\ude97"}', '{"a":"车 🚗"}'.encode()),
        (b'{"b": 1, "a": 2}', b'{"b":1,"a":2}'),
        (b'{"a": 1, "a": 2}', b'{"a":1,"a":2}'),
        (b'{"a": "x \\" y", "b": "{ }"}', b'{"a":"x \\" y","b":"{ }"}'),
    ],
    ids=["blanks", "digits", "gson", "unicode", "order", "duplicates", "quotes"],
)
def test_a_peer_may_sign_its_compact_text_and_send_another(sent: bytes, signed: bytes) -> None:
    assert compact(sent) == signed
    assert verify(sent, sign(signed, KEY), KEY) is Signature.COMPACT


def test_another_order_of_the_keys_is_another_text() -> None:
    assert verify(b'{"b":1,"a":2}', sign(b'{"a":2,"b":1}', KEY), KEY) is None


def test_data_as_a_string_is_taken_apart_once_and_its_content_is_signed() -> None:
    body = json.dumps({"data": PLAIN.decode(), "sign": sign(PLAIN, KEY)}, ensure_ascii=False).encode()
    envelope = open_envelope(body)
    assert envelope.text == PLAIN
    assert verify(envelope.text, envelope.sign, KEY) is Signature.RAW


def test_the_case_of_the_hex_digits_does_not_matter() -> None:
    assert verify(PLAIN, sign(PLAIN, KEY).lower(), KEY) is Signature.RAW


@pytest.mark.parametrize("signature", ["", "x", "0" * 32, "０" * 32, "\ud800", "é"])
def test_a_signature_that_is_none_is_none(signature: str) -> None:
    assert verify(PLAIN, signature, KEY) is None


def test_another_key_makes_another_signature() -> None:
    assert verify(PLAIN, sign(PLAIN, "other"), KEY) is None


def test_temporary_parking_payments_may_be_signed_over_their_sorted_pairs() -> None:
    text = '{"title":"停车","amount":"0.02","pay_type":0,"description":"","park_id":"161270","attach":null}'.encode()
    signature = sign_sorted(text, KEY)
    wanted = f"amount=0.02&park_id=161270&pay_type=0&title=停车&key={KEY}"
    assert signature == sign(wanted.removesuffix(f"key={KEY}").encode(), KEY)
    assert by_section("3.4").verify(text, signature, KEY) is Signature.SORTED
    assert by_section("3.1").verify(text, signature, KEY) is None
    assert verify(b"not json", signature, KEY, sorted_pairs=True) is None


@given(text=st.binary(max_size=300), signature=st.text(max_size=40))
def test_verifying_never_raises(text: bytes, signature: str) -> None:
    assert verify(text, signature, KEY, sorted_pairs=True) is None


@given(text=st.binary(max_size=300))
def test_the_compact_text_of_the_compact_text_is_itself(text: bytes) -> None:
    assert compact(compact(text)) == compact(text)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(value=json_values)
def test_the_compact_text_is_what_a_serialiser_writes(value: object) -> None:
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    assert compact(json.dumps(value, indent=2).encode()) == written


@pytest.mark.parametrize("text", [b'"\\"' * 20000, b'"' * 65536, b"\\" * 65536, b"[" * 65536, b'"' + b"\\" * 65535])
@pytest.mark.timeout(60)
def test_the_compact_text_of_nonsense_is_found_quickly(text: bytes) -> None:
    assert verify(text, "0" * 32, KEY) is None


def test_a_sealed_body_opens_into_what_was_sealed() -> None:
    several = b"[" + PLAIN + b"]"
    envelope = open_envelope(seal(several, KEY, beside="200002", service_name="people_data"))
    assert (envelope.text, envelope.union_id, envelope.service_name) == (several, "200002", "people_data")
    assert verify(envelope.text, envelope.sign, KEY) is Signature.RAW


def test_union_id_beside_data_is_a_number_on_the_wire() -> None:
    assert msgspec.json.decode(seal(PLAIN, KEY, beside="200002"))["union_id"] == 200002


SENT = '{"car_number":"E9","channel_id":"A 1","total":1.10,"名":"东\\"门"}'
WRITTEN_ANEW = {
    "a blank": SENT.replace(":", " :"),
    "a tab": SENT.replace(",", ",\t"),
    "a new line": SENT.replace("{", "{\n").replace("}", "\r\n}"),
    "an escaped letter": SENT.replace("E9", "\\u00459"),
    "an escaped key": SENT.replace("channel_id", "ch\\u0061nnel_id"),
    "escaped Chinese": SENT.replace("东", "\\u4e1c"),
    "another escape": SENT.replace('\\"', "\\u0022"),
}


@pytest.mark.parametrize("text", WRITTEN_ANEW.values(), ids=WRITTEN_ANEW.keys())
def test_a_text_written_anew_verifies_and_is_the_same_message(text: str) -> None:
    first, again = SignedText(SENT.encode()), SignedText(text.encode())
    signature = sign(SENT.encode(), KEY)
    assert (first.verify(signature, KEY), again.verify(signature, KEY)) == (Signature.RAW, Signature.COMPACT)
    assert again.digest("200002", "7") == first.digest("200002", "7")


def test_data_as_a_string_is_the_same_message() -> None:
    bodies = ({"data": json.loads(SENT), "sign": "x"}, {"data": SENT, "sign": "x"}, {"data": f" {SENT}\n", "sign": "x"})
    plain = json.dumps(bodies[0], ensure_ascii=False).replace("1.1,", "1.10,").encode()
    texts = [open_envelope(body).text for body in (plain, *(json.dumps(body).encode() for body in bodies[1:]))]
    assert len({SignedText(text).digest() for text in texts}) == 1


@pytest.mark.parametrize(
    "text",
    [SENT.replace("E9", "E8"), SENT.replace("1.10", "1.1"), SENT.replace("A 1", "A1"), SENT.replace("9", "9\\u0020")],
)
def test_another_value_is_another_message(text: str) -> None:
    assert SignedText(text.encode()).digest() != SignedText(SENT.encode()).digest()


def test_another_lot_makes_another_message() -> None:
    signed = SignedText(SENT.encode())
    assert len({signed.digest(), signed.digest("200002"), signed.digest("200002", "7"), signed.digest("2000027")}) == 4


def test_a_text_longer_than_the_compact_form_is_worked_out_for_has_to_be_signed_as_it_stands() -> None:
    long = b'{"a": "' + b"x" * LONGEST_COMPACT + b'"}'
    assert verify(long, sign(long, KEY), KEY) is Signature.RAW
    assert verify(long, sign(compact(long), KEY), KEY) is None
    just = b'{"a": "' + b"x" * (LONGEST_COMPACT - 9) + b'"}'
    assert len(just) == LONGEST_COMPACT
    assert verify(just, sign(compact(just), KEY), KEY) is Signature.COMPACT
    assert (SignedText(long).compact, SignedText(just).compact) == (long, compact(just))


def test_the_compact_form_is_worked_out_once_however_many_keys_are_tried() -> None:
    signed = SignedText(b'{"a": 1}')
    assert not any(signed.verify("0" * 32, f"{number:032}") for number in range(3))
    assert signed.compact is signed.compact


@pytest.mark.parametrize(
    "text",
    [
        b'{"amount":"1.00&attach=x"}',
        b'{"amount":"1.00&attach=x","title":"t"}',
        b'{"amount":"1.00","attach":"null","title":"t"}',
        b'{"amount=1.00&attach":"x"}',
    ],
)
def test_sorted_pairs_that_could_be_another_message_verify_nothing(text: bytes) -> None:
    for meant in (b'{"amount":"1.00","attach":"x"}', b'{"amount":"1.00","attach":"x","title":"t"}'):
        with_null = meant.replace(b'"attach":"x",', b"")
        for signature in (sign_sorted(meant, KEY), sign_sorted(with_null, KEY)):
            assert verify(text, signature, KEY, sorted_pairs=True) is None


def test_an_address_with_a_query_is_no_second_member_of_sorted_pairs() -> None:
    text = b'{"amount":"1.00","notify_url":"https://a.example/n?a=1&b=2","park_id":"7"}'
    assert verify(text, sign_sorted(text, KEY), KEY, sorted_pairs=True) is Signature.SORTED


@pytest.mark.parametrize("unit", [b'"\\n",', b"1 ", b'"a" : ', b"\\", b'{"a":', b'"\\ud83d\\ude97",', b'"', b"[ "])
def test_a_body_of_any_size_that_nobody_signed_costs_little(unit: bytes) -> None:
    keys = [f"{number:032}" for number in range(200)]
    for size in (LONGEST_COMPACT, 50_000):
        text = (unit * size)[:size]

        def verify_all(text: bytes = text) -> None:
            signed = SignedText(text)
            assert not any(signed.verify("0" * 32, key) for key in keys)

        assert costs_less_than(0.02, verify_all)
