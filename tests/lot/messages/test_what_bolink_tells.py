"""What BoLink tells and commands without a tariff: 5.2, 5.4, 9.1, 11.1-11.4, 11.6, 11.7; and what nobody handles."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.lot.parking import KEY, LOT, LOT_ID, VENDOR, Parking, lot_with
from taigan import bolink
from taigan.barriers.barrier import Event, EventKind, LaneKey
from taigan.bolink import CATALOGUE, Direction, Wrapping, by_section, example_of
from taigan.lot.errors import BadValue, UnknownOrder
from taigan.lot.messages.router import Answered
from taigan.lot.platform import HANDLERS, UNSIGNED
from taigan.lot.setup import VendorSetup
from taigan.storage.locked import vehicles
from taigan.storage.rows import Lift

DOWNLINKS = [interface for interface in CATALOGUE if interface.direction is Direction.DOWNLINK]
JPEG = b"\xff\xd8\xff\xe0 a car"
PLATE = "京A47829"


async def tell(street: Parking, section: str, service_name: str = "", **changed: Any) -> Answered:
    """Let BoLink send the documented example, in part different; a field given as None is left out."""
    interface = by_section(section)
    message = json.loads(interface.write(example_of(interface.request)))
    own = {"park_id": "7", "comid": "7", "union_id": 200002}
    message |= {name: value for name, value in own.items() if name in message} | changed
    text = json.dumps({name: value for name, value in message.items() if value is not None}).encode()
    return await street.platform.callbacks.answer(interface.body(text, KEY, 200002), service_name)


async def answer(street: Parking, section: str, **changed: Any) -> dict[str, Any]:
    answered = await tell(street, section, **changed)
    said: dict[str, Any] = json.loads(answered.body)
    assert answered.status == 200, said
    return said


async def test_5_2_the_last_word_on_a_plate_holds(street: Parking) -> None:
    for number, supported in enumerate((1, 0, 1)):
        said = await answer(street, "5.2", car_number=PLATE, is_union_user=supported, rand=f"0.{number}")
        assert said["state"] == 1
    assert (await answer(street, "5.2", car_number="沪B00001", is_union_user=0))["state"] == 1
    kept = await street.read(lambda conn: vehicles.list_auto_pay(conn, LOT_ID, 10, ()))
    assert [(told.car_number, told.supported) for told in kept] == [(PLATE, True), ("沪B00001", False)]


async def test_5_4_an_orders_picture_is_given_out_as_it_was_stored(street: Parking) -> None:
    await street.enters()
    order = await street.order()
    records = street.platform.records
    assert (await tell(street, "5.4", orderid=order.order_id, type="in")).status == 404
    await records.keep_picture(LOT_ID, order.order_id, "in", b"\xff\xd8\xff an older one")
    await records.keep_picture(LOT_ID, order.order_id, "in", JPEG)
    picture = await tell(street, "5.4", orderid=order.order_id, type="in")
    assert (picture.status, picture.content_type, picture.body) == (200, "image/jpeg", JPEG)
    nothing = await tell(street, "5.4", orderid=order.order_id, type="out")
    assert (nothing.status, nothing.body) == (404, b"")


async def test_pictures_are_dropped_after_their_time(street: Parking) -> None:
    await street.enters()
    order = await street.order()
    await street.platform.records.keep_picture(LOT_ID, order.order_id, "in", JPEG)
    street.clock.advance(street.platform.policy.pictures_kept + 1)
    await street.tidy()
    assert (await tell(street, "5.4", orderid=order.order_id, type="in")).status == 404


async def test_a_picture_that_is_none_and_one_of_no_order_are_refused(street: Parking) -> None:
    records = street.platform.records
    with pytest.raises(UnknownOrder):
        await records.keep_picture(LOT_ID, "none", "in", JPEG)
    await street.enters()
    order_id = (await street.order()).order_id
    for kind, picture in (("in", b"GIF89a"), ("side", JPEG), ("in", JPEG + bytes(2 * 1024 * 1024))):
        with pytest.raises(BadValue):
            await records.keep_picture(LOT_ID, order_id, kind, picture)


async def test_9_1_the_newest_data_of_each_person_are_kept(street: Parking) -> None:
    interface = by_section("9.1")
    [example] = json.loads(interface.write(example_of(interface.request)))
    for house in ("401", "402"):
        for name in ("张三", "李四"):
            text = json.dumps([example | {"houseNum": house, "userName": name, "idCard": f"id of {name}"}]).encode()
            for _ in range(2):
                answered = await street.platform.callbacks.answer(interface.body(text, KEY, 200002))
                assert json.loads(answered.body)["state"] == 1
    kept = await street.read(lambda conn: vehicles.list_people(conn, "200002", 10, ()))
    assert sorted((person["houseNum"], person["userName"]) for person in map(_person, kept)) == [
        ("401", "张三"),
        ("401", "李四"),
        ("402", "张三"),
        ("402", "李四"),
    ]


def _person(kept: vehicles.NumberedPerson) -> dict[str, Any]:
    person: dict[str, Any] = json.loads(kept.person)
    return person


def _passed(street: Parking, car: str) -> Event:
    return Event(f"{car}/passed", LaneKey(LOT_ID, "A1"), EventKind.PASSED, street.clock.now(), car)


async def newest(street: Parking) -> Lift:
    return (await street.lifts())[-1]


async def test_11_1_raises_lowers_and_holds_the_arm_and_says_who_did(street: Parking) -> None:
    for number, (operate, duration, command) in enumerate(
        ((0, "temporary", "open"), (0, "perpetual", "hold"), (1, None, "close"))
    ):
        said = await answer(
            street, "11.1", channel_id="A1", operate=operate, duration=duration, liftrod_id=f"n{number}", order_id=None
        )
        assert (said["state"], said["liftrod_id"], said["operate"]) == (1, f"n{number}", operate)
        lift = await newest(street)
        assert (lift.command, lift.actor, lift.reason) == (command, "BoLink", f"11.1 n{number}")


async def test_11_1_the_same_liftrod_id_moves_the_arm_once(street: Parking) -> None:
    for _ in range(3):
        said = await answer(street, "11.1", channel_id="A1", operate=0, liftrod_id="same", order_id=None)
        assert said["state"] == 1
    assert [lift.command for lift in await street.lifts()] == ["open"]


async def held_up_with_a_car(street: Parking) -> str:
    """A lane that BoLink holds open, and the car on its loop."""
    held = {"channel_id": "A1", "operate": 0, "duration": "perpetual", "liftrod_id": "up", "order_id": None}
    assert (await answer(street, "11.1", **held))["state"] == 1
    street.clock.advance(1)
    return await street.arrives()


async def lower(street: Parking, number: str) -> dict[str, Any]:
    return await answer(street, "11.1", channel_id="A1", operate=1, liftrod_id=number, order_id=None)


async def test_11_1_lowers_no_arm_onto_a_car_and_lowers_it_when_the_car_is_gone(street: Parking) -> None:
    car = await held_up_with_a_car(street)
    for _ in range(2):
        said = await lower(street, "down")
        assert (said["state"], said["errmsg"]) == (0, "线圈上有车，未落杆；车离开后自动落杆")
    assert [command.name for command in street.barrier().commands] == ["hold"]
    assert await street.alarm_kinds() == []
    await street.passes(car)
    await street.settled()
    assert [command.name for command in street.barrier().commands] == ["hold", "close"]
    last = await newest(street)
    assert (last.command, last.actor, last.reason, last.outcome) == ("close", "BoLink", "11.1 down", "accepted")


async def test_an_arm_that_is_to_come_down_does_so_in_the_first_gap_of_a_queue(street: Parking) -> None:
    car = await held_up_with_a_car(street)
    assert (await lower(street, "down"))["state"] == 0
    closing = (await street.lifts())[-1:]
    street.barrier().state.presence_id = "the next one is on the loop already"
    await street.barrier().tells(_passed(street, car))
    await street.settled()
    assert (await street.lifts())[-1:] == closing
    following = await street.arrives(presence_id="the next one")
    await street.backs_out(following)
    await street.settled()
    assert [command.name for command in street.barrier().commands] == ["hold", "close"]


async def test_an_arm_that_is_held_up_again_does_not_come_down_when_the_car_is_gone(street: Parking) -> None:
    car = await held_up_with_a_car(street)
    assert (await lower(street, "down"))["state"] == 0
    await answer(street, "11.1", channel_id="A1", operate=0, duration="perpetual", liftrod_id="up again", order_id=None)
    await street.passes(car)
    await street.settled()
    assert [command.name for command in street.barrier().commands] == ["hold", "hold"]


async def test_11_1_lets_the_driver_in_who_waits_at_the_lane(street: Parking) -> None:
    await street.arrives("A3")
    assert (await street.scan(channel_id="A3")).state == 2
    assert (await answer(street, "11.1", channel_id="A3", operate=0, order_id=None))["state"] == 1
    assert (await street.order()).state == "in"


async def test_11_1_for_no_lane_or_no_operation_is_refused(street: Parking) -> None:
    said = await answer(street, "11.1", channel_id="Z9", operate=0)
    assert said["state"] == 0
    assert said["errmsg"]
    assert (await tell(street, "11.1", channel_id="A1", operate=7)).status == 400
    assert (await tell(street, "11.1", channel_id=None, operate=0)).status == 400
    assert await street.lifts() == []


async def test_11_2_no_vehicle_may_have_a_pass_while_none_are_sold(street: Parking) -> None:
    said = await answer(street, "11.2")
    assert (said["state"], said["errmsg"]) == (0, "本车场暂不办理月卡")


async def test_11_3_takes_over_total_and_free_spaces(street: Parking) -> None:
    assert (await answer(street, "11.3", total_space=80, free_space=33))["state"] == 1
    lot = await street.lot()
    assert (lot.spaces, lot.spaces_free) == (80, 33)
    for total, free in ((80, 81), (80, -1), (-1, 0)):
        assert (await tell(street, "11.3", total_space=total, free_space=free)).status == 400
    assert await street.free() == 33


async def test_11_4_a_blacklisted_licence_is_refused_at_the_lane_until_it_is_taken_off(street: Parking) -> None:
    black = {"car_number": "EA47829", "car_type": "black", "start_time": None, "end_time": None}
    assert (await answer(street, "11.4", type="add", **black))["state"] == 1
    await street.arrives()
    assert (await street.scan("EA47829")).said == (0, "禁止入场，请联系管理员")
    assert (await answer(street, "11.4", type="delete", **black))["state"] == 1
    assert (await street.scan("EA47829")).state == 1


async def test_11_4_what_is_no_list_or_no_change_is_refused(street: Parking) -> None:
    dates = {"start_time": None, "end_time": None}
    assert (await answer(street, "11.4", type="add", car_type="grey", **dates))["state"] == 0
    assert (await tell(street, "11.4", type="swap", car_type="black", **dates)).status == 400
    assert (await tell(street, "11.4", type="add", car_type="black", start_time="soon", end_time=None)).status == 400
    assert await street.read(lambda conn: vehicles.special_vehicles(conn, LOT_ID)) == []


async def test_11_6_tells_what_is_kept_of_a_vehicle(street: Parking) -> None:
    dates = {"start_time": "2026-05-01 00:00:00", "end_time": "2026-06-01 12:30:00"}
    await answer(street, "11.4", type="add", car_number=PLATE, car_type="white", remark="VIP", **dates)
    found = await answer(street, "11.6", car_number=PLATE, type="1", card_id=None)
    assert found["data"] == {"car_number": PLATE, "car_type": "white", **dates, "describe": "VIP"}
    assert (await answer(street, "11.6", car_number="沪B00001", type="1"))["state"] == 0
    assert (await answer(street, "11.6", car_number=PLATE, type="0"))["state"] == 0


async def test_m5_11_7_an_invoice_that_comes_again_is_kept_once(street: Parking) -> None:
    for payid in ("200102", "200102", "200103"):
        assert (await answer(street, "11.7", payid=payid, invoice_no="1"))["state"] == "1"
    kept = await street.read(lambda conn: vehicles.list_invoices(conn, LOT_ID, 10, ()))
    assert [invoice.payment_id for invoice in kept] == ["200103", "200102"]


@pytest.mark.parametrize("interface", DOWNLINKS, ids=lambda one: one.section)
async def test_every_message_of_the_document_is_handled_or_said_not_to_be(
    street: Parking, interface: bolink.AnyInterface
) -> None:
    refused = "taigan_refused_requests_total"
    message = json.loads(interface.write(example_of(interface.request)))
    if isinstance(message, dict) and interface.wrapping is not Wrapping.FLAT:
        message |= {name: "7" for name in ("park_id", "comid") if name in message}
        message |= {"union_id": 200002} if "union_id" in message else {}
    await street.arrives()
    body = interface.body(json.dumps(message).encode(), KEY, 200002)
    answered = await street.platform.callbacks.answer(body, interface.event)
    unhandled = interface.event not in (*HANDLERS, *UNSIGNED)
    assert (answered.service_name, answered.status in (200, 404)) == (interface.event, True)
    assert street.metric(refused, reason="unhandled_service") == unhandled
    assert street.metric(refused, reason="unknown_service") == 0
    if unhandled:
        assert (answered.status, json.loads(answered.body)["errmsg"]) == (200, "暂不支持该业务")


async def test_an_unknown_verb_is_another_answer_and_another_count(street: Parking) -> None:
    for name in ("no_such_thing", "addorder", "correct_business"):
        text = json.dumps({"union_id": 200002, "park_id": "7", "service_name": name}).encode()
        answered = await street.platform.callbacks.answer(bolink.seal(text, KEY))
        assert (answered.status, json.loads(answered.body)["errmsg"]) == (404, "未知的service_name")
    assert street.metric("taigan_refused_requests_total", reason="unknown_service") == 3
    assert street.metric("taigan_refused_requests_total", reason="unhandled_service") == 0


async def test_6_4_comes_unsigned_and_nothing_is_done_on_its_word(street: Parking) -> None:
    interface = by_section("6.4")
    text = interface.write(example_of(interface.request))
    answered = await street.platform.callbacks.answer(text, "invoice_state")
    assert (answered.status, answered.state) == (200, 1)
    assert street.bolink.uploads == []
    for broken in (b"{", b"[]", b"{}", "发票".encode("gbk")):
        assert (await street.platform.callbacks.answer(broken, "invoice_state")).status == 400
    assert (await street.platform.callbacks.answer(text)).status == 400


async def test_a_message_that_names_no_vendor_is_the_lots_vendors_if_its_key_says_so(new_parking: NewParking) -> None:
    other = VendorSetup(union_id="200003", key="ffffffffffffffff")
    street = await new_parking(lots=[LOT, lot_with(union_id="200003")], vendors=[VENDOR, other])
    for key, status in ((KEY, 200), (other.key, 200), ("another key", 401)):
        text = json.dumps(
            {"park_id": "7", "service_name": "query_price", "pay_scene": 0, "query_order_no": key}
        ).encode()
        assert (await street.platform.callbacks.answer(bolink.seal(text, key))).status == status
    nowhere = json.dumps({"park_id": "9", "service_name": "query_price"}).encode()
    assert (await street.platform.callbacks.answer(bolink.seal(nowhere, KEY))).status == 404


async def test_messages_for_another_vendors_lot_change_nothing(street: Parking) -> None:
    for section in ("5.2", "11.3", "11.4", "11.7"):
        assert (await tell(street, section, park_id="another")).status == 404
    assert await street.row(sa.select(sa.text("1")).select_from(sa.text("auto_pay"))) == []
