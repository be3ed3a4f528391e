"""What arrives at the callback, before there is a scan: signature, vendor and lot, fields, time, and any bytes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from lot.conftest import NewParking
from support.databases.troubled import TroubledDatabase
from support.lot.parking import BY, KEY, LOT, LOT_ID, VENDOR, Parking, in_time, lot_with, told
from taigan import bolink
from taigan.bolink import Signature
from taigan.lot.policy import Policy
from taigan.lot.setup import VendorSetup
from taigan.storage import tables as t
from taigan.storage.database import Database
from taigan.storage.setup import registry

OTHER_KEY = "ffffffffffffffff"
OTHER = VendorSetup(union_id="200003", key=OTHER_KEY)
OTHERS_LOT = lot_with(union_id="200003", park_id="8")


async def answer(street: Parking, body: bytes, service_name: str = "") -> tuple[int, int, str]:
    answered = await street.platform.callbacks.answer(body, service_name)
    said = told(answered)
    assert said.state == 0
    assert said.car_number in ("", "EA47829")
    assert len(said.text) <= 48
    return said.status, said.state, said.text


async def test_bad_sign_is_401(street: Parking) -> None:
    body = bolink.seal(street.message(), "another key")
    assert await answer(street, body) == (401, 0, "签名错误")


async def test_a_driver_who_is_refused_gets_the_own_number_back_where_it_can_be_read(street: Parking) -> None:
    for text, key in ((street.message(), "another key"), (street.message(park_id="999"), KEY)):
        said = await street.send(text, key)
        assert (said.state, said.car_number) == (0, "EA47829")
    assert (await street.send(street.message(channel_id=None))).car_number == "EA47829"
    for unreadable in ("E" * 33, ["E"], None):
        assert (await street.send(street.message(car_number=unreadable), "another key")).car_number == ""
    assert (await street.send(street.message(service_name="verify_code"), "another key")).car_number == ""


async def test_the_log_says_which_usual_mistake_made_a_signature_wrong(street: Parking) -> None:
    text = bolink.compact(street.message())
    ordered = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode()
    body = b'{"data":' + text + b',"sign":"%s"}'
    wrong = (
        (bolink.sign(ordered, KEY), "签的是按键名排序后的 data"),
        (bolink.sign(text + b"&", KEY), "密钥前面多了 &"),
        ("0" * 40, "40 位"),
    )
    for sign, why in wrong:
        street.clock.advance(1)
        with capture_logs() as logs:
            await answer(street, body % sign.encode())
            await answer(street, body % sign.encode())
        first, again = logs
        assert why in first["why"]
        assert "why" not in again, "it is looked into at most once a second"
        assert KEY not in repr(logs)


@pytest.mark.parametrize("sign", ["", None, 7, [], {"a": 1}])
async def test_missing_sign_is_401(street: Parking, sign: Any) -> None:
    body = json.loads(bolink.seal(street.message(), KEY)) | {"sign": sign}
    assert await answer(street, json.dumps(body).encode()) == (401, 0, "签名错误")


async def test_a_sign_that_is_not_ascii_is_401(street: Parking) -> None:
    body = json.loads(bolink.seal(street.message(), KEY)) | {"sign": "签名"}
    assert (await answer(street, json.dumps(body).encode()))[0] == 401


async def test_vendors_previous_key_within_key_overlap_is_accepted_and_counted_later_401(street: Parking) -> None:
    new = "0" * 32
    await street.database.write(lambda conn: registry.rotate_key(conn, "200002", new, street.clock.now()))
    await street.platform.keyring.refresh()
    await street.arrives()
    assert (await street.scan()).state == 1
    assert street.metric("taigan_signatures_total", form="raw", key="previous") == 1
    street.clock.advance(86_399)
    assert (await street.scan("A2X")).status == 200
    street.clock.advance(1)
    assert (await street.scan()).status == 401
    said = await street.send(street.message(), key=new)
    assert said.status == 200
    assert street.metric("taigan_signatures_total", form="raw", key="current") == 1


async def test_a_key_that_another_process_changed_is_seen_within_seconds(street: Parking) -> None:
    new = "0" * 32
    await street.database.write(lambda conn: registry.rotate_key(conn, "200002", new, street.clock.now()))
    street.clock.advance(2)
    assert (await street.send(street.message(channel_id="A9"), key=new)).status == 200


async def test_another_key_in_the_configuration_is_a_change_of_key(new_parking: NewParking) -> None:
    before = await new_parking()
    after = await new_parking(vendors=[VendorSetup(union_id="200002", key="new")], clock=before.clock, process="q")
    assert (await after.scan("EA47829", "A9")).status == 200
    assert (await after.send(after.message(channel_id="A9"), key="new")).status == 200


async def test_a_compact_signature_of_the_same_data_is_accepted_and_counted(street: Parking) -> None:
    text = street.message(channel_id="A9").decode().replace("A9", "东门")
    body = json.loads(bolink.seal(text.encode(), KEY))
    body["sign"] = bolink.sign(bolink.compact(text.encode()), KEY)
    spaced = json.dumps(body, ensure_ascii=False, indent=1).encode()
    assert (await street.platform.callbacks.answer(spaced)).status == 200
    assert street.metric("taigan_signatures_total", form=Signature.COMPACT.value, key="current") == 1


async def test_unknown_union_id_unknown_park_id_and_vendor_b_for_vendor_as_lot_are_404_with_the_same_body(
    new_parking: NewParking,
) -> None:
    street = await new_parking(lots=[LOT, OTHERS_LOT], vendors=[VENDOR, OTHER])
    unknown_union = bolink.seal(street.message(union_id=999), KEY)
    unknown_park = bolink.seal(street.message(park_id="999"), KEY)
    foreign = bolink.seal(street.message(union_id=200003, park_id="7"), OTHER_KEY)
    bodies = {(await street.platform.callbacks.answer(body)).body for body in (unknown_union, unknown_park, foreign)}
    assert len(bodies) == 1
    assert await answer(street, foreign) == (404, 0, "车场不存在")
    assert street.metric("taigan_refused_requests_total", reason="foreign_lot") == 2
    assert street.metric("taigan_refused_requests_total", reason="unknown_lot") == 2


@pytest.mark.parametrize("body", [b"", b"not JSON", b"[]", b"null", b'"text"', b"{", b"[" * 65_536, b"\xff\xfe{}"])
async def test_not_json_deep_nesting_or_bytes_that_are_not_utf_8_are_400_and_never_a_500(
    street: Parking, body: bytes
) -> None:
    assert (await answer(street, body))[0] == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("car_number", None),
        ("car_number", ""),
        ("car_number", "E" * 33),
        ("car_number", ["E"]),
        ("car_number", "E\0"),
        ("channel_id", None),
        ("channel_id", {"a": 1}),
        ("channel_id", "A" * 65),
        ("timetemp", None),
        ("timetemp", "soon"),
        ("timetemp", 10**30),
        ("timetemp", 1.5),
        ("pay_user_id", "o" * 129),
        ("mobile_number", "1" * 33),
    ],
)
async def test_field_missing_or_unusable_is_400_naming_the_field(street: Parking, field: str, value: Any) -> None:
    text = street.message(**{field: value})
    status, _, text_told = await answer(street, bolink.seal(text, KEY))
    assert status == 400
    assert field in text_told


async def test_union_id_inside_and_beside_differ_is_400_naming_it(street: Parking) -> None:
    status, _, text = await answer(street, bolink.seal(street.message(), KEY, beside=200003))
    assert status == 400
    assert "union_id" in text


async def test_union_id_beside_data_alone_is_as_good_as_inside(street: Parking) -> None:
    await street.arrives()
    message = json.loads(street.message())
    del message["union_id"]
    said = told(await street.platform.callbacks.answer(bolink.seal(json.dumps(message).encode(), KEY, beside=200002)))
    assert (said.status, said.state) == (200, 1)


async def test_numbers_as_text_and_texts_as_numbers_are_read(street: Parking) -> None:
    await street.arrives()
    text = street.message(car_number=4782901, union_id="200002", park_id=7)
    said = await street.send(
        text.replace(b'"timetemp": ', b'"timetemp": "').replace(b', "channel_id"', b'", "channel_id"')
    )
    assert (said.state, said.car_number) == (1, "4782901")


async def test_the_last_of_duplicate_keys_or_the_first_but_never_a_500(street: Parking) -> None:
    text = street.message(channel_id="A9")[:-1] + b', "channel_id": "A8"}'
    assert (await street.send(text)).status == 200


@pytest.mark.parametrize(("off", "told_state"), [(301, 1), (-301, 1), (10**10, 1)])
async def test_timetemp_off_by_more_than_max_clock_skew_is_counted_and_answered(
    street: Parking, off: int, told_state: int
) -> None:
    await street.arrives()
    now = int(street.clock.now().timestamp())
    assert (await street.scan(timetemp=now + off)).state == told_state
    assert street.metric("taigan_clock_skew_total") == 1


async def test_timetemp_off_is_refused_only_when_the_setting_says_so(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(refuse_clock_skew=True))
    await street.arrives()
    now = int(street.clock.now().timestamp())
    assert (await street.scan(timetemp=now + 301)).said == (0, "请求时间偏差过大")
    assert (await street.scan(timetemp=now + 300)).state == 1
    assert len(await street.orders()) == 1


async def test_the_address_names_the_service_where_the_message_does_not(street: Parking) -> None:
    await street.arrives()
    text = street.message(service_name=None)
    assert (await street.send(text, service_name="nolicence_in_park")).state == 1
    assert (await answer(street, bolink.seal(street.message(service_name=None), KEY)))[0] == 400
    assert (await answer(street, bolink.seal(street.message(), KEY), "verify_code"))[0] == 400


async def test_a_service_nobody_knows_is_404(street: Parking) -> None:
    status, _, text = await answer(street, bolink.seal(street.message(service_name="open_sesame"), KEY))
    assert (status, text) == (404, "未知的service_name")


@pytest.mark.parametrize(
    ("asked", "used"), [("ORDER_1", True), ("O" * 48, True), ("O" * 49, False), ("ORDER-1", False), ("订单", False)]
)
async def test_order_id_is_the_requests_if_it_is_usable_else_ours(street: Parking, asked: str, used: bool) -> None:
    await street.arrives()
    await street.scan(order_id=asked)
    assert ((await street.order()).order_id == asked) is used


async def test_order_id_that_is_taken_is_not_used_again(street: Parking) -> None:
    await street.arrives("A1")
    await street.arrives("A2")
    await street.scan("AAAAAAA", "A1", order_id="ORDER_1")
    await street.scan("BBBBBBB", "A2", order_id="ORDER_1")
    assert (await street.order("AAAAAAA")).order_id == "ORDER_1"
    assert (await street.order("BBBBBBB")).order_id != "ORDER_1"


@pytest.mark.parametrize(
    ("mark", "licence", "uploaded"),
    [("", "EA47829", "EA47829"), ("无", "EA47829", "无EA47829"), ("无", "EA478290", "EA478290"), ("临", "E", "临E")],
)
async def test_car_number_carries_the_mark_where_both_have_at_most_8_characters_and_is_never_cut(
    new_parking: NewParking, mark: str, licence: str, uploaded: str
) -> None:
    street = await new_parking(policy=Policy(plate_mark=mark))
    await street.arrives()
    assert (await street.scan(licence)).car_number == licence
    assert (await street.order(licence)).licence == licence
    await street.deliver()
    assert street.bolink.of("3.1")[0].data["car_number"] == uploaded


async def test_checks_run_in_the_order_of_the_table(new_parking: NewParking) -> None:
    """Each check is the first to speak once those before it are content."""
    street = await new_parking(
        lots=[lot_with(spaces=1, sms_check=True, lanes=LOT.lanes)], policy=Policy(presence_grace=0, scan_limit=100)
    )
    everything_wrong: dict[str, Any] = {"channel_id": "A9", "pay_user_id": "blocked", "car_number": ""}

    async def said(key: str = KEY, **fields: Any) -> tuple[int, str]:
        said = await street.send(street.message(**everything_wrong | fields), key=key)
        return said.status, said.text

    # The lot is full, closed, in an emergency, and all it knows is somebody else's.
    await street.database.write(lambda conn: registry.update_lot(conn, LOT_ID, {"emergency": True, "spaces_free": 0}))
    await street.attendant.set_lane(LOT_ID, "A3", {"is_open": False}, BY)
    await street.attendant.block(LOT_ID, "pay_user_id", "blocked", BY)

    assert (await street.platform.callbacks.answer(b"{")).status == 400
    assert await said(key="unknown", union_id=9) == (404, "车场不存在")
    assert await said(key="wrong", park_id="9") == (401, "签名错误")
    assert await said(park_id="9") == (404, "车场不存在")
    assert (await said())[0] == 400
    everything_wrong |= {"car_number": "EA47829"}
    assert await said() == (200, "车道不存在，请联系管理员")
    assert await said(channel_id="B1") == (200, "此处为出口，请到入口扫码")
    assert await said(channel_id="A3") == (200, "车道已关闭，请走其他入口")
    everything_wrong |= {"channel_id": "A1"}
    assert await said() == (200, "车场紧急状态，请听从现场指挥")
    await street.attendant.set_emergency(LOT_ID, False, BY)
    assert await said() == (200, "禁止入场，请联系管理员")
    everything_wrong |= {"pay_user_id": "another"}
    assert await said() == (200, "请先验证手机号")
    await street.attendant.set_lot(LOT_ID, {"sms_check": False}, BY)
    assert await said() == (200, "未检测到车辆，请驶入车道后再扫码")
    await street.arrives()
    assert await said() == (200, "车位已满")
    await street.attendant.set_spaces(LOT_ID, 1, BY)
    assert await said() == (200, "入场成功")
    assert await said(channel_id="A2", pay_user_id="third") == (200, "该车已在场，请联系管理员")
    assert await said(car_number="OTHER") == (200, "车道正在处理其他车辆，请稍候")


async def test_several_vendors_and_lots_in_one_platform_do_not_meet(new_parking: NewParking) -> None:
    street = await new_parking(
        lots=[LOT, lot_with(park_id="9"), OTHERS_LOT], vendors=[VENDOR, OTHER], keys=[KEY, OTHER_KEY]
    )
    await street.arrives("A1")
    await street.arrives("A1", "200002-9")
    await street.arrives("A1", "200003-8")
    assert (await street.scan("EA47829")).state == 1
    assert (await street.scan("EA47829", park_id="9")).state == 1
    said = await street.send(street.message("EA47829", union_id=200003, park_id="8"), key=OTHER_KEY)
    assert said.state == 1
    for lot_id in (LOT_ID, "200002-9", "200003-8"):
        assert await street.free(lot_id) == 49
    for _ in range(3):
        await street.platform.courier.look()
        await street.platform.courier.sent()
    assert {(u.data["park_id"], str(u.data["union_id"]), u.key) for u in street.bolink.of("3.1")} == {
        ("7", "200002", KEY),
        ("9", "200002", KEY),
        ("8", "200003", OTHER_KEY),
    }


async def test_a_handler_that_takes_too_long_is_cut_off_in_time(database: Database, new_parking: NewParking) -> None:
    slow = TroubledDatabase(database)
    street = await new_parking(on=slow)
    slow.hang()
    asking = asyncio.create_task(street.verify_phone("EA47829", "13800000000"))
    await slow.holds()
    await street.clock.waited_for(4.25)
    street.clock.advance(4.25)
    assert (await in_time(asking))[0]["state"] == 0
    slow.go_on()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("car_number", "park_id", "union_id", "service_name", "timetemp", "channel_id", "pay_user_id",
          "mobile_number", "order_id")  # fmt: skip
mutations = st.dictionaries(st.sampled_from(FIELDS), json_values, min_size=1, max_size=3)
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@FEW
@given(body=st.binary(max_size=300))
async def test_any_bytes_are_answered_and_never_a_500(street: Parking, body: bytes) -> None:
    answered = await street.platform.callbacks.answer(body)
    assert answered.status == 400
    assert json.loads(answered.body)["state"] == 0


@FEW
@given(changed=mutations)
async def test_any_value_in_any_field_of_a_signed_message_is_answered_and_never_a_500(
    street: Parking, changed: dict[str, Any]
) -> None:
    message = json.loads(street.message(channel_id="A9"))
    text = json.dumps(message | changed).encode()
    answered = await street.platform.callbacks.answer(bolink.seal(text, KEY))
    assert answered.status in (200, 400, 404)
    said = json.loads(answered.body)
    assert said["state"] == 0
    assert said["errmsg"] != "系统繁忙，请稍后再扫码"  # what lies with the message is told as such


@FEW
@given(before=st.binary(max_size=20), after=st.binary(max_size=20))
async def test_a_body_with_bytes_round_it_is_answered_and_never_a_500(
    street: Parking, before: bytes, after: bytes
) -> None:
    body = before + bolink.seal(street.message(channel_id="A9"), KEY) + after
    assert (await street.platform.callbacks.answer(body)).status in (200, 400)


async def test_two_messages_with_the_same_text_for_two_lots_are_two_messages(new_parking: NewParking) -> None:
    street = await new_parking(lots=[LOT, lot_with(park_id="9")])
    rows = t.inbox
    await street.scan("EA47829", "A9")
    await street.scan("EA47829", "A9", park_id="9")
    assert {row.lot_id for row in await street.row(rows.select())} == {LOT_ID, "200002-9"}
