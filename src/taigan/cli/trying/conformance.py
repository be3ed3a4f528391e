"""`taigan conformance`: judges any lot platform by BoLink's document.

Exit codes: 0 conformant as far as it was seen; 1 a case failed or the baseline is stale; 2 wrong configuration or
command line; 3 the platform is unreachable, or the kit itself failed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taigan.cli.running import fail

if TYPE_CHECKING:
    from taigan.conformance.model import Case, Result
    from taigan.conformance.plan import Plan
    from taigan.conformance.report.document import Report
    from taigan.conformance.run import Run

conformance_commands = typer.Typer(
    no_args_is_help=True, help="Judge any lot platform: play BoLink against it and report what it gets wrong."
)
Features = Annotated[
    Path | None,
    typer.Option("--config", help="What `init` wrote; by default features.toml here.", show_default=False),
]
CaseId = Annotated[str, typer.Argument(metavar="CASE", help="A case, such as 5.7/06.")]


@conformance_commands.command()
def run(
    config: Features = None,
    callback: Annotated[str | None, typer.Option(help="The platform's address for BoLink's messages.")] = None,
    union: Annotated[int | None, typer.Option(help="The vendor's union_id.")] = None,
    key: Annotated[str | None, typer.Option(help="The vendor's key: file:PATH or env:NAME.")] = None,
    lot: Annotated[str | None, typer.Option(help="The lot's park_id.")] = None,
    entry_lane: Annotated[list[str] | None, typer.Option(help="An entry lane; may be given more than once.")] = None,
    exit_lane: Annotated[list[str] | None, typer.Option(help="An exit lane; may be given more than once.")] = None,
    profile: Annotated[
        list[str] | None, typer.Option(help="What it claims: signature, entry, money, commands, pictures.")
    ] = None,
    hub_listen: Annotated[str | None, typer.Option(help="HOST:PORT where the platform's uploads are taken.")] = None,
    hub: Annotated[
        str | None, typer.Option(help="A taigan hub that runs elsewhere and takes the uploads.", metavar="URL")
    ] = None,
    hub_token: Annotated[
        str | None, typer.Option(help="That hub's admin_token: file:PATH or env:NAME.", show_default=False)
    ] = None,
    callbacks_only: Annotated[bool, typer.Option(help="Take no uploads; what rests on them is not verified.")] = False,
    hook: Annotated[str | None, typer.Option(help="A hook's address, or `ask` for a person.")] = None,
    case: Annotated[list[str] | None, typer.Option(help="Run only this case or section; more than once.")] = None,
    failed: Annotated[
        Path | None, typer.Option(help="Run only what was red in this folder's report.", metavar="FOLDER")
    ] = None,
    report: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("out"),
    known: Annotated[Path | None, typer.Option(help="The baseline: failures that are known.")] = None,
    test_lot: Annotated[
        bool, typer.Option(help="Yes: arms may rise and orders be made, it is a lot for tests.")
    ] = False,
    strict: Annotated[bool, typer.Option(help="What only sister documents or robustness ask for counts too.")] = False,
    ci: Annotated[bool, typer.Option(help="Ask nobody anything.")] = False,
    plain: Annotated[bool, typer.Option(help="Send no X-Taigan-Case header.")] = False,
    patience: Annotated[float | None, typer.Option(help="Scales every wait of the kit's own.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of drivers and numbers, to do a run again.")] = None,
) -> None:
    """Run the cases and write the report."""
    from taigan.conformance.model import BadConfiguration
    from taigan.conformance.plan import read_plan

    if hub and (hub_listen or callbacks_only):
        fail("--hub, --hub-listen and --callbacks-only: only one of them", 2)
    given: dict[str, Any] = {
        "callback": callback,
        "union_id": union,
        "key": key,
        "park_id": lot,
        "entry_lanes": entry_lane or None,
        "exit_lanes": exit_lane or None,
        "profiles": profile or None,
        "hub_listen": "" if callbacks_only else hub_listen,
        "hub": "" if callbacks_only or hub_listen else hub,
        "hub_token": hub_token,
        "hook": hook,
        "only": [*(case or ()), *(_red_in(failed) if failed else ())] or None,
        "test_lot": test_lot or None,
        "strict": strict or None,
        "ci": ci or None,
        "plain": plain or None,
        "patience": patience,
        "seed": seed,
    }
    try:
        plan = read_plan(_features(config), given)
        raise typer.Exit(_run(plan, report, known))
    except BadConfiguration as error:
        fail(str(error), 2)


def _red_in(folder: Path) -> list[str]:
    """The cases of a run that did not come out well; it ends here when there are none."""
    from taigan.conformance.verdict.summary import RED

    red = [row.id for row in _report(folder / "report.json").cases if row.status in RED]
    if not red:
        typer.echo(f"{folder}: nothing was red")
        raise typer.Exit(0)
    return red


def _report(file: Path) -> Report:
    import msgspec

    from taigan.conformance.report.document import read_report

    try:
        return read_report(file)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", 2)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fail(f"{file} is no report: {error}", 2)


def _features(config: Path | None) -> Path | None:
    usual = Path("features.toml")
    return config or (usual if usual.exists() else None)


def _run(plan: Plan, folder: Path, known: Path | None) -> int:
    from datetime import UTC, datetime

    from taigan.conformance.model import LotUnreachable
    from taigan.conformance.report.files import write_report
    from taigan.conformance.run import Run
    from taigan.conformance.verdict.known import apply_known, read_known

    baseline = read_known(known) if known else {}
    judged = Run(
        plan,
        ask=lambda question: str(typer.prompt(question, default="", show_default=False)),
        begun=lambda: _announce(judged),
        heard=_say,
        came=_count,
    )
    try:
        asyncio.run(judged.execute())
    except LotUnreachable as error:
        fail(str(error), 3)
    stale = apply_known(judged.results, baseline, datetime.now(UTC).date())
    written = write_report(judged, folder, stale)
    _conclude(written, folder)
    return written.summary.exit_code


def _announce(run: Run) -> None:
    """What is about to happen, and how long it takes."""
    plan, orders = run.plan, run.expected_stays()
    many = (
        "one order, with a plate that begins" if orders == 1 else f"about {orders} orders, all with plates that begin"
    )
    typer.echo(
        f"{plan.callback}: {', '.join(plan.profiles)}. This raises arms in {', '.join(plan.entry_lanes)} and makes "
        f"{many} with TG. It takes about {run.expected_seconds():.0f} s, longer when cases fail: they are run again."
    )


def _count(case_id: str, done: int, of: int) -> None:
    """How far it has come, on a terminal."""
    if sys.stderr.isatty():
        typer.echo(f"\r{done:3} / {of}  {case_id:8}", err=True, nl=False)


def _say(result: Result) -> None:
    """A case that came out wrong, as a person reads it."""
    from taigan.conformance.model import Status

    case = result.case
    if result.status is Status.ENGINE_ERROR:
        typer.echo(f"\n{case.case_id}  ENGINE-ERROR  {result.reason.en if result.reason else ''}")
        return
    if result.status not in (Status.FAILED, Status.WARNING, Status.UNSTABLE):
        return
    typer.echo(f"\n{case.case_id}  {result.status.value.upper()}  {case.severity}  {case.level}  {case.page or 'ours'}")
    if result.follows:
        typer.echo(f"签对了的消息被拒绝：先改 {result.follows}")
        typer.echo(f"a right signature was refused: mend {result.follows} first")
        return
    typer.echo(f"{result.told.why.zh}\n{result.told.why.en}")
    for check in result.failures:
        typer.echo(f"  期望 Expected  {_pair(check.expected.zh, check.expected.en)}")
        typer.echo(f"  得到 Got       {_pair(check.got.zh, check.got.en)}")
    typer.echo(f"  怎么改 Do      {result.told.do.zh}\n                 {result.told.do.en}")


def _pair(zh: str, en: str) -> str:
    return zh if zh == en else f"{zh}  {en}"


def _conclude(report: Report, folder: Path) -> None:
    summary = report.summary
    counts = ", ".join(f"{count} {status}" for status, count in summary.counts.items())
    typer.echo(f"\nconformant: {summary.conformant} ({counts}; {report.about.seconds:g} s)")
    if summary.failed_critical:
        typer.echo(f"critical: {', '.join(summary.failed_critical)}")
    for root in summary.first:
        following = [row.id for row in report.cases if row.follows == root]
        typer.echo(f"mend {root} first: {len(following)} cases failed by the same cause ({', '.join(following)})")
    for each in summary.stale:
        typer.echo(f"baseline: {each}")
    if report.left_open:
        typer.echo(f"not closed: {len(report.left_open)} stays, listed in the report")
    typer.echo(f"{folder / 'report.html'}")


@conformance_commands.command("list")
def list_cases(
    profile: Annotated[str | None, typer.Option(help="Only this profile's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a JSON array.")] = False,
) -> None:
    """Every case, one line each."""
    import msgspec

    from taigan.conformance.catalogue import PROFILES, cases

    if profile is not None and profile not in (*PROFILES, "recording"):
        fail(f"--profile {profile}: there are {', '.join((*PROFILES, 'recording'))}", 2)
    chosen = [each for each in cases() if profile in (None, each.profile)]
    if as_json:
        typer.echo(msgspec.json.encode(chosen).decode())
        return
    for each in chosen:
        typer.echo(f"{each.case_id:8} {each.level:7} {each.severity:9} {each.sees:4} {each.title.zh}  {each.title.en}")


@conformance_commands.command()
def explain(case_id: CaseId) -> None:
    """What a case does, what it rests on, why it matters, what to do."""
    case = _case(case_id)
    profile = "every run" if case.profile == "recording" else case.profile
    typer.echo(f"{case.case_id}  {case.level}  {case.severity}  {profile}  {case.page or 'ours'}")
    for zh, en in (
        (case.title, "case"),
        (case.expected, "expected"),
        (case.advice.why, "why"),
        (case.advice.do, "do"),
    ):
        typer.echo(f"\n{en}\n  {zh.zh}\n  {zh.en}")
    if case.page:
        typer.echo(f"\nhttps://www.kancloud.cn/bolink/{case.page}")


def _case(case_id: str) -> Case:
    import difflib

    from taigan.conformance.catalogue import case, cases

    try:
        return case(case_id)
    except KeyError:
        near = difflib.get_close_matches(case_id, [each.case_id for each in cases()], 3)
        fail(f"{case_id}: no such case{'; did you mean ' + ', '.join(near) + '?' if near else ''}", 2)


@conformance_commands.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="The folder of a run.")],
    case_id: CaseId,
    test_lot: Annotated[
        bool, typer.Option(help="Yes: arms may rise and orders be made, it is a lot for tests.")
    ] = False,
) -> None:
    """Send what a case sent, byte for byte, and print the answers."""
    from taigan.conformance.model import BadConfiguration
    from taigan.conformance.replaying import replay_case

    _case(case_id)
    if not test_lot:
        fail("this sends the messages again, which may raise arms and make orders: say --test-lot", 2)
    try:
        for line in asyncio.run(replay_case(folder, case_id)):
            typer.echo(line)
    except BadConfiguration as error:
        fail(str(error), 2)


@conformance_commands.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="REPORT.JSON", help="A report that somebody gave you.")],
) -> None:
    """Work the summary of a report out again from its cases."""
    from taigan.conformance.report.document import disagreements

    report = _report(file)
    wrong = disagreements(report)
    for each in wrong:
        typer.echo(each)
    if wrong:
        fail("the report contradicts itself", 1)
    typer.echo(f"conformant: {report.summary.conformant}; the summary follows from the {len(report.cases)} cases")


@conformance_commands.command()
def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("features.toml"),
) -> None:
    """Write features.toml: which platform, and what it claims to do."""
    from taigan.conformance.plan import STARTING_FEATURES

    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(STARTING_FEATURES)
    except FileExistsError:
        fail(f"{file} is there already; it is left as it is", 2)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}", 2)
    typer.echo(f"{file}: change it, then: taigan conformance run --test-lot")
