"""What an edge and the platform ask of the broker between them, byte for byte, and how often an edge speaks unasked."""

from __future__ import annotations

from pathlib import Path
from random import Random

from support.servers.mqtt_listener import mqtt_listener
from support.stacks.barrier_bench import LANE, HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.drivers import Fleet
from taigan.barriers.edge.agent import EdgeAgent, read_edge_settings
from taigan.barriers.edge.cars import Cars
from taigan.barriers.edge.outbox import Outbox
from taigan.barriers.edge.wire import prefix

TOPIC = prefix(LANE.lot_id)


def agent(folder: Path, url: str, clock: HandClock) -> EdgeAgent:
    settings = {
        "lot_id": LANE.lot_id,
        "platform": {"broker": url},
        "lanes": [{"channel_id": LANE.channel_id, "barrier": {"driver": "hx-http", "serial": "hx1"}}],
    }
    return EdgeAgent(
        read_edge_settings(settings), Outbox(folder / "edge.jsonl"), Cars(folder / "cars.json"), clock, boot="run-1"
    )


async def test_what_an_edge_says_of_a_lane_is_asked_for_with_an_acknowledgement_and_its_beats_are_not() -> None:
    async with mqtt_listener() as listener:
        fleet = Fleet(Heard(), HandClock(), Random(1))
        fleet.add(LANE, {"driver": "edge", "broker": listener.url})
        await fleet.start()
        await listener.until(lambda: listener.subscribed)
        await fleet.stop()
        lane = f"{TOPIC}/{LANE.channel_id}"
        assert dict(listener.subscribed[0]) == {
            f"{TOPIC}/beat": 0,
            f"{TOPIC}/gone": 0,
            f"{lane}/outcome": 1,
            f"{lane}/event": 1,
            f"{lane}/state": 1,
        }


async def test_an_edge_leaves_a_last_will_that_the_broker_hands_over_for_sure_and_does_not_keep(tmp_path: Path) -> None:
    async with mqtt_listener() as listener:
        edge = agent(tmp_path, listener.url, HandClock())
        await edge.start()
        await listener.until(lambda: listener.connects)
        await edge.stop()
        [connect] = listener.connects
        will, quality, kept = connect[7] & 0b100, connect[7] >> 3 & 0b11, connect[7] & 0b10_0000
        assert (bool(will), quality, bool(kept)) == (True, 1, False)
        topic = f"{TOPIC}/gone".encode()
        assert connect.endswith(len(topic).to_bytes(2) + topic + b"\0\x05run-1")


async def test_an_edge_tells_its_lanes_as_they_are_with_every_sixth_beat(tmp_path: Path) -> None:
    clock = HandClock()
    async with mqtt_listener() as listener:

        def said() -> str:
            ends = {b"/beat": "b", b"/state": "s"}
            return "".join(kind for _, body in listener.published for end, kind in ends.items() if end in body)

        edge = agent(tmp_path, listener.url, clock)
        await edge.start()  # before there is a connection it speaks its first beat
        await listener.until(lambda: said() == "bs")
        for _ in range(11):
            await clock.waited_for(5)
            clock.advance(5)
        await listener.until(lambda: said().count("s") == 3)
        await edge.stop()
    assert said() == "bs" + "bbbbb" + "bs" + "bbbbbb" + "bs"
