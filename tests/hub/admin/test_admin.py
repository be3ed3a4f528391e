"""The admin's interface and page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.browsing import Phone
from hub.sides import LOT_ID, TOKEN, FakeLot, Side

PATHS = ["entries", "exits", "pushes", "pushes/1", "arrivals", "arrivals/1", "lots", "faults", "events", "scans/x"]


@pytest.mark.parametrize("path", [*PATHS, "trail?scan_id=x"])
@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer wrong", "Basic x", f"Bearer {TOKEN}x", "Bearer \xff"])
async def test_without_the_token_there_is_nothing(quiet_side: Side, path: str, token: str) -> None:
    headers = {"Authorization": token.encode("latin-1").decode("latin-1")} if token else {}
    async with quiet_side.http.get(f"{quiet_side.url}/admin/{path}", headers=headers) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["code"] == "unauthorized"


async def test_health_needs_no_token(quiet_side: Side) -> None:
    async with quiet_side.http.get(f"{quiet_side.url}/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b"[" * 65536, 400, None),
        (b'{"driver":"\xff"}', 400, None),
        (b"[]", 400, None),
        (b'{"driver":"li"}', 400, "code"),
        (b'{"driver":"li","code":"nope"}', 404, "code"),
        (b'{"driver":"li","code":"x","lot_id":"y"}', 400, "code"),
        (b'{"driver":"li","lot_id":"nope","channel_id":"A1"}', 404, "lot_id"),
        (b'{"driver":"","code":"x"}', 400, "driver"),
        (b'{"driver":"a\\u0000b","code":"x"}', 400, "driver"),
        (b'{"driver":7,"code":"x"}', 400, "driver"),
        (b'{"driver":"li","code":"x","app":"browser"}', 400, "app"),
        (b'{"driver":"li","code":"x","other":1}', 400, None),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_scan_that_makes_no_sense_names_its_field(
    quiet_side: Side, body: bytes, status: int, field: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answered, answer = await quiet_side.admin("POST", "/admin/scans", data=body, headers=headers)
    assert answered == status, answer
    assert set(answer["error"]) == {"code", "message", "field"}
    assert answer["error"]["field"] == field


@pytest.mark.parametrize(
    "path",
    [
        "entries?limit=0",
        "entries?limit=1001",
        "entries?limit=x",
        "pushes?cursor=-1",
        "pushes?cursor=" + "9" * 30,
        "trail",
    ],
)
async def test_a_list_that_makes_no_sense_is_refused(quiet_side: Side, path: str) -> None:
    status, answer = await quiet_side.admin("GET", f"/admin/{path}")
    assert (status, answer["error"]["code"]) == (400, "invalid")


@pytest.mark.parametrize("path", ["scans/x", "pushes/999999999999999999999", "arrivals/999999", "nothing"])
async def test_what_is_not_there_is_404(quiet_side: Side, path: str) -> None:
    status, answer = await quiet_side.admin("GET", f"/admin/{path}")
    assert (status, answer["error"]["code"]) == (404, "not_found")


async def test_lists_go_newest_first_a_page_at_a_time(side: Side) -> None:
    for number in range(5):
        await side.upload_entry(f"A{number}", f"o{number}")
    page = await side.get(f"/admin/entries?lot_id={LOT_ID}&limit=2")
    orders = [entry["order_id"] for entry in page["items"]]
    while page["next"] is not None:
        page = await side.get(f"/admin/entries?lot_id={LOT_ID}&limit=2&cursor={page['next']}")
        orders += [entry["order_id"] for entry in page["items"]]
    assert orders == ["o4", "o3", "o2", "o1", "o0"]
    assert (await side.get("/admin/entries?lot_id=another"))["items"] == []


@pytest.mark.parametrize(
    "faults",
    [None, {}, [{}], [{"kind": "none"}], [{"kind": "hub_down", "times": -1}], [{"kind": "hub_down", "often": 1}]],
    ids=str,
)
async def test_faults_that_make_no_sense_are_refused_and_change_nothing(side: Side, faults: Any) -> None:
    await side.faults({"kind": "hub_down", "times": 3})
    status, answer = await side.admin("PUT", "/admin/faults", json={"faults": faults})
    assert (status, answer["error"]["code"]) == (400, "invalid")
    [left] = (await side.get("/admin/faults"))["faults"]
    assert (left["kind"], left["times"]) == ("hub_down", 3)


async def test_events_tell_each_step_as_it_is_stored_and_those_missed(side: Side) -> None:
    await side.scan("li")
    headers = {"Authorization": f"Bearer {TOKEN}", "Last-Event-ID": "0"}
    async with side.http.get(f"{side.url}/admin/events", headers=headers) as stream:
        missed = [await _event(stream) for _ in range(4)]
        assert [step["kind"] for step in missed] == ["scanned", "pushed", "answered", "shown"]
        await side.scan("wang")
        fresh = await _event(stream)
        assert (fresh["kind"], fresh["id"] > missed[-1]["id"]) == ("scanned", True)


async def _event(stream: Any) -> dict[str, Any]:
    async for line in stream.content:
        if line.startswith(b"data: "):
            step: dict[str, Any] = json.loads(line[6:])
            return step
    raise AssertionError("the stream ended")


async def test_the_admins_page_lists_what_there_is_and_switches_faults(side: Side, lot: FakeLot) -> None:
    await side.scan()
    await side.upload_entry("EA47829", "o1")
    admin = Phone(side)
    status, page = await admin.post("/admin/login", {"admin_token": "wrong"})
    assert (status, "令牌不正确" in page) == (403, True)
    status, page = await admin.post("/admin/login", {"admin_token": TOKEN})
    assert status == 200
    for words in ("无牌车入场", "3.1", "o1", LOT_ID, "A1", "收下，但是"):
        assert words in page
    assert lot.url in (await admin.get("/admin/bench/lots"))[1]
    token = admin.fields(page)["token"]
    await admin.post("/admin/faults/form", {"token": token, "kind": "sent_twice", "times": "2", "channel_id": "A1"})
    [fault] = (await side.get("/admin/faults"))["faults"]
    assert (fault["kind"], fault["times"], fault["channel_id"]) == ("sent_twice", 2, "A1")
    await admin.post("/admin/faults/form", {"token": token, "do": "clear"})
    assert (await side.get("/admin/faults"))["faults"] == []
    await admin.post("/admin/logout", {"token": token})
    assert "管理令牌" in (await admin.get("/admin"))[1]


async def test_the_admins_forms_need_their_token(quiet_side: Side) -> None:
    admin = Phone(quiet_side)
    await admin.post("/admin/login", {"admin_token": TOKEN})
    status, _ = await admin.post("/admin/faults/form", {"kind": "hub_down", "times": "1"})
    assert status == 403
    assert (await admin.fetch("PUT", "/admin/faults"))[0] == 401
    assert (await quiet_side.get("/admin/faults"))["faults"] == []


@pytest.mark.parametrize("form", [{"kind": "none"}, {"kind": "hub_down", "times": "x"}, {}], ids=str)
async def test_a_fault_form_that_makes_no_sense_is_refused(quiet_side: Side, form: dict[str, str]) -> None:
    admin = Phone(quiet_side)
    _, page = await admin.post("/admin/login", {"admin_token": TOKEN})
    status, _ = await admin.post("/admin/faults/form", {"token": admin.fields(page)["token"]} | form)
    assert status == 400
