"""A verdict beside every message: why a signature is wrong, "accepted, but", and addresses that are none."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from hub.sides import KEY, LOT_ID, PARK_ID, UNION_ID, FakeLot, Side, saying
from taigan.bolink import seal, sign

ENTRY = "/unionapi/neworder/addorder"


def entry(**changed: Any) -> bytes:
    data = {"union_id": int(UNION_ID), "park_id": PARK_ID, "order_id": "o1", "car_number": "京A12345"}
    data |= {"in_time": 1777881600, "empty_plot": 9} | changed
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


async def newest(side: Side) -> dict[str, Any]:
    [item] = (await side.get("/admin/arrivals?limit=1"))["items"]
    return dict(await side.get(f"/admin/arrivals/{item['id']}"))


async def test_a_wrong_signature_is_explained_in_the_answer_the_api_and_the_log(side: Side) -> None:
    text = entry()
    ordered = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True) + f"key={KEY}"
    wrong = hashlib.md5(ordered.encode()).hexdigest().upper()
    with capture_logs() as logs:
        status, said = await side.post(ENTRY, b'{"data":' + text + b',"sign":"' + wrong.encode() + b'"}')
    assert (status, said["state"]) == (200, 0)
    assert said["errmsg"].startswith("签名错误：签的是按键名排序后的 data")
    kept = await newest(side)
    assert [(note["kind"], note["field"]) for note in kept["notes"]] == [("signature", "sign")]
    assert "keys sorted" in kept["notes"][0]["en"]
    assert (kept["signed"]["sign"], kept["signed"]["received"]) == (sign(text, KEY), wrong)
    [line] = [one for one in logs if one["event"] == "upload refused"]
    assert "keys sorted" in line["but"]
    assert KEY not in repr(logs) + repr(said) + repr(kept)


async def test_a_wrong_signature_that_nothing_explains_says_no_more_than_that(side: Side) -> None:
    _, said = await side.post(ENTRY, b'{"data":' + entry() + b',"sign":"' + b"0" * 32 + b'"}')
    assert said["errmsg"] == "签名错误"
    assert (await newest(side))["notes"] == []


async def test_what_is_accepted_although_the_document_says_otherwise_has_its_notes(side: Side) -> None:
    with capture_logs() as logs:
        text = entry(park_id=int(PARK_ID), empty_plot=-1, licence_color=1, in_time=2051222400)
        _, said = await side.post(ENTRY, seal(text, KEY))
    assert said["state"] == 1
    kept = await newest(side)
    assert {(note["kind"], note["field"]) for note in kept["notes"]} == {
        ("type", "park_id"),
        ("value", "empty_plot"),
        ("unknown", "licence_color"),
        ("time", "in_time"),
    }
    assert all(note["zh"] and note["en"] for note in kept["notes"])
    [line] = [one for one in logs if one["event"] == "upload accepted"]
    assert "licence_color: is unknown; did you mean license_color?" in line["but"]


async def test_a_message_as_documented_has_none(side: Side) -> None:
    with capture_logs() as logs:
        await side.post(ENTRY, seal(entry(), KEY))
    assert (await newest(side))["notes"] == []
    assert ["but" in one for one in logs if one["event"] == "upload accepted"] == [False]


@pytest.mark.parametrize(
    ("path", "near"), [("/unionapi/neworder/addOrder", "/unionapi/neworder/addorder"), ("/unionapi/zzz", "")]
)
async def test_a_wrong_address_answers_json_naming_the_near_one_and_is_kept(side: Side, path: str, near: str) -> None:
    status, said = await side.post(path, seal(entry(), KEY))
    assert (status, said["state"]) == (404, 0)
    assert path in said["errmsg"]
    assert (near in said["errmsg"]) if near else ("是不是" not in said["errmsg"])
    kept = await newest(side)
    assert (kept["status"], kept["section"], kept["accepted"]) == (404, "", False)
    assert (kept["text"], kept["notes"][0]["field"]) == (f"404 {path}", "path")


async def test_what_a_lot_answers_is_judged_too(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(1, car_number="")
    with capture_logs() as logs:
        asked = {"lot_id": LOT_ID, "service_name": "query_price"}
        status, _ = await side.admin("POST", "/admin/pushes", json=asked)
        assert status == 200
    [pushed] = (await side.get("/admin/pushes?limit=1"))["items"]
    assert "price" in {note["field"] for note in pushed["notes"]}
    [line] = [one for one in logs if one["event"] == "push answered"]
    assert "price: is missing" in line["but"]
