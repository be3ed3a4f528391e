"""3.1: the entry is uploaded, whatever the hub does."""

from __future__ import annotations

import asyncio

from taigan.conformance.doors.hub import EXISTS
from taigan.conformance.doors.seen import Upload
from taigan.conformance.model import Level, NotVerified
from taigan.conformance.trials.pace import pace_of
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Trial

UPLOADS = Scripts()
OWED = 40
"""How many are owed at once in 3.1/06: the pace of 10 a second is seen within the first twenty."""
REFUSED_TEXT = "车场未启用"


async def let_in(t: Trial, *troubles: str) -> str:
    """A driver inside, whose 3.1 meets these troubles. Raises NotVerified when nobody is let in."""
    driver = t.driver()
    if t.hub is None:
        raise NotVerified("看不到上报（没有 --hub-listen）", "uploads cannot be seen (no --hub-listen)")
    t.hub.trouble("3.1", driver, *troubles)
    async with t.at_entry() as lane:
        answer = await t.scan(driver, lane)
    if answer.state != 1:
        raise NotVerified(f"没有放行：{answer.shown}", f"nobody is let in: {answer.shown}")
    return driver


async def arrivals(t: Trial, driver: str, count: int, within: float, *, taken: bool = False) -> list[Upload]:
    """The 3.1 about a driver, once so many have come and been answered (been taken), or the time is over."""
    hub = t.hub
    assert hub is not None

    def done() -> bool:
        return sum(upload.done and (upload.taken or not taken) for upload in hub.of(driver)) >= count

    await hub.until(done, within)
    return hub.of(driver)


def again_within(t: Trial) -> float:
    """How long a lot may take to try again: it may well wait a minute after some failures."""
    return 2.0 + 60.0 * t.plan.patience


def tell_of(t: Trial, found: list[Upload]) -> None:
    for upload in found[:4]:
        t.see(upload.exchange)


@UPLOADS.of("3.1/01")
async def signed(t: Trial) -> None:
    driver = await let_in(t)
    upload = await t.entered(driver, t.plan.upload_within)
    found = t.hub.of(driver) if t.hub else []
    tell_of(t, found)
    wrong = next((each for each in found if not each.signed), upload)
    if wrong is not None:
        t.signature("signed", wrong)


@UPLOADS.of("3.1/02")
async def fields(t: Trial) -> None:
    driver = await let_in(t)
    await arrivals(t, driver, 1, t.plan.upload_within)
    if not (found := t.hub.of(driver) if t.hub else []):
        t.check("upload", False, ("一条 3.1", "a 3.1"), "–")
        return
    tell_of(t, found)
    data = found[0].data
    t.check("reads", not found[0].problem, ("字段合乎文档", "fields as documented"), found[0].problem or "–")
    t.remarks(found[0].remarks)
    for name, kind in (
        ("car_number", str),
        ("in_time", int),
        ("order_id", str),
        ("empty_plot", int),
        ("park_id", str),
        ("union_id", int),
    ):
        value = data.get(name)
        ok = isinstance(value, kind) and not isinstance(value, bool)
        words = {str: ("字符串", "text"), int: ("整数", "a whole number")}[kind]
        t.check(name, ok, (f"{name}：{words[0]}", f"{name}: {words[1]}"), f"{name} = {value!r}")
    at, free = data.get("in_time"), data.get("empty_plot")
    near = isinstance(at, int) and abs(at - t.scene.now()) < 2 * 24 * 3600
    t.check("seconds", near, ("in_time：现在，unix 秒", "in_time: now, in unix seconds"), f"in_time = {at!r}")
    t.check("not-negative", isinstance(free, int) and free >= 0, ("empty_plot ≥ 0", "empty_plot ≥ 0"), f"{free!r}")
    order = found[0].order_id
    usable = 0 < len(order) <= 32 and all(each.isascii() and (each.isalnum() or each == "_") for each in order)
    expected = ("order_id：最多 32 位字母、数字、下划线（3.4）", "order_id: at most 32 letters, digits, _ (3.4)")
    t.check("order-id-of-3.4", usable, expected, order, level=Level.SHOULD)


@UPLOADS.of("3.1/03")
async def after_a_500(t: Trial) -> None:
    driver = await let_in(t, "500")
    found = await arrivals(t, driver, 2, again_within(t))
    tell_of(t, found)
    t.check("again", len(found) >= 2, ("再传一次", "sent again"), f"{len(found)} ×")
    if len(found) >= 2:
        same = all(each.data == found[0].data for each in found)
        t.check(
            "same", same, ("内容一字不变", "unchanged"), f"{[each.data for each in found[:2]]}" if not same else "="
        )


@UPLOADS.of("3.1/04")
async def already_there(t: Trial) -> None:
    driver = await let_in(t, "lost", "exists")
    found = await arrivals(t, driver, 2, again_within(t))
    t.check("again", len(found) >= 2, ("应答丢失后再传", "sent again after the lost answer"), f"{len(found)} ×")

    async def look() -> None:
        many = t.hub.of(driver) if t.hub else []
        tell_of(t, many)
        t.check("done", len(many) == 2, (f"{EXISTS} 之后不再传", f"not sent again after {EXISTS}"), f"{len(many)} ×")

    if len(found) >= 2:
        t.at_the_end(look)


