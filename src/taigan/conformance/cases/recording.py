"""X: what is held against the recording of the whole run, when it is over."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from taigan.conformance.cases.uploads import judge_pace
from taigan.conformance.doors.seen import Upload
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Trial

RECORDING = Scripts()
_LEAKS = re.compile(
    rb"Traceback \(most recent|File \"[^\"]+\", line \d|\bat [\w.$]+\([\w]+\.java:\d+\)|goroutine \d+ \[|"
    rb"SQLSTATE|ORA-\d{5}|SELECT .{1,80} FROM |INSERT INTO |sqlite3?\.|System\.\w+Exception|NullPointerException",
    re.IGNORECASE | re.DOTALL,
)
_MONEY = frozenset({"total", "price", "prepay", "derate_money", "reduce_amount", "amount", "refund_money", "money"})


def _uploads(t: Trial) -> list[Upload]:
    if t.hub is None:
        t.unseen("uploads", "上报", "uploads")
        return []
    return t.hub.uploads


@RECORDING.of("X/01")
async def each_signed(t: Trial) -> None:
    wrong = [
        upload for upload in _uploads(t) if upload.section and upload.exchange.method == "POST" and not upload.signed
    ]
    for upload in wrong[:3]:
        t.see(upload.exchange)
    if t.hub is not None:
        got = (f"{len(wrong)} / {len(t.hub.uploads)} 条不对", f"{len(wrong)} of {len(t.hub.uploads)} wrong")
        t.check("signed", not wrong if t.hub.uploads else None, ("每条签名正确", "each rightly signed"), got)


@RECORDING.of("X/02")
async def told_and_uploaded(t: Trial) -> None:
    if t.hub is None:
        t.unseen("uploads", "每位得到 1 的有一条 3.1", "a 3.1 for each told 1")
        return
    hub = t.hub
    told = sorted(t.scene.told_in)
    await hub.until(lambda: all(hub.of(driver) for driver in told), t.plan.upload_within)
    missing = [driver for driver in told if not hub.of(driver)]
    told_no = t.scene.told_no - t.scene.told_in - t.scene.told_waiting
    charged = [driver for driver in sorted(told_no) if hub.of(driver)]
    expected = ("得到 1 的都有 3.1", "a 3.1 for each told 1")
    t.check(
        "told-1",
        not missing if told else None,
        expected,
        (f"没有的：{missing[:5]}", f"without: {missing[:5]}") if missing else "–",
    )
    expected = ("得到 0 的都没有 3.1", "no 3.1 for those told 0")
    t.check(
        "told-0",
        not charged if told and told_no else None,
        expected,
        (f"有的：{charged[:5]}", f"with: {charged[:5]}") if charged else "–",
    )


@RECORDING.of("X/03")
async def one_to_one(t: Trial) -> None:
    cars: dict[str, set[str]] = defaultdict(set)
    content: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for upload in _uploads(t):
        if upload.section == "3.1" and upload.order_id:
            cars[upload.order_id].add(upload.car_number)
            content[upload.order_id].add((upload.car_number, upload.data.get("in_time")))
    shared = sorted(order for order, those in cars.items() if len(those) > 1)
    if t.hub is not None:
        expected = ("一个 order_id 只属于一次停车", "an order_id belongs to one stay")
        t.check("one-stay", not shared if cars else None, expected, ", ".join(shared[:5]) or "–")
        changed = sorted(order for order, those in content.items() if len(those) > 1 and order not in shared)
        t.check(
            "unchanged",
            not changed if cars else None,
            ("重传的内容不变", "sent again unchanged"),
            ", ".join(changed[:5]) or "–",
        )


@RECORDING.of("X/04")
async def no_leaks(t: Trial) -> None:
    key = t.scene.key.encode()
    found = []
    for exchange in t.scene.exchanges:
        if exchange.sent and (key in exchange.answer or _LEAKS.search(exchange.answer)):
            found.append(exchange)
    for exchange in found[:3]:
        t.see(exchange)
    got = (f"{len(found)} 个应答泄漏了内部的东西", f"{len(found)} answers leak internals") if found else "–"
    t.check("no-leak", not found, ("没有密钥、堆栈、SQL", "no key, stack trace, SQL"), got)


@RECORDING.of("X/05")
async def no_float_tails(t: Trial) -> None:
    bad, seen = [], 0
    for exchange, data in t.scene.documents():
        for name, value in _amounts(data):
            seen += 1
            if len(str(value).partition(".")[2]) > 5:
                bad.append(f"{name} = {value}")
                t.see(exchange)
    got = bad[0] if bad else (f"{seen} 个金额", f"{seen} amounts")
    t.check("no-tails", not bad if seen else None, ("没有浮点尾巴", "no float tails"), got)


def _amounts(data: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in data.items():
        if name in _MONEY and isinstance(value, str | float | int):
            yield name, value


@RECORDING.of("X/06")
async def pace(t: Trial) -> None:
    if t.hub is None:
        t.unseen("pace", "上报的快慢", "the pace of uploads")
        return
    times = [upload.at for upload in t.hub.uploads if upload.section in ("3.1", "3.2")]
    if not times:
        t.unseen("pace", "上报的快慢", "the pace of uploads")
        return
    judge_pace(t, times)


@RECORDING.of("X/07")
async def own_messages(t: Trial) -> None:
    wrong = t.scene.own_mistakes
    t.check(
        "own", not wrong, ("本工具的消息合乎文档", "the kit's messages are as documented"), wrong[0] if wrong else "–"
    )
