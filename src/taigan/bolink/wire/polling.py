"""BoLink's other way: lots without a public address log in, upload, and fetch what is meant for them.

The lot-platform document has no page on it; this is what the SDK document (sdk/596745) and public clients of it show,
and, where both are silent, our reading, which is said at each place. Everything is a POST of the lot's:

`upload.do`     `{"service_name", "sign", "token", "data": {…}}`. `sign` is 1.2's, over the text of `data`. `login` has
                no token yet and is answered with one.
`download.do`   `{"token"}`; held for up to `HELD` seconds, answered at once when there is a message. What has no
                `service_name` in it is no message. One such request is open per token.

What is answered to a message goes up by `upload.do` under the message's own name, with `data_target` in `data` and the
message's numbers repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from taigan.bolink.errors import BadMessage
from taigan.bolink.wire.codec import BODY
from taigan.bolink.wire.signing import sign

UPLOAD_PATH = "/bpd/upload.do"
DOWNLOAD_PATH = "/bpd/download.do"
LOGIN = "login"
HELD = 30.0
"""Seconds that BoLink holds a `download.do` for which there is no message."""
NAMES: Mapping[str, str] = {"inpark": "3.1", "in_park": "3.1", "outpark": "3.2", "out_park": "3.2"}
"""What uploads are called here, by section; the SDK's spelling is taken as well."""
TO_BOLINK = "bolink"
"""The `data_target` of an answer."""
NUMBERS = ("message_uuid", "trade_no", "query_order_no", "liftrod_id", "car_number", "order_id")
"""What an answer is told by, the surest first. Clients repeat what the message of that name has."""
REPEATED = NUMBERS[:4]
"""What our answers repeat."""
LONGEST_LOCAL_ID = 196

_CHANNELS = "_channels_"
_BESIDE = frozenset({"service_name", "sign", "token", "data", "message_uuid", "data_target"})
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_Short = Annotated[str, msgspec.Meta(max_length=256)]


class LoginData(msgspec.Struct, kw_only=True):
    """`data` of a login: who speaks, and which lanes it serves."""

    union_id: int | _Short
    park_id: int | _Short
    local_id: Annotated[str, msgspec.Meta(max_length=LONGEST_LOCAL_ID)] = ""


