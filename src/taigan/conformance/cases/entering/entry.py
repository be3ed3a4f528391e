"""5.7: a driver without a plate scans the code of an entry lane."""

from __future__ import annotations

import asyncio
import contextlib

from taigan.conformance.model import NotApplicable, NotVerified
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Trial

ENTRY = Scripts()
KILLS = 20


@ENTRY.of("5.7/01")
async def told_and_uploaded(t: Trial) -> None:
    driver = t.driver()
    async with t.at_entry() as lane:
        before = await t.lifts(lane)
        answer = await t.scan(driver, lane)
        t.answered(answer)
        if t.plan.loop and answer.state == 0 and before is None:
            raise NotVerified("车道有线圈：需要钩子 car_on_loop", "the lane has a loop: needs the hook car_on_loop")
        told = t.state(answer, 1)
        if before is not None:
            await t.lifted(lane, before, 1)
    t.reads(answer)
    t.echo(answer, "car_number", driver)
    if told:
        await t.entered(driver, t.plan.upload_within)
        t.entered_times(driver, (1,))


@ENTRY.of("5.7/02")
async def empty_lane(t: Trial) -> None:
    if not t.plan.loop:
        raise NotApplicable("车道没有线圈（loop = false）", "the lanes have no loop (loop = false)")
    driver = t.driver()
    async with t.at_entry(car=False) as lane:
        await t.maybe("car_gone", lane=lane)
        before = await t.lifts(lane)
        answer = await t.scan(driver, lane)
        t.said_no(answer)
        await t.lifted(lane, before, 0)
    t.never_entered(driver)


@ENTRY.of("5.7/03")
async def wrong_lane(t: Trial) -> None:
    driver = t.driver()
    t.said_no(await t.scan(driver, "Z9"), name="unknown-lane")
    t.never_entered(driver, name="unknown-lane-no-upload")
    if t.plan.exit_lanes:
        other = t.driver()
        t.said_no(await t.scan(other, t.plan.exit_lanes[0]), name="exit-lane")
        t.never_entered(other, name="exit-lane-no-upload")


@ENTRY.of("5.7/04")
async def echoes(t: Trial) -> None:
    driver = t.driver()
    async with t.at_entry() as lane:
        answer = await t.scan(driver, lane)
    t.echo(answer, "car_number", driver)
    at = (answer.data or {}).get("timetemp")
    ok = str(at).isdecimal() and abs(int(str(at)) - t.scene.now()) < 24 * 3600
    t.check(
        "seconds", ok, ("timetemp：现在，unix 秒", "timetemp: now, unix seconds"), f"timetemp = {at!r}", answer=answer
    )


@ENTRY.of("5.7/05")
async def same_bytes_again(t: Trial) -> None:
    driver = t.driver()
    async with t.at_entry() as lane:
        before = await t.lifts(lane)
        message = t.say.entry(driver, lane)
        first = await t.send("5.7", message)
        again = await t.send("5.7", message)
        t.only_if(first, "司机没有被放行", "nobody was let in")
        t.same(first, again)
        if first.state == 1:
            await t.lifted(lane, before, 1)
    t.entered_times(driver, (1,) if first.state == 1 else (0,))


@ENTRY.of("5.7/06")
async def same_bytes_at_once(t: Trial) -> None:
    driver = t.driver()
    async with t.at_entry() as lane:
        before = await t.lifts(lane)
        first, again = await t.send_twice("5.7", t.say.entry(driver, lane))
        t.answered(first)
        t.answered(again)
        t.only_if(again if again.state else first, "司机没有被放行", "nobody was let in")
        if 2 not in (first.state, again.state):
            t.same(first, again)
        if 1 in (first.state, again.state):
            await t.lifted(lane, before, 1)
    t.entered_times(driver, (1,) if 1 in (first.state, again.state) else (0,))


