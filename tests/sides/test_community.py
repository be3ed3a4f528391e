"""A residential area over HTTP: set up, reported, its people's passages told by an emulated face terminal."""

from __future__ import annotations

import itertools
import json

import aiohttp
import pytest

from hub.sides import KEY, LOT_ID, UNION_ID
from support.both_sides import API_TOKEN, BY, Both
from taigan.bolink.wire.signing import sign
from taigan.devices.makes.face_terminal import FaceTerminal, NotTaken

AREA = {"project_code": 62, "name": "陈前小区", "platform": "shanghai", "address": "上地三街9号"}
PERSON = {
    "projectId": 62,
    "villageName": "陈前区域",
    "buildingName": "1栋",
    "floorName": "1层",
    "houseNum": "401",
    "userName": "张三",
    "userType": "租户",
    "phoneNumber": "15674002333",
    "facePhoto": "https://image.bolink.club/zhang",
}


async def settle_in(both: Both) -> None:
    """The area, a device, and two people of it and one of another area, as BoLink sends them (9.1)."""
    await both.act("/community", method="PUT", **AREA)
    await both.act("/community/devices/FD-0001", method="PUT", name="东门人脸机", gate_name="东门", aisle_name="1")
    people = [
        PERSON,
        PERSON | {"userName": "李四", "userType": "户主", "facePhoto": ""},
        PERSON | {"projectId": 63, "userName": "王五"},
    ]
    text = json.dumps(people, ensure_ascii=False, separators=(",", ":"))
    body = f'{{"sign":"{sign(text.encode(), KEY)}","union_id":{UNION_ID},"service_name":"people_data","data":{text}}}'
    async with both.hub.http.post(both.callback_url, data=body.encode()) as answer:
        assert (answer.status, (await answer.json())["state"]) == (200, 1)


def terminal(both: Both, http: aiohttp.ClientSession, code: str = "FD-0001", port: int = 0) -> FaceTerminal:
    numbers = itertools.count(1)
    url = both.callback_url.removesuffix("/bolink") if not port else f"http://127.0.0.1:{port}"
    return FaceTerminal(
        f"{url}/api/v1/lots/{LOT_ID}",
        API_TOKEN,
        code,
        http=http,
        clock=both.clock,
        new_id=lambda: str(next(numbers)),
    )


async def test_an_area_its_devices_and_who_has_a_photo_are_reported_over_what_was_before(both: Both) -> None:
    await settle_in(both)
    for _ in range(2):
        assert await both.act("/community/report") == {"done": 3, "refused": 0, "unclear": 0, "pending": 0}
    for kind, number in (("communities", "62"), ("devices", "FD-0001"), ("faces", "1")):
        [record] = await both.records(kind)
        assert (record["number"], len(await both.records(kind))) == (f"shanghai {number}", 1)
    assert {section: len(await both.arrivals(section)) for section in ("8.3", "8.4", "8.5", "8.6", "8.9")} == {
        "8.3": 2,
        "8.4": 2,
        "8.5": 2,
        "8.6": 2,
        "8.9": 2,
    }
    seen = (await both.lot("GET", "/community"))[1]
    assert [(one["name"], one["reported"]) for one in seen["people"]] == [("张三", "done"), ("李四", "")]
    assert ("15674002333" in json.dumps(seen), seen["reported"]) == (False, "done")


async def test_a_platform_that_is_none_is_named_and_nothing_is_reported(both: Both) -> None:
    await settle_in(both)
    await both.act("/community", method="PUT", **AREA | {"platform": "nowhere"})
    status, said = await both.lot("POST", "/community/report", **BY)
    assert (status, said["error"]["field"], "shanghai" in said["error"]["message"]) == (400, "platform", True)
    assert await both.records("communities") == []


async def test_who_passes_is_reported_once_in_order_and_the_days_agree(both: Both) -> None:
    await settle_in(both)
    async with aiohttp.ClientSession() as http:
        door = terminal(both, http)
        await door.passes("1")
        await door.passes("", "out")
        await door.passes("2", way="card")
        assert door.waiting == 0
    await both.street.platform.rounds.look()
    kept = await both.items("/passages")
    assert {(one["name"], one["direction"], one["way"], one["state"]) for one in kept} == {
        ("张三", "in", "face", "done"),
        ("", "out", "face", "done"),
        ("李四", "in", "card", "done"),
    }
    assert len(await both.records("passages")) == 3
    compared = (await both.lot("GET", "/passages/compared", day="2026-05-04"))[1]
    assert compared == {"taken": 3, "refused": 0, "done_here": 3, "refused_here": 0, "open_here": 0}


async def test_what_nobody_took_waits_and_what_nobody_answered_is_sent_again_by_a_person_only(both: Both) -> None:
    await settle_in(both)
    rounds = both.street.platform.rounds
    async with aiohttp.ClientSession() as http:
        door = terminal(both, http)
        await door.passes("1")
        await both.hub.faults({"kind": "upload_answer_lost", "service_name": "8.7"})
        await rounds.look()
        for _ in range(3):
            both.clock.advance(60)
            await rounds.look()
    [one] = await both.items("/passages")
    assert (one["state"], len(await both.arrivals("8.7"))) == ("unclear", 1)
    again = await both.act(f"/passages/{one['passage_id']}/again")
    both.clock.advance(60)
    await rounds.look()
    assert again["state"] == "pending"
    assert [one["state"] for one in await both.items("/passages")] == ["done"]


async def test_a_passage_of_a_device_or_a_person_that_is_none_is_refused_with_a_reason(both: Both) -> None:
    await settle_in(both)
    async with aiohttp.ClientSession() as http:
        with pytest.raises(NotTaken, match="no access device FD-9"):
            await terminal(both, http, "FD-9").passes("1")
        with pytest.raises(NotTaken, match="nobody has the code 99"):
            await terminal(both, http).passes("99")
        away = terminal(both, http, port=1)
        await away.passes("1")
        assert away.waiting == 1
    assert await both.items("/passages") == []
