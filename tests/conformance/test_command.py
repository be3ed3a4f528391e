"""`taigan conformance` as a person runs it, against the example lot of the documents."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.beside import beside
from support.clock import PATIENCE
from support.command import taigan as here
from support.servers.ports import free_port
from support.stacks.judged import TRIES

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "lot.py"
KEY = "the example's key"
QUICK = ("--test-lot", "--patience", "0.05")

Taigan = Callable[..., "subprocess.CompletedProcess[str]"]


def at(folder: Path) -> Taigan:
    """The command as it is typed there."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "taigan", "conformance", *words], cwd=folder, capture_output=True, text=True
        )

    return run


def started(folder: Path, source: str, port: int, hub_port: int) -> subprocess.Popen[bytes]:
    """The lot of that source, once it answers."""
    (folder / "lot.py").write_text(source)
    with (folder / "lot.log").open("wb") as log:
        lot = subprocess.Popen(
            [sys.executable, "lot.py", str(port)],
            cwd=folder,
            env={**os.environ, "BOLINK_KEY": KEY, "HUB": f"http://127.0.0.1:{hub_port}"},
            stdout=log,
            stderr=log,
        )
    for _ in range(round(PATIENCE / 0.05)):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}", b"{}", timeout=5)
        except urllib.error.HTTPError:
            return lot
        except OSError:
            time.sleep(0.05)
    raise AssertionError((folder / "lot.log").read_text())


def features(folder: Path, port: int, hub_port: int) -> None:
    (folder / "bolink.key").write_text(f"{KEY}\n")
    lines = [
        f'callback = "http://127.0.0.1:{port}/bolink"',
        "union_id = 200002",
        'park_id = "21787"',
        'key = "file:bolink.key"',
        'entry_lanes = ["A1", "A2"]',
        f'hub_listen = "127.0.0.1:{hub_port}"',
        "[not_handled]",
        '"5.13" = "no SMS gateway"',
    ]
    (folder / "features.toml").write_text("\n".join(lines))


@contextlib.contextmanager
def example(folder: Path, changed: Callable[[str], str] = lambda source: source) -> Iterator[Taigan]:
    """The command beside the example, which a function has changed."""
    port, hub_port = free_port(), free_port()
    features(folder, port, hub_port)
    lot = started(folder, changed(EXAMPLE.read_text()), port, hub_port)
    try:
        yield at(folder)
    finally:
        lot.send_signal(signal.SIGTERM)
        lot.wait(PATIENCE)


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(source: str) -> str:
        assert old in source
        return source.replace(old, new)

    return change


def test_the_example_has_sixty_lines_of_code() -> None:
    inside = EXAMPLE.read_text().split('"""', 2)[2]
    code = [line for line in inside.splitlines() if line.strip() and not line.startswith("#")]
    assert len(code) <= 60


@beside
def test_the_example_is_green_and_its_report_holds(tmp_path: Path) -> None:
    with example(tmp_path) as taigan:
        for _ in range(TRIES):
            run = taigan("run", *QUICK, "--strict")
            if run.returncode == 0:
                break
        assert run.returncode == 0, run.stdout + run.stderr
        assert "conformant: yes" in run.stdout
        assert "about 217 orders" in run.stdout

        report = json.loads((tmp_path / "out" / "report.json").read_text())
        assert report["summary"]["conformant"] == "yes"
        assert report["about"]["not_handled"] == {"5.13": "no SMS gateway"}
        assert {case["status"] for case in report["cases"]} == {"passed", "not-applicable", "not-verified"}
        assert KEY not in "".join(
            path.read_text(errors="replace") for path in (tmp_path / "out").glob("*.*") if path.is_file()
        )
        suites = ET.parse(tmp_path / "out" / "junit.xml").getroot()
        assert sum(int(suite.attrib["tests"]) for suite in suites) == 138
        assert sum(int(suite.attrib["failures"]) for suite in suites) == 0
        har = json.loads((tmp_path / "out" / "traffic.har").read_text())
        assert len(har["log"]["entries"]) > 200
        assert ET.parse(tmp_path / "out" / "badge.svg").getroot().attrib["aria-label"].startswith("BoLink: yes ")

        verified = taigan("verify", "out/report.json")
        assert verified.returncode == 0
        report["cases"][0]["status"] = "failed"
        (tmp_path / "changed.json").write_text(json.dumps(report))
        contradicts = taigan("verify", "changed.json")
        assert contradicts.returncode == 1
        assert "1.2/01 is called failed, but every check was met" in contradicts.stdout


@beside
def test_a_broken_example_fails_until_the_failure_is_known(tmp_path: Path) -> None:
    with example(tmp_path, replaced('"errmsg": "车道不存在，请联系管理员"', '"errmsg": ""')) as taigan:
        only = ("--case", "5.7/03", "--case", "5.7/09", *QUICK)
        run = taigan("run", *only)
        assert run.returncode == 1
        assert "5.7/09  FAILED  major  must  newapi/582544" in run.stdout
        assert "5.7/03  WARNING  major  robust  ours" in run.stdout
        assert "司机的手机上只有失败两个字" in run.stdout

        again = taigan("replay", "out", "5.7/09", "--test-lot")
        assert again.returncode == 0
        assert 'HTTP 200 {"state": 0, "errmsg": ""' in again.stdout

        (tmp_path / "known.toml").write_text('"5.7/09" = "ticket 41, until 2099-01-01"\n')
        known = taigan("run", *only, "--known", "known.toml")
        assert known.returncode == 0
        assert "conformant: no" in known.stdout

        (tmp_path / "known.toml").write_text(
            '"5.7/09" = "ticket 41, until 2020-01-01"\n"5.7/04" = "gone"\n"5.7/99" = "never was"\n'
        )
        stale = taigan("run", *only, "--case", "5.7/04", "--known", "known.toml")
        assert stale.returncode == 1
        assert "5.7/09: ran out on 2020-01-01" in stale.stdout
        assert "5.7/04: passes now; take it out" in stale.stdout
        assert "5.7/99: there is no such case" in stale.stdout


