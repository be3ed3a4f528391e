"""The code to a driver's phone (5.13), and the scan that needs it."""

from __future__ import annotations

import asyncio

import pytest

from lot.conftest import NewParking
from support.clock import PATIENCE
from support.databases.troubled import TroubledDatabase
from support.lot.parking import BY, LOT_ID, Parking, in_time, lot_with
from taigan.lot.errors import BadValue
from taigan.lot.gateways.gateway import Arrival, NoGateway
from taigan.lot.messages.drivers.phone_checks import RECEIPT_AFTER
from taigan.lot.policy import Policy
from taigan.storage import tables as t
from taigan.storage.database import Database

PHONE = "13800000000"


@pytest.fixture
async def checked(new_parking: NewParking) -> Parking:
    """A lot that checks phones."""
    return await new_parking(lots=[lot_with(sms_check=True)])


@pytest.mark.parametrize("mobile", [None, "", "13900000000"])
async def test_sms_check_on_and_no_mobile_number_or_one_that_got_no_code_is_refused(
    checked: Parking, mobile: str | None
) -> None:
    await checked.arrives()
    await checked.verify_phone("EA47829", PHONE)
    assert (await checked.scan(mobile_number=mobile)).said == (0, "请先验证手机号")
    assert checked.barrier().lifts == 0


async def test_sms_check_on_and_a_number_that_got_a_code_is_let_in_for_10_minutes(checked: Parking) -> None:
    await checked.verify_phone("EA47829", PHONE)
    checked.clock.advance(601)
    assert (await checked.scan(mobile_number=PHONE)).said == (0, "请先验证手机号")
    await checked.verify_phone("EA47829", PHONE)
    checked.clock.advance(600)
    await checked.arrives()
    assert (await checked.scan(mobile_number=PHONE)).state == 1


async def test_sms_check_on_and_somebody_elses_code_does_not_help(checked: Parking) -> None:
    await checked.arrives()
    await checked.verify_phone("OTHER01", PHONE)
    assert (await checked.scan("EA47829", mobile_number=PHONE)).said == (0, "请先验证手机号")


async def test_sms_check_off_asks_for_nothing(street: Parking) -> None:
    await street.arrives()
    assert (await street.scan()).state == 1


async def test_a_code_is_sent_and_answered(checked: Parking) -> None:
    said = await checked.verify_phone("EA47829", PHONE)
    assert (said["state"], said["errmsg"]) == (1, "发送成功")
    assert checked.gateway.sent == [(PHONE, said["verify_code"])]


async def test_a_repeated_request_gets_the_first_code_and_no_second_sms(checked: Parking) -> None:
    first = await checked.verify_phone("EA47829", PHONE)
    checked.clock.advance(59)
    assert (await checked.verify_phone("EA47829", PHONE))["verify_code"] == first["verify_code"]
    assert len(checked.gateway.sent) == 1
    checked.clock.advance(2)
    assert (await checked.verify_phone("EA47829", PHONE))["verify_code"] != first["verify_code"]
    assert len(checked.gateway.sent) == 2


async def test_50_requests_at_once_send_one_sms(checked: Parking) -> None:
    said = await in_time(*(checked.verify_phone("EA47829", PHONE) for _ in range(50)))
    assert {answer["verify_code"] for answer in said} == {said[0]["verify_code"]}
    assert len(checked.gateway.sent) == 1


async def test_5_codes_an_hour_per_phone_then_too_often(checked: Parking) -> None:
    for number in range(5):
        assert (await checked.verify_phone(f"CAR000{number}", PHONE))["state"] == 1
    said = await checked.verify_phone("CAR0009", PHONE)
    assert (said["state"], said["errmsg"]) == (0, "操作频繁，请稍后再试")
    assert "verify_code" not in said
    checked.clock.advance(3600)
    assert (await checked.verify_phone("CAR0009", PHONE))["state"] == 1


async def test_5_codes_an_hour_per_driver_then_too_often(checked: Parking) -> None:
    for number in range(5):
        assert (await checked.verify_phone("EA47829", f"1380000000{number}"))["state"] == 1
    assert (await checked.verify_phone("EA47829", PHONE[:-1] + "9"))["errmsg"] == "操作频繁，请稍后再试"
    assert (await checked.verify_phone("OTHER01", PHONE[:-1] + "9"))["state"] == 1


async def test_gateway_down_is_said_and_the_code_counts_neither_as_sent_nor_as_checked(checked: Parking) -> None:
    checked.gateway.down = True
    for _ in range(6):
        said = await checked.verify_phone("EA47829", PHONE)
        assert (said["state"], said["errmsg"]) == (0, "发送验证码失败")
    await checked.arrives()
    assert (await checked.scan(mobile_number=PHONE)).said == (0, "请先验证手机号")
    checked.gateway.down = False
    assert (await checked.verify_phone("EA47829", PHONE))["state"] == 1


