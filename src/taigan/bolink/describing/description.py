"""An interface described for people: what the docs pages and `taigan interfaces` are made from."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args, get_origin

import msgspec

from taigan.bolink.describing import chinese
from taigan.bolink.describing.interface import AnyInterface, Direction, Wrapping
from taigan.bolink.fields import Condition, Message, Note
from taigan.bolink.wire.codec import FieldPlan, fields_of, kinds_of

_FIXED = "interface name, fixed"
_TYPES = {str: "String", int: "Number", Decimal: "Double"}


class Value(msgspec.Struct, frozen=True):
    """One listed value of a field."""

    value: str
    meaning: str
    meaning_zh: str


class Field(msgspec.Struct, frozen=True):
    """One field as a person reads it."""

    name: str
    """The wire name; nested fields with the path to them, as `data.state`, items of a list as `list[].vipId`."""
    attribute: str
    """What it is called in Python."""
    type: str
    required: bool
    condition: str
    """When it is required, in words; empty when always or never."""
    condition_zh: str
    meaning: str
    meaning_zh: str
    unit: str
    example: str
    values: tuple[Value, ...]
    max_length: int | None
    variant: str
    """Which value of another field it belongs to."""
    confirmed: bool
    own_design: bool


class Row(msgspec.Struct, frozen=True):
    """One line of the table of interfaces."""

    section: str
    title: str
    title_zh: str
    service_name: str | None
    direction: str
    path: str
    completeness: str
    lot: str
    """`handled`, `unhandled`, or `–` for what a lot never receives."""
    hub: str
    method: str
    where: str
    """What in the lot platform calls it or handles it; empty where nothing does."""
    when: str
    when_zh: str
    note: str


def row(
    interface: AnyInterface,
    *,
    handled: frozenset[str],
    at_hub: frozenset[str],
    where: str = "",
    when: str = "",
    when_zh: str = "",
) -> Row:
    """The line of one interface; `handled` and `at_hub` are the sections that the lot and the hub serve. `where` and
    `when` say what in the lot platform uses it, and at which moment."""
    down = interface.direction is Direction.DOWNLINK
    return Row(
        section=interface.section,
        title=interface.title,
        title_zh=interface.title_zh,
        service_name=interface.service_name,
        direction=interface.direction,
        path=interface.path,
        completeness=interface.completeness,
        lot=("handled" if interface.section in handled else "unhandled") if down else "–",
        hub="yes" if interface.section in at_hub else "no",
        method=interface.method,
        where=where,
        when=when,
        when_zh=when_zh,
        note=interface.note,
    )


def envelope_of(interface: AnyInterface) -> str:
    """What stands round the message, as a person writes it down."""
    return {
        Wrapping.INSIDE: '{"data": {…}, "sign": "…"}',
        Wrapping.BESIDE: '{"union_id": …, "sign": "…", "data": {…}}',
        Wrapping.ANNOUNCED: '{"union_id": …, "service_name": "…", "sign": "…", "data": […]}',
        Wrapping.PLATFORM: '{"platform_name": "…", "union_id": …, "timestamp": …, "sign": "…", "data": {…}}',
        Wrapping.FLAT: "{…}",
        Wrapping.QUERY: "?…",
    }[interface.wrapping]


def request_fields(interface: AnyInterface) -> list[Field]:
    """The fields of the request, nested ones after the field that holds them."""
    return list(_described(interface.request, ""))


def answer_fields(interface: AnyInterface) -> list[Field]:
    """The fields of the answer; none where it is no JSON."""
    return [] if interface.answer is None else list(_described(interface.answer, ""))


def _described(hint: Any, path: str) -> Iterator[Field]:
    for kind in kinds_of(hint):
        if get_origin(kind) is list:
            yield from _described(get_args(kind)[0], f"{path}[]" if path else path)
        elif isinstance(kind, type) and issubclass(kind, Message):
            for plan in fields_of(kind):
                name = f"{path}.{plan.name}" if path else plan.name
                yield _field(plan, name)
                yield from _described(plan.hint if plan.note.json_text is None else plan.note.json_text, name)


def _field(plan: FieldPlan, name: str) -> Field:
    note = plan.note
    needed = note.needed
    conditional = isinstance(needed, Condition | str)
    meaning = note.meaning or _FIXED
    return Field(
        name=name,
        attribute=plan.attribute,
        type=_type(plan.hint),
        required=plan.required or needed is True or bool(plan.default),
        condition=str(needed) if conditional else "",
        condition_zh=_condition_zh(needed) if conditional else "",
        meaning=meaning,
        meaning_zh=chinese.NOTES.get(meaning, meaning),
        unit=note.unit,
        example=note.example or str(plan.default or ""),
        values=tuple(_values(note)),
        max_length=note.max_length,
        variant=note.variant,
        confirmed=note.confirmed,
        own_design=note.own_design,
    )


def _type(hint: Any) -> str:
    names = []
    for kind in kinds_of(hint):
        if get_origin(kind) is list:
            names.append(f"Array of {_type(get_args(kind)[0])}")
        else:
            names.append(_TYPES.get(kind, "Object"))
    return " or ".join(names)


def _values(note: Note) -> Iterator[Value]:
    for listed in note.values:
        for member in listed:
            own = chinese.VALUES.get(f"{listed.__name__}.{member.name}")
            yield Value(
                str(member.value),
                member.name.lower().replace("_", " "),
                own or chinese.VALUES.get(member.name, member.name),
            )


def _condition_zh(needed: bool | Condition | str) -> str:
    if not isinstance(needed, Condition):
        return chinese.NOTES.get(str(needed), str(needed))
    if not needed.values:
        return f"未传 {'、'.join(needed.fields)} 时"
    values = " 或 ".join(map(str, needed.values))
    return f"{needed.fields[0]} {'不为' if needed.negated else '为'} {values} 时"
