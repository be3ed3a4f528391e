"""Devices: state and where they are, never a password; the secret address by right, and on record."""

from __future__ import annotations

from datetime import timedelta

from taigan.barriers.barrier import Position
from taigan.rights import Right, Role
from taigan.storage import tables as t
from web.console.browser import Browser, person, role_without
from web.house import LOT, House

DEVICES = f"/lots/{LOT}/devices"


async def test_each_lane_stands_with_its_device_arm_loop_and_when_it_was_heard(
    small_house: House, manager: Browser
) -> None:
    device = small_house.barriers["A1"]
    device.state.last_heard = small_house.clock.now() - timedelta(seconds=5)
    device.state.position = Position.OPEN
    small_house.barriers["A2"].state.online = False
    small_house.barriers["A2"].state.extra["offline"] = "no answer for 30 s"
    await small_house.car("car-1", "A1")
    await small_house.write(t.lanes.update().where(t.lanes.c.channel_id == "A2").values(loop_dead=True))
    page = await manager.see(DEVICES)
    assert "A1 入口 仿真 http://127.0.0.1:1 在线 15:59:55 杆抬着 有车" in page.text
    assert "离线 30 秒没有回答" in page.text
    assert "坏了" in page.text
    assert "not for the eye" not in page.raw, "a device's password is nobody's to see"


async def test_the_part_refreshes_by_itself(small_house: House, manager: Browser) -> None:
    part = await manager.open(f"{DEVICES}/list", part=True)
    assert part.status == 200
    assert "A1" in part.text


async def test_a_device_that_does_not_post_has_no_address(small_house: House) -> None:
    owner = await person(small_house, Role.OWNER, login="owner", name="老板")
    token = await owner.token()
    for act in ("address", "renew"):
        answer = await owner.post(f"{DEVICES}/A1/{act}", token=token, reason="装摄像机")
        assert answer.status == 409, act
        assert (await owner.post(f"{DEVICES}/Z9/{act}", token=token, reason="x")).status == 404
    await owner.close()


async def test_who_may_not_see_devices_sees_none_and_who_may_only_look_gets_no_address(small_house: House) -> None:
    blind = await person(small_house, role_without(Right.DEVICE_SEE), login="blind", name="看不见")
    assert (await blind.open(DEVICES)).status == 403
    await blind.close()
    looker = await person(small_house, Role.MANAGER, login="looker", name="看一看")
    assert (await looker.post(f"{DEVICES}/A1/address", token=await looker.token(), reason="x")).status == 403
    await looker.close()
