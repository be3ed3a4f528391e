"""A lot's residential area: its devices and people, who passed its gates, and what the platform has of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import JSONBody, QueryParameter

from taigan.lot.community.acts import Passed
from taigan.lot.community.desk import Overview
from taigan.rights import Right
from taigan.storage.locked import community as kept
from taigan.storage.rows import Lot
from taigan.web.api.common import ACTS, ASKS, BY_TIME, COMMANDS, READS, Here, Id, Who, by_of
from taigan.web.shown import resources as r
from taigan.web.shown.office import Office, known_lot
from taigan.web.shown.paging import Cursor, Limit, Page

Text = Annotated[str, msgspec.Meta(max_length=100, pattern=r.NO_NUL)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r.NO_NUL)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
Degrees = Annotated[str, msgspec.Meta(max_length=20, pattern=r"^(-?[0-9]{1,3}(\.[0-9]{1,12})?)?$")]
Day = Annotated[date, QueryParameter(name="day")]


class CommunitySet(r.Act, kw_only=True):
    """The area around the lot. `project_code` is its number at BoLink, `platform` what it is reported to."""

    project_code: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    name: Name
    platform: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
    address: Text = ""
    longitude: Degrees = ""
    latitude: Degrees = ""


class DeviceSet(r.Act, kw_only=True):
    """A device at a gate."""

    name: Name
    gate_name: Text = ""
    aisle_name: Text = ""


class NewPassage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A person passed a gate. `passage_id` is the device's own name of it, the same when it is sent again. `at`: unix
    seconds, where the device kept it back. `user_code`: the person, empty for a visitor."""

    passage_id: Code
    equipment_code: Code
    direction: Literal["in", "out"]
    way: Literal["face", "card"] = "face"
    user_code: Annotated[str, msgspec.Meta(max_length=32, pattern=r.NO_NUL)] = ""
    score: Annotated[str, msgspec.Meta(max_length=6)] = ""
    at: Annotated[int, msgspec.Meta(ge=0, le=2**40)] | None = None


class DeviceView(msgspec.Struct):
    """A device at a gate, and what became of its report; empty: not reported yet."""

    equipment_code: str
    name: str
    gate_name: str
    aisle_name: str
    reported: str
    said: str


class ResidentView(msgspec.Struct):
    """A person of the community (9.1), without phone and identity card, and what became of the face's report (8.6)."""

    user_code: str
    name: str
    kind: str
    home: str
    photo: bool
    reported: str
    said: str


class CommunityView(msgspec.Struct):
    """The area as it is set up; `project_code` 0: not yet."""

    project_code: int
    name: str
    platform: str
    address: str
    longitude: str
    latitude: str
    reported: str
    devices: list[DeviceView]
    people: list[ResidentView]


class PassageView(msgspec.Struct):
    """A passage, and whether the platform has it (8.7): pending, sending, done, refused or unclear."""

    passage_id: str
    equipment_code: str
    at: datetime
    direction: str
    way: str
    user_code: str
    name: str
    score: str
    state: str
    said: str


class Reported(msgspec.Struct):
    """How many reports came to each end."""

    done: int = 0
    refused: int = 0
    unclear: int = 0
    pending: int = 0


class ComparedView(msgspec.Struct):
    """A day's passages at the platform (8.8), and here."""

    taken: int
    refused: int
    done_here: int
    refused_here: int
    open_here: int


