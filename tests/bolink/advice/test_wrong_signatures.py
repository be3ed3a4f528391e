"""A wrong signature is explained by the mistake that made it, and by nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from support.cost import costs_less_than
from taigan.bolink import CATALOGUE, Direction, Wrapping, example_of, sign, verify
from taigan.bolink.advice.mistakes import CHINESE, ENGLISH, Mistake
from taigan.bolink.advice.wrong_signatures import Attempts, explain_signature, shape_of, worked_out

KEY = "NQ0eSXs720170114"
OLD_KEY = "1232FDA8DCD1E3D7"
OTHERS = {"200003": "7B315B512350500E", "old": OLD_KEY}


def compact(data: Any, **options: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), **options)


def pairs(data: dict[str, Any]) -> str:
    texts = {name: value if isinstance(value, str) else compact(value) for name, value in data.items()}
    return "&".join(f"{name}={texts[name]}" for name in sorted(texts) if texts[name] not in ("", "null"))


def printed(data: dict[str, Any]) -> str:
    texts = {name: value if isinstance(value, str) else compact(value) for name, value in data.items()}
    return "{" + ", ".join(f"{name}={value}" for name, value in texts.items()) + "}"


def md5(text: str | bytes) -> str:
    return hashlib.md5(text if isinstance(text, bytes) else text.encode(), usedforsecurity=False).hexdigest().upper()


WAYS: dict[tuple[Mistake, ...], Callable[[dict[str, Any]], str]] = {
    (Mistake.KEYS_SORTED,): lambda data: md5(compact(data, sort_keys=True) + "key=" + KEY),
    (Mistake.AMPERSAND,): lambda data: md5(compact(data) + "&key=" + KEY),
    (Mistake.NO_KEY_NAME,): lambda data: md5(compact(data) + KEY),
    (Mistake.NO_KEY,): lambda data: md5(compact(data)),
    (Mistake.KEY_FIRST,): lambda data: md5(KEY + compact(data)),
    (Mistake.KEY_BOTH_ENDS,): lambda data: md5(KEY + compact(data) + KEY),
    (Mistake.KEY_NAME,): lambda data: md5(compact(data) + "KEY=" + KEY),
    (Mistake.BLANKS,): lambda data: md5(json.dumps(data, ensure_ascii=False) + "key=" + KEY),
    (Mistake.INDENTED,): lambda data: md5(json.dumps(data, ensure_ascii=False, indent=4) + "key=" + KEY),
    (Mistake.ESCAPED,): lambda data: md5(json.dumps(data, separators=(",", ":")) + "key=" + KEY),
    (Mistake.BLANKS, Mistake.ESCAPED): lambda data: md5(json.dumps(data) + "key=" + KEY),
    (Mistake.SLASHES, Mistake.ESCAPED): lambda data: md5(
        json.dumps(data, separators=(",", ":")).replace("/", "\\/") + "key=" + KEY
    ),
    (Mistake.GBK,): lambda data: md5((compact(data) + "key=" + KEY).encode("gbk")),
    (Mistake.QUOTED,): lambda data: md5(json.dumps(compact(data), ensure_ascii=False) + "key=" + KEY),
    (Mistake.WHOLE_BODY,): lambda data: md5(compact({"data": data}) + "key=" + KEY),
    (Mistake.PAIRS,): lambda data: md5(pairs(data) + "key=" + KEY),
    (Mistake.PAIRS, Mistake.AMPERSAND): lambda data: md5(pairs(data) + "&key=" + KEY),
    (Mistake.MAP_PRINTED,): lambda data: md5(printed(data) + "key=" + KEY),
    (Mistake.KEYS_SORTED, Mistake.AMPERSAND): lambda data: md5(compact(data, sort_keys=True) + "&key=" + KEY),
    (Mistake.KEYS_SORTED, Mistake.BLANKS): lambda data: md5(
        json.dumps(data, ensure_ascii=False, sort_keys=True) + "key=" + KEY
    ),
    (Mistake.NUMBERS_AS_TEXT,): lambda data: md5(
        compact({name: str(value) for name, value in data.items()}) + "key=" + KEY
    ),
    (Mistake.NUMBERS_REWRITTEN,): lambda data: md5(
        compact({name: float(value) if isinstance(value, int) else value for name, value in data.items()})
        + "key="
        + KEY
    ),
    (Mistake.EMPTY_LEFT_OUT,): lambda data: md5(
        compact({name: value for name, value in data.items() if value != ""}) + "key=" + KEY
    ),
    (Mistake.FIELD_UNSIGNED,): lambda data: md5(
        compact({name: value for name, value in data.items() if name != "union_id"}) + "key=" + KEY
    ),
    (Mistake.BASE64_TEXT,): lambda data: md5(base64.b64encode(compact(data).encode()) + b"key=" + KEY.encode()),
    (Mistake.URL_ENCODED,): lambda data: md5(quote(compact(data), safe="") + "key=" + KEY),
    (Mistake.BYTE_ORDER_MARK,): lambda data: md5("\ufeff" + compact(data) + "key=" + KEY),
    (Mistake.LINE_END,): lambda data: md5(compact(data) + "\nkey=" + KEY),
    (Mistake.OTHER_KEY,): lambda data: sign(compact(data).encode(), OLD_KEY),
    (Mistake.OTHER_KEY, Mistake.AMPERSAND): lambda data: md5(compact(data) + "&key=" + OTHERS["200003"]),
    (Mistake.KEY_CASE,): lambda data: sign(compact(data).encode(), KEY.lower()),
    (Mistake.KEY_BLANKS,): lambda data: sign(compact(data).encode(), KEY + "\n"),
    (Mistake.SHA1,): lambda data: hashlib.sha1((compact(data) + "key=" + KEY).encode()).hexdigest(),
    (Mistake.SHA256,): lambda data: hashlib.sha256((compact(data) + "key=" + KEY).encode()).hexdigest(),
    (Mistake.KEYS_SORTED, Mistake.SHA256): lambda data: hashlib.sha256(
        (compact(data, sort_keys=True) + "key=" + KEY).encode()
    ).hexdigest(),
    (Mistake.HMAC_MD5,): lambda data: hmac.digest(KEY.encode(), compact(data).encode(), "md5").hex(),
    (Mistake.HMAC_SHA256,): lambda data: hmac.digest(KEY.encode(), compact(data).encode(), "sha256").hex(),
    (Mistake.TWICE,): lambda data: md5(md5(compact(data) + "key=" + KEY)),
    (Mistake.SHORT,): lambda data: md5(compact(data) + "key=" + KEY)[8:24],
    (Mistake.BASE64,): lambda data: base64.b64encode(bytes.fromhex(md5(compact(data) + "key=" + KEY))).decode(),
    (Mistake.CUT,): lambda data: md5(compact(data) + "key=" + KEY)[:31],
    (Mistake.TEXT_LEFT_OUT,): lambda data: md5("key=" + KEY),
}


def messages() -> list[dict[str, Any]]:
    """Flat messages of the document in which every mistake shows: Chinese, a slash, an empty value, an unsorted key."""
    found = []
    for interface in CATALOGUE:
        if interface.direction is Direction.PAGE or interface.wrapping in (Wrapping.FLAT, Wrapping.ANNOUNCED):
            continue
        data = json.loads(interface.write(example_of(interface.request)))
        flat = {name: value for name, value in data.items() if isinstance(value, str | int) and value != ""}
        found.append({"zone": "东/1", "empty": ""} | flat | {"union_id": 200002})
    return found


def corpus() -> Iterator[tuple[tuple[Mistake, ...], dict[str, Any], str]]:
    """Wrongly signed messages: every mistake on five messages of the document."""
    given = messages()
    for number, (mistakes, way) in enumerate(WAYS.items()):
        for step in range(5):
            data = given[(number * 7 + step * 11) % len(given)]
            yield mistakes, data, way(data)


CORPUS = list(corpus())


def test_the_corpus_is_large_and_wrong() -> None:
    assert len(CORPUS) >= 200
    assert not any(verify(compact(data).encode(), signature, KEY) for _, data, signature in CORPUS)


@pytest.mark.parametrize("mistakes", WAYS, ids="+".join)
def test_the_mistake_is_found_by_name(mistakes: tuple[Mistake, ...]) -> None:
    for _, data, signature in (one for one in CORPUS if one[0] == mistakes):
        text = compact(data).encode()
        body = compact({"data": data, "sign": signature}).encode()
        found = explain_signature(text, signature, KEY, body=body, other_keys=OTHERS)
        assert found is not None, (data, signature)
        assert set(found.mistakes) == set(mistakes), found


SPACED, PLAIN, TIGHT_ASCII = {"ensure_ascii": False}, {}, {"separators": (",", ":")}


@pytest.mark.parametrize(
    ("sent", "signed", "mistakes"),
    [
        (SPACED, {**SPACED, "sort_keys": True}, {Mistake.KEYS_SORTED}),
        (PLAIN, {**PLAIN, "sort_keys": True}, {Mistake.KEYS_SORTED}),
        (PLAIN, {**SPACED, "sort_keys": True}, {Mistake.KEYS_SORTED}),
        (TIGHT_ASCII, {**TIGHT_ASCII, "sort_keys": True}, {Mistake.KEYS_SORTED}),
        (SPACED, PLAIN, {Mistake.ESCAPED}),
        (PLAIN, SPACED, {Mistake.UNESCAPED}),
        (TIGHT_ASCII, SPACED, {Mistake.BLANKS}),
        ({"indent": 2}, {"indent": 2, "sort_keys": True}, {Mistake.KEYS_SORTED}),
    ],
)
def test_how_the_sent_text_is_written_is_not_taken_for_a_mistake(
    sent: dict[str, Any], signed: dict[str, Any], mistakes: set[Mistake]
) -> None:
    for data in messages()[:10]:
        found = explain_signature(
            json.dumps(data, **sent).encode(), md5(json.dumps(data, **signed) + "key=" + KEY), KEY
        )
        assert found is not None
        assert set(found.mistakes) == mistakes


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_the_case_of_the_digits_does_not_matter(case: Callable[[str], str]) -> None:
    text = b'{"b":1,"a":2}'
    found = explain_signature(text, case(md5('{"a":2,"b":1}key=' + KEY)), KEY)
    assert found is not None
    assert found.mistakes == (Mistake.KEYS_SORTED,)


def test_what_it_is_about_is_named() -> None:
    data = {"park_id": "7", "union_id": 1, "service_name": "x"}
    text = compact(data).encode()
    late = explain_signature(text, sign(b'{"park_id":"7","union_id":1}', KEY), KEY)
    assert late is not None
    assert "service_name" in late.words("zh")
    assert "service_name" in late.words("en")
    old = explain_signature(text, sign(text, OLD_KEY), KEY, other_keys=OTHERS)
    assert old is not None
    assert old.words("en") == "another key was used: old"
    named = explain_signature(text, md5(text + b"secret=" + KEY.encode()), KEY)
    assert named is not None
    assert named.words("en") == '"key=" is written as secret='


def test_a_right_signature_needs_no_explanation() -> None:
    for text in (b'{"b":1,"a":2}', b'{ "b": 1 }', b"{}", b"[]"):
        assert explain_signature(text, sign(text, KEY), KEY) is None
        assert explain_signature(text, sign(text, KEY).lower(), KEY) is None


def test_no_false_explanation_for_ten_thousand_random_signatures() -> None:
    chance = random.Random(16)
    for data in messages()[:20]:
        body = compact({"data": data, "sign": "0" * 32}).encode()
        attempts = Attempts(compact(data).encode(), KEY, body, OTHERS)
        for _ in range(500):
            length = chance.choice((16, 16, 16, 20, 32, 8, 12))
            assert attempts.explain(chance.randbytes(length).hex()) is None


def test_the_right_signature_is_worked_out_with_the_key_hidden() -> None:
    text = '{"car_number":"京A12345"}'.encode()
    shown = worked_out(text, KEY)
    assert shown.text == '{"car_number":"京A12345"}key=••••'
    assert (shown.sign, shown.digest) == (sign(text, KEY), sign(text, KEY).lower())
    assert KEY not in repr(shown)
    assert verify(text, shown.sign, KEY)


def test_the_key_is_in_no_explanation() -> None:
    for mistakes, data, signature in CORPUS:
        found = explain_signature(compact(data).encode(), signature, KEY, other_keys=OTHERS)
        shown = repr(found) + (found.words("zh") + found.words("en") if found else "")
        assert not any(key in shown for key in (KEY, *OTHERS.values())), mistakes


def test_every_mistake_has_words_in_both_languages() -> None:
    assert set(CHINESE) == set(ENGLISH) == set(Mistake)
    assert not any(text.isascii() for text in CHINESE.values())
    assert all("{field}" in ENGLISH[one] for one in Mistake if "{field}" in CHINESE[one])


@pytest.mark.parametrize(
    ("signature", "said"),
    [("0" * 32, ""), ("签名", "hex"), ("0" * 40, "40"), ("0" * 31 + "g", "hex"), ("", "0 digits")],
)
def test_a_signature_that_looks_wrong_is_said_to(signature: str, said: str) -> None:
    zh, en = shape_of(signature)
    assert said in en
    assert bool(zh) is bool(en) is bool(said)


@pytest.mark.parametrize("signature", ["", "x", "签名", "\ud800", "0" * 5000, "=" * 24, "AAAA" * 8, "0x" + "0" * 30])
@pytest.mark.parametrize(
    "text", [b"", b"null", b"[" * 9000, b'{"a":"\\ud800"}', b"\xff\xfe", b'{"a":\x00}', b"{" * 300]
)
def test_nothing_makes_it_raise(text: bytes, signature: str) -> None:
    assert explain_signature(text, signature, KEY, body=text, other_keys=OTHERS) is None


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({f"k{number}": number for number in range(700)}).encode()[:8192],
        b"{" + b",".join(b'"%04d":1' % number for number in range(800)) + b"}",
        b"{" + b",".join(b'"%04d":"%s"' % (number, b"x" * 110) for number in range(64)) + b"}",
        b"[" + b'"\\u4e2d\\/",' * 600 + b"1]",
        b"[" + b"1," * 4000 + b"1]",
        b"x" * 60_000,
    ],
    ids=["spaced", "numbers", "texts", "escapes", "list", "long"],
)
def test_the_work_is_bounded_whatever_comes_in(text: bytes) -> None:
    others = {str(number): f"{number:032}" for number in range(100)}
    body = b'{"data":' + text + b',"sign":"x"}'
    assert costs_less_than(0.02, lambda: explain_signature(text, "0" * 32, KEY, body=body, other_keys=others))
