"""The entry across BoLink's side, the lot platform and the lanes, each a process of its own, over HTTP only."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from support.stacks.stack import Lane, Stack, eventually

NewStack = Callable[..., Stack]
BY = {"operator": "王工", "reason": "journey"}
_drivers = (f"driver-{number}" for number in itertools.count())
_licences = (f"J{number:06d}" for number in itertools.count())


@pytest.fixture
def driver() -> str:
    return next(_drivers)


@pytest.fixture
def a1(stack: Stack) -> Lane:
    """Lane A1, automatic."""
    return stack.lane("A1")


@pytest.fixture
def a2(stack: Stack) -> Lane:
    """Lane A2, where an attendant releases."""
    return stack.lane("A2")


async def _is(lane: Lane, **wanted: Any) -> bool:
    state = await lane.state()
    return all(state[name] == value for name, value in wanted.items())


async def _order(stack: Stack, car_number: str) -> dict[str, Any]:
    orders = await stack.orders(car_number=car_number)
    return orders[0] if orders else {}


async def _order_is(stack: Stack, car_number: str, state: str) -> dict[str, Any]:
    order = await _order(stack, car_number)
    return order if order.get("state") == state else {}


async def _entry(stack: Stack, car_number: str) -> dict[str, Any]:
    return next((entry for entry in await stack.entries() if entry["data"]["car_number"] == car_number), {})


async def _uploaded(stack: Stack, car_number: str) -> dict[str, Any]:
    return await eventually(lambda: _entry(stack, car_number))


async def test_lane_ready_car_on_the_loop_the_phone_says_success_the_arm_rises_once_and_the_entry_arrives(
    stack: Stack, a1: Lane, driver: str
) -> None:
    lifts, free = await a1.lifts(), await stack.spaces_free()
    await a1.car("arrives")
    scan = await stack.scan("A1", driver)
    assert (scan["shown"], scan["state"], scan["text"]) == ("success", 1, "入场成功"), stack.logs()
    await eventually(lambda: _is(a1, barrier="open"))
    entry = await _uploaded(stack, scan["car_number"])
    order = await _order(stack, scan["car_number"])
    assert (entry["received"], entry["signature"]) == (1, "raw")
    assert entry["data"]["order_id"] == order["order_id"]
    assert entry["data"]["car_cost_type"] == 4
    assert entry["data"]["in_channel_id"] == "A1"
    assert entry["data"]["empty_plot"] == free - 1 == await stack.spaces_free()
    assert (await a1.car("passes")).status == 200
    assert (await _order(stack, scan["car_number"]))["passed_at"]
    assert await a1.lifts() == lifts + 1


async def test_the_same_message_50_times_at_once_gets_one_answer_byte_for_byte_one_order_and_one_lift(
    stack: Stack, a1: Lane
) -> None:
    lifts = await a1.lifts()
    await a1.car("arrives")
    body = stack.message("A1", licence := next(_licences))
    answers = await asyncio.gather(*(stack.callback(body) for _ in range(50)))
    assert {status for status, _ in answers} == {200}
    (answer,) = {content for _, content in answers}
    assert json.loads(answer)["state"] == 1
    assert len(await stack.orders(car_number=licence)) == 1
    assert await a1.lifts() == lifts + 1
    assert (await stack.callback(body))[1] == answer


async def test_two_phones_at_one_lane_at_once_one_is_let_in_and_the_other_is_told_to_wait(
    stack: Stack, a1: Lane
) -> None:
    lifts = await a1.lifts()
    await a1.car("arrives")
    answers = await asyncio.gather(
        *(stack.callback(stack.message("A1", licence)) for licence in (next(_licences), next(_licences)))
    )
    texts = sorted((json.loads(content)["state"], json.loads(content)["errmsg"]) for _, content in answers)
    assert texts == [(0, "车道正在处理其他车辆，请稍候"), (1, "入场成功")]
    assert await a1.lifts() == lifts + 1


async def test_no_car_on_the_loop_the_phone_says_to_drive_up(stack: Stack, a1: Lane, driver: str) -> None:
    scan = await stack.scan("A1", driver)
    assert (scan["shown"], scan["text"]) == ("refused", "未检测到车辆，请驶入车道后再扫码")
    assert await stack.orders(car_number=scan["car_number"]) == []


async def test_a_car_that_arrives_within_presence_grace_is_let_in(new_stack: NewStack) -> None:
    stack = new_stack({"TAIGAN_LOT_PRESENCE_GRACE": "3"})
    await stack.start()
    scanning = asyncio.create_task(stack.callback(stack.message("A1", next(_licences))))
    await eventually(lambda: _held(stack))
    await stack.lane("A1").car("arrives")
    _, answer = await scanning
    assert json.loads(answer)["state"] == 1


async def _held(stack: Stack) -> bool:
    """Whether the lot has taken the scan in: it is counted for its driver before it is answered."""
    metrics = await stack.lot.ask("GET", "/metrics")
    return 'taigan_signatures_total{form="raw",key="current"} 1.0' in metrics["text"]


async def test_code_of_another_empty_lane_scanned_names_the_lane(stack: Stack, a1: Lane, a2: Lane, driver: str) -> None:
    await a2.car("arrives")
    scan = await stack.scan("A1", driver)
    assert (scan["shown"], scan["text"]) == ("refused", "A1未检测到车辆，请扫描所在车道的二维码")


async def test_nose_to_tail_the_second_car_is_let_in_on_a_lift_of_its_own_once_the_first_has_passed(
    stack: Stack, a1: Lane
) -> None:
    lifts = await a1.lifts()
    await a1.car("arrives")
    await a1.car("second_car")
    assert (await stack.scan("A1", next(_drivers)))["shown"] == "success"
    assert (await a1.car("passes")).status == 200
    await eventually(lambda: _is(a1, barrier="closed", car="loop"))
    assert (await stack.scan("A1", next(_drivers)))["shown"] == "success"
    assert (await a1.car("passes")).status == 200
    assert await a1.lifts() == lifts + 2


async def test_a_second_car_that_follows_on_one_lift_takes_a_space_without_order_and_raises_the_alarm(
    stack: Stack, a1: Lane, driver: str
) -> None:
    free = await stack.spaces_free()
    await a1.car("arrives")
    assert (await stack.scan("A1", driver))["shown"] == "success"
    await eventually(lambda: _is(a1, barrier="open"))
    await a1.car("second_car")
    assert await stack.spaces_free() == free - 2
    alarms = (await stack.lot.get(f"{stack.lot_path}/alarms"))["items"]
    assert "跟车" in alarms[0]["text"]


async def test_lane_needs_an_attendant_the_phone_waits_and_is_let_in_on_release(
    stack: Stack, a2: Lane, driver: str
) -> None:
    await a2.car("arrives")
    scan = await stack.scan("A2", driver)
    assert (scan["shown"], scan["text"]) == ("waiting", "请等待管理员放行")
    assert await _is(a2, barrier="closed")
    released = await stack.lot.post(f"{stack.lot_path}/lanes/A2/release", **BY)
    assert released.status == 200
    await _uploaded(stack, scan["car_number"])
    await eventually(lambda: _shown(stack, scan, "success"))
    assert (await stack.lot.post(f"{stack.lot_path}/lanes/A2/release", **BY)).status == 409
    order = await _order(stack, scan["car_number"])
    detail = await stack.lot.get(f"{stack.lot_path}/orders/{order['order_id']}")
    assert [(lift["actor"], lift["reason"]) for lift in detail["lifts"]] == [("王工", "journey")]


async def _shown(stack: Stack, scan: dict[str, Any], wanted: str) -> bool:
    return await stack.shown(scan["scan_id"]) == wanted


async def test_lane_needs_an_attendant_who_refuses_the_order_is_void_and_the_space_free(
    stack: Stack, a2: Lane, driver: str
) -> None:
    free = await stack.spaces_free()
    await a2.car("arrives")
    scan = await stack.scan("A2", driver)
    assert (await stack.lot.post(f"{stack.lot_path}/lanes/A2/refuse", **BY)).status == 200
    assert (await _order(stack, scan["car_number"]))["state"] == "void"
    assert await stack.spaces_free() == free
    assert await _is(a2, barrier="closed")


async def test_barrier_reports_a_fault_the_phone_says_so_and_the_order_is_void(
    stack: Stack, a1: Lane, driver: str
) -> None:
    lifts, free = await a1.lifts(), await stack.spaces_free()
    await a1.mode("fault")
    await a1.car("arrives")
    scan = await stack.scan("A1", driver)
    assert (scan["shown"], scan["text"]) == ("refused", "道闸故障，请联系管理员")
    assert (await _order(stack, scan["car_number"])).get("state", "void") == "void"
    assert (await a1.lifts(), await stack.spaces_free()) == (lifts, free)


async def test_not_confirmed_by_the_deadline_the_phone_waits_and_the_car_that_passes_is_in(
    new_stack: NewStack,
) -> None:
    stack = new_stack({"TAIGAN_LOT_ANSWER_WITHIN": "1"})
    await stack.start()
    lane = stack.lane("A1")
    await lane.mode("mute")
    await lane.car("arrives")
    scan = await stack.scan("A1", next(_drivers))
    assert (scan["shown"], scan["text"]) == ("waiting", "正在抬杆，请稍候"), stack.logs()
    assert await stack.entries() == []
    assert (await lane.car("passes")).status == 200
    await _uploaded(stack, scan["car_number"])
    await eventually(lambda: _shown(stack, scan, "success"))
    assert await lane.lifts() == 1

    await lane.mode("silent")
    await lane.car("arrives")
    scan = await stack.scan("A1", next(_drivers))
    assert scan["shown"] == "waiting"
    await lane.car("backs_out")
    assert (await _order(stack, scan["car_number"]))["state"] == "void"
    assert await lane.lifts() == 1
    assert await stack.spaces_free() == 9_999


async def test_an_arm_that_moves_late_makes_the_order_in_with_no_second_pulse(new_stack: NewStack) -> None:
    stack = new_stack({"TAIGAN_LOT_ANSWER_WITHIN": "1", "TAIGAN_LANES_LATE_BY": "3"})
    await stack.start()
    lane = stack.lane("A1")
    await lane.mode("late")
    await lane.car("arrives")
    scan = await stack.scan("A1", next(_drivers))
    assert scan["shown"] == "waiting"
    await eventually(lambda: _order_is(stack, scan["car_number"], "in"))
    await eventually(lambda: _shown(stack, scan, "success"))
    assert await lane.lifts() == 1


async def test_own_order_in_and_the_arm_still_down_a_new_scan_gets_the_first_result(stack: Stack, a1: Lane) -> None:
    licence = next(_licences)
    await a1.mode("locked")
    await a1.car("arrives")
    told = [json.loads((await stack.callback(_later(stack, licence, seconds)))[1]) for seconds in (0, 11)]
    assert [(answer["state"], answer["errmsg"]) for answer in told] == [(1, "入场成功")] * 2
    (order,) = await stack.orders(car_number=licence)
    detail = await stack.lot.get(f"{stack.lot_path}/orders/{order['order_id']}")
    assert len(detail["lifts"]) == 2


def _later(stack: Stack, licence: str, seconds: int) -> bytes:
    """A message that says it was sent later: BoLink's messages of one driver are never of the same second."""
    return stack.message("A1", licence, timetemp=int(time.time()) + seconds)


