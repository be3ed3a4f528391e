"""The folder of a run: `report.json`, `report.html`, `junit.xml`, `badge.svg`, `traffic.ndjson`, `traffic.har`, and for
each case its requests, byte for byte, to be sent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

from taigan.conformance.model import BadConfiguration, Exchange, Status, Text
from taigan.conformance.report.document import Report, Row, report_of, shown
from taigan.conformance.report.html import page
from taigan.conformance.run import Run


class Request(msgspec.Struct, kw_only=True):
    """One line of a case's `requests.ndjson`: what `replay` sends again."""

    number: int
    url: str
    headers: dict[str, str]
    body: str
    """The name of the file beside it that holds the bytes."""
    group: int


def write_report(run: Run, folder: Path, stale: list[str]) -> Report:
    """Write everything into `folder`, which is made. Raises BadConfiguration when it cannot be written."""
    report = report_of(run, stale)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
        (folder / "report.html").write_text(page(report), "utf-8")
        (folder / "junit.xml").write_text(junit(report), "utf-8")
        (folder / "badge.svg").write_text(badge(report), "utf-8")
        (folder / "traffic.ndjson").write_bytes(b"".join(_lines(_in_order(run), run.scene.key)))
        (folder / "traffic.har").write_bytes(_har(run))
        by_number = {exchange.number: exchange for exchange in run.scene.exchanges}
        for row in report.cases:
            sent = [by_number[number] for number in row.exchanges if by_number[number].sent]
            if sent:
                _write_case(folder / row.id.replace("/", "-"), sent, run.scene.key)
    except OSError as error:
        raise BadConfiguration(f"{folder} cannot be written: {error.strerror or error}") from None
    return report


def _write_case(folder: Path, sent: list[Exchange], key: str) -> None:
    folder.mkdir(exist_ok=True)
    lines = []
    for place, exchange in enumerate(sent, 1):
        name = f"request-{place}.bin"
        (folder / name).write_bytes(exchange.body)
        (folder / f"answer-{place}.txt").write_text(shown(exchange.answer, key), "utf-8")
        line = Request(
            number=exchange.number, url=exchange.url, headers=exchange.headers, body=name, group=exchange.group
        )
        lines.append(msgspec.json.encode(line) + b"\n")
    (folder / "requests.ndjson").write_bytes(b"".join(lines))


def read_case(folder: Path, case_id: str) -> list[tuple[Request, bytes]]:
    """What a case sent, from the folder of a run. Raises BadConfiguration."""
    of_case = folder / case_id.replace("/", "-")
    try:
        lines = (of_case / "requests.ndjson").read_bytes().splitlines()
        requests = [msgspec.json.decode(line, type=Request) for line in lines]
        return [(request, (of_case / Path(request.body).name).read_bytes()) for request in requests]
    except (OSError, msgspec.DecodeError) as error:
        raise BadConfiguration(f"{of_case} holds no requests of {case_id}: {error}") from None


def _lines(exchanges: Iterable[Exchange], key: str) -> Iterable[bytes]:
    for each in exchanges:
        row = {
            "number": each.number,
            "sent": each.sent,
            "case": each.case_id,
            "section": each.section,
            "at": round(each.at, 4),
            "url": each.url,
            "method": each.method,
            "headers": each.headers,
            "body": shown(each.body, key),
            "status": each.status,
            "answer": shown(each.answer, key),
            "seconds": round(each.seconds, 4),
            "error": each.error,
        }
        yield msgspec.json.encode(row) + b"\n"


def _har(run: Run) -> bytes:
    """The traffic in the format that browsers and proxies read (HTTP Archive 1.2)."""
    began = datetime.fromtimestamp(run.started_at, UTC)
    base = run.scene.hub.url if run.scene.hub else ""
    entries = [_har_entry(each, began, base, run.scene.key) for each in _in_order(run)]
    creator = {"name": "taigan conformance", "version": "1"}
    return msgspec.json.encode({"log": {"version": "1.2", "creator": creator, "entries": entries}})


