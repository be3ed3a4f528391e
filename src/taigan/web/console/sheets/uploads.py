"""A form of the console that carries a file."""

from __future__ import annotations

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

MOST_PARTS = 20
LONGEST_FIELD = 2 * 1024 * 1024


def is_upload(content_type: str) -> bool:
    """Whether a form says that it carries a file."""
    kind: str = parse_options_header(content_type)[0]
    return kind == "multipart/form-data"


def read_upload(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    """The fields of a form, and its files by their field. Raises ValueError for what is no such form."""
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    part: MultipartSegment | None = None
    pieces: list[bytes] = []
    parser = PushMultipartParser(
        parse_options_header(content_type)[1].get("boundary", ""),
        max_segment_count=MOST_PARTS,
        max_segment_size=LONGEST_FIELD,
    )
    try:
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                part, pieces = event, []
            elif event is not None:
                pieces.append(bytes(event))
            elif part is not None and part.filename is not None:
                files[part.name] = b"".join(pieces)
            elif part is not None:
                fields[part.name] = b"".join(pieces).decode()
    except MultipartError as error:
        raise ValueError(f"the form cannot be read: {error}") from None
    return fields, files
