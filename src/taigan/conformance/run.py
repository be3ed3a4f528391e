"""A run: every chosen case against one platform, and how each came out."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable

import aiohttp

from taigan import bolink
from taigan.conformance.cases import SCRIPTS
from taigan.conformance.catalogue import cases
from taigan.conformance.doors.hooks import Absent, Hook, HttpHook, Person
from taigan.conformance.doors.hub import KitHub
from taigan.conformance.doors.running_hub import RunningHub
from taigan.conformance.doors.seen import Uploads
from taigan.conformance.doors.target import Target
from taigan.conformance.model import (
    BadConfiguration,
    Case,
    HubUnreachable,
    Level,
    LotUnreachable,
    NotApplicable,
    NotVerified,
    Result,
    Status,
    Text,
)
from taigan.conformance.plan import Plan
from taigan.conformance.trials.messages import Messages
from taigan.conformance.trials.scene import Scene
from taigan.conformance.trials.scripting import Scripted
from taigan.conformance.trials.trial import Trial
from taigan.conformance.verdict.causes import trace
from taigan.conformance.verdict.evidence import SIGNATURES, UPLINKS, is_taken, plain_case

CONNECTIONS = 128
MOST_AGAIN = 20
"""So many failures at most are looked at again for flapping: a platform with more has other things to do first."""
EACH_MAKES = {"1.2/19": 50, "3.1/06": 100, "5.7/14": 20}
"""Cases that make more orders than one."""
OUTAGE = "3.1/05"
"""The case that takes longest: BoLink is down in it."""


class Run:
    """One run against one platform. `execute` does it; the rest is what cases share."""

    def __init__(
        self,
        plan: Plan,
        *,
        ask: Callable[[str], str] | None = None,
        begun: Callable[[], None] = lambda: None,
        heard: Callable[[Result], None] = lambda result: None,
        came: Callable[[str, int, int], None] = lambda case_id, done, of: None,
    ) -> None:
        """`begun` is told that the first message is about to go, `came` which case came and how many of how many there
        are, `heard` each result when all are there.
        """
        self.plan = plan
        self.scene = Scene(plan)
        self.results: list[Result] = []
        self.started_at = 0.0
        self.ended_at = 0.0
        self.left_open: dict[str, str] = {}
        """Stays that could not be closed, by order: the plate."""
        self._ask = ask
        self._begun = begun
        self._heard = heard
        self._came = came

    # From start to end

    def expected_stays(self) -> int:
        """About how many orders the run will make: what is said before it begins."""
        return sum(EACH_MAKES.get(case.case_id, 1) for case in self._live())

    def expected_seconds(self) -> float:
        """About how long the run will take when nothing fails."""
        live = self._live()
        outage = self.plan.outage if not self.plan.hub and any(case.case_id == OUTAGE for case in live) else 0.0
        return 5 + outage + self.plan.quiet + 25 * self.plan.patience + 0.2 * len(live)

    def _live(self) -> list[Case]:
        return [case for case in self._chosen() if case.profile != "recording" and self._not_run(case) is None]

    async def execute(self) -> list[Result]:
        """Run every chosen case. Raises BadConfiguration, LotUnreachable."""
        chosen = self._chosen()
        began = time.monotonic()
        self.started_at = time.time()
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True
        ) as session:
            self.scene.target = Target(
                self.plan.callback, session, self.scene.record, self.scene.next_number, self.plan.answer_within, began
            )
            self.scene.hook = self._hook(session)
            self.scene.hub = await self._hub(session, began)
            self._begun()
            try:
                await self._meet()
                self.results = await self._judge(chosen)
                await self._tidy()
            finally:
                if self.scene.hub is not None:
                    await self.scene.hub.stop()
            if self.scene.hub is not None and self.scene.hub.failed:
                raise HubUnreachable(f"{self.scene.hub.failed}; what was uploaded could not be seen to the end")
        self.ended_at = time.time()
        return self.results

    async def _hub(self, session: aiohttp.ClientSession, began: float) -> Uploads | None:
        """Where the platform's uploads are seen, if anywhere."""
        plan, scene = self.plan, self.scene
        if plan.hub:
            running = RunningHub(session, plan.read_hub_token(), scene.key, scene.record, scene.next_number)
            await running.start(plan.hub, plan.union_id, plan.park_id, began)
            return running
        if not plan.hub_listen:
            return None
        own = KitHub(scene.key, scene.record, scene.next_number, plan.patience)
        await own.start(plan.hub_listen, plan.hub_certificate, began)
        return own

    def _hook(self, session: aiohttp.ClientSession) -> Hook:
        if self.plan.hook == "ask":
            if self.plan.ci or self._ask is None:
                raise BadConfiguration("hook: nobody can be asked here; give an address or none")
            return Person(self._ask)
        return HttpHook(self.plan.hook, session) if self.plan.hook else Absent()

    def _chosen(self) -> list[Case]:
        known = {each.case_id for each in cases()} | {each.section for each in cases()}
        for name in self.plan.only:
            if name not in known:
                raise BadConfiguration(f"{name}: no such case; see taigan conformance list")
        only = set(self.plan.only)
        return [each for each in cases() if not only or each.case_id in only or each.section in only]

    async def _meet(self) -> None:
        """Is anybody there? The answer to a wrong signature is kept, to tell refusals apart by."""
        lane = self.plan.entry_lanes[0] if self.plan.entry_lanes else "A1"
        message = json.dumps(Messages(self.plan).entry(self.scene.new_driver(), lane)).encode()
        body = bolink.seal(message, self.scene.key + "x")
        self.scene.control = await self.scene.target.post(body, section="5.7", twisted=True)
        if not self.scene.control.status:
            raise LotUnreachable(f"{self.plan.callback} does not answer: {self.scene.control.exchange.error}")

    async def _judge(self, chosen: list[Case]) -> list[Result]:
        self._done = 0
        results: dict[str, Result] = {}
        live: list[Case] = []
        for case in chosen:
            early = self._not_run(case)
            if early is not None:
                results[case.case_id] = early
            elif case.section != "X":
                live.append(case)
        self._of = len(live)
        for attempt in range(1 + self.plan.repeats):
            for result in await self._round(live):
                earlier = results.get(result.case.case_id)
                results[result.case.case_id] = _combined(earlier, result, attempt)
            live = [case for case in live if results[case.case_id].status in (Status.FAILED, Status.UNSTABLE)]
            self._of += len(live)
            if not live or len(live) > MOST_AGAIN:
                break
        await self._doubt(results.values())
        for case in chosen:
            if case.section == "X" and case.case_id not in results:
                results[case.case_id] = await self._finish(case, *await self._start(case))
        ordered = [results[case.case_id] for case in chosen]
        trace(ordered, self.scene.exchanges, self.scene.key, self.scene.is_signature_refusal)
        for result in ordered:
            self._heard(result)
        return ordered

    async def _doubt(self, results: Iterable[Result]) -> None:
        """A case that passed while nothing of its kind was ever taken has shown nothing."""
        taken: dict[str, bool] = {}
        for result in results:
            section = SCRIPTS[result.case.case_id].rests_on
            if result.status is not Status.PASSED or section in UPLINKS:
                continue
            if section not in taken:
                taken[section] = await self._takes(section)
            if not taken[section]:
                result.status = Status.NOT_VERIFIED
                what = "签对了的消息" if section == SIGNATURES else f"正确的 {section}"
                which = "rightly signed message" if section == SIGNATURES else f"right {section}"
                result.reason = Text(
                    f"这次没有一条{what}被接受：什么都拒绝的平台，拒绝了也说明不了什么",
                    f"no {which} was taken in this run: of a platform that refuses everything, a refusal shows nothing",
                )

    async def _takes(self, section: str) -> bool:
        """Is a right message of that section taken? The plainest is sent when the cases that were run sent none."""
        scene = self.scene
        if not is_taken(section, scene.exchanges, scene.is_signature_refusal):
            plain = next(case for case in cases() if case.case_id == plain_case(section))
            if self._not_run(plain) is None:
                await self._start(plain)
        return is_taken(section, scene.exchanges, scene.is_signature_refusal)

    def _not_run(self, case: Case) -> Result | None:
        for name in (case.case_id, case.section):
            if name in self.plan.not_handled:
                reason = self.plan.not_handled[name]
                return Result(
                    case=case,
                    status=Status.NOT_APPLICABLE,
                    reason=Text(f"平台声明不处理：{reason}", f"the platform says that it does not handle it: {reason}"),
                )
        if case.profile != "recording" and case.profile not in self.plan.profiles:
            reason_of = Text(f"没有声明 {case.profile}", f"{case.profile} is not claimed")
            return Result(case=case, status=Status.NOT_APPLICABLE, reason=reason_of)
        if self.scene.hub is None and set(case.sees) == {"U"}:
            reason_of = Text("看不到上报（没有 --hub-listen）", "uploads cannot be seen (no --hub-listen)")
            return Result(case=case, status=Status.NOT_VERIFIED, reason=reason_of)
        return None

    async def _round(self, live: list[Case]) -> list[Result]:
        """Each case once, then the window in which nothing more may come, then what was put off until after it."""
        scripted = {case.case_id: SCRIPTS[case.case_id] for case in live}
        slow = [case for case in live if scripted[case.case_id].slow]
        usual = [case for case in live if not scripted[case.case_id].slow and not scripted[case.case_id].alone]
        alone = [case for case in live if scripted[case.case_id].alone]
        turn = asyncio.Semaphore(self.plan.at_once)

        async def in_turn(case: Case) -> tuple[Trial, Result]:
            async with turn:
                return await self._start(case)

        waiting = [asyncio.create_task(self._start(case)) for case in slow]
        tried = list(await asyncio.gather(*map(in_turn, usual)))
        tried += [await each for each in waiting]
        for case in alone:
            tried.append(await self._start(case))
        if self.scene.hub is not None and any(trial.deferred for trial, _ in tried):
            await asyncio.sleep(self.plan.quiet)
        return [await self._finish(result.case, trial, result) for trial, result in tried]

    async def _start(self, case: Case) -> tuple[Trial, Result]:
        trial = Trial(case, self.scene)
        began = time.monotonic()
        result = Result(case=case, status=Status.PASSED)
        await self._guarded(SCRIPTS[case.case_id], trial, result)
        result.seconds = time.monotonic() - began
        self._done += 1
        self._came(case.case_id, self._done, max(self._done, self._of))
        return trial, result

    async def _guarded(self, scripted: Scripted, trial: Trial, result: Result) -> None:
        try:
            await scripted.script(trial)
        except NotApplicable as stop:
            result.status, result.reason = Status.NOT_APPLICABLE, stop.text
        except NotVerified as stop:
            result.status, result.reason = Status.NOT_VERIFIED, stop.text
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            result.status, result.reason = Status.ENGINE_ERROR, Text(said, said)

    async def _finish(self, case: Case, trial: Trial, result: Result) -> Result:
        try:
            for look in trial.deferred:
                await look()
        except NotVerified as stop:
            result.reason = stop.text
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            result.status, result.reason = Status.ENGINE_ERROR, Text(said, said)
        result.checks = trial.checks
        result.exchanges = trial.exchanges
        if result.status is not Status.ENGINE_ERROR:
            result.status = self._status(result)
        return result

    def _status(self, result: Result) -> Status:
        failures = result.failures
        if any(self._counts(check.level) for check in failures):
            return Status.ENGINE_ERROR if result.case.case_id == "X/07" else Status.FAILED
        if result.case.case_id == "X/07" and failures:
            return Status.ENGINE_ERROR
        if any(check.level is not Level.INFO for check in failures):
            return Status.WARNING
        if result.status in (Status.NOT_APPLICABLE, Status.NOT_VERIFIED):
            return result.status
        seen = [check for check in result.checks if check.passed is not None]
        return Status.PASSED if seen else Status.NOT_VERIFIED

    def _counts(self, level: Level) -> bool:
        return level is Level.MUST or (self.plan.strict and level is not Level.INFO)

    async def _tidy(self) -> None:
        """Close what was opened, as far as the hook can; list the rest."""
        for order, car in self.scene.opened.items():
            try:
                await self.scene.hook("close", order_id=order, car_number=car)
            except Exception:
                self.left_open[order] = car


def _combined(earlier: Result | None, now: Result, attempt: int) -> Result:
    """A case that came out differently when it was run again is unstable."""
    now.attempts = attempt + 1
    if earlier is not None and earlier.status is not now.status:
        worse = earlier if earlier.status in (Status.FAILED, Status.UNSTABLE) else now
        worse.status, worse.attempts = Status.UNSTABLE, attempt + 1
        return worse
    return now