def _har_entry(each: Exchange, began: datetime, base: str, key: str) -> dict[str, Any]:
    def named(headers: dict[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in headers.items()]

    blank: dict[str, Any] = {"httpVersion": "HTTP/1.1", "cookies": [], "headersSize": -1}
    milliseconds = round(each.seconds * 1000, 1)
    return {
        "startedDateTime": (began + timedelta(seconds=each.at)).isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": {
            **blank,
            "method": each.method,
            "url": each.url if each.sent else base + each.url,
            "headers": named(each.headers),
            "queryString": [],
            "bodySize": len(each.body),
            "postData": {"mimeType": "application/json", "text": shown(each.body, key)},
        },
        "response": {
            **blank,
            "status": each.status or 0,
            "statusText": each.error,
            "headers": named(each.answer_headers),
            "redirectURL": "",
            "bodySize": len(each.answer),
            "content": {"size": len(each.answer), "mimeType": "application/json", "text": shown(each.answer, key)},
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": each.case_id,
    }


def _in_order(run: Run) -> list[Exchange]:
    return sorted(run.scene.exchanges, key=lambda exchange: exchange.at)


def junit(report: Report) -> str:
    """JUnit's XML, as CI servers read it: a suite per section."""
    sections: dict[str, list[Row]] = {}
    for row in report.cases:
        sections.setdefault(row.section, []).append(row)
    suites = "".join(_suite(section, rows) for section, rows in sections.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="BoLink">\n{suites}</testsuites>\n'


def _suite(section: str, rows: list[Row]) -> str:
    failures = sum(1 for row in rows if _fails(row))
    errors = sum(1 for row in rows if row.status is Status.ENGINE_ERROR)
    skipped = sum(1 for row in rows if _is_skipped(row))
    seconds = sum(row.seconds for row in rows)
    head = (
        f'<testsuite name="{section}" tests="{len(rows)}" failures="{failures}" errors="{errors}" '
        f'skipped="{skipped}" time="{seconds:.3f}">\n'
    )
    return head + "".join(map(_testcase, rows)) + "</testsuite>\n"


def _testcase(row: Row) -> str:
    name = quoteattr(f"{row.id} {row.title.en}")
    inside = ""
    if _fails(row):
        first = next((check for check in row.checks if check.passed is False), None)
        got = f"expected {first.expected.en}, got {first.got.en}" if first else row.status.value
        lines = [
            *([f"mend {row.follows} first, this follows from it"] if row.follows else []),
            row.why.en,
            *(f"{c.name}: expected {c.expected.en}, got {c.got.en}" for c in row.checks if not c.passed),
        ]
        inside = f"<failure message={quoteattr(_printable(got))}>{escape(_printable(chr(10).join(lines)))}</failure>"
    elif row.status is Status.ENGINE_ERROR:
        inside = f"<error message={quoteattr(_printable((row.reason or Text('', '')).en))}/>"
    elif _is_skipped(row):
        reason = row.known or (row.reason.en if row.reason else row.status.value)
        inside = f"<skipped message={quoteattr(_printable(reason))}/>"
    elif row.status is Status.WARNING:
        said = "; ".join(f"{c.name}: {c.got.en}" for c in row.checks if c.passed is False)
        inside = f"<system-out>{escape(_printable('warning: ' + said))}</system-out>"
    return f'<testcase classname="bolink.{row.section}" name={name} time="{row.seconds:.3f}">{inside}</testcase>\n'


def _fails(row: Row) -> bool:
    return row.status in (Status.FAILED, Status.UNSTABLE) and not row.known


def _is_skipped(row: Row) -> bool:
    return bool(row.known) or row.status in (Status.SKIPPED, Status.NOT_APPLICABLE, Status.NOT_VERIFIED)


def _printable(text: str) -> str:
    """Without what XML does not allow."""
    return "".join(each if each in "\t\n" or each.isprintable() else "?" for each in text)


def badge(report: Report) -> str:
    """A badge for a README, as SVG without network."""
    verdict = report.summary.conformant
    colour = {"yes": "#2e7d32", "no": "#c62828"}.get(verdict, "#b26a00")
    passed = report.summary.counts.get(Status.PASSED.value, 0)
    ran = sum(report.summary.counts.values()) - report.summary.counts.get(Status.NOT_APPLICABLE.value, 0)
    right = f"{verdict} {passed}/{ran}"
    width = 12 + 7 * len(right)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{52 + width}" height="20" role="img" '
        f'aria-label="BoLink: {right}"><rect width="52" height="20" rx="3" fill="#444"/>'
        f'<rect x="52" width="{width}" height="20" rx="3" fill="{colour}"/>'
        '<g fill="#fff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="26" y="14">BoLink</text><text x="{52 + width / 2:g}" y="14">{right}</text></g></svg>\n'
    )
