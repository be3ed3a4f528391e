"""The examples in docs/examples, run: nginx before a real platform; the systemd unit as systemd reads it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from support.ports import free_port
from support.programs import program
from support.stack import Stack, eventually

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"

AROUND = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{example}
}}
"""


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """For a day, and its key."""
    made = tmp_path / "cert.pem", tmp_path / "cert.key"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    files = ["-subj", "/CN=parking.example.com", "-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run(["openssl", "req", "-x509", *kind, *files], check=True, stderr=subprocess.DEVNULL)
    return made


@pytest.fixture
async def through_nginx(
    stack: Stack, tmp_path: Path, certificate: tuple[Path, Path]
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that reaches the platform through nginx, with the example's lines but for ports and certificate."""
    port, example = free_port(), (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
    for there, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("    listen [::]:443 ssl;\n", ""),
        ("/etc/ssl/parking.example.com.pem", str(certificate[0])),
        ("/etc/ssl/parking.example.com.key", str(certificate[1])),
        ("server 127.0.0.1:8801;", f"server 127.0.0.1:{urlsplit(stack.lot.url).port};"),
    ):
        assert example.count(there) == 1, there
        example = example.replace(there, here)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(AROUND.format(folder=tmp_path, example=example), encoding="utf-8")
    configuration.chmod(0o644)
    command = [
        program("nginx", "nginx-light"),
        "-p",
        str(tmp_path),
        "-c",
        str(configuration),
        "-e",
        str(tmp_path / "error.log"),
    ]
    if os.getuid() == 0:
        command += ["-g", "user root;"]  # its workers need the test's folder
    process = await asyncio.create_subprocess_exec(*command)
    base = f"https://127.0.0.1:{port}"
    async with aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(ssl=False)) as session:

        async def ready() -> bool:
            assert process.returncode is None, (tmp_path / "error.log").read_text()
            try:
                async with session.get("/readyz") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await eventually(ready)
        yield session
    process.terminate()
    await process.wait()


async def test_bolink_reaches_the_platform_through_nginx(through_nginx: aiohttp.ClientSession, stack: Stack) -> None:
    async with through_nginx.post("/bolink", data=stack.message("A9", "NGX0001")) as answer:
        assert answer.status == 200
        assert (await answer.json(content_type=None))["car_number"] == "NGX0001"
    async with through_nginx.post("/bolink/nolicence_in_park", data=b'{"data":{"union_id":1}}') as answer:
        assert (answer.status, (await answer.json(content_type=None))["state"]) == (401, 0)


async def test_a_body_that_is_too_large_gets_the_platforms_own_answer(through_nginx: aiohttp.ClientSession) -> None:
    async with through_nginx.post("/bolink", data=b"x" * 100_000) as answer:
        assert (answer.status, (await answer.json(content_type=None))["state"]) == (413, 0)


async def test_the_api_is_there_and_the_metrics_are_not(through_nginx: aiohttp.ClientSession, stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.ready['lot']['api_token']}"}
    async with through_nginx.get(f"{stack.lot_path}/lanes", headers=headers) as answer:
        assert answer.status == 200
    for path in ("/metrics", "/healthz", "/"):
        async with through_nginx.get(path) as answer:
            assert answer.status == 404, path


async def test_the_event_stream_is_not_held_back(through_nginx: aiohttp.ClientSession, stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.ready['lot']['api_token']}"}
    lane = stack.lane("A1")
    await lane.clear()
    async with through_nginx.get(f"{stack.lot_path}/events", headers=headers) as events:
        await lane.car("arrives")
        async with asyncio.timeout(10):
            while b"arrived" not in await events.content.readline():
                pass
    await lane.clear()


def test_systemd_takes_the_unit_as_it_is(tmp_path: Path) -> None:
    unit = (EXAMPLES / "taigan.service").read_text(encoding="utf-8")
    started = re.search(r"^ExecStart=(\S+) lot --config \S+$", unit, re.MULTILINE)
    assert started is not None
    copy = tmp_path / "taigan.service"
    copy.write_text(unit.replace(started[1], program("true", "coreutils")), encoding="utf-8")
    verified = subprocess.run(
        [program("systemd-analyze", "systemd"), "verify", str(copy)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stdout) == (0, "")


def test_systemd_rates_the_unit_as_well_closed() -> None:
    command = [program("systemd-analyze", "systemd"), "security", "--offline=yes", str(EXAMPLES / "taigan.service")]
    rated = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    exposure = re.search(r"Overall exposure level for taigan.service: (\d+\.\d+)", rated)
    assert exposure is not None, rated
    assert float(exposure[1]) < 3
