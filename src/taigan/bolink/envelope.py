"""The signed body round a message: `{"data": {...}, "sign": "..."}`.

`union_id` stands inside `data` or beside it, whatever a page says, and `data` may be a JSON string that holds the
object. What is signed is the text of `data`, so it is kept as it came.
"""

from __future__ import annotations

import msgspec

from taigan.bolink.codec import BODY, read, write
from taigan.bolink.errors import BadMessage
from taigan.bolink.fields import Whole
from taigan.bolink.signing import sign

__all__ = ["Envelope", "open_envelope", "open_flat", "read", "seal", "write"]

_Id = Whole | str | None
_LONGEST_ID = 64


class Envelope(msgspec.Struct, frozen=True):
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


class _Outer(msgspec.Struct):
    data: msgspec.Raw | None = None
    sign: str | None = None
    union_id: _Id = None
    service_name: str | None = None
    platform_name: str | None = None
    timestamp: _Id = None


class _Ids(msgspec.Struct):
    union_id: _Id = None
    park_id: _Id = None
    comid: _Id = None
    service_name: str | None = None


_outer = msgspec.json.Decoder(_Outer)
_ids = msgspec.json.Decoder(_Ids)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BLANK = " \t\r\n"


def open_envelope(body: bytes, service_name: str = "") -> Envelope:
    """Takes a signed body apart without looking at the message.

    `service_name` is what the address says when the body names none. Raises BadMessage, and nothing else; its `field`
    is `body` when it is not UTF-8 or not a JSON object, else the member that is missing or unusable.
    """
    outer = _read_outer(body)
    if outer.data is None:
        raise BadMessage("data", "is missing")
    if not outer.sign:
        raise BadMessage("sign", "is missing")
    text = bytes(outer.data)
    if text.startswith(b'"'):
        text = _inside(text)
    ids = _read_ids(text)
    beside, inside = _id(outer.union_id), _id(ids.union_id)
    if beside and inside and beside != inside:
        raise BadMessage("union_id", "is not the same inside and beside data")
    return Envelope(
        text=text,
        sign=outer.sign,
        union_id=_usable(inside or beside, "union_id"),
        park_id=_usable(_id(ids.park_id) or _id(ids.comid), "park_id"),
        service_name=_usable(
            (ids.service_name or outer.service_name or service_name).strip(_BLANK),
            "service_name",
        ),
        platform_name=_usable((outer.platform_name or "").strip(_BLANK), "platform_name"),
        timestamp=_usable(_id(outer.timestamp), "timestamp"),
    )


def open_flat(body: bytes, service_name: str = "") -> Envelope:
    """A body that is the message itself, unsigned (6.4). Raises BadMessage as `open_envelope` does."""
    _check_utf8(body)
    text = body.strip()
    ids = _read_ids(text)
    return Envelope(text=text, sign="", union_id=_id(ids.union_id), park_id=_id(ids.park_id), service_name=service_name)


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
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadMessage(BODY, "is not UTF-8") from error


def _read_outer(body: bytes) -> _Outer:
    _check_utf8(body)
    try:
        outer = _outer.decode(body)
        if outer.data is not None and outer.sign is not None:
            return outer
    except _UNREADABLE:
        pass
    try:
        members = {name.strip(_BLANK): bytes(value) for name, value in _members.decode(body).items()}
    except _UNREADABLE as error:
        raise BadMessage(BODY, "is not a JSON object") from error
    data = members.get("data", b"null")
    return _Outer(
        data=None if data == b"null" else msgspec.Raw(data),
        sign=_member(members, "sign"),
        union_id=_member(members, "union_id"),
        service_name=_member(members, "service_name"),
        platform_name=_member(members, "platform_name"),
        timestamp=_member(members, "timestamp"),
    )


def _read_ids(text: bytes) -> _Ids:
    if text.startswith(b"["):
        try:
            _array.decode(text)
        except _UNREADABLE as error:
            raise BadMessage("data", "is not a JSON array") from error
        return _Ids()
    try:
        ids = _ids.decode(text)
        if ids.union_id is not None and (ids.park_id is not None or ids.comid is not None):
            return ids
    except _UNREADABLE:
        pass
    try:
        members = {name.strip(_BLANK): bytes(value) for name, value in _members.decode(text).items()}
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
        if raw.startswith(b'"'):
            return _string.decode(raw).strip(_BLANK)
    except _UNREADABLE as error:
        raise BadMessage(name, "is not text") from error
    if raw[:1].isdigit() or raw.startswith(b"-"):
        return raw.decode("ascii", "replace")
    raise BadMessage(name, "is neither text nor a number")


def _inside(text: bytes) -> bytes:
    try:
        return _string.decode(text).strip(_BLANK).encode()
    except _UNREADABLE as error:
        raise BadMessage("data", "is not text") from error


def _id(value: _Id) -> str:
    return "" if value is None else str(value).strip(_BLANK)


def _usable(text: str, field: str) -> str:
    if "\0" in text or len(text) > _LONGEST_ID:
        raise BadMessage(field, "holds a NUL" if "\0" in text else f"is longer than {_LONGEST_ID} characters")
    return text
