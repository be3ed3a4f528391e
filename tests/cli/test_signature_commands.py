"""`taigan sign` and `taigan explain-signature`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taigan.bolink import open_envelope, sign, verify

KEY = "NQ0eSXs720170114"
DATA = '{"union_id":200002,"park_id":"7","car_number":"京A12345"}'


def taigan(folder: Path, *arguments: str, given: str = "", **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "taigan", *arguments],
        cwd=folder,
        env=os.environ | environment,
        input=given.encode(),
        capture_output=True,
        timeout=60,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "taigan.toml").write_text(
        f'[[vendors]]\nunion_id = 200002\nkey = "{KEY}"\n[[vendors]]\nunion_id = 200003\nkey = "another key"\n'
    )
    (tmp_path / "key").write_text(f"{KEY}\n")
    return tmp_path


def body(signature: str) -> str:
    return f'{{"data":{DATA},"sign":"{signature}"}}'


def test_sign_prints_the_signature_and_hides_the_key(folder: Path) -> None:
    code, said, how = taigan(folder, "sign", "--key-file", "key", given=DATA + "\n")
    assert (code, said.strip()) == (0, sign(DATA.encode(), KEY))
    assert f"{DATA}key=••••" in how
    assert KEY not in said + how


def test_sign_takes_a_whole_body_and_the_vendors_key(folder: Path) -> None:
    (folder / "body.json").write_text(body("old"))
    code, said, _ = taigan(folder, "sign", "body.json", "--body")
    envelope = open_envelope(said.encode())
    assert code == 0
    assert envelope.text == DATA.encode()
    assert verify(envelope.text, envelope.sign, KEY)


def test_a_right_signature_is_said_to_be_right(folder: Path) -> None:
    code, said, _ = taigan(folder, "explain-signature", "-", given=body(sign(DATA.encode(), KEY)), TAIGAN_KEY=KEY)
    assert code == 0
    assert "签名正确" in said


def test_a_wrong_signature_is_explained_with_the_right_one_beside_it(folder: Path) -> None:
    text = json.dumps(json.loads(DATA), sort_keys=True, ensure_ascii=False, separators=(",", ":")) + f"key={KEY}"
    (folder / "body.json").write_text(body(hashlib.md5(text.encode()).hexdigest().upper()))
    code, said, _ = taigan(folder, "explain-signature", "body.json")
    assert code == 1
    assert "按键名排序" in said
    assert "keys sorted" in said
    assert sign(DATA.encode(), KEY) in said
    assert KEY not in said


def test_another_vendors_key_is_named(folder: Path) -> None:
    code, said, _ = taigan(folder, "explain-signature", "-", given=body(sign(DATA.encode(), "another key")))
    assert code == 1
    assert "another key was used: 200003" in said


def test_what_cannot_be_explained_is_not(folder: Path) -> None:
    code, said, _ = taigan(folder, "explain-signature", "-", given=body("0" * 32))
    assert code == 1
    assert "none of the usual mistakes" in said
    assert "has 40 digits" in taigan(folder, "explain-signature", "-", given=body("0" * 40))[1]


@pytest.mark.parametrize("content", ["", "not JSON", DATA])
def test_what_is_no_body_is_one_clear_sentence(folder: Path, content: str) -> None:
    code, _, said = taigan(folder, "explain-signature", "-", given=content)
    assert (code, said.count("\n")) == (2, 1)
    assert "no whole body" in said


def test_a_vendor_without_a_key_is_one_clear_sentence(folder: Path) -> None:
    code, _, said = taigan(folder, "sign", given=body("x").replace("200002", "9"))
    assert code == 2
    assert "no key for union_id 9" in said
