"""1.2: signatures, and whatever bytes may come."""

from __future__ import annotations

import asyncio
import json

from taigan import bolink
from taigan.conformance.doors.target import Answer
from taigan.conformance.model import NotApplicable, NotVerified
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Trial

SIGNATURE = Scripts()
AT_ONCE = 50
HOUR = 3600
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def sealed(text: bytes, key: str, sign: str | None = None) -> bytes:
    """A body round a text, both exactly as they are."""
    return b'{"data":' + text + b',"sign":"' + (sign or bolink.sign(text, key)).encode() + b'"}'


async def scan_text(t: Trial, text: bytes, *, sign: str | None = None) -> Answer:
    """Send a `data` text as it stands, rightly signed unless told otherwise."""
    return await t.send_raw("5.7", sealed(text, t.scene.key, sign))


@SIGNATURE.of("1.2/01")
async def ascii_only(t: Trial) -> None:
    async with t.at_entry() as lane:
        answer = await t.scan(t.driver(), lane)
    t.answered(answer)
    t.accepted(answer)


@SIGNATURE.of("1.2/02")
async def changed_byte(t: Trial) -> None:
    driver, other = t.driver(), t.driver()
    async with t.at_entry() as lane:
        before = await t.lifts(lane)
        body = t.written("5.7", t.say.entry(driver, lane)).replace(driver.encode(), other.encode(), 1)
        t.refused(await t.send_raw("5.7", body))
        await t.lifted(lane, before, 0)
    t.never_entered(other)


@SIGNATURE.of("1.2/03")
async def no_sign(t: Trial) -> None:
    for name, sign in (("missing", None), ("empty", b'""'), ("null", b"null")):
        driver = t.driver()
        async with t.at_entry() as lane:
            text = json.dumps(t.say.entry(driver, lane)).encode()
            body = b'{"data":' + text + (b"" if sign is None else b',"sign":' + sign) + b"}"
            t.refused(await t.send_raw("5.7", body), name=name)
        t.never_entered(driver, name=f"{name}-no-upload")


@SIGNATURE.of("1.2/04")
async def another_key(t: Trial) -> None:
    driver = t.driver()
    async with t.at_entry() as lane:
        text = json.dumps(t.say.entry(driver, lane)).encode()
        t.refused(await scan_text(t, text, sign=bolink.sign(text, "another vendor's key")))
    t.never_entered(driver)


@SIGNATURE.of("1.2/05")
async def chinese(t: Trial) -> None:
    async with t.at_entry() as lane:
        message = t.say.entry(t.driver(), lane, pay_user_id="中文，汉字：京沪")
        t.accepted(await t.send("5.7", message))


@SIGNATURE.of("1.2/06")
async def gson_escapes(t: Trial) -> None:
    async with t.at_entry() as lane:
        message = t.say.entry(t.driver(), lane, pay_user_id="a=b&c'd<e")
        text = json.dumps(message, separators=(",", ":"))
        for plain, escaped in (("=", "003d"), ("&", "0026"), ("'", "0027"), ("<", "003c")):
            text = text.replace(plain, f"\\u{escaped}")
        t.accepted(await scan_text(t, text.encode()))


@SIGNATURE.of("1.2/07")
async def blanks_and_order(t: Trial) -> None:
    async with t.at_entry() as lane:
        message = dict(reversed(t.say.entry(t.driver(), lane).items()))
        text = json.dumps(message, ensure_ascii=False, indent=2).replace("\n", "\r\n\t")
        t.accepted(await scan_text(t, text.encode()))


@SIGNATURE.of("1.2/08")
async def spelled_numbers(t: Trial) -> None:
    for spelled in ("6.50", "1E2", "0.10"):
        async with t.at_entry() as lane:
            text = json.dumps(t.say.entry(t.driver(), lane), separators=(",", ":"))
            text = f'{text[:-1]},"kit_amount":{spelled}}}'
            t.accepted(await scan_text(t, text.encode()), name=f"accepted-{spelled}")
    if "money" not in t.plan.profiles:
        return
    for spelled, wanted in (("6.50", "6.50"), ("1E1", "10.00"), ("0.10", "0.10")):
        try:
            stay = await t.stay()
        except NotVerified:
            t.unseen("value", "金额按数值记下", "the amount is taken by its value")
            return
        message = t.say.prepayment(stay.order_id, stay.car_number, t.number(), "AMOUNT")
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False).replace('"AMOUNT"', spelled)
        answer = await t.send_raw("5.3", sealed(text.encode(), t.scene.key))
        t.accepted(answer, name=f"prepay-{spelled}")
        got = (answer.data or {}).get("prepay")
        if got is not None:
            exact = bolink.fen(str(got)) == bolink.fen(wanted)
            t.check(f"value-{spelled}", exact, (wanted, wanted), f"prepay = {got!r}", answer=answer)


@SIGNATURE.of("1.2/09")
async def union_id_places(t: Trial) -> None:
    for place in ("inside", "beside"):
        async with t.at_entry() as lane:
            message = t.say.entry(t.driver(), lane, union_id=None if place == "beside" else t.plan.union_id)
            text = json.dumps(message, separators=(",", ":")).encode()
            beside = t.plan.union_id if place == "beside" else None
            answer = await t.send_raw("5.7", bolink.seal(text, t.scene.key, beside=beside))
            t.accepted(answer, name=place)