@pytest.mark.parametrize(
    ("old", "new", "red"),
    [
        ("answer(body):\n    outer, text = json.loads(body.decode(\"utf-8-sig\")), raw_data(body)",
         "answer(body):\n    outer = json.loads(body.decode(\"utf-8-sig\")); text = json.dumps(outer[\"data\"])",
         ("1.2/06", "1.2/07", "1.2/08")),
        ("car unique", "car", ("5.7/07",)),
        ('"errmsg": "车道不存在，请联系管理员"', '"errmsg": ""', ("5.7/09",)),
        ("time.sleep(0.125)", "time.sleep(0.001)", ("3.1/06",)),
    ],
)  # fmt: skip
@beside
def test_what_the_documents_say_to_break_turns_red(tmp_path: Path, old: str, new: str, red: tuple[str, ...]) -> None:
    with example(tmp_path, replaced(old, new)) as taigan:
        for _ in range(TRIES):
            run = taigan("run", *[word for case_id in red for word in ("--case", case_id)], *QUICK, "--strict")
            assert run.returncode == 1, run.stderr
            report = json.loads((tmp_path / "out" / "report.json").read_text())
            came_out = {case["id"]: case["status"] for case in report["cases"]}
            if came_out == dict.fromkeys(red, "failed"):
                return
        raise AssertionError(came_out)


@beside
def test_a_wrong_signature_of_an_upload_is_explained(tmp_path: Path) -> None:
    changed = replaced(
        "% (upload.encode(), sign(upload", "% (upload.encode(), sign(json.dumps(json.loads(upload), sort_keys=True)"
    )
    with example(tmp_path, changed) as taigan:
        run = taigan("run", "--case", "3.1/01", *QUICK)
        assert run.returncode == 1
        assert "data was signed with its keys sorted and sent unsorted" in run.stdout
        assert "; right is MD5({" in run.stdout
        assert KEY not in run.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say with --test-lot"),
        (("--test-lot", "--callback", "https://s.bolink.club/x"), "s.bolink.club is BoLink itself"),
        (("--test-lot", "--callback", "ftp://lot"), "callback: 'ftp://lot' is no http address"),
        (("--test-lot", "--key", "a plain key"), "key: write file:PATH or env:NAME"),
        (("--test-lot", "--key", "file:nowhere"), "key: nowhere cannot be read"),
        (("--test-lot", "--profile", "gold"), "profiles: gold is none"),
        (("--test-lot", "--case", "5.7/99"), "5.7/99: no such case"),
        (("--test-lot", "--hook", "ask", "--ci"), "nobody can be asked here"),
        (("--test-lot", "--hub-listen", "nowhere"), "hub_listen: 'nowhere' is not HOST:PORT"),
        (("--test-lot", "--config", "none.toml"), "none.toml cannot be read"),
    ],
)
def test_a_wrong_configuration_ends_with_2_and_says_which(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features(tmp_path, free_port(), free_port())
    monkeypatch.chdir(tmp_path)
    code, lines = here("conformance", "run", *words)
    assert code == 2
    assert said in "\n".join(lines)


@beside
def test_a_platform_that_is_not_there_ends_with_3(tmp_path: Path) -> None:
    features(tmp_path, free_port(), free_port())
    run = at(tmp_path)("run", *QUICK)
    assert run.returncode == 3
    assert "does not answer" in run.stderr
    assert not (tmp_path / "out").exists()


@beside
def test_init_writes_features_that_are_read_and_never_overwrites(tmp_path: Path) -> None:
    taigan = at(tmp_path)
    assert taigan("init").returncode == 0
    written = tomllib.loads((tmp_path / "features.toml").read_text())
    assert written["profiles"] == ["signature", "entry"]
    again = taigan("init")
    assert again.returncode == 2
    assert "left as it is" in again.stderr
    (tmp_path / "bolink.key").write_text("key")
    run = taigan(
        "run", "--test-lot", "--hub-listen", f"127.0.0.1:{free_port()}", "--callback", f"http://127.0.0.1:{free_port()}"
    )
    assert run.returncode == 3, run.stderr


def test_cases_are_listed_and_explained() -> None:
    assert len(here("conformance", "list")[1]) == 138
    assert len(json.loads("".join(here("conformance", "list", "--json", "--profile", "entry")[1]))) == 31
    said = "\n".join(here("conformance", "explain", "5.7/06")[1])
    assert "The driver would pay twice and one space stays taken." in said
    assert "https://www.kancloud.cn/bolink/sdk/510113" in said
    code, lines = here("conformance", "explain", "5.7/6")
    assert code == 2
    assert "did you mean" in "\n".join(lines)


@beside
def test_only_what_was_red_is_run_again_and_the_announcement_counts_and_names_the_time(tmp_path: Path) -> None:
    with example(tmp_path, replaced('"errmsg": "车道不存在，请联系管理员"', '"errmsg": ""')) as taigan:
        first = taigan("run", "--case", "5.7/04", "--case", "5.7/09", *QUICK)
        assert first.returncode == 1
        assert "about 2 orders" in first.stdout
        again = taigan("run", "--failed", "out", "--report", "again", *QUICK)
        assert again.returncode == 1
        assert "makes one order, with a plate that begins with TG. It takes about " in again.stdout
        report = json.loads((tmp_path / "again" / "report.json").read_text())
        assert [case["id"] for case in report["cases"]] == ["5.7/09"]
        assert taigan("run", "--failed", "nowhere", *QUICK).returncode == 2