async def test_car_backs_out_after_1_the_order_is_void_and_bolink_is_told(stack: Stack, a1: Lane, driver: str) -> None:
    free = await stack.spaces_free()
    await a1.car("arrives")
    scan = await stack.scan("A1", driver)
    entry = await _uploaded(stack, scan["car_number"])
    await a1.car("backs_out")
    assert (await _order(stack, scan["car_number"]))["state"] == "void"
    assert await stack.spaces_free() == free
    reversal = await eventually(lambda: _exit(stack, entry["data"]["order_id"]))
    assert float(reversal["data"]["total"]) == 0
    assert "车辆倒出未入场" in json.dumps(reversal["data"], ensure_ascii=False)


async def _exit(stack: Stack, order_id: str) -> dict[str, Any]:
    exits = (await stack.hub.get("/admin/exits", lot_id=stack.lot_id))["items"]
    return next((exit_ for exit_ in exits if exit_["data"]["order_id"] == order_id), {})


async def test_arm_held_open_the_driver_is_in_without_a_pulse(stack: Stack, a1: Lane, driver: str) -> None:
    assert (await stack.lot.post(f"{stack.lot_path}/lanes/A1/hold", **BY)).status == 200
    await eventually(lambda: _is(a1, barrier="open"))
    lifts = await a1.lifts()
    await a1.car("arrives")
    scan = await stack.scan("A1", driver)
    assert (scan["shown"], scan["text"]) == ("success", "入场成功，请通行")
    assert await a1.lifts() == lifts
    assert (await a1.car("passes")).status == 200
    assert (await stack.lot.post(f"{stack.lot_path}/lanes/A1/close", **BY)).status == 200
    await _uploaded(stack, scan["car_number"])


