"""What is wrong with a message or an answer that is taken all the same: "accepted, but …".

Reading is lenient and says nothing. Here the same text is held against what the document says of each field: missing,
of another type, too long, not a listed value, no time, no amount, unknown but near a known name.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice
from typing import Any, get_args, get_origin

import msgspec

from taigan.bolink.describing.interface import AnyInterface, Direction, Wrapping
from taigan.bolink.errors import BadAnswer, Refused
from taigan.bolink.fields import Condition, Message, Note
from taigan.bolink.wire.codec import FieldPlan, fields_of, kinds_of
from taigan.bolink.wire.envelope import Envelope
from taigan.bolink.wire.signing import Signature

MOST = 20
"""Remarks on one text, at most."""
_LARGEST = 64 * 1024
_MOST_ITEMS = 20
_MOST_UNKNOWN = 10
_EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
_MILLISECONDS = 10**11
_AHEAD = timedelta(days=1)
_anything = msgspec.json.Decoder(float_hook=Decimal).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_LENGTHS = {"service_name": 64, "car_number": 8, "park_id": 24, "channel_id": 16, "pay_user_id": 100, "errmsg": 48}
"""Lengths that BoLink's SDK document gives (sdk/510113) for fields that the page gives none for."""
_ORDER_ID = re.compile(r"[0-9A-Za-z_]{1,48}")
_DATES = {"yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S", "yyyy-MM-dd": "%Y-%m-%d"}
_WHOLE = re.compile(r"-?\d{1,19}(\.0+)?")
_AMOUNT = re.compile(r"-?\d{1,18}(\.\d+)?")
_ROUTING = frozenset({"union_id", "park_id", "service_name", "sign"})
"""Members that may stand in any message."""


class Kind(enum.StrEnum):
    """What a remark is about."""

    MISSING = "missing"
    TYPE = "type"
    LENGTH = "length"
    VALUE = "value"
    TIME = "time"
    AMOUNT = "amount"
    UNKNOWN = "unknown"
    SHAPE = "shape"


class Remark(msgspec.Struct, frozen=True):
    """One thing that a person should know of a message."""

    kind: Kind
    field: str
    """The wire name, with the path to it; `body` for the whole."""
    zh: str
    en: str
    confirmed: bool = True
    """False where the document's own page was not seen that far: less sure."""

    def words(self, language: str = "zh") -> str:
        """One line: the field, and what is wrong with it."""
        return f"{self.field} {self.zh}" if language == "zh" else f"{self.field}: {self.en}"


def on_request(interface: AnyInterface, text: bytes, now: datetime) -> list[Remark]:
    """Remarks on the `data` text of a request. `now` is what its times are held against. Never raises."""
    kinds = kinds_of(interface.request)
    if not kinds:
        return []
    return list(islice(_on(text, kinds[0], now), MOST))


def on_envelope(interface: AnyInterface, body: bytes, envelope: Envelope, signature: Signature | None) -> list[Remark]:
    """Remarks on what stands round the message: `signature` is the form that was found to be signed."""
    found = []
    if body.startswith(b"\xef\xbb\xbf"):
        found.append(Remark(Kind.SHAPE, "body", "开头有字节序标记（BOM）", "begins with a byte order mark"))
    if signature is Signature.COMPACT:
        found.append(
            Remark(
                Kind.SHAPE,
                "sign",
                "签的是 data 去掉空格、还原转义后的文字，不是发出的原文；长于 8 KiB 就会验签失败",
                "covers data without its blanks and escapes, not the text that was sent; above 8 KiB it fails",
            )
        )
    if signature is not None and envelope.sign != envelope.sign.upper():
        found.append(Remark(Kind.SHAPE, "sign", "是小写；文档要求大写", "is in lower case; the document wants upper"))
    members = _members(body)
    if members.get("data", b"").startswith(b'"'):
        found.append(Remark(Kind.SHAPE, "data", "是字符串；应是对象", "is a text; it is an object"))
    beside, inside = "union_id" in members, "union_id" in _members(envelope.text)
    if interface.wrapping is Wrapping.BESIDE and inside and not beside:
        found.append(Remark(Kind.SHAPE, "union_id", "在 data 里；应在 data 旁边", "is in data; it stands beside it"))
    if interface.wrapping is Wrapping.INSIDE and beside and not inside:
        found.append(Remark(Kind.SHAPE, "union_id", "在 data 旁边；应在 data 里", "is beside data; it stands in it"))
    return found


