"""What somebody at the admin's page saw unmasked: shown on request, and kept that it was."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from taigan.hub.admin import lists
from taigan.hub.book import records, tables
from taigan.hub.book.database import insert_row
from taigan.hub.book.trail import Trail
from taigan.hub.drivers.drivers import digest
from taigan.hub.errors import Unknown


def look(conn: sa.Connection, trail: Trail, of: str, row_id: int, session: str) -> list[str]:
    """The texts of one row (`of`: pushes, arrivals, records) as they came. Raises `Unknown`."""
    if of == "pushes":
        push = lists.push_detail(conn, row_id)
        texts = [push.request, push.answer or ""]
    elif of == "arrivals":
        arrival = lists.arrival_detail(conn, row_id)
        texts = [arrival.body, arrival.answer]
    elif of == "records":
        record = records.find_by_id(conn, row_id)
        texts = [msgspec.json.format(record.data or b"null", indent=1).decode("utf-8", "replace")]
    else:
        raise Unknown("kind", "of")
    row = {"at": trail.at, "session": digest(session), "of": of, "row_id": row_id}
    insert_row(conn, tables.looks, row)
    return texts
