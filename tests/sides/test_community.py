"""A residential area over HTTP: set up, reported, its people's passages told by an emulated face terminal."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from hub.sides import KEY, LOT_ID, UNION_ID
from support.servers.ports import free_port
from support.stacks.both_sides import API_TOKEN, BY, Both
from support.stacks.stack import eventually
from taigan.bolink.wire.signing import sign
from taigan.devices.makes.face_terminal import FaceTerminal, NotTaken
from taigan.devices.terminal import TerminalApp

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


async def test_people_who_pass_at_once_are_each_reported_once_and_told_what_became_of_them(both: Both) -> None:
    await settle_in(both)
    async with aiohttp.ClientSession() as http:
        door = terminal(both, http)
        told = await asyncio.gather(*(door.passes(code) for code in ("1", "99", "2", "1")), return_exceptions=True)
    assert [isinstance(one, NotTaken) for one in told] == [False, True, False, False]
    assert (door.waiting, sorted(one["user_code"] for one in await both.items("/passages"))) == (0, ["1", "1", "2"])


async def test_at_the_page_of_a_terminal_people_pass_and_what_is_wrong_is_said(both: Both) -> None:
    await settle_in(both)
    async with aiohttp.ClientSession() as http:
        app = TerminalApp(terminal(both, http), clock=both.clock)
        async with TestClient(TestServer(app.build())) as page:
            assert "走过" in await (await page.get("/")).text()
            assert "Walk past" in await (await page.get("/?lang=en")).text()
            taken = await page.post("/passages", json={"user_code": "1", "way": "card"})
            assert (taken.status, (await taken.json())["state"]) == (200, "taken")
            refused = await page.post("/passages", json={"user_code": "99"})
            assert (refused.status, "nobody has the code 99" in (await refused.json())["error"]["message"]) == (
                409,
                True,
            )
            for body in ({"direction": "up"}, {"score": "high"}, {"user_code": "1\x00"}, {"who": "1"}, []):
                assert (await page.post("/passages", json=body)).status == 400, body
            assert (await page.post("/passages", data=b'{"user_code": "1"}')).status == 415
            elsewhere = await page.post("/passages", json={"user_code": "1"}, headers={"Origin": "https://elsewhere"})
            assert elsewhere.status == 403
            shown = await (await page.get("/passages")).json()
            assert [(one["user_code"], one["state"]) for one in shown["passages"]] == [
                ("99", "refused"),
                ("1", "taken"),
            ]
    assert [one["user_code"] for one in await both.items("/passages")] == ["1"]


async def test_who_passes_a_terminal_that_does_not_reach_the_platform_is_reported_later(both: Both) -> None:
    await settle_in(both)
    async with aiohttp.ClientSession() as http:
        door = terminal(both, http, port=1)
        async with TestClient(TestServer(TerminalApp(door, clock=both.clock, again_every=10).build())) as page:
            waits = await page.post("/passages", json={"user_code": "1"})
            assert (await waits.json())["state"] == "waits"
            door.address = f"{both.callback_url.removesuffix('/bolink')}/api/v1/lots/{LOT_ID}/passages"  # it is back
            both.clock.advance(10)

            async def taken() -> bool:
                return (await (await page.get("/passages")).json())["passages"][0]["state"] == "taken"

            await eventually(taken)
    assert len(await both.items("/passages")) == 1


async def test_the_command_face_terminal_reports_who_walks_past_it(both: Both, tmp_path: Path) -> None:
    await settle_in(both)
    port = free_port()
    command = [sys.executable, "-m", "taigan", "face-terminal", LOT_ID, "FD-0001", "--port", str(port)]
    command += ["--token", API_TOKEN, "--platform", both.callback_url.removesuffix("/bolink")]
    running = await asyncio.create_subprocess_exec(*command, cwd=tmp_path)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:

            async def stands() -> bool:
                try:
                    async with http.get("/healthz") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await eventually(stands)
            async with http.post("/passages", json={"user_code": "1", "direction": "out"}) as answer:
                assert (answer.status, (await answer.json())["state"]) == (200, "taken")
    finally:
        running.terminate()
        assert await running.wait() == 0
    [one] = await both.items("/passages")
    assert (one["name"], one["direction"], one["equipment_code"]) == ("张三", "out", "FD-0001")
