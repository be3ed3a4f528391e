"""The lanes: what each card says, what needs a person, letting in and sending away."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import sqlalchemy as sa

from taigan.barriers.barrier import Outcome, Position, Result
from taigan.lot.people.alarms.alarms import Endings
from taigan.rights import Right, Role
from taigan.storage import tables as t
from taigan.storage.rows import Alarm, Departure
from taigan.web.console.pages.lanes.lanes import AT_A_TIME
from web.console.browser import Browser, person, role_without, signed_in
from web.console.furnished import furnish
from web.house import LOT, House, lane

HERE = f"/lots/{LOT}"
RELEASE = f"{HERE}/lanes/A1/release"


async def waiting(house: House, licence: str = "无A8F3K2", channel_id: str = "A1") -> str:
    order = await house.order(licence, state="waiting", waiting_for="attendant", in_at=None, channel_id=channel_id)
    return order.order_id


async def test_a_lane_at_rest_says_so_and_nobody_is_needed(small_house: House, manager: Browser) -> None:
    page = await manager.see(HERE)
    assert page.text.count("空闲") == 4
    assert "都正常" in page.text


async def test_a_driver_who_waits_is_on_top_and_let_in_with_one_press(small_house: House, manager: Browser) -> None:
    order_id = await waiting(small_house)
    page = await manager.see(HERE)
    assert "需要处理 1" in page.text
    assert "无A8F3K2 等管理员放行" in page.text
    done = await manager.send(HERE, RELEASE)
    assert "A1 已放行" in (await manager.follow(done)).text
    assert small_house.barriers["A1"].commands == ["open"]
    history = (await manager.see(f"{HERE}/stays/{order_id}")).text
    assert "放行 王芳" in history


async def test_the_second_of_two_persons_is_told_that_it_is_done(small_house: House, manager: Browser) -> None:
    await waiting(small_house)
    other = await signed_in(small_house)
    page = (await other.see(HERE)).page
    assert page is not None
    fields = page.form(RELEASE)
    await manager.send(HERE, RELEASE)
    said = (await other.follow(await other.post(RELEASE, **fields))).text
    assert "可能已有人处理" in said
    assert small_house.barriers["A1"].commands == ["open"]
    await other.close()


async def test_a_driver_is_sent_away(small_house: House, manager: Browser) -> None:
    await waiting(small_house)
    done = await manager.send(HERE, f"{HERE}/lanes/A1/refuse")
    assert "A1 已拒绝" in (await manager.follow(done)).text
    assert small_house.barriers["A1"].commands == []


async def test_a_barrier_that_refuses_is_said_on_the_page(small_house: House, manager: Browser) -> None:
    await waiting(small_house)
    small_house.barriers["A1"].answers = Result(Outcome.REJECTED, "the arm is jammed")
    said = (await manager.follow(await manager.send(HERE, RELEASE))).text
    assert "道闸没有执行：the arm is jammed" in said


async def test_a_car_at_the_exit_is_shown_with_what_it_owes(small_house: House, manager: Browser) -> None:
    await furnish(small_house)
    page = await manager.see(HERE)
    assert "沪A88888 等待付款" in page.text
    assert "应付 ¥14.00" in page.text
    without_money = await person(small_house, Role.MAINTENANCE, login="liqiang", name="李强")
    assert "14.00" not in (await without_money.see(HERE)).text
    await without_money.close()


async def test_a_car_that_was_let_go_under_a_closed_arm_needs_a_person(small_house: House, manager: Browser) -> None:
    await small_house.car("car-b1", "B1")
    now = small_house.clock.now()
    departure = Departure(LOT, "car-b1", "B1", "", "沪A88888", now, released_at=now, released_by="paid")
    await small_house.keep(lambda changes: changes.new_departure(departure))
    assert "都正常" in (await manager.see(HERE)).text
    small_house.clock.step(9)
    assert "沪A88888 已放行，杆没抬起" in (await manager.see(HERE)).text
    small_house.barriers["B1"].state.position = Position.OPEN
    assert "都正常" in (await manager.see(HERE)).text


async def test_what_needs_a_person_stands_oldest_first(small_house: House, manager: Browser) -> None:
    await waiting(small_house, "无B", "A2")
    small_house.clock.step(timedelta(minutes=1).total_seconds())
    await waiting(small_house, "无A", "A1")
    page = await manager.open(f"{HERE}/attention", part=True)
    assert page.text.index("A2 无B") < page.text.index("A1 无A")


async def test_who_may_not_let_in_sees_no_button_and_is_refused(small_house: House) -> None:
    await waiting(small_house)
    browser = await person(small_house, role_without(Right.LANE_RELEASE))
    page = (await browser.see(HERE)).page
    assert page is not None
    assert not page.offers(RELEASE)
    answer = await browser.post(RELEASE, token=await browser.token())
    assert answer.status == 403
    assert "放行或拒绝等候的车" in answer.text
    assert small_house.barriers["A1"].commands == []
    await browser.close()


async def test_a_lane_that_is_not_there_is_said(small_house: House, manager: Browser) -> None:
    answer = await manager.open(f"{HERE}/lanes/Z9/card", part=True)
    assert answer.status == 404
    assert "没有车道 Z9" in answer.text


async def test_a_name_with_every_sign_is_a_lane_like_others(small_house: House, manager: Browser) -> None:
    await waiting(small_house, channel_id="东门/一号 50%")
    page = (await manager.see(HERE)).page
    assert page is not None
    action = next(form["action"] for form in page.forms if form["action"].endswith("/release"))
    done = await manager.send(HERE, action)
    assert "东门/一号 50% 已放行" in (await manager.follow(done)).text
    assert small_house.barriers["东门/一号 50%"].commands == ["open"]


async def test_names_are_shown_as_they_are_and_never_run(small_house: House, manager: Browser) -> None:
    await waiting(small_house, '<b>&"x')
    raw = (await manager.see(f"{HERE}/lanes/A1/card")).raw
    assert "&lt;b&gt;&amp;&#34;x" in raw


async def test_an_open_alarm_is_on_top_beside_the_cars_and_once_where_a_card_says_it(
    small_house: House, manager: Browser
) -> None:
    await waiting(small_house)
    now = small_house.clock.step(1)
    for kind, where in (("barrier_fault", "A2"), ("barrier_fault", "A2"), ("not_confirmed", "A1")):
        alarm = Alarm(LOT, where, "", now, kind, "the barrier reports a fault")
        await small_house.keep(lambda changes, one=alarm: changes.alarms.append(one))
    page = await manager.see(HERE)
    assert "需要处理 2" in page.text
    assert "道闸故障 2 次 人工放车，再看设备。" in page.text
    assert "杆不知抬没抬" not in page.text, "the card of A1 needs a person anyway"
    blind = await person(small_house, role_without(Right.ALARM_SEE), login="liqiang", name="李强")
    assert "道闸故障" not in (await blind.see(HERE)).text
    await blind.close()


async def test_uploads_that_wait_are_said_on_top_and_at_bolink_until_they_are_sent(
    small_house: House, manager: Browser
) -> None:
    begun = small_house.clock.step(60)
    for hour in range(2):
        alarm = Alarm("", "", "", begun + timedelta(hours=hour), "queue_age", "9 messages wait for BoLink")
        await small_house.keep(lambda changes, one=alarm: changes.alarms.append(one))
    page = await manager.see(HERE)
    assert "需要处理 1" in page.text
    assert "上报积压" in page.text
    assert begun.isoformat(timespec="seconds") in page.raw, "since the first of them"
    assert "看泊链" in page.text
    assert "上报积压" in (await manager.see(f"{HERE}/bolink")).text
    await Endings(small_house.database, small_house.lanes, small_house.clock).look(queue_is_short=True)
    assert "都正常" in (await manager.see(HERE)).text
    assert "上报积压" not in (await manager.see(f"{HERE}/bolink")).text


async def many(house: House, most: int) -> None:
    """More lanes, D100 and so on, whose devices nobody reaches."""
    added = [lane(f"D{100 + number}") for number in range(most)]
    await house.write(sa.insert(t.lanes).values([msgspec.structs.asdict(one) for one in added]))


async def test_of_many_lanes_some_are_drawn_at_a_time_and_all_that_need_a_person_are_counted(
    small_house: House, manager: Browser
) -> None:
    few = cards_in((await manager.see(HERE)).raw)
    await many(small_house, 130)
    first = await manager.see(HERE)
    assert "需要处理 130" in first.text
    assert "还有 80 条车道" in first.text
    assert len(cards_in(first.raw)) == AT_A_TIME
    assert first.page is not None
    (rest,) = [link for link in first.page.links if "from=D" in link]
    last = await manager.see(rest)
    named = cards_in(first.raw) + cards_in(last.raw)
    assert named == sorted([*few, *(f"D{100 + number}" for number in range(130))])
    assert last.page is not None
    (group,) = [source for source in last.page.sources if "/cards" in source]
    assert cards_in((await manager.open(group, part=True)).raw) == cards_in(last.raw)


async def test_a_lane_is_found_by_a_part_of_its_name(small_house: House, manager: Browser) -> None:
    await many(small_house, 130)
    assert cards_in((await manager.see(f"{HERE}?q=d22")).raw) == [f"D22{number}" for number in range(10)]
    assert "没有这样的车道" in (await manager.see(f"{HERE}?q=nowhere")).text
    assert len(cards_in((await manager.see(f"{HERE}?from=～")).raw)) < AT_A_TIME
    assert cards_in((await manager.see(f"{HERE}?from=0")).raw)[0] == "A1"


async def test_a_card_and_what_needs_a_person_are_the_same_by_themselves(small_house: House, manager: Browser) -> None:
    await furnish(small_house)
    await waiting(small_house, "无C00001")
    page = await manager.see(HERE)
    assert page.page is not None
    parts = [source for source in page.page.sources if source.endswith(("/card", "/attention"))]
    assert len(parts) == len(cards_in(page.raw)) + 1
    for source in parts:
        assert (await manager.open(source, part=True)).raw in page.raw
    assert (await manager.open(f"{HERE}/lanes/nowhere/card", part=True)).status == 404


def cards_in(page: str) -> list[str]:
    """The lanes whose cards stand in a page."""
    return re.findall(r'<article class="card [a-z]+" aria-label="([^"]+)">', page)
