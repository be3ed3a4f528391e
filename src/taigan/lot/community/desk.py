"""Carries a community's reports to the platform it is reported to (chapter 8), in 8.2's envelope.

8.3 to 8.6, 8.8 and 8.9 have no public page: how they are used here is our own design, as their messages are. A session
(8.3) is opened before a community is reported; no later message carries it, for 8.2's envelope has no place for it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
import structlog

from taigan.bolink import BolinkClient, BolinkError, Refused
from taigan.bolink.chapters import community as wire
from taigan.bolink.chapters.people import Person
from taigan.bolink.errors import NeverSent
from taigan.bolink.values import PassWay
from taigan.clock import Clock
from taigan.lot.community.acts import KINDS, DropDevice, Passed, PutDevice, ReportCommunity, SendAgain, SetCommunity
from taigan.lot.errors import BadValue, BolinkSaysNo, Conflict
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.people.by import By
from taigan.storage.database import Database
from taigan.storage.locked import community as kept
from taigan.storage.locked.community import AccessDevice, Community, Passage, Report
from taigan.storage.locked.vehicles import NumberedPerson
from taigan.storage.rows import Lot

log = structlog.get_logger("taigan.community")
AT_ONCE = 100
"""So many passages are reported in one look, at most."""
SENT_WITHIN = timedelta(minutes=2)
"""A passage that is on its way for longer went down with its process: nobody knows what became of it."""
WRITTEN = "%Y-%m-%d %H:%M:%S"
_URL = re.compile(r"https?://[^\s]{1,500}")
WAYS = {"face": PassWay.FACE, "card": PassWay.CARD}


class Compared(msgspec.Struct, frozen=True):
    """How many passages of a day the platform took and refused (8.8), beside what the lot has of it."""

    taken: int
    refused: int
    done_here: int
    refused_here: int
    open_here: int


class Overview(msgspec.Struct, frozen=True):
    """A community as a person sees it."""

    community: Community | None
    devices: list[AccessDevice]
    people: list[NumberedPerson]
    reports: dict[tuple[str, str], Report]


class CommunityDesk:
    """One per process."""

    def __init__(
        self, database: Database, desk: LeavingDesk, client_of: Callable[[str], BolinkClient], clock: Clock
    ) -> None:
        self._database = database
        self._desk = desk
        self._client_of = client_of
        self._clock = clock

    async def overview(self, lot: Lot) -> Overview:
        """The lot's community, its devices and people, and what was reported. Raises StorageError."""

        def read(conn: sa.Connection) -> Overview:
            found = kept.community(conn, lot.lot_id)
            listed = kept.people(conn, lot.union_id) if found is not None else []
            inside = [one for one in listed if found is not None and _data(one).project_id == found.project_code]
            return Overview(found, kept.devices(conn, lot.lot_id), inside, kept.reports(conn, lot.lot_id))

        return await self._database.read(read)

    async def set_up(
        self,
        lot_id: str,
        by: By,
        *,
        project_code: int,
        name: str,
        platform: str,
        address: str = "",
        longitude: str = "",
        latitude: str = "",
    ) -> Community:
        """Say which community the lot belongs to. Raises UnknownLot, StorageError."""
        return await self._desk.do(
            SetCommunity(
                lot_id=lot_id,
                project_code=project_code,
                name=name,
                platform=platform,
                address=address,
                longitude=longitude,
                latitude=latitude,
                by=by,
            )
        )

    async def put_device(
        self, lot_id: str, equipment_code: str, by: By, *, name: str, gate_name: str, aisle_name: str
    ) -> AccessDevice:
        """Raises Conflict, StorageError."""
        return await self._desk.do(
            PutDevice(
                lot_id=lot_id,
                equipment_code=equipment_code,
                name=name,
                gate_name=gate_name,
                aisle_name=aisle_name,
                by=by,
            )
        )

    async def drop_device(self, lot_id: str, equipment_code: str, by: By) -> None:
        """Raises UnknownOrder, StorageError."""
        await self._desk.do(DropDevice(lot_id=lot_id, equipment_code=equipment_code, by=by))

    async def passed(self, passage: Passed) -> Passage:
        """A device reports that somebody passed. Raises Conflict, BadValue, StorageError."""
        return await self._desk.do(passage)

    async def send_again(self, lot_id: str, passage_id: str, by: By) -> Passage:
        """Raises UnknownOrder, Conflict, StorageError."""
        return await self._desk.do(SendAgain(lot_id=lot_id, passage_id=passage_id, by=by))

    async def report(self, lot: Lot, by: By) -> dict[str, int]:
        """Report the community, its devices and its people's faces (8.3 to 8.6, 8.9); how many of each end came of it.

        What was reported replaces what was reported before. Raises Conflict, BadValue, BolinkSaysNo, StorageError.
        """
        seen = await self.overview(lot)
        area = seen.community
        if area is None:
            raise Conflict("the lot has no community yet: set it up first")
        client = self._client_of(lot.lot_id)
        now = self._here(lot, self._clock.now())
        try:
            await client.log_in(wire.Login(user_name=lot.union_id, time=now), platform_name=area.platform)
            offered = await client.query_platforms(wire.QueryPlatforms(), platform_name=area.platform)
        except BolinkError as error:
            raise BolinkSaysNo(str(error)) from None
        await self._desk.do(ReportCommunity(lot_id=lot.lot_id, by=by))
        names = offered.verdict().platforms or []
        if area.platform not in names:
            raise BadValue(f"nothing can be reported to {area.platform}; there is {', '.join(names)}", "platform")
        counts: dict[str, int] = {}

        async def one(kind: str, code: str, call: Awaitable[object]) -> None:
            state, said = await _outcome(call)
            counts[state] = counts.get(state, 0) + 1
            report = Report(lot.lot_id, kind, code, state, said, self._clock.now())
            await self._database.write(lambda conn: kept.keep_report(conn, report))

        told = wire.Community(
            project_code=area.project_code,
            community_name=area.name,
            address=area.address or None,
            longitude=area.longitude or None,
            latitude=area.latitude or None,
            telephone=None,
        )
        code = str(area.project_code)
        await one("community", code, client.report_community(told, platform_name=area.platform))
        for device in seen.devices:
            stands = wire.Device(
                equipment_code=device.equipment_code,
                equipment_name=device.name or None,
                project_code=area.project_code,
                community_name=area.name,
                gate_name=device.gate_name or None,
                aisle_name=device.aisle_name or None,
            )
            await one("device", device.equipment_code, client.report_device(stands, platform_name=area.platform))
        for resident in seen.people:
            person = _data(resident)
            if not _URL.fullmatch(person.face_photo or ""):
                continue
            face = wire.Face(
                user_code=str(resident.person_id),
                name=person.user_name,
                user_type=KINDS[person.user_type].value if person.user_type in KINDS else None,
                project_code=area.project_code,
                face_img=person.face_photo or "",
            )
            await one("face", face.user_code, client.report_face(face, platform_name=area.platform))
        return counts

    async def look(self, lot: Lot) -> None:
        """Report the passages that are still to be reported, oldest first (8.7). Raises StorageError."""
        area = await self._database.read(lambda conn: kept.community(conn, lot.lot_id))
        if area is None:
            return
        taken, devices = await self._database.write(lambda conn: self._take(conn, lot.lot_id))
        for number, one in enumerate(taken):
            client = self._client_of(lot.lot_id)
            device = devices.get(one.equipment_code)
            record = wire.PersonRecord(
                name=one.name or None,
                time=self._here(lot, one.at),
                pass_type=one.direction,
                user_type=one.user_type or None,
                user_code=one.user_code or None,
                project_code=area.project_code,
                gate_name=device.gate_name or None if device is not None else None,
                aisle_name=device.aisle_name or None if device is not None else None,
                community_name=area.name,
                longitude=area.longitude or None,
                latitude=area.latitude or None,
                equipment_code=one.equipment_code,
                pass_way=WAYS[one.way].value,
                match_result=one.score or None,
            )
            one.state, one.said = await _outcome(client.report_person(record, platform_name=area.platform))
            one.changed_at = self._clock.now()
            ended = [one]
            if one.state == "pending":  # nobody there: those behind it wait as well
                ended = taken[number:]
                for waiting in ended:
                    waiting.state, waiting.said = "pending", one.said
            await self._database.write(lambda conn, ended=ended: kept.change_passages(conn, ended))  # type: ignore[misc]
            if one.state == "pending":
                return

    def _take(self, conn: sa.Connection, lot_id: str) -> tuple[list[Passage], dict[str, AccessDevice]]:
        """Those to be reported now are on their way; one whose process died is unclear, never sent again by itself."""
        now = self._clock.now()
        found = kept.open_passages(conn, lot_id, AT_ONCE)
        lost = [one for one in found if one.state == "sending" and one.changed_at < now - SENT_WITHIN]
        taken = [one for one in found if one.state == "pending"]
        for one in lost:
            one.state, one.said, one.changed_at = "unclear", "no answer was written down", now
        for one in taken:
            one.state, one.changed_at = "sending", now
        kept.change_passages(conn, [*lost, *taken])
        devices = {one.equipment_code: one for one in kept.devices(conn, lot_id)}
        return taken, devices

    async def compare(self, lot: Lot, day: date) -> Compared:
        """How many passages of a day the platform has (8.8), beside ours.

        Raises BadValue, Conflict, BolinkSaysNo, StorageError.
        """
        if not 2000 <= day.year <= 2100:
            raise BadValue("day is from 2000 to 2100", "day")
        zone = ZoneInfo(lot.time_zone)
        begin = datetime(day.year, day.month, day.day, tzinfo=zone)
        end = begin + timedelta(days=1)
        area = await self._database.read(lambda conn: kept.community(conn, lot.lot_id))
        if area is None:
            raise Conflict("the lot has no community yet: set it up first")
        asked = wire.QueryReports(
            kind="person", start_time=f"{begin:{WRITTEN}}", end_time=f"{end - timedelta(seconds=1):{WRITTEN}}"
        )
        try:
            said = await self._client_of(lot.lot_id).query_reports(asked, platform_name=area.platform)
            verdict = said.verdict()
        except BolinkError as error:
            raise BolinkSaysNo(str(error)) from None
        ours = await self._database.read(lambda conn: kept.counted(conn, lot.lot_id, begin, end))
        open_here = sum(ours.get(state, 0) for state in ("pending", "sending", "unclear"))
        return Compared(
            verdict.taken or 0, verdict.refused or 0, ours.get("done", 0), ours.get("refused", 0), open_here
        )

    def _here(self, lot: Lot, at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo(lot.time_zone)):{WRITTEN}}"


async def _outcome(call: Awaitable[object]) -> tuple[str, str]:
    """What a report came to, and what was said. `pending`: nobody was there to take it."""
    try:
        await call
    except Refused as error:
        return "refused", error.text[:200]
    except NeverSent as error:
        return "pending", str(error)[:200]
    except BolinkError as error:
        return "unclear", str(error)[:200]
    return "done", ""


def _data(resident: NumberedPerson) -> Person:
    return msgspec.json.decode(resident.person, type=Person)
