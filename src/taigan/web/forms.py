"""The fields of a form that a device posted."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl


def form_of(content_type: str, body: bytes) -> dict[str, str]:
    """Each field's first value; none for a body that is no form. Files are left out. Text may be UTF-8 or GBK."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=1000)
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    elif kind == "multipart/form-data":
        head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
        fields = [field for part in BytesParser(policy=HTTP).parsebytes(head + body).walk() for field in _field(part)]
    else:
        return {}
    form: dict[str, str] = {}
    for name, value in fields:
        form.setdefault(_text(name), _text(value))
    return form


def _field(part: Message) -> list[tuple[bytes, bytes]]:
    name = part.get_param("name", header="content-disposition")
    if part.is_multipart() or not isinstance(name, str) or part.get_filename() is not None:
        return []
    content = part.get_payload(decode=True)
    return [(name.encode(), content)] if isinstance(content, bytes) else []


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("gb18030", errors="replace")
