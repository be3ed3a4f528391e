"""The connection to a broker: what is said to it, byte for byte, and what becomes of its answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest

from support.clock import PATIENCE
from support.servers.mqtt_listener import Listener, mqtt_listener
from support.stacks.barrier_bench import HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.site import Site
from taigan.barriers.watching.lane_watch import NotSent
from taigan.barriers.wires.broker import Broker, BrokerSettings

AT_MOST_ONCE, AT_LEAST_ONCE, REFUSED = 0, 1, 128


class Line:
    """Our end of the connection, and what it told its lanes."""

    def __init__(self, listener: Listener, broker: Broker) -> None:
        self.listener, self.broker = listener, broker
        self.told: list[tuple[bool, str]] = []
        self.news = asyncio.Event()

    def link(self, there: bool, reason: str) -> None:
        self.told.append((there, reason))
        self.news.set()

    async def first_word(self) -> tuple[bool, str]:
        async with asyncio.timeout(PATIENCE):
            await self.news.wait()
        return self.told[0]


@contextlib.asynccontextmanager
async def line(topics: Sequence[str] = ("a",), code: int = AT_MOST_ONCE, **who: str) -> AsyncIterator[Line]:
    async with mqtt_listener(code) as listener:
        site = Site(Heard(), HandClock(), Random(1))
        broker = Broker(BrokerSettings(broker=listener.url, **who), site)
        ours = Line(listener, broker)
        broker.listen(dict.fromkeys(topics, lambda _: None), ours.link)
        await broker.start()
        try:
            yield ours
        finally:
            await broker.stop()


async def test_a_broker_is_greeted_without_a_user_and_told_to_expect_a_word_every_fifteen_seconds() -> None:
    async with line() as ours:
        assert await ours.first_word() == (True, "")
        assert ours.broker.connected
        [connect] = ours.listener.connects
        assert connect[:7] == b"\0\x04MQTT\x04"
        assert connect[7] & 0b1100_0100 == 0, "a user, a password or a will"
        assert int.from_bytes(connect[8:10]) == 15


async def test_a_user_is_named_with_the_password() -> None:
    async with line(username="lot", password="secret") as ours:
        await ours.first_word()
        assert ours.listener.connects[0].endswith(b"\0\x03lot\0\x06secret")


async def test_bytes_that_a_broker_does_not_take_within_four_seconds_are_given_up() -> None:
    async with line() as ours:
        await ours.first_word()
        assert ours.broker._client is not None
        used = ours.broker._client._client.socket()
        assert used is not None
        assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 4000
        assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(("count", "asked"), [(200, [200]), (201, [200, 1]), (400, [200, 200])])
async def test_topics_are_asked_for_by_two_hundreds_and_each_once(count: int, asked: list[int]) -> None:
    async with line([f"lane/{number}" for number in range(count)]) as ours:
        assert await ours.first_word() == (True, "")
        assert [len(topics) for topics in ours.listener.subscribed] == asked
        assert len({topic for topics in ours.listener.subscribed for topic, _ in topics}) == count


async def test_a_broker_that_refuses_a_topic_is_not_there() -> None:
    async with line(["a", "b"], REFUSED) as ours:
        there, reason = await ours.first_word()
        assert not there
        assert reason.endswith("the broker does not let us subscribe to a")
        assert not ours.broker.connected


async def test_what_one_wants_to_hear_for_sure_is_asked_for_so_whoever_else_listens() -> None:
    async with line() as ours:
        await ours.first_word()
        assert ours.listener.subscribed == [[("a", AT_MOST_ONCE)]]
        ours.broker.listen({"a": lambda _: None}, qos=AT_LEAST_ONCE)
        await ours.listener.until(lambda: len(ours.listener.subscribed) == 2)
        ours.broker.listen({"a": lambda _: None, "b": lambda _: None})
        await ours.listener.until(lambda: len(ours.listener.subscribed) == 3)
        assert ours.listener.subscribed[1:] == [[("a", AT_LEAST_ONCE)], [("a", AT_LEAST_ONCE), ("b", AT_MOST_ONCE)]]


async def test_a_command_is_neither_repeated_nor_kept_by_the_broker() -> None:
    async with line() as ours:
        await ours.first_word()
        await ours.broker.publish("door", b"open")
        await ours.listener.until(lambda: ours.listener.published)
        assert ours.listener.published == [(0, b"\0\x04dooropen")]


async def test_what_is_said_without_a_connection_surely_did_not_leave() -> None:
    broker = Broker(BrokerSettings(broker="mqtt://127.0.0.1"), Site(Heard(), HandClock(), Random(1)))
    assert not broker.connected
    with pytest.raises(NotSent, match="not connected"):
        await broker.publish("door", b"open")


@pytest.mark.parametrize(
    ("address", "port"), [("mqtt://x", 1883), ("mqtts://x", 8883), ("mqtt://x:7", 7), ("mqtts://x:7", 7)]
)
async def test_a_broker_is_looked_for_at_its_usual_port_unless_another_is_named(address: str, port: int) -> None:
    made = Broker(BrokerSettings(broker=address), Site(Heard(), HandClock(), Random(1)))._make()
    assert (made._hostname, made._port, made.timeout) == ("x", port, 10)
