"""The same message, however it is written: it is acted on once, and gets its first answer again."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

import pytest

from lot.conftest import NewParking
from support.lot.barrier import Mode
from support.lot.parking import KEY, LOT_ID, Parking, in_time, told
from taigan import bolink
from taigan.lot.messages.router import Answered
from taigan.lot.policy import Policy
from taigan.storage import tables as t
from taigan.storage.locked import vehicles

DAY = 86_400


def compact(street: Parking, **fields: object) -> bytes:
    """A message as BoLink writes it, without a blank."""
    return bolink.compact(street.message(**fields))  # type: ignore[arg-type]


def body(text: bytes, signed: bytes | None = None) -> bytes:
    """A body with that `data`, signed as BoLink signed another way to write it."""
    return b'{"data":' + text + b',"sign":"' + bolink.sign(signed or text, KEY).encode() + b'"}'


def as_string(text: bytes) -> bytes:
    return json.dumps(text.decode()).encode()


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "a blank": lambda text: text.replace(b":", b": ", 1),
    "a tab": lambda text: text.replace(b",", b",\t", 1),
    "a new line": lambda text: text.replace(b"{", b"{\n", 1),
    "an escaped value": lambda text: re.sub(rb'"service_name":"(.)', lambda m: m[0][:-1] + b"\\u%04x" % m[1][0], text),
    "an escaped key": lambda text: text.replace(b'"park_id"', b'"park\\u005fid"'),
    "data as a string": as_string,
    "data as a string with a blank": lambda text: as_string(text.replace(b":", b" :")),
}


@pytest.mark.parametrize("way", WAYS)
async def test_an_entry_written_in_another_way_gets_the_first_answer_and_no_second_lift(
    street: Parking, way: str
) -> None:
    text = compact(street)
    car = await street.arrives()
    first = await street.platform.callbacks.answer(body(text))
    assert told(first).state == 1
    await street.passes(car)
    await street.arrives()
    again = WAYS[way](text)
    assert again != text
    answered = await street.platform.callbacks.answer(body(again, text))
    assert (answered.status, answered.body) == (200, first.body)
    assert len(await street.lifts()) == 1
    assert [order.state for order in await street.orders()] == ["in"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_stale_entry_written_in_another_way_is_stale(street: Parking, way: str) -> None:
    text = compact(street, timetemp=15_487_279_323)  # the document's own example, a time far ahead
    await street.arrives()
    assert told(await street.platform.callbacks.answer(body(text))).state == 1
    street.clock.advance(DAY + 1)
    answered = await street.platform.callbacks.answer(body(WAYS[way](text), text))
    assert told(answered).said == (0, "请求已失效，请重新扫码")
    assert len(await street.lifts()) == 1


async def test_an_entry_older_than_repeat_within_by_its_own_time_is_refused_when_it_is_first_seen(
    street: Parking,
) -> None:
    now = int(street.clock.now().timestamp())
    await street.arrives()
    assert (await street.scan(timetemp=now - DAY - 1)).said == (0, "请求已失效，请重新扫码")
    assert await street.alarm_kinds() == ["stale_message"]
    assert await street.orders() == []
    assert (await street.scan(timetemp=now - DAY + 60)).state == 1


async def test_how_old_an_entry_may_be_is_a_setting(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(repeat_within=600.0))
    now = int(street.clock.now().timestamp())
    await street.arrives()
    assert (await street.scan(timetemp=now - 601)).state == 0
    assert (await street.scan(timetemp=now - 599)).state == 1


def command(section: str, **fields: object) -> bytes:
    interface = bolink.by_section(section)
    data = {"service_name": interface.service_name, "park_id": "7"} | fields
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


RAISE = command("11.1", channel_id="A1", operate=0)
SPACES = command("11.3", union_id=200002, total_space=50, free_space=7)
BLACK = command("11.4", union_id=200002, type="add", car_number="EA47829", car_type="black")
PAYS = command("5.2", union_id=200002, order_id="1", car_number="京A47829", is_union_user=1, rand="0.5")


async def say(street: Parking, text: bytes, signed: bytes | None = None) -> Answered:
    answered = await street.platform.callbacks.answer(body(text, signed))
    assert answered.status == 200, answered.body
    return answered


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("duration", ["temporary", "perpetual"])
async def test_11_1_without_a_number_moves_the_arm_once(street: Parking, way: str, duration: str) -> None:
    text = command("11.1", channel_id="A1", operate=0, duration=duration)
    first = await say(street, text)
    assert first.state == 1
    for _ in range(2):
        assert (await say(street, WAYS[way](text), text)).body == first.body
    assert len(await street.lifts()) == 1


async def test_11_1_without_a_number_is_a_new_command_when_it_says_something_else(street: Parking) -> None:
    for message_uuid in ("a", "b"):
        text = command("11.1", channel_id="A1", operate=0, message_uuid=message_uuid)
        assert (await say(street, text)).state == 1
    assert len(await street.lifts()) == 2


@pytest.mark.parametrize("way", WAYS)
async def test_11_3_again_does_not_undo_a_correction(street: Parking, way: str) -> None:
    first = await say(street, SPACES)
    await say(street, command("11.3", union_id=200002, total_space=50, free_space=20))
    assert (await say(street, WAYS[way](SPACES), SPACES)).body == first.body
    assert await street.free() == 20


@pytest.mark.parametrize("way", WAYS)
async def test_11_4_again_does_not_put_a_driver_back_on_the_list(street: Parking, way: str) -> None:
    first = await say(street, BLACK)
    await say(street, BLACK.replace(b'"add"', b'"delete"'))
    assert (await say(street, WAYS[way](BLACK), BLACK)).body == first.body
    assert await street.read(lambda conn: vehicles.special_vehicles(conn, LOT_ID)) == []


@pytest.mark.parametrize("way", WAYS)
async def test_5_2_again_does_not_bring_an_old_word_back(street: Parking, way: str) -> None:
    first = await say(street, PAYS)
    await say(street, PAYS.replace(b'"is_union_user":1', b'"is_union_user":0').replace(b"0.5", b"0.6"))
    assert (await say(street, WAYS[way](PAYS), PAYS)).body == first.body
    kept = await street.read(lambda conn: vehicles.list_auto_pay(conn, LOT_ID, 10, ()))
    assert [plate.supported for plate in kept] == [False]


@pytest.mark.parametrize("text", [RAISE, SPACES, BLACK, PAYS], ids=["11.1", "11.3", "11.4", "5.2"])
async def test_a_command_that_comes_again_after_a_day_is_refused_with_an_alarm(street: Parking, text: bytes) -> None:
    assert (await say(street, text)).state == 1
    street.clock.advance(DAY + 1)
    answered = await say(street, text)
    assert (answered.state, told(answered).text) == (0, "请求已失效")
    assert "stale_message" in await street.alarm_kinds()


async def test_a_command_that_was_refused_is_refused_again(street: Parking) -> None:
    text = command("11.1", channel_id="Z9", operate=0)
    first = await say(street, text)
    assert first.state == 0
    assert (await say(street, text)).body == first.body


async def test_a_command_that_could_not_be_read_is_not_remembered_as_answered(street: Parking) -> None:
    text = command("11.3", union_id=200002, total_space=50, free_space=51)
    for _ in range(2):
        assert (await street.platform.callbacks.answer(body(text))).status == 400


async def test_a_command_whose_answer_was_lost_with_the_database_is_carried_out_when_it_comes_again(
    street: Parking,
) -> None:
    text = command("11.1", channel_id="A1", operate=0)
    await say(street, text)
    await street.update(t.inbox, answer=None)  # as if the process had died before it wrote the answer
    assert (await say(street, text)).state == 1
    assert len(await street.lifts()) == 1


async def test_the_same_command_many_times_at_once_moves_the_arm_once(street: Parking) -> None:
    answered = await asyncio.gather(*(say(street, way(RAISE), RAISE) for way in (*WAYS.values(), *WAYS.values())))
    assert {one.state for one in answered} == {1}
    assert len(await street.lifts()) == 1


async def test_the_same_message_at_another_process_while_the_arm_rises_gets_the_answer_that_both_give(
    new_parking: NewParking,
) -> None:
    one = await new_parking()
    other = await new_parking(clock=one.clock, process="q")
    barrier = one.barrier()
    barrier.mode = Mode.HELD
    car = await one.arrives()
    text = one.message()
    sending = asyncio.create_task(one.send(text))
    await barrier.commanded()
    await one.passes(car)  # the order is in before the device has answered
    one.clock.advance(1)
    again = await other.send(text)
    one.clock.advance(1)
    barrier.go_on()
    [first] = await in_time(sending)
    assert (first.said, first.body) == ((1, "入场成功"), again.body)
