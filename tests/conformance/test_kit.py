"""What the kit does around its cases: levels, what flaps, what it cannot see, what it hides, its own mistakes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser

from conformance.lots.entry import AnswersMilliseconds, IgnoresTheOrderGiven, TwoStaysForOneDriver
from conformance.lots.good import KEY, Data, GoodLot
from support.stacks.judged import judged
from taigan.conformance.catalogue import cases
from taigan.conformance.doors.hub import KitHub
from taigan.conformance.model import Severity, Status
from taigan.conformance.plan import Plan
from taigan.conformance.report.document import disagreements, report_of
from taigan.conformance.report.files import write_report
from taigan.conformance.report.redaction import redacted
from taigan.conformance.run import Run
from taigan.conformance.trials.messages import Messages
from taigan.conformance.trials.pace import pace_of
from taigan.conformance.trials.scene import Scene
from taigan.conformance.trials.scripting import Scripted
from taigan.conformance.verdict.known import apply_known
from taigan.conformance.verdict.summary import summary_of


def came_out(run: Run) -> dict[str, Status]:
    return {result.case.case_id: result.status for result in run.results}


def test_the_catalogue_is_what_was_designed() -> None:
    assert len(cases()) == 138
    assert sum(case.severity is Severity.CRITICAL for case in cases()) == 65
    for case in cases():
        for text in (case.title, case.expected, case.advice.why, case.advice.do):
            assert text.zh
            assert text.en


async def test_only_the_documents_words_fail_unless_it_is_strict(tmp_path: Path) -> None:
    usual = await judged(TwoStaysForOneDriver(), tmp_path, "5.7/07", strict=False)
    assert came_out(usual) == {"5.7/07": Status.WARNING}
    assert summary_of(usual.results).exit_code == 0
    strict = await judged(TwoStaysForOneDriver(), tmp_path, "5.7/07", strict=True)
    assert came_out(strict) == {"5.7/07": Status.FAILED}
    assert summary_of(strict.results).exit_code == 1


async def test_what_comes_out_differently_again_is_unstable(tmp_path: Path) -> None:
    class Flaps(GoodLot):
        asked = 0

        def entry_answer(self, data: Data, state: int, said: str) -> Data:
            Flaps.asked += 1
            answer = super().entry_answer(data, state, said)
            return answer | {"timetemp": 0} if Flaps.asked == 1 else answer

    run = await judged(Flaps(), tmp_path, "5.7/04", repeats=2)
    assert came_out(run) == {"5.7/04": Status.UNSTABLE}
    assert run.results[0].attempts == 3
    assert summary_of(run.results).exit_code == 1


async def test_a_failure_stays_one_when_it_is_run_again(tmp_path: Path) -> None:
    run = await judged(AnswersMilliseconds(), tmp_path, "5.7/04", repeats=2)
    assert came_out(run) == {"5.7/04": Status.FAILED}
    assert run.results[0].attempts == 3


async def test_without_a_hub_uploads_are_not_verified_and_the_verdict_is_partial(tmp_path: Path) -> None:
    run = await judged(GoodLot(), tmp_path, "3.1/01", "5.7/04", "5.7/01", hub_listen="")
    assert came_out(run)["3.1/01"] is Status.NOT_VERIFIED
    assert came_out(run)["5.7/04"] is Status.PASSED
    assert summary_of(run.results).conformant == "partial"


async def test_what_a_platform_does_not_do_is_not_applicable_with_its_reason(tmp_path: Path) -> None:
    run = await judged(
        GoodLot(), tmp_path, "5.13", "5.1/10", "5.7/04", not_handled={"5.13": "no gateway"}, profiles=("entry",)
    )
    assert set(came_out(run).values()) == {Status.NOT_APPLICABLE, Status.PASSED}
    reasons = {result.case.section: result.reason.en for result in run.results if result.reason}
    assert reasons == {
        "5.13": "the platform says that it does not handle it: no gateway",
        "5.1": "money is not claimed",
    }


async def test_a_known_failure_does_not_count_and_a_stale_entry_does(tmp_path: Path) -> None:
    run = await judged(IgnoresTheOrderGiven(), tmp_path, "5.7/15", "5.7/04")
    stale = apply_known(
        run.results,
        {"5.7/15:same-order": "ticket 7", "5.7/04": "long gone", "5.7/15:other": "never failed"},
        date(2026, 11, 28),
    )
    assert stale == ["5.7/04: passes now; take it out", "5.7/15:other: passes now; take it out"]
    assert {result.case.case_id: result.known for result in run.results} == {"5.7/15": "ticket 7", "5.7/04": ""}
    summary = summary_of(run.results, stale)
    assert summary.conformant == "no"
    assert summary.exit_code == 1
    assert summary_of(run.results).exit_code == 0


async def test_a_wrong_message_of_the_kits_own_is_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Messages.entry

    def wrong(self: Messages, driver: str, lane: str, **changes: Any) -> Data:
        return right(self, driver, lane, **changes) | {"timetemp": "no time"}

    monkeypatch.setattr(Messages, "entry", wrong)
    run = await judged(GoodLot(), tmp_path, "5.7/04", "X/07")
    assert came_out(run)["X/07"] is Status.ENGINE_ERROR
    assert summary_of(run.results).exit_code == 3


async def test_a_case_that_breaks_is_the_kits_error_and_the_others_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taigan.conformance.cases import SCRIPTS

    async def breaks(trial: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setitem(SCRIPTS, "5.7/04", Scripted(breaks))
    run = await judged(GoodLot(), tmp_path, "5.7/04", "5.7/03")
    assert came_out(run) == {"5.7/03": Status.PASSED, "5.7/04": Status.ENGINE_ERROR}


async def test_stays_that_cannot_be_closed_are_listed(tmp_path: Path) -> None:
    closed = await judged(GoodLot(), tmp_path, "5.1/01")
    assert closed.left_open == {}
    left = await judged(GoodLot(loop=False), tmp_path, "5.1/01", hook="", loop=False)
    assert len(left.left_open) == 1
    assert all(car.startswith("TG") for car in left.left_open.values())


async def test_the_report_hides_what_is_secret(tmp_path: Path) -> None:
    class Tells(GoodLot):
        def entry_answer(self, data: Data, state: int, said: str) -> Data:
            return super().entry_answer(data, state, said) | {"key": KEY, "openid": "oRHga6O", "note": "13812345678"}

    run = await judged(Tells(), tmp_path, "5.7/04", "X/04")
    assert came_out(run)["X/04"] is Status.FAILED
    write_report(run, tmp_path / "out", [])
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file() and file.suffix != ".bin":
            text = file.read_text()
            assert KEY not in text
            assert "oRHga6O" not in text
            assert "13812345678" not in text


def test_redaction_knows_fields_inside_texts_too() -> None:
    inside = json.dumps({"got": json.dumps({"mobile_number": "17600383000", "car_number": "TG12345"})}).encode()
    hidden = redacted(inside, "")
    assert b"17600383000" not in hidden
    assert b"TG12345" in hidden


async def test_the_same_seed_gives_the_same_drivers(tmp_path: Path) -> None:
    one = await judged(GoodLot(), tmp_path, "5.7/03", seed=11)
    other = await judged(GoodLot(), tmp_path, "5.7/03", seed=11)
    assert one.scene.told_no == other.scene.told_no != set()


async def test_a_report_says_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    run = await judged(AnswersMilliseconds(), tmp_path, "5.7/04", "5.7/03")
    report = report_of(run, [])
    assert disagreements(msgspec.json.decode(msgspec.json.encode(report), type=type(report))) == []
    lied = msgspec.structs.replace(report, summary=msgspec.structs.replace(report.summary, conformant="yes"))
    assert disagreements(lied) == ["the summary says conformant: yes"]


def test_no_number_is_given_twice_however_short_and_fast(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key")
    scene = Scene(Plan(callback="http://lot", union_id=200002, park_id="21787", key=f"file:{tmp_path / 'key'}", seed=7))
    numbers = [scene.new_number(12) for _ in range(60)]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    ("times", "allowed"),
    [
        ([number * 0.125 for number in range(80)], True),
        ([number * 0.09 for number in range(80)], False),
        ([0.0] * 19 + [3.5], True),
        ([0.0] * 20, False),
    ],
)
def test_the_pace_is_measured_over_three_seconds(times: list[float], allowed: bool) -> None:
    assert pace_of(times).allowed is allowed


async def test_the_hub_hears_no_path_of_its_own(tmp_path: Path) -> None:
    hub = KitHub("key", lambda exchange: None, lambda: 1, 1.0)
    await hub.start("127.0.0.1:0", "", 0.0)
    try:
        import aiohttp

        async with aiohttp.ClientSession() as session, session.post(f"{hub.url}/unionapi/neworder/addOrder") as answer:
            assert answer.status == 404
            assert (await answer.json())["state"] == 0
    finally:
        await hub.stop()
    assert hub.uploads[0].problem == "no such address: /unionapi/neworder/addOrder"


@pytest.fixture
async def red_report(tmp_path: Path) -> Path:
    run = await judged(AnswersMilliseconds(), tmp_path, "5.7/04", "5.7/03", "5.7/17")
    write_report(run, tmp_path / "out", [])
    return tmp_path / "out" / "report.html"


async def test_the_page_speaks_one_language_at_a_time_and_needs_no_network(red_report: Path, browser: Browser) -> None:
    async with await browser.new_page(viewport={"width": 390, "height": 800}) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(red_report.as_uri())
        assert asked == [red_report.as_uri()]
        heading = page.locator("h1")
        assert await heading.inner_text() == "不合乎泊链文档"
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        assert await page.locator("article").count() == 3
        await page.get_by_role("button", name="English").click()
        assert await heading.inner_text() == "not conformant"
        await page.get_by_role("button", name="to be mended 1").click()
        assert await page.locator("article:visible").count() == 1
        assert "now, unix seconds" in await page.locator("article:visible").inner_text()
        await page.goto(f"{red_report.as_uri()}?lang=en#c5.7/03")
        assert await page.locator("[id='c5.7/03'] .inside").is_visible()
