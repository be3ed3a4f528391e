"""The residential area around a lot: its devices and people, who passed, and what the platform has of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.lot.community.desk import Compared
from taigan.lot.errors import BadValue, LotError, UnknownOrder
from taigan.rights import Right
from taigan.storage.locked import community as kept
from taigan.storage.locked.community import AccessDevice, Passage
from taigan.web.api.common import BY_TIME
from taigan.web.console import fields
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

MOST_PEOPLE = 500
_CODE = re.compile(r"[!-~]{1,64}")
_PROJECT = re.compile(r"[1-9][0-9]{0,14}")
_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,12})?")


class Resident(msgspec.Struct):
    """A person as the page shows one: without phone and identity card."""

    name: str
    kind: str
    home: str
    photo: bool
    reported: str
    said: str


@get("/lots/{lot_id:str}/community", right=Right.RESIDENT_SEE)
async def community(visit: Here) -> Answer:
    """The area, its devices and its people."""
    return visit.page("community/community.html", **await _shown(visit))


@post("/lots/{lot_id:str}/community", right=Right.RESIDENT_SET)
async def set_community(visit: Here) -> Answer:
    """Say which area the lot belongs to, and what it is reported to."""
    try:
        wrong = visit.tell("泊链给的小区编号，只有数字。")
        number = _typed(visit, "project_code", 15, _PROJECT, wrong)
        given = {
            "name": visit.text("name", 100, needed=visit.tell("请填小区名。")),
            "platform": _typed(visit, "platform", 64, _CODE, visit.tell("上报平台的名字，只有字母、数字和符号。")),
            "address": visit.text("address", 100),
            "longitude": _typed(visit, "longitude", 17, _DEGREES, visit.tell("写成 116.307689。"), optional=True),
            "latitude": _typed(visit, "latitude", 17, _DEGREES, visit.tell("写成 40.037256。"), optional=True),
        }
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        await visit.office.community.set_up(visit.here.lot_id, by, project_code=int(number), **given)
    except LotError as error:
        return visit.again("community/community.html", error, **await _shown(visit))
    return visit.go(visit.in_lot("community"), visit.tell("已保存。"))


@post("/lots/{lot_id:str}/community/report", right=Right.RESIDENT_SET)
async def report_community(visit: Here) -> Answer:
    """Report the area, its devices and its people's faces."""
    try:
        done = await visit.office.community.report(visit.here, visit.by(visit.tell("上报")))
    except LotError as error:
        return visit.go(visit.in_lot("community"), visit.rendering.error(error, visit), "bad")
    refused, unclear = done.get("refused", 0), done.get("unclear", 0)
    text = visit.tell(
        "报了 %(done)d 项，被拒绝 %(refused)d 项，结果不明 %(unclear)d 项。",
        done=done.get("done", 0),
        refused=refused,
        unclear=unclear,
    )
    return visit.go(visit.in_lot("community"), text, "bad" if refused or unclear else "good")


@post("/lots/{lot_id:str}/community/devices", right=Right.RESIDENT_SET)
async def put_access_device(visit: Here) -> Answer:
    """A device at a gate, new or changed."""
    try:
        code = _typed(visit, "equipment_code", 64, _CODE, visit.tell("设备编号只有字母、数字和符号。"))
        by = visit.by(visit.text("device_reason", 200, needed=visit.tell("请写原因。")))
        await visit.office.community.put_device(
            visit.here.lot_id,
            code,
            by,
            name=visit.text("device_name", 100, needed=visit.tell("请填设备名。")),
            gate_name=visit.text("gate_name", 100),
            aisle_name=visit.text("aisle_name", 100),
        )
    except LotError as error:
        error.field = "device_reason" if error.field == "reason" else error.field
        return visit.again("community/community.html", error, **await _shown(visit))
    return visit.go(visit.in_lot("community"), visit.tell("设备 %(code)s 已保存。", code=code))


