"""The texts that people sign instead of the one they send."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from taigan.bolink.advice.mistakes import Mistake
from taigan.bolink.wire.signing import LONGEST_COMPACT, compact

_UNREADABLE = (ValueError, RecursionError)
_LARGEST_REWRITTEN = 2048
"""Bytes of the longest text whose numbers and indents are written in every way."""
_MOST_FIELDS = 64
"""Members that `data` has at most where each is looked at as one that was added after signing."""


class Candidate(msgspec.Struct, frozen=True):
    """A text that may have been signed, and what was done to come by it."""

    text: bytes
    mistakes: tuple[Mistake, ...] = ()
    detail: str = ""
    likely: bool = False
    """Whether it is tried with every digest and every key, not with the usual ones alone."""


def candidates(text: bytes, body: bytes) -> Iterator[Candidate]:
    """What may have been signed of a `data` text, or of the body round it, the likeliest first.

    Of a text above `LONGEST_COMPACT` little is tried. Texts that come out the same come again.
    """
    yield Candidate(text, likely=True)
    if len(text) > LONGEST_COMPACT:
        yield Candidate(compact(text), (Mistake.COMPACTED,))
        return
    tight = compact(text)
    yield Candidate(tight, (Mistake.COMPACTED,), likely=True)
    yield from _of_json(text, tight)
    for plain in dict.fromkeys((text, tight)):
        yield from _in_other_bytes(plain)
    yield from _of_the_body(body)
    yield Candidate(b"", (Mistake.TEXT_LEFT_OUT,))


def _of_json(text: bytes, tight: bytes) -> Iterator[Candidate]:
    """What was made of the message. How the sent text is written itself is no mistake of the signed one."""
    try:
        data = _loads(tight)
        ordered = _written(data, sort_keys=True)
        written = list(_styles(data, (), sort_keys=False))
    except _UNREADABLE:
        return
    own = next((set(one.mistakes) for one in written if one.text == text), set())
    for one in _of_message(data, ordered, written):
        left = tuple(mistake for mistake in one.mistakes if mistake not in own)
        if not left and own & _AS_ESCAPES and one.text != text:
            left = (Mistake.UNESCAPED,)
        yield msgspec.structs.replace(one, mistakes=left) if own else one


_AS_ESCAPES = {Mistake.ESCAPED, Mistake.SLASHES, Mistake.HTML_ESCAPED}


def _of_message(data: Any, ordered: bytes, written: list[Candidate]) -> Iterator[Candidate]:
    yield Candidate(ordered, (Mistake.KEYS_SORTED,), likely=True)
    if isinstance(data, dict):
        top = {name: data[name] for name in sorted(data)}
        yield Candidate(_written(top), (Mistake.KEYS_SORTED,), likely=True)
        yield from _pairs(data, (Mistake.PAIRS,), (Mistake.PAIRS_WITH_EMPTY,))
    yield from written
    yield from _styles(data, (Mistake.KEYS_SORTED,), sort_keys=True)
    if not isinstance(data, dict):
        return
    filled = {name: value for name, value in data.items() if value is not None and value != ""}
    yield Candidate(_written(filled), (Mistake.EMPTY_LEFT_OUT,))
    yield Candidate(_written(filled, sort_keys=True), (Mistake.KEYS_SORTED, Mistake.EMPTY_LEFT_OUT))
    yield from _with_fewer_fields(data)
    plain = {name: _plain(value) for name, value in data.items()}
    printed = ", ".join(f"{name}={value}" for name, value in plain.items())
    yield Candidate(_bytes(f"{{{printed}}}"), (Mistake.MAP_PRINTED,))
    yield Candidate(_bytes("".join(f"{name}{plain[name]}" for name in sorted(plain))), (Mistake.PAIRS_JOINED,))
    for order in (list(plain), sorted(plain)):
        yield Candidate(_bytes("".join(plain[name] for name in order)), (Mistake.VALUES_ONLY,))


def _styles(data: Any, before: tuple[Mistake, ...], *, sort_keys: bool) -> Iterator[Candidate]:
    """The ways in which serialisers write the same message."""
    marked = _dumps(data, sort_keys=sort_keys)
    tight = _bytes(_unmarked(marked))
    escaped = _bytes(_unmarked(_dumps(data, sort_keys=sort_keys, ensure_ascii=True)))
    yield Candidate(msgspec.json.format(tight, indent=0), (*before, Mistake.BLANKS))
    yield Candidate(escaped, (*before, Mistake.ESCAPED))
    yield Candidate(msgspec.json.format(escaped, indent=0), (*before, Mistake.BLANKS, Mistake.ESCAPED))
    yield Candidate(tight.replace(b"/", b"\\/"), (*before, Mistake.SLASHES))
    yield Candidate(escaped.replace(b"/", b"\\/"), (*before, Mistake.SLASHES, Mistake.ESCAPED))
    yield Candidate(_html_escaped(tight), (*before, Mistake.HTML_ESCAPED))
    as_texts = marked.replace('"\\u0001', '"').replace('\\u0001"', '"')
    yield Candidate(_bytes(as_texts), (*before, Mistake.NUMBERS_AS_TEXT))
    for write in (_shortest, _as_double) if len(tight) <= _LARGEST_REWRITTEN else ():
        yield Candidate(_bytes(_rewritten(marked, write)), (*before, Mistake.NUMBERS_REWRITTEN))
    for indent in (2, 4):
        for text, mistakes in ((tight, (Mistake.INDENTED,)), (escaped, (Mistake.INDENTED, Mistake.ESCAPED))):
            lines = msgspec.json.format(text, indent=indent)
            yield Candidate(lines, before + mistakes)
            yield Candidate(lines.replace(b"\n", b"\r\n"), before + mistakes)
            if len(tight) <= _LARGEST_REWRITTEN:
                yield Candidate(_INDENT.sub(partial(_tabs, indent), lines), before + mistakes)


_INDENT = re.compile(rb"\n( +)")


def _tabs(indent: int, found: re.Match[bytes]) -> bytes:
    return b"\n" + b"\t" * (len(found[1]) // indent)


def _in_other_bytes(text: bytes) -> Iterator[Candidate]:
    try:
        words = text.decode()
    except UnicodeDecodeError:
        return
    yield Candidate(words.encode("gbk", "replace"), (Mistake.GBK,), likely=True)
    yield Candidate(words.encode("utf-16-le"), (Mistake.UTF16,))
    yield Candidate(words.encode("utf-16-be"), (Mistake.UTF16,))
    yield Candidate(b"\xef\xbb\xbf" + text, (Mistake.BYTE_ORDER_MARK,))
    yield Candidate(text + b"\n", (Mistake.LINE_END,))
    yield Candidate(text + b"\r\n", (Mistake.LINE_END,))
    yield Candidate(_bytes(json.dumps(words, ensure_ascii=False)), (Mistake.QUOTED,), likely=True)
    yield Candidate(_bytes(json.dumps(words)), (Mistake.QUOTED, Mistake.ESCAPED))
    yield Candidate(b'"' + text + b'"', (Mistake.QUOTED,))
    yield Candidate(base64.b64encode(text), (Mistake.BASE64_TEXT,))
    for encoded in (quote(words, safe=""), quote_plus(words)):
        lower = re.sub("%..", lambda found: found[0].lower(), encoded)
        yield from (Candidate(way.encode(), (Mistake.URL_ENCODED,)) for way in (encoded, lower))


def _of_the_body(body: bytes) -> Iterator[Candidate]:
    """The body as it came, with its signature emptied or taken out, in its order or sorted."""
    if not body or len(body) > LONGEST_COMPACT:
        return
    whole = (Mistake.WHOLE_BODY,)
    yield Candidate(body.strip(), whole)
    try:
        members = _loads(compact(body))
        _written(members)
    except _UNREADABLE:
        return
    if not isinstance(members, dict):
        return
    unsigned = {name: value for name, value in members.items() if name != "sign"}
    for value in (unsigned, members | {"sign": ""}, members | {"sign": None}):
        yield Candidate(_written(value), whole, likely=value is unsigned)
        yield Candidate(_written(value, sort_keys=True), (*whole, Mistake.KEYS_SORTED))
        yield Candidate(_written(value, separators=(", ", ": ")), (*whole, Mistake.BLANKS))
    yield from _pairs(unsigned, (Mistake.BODY_PAIRS,), (Mistake.BODY_PAIRS,))
    data = unsigned.get("data")
    if isinstance(data, dict):
        flat = {name: value for name, value in unsigned.items() if name != "data"} | data
        yield from _pairs(flat, (Mistake.BODY_PAIRS,), (Mistake.BODY_PAIRS,))
        yield Candidate(_written(flat), whole)


def _pairs(
    data: dict[str, Any], without_empty: tuple[Mistake, ...], with_empty: tuple[Mistake, ...]
) -> Iterator[Candidate]:
    texts = {name: _plain(value) for name, value in data.items() if name != "sign"}
    filled = {name: value for name, value in texts.items() if value not in ("", "null")}
    for given, mistakes in ((filled, without_empty), (texts, with_empty)):
        for order in (sorted(given), list(given)):
            yield Candidate(_bytes("&".join(f"{name}={given[name]}" for name in order)), mistakes, likely=True)
        yield Candidate(_bytes("".join(f"{name}={given[name]}" for name in sorted(given))), mistakes)


def _with_fewer_fields(data: dict[str, Any]) -> Iterator[Candidate]:
    """One member less, or the last ones less: what was put in after signing."""
    if len(data) > _MOST_FIELDS:
        return
    parts = {name: _unmarked(_dumps({name: value}))[1:-1] for name, value in data.items()}
    names = list(parts)
    for name in reversed(names):
        fewer = ",".join(part for other, part in parts.items() if other != name)
        yield Candidate(_bytes(f"{{{fewer}}}"), (Mistake.FIELD_UNSIGNED,), name)
    for count in range(2, min(6, len(names))):
        fewer = ",".join(parts[name] for name in names[:-count])
        yield Candidate(_bytes(f"{{{fewer}}}"), (Mistake.FIELD_UNSIGNED,), ", ".join(names[-count:]))


# JSON whose numbers stay as they came: each is read as a text with a mark at both ends that no message holds.


def _loads(text: bytes) -> Any:
    if b"\\u0001" in text:
        raise ValueError("holds the mark")
    return json.loads(text, parse_float=_mark, parse_int=_mark, parse_constant=_mark)


def _mark(number: str) -> str:
    return f"\x01{number}\x01"


def _dumps(
    value: Any,
    *,
    separators: tuple[str, str] = (",", ":"),
    ensure_ascii: bool = False,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, separators=separators, ensure_ascii=ensure_ascii, sort_keys=sort_keys)


def _unmarked(text: str) -> str:
    return text.replace('"\\u0001', "").replace('\\u0001"', "")


def _written(value: Any, *, separators: tuple[str, str] = (",", ":"), sort_keys: bool = False) -> bytes:
    return _bytes(_unmarked(_dumps(value, separators=separators, sort_keys=sort_keys)))


_NUMBER = re.compile(r'"\\u0001([^"\\]{1,60})\\u0001"')


def _rewritten(marked: str, write: Callable[[Decimal], str]) -> str:
    def number(found: re.Match[str]) -> str:
        try:
            value = Decimal(found[1])
        except ArithmeticError:
            return found[1]
        return write(value) if value.is_finite() and abs(value.adjusted()) < 30 else found[1]

    return _unmarked(_NUMBER.sub(number, marked))


def _shortest(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _as_double(number: Decimal) -> str:
    text = _shortest(number)
    return text if "." in text else f"{text}.0"


def _plain(value: Any) -> str:
    """A value as it stands in a list of pairs."""
    return value.strip("\x01") if isinstance(value, str) else _unmarked(_dumps(value))


def _html_escaped(text: bytes) -> bytes:
    for sign in b"<>&='":
        text = text.replace(bytes([sign]), b"\\u%04x" % sign)
    return text


def _bytes(text: str) -> bytes:
    return text.encode()