@UPLOADS.of("3.1/05", slow=True)
async def hub_is_down(t: Trial) -> None:
    drivers = [t.driver() for _ in range(3)]
    if t.hub is None:
        raise NotVerified("看不到上报（没有 --hub-listen）", "uploads cannot be seen (no --hub-listen)")
    hub, told = t.hub, []
    up_again = hub.cut_off(*drivers)
    try:
        for driver in drivers:
            async with t.at_entry() as lane:
                answer = await t.scan(driver, lane)
            if t.state(answer, 1, name="told"):
                told.append(driver)
        if told:
            await asyncio.sleep(t.plan.outage)
    finally:
        up_again()
    for driver in told:
        found = await arrivals(t, driver, 1, again_within(t), taken=True)
        t.check(
            "arrives",
            any(each.taken for each in found),
            ("通了之后补上", "arrives when the hub is back"),
            f"{len(hub.of(driver))} ×",
        )

    async def look() -> None:
        for driver in drivers:
            orders = {each.order_id for each in hub.of(driver)}
            t.check("one-order", len(orders) <= 1, ("同一个订单号", "the same order"), ", ".join(sorted(orders)))
            taken = [each for each in hub.of(driver) if each.taken]
            t.check("taken-once", len(taken) <= 1, ("恰好被接受一次", "accepted once"), f"{len(taken)} ×")

    t.at_the_end(look)


def judge_pace(t: Trial, times: list[float]) -> None:
    """Uploads that arrived at these times keep BoLink's pace."""
    pace = pace_of(times)
    expected = ("每秒少于 10 条（看三秒）", "below 10 a second, over three seconds")
    got = (
        f"三秒里最多 {pace.in_three} 条，一秒里最多 {pace.a_second} 条",
        f"at most {pace.in_three} in three seconds, {pace.a_second} in one",
    )
    t.check("pace", pace.allowed, expected, got)


@UPLOADS.of("3.1/06", alone=True)
async def pace(t: Trial) -> None:
    if t.hub is None:
        raise NotVerified("看不到上报（没有 --hub-listen）", "uploads cannot be seen (no --hub-listen)")
    hub = t.hub
    drivers = [t.driver() for _ in range(OWED)]
    up_again = hub.cut_off(*drivers)
    told = []
    try:
        for driver in drivers:
            async with t.at_entry() as lane:
                if (await t.scan(driver, lane)).state == 1:
                    told.append(driver)
    finally:
        up_again()
    if len(told) < 20:
        raise NotVerified(f"只有 {len(told)} 位被放行", f"only {len(told)} were let in")
    behind = len(hub.uploads)

    def all_there() -> bool:
        return all(any(each.taken for each in hub.of(driver)) for driver in told)

    await hub.until(all_there, again_within(t) + len(told) / 5)
    times = [each.at for each in hub.uploads[behind:] if each.section in ("3.1", "3.2")]
    judge_pace(t, times)
    t.check("all", all_there(), (f"{len(told)} 条都补上", f"all {len(told)} arrive"), f"{len(times)} ×")


@UPLOADS.of("3.1/07")
async def refused(t: Trial) -> None:
    driver = await let_in(t, *[f"refuse:{REFUSED_TEXT}"] * 1000)
    other = await let_in(t)
    await t.entered(other, t.plan.upload_within, name="others-go-on")

    async def look() -> None:
        found = t.hub.of(driver) if t.hub else []
        tell_of(t, found)
        seconds = max((found[-1].at - found[0].at), 1.0) if found else 1.0
        ok = len(found) / seconds <= 5
        expected = ("每秒最多试 5 次", "at most 5 tries a second")
        t.check("backs-off", ok, expected, (f"{seconds:.1f} 秒里 {len(found)} 次", f"{len(found)} in {seconds:.1f} s"))

    t.at_the_end(look)


@UPLOADS.of("3.1/08", slow=True)
async def odd_answers(t: Trial) -> None:
    odd = ("half", "html", "redirect", "late")
    drivers = [await let_in(t, kind) for kind in odd]
    other = await let_in(t)
    await t.entered(other, t.plan.upload_within, name="others-go-on")
    patience = again_within(t) + 30 * t.plan.patience
    everything = await asyncio.gather(*(arrivals(t, driver, 2, patience) for driver in drivers))
    for kind, found in zip(odd, everything, strict=True):
        taken = [each for each in found if each.taken]
        t.check(kind, bool(taken), ("再传，直到被接受", "sent again until it is taken"), f"{len(found)} ×")


@UPLOADS.of("3.1/09")
async def escape_order(t: Trial) -> None:
    driver = await let_in(t, "escape")
    await t.entered(driver, t.plan.upload_within)

    async def look() -> None:
        found = t.hub.of(driver) if t.hub else []
        t.check("once", len(found) == 1, ("不再传", "not sent again"), f"{len(found)} ×")

    t.at_the_end(look)


@UPLOADS.of("3.1/10", alone=True)
async def restarted(t: Trial) -> None:
    driver = t.driver()
    if t.hub is None:
        raise NotVerified("看不到上报（没有 --hub-listen）", "uploads cannot be seen (no --hub-listen)")
    up_again = t.hub.cut_off(driver)
    try:
        async with t.at_entry() as lane:
            answer = await t.scan(driver, lane)
        if answer.state != 1:
            raise NotVerified(f"没有放行：{answer.shown}", f"nobody is let in: {answer.shown}")
        await t.hook("restart", hard=False)
    finally:
        up_again()
    await t.entered(driver, again_within(t))
    t.entered_times(driver, (1,))
