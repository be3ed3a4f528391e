"""The signed body round a message: `{"data": {...}, "sign": "..."}`.

`union_id` stands inside `data` or beside it, whatever a page says, and `data` may be a JSON string that holds the
object. What is signed is the text of `data`, so it is kept as it came.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from taigan.bolink.errors import BadMessage
from taigan.bolink.fields import Whole
from taigan.bolink.wire.codec import BODY, as_whole, read, write
from taigan.bolink.wire.signing import sign

__all__ = ["Envelope", "open_envelope", "open_flat", "read", "seal", "with_union_id", "write"]

_LONGEST_ID = 64
_Short = Annotated[str, msgspec.Meta(max_length=_LONGEST_ID)]
_Id = Whole | _Short | None


_NO_DATA = msgspec.Raw()


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A body taken apart. Ids are text whatever the wire had, empty when absent."""

    text: bytes
    """The raw bytes of `data`, or the content of the string that `data` was."""
    sign: str
    union_id: str = ""
    park_id: str = ""
    service_name: str = ""
    platform_name: str = ""
    """Chapter 8 only."""
    timestamp: str = ""
    """Chapter 8 only: unix seconds."""


class _Outer(msgspec.Struct, gc=False):
    data: msgspec.Raw = _NO_DATA
    sign: str = ""
    union_id: _Id = None
    service_name: _Short | None = None
    platform_name: _Short | None = None
    timestamp: _Id = None


class _Ids(msgspec.Struct, gc=False):
    union_id: _Id = None
    park_id: _Id = None
    comid: _Id = None
    service_name: _Short | None = None


_outer = msgspec.json.Decoder(_Outer).decode
_ids = msgspec.json.Decoder(_Ids).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANKS = " \t\r\n"
_BLANK, _BACKSLASH, _QUOTE = b' \\"'