@ENTRY.of("5.7/07")
async def same_driver_again(t: Trial) -> None:
    driver = t.driver()
    async with t.at_entry() as lane:
        first = await t.scan(driver, lane, timetemp=t.scene.now() - 60)
    if first.state != 1:
        raise NotVerified(f"需要一辆在场的车，但 5.7 答：{first.shown}", f"needs a car inside; 5.7: {first.shown}")
    async with t.at_entry() as lane:
        again = await t.scan(driver, lane)
    t.answered(again)
    await t.entered(driver, t.plan.upload_within)

    async def look() -> None:
        hub = t.hub
        if hub is None:
            t.unseen("one-stay", "只有一次停车", "one stay only")
            return
        orders = {upload.order_id for upload in hub.of(driver)}
        closed = {upload.order_id for upload in hub.of(driver, "3.2")}
        open_now = len(orders - closed)
        t.check(
            "one-stay",
            open_now <= 1,
            ("最多一次没有结束的停车", "at most one stay that has not ended"),
            (f"{open_now} 次：{', '.join(sorted(orders))}", f"{open_now}: {', '.join(sorted(orders))}"),
        )

    t.at_the_end(look)


@ENTRY.of("5.7/08")
async def two_drivers_one_car(t: Trial) -> None:
    if not t.plan.loop:
        raise NotApplicable(
            "车道看不见车，分不清一辆和两辆（loop = false）", "the lanes see no cars, so cannot tell (loop = false)"
        )
    one, other = t.driver(), t.driver()
    async with t.at_entry() as lane:
        before = await t.lifts(lane)
        first, second = await asyncio.gather(t.scan(one, lane), t.scan(other, lane))
        told = [answer.state for answer in (first, second)].count(1)
        got = f"{first.shown} | {second.shown}"
        t.check("one-told", told <= 1, ("最多一位得到 1", "at most one told 1"), got, answer=second)
        t.only_if(second if second.state else first, "两位都没有被放行", "neither was let in")
        if told:
            await t.lifted(lane, before, 1)


@ENTRY.of("5.7/09")
async def reasons(t: Trial) -> None:
    """Every refusal of the run is looked at; two are provoked here."""
    t.said_no(await t.scan(t.driver(), "Z9"))
    await t.scan(t.driver(), "")

    async def look() -> None:
        bad = [
            answer.shown
            for answer in t.scene.entry_answers
            if answer.status == 200 and answer.state == 0 and not 0 < len(answer.errmsg.strip()) <= 48
        ]
        expected = ("每个 state 0 都有 1 到 48 个字的 errmsg", "each state 0 has an errmsg of 1 to 48 characters")
        t.check("each-reason", not bad, expected, bad[0] if bad else ("都有", "each has"))

    t.at_the_end(look)


@ENTRY.of("5.7/10")
async def released_and_refused(t: Trial) -> None:
    released, refused = t.driver(), t.driver()
    for driver, act in ((released, "release"), (refused, "refuse")):
        async with t.at_entry() as lane:
            await t.hook("lane_state", lane=lane, state="attendant")
            try:
                answer = await t.scan(driver, lane)
                if not t.state(answer, 2, name=f"waits-{act}"):
                    continue
                await t.hook(act, lane=lane, driver=driver)
            finally:
                await t.maybe("lane_state", lane=lane, state="ok")
    await t.entered(released, t.plan.upload_within, name="released-upload")
    t.never_entered(refused, name="refused-no-upload")


@ENTRY.of("5.7/11", alone=True)
async def barrier_refuses(t: Trial) -> None:
    driver = t.driver()
    async with t.at_entry() as lane:
        await t.hook("barrier_offline", lane=lane)
        try:
            answer = await t.scan(driver, lane)
        finally:
            await t.maybe("barrier_online", lane=lane)
    t.answered(answer)
    t.check("not-let-in", answer.state in (0, 2), ("不是 1", "not 1"), answer.shown, answer=answer)
    if answer.state == 0:
        t.never_entered(driver)


@ENTRY.of("5.7/12")
async def caller_hangs_up(t: Trial) -> None:
    driver = t.driver()
    async with t.at_entry() as lane:
        body = t.written("5.7", t.say.entry(driver, lane))
        await t.hang_up("5.7", body, 0.0)
        again = await t.send_raw("5.7", body)
        if again.state == 2 and t.hub is not None:
            await t.hub.until(lambda: t.hub and t.hub.of(driver), t.plan.upload_within)
            again = await t.send_raw("5.7", body)
        last = await t.send_raw("5.7", body)
    t.state(again, 1)
    t.same(again, last)
    t.entered_times(driver, (1,))


