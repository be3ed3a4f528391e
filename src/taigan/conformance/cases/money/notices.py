"""5.8 to 5.14: what BoLink tells afterwards: renewals, arrears, payments that the lot placed, change, reductions."""

from __future__ import annotations

import json
from decimal import Decimal

from taigan.conformance.cases.money.paid import UNKNOWN, found, left_of
from taigan.conformance.doors.target import Answer
from taigan.conformance.model import NotVerified
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Trial

NOTICES = Scripts()
ENDS, LATER, LATEST = "2030-01-31 23:59:59", "2030-02-28 23:59:59", "2030-03-31 23:59:59"


async def a_pass(t: Trial) -> tuple[str, str]:
    """A monthly pass, sold by 11.5: its plate and card. Raises NotVerified without `commands`."""
    if "commands" not in t.plan.profiles:
        raise NotVerified("需要 11.5 和 11.6（commands）", "needs 11.5 and 11.6 (commands)")
    car, card = t.plate(), t.number(12)
    answer = await t.send("11.5", t.say.passed("add", car, card, user_name="KIT", tel=""))
    if answer.state != 1:
        raise NotVerified(f"11.5 没有被接受：{answer.shown}", f"11.5 was not taken: {answer.shown}")
    return car, card


async def pass_end(t: Trial, car: str) -> tuple[Answer, str]:
    """The last day of a pass, by 11.6."""
    answer = await t.send("11.6", t.say.vehicle(car, "0"))
    data = (answer.data or {}).get("data")
    return answer, str(data.get("end_time", "")) if isinstance(data, dict) else ""


def ends(t: Trial, answer: Answer, got: str, wanted: str, name: str) -> None:
    """The pass ends on that day."""
    t.check(name, got[:10] == wanted[:10], (wanted[:10], wanted[:10]), got or answer.shown, answer=answer)


@NOTICES.of("5.8/01")
async def renewed(t: Trial) -> None:
    car, card = await a_pass(t)
    trade = t.number()
    answer = await t.send("5.8", t.say.renewal(car, card, trade, LATER, start_time=ENDS))
    t.answered(answer)
    t.state(answer, 1)
    t.echo(answer, "trade_no", trade)
    ends(t, *await pass_end(t, car), LATER, "new-end")


@NOTICES.of("5.8/02")
async def renewed_again(t: Trial) -> None:
    car, card = await a_pass(t)
    trade = t.number()
    t.state(await t.send("5.8", t.say.renewal(car, card, trade, LATER)), 1, name="first")
    t.state(await t.send("5.8", t.say.renewal(car, card, trade, LATEST)), 1, name="again")
    ends(t, *await pass_end(t, car), LATER, "once")
    await found(t, trade, 1)


@NOTICES.of("5.8/03")
async def not_renewed(t: Trial) -> None:
    car, card = await a_pass(t)
    t.state(await t.send("5.8", t.say.renewal(car, card, t.number(), LATER, 0)), 1, name="state-0")
    ends(t, *await pass_end(t, car), ENDS, "no-change")
    bare = {"type": 1, "amount": 300.0, "park_id": t.plan.park_id, "service_name": "monthcard_pay", "car_number": car}
    t.state(await t.send("5.8", bare), 1, name="third-party")


@NOTICES.of("5.8/04")
async def numbers(t: Trial) -> None:
    car, card = await a_pass(t)
    theirs, ours = t.number(), t.number()
    t.state(await t.send("5.8", t.say.renewal(car, card, theirs, LATER, out_trade_no=ours)), 1)
    await found(t, theirs, 1, name="by-trade-no")
    await found(t, ours, 0, name="not-by-out-trade-no")


@NOTICES.of("5.9/01")
async def recovered(t: Trial) -> None:
    stay, trade = await t.stay(), t.number()
    answer = await t.send("5.9", t.say.recovered(stay.order_id, stay.car_number, trade, 0.04))
    t.answered(answer)
    t.state(answer, 1)
    t.echo(answer, "trade_no", trade)
    t.echo(answer, "order_id", stay.order_id)


