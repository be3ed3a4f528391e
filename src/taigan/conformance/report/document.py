"""`report.json`: the whole of a run as data, and reading it back."""

from __future__ import annotations

import base64
import hashlib
import platform as machine
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from taigan.conformance.catalogue import page_date
from taigan.conformance.model import Check, Exchange, Level, Severity, Status, Text
from taigan.conformance.report.redaction import redacted
from taigan.conformance.run import Run
from taigan.conformance.verdict.summary import Summary, summary_of

SCHEMA = 1
LARGEST_SHOWN = 4096
"""Bytes of a body that the report itself holds; the folder has them all."""


class Message(msgspec.Struct, kw_only=True):
    """An exchange as the report shows it."""

    number: int
    sent: bool
    section: str
    at: float
    url: str
    method: str
    headers: dict[str, str]
    body: str
    body_size: int
    body_sha256: str
    status: int | None
    answer_headers: dict[str, str]
    answer: str
    seconds: float
    error: str
    twisted: bool
    group: int


class Row(msgspec.Struct, kw_only=True):
    """A case as it came out."""

    id: str
    section: str
    profile: str
    level: Level
    severity: Severity
    seen_by: str
    page: str
    status: Status
    reason: Text | None
    known: str
    follows: str = ""
    title: Text
    expected: Text
    why: Text
    do: Text
    checks: list[Check]
    exchanges: list[int]
    seconds: float
    attempts: int


class About(msgspec.Struct, kw_only=True):
    """Who judged whom, and when."""

    suite: str
    commit: str
    document: str
    """The newest entry of the document's revision record that the cases follow."""
    started_at: str
    ended_at: str
    seconds: float
    seed: int
    host: str
    target: str
    server: str
    union_id: int
    park_id: str
    profiles: tuple[str, ...]
    not_handled: dict[str, str]
    hub: str
    hook: str
    strict: bool
    patience: float
    only: tuple[str, ...]


class Times(msgspec.Struct, frozen=True):
    """How long answers took, in milliseconds."""

    section: str
    count: int
    p50: float
    p95: float
    max: float


class Report(msgspec.Struct, kw_only=True):
    """`report.json`."""

    schema: int
    about: About
    summary: Summary
    times: list[Times]
    cases: list[Row]
    left_open: dict[str, str]
    """Stays that could not be closed, by order: the plate."""
    messages: list[Message]


def report_of(run: Run, stale: list[str]) -> Report:
    """The report of a run that is over."""
    plan = run.plan
    exchanges = run.scene.exchanges
    wanted = {number for result in run.results for number in result.exchanges}
    return Report(
        schema=SCHEMA,
        about=About(
            suite=_version(),
            commit=_commit(),
            document=page_date(),
            started_at=_when(run.started_at),
            ended_at=_when(run.ended_at),
            seconds=round(run.ended_at - run.started_at, 1),
            seed=run.scene.seed,
            host=f"Python {machine.python_version()}, {machine.system()}",
            target=plan.callback,
            server=run.scene.target.server,
            union_id=plan.union_id,
            park_id=plan.park_id,
            profiles=plan.profiles,
            not_handled=plan.not_handled,
            hub=plan.hub or plan.hub_listen,
            hook="ask" if plan.hook == "ask" else "http" if plan.hook else "",
            strict=plan.strict,
            patience=plan.patience,
            only=plan.only,
        ),
        summary=summary_of(run.results, stale),
        times=_times(exchanges),
        cases=[
            Row(
                id=result.case.case_id,
                section=result.case.section,
                profile=result.case.profile,
                level=result.case.level,
                severity=result.case.severity,
                seen_by=result.case.sees,
                page=result.case.page,
                status=result.status,
                reason=result.reason,
                known=result.known,
                follows=result.follows,
                title=result.case.title,
                expected=result.case.expected,
                why=result.told.why,
                do=result.told.do,
                checks=[_clean(check, run.scene.key) for check in result.checks],
                exchanges=result.exchanges,
                seconds=round(result.seconds, 3),
                attempts=result.attempts,
            )
            for result in run.results
        ],
        left_open=run.left_open,
        messages=[_message(each, run.scene.key) for each in exchanges if each.number in wanted or not each.sent],
    )


def read_report(path: Path) -> Report:
    """A report from its file. Raises OSError, msgspec.DecodeError, msgspec.ValidationError."""
    return msgspec.json.decode(path.read_bytes(), type=Report)


def disagreements(report: Report) -> list[str]:
    """What in a report does not follow from its own cases; empty when all does."""
    wrong = []
    counts: dict[str, int] = {}
    for row in report.cases:
        counts[row.status.value] = counts.get(row.status.value, 0) + 1
        failing = [check for check in row.checks if check.passed is False]
        if row.status is Status.PASSED and any(check.level is not Level.INFO for check in failing):
            wrong.append(f"{row.id} is called passed, but {failing[0].name} was not met")
        if row.status is Status.FAILED and not failing:
            wrong.append(f"{row.id} is called failed, but every check was met")
    if counts != report.summary.counts:
        wrong.append(f"the summary counts {report.summary.counts}, the cases are {counts}")
    bad = any(row.status in (Status.FAILED, Status.UNSTABLE) for row in report.cases)
    if bad is not (report.summary.conformant == "no"):
        wrong.append(f"the summary says conformant: {report.summary.conformant}")
    return wrong


def _clean(check: Check, key: str) -> Check:
    def hide(text: Text) -> Text:
        return Text(*(redacted(each.encode(), key).decode("utf-8", "replace") for each in (text.zh, text.en)))

    return msgspec.structs.replace(check, got=hide(check.got), expected=hide(check.expected))


def _message(exchange: Exchange, key: str) -> Message:
    return Message(
        number=exchange.number,
        sent=exchange.sent,
        section=exchange.section,
        at=round(exchange.at, 4),
        url=exchange.url,
        method=exchange.method,
        headers=exchange.headers,
        body=shown(exchange.body, key),
        body_size=len(exchange.body),
        body_sha256=hashlib.sha256(exchange.body).hexdigest(),
        status=exchange.status,
        answer_headers=exchange.answer_headers,
        answer=shown(exchange.answer, key),
        seconds=round(exchange.seconds, 4),
        error=exchange.error,
        twisted=exchange.twisted,
        group=exchange.group,
    )


def shown(body: bytes, key: str) -> str:
    """A body as text: what is no UTF-8 in base64, what is long cut, what is secret hidden."""
    body = redacted(body, key)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = "base64:" + base64.b64encode(body).decode()
    return text if len(text) <= LARGEST_SHOWN else f"{text[:LARGEST_SHOWN]}… ({len(body)} bytes)"


def _times(exchanges: list[Exchange]) -> list[Times]:
    by_section: dict[str, list[float]] = {}
    for exchange in exchanges:
        if exchange.sent and exchange.status:
            by_section.setdefault(exchange.section, []).append(exchange.seconds * 1000)
    return [
        Times(section, len(all_of), _share(all_of, 0.5), _share(all_of, 0.95), round(max(all_of), 1))
        for section, all_of in sorted(by_section.items(), key=lambda item: [int(part) for part in item[0].split(".")])
    ]


def _share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _version() -> str:
    try:
        return version("taigan")
    except PackageNotFoundError:
        return ""


def _commit() -> str:
    """The commit of the suite, where it runs from a checkout."""
    folder = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
