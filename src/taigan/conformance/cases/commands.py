"""Chapter 11: commands and data that BoLink hands down."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from taigan.conformance.doors.target import Answer
from taigan.conformance.model import NotVerified
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Trial

COMMANDS = Scripts()
TOTAL, FREE = 122, 22


@contextlib.asynccontextmanager
async def an_arm(t: Trial) -> AsyncIterator[str]:
    """An entry lane for oneself with nobody in it, whose arm is down before and afterwards."""
    async with t.at_entry(car=False) as lane:
        await t.maybe("car_gone", lane=lane)
        try:
            yield lane
        finally:
            await t.send("11.1", t.say.barrier(lane, t.number(32), 1))
            await t.maybe("car_gone", lane=lane)


@COMMANDS.of("11.1/01")
async def raised(t: Trial) -> None:
    async with an_arm(t) as lane:
        before, number = await t.lifts(lane), t.number(32)
        answer = await t.send("11.1", t.say.barrier(lane, number))
        t.answered(answer)
        t.state(answer, 1)
        for field, sent in (("liftrod_id", number), ("channel_id", lane), ("operate", 0)):
            t.echo(answer, field, sent)
        await t.lifted(lane, before, 1)


@COMMANDS.of("11.1/02")
async def raised_once(t: Trial) -> None:
    async with an_arm(t) as lane:
        before, message = await t.lifts(lane), t.say.barrier(lane, t.number(32))
        t.state(await t.send("11.1", message), 1)
        t.answered(await t.send("11.1", message))
        await t.lifted(lane, before, 1)


@COMMANDS.of("11.1/03")
async def cannot_raise(t: Trial) -> None:
    t.said_no(await t.send("11.1", t.say.barrier("Z9", t.number(32))), name="unknown-lane")
    async with an_arm(t) as lane:
        if await t.maybe("lift_count", lane=lane) is None:
            t.unseen("offline", "道闸不在线时 state 0", "state 0 with the barrier offline")
            return
        await t.hook("barrier_offline", lane=lane)
        try:
            t.said_no(await t.send("11.1", t.say.barrier(lane, t.number(32))), name="offline")
        finally:
            await t.maybe("barrier_online", lane=lane)


@COMMANDS.of("11.1/04")
async def car_under_the_arm(t: Trial) -> None:
    async with an_arm(t) as lane:
        await t.send("11.1", t.say.barrier(lane, t.number(32), duration="perpetual"))
        await t.hook("car_on_loop", lane=lane)
        try:
            t.said_no(await t.send("11.1", t.say.barrier(lane, t.number(32), 1)))
            held = await t.maybe("lane_held", lane=lane)
            t.check("not-lowered", None if held is None else bool(held), ("没有落", "not lowered"), f"{held}")
        finally:
            await t.maybe("car_gone", lane=lane)
        t.only_if(await t.send("11.1", t.say.barrier(lane, t.number(32), 1)), "没有车时也不落杆", "lowers never")


@COMMANDS.of("11.1/05")
async def held_up(t: Trial) -> None:
    async with an_arm(t) as lane:
        t.state(await t.send("11.1", t.say.barrier(lane, t.number(32), duration="perpetual")), 1, name="up")
        await t.hook("car_on_loop", lane=lane)
        await t.hook("car_gone", lane=lane)
        held = await t.maybe("lane_held", lane=lane)
        t.check("stays-up", None if held is None else bool(held), ("仍抬着", "still up"), f"{held}")
        t.state(await t.send("11.1", t.say.barrier(lane, t.number(32), 1)), 1, name="down")
        held = await t.maybe("lane_held", lane=lane)
        t.check("ends", None if held is None else not held, ("落下", "down"), f"{held}")


async def add_pass(t: Trial, car: str, card: str, **changes: Any) -> Answer:
    return await t.send("11.5", t.say.passed("add", car, card, user_name="KIT", **changes))


@COMMANDS.of("11.2/01")
async def may_have_a_pass(t: Trial) -> None:
    car = t.plate()
    await add_pass(t, car, t.number(12))
    known = await t.send("11.2", t.say.check_pass(car, 300.0))
    t.answered(known)
    t.state(known, 1, name="known")
    unknown = await t.send("11.2", t.say.check_pass(t.plate(), 300.0))
    if unknown.state != 1:  # whether to sell to anybody is the lot's own affair
        t.said_no(unknown, name="unknown")
    odd = await t.send("11.2", t.say.check_pass(car, 0.01))
    t.note(f"金额不符：{odd.shown}", f"an odd amount: {odd.shown}", odd)


@COMMANDS.of("11.3/01", alone=True)
async def free_spaces(t: Trial) -> None:
    try:
        t.state(await t.send("11.3", t.say.spaces(TOTAL, FREE, t.number(24))), 1)
        stay = await t.stay()
    finally:
        await t.send("11.3", t.say.spaces(1000, 900, t.number(24)))
    got = stay.upload.data.get("empty_plot")
    ok = isinstance(got, int) and FREE - 1 <= got <= FREE
    t.check("fits", ok, (f"empty_plot {FREE - 1} 或 {FREE}", f"empty_plot {FREE - 1} or {FREE}"), f"{got!r}")


@COMMANDS.of("11.3/02", alone=True)
async def odd_spaces(t: Trial) -> None:
    try:
        await t.send("11.3", t.say.spaces(TOTAL, FREE, t.number(24)))
        t.said_no(await t.send("11.3", t.say.spaces(TOTAL, TOTAL + 1, t.number(24))), name="more-than-all")
        t.said_no(await t.send("11.3", t.say.spaces(TOTAL, -1, t.number(24))), name="negative")
        stay = await t.stay()
    finally:
        await t.send("11.3", t.say.spaces(1000, 900, t.number(24)))
    got = stay.upload.data.get("empty_plot")
    t.check("unchanged", got in (FREE, FREE - 1), (f"{FREE - 1} / {FREE}",) * 2, f"{got!r}")


async def shown(t: Trial, car: str, kind: str) -> tuple[Answer, dict[str, Any]]:
    """What 11.6 says of a vehicle."""
    answer = await t.send("11.6", t.say.vehicle(car, kind))
    data = (answer.data or {}).get("data")
    return answer, data if isinstance(data, dict) and answer.state == 1 else {}


def is_shown(t: Trial, answer: Answer, data: dict[str, Any], car: str, there: bool, name: str) -> None:
    """Is the vehicle in the answer, or is it not?"""
    ok = (str(data.get("car_number", "")) == car) is there
    expected = (f"{'有' if there else '没有'} {car}", f"{car} is {'there' if there else 'not there'}")
    t.check(name, ok and 0 < answer.status < 500, expected, answer.shown, answer=answer)


@COMMANDS.of("11.4/01")
async def lists(t: Trial) -> None:
    for kind in ("white", "black"):
        car = t.plate()
        for time in ("first", "again"):
            t.state(await t.send("11.4", t.say.special("add", car, kind)), 1, name=f"add-{kind}-{time}")
        answer, data = await shown(t, car, "1")
        is_shown(t, answer, data, car, True, f"{kind}-there")
        got = str(data.get("car_type", ""))
        t.check(f"{kind}-kind", got == kind, (kind, kind), got, answer=answer)
        t.state(await t.send("11.4", t.say.special("delete", car, kind)), 1, name=f"delete-{kind}")
        is_shown(t, *await shown(t, car, "1"), car, False, f"{kind}-gone")


@COMMANDS.of("11.4/02", rests_on="5.7")
async def blacklisted(t: Trial) -> None:
    driver = t.driver()
    t.state(await t.send("11.4", t.say.special("add", driver, "black")), 1, name="listed")
    try:
        async with t.at_entry() as lane:
            t.said_no(await t.scan(driver, lane))
    finally:
        await t.send("11.4", t.say.special("delete", driver, "black"))
    t.never_entered(driver)


@COMMANDS.of("11.4/03")
async def listed_until_yesterday(t: Trial) -> None:
    driver = t.driver()
    times = {"start_time": "2020-01-01 00:00:00", "end_time": "2020-12-31 23:59:59"}
    t.state(await t.send("11.4", t.say.special("add", driver, "black", **times)), 1, name="listed")
    try:
        async with t.at_entry() as lane:
            answer = await t.scan(driver, lane)
    finally:
        await t.send("11.4", t.say.special("delete", driver, "black"))
    if answer.state == 0 and t.plan.loop and await t.maybe("lift_count", lane=lane) is None:
        raise NotVerified("车道有线圈：需要钩子 car_on_loop", "the lane has a loop: needs the hook car_on_loop")
    t.state(answer, 1, 2, name="let-in")


@COMMANDS.of("11.5/01")
async def passes(t: Trial) -> None:
    car, card = t.plate(), t.number(12)
    t.state(await add_pass(t, car, card), 1, name="add")
    answer, data = await shown(t, car, "0")
    is_shown(t, answer, data, car, True, "added")
    t.state(await t.send("11.5", t.say.passed("modify_info", car, card, user_name="KIT TWO")), 1, name="modify-info")
    answer, data = await shown(t, car, "0")
    t.check("info", str(data.get("user_name")) == "KIT TWO", ("KIT TWO",) * 2, f"{data.get('user_name')!r}")
    ends = "2031-05-31 23:59:59"
    t.state(await t.send("11.5", t.say.passed("modify_date", car, card, end_time=ends)), 1, name="modify-date")
    answer, data = await shown(t, car, "0")
    t.check("date", str(data.get("end_time", ""))[:10] == ends[:10], (ends[:10],) * 2, f"{data.get('end_time')!r}")
    t.state(await t.send("11.5", t.say.passed("delete", car, card)), 1, name="delete")
    is_shown(t, *await shown(t, car, "0"), car, False, "deleted")


@COMMANDS.of("11.5/02")
async def odd_passes(t: Trial) -> None:
    car, card = t.plate(), t.number(12)
    t.state(await add_pass(t, car, card), 1, name="first")
    t.answered(await add_pass(t, car, card))
    t.state(await t.send("11.5", t.say.passed("delete", car, card)), 1, name="delete")
    is_shown(t, *await shown(t, car, "0"), car, False, "no-double")
    unknown = await t.send("11.5", t.say.passed("delete", t.plate(), t.number(12)))
    ok = unknown.status == 200 and unknown.state in (0, 1)
    t.check("unknown", ok, ("明确的应答", "a defined answer"), unknown.shown, answer=unknown)


@COMMANDS.of("11.6/01")
async def queries(t: Trial) -> None:
    car, secret = t.plate(), f"KIT{t.number(14)}"
    await t.send("11.5", t.say.passed("add", car, t.number(12), user_name=secret))
    for kind in ("0", "1"):
        answer = await t.send("11.6", t.say.vehicle(t.plate(), kind))
        t.survives(answer, name=f"type-{kind}")
        others = car.encode() in answer.body or secret.encode() in answer.body
        t.check(f"type-{kind}-own", not others, ("没有别人的数据", "nobody else's data"), answer.shown, answer=answer)
    is_shown(t, *await shown(t, car, "0"), car, True, "known")


@COMMANDS.of("11.7/01")
async def invoices(t: Trial) -> None:
    payid = t.number()
    message = t.say.invoice(payid, t.number())
    for time in ("first", "again"):
        answer = await t.send("11.7", message)
        t.answered(answer)
        t.state(answer, 1, name=time)
    stored = await t.maybe("invoices", payid=payid)
    t.check("once", None if stored is None else int(stored) == 1, ("只存一次", "stored once"), f"{stored}")