@SIGNATURE.of("1.2/10")
async def numbers_as_text(t: Trial) -> None:
    async with t.at_entry() as lane:
        message = t.say.entry(t.driver(), lane)
        message |= {"union_id": str(t.plan.union_id), "timetemp": str(message["timetemp"])}
        if t.plan.park_id.isdecimal() and not t.plan.park_id.startswith("0"):
            message["park_id"] = int(t.plan.park_id)
        answer = await scan_text(t, json.dumps(message, separators=(",", ":")).encode())
    t.accepted(answer)
    t.check("not-unusable", answer.status == 200, ("HTTP 200", "HTTP 200"), answer.shown, answer=answer)


@SIGNATURE.of("1.2/11")
async def unknown_fields(t: Trial) -> None:
    async with t.at_entry() as lane:
        message = t.say.entry(t.driver(), lane) | {"kit_extra": {"deep": [1, 2, {"x": None}]}}
        body = sealed(json.dumps(message, separators=(",", ":")).encode(), t.scene.key)
        answer = await t.send_raw("5.7", body[:-1] + b',"kit_extra":[true]}')
    t.accepted(answer)
    t.check("not-unusable", answer.status == 200, ("HTTP 200", "HTTP 200"), answer.shown, answer=answer)


@SIGNATURE.of("1.2/12")
async def data_as_text(t: Trial) -> None:
    async with t.at_entry() as lane:
        text = json.dumps(t.say.entry(t.driver(), lane), separators=(",", ":")).encode()
        body = b'{"data":' + json.dumps(text.decode()).encode() + b',"sign":"'
        answer = await t.send_raw("5.7", body + bolink.sign(text, t.scene.key).encode() + b'"}')
    t.note(f"data 是字符串时：{answer.shown}", f"data as a string: {answer.shown}", answer)


@SIGNATURE.of("1.2/13")
async def lower_case(t: Trial) -> None:
    async with t.at_entry() as lane:
        text = json.dumps(t.say.entry(t.driver(), lane)).encode()
        answer = await scan_text(t, text, sign=bolink.sign(text, t.scene.key).lower())
    t.note(f"sign 小写时：{answer.shown}", f"sign in lower case: {answer.shown}", answer)
    t.survives(answer)


@SIGNATURE.of("1.2/14")
async def no_service_name(t: Trial) -> None:
    url = t.scene.event_url("5.7")
    if not url:
        raise NotApplicable("没有按事件的地址（event_callback）", "no address per event (event_callback)")
    async with t.at_entry() as lane:
        named = await t.scan(t.driver(), lane)
    async with t.at_entry() as lane:
        answer = await t.send("5.7", t.say.entry(t.driver(), lane, service_name=None), url=url)
    t.accepted(answer)
    t.state(answer, *(() if named.state is None else (named.state,)), name="as-with-a-name")


@SIGNATURE.of("1.2/15")
async def unknown_service(t: Trial) -> None:
    text = json.dumps(t.say.entry(t.driver(), "A1", service_name="kit_no_such_service")).encode()
    answer = await scan_text(t, text)
    t.survives(answer)
    t.refused(answer)


