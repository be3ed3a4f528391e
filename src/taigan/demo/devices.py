"""The demo on emulated devices instead of simulated lanes: what each lane's `barrier` is, and the broker some need."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from taigan.demo.errors import UnknownBarrier

SIMULATED = "simulated"
OVER_MQTT = ("vzenith-mqtt", "mqtt")
WITHOUT_LOOP = ("hikvision-isapi", "dahua-cgi", "hx-http")
BARRIERS = (SIMULATED, *OVER_MQTT, *WITHOUT_LOOP, "vzenith-http", "modbus-relay", "http")
LOOPBACK = "127.0.0.1"

# The shell holds the broker on a leash: it ends with its standard input, or when it is told to.
_LEASH = (
    'exec 3<&0; mosquitto -c "$0" & broker=$!; trap "kill $broker" TERM INT; cat <&3 >/dev/null & wait $!; kill $broker'
)


def barriers(driver: str, channels: Iterable[str], free_port: Callable[[], int], broker_port: int) -> dict[str, str]:
    """The lanes' settings from `detector` on, as TOML, by channel. Raises `UnknownBarrier`."""
    if driver not in BARRIERS:
        raise UnknownBarrier(f"there is no demo on the barrier {driver!r}; choose one of {', '.join(BARRIERS)}")
    detector = json.dumps(driver not in WITHOUT_LOOP)
    return {
        channel: f"detector = {detector}\nbarrier = {_toml(_barrier(driver, channel, free_port, broker_port))}"
        for channel in channels
    }


def broker_command(folder: Path, port: int) -> list[str]:
    """What starts Mosquitto for this demo. Raises `UnknownBarrier` where it is not installed."""
    if shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        raise UnknownBarrier("this barrier needs the MQTT broker Mosquitto: apt-get install mosquitto")
    config = folder / "mosquitto.conf"
    # without no-delay each small message waits for the peer's delayed acknowledgement
    config.write_text(
        f"listener {port} {LOOPBACK}\nset_tcp_nodelay true\nallow_anonymous true\npersistence false\nuser root\n"
    )
    return ["/bin/sh", "-c", f'PATH="$PATH:/usr/sbin"; {_LEASH}', str(config)]


def _barrier(driver: str, channel: str, free_port: Callable[[], int], broker_port: int) -> dict[str, Any]:
    broker = {"broker": f"mqtt://{LOOPBACK}:{broker_port}"}
    gate = {"username": "admin", "password": "demo-demo"}
    serial = {"serial": f"demo-{channel}"}
    screen: dict[str, Any] = {"screen": {}}
    match driver:
        case "vzenith-mqtt":
            own = {**broker, **serial, **screen, "wiring": {"position": True}}
        case "mqtt":
            own = broker
        case "vzenith-http" | "hx-http":
            own = {**serial, "secret": secrets.token_urlsafe(24), **screen, "heartbeat_every": 5.0}
        case "hikvision-isapi":
            own = {"url": f"http://{LOOPBACK}:{free_port()}", **gate, "ask_every": 1.0, **_led(free_port)}
        case "dahua-cgi":
            own = {"url": f"http://{LOOPBACK}:{free_port()}", **gate, **_led(free_port)}
        case "modbus-relay":
            inputs = {"loop_input": 0, "up_input": 2, "down_input": 3}
            own = {"host": LOOPBACK, "port": free_port(), **inputs, **_led(free_port)}
        case "http":
            own = {**serial, "url": f"http://{LOOPBACK}:{free_port()}", "secret": "the demo's secret"}
        case _:
            own = {}
    return {"driver": driver, **own}


def _led(free_port: Callable[[], int]) -> dict[str, Any]:
    return {"screen": {"address": f"tcp://{LOOPBACK}:{free_port()}"}}


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }" if value else "{}"
    return json.dumps(value, ensure_ascii=False)
