"""3.2: the exit is uploaded."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from taigan.conformance.cases.money.paid import part_of, prepay
from taigan.conformance.cases.money.price import tell_auto_pay
from taigan.conformance.doors.seen import Upload, Uploads
from taigan.conformance.model import NotVerified
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Stay, Trial
from taigan.running.tasks import within

LEAVING = Scripts()
PAY_TYPES = ("cash", "wallet", "sweepcode", "escape")


def hub_of(t: Trial) -> Uploads:
    """Where uploads are seen. Raises NotVerified when there is none."""
    if t.hub is None:
        raise NotVerified("看不到上报（没有 --hub-listen）", "uploads cannot be seen (no --hub-listen)")
    return t.hub


async def gone(t: Trial, stay: Stay, *, times: int = 1) -> list[Upload]:
    """The 3.2 of a stay, once so many have come and been answered. Raises NotVerified when none does."""
    hub = hub_of(t)
    within = t.plan.upload_within + (60 * t.plan.patience if times > 1 else 0)
    done = await hub.until(lambda: sum(each.done for each in hub.of(stay.car_number, "3.2")) >= times, within)
    if not done and times == 1:
        raise NotVerified("需要一次出场，但没有 3.2", "needs an exit, but no 3.2 came")
    found = hub.of(stay.car_number, "3.2")
    for each in found[:4]:
        t.see(each.exchange)
    return found


async def pays_cash_and_leaves(t: Trial, stay: Stay) -> None:
    """The driver pays at the booth; the hook opens."""
    async with t.at_exit(stay.car_number) as lane:
        await t.hook("leave", lane=lane, plate=stay.car_number)


@LEAVING.of("3.2/01")
async def the_exit(t: Trial) -> None:
    stay = await t.stay()
    await pays_cash_and_leaves(t, stay)
    upload = (await gone(t, stay))[0]
    t.check("order", upload.order_id == stay.order_id, (stay.order_id, stay.order_id), upload.order_id)
    t.signature("signed", upload)
    t.check("reads", not upload.problem, ("字段合乎文档", "fields as documented"), upload.problem or "–")
    t.remarks(upload.remarks)
    came, went = stay.upload.data.get("in_time"), upload.data.get("out_time")
    ok = isinstance(went, int) and isinstance(came, int) and went >= came
    t.check("not-before", ok, (f"out_time ≥ {came}", f"out_time ≥ {came}"), f"{went!r}")


@LEAVING.of("3.2/02")
async def pay_types(t: Trial) -> None:
    stay = await t.stay()
    await pays_cash_and_leaves(t, stay)
    await gone(t, stay)

    async def look() -> None:
        uploads = [each for each in hub_of(t).uploads if each.section == "3.2"]
        odd = sorted({str(each.data.get("pay_type")) for each in uploads} - set(PAY_TYPES))
        t.check("one-of-four", not odd, (" / ".join(PAY_TYPES),) * 2, ", ".join(odd) or "–")
        bare = [each for each in uploads if each.data.get("pay_type") == "sweepcode" and not each.data.get("auth_code")]
        t.check("auth-code", not bare, ("sweepcode 带 auth_code", "sweepcode has auth_code"), f"{len(bare)}")

    t.at_the_end(look)


@LEAVING.of("3.2/03")
async def without_the_prepaid(t: Trial) -> None:
    stay, due = await t.owing()
    part = part_of(due)
    await prepay(t, stay, t.number(), part)
    await pays_cash_and_leaves(t, stay)
    upload = (await gone(t, stay))[0]
    total = upload.data.get("total")
    ok = isinstance(total, str) and len(total.partition(".")[2]) <= 2
    t.check("text", ok, ("最多两位小数的字符串", "text with at most two decimals"), f"{total!r}")
    try:
        got: Decimal | None = Decimal(str(total))
    except ArithmeticError:
        got = None
    t.amount("total", got, due - part)


async def by_wallet(t: Trial, answer: str) -> tuple[Stay, str, int | None, Decimal]:
    """A car with auto-pay comes to the exit; its 3.2 gets that answer. Leaves the lane to the caller."""
    hub = hub_of(t)
    stay, due = await t.owing()
    hub.trouble("3.2", stay.car_number, answer)
    told = await tell_auto_pay(t, stay, 1)
    if told.state != 1:
        raise NotVerified(f"5.2 没有被接受：{told.shown}", f"5.2 was not taken: {told.shown}")
    before = await t.lifts(t.exit_lane)
    return stay, t.exit_lane, before, due


async def wallet_upload(t: Trial, stay: Stay) -> Upload:
    """The 3.2 by wallet. Raises NotVerified when none comes."""
    upload = (await gone(t, stay))[0]
    if upload.data.get("pay_type") != "wallet":
        raise NotVerified("没有用钱包（5.2）", "it did not use the wallet (5.2)")
    return upload


@LEAVING.of("3.2/04")
async def pending(t: Trial) -> None:
    await within(120, _pending(t))


async def _pending(t: Trial) -> None:
    stay, lane, _, due = await by_wallet(t, "state:2")
    async with t.at_exit(stay.car_number):
        before = await t.lifts(lane)
        await wallet_upload(t, stay)
        await t.lifted(lane, before, 0, name="waits")
        about: dict[str, Any] = {"pay_type": "wallet", "out_channel_id": lane}
        message = t.say.charge(stay.order_id, stay.car_number, t.number(), float(due), **about)
        t.state(await t.send("5.5", message), 1)
        await t.lifted(lane, before, 1, name="then-up")


@LEAVING.of("3.2/05")
async def wallet_refused(t: Trial) -> None:
    stay, lane, _, due = await by_wallet(t, "refuse:余额不足")
    async with t.at_exit(stay.car_number):
        before = await t.lifts(lane)
        await wallet_upload(t, stay)
        await t.lifted(lane, before, 0)
        answer, left = await t.price(stay)
        t.amount("still-due", left, due, answer)


@LEAVING.of("3.2/06")
async def answer_lost(t: Trial) -> None:
    hub = hub_of(t)
    stay, _ = await t.owing()
    hub.trouble("3.2", stay.car_number, "lost")
    await pays_cash_and_leaves(t, stay)
    found = await gone(t, stay, times=2)
    asked = [each for each in hub.uploads if each.section == "4.3"]
    t.check("again", len(found) >= 2 or bool(asked), ("再传，或问 4.3", "again, or 4.3 asked"), f"{len(found)} ×")
    about = {(each.order_id, str(each.data.get("total"))) for each in found}
    t.check("same", len(about) == 1, ("order_id 和 total 相同", "same order_id and total"), f"{sorted(about)}")


@LEAVING.of("3.2/07")
async def in_order(t: Trial) -> None:
    hub = hub_of(t)
    driver = t.driver()
    up_again = hub.cut_off(driver)
    try:
        async with t.at_entry() as lane:
            if (await t.scan(driver, lane)).state != 1:
                raise NotVerified("没有放行", "nobody is let in")
        async with t.at_exit(driver) as exit_lane:
            await t.hook("leave", lane=exit_lane, plate=driver)
        await asyncio.sleep(t.plan.quiet)
    finally:
        up_again()
    await hub.until(lambda: any(each.taken for each in hub.of(driver, "3.2")), 60 * t.plan.patience + 5)
    first = min((each.at for each in hub.of(driver) if each.taken), default=None)
    exits = [each.at for each in hub.of(driver, "3.2")]
    ok = bool(exits) and first is not None and min(exits) > first
    expected = ("3.2 在 3.1 被接受之后", "3.2 after its 3.1 was accepted")
    t.check("after", ok, expected, f"3.1 {first}, 3.2 {exits[:3]}")


@LEAVING.of("3.2/08")
async def free_stay(t: Trial) -> None:
    stay = await t.stay()
    answer, due = await t.price(stay)
    if due is not None and due > 0:
        await prepay(t, stay, t.number(), due)
    await pays_cash_and_leaves(t, stay)
    upload = (await gone(t, stay))[0]
    names = ("total", "pay_type", "freereasons", "remark")
    said = ", ".join(f"{name} = {upload.data[name]!r}" for name in names if name in upload.data)
    t.note(f"不用付钱的停车：{said}", f"a stay that owes nothing: {said}", answer)