class Said(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What BoLink answers to an upload that is no order: `state` 1 taken, 0 not."""

    state: int
    errmsg: str = ""
    service_name: str = ""
    token: str = ""


class Upload(msgspec.Struct, frozen=True):
    """A body for `upload.do` taken apart. `text` is the signed text of `data`."""

    service_name: str
    text: bytes
    sign: str
    token: str = ""
    answers: bool = False
    """Whether it answers a message: it has a `data_target`, or a `state`, which no order has (our reading)."""


class Handed(msgspec.Struct, frozen=True):
    """A message that was fetched. `sign` is empty when it came unsigned (the pages don't say that it must be)."""

    service_name: str
    text: bytes
    sign: str
    numbers: dict[str, str]
    """What its answer has to repeat."""


class _Uploaded(msgspec.Struct):
    service_name: _Short
    data: msgspec.Raw
    sign: _Short = ""
    token: _Short = ""


class _Token(msgspec.Struct):
    token: _Short


def local_id(name: str, channels: Iterable[str]) -> str:
    """The name of one connection with the lanes it serves: `aaa001_channels_A1_A2`.

    Where they don't fit none is named, which means all of them (our reading).
    """
    named = f"{name}{_CHANNELS}{'_'.join(channels)}"
    return named if len(named) <= LONGEST_LOCAL_ID else name


def serves(connection: str, channel_id: str) -> bool:
    """Whether a connection of this `local_id` takes messages for a lane; one that names no lanes takes all."""
    _name, named, lanes = connection.partition(_CHANNELS)
    return not named or not channel_id or f"_{channel_id}_" in f"_{lanes}_"


def upload_body(service_name: str, text: bytes, key: str, token: str = "") -> bytes:
    """A body for `upload.do`."""
    members: dict[str, object] = {"service_name": service_name, "sign": sign(text, key)}
    if token:
        members["token"] = token
    return msgspec.json.encode(members | {"data": msgspec.Raw(text)})


def open_upload(body: bytes) -> Upload:
    """Takes a body of `upload.do` apart without looking at its signature. Raises BadMessage."""
    try:
        outer = msgspec.json.decode(body, type=_Uploaded)
    except msgspec.ValidationError as error:
        raise BadMessage(BODY, str(error)) from None
    except _UNREADABLE:
        raise BadMessage(BODY, "is not a JSON object") from None
    text = b"" + outer.data
    members = _members(text, "data")
    return Upload(outer.service_name, text, outer.sign, outer.token, "data_target" in members or "state" in members)


def without_token(body: bytes, token: str) -> bytes:
    """A body as it is kept and shown: whoever has the token speaks for the lot."""
    return body.replace(token.encode(), b"*" * len(token.encode())) if token else body


def open_download(body: bytes) -> str:
    """The token of a `download.do`. Raises BadMessage."""
    try:
        return msgspec.json.decode(body, type=_Token).token
    except _UNREADABLE:
        raise BadMessage(BODY, "is not a JSON object with a token") from None


def with_ids(text: bytes, union_id: str, park_id: str) -> bytes:
    """A `data` text with the ids that it leaves to the token. What is signed is the text before."""
    members = _members(text, "data")
    ids = {"union_id": int(union_id), "park_id": park_id}
    missing = {name: value for name, value in ids.items() if name not in members}
    return msgspec.json.encode(members | missing) if missing else text


def hand(body: bytes, service_name: str, message_uuid: str) -> bytes:
    """A message as `download.do` gives it: its signed body, with its name and the number for its answer beside it."""
    members = _members(body, BODY)
    return msgspec.json.encode({"service_name": service_name, "message_uuid": message_uuid} | members)


def take(body: bytes) -> Handed | None:
    """The message in an answer of `download.do`; None when there is none. Raises BadMessage for a broken one."""
    if b'"service_name"' not in body:
        return None
    members = _members(body, BODY)
    if "data" in members:
        text = bytes(members["data"])
        inside = _members(text, "data")
    else:
        inside = {name: value for name, value in members.items() if name not in _BESIDE}
        inside["service_name"] = members.get("service_name", msgspec.Raw(b'""'))
        text = msgspec.json.encode(inside)
    name = _text(members.get("service_name")) or _text(inside.get("service_name"))
    if not name:
        raise BadMessage("service_name", "is missing")
    found = {number: _text(members.get(number)) or _text(inside.get(number)) for number in NUMBERS}
    return Handed(name, text, _text(members.get("sign")), {number: value for number, value in found.items() if value})


def answer_text(answer: bytes, handed: Handed) -> bytes:
    """The `data` text of the upload that answers a message: the answer, with what it is told by. Raises BadMessage."""
    given = _members(answer, BODY)
    repeated = {name: value for name, value in handed.numbers.items() if name in REPEATED}
    return msgspec.json.encode({"service_name": handed.service_name, "data_target": TO_BOLINK} | repeated | given)


def numbers_in(text: bytes) -> dict[str, str]:
    """What the answer to a message is told by; nothing for a message that is no object."""
    try:
        members = _members(text, "data")
    except BadMessage:
        return {}
    found = {number: _text(members[number]) for number in NUMBERS if number in members}
    return {number: value for number, value in found.items() if value}


def without(text: bytes, names: set[str]) -> bytes:
    """An object without these members. Raises BadMessage."""
    return msgspec.json.encode({name: value for name, value in _members(text, BODY).items() if name not in names})


def answer_in(text: bytes) -> tuple[bytes, dict[str, str]]:
    """The answer in the `data` of an upload, as a callback's would be, and the numbers it is told by."""
    members = _members(text, "data")
    bare = {name: value for name, value in members.items() if name not in ("data_target", "message_uuid")}
    return msgspec.json.encode(bare), numbers_in(text)


def _members(text: bytes, field: str) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except _UNREADABLE:
        raise BadMessage(field, "is not a JSON object") from None


def _text(raw: msgspec.Raw | None) -> str:
    """A member that is text or a whole number, as text; empty for anything else."""
    if raw is None:
        return ""
    try:
        return str(msgspec.json.decode(bytes(raw), type=str | int))[:256]
    except _UNREADABLE:
        return ""
