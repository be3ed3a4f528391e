"""5.3, 5.5, 5.6: money that BoLink took or gave back."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, NamedTuple

from taigan.conformance.doors.target import Answer
from taigan.conformance.model import NotVerified
from taigan.conformance.trials.messages import Data
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Stay, Trial

PAID = Scripts()
UNKNOWN = "kit_no_such_order"


async def found(t: Trial, trade: str, wanted: int, *, name: str = "found") -> None:
    """So often a person finds that payment in the platform."""
    count = await t.maybe("money_found", trade_no=trade)
    expected = (f"人能找到它：{wanted} 笔", f"a person finds it: {wanted} of it")
    got: tuple[str, str] | str = f"{count}" if count is not None else ("看不到（钩子 money_found）", "hook money_found")
    t.check(name, None if count is None else int(count) == wanted, expected, got)


async def left_of(t: Trial, stay: Stay, wanted: Decimal, *, name: str = "left") -> None:
    """What 5.1 asks now."""
    answer, left = await t.price(stay)
    t.amount(name, left, wanted, answer)


def part_of(due: Decimal) -> Decimal:
    """A part of what is due, in whole fen, so that there is something left."""
    return min(Decimal("6.50"), due / 4).quantize(Decimal("0.01"))


async def prepay(t: Trial, stay: Stay, trade: str, amount: Decimal, **changes: Any) -> Answer:
    return await t.send("5.3", t.say.prepayment(stay.order_id, stay.car_number, trade, float(amount), **changes))


@PAID.of("5.3/01")
async def prepaid(t: Trial) -> None:
    stay = await t.stay()
    answer = await prepay(t, stay, t.number(), Decimal("6.5"))
    t.answered(answer)
    t.state(answer, 1)
    t.echo(answer, "order_id", stay.order_id)
    t.echo(answer, "park_id", t.plan.park_id)
    got = (answer.data or {}).get("prepay")
    ok = got is not None and Decimal(str(got)) == Decimal("6.5")
    t.check("prepay", ok, ("prepay = 6.5", "prepay = 6.5"), f"{got!r}", answer=answer, level=t.level_of("prepay"))


@PAID.of("5.3/02")
async def prepaid_again(t: Trial) -> None:
    stay, due = await t.owing()
    part, trade = part_of(due), t.number()
    t.state(await prepay(t, stay, trade, part), 1, name="first")
    t.state(await prepay(t, stay, trade, part), 1, name="again")
    await left_of(t, stay, due - part)


@PAID.of("5.3/03")
async def prepaid_at_once(t: Trial) -> None:
    stay, due = await t.owing()
    part, trade = part_of(due), t.number()
    message = t.say.prepayment(stay.order_id, stay.car_number, trade, float(part))
    for number, answer in enumerate(await t.send_twice("5.3", message)):
        t.state(answer, 1, name=f"state-{number}")
    await left_of(t, stay, due - part)


@PAID.of("5.3/04")
async def prepaid_twice(t: Trial) -> None:
    stay, due = await t.owing()
    part = part_of(due)
    for _ in range(2):
        t.state(await prepay(t, stay, t.number(), part), 1)
    await left_of(t, stay, due - 2 * part)


@PAID.of("5.3/05")
async def prepaid_unknown(t: Trial) -> None:
    trade = t.number()
    answer = await t.send("5.3", t.say.prepayment(UNKNOWN, t.plate(), trade, 6.5))
    if t.kept(answer) and answer.state == 1:
        await found(t, trade, 1)


@PAID.of("5.3/06")
async def odd_numbers(t: Trial) -> None:
    stay, due = await t.owing()
    dime = Decimal("0.10")
    for trade in (f"{t.number(12)} {t.number(12)}", f"{t.number(32)}{t.number(32)}", t.number()):
        t.state(await prepay(t, stay, trade, dime), 1)
    await left_of(t, stay, due - 3 * dime)


@PAID.of("5.3/07")
async def prepaid_too_late(t: Trial) -> None:
    stay = await t.stay()
    await t.hook("close", order_id=stay.order_id, car_number=stay.car_number)
    trade = t.number()
    answer = await prepay(t, stay, trade, Decimal("6.5"))
    if t.kept(answer) and answer.state == 1:
        await found(t, trade, 1)


@PAID.of("5.3/08")
async def answer_lost(t: Trial) -> None:
    stay, due = await t.owing()
    part, trade = part_of(due), t.number()
    body = t.written("5.3", t.say.prepayment(stay.order_id, stay.car_number, trade, float(part)))
    await t.hang_up("5.3", body, 0.0)
    for pause in (1, 2, 3):
        await asyncio.sleep(0.3 * pause * t.plan.patience)
        t.state(await t.send_raw("5.3", body), 1)
    await left_of(t, stay, due - part)


async def charge(
    t: Trial, stay: Stay, lane: str, trade: str, amount: Decimal, state: int = 1, **changes: Any
) -> Answer:
    about = {"out_channel_id": lane} | changes
    return await t.send("5.5", t.say.charge(stay.order_id, stay.car_number, trade, float(amount), state, **about))


@PAID.of("5.5/01")
async def charged(t: Trial) -> None:
    stay, due = await t.owing()
    trade = t.number()
    async with t.at_exit(stay.car_number) as lane:
        before = await t.lifts(lane)
        answer = await charge(t, stay, lane, trade, due)
        t.answered(answer)
        t.state(answer, 1)
        t.echo(answer, "trade_no", trade)
        await t.lifted(lane, before, 1)


@PAID.of("5.5/02")
async def charge_under_way(t: Trial) -> None:
    stay, due = await t.owing()
    trade = t.number()
    async with t.at_exit(stay.car_number) as lane:
        before = await t.lifts(lane)
        t.state(await charge(t, stay, lane, trade, due, 2), 1, name="pending")
        await t.lifted(lane, before, 0, name="no-lift")
        await left_of(t, stay, due, name="still-due")
        t.state(await charge(t, stay, lane, trade, due), 1, name="paid")
        await t.lifted(lane, before, 1)


@PAID.of("5.5/03")
async def charge_failed(t: Trial) -> None:
    stay, due = await t.owing()
    async with t.at_exit(stay.car_number) as lane:
        before = await t.lifts(lane)
        t.state(await charge(t, stay, lane, t.number(), due, 0), 1)
        await t.lifted(lane, before, 0)
        await left_of(t, stay, due)


@PAID.of("5.5/04")
async def charged_again(t: Trial) -> None:
    stay, due = await t.owing()
    trade = t.number()
    async with t.at_exit(stay.car_number) as lane:
        before = await t.lifts(lane)
        message = t.say.charge(stay.order_id, stay.car_number, trade, float(due), out_channel_id=lane)
        first, second = await t.send_twice("5.5", message)
        third = await t.send("5.5", message)
        for number, answer in enumerate((first, second, third)):
            t.state(answer, 1, name=f"state-{number}")
        await t.lifted(lane, before, 1)
    await found(t, trade, 1)


@PAID.of("5.5/05")
async def late_failure(t: Trial) -> None:
    stay, due = await t.owing()
    trade, part = t.number(), part_of(due)
    async with t.at_exit(stay.car_number) as lane:
        t.state(await charge(t, stay, lane, trade, part), 1, name="paid")
        for state in (0, 2):
            t.survives(await charge(t, stay, lane, trade, part, state), name=f"late-{state}")
        await left_of(t, stay, due - part, name="stays-paid")


@PAID.of("5.5/06")
async def right_lane(t: Trial) -> None:
    stay, due = await t.owing()
    others = [lane for lane in t.plan.exit_lanes if lane != t.exit_lane]
    async with t.at_exit(stay.car_number) as lane:
        before, beside = await t.lifts(lane), {other: await t.lifts(other) for other in others}
        await charge(t, stay, lane, t.number(), due)
        await t.lifted(lane, before, 1, name="its-lane")
        for other, count in beside.items():
            await t.lifted(other, count, 0, name=f"not-{other}")
    nowhere, due = await t.owing()
    async with t.scene.exit_lane_lock:
        await t.maybe("car_gone", lane=t.exit_lane)
        before = await t.lifts(t.exit_lane)
        await charge(t, nowhere, t.exit_lane, t.number(), due)
        await t.lifted(t.exit_lane, before, 0, name="no-car-no-lift")


@PAID.of("5.5/07")
async def charge_unknown(t: Trial) -> None:
    trade = t.number()
    answer = await t.send("5.5", t.say.charge(UNKNOWN, t.plate(), trade, 6.5))
    if t.kept(answer) and answer.state == 1:
        await found(t, trade, 1)


@PAID.of("5.5/08")
async def paid_too_little(t: Trial) -> None:
    stay, due = await t.owing()
    part = part_of(due)
    async with t.at_exit(stay.car_number) as lane:
        before = await t.lifts(lane)
        t.kept(await charge(t, stay, lane, t.number(), part))
        await t.lifted(lane, before, 0, name="not-yet")
        t.kept(await charge(t, stay, lane, t.number(), due - part))
        await t.lifted(lane, before, 1, name="then")


@PAID.of("5.5/09")
async def nested_attach(t: Trial) -> None:
    stay = await t.stay()
    attach = {"备注": {"车场": "东门", "明细": ["停车费", "服务费"]}, "should_pay": "0.08"}
    answer = await charge(t, stay, t.exit_lane, t.number(), Decimal("0.04"), attach=attach)
    t.state(answer, 1)


class Prepaid(NamedTuple):
    """A stay of which a part was paid: by which payment, how much, and what is left to pay."""

    stay: Stay
    trade: str
    part: Decimal
    left: Decimal


async def part_paid(t: Trial) -> Prepaid:
    """Raises NotVerified when 5.3 is not taken."""
    stay, due = await t.owing()
    trade, part = t.number(), part_of(due)
    answer = await prepay(t, stay, trade, part)
    if answer.state != 1:
        raise NotVerified(f"5.3 没有被接受：{answer.shown}", f"5.3 was not taken: {answer.shown}")
    return Prepaid(stay, trade, part, due - part)


def refund_of(t: Trial, paid: Prepaid, amount: Decimal, state: int = 1) -> Data:
    """5.6 about that payment, by its number."""
    return t.say.refund(paid.stay.order_id, paid.stay.car_number, paid.trade, float(amount), state)


async def income(t: Trial, paid: Prepaid) -> Decimal | None:
    """What the stay brought, refunds taken off; None when nobody can tell."""
    told = await t.maybe("order", order_id=paid.stay.order_id)
    return None if told is None else Decimal(str(told.get("paid", "0")))


@PAID.of("5.6/01")
async def refunded(t: Trial) -> None:
    paid = await part_paid(t)
    answer = await t.send("5.6", refund_of(t, paid, paid.part))
    t.answered(answer)
    t.state(answer, 1)
    t.echo(answer, "trade_no", paid.trade)


@PAID.of("5.6/02")
async def refunded_again(t: Trial) -> None:
    paid = await part_paid(t)
    half = (paid.part / 2).quantize(Decimal("0.01"))
    message = refund_of(t, paid, half)
    first, second = await t.send_twice("5.6", message)
    third = await t.send("5.6", message)
    for number, answer in enumerate((first, second, third)):
        t.state(answer, 1, name=f"state-{number}")
    left, once = await income(t, paid), paid.part - half
    t.check("booked-once", None if left is None else left == once, (f"收入 {once}", f"income {once}"), f"{left}")


@PAID.of("5.6/03")
async def refund_too_large(t: Trial) -> None:
    paid = await part_paid(t)
    t.kept(await t.send("5.6", refund_of(t, paid, paid.part + 100)))
    left = await income(t, paid)
    expected = ("收入不为负", "no negative income")
    t.check("not-negative", None if left is None else left >= 0, expected, f"{left}")
    unknown = t.number()
    t.kept(await t.send("5.6", t.say.refund(UNKNOWN, t.plate(), unknown, 1.0)))
    await found(t, unknown, 1, name="unknown-found")


@PAID.of("5.6/04")
async def refund_failed(t: Trial) -> None:
    paid = await part_paid(t)
    t.state(await t.send("5.6", refund_of(t, paid, paid.part, 0)), 1)
    await left_of(t, paid.stay, paid.left, name="stays-paid")


@PAID.of("5.6/05")
async def misspelt(t: Trial) -> None:
    paid = await part_paid(t)
    message = refund_of(t, paid, paid.part)
    message["arrive_moeny"] = message.pop("arrive_money")
    t.state(await t.send("5.6", message), 1)
