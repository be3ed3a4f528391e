"""5.1 and 5.2: what a stay costs, and whether its plate pays by itself."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from taigan.conformance.doors.seen import Uploads
from taigan.conformance.doors.target import Answer
from taigan.conformance.model import NotVerified
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Stay, Trial

PRICE = Scripts()
PART = Decimal("6.50")
CHANGES = 10


def number_in(answer: Answer, field: str) -> Decimal | None:
    """A number in an answer, however it is spelled."""
    got = (answer.data or {}).get(field)
    try:
        return None if got is None or isinstance(got, bool) else Decimal(str(got).strip())
    except ArithmeticError:
        return None


@PRICE.of("5.1/01")
async def open_stay(t: Trial) -> None:
    stay = await t.stay()
    answer, _ = await t.price(stay)
    t.answered(answer)
    if not t.state(answer, 1):
        return
    t.reads(answer)
    t.money(answer, "price")
    t.echo(answer, "order_id", stay.order_id)
    t.echo(answer, "park_id", t.plan.park_id)
    minutes = number_in(answer, "duration")
    ok = minutes is not None and minutes == int(minutes) and 0 <= minutes <= 24 * 60
    t.check("duration", ok, ("duration：停了几分钟", "duration: minutes parked"), f"{minutes}", answer=answer)


@PRICE.of("5.1/02")
async def query_number(t: Trial) -> None:
    stay = await t.stay()
    for scene in (1, 2):
        number = t.number()
        async with t.at_exit(stay.car_number) as lane:
            about = {"order_id": stay.order_id, "car_number": stay.car_number, "out_channel_id": lane}
            answer = await t.send("5.1", t.say.price(number, scene, licence=stay.driver, **about))
        t.state(answer, 1, name=f"state-{scene}")
        t.echo(answer, "query_order_no", number, name=f"echo-{scene}")


@PRICE.of("5.1/03")
async def empty_exit(t: Trial) -> None:
    lane = t.exit_lane
    async with t.scene.exit_lane_lock:
        await t.maybe("car_gone", lane=lane)
        t.said_no(await t.send("5.1", t.say.price(t.number(), 1, out_channel_id=lane)))


@PRICE.of("5.1/04")
async def by_licence(t: Trial) -> None:
    stay = await t.stay()
    async with t.at_exit("") as lane:
        await t.hook("exit_car", lane=lane, plate="?")
        about = {"order_id": stay.order_id, "car_number": stay.car_number, "licence": stay.driver}
        answer = await t.send("5.1", t.say.price(t.number(), 2, out_channel_id=lane, **about))
    t.state(answer, 1)
    t.echo(answer, "order_id", stay.order_id)


@PRICE.of("5.1/05")
async def plated_car_first(t: Trial) -> None:
    waits, scans = await t.stay(), await t.stay()
    async with t.at_exit(waits.car_number) as lane:
        answer = await t.send("5.1", t.say.price(t.number(), 1, out_channel_id=lane, licence=scans.driver))
    t.state(answer, 1)
    t.echo(answer, "order_id", waits.order_id)


@PRICE.of("5.1/06")
async def never_uploaded(t: Trial) -> None:
    driver = t.driver()
    if t.hub is None:
        raise NotVerified("看不到上报（没有 --hub-listen）", "uploads cannot be seen (no --hub-listen)")
    up_again = t.hub.cut_off(driver)
    try:
        async with t.at_entry() as lane:
            await t.scan(driver, lane)
        async with t.at_exit(driver) as exit_lane:
            answer = await t.send("5.1", t.say.price(t.number(), 1, out_channel_id=exit_lane, licence=driver))
    finally:
        up_again()
    if not t.state(answer, 1):
        return
    data = answer.data or {}
    ok = str(data.get("in_time", "")).isdecimal() and bool(data.get("car_number"))
    got = f"in_time = {data.get('in_time')!r}, car_number = {data.get('car_number')!r}"
    t.check("both", ok, ("给出 in_time 和 car_number", "in_time and car_number given"), got, answer=answer)


@PRICE.of("5.1/07")
async def asked_twice(t: Trial) -> None:
    stay = await t.stay()
    first, before = await t.price(stay)
    second, after = await t.price(stay)
    t.state(first, 1)
    t.state(second, 1)
    ok = before is not None and after is not None and after >= before
    t.check("not-less", ok, (f"至少 {before}", f"at least {before}"), f"{after}", answer=second)
    t.entered_times(stay.driver, (1,))


@PRICE.of("5.1/08")
async def prepaid_part(t: Trial) -> None:
    stay, due = await t.owing()
    part = min(PART, due / 2).quantize(Decimal("0.01"))
    paid = await t.send("5.3", t.say.prepayment(stay.order_id, stay.car_number, t.number(), float(part)))
    t.state(paid, 1, name="paid")
    answer, left = await t.price(stay)
    t.amount("less-by-that", left, due - part, answer)
    if left is not None and left > 0:
        rest = t.say.prepayment(stay.order_id, stay.car_number, t.number(), float(left))
        t.state(await t.send("5.3", rest), 1, name="rest-paid")
        answer, left = await t.price(stay)
    t.amount("nothing-left", left, Decimal(0), answer)


@PRICE.of("5.1/09")
async def adds_up(t: Trial) -> None:
    stay, due = await t.owing()
    paid = Decimal("0.10")
    prepaid = min(due, 3 * paid)
    for _ in range(3):
        await t.send("5.3", t.say.prepayment(stay.order_id, stay.car_number, t.number(), float(paid)))
    answer, left = await t.price(stay)
    t.money(answer, "price")
    total, reduced = number_in(answer, "total"), number_in(answer, "derate_money") or Decimal(0)
    if total is not None:
        t.amount("sum", left, max(Decimal(0), total - reduced - prepaid), answer)
    else:
        t.amount("sum", left, due - prepaid, answer)


@PRICE.of("5.1/10")
async def unknown_plate(t: Trial) -> None:
    answer = await t.send("5.1", t.say.price(t.number(), car_number=t.plate(), order_id=""))
    t.note(f"不认识的车牌：{answer.shown}", f"an unknown plate: {answer.shown}", answer)


async def tell_auto_pay(t: Trial, stay: Stay, status: int, rand: str = "") -> Answer:
    """5.2 for a stay."""
    return await t.send("5.2", t.say.auto_pay(stay.order_id, stay.car_number, status, rand or f"0.{t.number(20)}"))


@PRICE.of("5.2/01")
async def on_and_off(t: Trial) -> None:
    stay = await t.stay()
    for status in (1, 0):
        answer = await tell_auto_pay(t, stay, status)
        t.state(answer, 1, name=f"state-{status}")
        t.answered(answer)


@PRICE.of("5.2/02")
async def same_rand(t: Trial) -> None:
    stay = await t.stay()
    rand = f"0.{t.number(20)}"
    first, again = await tell_auto_pay(t, stay, 1, rand), await tell_auto_pay(t, stay, 1, rand)
    t.only_if(first, "第一次就没有被接受", "the first was not taken either")
    t.survives(again)
    ok = again.state == 0 or again.data == first.data
    expected = ("拒绝，或同样的应答", "refused, or the same answer")
    t.check("refused-or-same", ok, expected, again.shown, answer=again)


def pulled(hub: Uploads, car_number: str) -> bool:
    """Was that car's exit paid by wallet?"""
    return any(each.data.get("pay_type") == "wallet" for each in hub.of(car_number, "3.2"))