async def test_emergency_open_refuses_scans_and_leaves_the_barrier(stack: Stack, a1: Lane, driver: str) -> None:
    await stack.lot.put(stack.lot_path, emergency=True, **BY)
    try:
        await a1.car("arrives")
        scan = await stack.scan("A1", driver)
        assert (scan["shown"], scan["text"]) == ("refused", "车场紧急状态，请听从现场指挥")
        assert await _is(a1, barrier="closed")
    finally:
        await stack.lot.put(stack.lot_path, emergency=False, **BY)


async def test_lot_full_is_refused(stack: Stack, a1: Lane, driver: str) -> None:
    free = await stack.spaces_free()
    await stack.lot.put(stack.lot_path, spaces_free=0, **BY)
    try:
        await a1.car("arrives")
        scan = await stack.scan("A1", driver)
        assert (scan["shown"], scan["text"]) == ("refused", "车位已满")
    finally:
        await stack.lot.put(stack.lot_path, spaces_free=free, **BY)


async def test_bolink_unreachable_the_driver_is_in_and_the_entry_is_uploaded_once_it_is_back(
    stack: Stack, a1: Lane, driver: str
) -> None:
    await stack.hub.put("/admin/faults", faults=[{"kind": "hub_down", "times": None}])
    await a1.car("arrives")
    scan = await stack.scan("A1", driver)
    assert scan["shown"] == "success"
    tried = await eventually(lambda: _delivery(stack, scan["car_number"], tried=2))
    assert tried["state"] in ("pending", "sending")
    await stack.hub.put("/admin/faults", faults=[])
    assert (await eventually(lambda: _entry(stack, scan["car_number"])))["received"] == 1