async def test_a_gateway_that_hangs_is_given_up_within_answer_within(checked: Parking) -> None:
    checked.gateway.hangs = True
    asking = asyncio.create_task(checked.verify_phone("EA47829", PHONE))
    await checked.gateway.asked.wait()
    checked.clock.advance(4)
    assert (await in_time(asking))[0] == {"state": 0, "errmsg": "发送验证码失败"}


async def test_the_database_is_gone_and_the_request_is_told_busy(database: Database, new_parking: NewParking) -> None:
    troubled = TroubledDatabase(database)
    street = await new_parking(on=troubled)
    troubled.gone = True
    assert (await street.verify_phone("EA47829", PHONE))["state"] == 0
    troubled.gone = False
    assert street.gateway.sent == []


async def test_the_limits_are_settings(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(sms_per_hour=1, sms_repeat=5))
    assert (await street.verify_phone("EA47829", PHONE))["state"] == 1
    street.clock.advance(6)
    assert (await street.verify_phone("EA47829", PHONE))["errmsg"] == "操作频繁，请稍后再试"


@pytest.mark.parametrize("mobile", ["12345", "not a phone", "1380000000", "23800000000", "+", "１３８００００００００"])
async def test_what_is_no_mobile_number_gets_no_code(street: Parking, mobile: str) -> None:
    said = await street.verify_phone("EA47829", mobile)
    assert (said["state"], said["errmsg"]) == (0, "手机号码不正确")
    assert street.gateway.sent == []


@pytest.mark.parametrize(
    "mobile", ["13800000000", "8613800000000", "+8613800000000", "008613800000000", "+85291234567"]
)
async def test_mobile_numbers_of_here_and_elsewhere_get_a_code(street: Parking, mobile: str) -> None:
    assert (await street.verify_phone("EA47829", mobile))["state"] == 1
    assert [number for number, _ in street.gateway.sent] == [mobile]


@pytest.mark.parametrize("mobile", ["", None, "1" * 33])
async def test_a_phone_number_that_cannot_be_one_is_named(street: Parking, mobile: str | None) -> None:
    said = await street.verify_phone("EA47829", PHONE, **{"mobile_number": mobile})
    assert said["state"] == 0
    assert "mobile_number" in said["errmsg"]


async def test_switching_the_check_on_holds_from_the_next_scan(street: Parking) -> None:
    await street.arrives()
    await street.attendant.set_lot(LOT_ID, {"sms_check": True}, BY)
    assert (await street.scan()).said == (0, "请先验证手机号")


async def test_a_lot_sends_so_many_codes_an_hour_then_none_and_one_alarm_is_raised(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(sms_check=True)], policy=Policy(sms_per_lot_hour=3))
    for number in range(3):
        assert (await street.verify_phone(f"CAR000{number}", f"1380000000{number}"))["state"] == 1
    for number in range(3, 6):
        assert (await street.verify_phone(f"CAR000{number}", f"1380000000{number}"))["state"] == 0
    assert await street.alarm_kinds() == ["sms_limit"]
    street.clock.advance(3601)
    assert (await street.verify_phone("CAR0009", "13800000009"))["state"] == 1


async def test_a_code_that_did_not_arrive_is_forgotten_so_that_a_new_one_is_sent_at_once(checked: Parking) -> None:
    checked.gateway.arrival = Arrival.FAILED
    first = await checked.verify_phone("EA47829", PHONE)
    await checked.clock.waited_for(RECEIPT_AFTER)
    checked.clock.advance(RECEIPT_AFTER)
    async with asyncio.timeout(PATIENCE):
        while await checked.row(t.sms_codes.select()):
            await asyncio.sleep(0.01)
    assert (await checked.verify_phone("EA47829", PHONE))["verify_code"] != first["verify_code"]
    assert len(checked.gateway.sent) == 2


async def test_one_phone_asked_for_by_two_lots_at_once_gets_no_more_than_it_may(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(sms_check=True), lot_with(park_id="8", sms_check=True)])
    asked = (street.verify_phone(f"CAR{n:04d}", PHONE, park_id=("7", "8")[n % 2]) for n in range(20))
    said = await in_time(*asked)
    assert sum(answer["state"] for answer in said) == 5


async def test_a_lot_asks_for_no_code_where_nobody_could_send_one(database: Database) -> None:
    street = await Parking(database, gateway=NoGateway()).open()
    with pytest.raises(BadValue) as refused:
        await street.attendant.set_lot(LOT_ID, {"sms_check": True}, BY)
    assert refused.value.field == "sms_check"
    assert not await street.deliveries()
    await street.attendant.set_lot(LOT_ID, {"sms_check": False}, BY)
    await street.platform.stop()
