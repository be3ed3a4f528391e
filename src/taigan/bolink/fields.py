"""How a field of the document is described, and the base of every message.

A message is a struct whose annotations are the documented types: `str` for String, `Whole` for Number, Long and
Integer, `Decimal` for amounts that are numbers, a struct for a nested object. What the document says about a field
beyond its type stands beside it as a `Note`.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, dataclass_transform

import msgspec

Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number that any database can keep."""


CLIENTS_OWN = 0
"""A `union_id` that is not given: `BolinkClient` puts its own there. It is never written."""


class Condition(msgspec.Struct, frozen=True):
    """When a field is required, in terms of the wire names and values of its neighbours."""

    fields: tuple[str, ...]
    values: tuple[int | str, ...] = ()
    negated: bool = False

    def met(self, given: dict[str, object]) -> bool:
        """Is it so, in a message with these members?"""
        if not self.values:
            return all(given.get(field) is None for field in self.fields)
        return (given.get(self.fields[0]) in self.values) is not self.negated

    def __str__(self) -> str:
        if not self.values:
            return f"when {' and '.join(self.fields)} {'is' if len(self.fields) == 1 else 'are'} not sent"
        values = " or ".join(str(value) for value in self.values)
        return f"when {self.fields[0]} is {'not ' if self.negated else ''}{values}"


def when(field: str, *values: int | str) -> Condition:
    """Required when that field has one of these values."""
    return Condition((field,), values)


def unless(field: str, *values: int | str) -> Condition:
    """Required when that field has none of these values, or is not there."""
    return Condition((field,), values, negated=True)


def lacking(*fields: str) -> Condition:
    """Required when none of those fields is there."""
    return Condition(fields)


class Note(msgspec.Struct, frozen=True):
    """What the document says about one field.

    `needed` is True when it must be sent although reading does without it: because the page itself was not seen, or
    because its own example lacks the field. It is a `Condition` that is checked on writing, or the document's condition
    in words.
    """

    meaning: str
    example: str = ""
    unit: str = ""
    values: tuple[type[enum.Enum], ...] = ()
    needed: bool | Condition | str = False
    variant: str = ""
    max_length: int | None = None
    also: tuple[str, ...] = ()
    """Other spellings that the document's examples use."""
    confirmed: bool = True
    """False when the field was read on a sister page, not on the interface's own."""
    own_design: bool = False
    json_text: Any = None
    """Text that holds JSON of this type. On reading, the bare object or array is taken too, as its text."""


class _Kind(msgspec.StructMeta):
    """Messages are frozen and made by name, and hold nothing that could hold them."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> _Kind:
        return super().__new__(cls, name, bases, namespace, **({"kw_only": True, "frozen": True, "gc": False} | config))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(msgspec.field,))
class Message(msgspec.Struct, metaclass=_Kind, frozen=True, omit_defaults=True):
    """Anything that stands in a body. Unset optional fields are not written."""


def fixed(value: str) -> str:
    """The one documented value of a field: written always, never missed on reading."""
    return msgspec.field(default_factory=lambda: value)
