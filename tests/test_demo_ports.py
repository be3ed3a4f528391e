"""Each part of the demo gets a port of its own."""

from __future__ import annotations

import socket

import pytest

from taigan.demo.errors import PortTaken
from taigan.demo.ports import Ports


def test_any_free_port_is_never_found_twice() -> None:
    with Ports() as ports:
        found = [ports.find("127.0.0.1", 0, "device") for _ in range(500)]
    assert len(set(found)) == len(found)


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