def odd_bodies(t: Trial) -> dict[str, bytes]:
    """What is no message at all."""
    good = t.written("5.7", t.say.entry(t.driver(), "A1"))
    return {
        "empty": b"",
        "not-json": b"<xml>hello</xml>",
        "half": good[: len(good) // 2],
        "array": b"[1,2,3]",
        "data-null": b'{"data":null,"sign":"' + b"0" * 32 + b'"}',
        "nested": b'{"data":' + b"[" * 10_000 + b"]" * 10_000 + b',"sign":"' + b"0" * 32 + b'"}',
        "megabyte": b'{"data":{"x":"' + b"a" * (1 << 20) + b'"},"sign":"' + b"0" * 32 + b'"}',
        "binary": bytes(range(256)),
    }


@SIGNATURE.of("1.2/16", alone=True)
async def any_bytes(t: Trial) -> None:
    for name, body in odd_bodies(t).items():
        answer = await t.send_raw("5.7", body)
        in_time = answer.seconds <= t.plan.answer_within
        shut = name == "megabyte" and not answer.status
        ok = (in_time and 0 < answer.status < 500 and answer.state not in (1, 2)) or (in_time and shut)
        expected = ("4xx 或 state 0，及时", "4xx or state 0, in time")
        t.check(name, ok, expected, answer.shown, answer=answer)
    async with t.at_entry() as lane:
        bom = b"\xef\xbb\xbf" + t.written("5.7", t.say.entry(t.driver(), lane))
        t.survives(await t.send_raw("5.7", bom), name="bom")
    async with t.at_entry() as lane:
        t.accepted(await t.scan(t.driver(), lane), name="next-message")


@SIGNATURE.of("1.2/17")
async def answer_form(t: Trial) -> None:
    async with t.at_entry() as lane:
        answers = {"scan": await t.scan(t.driver(), lane)}
    answers["no"] = await t.scan(t.driver(), "Z9")
    for name, answer in answers.items():
        bare = answer.data is not None and "data" not in answer.data and "sign" not in answer.data
        expected = ("裸的 JSON 对象，UTF-8", "a bare JSON object in UTF-8")
        t.check(f"bare-{name}", bare, expected, answer.shown, answer=answer)
        state = (answer.data or {}).get("state")
        number = isinstance(state, int) and not isinstance(state, bool) and state in (0, 1, 2)
        t.check(f"state-{name}", number, ("state 是数字 0、1、2", "state is the number 0, 1 or 2"), f"{state!r}")


@SIGNATURE.of("1.2/18")
async def each_in_time(t: Trial) -> None:
    async with t.at_entry() as lane:
        t.answered(await t.scan(t.driver(), lane))

    async def look() -> None:
        sent = [each for each in t.scene.exchanges if each.sent and not each.error.startswith("hung up")]
        late = [each for each in sent if each.seconds > t.plan.answer_within and not each.twisted]
        slowest = max((each.seconds for each in sent), default=0.0)
        expected = (f"每个应答 {t.plan.answer_within:g} 秒内", f"each answer within {t.plan.answer_within:g} s")
        got = (f"{len(late)} 个超时，最长 {slowest:.2f} 秒", f"{len(late)} late, slowest {slowest:.2f} s")
        t.check("in-time", not late, expected, got)
        for each in late[:3]:
            t.see(each)

    t.at_the_end(look)


@SIGNATURE.of("1.2/19", alone=True)
async def fifty_at_once(t: Trial) -> None:
    group = t.scene.new_group()
    lanes = t.plan.entry_lanes or ("A1",)
    messages = [t.say.entry(t.driver(), lanes[number % len(lanes)]) for number in range(AT_ONCE)]
    answers = await asyncio.gather(*(t.send("5.7", message, group=group) for message in messages))
    late = [answer for answer in answers if answer.seconds > t.plan.answer_within or not 0 < answer.status < 500]
    slowest = max(answer.seconds for answer in answers)
    expected = (f"都在 {t.plan.answer_within:g} 秒内应答", f"all answered within {t.plan.answer_within:g} s")
    got = (f"{len(late)} 个没有，最长 {slowest:.2f} 秒", f"{len(late)} were not, slowest {slowest:.2f} s")
    t.check("all-in-time", not late, expected, got, answer=late[0] if late else None)


@SIGNATURE.of("1.2/20", rests_on="5.7")
async def foreign_lot(t: Trial) -> None:
    async with t.at_entry() as lane:
        for name, changes in (
            ("unknown-lot", {"park_id": "kit-no-such-lot"}),
            ("other-vendor", {"union_id": t.plan.union_id + 1}),
        ):
            driver = t.driver()
            t.said_no(await t.scan(driver, lane, **changes), name=name)
            t.never_entered(driver, name=f"{name}-no-upload")


@SIGNATURE.of("1.2/21")
async def old_and_ahead(t: Trial) -> None:
    for name, zh, offset in (("an hour old", "早一小时", -HOUR), ("an hour ahead", "晚一小时", HOUR)):
        async with t.at_entry() as lane:
            answer = await t.scan(t.driver(), lane, timetemp=t.scene.now() + offset)
        t.note(f"timetemp {zh}：{answer.shown}", f"timetemp {name}: {answer.shown}", answer)


@SIGNATURE.of("1.2/22")
async def ambiguous_bytes(t: Trial) -> None:
    one, other = t.driver(), t.driver()
    async with t.at_entry() as lane:
        text = json.dumps(t.say.entry(one, lane), separators=(",", ":")).encode()
        double = text[:-1] + b',"car_number":"' + other.encode() + b'"}'
        answer = await scan_text(t, double)
        t.survives(answer, name="duplicate-keys")
        told = str((answer.data or {}).get("car_number", ""))

    async def look() -> None:
        if t.hub is None or answer.state != 1:
            return
        entered = [driver for driver in (one, other) if t.hub.of(driver)]
        expected = ("应答和上报说的是同一位司机", "answer and upload are about the same driver")
        t.check("one-driver", entered in ([told], []), expected, f"{told} | {', '.join(entered)}")

    t.at_the_end(look)
    async with t.at_entry() as lane:
        body = t.written("5.7", t.say.entry(t.driver(), lane))
        t.survives(await t.send_raw("5.7", body + b"}}trailing"), name="trailing")
    async with t.at_entry() as lane:
        gbk = json.dumps(t.say.entry("京牌", lane), ensure_ascii=False).encode("gbk")
        t.survives(await scan_text(t, gbk), name="gbk")


@SIGNATURE.of("1.2/23")
async def form_type(t: Trial) -> None:
    async with t.at_entry() as lane:
        answer = await t.send_raw("5.7", t.written("5.7", t.say.entry(t.driver(), lane)), headers=FORM)
    t.note(f"表单的 Content-Type：{answer.shown}", f"a form's Content-Type: {answer.shown}", answer)
    t.survives(answer)
