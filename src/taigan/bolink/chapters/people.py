"""Chapter 9: people and their photos, from BoLink."""

from __future__ import annotations

from typing import Annotated

import msgspec

from taigan.bolink import values
from taigan.bolink.describing.interface import (
    UNSEEN_STATE,
    AnyInterface,
    Completeness,
    Direction,
    Interface,
    Repeat,
    Wrapping,
)
from taigan.bolink.fields import Message, Note, Whole


class Person(Message):
    """9.1 接收人员照片信息, request: photos and data of residents, for the gates of a residential area.

    Days are yyyy-MM-dd.
    """

    project_id: Annotated[Whole, Note("number of the residential area", "62")] = msgspec.field(name="projectId")
    village_name: Annotated[str, Note("area (zone) name", "陈前区域")] = msgspec.field(name="villageName")
    building_name: Annotated[str, Note("building name", "1栋")] = msgspec.field(name="buildingName")
    unit_name: Annotated[str | None, Note("unit (stairwell) name", "1单元")] = msgspec.field(
        default=None, name="unitName"
    )
    floor_name: Annotated[str, Note("floor name", "1层")] = msgspec.field(name="floorName")
    house_num: Annotated[str, Note("room number", "401")] = msgspec.field(name="houseNum")
    user_name: Annotated[str, Note("person's name", "张三")] = msgspec.field(name="userName")
    user_type: Annotated[
        str, Note("kind of resident; one of four Chinese words", "户主", values=(values.ResidentKind,))
    ] = msgspec.field(name="userType")
    sex: Annotated[str | None, Note("sex, as a Chinese word", "男")] = None
    birth_day: Annotated[
        str | None, Note("date of birth, documented pattern yyyy-mm-dd", "2000-06-07", unit="yyyy-MM-dd")
    ] = msgspec.field(default=None, name="birthDay")
    nation_name: Annotated[str | None, Note("ethnic group", "汉族")] = msgspec.field(default=None, name="nationName")
    phone_number: Annotated[str | None, Note("mobile number", "15674002333")] = msgspec.field(
        default=None, name="phoneNumber"
    )
    id_card: Annotated[str | None, Note("identity-card number", "430424199909196758")] = msgspec.field(
        default=None, name="idCard"
    )
    card_number: Annotated[str | None, Note("card number", "123456")] = msgspec.field(default=None, name="cardNumber")
    face_photo: Annotated[
        str | None,
        Note("face photo, an address that can be fetched", "https://image.bolink.club/FmwRQ8XpEaeHl4R4SMTGZUyd7Jtr"),
    ] = msgspec.field(default=None, name="facePhoto")


class PeopleTaken(Message):
    """9.1 接收人员照片信息, answer.

    Unconfirmed: state, errmsg.
    """

    state: Annotated[Whole | None, Note("result", values=(values.State,), confirmed=False)] = None
    errmsg: Annotated[str | None, Note("text", confirmed=False)] = None


INTERFACES: tuple[AnyInterface, ...] = (
    Interface(
        section="9.1",
        title="Receive person and photo data",
        title_zh="接收人员照片信息",
        direction=Direction.DOWNLINK,
        service_name="people_data",
        event="people_data",
        request=list[Person],
        answer=PeopleTaken,
        wrapping=Wrapping.ANNOUNCED,
        success=UNSEEN_STATE,
        repeat=Repeat(True, "a person's data replace those sent before"),
        completeness=Completeness.PARTIAL,
    ),
)