async def _delivery(stack: Stack, car_number: str, *, tried: int = 0, state: str = "") -> dict[str, Any]:
    for delivery in (await stack.lot.get(f"{stack.lot_path}/deliveries", limit=1000))["items"]:
        if f'"{car_number}"' in delivery["payload"] and delivery["attempts"] >= tried:
            return delivery if state in ("", delivery["state"]) else {}
    return {}


async def test_bolink_refuses_3_1_it_is_shown_with_its_text_and_can_be_sent_again(
    stack: Stack, a1: Lane, driver: str
) -> None:
    await stack.hub.put("/admin/faults", faults=[{"kind": "upload_refused", "text": "参数错误", "service_name": "3.1"}])
    await a1.car("arrives")
    scan = await stack.scan("A1", driver)
    assert scan["shown"] == "success"
    refused = await eventually(lambda: _delivery(stack, scan["car_number"], state="refused"))
    assert "参数错误" in refused["answer"]
    again = await stack.lot.post(f"{stack.lot_path}/deliveries/{refused['id']}/retry", **BY)
    assert again.status == 200
    await _uploaded(stack, scan["car_number"])


@pytest.mark.parametrize("fault", ["upload_500", "upload_answer_lost"])
async def test_an_upload_whose_answer_fails_is_sent_again_and_counts_once(
    stack: Stack, a1: Lane, driver: str, fault: str
) -> None:
    await stack.hub.put("/admin/faults", faults=[{"kind": fault, "times": 1, "service_name": "3.1"}])
    await a1.car("arrives")
    scan = await stack.scan("A1", driver)
    await eventually(lambda: _delivery(stack, scan["car_number"], state="done"))
    arrived = [entry for entry in await stack.entries() if entry["data"]["car_number"] == scan["car_number"]]
    assert [entry["received"] for entry in arrived] == [2]


