"""Messages of any kind with every field filled, for property-based tests."""

from __future__ import annotations

from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from hypothesis import strategies as st

from taigan.bolink.fields import CLIENTS_OWN, Message, Note
from taigan.bolink.wire.codec import bare, fields_of, write

# Surrogates cannot be sent and a NUL is refused; blanks at the edges are taken off by a lenient reader.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda text: text == text.strip()
)
wholes = st.integers(-(2**63), 2**63 - 1)
vendors = wholes.filter(lambda number: number != CLIENTS_OWN)
amounts = st.decimals("-999999.99", "999999.99", places=2, allow_nan=False, allow_infinity=False)


def messages(kind: Any) -> st.SearchStrategy[Any]:
    """A message, or a list of messages, in which every field has a value."""
    return _values(kind, Note(""))


def _values(hint: Any, note: Note) -> st.SearchStrategy[Any]:
    hint = bare(hint)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*(_values(kind, note) for kind in get_args(hint) if kind is not NoneType))
    if get_origin(hint) is list:
        return st.lists(_values(get_args(hint)[0], Note("")), min_size=1, max_size=3)
    if get_origin(hint) is dict:
        return st.dictionaries(texts, st.one_of(texts, wholes, st.none(), amounts), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Message):
        return st.builds(
            hint,
            **{
                plan.attribute: vendors
                if plan.attribute == "union_id" and bare(plan.hint) is int
                else _values(plan.hint, plan.note)
                for plan in fields_of(hint)
                if not (plan.name == "service_name" and plan.default)
            },
        )
    if hint is str and note.json_text is not None:
        return _values(note.json_text, Note("")).map(lambda held: write(held).decode())
    listed = [member.value for values in note.values for member in values]
    return {str: texts, int: wholes, Decimal: amounts}[hint] | (
        st.sampled_from([hint(value) for value in listed]) if listed else st.nothing()
    )
