"""What is wrong with a setting, in one sentence that names the key."""

from __future__ import annotations

import difflib
import re
from typing import Any

import msgspec

from taigan.settings.model import Lane, Lot, Settings, Vendor, described, sections


class WrongSettings(Exception):
    """The configuration cannot be used; the text names the key and says what is wrong, in one sentence."""


_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
    "null": "empty",
    "int | str": "a number or text",
    "str | int": "a number or text",
}


def sentence_of(error: msgspec.ValidationError, raw: Any, origin: str) -> str:
    """What the file at `origin` has wrong, as msgspec found it in `raw`."""
    found = _AT.match(str(error))
    assert found is not None
    what, where = found["what"], (found["where"] or "").replace("[...]", "")
    if unknown := _UNKNOWN.fullmatch(what):
        key = ".".join(filter(None, (where, unknown[1])))
        near = difflib.get_close_matches(unknown[1], _kind_at(where).__struct_fields__, n=1, cutoff=0.6)
        return f"{origin}: {key} is not a setting{did_you_mean(near)}"
    if missing := _MISSING.fullmatch(what):
        return f"{origin}: {'.'.join(filter(None, (where, missing[1])))} is missing"
    above, _, key = where.rpartition(".")
    complaint = complaint_about(what, _kind_at(above), key)
    return f"{origin}: {where or 'the file'} {complaint}{given(key, _value_at(raw, where))}"


def complaint_about(what: str, kind: type[msgspec.Struct], key: str) -> str:
    """What the value of `key` would have to be."""
    what = what.split(" - at ")[0]
    if found := re.fullmatch(r"Expected `(.+?)`, got `(.+?)`", what):
        wanted = found[1].removesuffix(" | null")
        return f"must be {_KINDS.get(wanted, wanted)}, not {_KINDS.get(found[2], found[2])}"
    if found := re.fullmatch(r"Expected `\w+` (<=|<|>=|>) (.+)", what):
        words = {"<=": "at most", "<": "below", ">=": "at least", ">": "above"}
        return f"must be {words[found[1]]} {float(found[2]):g}"
    if found := re.fullmatch(r"Expected `\w+` of length (<=|>=) (\d+)", what):
        return f"must have {'at most' if found[1] == '<=' else 'at least'} {found[2]} characters"
    if re.fullmatch(r"Expected `str` matching regex .*|Invalid (enum )?value .*", what):
        meant = next((sentence for field, sentence in described(kind) if field.name == key), "")
        return "is not one of its values" if not meant else f"is not one of its values: {meant.rstrip('.')}"
    return f"is wrong: {what}"


def given(key: str, value: Any) -> str:
    """The value that is there, unless it is none to be shown."""
    if value is None or isinstance(value, (dict, list)) or re.search(r"key|token|database_url|secret", key):
        return ""
    return f" (it is {value!r})"


def did_you_mean(near: list[str]) -> str:
    """The name that was meant, perhaps."""
    return f"; did you mean {near[0]}?" if near else ""


def _kind_at(where: str) -> type[msgspec.Struct]:
    kind: type[msgspec.Struct] = Settings
    inner: dict[str, type[msgspec.Struct]] = {**sections(), "vendors": Vendor, "lots": Lot}
    for step in filter(None, re.sub(r"\[.*?\]", "", where).split(".")):
        kind = Lane if (kind, step) == (Lot, "lanes") else inner[step]
    return kind


def _value_at(raw: Any, where: str) -> Any:
    for step in re.findall(r"[^.\[\]]+", where):
        try:
            raw = raw[int(step)] if isinstance(raw, list) else raw[step]
        except (KeyError, ValueError, IndexError, TypeError):
            return None
    return raw