@NOTICES.of("5.9/02")
async def recovered_again(t: Trial) -> None:
    stay, trade = await t.stay(), t.number()
    message = t.say.recovered(stay.order_id, stay.car_number, trade, 0.04)
    for number, answer in enumerate((await t.send("5.9", message), await t.send("5.9", message))):
        t.state(answer, 1, name=f"state-{number}")
    await found(t, trade, 1, name="once")
    unknown = t.number()
    if t.kept(await t.send("5.9", t.say.recovered(UNKNOWN, t.plate(), unknown, 0.04))):
        await found(t, unknown, 1, name="unknown-found")


@NOTICES.of("5.10/01")
async def placed(t: Trial) -> None:
    trade = t.number()
    answer = await t.send("5.10", t.say.placed("plat_unified_order", trade, "0.01"))
    t.answered(answer)
    t.state(answer, 1)
    t.echo(answer, "trade_no", trade)


@NOTICES.of("5.10/02")
async def placed_again(t: Trial) -> None:
    trade = t.number()
    message = t.say.placed("plat_unified_order", trade, "0.01")
    first, second = await t.send_twice("5.10", message)
    other = await t.send("5.10", t.say.placed("plat_unified_order", trade, "99.99"))
    for answer in (first, second, other):
        t.kept(answer)
    await found(t, trade, 1, name="once")


@NOTICES.of("5.11/01")
async def escape_paid(t: Trial) -> None:
    trade = t.number()
    message = t.say.placed("plat_escape_order", trade, "0.01")
    first, second = await t.send("5.11", message), await t.send("5.11", message)
    for number, answer in enumerate((first, second)):
        t.state(answer, 1, name=f"state-{number}")
        t.echo(answer, "trade_no", trade, name=f"echo-{number}")
    await found(t, trade, 1, name="once")


@NOTICES.of("5.12/01")
async def change_states(t: Trial) -> None:
    stay = await t.stay()
    for state in range(4):
        trade = t.number()
        answer = await t.send("5.12", t.say.change(stay.order_id, stay.car_number, trade, state))
        t.state(answer, 1, name=f"state-{state}")
    bare = json.dumps(t.say.change(stay.order_id, stay.car_number, t.number(), 1), ensure_ascii=False).encode()
    answer = await t.send_raw("5.12", bare)
    t.survives(answer, name="unsigned")
    t.check("not-done", answer.state != 1, ("没有签名的不算数", "an unsigned one does not count"), answer.shown)


@NOTICES.of("5.12/02")
async def late_change(t: Trial) -> None:
    stay, trade = await t.stay(), t.number()
    for state in (1, 2, 1):
        t.state(await t.send("5.12", t.say.change(stay.order_id, stay.car_number, trade, state)), 1, name=f"s{state}")
    kept = await t.maybe("change_state", trade_no=trade)
    t.check("received", None if kept is None else int(kept) == 2, ("仍是 2 已领取", "still 2, received"), f"{kept}")


@NOTICES.of("5.14/01")
async def reductions(t: Trial) -> None:
    for kind in (1, 2, 3):
        answer = await t.send("5.14", t.say.reduction(kind, t.plate()))
        t.answered(answer)
        ok = answer.status == 200 and answer.state in (0, 1)
        t.check(f"type-{kind}", ok, ("state 0 或 1", "state 0 or 1"), answer.shown, answer=answer)


@NOTICES.of("5.14/02")
async def reduced_once(t: Trial) -> None:
    stay, due = await t.owing()
    taken = min(Decimal("3.00"), due / 2).quantize(Decimal("0.01"))
    about = {"start_charge_seq": t.number(), "reduce_amount": f"{taken}", "calculation_method": 2}
    for _ in range(2):
        t.survives(await t.send("5.14", t.say.reduction(3, stay.car_number, **about)))
    await left_of(t, stay, due - taken, name="once")


@NOTICES.of("5.14/03")
async def odd_reductions(t: Trial) -> None:
    t.survives(await t.send("5.14", t.say.reduction(9, t.plate())), name="unknown-type")
    t.survives(await t.send("5.14", t.say.reduction(3, t.plate(), sevice_money="1.25")), name="misspelt")