def on_answer(interface: AnyInterface, raw: bytes, now: datetime, status: int = 200) -> list[Remark]:
    """Remarks on an answer's body, refusals included. An interface without a JSON answer (5.4) gets none."""
    if interface.answer is None:
        return []
    if status != 200:
        return [Remark(Kind.SHAPE, "body", f"HTTP {status}；每个应答都应是 200", f"HTTP {status}; every answer is 200")]
    members = _members(raw)
    if "data" in members and "sign" in members and "state" not in members and interface.direction is Direction.DOWNLINK:
        return [
            Remark(
                Kind.SHAPE,
                "body",
                "带了 data 和 sign 的信封；应答是不带信封的 JSON",
                "is wrapped in data and sign; an answer is bare JSON",
            )
        ]
    refused = False
    try:
        interface.read_answer(raw)
    except Refused:
        refused = True
    except (BadAnswer, TypeError):
        pass
    return list(islice(_on(raw, interface.answer, now, refused=refused), MOST))


def _on(text: bytes, kind: Any, now: datetime, *, refused: bool = False) -> Iterator[Remark]:
    if len(text) > _LARGEST:
        yield Remark(Kind.SHAPE, "body", "超过 64 KiB，没有细看", "is above 64 KiB, and was not looked at")
        return
    try:
        value = _anything(text)
    except _UNREADABLE:
        yield Remark(Kind.SHAPE, "body", "不是 JSON", "is not JSON")
        return
    if get_origin(kind) is list:
        if not isinstance(value, list):
            yield Remark(Kind.TYPE, "data", "应是数组", "is to be an array")
            return
        for number, item in enumerate(value[:_MOST_ITEMS]):
            yield from _object(item, get_args(kind)[0], f"[{number}].", now)
        return
    yield from _object(value, kind, "", now, refused=refused)


def _object(
    value: Any,
    kind: type[Message],
    path: str,
    now: datetime,
    *,
    refused: bool = False,
) -> Iterator[Remark]:
    if not isinstance(value, dict):
        yield Remark(Kind.TYPE, path.rstrip(".") or "body", "应是 JSON 对象", "is to be a JSON object")
        return
    plans = fields_of(kind)
    given = {name.strip(): inner for name, inner in islice(value.items(), 500)}
    for plan in plans:
        spelling = next((name for name in (plan.name, *plan.note.also) if name in given), plan.name)
        found = given.get(spelling)
        if found is None or found == "":
            if not (refused and plan.name != "errmsg") and _is_needed(plan, given):
                yield _missing(plan, path, found)
            continue
        yield from _field(plan, found, path + spelling, now)
    known = {name for plan in plans for name in (plan.name, *plan.note.also)} | _ROUTING
    yield from _unknown((name for name in given if name not in known), known, set(given), path)
    blank = next((name for name in value if name != name.strip()), None)
    if blank is not None:
        yield Remark(Kind.SHAPE, path + blank.strip(), "键的两边有空格", "has blanks round its name")


def _is_needed(plan: FieldPlan, given: dict[str, Any]) -> bool:
    needed = plan.note.needed
    if isinstance(needed, Condition):
        return needed.met(given)
    return plan.required or needed is True or bool(plan.default and not isinstance(plan.default, enum.Enum))


