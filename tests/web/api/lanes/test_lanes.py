"""`/api/v1/lots/{lot_id}/lanes`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support.clock import ManualClock
from taigan.barriers.barrier import LaneKey, Outcome, Position, Result
from taigan.barriers.door import Answer, Door, Mailbox, Post
from taigan.barriers.secrets import DeviceSecrets
from web.house import BY, CHANNELS, LOT, House, Houses, client_of

LANES = f"/api/v1/lots/{LOT}/lanes"
ODD = "东门/一号 50%"


async def test_lanes_show_their_settings_their_barrier_and_whether_a_car_is_there(
    house: House, api: httpx.AsyncClient
) -> None:
    await house.car("car-1", "A2")
    state = house.barriers["A2"].state
    state.position, state.held, state.commands, state.last_heard = Position.OPEN, True, 3, house.clock.now()
    lanes = (await api.get(LANES)).json()["items"]
    assert {lane["channel_id"] for lane in lanes} == set(CHANNELS)
    shown = next(lane for lane in lanes if lane["channel_id"] == "A2")
    assert shown == (await api.get(f"{LANES}/A2")).json()
    assert shown == {
        "lot_id": LOT,
        "channel_id": "A2",
        "direction": "entry",
        "policy": "automatic",
        "confirm": "accepted",
        "open": True,
        "hours": "",
        "detector": True,
        "loop_dead": False,
        "occupied": True,
        "entry_url": "",
        "barrier": {
            "driver": "simulated",
            "online": True,
            "position": "open",
            "held": True,
            "last_heard": "2025-06-01T08:00:01Z",
            "last_command": None,
            "commands": 3,
            "errors": 0,
        },
    }


async def test_a_lane_whose_name_is_chinese_or_holds_a_slash_is_reached_percent_encoded(
    house: House, api: httpx.AsyncClient
) -> None:
    address = f"{LANES}/{quote(ODD, safe='')}"
    answer = await api.get(address)
    assert answer.status_code == 200
    assert answer.json()["channel_id"] == ODD
    assert (await api.post(f"{address}/open", json=BY)).status_code == 200
    assert house.barriers[ODD].commands == ["open"]


async def test_lanes_are_paged_by_name(api: httpx.AsyncClient) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.get(LANES, params={"limit": 1, "cursor": cursor})).json()
        seen += [lane["channel_id"] for lane in page["items"]]
        cursor = page["next"]
    assert sorted(seen) == sorted(CHANNELS)
    assert len(seen) == len(CHANNELS)


async def test_an_unknown_lane_is_404(small_api: httpx.AsyncClient) -> None:
    for method, address in (("GET", "Z9"), ("PUT", "Z9"), ("POST", "Z9/open"), ("POST", "Z9/release")):
        body = {"open": False, **BY} if method == "PUT" else BY
        answer = await small_api.request(method, f"{LANES}/{address}", json=None if method == "GET" else body)
        assert answer.status_code == 404, address
        assert answer.json()["error"]["code"] == "unknown_lane"


@pytest.mark.parametrize(
    "changed",
    [
        {"open": False},
        {"policy": "attendant"},
        {"confirm": "passage"},
        {"direction": "exit"},
        {"hours": "07:00-22:00"},
        {"hours": ""},
        {"detector": False, "policy": "attendant", "open": False},
    ],
)
async def test_a_lanes_settings_can_be_changed_and_it_is_recorded(
    api: httpx.AsyncClient, changed: dict[str, object]
) -> None:
    answer = await api.put(f"{LANES}/A1", json={**changed, **BY})
    assert answer.status_code == 200
    shown = (await api.get(f"{LANES}/A1")).json()
    assert {name: shown[name] for name in changed} == changed
    act = (await api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"][0]
    assert (act["operator"], act["reason"]) == ("王芳", "the driver called")


async def test_a_lane_can_be_given_another_barrier_and_its_secrets_are_not_shown(api: httpx.AsyncClient) -> None:
    secret = {"driver": "hikvision-isapi", "url": "http://127.0.0.1:2", "username": "admin", "password": "hush-hush"}
    answer = await api.put(f"{LANES}/A1", json={"barrier": secret, **BY})
    assert answer.status_code == 200
    assert answer.json()["barrier"]["driver"] == "hikvision-isapi"
    assert "hush-hush" not in answer.text
    assert "hush-hush" not in (await api.get(f"/api/v1/lots/{LOT}/acts")).text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, None),
        ({"policy": "manual"}, "policy"),
        ({"confirm": ""}, "confirm"),
        ({"direction": "both"}, "direction"),
        ({"hours": "7-22"}, "hours"),
        ({"hours": "25:00-26:00"}, "hours"),
        ({"open": "yes"}, "open"),
        ({"barrier": {"driver": 7}}, "barrier"),
        ({"barrier": {"driver": "nonsense"}}, "barrier"),
        ({"barrier": {"driver": "simulated", "url": "http://lanes", "colour": "red"}}, "barrier"),
        ({"barrier": {}}, "barrier"),
        ({"occupied": True}, "occupied"),
    ],
)
async def test_a_change_that_makes_no_sense_names_its_field(
    small_api: httpx.AsyncClient, wrong: dict[str, object], field: str | None
) -> None:
    answer = await small_api.put(f"{LANES}/A1", json={**wrong, **BY})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


async def waiting(house: House, licence: str = "ABC1234", presence_id: str = "car-1") -> str:
    await house.car(presence_id)
    order = await house.order(
        licence,
        state="waiting",
        waiting_for="attendant",
        presence_id=presence_id,
        told_state=2,
        told_text="请等待管理员放行",
        in_at=None,
    )
    return order.order_id


async def test_releasing_lets_the_waiting_driver_in(house: House, api: httpx.AsyncClient) -> None:
    order_id = await waiting(house)
    answer = await api.post(f"{LANES}/A1/release", json=BY)
    assert answer.status_code == 200
    assert (answer.json()["order_id"], answer.json()["state"]) == (order_id, "in")
    assert house.barriers["A1"].commands == ["open"]
    lift = (await api.get(f"/api/v1/lots/{LOT}/lifts")).json()["items"][0]
    assert (lift["order_id"], lift["cause"], lift["actor"], lift["reason"], lift["outcome"]) == (
        order_id,
        "release",
        "王芳",
        "the driver called",
        "accepted",
    )


async def test_refusing_makes_the_order_void(house: House, api: httpx.AsyncClient) -> None:
    order_id = await waiting(house)
    answer = await api.post(f"{LANES}/A1/refuse", json={"order_id": order_id, **BY})
    assert answer.status_code == 200
    assert (answer.json()["order_id"], answer.json()["state"]) == (order_id, "void")
    assert house.barriers["A1"].commands == []


@pytest.mark.parametrize("act", ["release", "refuse"])
async def test_it_is_409_when_nobody_waits_or_another_order_is_meant(
    house: House, api: httpx.AsyncClient, act: str
) -> None:
    answer = await api.post(f"{LANES}/A1/{act}", json=BY)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "nobody_waits"
    await waiting(house)
    answer = await api.post(f"{LANES}/A1/{act}", json={"order_id": "another", **BY})
    assert answer.status_code == 409
    assert answer.json()["error"]["field"] == "order_id"


async def test_a_barrier_that_refuses_a_release_is_502_and_the_order_is_void(
    house: House, api: httpx.AsyncClient
) -> None:
    order_id = await waiting(house)
    house.barriers["A1"].answers = Result(Outcome.REJECTED, "offline")
    answer = await api.post(f"{LANES}/A1/release", json=BY)
    assert answer.status_code == 502
    assert answer.json()["error"]["message"] == "offline"
    assert (await api.get(f"/api/v1/lots/{LOT}/orders/{order_id}")).json()["state"] == "void"


@pytest.mark.parametrize("command", ["open", "hold", "close"])
async def test_the_arm_is_moved_by_hand_for_no_order_with_who_and_why(
    house: House, api: httpx.AsyncClient, command: str
) -> None:
    answer = await api.post(f"{LANES}/A1/{command}", json=BY)
    assert answer.status_code == 200
    lift = answer.json()
    assert (lift["command"], lift["order_id"], lift["actor"], lift["outcome"]) == (command, None, "王芳", "accepted")
    assert house.barriers["A1"].commands == [command]
    assert (await api.get(f"/api/v1/lots/{LOT}/lifts")).json()["items"] == [lift]


async def test_opening_for_an_order_is_a_release_of_that_order(house: House, api: httpx.AsyncClient) -> None:
    order_id = await waiting(house)
    assert (await api.post(f"{LANES}/A1/open", json={"order_id": "another", **BY})).status_code == 409
    answer = await api.post(f"{LANES}/A1/open", json={"order_id": order_id, **BY})
    assert answer.status_code == 200
    assert (answer.json()["order_id"], answer.json()["cause"], answer.json()["outcome"]) == (
        order_id,
        "release",
        "accepted",
    )
    assert (await api.get(f"/api/v1/lots/{LOT}/orders/{order_id}")).json()["state"] == "in"


async def test_a_barrier_that_refuses_is_502_and_the_lift_is_a_row(house: House, api: httpx.AsyncClient) -> None:
    house.barriers["A1"].answers = Result(Outcome.REJECTED, "fault 3")
    answer = await api.post(f"{LANES}/A1/open", json=BY)
    assert answer.status_code == 502
    assert answer.json()["error"] == {"code": "barrier_fault", "message": "fault 3", "field": None}
    lift = (await api.get(f"/api/v1/lots/{LOT}/lifts")).json()["items"][0]
    assert (lift["outcome"], lift["detail"]) == ("rejected", "fault 3")
    assert lift["deadline"] > lift["intended_at"]


async def nothing_said(post: Post) -> Answer:
    return Answer(b"{}")


def posting(lane: str, driver: str, serial: str, **given: Any) -> Mailbox:
    return Mailbox(LaneKey(LOT, lane), driver, serial, nothing_said, lambda _: None, **given)


async def test_the_address_of_a_device_is_shown_and_changed_by_right_and_it_is_recorded(
    houses: Houses, tmp_path: Path
) -> None:
    door = Door(ManualClock(), DeviceSecrets(tmp_path / "devices.json"))
    door.put(posting("A1", "vzenith-http", "摄1", sender="10.0.0.9"))
    house = await houses(devices=door)
    async with client_of(house) as api:
        shown = (await api.post(f"{LANES}/A1/device", json=BY)).json()
        again = (await api.post(f"{LANES}/A1/device", json=BY)).json()
        renewed = (await api.post(f"{LANES}/A1/device/renew", json=BY)).json()
        acts = (await api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"]
    path = f"/devices/vzenith-http/{quote('摄1')}/"
    assert shown == again
    assert shown | {"path": path} == {
        "lot_id": LOT,
        "channel_id": "A1",
        "device": "vzenith-http/摄1",
        "path": path,
        "signs": False,
        "sender": "10.0.0.9",
    }
    before, after = (said["path"].removeprefix(path) for said in (shown, renewed))
    assert before != after
    mailbox = door.find("vzenith-http", "摄1")
    assert mailbox is not None
    assert door.knows(mailbox, after, "10.0.0.9")
    assert not door.knows(mailbox, before, "10.0.0.9")
    assert [(act["act"], act["operator"], act["via"]) for act in acts] == [
        ("lane A1: another secret for vzenith-http/摄1", BY["operator"], "console"),
        ("lane A1: shown the address of vzenith-http/摄1", BY["operator"], "console"),
        ("lane A1: shown the address of vzenith-http/摄1", BY["operator"], "console"),
    ]
    assert after not in str(acts)


async def test_a_broken_file_of_secrets_is_said_in_a_sentence_changes_nothing_and_is_no_act(
    houses: Houses, tmp_path: Path
) -> None:
    file = tmp_path / "devices.json"
    door = Door(ManualClock(), DeviceSecrets(file))
    door.put(posting("A1", "vzenith-http", "c1"))
    async with client_of(await houses(devices=door)) as api:
        kept = file.read_bytes()
        file.write_text("{half")
        for address in (f"{LANES}/A1/device", f"{LANES}/A1/device/renew"):
            answer = await api.post(address, json=BY)
            assert answer.status_code == 409
            assert answer.json()["error"]["message"].startswith(f"{file} cannot be used: ")
        assert file.read_text() == "{half"
        assert (await api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"] == []
        file.write_bytes(kept)
        assert (await api.post(f"{LANES}/A1/device", json=BY)).status_code == 200


async def test_a_device_without_a_secret_of_ours_is_shown_as_it_is_and_not_changed(
    houses: Houses, tmp_path: Path
) -> None:
    door = Door(ManualClock(), DeviceSecrets(tmp_path / "devices.json"))
    door.put(posting("A1", "http", "c1", signs=True))
    door.put(posting("A2", "hx-http", "h1", secret="chosen-by-the-operator"))
    async with client_of(await houses(devices=door)) as api:
        assert (await api.post(f"{LANES}/A1/device", json=BY)).json()["path"] == "/devices/http/c1"
        assert (await api.post(f"{LANES}/A2/device", json=BY)).json()["path"] == (
            "/devices/hx-http/h1/chosen-by-the-operator"
        )
        for lane, status in (("A1", 409), ("A2", 409), ("B1", 409), ("nowhere", 404)):
            assert (await api.post(f"{LANES}/{lane}/device/renew", json=BY)).status_code == status
        assert (await api.post(f"{LANES}/B1/device", json=BY)).status_code == 409
        assert (await api.post(f"{LANES}/A1/device", json={})).status_code == 400