async def test_the_answer_is_lost_and_the_driver_scans_again_no_second_lift(
    stack: Stack, a1: Lane, driver: str
) -> None:
    lifts = await a1.lifts()
    await stack.hub.put("/admin/faults", faults=[{"kind": "answer_lost"}])
    await a1.car("arrives")
    first = await stack.scan("A1", driver)
    await eventually(lambda: _is(a1, barrier="open"))
    again = await stack.scan("A1", driver)
    assert again["shown"] == "success"
    await eventually(lambda: _shown(stack, first, "success"))
    assert await a1.lifts() == lifts + 1
    assert len(await stack.orders(car_number=again["car_number"])) == 1


async def test_a_push_sent_twice_is_one_entry(stack: Stack, a1: Lane, driver: str) -> None:
    lifts = await a1.lifts()
    await stack.hub.put("/admin/faults", faults=[{"kind": "sent_twice"}])
    await a1.car("arrives")
    scan = await stack.scan("A1", driver)
    assert scan["shown"] == "success"
    assert await a1.lifts() == lifts + 1
    assert len(await stack.orders(car_number=scan["car_number"])) == 1


async def test_licence_in_the_lot_whose_car_has_passed_supersedes_its_old_order(stack: Stack, a1: Lane) -> None:
    licence = next(_licences)
    for seconds in (0, 60):
        await a1.car("arrives")
        _, answer = await stack.callback(_later(stack, licence, seconds))
        assert json.loads(answer)["state"] == 1
        assert (await a1.car("passes")).status == 200
        await eventually(lambda: _is(a1, barrier="closed"))
    assert [order["state"] for order in await stack.orders(car_number=licence)] == ["in", "abandoned"]


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        (lambda body: body.replace(b'"sign":"', b'"sign":"0'), 401, "签名错误"),
        (lambda body: body[:-20], 400, ""),
        (lambda body: b"\xff" + body, 400, ""),
        (lambda body: b"[" * 65536, 400, ""),
        (lambda body: body + b" " * 70000, 413, ""),
    ],
)
async def test_whoever_is_not_bolink_gets_4xx_and_state_0(
    stack: Stack, change: Callable[[bytes], bytes], status: int, text: str
) -> None:
    licence = next(_licences)
    got, answer = await stack.callback(change(stack.message("A1", licence)))
    told = json.loads(answer)
    named = licence if status == 401 else ""  # what can be read gets its own number back
    assert (got, told["state"], told["car_number"]) == (status, 0, named)
    assert text in told["errmsg"]


async def test_exit_lane_and_unknown_channel_have_texts_of_their_own(stack: Stack) -> None:
    texts = []
    for channel in ("B1", "Z9"):
        _, answer = await stack.callback(stack.message(channel, next(_licences)))
        texts.append(json.loads(answer)["errmsg"])
    assert texts == ["此处为出口，请到入口扫码", "车道不存在，请联系管理员"]


async def test_killed_after_an_entry_the_platform_goes_on_where_it_was(new_stack: NewStack) -> None:
    stack = new_stack()
    await stack.start()
    lane = stack.lane("A1")
    await lane.car("arrives")
    body = stack.message("A1", licence := next(_licences))
    _, answer = await stack.callback(body)
    await stack.kill_lot()
    await lane.car("passes")
    await stack.start_lot()
    assert (await stack.callback(body))[1] == answer
    await _uploaded(stack, licence)
    order = await eventually(lambda: _order_is(stack, licence, "in"))
    assert order["passed_at"]
    assert await lane.lifts() == 1
    assert await stack.spaces_free() == 9_999