@ENTRY.of("5.7/13", alone=True)
async def slow_device(t: Trial) -> None:
    driver = t.driver()
    late_by = t.plan.answer_within + 1
    async with t.at_entry() as lane:
        before = await t.lifts(lane)
        await t.hook("barrier_slow", lane=lane, seconds=late_by)
        try:
            answer = await t.scan(driver, lane)
            t.answered(answer)
            await asyncio.sleep(max(0.0, late_by - answer.seconds) + 0.3 * t.plan.patience)
        finally:
            await t.maybe("barrier_online", lane=lane)
        now = await t.lifts(lane)
    up = None if now is None or before is None else now - before

    async def look() -> None:
        if t.hub is None or up is None:
            t.unseen("lift-with-stay", "杆抬起就有停车", "an arm that is up has a stay")
            return
        stays = len({upload.order_id for upload in t.hub.of(driver)})
        expected = ("杆没抬，或有它的 3.1", "the arm stayed down, or its 3.1 came")
        got = (f"抬杆 {up} 次，停车 {stays} 次", f"{up} lifts, {stays} stays")
        t.check("lift-with-stay", up <= stays <= 1, expected, got)

    t.at_the_end(look)


@ENTRY.of("5.7/14", alone=True)
async def killed(t: Trial) -> None:
    told: list[str] = []
    drivers = [t.driver() for _ in range(KILLS)]
    for number, driver in enumerate(drivers):
        async with t.at_entry() as lane:
            scan = asyncio.create_task(t.scan(driver, lane))
            await asyncio.sleep(0.002 * number)
            try:
                await t.hook("restart", hard=True)
            finally:
                answer = await scan
            with contextlib.suppress(NotVerified):
                await t.hook("lane_state", lane=lane, state="ok")
        if answer.state == 1:
            told.append(driver)
    within = t.plan.upload_within + len(told) / 5  # so many come one after the other, fewer than ten a second
    await asyncio.gather(*(t.entered(driver, within, name=f"upload-{driver}") for driver in told))

    async def look() -> None:
        hub = t.hub
        if hub is None:
            return
        many = {driver: len({upload.order_id for upload in hub.of(driver)}) for driver in drivers}
        double = [driver for driver, count in many.items() if count > 1]
        expected = ("每位司机最多一次停车", "at most one stay for each driver")
        t.check("no-double", not double, expected, ", ".join(double) or "–")

    t.at_the_end(look)


@ENTRY.of("5.7/15")
async def order_given(t: Trial) -> None:
    driver, order = t.driver(), f"kit{t.number(12)}"
    async with t.at_entry() as lane:
        answer = await t.scan(driver, lane, order_id=order)
    if answer.state != 1:
        raise NotVerified(f"没有放行：{answer.shown}", f"not let in: {answer.shown}")
    upload = await t.entered(driver, t.plan.upload_within)
    if upload is not None:
        t.check("same-order", upload.order_id == order, (order, order), upload.order_id)
        t.entered_times(driver, (1,))


@ENTRY.of("5.7/16", alone=True)
async def full(t: Trial) -> None:
    if "commands" not in t.plan.profiles:
        raise NotVerified("需要 11.3 把空位设成 0（commands）", "needs 11.3 to set the free spaces to 0 (commands)")
    await t.send("11.3", t.say.spaces(1000, 0, t.number(24)))
    try:
        async with t.at_entry() as lane:
            answer = await t.scan(t.driver(), lane)
    finally:
        await t.send("11.3", t.say.spaces(1000, 900, t.number(24)))
    t.note(f"车位已满时：{answer.shown}", f"when full: {answer.shown}", answer)


@ENTRY.of("5.7/17")
async def sms_check(t: Trial) -> None:
    if not t.plan.sms_check:
        raise NotApplicable("没有短信验证（sms_check = false）", "no SMS check (sms_check = false)")
    driver = t.driver()
    async with t.at_entry() as lane:
        t.said_no(await t.scan(driver, lane, mobile_number=None))
    t.never_entered(driver)
