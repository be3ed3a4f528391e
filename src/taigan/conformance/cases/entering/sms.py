"""5.13: an SMS code for a driver without a plate."""

from __future__ import annotations

from taigan.conformance.model import NotVerified
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Trial

SMS = Scripts()
TRIES = 12


@SMS.of("5.13/01")
async def a_code(t: Trial) -> None:
    answers = [await t.send("5.13", t.say.sms(t.driver(), t.mobile())) for _ in range(3)]
    if t.plan.mobile_prefix == "100" and all(answer.state == 0 and answer.errmsg for answer in answers):
        raise NotVerified(
            "平台不收 100 开头的号码；短信是模拟的话，设 mobile_prefix",
            "it takes no number that begins with 100; with a simulated gateway set mobile_prefix",
        )
    for answer in answers:
        if t.state(answer, 1):
            code = (answer.data or {}).get("verify_code")
            ok = isinstance(code, str) and code.isdecimal() and 4 <= len(code) <= 8
            expected = ("verify_code：4 到 8 位数字的字符串", "verify_code: text of 4 to 8 digits")
            t.check("code", ok, expected, f"verify_code = {code!r}", answer=answer)
    lengths = {len(str((answer.data or {}).get("verify_code", ""))) for answer in answers}
    t.check("leading-zero", len(lengths) == 1, ("位数总是一样", "always as many digits"), f"{sorted(lengths)}")


@SMS.of("5.13/02")
async def bad_number(t: Trial) -> None:
    for number in ("12345", "not a phone"):
        t.said_no(await t.send("5.13", t.say.sms(t.driver(), number)), name=f"no-{number.replace(' ', '-')}")
        sent = await t.maybe("sms_last", mobile=number)
        t.check("nothing-sent", None if sent is None else not sent, ("什么也没发", "nothing was sent"), f"{sent!r}")


@SMS.of("5.13/03")
async def many_in_a_row(t: Trial) -> None:
    driver, number = t.driver(), t.mobile()
    answers = [await t.send("5.13", t.say.sms(driver, number)) for _ in range(TRIES)]
    for answer in answers:
        t.survives(answer)
    t.only_if(answers[0], "第一次就没有被接受", "the first was not taken either")
    codes = {str((answer.data or {}).get("verify_code")) for answer in answers if answer.state == 1}
    slowed = any(answer.state == 0 for answer in answers) or len(codes) == 1
    expected = (f"{TRIES} 次里有拒绝，或总是同一个码", f"some of {TRIES} refused, or always the same code")
    t.check(
        "limited", slowed, expected, f"{len(codes)} codes, {sum(a.state == 0 for a in answers)} × 0", answer=answers[-1]
    )


@SMS.of("5.13/04")
async def really_sent(t: Trial) -> None:
    number = t.mobile()
    answer = await t.send("5.13", t.say.sms(t.driver(), number))
    if answer.state != 1:
        raise NotVerified(f"没有发：{answer.shown}", f"not sent: {answer.shown}")
    sent = await t.hook("sms_last", mobile=number)
    code = str((answer.data or {}).get("verify_code"))
    t.check("same-code", str(sent) == code, (f"发出 {code}", f"{code} was sent"), f"{sent!r}", answer=answer)
