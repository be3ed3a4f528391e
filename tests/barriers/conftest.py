"""The broker that the drivers over MQTT share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.servers.mosquitto import Broker, mosquitto_broker


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A Mosquitto of our own."""
    with mosquitto_broker() as running:
        yield running
