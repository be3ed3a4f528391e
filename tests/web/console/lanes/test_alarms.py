"""Alarms: taken, put off, dealt with, by name; two people at once; what comes back and what is over by itself."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from taigan.lot.people.alarms.alarms import Endings
from taigan.rights import Right, Role
from taigan.storage.rows import Alarm, Bill, Lift
from taigan.storage.shown import views
from taigan.storage.shown.views import NumberedAlarm
from taigan.web.console.rendering.words.alarms import ALARM, ALARM_DO
from web.console.browser import Browser, person, role_without
from web.house import BY, LOT, House, client_of

ALARMS = f"/lots/{LOT}/alarms"


async def raised(house: House, kind: str = "barrier_offline", lane: str = "A1", order_id: str = "") -> NumberedAlarm:
    alarm = Alarm(LOT, lane, order_id, house.clock.step(60), kind, "no answer for 30 s")
    await house.keep(lambda changes: changes.alarms.append(alarm))
    return (await rows(house))[0]


async def rows(house: House) -> list[NumberedAlarm]:
    """Newest first."""
    return await house.database.read(lambda conn: views.alarms(conn, LOT, 100, ()))


async def look(house: House, *, queue_is_short: bool = True) -> None:
    """What the platform does every few seconds."""
    await Endings(house.database, house.lanes, house.clock).look(queue_is_short=queue_is_short)


def act(alarm: NumberedAlarm, name: str) -> str:
    return f"{ALARMS}/{alarm.alarm_id}/{name}"


async def test_an_alarm_is_taken_and_done_by_name_and_each_is_in_the_acts(small_house: House, manager: Browser) -> None:
    alarm = await raised(small_house)
    assert "道闸连不上" in (await manager.see(ALARMS)).text
    taken = await manager.follow(await manager.send(ALARMS, act(alarm, "take")))
    assert "王芳 在处理" in taken.text
    done = await manager.follow(await manager.send(ALARMS, act(alarm, "finish")))
    assert "没有待处理的报警" in done.text
    assert "已完成" in done.text
    (row,) = await rows(small_house)
    assert (row.state, row.actor, row.via) == ("done", "王芳", "console:wangfang")
    acts = await small_house.database.read(lambda conn: views.acts(conn, LOT, 10, ()))
    assert [one.act for one in acts[:2]] == [
        f"alarm {alarm.alarm_id} barrier_offline A1 done",
        f"alarm {alarm.alarm_id} barrier_offline A1 taken",
    ]


async def test_what_came_again_and_again_is_one_thing_to_do(small_house: House, manager: Browser) -> None:
    for _ in range(3):
        alarm = await raised(small_house)
    other = await raised(small_house, lane="A2")
    page = await manager.see(ALARMS)
    assert "3 次" in page.text
    assert "2 待处理" in page.text, "beside the menu, two things"
    await manager.send(ALARMS, act(alarm, "finish"))
    assert [row.state for row in await rows(small_house)] == ["open", "done", "done", "done"]
    assert other.alarm_id == (await rows(small_house))[0].alarm_id


async def test_the_second_person_hears_who_has_it_and_may_finish_it_for_them(
    small_house: House, manager: Browser
) -> None:
    alarm = await raised(small_house)
    second = await person(small_house, Role.SHIFT_LEADER, login="liqiang", name="李强")
    token = await second.token()
    await manager.send(ALARMS, act(alarm, "take"))
    late = await second.post(act(alarm, "take"), token=token, back=ALARMS)
    assert "王芳 已经在处理这条报警" in (await second.follow(late)).text
    assert (await second.post(act(alarm, "finish"), token=token)).status == 303
    assert (
        "已经结束"
        in (
            await manager.follow(await manager.post(act(alarm, "finish"), token=await manager.token(), back=ALARMS))
        ).text
    )
    await second.close()


async def test_what_is_put_off_is_not_counted_and_comes_back(small_house: House, manager: Browser) -> None:
    alarm = await raised(small_house, "tailgating")
    form = act(alarm, "snooze")
    refused = await manager.send(form, form, until="60", reason="")
    assert refused.status == 422
    assert "请写为什么" in refused.text
    assert (await manager.send(form, form, until="for ever", reason="x")).status == 422
    later = await manager.follow(await manager.send(form, form, until="60", reason="等厂家"))
    assert "等厂家" in later.text
    assert "待处理 <" not in later.raw
    assert (await rows(small_house))[0].state == "snoozed"
    small_house.clock.step(3599)
    await look(small_house)
    assert (await rows(small_house))[0].state == "snoozed"
    small_house.clock.step(2)
    await look(small_house)
    assert (await rows(small_house))[0].state == "open"
    assert "等厂家" not in (await manager.see(ALARMS)).text


async def test_an_alarm_can_wait_until_tomorrow_morning_and_be_put_back(small_house: House, manager: Browser) -> None:
    alarm = await raised(small_house, "tailgating")
    await manager.send(act(alarm, "snooze"), act(alarm, "snooze"), until="morning", reason="白天再说")
    (row,) = await rows(small_house)
    assert row.until is not None
    assert row.until.isoformat() == "2025-06-02T00:00:00+00:00", "eight on the lot's clock"
    await manager.send(ALARMS, act(alarm, "back"))
    assert (await rows(small_house))[0].state == "open"
    again = await manager.post(act(alarm, "back"), token=await manager.token(), back=ALARMS)
    assert "已经在待处理里" in (await manager.follow(again)).text


async def test_a_device_that_is_heard_again_ends_its_alarm_whoever_took_it(
    small_house: House, manager: Browser
) -> None:
    device = small_house.barriers["A1"]
    device.state.online = False
    alarm = await raised(small_house)
    await manager.send(ALARMS, act(alarm, "take"))
    await look(small_house)
    assert (await rows(small_house))[0].state == "taken"
    device.state.online, device.state.last_heard = True, alarm.at + timedelta(seconds=30)
    await look(small_house)
    assert (await rows(small_house))[0].state == "ended"
    assert "自己恢复" in (await manager.see(ALARMS)).text
    device.state.online = False
    await look(small_house)
    assert (await rows(small_house))[0].state == "ended", "only a new alarm says that it is off again"


async def test_what_the_rows_say_is_over_ends_and_nothing_else(small_house: House) -> None:
    inside = await small_house.order("粤B12345")
    gone = await small_house.order("粤B54321", state="out", closed_at=small_house.clock.now())
    for kind, lane, order_id in (
        ("barrier_fault", "A1", ""),
        ("barrier_fault", "A2", ""),
        ("stayed", "A1", inside.order_id),
        ("stayed", "A1", gone.order_id),
        ("no_entry", "B1", ""),
        ("left_owing", "", gone.order_id),
        ("left_owing", "", inside.order_id),
        ("upload_refused", "", gone.order_id),
        ("tailgating", "A1", ""),
        ("stray", "", ""),
    ):
        await raised(small_house, kind, lane, order_id)
    later = small_house.clock.step(5)
    lift = Lift(LOT, "L1", "A2", None, "open", "manual", "王芳", "试", later, later, "accepted", later)
    await small_house.keep(lambda changes: changes.new_lifts.append(lift))
    paid = Bill(LOT, gone.order_id, charge_fen=400, paid_fen=400, closed_at=later)
    await small_house.keep(lambda changes: changes.bill(paid))
    await look(small_house)
    ended = {(row.kind, row.channel_id, row.order_id) for row in await rows(small_house) if row.state == "ended"}
    assert ended == {
        ("barrier_fault", "A2", ""),
        ("stayed", "A1", gone.order_id),
        ("no_entry", "B1", ""),
        ("left_owing", "", gone.order_id),
        ("upload_refused", "", gone.order_id),
    }


async def test_uploads_that_wait_no_longer_end_their_alarm(small_house: House) -> None:
    await small_house.keep(
        lambda changes: changes.alarms.append(Alarm("", "", "", small_house.clock.now(), "queue_age", "9"))
    )

    async def state() -> str:
        return (await small_house.database.read(lambda conn: views.alarms(conn, "", 1, ())))[0].state

    await look(small_house, queue_is_short=False)
    assert await state() == "open"
    await look(small_house)
    assert await state() == "ended"


async def test_what_ends_by_itself_is_told_where_alarms_are_posted_and_what_a_person_does_is_not(
    small_house: House, manager: Browser
) -> None:
    told: list[tuple[str, str]] = []
    small_house.lanes.when_alarmed = lambda alarm: told.append((alarm.kind, alarm.state))
    await raised(small_house, "no_entry", "B1")
    await look(small_house)
    assert told == [("no_entry", "ended")]
    alarm = await raised(small_house, "tailgating")
    await manager.send(ALARMS, act(alarm, "finish"))
    assert told == [("no_entry", "ended")]


async def test_open_pages_hear_that_an_alarm_changed(small_house: House, manager: Browser) -> None:
    alarm = await raised(small_house)
    async with small_house.events.subscribe(LOT) as steps:
        await manager.send(ALARMS, act(alarm, "take"))
        step = steps.get_nowait()
    assert step is not None
    assert (step["step"], step["kind"], step["state"]) == ("alarm_changed", "barrier_offline", "taken")


async def test_alarms_stay_what_they_are_when_the_platform_starts_again(small_house: House, manager: Browser) -> None:
    alarm = await raised(small_house, "tailgating")
    await manager.send(ALARMS, act(alarm, "take"))
    await look(small_house)  # a process that has just begun knows nothing but the rows
    assert (await rows(small_house))[0].state == "taken"


async def test_who_may_not_take_alarms_sees_them_without_buttons(small_house: House) -> None:
    alarm = await raised(small_house)
    browser = await person(small_house, Role.AUDITOR)
    page = (await browser.see(ALARMS)).page
    assert page is not None
    assert not page.offers(act(alarm, "take"))
    await browser.close()
    blind = await person(small_house, role_without(Right.ALARM_SEE), login="blind", name="看不见")
    assert (await blind.open(ALARMS)).status == 403
    assert "报警" not in (await blind.see("/account")).text
    await blind.close()


async def test_what_is_not_there_and_what_cannot_be_asked_for(small_house: House, manager: Browser) -> None:
    token = await manager.token()
    assert (await manager.post(f"{ALARMS}/4711/take", token=token)).status == 404
    assert (await manager.open(f"{ALARMS}/4711/snooze")).status == 404
    assert (await manager.open(f"{ALARMS}?after=x")).location == ALARMS
    assert (await manager.open(f"{ALARMS}?kind={'x' * 99}")).status == 400
    assert (await manager.open(f"{ALARMS}/{2**70}/snooze")).status == 404
    assert (await manager.see(f"{ALARMS}?kind=nothing&lane=A1")).status == 200


async def test_finished_alarms_are_found_by_kind_and_lane(small_house: House, manager: Browser) -> None:
    for lane in ("A1", "A2"):
        alarm = await raised(small_house, "tailgating", lane)
        await manager.send(ALARMS, act(alarm, "finish"))
    text = (await manager.see(f"{ALARMS}?kind=tailgating&lane=A2")).raw
    assert "<td>A2</td>" in text
    assert "<td>A1</td>" not in text


def test_every_kind_that_the_handbook_knows_has_its_words_and_what_to_do() -> None:
    handbook = (Path(__file__).parents[4] / "docs" / "operating.md").read_text(encoding="utf-8")
    kinds = set(re.findall(r"^\| `(\w+)` \|", handbook.partition("## 报警")[2].partition("\n## ")[0], re.MULTILINE))
    assert len(kinds) > 30
    assert kinds == set(ALARM) == set(ALARM_DO)


async def test_the_api_takes_puts_off_and_ends_alarms_too(small_house: House) -> None:
    alarm = await raised(small_house)
    at = f"/api/v1/lots/{LOT}/alarms"
    async with client_of(small_house) as client:
        taken = (await client.post(f"{at}/{alarm.alarm_id}/take", json=BY)).json()
        assert (taken["state"], taken["actor"], taken["reason"]) == ("taken", "王芳", "the driver called")
        naive = await client.post(f"{at}/{alarm.alarm_id}/snooze", json={**BY, "until": "2025-06-01T09:00:00"})
        assert naive.json()["error"]["field"] == "until"
        for until in ("2025-06-01T01:00:00Z", "2025-07-01T01:00:00Z"):
            refused = await client.post(f"{at}/{alarm.alarm_id}/snooze", json={**BY, "until": until})
            assert (refused.status_code, refused.json()["error"]["field"]) == (400, "until")
        off = await client.post(f"{at}/{alarm.alarm_id}/snooze", json={**BY, "until": "2025-06-01T09:00:00Z"})
        assert off.json()["until"] == "2025-06-01T09:00:00Z"
        assert (await client.post(f"{at}/{alarm.alarm_id}/put_back", json=BY)).json()["state"] == "open"
        assert (await client.post(f"{at}/{alarm.alarm_id}/finish", json=BY)).json()["state"] == "done"
        assert (await client.post(f"{at}/{alarm.alarm_id}/finish", json=BY)).status_code == 409
        assert (await client.post(f"{at}/4711/finish", json=BY)).json()["error"]["code"] == "unknown_alarm"
        assert (await client.get(f"{at}?state=open")).json()["items"] == []
        assert len((await client.get(f"{at}?state=done")).json()["items"]) == 1
