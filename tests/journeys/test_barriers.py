"""The no-plate entry once per driver, phone to arm: real processes, the emulated device of each maker."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.databases.postgres import NewDatabase
from support.servers.mosquitto import mosquitto_broker
from support.stacks.device_stack import DeviceStack
from support.stacks.stack import eventually

_drivers = (f"barrier-driver-{number}" for number in itertools.count())

ACKNOWLEDGED = ["vzenith-mqtt", "modbus-relay", "mqtt", "http", "edge"]


@pytest.fixture(scope="module")
async def stack(
    tmp_path_factory: pytest.TempPathFactory, stack_database: NewDatabase | None
) -> AsyncIterator[DeviceStack]:
    with mosquitto_broker() as broker:
        running = DeviceStack(tmp_path_factory.mktemp("devices"), broker, stack_database)
        try:
            await running.start()
            yield running
        finally:
            codes = await running.stop()
        assert codes == [0, 0, 0, 0], running.logs()


async def arrives(stack: DeviceStack, channel: str) -> None:
    """A car comes, and the platform has seen it."""
    await stack.lane(channel).car("arrives")

    async def seen() -> Any:
        return (await stack.lot.get(stack.path(channel)))["occupied"]

    await eventually(seen)


async def entered(stack: DeviceStack, channel: str, scan: dict[str, Any]) -> dict[str, Any]:
    """The entry as BoLink received it."""
    return await eventually(lambda: stack.entry(channel, scan["car_number"]))


async def is_(stack: DeviceStack, channel: str, **wanted: Any) -> bool:
    state = await stack.lane(channel).state()
    return all(state[name] == value for name, value in wanted.items())


@pytest.mark.parametrize("channel", ACKNOWLEDGED)
async def test_a_device_that_acknowledges_and_sees_cars(stack: DeviceStack, channel: str) -> None:
    await arrives(stack, channel)
    scan = await stack.scan(channel, next(_drivers))
    assert (scan["shown"], scan["text"]) == ("success", "入场成功"), stack.logs()
    await eventually(lambda: is_(stack, channel, barrier="open", lifts=1))
    assert (await entered(stack, channel, scan))["received"] == 1

    async def seen_up() -> bool:  # a device may be asked five times a second; no car drives through faster
        position = (await stack.lot.get(stack.path(channel)))["barrier"]["position"]
        return position not in ("closed", "rising")

    await eventually(seen_up)
    await stack.lane(channel).car("passes")

    async def passed() -> Any:
        orders = await stack.lot.get(f"/api/v1/lots/{stack.lot_of(channel)}/orders", car_number=scan["car_number"])
        return orders["items"][0]["passed_at"]

    await eventually(passed)
    await eventually(lambda: is_(stack, channel, barrier="closed", lifts=1))


@pytest.mark.parametrize("channel", ["hikvision-isapi", "dahua-cgi"])
async def test_a_device_that_acknowledges_and_sees_no_cars(stack: DeviceStack, channel: str) -> None:
    await stack.lane(channel).car("arrives")
    scan = await stack.scan(channel, next(_drivers))
    assert (scan["shown"], scan["text"]) == ("success", "入场成功"), stack.logs()
    await eventually(lambda: is_(stack, channel, barrier="open", lifts=1))
    assert (await entered(stack, channel, scan))["received"] == 1


async def test_a_camera_that_posts_confirms_nothing_so_the_car_that_passes_makes_the_entry(stack: DeviceStack) -> None:
    await arrives(stack, "vzenith-http")
    scan = await stack.scan("vzenith-http", next(_drivers))
    assert (scan["shown"], scan["text"]) == ("waiting", "正在抬杆，请稍候"), stack.logs()
    await eventually(lambda: is_(stack, "vzenith-http", barrier="open", lifts=1))
    await stack.lane("vzenith-http").car("passes")
    assert (await entered(stack, "vzenith-http", scan))["received"] == 1

    async def success() -> bool:
        return (await stack.hub.get(f"/admin/scans/{scan['scan_id']}"))["shown"] == "success"

    await eventually(success)


async def test_a_camera_that_posts_and_sees_nothing_is_taken_to_have_opened_and_marked_for_review(
    stack: DeviceStack,
) -> None:
    await stack.lane("hx-http").car("arrives")
    scan = await stack.scan("hx-http", next(_drivers))
    assert (scan["shown"], scan["text"]) == ("waiting", "正在抬杆，请稍候"), stack.logs()
    await eventually(lambda: is_(stack, "hx-http", barrier="open", lifts=1))
    assert (await entered(stack, "hx-http", scan))["received"] == 1


async def test_what_the_phone_says_is_on_the_led_screen_of_the_camera(stack: DeviceStack) -> None:
    async def shown() -> bool:
        return bool((await stack.lane("vzenith-mqtt").state())["screen"])

    await eventually(shown)


async def test_a_broken_barrier_is_told_to_the_phone_and_nobody_is_charged(stack: DeviceStack) -> None:
    lane = stack.lane("mqtt")
    await lane.mode("fault")
    await arrives(stack, "mqtt")
    scan = await stack.scan("mqtt", next(_drivers))
    assert (scan["shown"], scan["text"]) == ("refused", "道闸故障，请联系管理员")
    await lane.clear()


async def test_an_unplugged_device_is_offline_in_the_api_and_comes_back(stack: DeviceStack) -> None:
    device = f"/lots/{stack.lot_of('modbus-relay')}/lanes/modbus-relay/device"

    async def online() -> bool:
        return bool((await stack.lot.get(stack.path("modbus-relay")))["barrier"]["online"])

    async def offline() -> bool:
        return not await online()

    await stack.street.put(device, fault="unplugged")
    await eventually(offline)
    await stack.street.put(device, fault="")
    await eventually(online)
