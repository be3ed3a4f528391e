"""The emulated Hikvision and Dahua gates, asked by two HTTP libraries that are not ours."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from requests.auth import HTTPDigestAuth

from support.clock import PATIENCE
from support.servers.ports import free_port
from support.stacks.barrier_bench import workbench
from taigan.devices.electronics.device import Fault
from taigan.devices.electronics.digest import LOCKED_AFTER
from taigan.devices.electronics.gate import HttpGate
from taigan.devices.makes.dahua import DahuaGate
from taigan.devices.makes.hikvision import HikvisionGate

OPEN = '<?xml version="1.0" encoding="UTF-8"?><BarrierGate><ctrlMode>{}</ctrlMode></BarrierGate>'
USER, PASSWORD = "admin", "p@ss:word"


def barrier(driver: str) -> dict[str, Any]:
    return {"driver": driver, "url": f"http://127.0.0.1:{free_port()}", "username": USER, "password": PASSWORD}


def by_httpx(method: str, url: str, password: str = PASSWORD, content: str = "") -> tuple[int, str]:
    with httpx.Client(auth=httpx.DigestAuth(USER, password), trust_env=False, timeout=PATIENCE) as client:
        answer = client.request(method, url, content=content.encode())
        return answer.status_code, answer.text


def by_requests(method: str, url: str, password: str = PASSWORD, content: str = "") -> tuple[int, str]:
    with requests.Session() as session:
        session.trust_env = False
        auth = HTTPDigestAuth(USER, password)
        answer = session.request(method, url, auth=auth, data=content.encode(), timeout=PATIENCE)
        return answer.status_code, answer.text


@pytest.mark.parametrize("library", [by_httpx, by_requests])
async def test_hikvision_opens_and_tells_its_position(tmp_path: Path, library: Any) -> None:
    async with workbench(tmp_path, barrier("hikvision-isapi")) as (gate, script):
        assert isinstance(gate, HikvisionGate)
        url = f"http://127.0.0.1:{gate.port}/ISAPI/Parking/channels/1/barrierGate"
        status, text = await asyncio.to_thread(library, "GET", f"{url}/barrierGateStatus")
        assert (status, "<barrierGateStatus>1<" in text) == (200, True)
        status, text = await asyncio.to_thread(library, "PUT", url, content=OPEN.format("open"))
        assert (status, "<statusCode>1<" in text) == (200, True)
        await script.until(barrier="open", lifts=1)
        _, text = await asyncio.to_thread(library, "GET", f"{url}/barrierGateStatus")
        assert "<barrierGateStatus>2<" in text
        await asyncio.to_thread(library, "PUT", url, content=OPEN.format("lock"))
        await script.until(held=True)
        await asyncio.to_thread(library, "PUT", url, content=OPEN.format("unlock"))
        await script.until(held=False, barrier="closed")


async def test_hikvision_says_what_it_does_not_support(tmp_path: Path) -> None:
    async with workbench(tmp_path, barrier("hikvision-isapi")) as (gate, script):
        assert isinstance(gate, HttpGate)
        url = f"http://127.0.0.1:{gate.port}/ISAPI/Parking/channels/1/barrierGate"
        status, text = await asyncio.to_thread(by_httpx, "PUT", url, content=OPEN.format("dance"))
        assert (status, "<statusCode>4<" in text) == (403, True)
        status, text = await asyncio.to_thread(by_httpx, "PUT", url, content="<not xml")
        assert (status, "<statusCode>5<" in text) == (400, True)
        status, _ = await asyncio.to_thread(by_httpx, "GET", f"http://127.0.0.1:{gate.port}/ISAPI/else")
        assert status == 404
        assert (await script.get())["lifts"] == 0


async def test_a_locked_gate_accepts_and_stays_down(tmp_path: Path) -> None:
    async with workbench(tmp_path, barrier("hikvision-isapi")) as (gate, script):
        assert isinstance(gate, HttpGate)
        await script.put(mode="locked")
        url = f"http://127.0.0.1:{gate.port}/ISAPI/Parking/channels/1/barrierGate"
        _, text = await asyncio.to_thread(by_httpx, "PUT", url, content=OPEN.format("open"))
        assert "<statusCode>1<" in text
        assert (await script.get())["barrier"] == "closed"


@pytest.mark.parametrize("library", [by_httpx, by_requests])
async def test_dahua_opens_and_says_ok(tmp_path: Path, library: Any) -> None:
    async with workbench(tmp_path, barrier("dahua-cgi")) as (gate, script):
        assert isinstance(gate, DahuaGate)
        url = f"http://127.0.0.1:{gate.port}/cgi-bin/trafficSnap.cgi?action=openStrobe&channel=1"
        plate = "&info.openType=Normal&info.plateNumber=%E6%97%A0"
        status, text = await asyncio.to_thread(library, "GET", url + plate)
        assert (status, text.strip()) == (200, "OK")
        assert (await script.get())["lifts"] == 1
        status, _ = await asyncio.to_thread(library, "GET", url)
        assert status == 400


@pytest.mark.parametrize("library", [by_httpx, by_requests])
async def test_a_wrong_password_locks_the_account_in_the_end(tmp_path: Path, library: Any) -> None:
    async with workbench(tmp_path, barrier("dahua-cgi")) as (gate, _):
        assert isinstance(gate, HttpGate)
        url = f"http://127.0.0.1:{gate.port}/cgi-bin/trafficSnap.cgi?action=openStrobe&channel=1&info.openType=Normal"
        for _ in range(LOCKED_AFTER):
            assert (await asyncio.to_thread(library, "GET", url, "wrong"))[0] == 401
        assert gate.gatekeeper.locked
        assert (await asyncio.to_thread(library, "GET", url))[0] == 401


async def test_faults_can_be_switched_at_the_door_for_scripts(tmp_path: Path) -> None:
    async with workbench(tmp_path, barrier("dahua-cgi")) as (gate, script):
        assert isinstance(gate, HttpGate)
        url = f"{script.lane_url('A1')}/device"
        async with script.session.put(url, json={"fault": "unplugged"}) as answer:
            assert (await answer.json())["fault"] == "unplugged"
        with pytest.raises(OSError, match="Connect"):
            await asyncio.open_connection("127.0.0.1", gate.port)
        async with script.session.put(url, json={"fault": ""}) as answer:
            assert answer.status == 200
        _, writer = await asyncio.open_connection("127.0.0.1", gate.port)
        writer.close()
        for wrong in ({"fault": "tired"}, {}, [], {"volume": 3}, {"plate": "粤B12345"}):
            async with script.session.put(url, json=wrong) as answer:
                assert answer.status == 400
        async with script.session.get(url) as answer:
            assert (await answer.json())["device"] == "DahuaGate"


@pytest.mark.parametrize("driver", ["dahua-cgi", "hikvision-isapi"])
async def test_any_bytes_do_not_bring_it_down(tmp_path: Path, driver: str) -> None:
    async with workbench(tmp_path, barrier(driver)) as (gate, script):
        assert isinstance(gate, HttpGate)
        for noise in (os.urandom(10_000), b"GET / HTTP/1.1\r\nAuthorization: Digest " + os.urandom(500) + b"\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
            writer.write(noise)
            writer.write_eof()
            await reader.read()
            writer.close()
        assert gate.fault is Fault.NONE
        status, _ = await asyncio.to_thread(by_httpx, "GET", f"http://127.0.0.1:{gate.port}/")
        assert status in (400, 404)
        assert (await script.get())["lifts"] == 0
