"""The protocol by itself: built, installed beside msgspec and nothing else, and calling BoLink as the docs say."""

from __future__ import annotations

import asyncio
import email
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from hub.sides import KEY, PARK_ID, UNION_ID, FakeLot, running_side, serving_lot
from support.clock import ManualClock

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "packages" / "bolink"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = subprocess.run([*command, "-w", str(folder), str(PACKAGE)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr + "\nhatchling and pip are needed: make dev"
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel and msgspec."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder, symlinks=True, with_pip=False)
    [packages] = folder.glob("lib/python3*/site-packages")
    for file in distribution("msgspec").files or ():
        place = packages / str(file)
        if packages in place.resolve().parents:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(Path(str(file.locate())))
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--quiet", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return python


def run(python: Path, *arguments: str, cwd: Path) -> str:
    command = [str(python), "-I", "-W", "error", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_brings_msgspec_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        [name] = [name for name in opened.namelist() if name.endswith("METADATA")]
        metadata = email.message_from_bytes(opened.read(name))
        files = {name for name in opened.namelist() if ".dist-info/" not in name}
    assert metadata.get_all("Requires-Dist") == ["msgspec>=0.20"]
    source = ROOT / "src" / "taigan" / "bolink"
    here = {path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert files == {f"taigan/bolink/{path.relative_to(source)}" for path in here}


def test_its_version_is_the_platforms() -> None:
    one, other = (tomllib.loads((folder / "pyproject.toml").read_text("utf-8")) for folder in (ROOT, PACKAGE))
    assert one["project"]["version"] == other["project"]["version"]
    assert other["project"]["dependencies"][0] in one["project"]["dependencies"]


def test_every_module_is_imported_and_what_it_knows_is_there(python: Path, tmp_path: Path) -> None:
    code = (
        "import sys; before = set(sys.modules)\n"  # some systems' Python brings a sitecustomize
        "import importlib, pkgutil, taigan.bolink as bolink\n"
        "for found in pkgutil.walk_packages(bolink.__path__, 'taigan.bolink.'): importlib.import_module(found.name)\n"
        "print(len(bolink.CATALOGUE), sorted({name.partition('.')[0] for name in {*sys.modules} - before} - "
        "set(sys.stdlib_module_names)))"
    )
    assert run(python, "-c", code, cwd=tmp_path).strip() == "62 ['msgspec', 'taigan']"


@pytest.mark.parametrize("page", ["docs/vendors.md", "docs/vendors.en.md", "packages/bolink/README.md"])
async def test_the_ten_lines_of_the_docs_call_bolink(python: Path, tmp_path: Path, page: str) -> None:
    [code] = re.findall(r"^```python[^\n]*\n(import asyncio\n.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S)
    lines = [line for line in code.splitlines() if line.strip() and not line.startswith(("import", "from"))]
    assert len(lines) <= 10
    async with serving_lot(FakeLot()) as lot, running_side(tmp_path, ManualClock(), lot.url) as side:
        code = code.replace("from taigan.bolink import TEST,", "from taigan.bolink import Addresses,")
        code = code.replace("addresses=TEST", f'addresses=Addresses.at("{side.url}")')
        code = code.replace("http://127.0.0.1:8802", side.url).replace('"…"', f'"{KEY}"')
        code = code.replace("200002", UNION_ID).replace("21787", PARK_ID)
        (tmp_path / "call_bolink.py").write_text(code, encoding="utf-8")
        said = await asyncio.to_thread(run, python, "call_bolink.py", cwd=tmp_path)
        assert "state=1" in said
        assert [one["order_id"] for one in (await side.get("/admin/entries"))["items"]] == ["o1"]