class Communities(Controller):
    """The residential area around a lot (chapter 8)."""

    tags = ("community",)
    path = "/lots/{lot_id:str}"

    @get("/community", responses=READS, right=Right.RESIDENT_SEE)
    async def get_community(self, office: Here, lot_id: Id) -> CommunityView:
        """The area, its devices and people, and what became of their reports."""
        return shown_community(await office.community.overview(await lot_of(office, lot_id)))

    @put("/community", responses=ACTS, right=Right.RESIDENT_SET)
    async def put_community(self, office: Here, holder: Who, lot_id: Id, data: JSONBody[CommunitySet]) -> CommunityView:
        """Say which area the lot belongs to, and what it is reported to."""
        given = {name: getattr(data, name) for name in ("project_code", "name", "platform", "address")}
        places = {name: getattr(data, name) for name in ("longitude", "latitude")}
        await office.community.set_up(lot_id, by_of(holder, data), **given, **places)
        return shown_community(await office.community.overview(await lot_of(office, lot_id)))

    @post("/community/report", status_code=200, responses=COMMANDS, right=Right.RESIDENT_SET)
    async def report_community(self, office: Here, holder: Who, lot_id: Id, data: JSONBody[r.Act]) -> Reported:
        """Report the area, its devices and its people's faces (8.3 to 8.6, 8.9), over what was reported before."""
        return Reported(**await office.community.report(await lot_of(office, lot_id), by_of(holder, data)))

    @put("/community/devices/{equipment_code:str}", responses=ACTS, right=Right.RESIDENT_SET)
    async def put_access_device(
        self, office: Here, holder: Who, lot_id: Id, equipment_code: Id, data: JSONBody[DeviceSet]
    ) -> CommunityView:
        """A device at a gate, new or changed."""
        await office.community.put_device(
            lot_id,
            equipment_code,
            by_of(holder, data),
            name=data.name,
            gate_name=data.gate_name,
            aisle_name=data.aisle_name,
        )
        return shown_community(await office.community.overview(await lot_of(office, lot_id)))

    @delete("/community/devices/{equipment_code:str}", status_code=204, responses=ACTS, right=Right.RESIDENT_SET)
    async def delete_access_device(self, office: Here, holder: Who, lot_id: Id, equipment_code: Id) -> None:
        """A device stands at no gate any more."""
        await office.community.drop_device(lot_id, equipment_code, by_of(holder, None, "removed"))

    @post("/passages", status_code=200, responses=ACTS, right=Right.PASSAGE_REPORT)
    async def report_passage(self, office: Here, lot_id: Id, data: JSONBody[NewPassage]) -> PassageView:
        """A device at a gate recognised somebody who passed; the same again is one."""
        at = datetime.fromtimestamp(data.at, UTC) if data.at is not None else None
        given = {name: getattr(data, name) for name in NewPassage.__struct_fields__ if name != "at"}
        return shown_passage(await office.community.passed(Passed(lot_id=lot_id, at=at, **given)))

    @get("/passages", responses=READS, right=Right.RESIDENT_SEE)
    async def list_passages(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[PassageView]:
        """Who passed the gates, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: kept.list_passages(conn, lot_id, most, after),
            lambda one: (one.at, one.passage_id),
            shown_passage,
        )

    @post("/passages/{passage_id:str}/again", status_code=200, responses=ACTS, right=Right.RESIDENT_SET)
    async def report_passage_again(
        self, office: Here, holder: Who, lot_id: Id, passage_id: Id, data: JSONBody[r.Act]
    ) -> PassageView:
        """Have a passage reported once more whose report was refused, or of which nobody knows."""
        return shown_passage(await office.community.send_again(lot_id, passage_id, by_of(holder, data)))

    @get("/passages/compared", responses=ASKS, right=Right.RESIDENT_SEE)
    async def compare_passages(self, office: Here, lot_id: Id, day: Day) -> ComparedView:
        """How many passages of a day the platform has (8.8), beside what is here."""
        found = await office.community.compare(await lot_of(office, lot_id), day)
        return ComparedView(**msgspec.structs.asdict(found))


async def lot_of(office: Office, lot_id: str) -> Lot:
    """Raises UnknownLot."""
    return await office.database.read(lambda conn: known_lot(conn, lot_id))


def shown_community(seen: Overview) -> CommunityView:
    area = seen.community

    def became(kind: str, code: str) -> dict[str, Any]:
        report = seen.reports.get((kind, code))
        return {"reported": report.state if report else "", "said": report.said if report else ""}

    devices = [
        DeviceView(one.equipment_code, one.name, one.gate_name, one.aisle_name, **became("device", one.equipment_code))
        for one in seen.devices
    ]
    people = []
    for one in seen.people:
        person: dict[str, Any] = msgspec.json.decode(one.person)
        home = (person.get("villageName"), person.get("buildingName"), person.get("unitName"), person.get("houseNum"))
        code = str(one.person_id)
        people.append(
            ResidentView(
                code,
                person.get("userName", ""),
                person.get("userType", ""),
                " ".join(filter(None, home)),
                bool(person.get("facePhoto")),
                **became("face", code),
            )
        )
    if area is None:
        return CommunityView(0, "", "", "", "", "", "", devices, people)
    reported = became("community", str(area.project_code))["reported"]
    given = (area.project_code, area.name, area.platform, area.address, area.longitude, area.latitude)
    return CommunityView(*given, reported, devices, people)


def shown_passage(one: kept.Passage) -> PassageView:
    return PassageView(**{name: getattr(one, name) for name in PassageView.__struct_fields__})
