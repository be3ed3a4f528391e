"""What a driver's settings are where nobody sets them, as docs/barriers.md tells, and how far each may go."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from support.stacks.barrier_bench import LANE, HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import Sight
from taigan.barriers.drivers import BadSettings, Fleet, driver_named, read_settings
from taigan.barriers.edge.agent import read_edge_settings
from taigan.barriers.wires.broker import BrokerSettings
from taigan.barriers.wires.led import ScreenSettings

MQTT = {"driver": "vzenith-mqtt", "broker": "mqtt://127.0.0.1", "serial": "c5h"}
POSTING = {"driver": "vzenith-http", "serial": "c5h"}
HX = {"driver": "hx-http", "serial": "hx1"}
HIKVISION = {"driver": "hikvision-isapi", "url": "http://127.0.0.1", "username": "a", "password": "b"}
DAHUA = {"driver": "dahua-cgi", "url": "http://127.0.0.1", "username": "a", "password": "b"}
RELAY = {"driver": "modbus-relay", "host": "127.0.0.1"}
OWN_MQTT = {"driver": "mqtt", "broker": "mqtt://127.0.0.1"}
OWN_HTTP = {"driver": "http", "serial": "x", "url": "http://127.0.0.1", "secret": "0123456789abcdef"}
EDGE = {"driver": "edge", "broker": "mqtt://127.0.0.1"}

NOBODY = {"username": "", "password": "", "ca_file": "", "cert_file": "", "key_file": ""}
TRUSTED = {"ca_file": "", "fingerprint": ""}
WIRING = {
    "open_output": 0,
    "open_pulse": 1500,
    "close_output": 1,
    "close_pulse": 3000,
    "loop_input": 0,
    "under_input": -1,
    "loop_lit": 1,
    "position": False,
    "screen_channel": 0,
}


@pytest.mark.parametrize(
    ("barrier", "usual"),
    [
        (
            MQTT,
            {"wiring": WIRING, "prefix": "device/{serial}/message", "silent_after": 35, "open_with": "gpio_out"}
            | NOBODY,
        ),
        (POSTING, {"wiring": WIRING, "heartbeat_every": 30, "open_with": "info", "secret": "", "from": ""}),
        (HX, {"open_output": "io1", "close_output": "io2", "heartbeat_every": 10, "secret": "", "from": ""}),
        (
            HIKVISION,
            {"channel": 1, "timeout": 3, "ask_every": 10, "ask_busy": 0.3, "picture": ""} | TRUSTED,
        ),
        (DAHUA, {"channel": 1, "timeout": 3, "plate": "", "picture": ""} | TRUSTED),
        (
            RELAY,
            {"port": 502, "unit": 1, "framer": "tcp", "pulse": "timed", "pulse_ms": 700, "open_coil": 0}
            | {"close_coil": -1, "hold_coil": -1, "loop_input": -1, "under_input": -1, "up_input": -1}
            | {"down_input": -1, "inverted": (), "read_every": 0.2},
        ),
        (
            OWN_MQTT,
            {"prefix": "taigan/{lot_id}/{channel_id}", "position": True, "two_loops": False, "silent_after": 35}
            | NOBODY,
        ),
        (
            OWN_HTTP,
            {"position": True, "two_loops": False, "silent_after": 0, "timeout": 3, "from": ""}
            | {"signs_answers": False, "names_itself": False}
            | TRUSTED,
        ),
        (EDGE, {"silent_after": 15, "acknowledges": True, "position": False} | NOBODY),
    ],
    ids=lambda told: told.get("driver", "") if isinstance(told, dict) else "",
)
def test_what_is_not_set_is_as_the_docs_say(barrier: dict[str, Any], usual: dict[str, Any]) -> None:
    _, settings = read_settings(barrier)
    found = msgspec.to_builtins(settings)
    assert found.get("screen") is None
    set_here = {name: value for name, value in barrier.items() if name != "driver"}
    assert {name: value for name, value in found.items() if name != "screen"} == set_here | usual


def test_a_screen_has_four_rows_of_sixteen_and_a_voice() -> None:
    assert msgspec.to_builtins(ScreenSettings()) == {"address": "", "rows": 4, "width": 16, "voice": True}


def test_an_edge_keeps_its_events_beside_it_and_is_alive_every_five_seconds() -> None:
    edge = read_edge_settings(
        {"lot_id": "1-1", "platform": {"broker": "mqtt://x"}, "lanes": [{"channel_id": "A1", "barrier": HX}]}
    )
    assert (edge.devices_host, edge.devices_port, edge.open_devices, edge.beat_every) == ("127.0.0.1", 0, (), 5.0)
    assert (edge.outbox, edge.cars) == (Path("data/edge.jsonl"), Path("data/edge-cars.json"))
    assert edge.lanes[0].detector


FROM_TO = [
    (POSTING, "heartbeat_every", (0.001, 600), (0, 600.001)),
    (HX, "heartbeat_every", (0.001, 600), (0, 600.001)),
    (HIKVISION, "timeout", (0.001, 30), (0, 30.001)),
    (HIKVISION, "channel", (1, 64), (0, 65)),
    (HIKVISION, "ask_every", (0.1, 3600), (0.099, 3600.001)),
    (HIKVISION, "ask_busy", (0.1, 60), (0.099, 60.001)),
    (DAHUA, "channel", (1, 64), (0, 65)),
    (RELAY, "port", (1, 65535), (0, 65536)),
    (RELAY, "unit", (0, 255), (-1, 256)),
    (RELAY, "pulse_ms", (100, 10_000), (0, 50, 150, 10_100)),
    (RELAY, "open_coil", (0, 31), (-1, 32)),
    (RELAY, "close_coil", (-1, 31), (-2, 32)),
    (RELAY, "hold_coil", (-1, 31), (-2, 32)),
    (RELAY, "loop_input", (-1, 31), (-2, 32)),
    (RELAY, "read_every", (0.05, 10), (0.049, 10.001)),
    (OWN_HTTP, "silent_after", (0, 1), (-0.001,)),
    (EDGE, "silent_after", (0.001, 1), (0,)),
    (OWN_HTTP, "secret", ("s" * 16,), ("s" * 15,)),
    (POSTING, "secret", ("", "s" * 16, "s" * 64), ("s" * 15, "s" * 65, "s" * 15 + "/")),
    (POSTING, "serial", ("s", "s" * 64), ("", "s" * 65, "a b", "a+b", "a#b")),
    (DAHUA, "plate", ("", "无" * 10), ("无" * 11,)),
    (DAHUA, "picture", ("", "/", "/" + "x" * 199), ("x", "/a b", "/" + "x" * 200)),
    (HIKVISION, "picture", ("", "/", "/" + "x" * 199), ("x", "/a b", "/" + "x" * 200)),
    (HX, "open_output", ("io1", "io9"), ("io0", "io10", "1")),
    (DAHUA, "fingerprint", ("ab" * 32, ":".join(["AB"] * 32)), ("ab" * 31, "ab" * 33, "xy" * 32)),
    (OWN_MQTT, "prefix", ("a" * 128,), ("a" * 129, "a/+/b", "a/#", "a/{serial}", "a\n")),
]


@pytest.mark.parametrize(
    ("barrier", "key", "right", "wrong"), FROM_TO, ids=[f"{each[0]['driver']} {each[1]}" for each in FROM_TO]
)
def test_a_setting_may_go_so_far_and_no_further(
    barrier: dict[str, Any], key: str, right: tuple[object, ...], wrong: tuple[object, ...]
) -> None:
    for value in right:
        _, settings = read_settings(barrier | {key: value})
        assert msgspec.to_builtins(settings)[key] == value
    for value in wrong:
        with pytest.raises(BadSettings, match=f"`{key}`"):
            read_settings(barrier | {key: value})


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("open_output", (0, 3), (-1, 4)),
        ("open_pulse", (500, 5000), (499, 5001)),
        ("close_output", (-1, 3), (-2, 4)),
        ("close_pulse", (500, 5000), (499, 5001)),
        ("loop_input", (-1, 3), (-2, 4)),
        ("under_input", (-1, 3), (-2, 4)),
        ("loop_lit", (0, 1), (-1, 2)),
        ("screen_channel", (0, 1), (-1, 2)),
    ],
)
def test_a_cameras_wiring_may_go_so_far_and_no_further(
    key: str, right: tuple[int, ...], wrong: tuple[int, ...]
) -> None:
    for value in right:
        read_settings(MQTT | {"wiring": {key: value}})
    for value in wrong:
        with pytest.raises(BadSettings, match=f"`wiring.{key}`"):
            read_settings(MQTT | {"wiring": {key: value}})


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("rows", (1, 8), (0, 9)),
        ("width", (4, 64), (3, 65)),
        (
            "address",
            ("", "tcp://10.0.0.1:4196", "tcp://x:1"),
            ("10.0.0.1:4196", "tcp://x", "tcp://x:123456", "tcp://a b:1"),
        ),
    ],
)
def test_a_screen_may_go_so_far_and_no_further(key: str, right: tuple[Any, ...], wrong: tuple[Any, ...]) -> None:
    for value in right:
        read_settings(RELAY | {"screen": {key: value}})
    for value in wrong:
        with pytest.raises(BadSettings, match=f"`screen.{key}`"):
            read_settings(RELAY | {"screen": {key: value}})


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("lot_id", ("1", "1" * 64), ("", "1" * 65, "1/2", "1 2", "+")),
        ("devices_port", (0, 65535), (-1, 65536)),
        ("beat_every", (0.1, 60), (0.099, 60.001)),
        ("lanes", (), ([], [{"channel_id": "", "barrier": HX}], [{"channel_id": "A" * 17, "barrier": HX}])),
    ],
)
def test_an_edges_settings_may_go_so_far_and_no_further(
    key: str, right: tuple[Any, ...], wrong: tuple[Any, ...]
) -> None:
    edge = {"lot_id": "1-1", "platform": {"broker": "mqtt://x"}, "lanes": [{"channel_id": "A" * 16, "barrier": HX}]}
    read_edge_settings(edge)
    for value in right:
        assert getattr(read_edge_settings(edge | {key: value}), key) == value
    for value in wrong:
        with pytest.raises(BadSettings):
            read_edge_settings(edge | {key: value})


@pytest.mark.parametrize("url", ["http://x", "https://x:8443/path", "http://[::1]:80"])
def test_an_address_of_a_device_is_http_or_https(url: str) -> None:
    read_settings(DAHUA | {"url": url})


@pytest.mark.parametrize("url", ["", "x", "ftp://x", "http://", "http://x:0", "http://x:99999", "http://me@x"])
def test_what_is_no_address_of_a_device_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="`url`"):
        read_settings(DAHUA | {"url": url})


@pytest.mark.parametrize("broker", ["mqtt://x", "mqtts://x:8883", "mqtt://x:1"])
def test_a_broker_is_reached_in_the_clear_or_with_tls(broker: str) -> None:
    read_settings(OWN_MQTT | {"broker": broker})


@pytest.mark.parametrize("broker", ["", "x", "http://x", "mqtt://", "mqtt://x:0", "mqtt://x:99999", "mqtts://me@x"])
def test_what_is_no_broker_is_refused(broker: str) -> None:
    with pytest.raises(BadSettings, match="`broker`"):
        read_settings(OWN_MQTT | {"broker": broker})


@pytest.mark.parametrize("alone", ["cert_file", "key_file"])
def test_a_certificate_and_its_key_belong_together(alone: str) -> None:
    with pytest.raises(BadSettings, match="belong together"):
        read_settings(OWN_MQTT | {alone: "/x"})
    read_settings(OWN_MQTT | {"cert_file": "/x", "key_file": "/y"})


@pytest.mark.parametrize(
    ("broker", "who", "is_open"),
    [
        ("mqtt://127.0.0.1", {}, False),
        ("mqtt://localhost", {}, False),
        ("mqtt://[::1]:1883", {}, False),
        ("mqtt://10.0.0.1", {}, True),
        ("mqtt://10.0.0.1", {"username": "me"}, True),
        ("mqtts://10.0.0.1", {}, True),
        ("mqtts://10.0.0.1", {"username": "me"}, False),
        ("mqtts://10.0.0.1", {"cert_file": "/x", "key_file": "/y"}, False),
    ],
)
def test_a_broker_is_open_to_its_network_in_the_clear_or_without_a_user(
    broker: str, who: dict[str, str], is_open: bool
) -> None:
    assert BrokerSettings(broker=broker, **who).is_open is is_open


def test_lanes_share_a_connection_only_where_all_that_makes_it_is_the_same() -> None:
    one = BrokerSettings(broker="mqtts://x", username="me", password="p", ca_file="c", cert_file="/x", key_file="/y")
    assert one.key() == msgspec.structs.replace(one).key()
    for name in ("broker", "username", "password", "ca_file", "cert_file"):
        assert one.key() != msgspec.structs.replace(one, **{name: "mqtts://y"}).key()


@pytest.mark.parametrize(
    ("barrier", "detector", "sight"),
    [
        (MQTT, True, Sight(acknowledges=True, position=False, detector=True)),
        (MQTT, False, Sight(acknowledges=True, position=False, detector=False)),
        (MQTT | {"wiring": {"loop_input": -1, "position": True}}, True, Sight(True, True, False)),
        (POSTING, True, Sight(False, False, True, 30.0)),
        (POSTING | {"wiring": {"loop_input": -1}, "heartbeat_every": 5}, True, Sight(False, False, False, 5.0)),
        (HX, True, Sight(False, False, False, 10.0)),
        (HIKVISION, True, Sight(True, True, False)),
        (DAHUA, True, Sight(True, False, False)),
        (RELAY, True, Sight(True, False, False)),
        (RELAY | {"loop_input": 0, "up_input": 1}, True, Sight(True, True, True)),
        (RELAY | {"loop_input": 0, "down_input": 0}, False, Sight(True, True, False)),
        (OWN_MQTT, True, Sight(True, True, True)),
        (OWN_MQTT | {"position": False}, False, Sight(True, False, False)),
        (OWN_HTTP, True, Sight(True, True, True)),
        (EDGE, True, Sight(True, False, True, 0.0, True)),
        (EDGE | {"acknowledges": False, "position": True}, False, Sight(False, True, False, 0.0, True)),
        ({"driver": "instant"}, True, Sight(True, True, True, 0.0, True)),
    ],
)
async def test_what_a_device_can_see_follows_from_its_settings(
    barrier: dict[str, Any], detector: bool, sight: Sight
) -> None:
    fleet = Fleet(Heard(), HandClock(), Random(1))
    assert fleet.add(LANE, barrier, detector=detector).sight == sight


@pytest.mark.parametrize(
    "barrier",
    [
        *(MQTT, POSTING, HX, HIKVISION, DAHUA, RELAY, OWN_MQTT, OWN_HTTP, EDGE, {"driver": "instant"}),
        *(MQTT | {"wiring": {"no_such": 1}}, RELAY | {"screen": {"no_such": 1}}),
    ],
    ids=str,
)
def test_what_is_no_setting_is_refused(barrier: dict[str, Any]) -> None:
    wrong = barrier if "no_such" in str(barrier) else barrier | {"no_such": 1}
    with pytest.raises(BadSettings, match="no_such"):
        read_settings(wrong)


@pytest.mark.parametrize("where", ["edge", "platform", "lane"])
def test_what_is_no_setting_of_an_edge_is_refused(where: str) -> None:
    more = {"no_such": 1}
    lane = {"channel_id": "A1", "barrier": HX} | (more if where == "lane" else {})
    platform = {"broker": "mqtt://x"} | (more if where == "platform" else {})
    with pytest.raises(BadSettings, match="no_such"):
        read_edge_settings({"lot_id": "1-1", "platform": platform, "lanes": [lane]} | (more if where == "edge" else {}))


def test_every_driver_of_the_table_is_one() -> None:
    for barrier in (MQTT, POSTING, HX, HIKVISION, DAHUA, RELAY, OWN_MQTT, OWN_HTTP, EDGE):
        assert driver_named(barrier["driver"]).Settings.__doc__