@post("/lots/{lot_id:str}/community/devices/{equipment_code:str}/remove", right=Right.RESIDENT_SET)
async def drop_access_device(visit: Here, equipment_code: FromPath[str]) -> Answer:
    """A device stands at no gate any more."""
    if "\x00" in equipment_code:
        raise UnknownOrder("there is no such device", "equipment_code")
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    await visit.office.community.drop_device(visit.here.lot_id, equipment_code, by)
    return visit.go(visit.in_lot("community"), visit.tell("设备 %(code)s 已移除。", code=equipment_code))


@get("/lots/{lot_id:str}/community/passages", right=Right.RESIDENT_SEE)
async def passages(visit: Here) -> Answer:
    """Who passed the gates, newest first."""
    try:
        return visit.page("community/passages.html", **await _passed(visit), compared=None)
    except Refused:
        return visit.go(visit.in_lot("community", "passages"))


@post("/lots/{lot_id:str}/community/passages", right=Right.RESIDENT_SEE)
async def compare_passages(visit: Here) -> Answer:
    """How many passages of a day the platform has (8.8), beside ours."""
    try:
        text = visit.text("day", 10, needed=visit.tell("请选日期。"))
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise BadValue(visit.tell("日期要写成 2026-01-31。"), "day") from None
        compared: Compared = await visit.office.community.compare(visit.here, day)
    except LotError as error:
        error.field = "day"
        return visit.again("community/passages.html", error, **await _passed(visit), compared=None)
    return visit.page("community/passages.html", **await _passed(visit), compared=compared)


@post("/lots/{lot_id:str}/community/passages/{passage_id:str}/again", right=Right.RESIDENT_SET)
async def report_passage_again(visit: Here, passage_id: FromPath[str]) -> Answer:
    """Have a passage reported once more."""
    if "\x00" in passage_id:
        raise UnknownOrder("there is no such passage", "passage_id")
    await visit.office.community.send_again(visit.here.lot_id, passage_id, visit.by(visit.tell("重送")))
    return visit.go(visit.in_lot("community", "passages"), visit.tell("已重新排队，马上就送。"))


def _typed(visit: Visit, name: str, longest: int, looks: re.Pattern[str], wrong: str, optional: bool = False) -> str:
    text = visit.text(name, longest)
    if not (optional and not text) and not looks.fullmatch(text):
        raise BadValue(wrong, name)
    return text


async def _shown(visit: Visit) -> dict[str, Any]:
    seen = await visit.office.community.overview(visit.here)

    def became(kind: str, code: str) -> tuple[str, str]:
        report = seen.reports.get((kind, code))
        return (report.state, report.said) if report else ("", "")

    devices: list[tuple[AccessDevice, str, str]] = [
        (one, *became("device", one.equipment_code)) for one in seen.devices
    ]
    people = []
    for one in seen.people[:MOST_PEOPLE]:
        person: dict[str, Any] = msgspec.json.decode(one.person)
        home = (person.get("villageName"), person.get("buildingName"), person.get("unitName"), person.get("houseNum"))
        people.append(
            Resident(
                str(person.get("userName", "")),
                str(person.get("userType", "")),
                " ".join(str(part) for part in home if part),
                bool(person.get("facePhoto")),
                *became("face", str(one.person_id)),
            )
        )
    area = seen.community
    state, said = became("community", str(area.project_code)) if area is not None else ("", "")
    return {
        "area": area,
        "area_state": state,
        "area_said": said,
        "devices": devices,
        "people": people,
        "all_people": len(seen.people),
    }


async def _passed(visit: Visit) -> dict[str, Any]:
    lot_id = visit.here.lot_id
    after = BY_TIME.read(visit.asked.get("after", "")[:512])

    def read(conn: sa.Connection) -> tuple[list[Passage], dict[str, str]]:
        named = {one.equipment_code: one.name for one in kept.devices(conn, lot_id)}
        return kept.list_passages(conn, lot_id, fields.PAGE + 1, after), named

    rows, named = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_TIME, lambda row: (row.at, row.passage_id), "community", "passages")
    return {"rows": rows, "more": more, "named": named}


PAGES = (
    *(community, set_community, report_community, put_access_device, drop_access_device),
    *(passages, compare_passages, report_passage_again),
)
