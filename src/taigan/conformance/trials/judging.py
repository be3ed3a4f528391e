"""What a case can look at. Each look is a check with what was expected and what was got, in both languages."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from taigan import bolink
from taigan.bolink import BadAnswer, Completeness, Refused
from taigan.bolink.advice.remarks import Remark, on_answer
from taigan.bolink.fields import Message
from taigan.bolink.wire.codec import fields_of
from taigan.conformance.doors.seen import Upload, Uploads
from taigan.conformance.doors.target import Answer
from taigan.conformance.model import Case, Check, Level, NotVerified, Text

LONGEST_ERRMSG = 48
TWO_DECIMALS = re.compile(r"-?\d+(\.\d{1,2})?")
_SAME = Text("同上", "as above")


class Judge:
    """Collects the checks of one case."""

    def __init__(
        self, case: Case, hub: Uploads | None, answer_within: float, refused: Callable[[Answer], bool]
    ) -> None:
        self.case = case
        self.checks: list[Check] = []
        self.deferred: list[Callable[[], Awaitable[None]]] = []
        self.hub = hub
        self._answer_within = answer_within
        self._is_signature_refusal = refused

    def check(
        self,
        name: str,
        passed: bool | None,
        expected: tuple[str, str],
        got: tuple[str, str] | str,
        *,
        level: Level | None = None,
        answer: Answer | None = None,
    ) -> bool:
        """Keep one check; whether it was met."""
        said = Text(got, got) if isinstance(got, str) else Text(*got)
        exchange = answer.exchange.number if answer else None
        level = level or self.level_of()
        taken = {check.name for check in self.checks}
        number, unique = 1, name
        while unique in taken:
            number += 1
            unique = f"{name}-{number}"
        self.checks.append(Check(unique, level, passed, Text(*expected), said, exchange))
        return bool(passed)

    def note(self, zh: str, en: str, answer: Answer | None = None) -> None:
        """Keep what was seen where the document is silent."""
        self.check("noted", True, ("记下", "noted"), (zh, en), answer=answer)

    def unseen(self, name: str, zh: str, en: str) -> None:
        """Keep that something could not be seen."""
        self.check(name, None, (zh, en), ("看不到", "no way to see it"))

    def at_the_end(self, look: Callable[[], Awaitable[None]]) -> None:
        """Look when the window is over in which nothing more may come."""
        self.deferred.append(look)

    def level_of(self, field: str = "") -> Level:
        """The case's level; one lower where the document's own page was not seen."""
        level = self.case.level
        if level is not Level.MUST or self.case.section in ("X", "1.2"):
            return level
        interface = bolink.by_section(self.case.section)
        if interface.completeness is Completeness.NOT_FOUND or self.case.section == "11.3":
            return Level.SHOULD
        for kind in (interface.answer, interface.request) if field else ():
            if isinstance(kind, type) and issubclass(kind, Message):
                for plan in fields_of(kind):
                    if plan.name == field and not plan.note.confirmed:
                        return Level.SHOULD
        return level

    # Answers

    def answered(self, answer: Answer) -> bool:
        """There is an answer, in time, and the server did not fail."""
        ok = 0 < answer.status < 500 and answer.seconds <= self._answer_within
        expected = (
            f"{self._answer_within:g} 秒内应答，不是 5xx",
            f"an answer within {self._answer_within:g} s, no 5xx",
        )
        return self.check("answered", ok, expected, f"{answer.shown} ({answer.seconds * 1000:.0f} ms)", answer=answer)

    def state(self, answer: Answer, *wanted: int, name: str = "state", level: Level | None = None) -> bool:
        """HTTP 200 and one of these states."""
        states = " / ".join(map(str, wanted))
        level = level or self.level_of("state")
        ok = answer.status == 200 and answer.state in wanted
        return self.check(name, ok, (f"state {states}", f"state {states}"), answer.shown, answer=answer, level=level)

    def refused(self, answer: Answer, *, name: str = "refused") -> bool:
        """Answered, and not with yes."""
        ok = 0 < answer.status < 500 and answer.state not in (1, 2)
        return self.check(name, ok, ("state 0 或 4xx", "state 0 or 4xx"), answer.shown, answer=answer)

    def said_no(self, answer: Answer, *, name: str = "no") -> bool:
        """State 0 with a text that a person can read."""
        ok = 0 < answer.status < 500 and answer.state == 0 and 0 < len(answer.errmsg.strip()) <= LONGEST_ERRMSG
        expected = (
            f"state 0，errmsg 1 到 {LONGEST_ERRMSG} 个字",
            f"state 0, errmsg of 1 to {LONGEST_ERRMSG} characters",
        )
        return self.check(name, ok, expected, answer.shown, answer=answer)

    def accepted(self, answer: Answer, *, name: str = "accepted") -> bool:
        """The signature was taken: whatever the answer says, it is not about the signature."""
        ok = 0 < answer.status < 400 and answer.state is not None and not self._is_signature_refusal(answer)
        return self.check(name, ok, ("签名被接受", "the signature is accepted"), answer.shown, answer=answer)

    def only_if(self, answer: Answer, zh: str, en: str) -> None:
        """Go on only if a message that should be taken was: what is seen afterwards would show nothing otherwise.

        Raises NotVerified.
        """
        if answer.state not in (1, 2):
            raise NotVerified(f"{zh}：{answer.shown}", f"{en}: {answer.shown}")

    def survives(self, answer: Answer, *, name: str = "survives") -> bool:
        """Any clean answer: no 5xx, no silence."""
        ok = 0 < answer.status < 500
        return self.check(name, ok, ("不是 5xx，有应答", "an answer, no 5xx"), answer.shown, answer=answer)

    def kept(self, answer: Answer) -> bool:
        """A money message was kept (state 1), or will be sent again (503). State 0 loses it."""
        ok = answer.state == 1 or answer.status == 503
        return self.check("kept", ok, ("state 1 或 HTTP 503", "state 1 or HTTP 503"), answer.shown, answer=answer)

    def echo(self, answer: Answer, field: str, sent: Any, *, name: str = "") -> bool:
        """A field came back as it was sent; a number may come as text and the reverse."""
        got = (answer.data or {}).get(field)
        ok = got is not None and str(got) == str(sent)
        return self.check(
            name or f"echo-{field}",
            ok,
            (f"{field} = {sent}", f"{field} = {sent}"),
            f"{field} = {got!r}" if got is not None else (f"没有 {field}", f"no {field}"),
            level=self.level_of(field),
            answer=answer,
        )

    def reads(self, answer: Answer) -> bool:
        """The answer is what the document says."""
        interface = bolink.by_section(self.case.section)
        try:
            interface.read_answer(answer.body, answer.status)
            problem = ""
        except Refused:
            problem = ""
        except BadAnswer as error:
            problem = str(error)
        self.remarks(on_answer(interface, answer.body, datetime.now(UTC), answer.status), answer)
        expected = ("应答合乎文档", "an answer as documented")
        return self.check("reads", not problem, expected, problem or answer.shown, answer=answer)

    def remarks(self, remarks: Sequence[Remark], answer: Answer | None = None) -> None:
        """Keep what can be said of a message that is taken all the same."""
        if remarks:
            zh = "；".join(remark.words("zh") for remark in remarks)
            en = "; ".join(remark.words("en") for remark in remarks)
            self.check("remarks", True, ("可以更好", "could be better"), (zh, en), level=Level.INFO, answer=answer)

    def same(self, first: Answer, again: Answer) -> bool:
        """The repeat got the first one's answer."""
        ok = again.status == first.status and (again.body == first.body or (again.data == first.data is not None))
        expected = (f"同样的应答：{first.shown}", f"the same answer: {first.shown}")
        return self.check("same-answer", ok, expected, again.shown, answer=again)

    def money(self, answer: Answer, field: str) -> Decimal | None:
        """An amount in the answer: text in yuan with at most two decimals. None when it is none."""
        got = (answer.data or {}).get(field)
        text = str(got) if got is not None else ""
        ok = isinstance(got, str) and TWO_DECIMALS.fullmatch(got.strip()) is not None
        expected = (f"{field}：元，最多两位小数的字符串", f"{field}: yuan as text with at most two decimals")
        self.check(f"money-{field}", ok, expected, f"{field} = {got!r}", answer=answer, level=self.level_of(field))
        try:
            return Decimal(text.strip())
        except InvalidOperation:
            return None

    def amount(self, name: str, got: Decimal | None, wanted: Decimal, answer: Answer | None = None) -> bool:
        """An amount is exactly this."""
        shown = "–" if got is None else f"{got}"
        return self.check(name, got == wanted, (f"{wanted} 元", f"{wanted} yuan"), shown, answer=answer)

    # Uploads

    async def entered(self, driver: str, within: float, *, name: str = "upload") -> Upload | None:
        """A 3.1 about that driver comes; None when it did not, or there is no way to see it."""
        if self.hub is None:
            self.unseen(name, f"{driver} 的 3.1", f"a 3.1 about {driver}")
            return None
        hub = self.hub
        found = await hub.until(lambda: [each for each in hub.of(driver) if each.taken], within)
        expected = (f"一条 car_number 为 {driver} 的 3.1", f"a 3.1 with car_number {driver}")
        got = (
            (f"order_id {found[0].order_id}", f"order_id {found[0].order_id}")
            if found
            else (f"{within:g} 秒内没有", f"none within {within:g} s")
        )
        if not found and (came := hub.of(driver)):
            got = (f"来了 {len(came)} 条，没有一条被接受", f"{len(came)} came, none of them was taken")
        self.check(name, bool(found), expected, got)
        return found[0] if found else None

    def entered_times(self, driver: str, wanted: Sequence[int], *, name: str = "one-upload") -> None:
        """At the end: so many different orders were uploaded for that driver."""

        async def look() -> None:
            if self.hub is None:
                self.unseen(name, f"{driver} 的 3.1", f"the 3.1 about {driver}")
                return
            orders = sorted({upload.order_id for upload in self.hub.of(driver)})
            many = " / ".join(map(str, wanted))
            expected = (f"{driver}：{many} 次停车的 3.1", f"{driver}: 3.1 of {many} stays")
            got = ", ".join(orders) or "–"
            self.check(name, len(orders) in wanted, expected, (f"{len(orders)} 次：{got}", f"{len(orders)}: {got}"))

        self.at_the_end(look)

    def never_entered(self, driver: str, *, name: str = "no-upload") -> None:
        """At the end: nothing was uploaded about that driver."""
        self.entered_times(driver, (0,), name=name)

    def signature(self, name: str, upload: Upload) -> bool:
        """An upload is signed over the bytes that were sent."""
        expected = ("对发出的字节签名正确", "rightly signed over the bytes sent")
        got = ("正确", "right") if upload.signed else upload.why_wrong
        return self.check(name, upload.signed, expected, got)
