"""`taigan devices`, `taigan edge` and `taigan barrier test`, from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.servers.ports import free_port


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """One lot with a gate that is emulated, and a camera that posts."""
    file = tmp_path / "taigan.toml"
    file.write_text(
        f"""data_dir = "data"
[lot]
port = {free_port()}
database_url = "postgresql://nobody@127.0.0.1:1/none"
api_tokens = {{ me = "0123456789abcdef" }}
[lanes]
port = {free_port()}
[[vendors]]
union_id = 200002
key = "0123456789abcdef"
[[lots]]
union_id = 200002
park_id = 7
spaces = 10
[[lots.lanes]]
channel_id = "A1"
barrier = {{ driver = "dahua-cgi", url = "http://127.0.0.1:{free_port()}", username = "admin", password = "abc" }}
[[lots.lanes]]
channel_id = "A2"
barrier = {{ driver = "hx-http", serial = "hx1" }}
""",
        "utf-8",
    )
    return file


def taigan(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "taigan", *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_lane_is_tried_out_directly_and_everything_is_told(config: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "taigan", "devices", "--config", config], stderr=subprocess.PIPE, text=True
    ) as devices:
        assert devices.stderr is not None
        try:
            assert any("devices at" in line for line in devices.stderr), "it did not start"
            tried = taigan("barrier", "test", "A1", "--direct", "--config", config)
        finally:
            devices.terminate()
    assert tried.returncode == 0, tried.stderr
    assert "it acknowledges, does not report the arm, does not see cars" in tried.stdout
    assert "accepted" in tried.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("barrier", "test", "Z9"), "no lane is called Z9; there are 200002-7/A1, 200002-7/A2"),
        (("lot", "--workers", "2"), "the driver hx-http of lane 200002-7/A2 needs one process; put it at an edge"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(config: Path, words: tuple[str, ...], says: str) -> None:
    said = taigan(*words, "--config", config)
    assert (said.returncode, says in said.stderr) == (2, True), said.stderr


def test_an_edge_without_its_settings_says_so(tmp_path: Path) -> None:
    said = taigan("edge", "--config", tmp_path / "edge.toml")
    assert (said.returncode, "cannot be read" in said.stderr) == (2, True)
    wrong = tmp_path / "edge.toml"
    wrong.write_text('lot_id = "1-1"\n[platform]\nbroker = "http://x"\n', "utf-8")
    said = taigan("edge", "--config", wrong)
    assert (said.returncode, "mqtt://" in said.stderr) == (2, True)


def test_an_edge_that_cannot_keep_events_says_so(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    edge = tmp_path / "edge.toml"
    edge.write_text(
        """lot_id = "1-1"
data_dir = "a file"
platform = { broker = "mqtt://127.0.0.1:1" }
[[lanes]]
channel_id = "A1"
barrier = { driver = "hx-http", serial = "hx1" }
""",
        "utf-8",
    )
    said = taigan("edge", "--config", edge)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1), said.stderr
    assert "a file/edge.jsonl cannot be written" in said.stderr


def test_a_platform_that_does_not_answer_is_said_with_the_way_past_it(config: Path) -> None:
    said = taigan("barrier", "test", "A1", "--config", config)
    assert (said.returncode, "--direct goes past it" in said.stderr) == (1, True)
