"""What each of our processes does around its work: listen, stop when told, end with the process that started it."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import structlog
import uvicorn

from taigan.running.connections import LimitedProtocol, Places, places_for

log = structlog.get_logger("taigan.process")
GRACE = 2
"""Seconds that requests under way get to end in after a stop signal."""


class PortTaken(Exception):
    """The address cannot be listened on; the text names it and the key that sets it."""


def listen(host: str, port: int, key: str) -> socket.socket:
    """A listening socket. `key` is the setting that the port came from. Raises `PortTaken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sends small answers at once then
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise PortTaken(f"cannot listen on {host}, port {port} ({key}): {error.strerror or error}") from None
    listener.setblocking(False)
    return listener


STARTING_FAILED = range(2, 7)
"""Exit codes of a process that could not start; starting it again would not help."""
AGAIN_AFTER = 1.0
"""Seconds before a worker that died is replaced."""
STOP_WITHIN = 4.5
"""Seconds that a process gets to end in after a stop signal; one that does not is ended all the same."""
_STOPS = (signal.SIGTERM, signal.SIGINT)


def become_worker(count: int, *, with_parent: bool) -> int:
    """Return in each of `count` new processes, with its number from 0. This one stays behind: it passes on SIGTERM and
    SIGINT, replaces workers that die, and exits when all have ended. A worker ends when this process does: its standard
    input closes then.

    Must be called before there are threads or an event loop.
    """
    leash, held = os.pipe()
    workers: dict[int, int] = {}
    stopping = False

    def send(how: int) -> None:
        for pid in list(workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)

    def stop(*_: object) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            signal.setitimer(signal.ITIMER_REAL, STOP_WITHIN)
        send(signal.SIGTERM)

    def start(number: int) -> bool:
        """Whether this is the new worker."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        pid = 0 if stopping else os.fork()
        if pid:
            workers[pid] = number
        elif not stopping:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            os.close(held)
            os.dup2(leash, sys.stdin.fileno())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        return pid == 0 and not stopping

    for told in _STOPS:
        signal.signal(told, stop)
    signal.signal(signal.SIGALRM, lambda *_: send(signal.SIGKILL))
    for number in range(count):
        if start(number):
            return number
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    failed = 0
    while workers:
        pid, status = os.wait()
        number = workers.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if code in STARTING_FAILED and not stopping:
            failed = code
            stop()
        elif not stopping:
            log.warning("a worker ended, another takes its place", worker=number, exit_code=code)
            time.sleep(AGAIN_AFTER)
            if start(number):
                return number
    sys.exit(failed)


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(1)


def stop_when_told(*, with_parent: bool) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; whatever happens then, this process ends within `STOP_WITHIN` seconds.

    `with_parent` ends it at once when standard input closes: whoever started it is gone, killed perhaps, and the next
    one needs our files and ports. What was committed is safe.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def told() -> None:
        stop.set()
        limit = threading.Timer(STOP_WITHIN, _end_at_once, [loop])
        limit.daemon = True
        limit.start()

    for number in _STOPS:
        loop.add_signal_handler(number, told)
    if with_parent:
        leash = sys.stdin.fileno()

        def look() -> None:
            if not os.read(leash, 4096):
                os._exit(1)

        loop.add_reader(leash, look)
    return stop


def _end_at_once(loop: asyncio.AbstractEventLoop) -> None:
    log.error("did not end in time and is ended at once; what was committed is safe", seconds=STOP_WITHIN)
    for task in asyncio.all_tasks(loop):
        task.print_stack(file=sys.stderr)
    faulthandler.dump_traceback()
    os._exit(1)


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would end the process before ours is done."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


PORTS = 2
"""How many ports a process opens at most: each has its share of the descriptors."""


async def serve(
    app: Any,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    end_streams: Callable[[], None],
    trusted_proxies: Sequence[str] = (),
) -> None:
    """Serve an ASGI app until `stop` is set; `end_streams` is called then, and requests under way get `GRACE` seconds.

    An event stream that stays open would use up the grace. What a connection may cost is limited (`connections`). Of
    the addresses and networks in `trusted_proxies` it is believed for whom they ask (X-Forwarded-For, -Proto).
    """
    protocol: Any = partial(LimitedProtocol, places=Places(places_for(PORTS)))
    server = _Server(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_keep_alive=75,  # longer than a proxy's, so that the proxy is the one that closes
            timeout_graceful_shutdown=GRACE,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    end_streams()
    server.should_exit = True
    await serving
