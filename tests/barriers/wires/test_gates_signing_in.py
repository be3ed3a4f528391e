"""How gates let us in, how their answers come, and whose certificate they show."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from support.servers.certificates import fingerprint, self_signed
from support.servers.ports import free_port
from support.stacks.barrier_bench import Bench, bench
from taigan.barriers.barrier import EventKind, Outcome
from taigan.barriers.drivers import BadSettings, read_settings
from taigan.devices.electronics.device import Fault

GATES = ["hikvision-isapi", "dahua-cgi"]


def settings(driver: str, **others: Any) -> dict[str, Any]:
    asks = {"ask_every": 3600} if driver == "hikvision-isapi" else {}
    port = free_port()
    return {
        "driver": driver,
        "url": f"http://127.0.0.1:{port}",
        "username": "admin",
        "password": "p@ss:word",
        **asks,
        **others,
    }


@asynccontextmanager
async def gate(folder: Path, driver: str, fault: Fault, **others: Any) -> AsyncIterator[Bench]:
    async with bench(folder, settings(driver), **others) as lane:
        await lane.device.set_fault(fault)
        yield lane


@pytest.mark.parametrize("driver", GATES)
async def test_a_gate_that_offers_basic_only_is_opened(tmp_path: Path, driver: str) -> None:
    async with gate(tmp_path, driver, Fault.BASIC_ONLY) as lane:
        for _ in range(3):
            await lane.opened()
        assert EventKind.FAULT not in lane.heard.kinds()


@pytest.mark.parametrize("driver", GATES)
async def test_a_wrong_password_by_basic_is_tried_once(tmp_path: Path, driver: str) -> None:
    async with gate(tmp_path, driver, Fault.BASIC_ONLY, device={"password": "another"}) as lane:
        for _ in range(3):
            assert (await lane.open()).outcome is Outcome.REJECTED
        assert lane.device.gatekeeper.refused == 1
        await lane.heard.until(EventKind.FAULT)


async def test_a_gate_that_knows_digest_is_never_shown_the_password_itself(tmp_path: Path) -> None:
    async with gate(tmp_path, "dahua-cgi", Fault.NONE) as lane:
        await lane.opened()
        await lane.device.set_fault(Fault.BASIC_ONLY)  # somebody in between answers for it
        assert (await lane.open()).outcome is Outcome.REJECTED
        assert lane.device.gatekeeper.refused == 0
        assert (await lane.script.get())["lifts"] == 1


@pytest.mark.parametrize("driver", GATES)
async def test_403_to_an_old_nonce_asks_for_a_fresh_one(tmp_path: Path, driver: str) -> None:
    async with gate(tmp_path, driver, Fault.FORBIDS_OLD_NONCE) as lane:
        for _ in range(3):
            await lane.opened()
        assert EventKind.FAULT not in lane.heard.kinds()


@pytest.mark.parametrize("driver", GATES)
async def test_an_answer_in_pieces_is_read_to_its_end(tmp_path: Path, driver: str) -> None:
    async with gate(tmp_path, driver, Fault.PIECES) as lane:
        await lane.opened()


class TlsGate:
    """A Dahua gate behind a certificate."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(cert, key)
        self.opened = 0
        self.url = ""

    async def __aenter__(self) -> TlsGate:
        async def serve(request: web.Request) -> web.Response:
            self.opened += 1
            return web.Response(text="OK\r\n")

        app = web.Application()
        app.router.add_get("/{path:.*}", serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.url = f"https://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()


async def test_a_certificate_that_nobody_vouches_for_gets_no_command(tmp_path: Path) -> None:
    async with (
        TlsGate(*self_signed(tmp_path)) as tls,
        bench(tmp_path, settings("dahua-cgi"), driver={"url": tls.url}) as lane,
    ):
        result = await lane.open()
        assert (result.outcome, "`fingerprint`" in result.reason) == (Outcome.REJECTED, True)
        assert tls.opened == 0


async def test_a_certificate_is_trusted_by_its_fingerprint_and_no_other_is(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    async with TlsGate(cert, key) as tls:
        right = {"url": tls.url, "fingerprint": fingerprint(cert)}
        async with bench(tmp_path / "right", settings("dahua-cgi"), driver=right) as lane:
            await lane.opened()
        wrong = {"url": tls.url, "fingerprint": "ab" * 32}
        async with bench(tmp_path / "wrong", settings("dahua-cgi"), driver=wrong) as lane:
            result = await lane.open()
            assert (result.outcome, "`fingerprint`" in result.reason) == (Outcome.REJECTED, True)
        assert tls.opened == 1


async def test_a_certificate_is_trusted_by_a_file(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    async with TlsGate(cert, key) as tls:
        driver = {"url": tls.url, "ca_file": str(cert)}
        async with bench(tmp_path, settings("dahua-cgi"), driver=driver) as lane:
            await lane.opened()
        assert tls.opened == 1


@pytest.mark.parametrize(
    ("wrong", "key"),
    [({"fingerprint": "abc"}, "fingerprint"), ({"fingerprint": "ab" * 32, "ca_file": "/x"}, "ca_file")],
)
def test_wrong_settings_of_certificates_name_the_key(wrong: dict[str, str], key: str) -> None:
    with pytest.raises(BadSettings, match=f"`{key}`"):
        read_settings(settings("dahua-cgi", **wrong))