def _missing(plan: FieldPlan, path: str, found: Any) -> Remark:
    empty = found == ""
    sure = plan.note.confirmed
    zh = ("是空的" if empty else "缺失") + ("" if sure else "（文档这一段没有公开，按兄弟页面）")
    en = ("is empty" if empty else "is missing") + ("" if sure else " (by a sister page; its own was not seen)")
    return Remark(Kind.MISSING, path + plan.name, zh, en, sure)


def _field(plan: FieldPlan, value: Any, name: str, now: datetime) -> Iterator[Remark]:
    note, sure = plan.note, plan.note.confirmed
    kinds = kinds_of(plan.hint)
    wrong = _wrong_type(kinds, value)
    if wrong:
        yield Remark(Kind.TYPE, name, *wrong, sure)
    plain = str(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    nested = note.json_text or kinds[0]
    if plain is None or note.json_text is not None:
        yield from _nested(value, nested, name, now)
        return
    longest = note.max_length or (_LENGTHS.get(plan.name) if len(note.example) <= _LENGTHS.get(plan.name, 0) else None)
    if longest is not None and str in kinds and len(plain.strip()) > longest:
        zh, en = f"有 {len(plain)} 个字符，最多 {longest}", f"has {len(plain)} characters, at most {longest}"
        yield Remark(Kind.LENGTH, name, zh, en, note.max_length is not None and sure)
    if plan.name == "order_id" and not _ORDER_ID.fullmatch(plain) and _ORDER_ID.fullmatch(note.example):
        yield Remark(
            Kind.LENGTH,
            name,
            "应是最多 48 位的数字、字母、下划线",
            "is at most 48 digits, letters and underscores",
            False,
        )
    if note.values and not _is_listed(note.values, plain):
        allowed = "、".join(str(member.value) for listed in note.values for member in listed)
        zh, en = f"是 {_short(plain)}，文档列出的是 {allowed}", f"is {_short(plain)}; the document lists {allowed}"
        yield Remark(Kind.VALUE, name, zh, en, sure)
    yield from _by_unit(note, plain.strip(), name, now)
    if plan.name in ("empty_plot", "total_plot", "free_space", "total_space") and plain.startswith("-"):
        yield Remark(Kind.VALUE, name, "是负数", "is below zero", sure)


def _by_unit(note: Note, plain: str, name: str, now: datetime) -> Iterator[Remark]:
    unit, sure = note.unit, note.confirmed
    if unit == "unix seconds" and _WHOLE.fullmatch(plain):
        seconds = int(Decimal(plain))
        if seconds >= _MILLISECONDS:
            yield Remark(Kind.TIME, name, "是毫秒；应是秒", "is in milliseconds; it is seconds", sure)
        elif seconds > (now + _AHEAD).timestamp():
            at = datetime.fromtimestamp(seconds, UTC)
            yield Remark(Kind.TIME, name, f"在将来（{at:%Y-%m-%d}）", f"is in the future ({at:%Y-%m-%d})", sure)
        elif 0 < seconds < _EARLIEST.timestamp() or seconds < 0:
            yield Remark(Kind.TIME, name, "早于 2010 年", "is before 2010", sure)
    elif unit == "unix seconds":
        yield Remark(Kind.TIME, name, "不是以秒计的时间", "is no time in seconds", sure)
    elif unit in _DATES:
        try:
            datetime.strptime(plain, _DATES[unit])  # noqa: DTZ007 - only its form is looked at
        except ValueError:
            yield Remark(Kind.TIME, name, f"不是 {unit}", f"is not {unit}", sure)
    elif unit == "yuan":
        if not _AMOUNT.fullmatch(plain):
            yield Remark(Kind.AMOUNT, name, f"不是金额：{_short(plain)}", f"is no amount: {_short(plain)}", sure)
        elif plain.startswith("-"):
            yield Remark(Kind.AMOUNT, name, "是负的金额", "is below zero", sure)
        elif len(plain.partition(".")[2].rstrip("0")) > max(2, len(note.example.partition(".")[2])):
            yield Remark(Kind.AMOUNT, name, "比分还细", "is finer than 0.01", sure)


def _nested(value: Any, hint: Any, name: str, now: datetime) -> Iterator[Remark]:
    if isinstance(value, str):
        try:
            value = _anything(value)
        except _UNREADABLE:
            return
    kind = kinds_of(hint)[0] if kinds_of(hint) else hint
    if get_origin(kind) is list and isinstance(value, list):
        inner = kinds_of(get_args(kind)[0])[0]
        if isinstance(inner, type) and issubclass(inner, Message):
            for number, item in enumerate(value[:_MOST_ITEMS]):
                yield from _object(item, inner, f"{name}[{number}].", now)
    elif isinstance(kind, type) and issubclass(kind, Message) and isinstance(value, dict):
        yield from _object(value, kind, f"{name}.", now)


def _wrong_type(kinds: list[Any], value: Any) -> tuple[str, str] | None:
    """How a value differs from the documented type, in Chinese and English; None when it does not."""
    if str in kinds and isinstance(value, str):
        return None
    if isinstance(value, bool):
        return "是 true 或 false；文档里没有这种类型", "is true or false, a type that the document does not have"
    numeric = int in kinds or Decimal in kinds
    if isinstance(value, str):
        if not numeric:
            return "是字符串；文档是对象或数组", "is a text; the document has an object or an array"
        if _AMOUNT.fullmatch(value.strip()):
            return "是字符串；文档是数字", "is a text; the document has a number"
        return f"不是数字：{_short(value)}", f"is no number: {_short(value)}"
    if isinstance(value, int | Decimal):
        if not numeric:
            return (
                ("是数字；文档是字符串", "is a number; the document has a text")
                if str in kinds
                else (
                    "是数字；文档是对象或数组",
                    "is a number; the document has an object or an array",
                )
            )
        if isinstance(value, Decimal) and Decimal not in kinds:
            return f"写成了小数 {value}；文档是整数", f"is written as {value}; the document has a whole number"
        return None
    if numeric or (str in kinds and len(kinds) == 1):
        return (
            ("是对象或数组；文档是数字", "is an object or array; the document has a number")
            if numeric
            else (
                "是对象或数组；文档是字符串",
                "is an object or array; the document has a text",
            )
        )
    return None


def _is_listed(listed: Iterable[type[enum.Enum]], plain: str) -> bool:
    tidy = plain.strip()
    if _WHOLE.fullmatch(tidy) and "." in tidy:
        tidy = tidy.partition(".")[0]
    return any(str(member.value) == tidy for values in listed for member in values)


def _unknown(names: Iterable[str], known: set[str], given: set[str], path: str) -> Iterator[Remark]:
    for name in islice(names, _MOST_UNKNOWN):
        near = get_close_matches(name[:64].lower(), sorted(known - given), 1, 0.75)
        shown = _short(name)
        if near:
            yield Remark(
                Kind.UNKNOWN, path + shown, f"文档里没有；是不是 {near[0]}？", f"is unknown; did you mean {near[0]}?"
            )
        else:
            yield Remark(Kind.UNKNOWN, path + shown, "文档里没有", "is not in the document")


def _members(text: bytes) -> dict[str, bytes]:
    try:
        found = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"), type=dict[str, msgspec.Raw])
    except _UNREADABLE:
        return {}
    return {name.strip(): bytes(value[:1]) for name, value in islice(((n, bytes(v)) for n, v in found.items()), 100)}


def _short(text: str) -> str:
    """At most 40 characters of what somebody sent, without anything that a terminal would act on."""
    tidy = "".join(sign if sign.isprintable() else "?" for sign in text[:41])
    return tidy if len(tidy) <= 40 else f"{tidy[:39]}…"
