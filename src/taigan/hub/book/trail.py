"""The trail: each thing that happened to a scan, stored in the transaction that made it happen."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.hub.book.database import insert_row
from taigan.hub.book.tables import steps


class Kind(enum.StrEnum):
    """What a step is."""

    SCANNED = "scanned"
    DUPLICATE = "duplicate"
    CODE_ASKED = "code_asked"  # 5.13 goes out
    CODE_SENT = "code_sent"
    CODE_REFUSED = "code_refused"
    CODE_WRONG = "code_wrong"
    PUSHED = "pushed"  # 5.7 goes out
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    PAID = "paid"  # the driver pays
    SHOWN = "shown"  # the phone's page changes
    UPLOADED = "uploaded"  # 3.1 or 3.2 arrived
    UPLOAD_REFUSED = "upload_refused"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step: who spoke to whom, and what with. `push_id` and `arrival_id` lead to the exact bytes."""

    id: int
    at: datetime
    scan_id: str | None
    lot_id: str
    channel_id: str
    kind: Kind
    speaker: str
    listener: str
    text: str
    push_id: int | None = None
    arrival_id: int | None = None


class Trail:
    """Collects the steps of one transaction; they are told to the open pages when it has committed."""

    def __init__(self, conn: sa.Connection, at: datetime) -> None:
        self._conn = conn
        self.at = at
        self.steps: list[Step] = []

    def add(
        self,
        kind: Kind,
        way: tuple[str, str],
        text: str,
        *,
        lot_id: str,
        channel_id: str,
        scan_id: str | None = None,
        push_id: int | None = None,
        arrival_id: int | None = None,
    ) -> None:
        row: dict[str, Any] = {
            "at": self.at,
            "scan_id": scan_id,
            "lot_id": lot_id,
            "channel_id": channel_id,
            "kind": kind.value,
            "speaker": way[0],
            "listener": way[1],
            "text": text,
            "push_id": push_id,
            "arrival_id": arrival_id,
        }
        step_id = insert_row(self._conn, steps, row)
        self.steps.append(Step(**row | {"id": step_id, "kind": kind}))


def trail_of(conn: sa.Connection, scan_id: str) -> list[Step]:
    """Every step of a scan, oldest first."""
    return _read(conn, sa.select(steps).where(steps.c.scan_id == scan_id).order_by(steps.c.id))


def steps_after(conn: sa.Connection, step_id: int, limit: int) -> list[Step]:
    """The steps after one, of all scans, oldest first."""
    return _read(conn, sa.select(steps).where(steps.c.id > step_id).order_by(steps.c.id).limit(limit))


def _read(conn: sa.Connection, query: sa.Select[tuple[object, ...]]) -> list[Step]:
    return [Step(**{**row, "kind": Kind(row["kind"])}) for row in conn.execute(query).mappings()]
