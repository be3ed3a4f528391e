"""Each part of the demo gets a port of its own."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from support.servers.ports import free_port
from taigan.demo.errors import PortTaken
from taigan.demo.ports import Ports


def test_any_free_port_is_never_found_twice() -> None:
    with Ports() as ports:
        found = [ports.find("127.0.0.1", 0, "device") for _ in range(500)]
    assert len(set(found)) == len(found)


def test_any_free_port_is_none_that_an_outgoing_connection_could_take_meanwhile() -> None:
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    with Ports() as ports:
        assert max(ports.find("127.0.0.1", 0, "lot") for _ in range(50)) < first_outgoing


def test_a_port_that_is_taken_is_not_found(free_port: int) -> None:
    class Chance(Random):
        def choices(self, population: Sequence[Any], *rest: Any, **more: Any) -> list[Any]:
            return [taken, taken, free_port]

    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with Ports(Chance()) as ports:
            assert ports.find("127.0.0.1", 0, "lot") == free_port
            with pytest.raises(PortTaken, match="can be used for the hub"):
                ports.find("127.0.0.1", 0, "hub")


@pytest.fixture(name="free_port")
def a_free_port() -> int:
    return free_port()


def test_a_port_is_free_for_its_part_when_all_are_chosen() -> None:
    with Ports() as ports:
        port = ports.find("127.0.0.1", 0, "lot")
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_two_parts_on_one_port_are_told_apart() -> None:
    with Ports() as ports:
        port = ports.find("127.0.0.1", 0, "lot")
        with pytest.raises(PortTaken, match=f"two parts cannot share port {port}; choose another with --hub-port"):
            ports.find("127.0.0.1", port, "hub")
