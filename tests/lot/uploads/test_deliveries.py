"""What is owed to BoLink: when it goes, how fast, in which sequence, how often, and until when."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.clock import PATIENCE
from support.lot.parking import BY, KEY, LOT, LOT_ID, VENDOR, Parking, in_time, lot_with
from taigan.lot.errors import Conflict, UnknownDelivery
from taigan.lot.policy import Policy
from taigan.lot.setup import VendorSetup
from taigan.lot.uploads.courier import LEASE_SPARE
from taigan.storage import tables as t
from taigan.storage.setup import registry


async def many_enter(street: Parking, count: int, lot_id: str = LOT_ID) -> None:
    """So many cars drive in, one after the other; nothing is sent yet."""
    park_id = lot_id.partition("-")[2]
    for number in range(count):
        car = await street.arrives("A1", lot_id)
        said = await street.scan(f"CAR{number:04d}", park_id=park_id)
        assert said.state == 1, said
        await street.passes(car, "A1", lot_id)


def most_in_any_second(moments: list[datetime]) -> int:
    """The most uploads that any window of one second holds, wherever it begins."""
    moments = sorted(moments)
    return max(sum(first <= other < first + timedelta(seconds=1) for other in moments) for first in moments)


async def test_at_most_9_uploads_in_any_one_second_per_lot_over_two_couriers(new_parking: NewParking) -> None:
    lots = [lot_with(spaces=100), lot_with(park_id="9", spaces=100)]
    one = await new_parking(lots=lots)
    other = await new_parking(lots=lots, clock=one.clock, process="q", bolink_side=one.bolink)
    for lot_id in (LOT_ID, "200002-9"):
        await many_enter(one, 14, lot_id)
    while len(one.bolink.of("3.1")) < 28:
        await in_time(one.platform.courier.look(), other.platform.courier.look())
        await in_time(one.platform.courier.sent(), other.platform.courier.sent())
        one.clock.advance(0.04)
    for park_id in ("7", "9"):
        uploads = [upload for upload in one.bolink.of("3.1") if upload.data["park_id"] == park_id]
        assert most_in_any_second([upload.at for upload in uploads]) <= 9
        assert Counter(upload.order_id for upload in uploads).most_common(1)[0][1] == 1
    assert one.clock.monotonic() < 5  # both lots at once, each at its pace


async def test_retries_are_paced_with_the_rest(street: Parking) -> None:
    street.bolink.loses_answers = True
    await many_enter(street, 12)
    for _ in range(60):
        await street.platform.courier.look()
        await street.platform.courier.sent()
        street.clock.advance(0.07)
    assert most_in_any_second([upload.at for upload in street.bolink.uploads]) <= 9
    assert max(Counter(upload.order_id for upload in street.bolink.uploads).values()) > 1


async def test_bolink_unreachable_is_tried_after_1_2_5_10_30_60_s_then_every_5_minutes_with_jitter(
    street: Parking,
) -> None:
    street.bolink.loses_answers = True
    await street.enters()
    waits = []
    for _ in range(9):
        await street.platform.courier.look()
        await street.platform.courier.sent()
        delivery = (await street.deliveries())[0]
        assert delivery.state == "pending"
        waits.append((delivery.next_at - street.clock.now()).total_seconds())
        street.clock.advance(waits[-1])
    nominal = [1, 2, 5, 10, 30, 60, 300, 300, 300]
    assert all(least <= wait <= least * 1.2 for least, wait in zip(nominal, waits, strict=True)), waits
    assert any(wait != least for least, wait in zip(nominal, waits, strict=True))
    street.bolink.loses_answers = False
    await street.deliver()
    assert (await street.deliveries())[0].state == "done"


async def test_bolink_unreachable_does_not_concern_the_driver(street: Parking) -> None:
    street.bolink.reachable = False
    await street.arrives()
    assert (await street.scan()).said == (1, "入场成功")
    await street.deliver()
    assert (await street.deliveries())[0].state == "pending"
    assert (await street.order()).state == "in"


async def test_retries_go_on_across_a_restart_where_they_were(new_parking: NewParking) -> None:
    before = await new_parking()
    before.bolink.reachable = False
    await before.enters()
    for _ in range(3):
        await before.platform.courier.look()
        await before.platform.courier.sent()
        before.clock.advance(10)
    after = await new_parking(clock=before.clock, process="q")
    after.bolink.reachable = False
    await after.platform.courier.look()
    await after.platform.courier.sent()
    delivery = (await after.deliveries())[0]
    assert delivery.attempts == 4
    assert 10 <= (delivery.next_at - after.clock.now()).total_seconds() <= 12


@pytest.mark.parametrize("answer", [(500, b"{}"), (200, b"<html>"), (200, b"{}"), (404, b"not found")])
async def test_an_answer_that_is_none_is_tried_again(street: Parking, answer: tuple[int, bytes]) -> None:
    street.bolink.answers["3.1"] = answer
    await street.enters()
    await street.platform.courier.look()
    await street.platform.courier.sent()
    assert [(x.state, x.attempts) for x in await street.deliveries()] == [("pending", 1)]


async def test_bolink_refuses_3_1_is_refused_shown_with_its_text_and_can_be_sent_again(street: Parking) -> None:
    street.bolink.refuses["3.1"] = "车牌号有误"
    await street.enters()
    await street.deliver()
    street.clock.advance(4000)
    await street.deliver()
    delivery = (await street.deliveries())[0]
    assert (delivery.state, delivery.answer, len(street.bolink.of("3.1"))) == ("refused", "车牌号有误", 1)
    assert [(a.kind, a.text) for a in await street.alarms()] == [("upload_refused", "BoLink refused 3.1: 车牌号有误")]
    assert (await street.order()).state == "in"
    del street.bolink.refuses["3.1"]
    await street.attendant.retry_delivery(LOT_ID, delivery.delivery_id, BY)
    await street.deliver()
    assert (await street.deliveries())[0].state == "done"
    with pytest.raises(Conflict):
        await street.attendant.retry_delivery(LOT_ID, delivery.delivery_id, BY)
    with pytest.raises(UnknownDelivery):
        await street.attendant.retry_delivery(LOT_ID, 10**9, BY)


async def test_an_order_that_exists_already_counts_as_accepted(street: Parking) -> None:
    street.bolink.refuses["3.1"] = "订单已存在"
    await street.enters()
    await street.deliver()
    assert [delivery.state for delivery in await street.deliveries()] == ["done"]


async def test_3_1_is_frozen_with_its_order_and_signed_when_it_is_sent(street: Parking) -> None:
    await street.enters()
    entered_at = int(street.clock.now().timestamp())
    await street.attendant.set_spaces(LOT_ID, 3, BY)
    new = "0" * 32
    street.bolink.keys.append(new)
    await street.database.write(lambda conn: registry.rotate_key(conn, "200002", new, street.clock.now()))
    await street.platform.keyring.refresh()
    street.clock.advance(3600)
    await street.deliver()
    upload = street.bolink.of("3.1")[0]
    assert (upload.key, upload.data["empty_plot"], upload.data["in_time"]) == (new, 49, entered_at)


async def test_deliveries_of_one_order_keep_their_sequence_over_two_couriers(new_parking: NewParking) -> None:
    one = await new_parking()
    other = await new_parking(clock=one.clock, process="q", bolink_side=one.bolink)
    car = await one.enters()
    one.bolink.holds = True
    await one.platform.courier.look()
    await one.bolink.received("3.1")
    await one.backs_out(car)
    one.clock.advance(1)
    await other.platform.courier.look()
    await other.platform.courier.sent()
    assert one.bolink.of("3.2") == []
    one.bolink.go_on()
    await one.platform.courier.sent()
    await other.platform.courier.look()
    await other.platform.courier.sent()
    assert len(one.bolink.of("3.2")) == 1


async def test_a_lease_that_ran_out_is_taken_over_and_the_late_result_of_the_first_is_left_alone(
    new_parking: NewParking,
) -> None:
    one = await new_parking()
    other = await new_parking(clock=one.clock, process="q")
    await one.enters()
    one.bolink.holds = True
    one.bolink.refuses["3.1"] = "too late"
    await one.platform.courier.look()
    await one.bolink.received("3.1")
    one.clock.advance(Policy().upload_timeout + LEASE_SPARE - 0.1)
    await other.platform.courier.look()
    assert other.bolink.uploads == []
    one.clock.advance(0.1)
    await other.platform.courier.look()
    await other.platform.courier.sent()
    assert len(other.bolink.uploads) == 1
    one.bolink.go_on()
    await one.platform.courier.sent()
    assert [(x.state, x.attempts) for x in await one.deliveries()] == [("done", 2)]


async def test_two_couriers_never_take_the_same_delivery(new_parking: NewParking) -> None:
    one = await new_parking()
    others = [await new_parking(clock=one.clock, process=f"q{n}", bolink_side=one.bolink) for n in range(3)]
    await many_enter(one, 6)
    for _ in range(30):
        await in_time(*(each.platform.courier.look() for each in (one, *others)))
        await in_time(*(each.platform.courier.sent() for each in (one, *others)))
        one.clock.advance(0.05)
    assert sorted(Counter(upload.order_id for upload in one.bolink.uploads).values()) == [1] * 6


async def test_switches_of_the_sms_check_reach_bolink_in_their_order(street: Parking) -> None:
    street.bolink.loses_answers = True
    await street.attendant.set_lot(LOT_ID, {"sms_check": True}, BY)
    await street.platform.courier.look()
    await street.platform.courier.sent()
    street.bolink.loses_answers = False
    await street.attendant.set_lot(LOT_ID, {"sms_check": False}, BY)
    await street.deliver()
    sent = [upload.data["nolience_config"] for upload in street.bolink.of("2.5")]
    assert [json.loads(x)["is_verify"] if isinstance(x, str) else x["is_verify"] for x in sent] == [1, 1, 0]


async def test_a_lot_with_an_sms_check_tells_bolink_of_it_at_its_first_start(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(sms_check=True)])
    await street.deliver()
    assert len(street.bolink.of("2.5")) == 1


async def test_a_lot_whose_uploads_fail_does_not_hold_up_another(new_parking: NewParking) -> None:
    street = await new_parking(
        lots=[LOT, lot_with(union_id="200003", park_id="8")],
        vendors=[VENDOR, VendorSetup(union_id="200003", key="k")],
        keys=[KEY, "k"],
    )
    await many_enter(street, 3)
    car = await street.arrives("A1", "200003-8")
    await street.send(street.message("EA47829", union_id=200003, park_id="8"), key="k")
    await street.passes(car, "A1", "200003-8")
    street.bolink.refuses["3.1"] = "no"
    await street.platform.courier.look()
    await street.platform.courier.sent()
    assert {upload.data["park_id"] for upload in street.bolink.uploads} == {"7", "8"}


async def test_messages_that_wait_long_raise_an_alarm_once_and_are_counted(street: Parking) -> None:
    street.bolink.reachable = False
    await street.passes(await street.enters())
    await street.deliver(1)
    await street.watch(after=250)
    assert await street.alarm_kinds("") == []
    async with street.platform.events.subscribe(LOT_ID) as heard:
        await street.watch(after=60)
        told = [heard.get_nowait() for _ in range(heard.qsize())]
    await street.watch(after=60)
    assert await street.alarm_kinds("") == ["queue_age"]
    assert [step["lot_id"] for step in told if step.get("kind") == "queue_age"] == [LOT_ID], "its pages fetch it"
    assert street.metric("taigan_delivery_queue_length") == 1
    assert street.metric("taigan_delivery_queue_age_seconds") > 300


async def test_a_started_platform_delivers_watches_and_fetches_the_codes_by_itself(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(lane_hold=10))
    await street.platform.start()
    assert (await street.scan("EA47829", "A4")).state == 1
    assert (await street.bolink.received("3.1")).order_id == (await street.order()).order_id
    await street.bolink.received("2.3", times=6)
    await street.clock.waited_for(1.0)
    street.clock.advance(11)
    async with asyncio.timeout(PATIENCE):
        while (await street.order()).passed_at is None:
            await street.clock.waited_for(1.0)
            street.clock.advance(1)
    codes = await street.row(
        sa.select(t.lanes.c.channel_id, t.lanes.c.entry_url)
        .order_by(t.lanes.c.channel_id)
        .where(t.lanes.c.entry_url != "")
    )
    assert [tuple(row) for row in codes] == [(lane, f"http://code/{lane}") for lane in ("A1", "A2", "A3", "A4", "B1")]


async def test_a_lane_that_bolink_gives_no_code_does_not_keep_the_others_from_theirs(new_parking: NewParking) -> None:
    street = await new_parking(
        lots=[LOT, lot_with(union_id="200001", park_id="1")], vendors=[VENDOR, VendorSetup(union_id="200001", key="?")]
    )
    street.bolink.refuses_codes_of = {"1"}
    await street.platform.start()
    await street.bolink.received("2.3", times=12)
    asked = [upload.data.get("channel_id", "") for upload in street.bolink.of("2.3") if upload.data["park_id"] == "7"]
    assert sorted(asked) == ["", "A1", "A2", "A3", "A4", "B1"]


async def test_a_refused_entry_whose_reversal_bolink_took_is_not_sent_again(street: Parking) -> None:
    street.bolink.refuses["3.1"] = "系统维护"
    car = await street.enters()
    await street.deliver()
    await street.backs_out(car)
    street.clock.advance(1)
    await street.deliver()
    (refused,) = [delivery for delivery in await street.deliveries() if delivery.section == "3.1"]
    street.bolink.refuses.clear()
    with pytest.raises(Conflict, match="would undo"):
        await street.attendant.retry_delivery(LOT_ID, refused.delivery_id, BY)
    street.clock.advance(1)
    await street.deliver()
    assert [upload.section for upload in street.bolink.uploads][-1] == "3.2"