def open_envelope(body: bytes, service_name: str = "") -> Envelope:
    """Takes a signed body apart without looking at the message.

    `service_name` is what the address says when the body names none. Raises BadMessage, and nothing else; its `field`
    is `body` when it is not UTF-8 or not a JSON object, else the member that is missing or unusable. A byte order mark
    is passed over.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    _check_utf8(body)
    try:
        outer = _outer(body)
    except _UNREADABLE:
        outer = _patient_outer(body)
    if not outer.sign or outer.data is _NO_DATA:
        outer = _patient_outer(body)
    text = b"" + outer.data
    if not text or text == b"null":
        raise BadMessage("data", "is missing")
    if not outer.sign:
        raise BadMessage("sign", "is missing")
    if text[0] == _QUOTE:
        text = _inside(text)
    ids = _read_ids(text)
    beside, inside = outer.union_id, ids.union_id
    if beside is not None and inside is not None and _id(beside).strip(_BLANKS) != _id(inside).strip(_BLANKS):
        raise BadMessage("union_id", "is not the same inside and beside data")
    union_id = beside if inside is None else inside
    park_id = ids.comid if ids.park_id is None else ids.park_id
    # What stands beside `data` is not signed: only an array, which can't name its service, is named there (9.1).
    verb = ids.service_name or (outer.service_name if text.startswith(b"[") else "") or service_name
    if _BLANK in body or _BACKSLASH in body or outer.platform_name or outer.timestamp is not None:
        return Envelope(
            text,
            outer.sign,
            _tidy(_id(union_id), "union_id"),
            _tidy(_id(park_id), "park_id"),
            _tidy(verb, "service_name"),
            _tidy(outer.platform_name or "", "platform_name"),
            _tidy(_id(outer.timestamp), "timestamp"),
        )
    return Envelope(text, outer.sign, _id(union_id), _id(park_id), verb)


def open_flat(body: bytes, service_name: str = "") -> Envelope:
    """A body that is the message itself, unsigned (6.4). Raises BadMessage as `open_envelope` does."""
    _check_utf8(body)
    text = body.removeprefix(_BYTE_ORDER_MARK).strip()
    ids = _read_ids(text)
    return Envelope(text=text, sign="", union_id=_id(ids.union_id), park_id=_id(ids.park_id), service_name=service_name)


def with_union_id(text: bytes, union_id: str) -> bytes:
    """A `data` text with the vendor's number in it where that stands beside `data` or is known otherwise (1.2).

    What is signed is the text before. A list, and an object that has a `union_id`, stay as they are.
    """
    if not union_id.isdecimal() or b'"union_id"' in text or not text.startswith(b"{"):
        return text
    members = _members(text)
    return msgspec.json.encode({"union_id": int(union_id)} | members)


def seal(
    text: bytes,
    key: str,
    *,
    beside: int | str | None = None,
    service_name: str = "",
    platform_name: str = "",
    timestamp: int | None = None,
) -> bytes:
    """The whole signed body round a `data` text. Only what is given stands beside `data`."""
    members: dict[str, object] = {}
    if platform_name:
        members["platform_name"] = platform_name
    if beside is not None:
        members["union_id"] = int(beside) if str(beside).isdecimal() else beside
    if timestamp is not None:
        members["timestamp"] = timestamp
    if service_name:
        members["service_name"] = service_name
    members["sign"] = sign(text, key)
    members["data"] = msgspec.Raw(text)
    return msgspec.json.encode(members)


def _check_utf8(body: bytes) -> None:
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadMessage(BODY, "is not UTF-8") from error


def _patient_outer(body: bytes) -> _Outer:
    try:
        members = {name.strip(_BLANKS): bytes(value) for name, value in _members(body).items()}
    except _UNREADABLE as error:
        raise BadMessage(BODY, "is not a JSON object") from error
    return _Outer(
        data=msgspec.Raw(members.get("data", b"")),
        sign=_member(members, "sign") or "",
        union_id=_member(members, "union_id"),
        service_name=_member(members, "service_name"),
        platform_name=_member(members, "platform_name"),
        timestamp=_member(members, "timestamp"),
    )


def _read_ids(text: bytes) -> _Ids:
    try:
        ids = _ids(text)
        if ids.union_id is not None and (ids.park_id is not None or ids.comid is not None):
            return ids
    except _UNREADABLE:
        pass
    if text.startswith(b"["):
        try:
            _array(text)
        except _UNREADABLE as error:
            raise BadMessage("data", "is not a JSON array") from error
        return _Ids()
    try:
        members = {name.strip(_BLANKS): bytes(value) for name, value in _members(text).items()}
    except _UNREADABLE as error:
        raise BadMessage("data", "is not a JSON object") from error
    return _Ids(
        union_id=_member(members, "union_id"),
        park_id=_member(members, "park_id"),
        comid=_member(members, "comid"),
        service_name=_member(members, "service_name"),
    )


def _member(members: dict[str, bytes], name: str) -> str | None:
    """A member that is text or a number, as text."""
    raw = members.get(name, b"null")
    if raw == b"null":
        return None
    try:
        text = _string(raw).strip(_BLANKS) if raw.startswith(b'"') else as_whole(raw.decode())
    except _UNREADABLE as error:
        raise BadMessage(name, "is not text") from error
    if raw[0] not in b'"-0123456789':
        raise BadMessage(name, "is neither text nor a number")
    if len(text) > _LONGEST_ID:
        raise BadMessage(name, f"is longer than {_LONGEST_ID} characters")
    return text


def _inside(text: bytes) -> bytes:
    try:
        return _string(text).strip(_BLANKS).encode()
    except _UNREADABLE as error:
        raise BadMessage("data", "is not text") from error


def _id(value: _Id) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _tidy(text: str, field: str) -> str:
    text = text.strip(_BLANKS)
    if "\0" in text:
        raise BadMessage(field, "holds a NUL")
    return text
