"""The whole way: scan, push, result, upload."""

from __future__ import annotations

import json

from hub.sides import KEY, LOT_ID, PARK_ID, UNION_ID, FakeLot, Side
from taigan.bolink import Signature, open_envelope, verify


async def test_a_scan_is_pushed_signed_as_documented_and_shown_as_success(side: Side, lot: FakeLot) -> None:
    result = await side.scan("li", code=await side.code())
    assert (result["shown"], result["text"], result["state"]) == ("success", "入场成功", 1)
    [message] = lot.pushes()
    assert message == {
        "car_number": result["car_number"],
        "park_id": PARK_ID,
        "union_id": int(UNION_ID),
        "service_name": "nolicence_in_park",
        "timetemp": int(side.clock.now().timestamp()),
        "channel_id": "A1",
        "pay_user_id": message["pay_user_id"],
    }
    envelope = open_envelope(lot.bodies[0])
    assert verify(envelope.text, envelope.sign, KEY) is Signature.RAW


async def test_the_upload_of_the_entry_is_kept_as_received_and_hangs_on_the_scan(side: Side) -> None:
    result = await side.scan()
    status, answer = await side.upload_entry(f"无{result['car_number']}", "o1", remark="入场信息备注")
    assert (status, answer) == (200, {"order_id": "o1", "errmsg": "上传成功", "state": 1})
    [entry] = (await side.get(f"/admin/entries?lot_id={LOT_ID}"))["items"]
    assert entry["data"]["remark"] == "入场信息备注"
    assert (entry["received"], entry["signature"], entry["order_id"]) == (1, "raw", "o1")
    assert (await side.shown(result["scan_id"]))["order_id"] == "o1"
    kinds = [step["kind"] for step in (await side.get(f"/admin/trail?scan_id={result['scan_id']}"))["items"]]
    assert kinds == ["scanned", "pushed", "answered", "shown", "uploaded"]


async def test_pushes_are_listed_with_the_bytes_of_both_sides(side: Side, lot: FakeLot) -> None:
    await side.scan()
    [push] = (await side.get(f"/admin/pushes?lot_id={LOT_ID}"))["items"]
    assert push["request"].encode() == lot.bodies[0]
    assert json.loads(push["answer"])["state"] == 1
    detail = await side.get(f"/admin/pushes/{push['id']}")
    assert detail["signed"]["sign"] == json.loads(lot.bodies[0])["sign"]
    assert KEY not in json.dumps(detail)
