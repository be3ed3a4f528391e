"""The examples in docs/examples, run: nginx before a real platform; the systemd unit as systemd reads it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from support.clock import PATIENCE
from support.servers.ports import free_port
from support.servers.programs import program
from support.stacks.stack import Stack, eventually

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

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


BALANCER = """\
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_bind {address};
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto http;
        proxy_pass https://127.0.0.1:{behind};
    }}
}}
"""
"""A balancer as others run one: it adds who asked to whatever the caller says of himself."""
BALANCERS_ADDRESS = "127.0.0.5"
STRANGER = "127.0.0.9"
"""An address outside the networks that are let in."""


@pytest.fixture
async def through_nginx(
    stack: Stack, tmp_path: Path, certificate: tuple[Path, Path]
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that reaches the platform through nginx, with the example's lines but for ports and certificate."""
    port = free_port()
    async with nginx(tmp_path, example(stack, port, certificate), f"https://127.0.0.1:{port}") as session:
        yield session


@pytest.fixture
async def behind_balancer(
    stack: Stack, tmp_path: Path, certificate: tuple[Path, Path]
) -> AsyncIterator[aiohttp.ClientSession]:
    """A stranger who reaches the platform through a balancer and the example behind it, its lines for that in use."""
    port, front = free_port(), free_port()
    lines = example(stack, port, certificate)
    for there, here in (
        ("# set_real_ip_from 10.0.0.5;", f"set_real_ip_from {BALANCERS_ADDRESS};"),
        ("# real_ip_header", "real_ip_header"),
        ("# real_ip_recursive", "real_ip_recursive"),
    ):
        lines = replaced(lines, there, here)
    lines = lines.replace("allow 127.0.0.0/8;", "allow 127.0.0.1;") + BALANCER.format(
        port=front, address=BALANCERS_ADDRESS, behind=port
    )
    async with nginx(tmp_path, lines, f"http://127.0.0.1:{front}", STRANGER) as session:
        yield session


def example(stack: Stack, port: int, certificate: tuple[Path, Path]) -> str:
    lines = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
    for there, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("    listen [::]:443 ssl;\n", ""),
        ("/etc/ssl/parking.example.com.pem", str(certificate[0])),
        ("/etc/ssl/parking.example.com.key", str(certificate[1])),
        ("server 127.0.0.1:8801;", f"server 127.0.0.1:{urlsplit(stack.lot.url).port};"),
    ):
        lines = replaced(lines, there, here)
    return lines


def replaced(lines: str, there: str, here: str) -> str:
    assert lines.count(there) == 1, there
    return lines.replace(there, here)


@asynccontextmanager
async def nginx(
    folder: Path, lines: str, base: str, address: str = "127.0.0.1"
) -> AsyncIterator[aiohttp.ClientSession]:
    """nginx with these lines, and a client at that address of this machine."""
    configuration = folder / "nginx.conf"
    configuration.write_text(AROUND.format(folder=folder, example=lines), encoding="utf-8")
    configuration.chmod(0o644)
    log = str(folder / "error.log")
    command = [program("nginx", "nginx-light"), "-p", str(folder), "-c", str(configuration), "-e", log]
    if os.getuid() == 0:
        command += ["-g", "user root;"]  # its workers need the test's folder
    process = await asyncio.create_subprocess_exec(*command)
    connector = aiohttp.TCPConnector(ssl=False, local_addr=(address, 0))
    try:
        async with aiohttp.ClientSession(base, connector=connector) as session:

            async def ready() -> bool:
                assert process.returncode is None, (folder / "error.log").read_text()
                try:
                    async with session.post("/bolink") as answer:
                        return answer.status < 500
                except aiohttp.ClientError:
                    return False

            await eventually(ready, within=60)
            yield session
    finally:
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
    for path in ("/metrics", "/healthz"):
        async with through_nginx.get(path) as answer:
            assert answer.status == 404, path


async def test_the_console_is_there_and_its_cookies_are_for_https_alone(through_nginx: aiohttp.ClientSession) -> None:
    async with through_nginx.get("/sign-in", headers={"X-Forwarded-Proto": "http"}) as answer:
        assert answer.status == 200
        assert_is_for_https_alone(answer)


async def test_behind_a_balancer_a_stranger_is_who_he_is_whatever_he_says(
    behind_balancer: aiohttp.ClientSession, stack: Stack
) -> None:
    for number, said in enumerate(("", "127.0.0.1", f"10.1.1.1, {BALANCERS_ADDRESS}", "nobody")):
        headers = {"X-Forwarded-For": said, "X-Real-IP": said} if said else {}
        for path in ("/api/v1/lots", "/devices/none", "/readyz", "/sign-in", "/"):
            async with behind_balancer.get(path, headers=headers) as answer:
                assert answer.status == 403, path
        message = stack.message("A9", f"NGX001{number}")
        forged = message.replace(b'"sign":"', b'"sign":"0')
        async with behind_balancer.post("/bolink", data=forged, headers=headers) as answer:
            assert answer.status == 401
        async with behind_balancer.post("/bolink", data=message, headers=headers) as answer:
            assert (answer.status, (await answer.json(content_type=None))["car_number"]) == (200, f"NGX001{number}")
    assert f'"peer":"{STRANGER}","times":4' in stack.logs()


def assert_is_for_https_alone(answer: aiohttp.ClientResponse) -> None:
    kept = answer.headers.getall("Set-Cookie")
    assert any(cookie.startswith("__Host-session=") for cookie in kept)
    assert all("; Secure" in cookie and "; HttpOnly" in cookie for cookie in kept)


async def test_the_event_stream_is_not_held_back(through_nginx: aiohttp.ClientSession, stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.ready['lot']['api_token']}"}
    lane = stack.lane("A1")
    async with through_nginx.get(f"{stack.lot_path}/events", headers=headers) as events:
        await lane.car("arrives")
        async with asyncio.timeout(PATIENCE):
            while b"arrived" not in await events.content.readline():
                pass


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
