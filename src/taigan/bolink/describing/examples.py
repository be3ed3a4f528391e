"""A filled-in message of any kind, from the examples in the document's tables."""

from __future__ import annotations

import enum
import re
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from taigan.bolink.fields import Message, Note
from taigan.bolink.wire.codec import FieldPlan, bare, fields_of, write

T = TypeVar("T")

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_BY_UNIT = {
    "unix seconds": "1490875218",
    "milliseconds": "1584082770000",
    "minutes": "10",
    "yuan": "0.01",
    "yyyy-MM-dd": "2022-07-28",
    "yyyy-MM-dd HH:mm:ss": "2022-07-28 10:20:12",
}
_SUCCESS = "SUCCEEDED"


def example_of(kind: type[T]) -> T:
    """A message with every field filled: with the table's example, a listed value, or something plausible."""
    example: T = _example(kind, Note(""), "")
    return example


def _example(hint: Any, note: Note, name: str) -> Any:
    hint = bare(hint)
    if get_origin(hint) in (Union, UnionType):
        return _example(next(kind for kind in get_args(hint) if kind is not NoneType), note, name)
    if get_origin(hint) is list:
        return [_example(get_args(hint)[0], note, name)]
    if get_origin(hint) is dict:
        return {"order_id": "abc123"}
    if isinstance(hint, type) and issubclass(hint, Message):
        return hint(**{plan.attribute: _field(plan) for plan in fields_of(hint)})
    if hint is str:
        return _text(note, name)
    number = _NUMBER.fullmatch(note.example)
    text = _listed(note, hint) or (number[0] if number else _BY_UNIT.get(note.unit, "1"))
    return Decimal(text) if hint is Decimal else int(Decimal(text))


def _field(plan: FieldPlan) -> Any:
    if plan.name == "service_name":
        return plan.default
    return _example(plan.hint, plan.note, plan.name)


def _text(note: Note, name: str) -> str:
    if note.json_text is not None:
        return write(_example(note.json_text, Note(""), name)).decode()
    if note.unit.startswith("yyyy"):
        return _BY_UNIT[note.unit]
    return _listed(note, str) or note.example or _BY_UNIT.get(note.unit) or name


def _listed(note: Note, kind: Any) -> str:
    """The example when it is a listed value, else the value for success, else the first one."""
    listed = [str(member.value) for values in note.values for member in values]
    if not listed or note.example in listed:
        return note.example if listed else ""
    members: dict[str, enum.Enum] = note.values[0].__members__  # type: ignore[assignment]
    return str(members[_SUCCESS].value) if _SUCCESS in members else listed[0]
