"""Text to message and back: read leniently, write strictly.

Almost every message is exactly as documented, and msgspec reads it in one step. What that refuses is read again,
patiently, field by field: a number as a string or the reverse, blanks round keys and values, `null` for an absent
field, an object inside a string, a spelling that only the document's example has. What the patient reading refuses too
is a BadMessage that names the field by its wire name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from taigan.bolink.errors import BadMessage
from taigan.bolink.fields import CLIENTS_OWN, Condition, Message, Note

T = TypeVar("T")

BODY = "body"
"""What a BadMessage names when it is not about one field."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BLANK_INSIDE = re.compile(rb'[\[{:,]\s*" | "\s*[:,}\]]')
_BLANK, _BACKSLASH = b" \\"
_WHOLE = re.compile(r"[+-]?\d{1,19}(?:\.0*)?")
_DOUBLE = re.compile(r"-?\d{1,16}\.0|-?\d\.\d{1,16}E\d{1,2}")
_FIELD = re.compile(r"`\$([^`]*)`")
_LARGEST = 2**63 - 1
_DIGITS = 32

_encoder = msgspec.json.Encoder(decimal_format="number")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_anything: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def read(text: bytes, kind: type[T]) -> T:
    """The message in a JSON text. Raises BadMessage, and nothing else, when it is not one of that kind."""
    reader = _READERS.get(kind) or _reader(kind)
    if not _needs_patience(text):
        try:
            message: T = reader.decode(text)
            if not reader.decimals or _all_usable(message):
                return message
        except _UNREADABLE:
            pass
    patient: T = reader.patient(text, "")
    return patient


def _needs_patience(text: bytes) -> bool:
    """Is there a NUL, or a blank at the edge of a text? Only bytes that can be part of one are looked for first."""
    return (_BACKSLASH in text and b"\\u0000" in text) or (
        _BLANK in text and (b'" ' in text or b' "' in text) and _BLANK_INSIDE.search(text) is not None
    )


def write(message: Message | list[Any]) -> bytes:
    """The message as compact JSON with the documented types; unset optional fields are left out.

    Raises BadMessage when a value has another type than documented, holds a NUL, or is missing where the document's
    condition for it is met.
    """
    text = _encoder.encode(message)
    if isinstance(message, Message):
        reader = _READERS.get(type(message)) or _reader(type(message))
        _check(message, reader)
        try:
            reader.decode(text)
        except _UNREADABLE as error:
            found = _FIELD.search(str(error))
            raise BadMessage(found[1].lstrip(".") if found else BODY, str(error)) from error
        if reader.decimals and not _all_usable(message):
            raise BadMessage(BODY, "holds a number that is none")
    else:
        for item in message:
            if isinstance(item, Message):
                write(item)
    if b"\\u0000" in text and _holds_nul(msgspec.to_builtins(message)):
        raise BadMessage(BODY, "holds a NUL")
    return text


class FieldPlan(msgspec.Struct, frozen=True):
    """One field of a message as the document and the struct have it."""

    attribute: str
    name: str
    hint: Any
    note: Note
    required: bool
    """Whether reading fails without it."""
    default: Any
    """What it is when it is not given: None, or the one documented value."""


