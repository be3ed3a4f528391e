"""One language at a time: no English word of the platform stands on a Chinese page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from taigan.languages import SOURCE, Languages
from taigan.rights import Right, Role
from taigan.storage.rows import Act, Alarm, OrderEvent, SpaceChange
from taigan.web.console.allowed import Who, rights_at
from taigan.web.console.rendering.words.alarms import alarmed
from web.console.browser import person
from web.console.furnished import furnish
from web.console.test_routes import HANDLERS, STREAM, filled
from web.house import LOT, House

TELL = Languages("taigan.web.console").texts(SOURCE).gettext
WORD = re.compile(r"(?<![\w/.@#?&=%-])[a-z]{3,}(?![\w/.@:=-])")
"""A word in small letters that is no part of an address, a number or a key of a settings file."""
NAMES = frozenset({"taigan", "wangfang", "csv", "xlsx", "toml", "sign", "owing", "left", "test"}) | {
    *("fan", "motor", "blocked"),
    *("timed", "out", "after"),
}
"""What is called so everywhere, orders and people of the furnished lot, and what devices and the line to BoLink say."""
QUOTING = ("/lots/{lot_id}/bolink", "/lots/{lot_id}/tariffs/new")
"""Pages that show messages and price lists as they are written."""
ALARMS = (
    "跟车: a second car followed out on one lift",
    "无订单驶出: a car drove out without an order",
    "粤B12345: waits at the exit, and nobody came",
    "粤B12345: let go, the barrier did not confirm",
    "the barrier refused",
    "12.50 yuan for order_0001, which nobody knows",
    "12.50 yuan for pass K1, which was ended",
    "12.50 yuan for a pass that nobody sold (P1)",
    "a refund of 12.50 yuan of T1, which nobody knows",
    "change C1, which nobody gave",
    "change of 3.00 yuan did not reach the driver: give it in cash",
    "no total; 12.50 yuan arrived",
    "T1: another amount or order",
    "T1: another amount",
    "T1: state 2 after it was paid",
    "T1: not what the pull was answered",
    "pass K1: 12.50 paid, not what was asked",
    "T1: 12.50 paid, 13.00 placed",
    "12.50 yuan of T1 were given back, more than was left of it",
    "12.50 yuan: BoLink has worked on the refund for more than a day",
    "粤B12345: paid after it was reported as owing",
    "粤B12345: BoLink says paid, and its message never came",
    "粤B12345: Q1 is neither paid nor refused",
    "粤B12345: 5 payers asked for its price within a day",
    "粤B12345: owes at the exit, and BoLink is not reached: let go, owed",
    "粤B12345: owes at the exit, and BoLink is not reached",
    "order O1 cannot be settled: the log says why",
    "12 messages wait for BoLink, the oldest for 901 s",
    "3 stays have gone on for longer than 7 days",
    "2026-01-31: 2 new differences with BoLink's books, 3 in all",
    "5.2 P1: nobody knows what became of it",
    "60 codes were sent within an hour: no more are sent for now",
    "the driver is in and scans again; the arm cannot be seen",
    "滞留: 粤B12345 stands at the exit for half an hour and owes",
    "1250 yuan by 5.2 for what nobody placed or knows",
)


def english(text: str) -> list[str]:
    return [word for word in WORD.findall(text) if word not in NAMES]


@pytest.mark.parametrize("text", ALARMS)
def test_what_an_alarm_says_is_chinese_on_a_chinese_page(text: str) -> None:
    assert not english(alarmed(text, TELL))


async def test_no_page_has_english_words_in_it(small_house: House) -> None:
    await furnish(small_house)
    at = small_house.clock.now()
    steps = (
        ("paid", "", "cash 6.00"),
        ("charging", "", "wallet 6.00"),
        ("awaited", "", "BoLink says paid by wallet"),
        ("reduced", "王芳", "minutes 30"),
        ("let go unpaid", "王芳", "waived: 内部车辆"),
        ("reviewed", "王芳", "left owing 看过"),
        ("at the exit", "", "its entry passage was never seen"),
    )
    for number, (event, who, detail) in enumerate(steps):
        one = OrderEvent(LOT, "order_0001", at + timedelta(seconds=number), event, who, detail)
        await small_house.keep(lambda changes, one=one: changes.events.append(one))  # type: ignore[misc]
    for number, text in enumerate(ALARMS[:3]):
        state = "ended" if number else "open"
        alarm = Alarm(LOT, "B1", "", at, "passed_without_order", text, state=state)
        await small_house.keep(lambda changes, alarm=alarm: changes.alarms.append(alarm))  # type: ignore[misc]
    for reason in ("no order", "raised by 王芳: 内部车辆", "emergency"):
        change = SpaceChange(LOT, at, 5, "pass", "B1", reason)
        await small_house.keep(lambda changes, change=change: changes.space_changes.append(change))  # type: ignore[misc]
    for text in ("export of stays as csv state=all from=2026-01-31", "shift S1 opened at 东岗亭 with 1.00"):
        act = Act(LOT, at, "王芳", "-", text, "console:wangfang")
        await small_house.keep(lambda changes, act=act: changes.acts.append(act))  # type: ignore[misc]
    browser = await person(small_house, Role.OWNER, lots=())
    found = set()
    for method, path, handler in HANDLERS:
        needed = rights_at(handler)
        if (
            method != "GET"
            or path == STREAM
            or path.startswith(QUOTING)
            or path.endswith(("/export/{table}", "/export", "/small"))
        ):
            continue
        assert isinstance(needed, Who) or all(isinstance(right, Right) for right in needed)
        answer = await browser.open(filled(path))
        if answer.page is not None:
            quoted = {*answer.page._quoted}
            found |= {(path, text) for text in answer.page.texts if text not in quoted and english(text)}
    if found:
        pytest.fail("\n".join(map(str, sorted(found))))
    await browser.close()
