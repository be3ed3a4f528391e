"""How a process of ours ends."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import Any

import pytest

from support.clock import PATIENCE
from taigan.running.process import listen, serve

STOPS = """
import asyncio, time
from taigan.running import process

process.STOP_WITHIN = 0.3

async def main():
    stop = process.stop_when_told(with_parent=False)
    print("ready", flush=True)
    await stop.wait()
    HANGS

asyncio.run(main())
"""


@pytest.mark.parametrize("hangs", ["await asyncio.Event().wait()", "time.sleep(3600)"])
def test_a_process_that_hangs_in_its_stopping_ends_all_the_same_and_says_where_it_hung(hangs: str) -> None:
    program = STOPS.replace("HANGS", hangs)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(PATIENCE) == 1
        finally:
            process.kill()
        assert "in main" in process.stderr.read()


@pytest.mark.parametrize(
    ("trusted", "said", "seen"),
    [
        ((), "203.0.113.7", "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.7", "203.0.113.7"),
        (("127.0.0.0/8",), "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (("10.0.0.5",), "203.0.113.7", "127.0.0.1"),
    ],
)
async def test_only_trusted_proxies_are_believed_for_whom_they_ask(
    trusted: tuple[str, ...], said: str, seen: str
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = scope["client"][0].encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    stop = asyncio.Event()
    with listen("127.0.0.1", 0, "port") as listener:
        serving = asyncio.create_task(serve(app, listener, stop, end_streams=lambda: None, trusted_proxies=trusted))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: {said}\r\n\r\n".encode())
        assert (await reader.read()).endswith(f"\r\n\r\n{seen}".encode())
        writer.close()
        stop.set()
        await serving


def test_connections_leave_some_descriptors_to_the_rest() -> None:
    program = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
from taigan.running.connections import places_for
print(places_for(2), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    ran = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout.split() == ["68", "200", "200"]