@functools.cache
def fields_of(kind: type[Message]) -> tuple[FieldPlan, ...]:
    """The fields of a message, in the order of the document."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        FieldPlan(
            field.name, field.encode_name, hints[field.name], _note(hints[field.name]), field.required, _default(field)
        )
        for field in msgspec.structs.fields(kind)
    )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return None if field.default_factory is msgspec.NODEFAULT else field.default_factory()


class _Reader:
    """How to read one kind of message, worked out once."""

    def __init__(self, kind: Any) -> None:
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind, float_hook=Decimal).decode
        self.patient = _patient(kind, Note(""))
        self.decimals = _has_decimals(kind)
        plans = fields_of(kind) if isinstance(kind, type) and issubclass(kind, Message) else ()
        self.demands = tuple(
            plan for plan in plans if plan.note.needed is True or isinstance(plan.note.needed, Condition)
        )


_READERS: dict[Any, _Reader] = {}


def _reader(kind: Any) -> _Reader:
    return _READERS.setdefault(kind, _Reader(kind))


def _check(message: Message, reader: _Reader) -> None:
    if reader.demands:
        given = {plan.name: getattr(message, plan.attribute) for plan in fields_of(type(message))}
        for plan in reader.demands:
            needed = plan.note.needed
            if _is_unset(plan, given[plan.name]) and (not isinstance(needed, Condition) or needed.met(given)):
                raise BadMessage(plan.name, f"is required {needed if isinstance(needed, Condition) else ''}".strip())
    for nested in (getattr(message, name) for name in message.__struct_fields__):
        if isinstance(nested, Message):
            _check(nested, _READERS.get(type(nested)) or _reader(type(nested)))
        elif isinstance(nested, list):
            for item in nested:
                if isinstance(item, Message):
                    _check(item, _READERS.get(type(item)) or _reader(type(item)))


def _is_unset(plan: FieldPlan, value: Any) -> bool:
    return value is None or (plan.attribute == "union_id" and value == CLIENTS_OWN)


# Patient reading: each of these makes a function that takes a JSON text and the path to it.

_Patient = Callable[[bytes, str], Any]


def _patient(hint: Any, note: Note) -> _Patient:
    hint = bare(hint)
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        if len(kinds) > 1:
            return _first_of([_patient(kind, note) for kind in kinds])
        return _patient(kinds[0], note)
    if get_origin(hint) is list:
        return _list_of(_patient(get_args(hint)[0], note))
    if hint is str:
        return functools.partial(_read_text, json_too=note.json_text is not None)
    if hint is int:
        return _read_whole
    if hint is Decimal:
        return _read_decimal
    if get_origin(hint) is dict:
        return _read_anything
    if isinstance(hint, type) and issubclass(hint, Message):
        return functools.partial(_read_message, kind=hint)
    raise TypeError(f"no message of the document has a {hint}")


def _read_message(text: bytes, path: str, kind: type[Message]) -> Message:
    members = _open(_unwrapped(text, path), path)
    values: dict[str, Any] = {}
    for plan, patient, optional in _patient_plan(kind):
        where = f"{path}.{plan.name}" if path else plan.name
        raw = next((members[name] for name in (plan.name, *plan.note.also) if name in members), b"null")
        if raw == b"null" or (optional and raw.strip(b'" ') == b"" and _bare_is_no_text(plan.hint)):
            if plan.required:
                raise BadMessage(where, "is missing")
            continue
        values[plan.attribute] = patient(raw, where)
    return kind(**values)


@functools.cache
def _patient_plan(kind: type[Message]) -> tuple[tuple[FieldPlan, _Patient, bool], ...]:
    return tuple((plan, _patient(plan.hint, plan.note), not plan.required) for plan in fields_of(kind))


def _open(text: bytes, path: str) -> dict[str, bytes]:
    """The members of an object, by key without blanks; a key without blanks goes before the same one with."""
    try:
        members = _members.decode(text)
    except _UNREADABLE as error:
        raise BadMessage(path or BODY, f"is not a JSON object: {_shortened(error)}") from error
    tidy = {name.strip(): bytes(value) for name, value in members.items()}
    tidy.update((name, bytes(value)) for name, value in members.items() if name == name.strip())
    return tidy


def _list_of(item: _Patient) -> _Patient:
    def read_list(text: bytes, path: str) -> list[Any]:
        text = _unwrapped(text, path)
        if text.startswith(b"{"):
            return [item(text, f"{path}[0]")]
        try:
            items = _items.decode(text)
        except _UNREADABLE as error:
            raise BadMessage(path or BODY, f"is not a JSON array: {_shortened(error)}") from error
        return [item(bytes(each), f"{path}[{number}]") for number, each in enumerate(items)]

    return read_list


def _first_of(kinds: list[_Patient]) -> _Patient:
    def read_first(text: bytes, path: str) -> Any:
        for patient in kinds[:-1]:
            try:
                return patient(text, path)
            except BadMessage:
                continue
        return kinds[-1](text, path)

    return read_first


def _read_text(text: bytes, path: str, json_too: bool = False) -> str:
    if text.startswith(b'"'):
        value = _string(text, path).strip(" ")
    elif text[:1].isdigit() or text.startswith(b"-") or (json_too and text[:1] in (b"{", b"[")):
        value = as_whole(text.decode("utf-8", "replace"))
    else:
        raise BadMessage(path, "is not text")
    if "\0" in value:
        raise BadMessage(path, "holds a NUL")
    return value


def _read_whole(text: bytes, path: str) -> int:
    digits = as_whole(_number(text, path))
    if not _WHOLE.fullmatch(digits):
        raise BadMessage(path, "is not a whole number of 64 bits")
    value = int(digits.partition(".")[0])
    if not -_LARGEST - 1 <= value <= _LARGEST:
        raise BadMessage(path, "is not a whole number of 64 bits")
    return value


def as_whole(number: str) -> str:
    """A whole number that is written as Java writes a double (200002.0, 1.5E9), as whole; any other as it came."""
    if not _DOUBLE.fullmatch(number):
        return number
    value = Decimal(number)
    return str(int(value)) if value == value.to_integral_value() and abs(value) < 2**53 else number


def _read_decimal(text: bytes, path: str) -> Decimal:
    try:
        value = Decimal(_number(text, path))
    except InvalidOperation as error:
        raise BadMessage(path, "is not a number") from error
    if not _usable(value):
        raise BadMessage(path, "is not a usable number")
    return value


def _read_anything(text: bytes, path: str) -> dict[str, Any]:
    try:
        value = _anything.decode(_unwrapped(text, path))
    except _UNREADABLE as error:
        raise BadMessage(path, f"is not a JSON object: {_shortened(error)}") from error
    if _holds_nul(value):
        raise BadMessage(path, "holds a NUL")
    return value


def _number(text: bytes, path: str) -> str:
    digits = _string(text, path).strip() if text.startswith(b'"') else text.decode("ascii", "replace")
    if len(digits) > 2 * _DIGITS or not digits.isascii() or "_" in digits:
        raise BadMessage(path, "is not a number")
    return digits


def _string(text: bytes, path: str) -> str:
    try:
        return _text.decode(text)
    except _UNREADABLE as error:
        raise BadMessage(path or BODY, f"is not text: {_shortened(error)}") from error


def _unwrapped(text: bytes, path: str) -> bytes:
    """The text of an object or array that may stand inside a string."""
    text = text.strip()
    return _string(text, path).strip().encode() if text.startswith(b'"') else text


# What msgspec can't be told to refuse.


def _all_usable(value: Any) -> bool:
    if isinstance(value, Decimal):
        return _usable(value)
    if isinstance(value, Message):
        return all(_all_usable(getattr(value, name)) for name in value.__struct_fields__)
    return all(map(_all_usable, value)) if isinstance(value, list) else True


def _usable(value: Decimal) -> bool:
    return value.is_finite() and abs(value.adjusted()) < _DIGITS and len(value.as_tuple().digits) <= _DIGITS


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(_holds_nul, (*value, *value.values())))
    return any(map(_holds_nul, value)) if isinstance(value, list) else False


def _shortened(error: Exception) -> str:
    return str(error)[:120]


# Types.


def _note(hint: Any) -> Note:
    if get_origin(hint) is Annotated:
        for extra in hint.__metadata__:
            if isinstance(extra, Note):
                return extra
        return _note(get_args(hint)[0])
    return Note("")


def bare(hint: Any) -> Any:
    """A type without its annotations."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return hint


def kinds_of(hint: Any) -> list[Any]:
    """The types a field can have, `None` left out and annotations taken off."""
    hint = bare(hint)
    if get_origin(hint) in (Union, UnionType):
        return [bare for kind in get_args(hint) if kind is not NoneType for bare in kinds_of(kind)]
    return [hint]


def _bare_is_no_text(hint: Any) -> bool:
    return str not in kinds_of(hint)


def _has_decimals(hint: Any) -> bool:
    for kind in kinds_of(hint):
        if kind is Decimal:
            return True
        if get_origin(kind) is list and _has_decimals(get_args(kind)[0]):
            return True
        if isinstance(kind, type) and issubclass(kind, Message) and any(_has_decimals(p.hint) for p in fields_of(kind)):
            return True
    return False
