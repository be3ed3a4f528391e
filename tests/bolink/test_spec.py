"""The document as data, in `spec`, is the judge: nothing in it may be missing here, and nothing may contradict it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args, get_origin

import msgspec
import pytest

from support.spec import sections
from taigan.bolink import CATALOGUE, AnyInterface, by_section, example_of
from taigan.bolink.fields import Message
from taigan.bolink.wire.codec import FieldPlan, bare, fields_of, kinds_of

RULES = {"revision", "1.1", "1.2", "1.3", "8.1", "8.2"}
"""Sections that are no interfaces."""
WRAPPERS = {"sign", "data"}

Row = dict[str, Any]


SECTIONS = sections()
INTERFACES = [section for section in SECTIONS if section not in RULES]
UNSEEN = [section for section in INTERFACES if SECTIONS[section]["completeness"] == "not_found"]


def test_every_interface_of_the_document_is_in_the_catalogue_once() -> None:
    assert sorted(interface.section for interface in CATALOGUE) == sorted(INTERFACES)
    assert len(CATALOGUE) >= 62


@pytest.mark.parametrize("section", INTERFACES)
def test_direction_verb_address_and_status_are_the_documents(section: str) -> None:
    row, interface = SECTIONS[section], by_section(section)
    verb = row["service_name"] or row.get("sdk_counterpart", {}).get("service_name")
    assert interface.direction == row["direction"]
    assert interface.service_name == verb
    assert interface.completeness == row["completeness"]
    assert interface.title_zh == re.sub(r"^(?:[\d.]+|七、)\s*", "", row["title_zh"])
    assert interface.title == row["title"]
    if row["url_test"] or row["url_prod"]:
        assert (interface.url_test, interface.url_prod) == (row["url_test"], row["url_prod"])
    else:
        assert (interface.url_test, interface.url_prod) == (None, None)


@pytest.mark.parametrize("section", UNSEEN)
def test_what_the_document_only_names_says_so(section: str) -> None:
    interface = by_section(section)
    assert "the document's page is not public" in interface.note
    assert ("own design" in interface.note) is ("sdk_counterpart" not in SECTIONS[section])


@pytest.mark.parametrize("section", INTERFACES)
def test_the_body_has_what_the_document_puts_round_the_message(section: str) -> None:
    row, interface = SECTIONS[section], by_section(section)
    if row["envelope"] is None or "query" in row["envelope"] or "flat" in row["envelope"]:
        return
    text = interface.write(example_of(interface.request))
    body = msgspec.json.decode(interface.body(text, "KEY", 200002, platform_name="shanghai", timestamp=1645690842))
    documented = {field["name"] for field in row["request"]} if _is_wrapped(row) else {"data", "sign"}
    assert set(body) == documented | {"data", "sign"}


@pytest.mark.parametrize("section", INTERFACES)
def test_every_request_field_is_there_as_documented(section: str) -> None:
    rows = _request_rows(SECTIONS[section])
    kind = kinds_of(by_section(section).request)[0]
    kind = get_args(kind)[0] if get_origin(kind) is list else kind
    assert not list(_contradictions(rows, kind, section, exact=bool(rows)))


@pytest.mark.parametrize("section", INTERFACES)
def test_every_answer_field_is_there_as_documented(section: str) -> None:
    documented = SECTIONS["8.2" if section.startswith("8.") else section]
    rows = _merged(documented.get("sdk_counterpart", documented)["response"])
    answer = by_section(section).answer
    if answer is None:
        assert not rows
        return
    assert not list(_contradictions(rows, answer, section, exact=True))


@pytest.mark.parametrize("interface", CATALOGUE, ids=lambda interface: interface.section)
def test_every_interface_says_whether_it_may_be_repeated_and_why(interface: AnyInterface) -> None:
    assert interface.repeat.why


def _is_wrapped(row: Row) -> bool:
    return any(field["name"] in WRAPPERS for field in row["request"])


def _request_rows(row: Row) -> list[Row]:
    rows = row.get("sdk_counterpart", row)["request"]
    inside = [field["fields"] for field in rows if field["name"] == "data" and field.get("fields")]
    return _merged(inside[0] if inside else rows)


def _merged(rows: list[Row]) -> list[Row]:
    """Rows of the same name, one per variant, as one row; what only one variant has cannot be required."""
    merged: list[Row] = []
    for name in dict.fromkeys(row["name"] for row in rows):
        variants = [row for row in rows if row["name"] == name]
        nested = [field for row in variants for field in row.get("fields", [])]
        times = Counter(field["name"] for field in nested)
        fields = [field | ({} if times[field["name"]] == len(variants) else {"required": None}) for field in nested]
        merged.append(variants[0] | {"fields": fields})
    return merged


def _contradictions(rows: list[Row], kind: type[Message], path: str, *, exact: bool) -> Iterator[str]:
    plans = {plan.name: plan for plan in fields_of(kind)}
    for row in rows:
        where = f"{path}.{row['name']}"
        plan = plans.get(row["name"])
        if plan is None:
            yield f"{where} is missing"
            continue
        if not _type_fits(row, plan):
            yield f"{where} is {plan.hint}, documented as {row['type']}"
        yield from _required_mark(row, plan, where)
        yield from _values(row, plan, where)
        if row.get("max_length") != plan.note.max_length and plan.name != "service_name":
            yield f"{where} is not of the documented length {row.get('max_length')}"
        if row.get("confirmed") is False and plan.note.confirmed and plan.name != "service_name":
            yield f"{where} does not say that it is unconfirmed"
        if row.get("fields"):
            yield from _contradictions(row["fields"], _nested(plan), where, exact=True)
    if exact:
        for name in plans.keys() - {row["name"] for row in rows}:
            if plans[name].note.confirmed and not plans[name].note.own_design:
                yield f"{path}.{name} is not in the document"


def _nested(plan: FieldPlan) -> Any:
    hint = plan.note.json_text if plan.note.json_text is not None else kinds_of(plan.hint)[0]
    return bare(get_args(hint)[0]) if get_origin(hint) is list else hint


def _type_fits(row: Row, plan: FieldPlan) -> bool:
    documented = (row["type"] or "").lower()
    kind = kinds_of(plan.hint)[0]
    structured = get_origin(kind) in (list, dict) or (isinstance(kind, type) and issubclass(kind, Message))
    if not documented:
        return True
    if documented.startswith("string"):
        return kind is str
    if documented.startswith("number (unix timestamp"):
        return kind is int
    if documented.startswith(("long", "integer")):
        return kind is int
    if documented.startswith("number"):
        return kind in (int, Decimal)
    if documented in ("float", "double"):
        return kind is Decimal
    if documented in ("list", "array", "json array", "jsonarray", "json (array)"):
        return get_origin(kind) is list
    return documented.startswith(("json", "object")) and structured


def _required_mark(row: Row, plan: FieldPlan, where: str) -> Iterator[str]:
    required, needed = row.get("required"), plan.note.needed
    if plan.name == "service_name":
        return
    if row.get("confirmed") is False and plan.required:
        yield f"{where} is unconfirmed and must be optional on reading"
    if required is True and not plan.required and needed is not True:
        yield f"{where} is required"
    if required is not True and plan.required and "required" in row:
        yield f"{where} is not required: {required}"
    if isinstance(required, str) and not needed:
        yield f"{where} does not say when it is required: {required}"
    if required is False and needed:
        yield f"{where} is not required, whatever {needed}"


def _values(row: Row, plan: FieldPlan, where: str) -> Iterator[str]:
    lists = [set(map(str, values)) for values in _value_lists(row.get("values") or {})]
    ours = [{str(member.value) for member in values} for values in plan.note.values]
    for documented in lists:
        seen_whole = row["type"] is not None
        if not any(documented == each if seen_whole else documented <= each for each in ours):
            yield f"{where} has the values {sorted(documented)}"


def _value_lists(values: dict[Any, Any]) -> list[dict[Any, Any]]:
    if values and all(isinstance(value, dict) for value in values.values()):
        return list(values.values())
    return [values] if values else []
