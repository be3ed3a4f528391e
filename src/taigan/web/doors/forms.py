"""The fields of a form that a device posted."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

MOST_FIELDS = 100
LONGEST_FIELD = 4096


class BadForm(ValueError):
    """The body is not the form that it says it is, or is larger than any device's."""


def form_of(content_type: str, body: bytes) -> dict[str, str]:
    """Each field's first value; none for a body that is no form. Files, and values as long as pictures, are left out.

    Text may be UTF-8 or GBK. Raises `BadForm`.
    """
    kind, options = parse_options_header(content_type)
    if kind == "application/x-www-form-urlencoded":
        return _of_pairs(body)
    if kind == "multipart/form-data":
        try:
            return _of_parts(options.get("boundary", ""), body)
        except (MultipartError, UnicodeError) as error:
            raise BadForm(f"the form cannot be read: {error}") from None
    return {}


def field_of(content_type: str, body: bytes, name: str) -> bytes:
    """What stands in one field of a form, however long, file or not; empty where there is none. Raises `BadForm`."""
    kind, options = parse_options_header(content_type)
    if kind == "application/x-www-form-urlencoded":
        start = f"{name}=".encode()
        found = next((pair[len(start) :] for pair in body.split(b"&", MOST_FIELDS) if pair.startswith(start)), b"")
        return unquote_to_bytes(found) if b"%" in found[:LONGEST_FIELD] else found
    if kind != "multipart/form-data":
        return b""
    value, wanted = bytearray(), False
    try:
        parser = PushMultipartParser(
            options.get("boundary", ""), max_segment_count=MOST_FIELDS, header_charset="latin-1"
        )
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                wanted = event.name == name and not value
            elif event is not None and wanted:
                value += event
    except (MultipartError, UnicodeError) as error:
        raise BadForm(f"the form cannot be read: {error}") from None
    return bytes(value)


def _of_pairs(body: bytes) -> dict[str, str]:
    pairs = body.split(b"&", MOST_FIELDS)
    if len(pairs) > MOST_FIELDS:
        raise BadForm(f"a form has at most {MOST_FIELDS} fields")
    form: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        if name and len(name) <= LONGEST_FIELD and len(value) <= LONGEST_FIELD:
            form.setdefault(_unquoted(name), _unquoted(value))
    return form


def _of_parts(boundary: str, body: bytes) -> dict[str, str]:
    form: dict[str, str] = {}
    field: MultipartSegment | None = None
    value = b""
    parser = PushMultipartParser(boundary, max_segment_count=MOST_FIELDS, header_charset="latin-1")
    for event in parser.parse(body):  # to its end or not: what is whole counts
        if isinstance(event, MultipartSegment):
            field, value = event, b""
        elif event is not None:
            value += event[: LONGEST_FIELD + 1 - len(value)]
        elif field is not None and field.name and field.filename is None and len(value) <= LONGEST_FIELD:
            form.setdefault(_text(field.name.encode("latin-1", "replace")), _text(value))
    return form


def _unquoted(value: bytes) -> str:
    return _text(unquote_to_bytes(value.replace(b"+", b" ")))


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("gb18030", errors="replace")