@PRICE.of("5.2/03")
async def last_one_holds(t: Trial) -> None:
    if t.hub is None:
        raise NotVerified("看不到上报（没有 --hub-listen）", "uploads cannot be seen (no --hub-listen)")
    hub = t.hub
    for last in (1, 0):
        stay, _ = await t.owing()
        for change in range(CHANGES):
            await tell_auto_pay(t, stay, (change + CHANGES + last + 1) % 2)
        async with t.at_exit(stay.car_number):
            wanted = bool(last)
            within = t.plan.upload_within if wanted else t.plan.quiet
            wallet = await hub.until(partial(pulled, hub, stay.car_number), within)
        expected = ("用钱包扣款" if wanted else "不用钱包扣款", "by wallet" if wanted else "not by wallet")
        t.check(f"wallet-{last}", bool(wallet) is wanted, expected, "wallet" if wallet else "–")


@PRICE.of("5.2/04")
async def after_the_exit(t: Trial) -> None:
    stay = await t.stay()
    await t.maybe("close", order_id=stay.order_id, car_number=stay.car_number)
    t.survives(await tell_auto_pay(t, stay, 1))
    t.survives(await t.send("5.2", t.say.auto_pay("kit_no_such_order", t.plate(), 1, f"0.{t.number(20)}")))
